"""Photographs as kaleido patches: plain, transformed, masked together with their words."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data import FashionGenDataModule
from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.pairing import Pairing
from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.requests import Synthetic
from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.visual.alignments import AlignmentFacts, AlignmentWriter
from fashionvl.data.visual.corruption import PatchCorruption
from fashionvl.data.visual.features import FeatureFacts, FeatureWriter
from fashionvl.data.visual.kaleido import PERMUTATIONS, Kaleido
from fashionvl.errors import InputError
from fashionvl.masking.alignment import AlignmentGuidedMask
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid

WIDTH = 8
GRID = KaleidoGrid()
VARIANTS = Variants(GRID)
MATCHED = Pairing(positive_share=1.0)
"""Every caption stays with its photograph."""

EVERYTHING = PatchCorruption(AlignmentGuidedMask())


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> FashionGenDataModule:
    """A small synthetic catalogue with a cache whose features tell row and variant, and with alignments."""
    home = tmp_path_factory.mktemp("kaleido")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        options: dict[str, Any] = {
            "synthetic": Synthetic(24, 0, 0.25), "tokenizer": "train", "vocabulary": 200,
            "max_tokens": 24, "dev_share": 0.1, "pad_to": "longest",
        }  # fmt: skip
        plain = FashionGenDataModule(**options)
        plain.prepare_data()
        for split in ("train", "validation"):
            index = plain.index_of(split)  # type: ignore[arg-type]
            facts = FeatureFacts(index.fingerprint, len(index), "x", WIDTH, 32, "nonwhite", GRID.levels)
            writer = FeatureWriter(home / "features" / split, facts, shard_rows=16)
            for rows in writer.pending():
                writer.write(rows, _marked(rows), index.boxes[rows])
            tokens = tokenizer_fingerprint(plain.tokenizer)
            aligned = AlignmentWriter(
                home / "alignments" / split, AlignmentFacts(index.fingerprint, len(index), tokens, "c", "m")
            )
            for rows in aligned.pending():
                # The second word of every caption is seen near the middle of the frame.
                regions = np.tile(np.array([0.45, 0.45, 0.5, 0.5], np.float32), (len(rows), 1, 1))
                aligned.write(rows, tokens=np.full((len(rows), 1), 2), regions=regions)
        kaleido = Kaleido(str(home / "features"), str(home / "alignments"))
        data = FashionGenDataModule(**options, kaleido=kaleido, root=str(plain.root.absolute()))
        data.setup()
    return data


def _marked(rows: np.ndarray) -> np.ndarray:
    """Features whose first number is the row and whose second is the variant."""
    features = np.zeros((len(rows), VARIANTS.count, WIDTH), np.float16)
    features[..., 0], features[..., 1] = rows[:, None], np.arange(VARIANTS.count)
    return features


def _dataset(data: FashionGenDataModule, corruption: Corruption, seed: int = 0) -> PairDataset:
    return data.pairs("train", corruption, seed)


def _origin(batch: Any) -> tuple[np.ndarray, np.ndarray]:
    features = batch.patches.features.numpy().astype(int)
    return features[..., 0], features[..., 1]


def test_a_clean_batch_holds_the_plain_patches_of_its_rows(module: FashionGenDataModule) -> None:
    batch = _dataset(module, Corruption()).__getitems__([(0, 0), (0, 3)])
    rows, variants = _origin(batch)
    assert batch.kaleido is None
    assert batch.pixel_values.shape == (2, 0)
    assert (rows == batch.rows.numpy()[:, None]).all()
    assert (variants == np.arange(55)).all()
    boxes = module.patches.boxes[batch.rows.numpy()]
    assert torch.equal(batch.patches.boxes, torch.from_numpy(GRID.positions(boxes, (256, 256))))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), epoch=st.integers(0, 3))
def test_the_targets_say_what_was_done_to_the_patches(
    module: FashionGenDataModule, seed: int, epoch: int
) -> None:
    corruption = Corruption(pairing=MATCHED, patches=EVERYTHING)
    batch = _dataset(module, corruption, seed).__getitems__([(epoch, position) for position in range(4)])
    rows, variants = _origin(batch)
    done = batch.kaleido
    for number in range(4):
        own, taken, seen = int(batch.rows[number]), variants[number], rows[number]
        assert taken[0] == VARIANTS.rotated(int(done.rotation[number]))
        order = PERMUTATIONS[int(done.jigsaw[number])]
        assert (taken[GRID.span(2)] == VARIANTS.plain(2)[order]).all()
        foreign = np.flatnonzero(seen != own)
        assert foreign.tolist() == [GRID.span(3).start + int(done.camouflage[number])]
        donor = seen[foreign[0]]
        products = module.train_source.product_id
        assert products[donor] != products[own]
        assert (taken[GRID.span(3)] == VARIANTS.plain(3)).all()
        grey = np.flatnonzero(taken[GRID.span(4)] != VARIANTS.plain(4))
        assert sorted(done.grey[number].tolist()) == grey.tolist()
        assert (taken[GRID.span(4)][grey] == VARIANTS.grey()[grey]).all()
        colours = done.grey_target[number, :, 1].int().tolist()
        assert colours == VARIANTS.plain(4)[done.grey[number]].tolist()
        # Blanking is the model's; the target is still here.
        assert (taken[GRID.span(5)] == VARIANTS.plain(5)).all()
        assert len(set(done.blank[number].tolist())) == 3


def test_a_task_that_is_off_leaves_its_level_alone(module: FashionGenDataModule) -> None:
    off = PatchCorruption(AlignmentGuidedMask(ratio=0.0), False, False, False, 0, 0)
    batch = _dataset(module, Corruption(patches=off)).__getitems__([(0, 0), (0, 1)])
    assert (_origin(batch)[1] == np.arange(55)).all()
    assert vars(batch.kaleido) == dict.fromkeys(vars(batch.kaleido))
    assert batch.mlm_labels is None


def test_an_aligned_word_or_its_patch_is_masked_but_never_both(module: FashionGenDataModule) -> None:
    """One word is aligned: a coin decides whether it is masked, before any other word, or its patches are."""
    masking = AlignmentGuidedMask(ratio=0.01)  # one word a caption
    dataset = _dataset(module, Corruption(pairing=MATCHED, patches=replace(EVERYTHING, masking=masking)))
    word = patch = 0
    for epoch in range(20):
        batch = dataset.__getitems__([(epoch, position) for position in range(4)])
        for number in range(4):
            (pairs,) = module.patches.pairs(batch.rows.numpy()[[number]], np.array([True]))
            assert len(pairs)
            assert (pairs[:, 0] == 2).all()
            masked_word = batch.mlm_labels[number, 2] != IGNORED_LABEL
            blank = pairs[pairs[:, 1] == 5][0, 2] in batch.kaleido.blank[number].tolist()
            assert not (masked_word and blank)
            word, patch = word + int(masked_word), patch + int(blank)
    assert word > 5
    assert patch > 5


def test_a_foreign_caption_has_no_aligned_words(module: FashionGenDataModule) -> None:
    masking = AlignmentGuidedMask(ratio=0.01)
    foreign = Corruption(pairing=Pairing(positive_share=0.0), patches=replace(EVERYTHING, masking=masking))
    dataset = _dataset(module, foreign)
    masked = [
        batch.mlm_labels[:, 2] != IGNORED_LABEL
        for epoch in range(10)
        for batch in [dataset.__getitems__([(epoch, position) for position in range(8)])]
    ]
    assert torch.cat(masked).float().mean() < 0.4


def test_captions_are_padded_to_the_longest(module: FashionGenDataModule) -> None:
    batch = _dataset(module, Corruption()).__getitems__([(0, position) for position in range(5)])
    assert batch.attention_mask.any(0).all()
    lengths = batch.attention_mask.sum(1)
    assert batch.input_ids.shape[1] == int(lengths.max()) <= 24


def test_a_pair_does_not_depend_on_its_batch(module: FashionGenDataModule) -> None:
    dataset = _dataset(module, Corruption(pairing=Pairing(), patches=EVERYTHING))
    together, alone = dataset.__getitems__([(1, 2), (1, 5)]), dataset.__getitems__([(1, 5)])
    assert torch.equal(together.patches.features[1:], alone.patches.features)
    assert torch.equal(together.kaleido.grey_target[1:], alone.kaleido.grey_target)
    length = alone.input_ids.shape[1]
    assert torch.equal(together.input_ids[1:, :length], alone.input_ids)


def test_crops_show_the_patches_whose_features_the_cache_gives(module: FashionGenDataModule) -> None:
    corruption = Corruption(pairing=Pairing(), patches=EVERYTHING)
    dataset = _dataset(module, corruption)
    features, crops = dataset.__getitems__([(0, 0)]), dataset.as_crops(16).__getitems__([(0, 0)])
    assert crops.patches.features.shape == (1, 55, 3, 16, 16)
    row, variant = (int(part[0, 20]) for part in _origin(features))
    image = module.train_source.reader.image(row)
    expected = VARIANTS.cut(image, tuple(module.patches.boxes[row]), 16, np.array([variant]))[0]
    assert torch.equal(crops.patches.features[0, 20], torch.from_numpy(expected).permute(2, 0, 1))
    assert torch.equal(features.kaleido.blank, crops.kaleido.blank)


def test_one_product_has_no_donor(module: FashionGenDataModule) -> None:
    rows = np.flatnonzero(module.train_source.product_id == module.train_source.product_id[0])
    with pytest.raises(InputError, match="one product only"):
        PairDataset(module.train_source, rows, module.tokenizer, Corruption(patches=EVERYTHING), 0)


def test_features_are_asked_for_unless_patches_are_cut_online() -> None:
    with pytest.raises(InputError, match=r"kaleido\.features"):
        Kaleido()
    assert Kaleido(online=True).features is None


@pytest.fixture
def reopened(module: FashionGenDataModule) -> Callable[[Kaleido], FashionGenDataModule]:
    """The same catalogue under another patch source."""

    def build(kaleido: Kaleido) -> FashionGenDataModule:
        data = FashionGenDataModule(
            root=str(module.root), tokenizer="train", vocabulary=220, max_tokens=24, kaleido=kaleido
        )
        data.setup()
        return data

    return build


def test_alignments_of_another_tokenizer_are_refused(
    module: FashionGenDataModule, reopened: Callable[[Kaleido], FashionGenDataModule]
) -> None:
    with pytest.raises(InputError, match="tokenizer"):
        reopened(module.kaleido)  # type: ignore[arg-type]


def test_a_cache_of_another_split_is_refused(
    module: FashionGenDataModule, reopened: Callable[[Kaleido], FashionGenDataModule], tmp_path: Path
) -> None:
    features = Path(module.kaleido.features)  # type: ignore[union-attr, arg-type]
    (tmp_path / "train").symlink_to(features / "validation")
    with pytest.raises(InputError, match="data is"):
        reopened(Kaleido(str(tmp_path)))


def test_online_patches_without_a_cache_lie_in_the_non_white_box(
    module: FashionGenDataModule, reopened: Callable[[Kaleido], FashionGenDataModule]
) -> None:
    data = reopened(Kaleido(online=True, patch_size=16, levels=(1, 2)))
    batch = data.pairs("train", Corruption(), 0).__getitems__([(0, 0)])
    assert batch.patches is not None
    assert batch.patches.features.shape == (1, 5, 3, 16, 16)
    assert data.patches.width is None
    assert (data.patches.boxes == module.index_of("train").boxes).all()
