"""Where runs lie: `ROOT/HOME/COLUMN/seedK/STAGE`, and `ROOT/RECIPE/STAGE` for what all columns share."""

from pathlib import Path

from fashionvl.studies.recipe import Recipe, Stage
from fashionvl.studies.study import Column


def run_folder(root: Path, recipe: Recipe, stage: Stage, column: Column, seed: int) -> Path:
    """The run folder of one stage of one column and seed under `root`, which holds one scale on one data."""
    if stage.shared:
        return root / recipe.name / stage.name
    return root / column.home / column.id / f"seed{seed}" / stage.name
