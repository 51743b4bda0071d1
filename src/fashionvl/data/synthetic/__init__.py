"""The synthetic catalogue: procedural garments in Fashion-Gen's file format, ground truth beside them."""

from fashionvl.data.synthetic.ground_truth import GroundTruth
from fashionvl.data.synthetic.writer import synthesize

__all__ = ["GroundTruth", "synthesize"]
