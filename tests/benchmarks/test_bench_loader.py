"""The loader alone: the released items against ours, and both works at tiny size."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.catalogue import PRETRAINING, catalogue, data_module, released_folder, train_loader
from benchmarks.measure import unmarked
from benchmarks.released.feature_rows import PATCHES, FeatureRows
from benchmarks.released.items import (
    BERT_ENTRIES,
    IGNORED,
    ReleasedItems,
    grid_mask,
    load_crop,
    released_loader,
)
from benchmarks.setting import Setting
from benchmarks.works import loader
from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.data.readers.mvlt_folder import MVLTFolderReader
from fashionvl.data.visual.features import FeatureCache, FeatureFacts, FeatureWriter
from fashionvl.patches.crops import crop_resize


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(torch.device("cpu"), "tiny", tmp_path_factory.mktemp("scratch"), seconds=0.1)


@pytest.fixture(scope="module")
def data(setting):
    return data_module(setting, 4)


@pytest.fixture(scope="module")
def items(setting, data) -> ReleasedItems:
    return ReleasedItems(released_folder(setting), data.tokenizer)


@pytest.fixture(scope="module")
def works(setting):
    return {work.name: work for work in loader.build(setting)}


@pytest.mark.parametrize(("work", "items"), [("loader alone", 4), ("Kaleido-BERT loader", 2)])
def test_every_plan_takes_a_batch(works, work, items):
    names = [plan.name for plan in works[work].plans]
    assert names[:2] == ["released", "ours"]
    for plan in works[work].plans:
        stages = []
        assert plan.run(unmarked) == items
        assert plan.run(stages.append) == items
        assert stages


def test_threads_are_as_before(works):
    before = torch.get_num_threads()
    works["loader alone"].plans[1].run(unmarked)
    assert torch.get_num_threads() == before


def test_layouts_hold_the_same_rows(setting):
    folder = MVLTFolderReader(released_folder(setting), "train")
    file = FashionGenReader(catalogue(setting) / "fashiongen_256_256_train.h5")
    assert folder.columns().caption == file.columns().caption
    assert (folder.columns().product_id == file.columns().product_id).all()
    for row in (0, len(file) // 2, len(file) - 1):
        assert (folder.image(row) == file.image(row)).all()


def test_photographs_are_uncompressed(setting):
    import h5py

    with h5py.File(catalogue(setting) / "fashiongen_256_256_train.h5") as file:
        images = file["input_image"]
        assert images.chunks is None
        assert images.id.get_storage_size() == images.size


def test_released_crop_is_ours_without_the_last_row_and_column(data, items):
    for row in range(0, len(items), 7):
        x0, y0, x1, y1 = data.train_source.boxes[row].tolist()
        ours = data.train_source.reader.image(row)[y0 : y1 - 1, x0 : x1 - 1]
        released = np.array(load_crop(items.images[row]))
        assert (released == ours).all()
        found = (items.photograph(row) * 255).round().permute(1, 2, 0).numpy()
        height, width = ours.shape[:2]
        expected = crop_resize(np.ascontiguousarray(ours), (0, 0, width, height), 256)
        # Where the crop is enlarged, OpenCV's bilinear filter is Pillow's up to rounding.
        assert np.abs(found - expected).max() <= 1


def test_batches_end_at_the_same_tensors(data, items):
    ours = data.on_after_batch_transfer(next(iter(train_loader(data))), 0)
    released = next(iter(released_loader(items, 4)))
    assert released["image"].shape == ours.pixel_values.shape
    assert released["image"].dtype == ours.pixel_values.dtype == torch.float32
    assert min(released["image"].min(), ours.pixel_values.min()) >= 0
    assert max(released["image"].max(), ours.pixel_values.max()) <= 1
    assert released["mask"].shape == ours.image_mask.shape
    for name in ("input_ids", "attention_mask", "mlm_labels"):
        assert released[name].shape == getattr(ours, name).shape
        assert released[name].dtype == torch.int64


def test_tokens_before_masking_are_ours(data, items):
    columns = data.train_source.reader.columns()
    for row in range(0, len(items), 5):
        expected = data.train_source.tokens([row])
        found = items.text(columns.caption[row])
        assert (found["original_ids"].numpy() == expected.ids[0]).all()
        assert (found["attention_mask"].numpy() == expected.attention[0]).all()


def test_masking_keeps_the_original_in_the_label(data, items):
    for caption in data.train_source.reader.columns().caption[:20]:
        found = items.text(caption)
        chosen = found["mlm_labels"] != IGNORED
        assert (found["mlm_labels"][chosen] == found["original_ids"][chosen]).all()
        assert (found["input_ids"][~chosen] == found["original_ids"][~chosen]).all()


def test_same_share_of_words_is_masked(data, items):
    random.seed(0)
    captions = data.train_source.reader.columns().caption
    released = [items.text(caption) for caption in captions for _ in range(6)]
    words = sum(int(found["attention_mask"].sum()) - 2 for found in released)
    share = sum(int((found["mlm_labels"] != IGNORED).sum()) for found in released) / words
    pairs = data.pairs("train", Corruption(text=PRETRAINING.text), seed=0)
    batch = pairs.__getitems__([(epoch, place) for epoch in range(6) for place in range(len(pairs))])
    ours = int((batch.mlm_labels >= 0).sum()) / (int(batch.attention_mask.sum()) - 2 * len(batch))
    assert share == pytest.approx(0.15, abs=0.015)
    assert ours == pytest.approx(share, abs=0.02)


def test_vocabulary_is_listed_at_berts_length(items):
    vocabulary = items._vocabulary
    assert len(vocabulary) == len(set(vocabulary.values())) == BERT_ENTRIES


def test_released_mask_is_made_of_units_and_hides_half_on_average():
    random.seed(0)
    masks = np.stack([grid_mask(256, 16) for _ in range(200)])
    assert masks.shape == (200, 1, 256, 256)
    units = masks.reshape(200, 16, 16, 16, 16)
    assert (units == units[:, :, :1, :, :1]).all()
    shares = masks.mean(axis=(1, 2, 3))
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    # The released sampler's own scatter (shared facts: 0.09 to 0.10), not that of an exact one, which is 0.
    assert shares.std() == pytest.approx(0.1, abs=0.02)


def test_an_all_white_photograph_is_refused_as_released(tmp_path):
    from PIL import Image

    Image.new("RGB", (16, 16), "white").save(tmp_path / "white.png")
    with pytest.raises(ValueError, match="zero-size array"):
        load_crop(tmp_path / "white.png")


def test_feature_rows_hold_what_the_cache_holds(tmp_path: Path):
    facts = FeatureFacts("d", 3, "b", 4, 224, "none", (1, 2, 3, 4, 5))
    writer = FeatureWriter(tmp_path / "cache", facts)
    features = np.random.default_rng(0).random((3, facts.variants, 4)).astype(np.float16)
    writer.write(np.arange(3), features, np.zeros((3, 4)))
    rows = FeatureRows.of(FeatureCache(tmp_path / "cache"), tmp_path / "rows.tsv")
    assert len(rows) == 3
    np.testing.assert_allclose(rows.take(np.array([2, 0])), features[[2, 0], :PATCHES], atol=1e-4)
