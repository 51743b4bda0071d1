"""The match, and only the match, is marked."""

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from fashionvl.reporting import panels
from fashionvl.reporting.canvas import GREEN
from fashionvl.reporting.panels import examples_of, greyed, percent
from fashionvl.runs.reading import read_runs


def pixels_of(canvas, tmp_path):
    canvas.save(tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as image:
        return np.asarray(image.convert("RGB")).astype(int)


def green_share(pixels, top, bottom, left, right):
    colour = np.array([int(GREEN[start : start + 2], 16) for start in (1, 3, 5)])
    return (np.abs(pixels[top:bottom, left:right] - colour).max(-1) < 8).mean()


@pytest.fixture
def runs(experiment):
    return read_runs(experiment)


def test_text_to_image_frames_the_match_alone(runs, tmp_path):
    page = panels.text_to_image_page(examples_of(runs, "tir"), "21 photographs")
    pixels = pixels_of(page, tmp_path)
    left = panels.MARGIN + 378
    columns = [slice(left - 9 + rank * 188, left + 179 + rank * 188) for rank in range(5)]
    first = [green_share(pixels, 130, 385, column.start, column.stop) for column in columns]
    assert first[2] > 0.02
    assert first[:2] + first[3:] == [0, 0, 0, 0]
    assert green_share(pixels, 400, page.height, 0, page.width) == 0


def test_image_to_text_marks_the_match_alone(runs, tmp_path):
    page = panels.image_to_text_page(examples_of(runs, "itr"), "21 captions")
    pixels = pixels_of(page, tmp_path)
    shares = [green_share(pixels, 140 + rank * 46, 180 + rank * 46, 290, page.width) for rank in range(5)]
    assert shares[2] > 0.005
    assert shares[:2] + shares[3:] == [0, 0, 0, 0]


def test_recognition_marks_the_true_name_and_tells_it_when_missed(runs, tmp_path):
    page = panels.recognition_page(examples_of(runs, "recognition"))
    pixels = pixels_of(page, tmp_path)
    hit, missed = (290, 510), (1015, 1235)
    assert green_share(pixels, 235, 265, *hit) > 0.05
    assert green_share(pixels, 235, 380, *missed) == 0
    assert green_share(pixels, 380, 410, *missed) > 0


def test_generation_shows_all_three_rows(runs, tmp_path):
    page = panels.generation_page(examples_of(runs, "mig"), "of two photographs")
    pixels = pixels_of(page, tmp_path)
    middle = panels.MARGIN + 140 + 79
    assert list(pixels[130 + 79, middle]) == [panels.GREY] * 3
    for row in (1, 2):
        assert list(pixels[130 + row * 170 + 79, middle]) == [200, 30, 30]


def test_hidden_pixels_turn_grey_and_visible_ones_stay():
    masked = np.array([[[0, 0, 0], [0, 0, 0], [255, 255, 255]]], np.uint8)
    hidden = np.array([[[True, False, False]]])
    np.testing.assert_array_equal(
        greyed(masked[None], hidden)[0], [[[184, 184, 184], [0, 0, 0], [255, 255, 255]]]
    )


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (0.0, "0 %"),
        (0.001, "<1 %"),
        (0.006, "1 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9999, ">99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent_claims_no_certainty(probability, said):
    assert percent(probability) == said


def test_examples_come_from_the_run_that_kept_them(runs):
    assert examples_of(runs, "recognition")["images"].shape == (2, 16, 16, 3)
    assert examples_of(runs[:1], "tir") is None


@pytest.mark.parametrize(("tested", "said"), [
    (("m_cr", "s_cr", "m_cr_image"), "photograph and caption"),
    (("s_cr_image", "m_cr_text"), "the photograph alone"),
    (("m_cr_text",), "the caption alone"),
    ((), "photograph and caption"),
])  # fmt: skip
def test_recognition_says_what_it_read(experiment, edit_record, tested, said):
    edit_record(experiment / "recognition", test={f"{name}/accuracy": 50.0 for name in tested})
    pages = dict(panels.example_pages(read_runs(experiment), dict.fromkeys(("tir", "itr", "mig"), "")))
    texts = [text.get_text() for text in pages["recognition"].figure.findobj(Text)]
    assert any(text.startswith(f"From {said}, after fine-tuning.") for text in texts)
