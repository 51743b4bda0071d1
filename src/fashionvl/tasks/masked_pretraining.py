"""Masked pre-training of any cross-encoder: matching and masked words; subclasses add what pictures teach."""

from collections.abc import Mapping
from typing import Protocol, cast

from torch import Tensor, nn

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.protocols import EncodedPairs, HasHeads, MaskedEncoder, Need, ReadsTokens, require
from fashionvl.objectives.language import MLM, WordLoss, mlm_loss
from fashionvl.objectives.matching import ITM, itm_loss, says_match
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.initialization import check_input, train_heads
from fashionvl.tasks.optimization import Optimization
from fashionvl.tasks.speed import Speed
from fashionvl.tasks.testing import CandidateTest, Test


class Weighted(Protocol):
    """An objective's spec."""

    @property
    def weight(self) -> float:
        """Factor of its loss in the total."""


class MaskedTask(PairTask):
    """ITM and MLM over a `MaskedEncoder`; a subclass adds its objectives on the photographs.

    Attributes:
        itm: image-text matching, or None.
        mlm: masked words, or None.
        on_negatives: masked parts of mismatched pairs are learnt from, too.
    """

    itm: ITM | None
    mlm: Weighted | None
    on_negatives: bool

    def assemble(
        self,
        network: nn.Module,
        objectives: Mapping[str, Weighted | None],
        tests: list[Test] | None,
        otherwise: list[Test],
    ) -> None:
        """Take a network and train the heads of the objectives that are on.

        Args:
            network: what `MaskedEncoder` and `ReadsTokens` ask for.
            objectives: by the name of their loss, in the order of the total.
            tests: what it is tested on; None for `otherwise`.
            otherwise: the task's own tests.

        Raises:
            InputError: the network lacks what the task asks for, or every objective is off.
        """
        require(network, (MaskedEncoder, ReadsTokens), type(self).__name__)
        self.network = network
        self.weights = {name: spec.weight for name, spec in objectives.items() if spec}
        if not self.weights:
            *others, last = objectives
            raise InputError(
                f"model.init_args: {', '.join(others)} and {last} are all null; at least one must be on"
            )
        if isinstance(network, HasHeads):
            train_heads(network, self.weights)
        self.speed.apply(network)
        self.test_with(otherwise if tests is None else tests)

    def check_data(self) -> None:
        """Check that tokens have embeddings and that photographs come as the network reads them."""
        check_input(self.network, self.data)

    @property
    def _encoder(self) -> MaskedEncoder:
        return cast(MaskedEncoder, self.network)

    def _need(self) -> Need:
        """The last states that ITM and MLM read."""
        return "text" if self.mlm else "pooled"

    def pair_losses(self, batch: PairBatch, encoded: EncodedPairs) -> tuple[Named, Named]:
        """Compute ITM and MLM of encoded pairs, as far as they are on, with their accuracies.

        `itm_hard_accuracy` is that of the mismatched pairs of one sub-category, 0 in a batch without any.

        Args:
            batch: pairs as they were encoded, with the view of the photographs that the step has.
            encoded: their states.
        """
        losses: Named = {}
        scores: Named = {}
        if self.itm:
            logits = self._encoder.itm_logits(self._itm_states(batch, encoded))
            losses["itm"] = itm_loss(logits, batch.itm_labels)
            right = says_match(logits) == batch.itm_labels.bool()
            scores["itm_accuracy"] = right.float().mean()
            if batch.hard_negatives is not None:
                # Of `mixed` negatives three in four pairs are told by the sub-category alone.
                hard = batch.hard_negatives
                scores["itm_hard_accuracy"] = (right & hard).sum() / hard.sum().clamp(min=1)
        if self.mlm and batch.mlm_labels is not None:
            words = self._word_loss(batch, batch.mlm_labels, encoded.text)
            losses["mlm"] = words.loss * self.share(words.asked)
            scores["mlm_accuracy"] = words.accuracy
        return losses, scores

    def _itm_states(self, batch: PairBatch, encoded: EncodedPairs) -> Tensor:
        """Return the pooled states `[B, H]` that ITM reads; `itm.text: whole` takes a second forward."""
        if self.itm is None or self.itm.text == "masked" or batch.mlm_labels is None:
            return encoded.pooled
        return self.pooled(batch.unmasked())

    def pooled(self, batch: PairBatch) -> Tensor:
        """Encode B pairs for their pooled states `[B, H]` alone."""
        return self._encoder.encode_pairs(batch, "pooled").pooled

    def _word_loss(self, batch: PairBatch, labels: Tensor, states: Tensor) -> WordLoss:
        positions = batch.masked_positions
        if not self.on_negatives:
            labels, positions = labels.masked_fill(batch.itm_labels[:, None] == 0, IGNORED_LABEL), None
        everywhere = not self.speed.needed_only
        return mlm_loss(states, labels, self._encoder.mlm_logits, positions, everywhere)


def retrieval_tests(itm: ITM | None, scored_pairs: int | None) -> list[Test]:
    """Return zero-shot retrieval in both directions, where matching is learnt."""
    return [CandidateTest("tir", scored_pairs), CandidateTest("itr", scored_pairs)] if itm else []


class MaskedPretraining(MaskedTask):
    """Image-text matching (ITM) and masked language modelling (MLM), each switched off by `null`."""

    mlm: MLM | None

    def __init__(
        self,
        network: nn.Module,
        itm: ITM | None = ITM(),  # noqa: B008 - frozen
        mlm: MLM | None = MLM(),  # noqa: B008 - frozen
        on_negatives: bool = True,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
        scored_pairs: int | None = None,
        speed: Speed = Speed(),  # noqa: B008 - frozen
        tests: list[Test] | None = None,
    ) -> None:
        """Assemble the task.

        Args:
            network: the model, a `MaskedEncoder`.
            itm: image-text matching.
            mlm: masked language modelling.
            on_negatives: MLM also learns from mismatched pairs.
            optimization: optimiser and schedule.
            scored_pairs: pairs a retrieval forward takes at most; None takes what suits the device.
            speed: how it is computed.
            tests: what it is tested on; None is retrieval in both directions where ITM is on.

        Raises:
            InputError: the network lacks what the task asks for, or every objective is off.
        """
        super().__init__(optimization, speed)
        self.itm, self.mlm, self.on_negatives = itm, mlm, on_negatives
        self.assemble(network, {"itm": itm, "mlm": mlm}, tests, retrieval_tests(itm, scored_pairs))

    @property
    def corruption(self) -> Corruption:
        """Mismatched captions and masked tokens, as far as the objectives are on."""
        return Corruption(
            text=self.mlm.mask if self.mlm else None, pairing=self.itm.pairing if self.itm else None
        )

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the losses that are on, and accuracies to watch."""
        return self.pair_losses(batch, self._encoder.encode_pairs(batch, self._need()))
