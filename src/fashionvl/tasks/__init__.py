"""LightningModules: what is trained and tested, and how."""

from fashionvl.tasks.alignment import AlignmentWriting
from fashionvl.tasks.captioner import CaptionerTraining
from fashionvl.tasks.captioning import Captioning
from fashionvl.tasks.feature_writing import FeatureWriting
from fashionvl.tasks.kaleido_pretraining import KaleidoPretraining
from fashionvl.tasks.mvlt_pretraining import MVLTPretraining
from fashionvl.tasks.pyramid_pretraining import PyramidPretraining
from fashionvl.tasks.recognition import Recognition
from fashionvl.tasks.saliency import Saliency

__all__ = [
    "AlignmentWriting",
    "CaptionerTraining",
    "Captioning",
    "FeatureWriting",
    "KaleidoPretraining",
    "MVLTPretraining",
    "PyramidPretraining",
    "Recognition",
    "Saliency",
]
