"""Plain lines."""

import pytest
from synthetic_study import minus

from fashionvl.reporting.study.records import Bound, Difference, Verdict, mark
from fashionvl.reporting.study.verdicts import Judged, excluded_words, verdict


def judged(
    value, half, real, seeds=3, comparable=True, name="SumR", digits=1, unit="", lower=False, possible=600
):
    apart = None
    if value is not None:
        apart = Difference(value, (value - half, value + half), 0.5, 0.5, real, mark(value, real, lower))
    return Judged(name, digits, unit, apart, seeds, "300 queries a side", possible, comparable)


def main_category(*found):
    return judged(*found, name="M-CR accuracy", digits=2, unit="points")


def sub_category(*found):
    return judged(*found, name="S-CR accuracy", digits=2, unit="points")


@pytest.mark.parametrize(
    ("one", "kind", "line"),
    [
        (judged(12.3, 8.2, True), "better", "better: SumR +12.3 [+4.1, +20.5]"),
        (judged(-12.3, 8.2, True), "worse", minus("worse: SumR ~12.3 [~20.5, ~4.1]")),
        (
            judged(-1.2, 6.8, False),
            "same",
            minus(
                "no difference seen (a difference of more than 8.0 SumR is excluded; 300 queries a side, "
                "3 seeds): ~1.2 [~8.0, +5.6]"
            ),
        ),
        (
            judged(3.0, 2.0, False, seeds=1),
            "same",
            (
                "no difference seen after Holm's correction (a difference of more than 5.0 SumR between "
                "these two runs is excluded; 300 queries a side, 1 seed): +3.0 [+1.0, +5.0]"
            ),
        ),
        (
            judged(3.0, 2.0, True, seeds=1),
            "better",
            "better: SumR +3.0 [+1.0, +5.0] (one seed: holds for these two runs)",
        ),
        (judged(None, 0, False), "not measured", "not measured"),
        (
            judged(None, 0, False, comparable=False),
            "not comparable",
            "not comparable: its runs hide other pixels than the reference's",
        ),
    ],
)
def test_one_number(one, kind, line):
    found = verdict([one])
    assert (found.kind, found.text) == (kind, line)


def test_of_ranks_the_lower_one_is_better():
    median = {"name": "median", "unit": "rank", "lower": True}
    assert verdict([judged(-3.0, 1.0, True, **median)]) == Verdict(
        "better", minus("better: median ~3.0 rank [~4.0, ~2.0]")
    )
    assert verdict([judged(3.0, 1.0, True, **median)]).kind == "worse"
    assert verdict([judged(3.0, 4.0, False, **median)]).kind == "same"


def test_two_numbers_that_agree_share_a_line():
    found = verdict([main_category(1.25, 0.5, True), sub_category(2.0, 0.5, True)])
    assert found.text == (
        "better: M-CR accuracy +1.25 points [+0.75, +1.75], S-CR accuracy +2.00 points [+1.50, +2.50]"
    )


def test_two_numbers_that_do_not_agree_are_told_apart():
    found = verdict([main_category(0.1, 0.5, False), sub_category(-2.0, 0.5, True)])
    assert found.kind == "worse"
    assert found.text == minus(
        "worse: S-CR accuracy ~2.00 points [~2.50, ~1.50]; no difference seen (a difference of more than "
        "0.60 points of M-CR accuracy is excluded; 300 queries a side, 3 seeds): M-CR accuracy +0.10 points "
        "[~0.40, +0.60]"
    )
    assert found.excluded == [Bound("M-CR accuracy", pytest.approx(0.6), 600, "points", 2)]


def test_a_bound_beyond_the_metric_excludes_nothing():
    found = verdict([judged(-1.2, 700, False)])
    assert found.text.startswith(
        "no difference seen (no possible difference is excluded; 300 queries a side, 3 seeds): "
    )


def test_columns_share_the_largest_bound():
    bounds = [Bound("SumR", value, 600, "", 1) for value in (8.0, 12.3, 4.0)]
    assert excluded_words(bounds) == "a difference of more than 12.3 SumR is excluded"
    beyond = Bound("PSNR hidden", 3.0, 2.0, "dB", 2)
    assert excluded_words([*bounds, beyond]) == (
        "a difference of more than 12.3 SumR is excluded, none of PSNR hidden"
    )


def test_better_in_one_and_worse_in_another_is_mixed():
    found = verdict([main_category(-1.0, 0.5, True), sub_category(2.0, 0.5, True)])
    assert found == Verdict(
        "mixed",
        minus(
            "better: S-CR accuracy +2.00 points [+1.50, +2.50]; "
            "worse: M-CR accuracy ~1.00 points [~1.50, ~0.50]"
        ),
    )


def test_a_number_that_was_not_measured_is_left_out():
    found = verdict([main_category(None, 0, False), sub_category(-2.0, 0.5, True)])
    assert found.text == minus("worse: S-CR accuracy ~2.00 points [~2.50, ~1.50]")
