"""Curves made of logged values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.reporting.curves import SMOOTHING, curves_of, curves_page, readable, running_mean
from fashionvl.runs.reading import read_run, read_runs


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=200))
@settings(deadline=None, max_examples=50)
def test_running_mean_is_the_mean_of_the_window(values):
    reach = max(1, round(SMOOTHING * len(values) / 2))
    slow = [np.mean(values[max(0, i - reach) : i + reach + 1]) for i in range(len(values))]
    np.testing.assert_allclose(running_mean(np.array(values)), slow, atol=1e-9)


def test_curves_pair_training_steps_with_dev_and_leave_the_rest(tmp_path, log):
    log(
        tmp_path,
        *(
            "9,0,train/itm_accuracy_step,0.5",
            "9,0,train/loss_step,2",
            "9,0,train/loss_epoch,2",
            "9,0,lr-AdamW,1",
        ),
        *("9,0,dev/loss,3", "9,0,tir/r1,12", "9,0,dev/mir,1"),
    )
    found = curves_of(read_run(tmp_path))
    assert [(name, set(series)) for name, series in found.items()] == [
        ("loss", {"step", "dev"}),
        ("mir", {"dev"}),
        ("itm_accuracy", {"step"}),
    ]


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("loss", "total loss"),
        ("itm", "ITM loss"),
        ("itm_accuracy", "ITM accuracy"),
        ("s_cr", "S-CR loss"),
        ("m_cr_accuracy", "M-CR accuracy"),
        ("s_cr_image_accuracy", "S-CR image accuracy"),
        ("trim_accuracy", "trim accuracy"),
    ],
)
def test_quantities_are_named_as_in_the_papers(quantity, said):
    assert readable(quantity) == said


def test_page_grows_with_stages_and_plots(experiment, log):
    before = curves_page(read_runs(experiment))
    log(experiment / "pyramid", *(f"9,0,dev/{letter}_accuracy,0.5" for letter in "abcdefg"))
    after = curves_page(read_runs(experiment))
    assert after.height > before.height
    assert len(after.figure.axes) == len(before.figure.axes) + 6


def test_accuracies_share_a_scale_and_losses_start_at_zero(experiment):
    page = curves_page(read_runs(experiment))
    limits = [axes.get_ylim() for axes in page.figure.axes[1:]]
    assert all(low == 0 for low, _ in limits)
    assert limits[-1] == (0, 100)


@pytest.mark.parametrize("value", ["nan", "inf", "0.0"])
def test_broken_values_still_draw(tmp_path, log, value):
    log(tmp_path, f"9,0,train/mir_step,{value}", f"9,0,dev/mir,{value}")
    curves_page([read_run(tmp_path)]).save(tmp_path / "curves.png")


def test_nothing_logged_gives_no_page(tmp_path):
    assert curves_page([read_run(tmp_path)]) is None
