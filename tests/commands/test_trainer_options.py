"""Options that would crash or never end, each named before anything is built."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from fashionvl.commands.trainer_options import check_checkpoint, check_names, check_seed, check_trainer
from fashionvl.errors import InputError


@pytest.mark.parametrize(
    ("trainer", "says"),
    [
        ({"overfit_batches": 2}, "trainer.overfit_batches: 2"),
        ({"overfit_batches": 0.5}, "trainer.overfit_batches: 0.5"),
        ({"precision": "bf16-true"}, "trainer.precision: bf16-true"),
        ({"precision": "64"}, "trainer.precision: 64"),
        ({"accumulate_grad_batches": 0}, "trainer.accumulate_grad_batches: 0 must be at least 1"),
        ({"check_val_every_n_epoch": 0}, "trainer.check_val_every_n_epoch: 0"),
        ({"max_epochs": -2}, "trainer.max_epochs: -2"),
        ({"max_epochs": -1, "max_steps": -1}, "never ends"),
        ({"gradient_clip_val": float("nan")}, "trainer.gradient_clip_val: nan"),
        ({"limit_train_batches": -0.5}, "trainer.limit_train_batches: -0.5"),
        ({"use_distributed_sampler": True}, "trainer.use_distributed_sampler"),
        ({"enable_checkpointing": False}, "trainer.enable_checkpointing"),
        ({"barebones": True}, "trainer.barebones"),
        ({"val_check_interval": 0}, "trainer.val_check_interval: 0 is never reached"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_named(trainer: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        check_trainer(trainer)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "trainer",
    [
        {},
        {"precision": None, "overfit_batches": 0.0, "max_epochs": None, "max_steps": -1},
        {"precision": "16-mixed", "max_epochs": 0, "limit_val_batches": 0, "gradient_clip_val": 1.0},
        {"precision": 32, "max_epochs": -1, "max_steps": 5, "enable_checkpointing": None},
    ],
)
def test_usual_options_pass(trainer: dict[str, Any]) -> None:
    check_trainer(trainer)


def test_seeds_outside_of_numpys_range_are_refused() -> None:
    for seed in (-1, 2**32):
        with pytest.raises(InputError, match=f"seed_everything: {seed} is outside"):
            check_seed(seed)
    for right in (0, 2**32 - 1, True, False, None):
        check_seed(right)


@pytest.mark.parametrize("name", ["", " ", "..", "../../x", "a/../../b", "/tmp/x", "~/x", "a\0b"])
def test_a_name_that_leads_out_of_the_runs_is_refused(name: str) -> None:
    check_names({"name": "a/b..c", "scale": "smoke"})
    with pytest.raises(InputError, match="scale: "):
        check_names({"name": "a", "scale": name})


def _save(file: Path) -> None:
    with ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", bytes(500))


def test_a_checkpoint_that_was_cut_short_is_named_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    _save(file)
    check_checkpoint(str(file), file)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(InputError, match=r"last\.ckpt: .*cut short \(300 bytes"):
        check_checkpoint(str(file), file)
    check_checkpoint(str(tmp_path), file)


def test_a_checkpoint_that_is_not_there_is_named_with_the_way_out(tmp_path: Path) -> None:
    last = tmp_path / "last.ckpt"
    with pytest.raises(InputError, match=r"--ckpt_path: nope\.ckpt is not there; leave it out"):
        check_checkpoint("nope.ckpt", last)
    _save(last)
    with pytest.raises(InputError, match=r"nope\.ckpt is not there; .*last\.ckpt is there"):
        check_checkpoint("nope.ckpt", last)
    with pytest.raises(InputError, match="only the last checkpoint"):
        check_checkpoint("best", last)
    for right in (None, "last", str(last), str(tmp_path)):
        check_checkpoint(right, last)
