"""The gallery: what belongs together, and every image and caption once."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.batches.source import Pictures
from fashionvl.data.index.catalogue import PaddedCaptions
from fashionvl.data.records import GalleryImages, GalleryTexts
from fashionvl.data.retrieval.gallery import Gallery, GalleryDataset, GalleryPairsDataset, Links

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=12)


def _of(links: Links, query: int) -> list[int]:
    return links.targets[links.offsets[query] : links.offsets[query + 1]].tolist()


def test_photographs_of_a_product_are_positives_of_its_caption() -> None:
    gallery = Gallery.of_rows(np.array([7, 7, 9]), np.array([0, 0, 1]))
    assert gallery.image_rows.tolist() == [0, 1, 2]
    assert gallery.text_rows.tolist() == [0, 2]
    assert [_of(gallery.images_of_text, text) for text in range(2)] == [[0, 1], [2]]
    assert [_of(gallery.texts_of_image, image) for image in range(3)] == [[0], [0], [1]]


def test_five_captions_of_an_image_decode_it_once() -> None:
    """As MS-COCO has them: a row a caption."""
    gallery = Gallery.of_rows(np.repeat([3, 5], 5), np.arange(10), image_of_row=np.repeat([3, 5], 5))
    assert len(gallery.image_rows) == 2
    assert _of(gallery.texts_of_image, 1) == [5, 6, 7, 8, 9]
    assert _of(gallery.images_of_text, 9) == [1]
    assert gallery.image_of_row.tolist() == [0] * 5 + [1] * 5


def test_products_of_one_caption_share_it() -> None:
    gallery = Gallery.of_rows(np.array([1, 2]), np.array([4, 4]))
    assert _of(gallery.images_of_text, 0) == [0, 1]


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_links_are_those_of_the_definition(rows: list[tuple[int, int, int]]) -> None:
    """Caption and image belong together where some product has both."""
    product, caption, image = (np.array(column) for column in zip(*rows, strict=True))
    gallery = Gallery.of_rows(product, caption, image)
    texts, images = np.unique(caption), np.unique(image)
    for number, text in enumerate(texts):
        products = set(product[caption == text])
        expected = sorted({i for i, shown in enumerate(images) if products & set(product[image == shown])})
        assert _of(gallery.images_of_text, number) == expected
    for number in range(len(images)):
        expected = [text for text in range(len(texts)) if number in _of(gallery.images_of_text, text)]
        assert _of(gallery.texts_of_image, number) == expected


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_some_queries_keep_their_positives(queries: list[int]) -> None:
    links = Links(np.array([0, 2, 3, 3, 6]), np.array([4, 5, 1, 0, 2, 3]))
    some = links.of(np.array(queries))
    assert [_of(some, place) for place in range(len(queries))] == [_of(links, query) for query in queries]


def test_the_fingerprint_tells_galleries_apart() -> None:
    one, other = (Gallery.of_rows(np.array(ids), np.array([0, 0, 1])) for ids in ([1, 1, 2], [1, 2, 2]))
    assert one.fingerprint == Gallery.of_rows(np.array([1, 1, 2]), np.array([0, 0, 1])).fingerprint
    assert one.fingerprint != other.fingerprint


@pytest.fixture
def source() -> Callable[..., SimpleNamespace]:
    """Photographs and captions that hold their row."""

    def pictures(rows: np.ndarray) -> Pictures:
        return Pictures(torch.as_tensor(rows)[:, None, None, None].expand(-1, 3, 2, 2))

    def tokens(rows: np.ndarray) -> PaddedCaptions:
        return PaddedCaptions(np.stack([rows, rows], 1), np.ones((len(rows), 2), bool))

    return SimpleNamespace(pictures=pictures, tokens=tokens)  # type: ignore[return-value]


def test_a_pass_gives_every_image_and_every_caption_once(source: SimpleNamespace) -> None:
    gallery = Gallery.of_rows(np.array([5, 5, 6, 7, 7]), np.array([0, 0, 1, 2, 3]))
    dataset = GalleryDataset(source, gallery, 2)  # type: ignore[arg-type]
    assert len(dataset) == 3 + 2
    batches = [dataset[position] for position in range(len(dataset))]
    images = [batch for batch in batches if isinstance(batch, GalleryImages)]
    texts = [batch for batch in batches if isinstance(batch, GalleryTexts)]
    assert torch.cat([batch.numbers for batch in images]).tolist() == [0, 1, 2, 3, 4]
    assert torch.cat([batch.pixel_values[:, 0, 0, 0] for batch in images]).tolist() == [0, 1, 2, 3, 4]
    assert torch.cat([batch.numbers for batch in texts]).tolist() == [0, 1, 2, 3]
    assert torch.cat([batch.input_ids[:, 0] for batch in texts]).tolist() == [0, 2, 3, 4]


def test_blocks_of_pairs_cover_the_gallery(source: SimpleNamespace) -> None:
    gallery = Gallery.of_rows(np.arange(5), np.array([0, 0, 1, 2, 3]))
    dataset = GalleryPairsDataset(source, gallery, block=2)  # type: ignore[arg-type]
    seen = []
    for position in range(len(dataset)):
        batch = dataset[position]
        pairs = batch.pairs(slice(None))
        assert batch.candidate_ids is not None
        for text, image, pair in zip(
            batch.query_ids.repeat_interleave(batch.candidate_ids.shape[1]).tolist(),
            batch.candidate_ids.flatten().tolist(),
            range(len(pairs)),
            strict=True,
        ):
            assert pairs.pixel_values[pair, 0, 0, 0] == gallery.image_rows[image]
            assert pairs.input_ids[pair, 0] == gallery.text_rows[text]
            seen.append((image, text))
    assert sorted(seen) == [(image, text) for image in range(5) for text in range(4)]
