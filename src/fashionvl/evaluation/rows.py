"""Base of the metrics here: one row of numbers per evaluated example, gathered over processes."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from fashionvl.errors import InputError

UNIDENTIFIED = -1


class RowMetric(Metric):
    """A metric computed from one row per example, gathered over processes.

    Samplers of distributed runs repeat examples to even out the shards. Rows of one id are counted once, so
    the result does not depend on the number of processes. Rows without an id are all counted.

    Args:
        width: Numbers in a row.
        dtype: Their type.
        settings: Passed on to `torchmetrics.Metric`.
    """

    full_state_update = False
    ids: list[Tensor]
    rows: list[Tensor]

    def __init__(self, width: int, dtype: torch.dtype, **settings: Any) -> None:
        super().__init__(**settings)
        self._width = width
        self._row_dtype = dtype
        self.add_state("ids", default=[], dist_reduce_fx="cat")
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the rows of all processes, also when this one has seen no example.

        torchmetrics sends a float vector for an empty list, which matches neither the type nor the rank of
        ours.
        """
        if not self.ids:
            self.ids = [torch.empty(0, dtype=torch.int64, device=self.device)]
            self.rows = [torch.empty(0, self._width, dtype=self._row_dtype, device=self.device)]
        super().sync(*args, **kwargs)

    def _append(self, ids: Tensor | None, rows: Tensor) -> None:
        if ids is None:
            ids = torch.full((len(rows),), UNIDENTIFIED, dtype=torch.int64, device=rows.device)
        elif ids.shape != (len(rows),) or bool((ids < 0).any()):
            raise InputError(f"ids: {len(rows)} examples need as many ids, all of them >= 0")
        self.ids.append(ids.detach())
        self.rows.append(rows.detach())

    def _distinct(self) -> tuple[Tensor, Tensor]:
        """The ids `[N]` in ascending order and their rows `[N, width]`, on the CPU, each id once."""
        # One tensor instead of a list once gathered, hence no plain truth value.
        if len(self.ids) == 0 or len(dim_zero_cat(self.ids)) == 0:
            raise InputError(f"{type(self).__name__}: nothing was evaluated; the test set has no example")
        ids, rows = dim_zero_cat(self.ids).cpu(), dim_zero_cat(self.rows).cpu()
        order = torch.argsort(ids, stable=True)
        ids, rows = ids[order], rows[order]
        kept = torch.ones_like(ids, dtype=torch.bool)
        kept[1:] = (ids[1:] != ids[:-1]) | (ids[1:] == UNIDENTIFIED)
        return ids[kept], rows[kept]

    def _gather(self) -> tuple[Tensor, Tensor]:
        """Return `_distinct` over all processes; every process has to call it."""
        with self.sync_context():
            return self._distinct()
