"""AdamW with warm-up and decay, from a typed spec."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from timm.optim import param_groups_weight_decay
from torch import nn

from fashionvl.errors import InputError, check_range


@dataclass(frozen=True)
class Optimization:
    """The optimiser and its schedule; defaults are MVLT section 4.1.

    Attributes:
        lr: peak learning rate; 2.5e-3 in the paper, 2.5e-4 in the released code.
        weight_decay: 1e-4 in the paper, 0.01 in the released code; biases, norms and other vectors are
            spared, as in the timm recipe the released code builds on.
        betas: 0.9 is the paper's "momentum"; the second is AdamW's default.
        eps: AdamW's default.
        warmup_epochs: linear from 0; the paper names none, the released code 5.
        warmup_steps: the same in optimiser steps, in place of epochs; 5,000 in Kaleido-BERT section 4.1.
        warmup_share: the same as a share of all steps; 0.1 in the released Kaleido-BERT.
        schedule: `cosine` after the warm-up; `linear` falls from the first step on and is multiplied by the
            warm-up (released Kaleido-BERT); `constant` stays (its paper names no decay); `step` is multiplied
            by `drop` after every `drop_epochs` epochs (released VSE++ and SCAN).
        final_lr_share: the decay ends at this share of `lr`.
        drop: factor of a step.
        drop_epochs: epochs between two steps; 15 in VSE++ and SCAN.
        scale_lr: `linear` multiplies `lr` by the global batch / 512, as the released code does (after DeiT).
        fused: update all weights in torch's one kernel where the device has it.
    """

    lr: float = 2.5e-3
    weight_decay: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    warmup_epochs: float = 0.0
    warmup_steps: int = 0
    warmup_share: float = 0.0
    schedule: Literal["cosine", "linear", "constant", "step"] = "cosine"
    final_lr_share: float = 0.0
    drop: float = 0.1
    drop_epochs: float = 15.0
    scale_lr: Literal["none", "linear"] = "none"
    fused: bool = True

    def __post_init__(self) -> None:
        check_range("optimization.lr", self.lr, 0, above=True)
        for name in ("weight_decay", "eps", "warmup_epochs", "warmup_steps"):
            check_range(f"optimization.{name}", getattr(self, name), 0)
        for name in ("warmup_share", "final_lr_share"):
            check_range(f"optimization.{name}", getattr(self, name), 0, 1)
        for beta in self.betas:
            if not 0 <= beta < 1:
                raise InputError(f"optimization.betas: {beta} is outside [0, 1)")
        given = [name for name in ("warmup_epochs", "warmup_steps", "warmup_share") if getattr(self, name)]
        check_range("optimization.drop_epochs", self.drop_epochs, 0, above=True)
        check_range("optimization.drop", self.drop, 0, 1)
        if len(given) > 1:
            raise InputError(f"optimization: {' and '.join(given)} are both set; choose one")

    def build(
        self, module: nn.Module, steps: int, steps_per_epoch: float, global_batch: int, fused: bool = True
    ) -> dict[str, Any]:
        """Build the optimiser and its schedule, as `configure_optimizers` returns them.

        Args:
            module: parameters that require gradients are optimised.
            steps: optimiser steps of the whole run.
            steps_per_epoch: of one epoch, for the warm-up.
            global_batch: pairs a step over all processes.
            fused: use torch's fused kernel where the device has one.
        """
        lr = self.lr * (global_batch / 512 if self.scale_lr == "linear" else 1.0)
        groups = param_groups_weight_decay(module, self.weight_decay)
        fused = fused and next(module.parameters()).device.type in ("cpu", "cuda")
        optimizer = torch.optim.AdamW(groups, lr=lr, betas=self.betas, eps=self.eps, fused=fused)
        warmup = self.warmup_steps or self.warmup_epochs * steps_per_epoch or self.warmup_share * steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: self.share(step, warmup, steps, steps_per_epoch)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def share(self, step: int, warmup: float, steps: int, steps_per_epoch: float = 1.0) -> float:
        """Share of the peak learning rate before optimiser step `step`, counted from 0.

        The released Kaleido-BERT starts its linear schedule at 0, so that its first step changes nothing;
        here the first step has the share the released one has at its second.
        """
        rising = min(1.0, (step + 1) / (warmup + 1))
        if self.schedule == "linear":
            done = min(1.0, step / max(1, steps))
            return rising * (self.final_lr_share + (1 - self.final_lr_share) * (1 - done))
        if self.schedule == "step":
            return rising * self.drop ** (step // (self.drop_epochs * steps_per_epoch))
        if step < warmup or self.schedule == "constant":
            return rising
        done = min(1.0, (step - warmup) / max(1.0, steps - warmup))
        return self.final_lr_share + (1 - self.final_lr_share) * 0.5 * (1 + math.cos(math.pi * done))
