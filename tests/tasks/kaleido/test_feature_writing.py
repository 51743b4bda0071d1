"""The feature cache end to end: a prediction writes it, and it holds what the backbone sees."""

from pathlib import Path
from typing import Literal

import lightning as L
import numpy as np
import pytest
import torch

from fashionvl.data import FashionGenDataModule
from fashionvl.data.visual.crops import CropSource
from fashionvl.data.visual.features import FeatureCache
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.patches.grid import KaleidoGrid, grown
from fashionvl.tasks.kaleido.feature_writing import FeatureWriting
from fashionvl.tasks.kaleido.foreground import Foreground, ForegroundFinder

LEVELS = (1, 2, 4)
SIZE = 16
FOREGROUND = Foreground(method="threshold")


@pytest.fixture(scope="module")
def backbone() -> PatchBackbone:
    torch.manual_seed(0)
    return PatchBackbone("test_resnet", weights=None)


@pytest.fixture(scope="module")
def data(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> FashionGenDataModule:
    made = FashionGenDataModule(
        root=str(catalogue),
        index_dir=str(tmp_path_factory.mktemp("index")),
        image_size=32,
        crop=False,
        tokenizer="train",
        vocabulary=300,
        test_batch_size=24,
    )
    made.prepare_data()
    return made


def _predict(
    task: FeatureWriting,
    data: FashionGenDataModule,
    folder: Path,
    batches: int | None = None,
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
) -> None:
    trainer = L.Trainer(
        precision=precision,
        accelerator="cpu",
        devices=1,
        logger=False,
        default_root_dir=folder,
        limit_predict_batches=batches,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.predict(task, datamodule=data, return_predictions=False)


@pytest.fixture(scope="module")
def written(backbone, data, tmp_path_factory) -> tuple[Path, FeatureWriting]:
    folder = tmp_path_factory.mktemp("run")
    task = FeatureWriting(FOREGROUND, backbone, LEVELS, SIZE, chunk=128, shard_rows=50)
    _predict(task, data, folder)
    return folder / "features", task


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_cache_holds_what_the_backbone_sees_of_the_crops(written, backbone, data, split):
    index = data.index_of(split)
    cache = FeatureCache(written[0] / split, index.fingerprint, len(index), backbone.digest(), SIZE, LEVELS)
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(index), (6, 9))
    variants = rng.integers(0, cache.facts.variants, rows.shape)
    crops = CropSource(index.reader, cache.boxes, KaleidoGrid(LEVELS), SIZE).take(rows, variants)
    pixels = torch.from_numpy(crops).flatten(0, 1).permute(0, 3, 1, 2) / 255
    expected = backbone(pixels).view(*rows.shape, -1).numpy()
    spread = expected.std(axis=(0, 1)).mean()
    assert spread > 1e-3
    np.testing.assert_allclose(cache.take(rows, variants), expected, rtol=2e-3, atol=spread / 100)


def test_boxes_are_the_foreground_s(written, data):
    boxes = FeatureCache(written[0] / "validation").boxes
    images = np.stack([data.index_of("validation").reader.image(row) for row in range(8)])
    found = ForegroundFinder(FOREGROUND).boxes(images).tolist()
    assert boxes[:8].tolist() == [list(grown(tuple(box), max(LEVELS), (256, 256))) for box in found]


def test_a_level_finer_than_the_foreground_enlarges_the_box(backbone, data, monkeypatch, tmp_path):
    task = FeatureWriting(FOREGROUND, backbone, LEVELS, SIZE)
    _predict(task, data, tmp_path, batches=0)
    monkeypatch.setattr(task._finder, "boxes", lambda images: np.array([[0, 9, 1, 10]] * len(images)))
    found = task.find("train", np.zeros((2, 20, 20, 3), np.uint8), np.arange(2))
    assert found["boxes"].tolist() == [[0, 8, 4, 12]] * 2
    with pytest.raises(InputError, match="20 x 3 px is smaller than the 4 px that level 4"):
        task.find("train", np.zeros((2, 3, 20, 3), np.uint8), np.arange(2))


def test_scores_say_what_a_photograph_takes(written, backbone):
    scores = written[1].scores()
    assert scores["features/width"] == backbone.width
    assert scores["features/bytes_per_image"] == (1 + 4 + 16 + 3 + 16) * backbone.width * 2
    assert scores["features/images_per_second"] > 0
    shard = next(iter(sorted((written[0] / "train").glob("?????.npy"))))
    assert shard.stat().st_size == pytest.approx(50 * scores["features/bytes_per_image"], abs=256)


def test_a_stopped_run_goes_on_and_ends_alike(written, backbone, data, tmp_path):
    def task() -> FeatureWriting:
        return FeatureWriting(FOREGROUND, backbone, LEVELS, SIZE, chunk=1000, shard_rows=50)

    _predict(task(), data, tmp_path, batches=4)
    first = tmp_path / "features" / "train" / "00000.npy"
    before = first.stat().st_mtime_ns
    again = task()
    _predict(again, data, tmp_path)
    assert first.stat().st_mtime_ns == before
    assert again.pieces() == []
    for split in ("train", "validation"):
        one, other = (FeatureCache(folder / split) for folder in (written[0], tmp_path / "features"))
        assert one.facts == other.facts
        rows, variants = np.arange(len(one)), np.tile(np.arange(one.facts.variants), (len(one), 1))
        np.testing.assert_allclose(one.take(rows, variants), other.take(rows, variants), rtol=2e-3, atol=2e-3)
    done = task()
    _predict(done, data, tmp_path)
    assert "features/images_per_second" not in done.scores()


def test_the_trainer_s_precision_is_the_backbone_s(written, backbone, data, tmp_path):
    seen = []

    def look(module, inputs, output):
        seen.append(output.dtype)

    handle = backbone.register_forward_hook(look)
    _predict(FeatureWriting(FOREGROUND, backbone, LEVELS, SIZE), data, tmp_path, 2, "bf16-mixed")
    handle.remove()
    assert set(seen) == {torch.bfloat16}


def test_a_folder_of_another_backbone_is_refused(written, data):
    torch.manual_seed(1)
    other = FeatureWriting(FOREGROUND, PatchBackbone("test_resnet", weights=None), LEVELS, SIZE)
    with pytest.raises(InputError, match=r"train/manifest\.json.*\(backbone is "):
        _predict(other, data, written[0].parent)


@pytest.mark.parametrize("wrong", [{"patch_size": 0}, {"chunk": 0}, {"levels": (1, 1)}])
def test_sizes_that_make_no_crops_are_refused(backbone, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        FeatureWriting(FOREGROUND, backbone, **wrong)
