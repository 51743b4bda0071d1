"""The papers' own differences."""

import pytest
from synthetic_study import write_study

from fashionvl.reporting.study.claims import claims, difference_interval, wilson


def test_newcombes_published_example():
    # Newcombe 1998, Table II, example (a): 56/70 - 48/80, method 10; its samples differ in size.
    low, high = wilson(0.8, 70)
    other_low, other_high = wilson(0.6, 80)
    assert 0.2 - ((0.8 - low) ** 2 + (other_high - 0.6) ** 2) ** 0.5 == pytest.approx(0.0524, abs=1e-4)
    assert 0.2 + ((high - 0.8) ** 2 + (0.6 - other_low) ** 2) ** 0.5 == pytest.approx(0.3339, abs=1e-4)


def test_equal_samples_give_the_interval_of_the_paper():
    low, high = difference_interval(0.76, 0.78, 1000)
    margin = 1.96 * ((0.76 * 0.24 + 0.78 * 0.22) / 1000) ** 0.5
    assert (low, high) == pytest.approx((-0.02 - margin, -0.02 + margin), abs=1e-3)
    certain = difference_interval(1.0, 1.0, 1000)
    assert certain[0] == -certain[1] < 0


def test_each_column_is_compared_on_the_shares(tmp_path):
    found = {(claim.column, claim.metric): claim for claim in claims(write_study(tmp_path))}
    assert len(found) == 2 * 8
    assert not any("macro" in metric or "Sum" in metric for _, metric in found)
    # 76.0 against 78.0 with 1,000 queries is noise; 30.0 less 4.6 is not known to be.
    noise = found["A2", "TIR R@5"]
    assert (noise.difference, noise.n, noise.exceeds) == (-2.0, 1000, False)
    assert noise.interval[0] < -2 < 0 < noise.interval[1]
    recognition = found["A2", "M-CR accuracy"]
    assert (recognition.difference, recognition.n, recognition.exceeds) == (-0.39, 32_528, True)


def test_a_study_of_no_paper_claims_nothing(tmp_path):
    study = write_study(tmp_path)
    file = tmp_path / "ablations" / "mask_ratio" / "study.yaml"
    file.write_text(file.read_text().replace("paper: mvlt_table3\n", ""))
    from fashionvl.studies import read_study

    assert claims(study)
    assert claims(read_study("mask_ratio", tmp_path / "ablations")) == []
