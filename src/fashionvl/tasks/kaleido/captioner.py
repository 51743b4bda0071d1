"""Teaching the captioner whose attention aligns words and patches (Kaleido-BERT section 3.3)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from fashionvl.data.records import PairBatch
from fashionvl.data.text.loading import require_bert_marks
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert.captioner import ShowAttendTell
from fashionvl.objectives.description import bag_of_words_loss, caption_loss, doubly_stochastic
from fashionvl.tasks.base import Named, PairTask
from fashionvl.tasks.optimization import Optimization

WHITE = 0.98
"""Channels above this are background when a crop is placed."""


@dataclass(frozen=True)
class Crops:
    """Crops of the size of kaleido patches, whose captions' words the CNN tells from its pooled vector.

    Our option, for a CNN without ImageNet weights: its pooled vectors are what Kaleido-BERT sees of patches.

    Attributes:
        weight: of the loss.
        size: pixels of the sides that a crop is resized to.
        count: crops a photograph.
        smallest: side of the smallest crop over the foreground box's; 1/5 as in level 5. Sides are drawn
            uniformly up to the whole box.
    """

    weight: float = 1.0
    size: int = 32
    count: int = 1
    smallest: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.smallest <= 1:
            raise InputError(f"crops.smallest: {self.smallest} is not a share in (0, 1]")
        if self.size < 1 or self.count < 1:
            raise InputError(f"crops: size {self.size} and count {self.count} must be positive")

    def cut(self, pixel_values: Tensor) -> Tensor:
        """Draw and cut crops.

        Args:
            pixel_values: `[B, 3, H, W]` in [0, 1].

        Returns:
            `[B * count, 3, size, size]`; the crops of one photograph follow each other.
        """
        boxes = foreground_boxes(pixel_values).repeat_interleave(self.count, 0)
        corner, extent = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
        draws = torch.rand(len(boxes), 3, device=boxes.device)
        side = (self.smallest + (1 - self.smallest) * draws[:, :1]) * extent
        start = corner + draws[:, 1:] * (extent - side)
        # affine_grid counts from -1 to 1 over the photograph.
        scale, shift = side, 2 * start + side - 1
        theta = torch.stack([torch.diag_embed(scale)[:, 0], torch.diag_embed(scale)[:, 1]], 1)
        theta = torch.cat([theta, shift[:, :, None]], 2)
        grid = F.affine_grid(theta, [len(boxes), 3, self.size, self.size], align_corners=False)
        photographs = pixel_values.repeat_interleave(self.count, 0)
        return F.grid_sample(photographs, grid, padding_mode="border", align_corners=False)


def foreground_boxes(pixel_values: Tensor) -> Tensor:
    """The box of everything not white, as fractions x0, y0, x1, y1 of the frame; the frame if all is white.

    A quick stand-in on the device for the foreground finder: crops for training need no exact box.

    Args:
        pixel_values: `[B, 3, H, W]` in [0, 1].

    Returns:
        `[B, 4]`.
    """
    dark = pixel_values.amin(1) < WHITE
    ends = []
    for axis in (1, 2):
        seen = dark.any(axis)
        seen = seen | ~seen.any(1, keepdim=True)
        length = seen.shape[1]
        first = seen.float().argmax(1)
        last = length - seen.flip(1).float().argmax(1)
        ends.append((first / length, last / length))
    (left, right), (top, bottom) = ends
    return torch.stack([left, top, right, bottom], 1)


class CaptionerTraining(PairTask):
    """Show, Attend and Tell on photographs and their captions, with teacher forcing."""

    network: ShowAttendTell

    def __init__(
        self,
        network: ShowAttendTell,
        doubly_stochastic_weight: float = 1.0,
        crops: Crops | None = None,
        context_weight: float = 0.0,
        optimization: Optimization = Optimization(),  # noqa: B008 - frozen
    ) -> None:
        """Assemble the task.

        Args:
            network: the captioner.
            doubly_stochastic_weight: lambda of Xu et al. 2015, section 4.2.1; 1 in their code for MS COCO.
            crops: teach the pooled vectors too; None leaves them to the hub's weights.
            context_weight: of telling each word from the attended context alone. Our option: soft attention
                may stay flat, since the mean of all annotations tells everything and the LSTM knows what is
                to be said next; a word told without the LSTM has to be looked at. Needs `words_of_context`.
            optimization: optimiser and schedule.

        Raises:
            InputError: a loss without its head, or a head without its loss.
        """
        super().__init__(optimization)
        self.network, self.crops = network, crops
        self.weights = {"doubly_stochastic": doubly_stochastic_weight, "context": context_weight}
        if crops:
            self.weights["bag"] = crops.weight
        if (context_weight > 0) != (network.context_words is not None):
            raise InputError(
                "model.init_args.context_weight: goes together with network.init_args.words_of_context; set "
                "both or none"
            )
        if (crops is None) != (network.bag is None):
            raise InputError(
                "model.init_args.crops: goes together with network.init_args.bag_of_words; set both or none"
            )

    def check_data(self) -> None:
        """Check that words and special tokens are the tokenizer's.

        Raises:
            InputError: the tokenizer has more word pieces, longer captions or other special tokens.
        """
        data = self.data
        place = "model.init_args.network.init_args"
        if len(data.tokenizer) > self.network.vocab_size:
            raise InputError(
                f"{place}.vocab_size: {self.network.vocab_size} is less than the {len(data.tokenizer)} word "
                f"pieces of tokenizer {data.tokenizer_name}"
            )
        if data.max_tokens > self.network.max_tokens:
            raise InputError(
                f"{place}.max_tokens: {self.network.max_tokens} is less than data.max_tokens, "
                f"{data.max_tokens}"
            )
        marks = ("cls", "sep", "pad")
        require_bert_marks(data.tokenizer, data.tokenizer_name, marks, "the captioner")
        for key in marks:
            own, theirs = getattr(self.network.specials, key), getattr(data.tokenizer, f"{key}_token_id")
            if own != theirs:
                raise InputError(f"{place}.{key}_id: {own}, but tokenizer {data.tokenizer_name} has {theirs}")

    def losses(self, batch: PairBatch, step: int | None) -> tuple[Named, Named]:
        """Compute the unweighted losses by name, and the accuracy of the next words."""
        logits, attention, seen = self.network(batch.pixel_values, batch.input_ids, batch.attention_mask)
        steps = logits.shape[1]
        targets, known = batch.input_ids[:, 1 : steps + 1], batch.attention_mask[:, 1 : steps + 1].bool()
        weight = self.share(known.sum())
        losses = {
            "caption": caption_loss(logits, targets, known) * weight,
            "doubly_stochastic": doubly_stochastic(attention, known),
        }
        if seen is not None:
            losses["context"] = caption_loss(seen, targets, known) * weight
        if self.crops is not None:
            words = self.network.word_logits(self.crops.cut(batch.pixel_values))
            losses["bag"] = bag_of_words_loss(words, self._bags(batch).repeat_interleave(self.crops.count, 0))
        accuracy = (logits.argmax(-1) == targets)[known].float().mean()
        return losses, {"token_accuracy": accuracy}

    def _bags(self, batch: PairBatch) -> Tensor:
        """Mark the words of each caption, `[B, V]` bool; special tokens are none."""
        bags = torch.zeros(len(batch), self.network.vocab_size, dtype=torch.bool, device=self.device)
        bags.scatter_(1, batch.input_ids, value=True)
        specials = self.network.specials
        bags[:, [specials.cls, specials.sep, specials.pad]] = False
        return bags

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        """Losses and accuracy on the dev split, with the same crops every epoch."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(batch_idx)
            super().validation_step(batch, batch_idx)
