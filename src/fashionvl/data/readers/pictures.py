"""Picture files of any kind as RGB pixels."""

import io
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fashionvl.errors import InputError

MOST_PIXELS = 89_478_485
"""Largest picture that is decoded; Pillow's own limit against decompression bombs, 256 MiB of RGB pixels."""

FORMATS = frozenset({"AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"})
"""Pillow's formats that are decoded, by content and not by name. One that is not, EPS, is a program, which
Pillow hands to Ghostscript."""

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Pillow's modes of grey values up to 65,535; it opens 16-bit PGM files in the last."""


def read_picture(source: Path | str | bytes, name: str | None = None) -> np.ndarray:
    """Decode a picture file.

    Args:
        source: path of the file, or its bytes.
        name: of the picture in messages; None takes the path.

    Returns:
        `[H, W, 3]` uint8 RGB, as `rgb_pixels` converts it; the first frame of an animation.

    Raises:
        InputError: the file is missing, not a picture, damaged, cut short, or larger than `MOST_PIXELS`.
    """
    named = name or (str(source) if not isinstance(source, bytes) else "picture")
    try:
        with warnings.catch_warnings():
            # Pillow warns above its limit and raises at twice that; the check below refuses both.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            content = io.BytesIO(source) if isinstance(source, bytes) else source
            opened = Image.open(content, formats=_formats())
        with opened:
            return rgb_pixels(opened, named)
    except InputError:
        raise
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"{named}: cannot be read ({error.strerror}); name a picture file") from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{named}: more than {MOST_PIXELS:,} pixels; reduce it first") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{named}: not a whole image (of no known format); use PNG or JPEG") from error
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        said = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{named}: not a whole image ({said}); copy it again") from error


@cache
def _formats() -> list[str]:
    """List the formats of `FORMATS` that this Pillow was built with."""
    Image.init()
    return sorted(FORMATS & Image.OPEN.keys())


def rgb_pixels(picture: Image.Image, name: str) -> np.ndarray:
    """Pixels of a Pillow image.

    The EXIF orientation is applied, transparency is laid over white, and 16-bit values keep their high byte,
    as Pillow itself reads 16-bit colour. CMYK is converted without a colour profile.

    Args:
        picture: open or loaded.
        name: of the picture in messages.

    Returns:
        `[H, W, 3]` uint8 RGB.

    Raises:
        InputError: larger than `MOST_PIXELS`, or of floating-point values, whose range is unknown.
    """
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{name}: {width} x {height} pixels, more than {MOST_PIXELS:,} in all; reduce it first"
        )
    if picture.mode == "F":
        raise InputError(f"{name}: pixels are floating-point numbers; save it with 8 bits a channel")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in SIXTEEN_BITS:
        picture = Image.fromarray((np.asarray(picture).clip(0, 65535) >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.array(picture.convert("RGB"))
