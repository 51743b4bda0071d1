"""`fashionvl data synthesize | inspect`."""

from pathlib import Path

from fashionvl.data.inspection.catalogue import inspect_catalogue
from fashionvl.data.inspection.tables import print_summary
from fashionvl.data.readers import Table
from fashionvl.data.synthetic import synthesize as draw


def synthesize(
    out: Path, products: int = 10_000, seed: int = 0, validation_share: float = 0.2, workers: int = 2
) -> None:
    """Draw a synthetic catalogue in Fashion-Gen's HDF5 schema.

    Args:
        out: folder to write the two files and their ground truth into.
        products: how many products, over both files.
        seed: the same seed gives the same bytes.
        validation_share: share of the products in the validation file.
        workers: processes that draw.
    """
    draw(out, products, seed, validation_share, workers)


def inspect(root: Path, out: Path | None = None, sample: int = 2000, table: Table | None = None) -> None:
    """Count, check and picture a catalogue.

    Args:
        root: folder with the files, or a table.
        out: folder for `contact_sheet.png`; None: the root itself.
        sample: photographs looked at for defects, spread evenly; 0 looks at all.
        table: how a table is read, as `data.init_args.table`.
    """
    out = out or (root.parent if root.is_file() else root)
    print_summary(inspect_catalogue(root, out, sample, table))


COMMANDS = {"synthesize": synthesize, "inspect": inspect}
