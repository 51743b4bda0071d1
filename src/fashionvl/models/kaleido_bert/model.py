"""Kaleido-BERT: vision-language pre-training on fashion domain (Zhuge et al., CVPR 2021)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from fashionvl.data.records import Images, Pairs, Patches, Texts
from fashionvl.errors import InputError
from fashionvl.models.blocks.bert import INITIALIZER_RANGE, BertEmbeddings, MaskedLanguageHead
from fashionvl.models.blocks.saving import SavedNetwork
from fashionvl.models.blocks.transformer import BERT_NORM_EPS, Activation, BertEncoder, Cache
from fashionvl.models.blocks.widening import WidensRecognition
from fashionvl.models.kaleido_bert.embeddings import PatchEmbeddings
from fashionvl.models.kaleido_bert.heads import CategoryHead, PatchHeads
from fashionvl.models.kaleido_bert.initialization import Initialization, initialize
from fashionvl.models.kaleido_bert.weights import load_bert, load_released
from fashionvl.models.protocols import Need
from fashionvl.patches.grid import KaleidoGrid


@dataclass
class Encoded:
    """The last states of B pairs.

    Attributes:
        sequence: `[B, L + P, H]`; the text, then the patches level by level.
        text: `[B, L, H]`.
        levels: `[B, n*n, H]` by level n.
        pooled: `[B, H]`, dense and tanh of the [CLS] state: what ITM and recognition read.
    """

    sequence: Tensor
    text: Tensor
    levels: dict[int, Tensor]
    pooled: Tensor

    def chosen(self, level: int, patches: Tensor) -> Tensor:
        """States `[B, k, H]` of the patches `[B, k]` (int64, 0..n*n-1) of a level."""
        states = self.levels[level]
        return states.gather(1, patches[..., None].expand(-1, -1, states.shape[2]))


class KaleidoBERT(
    WidensRecognition,
    SavedNetwork,
    library_name="fashionvl",
    license="mit",
    paper_url="https://doi.org/10.1109/CVPR46437.2021.01246",
    tags=["vision-language", "fashion"],
):
    """One BERT over caption and kaleido patches, with the heads of ITM, MLM, AKPM and recognition.

    The defaults are the paper's setting (section 4.1); where it is silent, the released code's.

    Args:
        vocab_size: word pieces of the tokenizer.
        hidden_size: H.
        layers: L.
        heads: A.
        intermediate_size: width of the MLPs.
        text_positions: rows of the position table, an upper bound of the text length.
        levels: n of every n x n grid of patches.
        patch_width: D, width of the patch features; 2048 in ResNet-50.
        patch_types: rows of every level's type table. Patches of a higher type have no type vector, as in the
            released code, whose own value is not published; 6 is the least at which levels 1 to 5 have one.
        blank_level: the level in which patches can be blanked (section 3.6: 5).
        dropout: on embeddings, raw patch features, what layers add to their residuals, and recognition heads.
        attention_dropout: on attention probabilities.
        activation: `gelu_new` in the released code; `gelu` in BERT as `transformers` has it.
        itm: two logits under a softmax as released, or one under a sigmoid (section 3.6, task 2).
        match_score: what ranks under a softmax. `logit` is the raw matched logit (released code);
            `difference` the log-odds, whose order is that of the probability.
        categories: main categories of the recognition head; Fashion-Gen's count.
        subcategories: sub-categories of the recognition head.
        initialization: see `initialization.initialize`.
        initializer_range: deviation of the initial weights, unless `xavier`.
        pretrained_bert: a BERT to start from: a hub id such as `bert-base-uncased`, `package:minilm` for
            MiniLM (384 wide, 6 layers, 12 heads) from an installed package, or a folder or file in
            `transformers`' format. Not kept by `save_pretrained`.

    Attributes:
        needed_only: `pool` computes, of the last layer, only the [CLS] state it reads; False computes all, to
            the same result.

    Raises:
        InputError: sizes that do not fit together; the message names the argument.
    """

    def __init__(
        self,
        *,
        vocab_size: int = 30522,
        hidden_size: int = 768,
        layers: int = 12,
        heads: int = 12,
        intermediate_size: int = 3072,
        text_positions: int = 512,
        levels: tuple[int, ...] = (1, 2, 3, 4, 5),
        patch_width: int = 2048,
        patch_types: int = 6,
        blank_level: int = 5,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        activation: Activation = "gelu_new",
        itm: Literal["softmax", "sigmoid"] = "softmax",
        match_score: Literal["logit", "difference"] = "logit",
        categories: int = 48,
        subcategories: int = 122,
        initialization: Initialization = "released",
        initializer_range: float = INITIALIZER_RANGE,
        pretrained_bert: str | None = None,
    ) -> None:
        super().__init__()
        self.needed_only = True
        self.grid = KaleidoGrid(tuple(levels))
        self.text_positions, self.patch_width, self.blank_level = text_positions, patch_width, blank_level
        self.match_score, self.vocab_size, self.max_tokens = match_score, vocab_size, text_positions
        self.categories, self.subcategories = categories, subcategories
        self.text_embeddings = BertEmbeddings(vocab_size, hidden_size, text_positions, dropout)
        self.patch_embeddings = PatchEmbeddings(
            self.grid, patch_width, hidden_size, patch_types, dropout, blank_level
        )
        self.encoder = BertEncoder(
            layers, hidden_size, heads, intermediate_size, dropout, attention_dropout, activation
        )
        self.pooler = nn.Linear(hidden_size, hidden_size)
        self.matching = nn.Linear(hidden_size, 2 if itm == "softmax" else 1)
        self.language = MaskedLanguageHead(hidden_size, vocab_size, BERT_NORM_EPS, activation)
        self.akpm = PatchHeads(self.grid, blank_level, hidden_size, patch_width)
        self.category = CategoryHead(hidden_size, categories, dropout)
        self.subcategory = CategoryHead(hidden_size, subcategories, dropout)
        initialize(self, initialization, initializer_range)
        if pretrained_bert is not None:
            load_bert(self, pretrained_bert)

    def rebuilt_with(self) -> dict[str, Any]:
        """Without fetching BERT's weights again; with the heads as they are now."""
        return {
            "levels": list(self.grid.levels),
            "pretrained_bert": None,
            "categories": self.categories,
            "subcategories": self.subcategories,
        }

    def heads(self) -> dict[str, nn.Module]:
        """Heads by the question they answer; of AKPM's, those whose level the grid has.

        ITM and both recognition heads read `pooler`, which belongs to none of them.
        """
        return {
            "itm": self.matching,
            "mlm": self.language,
            **self.akpm,
            "category": self.category,
            "subcategory": self.subcategory,
        }

    def widest(self, tokens: int) -> int:
        """Numbers in the largest activation of one pair: an MLP's hidden layer."""
        return (tokens + self.grid.patches) * self.encoder.intermediate

    def regions(self) -> list[nn.Module]:
        """Parts worth compiling one by one: every layer."""
        return list(self.encoder.layers)

    def load_released(self, path: Path) -> None:
        """Fill the model from a released checkpoint; see `weights.load_released`."""
        load_released(self, path)

    def encode(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        patches: Patches,
        *,
        token_type_ids: Tensor | None = None,
        patch_mask: Tensor | None = None,
        patch_types: Tensor | None = None,
        blank: Tensor | None = None,
        causal_text: bool = False,
    ) -> Encoded:
        """Encode B pairs; caption and patches attend to each other freely unless told otherwise.

        Args:
            input_ids: `[B, L]`, L at most `text_positions`.
            attention_mask: `[B, L]`, 1 on tokens, 0 on padding, which nothing reads.
            patches: features `[B, P, D]` of any float type and boxes `[B, P, 5]`.
            token_type_ids: `[B, L]` in 0..1; None is 0, as the released data have it.
            patch_mask: `[B, P]`, 1 on patches that are read; None reads all, as the released code does.
            patch_types: `[B, P]` int64; None is every patch's level.
            blank: `[B, k]` int64, patches inside the blank level whose features become zero.
            causal_text: tokens read earlier tokens and all patches, patches read patches only; for captions.

        Raises:
            InputError: the text is too long or the patches are of another kind.
        """
        text, length = self._embed_text(input_ids, token_type_ids), input_ids.shape[1]
        states = torch.cat([text, self.patch_embeddings(patches, patch_types, blank)], dim=1)
        visibility = self._visibility(attention_mask, patch_mask, causal_text)
        sequence = self.encoder(states, visibility)
        seen = sequence[:, length:]
        levels = {level: seen[:, self.grid.span(level)] for level in self.grid.levels}
        return Encoded(sequence, sequence[:, :length], levels, self._pool(sequence))

    def encode_pairs(self, batch: Pairs, need: Need = "all") -> Encoded:
        """Encode B pairs for a task; everything is computed, whatever is needed.

        Raises:
            InputError: the batch has no patches.
        """
        return self.encode(batch.input_ids, batch.attention_mask, self._patches_of(batch.images))

    @staticmethod
    def _patches_of(images: Images) -> Patches:
        if not isinstance(images, Patches):
            raise InputError("data.init_args.kaleido: null; Kaleido-BERT sees photographs as kaleido patches")
        return images

    def pool(self, batch: Pairs, blank: Tensor | None = None) -> Tensor:
        """The pooled states `[B, H]` of `encode`, without what its last layer computes for the others.

        Args:
            batch: B pairs.
            blank: as in `encode`.

        Raises:
            InputError: the batch has no patches.
        """
        seen = self._patches_of(batch.images)
        text, patches = self._embed_text(batch.input_ids, None), self.patch_embeddings(seen, blank=blank)
        visibility = self._visibility(batch.attention_mask, None, causal_text=False)
        return self._pool_first(torch.cat([text, patches], dim=1), visibility)

    def _pool_first(self, states: Tensor, visibility: Tensor | None) -> Tensor:
        """Encode states `[B, S, H]` for the pooled first alone."""
        return self._pool(self.encoder(states, visibility, first=1 if self.needed_only else None))

    def _pool(self, sequence: Tensor) -> Tensor:
        return torch.tanh(self.pooler(sequence[:, 0]))

    def read_patches(self, patches: Patches) -> Cache:
        """Read B photographs once, for `read_text` to go on from."""
        _, cache = self.encoder.extend(self.patch_embeddings(patches))
        return cache

    def read_text(self, input_ids: Tensor, cache: Cache) -> tuple[Tensor, Cache]:
        """Read the next tokens of B captions: the states of `encode(..., causal_text=True)`, step by step.

        Args:
            input_ids: `[B, t]` tokens behind those that the cache has.
            cache: from `read_patches` or an earlier call; its tensors `[B, heads, S, D]` may be reordered
                along B between calls, as a beam search does.

        Returns:
            Their states `[B, t, H]`, and the cache of all so far.
        """
        earlier, count = cache[0][0].shape[2], input_ids.shape[1]
        states = self._embed_text(input_ids, None, start=earlier - self.grid.patches)
        visible = torch.ones(count, earlier + count, dtype=torch.bool, device=input_ids.device)
        return self.encoder.extend(states, visible.tril(earlier)[None], cache)

    def _embed_text(self, input_ids: Tensor, token_type_ids: Tensor | None, start: int = 0) -> Tensor:
        end = start + input_ids.shape[1]
        if end > self.text_positions:
            raise InputError(f"input_ids: {end} tokens, the model has text_positions {self.text_positions}")
        return self.text_embeddings(input_ids, token_type_ids, start)

    def _visibility(self, attention_mask: Tensor, patch_mask: Tensor | None, causal_text: bool) -> Tensor:
        """Build the attention mask of `BertEncoder`: `[B, S]`, or `[B, S, S]` where text is causal."""
        length, patches = attention_mask.shape[1], self.grid.patches
        if patch_mask is None:
            patch_mask = attention_mask.new_ones(len(attention_mask), patches)
        read = torch.cat([attention_mask.bool(), patch_mask.bool()], dim=1)
        if not causal_text:
            return read
        reads = torch.ones(length + patches, length + patches, dtype=torch.bool, device=read.device)
        reads[:length, :length].tril_()
        reads[length:, :length] = False
        return reads & read[:, None]

    def itm_logits(self, pooled: Tensor) -> Tensor:
        """Logits of pooled states `[M, H]`: `[M, 2]` (mismatched, matched), or `[M, 1]` under a sigmoid."""
        return self.matching(pooled)

    def mlm_logits(self, states: Tensor) -> Tensor:
        """Logits `[M, V]` of token states `[M, H]`: pass the rows at masked positions only."""
        return self.language(states, self.text_embeddings.word.weight)

    def rotation_logits(self, encoded: Encoded) -> Tensor:
        """Logits `[B, 4]` of quarter turns."""
        return self.akpm.head("rotation")(encoded.levels[1])

    def jigsaw_logits(self, encoded: Encoded) -> Tensor:
        """Logits `[B, 24]` of permutations."""
        return self.akpm.head("jigsaw")(encoded.levels[2])

    def camouflage_logits(self, encoded: Encoded) -> Tensor:
        """Logits `[B, 9]` of replaced patches."""
        return self.akpm.head("camouflage")(encoded.levels[3])

    def grey_prediction(self, states: Tensor) -> Tensor:
        """Logits `[B, k, D]` of the colour features, of the states `[B, k, H]` of grey patches."""
        return self.akpm.head("grey")(states)

    def blank_prediction(self, states: Tensor) -> Tensor:
        """Logits `[B, k, D]` of the hidden features, of the states `[B, k, H]` of blank patches."""
        return self.akpm.head("blank")(states)

    def category_logits(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Main- and sub-category logits, `[M, categories]` and `[M, subcategories]`, of pooled states."""
        return self.category(pooled), self.subcategory(pooled)

    def recognise(self, batch: Pairs) -> tuple[Tensor, Tensor]:
        """Main- and sub-category logits, `[B, categories]` and `[B, subcategories]`, of pairs.

        Raises:
            InputError: the batch has no patches.
        """
        return self.category_logits(self.pool(batch))

    def recognise_image(self, images: Images, first: Tensor) -> tuple[Tensor, Tensor]:
        """Logits as of `recognise`, of photographs with [CLS], `[B]`, for a text.

        Raises:
            InputError: the photographs come as pixels.
        """
        text = self._embed_text(first[:, None], None)
        states = torch.cat([text, self.patch_embeddings(self._patches_of(images))], dim=1)
        return self.category_logits(self._pool_first(states, None))

    def recognise_text(self, texts: Texts) -> tuple[Tensor, Tensor]:
        """Logits as of `recognise`, of captions alone: no patch is there to attend to."""
        text = self._embed_text(texts.input_ids, None)
        return self.category_logits(self._pool_first(text, texts.attention_mask.bool()))

    @property
    def match_is_log_odds(self) -> bool:
        """Not of two logits of which `match_score` takes one."""
        return self.match_score == "difference" or self.matching.out_features == 1

    def match(self, batch: Pairs) -> Tensor:
        """Match scores `[B]`, higher for a better match; see `match_score`.

        Raises:
            InputError: the batch has no patches.
        """
        logits = self.itm_logits(self.pool(batch))
        if self.match_score == "difference" and logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits[:, -1]
