"""The vocabulary of the synthetic catalogue: every attribute, its values, and the words that name them."""

from types import MappingProxyType

COLOURS = MappingProxyType(
    {
        "black": (30, 30, 32),
        "white": (240, 240, 240),
        "off-white": (234, 222, 190),
        "grey": (142, 144, 148),
        "navy": (34, 44, 92),
        "blue": (58, 112, 206),
        "red": (206, 34, 40),
        "burgundy": (110, 22, 46),
        "green": (32, 128, 72),
        "olive": (104, 106, 52),
        "brown": (102, 64, 40),
        "tan": (200, 160, 110),
        "yellow": (240, 206, 48),
        "orange": (238, 122, 32),
        "pink": (246, 160, 188),
        "purple": (122, 66, 160),
    }
)
"""Nominal sRGB colours; a product's own lies within 3 % of it a channel, before light and folds."""

_COLOUR_WORDS = {name: name for name in COLOURS}

WORDS = MappingProxyType(
    {
        "colour": _COLOUR_WORDS,
        "pattern": {
            "solid": "",
            "striped": "striped",
            "checked": "check",
            "polka dot": "polka dot",
            "camouflage": "camouflage",
            "graphic": "graphic print",
        },
        "secondary": _COLOUR_WORDS,
        "material": {
            "jersey": "cotton jersey",
            "poplin": "poplin",
            "denim": "denim",
            "linen": "linen",
            "rib knit": "rib knit",
            "cable knit": "cable knit",
            "fleece": "fleece",
            "corduroy": "corduroy",
            "satin": "satin",
            "leather": "leather",
            "suede": "suede",
            "quilted": "quilted",
            "canvas": "canvas",
        },
        "sleeve": {
            "sleeveless": "sleeveless",
            "short": "short sleeve",
            "three-quarter": "three-quarter sleeve",
            "long": "long sleeve",
        },
        "collar": {
            "crewneck": "crewneck",
            "v-neck": "v-neck",
            "scoop": "scoop neck",
            "spread": "spread collar",
            "polo": "polo collar",
            "stand": "stand collar",
            "turtleneck": "turtleneck",
            "hood": "hood",
            "notched": "notched lapel",
            "shawl": "shawl lapel",
        },
        "closure": {
            "pullover": "",
            "button": "button closure",
            "zip": "zip closure",
            "double-breasted": "double-breasted",
            "open": "open front",
            "open top": "open top",
            "lace-up": "lace-up closure",
            "strap": "strap closure",
            "slip-on": "slip-on",
        },
        "length": {
            "cropped": "cropped",
            "regular": "",
            "long": "longline",
            "slouchy": "slouchy",
            "ankle": "ankle-high",
            "mid-calf": "mid-calf",
        },
        "trim": {
            "plain": "",
            "collar": "contrast collar",
            "cuffs": "contrast cuffs",
            "hem": "contrast hem",
            "pocket": "contrast pocket",
            "side stripe": "contrast side stripes",
            "handles": "contrast handles",
            "base": "contrast base",
            "sole": "contrast sole",
            "heel": "contrast heel",
            "gore": "contrast gores",
            "pompom": "contrast pompom",
            "fold": "contrast fold",
        },
    }
)
"""`WORDS[attribute][value]`: the phrase a caption uses for a value, empty where no caption ever names it."""

ATTRIBUTES = tuple(WORDS)
"""Attribute names in the order of the sidecar; the id of a value is its position in `WORDS[attribute]`."""


def contrast(first: str, second: str) -> float:
    """Euclidean distance of two named colours in 8-bit sRGB, 0 to 441."""
    return sum((a - b) ** 2 for a, b in zip(COLOURS[first], COLOURS[second], strict=True)) ** 0.5
