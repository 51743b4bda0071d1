"""Gallery retrieval, ranks, and metrics the registry does not know or learns of, from records to pages."""

import dataclasses
import json

import numpy as np
import pytest
from rich.console import Console
from synthetic_study import edit_record, minus, run_path, write_column, write_pyramid, write_study

from fashionvl.commands.report import build, report
from fashionvl.errors import InputError
from fashionvl.reporting import metrics
from fashionvl.reporting.page.differences import difference_panels
from fashionvl.reporting.recomputed import mean_of
from fashionvl.reporting.study.gather import gather
from fashionvl.reporting.study.text import study_text

RANKS = {"Final": 8, "A1": 30, "A2": 2}
"""Median ranks about which a column's queries lie."""

GALLERY = {"images": 500, "fingerprint": "g" * 16}


def add_gallery(run, middle, seed):
    """200 queries whose ranks lie about `middle`."""
    ranks = np.random.default_rng(seed).geometric(0.7 / middle, 200).astype(float)
    hits = {f"hit@{k}": (ranks <= k).astype(float) for k in (1, 5, 10)}
    np.savez(run / "gallery_tir.npz", query_id=np.arange(200), rank=ranks, **hits)
    rates = {f"r{k}": 100 * hits[f"hit@{k}"].mean() for k in (1, 5, 10)}
    found = rates | {"sum_r": sum(rates.values()), "median_rank": float(np.median(ranks))}
    found |= {"mean_rank": ranks.mean(), "n": 200}
    add_test(run, {f"gallery_tir/{key}": float(value) for key, value in found.items()})
    edit_record(run, gallery={"gallery_tir": GALLERY})


def add_test(run, values):
    record = json.loads((run / "metrics.json").read_text())
    edit_record(run, test=record["test"] | values)


@pytest.fixture
def runs(tmp_path):
    root = tmp_path / "runs"
    write_pyramid(root)
    for column in RANKS:
        write_column(root, column, {0: 0.5, 1: 0.6})
    return root


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path)


@pytest.fixture
def with_gallery(runs):
    for column, middle in RANKS.items():
        for seed in (0, 1):
            add_gallery(run_path(runs, column, seed, "pretrain"), middle, seed)
    return runs


def built(study, runs):
    return build([gather(study, runs, "laptop")])


def columns_of(found):
    return {column.id: column for column in found.studies[0].columns}


def test_lower_ranks_are_better_in_marks_panels_and_intervals(study, with_gallery):
    found = built(study, with_gallery)
    columns = columns_of(found)
    metric = {one.key: one for one in found.studies[0].metrics}["gallery_tir/median_rank"]
    assert (metric.name, metric.unit, metric.lower_is_better, metric.n) == ("median", "rank", True, 200)
    better, worse = (columns[name].cells[metric.key].difference for name in ("A2", "A1"))
    assert better.value < 0 < worse.value
    assert (better.mark, worse.mark) == ("better", "worse")
    # Holm over both columns, whatever the direction.
    assert {better.p_adjusted, worse.p_adjusted} <= {
        min(1.0, factor * p) for factor in (1, 2) for p in (better.p_value, worse.p_value)
    }
    ours = columns["A2"].cells[metric.key].ours
    assert 1 <= ours.interval[0] <= ours.value <= ours.interval[1]
    panel = next(p for p in difference_panels(found.studies[0]) if p.title.startswith("Gallery TIR median"))
    assert panel.title == "Gallery TIR median, rank, lower is better"


def test_median_is_that_of_the_ranks(study, with_gallery):
    cell = columns_of(built(study, with_gallery))["A1"].cells["gallery_tir/median_rank"]
    for seed in (0, 1):
        with np.load(run_path(with_gallery, "A1", seed, "pretrain") / "gallery_tir.npz") as stored:
            assert cell.ours.by_seed[seed] == np.median(stored["rank"])


def test_gallery_has_its_own_verdict_and_no_paper(study, with_gallery):
    columns = columns_of(built(study, with_gallery))
    assert list(columns["A1"].verdicts) == ["retrieval", "gallery retrieval", "recognition", "generation"]
    assert columns["A2"].verdicts["gallery retrieval"].kind == "better"
    assert columns["A1"].verdicts["gallery retrieval"].text.startswith(minus("worse: Gallery TIR SumR ~"))
    assert columns["A1"].cells["gallery_tir/r1"].paper is None


