"""Kaleido-BERT outside of training: the features of its cache, made again from picture files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from PIL import Image

import fashionvl
from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.visual.kaleido import Kaleido
from fashionvl.errors import InputError
from fashionvl.inference.processor import Processor
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.models.kaleido_bert.saliency import SaliencyUNet
from fashionvl.tasks.kaleido.feature_writing import FeatureWriting
from fashionvl.tasks.kaleido.foreground import Foreground
from fashionvl.tasks.kaleido.pretraining import crop_features

LEVELS = (1, 2)
ROWS = [0, 4, 9]
TINY: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 16,
    "layers": 1,
    "heads": 2,
    "intermediate_size": 16,
    "text_positions": 24,
    "levels": LEVELS,
    "blank_level": 2,
    "initialization": "xavier",
}


def _save(folder: Path, width: int, data: Any, backbone: PatchBackbone | None = None) -> Path:
    torch.manual_seed(1)
    KaleidoBERT(patch_width=width, **TINY).save_pretrained(folder)
    data.save_processor(folder, backbone)
    return folder


@pytest.fixture(scope="module")
def backbone() -> PatchBackbone:
    torch.manual_seed(0)
    return PatchBackbone("test_resnet", weights=None)


@pytest.fixture(scope="module")
def features(
    open_data: Callable[..., Any], backbone: PatchBackbone, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A feature cache with boxes of a saliency network."""
    folder = tmp_path_factory.mktemp("features")
    torch.manual_seed(2)
    SaliencyUNet(image_size=32, widths=[4, 8]).save_pretrained(folder / "saliency" / "model")
    foreground = Foreground("unet", str(folder / "saliency"))
    trainer = L.Trainer(
        accelerator="cpu", logger=False, default_root_dir=folder, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    task = FeatureWriting(foreground, backbone, LEVELS, patch_size=24, chunk=64)
    trainer.predict(task, datamodule=open_data(), return_predictions=False)
    # What the run leaves is enough: the networks may be gone.
    shutil.rmtree(folder / "saliency")
    return folder / "features"


@pytest.fixture(scope="module")
def data(open_data: Callable[..., Any], features: Path) -> Any:
    return open_data(kaleido=Kaleido(str(features)))


@pytest.fixture
def model(data: Any, backbone: PatchBackbone, tmp_path: Path) -> Path:
    return _save(tmp_path / "model", backbone.width, data)


def _files(data: Any, folder: Path) -> list[Path]:
    files = [folder / f"{row}.png" for row in ROWS]
    for row, file in zip(ROWS, files, strict=True):
        Image.fromarray(np.asarray(data.test_image(row))).save(file)
    return files


def test_patches_and_scores_are_those_of_the_cache(data: Any, model: Path, tmp_path: Path) -> None:
    trained = data.pairs("test", CLEAN, seed=0).__getitems__([(0, row) for row in ROWS])
    files, captions = _files(data, tmp_path), [data.test_caption(row) for row in ROWS]
    network, processor = fashionvl.load(model)
    found = processor.pairs(files, captions)
    torch.testing.assert_close(found.patches.boxes, trained.patches.boxes, rtol=0, atol=0)
    assert found.patches.features.dtype == torch.float16
    # Convolutions round by batch size; a unit in the last place of float16 is 1e-3 of the value.
    torch.testing.assert_close(found.patches.features, trained.patches.features, rtol=2e-3, atol=1e-4)
    scores = fashionvl.score(network, processor, files, captions)
    with torch.no_grad():
        expected = network.match(trained)
    torch.testing.assert_close(scores.diagonal(), expected, rtol=0, atol=1e-3)
    assert scores.std() > 1e-2


def test_patches_cut_online_use_the_tasks_backbone(
    open_data: Callable[..., Any], backbone: PatchBackbone, tmp_path: Path
) -> None:
    online = open_data(kaleido=Kaleido(online=True, levels=LEVELS, patch_size=20, position_unit="pixel"))
    folder = _save(tmp_path / "model", backbone.width, online, backbone)
    assert not (folder / "foreground").exists()
    trained = online.pairs("test", CLEAN, seed=0).__getitems__([(0, row) for row in ROWS])
    expected = crop_features(backbone, trained.patches.features)
    found = Processor.load(folder).images(_files(online, tmp_path))
    torch.testing.assert_close(found.features, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.boxes, trained.patches.boxes, rtol=0, atol=0)


@pytest.mark.parametrize("network", ["backbone", "foreground"])
def test_a_network_that_is_not_saved_is_named(model: Path, network: str) -> None:
    shutil.rmtree(model / network)
    with pytest.raises(InputError, match=rf"{network}: missing, the model reads kaleido patches"):
        fashionvl.load(model)


def test_another_network_is_refused(model: Path, backbone: PatchBackbone) -> None:
    torch.manual_seed(5)
    PatchBackbone("test_resnet", weights=None).save(model / "backbone")
    with pytest.raises(InputError, match="another backbone than the model's features came from"):
        fashionvl.load(model)
    backbone.save(model / "backbone")
    SaliencyUNet(image_size=32, widths=[4, 8]).save_pretrained(model / "foreground")
    with pytest.raises(InputError, match="finds other boxes"):
        fashionvl.load(model)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"foreground": "eyes"}, "foreground 'eyes' is unknown"),
        ({"position_unit": "inch"}, "position_unit is 'inch'"),
        ({"levels": [1, 3]}, r"levels \[1, 3\], but the model has \[1, 2\]"),
    ],
)
def test_patches_the_model_cannot_read_are_refused(
    model: Path, changes: dict[str, object], reason: str
) -> None:
    file = model / "processor.json"
    content = json.loads(file.read_text())
    content["patches"] |= changes
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"processor\.json: .*{reason}"):
        fashionvl.load(model)


def test_a_processor_of_another_kind_of_model_is_refused(model: Path, saved: Path) -> None:
    Processor.load(saved).save(model)
    with pytest.raises(InputError, match="not of this model, KaleidoBERT reads kaleido patches"):
        fashionvl.load(model)


def test_features_of_an_older_run_leave_no_backbone(
    open_data: Callable[..., Any], features: Path, backbone: PatchBackbone, tmp_path: Path
) -> None:
    older = tmp_path / "features"
    shutil.copytree(features, older)
    shutil.rmtree(older / "backbone")
    folder = _save(tmp_path / "model", backbone.width, open_data(kaleido=Kaleido(str(older))))
    with pytest.raises(InputError, match=r"backbone: missing, .*run the features stage again"):
        fashionvl.load(folder)
    # The advice: saved there, it is found.
    backbone.save(folder / "backbone")
    assert fashionvl.load(folder)[1].preparation.patches.backbone == backbone.digest()
