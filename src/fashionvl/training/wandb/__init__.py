"""Weights & Biases beside the run folders: the same numbers once more, and never required."""

PROJECT = "fashionvl"
"""Project that runs go to and reports read, unless WANDB_PROJECT says otherwise."""
