"""The committed results can be rebuilt from the records committed beside them."""

import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fashionvl.commands.report import main
from fashionvl.reporting.seeds import read_seeds, seeds_json

STUDIES = ("mask_ratio", "mask_unit", "mask_style", "objectives", "pretrained")


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number and word of a report by its place; where runs lie is not among them."""
    if isinstance(node, dict):
        for key, child in node.items():
            if key != "path":
                yield from leaves(child, f"{path}/{key}")
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from leaves(child, f"{path}/{number}")
    else:
        yield path, node


def test_report_is_rebuilt_from_its_records(repository: Path, tmp_path: Path) -> None:
    results = repository / "docs" / "results" / "laptop"
    title = "MVLT Table 3 at laptop scale"
    options = ["--seeds", "0", "1", "--title", title, "--folder", str(repository / "ablations")]
    main([*STUDIES, "--runs", str(results / "runs.json"), "--out", str(tmp_path), *options])
    rebuilt, committed = (
        dict(leaves(json.loads((folder / "report.json").read_text()))) for folder in (tmp_path, results)
    )
    assert rebuilt.keys() == committed.keys()
    for place, value in committed.items():
        if isinstance(value, float):
            assert math.isclose(rebuilt[place], value, rel_tol=1e-6, abs_tol=1e-6), place
        else:
            assert rebuilt[place] == value, place
    assert f"<h1>{title}</h1>" in (tmp_path / "report.html").read_text()


def test_seeds_agree_with_the_records_in_the_repository(repository: Path) -> None:
    """Runs whose records are kept elsewhere have entries, too; those kept here have exactly their own."""
    results = repository / "docs" / "results"
    committed = (results / "seeds.json").read_text()
    entries, _ = read_seeds(sorted((results / "aligned").glob("*.json")))
    assert entries
    assert [entry for entry in json.loads(committed) if entry in entries] == entries
    assert seeds_json(json.loads(committed)) == committed


@pytest.mark.parametrize("catalogue_seed", [0, 1])
@pytest.mark.parametrize("direction", ["tir", "itr"])
def test_the_unchanged_recipe_does_not_depend_on_the_seed(
    repository: Path, catalogue_seed: int, direction: str
) -> None:
    """Five seeds on each of two catalogues, R@10 against chance of 9.9 and the spread of SumR out of 300."""
    entries = json.loads((repository / "docs" / "results" / "seeds.json").read_text())
    found = [
        entry[direction]
        for entry in entries
        if entry["model"] == "MVLT"
        and entry["column"] == "Final"
        and entry.get("catalogue_seed") == catalogue_seed
    ]
    assert len(found) == 5
    assert min(one["r10"] for one in found) >= 85
    assert statistics.stdev(one["sum_r"] for one in found) <= 10
