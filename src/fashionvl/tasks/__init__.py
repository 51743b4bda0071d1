"""LightningModules: what is trained and tested, and how."""

from fashionvl.tasks.contrastive import ContrastiveTraining
from fashionvl.tasks.kaleido.alignment import AlignmentWriting
from fashionvl.tasks.kaleido.captioner import CaptionerTraining
from fashionvl.tasks.kaleido.captioning import Captioning
from fashionvl.tasks.kaleido.feature_writing import FeatureWriting
from fashionvl.tasks.kaleido.pretraining import KaleidoPretraining
from fashionvl.tasks.kaleido.saliency import Saliency
from fashionvl.tasks.masked_pretraining import MaskedPretraining
from fashionvl.tasks.mvlt_pretraining import MVLTPretraining
from fashionvl.tasks.pyramid_distillation import PyramidDistillation
from fashionvl.tasks.pyramid_pretraining import PyramidPretraining
from fashionvl.tasks.recognition import Recognition

__all__ = [
    "AlignmentWriting",
    "CaptionerTraining",
    "Captioning",
    "ContrastiveTraining",
    "FeatureWriting",
    "KaleidoPretraining",
    "MVLTPretraining",
    "MaskedPretraining",
    "PyramidDistillation",
    "PyramidPretraining",
    "Recognition",
    "Saliency",
]
