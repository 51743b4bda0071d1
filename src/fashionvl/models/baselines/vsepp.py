"""VSE and VSE++: one vector a photograph and one a caption (Kiros et al. 2014; Faghri et al. 2018)."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from fashionvl.data.records import Embedding, Images, Pixels, Texts
from fashionvl.errors import InputError
from fashionvl.models.blocks.cnn import Keys, image_encoder, normalisation, pooled_width
from fashionvl.models.blocks.saving import SavedNetwork

WORD_RANGE = 0.1
"""Word embeddings start uniform in +- this (VSE and VSE++ code)."""


class VSEPP(
    SavedNetwork,
    library_name="fashionvl",
    license="mit",
    paper_url="https://arxiv.org/abs/1707.05612",
    tags=["vision-language", "retrieval", "dual-encoder"],
):
    """CNN and GRU into one space, as in the released code of VSE++; the loss decides between VSE and VSE++.

    The defaults are that code's, with its ResNet-152. VSE++ has the hardest hinges; VSE0 has all of them and
    `image_norm: false`; order embeddings have `measure: order`, `absolute: true` and margin 0.05.

    Args:
        vocab_size: words of the tokenizer.
        max_tokens: longest text; the released code has no limit.
        cnn: a timm model, whose last features without classifier are taken; `vgg19.tv_in1k` (4,096 numbers)
            and `resnet152.tv_in1k` (2,048) are the released code's two. None takes stored features.
        cnn_arguments: further ones of `timm.create_model`.
        pretrained: load timm's weights of the CNN from the hub; `package:efficientnet-lite0` loads those of
            an installed package into `cnn: tf_efficientnet_lite0`. Not kept by `save_pretrained`.
        finetune: train the CNN. Otherwise it is frozen, and in evaluation mode also in training. The released
            code leaves a frozen CNN in training mode, where a ResNet uses the batch's statistics and moves
            its running ones; evaluation mode was needed to reproduce the paper (issue 30 there).
        feature_width: D, width of stored features; a CNN's own otherwise.
        feature_norm: divide features by their L2 norm before the projection, as the released code does after
            its CNN; stored features (`precomp`) it takes as they are.
        embed_size: E, width of the embeddings and of the GRU.
        word_size: width of the word embeddings.
        image_norm: divide image embeddings by their L2 norm. Without it, similarities at test are not
            normalised either: ranks of texts stay, those of images change.
        absolute: take absolute values of both embeddings (order embeddings).
        measure: similarity of image x and text y: `cosine` is their dot product, `order` is
            `-||max(0, y - x)||` (Vendrov et al. 2016).

    Raises:
        InputError: sizes that do not fit together, or a CNN that timm cannot build; the message names the
            argument.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        max_tokens: int = 128,
        cnn: str | None = "resnet152.tv_in1k",
        cnn_arguments: dict[str, Any] | None = None,
        pretrained: bool | str = False,
        finetune: bool = False,
        feature_width: int | None = None,
        feature_norm: bool = True,
        embed_size: int = 1024,
        word_size: int = 300,
        image_norm: bool = True,
        absolute: bool = False,
        measure: Literal["cosine", "order"] = "cosine",
    ) -> None:
        super().__init__()
        for name, size in (
            ("vocab_size", vocab_size),
            ("max_tokens", max_tokens),
            ("embed_size", embed_size),
            ("word_size", word_size),
        ):
            if size < 1:
                raise InputError(f"{name}: {size} must be at least 1")
        if measure not in ("cosine", "order"):
            raise InputError(f"measure: {measure!r} is neither cosine nor order")
        self.vocab_size, self.max_tokens, self.measure = vocab_size, max_tokens, measure
        self.feature_norm, self.image_norm, self.absolute = feature_norm, image_norm, absolute
        self.cnn = None if cnn is None else PooledCNN(cnn, cnn_arguments, pretrained, finetune)
        self.fc = nn.Linear(_feature_width(self.cnn, feature_width), embed_size)
        self.word_embeddings = nn.Embedding(vocab_size, word_size)
        self.rnn = nn.GRU(word_size, embed_size, batch_first=True)
        nn.init.xavier_uniform_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)
        nn.init.uniform_(self.word_embeddings.weight, -WORD_RANGE, WORD_RANGE)

    def rebuilt_with(self) -> dict[str, Any]:
        """Without fetching the CNN's weights again."""
        return {"pretrained": False}

    def embed_image(self, images: Images) -> Embedding:
        """Embed B photographs.

        Args:
            images: as pixels; with `cnn: null`, `pixel_values` holds stored features `[B, D]`.

        Returns:
            `[B, E]`, at least float32.

        Raises:
            InputError: photographs come as kaleido patches, or features where photographs are read, or the
                other way round.
        """
        features = self._features(images)
        if self.feature_norm:
            features = _unit(features)
        values = _wide(self.fc(features))
        values = _unit(values) if self.image_norm else values
        return Embedding(values.abs() if self.absolute else values)

    def embed_text(self, texts: Texts) -> Embedding:
        """Embed B captions, in any order of lengths; on a GPU, packing waits for the lengths.

        Returns:
            `[B, E]`, at least float32.

        Raises:
            InputError: a caption has no token, or the captions are longer than `max_tokens`.
        """
        if texts.input_ids.shape[1] > self.max_tokens:
            raise InputError(
                f"input_ids: {texts.input_ids.shape[1]} tokens, the model has max_tokens {self.max_tokens}"
            )
        lengths = texts.lengths.cpu()
        if not lengths.all():
            raise InputError(f"attention_mask: text {int((lengths == 0).nonzero()[0, 0])} has no token")
        words = self.word_embeddings(texts.input_ids)
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        values = _unit(self.rnn(packed)[1][-1])
        return Embedding(values.abs() if self.absolute else values)

    def similarity(self, images: Embedding, texts: Embedding) -> Tensor:
        """Score every image with every text: `[I, T]`, computed at the embeddings' precision."""
        with torch.autocast(images.values.device.type, enabled=False):
            if self.measure == "order":
                above = texts.values[None] - images.values[:, None]
                return -torch.linalg.vector_norm(above.clamp(min=0), dim=2)
            return images.values @ texts.values.T

    def _features(self, images: Images) -> Tensor:
        if not isinstance(images, Pixels):
            raise InputError(
                "data.init_args.kaleido: photographs come as patches, VSEPP reads pixels; set it to null"
            )
        found = images.pixel_values
        if self.cnn is None:
            if found.ndim != 2:
                raise InputError(
                    f"cnn: null takes stored features [B, D], not {list(found.shape)}; name a timm model"
                )
            return found
        if found.ndim != 4:
            raise InputError(f"pixel_values: {list(found.shape)}, the CNN reads photographs [B, 3, H, W]")
        return self.cnn(found)


