"""Recipes, studies and sweeps that come with the package, for who has no checkout."""

from pathlib import Path

FOLDERS = ("experiments", "ablations", "baselines", "sweeps")
PACKAGE = Path(__file__).parents[1]


def shipped() -> Path | None:
    """Return the folder that holds `experiments`, `ablations` and so on; None if they did not come along.

    It is `recipes` in the installed package, or the checkout of an editable install.
    """
    for place in (PACKAGE / "recipes", PACKAGE.parents[1]):
        if (place / FOLDERS[0]).is_dir():
            return place
    return None


def found(path: Path) -> Path:
    """Return a path as it is if there is such a file or folder, otherwise its place among what is shipped.

    Args:
        path: relative to the current folder, such as `experiments/mvlt/pretrain.yaml`; `experiments/` may be
            left out. A path that is nowhere is returned as it is.
    """
    place = shipped()
    if path.exists() or path.is_absolute() or place is None:
        return path
    # What climbs out of the folders is not theirs.
    tried = [place / start / path for start in ("", FOLDERS[0]) if ".." not in path.parts]
    inside = [file for file in tried if file.relative_to(place).parts[:1] and file.exists()]
    return next((file for file in inside if file.relative_to(place).parts[0] in FOLDERS), path)
