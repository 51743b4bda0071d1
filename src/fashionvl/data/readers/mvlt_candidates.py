"""The ready-made retrieval queries that came with MVLT's data: `retrieve_ITR/` and `retrieve_TIR/`.

Structure: the loader for retrieval in `mcloader/fashion_gen.py` of the released code. Each pickle is one
query, a dictionary of 101 entries of the same keys as a row. The released code scores the photograph of each
entry against the caption of the same entry and counts the first as the true pair. So in a TIR list the
captions repeat the query and the photographs are the candidates; in an ITR list the photograph repeats and
the captions are the candidates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from fashionvl.data.catalogue import CatalogueColumns, ProductRecord
from fashionvl.data.readers.mvlt_folder import parse_entry
from fashionvl.data.readers.safe_pickle import load_plain
from fashionvl.errors import InputError

CANDIDATES = 101
Direction = Literal["ITR", "TIR"]


@dataclass(frozen=True, slots=True)
class ReadyMadeQuery:
    """One query with its candidates, the true one first.

    Attributes:
        source: the pickle.
        direction: "ITR" ranks captions for a photograph, "TIR" photographs for a caption.
        entries: the candidates as written; `row` counts them.
    """

    source: Path
    direction: Direction
    entries: tuple[ProductRecord, ...]


class ResolvedQueries(NamedTuple):
    """Queries and candidates as rows of the validation split.

    Attributes:
        query_rows: `[Q]` int64; the row whose photograph (ITR) or caption (TIR) asks.
        candidate_rows: `[Q, C]` int64; rows whose captions (ITR) or photographs (TIR) are ranked.
        positive: `[Q]` int64; column of the true candidate, 0 throughout.
    """

    query_rows: np.ndarray
    candidate_rows: np.ndarray
    positive: np.ndarray


def read_candidate_lists(
    root: Path, direction: Direction, candidates: int = CANDIDATES
) -> list[ReadyMadeQuery]:
    """Read every list of one direction, in the order of the file names.

    Raises:
        InputError: the folder is missing or empty, or a list is damaged, refused or of another length.
    """
    folder = root / f"retrieve_{direction}"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; the ready-made {direction} lists are expected there")
    paths = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    if not paths:
        raise InputError(f"{folder}: holds no candidate lists; expected one pickle a query")
    return [_read_list(path, direction, candidates) for path in paths]


def _read_list(path: Path, direction: Direction, candidates: int) -> ReadyMadeQuery:
    content = load_plain(path)
    if not isinstance(content, dict) or len(content) != candidates:
        found = f"{len(content)} entries" if isinstance(content, dict) else f"a {type(content).__name__}"
        raise InputError(f"{path}: holds {found}, expected a dictionary of {candidates}")
    entries = (
        parse_entry(entry, row, f"{path}, entry {key}") for row, (key, entry) in enumerate(content.items())
    )
    return ReadyMadeQuery(path, direction, tuple(entries))


def resolve_queries(queries: Sequence[ReadyMadeQuery], columns: CatalogueColumns) -> ResolvedQueries:
    """Find the rows that ready-made lists speak of.

    Photographs are found by name, captions by their text; a caption that several rows share is one
    candidate, whose row is the first of them, or the query's own row where that has it.

    Args:
        queries: Q lists of equal length, all of one direction.
        columns: the split they were drawn from.

    Raises:
        InputError: a list names a photograph or a caption that the split does not have, or its true pair is
            not one in the split.
    """
    row_of_image = {name: row for row, name in reversed(list(enumerate(columns.image_name)))}
    row_of_caption = {text: row for row, text in reversed(list(enumerate(columns.caption)))}
    query_rows, candidate_rows = [], []
    for query in queries:
        asking = _find_image(row_of_image, query.entries[0], query)
        own = columns.caption[asking]
        _check_true_pair(query, own)
        if query.direction == "TIR":
            ranked = [_find_image(row_of_image, entry, query) for entry in query.entries]
        else:
            found = [_find_caption(row_of_caption, entry, query) for entry in query.entries]
            ranked = [asking if columns.caption[row] == own else row for row in found]
        query_rows.append(asking)
        candidate_rows.append(ranked)
    return ResolvedQueries(
        query_rows=np.array(query_rows, np.int64),
        candidate_rows=np.array(candidate_rows, np.int64),
        positive=np.zeros(len(queries), np.int64),
    )


def _check_true_pair(query: ReadyMadeQuery, caption: str) -> None:
    first = query.entries[0]
    if first.caption != caption:
        start = first.caption[:40]
        raise InputError(
            f"{query.source}: {first.image_name} has another caption in the split than {start!r}..."
        )


def _find_image(rows: dict[str, int], entry: ProductRecord, query: ReadyMadeQuery) -> int:
    if entry.image_name not in rows:
        raise InputError(f"{query.source}: entry {entry.row} names {entry.image_name}, unknown to the split")
    return rows[entry.image_name]


def _find_caption(rows: dict[str, int], entry: ProductRecord, query: ReadyMadeQuery) -> int:
    if entry.caption not in rows:
        start = entry.caption[:40]
        raise InputError(
            f"{query.source}: entry {entry.row} ({entry.image_name}) has a caption unknown to the split: "
            f"{start!r}..."
        )
    return rows[entry.caption]