class PooledCNN(nn.Module):
    """A timm model without its classifier; photographs in [0, 1] are normalised as in its pre-training.

    Raises:
        InputError: timm has no such model, it takes no such arguments, or its weights cannot be had.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, name: str, arguments: dict[str, Any] | None, pretrained: bool | str, finetune: bool
    ) -> None:
        super().__init__()
        self.trunk = image_encoder(name, arguments, pretrained, Keys("cnn", "cnn_arguments", "pretrained"))
        self.width = pooled_width(self.trunk)
        for key, value in normalisation(self.trunk).items():
            self.register_buffer(key, value, persistent=False)
        self.finetune = finetune
        self.trunk.requires_grad_(finetune)
        self.train()

    def train(self, mode: bool = True) -> "PooledCNN":
        """Set the mode; a frozen CNN stays in evaluation mode."""
        return super().train(mode and self.finetune)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Features `[B, D]` of photographs `[B, 3, H, W]` in [0, 1]."""
        with torch.set_grad_enabled(self.finetune and torch.is_grad_enabled()):
            features: Tensor = self.trunk((pixel_values - self.mean) / self.std)
        return features


def _feature_width(cnn: PooledCNN | None, given: int | None) -> int:
    if cnn is None:
        if given is None or given < 1:
            raise InputError(f"feature_width: {given} with cnn null; give the width of the stored features")
        return given
    if given not in (None, cnn.width):
        raise InputError(f"feature_width: {given}, but the CNN's features have {cnn.width}; leave it null")
    return cnn.width


def _wide(values: Tensor) -> Tensor:
    """The same in float32, or float64 where it is that."""
    return values if values.dtype == torch.float64 else values.float()


def _unit(values: Tensor) -> Tensor:
    """Rows divided by their L2 norm, with no epsilon as in the released code: a row of zeros becomes NaN."""
    wide = _wide(values)
    return wide / torch.linalg.vector_norm(wide, dim=1, keepdim=True)
