"""Puts recipes, studies and sweeps, which lie at the top of the repository, into the built package.

All else is in pyproject.toml. An editable install copies nothing and finds the folders where they are.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
FOLDERS = ("experiments", "ablations", "baselines", "sweeps")


class BuildWithRecipes(build_py):
    """Build the package, then copy the folders to `fashionvl/recipes/`."""

    def run(self) -> None:
        """Run the command."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "fashionvl" / "recipes"
        # A file removed from the repository must not come back from an older build.
        shutil.rmtree(target, ignore_errors=True)
        for file in sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.yaml")):
            copy = target / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


setup(cmdclass={"build_py": BuildWithRecipes})
