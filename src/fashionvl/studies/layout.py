"""Layout of run folders: `ROOT/HOME/COLUMN/seedK/STAGE`, and `ROOT/RECIPE/STAGE` for shared stages.

A shared stage that a column changes is that column's own: `ROOT/HOME/COLUMN/STAGE`, one for all its seeds.
"""

from pathlib import Path

from fashionvl.studies.recipe import Recipe, Stage
from fashionvl.studies.study import Column


def common(recipe: Recipe, stage: Stage, column: Column) -> bool:
    """Return whether a column uses the common run of a shared stage."""
    return stage.shared and not recipe.reached(stage, column.overlays)


def run_folder(root: Path, recipe: Recipe, stage: Stage, column: Column, seed: int) -> Path:
    """The run folder of one stage of one column and seed under `root`, which holds one scale on one data."""
    if common(recipe, stage, column):
        return root / recipe.name / stage.name
    home = root / column.home / column.id
    return home / stage.name if stage.shared else home / f"seed{seed}" / stage.name