def test_old_records_list_neither_ranks_nor_galleries(study, runs):
    keys = {metric.key for metric in built(study, runs).studies[0].metrics}
    assert not any("rank" in key or "gallery" in key for key in keys)


def test_ranks_of_lists_are_listed_once_some_run_records_them(study, runs):
    add_test(run_path(runs, "A1", 0, "pretrain"), {"tir/median_rank": 1.0})
    cells = columns_of(built(study, runs))["Final"].cells
    # Recomputed for the older records, too: half of the queries answered first, half twentieth.
    assert cells["tir/median_rank"].ours.by_seed == {0: 10.5, 1: 1.0}
    assert "itr/median_rank" not in cells


def test_other_galleries_are_refused(study, with_gallery):
    run = run_path(with_gallery, "A1", 0, "pretrain")
    edit_record(run, gallery={"gallery_tir": {**GALLERY, "fingerprint": "h"}})
    with pytest.raises(InputError, match="gallery of gallery_tir differ"):
        built(study, with_gallery)


def written(study, runs, out):
    """The report in all its forms: text, Markdown, HTML."""
    found = report([gather(study, runs, "laptop")], out)
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(study_text(found.studies[0], 200))
    return console.export_text(), (out / "report.md").read_text(), (out / "report.html").read_text()


def test_a_test_of_the_users_own_is_a_plain_number(study, runs, tmp_path):
    for column, score in (("Final", 0.25), ("A1", 0.5)):
        add_test(run_path(runs, column, 0, "pretrain"), {"mine/score": score, "mine/n": 7, "tir/mrr": 0.75})
    text, markdown, html = written(study, runs, tmp_path / "out")
    assert "mine" in text
    assert "0.2500" in text
    assert "| mine | what | score [95 %] ± sd |" in markdown
    assert "As recorded: without per-item arrays there is no interval and no test." in markdown
    assert ">mine <" in html
    assert "<b>0.5000</b>" in html
    cell = columns_of(built(study, runs))["A1"].cells["mine/score"]
    assert (cell.ours.value, cell.ours.interval, cell.difference) == (0.5, None, None)
    assert columns_of(built(study, runs))["A1"].cells["tir/mrr"].ours.value == 0.75


def test_a_metric_added_to_the_registry_is_in_every_form(study, runs, tmp_path, monkeypatch):
    """One entry in the registry, and no other file."""
    slips = metrics.Metric(
        "slips", "slips", "/query", 2, lower_is_better=True, recomputed=mean_of("rank", "slips"),
        shown=metrics.EVERY_TABLE | {"plot", "verdict"},
    )  # fmt: skip
    registry = tuple(
        dataclasses.replace(one, metrics=(*one.metrics, slips)) if one.name == "tir" else one
        for one in metrics.PROTOCOLS
    )
    monkeypatch.setattr(metrics, "PROTOCOLS", registry)
    # Half of the queries answered twentieth; those of A1 all.
    for column, mean in (("Final", 10.5), ("A1", 20.0), ("A2", 10.5)):
        for seed in (0, 1):
            run = run_path(runs, column, seed, "pretrain")
            add_test(run, {"tir/slips": mean})
            if column == "A1":
                arrays = dict(np.load(run / "tir.npz")) | {"rank": np.full(60, 20.0)}
                np.savez(run / "tir.npz", **arrays)
    text, markdown, html = written(study, runs, tmp_path / "out")
    assert "slips /query" in text
    assert "20.00 ± 0.00" in text
    assert "slips /query [95 %] ± sd" in markdown
    assert "Lower is better: slips." in markdown
    assert 'slips <small>/query</small> <small title="lower is better">↓</small>' in html
    assert "TIR slips, /query, lower is better" in html
    verdict = columns_of(built(study, runs))["A1"].verdicts["retrieval"]
    assert verdict.kind == "worse"
    assert "worse: TIR slips +" in verdict.text
