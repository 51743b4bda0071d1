"""Plain lines."""

import pytest
from synthetic_study import minus

from fashionvl.reporting.study.records import Difference
from fashionvl.reporting.study.verdicts import Judged, verdict


def judged(value, half, real, seeds=3, comparable=True):
    apart = None if value is None else Difference(value, (value - half, value + half), 0.5, 0.5, real)
    return Judged(apart, seeds, "300 queries a side", comparable)


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (judged(12.3, 8.2, True), "better: SumR +12.3 [+4.1, +20.5]"),
        (judged(-12.3, 8.2, True), minus("worse: SumR ~12.3 [~20.5, ~4.1]")),
        (
            judged(-1.2, 6.8, False),
            minus("no difference seen with 300 queries a side and 3 seeds: ~1.2 [~8.0, +5.6]"),
        ),
        (
            judged(3.0, 2.0, False, seeds=1),
            (
                "no difference seen after Holm's correction with 300 queries a side and 1 seed: "
                "+3.0 [+1.0, +5.0]"
            ),
        ),
        (
            judged(3.0, 2.0, True, seeds=1),
            "better: SumR +3.0 [+1.0, +5.0] (one seed: holds for these two runs)",
        ),
        (judged(None, 0, False), "not measured"),
        (
            judged(None, 0, False, comparable=False),
            "not comparable: its runs hide other pixels than the reference's",
        ),
    ],
)
def test_one_number(one, line):
    assert verdict("retrieval", [one]) == line


def test_two_numbers_that_agree_share_a_line():
    found = verdict("recognition", [judged(1.25, 0.5, True), judged(2.0, 0.5, True)])
    assert found == (
        "better: M-CR accuracy +1.25 points [+0.75, +1.75], S-CR accuracy +2.00 points [+1.50, +2.50]"
    )


def test_two_numbers_that_do_not_agree_are_told_apart():
    found = verdict("recognition", [judged(0.1, 0.5, False), judged(-2.0, 0.5, True)])
    assert found == minus(
        "worse: S-CR accuracy ~2.00 points [~2.50, ~1.50]; no difference seen with 300 queries a side and "
        "3 seeds: M-CR accuracy +0.10 points [~0.40, +0.60]"
    )


def test_a_number_that_was_not_measured_is_left_out():
    found = verdict("recognition", [judged(None, 0, False), judged(-2.0, 0.5, True)])
    assert found == minus("worse: S-CR accuracy ~2.00 points [~2.50, ~1.50]")
