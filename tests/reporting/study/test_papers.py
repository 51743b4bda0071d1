"""The papers' tables under our metrics' names."""

import pytest

from fashionvl.errors import InputError
from fashionvl.reporting.study.papers import paper_table


def test_table_3_has_every_column_and_metric():
    table = paper_table("mvlt_table3")
    assert list(table) == [
        *(f"A{i}" for i in range(1, 5)), *(f"B{i}" for i in range(1, 5)), *(f"C{i}" for i in range(1, 4)),
        *(f"D{i}" for i in range(1, 4)), "E1", "Final",
    ]  # fmt: skip
    assert table["Final"]["tir/r1"] == 34.6
    assert table["Final"]["m_cr/macro_f"] == 0.896
    assert table["A1"]["itr/sum_r"] == 194.5
    assert {len(column) for column in table.values()} == {14}


def test_printed_sums_add_up():
    for name, column in paper_table("mvlt_table3").items():
        for task in ("tir", "itr"):
            total = sum(column[f"{task}/r{k}"] for k in (1, 5, 10))
            assert column[f"{task}/sum_r"] == pytest.approx(total, abs=0.11), (name, task)
        for task in ("m_cr", "s_cr"):
            total = column[f"{task}/accuracy"] + 100 * column[f"{task}/macro_f"]
            assert column[f"{task}/sum_c"] == pytest.approx(total, abs=0.11), (name, task)


def test_empty_cells_and_other_tasks_are_left_out():
    assert paper_table("mvlt_table2")["VSE"].keys() == {
        f"{task}/{metric}" for task in ("tir", "itr") for metric in ("r1", "r5", "r10", "sum_r")
    }
    assert paper_table("kaleido_table3")["FashionBERT"] == {
        "m_cr/accuracy": 91.25, "m_cr/macro_f": 0.705, "s_cr/accuracy": 85.27, "s_cr/macro_f": 0.62,
    }  # fmt: skip


def test_unknown_table_names_those_there_are():
    with pytest.raises(InputError, match=r"'mvlt_table9'.*kaleido_table2.*mvlt_table3"):
        paper_table("mvlt_table9")
