"""Contrastive losses of dual encoders: hinges (VSE, VSE++) and InfoNCE (CLIP), over one similarity matrix."""

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashionvl.errors import InputError

MAX_SCALE = 100.0
"""Largest factor on the similarities (Radford et al. 2021, section 2.5)."""


class ContrastiveLoss(nn.Module, ABC):
    """A loss that draws the scores of matching images and texts above those of all others in the batch.

    Under several processes, the caller passes the matrix of the global batch.
    """

    def forward(self, similarity: Tensor, same: Tensor) -> Tensor:
        """Compute the loss of a batch of B pairs.

        Args:
            similarity: `[B, B]` score of image i (row) with text j (column), higher for a better match; text
                i is image i's own. Half precision is computed in float32.
            same: `[B, B]` bool, True where image and text are of one product: on the diagonal, and where
                another photograph or caption of the product is in the batch.

        Returns:
            A scalar, at least 0.

        Raises:
            ValueError: the matrices are not square or differ in shape.
        """
        rows, columns = similarity.shape
        if rows != columns or same.shape != similarity.shape:
            raise ValueError(
                f"similarity: {list(similarity.shape)} and same: {list(same.shape)}; both have to be [B, B]"
            )
        wide = similarity if similarity.dtype == torch.float64 else similarity.float()
        return self.compute(wide, same)

    @abstractmethod
    def compute(self, similarity: Tensor, same: Tensor) -> Tensor:
        """Compute the loss of checked matrices in float32 or float64; see `forward`."""


class Hinge(ContrastiveLoss):
    """Hinges in both directions: VSE (Kiros et al. 2014) and VSE++ (Faghri et al. 2018).

    With margin m, a wrong text j costs image i `max(0, m + s_ij - s_ii)`, and a wrong image i costs text j
    `max(0, m + s_ij - s_jj)`. Costs are summed over the batch, not averaged, as in both released codes: loss
    and gradient grow with B (`hardest`) or B^2. Equal similarities cost `2 * B * m` (`hardest`) or
    `2 * B * (B - 1) * m`; training from scratch with `hardest` can stay there (issue 27 of VSE++'s code).

    Args:
        margin: m, positive; 0.2 in VSE, VSE++ and SCAN, 0.05 for order embeddings.
        hardest: count only the costliest text of each image and image of each text (VSE++, the flag
            `max_violation` of its code); otherwise all of them (VSE).
        same_product: what another photograph or caption of the same product is. `negative`: like any other,
            as in the released codes, which mask the diagonal alone. `ignore`: costs nothing.
        sum_batches: with `hardest`, training batches that count all hinges first. Our option, for encoders
            that start from nothing, where the hardest hinges alone tend to collapse.

    Raises:
        InputError: a value is out of range; the message names the key.
    """

    def __init__(
        self,
        margin: float = 0.2,
        hardest: bool = False,
        same_product: Literal["negative", "ignore"] = "negative",
        sum_batches: int = 0,
    ) -> None:
        super().__init__()
        if not (margin > 0 and math.isfinite(margin)):
            raise InputError(f"loss.margin: {margin} must be positive and finite")
        if same_product not in ("negative", "ignore"):
            raise InputError(f"loss.same_product: {same_product!r} is neither negative nor ignore")
        if sum_batches < 0:
            raise InputError(f"loss.sum_batches: {sum_batches} must not be negative")
        self.margin, self.hardest, self.same_product = margin, hardest, same_product
        self.sum_batches, self._batches = sum_batches, 0

    def get_extra_state(self) -> int:
        """Return the training batches so far, which a continued run goes on counting."""
        return self._batches

    def set_extra_state(self, state: int) -> None:
        """Go on counting."""
        self._batches = int(state)

    def compute(self, similarity: Tensor, same: Tensor) -> Tensor:
        """Sum the hinges of all images and all texts."""
        own = similarity.diagonal()
        free = same if self.same_product == "ignore" else _diagonal(same)
        of_images = (self.margin + similarity - own[:, None]).clamp(min=0).masked_fill(free, 0)
        of_texts = (self.margin + similarity - own).clamp(min=0).masked_fill(free, 0)
        hardest = self.hardest and self._batches >= self.sum_batches
        self._batches += self.training
        if hardest:
            return of_images.max(1).values.sum() + of_texts.max(0).values.sum()
        return of_images.sum() + of_texts.sum()


class InfoNCE(ContrastiveLoss):
    """Symmetric cross-entropy over the rows and columns of scaled similarities (Radford et al. 2021, Fig. 3).

    Each image chooses among the batch's texts and each text among its images; the mean over the batch and
    both directions. Equal similarities cost ln B where no product occurs twice.

    Args:
        temperature: similarities are divided by it; at least 0.01, CLIP's limit on the factor being 100. CLIP
            starts from 0.07; 0.1 is the best of Chen et al. 2020, Table 5.
        learned: train the logarithm of the factor from there, as CLIP does, and clip it to ln 100 at
            each training step. Otherwise the temperature stays.
        same_product: what another photograph or caption of the same product is. `negative`: like any other,
            as in CLIP. `ignore`: left out of the denominator. `share`: as right as the own one; the target
            is uniform over all of the product (Khosla et al. 2020, Eq. 2).

    Attributes:
        log_scale: scalar, ln(1 / temperature); a parameter where it is learned, otherwise a buffer.

    Raises:
        InputError: a value is out of range; the message names the key.
    """

    log_scale: Tensor

    def __init__(
        self,
        temperature: float = 0.1,
        learned: bool = True,
        same_product: Literal["negative", "ignore", "share"] = "share",
    ) -> None:
        super().__init__()
        if not 1 / MAX_SCALE <= temperature < math.inf:
            raise InputError(f"loss.temperature: {temperature} must be finite and at least {1 / MAX_SCALE}")
        if same_product not in ("negative", "ignore", "share"):
            raise InputError(f"loss.same_product: {same_product!r} is none of negative, ignore and share")
        self.same_product = same_product
        log_scale = torch.tensor(-math.log(temperature))
        if learned:
            self.log_scale = nn.Parameter(log_scale)
        else:
            self.register_buffer("log_scale", log_scale)

    @property
    def temperature(self) -> float:
        """The temperature now."""
        return math.exp(-self.log_scale.item())

    def compute(self, similarity: Tensor, same: Tensor) -> Tensor:
        """Average the cross-entropies of images and texts."""
        if self.training:
            with torch.no_grad():
                self.log_scale.clamp_(max=math.log(MAX_SCALE))
        logits = similarity * self.log_scale.exp()
        right = _diagonal(same)
        if self.same_product == "ignore":
            logits = logits.masked_fill(same & ~right, -math.inf)
        if self.same_product == "share":
            shared = same.to(logits)
            images = F.cross_entropy(logits, shared / shared.sum(1, keepdim=True))
            texts = F.cross_entropy(logits.T, (shared / shared.sum(0)).T)
        else:
            own = torch.arange(len(logits), device=logits.device)
            images, texts = F.cross_entropy(logits, own), F.cross_entropy(logits.T, own)
        return (images + texts) / 2


def _diagonal(same: Tensor) -> Tensor:
    return torch.eye(len(same), dtype=torch.bool, device=same.device)
