"""Captions in the house style of Fashion-Gen, from a small grammar.

"Long sleeve cotton jersey t-shirt in black. Rib knit crewneck collar. Tonal stitching." is the model: a noun
phrase with the fabric, then one short sentence per feature. One that does not name the sub-category
begins "Long sleeve cotton jersey piece in black."
"""

import re
from dataclasses import dataclass

import numpy as np

from fashionvl.data.synthetic.attributes import WORDS
from fashionvl.data.synthetic.kinds import Kind
from fashionvl.data.synthetic.plan import Product

OMISSION = 0.1
"""Chance that an attribute other than colour and pattern goes unmentioned."""

MIN_WORDS = 12

ANONYMOUS = ("piece", "style", "design")
"""Nouns of captions that do not name the sub-category."""

_PADDING = (
    "Logo tag at interior.",
    "Soft hand throughout.",
    "Regular fit throughout.",
    "Signature patch at interior.",
)

_PATTERN_SENTENCES = {
    "striped": ("Striped in {second} throughout.", "Horizontal {second} striped pattern."),
    "checked": ("Check pattern in {second} throughout.", "Woven check in {second}."),
    "polka dot": ("Polka dot pattern in {second}.", "Polka dot print in {second} throughout."),
    "camouflage": ("Camouflage pattern in {second}.", "Camouflage print in {second} throughout."),
    "graphic": ("Graphic print in {second} at front.", "Graphic print at front in {second}."),
}

_COLLAR_SENTENCES = {
    "crewneck": ("Ribbed crewneck collar.", "Crewneck collar."),
    "v-neck": ("Ribbed v-neck collar.", "V-neck collar."),
    "scoop": ("Scoop neck collar.", "Ribbed scoop neck."),
    "spread": ("Spread collar.", "Pointed spread collar."),
    "polo": ("Polo collar.", "Ribbed polo collar."),
    "stand": ("Stand collar.", "Ribbed stand collar."),
    "turtleneck": ("Turtleneck collar.", "Ribbed turtleneck."),
    "hood": ("Hood at collar.", "Attached hood."),
    "notched": ("Notched lapel collar.", "Notched lapel."),
    "shawl": ("Shawl lapel collar.", "Shawl lapel."),
}

_CLOSURE_SENTENCES = {
    "button": ("Button closure at front.", "Button closure."),
    "zip": ("Zip closure at front.", "Zip closure."),
    "double-breasted": ("Double-breasted front.", "Double-breasted button front."),
    "open": ("Open front.",),
    "open top": ("Open top.",),
    "lace-up": ("Lace-up closure.", "Tonal lace-up closure."),
    "strap": ("Strap closure.", "Twin strap closure."),
    "slip-on": ("Slip-on styling.", "Slip-on construction."),
}


@dataclass(frozen=True)
class Caption:
    """A product in words.

    Attributes:
        text: 12 to 30 words.
        title: the short product name.
        mentioned: the attributes whose phrase (`attributes.WORDS`) the text holds.
        unnamed: text and title leave out what the sub-category is called.
    """

    text: str
    title: str
    mentioned: frozenset[str]
    unnamed: bool = False


def describe(product: Product, seed: int, unnamed_share: float = 0.0) -> Caption:
    """Write the caption every view of a product shares.

    Args:
        product: to describe.
        seed: of the catalogue.
        unnamed_share: chance in [0, 1] that the caption does not name the sub-category: its noun is a neutral
            one, and sentences with a word of the name ("Shirttail hem." of a shirt) are left out. Nothing
            else about it changes, and what a smaller share leaves unnamed a greater one does, too. Other
            words may still tell: only jeans have "five-pocket styling".
    """
    rng = np.random.default_rng([seed, product.index, 2])
    omitted = {name for name in product.attributes if rng.random() < OMISSION} - {
        "colour",
        "pattern",
        "secondary",
    }
    told = {name: value for name, value in product.attributes.items() if name not in omitted}
    noun = _pick(rng, product.kind.nouns)
    in_head = bool(rng.random() < 0.5) and told["pattern"] not in ("solid", "graphic")
    # Of a stream of its own: captions that keep the name are those of a catalogue that names all.
    neutral = np.random.default_rng([seed, product.index, 4])
    unnamed = bool(neutral.random() < unnamed_share)
    noun = _pick(neutral, ANONYMOUS) if unnamed else noun
    names = _names_of(product.kind) if unnamed else _NOTHING
    sentences = [
        *_features(told, in_head, product.kind.department == "CLOTHING", rng),
        *_sentences(_pick(rng, product.kind.closing)),
    ]
    text = " ".join([_head(told, noun, in_head), *(one for one in sentences if not names.search(one))])
    for extra in rng.permutation(_PADDING):
        if len(text.split()) < MIN_WORDS:
            text = f"{text} {extra}"
    title = (
        " ".join([told["colour"], WORDS["material"].get(told.get("material", ""), ""), noun])
        .replace("  ", " ")
        .title()
    )
    mentioned = frozenset(
        name for name in told if _is_said(name, told) and not names.search(WORDS[name][told[name]])
    )
    return Caption(text, title, mentioned, unnamed)


_NOTHING = re.compile(r"(?!)")


def _names_of(kind: Kind) -> re.Pattern[str]:
    """Match words that begin with a name of the sub-category, singular or plural."""
    names = [*kind.nouns, *kind.subcategory.lower().split(" & ")]
    stems = {re.escape(name.split()[-1].removesuffix("s")) for name in names}
    return re.compile(rf"\b(?:{'|'.join(sorted(stems))})", re.IGNORECASE)


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.) ", text)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _is_said(name: str, told: dict[str, str]) -> bool:
    if name == "secondary":
        return told["pattern"] != "solid" or told.get("trim", "plain") != "plain"
    return WORDS[name][told[name]] != ""


def _head(told: dict[str, str], noun: str, with_pattern: bool) -> str:
    words = [WORDS[name].get(told.get(name, ""), "") for name in ("length", "sleeve")]
    words += [WORDS["pattern"][told["pattern"]]] if with_pattern else []
    words += [WORDS["material"].get(told.get("material", ""), ""), noun, "in", told["colour"]]
    words += ["and", told["secondary"]] if with_pattern else []
    sentence = " ".join(word for word in words if word)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _features(told: dict[str, str], pattern_told: bool, worn: bool, rng: np.random.Generator) -> list[str]:
    second = told.get("secondary", "")
    sentences = []
    if told["pattern"] != "solid" and not pattern_told:
        sentences.append(_pick(rng, _PATTERN_SENTENCES[told["pattern"]]).format(second=second))
    features = []
    if "collar" in told:
        features.append(_pick(rng, _COLLAR_SENTENCES[told["collar"]]))
    if WORDS["closure"].get(told.get("closure", "")):
        sentence = _pick(rng, _CLOSURE_SENTENCES[told["closure"]])
        features.append(sentence if worn else sentence.replace(" at front", ""))
    if told.get("trim", "plain") != "plain":
        phrase = WORDS["trim"][told["trim"]]
        features.append(f"{phrase[0].upper()}{phrase[1:]} in {second}.")
    if rng.random() < 0.5:
        features.reverse()
    return sentences + features
