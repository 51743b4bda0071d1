"""The run folder of a sweep's run."""

from pathlib import Path
from typing import Any

import pytest

from fashionvl.commands.train import FashionVLCLI, command_line
from fashionvl.training.wandb.sweeps import sweep_folder


def test_every_run_of_a_sweep_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "s1")
    monkeypatch.setenv("WANDB_RUN_ID", "r1")
    assert sweep_folder(Path("runs/smoke")) == Path("runs/smoke/sweeps/s1/r1")


def test_a_run_id_alone_is_no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
    monkeypatch.setenv("WANDB_RUN_ID", "r1")
    assert sweep_folder(Path("runs/smoke")) is None


class _Claims(FashionVLCLI):
    """Stops once the run folder is claimed."""

    def instantiate_classes(self) -> None:
        pass

    def _run_subcommand(self, subcommand: str) -> None:
        pass


@pytest.mark.parametrize(
    ("more", "expected"), [((), "runs/smoke/sweeps/s1/r1"), (("--run_dir", "mine"), "mine")]
)
def test_under_an_agent_fit_claims_that_folder_unless_one_is_named(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "s1")
    monkeypatch.setenv("WANDB_RUN_ID", "r1")
    monkeypatch.chdir(tmp_path)
    mvlt = repository / "experiments" / "mvlt"
    files = ("--config", str(mvlt / "pretrain.yaml"), "--config", str(mvlt / "smoke.yaml"))
    cli: Any = command_line(_Claims, ["fit", *files, *more], run=True)
    assert cli.folder.path == Path(expected)
    assert (tmp_path / expected / "config.yaml").is_file()
