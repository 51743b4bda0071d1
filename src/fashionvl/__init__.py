"""Masked vision-language pre-training in fashion: MVLT and Kaleido-BERT, reimplemented and compared."""

__version__ = "0.1.0"
