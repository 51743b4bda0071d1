"""Messages on a machine without the GPUs asked for, and in a SLURM job of other numbers."""

from pathlib import Path

import pytest

from fashionvl.commands import machine
from fashionvl.commands.configurations import files_read
from fashionvl.commands.machine import LAUNCHED, check_accelerator, check_early, check_nodes, check_slurm
from fashionvl.errors import InputError

RECIPE = """
name: toy
stages:
  pretrain:
    config: pretrain.yaml
    scales: {smoke: [smoke.yaml], laptop: [smoke.yaml, laptop.yaml], gpu: [gpu.yaml], paper: []}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    contents = {
        "recipe": RECIPE,
        "pretrain": "trainer: {accelerator: gpu, devices: 8}",
        "smoke": "trainer: {accelerator: cpu}",
        "laptop": "trainer: {max_epochs: 2}",
        "gpu": "trainer: {accelerator: gpu, devices: 1}",
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.yaml").write_text(content)
    return tmp_path


def test_without_a_gpu_the_overlays_for_a_cpu_are_named(folder: Path) -> None:
    with pytest.raises(InputError) as refused:
        check_accelerator({"accelerator": "gpu", "devices": 8}, [folder / "pretrain.yaml"], 0)
    said = str(refused.value)
    assert said.startswith("trainer.accelerator: gpu, but PyTorch sees no GPU")
    assert f"--config {folder / 'smoke.yaml'} (smoke)" in said
    assert f"--config {folder / 'smoke.yaml'} --config {folder / 'laptop.yaml'} (laptop)" in said
    assert "gpu.yaml" not in said


def test_overlays_of_a_scale_with_another_base_are_named_for_that_base_only(folder: Path) -> None:
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("paper: []", "own: {config: other.yaml, overlays: [smoke.yaml]}"))
    (folder / "other.yaml").write_text("trainer: {accelerator: gpu}")
    for base, named, other in (("pretrain", "(smoke)", "(own)"), ("other", "(own)", "(smoke)")):
        with pytest.raises(InputError) as refused:
            check_accelerator({"accelerator": "gpu"}, [folder / f"{base}.yaml"], 0)
        assert named in str(refused.value)
        assert other not in str(refused.value)


def test_with_too_few_the_overlay_for_one_is_named_too(folder: Path) -> None:
    with pytest.raises(InputError, match=r"trainer\.devices: 8, but PyTorch sees 1 GPU .*gpu\.yaml \(gpu\)"):
        check_accelerator({"accelerator": "cuda", "devices": "8"}, [folder / "pretrain.yaml"], 1)


def test_an_overlay_that_is_there_already_is_not_named_again(folder: Path) -> None:
    files = [folder / "pretrain.yaml", folder / "smoke.yaml"]
    with pytest.raises(InputError, match=r"on this machine; set --trainer\.accelerator cpu"):
        check_accelerator({"accelerator": "gpu"}, files, 0)
    with pytest.raises(InputError, match="set --trainer"):
        check_accelerator({"accelerator": "gpu"}, [], 0)


@pytest.mark.parametrize(
    ("accelerator", "devices", "gpus"),
    [
        ("cpu", 4, 0),
        ("auto", "auto", 0),
        ("gpu", "auto", 1),
        ("gpu", -1, 1),
        ("gpu", [0, 1], 2),
        ("gpu", 2, 2),
    ],
)
def test_what_fits_passes(accelerator: str, devices: object, gpus: int) -> None:
    check_accelerator({"accelerator": accelerator, "devices": devices}, [], gpus)


def test_a_card_of_a_list_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"trainer\.devices: \[0, 3\]"):
        check_accelerator({"accelerator": "gpu", "devices": [0, 3]}, [], 2)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SLURM_NTASKS": "2"}, "SLURM_NTASKS=2, but SLURM_NTASKS_PER_NODE is not set"),
        (
            {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4"},
            "trainer.devices: 2, but SLURM_NTASKS_PER_NODE=4",
        ),
        (
            {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "2"},
            "trainer.num_nodes: 1, but SLURM_NNODES=2",
        ),
    ],
)
def test_slurm_variables_that_disagree_are_named(
    variables: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(InputError) as refused:
        check_slurm(2, 1)
    assert says in str(refused.value)
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    check_slurm(2, 1)


def test_without_slurm_there_is_nothing_to_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_NTASKS", raising=False)
    check_slurm(2, 1)


def test_several_nodes_need_a_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*LAUNCHED, "MASTER_ADDR", "NODE_RANK", "GROUP_RANK", "RANK"):
        monkeypatch.delenv(name, raising=False)
    check_nodes(1, 8)
    check_nodes(2, 8, ["an environment of the user's own"])
    with pytest.raises(InputError, match=r"num_nodes: 2, but no launcher .*--nnodes 2 --nproc-per-node 8"):
        check_nodes(2, 8)
    monkeypatch.setenv("MASTER_ADDR", "first.node")
    with pytest.raises(InputError, match="no launcher"):
        check_nodes(2, 8)
    monkeypatch.setenv("NODE_RANK", "1")
    check_nodes(2, 8)
    monkeypatch.delenv("MASTER_ADDR")
    for name in LAUNCHED:
        monkeypatch.setenv(name, "2")
        check_nodes(2, 8)
        monkeypatch.delenv(name)


def test_a_count_of_devices_beyond_any_machine_is_refused() -> None:
    with pytest.raises(InputError, match=r"trainer\.devices: 1000000000000 must be .*at most 4096"):
        check_accelerator({"accelerator": "cpu", "devices": 10**12}, [], 0)


def test_a_machine_that_plainly_has_no_gpu_is_told_before_pytorch_is_imported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, given = files_read(["fit", "--config", str(folder / "pretrain.yaml")])
    monkeypatch.setattr(machine, "may_have_gpu", lambda: True)
    check_early(given, words)
    monkeypatch.setattr(machine, "may_have_gpu", lambda: False)
    with pytest.raises(InputError, match=r"sees no GPU on this machine; add .*smoke\.yaml \(smoke\)"):
        check_early(given, words)
    # An overlay for a CPU, wherever it stands, is left to the parser.
    words, given = files_read([*words, "--config", str(folder / "smoke.yaml")])
    check_early(given, words)
    check_early([], ["fit"])
