"""Names inside a run folder, and the version of its record."""

SCHEMA = 1
"""Version of `metrics.json`; raised when a key changes its meaning."""


WRITTEN = (
    *("config.yaml", "metrics.json", "metrics.csv", "failed.json"),
    *("model", "tokenizer", "examples", "checkpoints"),
)
"""Files and folders that a run writes whatever its task; a folder that holds one is a run, or nobody's."""


STAGES = (
    *("pyramid", "contrast", "saliency", "captioner", "align", "features"),
    *("pretrain", "recognition", "captioning"),
)
"""The stages of MVLT and of Kaleido-BERT in the order they run; other run folders follow by name."""
