"""Means with intervals and seeds, on the page and as a PNG file."""

import dataclasses
from pathlib import Path

import pytest
from fake_report import empty_report, fake_report, open_study, ordered_study
from matplotlib.figure import Figure
from PIL import Image

from fashionvl.reporting.page.drawing import row_axis
from fashionvl.reporting.page.means import draw_means, mean_panels, names_of, plotted
from fashionvl.reporting.page.poster import write_poster
from fashionvl.reporting.study.records import Metric, StudyReport


@pytest.fixture
def ordered(tmp_path: Path) -> StudyReport:
    return ordered_study(tmp_path)


def sum_r(study: StudyReport) -> Metric:
    return next(metric for metric in study.metrics if metric.key == "tir/sum_r")


def test_panels_name_mean_interval_seeds_and_what_would_be_seen(ordered: StudyReport) -> None:
    panel = mean_panels(ordered)[0]
    assert panel.title == "TIR SumR"
    ours = ordered.columns[2].cells["tir/sum_r"].ours
    assert ours is not None
    assert "Final 244.0 [239.2, 248.8] (seeds 243.4, 244.0, 244.6)" in panel.alt
    assert panel.alt.endswith("; smallest difference seen: 9.3")


def test_what_would_not_be_seen_is_a_band_around_the_reference(ordered: StudyReport) -> None:
    axes = Figure().add_subplot()
    metric = sum_r(ordered)
    row_axis(axes, names_of(ordered, metric), "")
    draw_means(axes, ordered, metric)
    (band,) = axes.patches
    box = band.get_extents().transformed(axes.transData.inverted())
    assert metric.detectable is not None
    assert (box.x0, box.x1) == pytest.approx((244 - metric.detectable, 244 + metric.detectable))
    # Each seed is a point of its own, the mean another.
    points = sorted(
        float(x) for line in axes.lines if line.get_marker() in "os" for x in line.get_xdata() if x == x
    )
    assert pytest.approx(244.0 - 0.64) in points


def test_one_seed_has_no_band(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    axes = Figure().add_subplot()
    metric = sum_r(study)
    assert names_of(study, metric) == ["D1", "Final"]
    draw_means(axes, study, metric)
    assert not axes.patches


def test_metrics_in_which_nothing_was_compared_are_left_out(ordered: StudyReport) -> None:
    alone = dataclasses.replace(ordered, columns=[ordered.columns[2]])
    assert plotted(alone) == []


def test_one_png_of_all_studies(tmp_path: Path) -> None:
    assert write_poster(fake_report(tmp_path), tmp_path / "report.png")
    with Image.open(tmp_path / "report.png") as image:
        assert image.width > 1000
        assert len(image.convert("L").getcolors() or ()) > 10


def test_nothing_to_draw_writes_nothing(tmp_path: Path) -> None:
    assert not write_poster(empty_report(tmp_path), tmp_path / "report.png")
    assert not (tmp_path / "report.png").exists()
