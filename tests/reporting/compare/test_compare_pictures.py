"""Every picture is drawn whose data is there; the others are named."""

import shutil

import numpy as np
import pytest
from kaleido_runs import FRAME, NAMES, kaleido_examples
from PIL import Image

from fashionvl.errors import InputError
from fashionvl.reporting.compare.models import read_models
from fashionvl.reporting.compare.patches import levels_of, transformed_page
from fashionvl.reporting.compare.pictures import draw_pictures
from fashionvl.reporting.compare.regions import alignment_page, cut_out
from fashionvl.reporting.panels import GREY

DRAWN = ["scores", "patches", "transformed", "saliency", "alignment"]


def draw(folders, folder):
    return draw_pictures(read_models(list(folders[:2]), NAMES, [folders[2]]), folder)


def test_every_picture_shows_something(compared):
    for name in DRAWN:
        with Image.open(compared / "pictures" / f"{name}.png") as image:
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_captions_are_drawn_with_their_photographs(folders, tmp_path):
    examples = folders[1] / "captioning" / "examples"
    examples.mkdir()
    said = {"reference": np.array(["red"] * 3), "generated": np.array(["red", "", "a"])}
    np.savez(examples / "captioning.npz", images=kaleido_examples()["image"], **said)
    drawn, missing = draw(folders, tmp_path / "pictures")
    assert [picture.file.stem for picture in drawn] == [*DRAWN, "captions"]
    assert missing == {}


def test_without_examples_only_scores_are_left(folders, tmp_path):
    for stage in ("saliency", "features"):
        shutil.rmtree(folders[2] / stage / "examples")
    drawn, missing = draw(folders, tmp_path / "pictures")
    assert [picture.file.stem for picture in drawn] == ["scores"]
    assert set(missing) == {*DRAWN[1:], "captions"}
    assert missing["saliency"] == "no run has examples/saliency.npz"


def test_lacking_array_is_named(folders, tmp_path):
    file = folders[2] / "features" / "examples" / "alignment.npz"
    np.savez(file, images=np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"alignment\.npz.*captions"):
        draw(folders, tmp_path / "pictures")


def test_levels_are_placed_one_after_another():
    found = levels_of(kaleido_examples())
    assert {level: len(where) for level, where in found.items()} == {1: 1, 2: 4, 3: 9, 4: 16, 5: 25}
    np.testing.assert_array_equal(np.concatenate(list(found.values())), np.arange(55))


def test_patches_that_do_not_fit_the_levels_are_refused():
    with pytest.raises(InputError, match=r"55 patches, but levels \[1, 2\] have 5"):
        levels_of({**kaleido_examples(), "levels": np.array([1, 2])})


def test_only_tasks_that_are_on_are_shown():
    examples = kaleido_examples()
    wide = transformed_page(examples)
    without = {key: value for key, value in examples.items() if "jigsaw" not in key and key != "blank"}
    narrow = transformed_page(without)
    assert wide is not None
    assert narrow is not None
    assert wide.width - narrow.width == 2 * (230 + 26)
    bare = ("rotation", "jigsaw", "camouflage", "grey", "blank")
    assert transformed_page({key: value for key, value in examples.items() if key not in bare}) is None


def test_photographs_without_an_aligned_word_are_left_out():
    one = {
        "images": np.zeros((2, FRAME, FRAME, 3), np.uint8),
        "captions": np.array(["", ""]),
        "words": np.array([[""], [""]]),
        "regions": np.zeros((2, 1, 4)),
    }
    assert alignment_page(one) is None
    found = alignment_page({**one, "words": np.array([[""], ["red"]])})
    assert found is not None
    assert found.height < 600


def test_background_is_washed_out_and_the_product_kept():
    photograph = np.full((2, 2, 3), 100, np.uint8)
    mask = np.array([[True, False], [False, False]])
    found = cut_out(photograph, mask)
    assert found[0, 0].tolist() == [100, 100, 100]
    assert found[1, 1].tolist() == [int(0.25 * 100 + 0.75 * GREY)] * 3
