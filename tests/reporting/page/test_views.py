"""Views given to the template: counts, means, plots."""

# True minus signs and dashes are what is tested.
# ruff: noqa: RUF001

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from fake_report import METRICS, claims, fake_report, open_study, ordered_study

from fashionvl.reporting.page.claims import claim_summary, claim_tables
from fashionvl.reporting.page.differences import axis_places, difference_panels, steps_by_doubling
from fashionvl.reporting.page.losses import loss_panels, mean_line, strokes
from fashionvl.reporting.page.tasks import procedures_of, samples_of, tasks_of
from fashionvl.reporting.page.views import (
    costs_of,
    kind_of,
    kinds_of,
    masks_of,
    outcomes_of,
    source_of,
    sources_of,
)
from fashionvl.reporting.study.records import StudyReport, Verdict


@pytest.fixture
def ordered(tmp_path: Path) -> StudyReport:
    return ordered_study(tmp_path)


@pytest.fixture
def opened(tmp_path: Path) -> StudyReport:
    return open_study(tmp_path)


def test_tasks_in_the_order_of_the_table() -> None:
    tasks = tasks_of(METRICS)
    assert [(task.name, len(task.metrics), task.n) for task in tasks] == [
        ("TIR", 4, 300),
        ("ITR", 4, 300),
        ("M-CR", 3, 4130),
        ("S-CR", 3, 4130),
        ("MIG", 1, 500),
    ]
    assert samples_of(tasks) == (
        "TIR, ITR: 300 queries; M-CR, S-CR: 4,130 photographs of 1,920 products; "
        "MIG: 500 photographs of 430 products"
    )


def test_procedures_name_whole_tasks_and_single_metrics() -> None:
    odd = [dataclasses.replace(one, test="of its own") if one.key == "itr/r1" else one for one in METRICS]
    assert procedures_of(tasks_of(odd)) == [
        ("TIR, ITR R@5, R@10, SumR", "paired over queries, seeds as random, Holm over the columns"),
        ("ITR R@1", "of its own"),
        ("M-CR, S-CR, MIG", "paired over products, seeds as random, Holm over the columns"),
    ]


def test_what_was_not_measured_or_not_comparable_is_unknown() -> None:
    assert kind_of(Verdict("mixed", "better: worse than its words")) == "mixed"
    for kind in ("not measured", "not comparable"):
        assert kind_of(Verdict(kind, "better")) == "unknown"


def test_outcomes_follow_the_verdicts(ordered: StudyReport, opened: StudyReport) -> None:
    retrieval, recognition, generation = outcomes_of(ordered)
    assert (retrieval.group, retrieval.better, retrieval.worse) == ("retrieval", ["B4"], ["B1"])
    assert (retrieval.mixed, retrieval.same, retrieval.unknown) == ([], ["B2", "B3"], [])
    assert (recognition.group, generation.group) == ("recognition", "generation")
    assert outcomes_of(opened)[0].unknown == []
    ended = [dataclasses.replace(one, state="done") for one in opened.columns]
    assert outcomes_of(dataclasses.replace(opened, columns=ended))[0].unknown == ["D2", "D3", "D4"]
    assert kinds_of([retrieval])[("B1", "retrieval")] == "worse"


def test_masks_only_where_columns_differ(ordered: StudyReport, opened: StudyReport) -> None:
    words = {mask.column.id: mask.words for mask in masks_of(opened)}
    assert words == {
        "D1": "no masking",
        "D2": "no photograph yet",
        "D3": "no photograph yet",
        "D4": "no photograph yet",
        "Final": "",
    }
    alike = [dataclasses.replace(one, picture=ordered.columns[0].picture) for one in ordered.columns]
    assert masks_of(dataclasses.replace(ordered, columns=alike)) == []


def test_mask_says_how_much_is_hidden(ordered: StudyReport) -> None:
    column = ordered.columns[2]
    hidden = (column.picture == 0).all(-1).mean()
    picture = masks_of(ordered)[2].picture
    assert picture is not None
    assert picture.alt.endswith(f"{hidden:.0%} of it hidden")
    assert (picture.width, picture.height, picture.coarse) == (64, 64, True)


def test_costs_are_means_over_the_seeds_that_have_them(ordered: StudyReport) -> None:
    column = ordered.columns[0]
    runs = [
        dataclasses.replace(run, seconds=seconds, flops=None)
        for run, seconds in zip(column.runs[:3], (100.0, 200.0, None), strict=True)
    ]
    (cost,) = costs_of(dataclasses.replace(ordered, columns=[dataclasses.replace(column, runs=runs)]))
    assert (cost.stage, cost.seconds, cost.flops) == ("pretrain", 150.0, None)
    assert [run.seed for run in cost.runs] == [0, 1]


