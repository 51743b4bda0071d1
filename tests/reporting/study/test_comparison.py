"""A whole study computed from run folders."""

import numpy as np
import pytest
from synthetic_study import (
    edit_record,
    minus,
    run_path,
    write_column,
    write_pyramid,
    write_study,
)

from fashionvl.evaluation.significance import resampled_weights
from fashionvl.reporting.study.comparison import compare
from fashionvl.reporting.study.estimates import SeedScores
from fashionvl.reporting.study.gather import gather
from fashionvl.reporting.study.measured import compare_with


@pytest.fixture
def runs(tmp_path):
    """Final over three seeds, A2 the same, A1 much worse and with another mask."""
    root = tmp_path / "runs"
    write_pyramid(root)
    write_column(root, "Final", {0: 0.6, 1: 0.65, 2: 0.7})
    write_column(root, "A2", {0: 0.6, 1: 0.65, 2: 0.7})
    write_column(root, "A1", {0: 0.05, 1: 0.1, 2: 0.05}, ratio=0.1)
    return root


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


def columns(study, runs, **options):
    report = compare(gather(study, runs, "laptop", **options))
    return report, {column.id: column for column in report.columns}


def test_table_lists_the_papers_metrics(study, runs):
    report, found = columns(study, runs)
    assert [(m.task, m.name) for m in report.metrics] == [
        *[(task, name) for task in ("TIR", "ITR") for name in ("R@1", "R@5", "R@10", "SumR")],
        *[(task, name) for task in ("M-CR", "S-CR") for name in ("accuracy", "macro-F", "SumC")],
        ("MIG", "PSNR hidden"),
    ]
    metric = {m.key: m for m in report.metrics}
    assert (metric["tir/r1"].n, metric["tir/r1"].clusters) == (60, None)
    assert (metric["m_cr/accuracy"].n, metric["m_cr/accuracy"].clusters) == (90, 30)
    assert "products" in metric["m_cr/accuracy"].test
    assert (report.reference, report.seeds, report.paper) == ("Final", [0, 1, 2], "mvlt_table3")
    assert [column.id for column in report.columns] == ["A1", "A2", "Final"]
    assert {column.state for column in found.values()} == {"done"}


def test_numbers_agree_with_the_records(study, runs):
    _, found = columns(study, runs)
    ours = found["Final"].cells["tir/sum_r"].ours
    assert ours.by_seed == pytest.approx({0: 180, 1: 195, 2: 210})
    assert (ours.value, ours.sd) == (pytest.approx(195), pytest.approx(15))
    assert ours.interval[0] < 195 < ours.interval[1]
    assert found["Final"].cells["m_cr/accuracy"].ours.by_seed[0] == 60
    assert found["Final"].cells["mig/psnr_masked"].ours.value == 15


def test_papers_values_and_differences(study, runs):
    _, found = columns(study, runs)
    cell = found["A1"].cells["tir/r1"]
    assert (cell.paper, cell.paper_difference) == (31.1, -3.5)
    assert found["Final"].cells["tir/r1"].paper == 34.6
    assert found["Final"].cells["tir/r1"].paper_difference is None
    assert found["A1"].cells["mig/psnr_masked"].paper is None


def test_equal_columns_are_no_different_and_a_gulf_is(study, runs):
    _, found = columns(study, runs)
    same, apart = (found[name].cells["tir/r1"].difference for name in ("A2", "A1"))
    assert (same.value, same.interval, same.real, same.p_adjusted) == (0, (0, 0), False, 1)
    assert apart.real
    assert apart.interval[1] < 0
    assert apart.p_adjusted == pytest.approx(2 * apart.p_value)
    assert all(cell.difference is None for cell in found["Final"].cells.values())


def test_verdicts_say_so(study, runs):
    _, found = columns(study, runs)
    assert found["A1"].verdicts["retrieval"].text.startswith(minus("worse: SumR ~3"))
    assert found["A1"].verdicts["recognition"].text.startswith(minus("worse: M-CR accuracy ~"))
    assert found["A1"].verdicts["generation"].kind == "not comparable"
    assert found["A2"].verdicts["retrieval"].text == (
        "no difference seen (a difference of more than 0.0 SumR is excluded; 60 queries a side, 3 seeds): "
        "0.0 [0.0, 0.0]"
    )
    assert found["Final"].verdicts == {}


def test_other_hidden_pixels_are_not_compared(study, runs):
    _, found = columns(study, runs)
    assert found["A1"].cells["mig/psnr_masked"].ours.value == 15
    assert found["A1"].cells["mig/psnr_masked"].difference is None
    assert found["A2"].cells["mig/psnr_masked"].difference.value == 0


