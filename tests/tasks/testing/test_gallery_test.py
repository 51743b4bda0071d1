"""The gallery test against ranks from the whole score matrix."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fashionvl.data import FashionGenDataModule
from fashionvl.data.records import Pixels, Texts
from fashionvl.data.requests import Retrieval
from fashionvl.errors import InputError
from fashionvl.tasks.testing import CandidateTest, GalleryTest
from tests.toys import ToyCross, ToyDual, ToyLate

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def data(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> FashionGenDataModule:
    opened = FashionGenDataModule(
        root=str(catalogue), index_dir=str(tmp_path_factory.mktemp("index")), tokenizer="train",
        vocabulary=300,
        retrieval=Retrieval(queries=12, negatives=10), image_size=32, max_tokens=24, pad_to="longest",
        test_batch_size=13,
    )  # fmt: skip
    opened.prepare_data()
    return opened


@pytest.fixture
def run(data: FashionGenDataModule) -> Run:
    """Pass everything through a test; results by protocol."""

    @torch.no_grad()
    def passed(test: Any, network: Any, limit: int | None = None) -> dict[str, Any]:
        test.prepare(network, data)
        for number, batch in enumerate(test.loader(data)):
            if limit is None or number < limit:
                test.step(network, data.on_after_batch_transfer(batch, 0))
        return {result.name: result for result in test.results(network, data)}

    return passed


@torch.no_grad()
def _scores(network: Any, data: FashionGenDataModule) -> np.ndarray:
    """`[I, T]` of the whole gallery in one batch."""
    gallery, source = data.gallery(), data.test_source
    images = network.embed_image(Pixels(source.images(gallery.image_rows).float() / 255))
    captions = source.tokens(gallery.text_rows)
    texts = Texts(torch.from_numpy(captions.ids), torch.from_numpy(captions.attention).long())
    scores: torch.Tensor = network.similarity(images, network.embed_text(texts))
    return scores.numpy()


def _best_rank(scores: np.ndarray, positives: list[int]) -> float:
    others, best = np.delete(scores, positives), scores[positives].max()
    above, level = (others > best).sum(), (others == best).sum()
    return float(1 + above + level / (1 + (scores[positives] == best).sum()))


@pytest.mark.parametrize("kind", [ToyDual, ToyLate])
def test_ranks_are_those_of_the_whole_matrix(kind: Any, run: Run, data: FashionGenDataModule) -> None:
    torch.manual_seed(0)
    network = kind()
    found, scores, gallery = run(GalleryTest(), network), _scores(network, data), data.gallery()
    for text, rank in enumerate(found["gallery_tir"].arrays["rank"]):
        positives = gallery.images_of_text.of(np.array([text])).targets.tolist()
        assert rank == pytest.approx(_best_rank(scores[:, text], positives))
    for image, rank in enumerate(found["gallery_itr"].arrays["rank"]):
        positives = gallery.texts_of_image.of(np.array([image])).targets.tolist()
        assert rank == pytest.approx(_best_rank(scores[image], positives))
    for direction in ("tir", "itr"):
        lists = data.candidates(direction)  # type: ignore[arg-type]
        for query, rank in enumerate(found[direction].arrays["rank"]):
            rows, own = lists.candidate_rows[query], lists.query_rows[query]
            if direction == "tir":
                listed = scores[gallery.image_of_row[rows], gallery.text_of_row[own]]
            else:
                listed = scores[gallery.image_of_row[own], gallery.text_of_row[rows]]
            higher, level = (
                (listed > listed[lists.positive[query]]),
                (listed == listed[lists.positive[query]]),
            )
            assert rank == 1 + higher.sum() + (level.sum() - 1) / 2


def test_every_photograph_and_caption_is_embedded_once(run: Run, data: FashionGenDataModule) -> None:
    network, gallery = ToyDual(), data.gallery()
    run(GalleryTest(), network)
    assert network.embedded == {"images": len(gallery.image_rows), "texts": len(gallery.text_rows)}


def test_lists_alone_or_the_gallery_alone(run: Run) -> None:
    assert set(run(GalleryTest(gallery=False), ToyDual())) == {"tir", "itr"}
    assert set(run(GalleryTest(lists=False), ToyDual())) == {"gallery_tir", "gallery_itr"}
    with pytest.raises(InputError, match="ranks nothing"):
        GalleryTest(lists=False, gallery=False)


def test_every_pair_gives_the_ranks_of_candidate_lists(run: Run) -> None:
    torch.manual_seed(0)
    network = ToyCross()
    every = run(GalleryTest(every_pair=True), network)
    for direction in ("tir", "itr"):
        lists = run(CandidateTest(direction), network)  # type: ignore[arg-type]
        np.testing.assert_allclose(every[direction].arrays["rank"], lists[direction].arrays["rank"], atol=1)


def test_a_pass_that_left_something_out_is_refused(run: Run) -> None:
    with pytest.raises(InputError, match=r"13 of \d+ photographs were seen.*limit_test_batches"):
        run(GalleryTest(), ToyDual(), limit=1)


def test_networks_that_cannot_be_tested_are_told_why(data: FashionGenDataModule) -> None:
    with pytest.raises(InputError, match=r"ToyCross scores pairs, so \d+ photographs with \d+ captions take"):
        GalleryTest().prepare(ToyCross(), data)
    with pytest.raises(InputError, match="Linear cannot serve GalleryTest"):
        GalleryTest().prepare(torch.nn.Linear(1, 1), data)
    with pytest.raises(InputError, match=r"ToyDual embeds; use fashionvl\.tasks\.testing\.GalleryTest"):
        CandidateTest("tir").prepare(ToyDual(), data)
    with pytest.raises(InputError, match="every_pair; it lacks match"):
        GalleryTest(every_pair=True).prepare(ToyDual(), data)


def test_a_second_pass_forgets_the_first(run: Run) -> None:
    test, network = GalleryTest(), ToyDual()
    run(test, network)
    torch.nn.init.normal_(network.words.weight)
    test.forget()
    again, fresh = run(test, network), run(GalleryTest(), network)
    for name, result in fresh.items():
        assert again[name].scores == result.scores
