"""Show, Attend and Tell (Xu et al. 2015): the text generator of the attention-based alignment generator."""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fashionvl.errors import InputError
from fashionvl.models.blocks.cnn import Keys
from fashionvl.models.blocks.saving import SavedNetwork
from fashionvl.models.kaleido_bert.beams import Description, Specials, search
from fashionvl.models.kaleido_bert.decoder import Annotations, AttentionDecoder, State
from fashionvl.models.kaleido_bert.trunk import Trunk

WHITE = 0.95
"""A pixel whose channels are all above this is background."""

LEAST_INK = 0.3
"""Share of a cell's pixels that must not be background for the cell to show the product."""


class Told(NamedTuple):
    """Outputs of the captioner on true captions (teacher forcing).

    Attributes:
        logits: `[B, T, V]` of tokens 1..T; T is the longest caption less [CLS].
        attention: `[B, T, g, g]`, which sums to one over the grid.
        seen: `[B, T, V]` logits of the same tokens from what was attended to alone, where the network has
            the head for it.
    """

    logits: Tensor
    attention: Tensor
    seen: Tensor | None


def background(pixel_values: Tensor, side: int) -> Tensor:
    """Cells of a `side` x `side` grid that show nothing but white, `[B, side * side]` bool.

    None of a photograph that is white all over. See `WHITE` and `LEAST_INK`.
    """
    ink = (pixel_values.amin(1, keepdim=True) < WHITE).float()
    hidden = F.adaptive_avg_pool2d(ink, side).flatten(1) < LEAST_INK
    return hidden & ~hidden.all(1, keepdim=True)


