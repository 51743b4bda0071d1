"""Assignment of runs to a model, and messages about them."""

import json

import pytest
from kaleido_runs import configure, edit_record, record_of

from fashionvl.errors import InputError
from fashionvl.reporting.compare.models import read_models


def test_a_model_takes_the_shared_stages_that_its_configurations_lead_to(models):
    assert [run.name for run in models[0].runs] == ["pyramid", "pretrain", "recognition"]
    # Features are named by pre-training, the saliency network by features; nothing names the alignments.
    assert [run.name for run in models[1].runs] == [
        "saliency", "features", "pretrain", "recognition", "captioning",
    ]  # fmt: skip


def test_summary_has_the_keys_of_every_summary_and_those_of_kaleido(folders, models):
    mvlt, kaleido, shared = folders
    configure(kaleido / "recognition", weights="a", alignments=f"{shared.name}/align/alignments")
    models = read_models([mvlt, kaleido], ["MVLT", "Kaleido-BERT"], [shared])
    first, found = (json.loads(json.dumps(model.as_json(), allow_nan=False)) for model in models)
    assert {"tir", "itr", "m_cr", "s_cr", "mig", "seconds", "about"} <= set(found)
    assert found["mig"] is None
    assert found["captioning"]["bleu4"] == 6.5
    assert "meteor" not in found["captioning"]
    assert found["captioning"]["intervals"].keys() == {"rouge_l", "cider"}
    assert found["akpm"] == {
        "rotation": 90.0, "jigsaw": 50.0, "camouflage": 40.0, "grey": 0.02, "blank": 0.03,
        "chance": {"rotation": 25.0, "jigsaw": 4.1667, "camouflage": 11.1111},
    }  # fmt: skip
    assert found["saliency_iou"] == 0.97
    assert found["saliency_iou_baselines"] == {"threshold": 0.9, "grabcut": 0.93}
    assert found["alignment_precision"] == {"value": 0.6, "random": 0.2, "centre": 0.3}
    assert found["features"] == {"bytes_per_image": 303104, "images_per_second": 120}
    assert first["akpm"] is first["saliency_iou"] is first["alignment_precision"] is None


def test_cost_is_of_the_run_that_was_tested_and_time_of_all(models):
    cost = models[1].as_json()["cost"]
    assert (cost["parameters"], cost["flops"], cost["pairs_per_second"]) == (1234, 5e6, 100)
    assert cost["peak_rss_mb"] == 500
    assert cost["seconds"] == {
        "saliency": 60, "features": 90, "pretrain": 80, "recognition": 35, "captioning": 7, "total": 272,
    }  # fmt: skip


def test_a_model_that_was_not_tested_has_no_cost(folders):
    mvlt, _, shared = folders
    edit_record(mvlt / "pretrain", test=None)
    (model,) = read_models([mvlt], ["MVLT"], [shared])
    assert model.tested is None
    assert model.cost == {}
    assert model.as_json()["tir"] is None


@pytest.mark.parametrize("names", [["MVLT"], ["MVLT", "MVLT"]])
def test_names_have_to_fit_the_folders(folders, names):
    with pytest.raises(InputError, match=r"--names: MVLT.*for 2 run folders"):
        read_models(list(folders[:2]), names, [])


def test_a_shared_folder_may_be_empty_and_a_models_may_not(folders, tmp_path):
    mvlt, kaleido, _ = folders
    models = read_models([mvlt, kaleido], ["MVLT", "Kaleido-BERT"], [tmp_path / "nothing"])
    assert models[1].saliency == {}
    with pytest.raises(InputError, match="nothing: no such folder"):
        read_models([tmp_path / "nothing"], ["MVLT"], [])


def test_moved_runs_are_found_by_the_end_of_their_path(folders, models):
    _, _, shared = folders
    assert record_of(shared / "saliency")["test"]["saliency/unet_iou"] == models[1].saliency["unet"]
