"""Text that fits, boxes and photographs where they belong."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.reporting.canvas import BLUE, GREEN, Canvas, shorten, text_width, wrap

WORDS = st.lists(st.text("abcdefghijkmw-$_^", min_size=1, max_size=12), min_size=1, max_size=20)


def pixels_of(canvas, tmp_path):
    canvas.save(tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as image:
        return np.asarray(image.convert("RGB"))


def rgb(colour):
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


@given(WORDS, st.integers(60, 400), st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_wrapped_lines_fit(words, width, lines):
    found = wrap(" ".join(words), width, lines, 14)
    assert 1 <= len(found) <= lines
    assert all(text_width(line, 14) <= width for line in found)


@given(WORDS)
@settings(deadline=None, max_examples=30)
def test_wrapping_loses_no_word_where_there_is_room(words):
    assert " ".join(wrap(" ".join(words), 200, len(words), 14)).split() == words


def test_cut_text_says_so():
    found = wrap("long sleeve cotton jersey t-shirt in black", 120, 2, 14)
    assert len(found) == 2
    assert found[1].endswith("…")
    assert "long sleeve".startswith(found[0])


def test_shortened_text_fits_and_whole_text_stays():
    assert shorten("TOPS", 100, 11) == "TOPS"
    cut = shorten("JACKETS & COATS & EVERYTHING", 100, 11)
    assert cut.endswith("…")
    assert text_width(cut, 11) <= 100


def test_empty_text_has_no_line():
    assert wrap("  ", 100, 3, 14) == []


def test_page_has_its_size_in_pixels(tmp_path):
    assert pixels_of(Canvas(321, 123), tmp_path).shape == (123, 321, 3)


def test_box_covers_its_pixels_and_no_others(tmp_path):
    page = Canvas(100, 60)
    page.box(20, 10, 30, 5, BLUE)
    blue = (pixels_of(page, tmp_path) == rgb(BLUE)).all(-1)
    expected = np.zeros((60, 100), bool)
    expected[10:15, 20:50] = True
    np.testing.assert_array_equal(blue, expected)


def test_photograph_keeps_its_colours_and_orientation(tmp_path):
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:4] = (255, 0, 0)
    picture[4:] = (0, 0, 255)
    page = Canvas(100, 100)
    page.photograph(20, 30, 40, picture, GREEN)
    pixels = pixels_of(page, tmp_path)
    assert list(pixels[35, 40]) == [255, 0, 0]
    assert list(pixels[65, 40]) == [0, 0, 255]
    assert list(pixels[27, 40]) == rgb(GREEN)
    assert list(pixels[90, 90]) == [255, 255, 255]


def test_photograph_of_its_own_size_is_copied_pixel_by_pixel(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    page = Canvas(50, 50)
    page.photograph(5, 7, 32, picture)
    # The frame's hairline covers the outermost pixels.
    np.testing.assert_array_equal(pixels_of(page, tmp_path)[9:37, 7:35], picture[2:-2, 2:-2])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_meter_is_as_long_as_its_share(tmp_path, share):
    page = Canvas(120, 20)
    page.meter(10, 10, 100, share, BLUE)
    blue = (pixels_of(page, tmp_path)[10] == rgb(BLUE)).all(-1).sum()
    assert blue == pytest.approx(100 * share, abs=2)


def test_dollars_in_captions_are_no_formulas(tmp_path):
    page = Canvas(200, 40)
    page.text(5, 20, "from $5_ to $6^ or \\frac")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (pixels_of(page, tmp_path) < 128).any()
