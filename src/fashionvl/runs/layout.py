"""Names inside a run folder, and the version of its record."""

SCHEMA = 1
"""Of `metrics.json`; raised when a key changes its meaning."""


STAGES = (
    *("pyramid", "saliency", "captioner", "align", "features"),
    *("pretrain", "recognition", "captioning"),
)
"""The stages of MVLT and of Kaleido-BERT in the order they run; other run folders follow by name."""
