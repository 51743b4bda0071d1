"""The papers' own tables, as they were printed."""

import csv
from importlib.resources import files

from fashionvl.errors import InputError

TASKS = {
    "TIR": "tir", "ITR": "itr", "M-CR": "m_cr", "S-CR": "s_cr", "CR": "m_cr", "SUB": "s_cr",
    "ITR+TIR": "retrieval", "CR+SUB": "recognition", "FC": "captioning",
}  # fmt: skip
"""Names of the tables (MVLT, then Kaleido-BERT) and of our records."""

METRICS = {
    "R@1": "r1", "R@5": "r5", "R@10": "r10", "SumR": "sum_r",
    "accuracy": "accuracy", "macro-F": "macro_f", "SumC": "sum_c", "SumCLS": "total",
    "BLEU-4": "bleu4", "METEOR": "meteor", "ROUGE-L": "rouge_l", "CIDEr": "cider", "SumCAP": "sum_cap",
}  # fmt: skip

TOTALS = ("retrieval", "recognition")
"""Tasks of two directions or labels, whose sums are called as those of one."""

PaperTable = dict[str, dict[str, float]]
"""Column to metric key to value."""


def paper_table(name: str) -> PaperTable:
    """A table of MVLT or Kaleido-BERT: `mvlt_table2` to `mvlt_table6`, `kaleido_table2` to `kaleido_table4`.

    Rates, accuracy, sums and captioning are in percent, macro-F in [0, 1], as printed and as our records have
    them. Rows that our records have no name for are left out, and so are empty cells.

    Raises:
        InputError: there is no such table.
    """
    folder = files("fashionvl.reporting.study") / "tables"
    known = sorted(file.name.removesuffix(".csv") for file in folder.iterdir() if file.name.endswith(".csv"))
    if name not in known:
        raise InputError(f"paper: no table {name!r}; there are {', '.join(known)}")
    header, *rows = csv.reader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines())
    table: PaperTable = {column: {} for column in header[2:]}
    for task, metric, *values in rows:
        if task in TASKS and metric in METRICS:
            key = f"{TASKS[task]}/{'total' if TASKS[task] in TOTALS else METRICS[metric]}"
            for column, value in zip(header[2:], values, strict=True):
                if value:
                    table[column][key] = float(value)
    return table
