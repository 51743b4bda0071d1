"""Word embeddings and pyramid, which MVLT and its dual encoder share, with their sizes."""

from typing import Any, Literal

from torch import Tensor, nn

from fashionvl.data.records import Images, Pixels, Texts
from fashionvl.errors import InputError
from fashionvl.models.blocks.bert import BertEmbeddings
from fashionvl.models.blocks.saving import SavedNetwork
from fashionvl.models.mvlt.encoder import Encoder, check_pyramid

Initialization = Literal["bert", "xavier"]


class Trunk(SavedNetwork):
    """Word embeddings and the four-stage encoder; arguments as in `MVLT`.

    Raises:
        InputError: sizes that do not fit together; the message names the argument.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        embed_dims: list[int],
        depths: list[int],
        num_heads: list[int],
        mlp_ratios: list[int],
        sr_ratios: list[int],
        drop_path: float,
        vocab_size: int,
        max_tokens: int,
        text_width: int,
        text_positions: int,
        text_dropout: float,
        mask_padding: bool,
    ) -> None:
        super().__init__()
        check_pyramid(
            image_size,
            patch_size,
            sr_ratios,
            embed_dims=embed_dims,
            depths=depths,
            num_heads=num_heads,
            mlp_ratios=mlp_ratios,
        )
        if max_tokens > text_positions:
            raise InputError(f"max_tokens: {max_tokens} exceeds text_positions, {text_positions}")
        self.vocab_size, self.max_tokens = vocab_size, max_tokens
        self.mask_padding = mask_padding
        self.text_embeddings = BertEmbeddings(vocab_size, text_width, text_positions, text_dropout)
        self.encoder = Encoder(
            image_size,
            patch_size,
            embed_dims,
            depths,
            num_heads,
            mlp_ratios,
            sr_ratios,
            drop_path,
            max_tokens,
            text_width,
        )

    def rebuilt_with(self) -> dict[str, Any]:
        """Without fetching PVT weights again."""
        return {"image_size": self.encoder.image_size, "pretrained_pvt": None}

    def widest(self, tokens: int) -> int:
        """Numbers in the largest activation of one pair: an MLP's hidden layer, in stage 1 as a rule."""
        return max(stage.widest(tokens) for stage in self.encoder.levels)

    def regions(self) -> list[nn.Module]:
        """Parts worth compiling one by one: every block."""
        return [block for stage in self.encoder.levels for block in stage.blocks]

    def check_length(self, input_ids: Tensor) -> None:
        """Refuse captions `[B, L]` longer than `max_tokens`.

        Raises:
            InputError: naming both lengths.
        """
        if input_ids.shape[1] > self.max_tokens:
            raise InputError(
                f"input_ids: {input_ids.shape[1]} tokens, the model has max_tokens {self.max_tokens}"
            )

    def text_alone(self, texts: Texts) -> Tensor:
        """Encode B captions without a photograph: the [CLS] state of T^4, `[B, D_4]`.

        Raises:
            InputError: the captions are longer than `max_tokens`.
        """
        self.check_length(texts.input_ids)
        words, mask = self.text_embeddings(texts.input_ids), self.text_mask(texts.attention_mask)
        return self.encoder.text_states(words, mask, "pooled")[-1][:, 0]

    @staticmethod
    def pixels_of(images: Images) -> Tensor:
        """Return photographs `[B, 3, H, W]`.

        Raises:
            InputError: they come as kaleido patches.
        """
        if not isinstance(images, Pixels):
            raise InputError("data.init_args.kaleido: MVLT sees photographs as pixels; set it to null")
        return images.pixel_values

    def text_mask(self, attention_mask: Tensor | None) -> Tensor | None:
        """`[B, L]` bool of the tokens that may be attended to; None where padding counts, too."""
        return attention_mask.bool() if self.mask_padding and attention_mask is not None else None
