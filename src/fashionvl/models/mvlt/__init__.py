"""MVLT: the masked vision-language transformer (Ji et al., 2023)."""

from fashionvl.models.mvlt.dual import MVLTDualEncoder
from fashionvl.models.mvlt.model import MVLT, Encoded
from fashionvl.models.mvlt.sizes import SIZES

__all__ = ["MVLT", "SIZES", "Encoded", "MVLTDualEncoder"]
