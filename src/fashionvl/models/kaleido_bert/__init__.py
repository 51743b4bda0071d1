"""Kaleido-BERT (Zhuge et al., CVPR 2021)."""

from fashionvl.models.kaleido_bert.model import Encoded, KaleidoBERT

__all__ = ["Encoded", "KaleidoBERT"]
