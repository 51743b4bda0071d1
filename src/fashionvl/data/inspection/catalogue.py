"""Contents and defects of a catalogue, row by row: `fashionvl data inspect`."""

import csv
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from fashionvl.data.catalogue import CatalogueColumns, CatalogueReader
from fashionvl.data.index.labels import CATEGORIES, SUBCATEGORIES
from fashionvl.data.inspection.contact_sheet import draw_contact_sheet
from fashionvl.data.readers import Table, available_splits, detect_layout, open_split
from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.data.readers.table import TableReader, open_table
from fashionvl.errors import InputError

QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)
"""Levels at which views a product and words a caption are summarised."""

PRINTED_BYTES = re.compile(r"""b(['"]).*\1""", re.DOTALL)
"""Pattern of Python's printed bytes; a caption of that form was not decoded when it was written."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong with one row.

    Attributes:
        split: the row's; `table` for rows of a table that are in no split.
        row: of the split; in a table, the line of the file.
        kind: what is wrong.
    """

    split: str
    row: int
    kind: str


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """Counts over one split.

    Attributes:
        source: the file or folder.
        rows: photographs.
        products: distinct products.
        categories: rows a main category.
        subcategories: rows a sub-category.
        views: photographs a product, at the quantiles 0, 5, 50, 95 and 100 %.
        caption_words: words a caption, at the same quantiles.
        captions: distinct captions.
        images_scanned: photographs looked at.
        fields: datasets of the file with shape and type, or what a table's columns hold; empty for a folder.
    """

    source: Path
    rows: int
    products: int
    categories: dict[str, int]
    subcategories: dict[str, int]
    views: tuple[int, ...]
    caption_words: tuple[int, ...]
    captions: int
    images_scanned: int
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class CatalogueSummary:
    """The splits found, by name, and their defects in row order."""

    splits: dict[str, SplitSummary]
    defects: list[Defect]


def inspect_catalogue(
    root: Path, out: Path | None = None, sample: int = 2000, table: Table | None = None
) -> CatalogueSummary:
    """Count a catalogue and look for defects.

    Every row's text is read. Found: captions that are empty; text that is not UTF-8; photographs that are
    all white, all black or unreadable; products whose rows do not stand together (Fashion-Gen's do); names
    the official lists lack; products in both splits. In a table, also rows that no run can use and rows
    without a category; its names and the order of its rows are its own.

    Args:
        root: folder in one of the known layouts, or a table.
        out: folder to write `contact_sheet.png` (one product a sub-category) and `defects.csv` into, and to
            unpack pictures of a table into; None keeps nothing, and writes nothing beside the catalogue.
        sample: photographs to look at in each split, spread evenly; 0 for all of them.
        table: how a table is read; None recognises a published set or takes columns by their usual names.

    Raises:
        InputError: no catalogue there, a file that cannot be used at all, or `out` cannot be written.
    """
    if out is not None:
        _check_writable(out)
    with _cache(out) as cache:
        return _inspect(_open(root, table, cache), out, sample)


def _inspect(readers: dict[str, CatalogueReader], out: Path | None, sample: int) -> CatalogueSummary:
    columns = {split: reader.columns() for split, reader in readers.items()}
    summaries: dict[str, SplitSummary] = {}
    defects = _rows_in_no_split(readers)
    for split, reader in readers.items():
        rows = _spread(len(reader), sample)
        found = {**_text_defects(columns[split], reader), **_image_defects(reader, rows)}
        others = [other.product_id for name, other in columns.items() if name != split]
        found["product is in another split too"] = _shared_products(columns[split].product_id, others)
        listed = [Defect(split, _place(reader, row), kind) for kind, bad in found.items() for row in bad]
        defects += sorted(listed, key=lambda defect: defect.row)
        summaries[split] = _summarise(reader, columns[split], len(rows))
    summary = CatalogueSummary(summaries, defects)
    if out is not None:
        _write_defects(defects, out / "defects.csv")
        draw_contact_sheet(_examples(readers, columns)).save(out / "contact_sheet.png")
    return summary


@contextmanager
def _cache(out: Path | None) -> Iterator[Path]:
    """A folder for pictures that have to be unpacked; without `out` it goes when they were looked at."""
    if out is not None:
        yield out / ".fashionvl"
        return
    with tempfile.TemporaryDirectory(prefix="fashionvl-") as folder:
        yield Path(folder)


