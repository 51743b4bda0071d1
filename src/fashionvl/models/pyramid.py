"""A Pyramid Vision Transformer (PVT-v1) classifier: stands in for ImageNet weights where there is no hub."""

from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn
from transformers import PvtConfig, PvtModel

from fashionvl.models.blocks.bert import draw_by_width


class PyramidClassifier(nn.Module):
    """`transformers`' PVT with one linear head a label, reading the mean of the last stage's patches.

    MVLT takes its pre-trained pyramid from ImageNet (section 4.1, Table 4). The patches are averaged instead
    of reading PVT's own [CLS], because MVLT drops that token and keeps the patches.
    """

    def __init__(
        self,
        image_size: int = 224,
        embed_dims: list[int] | None = None,
        depths: list[int] | None = None,
        num_heads: list[int] | None = None,
        mlp_ratios: list[int] | None = None,
        sr_ratios: list[int] | None = None,
        drop_path: float = 0.0,
        initialization: Literal["pvt", "xavier"] = "pvt",
    ) -> None:
        """Build the pyramid; heads are added once the labels are known.

        Args:
            image_size: pixels; PVT-v1 is trained at 224.
            embed_dims: width of each stage; PVT-Tiny by default, here and below.
            depths: blocks a stage.
            num_heads: attention heads a stage.
            mlp_ratios: hidden width of the MLPs over the stage's.
            sr_ratios: spatial reduction of keys and values.
            drop_path: stochastic depth of the last block.
            initialization: of the linear layers: `pvt` with deviation 0.02, as PVT has it; `xavier` by fan-in
                and fan-out, as in `MVLT`, whose ITM learns late from a narrow pyramid of the former.
        """
        super().__init__()
        self.config = PvtConfig(
            image_size=image_size,
            hidden_sizes=embed_dims or [64, 128, 320, 512],
            depths=depths or [2, 2, 2, 2],
            num_attention_heads=num_heads or [1, 2, 5, 8],
            mlp_ratios=mlp_ratios or [8, 8, 4, 4],
            sequence_reduction_ratios=sr_ratios or [8, 4, 2, 1],
            drop_path_rate=drop_path,
            layer_norm_eps=1e-6,
        )
        self.pvt = PvtModel(self.config)
        if initialization == "xavier":
            draw_by_width(self.pvt)
        self.heads = nn.ModuleDict()

    def add_heads(self, classes: dict[str, int]) -> None:
        """One linear head a label, by name and number of classes."""
        width = self.config.hidden_sizes[-1]
        self.heads.update({name: nn.Linear(width, count) for name, count in classes.items()})

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """Logits of every label.

        Args:
            pixel_values: `[B, 3, H, W]` in [0, 1].

        Returns:
            `[B, classes]` by label.
        """
        patches = self.pvt(pixel_values).last_hidden_state[:, 1:]
        pooled = patches.mean(1)
        return {name: head(pooled) for name, head in self.heads.items()}

    def save_pretrained(self, folder: str | Path, **kwargs: Any) -> None:
        """Write the pyramid as a `transformers` checkpoint; `MVLT(pretrained_pvt=folder)` reads it."""
        self.pvt.save_pretrained(folder, **kwargs)