def test_sources_are_one_line_unless_seeds_differ(ordered: StudyReport) -> None:
    column = ordered.columns[0]
    assert len(sources_of(dataclasses.replace(ordered, columns=[column]))) == 2
    runs = [dataclasses.replace(column.runs[0], commit="fedcba"), *column.runs[1:]]
    lines = sources_of(dataclasses.replace(ordered, columns=[dataclasses.replace(column, runs=runs)]))
    assert [(line.first, [run.seed for run in line.runs]) for line in lines] == [
        (True, [0]),
        (False, [1, 2]),
        (False, [0, 1, 2]),
    ]


def test_source_is_the_stage_that_was_tested(ordered: StudyReport, opened: StudyReport) -> None:
    by_key = {metric.key: metric for metric in METRICS}
    for key, stage in (
        ("tir/r1", "pretrain"),
        ("s_cr/accuracy", "recognition"),
        ("mig/psnr_masked", "pretrain"),
    ):
        run = source_of(ordered.columns[0], by_key[key], 1)
        assert run is not None
        assert (run.stage, run.seed) == (stage, 1)
    assert source_of(opened.columns[3], by_key["tir/r1"], 0) is None


def test_difference_panels_say_their_numbers(ordered: StudyReport) -> None:
    panels = difference_panels(ordered)
    assert [panel.title for panel in panels] == [
        "TIR SumR",
        "ITR SumR",
        "M-CR SumC",
        "S-CR SumC",
        "MIG PSNR hidden, dB",
    ]
    found = ordered.columns[0].cells["tir/sum_r"].difference
    assert found is not None
    assert f"B1 −{abs(found.value):.1f} [" in panels[0].alt
    assert "paper" in panels[0].alt
    assert "paper" not in panels[-1].alt


def test_axis_needs_values_of_the_reference_and_another_column(
    ordered: StudyReport, opened: StudyReport
) -> None:
    assert axis_places(ordered) == {"B1": 1.0, "B2": 2.0, "Final": 4.0, "B3": 8.0, "B4": 16.0}
    assert axis_places(opened) is None
    unknown = [
        dataclasses.replace(one, axis=None if one.id == "Final" else one.axis) for one in ordered.columns
    ]
    assert axis_places(dataclasses.replace(ordered, columns=unknown)) is None


def test_doubling() -> None:
    assert steps_by_doubling([1.0, 4.0, 2.0])
    assert not steps_by_doubling([1.0, 2.0])
    assert not steps_by_doubling([0.1, 0.3, 0.5])
    assert not steps_by_doubling([0.0, 1.0, 2.0])


def test_loss_panels_leave_accuracies_out(ordered: StudyReport) -> None:
    panels = loss_panels(ordered)
    assert [panel.title for panel in panels] == ["total loss", "ITM loss", "MLM loss", "MIR loss"]
    assert "Final" in panels[0].alt


def test_mean_line_over_the_steps_all_seeds_share() -> None:
    first = np.array([10, 20, 30]), np.array([1.0, 2.0, 3.0])
    second = np.array([20, 30, 40]), np.array([4.0, 5.0, 6.0])
    steps, values = mean_line([first, second])
    np.testing.assert_array_equal(steps, [20, 30])
    np.testing.assert_allclose(values, [3.0, 4.0])


def test_mean_line_takes_the_last_of_a_step_logged_twice() -> None:
    steps, values = mean_line([(np.array([10, 20, 20]), np.array([1.0, 9.0, 2.0]))])
    np.testing.assert_array_equal(steps, [10, 20])
    np.testing.assert_allclose(values, [1.0, 2.0])


def test_strokes_differ_between_columns(ordered: StudyReport) -> None:
    many = [dataclasses.replace(ordered.columns[0], id=f"X{number}") for number in range(12)]
    found = strokes(dataclasses.replace(ordered, columns=[*many, ordered.columns[2]]))
    assert len(set(found.values())) == 13


def test_claims_are_laid_out_by_study(tmp_path: Path) -> None:
    report = fake_report(tmp_path)
    (table,) = claim_tables(report)
    assert (table.title, table.source) == ("Masking unit", "MVLT Table 3")
    assert [row[0] for row in table.rows] == ["B1", "B2", "B3", "B4"]
    assert [(task, n, len(heads)) for task, n, heads in table.tasks] == [
        ("TIR", 1000, 4),
        ("ITR", 1000, 4),
        ("M-CR", 32528, 3),
        ("S-CR", 32528, 3),
    ]
    assert [head.digits for head in table.heads if head.name == "macro-F"] == [3, 3]
    exceeding = sum(claim.exceeds for claim in report.claims)
    assert claim_summary(report) == [("MVLT Table 3", exceeding, 56)]


def test_claims_without_their_study_or_a_number(tmp_path: Path) -> None:
    report = fake_report(tmp_path)
    kept = [claim for claim in claims(report.studies[0]) if (claim.column, claim.metric) != ("B2", "TIR R@1")]
    (table,) = claim_tables(dataclasses.replace(report, claims=kept, studies=[]))
    assert (table.title, table.source, table.total) == ("mask_unit", "", 55)
    assert table.rows[1][2][0] is None
