"""The table on the terminal and in Markdown."""

import io
import json
import shutil

import numpy as np
from rich.console import Console

from fashionvl.reporting.summary import summarise
from fashionvl.reporting.tables import HEADER, NOT_RUN, caption_of, markdown_table, rows_of, terminal_table
from fashionvl.runs.reading import read_runs


def summary_of(folder):
    return summarise(read_runs(folder))


def printed(summary, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(terminal_table(summary, "title"))
    return console.file.getvalue()


def cells_of(summary):
    return {(row.cells[0], row.cells[1]): row.cells[2:] for row in rows_of(summary)}


def test_row_shows_value_interval_chance_and_paper(experiment):
    value, interval, chance, paper = cells_of(summary_of(experiment))["text → image", "R@5 %"]
    assert (value, chance, paper) == ("25.0", "23.8", "78.0")
    low, high = map(float, interval.split(" to "))
    assert low < 25 < high


def test_macro_f_and_ssim_have_three_digits(experiment):
    summary = summary_of(experiment)
    values = {row.cells[1]: row.cells[2] for row in rows_of(summary)}
    assert values["macro-F"] == "0.739"
    assert values["SSIM"] == "0.800"


def test_stage_not_run_is_said_in_its_rows(experiment):
    shutil.rmtree(experiment / "recognition")
    rows = rows_of(summary_of(experiment))
    absent = [row.cells for row in rows if row.cells[2] == NOT_RUN]
    assert [cells[1] for cells in absent] == ["accuracy %", "macro-F", "SumC"] * 2
    assert absent[0][5] == "98.26"
    assert NOT_RUN in printed(summary_of(experiment))


def test_papers_column_is_labelled_as_incomparable():
    assert HEADER[-1] == "paper (real Fashion-Gen data, not comparable)"


def test_markdown_and_terminal_hold_the_same_cells(experiment):
    summary = summary_of(experiment)
    markdown, terminal = markdown_table(summary, "title"), printed(summary, 200)
    for row in rows_of(summary):
        assert "| " + " | ".join(row.cells) + " |" in markdown
        assert any(all(cell in line for cell in row.cells) for line in terminal.splitlines())
    for line in caption_of(summary):
        assert f"- {line}" in markdown
        assert line in " ".join(terminal.split())


def test_terminal_of_80_columns_is_enough(experiment):
    lines = printed(summary_of(experiment), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert any("R@10 %" in line and "50.0" in line and "91.1" in line for line in lines)


def test_caption_says_what_stands_behind_the_numbers(experiment):
    caption = "\n".join(caption_of(summary_of(experiment)))
    assert (
        "TIR: 40 queries, 21 candidates each, 75.0 % of the negatives from the query's own sub-category"
        in caption
    )
    assert "M-CR: 8 photographs; S-CR: 8 photographs; MIG: 3 photographs" in caption
    assert "scale laptop, seed 7, commit 0123456789ab" in caption
    assert "data synthetic-60 (100 train, 10 dev, 20 test photographs)" in caption
    assert (
        "pretrain: 1,234 parameters, 300 steps in 60 s (100 pairs/s), test in 20 s, peak memory 500 MB"
        in caption
    )


def test_caption_counts_queries_that_meet_their_own_caption(experiment, edit_record):
    lists = {"tir": {"negatives_from": {"subcategory": 40 * 20}, "own_caption": {"queries": 5}}}
    edit_record(experiment / "pretrain", candidates=lists)
    found = summary_of(experiment)
    assert "sub-category, 12.5 % of the queries meet their own caption among them" in caption_of(found)[0]
    assert found.as_json()["tir"]["own_caption"] == 12.5
    assert "own_caption" not in found.as_json()["itr"]
    # Of the drawn queries, where a test took some of them only.
    lists["tir"]["queries"] = 100
    edit_record(experiment / "pretrain", candidates=lists)
    assert summary_of(experiment).protocols["tir"].own_caption == 5.0


def test_captioning_is_listed_where_it_was_run_and_says_what_is_missing(experiment):
    assert "FC" not in {row.cells[0] for row in rows_of(summary_of(experiment))}
    run = experiment / "captioning"
    run.mkdir()
    test = {"captioning/bleu4": 6.5, "captioning/rouge_l": 30.0, "captioning/cider": 50.0, "captioning/n": 4}
    (run / "metrics.json").write_text(json.dumps({"schema": 1, "test": test}))
    np.savez(run / "captioning.npz", rouge_l=np.array([20.0, 40]), cider=np.array([50.0, 50]))
    summary = summary_of(experiment)
    cells = [row.cells for row in rows_of(summary)][-5:]
    assert [row[1:4] for row in cells] == [
        ("BLEU-4", "6.5", "-"),
        ("METEOR", NOT_RUN, "-"),
        ("ROUGE-L", "30.0", "20.0 to 40.0"),
        ("CIDEr", "50.0", "50.0 to 50.0"),
        ("SumCAP", NOT_RUN, "-"),
    ]
    assert "FC: 4 captions" in "\n".join(caption_of(summary))


def test_unfinished_stage_is_said_in_the_caption(experiment):
    (experiment / "recognition" / "metrics.json").unlink()
    assert "recognition: training has not ended" in caption_of(summary_of(experiment))
