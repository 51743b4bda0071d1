"""The saliency task on a small catalogue, with and without its ground truth."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from fashionvl.data import FashionGenDataModule
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.evaluation.segmentation import mask_iou
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.patches.foreground import threshold_mask
from fashionvl.tasks.kaleido import saliency
from fashionvl.tasks.kaleido.saliency import Saliency
from fashionvl.tasks.kaleido.saliency_test import SaliencyTest
from fashionvl.tasks.optimization import Optimization

SIDE = 32
TESTED = 10
FILES = ("fashiongen_256_256_train.h5", "fashiongen_256_256_validation.h5")


@pytest.fixture(scope="module")
def undrawn(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue without its sidecars: data of which nobody knows the foreground."""
    folder = tmp_path_factory.mktemp("undrawn")
    for name in FILES:
        (folder / name).symlink_to(catalogue / name)
    return folder


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("indexes")


@pytest.fixture
def open_data(indexes: Path) -> Callable[..., FashionGenDataModule]:
    def build(root: Path, **arguments: Any) -> FashionGenDataModule:
        return FashionGenDataModule(
            **{
                "root": str(root), "index_dir": str(indexes), "image_size": SIDE, "crop": False,
                "tokenizer": "train", "vocabulary": 300, "max_tokens": 8, "batch_size": 16,
                "test_batch_size": 16, "dev_share": 0.1, "generated_images": TESTED,
            }
            | arguments
        )  # fmt: skip

    return build


def _task(**arguments: Any) -> Saliency:
    torch.manual_seed(0)
    network = SaliencyUNet(widths=[4, 8, 12], image_size=SIDE)
    return Saliency(network, optimization=Optimization(lr=0.02), **arguments)


def _trainer(tmp_path: Path, **arguments: Any) -> L.Trainer:
    return L.Trainer(
        accelerator="cpu", devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path, use_distributed_sampler=False,
        **{"max_epochs": 3} | arguments,
    )  # fmt: skip


def test_it_learns_the_drawn_masks_and_is_measured_beside_the_others(
    catalogue: Path, open_data: Callable[..., FashionGenDataModule], tmp_path: Path
) -> None:
    task, data, trainer = _task(), open_data(catalogue), _trainer(tmp_path)
    trainer.fit(task, datamodule=data)
    fitted = dict(trainer.callback_metrics)
    assert {"dev/loss", "dev/bce", "dev/dice", "dev/iou"} <= fitted.keys()
    assert float(fitted["dev/loss"]) == pytest.approx(float(fitted["dev/bce"] + fitted["dev/dice"]), rel=1e-5)
    (scores,) = trainer.test(task, datamodule=data, verbose=False)
    names = [f"saliency/{m}_{kind}" for m in ("unet", "threshold", "grabcut") for kind in ("iou", "box_iou")]
    assert set(scores) == {*names, "saliency/n"}
    assert scores["saliency/n"] == TESTED
    assert scores["saliency/unet_iou"] > 0.8
    assert scores["saliency/threshold_iou"] > 0.9

    rows = task.results["saliency"].arrays
    truth = data.truth("validation")
    assert truth is not None
    found = np.stack([threshold_mask(data.test_image(row)) for row in rows["id"]])
    drawn = np.stack([truth.foreground(row) for row in rows["id"]])
    expected = mask_iou(torch.from_numpy(found), torch.from_numpy(drawn))
    assert rows["threshold_iou"].tolist() == pytest.approx(expected.tolist())

    kept = task.examples()["saliency"]
    shown = len(kept["images"])
    assert 1 < shown <= 8
    assert kept["images"].shape == (shown, 256, 256, 3)
    for name in ("truth", "unet", "threshold", "grabcut"):
        assert (kept[name].shape, kept[name].dtype) == ((shown, 256, 256), np.bool_)
        assert kept[f"{name}_box"].shape == (shown, 4)


def test_without_truth_it_learns_pseudo_masks_found_once_and_says_so(
    undrawn: Path, open_data: Callable[..., FashionGenDataModule], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    seen: list[bytes] = []

    def counted(image: np.ndarray) -> np.ndarray:
        seen.append(image.tobytes())
        return threshold_mask(image)

    monkeypatch.setitem(saliency.CLASSICAL, "threshold", counted)
    task, data = _task(masks="auto"), open_data(undrawn)
    trainer = _trainer(tmp_path, num_sanity_val_steps=0)
    with caplog.at_level(logging.WARNING):
        trainer.fit(task, datamodule=data)
    assert "no ground truth; the network learns threshold masks" in caplog.text
    assert len(seen) <= len(data.train_rows) + len(data.dev_rows)
    assert float(trainer.callback_metrics["dev/iou"]) > 0.8
    with caplog.at_level(logging.WARNING):
        (scores,) = trainer.test(task, datamodule=data, verbose=False)
    assert "no ground truth, so no IoU" in caplog.text
    assert set(scores) == {
        "saliency/threshold_agreement", "saliency/threshold_box_agreement", "saliency/n",
    }  # fmt: skip
    assert scores["saliency/threshold_agreement"] > 0.8
    kept = task.examples()["saliency"]
    assert {"images", "unet", "threshold"} <= kept.keys()
    assert not {"truth", "grabcut"} & kept.keys()


def test_the_truth_is_learned_by_the_share_of_each_pixel(
    catalogue: Path, open_data: Callable[..., FashionGenDataModule], tmp_path: Path
) -> None:
    shares: dict[int, float] = {}

    class Watched(Saliency):
        def _targets(self, batch: PairBatch) -> torch.Tensor:
            target = super()._targets(batch)
            assert target.shape == (len(batch), 1, SIDE, SIDE)
            shares.update(zip(batch.rows.tolist(), target.mean((1, 2, 3)).tolist(), strict=True))
            return target

    task, data = Watched(SaliencyUNet(widths=[4], image_size=SIDE)), open_data(catalogue)
    _trainer(tmp_path, max_epochs=1).fit(task, datamodule=data)
    truth = data.truth("train")
    assert truth is not None
    assert set(shares) >= set(data.dev_rows.tolist())
    for row, share in shares.items():
        assert share == pytest.approx(truth.foreground(row).mean(), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop": True}, r"data\.init_args\.crop: true; .* set it false"),
        ({"image_size": 64}, r"data\.init_args\.image_size: 64, but the network is made for 32"),
    ],
)
def test_data_that_do_not_fit_are_refused(
    catalogue: Path, open_data: Callable[..., FashionGenDataModule], tmp_path: Path,
    arguments: dict[str, Any], message: str,
) -> None:  # fmt: skip
    with pytest.raises(InputError, match=message):
        _trainer(tmp_path).fit(_task(), datamodule=open_data(catalogue, **arguments))


def test_truth_that_nobody_knows_is_refused(
    undrawn: Path, open_data: Callable[..., FashionGenDataModule], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"model\.init_args\.masks: truth, but .* use threshold or grabcut"):
        _trainer(tmp_path).fit(_task(masks="truth"), datamodule=open_data(undrawn))


def test_examples_are_of_different_products_and_of_one_size() -> None:
    test = SaliencyTest("threshold")
    test.forget()
    mask = np.zeros((8, 6), bool)
    mask[2:5, 1:4] = True
    for product, height in ((1, 8), (1, 8), (2, 9), *((number, 8) for number in range(3, 20))):
        test._keep(product, np.full((height, 6, 3), product, np.uint8), {"unet": mask})
    arrays = test.examples(None)["saliency"]  # type: ignore[arg-type]
    assert arrays["images"][:, 0, 0, 0].tolist() == [1, *range(3, 10)]
