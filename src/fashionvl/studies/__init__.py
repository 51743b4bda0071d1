"""Studies: which columns are compared, of which recipe, and where their runs lie. Plain data, no torch."""

from fashionvl.studies.layout import run_folder
from fashionvl.studies.recipe import Input, Recipe, Stage, read_recipe
from fashionvl.studies.study import Column, Study, find_studies, read_study, unchanged

__all__ = [
    "Column", "Input", "Recipe", "Stage", "Study",
    "find_studies", "read_recipe", "read_study", "run_folder", "unchanged",
]  # fmt: skip
