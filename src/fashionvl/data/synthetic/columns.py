"""The text and number columns of the publisher's files, for products that never existed."""

from dataclasses import dataclass

import numpy as np

from fashionvl.data.synthetic.attributes import WORDS
from fashionvl.data.synthetic.captions import Caption, describe
from fashionvl.data.synthetic.plan import Product

ENCODING = "iso8859-9"
"""The encoding of the strings in the publisher's own notebook."""

BRANDS = (
    "Harbour & Vale",
    "Maison Brûlé",
    "Ateliér Nord",
    "Gökçe Studio",
    "Kestrel",
    "Lune Noire",
    "Marlowe",
    "Öz Tekstil",
    "Plain Works",
    "Sørensen",
    "Tern",
    "Weft and Warp",
)
SEASONS = ("FW2015", "SS2016", "FW2016", "SS2017")
STRINGS = (
    "input_name",
    "input_description",
    "input_concat_description",
    "input_category",
    "input_subcategory",
    "input_brand",
    "input_composition",
    "input_department",
    "input_gender",
    "input_pose",
    "input_season",
)
FIRST_PRODUCT_ID = 100_000


@dataclass(frozen=True)
class Entry:
    """One product as the files tell it.

    Attributes:
        product: what it is.
        caption: what is said of it.
        product_id: `input_productID`.
        price: `input_msrpUSD`.
        texts: encoded value of each string column but `input_pose`.
    """

    product: Product
    caption: Caption
    product_id: int
    price: float
    texts: dict[str, bytes]

    @property
    def rows(self) -> int:
        """One a view."""
        return len(self.product.views)


def entry(product: Product, seed: int, unnamed_share: float = 0.0) -> Entry:
    """Fill in the columns of a product; the share as in `describe`."""
    rng = np.random.default_rng([seed, product.index, 3])
    caption = describe(product, seed, unnamed_share)
    kind = product.kind
    brand = BRANDS[int(rng.integers(len(BRANDS)))]
    material = WORDS["material"][product.attributes["material"]]
    head = f"{brand} {caption.title}" + ("" if caption.unnamed else f" {kind.subcategory.lower()}")
    texts = {
        "input_name": caption.title,
        "input_description": caption.text,
        "input_concat_description": f"{head} {caption.text}",
        "input_category": kind.category,
        "input_subcategory": kind.subcategory,
        "input_brand": brand,
        "input_composition": f"100% {material}",
        "input_department": kind.department,
        "input_gender": ("Men", "Women")[int(rng.integers(2))],
        "input_season": SEASONS[int(rng.integers(len(SEASONS)))],
    }
    price = float(5 * rng.integers(8, 240))
    encoded = {name: text.encode(ENCODING) for name, text in texts.items()}
    return Entry(product, caption, FIRST_PRODUCT_ID + product.index, price, encoded)


def pose(number: int) -> bytes:
    """The publisher's name of a product's n-th photograph, counted from 1."""
    return f"id_gridfs_{number}".encode(ENCODING)