def test_detectable_difference_is_the_median_over_columns(study, runs):
    report, found = columns(study, runs)
    (sum_r,) = [metric for metric in report.metrics if metric.key == "tir/sum_r"]
    same, apart = (found[name].cells["tir/sum_r"].difference.detectable for name in ("A2", "A1"))
    assert same == 0
    assert sum_r.detectable == apart / 2
    interval = found["A1"].cells["tir/sum_r"].difference.interval
    # Student's t at 0.8 is 0.25 to 0.43 of that at 0.975, for any degrees of freedom from two on.
    assert 1.2 < apart / ((interval[1] - interval[0]) / 2) < 1.44


def test_axis_and_sources(study, runs):
    _, found = columns(study, runs)
    assert {name: column.axis for name, column in found.items()} == {"A1": 0.1, "A2": 0.5, "Final": 0.5}
    assert "ratio: 0.1" in found["A1"].overlay
    assert found["Final"].overlay == ""
    assert len(found["A1"].runs) == 1 + 2 * 3


def test_one_seed(study, runs):
    report, found = columns(study, runs, seeds=[0])
    cell = found["A1"].cells["tir/r1"]
    assert cell.ours.sd is None
    assert cell.difference.real
    assert "one seed" in report.metrics[0].test
    assert cell.difference.detectable is None
    assert {metric.detectable for metric in report.metrics} == {None}
    assert found["A1"].verdicts["retrieval"].text.endswith("(one seed: holds for these two runs)")


def test_missing_seeds_leave_the_shared_ones(study, runs):
    edit_record(run_path(runs, "A2", 2, "pretrain"), test=None)
    _, found = columns(study, runs)
    assert found["A2"].state == "unfinished"
    assert set(found["A2"].cells["tir/r1"].ours.by_seed) == {0, 1}
    assert set(found["A2"].cells["m_cr/accuracy"].ours.by_seed) == {0, 1, 2}
    assert found["A2"].cells["tir/r1"].difference.value == 0
    assert "2 seeds" in found["A2"].verdicts["retrieval"].text


def test_nothing_has_run(study, tmp_path):
    report, found = columns(study, tmp_path / "runs")
    assert {column.state for column in found.values()} == {"missing"}
    assert found["A1"].cells["tir/r1"].ours is None
    assert found["A1"].cells["tir/r1"].paper == 31.1
    assert {one.kind for one in found["A1"].verdicts.values()} == {"not measured"}
    assert {metric.n for metric in report.metrics} == {None}


def test_without_its_reference_a_column_stands_alone(study, tmp_path):
    write_column(tmp_path / "runs", "A1", {0: 0.5})
    _, found = columns(study, tmp_path / "runs")
    assert found["A1"].cells["tir/r1"].ours.value == 50
    assert found["A1"].cells["tir/r1"].difference is None
    assert found["A1"].verdicts["retrieval"].kind == "not measured"


def test_runs_without_arrays_keep_their_numbers(study, runs):
    for seed in range(3):
        for name in ("tir", "itr"):
            (run_path(runs, "A2", seed, "pretrain") / f"{name}.npz").unlink()
    _, found = columns(study, runs)
    cell = found["A2"].cells["tir/r1"]
    assert (cell.ours.value, cell.ours.interval, cell.difference) == (pytest.approx(65), None, None)
    assert found["A2"].verdicts["retrieval"].kind == "not measured"


def test_p_values_are_adjusted_over_the_columns():
    draws = np.random.default_rng(0).normal(0, 1, 999)
    scores = {
        name: SeedScores({0: shift}, {0: draws + shift})
        for name, shift in (("A", 1.7), ("B", 2.2), ("C", 0.1))
    }
    scores["Final"] = SeedScores({0: 0.0}, {0: np.zeros(999)})
    found = compare_with(scores, "Final", set(scores))
    alone = {name: apart.p_value for name, apart in found.items()}
    assert found["B"].p_adjusted == pytest.approx(3 * alone["B"])
    assert found["A"].p_adjusted == pytest.approx(max(3 * alone["B"], 2 * alone["A"]))
    assert compare_with(scores, "Final", {"A"})["A"].p_adjusted == alone["A"]


def test_equal_columns_with_seed_noise_are_rarely_called_different():
    """Three columns of three seeds, whose shares of hits differ by luck of seeds and queries alone."""
    called, rng = 0, np.random.default_rng(0)
    for trial in range(150):
        scores = {}
        for column in ("A", "B", "Final"):
            hits = 1.0 * (rng.random((3, 100)) < 0.5 + rng.normal(0, 0.1, (3, 1)))
            (weights,) = resampled_weights(100, 200, trial)
            draws = weights @ hits.T / 100
            scores[column] = SeedScores(dict(enumerate(hits.mean(1))), dict(enumerate(draws.T)))
        called += any(apart.real for apart in compare_with(scores, "Final", set(scores)).values())
    # At most 7.5 expected, standard deviation 2.7; without the seeds' part it would be half of them.
    assert 1 <= called <= 15
