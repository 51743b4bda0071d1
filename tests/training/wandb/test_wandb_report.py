"""The W&B report that compares the columns of studies."""

import builtins
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wandb_workspaces.reports.v2 as reports  # with the real wandb, before any stand-in
from fake_wandb import FakeWandb

from fashionvl.cli import main


def _written(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    out = tmp_path / "deep" / "report.json"
    main(["wandb-report", *arguments, "--out", str(out)])
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def _every(node: Any, key: str) -> list[Any]:
    """Values of a key anywhere in a specification, in order."""
    if isinstance(node, list):
        return [value for child in node for value in _every(child, key)]
    if not isinstance(node, dict):
        return []
    here = [node[key]] if key in node else []
    return here + [value for child in node.values() for value in _every(child, key)]


@pytest.fixture(autouse=True)
def _from_the_root(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)


def test_a_study_becomes_its_question_and_a_run_set_a_column(tmp_path: Path) -> None:
    found = _written(tmp_path, "mask-ratio", "--seeds", "0", "1", "--project", "mine")
    texts = _every(found["spec"], "text")
    assert "How much of the photograph should be hidden?" in texts
    assert any("A4: 90 %" in text and "Compared with Final" in text for text in texts)
    assert found["project"] == "mine"
    assert found["title"] == "Masking ratio"
    (pretrain, recognition) = [grid for grid in found["spec"]["blocks"] if grid["type"] == "panel-grid"]
    names = [run_set["name"] for run_set in pretrain["metadata"]["runSets"]]
    assert names == ["A1: 10 %", "A2: 30 %", "Final: 50 % (the recipe)", "A3: 70 %", "A4: 90 %"]
    chosen = [
        {item["key"]["name"]: item["value"] for item in run_set["filters"]["filters"]}
        for run_set in pretrain["metadata"]["runSets"]
    ]
    common = {"stage": "pretrain", "scale": "laptop", "seed": [0, 1]}
    assert chosen[0] == {"study": "mask_ratio", "column": "A1", **common}
    assert chosen[2] == {"study": "mvlt", "column": "Final", **common}  # shared by all studies
    assert "m_cr/accuracy" in [name for names in _every(recognition, "metrics") for name in names]


def test_panels_show_curves_scores_over_seeds_and_pictures(tmp_path: Path) -> None:
    found = _written(tmp_path, "mask_ratio")
    panels = {
        panel["config"]["chartTitle"]: panel for panel in _panels(found) if "metrics" in panel["config"]
    }
    assert panels["dev/itm"]["viewType"] == "Run History Line Plot"
    assert panels["dev/itm"]["config"]["xAxis"] == "trainer/global_step"
    bar = panels["tir/sum_r, mean over seeds"]
    assert bar["viewType"] == "Bar Chart"
    assert bar["config"]["groupBy"] == "column.value"
    assert (bar["config"]["groupAgg"], bar["config"]["groupArea"]) == ("mean", "stddev")
    pictures = [name for panel in _panels(found) for name in panel["config"].get("mediaKeys", [])]
    assert pictures == ["examples/mig", "examples/tir", "examples/itr", "examples/recognition"]


def _panels(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        panel for panels in _every(found["spec"], "panels") if isinstance(panels, list) for panel in panels
    ]


def test_every_study_of_the_repository_has_a_report(repository: Path, tmp_path: Path) -> None:
    names = sorted(file.parent.name for file in (repository / "ablations").glob("*/study.yaml"))
    found = _written(tmp_path, *names)
    headings = [block for block in found["spec"]["blocks"] if block.get("level") == 1]
    assert len(headings) == len(names)


def _refusal(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["wandb-report", *arguments])
    assert stopped.value.code == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    return line


def test_an_unknown_study_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert "no study 'mask_size'" in _refusal(capfd, "mask_size")


def test_without_a_login_nothing_is_asked(wandb: FakeWandb, capfd: pytest.CaptureFixture[str]) -> None:
    wandb.logged_in = False
    assert "run `wandb login`" in _refusal(capfd, "mask_ratio")
    assert [call["prompt"] for call in wandb.logins] == [False]


def test_the_saved_reports_address_is_printed(
    wandb: FakeWandb, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wandb, "Api", lambda: SimpleNamespace(default_entity="someone"), raising=False)
    monkeypatch.delenv("WANDB_ENTITY", raising=False)

    def save(report: Any) -> Any:
        return SimpleNamespace(url=f"https://example.org/{report.entity}/{report.project}")

    monkeypatch.setattr(reports.Report, "save", save)
    main(["wandb-report", "mask_ratio"])
    assert capsys.readouterr().out == "https://example.org/someone/fashionvl\n"


def test_a_server_that_refuses_is_one_line(
    wandb: FakeWandb, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError("no\nroute")

    monkeypatch.setattr(wandb, "Api", refuse, raising=False)
    assert "OSError: no route" in _refusal(capfd, "mask_ratio")


def test_without_the_extra_its_installation_is_named(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("wandb_workspaces")]:
        monkeypatch.delitem(sys.modules, name)
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("wandb_workspaces"):
            raise ImportError("No module named 'wandb_workspaces'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    line = _refusal(capfd, "mask_ratio", "--out", str(tmp_path / "report.json"))
    assert "pip install 'fashionvl[wandb-report]'" in line
