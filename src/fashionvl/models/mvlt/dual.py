"""MVLT's pyramid as a dual encoder, to align photographs and words before they are read together. Ours."""

import torch
from torch import Tensor
from torch.nn import functional as F

from fashionvl.data.records import Embedding, Images, Texts
from fashionvl.models.blocks.bert import draw_by_width, init_transformer_weights
from fashionvl.models.mvlt.sizes import DEPTHS, EMBED_DIMS, MLP_RATIOS, NUM_HEADS, SR_RATIOS
from fashionvl.models.mvlt.trunk import Initialization, Trunk
from fashionvl.models.mvlt.weights import load_pvt


class MVLTDualEncoder(Trunk, library_name="fashionvl", license="mit", tags=["vision-language", "fashion"]):
    """Photograph and caption through the same encoder, each alone; no projection heads.

    A photograph is the mean of V^4, a caption the [CLS] state of T^4, both scaled to length 1 in float32;
    their similarity is the cosine. Neither the paper nor its released code has this stage. Contrastive
    alignment before matching is ALBEF's (Li et al. 2021, section 3.2); there its loss is added to the others,
    here it is a stage of its own, whose encoder `MVLT(pretrained_encoder=...)` takes.

    Arguments and errors as in `MVLT`.
    """

    def __init__(
        self,
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
        mask_padding: bool = False,
        initialization: Initialization = "bert",
        pretrained_pvt: str | None = None,
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
        self.text_embeddings.apply(init_transformer_weights)
        if initialization == "xavier":
            draw_by_width(self)
        if pretrained_pvt is not None:
            load_pvt(self, pretrained_pvt)

    def embed_image(self, images: Images) -> Embedding:
        """Embed B photographs, `[B, 3, H, W]` in [0, 1]: `[B, D_4]` of length 1, float32.

        Raises:
            InputError: photographs come as kaleido patches.
        """
        maps, _ = self.encoder(self.pixels_of(images), None)
        return Embedding(_unit(maps[-1].flatten(2).mean(2)))

    def embed_text(self, texts: Texts) -> Embedding:
        """Embed B captions: `[B, D_4]` of length 1, float32.

        Raises:
            InputError: the captions are longer than `max_tokens`.
        """
        return Embedding(_unit(self.text_alone(texts)))

    def similarity(self, images: Embedding, texts: Embedding) -> Tensor:
        """Score every image with every text: cosines `[I, T]`, in float32 also under autocast."""
        with torch.autocast(images.values.device.type, enabled=False):
            return images.values @ texts.values.T


def _unit(values: Tensor) -> Tensor:
    wide = values if values.dtype == torch.float64 else values.float()
    return F.normalize(wide, dim=1)
