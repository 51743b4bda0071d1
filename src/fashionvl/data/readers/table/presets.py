"""Published data sets whose tables are read without being told how."""

from dataclasses import dataclass
from pathlib import Path

from fashionvl.data.readers.table.request import PresetName, Table


@dataclass(frozen=True)
class Files:
    """One layout of a published set.

    Attributes:
        needs: files and folders, as patterns, by which it is recognised; the first is a table.
        header: columns of that table by which it is told from others of the name.
        table: how it is read.
    """

    needs: tuple[str, ...]
    header: tuple[str, ...]
    table: Table

    def there(self, folder: Path) -> bool:
        """Return whether a folder holds the files."""
        if not all(any(folder.glob(pattern)) for pattern in self.needs):
            return False
        with (folder / self.needs[0]).open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline()
        return all(name in header for name in self.header)


FASHION_PRODUCTS = Table(
    file="styles.csv",
    category="subCategory",
    subcategory="articleType",
    product_id="id",
    missing=["NA"],
    captions_together=True,
    on_defect="skip",
)

PRESETS: dict[PresetName, tuple[Files, ...]] = {
    "fashion-product-images": (
        # A packed copy whose pictures, captions and split stand in tables of their own.
        Files(
            ("styles.csv", "images.csv", "captions.csv", "*-1.zip"),
            ("articleType", "productDisplayName"),
            Table(
                **{
                    **vars(FASHION_PRODUCTS),
                    "join": ["images.csv", "captions.csv"],
                    "join_on": "id",
                    "pictures": ["*-[0-9].zip"],
                    "image": "file",
                    "caption": "caption",
                    "split": "split",
                    "group": "near_duplicate_group",
                }
            ),
        ),
        # As Kaggle ships it, small or large: 44,446 rows, five of them without a picture.
        Files(
            ("styles.csv", "images"),
            ("articleType", "productDisplayName"),
            Table(
                **{
                    **vars(FASHION_PRODUCTS),
                    "pictures": ["images"],
                    "image": "{id}.jpg",
                    "caption": "{productDisplayName}. {baseColour} {articleType} for {gender}, {usage}.",
                    "validation_share": 0.25,
                }
            ),
        ),
    )
}
"""The layouts of each published set, the more particular first.

Fashion Product Images: Param Aggarwal, Kaggle, 2019. Categories stand for Fashion-Gen's 48 and 121 names:
`subCategory` has 45, `articleType` 142.
"""


def recognised(folder: Path, preset: PresetName | None = None) -> Files | None:
    """The layout of a published set whose files a folder holds.

    Args:
        folder: to look into.
        preset: the set to look for; None: any.
    """
    for name, layouts in PRESETS.items():
        for files in layouts:
            if preset in (None, name) and files.there(folder):
                return files
    return None
