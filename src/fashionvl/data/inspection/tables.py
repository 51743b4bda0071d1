"""The tables `fashionvl data inspect` prints."""

from rich.console import Console
from rich.table import Table

from fashionvl.data.inspection.catalogue import QUANTILES, CatalogueSummary

ROWS_SHOWN = 5


def print_summary(summary: CatalogueSummary, console: Console | None = None) -> None:
    """Print a summary as tables: counts, rows of every category, defects."""
    console = console or Console()
    for table in (_counts_table(summary), _category_table(summary), _defect_table(summary)):
        console.print(table)


def _counts_table(summary: CatalogueSummary) -> Table:
    table = Table("", *summary.splits, title="Catalogue")
    splits = summary.splits.values()
    table.add_row("rows (photographs)", *(f"{split.rows:,}" for split in splits))
    table.add_row("products", *(f"{split.products:,}" for split in splits))
    table.add_row("categories", *(str(len(split.categories)) for split in splits))
    table.add_row("sub-categories", *(str(len(split.subcategories)) for split in splits))
    table.add_row("distinct captions", *(f"{split.captions:,}" for split in splits))
    levels = "/".join(f"{quantile:.0%}" for quantile in QUANTILES)
    table.add_row(f"views a product ({levels})", *("/".join(map(str, split.views)) for split in splits))
    table.add_row(f"caption words ({levels})", *("/".join(map(str, split.caption_words)) for split in splits))
    table.add_row("photographs looked at", *(f"{split.images_scanned:,}" for split in splits))
    fields = dict.fromkeys(field for split in splits for field in split.fields)
    for field in fields:
        table.add_row(field, *(split.fields.get(field, "-") for split in splits))
    return table


def _category_table(summary: CatalogueSummary) -> Table:
    table = Table("category", *summary.splits, title="Rows a category")
    names = dict.fromkeys(name for split in summary.splits.values() for name in split.categories)
    for name in names:
        table.add_row(name, *(f"{split.categories.get(name, 0):,}" for split in summary.splits.values()))
    return table


def _defect_table(summary: CatalogueSummary) -> Table:
    table = Table("split", "defect", "rows", "first (row, or line of a table)", title="Defects")
    rows: dict[tuple[str, str], list[int]] = {}
    for defect in summary.defects:
        rows.setdefault((defect.split, defect.kind), []).append(defect.row)
    for (split, kind), bad in rows.items():
        table.add_row(split, kind, f"{len(bad):,}", ", ".join(map(str, bad[:ROWS_SHOWN])))
    if not rows:
        table.add_row("", "none found", "0", "")
    return table
