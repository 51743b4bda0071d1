"""The papers' own tables, as they were printed."""

import csv
from importlib.resources import files

from fashionvl.errors import InputError
from fashionvl.reporting import metrics

PaperTable = dict[str, dict[str, float]]
"""Column to metric key to value."""


def paper_table(name: str) -> PaperTable:
    """A table of MVLT or Kaleido-BERT: `mvlt_table2` to `mvlt_table6`, `kaleido_table2` to `kaleido_table4`.

    Rates, accuracy, sums and captioning are in percent, macro-F in [0, 1], as printed and as our records have
    them. Rows that our records have no name for are left out, and so are empty cells.

    Raises:
        InputError: there is no such table.
    """
    folder = files("fashionvl.reporting") / "paper_tables"
    known = sorted(file.name.removesuffix(".csv") for file in folder.iterdir() if file.name.endswith(".csv"))
    if name not in known:
        raise InputError(f"paper: no table {name!r}; there are {', '.join(known)}")
    header, *rows = csv.reader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines())
    table: PaperTable = {column: {} for column in header[2:]}
    for task, metric, *values in rows:
        key = metrics.printed_key(task, metric)
        if key is not None:
            for column, value in zip(header[2:], values, strict=True):
                if value:
                    table[column][key] = float(value)
    return table
