"""Numbers as they are printed."""

# True minus signs and dashes are what is tested.
# ruff: noqa: RUF001

from pathlib import Path

import pytest

from fashionvl.reporting.study import formatting


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (61.34, 1, "61.3"),
        (-0.0271, 3, "−0.027"),
        (-0.04, 1, "0.0"),
        (1234.5, 0, "1,234"),
        (None, 1, "–"),
        (float("nan"), 1, "undefined"),
        (float("inf"), 1, "undefined"),
    ],
)
def test_number(value: float | None, digits: int, said: str) -> None:
    assert formatting.number(value, digits) == said


@pytest.mark.parametrize(
    ("value", "said"), [(2.06, "+2.1"), (-2.06, "−2.1"), (0.04, "0.0"), (-0.04, "0.0"), (None, "–")]
)
def test_signed_gives_what_rounds_to_zero_no_sign(value: float | None, said: str) -> None:
    assert formatting.signed(value, 1) == said


def test_spans() -> None:
    assert formatting.span((59.94, 62.66), 1) == "[59.9, 62.7]"
    assert formatting.signed_span((-3.4, 0.8), 1) == "[−3.4, +0.8]"
    assert formatting.span(None, 1) == formatting.signed_span(None, 1) == ""


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "<0.001"), (0.0021, "0.002"), (0.0449, "0.045"), (0.13, "0.13"), (1.0, "1.00")]
)
def test_probability(value: float, said: str) -> None:
    assert formatting.probability(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (812, "812"), (3_412_345, "3.41 M"), (2.34e8, "234 M"), (4.5e9, "4.5 G"), (1e12, "1 T")],
)
def test_magnitude(value: float | None, said: str) -> None:
    assert formatting.magnitude(value) == said


@pytest.mark.parametrize(
    ("paper", "said"),
    [("mvlt_table3", "MVLT Table 3"), ("kaleido_table2", "Kaleido Table 2"), ("appendix", "appendix")],
)
def test_table_name(paper: str, said: str) -> None:
    assert formatting.table_name(paper) == said


def test_relative_link_climbs_and_quotes(tmp_path: Path) -> None:
    link = formatting.relative_link(tmp_path / "runs" / "a b#1" / "seed0", tmp_path / "reports")
    assert link == "../runs/a%20b%231/seed0"


def test_a_run_of_a_bundle_is_a_fragment_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text("{}")
    link = formatting.relative_link(tmp_path / "runs.json" / "a" / "seed 0", tmp_path / "reports")
    assert link == "../runs.json#a/seed%200"
