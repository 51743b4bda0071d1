"""LightningModules: what is trained and tested, and how."""

from fashionvl.tasks.mvlt_pretraining import MVLTPretraining
from fashionvl.tasks.pyramid_pretraining import PyramidPretraining
from fashionvl.tasks.recognition import Recognition

__all__ = ["MVLTPretraining", "PyramidPretraining", "Recognition"]
