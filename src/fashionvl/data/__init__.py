"""Files in, typed batches out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fashionvl.data.datamodule import FashionGenDataModule

__all__ = ["FashionGenDataModule"]


def __getattr__(name: str) -> Any:
    # Late, so that reading a catalogue or drawing one does not wait for Lightning.
    if name == "FashionGenDataModule":
        from fashionvl.data.datamodule import FashionGenDataModule

        return FashionGenDataModule
    raise AttributeError(name)
