"""Weights to start from: runs, saved models, checkpoints under our names, released files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fashionvl.errors import InputError
from fashionvl.tasks.initialization import load_weights


class Released(nn.Linear):
    """A network that reads released checkpoints, too."""

    def load_released(self, path: Path) -> Any:
        nn.init.constant_(self.weight, 7.0)
        return path


def network() -> Released:
    one = Released(2, 3)
    nn.init.zeros_(one.weight)
    return one


OURS = {"weight": torch.ones(3, 2), "bias": torch.ones(3)}
CHECKPOINT = {
    "pytorch-lightning_version": "2.6",
    "state_dict": {**{f"network.{key}": value for key, value in OURS.items()}, "teacher.a": torch.ones(1)},
}


@pytest.mark.parametrize("content", [CHECKPOINT, OURS, {"model": OURS}])
def test_a_checkpoint_under_our_names_fills_any_network(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "last.ckpt")
    for one in (network(), nn.Linear(2, 3)):
        load_weights(one, str(tmp_path / "last.ckpt"))
        assert one.weight.detach().unique().tolist() == [1.0]


def test_other_names_are_left_to_the_network(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a.kernel": torch.ones(1)}}, tmp_path / "released.pth")
    one = network()
    load_weights(one, str(tmp_path / "released.pth"))
    assert one.weight.detach().unique().tolist() == [7.0]
    with pytest.raises(InputError, match="neither a finished run, a saved model nor a checkpoint of Linear"):
        load_weights(nn.Linear(2, 3), str(tmp_path / "released.pth"))


def test_another_size_is_named(tmp_path: Path) -> None:
    torch.save(CHECKPOINT, tmp_path / "last.ckpt")
    with pytest.raises(InputError, match=r"weight \[3, 2\] instead of \[3, 5\]"):
        load_weights(nn.Linear(5, 3), str(tmp_path / "last.ckpt"))


def test_a_run_folder_stands_for_its_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    save_file(OURS, tmp_path / "model" / "model.safetensors")
    one = network()
    load_weights(one, str(tmp_path))
    assert one.weight.detach().unique().tolist() == [1.0]


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    torch.save(CHECKPOINT, tmp_path / "checkpoints" / "last.ckpt")
    with pytest.raises(InputError, match=r"has not finished; finish it, or pass its checkpoints/last\.ckpt"):
        load_weights(network(), str(tmp_path))
