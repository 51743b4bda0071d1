"""The candidates of a run: drawn and kept beside the index, or ready-made lists."""

from pathlib import Path

from fashionvl.data.batches.source import SplitSource
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.readers import read_candidate_lists, resolve_queries
from fashionvl.data.requests import Retrieval
from fashionvl.data.retrieval.candidates import CandidateSet, Direction, draw_candidates


def open_candidates(
    spec: Retrieval, direction: Direction, root: Path, index: CatalogueIndex, source: SplitSource
) -> CandidateSet:
    """The candidates of one direction; drawn and saved on first use.

    Args:
        spec: of the run.
        direction: tir or itr.
        root: of the catalogue, where ready-made lists lie.
        index: of the test file.
        source: likewise.

    Raises:
        InputError: ready-made lists are missing or of other data, or there is nothing to draw from.
    """
    if spec.candidates == "ready_made":
        lists = read_candidate_lists(root, "TIR" if direction == "tir" else "ITR")
        query, table, positive = resolve_queries(lists, index.reader.columns())
        return CandidateSet(direction, query, table, positive, {}).counted(index.caption_of_row)
    distinct = "-distinct" if spec.distinct_captions else ""
    folder = index.folder / f"{direction}-{spec.queries}x{spec.negatives}-seed{spec.seed}{distinct}"
    if not (folder / "summary.json").exists():
        drawn = draw_candidates(
            direction,
            source.product_id,
            source.category,
            source.subcategory,
            spec.queries,
            spec.negatives,
            spec.seed,
            index.caption_of_row if spec.distinct_captions else None,
        )
        drawn.counted(index.caption_of_row).save(folder)
    found = CandidateSet.load(folder)
    return found if found.own_caption else found.counted(index.caption_of_row)