def _open(root: Path, table: Table | None, cache: Path) -> dict[str, CatalogueReader]:
    layout = detect_layout(root) if table is None else "table"
    if layout == "table":
        return dict(open_table(root, table, cache, inspect=True).items())
    return {split: open_split(root, split, layout) for split in available_splits(root, layout)}


def _rows_in_no_split(readers: dict[str, CatalogueReader]) -> list[Defect]:
    """List the rows that a table's reader left out; the readers of all splits list the same."""
    tables = [reader for reader in readers.values() if isinstance(reader, TableReader)]
    found = [Defect("table", defect.line, defect.kind) for reader in tables[:1] for defect in reader.defects]
    return sorted(found, key=lambda defect: defect.row)


def _place(reader: CatalogueReader, row: int) -> int:
    return reader.line(row) if isinstance(reader, TableReader) else row


def _check_writable(out: Path) -> None:
    """Make the folder for pictures before anything is counted.

    Raises:
        InputError: it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another folder") from error


def _spread(rows: int, sample: int) -> list[int]:
    if not sample or sample >= rows:
        return list(range(rows))
    return [int(row) for row in np.linspace(0, rows - 1, sample)]


def _text_defects(columns: CatalogueColumns, reader: CatalogueReader) -> dict[str, list[int]]:
    if isinstance(reader, TableReader):
        return {"no category": [row for row, name in enumerate(columns.category) if not name]}
    found = {
        "empty caption": [row for row, caption in enumerate(columns.caption) if not caption.strip()],
        "caption is printed bytes, b'...'": [
            row for row, caption in enumerate(columns.caption) if PRINTED_BYTES.fullmatch(caption)
        ],
        "category not in the official list": _unknown(columns.category, CATEGORIES),
        "sub-category not in the official list": _unknown(columns.subcategory, SUBCATEGORIES),
        "product's rows do not stand together": _scattered(columns.product_id),
    }
    if isinstance(reader, FashionGenReader):
        for field in reader.text_fields().values():
            found[f"{field} is not UTF-8"] = reader.text_column(field).not_utf8
    return found


def _unknown(names: list[str], official: tuple[str, ...]) -> list[int]:
    known = set(official)
    return [row for row, name in enumerate(names) if name not in known]


def _scattered(product_id: np.ndarray) -> list[int]:
    """First rows of every run of a product after its first run."""
    starts = np.flatnonzero(np.diff(product_id, prepend=product_id[0] - 1))
    _, first = np.unique(product_id[starts], return_index=True)
    return [int(row) for row in np.delete(starts, first)]


def _image_defects(reader: CatalogueReader, rows: list[int]) -> dict[str, list[int]]:
    white, black, unreadable = [], [], []
    for row in track(rows, f"looking at {reader.source.name}", transient=True):
        try:
            image = reader.image(row)
        except InputError:
            unreadable.append(row)
            continue
        if image.min() == 255:
            white.append(row)
        elif image.max() == 0:
            black.append(row)
    return {"all-white image": white, "all-black image": black, "unreadable image": unreadable}


def _shared_products(own: np.ndarray, others: list[np.ndarray]) -> list[int]:
    return [int(row) for row in np.flatnonzero(np.isin(own, np.concatenate([own[:0], *others])))]


def _summarise(reader: CatalogueReader, columns: CatalogueColumns, scanned: int) -> SplitSummary:
    _, views = np.unique(columns.product_id, return_counts=True)
    words = np.array([len(caption.split()) for caption in columns.caption])
    return SplitSummary(
        source=reader.source,
        rows=len(columns),
        products=len(views),
        categories=dict(Counter(columns.category).most_common()),
        subcategories=dict(Counter(columns.subcategory).most_common()),
        views=_quantiles(views),
        caption_words=_quantiles(words),
        captions=len(set(columns.caption)),
        images_scanned=scanned,
        fields=reader.fields() if isinstance(reader, (FashionGenReader, TableReader)) else {},
    )


def _quantiles(values: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in np.quantile(values, QUANTILES, method="nearest"))


def _examples(
    readers: dict[str, CatalogueReader], columns: dict[str, CatalogueColumns]
) -> list[tuple[str, np.ndarray]]:
    """Name and first readable photograph of every sub-category, in alphabetical order."""
    examples: dict[str, np.ndarray] = {}
    for split, reader in readers.items():
        for row, name in enumerate(columns[split].subcategory):
            if name not in examples:
                try:
                    examples[name] = reader.image(row)
                except InputError:
                    continue
    return sorted(examples.items())


def _write_defects(defects: list[Defect], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "row", "defect"])
        writer.writerows((defect.split, defect.row, defect.kind) for defect in defects)
