"""Refactoring moves no number: training curves and ranks of both subjects are replayed."""

import json
from pathlib import Path

import pytest

from tests.guard.curves import FILE, STEPS, SUBJECTS, machine, run

ELSEWHERE = 1e-4
"""Relative, of losses on another machine or torch; where the file was written, numbers are equal."""

NEAR_TIES = 1.0
"""Places a rank may move elsewhere: scores of this small model tie within rounding."""


@pytest.mark.parametrize("subject", SUBJECTS)
def test_losses_and_ranks_are_those_written_down(subject: str, catalogue: Path, tmp_path: Path) -> None:
    written = json.loads(FILE.read_text())
    found, expected = run(subject, catalogue, tmp_path), written[subject]
    assert {len(values) for values in found["losses"].values()} == {STEPS}
    # Figures that are watched since then are no change.
    found["losses"] = {name: found["losses"][name] for name in expected["losses"]}
    if machine() == written["machine"]:
        assert found == expected
        return
    for name, values in expected["losses"].items():
        assert found["losses"][name] == pytest.approx(values, rel=ELSEWHERE), name
    for name, ranks in expected["ranks"].items():
        assert found["ranks"][name] == pytest.approx(ranks, abs=NEAR_TIES), name
