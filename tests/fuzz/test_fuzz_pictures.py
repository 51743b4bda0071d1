"""Pictures of any size and mode, and damaged ones: pixels or one line."""

import contextlib
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from damage import damaged, value_or_refusal
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.data.readers.pictures import MOST_PIXELS, read_picture
from fashionvl.patches.crops import crop_resize

COLOURS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
MODES = ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F")
FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "PPM", "WEBP", "JPEG2000", "AVIF")


def _bytes(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _in_mode(mode: str, pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    if mode == "LAB":
        return Image.frombytes("LAB", image.size, image.tobytes())
    # Pillow converts to some modes only by way of others.
    return image.convert({"I": "L", "F": "L", "PA": "LA"}.get(mode, mode)).convert(mode)


def _kinds() -> dict[tuple[str, str], bytes]:
    """Write a picture in every mode and format that go together."""
    found = {}
    for mode, kind in itertools.product(MODES, FORMATS):
        with contextlib.suppress(OSError, ValueError):
            found[mode, kind] = _bytes(_in_mode(mode, COLOURS), kind)
    return found


def _read(content: bytes) -> np.ndarray | None:
    """Read a picture, and cut and resize it as the index and the loaders do."""
    found = value_or_refusal(lambda: read_picture(content, "fuzzed"), "fuzzed")
    if found is None:
        return None
    assert found.dtype == np.uint8
    assert found.ndim == 3
    assert found.shape[2] == 3
    height, width = found.shape[:2]
    assert 0 < height * width <= MOST_PIXELS
    x0, y0, x1, y1 = nonwhite_box(found)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert crop_resize(found, (x0, y0, x1, y1), 16).shape == (16, 16, 3)
    return found


KINDS = _kinds()
SOUND = list(KINDS.values())


@pytest.mark.parametrize(("mode", "kind"), KINDS)
def test_every_mode_is_read_or_named(mode: str, kind: str) -> None:
    found = _read(KINDS[mode, kind])
    # These formats alone keep floating-point numbers.
    assert (found is None) == (mode == "F" and kind in ("TIFF", "PPM"))
    assert found is None or found.shape == COLOURS.shape


def test_most_modes_can_be_written() -> None:
    assert len(KINDS) > 40


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_damaged_pictures(data: st.DataObject) -> None:
    _read(damaged(data.draw, data.draw(st.sampled_from(SOUND))))


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=60), magic=st.sampled_from([content[:12] for content in SOUND]))
def test_random_bytes_behind_a_magic_number(content: bytes, magic: bytes) -> None:
    _read(magic + content)


LONG = st.sampled_from([1, 2, 3, 255, 256, 257, 8191, 9999, 10_000]) | st.integers(1, 10_000)
FEW_PIXELS = 400_000
"""A run of thousands of large pictures would take minutes."""


@settings(max_examples=80, deadline=None)
@given(width=LONG, height=LONG, mode=st.sampled_from(["1", "L", "RGB", "P", "I;16"]), seed=st.integers(0, 9))
def test_sizes(width: int, height: int, mode: str, seed: int) -> None:
    height = max(1, min(height, FEW_PIXELS // width))
    if seed % 2:
        width, height = height, width
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[height // 3 :, width // 4 :] = seed * 20
    found = _read(_bytes(_in_mode(mode, pixels), "PNG"))
    assert found is not None
    assert found.shape == (height, width, 3)


def _claiming(width: int, height: int, depth: int, colour: int) -> bytes:
    """Return a PNG whose header claims a size and whose data are five zero bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = zlib.compress(bytes(5))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(0, 2**31 - 1) | LONG,
    height=st.integers(0, 2**31 - 1) | LONG,
    depth=st.sampled_from([1, 8, 16]),
    colour=st.sampled_from([0, 2, 3, 6]),
)
def test_claims_of_a_header(width: int, height: int, depth: int, colour: int) -> None:
    found = _read(_claiming(width, height, depth, colour))
    # Pillow fills up what a whole stream leaves out.
    assert found is None or found.shape == (height, width, 3)


def test_postscript_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import EpsImagePlugin

    def run(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was called")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    assert _read(program) is None
