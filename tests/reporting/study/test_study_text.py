"""Terminal and Markdown say the same as the records they are given."""

import json

import pytest
from rich.console import Console
from synthetic_study import edit_record, minus, run_path, write_column, write_pyramid, write_study

from fashionvl.commands.report import build
from fashionvl.reporting.study.gather import gather
from fashionvl.reporting.study.markdown import report_markdown, table
from fashionvl.reporting.study.plain_data import report_json
from fashionvl.reporting.study.text import study_text


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


@pytest.fixture
def report(study, tmp_path):
    """Final over three seeds, A1 far worse, A2 with one failed and one unfinished stage."""
    runs = tmp_path / "runs"
    write_pyramid(runs)
    write_column(runs, "Final", {0: 0.6, 1: 0.65, 2: 0.7})
    write_column(runs, "A1", {0: 0.05, 1: 0.1, 2: 0.05}, ratio=0.1)
    write_column(runs, "A2", {0: 0.6, 1: 0.65})
    failed = run_path(runs, "A2", 1, "pretrain")
    (failed / "failed.json").write_text(json.dumps({"stage": "fit", "error": "loss is | nan"}))
    edit_record(run_path(runs, "A2", 0, "recognition"), test=None)
    return build([gather(study, runs, "laptop")])


def printed(report, width):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(study_text(report.studies[0], width))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 120])
def test_table_fits_and_is_legible(report, width):
    text = printed(report, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for said in ("195.0 ± 15.0", "195.4 (~6.7)", "98.16 (~0.10)", "* where real", "worse: SumR ~"):
        assert minus(said) in text
    assert ("PSNR hidden" in text) == (width == 120)


def test_real_differences_are_marked_and_others_are_not(report):
    marked = [line for line in printed(report, 80).splitlines() if "Δ  " in line]
    assert marked[0].count("*") == 4
    assert len([word for word in marked[1].split("Δ")[1].split() if word.startswith("0.0")]) == 4
    assert "*" not in marked[1]


def test_open_columns_say_why(report):
    text = " ".join(printed(report, 80).split())
    assert "A2 failed: pretrain seed 1, fit: loss is | nan" in text
    assert "A2 unfinished: recognition seed 0" in text
    assert "A2 missing: pretrain seed 2, recognition seed 2" in text


def test_markdown_has_everything(report, tmp_path):
    text = report_markdown(report, tmp_path / "runs" / "reports" / "mask_ratio")
    for said in (
        "# Masking ratio",
        "Scale laptop; data dddddddddddddddd.",
        "Reference Final; seeds 0, 1, 2. Source: MVLT Table 3.",
        "60 queries; test: paired over queries",
        "90 photographs of 30 products",
        "### Verdicts",
        "- A2: failed: pretrain seed 1, fit: loss is | nan",
        "[../../mask_ratio/A1/seed0/pretrain](../../mask_ratio/A1/seed0/pretrain)",
        "torch 2.6.0, numpy 2.0",
        "0123456789ab",
        "## The papers' own differences",
        "of 16 printed differences exceed their interval",
    ):
        assert said in text
    assert "| A1 | pretrain | 1.23 k | 5 M | 100 | 500 | 2.0 minutes |" in text
    assert str(tmp_path) not in text


def test_markdown_tables_are_rectangular(report, tmp_path):
    blocks = report_markdown(report, tmp_path).split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("| ")]
    assert len(tables) == 5 + 3
    for lines in tables:
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_cells_cannot_break_a_table():
    assert table(["a"], [["x|y\nz"]]).splitlines()[2] == "| x\\|y z |"


def test_json_is_plain_and_relative(report, tmp_path):
    found = report_json(report, tmp_path / "out")
    text = json.dumps(found, allow_nan=False)
    assert str(tmp_path) not in text
    assert found["schema"] == 2
    column = found["studies"][0]["columns"][0]
    assert column["id"] == "A1"
    assert column["cells"]["tir/r1"]["difference"]["real"] is True
    assert column["runs"][1]["path"] == "../runs/mask_ratio/A1/seed0/pretrain"
    assert "curves" not in column["runs"][0]
    assert "picture" not in column


def test_notes_tell_what_applies(report, study, tmp_path):
    def notes(**options):
        return " ".join(build([gather(study, tmp_path / "runs", "laptop", **options)]).notes)

    assert "Obuchowski" in notes()
    assert "hid the same pixels" in notes()
    for absent in (
        "own caption",
        "versions of the code",
        "With one seed",
        "product ids",
        "different versions",
    ):
        assert absent not in notes()
    assert "With one seed" in notes(seeds=[0])
    edit_record(run_path(tmp_path / "runs", "A1", 0, "pretrain"), commit="fff", versions={"torch": "9"})
    lists = {"itr": {"own_caption": {"queries": 13}, "queries": 100}, "tir": {"own_caption": {"queries": 0}}}
    edit_record(run_path(tmp_path / "runs", "A1", 0, "pretrain"), candidates=lists)
    assert " 13.0 % of the queries of ITR have a negative with their own caption" in notes()
    assert "2 versions of the code: 0123456789ab, fff" in notes()
    assert "different versions of torch: 2.6.0, 9" in notes()
