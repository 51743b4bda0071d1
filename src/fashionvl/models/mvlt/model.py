"""MVLT: masked vision-language transformer in fashion (Ji et al., Machine Intelligence Research, 2023)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from fashionvl.data.records import Images, Pairs, Texts
from fashionvl.models.blocks.bert import draw_by_width, init_transformer_weights
from fashionvl.models.blocks.widening import WidensRecognition
from fashionvl.models.mvlt.decoders import build_decoder
from fashionvl.models.mvlt.heads import ClassificationHead, LanguageHead
from fashionvl.models.mvlt.sizes import DEPTHS, EMBED_DIMS, MLP_RATIOS, NUM_HEADS, SR_RATIOS
from fashionvl.models.mvlt.trunk import Initialization, Trunk
from fashionvl.models.mvlt.weights import load_encoder, load_pvt, load_released
from fashionvl.models.protocols import Need


@dataclass
class Encoded:
    """Outputs of the encoder for B pairs.

    Attributes:
        visual: V^1..V^4, `[B, D_k, H_k, W_k]`; without V^4 where only text was asked for.
        textual: T^1..T^4, `[B, L, D_k]`; of T^4 only [CLS], `[B, 1, D_4]`, where no more was asked for.
    """

    visual: list[Tensor]
    textual: list[Tensor]

    @property
    def text(self) -> Tensor:
        """T^4, `[B, L, D_4]`: what MLM reads."""
        return self.textual[-1]

    @property
    def pooled(self) -> Tensor:
        """The [CLS] state of T^4, `[B, D_4]`: what ITM and recognition read."""
        return self.text[:, 0]


class MVLT(
    WidensRecognition,
    Trunk,
    library_name="fashionvl",
    license="mit",
    paper_url="https://doi.org/10.1007/s11633-022-1394-4",
    tags=["vision-language", "fashion"],
):
    """Pyramid vision-language encoder with ITM, MLM, MIR and recognition heads.

    The defaults are the paper's setting (Table 1, section 4.1); where it is silent, the released code's.

    Args:
        image_size: height and width, in pixels, that the visual position tables are made for; other sizes are
            encoded by resizing the tables.
        patch_size: P, pixels of a stage-1 patch; later stages halve the grid.
        embed_dims: hidden sizes D_1..D_4.
        depths: layers M_1..M_4; `SIZES` has the published sets.
        num_heads: attention heads a stage.
        mlp_ratios: MLP width over D_k.
        sr_ratios: spatial reduction of visual keys and values; 1 turns it off.
        drop_path: stochastic depth of the last layer; earlier layers have linearly less.
        vocab_size: word pieces of the tokenizer.
        max_tokens: longest text; L = 128 in the paper.
        text_width: width of the word embeddings and of the heads.
        text_positions: rows of BERT's position table, at least `max_tokens`.
        text_dropout: dropout on the word embeddings.
        decoder: `unet` is the paper's, `partial` the released one.
        decoder_width: channels of the decoder's maps. The U-Net takes four, deepest first; one number w
            stands for `[w, w, w, w/4]`.
        categories: main categories of the recognition head; Fashion-Gen's count.
        subcategories: sub-categories of the recognition head.
        mask_padding: keep attention off [PAD] tokens where an attention mask is given. The released code
            attends to them.
        initialization: of linear layers and embeddings. `bert`: normal with deviation 0.02, as BERT and PVT
            at their widths. `xavier`: by fan-in and fan-out, for models so narrow that 0.02 leaves their
            residual branches silent.
        pretrained_pvt: PVT-v1 weights to start the visual path from: a hub id or folder in `transformers`'
            format, or a file under the original names. Not kept by `save_pretrained`.
        pretrained_encoder: a run or saved model of `MVLTDualEncoder` or MVLT, of which encoder and word
            embeddings are taken, over `pretrained_pvt`; heads stay as drawn. Ours. Not kept either.

    Attributes:
        needed_only: `encode_pairs`, `match` and `recognise` compute, of the last layer, only the states that
            are read; False computes all, to the same result.

    Raises:
        InputError: sizes that do not fit together; the message names the argument.
    """

    def __init__(
        self,
        *,
        image_size: int = 256,
        patch_size: int = 4,
        embed_dims: list[int] = EMBED_DIMS,
        depths: list[int] = DEPTHS,
        num_heads: list[int] = NUM_HEADS,
        mlp_ratios: list[int] = MLP_RATIOS,
        sr_ratios: list[int] = SR_RATIOS,
        drop_path: float = 0.1,
        vocab_size: int = 30522,
        max_tokens: int = 128,
        text_width: int = 768,
        text_positions: int = 512,
        text_dropout: float = 0.1,
        decoder: Literal["unet", "partial"] = "unet",
        decoder_width: int | list[int] = 64,
        categories: int = 48,
        subcategories: int = 122,
        mask_padding: bool = False,
        initialization: Initialization = "bert",
        pretrained_pvt: str | None = None,
        pretrained_encoder: str | None = None,
    ) -> None:
        super().__init__(
            image_size,
            patch_size,
            embed_dims,
            depths,
            num_heads,
            mlp_ratios,
            sr_ratios,
            drop_path,
            vocab_size,
            max_tokens,
            text_width,
            text_positions,
            text_dropout,
            mask_padding,
        )
        self.needed_only = True
        self.categories, self.subcategories = categories, subcategories
        state_width = embed_dims[-1]
        self.matching = ClassificationHead(state_width, text_width, 2)
        self.language = LanguageHead(state_width, text_width, vocab_size)
        self.category = ClassificationHead(state_width, text_width, categories)
        self.subcategory = ClassificationHead(state_width, text_width, subcategories)
        for module in (self.text_embeddings, self.matching, self.language, self.category, self.subcategory):
            module.apply(init_transformer_weights)
        self.decoder = build_decoder(decoder, decoder_width, embed_dims, patch_size)
        if initialization == "xavier":
            draw_by_width(self)
        if pretrained_pvt is not None:
            load_pvt(self, pretrained_pvt)
        if pretrained_encoder is not None:
            load_encoder(self, pretrained_encoder)

    def rebuilt_with(self) -> dict[str, Any]:
        """Without fetching weights again; with the heads as they are now."""
        heads = {"categories": self.categories, "subcategories": self.subcategories}
        return {**super().rebuilt_with(), "pretrained_encoder": None, **heads}

    def encode(
        self,
        pixel_values: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        states: Need = "all",
    ) -> Encoded:
        """Encode B image-text pairs.

        Args:
            pixel_values: `[B, 3, H, W]` in [0, 1], not normalised (released code).
            input_ids: `[B, L]`, L at most `max_tokens`.
            attention_mask: `[B, L]`, 1 on tokens and 0 on padding; read only when `mask_padding` is set.
            states: of the last layer that are wanted; it computes no others.

        Raises:
            InputError: the text is longer than `max_tokens`.
        """
        self.check_length(input_ids)
        mask = self.text_mask(attention_mask)
        return Encoded(*self.encoder(pixel_values, self.text_embeddings(input_ids), mask, states))

    def encode_pairs(self, batch: Pairs, need: Need = "all") -> Encoded:
        """Encode B pairs for a task; without `needed_only`, always everything."""
        states = need if self.needed_only else "all"
        return self.encode(batch.pixel_values, batch.input_ids, batch.attention_mask, states)

    def _cls(self, batch: Pairs) -> Tensor:
        return self.encode_pairs(batch, "pooled").pooled

    def itm_logits(self, cls: Tensor) -> Tensor:
        """Logits `[M, 2]` (mismatched, matched) of [CLS] states `[M, D_4]`."""
        return self.matching(cls)

    def mlm_logits(self, states: Tensor) -> Tensor:
        """Logits `[M, V]` of token states `[M, D_4]`: pass the rows at masked positions only."""
        return self.language(states, self.text_embeddings.word.weight)

    def category_logits(self, cls: Tensor) -> tuple[Tensor, Tensor]:
        """Main- and sub-category logits, `[M, categories]` and `[M, subcategories]`, of [CLS] states."""
        return self.category(cls), self.subcategory(cls)

    def recognise(self, batch: Pairs) -> tuple[Tensor, Tensor]:
        """Main- and sub-category logits, `[B, categories]` and `[B, subcategories]`, of pairs."""
        return self.category_logits(self._cls(batch))

    def recognise_image(self, images: Images, first: Tensor) -> tuple[Tensor, Tensor]:
        """Logits as of `recognise`, of photographs with [CLS], `[B]`, for a text.

        Raises:
            InputError: photographs come as kaleido patches.
        """
        encoded = self.encode(self.pixels_of(images), first[:, None], states="pooled")
        return self.category_logits(encoded.pooled)

    def recognise_text(self, texts: Texts) -> tuple[Tensor, Tensor]:
        """Logits as of `recognise`, of captions alone: no visual token is there to attend to.

        Raises:
            InputError: the captions are longer than `max_tokens`.
        """
        return self.category_logits(self.text_alone(texts))

    def heads(self) -> dict[str, nn.Module]:
        """Heads by the question they answer."""
        return {
            "itm": self.matching,
            "mlm": self.language,
            "mir": self.decoder,
            "category": self.category,
            "subcategory": self.subcategory,
        }

    def regions(self) -> list[nn.Module]:
        """Parts worth compiling one by one: every block, and the decoder."""
        return [*super().regions(), self.decoder]

    def load_released(self, path: Path) -> None:
        """Fill the model from a released checkpoint; see `weights.load_released`."""
        load_released(self, path)

    def reconstruct(self, visual: list[Tensor], size: tuple[int, int] | None = None) -> Tensor:
        """Decode V^1..V^4 to an image `[B, 3, *size]`; unbounded, [0, 1] is learned (see `decoders`).

        Without `size` it is as large as the grid of patches; pass it for images that patches do not tile.
        """
        image = self.decoder(visual)
        if size is None or image.shape[2:] == size:
            return image
        return F.interpolate(image, size=size, mode="bilinear")

    @property
    def match_is_log_odds(self) -> bool:
        """The sigmoid of a match score is the softmax probability of "matched"."""
        return True

    def match(self, batch: Pairs) -> Tensor:
        """Match scores `[B]`: the log-odds that text and image belong together.

        They order pairs as the released softmax probability of "matched" does, but do not saturate into ties.
        `batch.pixel_values` is float in [0, 1].
        """
        mismatched, matched = self.itm_logits(self._cls(batch)).unbind(-1)
        return matched - mismatched

    def forward(
        self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Every head's logits, under the released names and in the released shapes.

        The plain, slow path, for parity: all L positions are decoded to words. Training computes each head
        where its loss counts. Arguments as in `encode`.
        """
        encoded = self.encode(pixel_values, input_ids, attention_mask)
        state = encoded.text
        category, subcategory = self.category_logits(state[:, :1])
        return {
            "mlm_logits": self.mlm_logits(state),
            "itm_logits": self.itm_logits(state[:, :1]),
            "sup_cls_logits": category,
            "sub_cls_logits": subcategory,
            "t2i_logits": self.reconstruct(encoded.visual),
        }
