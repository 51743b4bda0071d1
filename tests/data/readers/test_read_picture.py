"""Picture files of every kind become the right pixels, or one line that names the file."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.data.readers import pictures
from fashionvl.data.readers.pictures import read_picture
from fashionvl.errors import InputError

COLOURS = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def _bytes(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_bytes(Image.fromarray(COLOURS)))
    for source in (path, str(path), path.read_bytes()):
        found = read_picture(source)
        np.testing.assert_array_equal(found, COLOURS)
        assert found.dtype == np.uint8
        assert found.flags.writeable


def test_grey_has_three_equal_channels() -> None:
    grey = COLOURS[..., 0]
    np.testing.assert_array_equal(read_picture(_bytes(Image.fromarray(grey))), np.stack([grey] * 3, -1))
    bits = Image.fromarray(grey > 99)
    expected = np.where(grey > 99, 255, 0)
    np.testing.assert_array_equal(read_picture(_bytes(bits)), np.stack([expected] * 3, -1))


def test_transparency_lies_on_white() -> None:
    alpha = np.array([[0, 128, 255]], np.uint8)
    rgba = np.dstack([np.full((1, 3, 3), (10, 20, 30), np.uint8), alpha])
    found = read_picture(_bytes(Image.fromarray(rgba)))
    # 10 * 128/255 + 255 * 127/255 = 132.0; likewise 137.0 and 142.1.
    np.testing.assert_allclose(found[0], [[255, 255, 255], [132, 137, 142], [10, 20, 30]], atol=1)
    with_alpha = Image.merge("LA", [Image.fromarray(np.full((1, 3), 10, np.uint8)), Image.fromarray(alpha)])
    np.testing.assert_array_equal(read_picture(_bytes(with_alpha))[0, :, 0], found[0, :, 0])


def test_a_palette_is_looked_up_and_its_transparent_entry_is_white() -> None:
    indexed = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    indexed.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    np.testing.assert_array_equal(read_picture(_bytes(indexed)), [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    np.testing.assert_array_equal(
        read_picture(_bytes(indexed, transparency=1)), [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]
    )


def test_one_transparent_colour_of_an_opaque_mode_is_white() -> None:
    image = Image.fromarray(np.array([[[1, 2, 3], [9, 9, 9]]], np.uint8))
    np.testing.assert_array_equal(
        read_picture(_bytes(image, transparency=(1, 2, 3))), [[[255, 255, 255], [9, 9, 9]]]
    )


def test_cmyk_becomes_rgb() -> None:
    # Cyan absorbs red; half black halves all.
    inks = np.array([[[255, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    image = Image.fromarray(inks, "CMYK")
    np.testing.assert_array_equal(
        read_picture(_bytes(image, "TIFF")), [[[0, 255, 255], [255, 255, 255], [0, 0, 0]]]
    )
    large = image.resize((96, 32), Image.Resampling.NEAREST)
    found = read_picture(_bytes(large, "JPEG", quality=100))
    np.testing.assert_allclose(found[16, [16, 48, 80]], [[0, 255, 255], [255, 255, 255], [0, 0, 0]], atol=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_keep_their_high_byte(kind: str) -> None:
    values = np.array([[0, 255, 256, 257 * 100, 65535]], np.uint16)
    found = read_picture(_bytes(Image.fromarray(values), kind))
    np.testing.assert_array_equal(found[0, :, 0], [0, 0, 1, 100, 255])
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation: int) -> None:
    # EXIF 2.3, tag 0x0112: where row 0 and column 0 of the stored pixels lie in the picture.
    stored = COLOURS
    expected = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: np.rot90(stored, 2).transpose(1, 0, 2),
        8: np.rot90(stored, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read_picture(_bytes(Image.fromarray(stored), exif=exif)), expected)


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    for name, reason in (("absent.png", "No such file"), ("", "directory")):
        with pytest.raises(InputError, match=reason) as caught:
            read_picture(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    for name in ("text.jpg", "empty.png"):
        with pytest.raises(InputError, match=rf"{name}: not a whole image"):
            read_picture(tmp_path / name)
    with pytest.raises(InputError, match="floating-point"):
        read_picture(_bytes(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"), "real.tiff")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"])
def test_a_truncated_file_is_one_line(kind: str) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = _bytes(Image.fromarray(picture), kind)
    with pytest.raises(InputError, match=r"^cut: not a whole image") as caught:
        read_picture(whole[: len(whole) // 2], "cut")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("limit", [29, 10])
def test_a_picture_beyond_the_limit_is_refused_undecoded(
    limit: int, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    # Below and above twice the limit, where Pillow itself warns and raises.
    monkeypatch.setattr(pictures, "MOST_PIXELS", limit)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    header_only = _bytes(Image.fromarray(COLOURS))[:45]
    with pytest.raises(InputError, match=rf"bomb: .*more than {limit}"):
        read_picture(header_only, "bomb")
    assert not recwarn.list


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_give_pixels_or_an_input_error(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]))
    raw = bytearray(_bytes(Image.fromarray(COLOURS), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_picture(bytes(raw), "damaged")
    except InputError as error:
        said = str(error)
    else:
        said = ""
        assert found.shape[2] == 3
        assert found.dtype == np.uint8
    assert "\n" not in said
