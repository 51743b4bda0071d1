"""Weights & Biases beside the run folders: the same numbers once more, and never required."""

PROJECT = "fashionvl"
"""Where runs go, and reports look, unless WANDB_PROJECT says otherwise."""
