"""The processor makes the tensors of the training pipeline, and is saved with the model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fashionvl.data.batches.corruption import CLEAN
from fashionvl.data.preparation import Preparation
from fashionvl.data.records import Pixels
from fashionvl.errors import InputError
from fashionvl.inference.processor import Processor

ROWS = [0, 3, 7, 11]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"crop": False},
        {"image_size": 300, "max_tokens": 40},
        {"image_size": 32, "max_tokens": 7, "pad_to": "longest"},
        {"max_tokens": 60, "pad_to": "longest"},
    ],
)
def test_the_tensors_are_those_of_the_training_pipeline(settings, open_data, tmp_path: Path) -> None:
    data = open_data(**settings)
    pairs = data.pairs("test", CLEAN, seed=0)
    trained = data.on_after_batch_transfer(pairs.__getitems__([(0, row) for row in ROWS]), 0)
    data.save_processor(tmp_path / "model")
    files = []
    for row in ROWS:
        files.append(tmp_path / f"{row}.png")
        Image.fromarray(np.asarray(data.test_image(row))).save(files[-1])

    processor = Processor.load(tmp_path / "model")
    found = processor.pairs(files, [data.test_caption(row) for row in ROWS])

    torch.testing.assert_close(found.pixel_values, trained.pixel_values, rtol=0, atol=0)
    torch.testing.assert_close(found.input_ids, trained.input_ids, rtol=0, atol=0)
    torch.testing.assert_close(found.attention_mask, trained.attention_mask, rtol=0, atol=0)
    assert found.pixel_values.max() <= 1


def test_paths_pillow_images_and_arrays_are_one(saved: Path, garments: Path) -> None:
    processor = Processor.load(saved)
    path = garments / "0.png"
    image = Image.open(path)
    kinds = processor.images([path, str(path), image, np.asarray(image)])
    assert isinstance(kinds, Pixels)
    for other in kinds.pixel_values[1:]:
        torch.testing.assert_close(other, kinds.pixel_values[0], rtol=0, atol=0)
    grey = np.full((20, 10), 7, np.uint8)
    wide = processor.images([grey, grey.astype(np.uint16) * 257, np.dstack([grey] * 3)])
    assert isinstance(wide, Pixels)
    torch.testing.assert_close(wide.pixel_values, torch.full((3, 3, 64, 64), 7 / 255), rtol=0, atol=0)


def test_what_is_saved_is_what_was_loaded(saved: Path, tmp_path: Path) -> None:
    processor = Processor.load(saved)
    processor.save(tmp_path / "copy")
    again = Processor.load(tmp_path / "copy")
    assert again.preparation == processor.preparation == Preparation(64, True, 24, "max_tokens")
    text = ["A red dress, 3/4 sleeve [MASK]"]
    assert again.texts(text).input_ids.tolist() == processor.texts(text).input_ids.tolist()
    assert (tmp_path / "copy" / "processor.json").read_text() == (saved / "processor.json").read_text()


def test_processor_json_says_everything(saved: Path) -> None:
    content = json.loads((saved / "processor.json").read_text())
    fingerprint = content["tokenizer"].pop("fingerprint")
    assert len(fingerprint) == 64
    assert content == {
        "format": 1,
        "image_size": 64,
        "crop": True,
        "max_tokens": 24,
        "pad_to": "max_tokens",
        "patches": None,
        "resize": "area, then bilinear; aspect ratio ignored",
        "pixel_range": [0.0, 1.0],
        "mean_std": None,
        "tokenizer": {"folder": "tokenizer"},
    }


@pytest.mark.parametrize(
    ("pictures", "reason"),
    [
        ([], "none given"),
        ([np.zeros((4, 4, 3))], r"picture 1: array \[4, 4, 3\] of float64, expected"),
        ([np.zeros((4, 4, 2), np.uint8)], "picture 1: array"),
        ([np.zeros((0, 4, 3), np.uint8)], "picture 1: array"),
        ([np.zeros((4, 4), np.uint8), 3], "picture 2: int, expected"),
        (["absent.png"], "absent.png: cannot be read"),
    ],
)
def test_pictures_that_cannot_be_read_are_named(saved: Path, pictures, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Processor.load(saved).images(pictures)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [([], "at least one"), ("dress", "expected a list"), (["a", None], "text 2 is NoneType")],
)
def test_texts_that_are_none_are_named(saved: Path, texts, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Processor.load(saved).texts(texts)


def test_one_text_a_picture(saved: Path, garments: Path) -> None:
    with pytest.raises(InputError, match="1 pictures and 2 texts"):
        Processor.load(saved).pairs([garments / "0.png"], ["a", "b"])


def _spoil(saved: Path, target: Path, **changes: object) -> Path:
    Processor.load(saved).save(target)
    file = target / "processor.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return target


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format 2, expected 1; update fashionvl"),
        ({"mean_std": [[0.5], [0.5]]}, "mean_std is .* update fashionvl"),
        ({"image_size": 0}, "image_size is 0"),
        ({"max_tokens": "24"}, "max_tokens is '24'"),
        ({"crop": "yes"}, "crop is 'yes'"),
        ({"pad_to": "left"}, "pad_to is 'left'"),
        ({"patches": {"levels": [1]}}, "patch_size"),
        ({"tokenizer": None}, "save the model again"),
    ],
)
def test_a_processor_that_cannot_be_used_names_the_key(
    saved: Path, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(InputError, match=rf"processor\.json: .*{reason}"):
        Processor.load(_spoil(saved, tmp_path, **changes))


def test_a_damaged_processor_is_one_line(saved: Path, tmp_path: Path) -> None:
    file = _spoil(saved, tmp_path) / "processor.json"
    file.write_text(file.read_text()[:50])
    with pytest.raises(InputError, match="not readable as JSON"):
        Processor.load(tmp_path)
    file.write_text("[]")
    with pytest.raises(InputError, match="JSON list, expected an object"):
        Processor.load(tmp_path)


def test_a_tokenizer_that_is_missing_or_another_is_refused(saved: Path, tmp_path: Path) -> None:
    folder = _spoil(saved, tmp_path) / "tokenizer"
    file = folder / "tokenizer.json"
    content = json.loads(file.read_text())
    vocabulary = content["model"]["vocab"]
    first, second = list(vocabulary)[-2:]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="another tokenizer"):
        Processor.load(tmp_path)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"tokenizer: missing"):
        Processor.load(tmp_path)


def test_a_tokenizer_that_brings_code_is_refused(saved: Path, tmp_path: Path) -> None:
    file = _spoil(saved, tmp_path) / "tokenizer" / "tokenizer_config.json"
    evil = {"auto_map": {"AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"]}}
    file.write_text(json.dumps(json.loads(file.read_text()) | evil))
    (file.parent / "evil.py").write_text("raise SystemExit('code of a stranger')")
    with pytest.raises(InputError, match="auto_map"):
        Processor.load(tmp_path)
