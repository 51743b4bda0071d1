"""Retrieval over candidate lists, pair by pair (MVLT section 3.3; Kaleido-BERT section 4.3)."""

from typing import Any, cast

from torch import nn

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.records import RetrievalBatch
from fashionvl.data.retrieval.candidates import CandidateSet, Direction
from fashionvl.data.retrieval.dataset import RetrievalDataset
from fashionvl.errors import InputError
from fashionvl.evaluation.ranking import RetrievalRanks
from fashionvl.models.protocols import Embeds, ScoresPairs, require
from fashionvl.tasks.retrieval import score_candidates
from fashionvl.tasks.testing.base import Arrays, Result, Test
from fashionvl.tasks.testing.ranked import RankedExamples


class CandidateTest(Test):
    """Every query's candidates scored pair by pair, one forward pass a pair.

    For a network that embeds use `GalleryTest`, which embeds each photograph and caption once.
    """

    def __init__(self, direction: Direction, scored_pairs: int | None = None) -> None:
        """Name the queries.

        Args:
            direction: `tir`, a text ranks photographs, or `itr`, a photograph ranks texts.
            scored_pairs: pairs a forward pass takes at most; None takes what suits the device.
        """
        super().__init__()
        self.name = self.direction = direction
        self.scored_pairs = scored_pairs
        self.ranks = RetrievalRanks()
        self._ranked = RankedExamples(direction)

    def prepare(self, network: nn.Module, data: FashionGenDataModule) -> None:
        """Refuse a network that scores no pairs; open the candidates.

        Raises:
            InputError: naming what it lacks, or what the candidates do.
        """
        if isinstance(network, Embeds) and not isinstance(network, ScoresPairs):
            raise InputError(
                f"model.init_args.tests: CandidateTest scores pairs, but {type(network).__name__} embeds; "
                "use fashionvl.tasks.testing.GalleryTest, which ranks the same lists"
            )
        require(network, ScoresPairs, "CandidateTest")
        data.candidates(self.direction)

    def loader(self, data: FashionGenDataModule) -> Any:
        """Return queries with their candidates, shared out over the processes."""
        lists = RetrievalDataset(data.test_source, data.candidates(self.direction))
        return data.each_once(lists, data.retrieval.batch_queries, with_epoch=False)

    def step(self, network: nn.Module, batch: RetrievalBatch) -> None:
        """Score and rank Q queries."""
        scores = score_candidates(cast(ScoresPairs, network), batch, self.scored_pairs)
        self.ranks.update(batch.query_ids, scores, batch.positive)
        self._ranked.add(batch.query_ids, scores.sigmoid())

    def results(self, network: nn.Module, data: FashionGenDataModule) -> list[Result]:
        """Return recall, and the ranks behind it."""
        return [Result(self.name, self.ranks.compute(), self.ranks.per_query())]

    def facts(self, data: FashionGenDataModule) -> dict[str, dict[str, Any]]:
        """Return what decides how hard the candidates are."""
        return {"candidates": {self.direction: candidate_facts(data.candidates(self.direction))}}

    def examples(self, data: FashionGenDataModule) -> dict[str, Arrays]:
        """Return the best answers to the first queries."""
        return self._ranked.examples(data)


def candidate_facts(candidates: CandidateSet) -> dict[str, Any]:
    """Describe a candidate set in the record."""
    return {
        "fingerprint": candidates.fingerprint[:16],
        "queries": len(candidates),
        "negatives_from": candidates.negatives_from,
        "own_caption": candidates.own_caption,
    }
