"""The registry itself, and what records hold beyond it."""

import json

import numpy as np
import pytest

from fashionvl.reporting import metrics
from fashionvl.reporting.summary import summarise
from fashionvl.reporting.tables import markdown_table, rows_of
from fashionvl.runs.reading import Run, read_runs

RNG = np.random.default_rng(0)
ARRAYS = {
    "predicted": RNG.integers(0, 3, 12),
    "target": RNG.integers(0, 3, 12),
    **{
        name: RNG.random(12)
        for name in (
            *("hit@1", "hit@5", "hit@10", "rank", "psnr", "ssim", "psnr_masked", "ssim_masked"),
            *("psnr_masked_mean_fill", "rouge_l", "cider"),
        )
    },
}


def test_names_are_unique_and_totals_add_up_what_there_is():
    names = [one.name for one in metrics.PROTOCOLS]
    assert len(set(names)) == len(names)
    for one in metrics.PROTOCOLS:
        keys = [metric.key for metric in one.metrics]
        assert len(set(keys)) == len(keys)
        for part in one.total_of:
            assert any(metric.key == one.adds for metric in metrics.protocol(part).metrics)


@pytest.mark.parametrize("protocol", metrics.PROTOCOLS, ids=lambda one: one.name)
def test_what_is_recomputed_has_the_metrics_key(protocol):
    for metric in protocol.metrics:
        if metric.recomputed:
            arrays = {name: ARRAYS[name] for name in metric.recomputed.needed}
            (scored,) = metric.recomputed.score([arrays], np.arange(12))
            assert metric.key in scored.observed()


def test_tests_of_other_items_are_resampled_apart():
    streams = {one.name: one.stream for one in metrics.PROTOCOLS if any(m.recomputed for m in one.metrics)}
    recognition = {streams.pop(name) for name in list(streams) if name.startswith(("m_cr", "s_cr"))}
    assert len(recognition) == 1
    assert len(set(streams.values())) == len(streams)


def test_ranks_are_better_when_low():
    lower = {f"{one.name}/{m.key}" for one in metrics.PROTOCOLS for m in one.metrics if m.lower_is_better}
    directions = ("tir", "itr", "gallery_tir", "gallery_itr")
    assert lower == {f"{name}/{which}_rank" for name in directions for which in ("median", "mean")}


def test_verdicts_rest_on_these():
    assert {
        group: [f"{one.name}/{metric.key}" for one, metric in found]
        for group, found in metrics.groups().items()
    } == {
        "retrieval": ["retrieval/total"],
        "gallery retrieval": ["gallery_tir/sum_r", "gallery_itr/sum_r"],
        "recognition": ["m_cr/accuracy", "s_cr/accuracy"],
        "recognition by image": ["m_cr_image/accuracy", "s_cr_image/accuracy"],
        "generation": ["mig/psnr_masked"],
        "captioning": ["captioning/rouge_l", "captioning/cider"],
    }


def test_rows_of_the_papers_are_found_by_their_names():
    assert metrics.printed_key("TIR", "R@5") == "tir/r5"
    assert metrics.printed_key("SUB", "macro-F") == "s_cr/macro_f"
    assert metrics.printed_key("CR+SUB", "SumCLS") == "recognition/total"
    assert metrics.printed_key("TIR", "accuracy") is None
    assert metrics.printed_key("VQA", "accuracy") is None


def test_chance_in_a_gallery_is_k_of_its_size(tmp_path):
    gallery = {"gallery_tir": {"images": 200, "fingerprint": "f"}, "gallery_itr": {"texts": 4}}
    run = Run(tmp_path, {"gallery": gallery, "test": {"gallery_tir/n": 50, "gallery_itr/n": 50}})

    def chance(name):
        known = metrics.protocol(name)
        return {metric.key: metric.chance(run, name) for metric in known.metrics if metric.chance}

    assert chance("gallery_tir") == {
        "r1": 0.5, "r5": 2.5, "r10": 5.0, "sum_r": 8.0, "median_rank": 100.5, "mean_rank": 100.5,
    }  # fmt: skip
    assert chance("gallery_itr")["r5"] == 100
    assert set(chance("tir").values()) == {None}


