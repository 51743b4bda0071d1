"""A table and its pictures as two catalogue files."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from fashionvl.data.catalogue import Split
from fashionvl.data.readers.table.archives import Members
from fashionvl.data.readers.table.arrow import read_parts
from fashionvl.data.readers.table.checking import broken_pictures
from fashionvl.data.readers.table.files import read_table
from fashionvl.data.readers.table.joining import join
from fashionvl.data.readers.table.products import Products, read_products, settle_defects
from fashionvl.data.readers.table.reader import TableReader, picture_mark
from fashionvl.data.readers.table.request import Table
from fashionvl.data.readers.table.rows import RowDefect, TextTable
from fashionvl.data.readers.table.settings import KEY, Settings, settle
from fashionvl.data.readers.table.splitting import sets_of, split_rows, unknown_splits

log = logging.getLogger(__name__)


def default_cache(root: Path) -> Path:
    """Return the folder for derived files of a catalogue when the configuration names none."""
    return (root.parent if root.is_file() else root) / ".fashionvl"


def open_table(
    root: Path,
    request: Table | None = None,
    cache: Path | None = None,
    workers: int = 0,
    inspect: bool = False,
) -> dict[Split, TableReader]:
    """Read a table, find its pictures and divide its rows.

    Args:
        root: the table, or the folder that holds it.
        request: how to read it; None recognises a published set or takes columns by their usual names.
        cache: folder for unpacked tars and for the list of broken pictures; None: `.fashionvl` beside the
            table.
        workers: processes that look for broken pictures, where those are to be left out.
        inspect: leave out rows with defects but decode nothing, whatever the request says.

    Returns:
        The two splits. The text is read once; both share it.

    Raises:
        InputError: no table, a column or picture that is missing, or rows with defects.
    """
    cache = cache or default_cache(root)
    settings = settle(root, request, cache)
    if inspect:
        settings = dataclasses.replace(settings, table=dataclasses.replace(settings.table, on_defect="skip"))
    products, defects = read_products(_joined(settings), Members.listed(settings.pictures, cache), settings)
    products, defects = _without(products, defects, unknown_splits(products, settings))
    if settings.skips and not inspect:
        broken = broken_pictures(products.members, picture_mark(products.members), cache, workers)
        kind = "picture cannot be decoded"
        found = [RowDefect(settings.file, int(products.line[row]), "", kind, broken[row]) for row in broken]
        products, defects = _without(products, defects, found)
    settle_defects(defects, settings, len(products.line))
    together = sets_of(products, settings)
    return {
        split: TableReader(settings.file, products.take(rows), defects, together[rows])
        for split, rows in split_rows(products, together, settings).items()
    }


def _joined(settings: Settings) -> TextTable:
    parts, delimiter = settings.parts, settings.table.delimiter
    first = read_parts(parts) if parts else read_table(settings.file, delimiter)
    others = [read_table(path, delimiter) for path in settings.join]
    return join(first, others, settings.table.join_on or "", f"{KEY}.join_on")


def _without(
    products: Products, defects: list[RowDefect], more: list[RowDefect]
) -> tuple[Products, list[RowDefect]]:
    """Leave out the rows of further defects."""
    if not more:
        return products, defects
    kept = np.flatnonzero(~np.isin(products.line, [defect.line for defect in more]))
    return products.take(kept), [*defects, *more]
