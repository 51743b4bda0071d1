"""The papers' tables under our metrics' names."""

import pytest

from fashionvl.errors import InputError
from fashionvl.reporting.papers import paper_table


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


def test_empty_cells_are_left_out():
    assert paper_table("mvlt_table2")["VSE"].keys() == {
        f"{task}/{metric}" for task in ("tir", "itr") for metric in ("r1", "r5", "r10", "sum_r")
    }
    assert paper_table("kaleido_table3")["FashionBERT"] == {
        "m_cr/accuracy": 91.25, "m_cr/macro_f": 0.705, "s_cr/accuracy": 85.27, "s_cr/macro_f": 0.62,
        "recognition/total": 309.02, "captioning/bleu4": 3.3, "captioning/meteor": 9.8,
        "captioning/rouge_l": 29.7, "captioning/cider": 30.1, "captioning/sum_cap": 72.9,
    }  # fmt: skip
    assert not any("captioning" in key for key in paper_table("kaleido_table3")["ImageBERT"])


def test_kaleidos_sums_are_those_of_both_directions_and_labels():
    for name, column in paper_table("kaleido_table4").items():
        ranks = [column[f"{task}/r{k}"] for task in ("tir", "itr") for k in (1, 5, 10)]
        labels = [
            scale * column[f"{task}/{metric}"]
            for task in ("m_cr", "s_cr")
            for metric, scale in (("accuracy", 1), ("macro_f", 100))
        ]
        captions = [column[f"captioning/{metric}"] for metric in ("bleu4", "meteor", "rouge_l", "cider")]
        for key, parts in (
            ("retrieval/total", ranks),
            ("recognition/total", labels),
            ("captioning/sum_cap", captions),
        ):
            assert column[key] == pytest.approx(sum(parts), abs=1e-6), (name, key)


def test_unknown_table_names_those_there_are():
    with pytest.raises(InputError, match=r"'mvlt_table9'.*kaleido_table2.*mvlt_table3"):
        paper_table("mvlt_table9")
