"""The smallest detectable difference in words."""

import dataclasses

import pytest

from fashionvl.reporting.study.power import ONE_SEED, detectable, detectable_words, last_row, typical
from fashionvl.reporting.study.records import Cell, ColumnReport, Difference, Metric, StudyReport


def apart(detectable: float | None) -> Difference:
    return Difference(1.0, (-2.0, 4.0), 0.5, 0.5, False, "same", detectable)


def study(**by_metric: float | None) -> StudyReport:
    """Two columns, compared in TIR metrics with one and two thirds of what is given."""
    cells = {
        name: {f"tir/{key}": Cell(None, apart(value and share * value)) for key, value in by_metric.items()}
        for name, share in (("A1", 2 / 3), ("A2", 4 / 3))
    }
    columns = [ColumnReport(name, "", "", "done", found, {}, None, []) for name, found in cells.items()]
    names = {"r1": ("R@1", "%"), "sum_r": ("SumR", "")}
    metrics = [
        Metric(
            f"tir/{key}", "TIR", *names[key], 1,
            detectable=typical(row[f"tir/{key}"].difference for row in cells.values()),
        )
        for key in by_metric
    ]  # fmt: skip
    return StudyReport("s", "", "", "", "", "Final", [0, 1], metrics, columns, None)


def test_median_of_the_columns_that_have_one() -> None:
    assert typical([apart(3.0), None, apart(None), apart(4.0), apart(90.0)]) == 4.0
    assert typical([None, apart(None)]) is None


def test_one_sentence_names_every_metric() -> None:
    found = study(r1=5.06, sum_r=17.0)
    assert detectable_words(found, found.metrics) == (
        "Smallest difference to Final that would be seen with 80 % power (two-sided level 5 %, median over "
        "the columns): R@1 5.1 points, SumR 17.0."
    )
    assert "TIR R@1 5.1 points, TIR SumR 17.0." in detectable_words(found, found.metrics, with_task=True)
    assert "Last row: the smallest true difference to Final" in last_row(found)


def test_more_than_the_metric_can_differ_is_none() -> None:
    found = study(r1=120.0, sum_r=290.0)
    assert detectable(found.metrics[0]) == "none"
    said = detectable_words(found, found.metrics)
    assert "R@1 none, SumR 290.0. None: not even the largest difference that the metric can have." in said
    assert last_row(found).endswith("that the metric can have.")


def test_one_seed_gives_a_reason_and_no_number() -> None:
    found = study(r1=None, sum_r=None)
    assert detectable_words(found, found.metrics) == last_row(found) == ONE_SEED
    assert "one seed" in ONE_SEED


@pytest.mark.parametrize("columns", [[], [ColumnReport("A1", "", "", "missing", {}, {}, None, [])]])
def test_nothing_is_said_where_nothing_was_compared(columns: list[ColumnReport]) -> None:
    found = dataclasses.replace(study(r1=5.0), columns=columns)
    bare = [dataclasses.replace(metric, detectable=None) for metric in found.metrics]
    assert detectable_words(found, bare) == ""
    assert last_row(dataclasses.replace(found, metrics=bare)) == ""
