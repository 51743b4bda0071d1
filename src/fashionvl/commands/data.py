"""`fashionvl data synthesize | inspect`."""

from itertools import pairwise
from pathlib import Path

from fashionvl.data.inspection.catalogue import inspect_catalogue
from fashionvl.data.inspection.tables import print_summary
from fashionvl.data.readers import Table
from fashionvl.data.synthetic import synthesize as draw
from fashionvl.files.ours import Ours


def synthesize(
    out: Path,
    products: int = 10_000,
    seed: int = 0,
    validation_share: float = 0.2,
    workers: int = 2,
    overwrite: bool = False,
    unnamed_share: float = 0.0,
) -> None:
    """Draw a synthetic catalogue in Fashion-Gen's HDF5 schema.

    Args:
        out: folder to write the two files and their ground truth into, new or empty; a folder that holds
            anything is refused, and nothing in it is changed.
        products: how many products, over both files.
        seed: the same seed gives the same bytes.
        validation_share: share of the products in the validation file.
        workers: processes that draw.
        overwrite: replace a catalogue that this command drew into `out` earlier; files that it did not write
            are never replaced.
        unnamed_share: share of the products whose captions do not name their sub-category, in [0, 1].
    """
    draw(out, products, seed, validation_share, workers, overwrite=overwrite, unnamed_share=unnamed_share)


def inspect(root: Path, out: Path | None = None, sample: int = 2000, table: Table | None = None) -> None:
    """Count, check and picture a catalogue.

    Args:
        root: folder with the files, or a table.
        out: folder for `contact_sheet.png` and `defects.csv`, and for pictures that have to be unpacked; None
            keeps none of them. Files of these names that this command did not write are not replaced.
        sample: photographs looked at for defects, spread evenly; 0 looks at all.
        table: how a table is read, as `data.init_args.table`.
    """
    ours = Ours(out, ("contact_sheet.png", "defects.csv")) if out else None
    print_summary(inspect_catalogue(root, out, sample, table))
    if ours:
        ours.remember()


def with_switches(words: list[str]) -> list[str]:
    """Let `--overwrite` stand alone; the parser asks every option for a value."""
    return [
        "--overwrite=true" if word == "--overwrite" and after not in ("true", "false") else word
        for word, after in pairwise([*words, ""])
    ]


COMMANDS = {"synthesize": synthesize, "inspect": inspect}
