"""A contact sheet: small photographs in a grid, each with its name below."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

TILE = 128
GAP = 12
LABEL = 18
INK, PAPER, FRAME = "#222222", "#ffffff", "#dddddd"


def draw_contact_sheet(examples: Sequence[tuple[str, np.ndarray]]) -> Image.Image:
    """Lay photographs out in a grid about 4:3.

    Args:
        examples: name and `[H, W, 3]` uint8 photograph of each; shown in full, aspect ratio kept.
    """
    columns = max(1, math.ceil(math.sqrt(len(examples) * 4 / 3)))
    rows = max(1, math.ceil(len(examples) / columns))
    width, height = TILE + GAP, TILE + LABEL + GAP
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=11)
    for position, (name, photograph) in enumerate(examples):
        left, top = GAP + position % columns * width, GAP + position // columns * height
        picture = Image.fromarray(photograph)
        picture = picture.resize(_fit(picture.size), Image.Resampling.LANCZOS)
        corner = left + (TILE - picture.width) // 2, top + (TILE - picture.height) // 2
        sheet.paste(picture, corner)
        draw.rectangle((left - 1, top - 1, left + TILE, top + TILE), outline=FRAME)
        label = _shorten(name, draw, font)
        draw.text((left + TILE / 2, top + TILE + LABEL / 2), label, fill=INK, font=font, anchor="mm")
    return sheet


def _fit(size: tuple[int, int]) -> tuple[int, int]:
    scale = TILE / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shorten(name: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Cut a name with an ellipsis to what fits under a tile."""
    if draw.textlength(name, font) <= TILE:
        return name
    while name and draw.textlength(name + "…", font) > TILE:
        name = name[:-1]
    return name.rstrip() + "…"
