"""Write `docs/performance.md` and its plots from what was measured, or check that they are up to date."""

import argparse
import os.path
import sys
from pathlib import Path

from benchmarks.page.read import read
from benchmarks.page.style import drawn_by
from benchmarks.page.text import Page, write
from benchmarks.record import RESULTS
from fashionvl.errors import InputError

ROOT = RESULTS.parent.parent
WRITE = "python -m benchmarks.page writes it"
PICTURES = ("ratios-*.svg", "stages-*.svg", "cost-*.svg", "scaling-*.svg", "loading.svg")
"""Names that belong to the page: one of these that it no longer shows is removed."""


def main(arguments: list[str] | None = None) -> int:
    """Write or check; 1 where the page on disk is another one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=(__doc__ or "").strip())
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of JSON files")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--images", type=Path, default=ROOT / "docs" / "images" / "performance")
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if it would change")
    given = parser.parse_args(arguments)
    try:
        page = write(
            read(given.results), os.path.relpath(given.images, given.out.parent).replace(os.sep, "/")
        )
    except InputError as problem:
        parser.error(str(problem))
    if given.check:
        difference = _difference(page, given.out, given.images)
        if difference:
            sys.stderr.write(difference + "\n")
        return 1 if difference else 0
    _keep(page, given.out, given.images)
    return 0


def _difference(page: Page, out: Path, images: Path) -> str:
    """Describe the first file that differs from what would be written; empty where none does."""
    if not out.exists():
        return f"{out}: missing; {WRITE}"
    if out.read_text(encoding="utf-8") != page.text:
        return f"{out}: not what the results say; {WRITE}"
    for name, drawn in page.pictures.items():
        file = images / name
        if not file.exists():
            return f"{file}: missing; {WRITE}"
        found = file.read_text(encoding="utf-8")
        # Another matplotlib draws the same numbers in other strokes.
        if found != drawn and drawn_by(found) == drawn_by(drawn):
            return f"{file}: not what the results say; {WRITE}"
    stale = _stale(page, images)
    return f"{stale[0]}: no longer shown; {WRITE}" if stale else ""


def _keep(page: Page, out: Path, images: Path) -> None:
    images.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    for name, drawn in page.pictures.items():
        (images / name).write_text(drawn, encoding="utf-8")
    for file in _stale(page, images):
        file.unlink()
    out.write_text(page.text, encoding="utf-8")
    sys.stderr.write(f"{out} and {len(page.pictures)} pictures\n")


def _stale(page: Page, images: Path) -> list[Path]:
    files = sorted(file for pattern in PICTURES for file in images.glob(pattern))
    return [file for file in files if file.name not in page.pictures]


if __name__ == "__main__":
    sys.exit(main())
