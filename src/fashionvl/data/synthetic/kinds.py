"""The eighteen sub-categories the catalogue draws, and which attribute values make sense for each."""

from collections.abc import Mapping
from dataclasses import dataclass

ALL_PATTERNS = ("solid", "solid", "solid", "striped", "checked", "polka dot", "camouflage", "graphic")
WOVEN_PATTERNS = ("solid", "solid", "striped", "checked", "polka dot", "camouflage")


@dataclass(frozen=True)
class Kind:
    """One sub-category.

    Attributes:
        subcategory: its name in `labels.SUBCATEGORIES`.
        category: its main category in `labels.CATEGORIES`.
        nouns: what captions call it.
        choices: the values of each attribute that applies, drawn uniformly (listed twice is twice as likely).
        closing: sentences that say nothing an attribute says.
        department: `input_department`.
    """

    subcategory: str
    category: str
    nouns: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    closing: tuple[str, ...] = ("Tonal stitching.",)
    department: str = "CLOTHING"


def _choices(
    pattern: tuple[str, ...], material: tuple[str, ...], trim: tuple[str, ...], **other: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    return {"pattern": pattern, "material": material, "trim": trim, **other}


LENGTHS = ("regular", "regular", "cropped", "long")

KINDS = (
    Kind(
        "T-SHIRTS",
        "TOPS",
        ("t-shirt", "t-shirt", "tee"),
        _choices(
            ALL_PATTERNS,
            ("jersey", "jersey", "linen", "rib knit"),
            ("plain", "plain", "collar", "cuffs", "hem", "pocket"),
            sleeve=("short", "short", "three-quarter", "long"),
            collar=("crewneck", "v-neck", "scoop"),
            length=LENGTHS,
        ),
    ),
    Kind(
        "SHIRTS",
        "SHIRTS",
        ("shirt", "shirt", "button-up"),
        _choices(
            WOVEN_PATTERNS,
            ("poplin", "denim", "linen", "corduroy", "satin"),
            ("plain", "plain", "collar", "cuffs", "pocket"),
            sleeve=("long", "long", "short"),
            collar=("spread", "spread", "stand"),
            closure=("button",),
            length=("regular", "regular", "long"),
        ),
        ("Tonal stitching.", "Shirttail hem. Tonal stitching."),
    ),
    Kind(
        "POLOS",
        "TOPS",
        ("polo",),
        _choices(
            ("solid", "solid", "striped", "striped", "checked", "polka dot"),
            ("jersey", "jersey", "rib knit"),
            ("plain", "plain", "collar", "cuffs", "hem", "pocket"),
            sleeve=("short", "short", "long"),
            collar=("polo",),
            closure=("button", "button", "zip"),
            length=("regular", "regular", "cropped"),
        ),
        ("Tonal stitching.", "Vented side seams. Tonal stitching."),
    ),
    Kind(
        "TANK TOPS",
        "TOPS",
        ("tank top",),
        _choices(
            ALL_PATTERNS,
            ("jersey", "rib knit", "satin", "linen"),
            ("plain", "plain", "collar", "hem", "pocket"),
            sleeve=("sleeveless",),
            collar=("crewneck", "v-neck", "scoop"),
            length=LENGTHS,
        ),
    ),
    Kind(
        "HOODIES & ZIPUPS",
        "SWEATERS",
        ("hoodie",),
        _choices(
            ("solid", "solid", "striped", "camouflage", "graphic", "graphic"),
            ("fleece", "jersey", "rib knit"),
            ("plain", "plain", "cuffs", "hem", "pocket"),
            sleeve=("long", "long", "short"),
            collar=("hood",),
            closure=("pullover", "zip"),
            length=("regular", "regular", "cropped"),
        ),
        ("Kangaroo pocket. Tonal stitching.", "Drawstring at neck. Tonal stitching.", "Tonal stitching."),
    ),
    Kind(
        "CREWNECKS",
        "SWEATERS",
        ("sweater", "pullover"),
        _choices(
            ("solid", "solid", "striped", "checked", "graphic", "polka dot"),
            ("rib knit", "cable knit", "fleece"),
            ("plain", "plain", "collar", "cuffs", "hem"),
            sleeve=("long", "long", "three-quarter"),
            collar=("crewneck", "crewneck", "turtleneck"),
            length=("regular", "regular", "cropped"),
        ),
        ("Raglan sleeves. Tonal stitching.", "Tonal stitching."),
    ),
    Kind(
        "CARDIGANS",
        "SWEATERS",
        ("cardigan",),
        _choices(
            ("solid", "solid", "striped", "checked", "polka dot"),
            ("rib knit", "cable knit", "fleece"),
            ("plain", "plain", "cuffs", "hem", "pocket"),
            sleeve=("long", "long", "three-quarter"),
            collar=("v-neck", "v-neck", "shawl"),
            closure=("button", "zip", "open"),
            length=("regular", "regular", "cropped", "long"),
        ),
    ),
    Kind(
        "BOMBERS",
        "JACKETS & COATS",
        ("bomber jacket", "jacket"),
        _choices(
            ("solid", "solid", "camouflage", "checked", "striped"),
            ("satin", "leather", "quilted", "suede"),
            ("plain", "plain", "collar", "cuffs", "hem"),
            sleeve=("long",),
            collar=("stand", "stand", "hood"),
            closure=("zip", "zip", "button"),
            length=("regular", "regular", "cropped", "long"),
        ),
        ("Welt pockets at waist. Tonal stitching.", "Fully lined.", "Tonal stitching."),
    ),
    Kind(
        "BLAZERS",
        "SUITS & BLAZERS",
        ("blazer",),
        _choices(
            ("solid", "solid", "striped", "checked"),
            ("poplin", "linen", "corduroy", "leather"),
            ("plain", "plain", "collar", "cuffs", "pocket"),
            sleeve=("long", "long", "three-quarter"),
            collar=("notched", "notched", "shawl"),
            closure=("button", "double-breasted", "open"),
            length=("regular", "regular", "cropped", "long"),
        ),
        ("Flap pockets at waist. Tonal stitching.", "Fully lined. Tonal stitching."),
    ),
    Kind(
        "JEANS",
        "JEANS",
        ("jeans",),
        _choices(
            ("solid", "solid", "solid", "striped", "checked", "camouflage"),
            ("denim",),
            ("plain", "plain", "cuffs", "pocket", "side stripe"),
            closure=("button", "zip"),
            length=("regular", "regular", "cropped"),
        ),
        ("Five-pocket styling. Contrast stitching.", "Slim fit. Contrast stitching."),
    ),
    Kind(
        "TROUSERS",
        "PANTS",
        ("trousers",),
        _choices(
            WOVEN_PATTERNS,
            ("poplin", "linen", "corduroy", "leather"),
            ("plain", "plain", "cuffs", "pocket", "side stripe"),
            closure=("button", "zip"),
            length=("regular", "regular", "cropped"),
        ),
        ("Creased legs. Tonal stitching.", "Tapered leg. Tonal stitching."),
    ),
    Kind(
        "SHORTS",
        "SHORTS",
        ("shorts",),
        _choices(
            WOVEN_PATTERNS,
            ("jersey", "denim", "fleece", "linen", "corduroy"),
            ("plain", "plain", "cuffs", "pocket", "side stripe"),
            closure=("button", "zip", "lace-up"),
            length=("regular", "regular", "cropped", "long"),
        ),
    ),
    Kind(
        "SHORT DRESSES",
        "DRESSES",
        ("dress",),
        _choices(
            WOVEN_PATTERNS,
            ("poplin", "satin", "denim", "rib knit"),
            ("plain", "plain", "collar", "cuffs", "hem"),
            sleeve=("sleeveless", "short", "three-quarter", "long"),
            collar=("crewneck", "v-neck", "scoop", "spread"),
        ),
        ("Flared skirt. Tonal stitching.", "Gathered waist. Tonal stitching."),
    ),
    Kind(
        "MID LENGTH SKIRTS",
        "SKIRTS",
        ("skirt",),
        _choices(
            WOVEN_PATTERNS,
            ("poplin", "satin", "denim", "leather", "corduroy"),
            ("plain", "plain", "hem", "pocket", "side stripe"),
            closure=("button", "zip", "pullover"),
            length=("regular", "regular", "cropped", "long"),
        ),
        ("A-line silhouette. Tonal stitching.", "Pleats throughout. Tonal stitching."),
    ),
    Kind(
        "TOTE BAGS",
        "TOTE BAGS",
        ("tote", "tote bag"),
        _choices(
            ALL_PATTERNS,
            ("canvas", "leather", "suede", "quilted", "denim"),
            ("plain", "handles", "base", "pocket"),
            closure=("open top", "zip", "button"),
        ),
        ("Twin carry handles. Tonal stitching.", "Twin carry handles. Fully lined."),
        department="BAGS",
    ),
    Kind(
        "LOW TOP SNEAKERS",
        "SNEAKERS",
        ("sneakers", "low-top sneakers"),
        _choices(
            ("solid", "solid", "striped", "checked", "camouflage", "polka dot"),
            ("leather", "suede", "canvas", "denim"),
            ("plain", "sole", "heel"),
            closure=("lace-up", "lace-up", "strap", "slip-on"),
        ),
        ("Round toe. Rubber sole.", "Padded footbed. Rubber sole.", "Round toe. Tonal stitching."),
        department="SHOES",
    ),
    Kind(
        "CHELSEA BOOTS",
        "BOOTS",
        ("Chelsea boots", "boots"),
        _choices(
            ("solid", "solid", "checked", "camouflage", "striped", "polka dot"),
            ("leather", "suede", "canvas", "quilted"),
            ("plain", "gore", "sole", "heel"),
            closure=("slip-on", "zip", "strap"),
            length=("ankle", "mid-calf"),
        ),
        ("Pull-loop at heel. Stacked heel.", "Round toe. Stacked heel.", "Almond toe. Tonal stitching."),
        department="SHOES",
    ),
    Kind(
        "BEANIES",
        "HATS",
        ("beanie",),
        _choices(
            ("solid", "solid", "striped", "checked", "polka dot", "camouflage", "graphic"),
            ("rib knit", "cable knit", "fleece", "corduroy"),
            ("plain", "pompom", "fold"),
            length=("regular", "cropped", "slouchy"),
        ),
        ("Rolled edge. Tonal stitching.", "Folded brim. Tonal stitching."),
        department="ACCESSORIES",
    ),
)
