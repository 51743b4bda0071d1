"""Batches of pairs and of candidate lists."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from fashionvl.data.batches.corruption import CLEAN, Corruption
from fashionvl.data.batches.pairing import Pairing
from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.batches.source import SplitSource, one_frame
from fashionvl.data.catalogue import CatalogueColumns
from fashionvl.data.index.catalogue import CaptionStore
from fashionvl.data.records import PairBatch
from fashionvl.data.retrieval.candidates import CandidateSet, Direction
from fashionvl.data.retrieval.dataset import RetrievalDataset
from fashionvl.data.text.encoding import encode_captions
from fashionvl.data.text.wordpiece import train_wordpiece
from fashionvl.errors import InputError
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import TextMask

ROWS, SIZE, LENGTH = 40, 16, 12
COLOURS = ["black", "white", "red", "green", "blue", "grey", "navy", "brown", "pink", "beige"]
CORRUPTED = Corruption(ImageMask(patch=4, alpha=2), TextMask(), Pairing())


class Photographs:
    """A reader of plain colours, a different one for each row."""

    source = Path("photographs")

    def __len__(self) -> int:
        return ROWS

    def columns(self) -> CatalogueColumns:
        raise AssertionError("a dataset reads no columns")

    def image(self, row: int) -> np.ndarray:
        return np.full((24, 20, 3), (row, 255 - row, 5 * row % 256), np.uint8)

    def fingerprint(self) -> str:
        return "plain colours"


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    captions = [f"{colour} cotton shirt with round collar" for colour in COLOURS]
    return train_wordpiece(captions, tmp_path_factory.mktemp("tokenizer"), 200)


@pytest.fixture(scope="module")
def source(tokenizer: PreTrainedTokenizerFast) -> SplitSource:
    """Two rows a product, two products a colour; the caption of a product is its own."""
    product = np.arange(ROWS) // 2
    texts = [f"{COLOURS[number // 2]} shirt{' collar' * (number % 2)}" for number in range(ROWS // 2)]
    ids, offsets = encode_captions(tokenizer, texts)
    return SplitSource(
        reader=Photographs(),
        boxes=np.tile(np.array([0, 0, 20, 24], np.int16), (ROWS, 1)),
        pixels=None,
        captions=CaptionStore(ids, offsets, product),
        product_id=product + 500,
        category=product % 2,
        subcategory=product % 4,
        image_size=SIZE,
        max_tokens=LENGTH,
        pad_id=int(tokenizer.pad_token_id),
        crop=True,
    )


Build = Callable[..., PairDataset]


@pytest.fixture(scope="module")
def build(source: SplitSource, tokenizer: PreTrainedTokenizerFast) -> Build:
    def build_pairs(corruption: Corruption, seed: int = 0, rows: np.ndarray | None = None) -> PairDataset:
        return PairDataset(source, np.arange(ROWS) if rows is None else rows, tokenizer, corruption, seed)

    return build_pairs


def _epoch(pairs: PairDataset, epoch: int = 0) -> PairBatch:
    return pairs.__getitems__([(epoch, position) for position in range(len(pairs))])


def _same(one: PairBatch, other: PairBatch) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(PairBatch)]
    return all(a is b is None or torch.equal(a, b) for a, b in pairs)


@settings(max_examples=40, deadline=None)
@given(
    keys=st.lists(st.tuples(st.integers(0, 3), st.integers(0, ROWS - 1)), min_size=1, max_size=6),
    seed=st.integers(0, 5),
    negatives=st.sampled_from(["random", "same_subcategory", "shift"]),
)
def test_a_pair_follows_from_seed_epoch_and_row_whatever_else_is_in_the_batch(
    build: Build, keys: list[tuple[int, int]], seed: int, negatives: str
) -> None:
    corruption = Corruption(CORRUPTED.image, CORRUPTED.text, Pairing(negatives=negatives))  # type: ignore[arg-type]
    batch = build(corruption, seed).__getitems__(keys)
    elsewhere = build(corruption, seed)
    for number, key in enumerate(keys):
        alone = elsewhere.__getitems__([key])
        assert _same(batch[number : number + 1], alone)


def test_the_row_and_not_its_position_decides(build: Build) -> None:
    backwards = build(CORRUPTED, rows=np.arange(ROWS)[::-1].copy())
    assert torch.equal(backwards.__getitems__([(2, 0)]).rows, torch.tensor([ROWS - 1]))
    assert _same(backwards.__getitems__([(2, 0)]), build(CORRUPTED).__getitems__([(2, ROWS - 1)]))


@pytest.mark.parametrize("changed", ["epoch", "seed"])
def test_another_epoch_or_seed_masks_and_pairs_differently(build: Build, changed: str) -> None:
    first = _epoch(build(CORRUPTED, seed=0), 0)
    second = _epoch(build(CORRUPTED, seed=int(changed == "seed")), int(changed == "epoch"))
    assert torch.equal(first.pixel_values, second.pixel_values)
    assert first.image_mask is not None
    assert second.image_mask is not None
    differing = (first.image_mask != second.image_mask).flatten(1).any(1).float().mean()
    assert differing > 0.5
    assert not torch.equal(first.itm_labels, second.itm_labels)
    assert first.mlm_labels is not None
    assert second.mlm_labels is not None
    assert not torch.equal(first.mlm_labels, second.mlm_labels)


def test_labels_give_masked_captions_back_whole(build: Build) -> None:
    words = TextMask(0.5, mask_share=0.4, random_share=0.4)
    batch, whole = (_epoch(build(Corruption(text=text, pairing=Pairing()))) for text in (words, None))
    shown = batch.input_ids.clone()
    assert not torch.equal(shown, whole.input_ids)
    assert _same(batch.unmasked(), whole)
    assert _same(batch.to("cpu")[3:9].unmasked(), whole[3:9])
    assert torch.equal(batch.input_ids, shown)
    assert whole.unmasked() is whole


@pytest.mark.parametrize("negatives", ["random", "same_subcategory", "shift"])
def test_labels_say_whose_caption_it_is(build: Build, source: SplitSource, negatives: str) -> None:
    batch = _epoch(build(Corruption(pairing=Pairing(0.5, negatives))))  # type: ignore[arg-type]
    own = (batch.input_ids == torch.from_numpy(source.tokens(np.arange(ROWS)).ids)).all(1)
    assert torch.equal(batch.itm_labels.bool(), own)
    assert 0 < batch.itm_labels.sum() < ROWS
    everything = _epoch(build(Corruption(pairing=Pairing(0.0, negatives))))  # type: ignore[arg-type]
    assert everything.itm_labels.sum() == 0


def test_a_mismatched_pair_keeps_the_labels_of_its_photograph(build: Build, source: SplitSource) -> None:
    batch = _epoch(build(Corruption(pairing=Pairing(0.0))))
    assert torch.equal(batch.product_id, torch.from_numpy(source.product_id))
    assert torch.equal(batch.category, torch.from_numpy(source.category))
    assert torch.equal(batch.subcategory, torch.from_numpy(source.subcategory))
    assert torch.equal(batch.pixel_values, source.images(np.arange(ROWS)))


def test_negatives_come_from_the_rows_of_the_split_alone(build: Build, source: SplitSource) -> None:
    rows = np.array([0, 1, 8, 9])
    batch = _epoch(build(Corruption(pairing=Pairing(0.0)), rows=rows))
    others = torch.from_numpy(source.tokens(np.array([8, 9, 0, 1])).ids)
    assert torch.equal(batch.input_ids, others)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_negatives_of_the_own_sub_category_are_the_hard_ones(build: Build, share: float) -> None:
    drawn = _epoch(build(Corruption(pairing=Pairing(share, "same_subcategory"))))
    assert drawn.hard_negatives is not None
    assert torch.equal(drawn.hard_negatives, drawn.itm_labels == 0)
    assert drawn.hard_negatives.all() == (share == 0)
    rows = np.array([0, 1, 2, 3])  # of two sub-categories, so that every negative is of the other
    easy = _epoch(build(Corruption(pairing=Pairing(0.0)), rows=rows))
    assert easy.hard_negatives is not None
    assert not easy.hard_negatives.any()


def test_clean_pairs_are_left_alone(build: Build, source: SplitSource) -> None:
    batch = _epoch(build(CLEAN))
    assert batch.image_mask is None
    assert batch.mlm_labels is None
    assert batch.hard_negatives is None
    assert torch.equal(batch.itm_labels, torch.ones(ROWS, dtype=torch.int64))
    assert batch.pixel_values.shape == (ROWS, 3, SIZE, SIZE)
    assert batch.pixel_values.dtype == torch.uint8
    assert batch.pixel_values[7, :, 3, 3].tolist() == [7, 248, 35]
    for row in (0, 7, ROWS - 1):
        tokens = source.captions.tokens(row, LENGTH)
        padded = [*tokens, *[source.pad_id] * (LENGTH - len(tokens))]
        assert batch.input_ids[row].tolist() == padded
        assert batch.attention_mask[row].tolist() == [1] * len(tokens) + [0] * (LENGTH - len(tokens))


def test_masked_tokens_can_be_put_back_and_photographs_stay_whole(build: Build, source: SplitSource) -> None:
    batch = _epoch(build(Corruption(ImageMask(patch=4, alpha=2), TextMask(ratio=0.5))))
    assert batch.mlm_labels is not None
    asked = batch.mlm_labels != -100
    ids, attention = source.tokens(np.arange(ROWS))
    clean = torch.from_numpy(ids)
    assert torch.equal(torch.where(asked, batch.mlm_labels, batch.input_ids), clean)
    assert asked.any(1).all()
    assert torch.equal(batch.attention_mask, torch.from_numpy(attention).long())
    assert torch.equal(batch.pixel_values, source.images(np.arange(ROWS)))
    assert batch.image_mask is not None
    assert batch.image_mask.shape == (ROWS, 1, SIZE, SIZE)
    assert batch.image_mask.float().mean() == pytest.approx(0.5)


def test_masked_positions_say_where_labels_are(build: Build) -> None:
    batch = _epoch(build(CORRUPTED))
    assert batch.mlm_labels is not None
    assert batch.masked_positions is not None
    expected = np.flatnonzero(batch.mlm_labels.numpy().ravel() != -100)
    assert batch.masked_positions.tolist() == expected.tolist()
    assert batch.masked_positions.dtype == torch.int64
    assert _epoch(build(CLEAN)).masked_positions is None
    # Some rows of a batch have positions of their own.
    some = batch[torch.tensor([5, 2])]
    assert some.mlm_labels is not None
    assert some.masked_positions is not None
    assert some.masked_positions.tolist() == np.flatnonzero(some.mlm_labels.numpy().ravel() != -100).tolist()


def test_captions_are_the_same_one_by_one_and_together(source: SplitSource) -> None:
    rows = np.arange(ROWS)[::-3]
    for length in (3, 4, LENGTH):
        for shorten in (False, True):
            together = source.captions.batch(rows, length, source.pad_id, shorten)
            alone = [source.captions.tokens(int(row), length).tolist() for row in rows]
            longest = max(map(len, alone)) if shorten else length
            assert together.ids.tolist() == [ids + [source.pad_id] * (longest - len(ids)) for ids in alone]
            assert together.attention.sum(1).tolist() == [len(ids) for ids in alone]
            assert (np.diff(together.attention.astype(int)) <= 0).all()


def test_photographs_to_resize_later_come_as_stored_with_their_boxes(source: SplitSource) -> None:
    later = replace(source, stored_frame=(24, 20), image_size=24)
    pixels, boxes, patches = later.pictures(np.array([3, 1]))
    assert pixels.shape == (2, 3, 24, 20)
    assert pixels[0, :, 0, 0].tolist() == source.reader.image(3)[0, 0].tolist()
    assert boxes is not None
    assert boxes.tolist() == [[0, 0, 20, 24]] * 2
    assert patches is None


def test_photographs_that_the_device_cannot_resize_are_named(source: SplitSource) -> None:
    rows, frames = np.array([0, 2, 4]), np.array([[20, 24], [20, 24], [20, 28]])
    assert one_frame(source.reader, rows[:2], frames[:2], 24) == (24, 20)
    with pytest.raises(InputError, match=r"resize_on: .* row 0 has 20 x 24 px and row 4 20 x 28;") as caught:
        one_frame(source.reader, rows, frames, 30)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"20 x 24 px .* would shrink to 23 px"):
        one_frame(source.reader, rows[:2], frames[:2], 23)


def test_a_grid_that_does_not_tile_the_photograph_is_refused_at_once(build: Build) -> None:
    with pytest.raises(InputError, match=r"alpha"):
        build(Corruption(image=ImageMask(patch=4, alpha=3)))


def _candidates(direction: Direction) -> CandidateSet:
    table = np.array([[4, 8, 12, 4], [8, 6, 12, 2], [30, 4, 8, 10]])
    return CandidateSet(direction, np.array([4, 6, 30]), table, np.array([0, 1, 0]), {})


@settings(max_examples=30, deadline=None)
@given(
    positions=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
    direction=st.sampled_from(["tir", "itr"]),
    chunk=st.integers(1, 13),
)
def test_pairs_put_every_query_beside_every_candidate(
    source: SplitSource, positions: list[int], direction: Direction, chunk: int
) -> None:
    candidates = _candidates(direction)
    batch = RetrievalDataset(source, candidates).__getitems__(positions)
    assert batch.query_ids.tolist() == positions
    assert batch.positive.tolist() == candidates.positive[positions].tolist()
    count = len(positions) * 4
    parts = [batch.pairs(slice(start, start + chunk)) for start in range(0, count, chunk)]
    pixels, ids, mask = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("pixel_values", "input_ids", "attention_mask")
    )
    queries = candidates.query_rows[positions].repeat(4)
    ranked = candidates.candidate_rows[positions].ravel()
    image_rows, text_rows = (ranked, queries) if direction == "tir" else (queries, ranked)
    assert torch.equal(pixels, source.images(image_rows))
    expected = source.tokens(text_rows)
    assert torch.equal(ids, torch.from_numpy(expected.ids))
    assert torch.equal(mask, torch.from_numpy(expected.attention).long())


@pytest.mark.parametrize(("direction", "images", "texts"), [("tir", 7, 3), ("itr", 3, 7)])
def test_what_pairs_share_is_held_once(
    source: SplitSource, direction: Direction, images: int, texts: int
) -> None:
    batch = RetrievalDataset(source, _candidates(direction)).__getitems__([0, 1, 2])
    assert len(batch.pixel_values) == images
    assert len(batch.input_ids) == len(batch.attention_mask) == texts
    assert batch.image_of_pair.shape == batch.text_of_pair.shape == (3, 4)
