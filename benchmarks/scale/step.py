"""The training step that scaling is measured with: MVLT's own task, on pairs drawn at random."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
import yaml
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.computing import precision
from benchmarks.scale.group import Place
from fashionvl.data.records import PairBatch, masked_positions
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks import MVLTPretraining
from fashionvl.tasks.optimization import Optimization

Size = Literal["tiny", "laptop", "full"]
Precision = Literal["fp32", "bf16"]

RECIPE = Path(__file__).parents[2] / "experiments" / "mvlt"
OVERLAYS: dict[Size, str | None] = {"tiny": "smoke.yaml", "laptop": "laptop.yaml", "full": None}
MASKED_SHARE = 0.15
"""Of the words between [CLS] and [SEP] (MVLT section 3.2): 18 of 128."""


def pretraining(size: Size) -> MVLTPretraining:
    """The pre-training of MVLT's recipe at one of its scales, with weights drawn at random."""
    network: dict[str, Any] = {}
    optimization: dict[str, Any] = {}
    for name in ("pretrain.yaml", OVERLAYS[size]):
        if name is not None:
            given = yaml.safe_load((RECIPE / name).read_text())["model"]["init_args"]
            network |= given["network"]["init_args"]
            optimization |= given.get("optimization", {})
    network["pretrained_pvt"] = None
    return MVLTPretraining(MVLT(**network), optimization=Optimization(**optimization))


def draw_pairs(network: MVLT, count: int, seed: int) -> PairBatch:
    """Pairs of nothing in particular, as large as the network takes them, masked as in the paper.

    Every pair has as many masked words and hidden pixels as any other, so that no process has less to do.

    Args:
        network: gives the size of photographs, captions and vocabulary.
        count: pairs.
        seed: of the draw.
    """
    drawn = torch.Generator().manual_seed(seed)
    side, tokens = network.encoder.image_size, network.max_tokens
    words = network.text_embeddings.word.num_embeddings
    ids = torch.randint(5, words, (count, tokens), generator=drawn)
    labels = torch.full_like(ids, IGNORED_LABEL)
    masked = slice(1, 1 + max(1, int(MASKED_SHARE * (tokens - 2))))
    labels[:, masked] = ids[:, masked]
    ids[:, masked] = 4
    style, rng = ImageMask(), np.random.default_rng(seed)
    hidden = torch.from_numpy(np.stack([style.sample(side, side, rng) for _ in range(count)]))
    numbers = torch.arange(count)
    return PairBatch(
        pixel_values=torch.rand(count, 3, side, side, generator=drawn),
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        image_mask=hidden[:, None],
        mlm_labels=labels,
        itm_labels=numbers % 2,
        category=numbers % network.categories,
        subcategory=numbers % network.subcategories,
        product_id=numbers,
        rows=numbers,
        masked_positions=masked_positions(labels),
    )


class PretrainingLoss(nn.Module):
    """The task's weighted loss as a forward pass, which is what DistributedDataParallel takes.

    Args:
        task: whose losses they are.
        precise: `bf16` computes under autocast; weights and gradients stay float32 in both.
    """

    def __init__(self, task: MVLTPretraining, precise: Precision) -> None:
        super().__init__()
        self.task, self.precision = task, precise

    def forward(self, batch: PairBatch) -> Tensor:
        """The loss of a batch on the device, a scalar."""
        with precision(self.precision, batch.pixel_values.device):
            losses, _ = self.task.view_losses(batch, masked=True)
            return self.task.total(losses)


class Stepper:
    """Makes the training steps of one process of a group.

    A group of one trains the bare task, as anyone would; a larger one wraps it in
    DistributedDataParallel with its defaults, as Lightning's `ddp` does. The learning rate is 0: AdamW does
    all its work, yet the processes keep equal weights when they step without sharing gradients.

    Args:
        place: this process in its group.
        size: of the network, a scale of the recipe.
        precision: of what is computed.

    Attributes:
        task: what is trained.
    """

    def __init__(self, place: Place, size: Size, precision: Precision) -> None:
        torch.manual_seed(0)
        self.place = place
        self.task = pretraining(size).to(place.device).train()
        loss = PretrainingLoss(self.task, precision)
        devices = [place.device] if place.device.type == "cuda" else None
        self._loss = DistributedDataParallel(loss, device_ids=devices) if place.world > 1 else loss
        self._optimizer = self.task.optimization.build(
            self.task, steps=1, steps_per_epoch=1, global_batch=place.world
        )["optimizer"]
        for group in self._optimizer.param_groups:
            group["lr"] = 0.0

    @property
    def trained(self) -> list[nn.Parameter]:
        """The weights that are trained, whose gradients the processes share."""
        return [weight for weight in self.task.parameters() if weight.requires_grad]

    @property
    def gradient_bytes(self) -> int:
        """Bytes of all gradients."""
        return sum(weight.numel() * weight.element_size() for weight in self.trained)

    def step(self, batch: PairBatch, synced: bool) -> None:
        """One training step.

        Args:
            batch: on the device.
            synced: share gradients during the backward pass; else keep them to this process (`no_sync`).
        """
        apart = isinstance(self._loss, DistributedDataParallel) and not synced
        self._optimizer.zero_grad()
        with cast(DistributedDataParallel, self._loss).no_sync() if apart else nullcontext():
            self._loss(batch).backward()
        self._optimizer.step()

    def buckets(self) -> list[int]:
        """Bytes of each piece that gradients travel in; known after two synced steps, one piece before.

        Raises:
            RuntimeError: the group has one process, which shares nothing.
        """
        if not isinstance(self._loss, DistributedDataParallel):
            raise RuntimeError("a group of one process has no buckets")
        known = self._loss._get_ddp_logging_data()
        sizes = known.get("rebuilt_bucket_sizes") or known["bucket_sizes"]
        return [int(size) for size in str(sizes).split(",")]
