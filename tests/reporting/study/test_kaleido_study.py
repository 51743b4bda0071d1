"""A study of Kaleido-BERT: its metrics, the paper's Table 4, and its patch tasks."""

import json
import re

import numpy as np
import pytest
from synthetic_study import (
    PRODUCTS,
    edit_record,
    kaleido_path,
    minus,
    write_column,
    write_kaleido_column,
    write_kaleido_shared,
    write_kaleido_study,
    write_pyramid,
    write_study,
)

from fashionvl.commands.report import main
from fashionvl.evaluation.significance import resampled_weights
from fashionvl.reporting.page.single_tasks import single_task_panels
from fashionvl.reporting.page.views import source_of
from fashionvl.reporting.recomputed import RESAMPLES
from fashionvl.reporting.study.claims import claims
from fashionvl.reporting.study.comparison import compare
from fashionvl.reporting.study.gather import gather
from fashionvl.reporting.study.single_tasks import SINGLE_TASKS, ended, tasks_ended

SHARES = {"Final": {0: 0.6, 1: 0.7}, "B_I": {0: 0.6, 1: 0.7}, "B": {0: 0.1, 1: 0.1}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Final over two seeds, B_I answering the same, B much worse; read only."""
    folder = tmp_path_factory.mktemp("akpm")
    write_kaleido_study(folder)
    write_kaleido_shared(folder / "runs")
    for column, shares in SHARES.items():
        write_kaleido_column(folder / "runs", column, shares)
    return folder


@pytest.fixture(scope="module")
def report(runs):
    from fashionvl.studies import read_study

    return compare(gather(read_study("akpm", runs / "ablations"), runs / "runs", "laptop"))


@pytest.fixture
def columns(report):
    return {column.id: column for column in report.columns}


def test_table_lists_what_table_4_does_and_not_what_mvlt_does(report):
    listed = [(metric.task, metric.name) for metric in report.metrics]
    assert listed == [
        *[(task, name) for task in ("TIR", "ITR") for name in ("R@1", "R@5", "R@10", "SumR")],
        ("ITR+TIR", "SumR"),
        *[(task, name) for task in ("M-CR", "S-CR") for name in ("accuracy", "macro-F", "SumC")],
        ("CR+SUB", "SumCLS"),
        *[("FC", name) for name in ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr", "SumCAP")],
    ]


def test_all_columns_are_done_with_their_predictions(columns):
    assert {column.state for column in columns.values()} == {"done"}
    features = next(run for run in columns["B"].runs if run.stage == "features")
    assert features.seconds == 20


def test_numbers_are_those_of_the_records(columns):
    cells = columns["Final"].cells
    assert cells["retrieval/total"].ours.by_seed == pytest.approx({0: 360, 1: 420})
    assert cells["recognition/total"].ours.value == pytest.approx(
        cells["m_cr/sum_c"].ours.value + cells["s_cr/sum_c"].ours.value
    )
    assert cells["captioning/bleu4"].ours.by_seed == {0: 30, 1: 35}
    assert cells["captioning/cider"].ours.by_seed == pytest.approx({0: 120, 1: 140})
    assert cells["captioning/sum_cap"].ours.value == pytest.approx(240.5)


def test_paper_calls_columns_by_other_names(columns):
    cells = columns["B_I"].cells
    assert cells["retrieval/total"].paper == 297.18
    assert cells["retrieval/total"].paper_difference == pytest.approx(297.18 - 319.02)
    assert cells["captioning/cider"].paper == 31.5
    assert columns["Final"].cells["tir/r10"].paper == 68.09
    assert columns["B"].cells["recognition/total"].paper == 297.40


def test_metrics_of_single_captions_are_tested_and_those_of_all_are_not(report, columns):
    metric = {metric.key: metric for metric in report.metrics}
    assert (metric["captioning/cider"].n, metric["captioning/cider"].clusters) == (90, PRODUCTS)
    assert "products" in metric["captioning/cider"].test
    assert "products" in metric["recognition/total"].test
    assert "queries" in metric["retrieval/total"].test
    worse = columns["B"].cells
    for name in ("rouge_l", "cider"):
        assert worse[f"captioning/{name}"].difference.real
    for name in ("bleu4", "meteor", "sum_cap"):
        assert metric[f"captioning/{name}"].test == ""
        assert worse[f"captioning/{name}"].difference is None
        assert worse[f"captioning/{name}"].ours.interval is None


def test_captions_are_resampled_by_product(runs, columns):
    with np.load(kaleido_path(runs / "runs", "B", 0, "captioning") / "captioning.npz") as stored:
        by_product = stored["cider"].reshape(PRODUCTS, -1).mean(1)
    (weights,) = resampled_weights(PRODUCTS, RESAMPLES, 5)
    draws = weights @ by_product / PRODUCTS
    interval = columns["B"].cells["captioning/cider"].ours.interval
    # Both seeds answered alike, so that only queries vary.
    assert interval[1] - interval[0] == pytest.approx(2 * 1.96 * draws.std(), rel=0.05)


def test_verdicts_are_given_for_the_groups_there_are(columns):
    assert list(columns["B"].verdicts) == ["retrieval", "recognition", "captioning"]
    assert columns["B"].verdicts["retrieval"].text.startswith(minus("worse: SumR ~"))
    assert columns["B"].verdicts["captioning"].text.startswith(minus("worse: ROUGE-L ~"))
    assert columns["B_I"].verdicts["captioning"].text == (
        "no difference seen (a difference of more than 0.0 ROUGE-L or 0.0 CIDEr is excluded; 90 captions of "
        "30 products, 2 seeds): ROUGE-L 0.0 [0.0, 0.0], CIDEr 0.0 [0.0, 0.0]"
    )


def test_both_labels_are_drawn_together(columns):
    """They are the same answers here, so their sum varies twice as much; drawn apart it would less."""
    single, both = (columns["Final"].cells[key].ours.interval for key in ("m_cr/sum_c", "recognition/total"))
    assert both[1] - both[0] == pytest.approx(2 * (single[1] - single[0]), rel=1e-6)


def test_without_java_meteor_is_open(tmp_path):
    study = write_kaleido_study(tmp_path)
    write_kaleido_shared(tmp_path / "runs")
    write_kaleido_column(tmp_path / "runs", "Final", {0: 0.6}, java=False)
    cells = next(
        c for c in compare(gather(study, tmp_path / "runs", "laptop")).columns if c.id == "Final"
    ).cells
    assert cells["captioning/meteor"].ours is None
    assert cells["captioning/sum_cap"].ours is None
    assert cells["captioning/bleu4"].ours.value == 30
    assert cells["captioning/meteor"].paper == 12.8


def test_before_anything_has_run_the_papers_metrics_are_listed(tmp_path):
    kaleido = compare(gather(write_kaleido_study(tmp_path / "k"), tmp_path, "laptop"))
    mvlt = compare(gather(write_study(tmp_path / "m"), tmp_path, "laptop"))
    tasks = [list(dict.fromkeys(metric.task for metric in one.metrics)) for one in (kaleido, mvlt)]
    assert tasks == [
        ["TIR", "ITR", "ITR+TIR", "M-CR", "S-CR", "CR+SUB", "FC"],
        ["TIR", "ITR", "M-CR", "S-CR"],
    ]


def test_a_study_of_no_paper_lists_what_its_stages_can_be_tested_on(tmp_path):
    write_study(tmp_path)
    file = tmp_path / "ablations" / "mask_ratio" / "study.yaml"
    file.write_text(file.read_text().replace("paper: mvlt_table3\n", ""))
    from fashionvl.studies import read_study

    report = compare(gather(read_study("mask_ratio", tmp_path / "ablations"), tmp_path, "laptop"))
    assert list(dict.fromkeys(metric.task for metric in report.metrics)) == [
        "TIR", "ITR", "M-CR", "S-CR", "MIG",
    ]  # fmt: skip


def test_claims_are_made_under_our_names_of_the_columns(runs):
    from fashionvl.studies import read_study

    found = {(one.column, one.metric): one for one in claims(read_study("akpm", runs / "ablations"))}
    assert len(found) == 2 * 8
    assert found["B_I", "TIR R@1"].difference == pytest.approx(30.98 - 33.88)
    assert (found["B", "ITR R@10"].n, found["B", "S-CR accuracy"].n) == (1000, 32_528)
    assert found["B", "S-CR accuracy"].exceeds


def test_patch_tasks_end_where_their_last_epoch_did(report, columns):
    rotation, jigsaw, *_ = SINGLE_TASKS
    end = ended(columns["Final"], rotation)
    assert (end.value, end.sd, end.by_seed) == (pytest.approx(90), 0, pytest.approx({0: 90, 1: 90}))
    assert ended(columns["B_I"], jigsaw) is None
    found = {task.key: list(by_column) for task, by_column in tasks_ended(report)}
    assert found == {
        "rotation": ["B_I", "Final"], "jigsaw": ["Final"], "camouflage": ["Final"], "grey": ["Final"],
        "blank": ["Final"],
    }  # fmt: skip
    assert [round(task.chance, 2) for task in SINGLE_TASKS[:3]] == [25, 4.17, 11.11]


def test_patch_tasks_of_runs_that_have_not_ended_do_not_count(tmp_path):
    study = write_kaleido_study(tmp_path)
    write_kaleido_column(tmp_path / "runs", "Final", {0: 0.6, 1: 0.6})
    edit_record(kaleido_path(tmp_path / "runs", "Final", 1, "pretrain"), test=None)
    column = next(c for c in compare(gather(study, tmp_path / "runs", "laptop")).columns if c.id == "Final")
    assert ended(column, SINGLE_TASKS[0]).by_seed == pytest.approx({0: 90})


def test_panels_say_their_numbers_and_chance(report):
    panels = single_task_panels(report)
    assert [panel.title for panel in panels] == [
        "rotation", "jigsaw", "camouflage", "grey to colour", "blank to colour",
    ]  # fmt: skip
    assert panels[0].alt.endswith("at the end of pre-training: B_I 80.0, Final 90.0; chance 25.0")
    assert "chance" not in panels[3].alt


def test_source_of_captions_is_the_captioning_run(report, columns):
    metric = next(metric for metric in report.metrics if metric.key == "captioning/cider")
    assert source_of(columns["B"], metric, 1).stage == "captioning"


def test_report_has_fig_6_and_fig_7_in_every_form(runs, tmp_path):
    out = tmp_path / "out"
    main(["akpm", "--folder", str(runs / "ablations"), "--runs", str(runs / "runs"), "--out", str(out)])
    html, markdown = (out / "report.html").read_text(), (out / "report.md").read_text()
    assert "Patch tasks at the end of pre-training" in html
    losses = re.findall(r"<figcaption>([\w -]+ loss)</figcaption>", html)
    assert losses == ["total loss", "rotation loss", "grey-to-colour loss", "blank-to-colour loss"]
    assert re.search(r"\| Final \| all five \| 90\.0 ± 0\.0 \| 50\.0 ± 0\.0", markdown)
    assert "Chance: rotation 25.0, jigsaw 4.2, camouflage 11.1." in markdown
    assert "Of both tables above; test: paired over queries" in markdown
    assert "90 captions of 30 products; test: paired over products" in markdown
    assert '<th scope="col">captioning</th>' in html
    assert '<th scope="col">generation</th>' not in html
    found = json.loads((out / "report.json").read_text())
    assert any(metric["key"] == "captioning/cider" for metric in found["studies"][0]["metrics"])


def test_studies_of_both_models_share_a_page(runs, tmp_path):
    write_study(tmp_path)
    folder = tmp_path / "ablations"
    (folder / "akpm").symlink_to(runs / "ablations" / "akpm")
    root = tmp_path / "runs"
    write_pyramid(root)
    write_column(root, "Final", {0: 0.5})
    write_kaleido_shared(root)
    write_kaleido_column(root, "Final", {0: 0.5})
    main(["akpm", "mask_ratio", "--folder", str(folder), "--runs", str(root), "--out", str(tmp_path / "out")])
    html = (tmp_path / "out" / "report.html").read_text()
    groups = re.findall(r'<th scope="col">(\w+)</th>', html[html.index('class="glance"') :])[1:5]
    assert groups == ["retrieval", "recognition", "generation", "captioning"]
