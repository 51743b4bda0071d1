"""Retrieval by a network that embeds: every photograph and caption once, then lists and the whole gallery."""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import Embedding, GalleryImages, GalleryTexts, RetrievalBatch
from fashionvl.data.retrieval.candidates import Direction
from fashionvl.data.retrieval.gallery import Gallery, GalleryDataset, GalleryPairsDataset, Links
from fashionvl.errors import InputError
from fashionvl.evaluation.ranking import RetrievalRanks
from fashionvl.models.protocols import Embeds, ScoresPairs, require
from fashionvl.tasks.gathering import everyones
from fashionvl.tasks.retrieval import score_candidates
from fashionvl.tasks.testing.base import Arrays, Result, Test
from fashionvl.tasks.testing.candidates import candidate_facts
from fashionvl.tasks.testing.ranked import RankedExamples
from fashionvl.tasks.testing.scores import EmbeddedScores, PairScores, Scores

DIRECTIONS: tuple[Direction, ...] = ("tir", "itr")

QUERIES_AT_ONCE = 256
"""Queries ranked over the gallery in one block."""


class GalleryTest(Test):
    """Both directions over candidate lists and over the whole test split, from one pass.

    Over the gallery, every caption is a query for all photographs and every photograph one for all captions;
    a query may have several positives (see `Gallery`) and its rank is that of the best.
    """

    name = "gallery"

    def __init__(self, lists: bool = True, gallery: bool = True, every_pair: bool = False) -> None:
        """Choose what is ranked.

        Args:
            lists: the candidate lists that `CandidateTest` ranks, as `tir` and `itr`.
            gallery: the whole split, as `gallery_tir` and `gallery_itr`.
            every_pair: allow a network that scores pairs, by one forward pass for every photograph with every
                caption.

        Raises:
            InputError: nothing is to be ranked.
        """
        super().__init__()
        if not lists and not gallery:
            raise InputError(
                "model.init_args.tests: GalleryTest with lists and gallery both false ranks nothing"
            )
        self.lists, self.gallery, self.every_pair = lists, gallery, every_pair
        names = [*(DIRECTIONS if lists else ()), *(f"gallery_{d}" for d in DIRECTIONS if gallery)]
        self.ranks = nn.ModuleDict({name: RetrievalRanks() for name in names})
        self.forget()

    def forget(self) -> None:
        """Drop what an earlier pass left."""
        super().forget()
        self._images: list[tuple[Tensor, Embedding]] = []
        self._texts: list[tuple[Tensor, Embedding]] = []
        self._blocks: list[tuple[Tensor, Tensor, Tensor]] = []
        self._examples = {direction: RankedExamples(direction) for direction in DIRECTIONS}

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Refuse a network that does not embed, unless every pair may be scored.

        Raises:
            InputError: naming what it lacks, or how many forward passes it would take.
        """
        if self.every_pair:
            require(network, ScoresPairs, "GalleryTest with every_pair")
        elif not isinstance(network, ScoresPairs):
            require(network, Embeds, "GalleryTest")
        elif not isinstance(network, Embeds):
            gallery = data.gallery()
            images, texts = len(gallery.image_rows), len(gallery.text_rows)
            raise InputError(
                f"model.init_args.tests: GalleryTest: {type(network).__name__} scores pairs, so {images:,} "
                f"photographs with {texts:,} captions take {images * texts:,} forward passes; use "
                "CandidateTest, or set every_pair to true"
            )

    def loader(self, data: FashionGenDataModule) -> Any:
        """Return every photograph once and every caption once; with `every_pair`, every pair in blocks."""
        gallery = data.gallery()
        if self.every_pair:
            return data.each_once(GalleryPairsDataset(data.test_source, gallery), None, with_epoch=False)
        dataset = GalleryDataset(data.test_source, gallery, data.test_batch_size)
        return data.each_once(dataset, None, with_epoch=False)

    def step(self, network: nn.Module, batch: GalleryImages | GalleryTexts | RetrievalBatch) -> None:
        """Embed one batch, or score one block of pairs; what is found is kept on the CPU."""
        if isinstance(batch, RetrievalBatch):
            scores = score_candidates(cast(ScoresPairs, network), batch).T.cpu()
            assert batch.candidate_ids is not None  # of this test's own dataset
            self._blocks.append((batch.candidate_ids[0].cpu(), batch.query_ids.cpu(), scores))
            return
        embeds = cast(Embeds, network)
        if isinstance(batch, GalleryImages):
            self._images.append((batch.numbers.cpu(), _kept(embeds.embed_image(batch.images))))
        else:
            self._texts.append((batch.numbers.cpu(), _kept(embeds.embed_text(batch.texts))))

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Rank this process's share of the queries, and return the ranks of all.

        Raises:
            InputError: part of the gallery was left out, as by `trainer.limit_test_batches`.
        """
        scores, place = self._scores(network, data.gallery()), data.place()
        with torch.no_grad():
            for direction in DIRECTIONS:
                if self.lists:
                    self._rank_lists(scores, direction, data, place)
                if self.gallery:
                    self._rank_gallery(scores, direction, data.gallery(), place)
        return [
            Result(name, metric.compute(), metric.per_query()) for name, metric in self._metrics().items()
        ]

    def _metrics(self) -> dict[str, RetrievalRanks]:
        return {name: cast(RetrievalRanks, metric) for name, metric in self.ranks.items()}

    def _scores(self, network: nn.Module, gallery: Gallery) -> Scores:
        sizes = len(gallery.image_rows), len(gallery.text_rows)
        if self.every_pair:
            return PairScores.joined(everyones(self._blocks), *sizes)
        images, texts = everyones(self._images), everyones(self._texts)
        return EmbeddedScores.joined(cast(Embeds, network), _device(network), images, texts, sizes)

    def _rank_lists(
        self, scores: Scores, direction: Direction, data: FashionGenDataModule, place: tuple[int, int]
    ) -> None:
        candidates, gallery = data.candidates(direction), data.gallery()
        metric, (replicas, rank) = self._metrics()[direction], place
        for query in range(rank, len(candidates), replicas):
            row, others = candidates.query_rows[query : query + 1], candidates.candidate_rows[query]
            images, texts = (others, row) if direction == "tir" else (row, others)
            block = scores.block(gallery.image_of_row[images], gallery.text_of_row[texts]).flatten()[None]
            number = torch.tensor([query])
            metric.update(number, block, torch.from_numpy(candidates.positive[query : query + 1]))
            self._examples[direction].add(number, block.softmax(-1))

    def _rank_gallery(
        self, scores: Scores, direction: Direction, gallery: Gallery, place: tuple[int, int]
    ) -> None:
        links: Links = gallery.images_of_text if direction == "tir" else gallery.texts_of_image
        everything = np.arange(len(gallery.image_rows if direction == "tir" else gallery.text_rows))
        metric, (replicas, rank) = self._metrics()[f"gallery_{direction}"], place
        own = np.arange(rank, len(links.offsets) - 1, replicas)
        for start in range(0, len(own), QUERIES_AT_ONCE):
            queries = own[start : start + QUERIES_AT_ONCE]
            block = (
                scores.block(everything, queries).T
                if direction == "tir"
                else scores.block(queries, everything)
            )
            offsets, targets = links.of(queries)
            metric.update(
                torch.from_numpy(queries), block, torch.from_numpy(targets), torch.from_numpy(offsets)
            )

    def facts(self, data: FashionGenDataModule) -> dict[str, dict[str, Any]]:
        """Return the candidates' fingerprints, and the gallery's with its size."""
        found: dict[str, dict[str, Any]] = {}
        if self.lists:
            found["candidates"] = {d: candidate_facts(data.candidates(d)) for d in DIRECTIONS}
        if self.gallery:
            gallery = data.gallery()
            mark = gallery.fingerprint[:16]
            found["gallery"] = {
                "gallery_tir": {"images": len(gallery.image_rows), "fingerprint": mark},
                "gallery_itr": {"texts": len(gallery.text_rows), "fingerprint": mark},
            }
        return found

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return the best answers to the first queries; shares of a softmax stand for probabilities."""
        found: dict[str, Arrays] = {}
        for ranked in self._examples.values():
            found |= ranked.examples(data)
        return found


def _kept(embedding: Embedding) -> Embedding:
    values = embedding.values.detach()
    kept = values if values.dtype == torch.float64 else values.float()
    return Embedding(kept, embedding.mask).to("cpu")


def _device(network: nn.Module) -> torch.device:
    return next((weight.device for weight in network.parameters()), torch.device("cpu"))
