"""Numbers that are not finite never enter the file, and come back when it is read."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.runs.folder import RunFolder
from fashionvl.runs.not_finite import decoded, encoded
from fashionvl.runs.reading import read_run

NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=12,
)


def strictly(text: str) -> Any:
    """Parse as JSON without the words that Python adds to it."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


@settings(max_examples=50)
@given(st.dictionaries(st.text().filter(lambda key: key != "not_finite"), NODES))
def test_a_record_comes_back_as_it_was(record: dict[str, Any]) -> None:
    written = encoded(record)
    # `repr`: NaN equals nothing, not even itself.
    assert repr(decoded(strictly(json.dumps(written, allow_nan=False)))) == repr(record)


def test_null_with_its_reason() -> None:
    record = {"test": {"mir/psnr": math.nan, "tir/r1": 5.0}, "seed": 1, "data": [1.0, -math.inf]}
    assert encoded(record) == {
        "test": {"mir/psnr": None, "tir/r1": 5.0},
        "seed": 1,
        "data": [1.0, None],
        "not_finite": {"test": {"mir/psnr": "nan"}, "data": {"1": "-inf"}},
    }


def test_a_run_records_them_and_forgets_those_of_an_earlier_test(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.record(fit={"dev/loss": np.float32("inf")}, test={"mir/psnr": math.nan, "tir/r1": 5.0})
    found = strictly((tmp_path / "metrics.json").read_text())
    assert found["test"] == {"mir/psnr": None, "tir/r1": 5.0}
    assert found["not_finite"] == {"fit": {"dev/loss": "inf"}, "test": {"mir/psnr": "nan"}}
    assert math.isnan(read_run(tmp_path).test["mir/psnr"])
    folder.record(test={"mir/psnr": 12.0})
    found = strictly((tmp_path / "metrics.json").read_text())
    assert (found["test"], found["not_finite"]) == ({"mir/psnr": 12.0}, {"fit": {"dev/loss": "inf"}})


def test_a_null_without_a_reason_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"test": {"tir/r1": None, "tir/n": 3}}))
    assert read_run(tmp_path).test == {"tir/n": 3}
