"""Every picture that can be drawn is drawn, whatever is missing."""

import shutil

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from fashionvl.errors import InputError
from fashionvl.reporting.overview import duration, overview_page
from fashionvl.reporting.pictures import draw_pictures
from fashionvl.reporting.summary import summarise
from fashionvl.runs.reading import read_runs


def drawn(experiment, folder):
    return [file.name for file in draw_pictures(summarise(read_runs(experiment)), folder)]


def test_missing_stages_leave_their_pictures_out(experiment, tmp_path):
    shutil.rmtree(experiment / "recognition")
    shutil.rmtree(experiment / "pretrain" / "examples")
    assert drawn(experiment, tmp_path / "pictures") == ["curves.png", "overview.png"]


def test_one_record_alone_still_gives_an_overview(experiment, tmp_path, edit_record):
    for stage in ("pretrain", "recognition"):
        shutil.rmtree(experiment / stage)
    (experiment / "pyramid" / "metrics.csv").unlink()
    assert drawn(experiment, tmp_path) == ["overview.png"]
    with Image.open(tmp_path / "overview.png") as image:
        assert image.size == (1600, 1000)


def test_fine_tuning_is_shown_from_the_photograph_alone_where_it_was_learnt(experiment, log):
    log(experiment / "pretrain", *(f"9,0,dev/{name},0.5" for name in ("itm_accuracy", "mlm_accuracy", "mir")))
    log(experiment / "recognition", "9,0,dev/s_cr_accuracy,1", "9,0,dev/s_cr_image_accuracy,0.8")
    page = overview_page(summarise(read_runs(experiment)))
    said = {text.get_text() for text in page.figure.findobj(Text)}
    assert "S-CR image accuracy" in said
    assert "S-CR accuracy" not in said


def test_undefined_score_still_gives_an_overview(experiment, tmp_path, edit_record):
    run = next(run for run in read_runs(experiment) if run.name == "pretrain")
    edit_record(
        run.path, test=run.test | {"mig/psnr_masked": float("nan"), "mig/psnr_masked_mean_fill": float("nan")}
    )
    shutil.rmtree(run.path / "examples")
    assert "overview.png" in drawn(experiment, tmp_path)


def test_examples_without_an_array_are_refused(experiment, tmp_path):
    np.savez(experiment / "pretrain" / "examples" / "mig.npz", masked=np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"mig\.npz.*reconstructed"):
        drawn(experiment, tmp_path)


def test_the_users_matplotlib_settings_neither_matter_nor_change(experiment, tmp_path):
    shutil.rmtree(experiment / "pretrain")
    drawn(experiment, tmp_path / "plain")
    with matplotlib.rc_context({"axes.facecolor": "black", "savefig.bbox": "tight"}):
        drawn(experiment, tmp_path / "styled")
        assert matplotlib.rcParams["axes.facecolor"] == "black"
    for file in (tmp_path / "plain").iterdir():
        assert file.read_bytes() == (tmp_path / "styled" / file.name).read_bytes()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 seconds"), (119, "119 seconds"), (540, "9.0 minutes"), (7200, "2.0 hours")]
)
def test_duration_in_the_largest_sensible_unit(seconds, said):
    assert duration(seconds) == said
