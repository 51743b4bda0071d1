"""Masked vision-language pre-training in fashion: MVLT and Kaleido-BERT, reimplemented and compared."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fashionvl.inference.load import load
    from fashionvl.inference.score import score

__version__ = "0.1.0"

__all__ = ["__version__", "load", "score"]


def __getattr__(name: str) -> Any:
    # Late, so that importing the package does not wait for torch.
    if name in ("load", "score"):
        return getattr(import_module(f"fashionvl.inference.{name}"), name)
    raise AttributeError(f"module 'fashionvl' has no attribute {name!r}")