def test_records_hold_more_than_the_registry():
    tests = [("pretrain", {"tir/r1": 1.0, "tir/mrr": 0.5, "mine/score": 2.0, "mine/n": 3.0, "odd": 1.0})]
    found = {one.name: one for one in metrics.with_recorded(tests)}
    assert [metric.key for metric in found["tir"].metrics][-1] == "mrr"
    assert [metric.key for metric in found["mine"].metrics] == ["score"]
    assert (found["mine"].stage, list(found)[-1]) == ("pretrain", "mine")
    assert "odd" not in found


def test_summary_shows_a_test_of_the_users_own(experiment, edit_record):
    run = experiment / "pretrain"
    test = json.loads((run / "metrics.json").read_text())["test"]
    edit_record(run, test=test | {"mine/score": 0.12345, "tir/mrr": 0.25})
    summary = summarise(read_runs(experiment))
    rows = [row.cells for row in rows_of(summary)]
    assert rows[-1] == ("mine", "score", "0.1235", "-", "-", "-")
    assert ("", "mrr", "0.2500", "-", "-", "-") in rows
    assert "| mine | score | 0.1235 |" in markdown_table(summary, "title")
    found = summary.as_json()
    assert (found["mine"], found["tir"]["mrr"]) == (
        {"score": 0.1235, "n": None, "intervals": {}, "baselines": {}}, 0.25,
    )  # fmt: skip


def test_summary_lists_ranks_and_galleries_where_they_are_recorded(experiment, edit_record):
    assert not {"median rank", "Gallery TIR"} & {cell for row in _rows(experiment) for cell in row}
    run = experiment / "pretrain"
    test = json.loads((run / "metrics.json").read_text())["test"]
    arrays = dict(np.load(run / "tir.npz"))
    np.savez(run / "gallery_tir.npz", **arrays)
    recorded = {key.removeprefix("tir/"): value for key, value in test.items() if key.startswith("tir/")}
    recorded |= {"median_rank": 10.5, "mean_rank": 10.5}
    test |= {f"{name}/{key}": value for name in ("tir", "gallery_tir") for key, value in recorded.items()}
    edit_record(run, test=test, gallery={"gallery_tir": {"images": 99, "fingerprint": "f"}})
    rows = {(row[0], row[1]): row for row in _rows(experiment)}
    assert rows["Gallery TIR", "R@1 %"][4] == "1.0"
    median = [row for row in _rows(experiment) if row[1] == "median rank"]
    assert [row[4] for row in median] == ["11.0", "50.0"]
    for row in median:
        low, high = map(float, row[3].split(" to "))
        assert 1 <= low < 10.5 < high <= 20


def test_recognition_from_one_input_has_rows_intervals_and_chance_of_its_own(experiment, edit_record):
    assert not [row for row in _rows(experiment) if row[0] in ("S-CR image", "S-CR text")]
    run = experiment / "recognition"
    test = json.loads((run / "metrics.json").read_text())["test"]
    recorded = {key.removeprefix("s_cr/"): value for key, value in test.items() if key.startswith("s_cr/")}
    for name in ("s_cr_image", "s_cr_text"):
        np.savez(run / f"{name}.npz", **np.load(run / "s_cr.npz"))
        test |= {f"{name}/{key}": value for key, value in recorded.items()}
    edit_record(run, test=test)
    rows = _rows(experiment)
    both = next(row for row in rows if row[0] == "S-CR")
    for task, said in (("S-CR image", "photograph alone"), ("S-CR text", "caption alone")):
        place = [row[0] for row in rows].index(task)
        assert rows[place][:5] == (task, *both[1:5])
        assert rows[place][4] == "50.00"  # half of the photographs are of class 0
        assert rows[place + 1][0] == said


def _rows(folder):
    return [row.cells for row in rows_of(summarise(read_runs(folder)))]
