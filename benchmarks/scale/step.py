"""The training step that scaling is measured with: MVLT's own task, on pairs drawn at random."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal, cast

import torch
import yaml
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.computing import precision
from benchmarks.pairs import draw_mvlt, to_device
from benchmarks.scale.group import Place
from fashionvl.data.records import PairBatch
from fashionvl.models.mvlt import MVLT
from fashionvl.tasks import MVLTPretraining
from fashionvl.tasks.optimization import Optimization

Size = Literal["tiny", "laptop", "full"]
Precision = Literal["fp32", "bf16"]

RECIPE = Path(__file__).parents[2] / "experiments" / "mvlt"
OVERLAYS: dict[Size, str | None] = {"tiny": "smoke.yaml", "laptop": "laptop.yaml", "full": None}


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

    def pairs(self, count: int) -> PairBatch:
        """Draw pairs of this process's own onto its device, as large as the network takes them."""
        network = cast(MVLT, self.task.network)
        side, words, length = network.encoder.image_size, network.vocab_size, network.max_tokens
        return to_device(draw_mvlt(count, side, words, length, seed=self.place.rank), self.place.device)

    def step(self, batch: PairBatch, synced: bool) -> None:
        """Make one training step.

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