class ShowAttendTell(
    SavedNetwork,
    library_name="fashionvl",
    license="mit",
    paper_url="https://arxiv.org/abs/1502.03044",
    tags=["image-captioning", "fashion"],
):
    """A CNN's grid of annotations, and an LSTM that attends to them softly (Kaleido-BERT section 3.3).

    Kaleido-BERT names the network and nothing of its setting. The decoder's sizes are those of the authors'
    code for MS COCO; there the CNN is VGG-19 at 224 px with a grid of 14 x 14 and stays as ImageNet left it.

    Args:
        image_size: pixels of the sides that photographs are attended at; those of other sizes are resized.
        backbone: name of a timm model.
        backbone_arguments: further ones of `timm.create_model`.
        pretrained: start the CNN from timm's weights of the hub; `package:efficientnet-lite0` starts
            `backbone: tf_efficientnet_lite0` from those of an installed package. Not kept by
            `save_pretrained`.
        train_backbone: learn the CNN too; it rests in the original.
        reduction: stride in pixels of the map attended to; 16 makes 14 x 14 of 224 px.
        vocab_size: word pieces of the tokenizer.
        max_tokens: longest caption, [CLS] and [SEP] included.
        attention_width: of the hidden layer that scores an annotation.
        embedding_width: of a word.
        hidden_width: of the LSTM.
        initial_state: of the LSTM; `mean` is computed from the mean annotation, `zero` is our option that
            leaves attention as the only way from the photograph to the words.
        dropout: before and after the deep output; 0.5 in the authors' code.
        product_only: let attention fall only on cells that show something, not on white background. Our
            option: cells without content else serve the decoder as signals that it sends itself.
        words_of_context: add a linear head that tells each word from the attended context alone; see
            `CaptionerTraining`.
        bag_of_words: add a linear head that tells the words of the caption from the pooled vector.
        cls_id: of [CLS].
        sep_id: of [SEP].
        pad_id: of [PAD].

    Raises:
        InputError: timm cannot build the backbone, or it has no map of this stride.
    """

    def __init__(
        self,
        *,
        image_size: int = 224,
        backbone: str = "resnet50",
        backbone_arguments: dict[str, Any] | None = None,
        pretrained: bool | str = True,
        train_backbone: bool = False,
        reduction: int = 16,
        vocab_size: int = 30522,
        max_tokens: int = 128,
        attention_width: int = 512,
        embedding_width: int = 512,
        hidden_width: int = 1800,
        initial_state: Literal["mean", "zero"] = "mean",
        dropout: float = 0.5,
        product_only: bool = False,
        words_of_context: bool = False,
        bag_of_words: bool = False,
        cls_id: int = 101,
        sep_id: int = 102,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        keys = Keys("backbone", "backbone_arguments", "pretrained")
        self.encoder = Trunk(backbone, backbone_arguments, pretrained, keys)
        self.encoder.requires_grad_(train_backbone)
        self.level, channels = self.encoder.level(reduction)
        self.decoder = AttentionDecoder(
            channels,
            attention_width,
            vocab_size,
            embedding_width,
            hidden_width,
            dropout,
            sees_mean=initial_state == "mean",
        )
        self.context_words = nn.Linear(channels, vocab_size) if words_of_context else None
        self.bag = nn.Linear(self.encoder.width, vocab_size) if bag_of_words else None
        self.vocab_size, self.max_tokens, self.train_backbone = vocab_size, max_tokens, train_backbone
        self.image_size, self.product_only = image_size, product_only
        self.specials = Specials(cls_id, sep_id, pad_id)

    def train(self, mode: bool = True) -> "ShowAttendTell":
        """Switch the mode; a resting CNN keeps its statistics."""
        super().train(mode)
        if not self.train_backbone:
            self.encoder.eval()
        return self

    def rebuilt_with(self) -> dict[str, Any]:
        """Without fetching the hub's weights again."""
        return {"pretrained": False}

    def forward(self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor) -> Told:
        """Compute the logits of each next word, given the true words before it.

        Args:
            pixel_values: `[B, 3, H, W]` in [0, 1].
            input_ids: `[B, L]`; [CLS] caption [SEP] [PAD]...
            attention_mask: `[B, L]`; 1 on tokens. Positions where every caption is padding are not run.

        Raises:
            InputError: the text is longer than `max_tokens`.
        """
        if input_ids.shape[1] > self.max_tokens:
            raise InputError(
                f"input_ids: {input_ids.shape[1]} tokens, the model has max_tokens {self.max_tokens}"
            )
        annotations, state, side = self._begin(pixel_values)
        steps = int(attention_mask.sum(1).max()) - 1
        embedded = self.decoder.word(input_ids[:, :steps])
        states, contexts, attentions = [], [], []
        for step in range(steps):
            state, context, attention = self.decoder.step(annotations, state, embedded[:, step])
            states.append(state.h)
            contexts.append(context)
            attentions.append(attention)
        logits = self.decoder.logits(embedded, torch.stack(states, 1), torch.stack(contexts, 1))
        attention = torch.stack(attentions, 1)
        seen = None
        if self.context_words is not None:
            # Of the context before the LSTM's gate, which knows what was said so far.
            context = torch.bmm(attention.to(annotations.vectors.dtype), annotations.vectors)
            seen = self.context_words(context)
        return Told(logits, attention.unflatten(-1, (side, side)), seen)

    def _begin(self, pixel_values: Tensor) -> tuple[Annotations, State, int]:
        """Annotations and first state of photographs `[B, 3, H, W]`, and the side of their grid."""
        size = (self.image_size, self.image_size)
        if pixel_values.shape[2:] != size:
            pixel_values = F.interpolate(pixel_values, size, mode="bilinear", antialias=True)
        grid = self.encoder.grid(pixel_values, self.level)
        hidden = background(pixel_values, grid.shape[-1]) if self.product_only else None
        return *self.decoder.begin(grid, hidden), grid.shape[-1]

    def word_logits(self, pixel_values: Tensor) -> Tensor:
        """Compute logits `[B, V]` of the words of a caption from the pooled vector; needs `bag_of_words`."""
        if self.bag is None:
            raise InputError("bag_of_words: the network has no such head; set it to true")
        logits: Tensor = self.bag(self.encoder.pooled(pixel_values))
        return logits

    @torch.no_grad()
    def describe(self, pixel_values: Tensor, beams: int = 1, max_tokens: int | None = None) -> Description:
        """Generate a caption.

        Args:
            pixel_values: `[B, 3, H, W]` in [0, 1].
            beams: of the search; 1 is greedy.
            max_tokens: most tokens, [CLS] and [SEP] included; the network's own by default.
        """
        annotations, state, _ = self._begin(pixel_values)
        steps = (max_tokens or self.max_tokens) - 1
        return search(self.decoder, annotations, state, self.specials, steps, beams)
