"""Configuration of a table of products."""

from dataclasses import dataclass
from typing import Literal

PresetName = Literal["fashion-product-images"]


@dataclass(frozen=True)
class Table:
    """A table of products and the pictures beside it; what is null is found or has the default named below.

    A column is named as in the table's header. `image` and `caption` also take a template, a text with
    columns in braces: `"{productDisplayName}. {baseColour} {articleType}."`

    Attributes:
        preset: of a published data set; keys given beside it replace its own. Null recognises one by its
            files.
        file: the table, `.csv`, `.tsv`, `.jsonl` or `.parquet`, inside `root`; null takes the only one, or
            the shards of a Hugging Face data set (`train-00000-of-00002.parquet`). A pattern takes several
            Parquet files as one table.
        hub: a data set of the Hugging Face Hub, `owner/name`, in place of a file, loaded by the library
            `datasets`. `root` is then the folder for the index and other derived files.
        hub_config: which subset of it; null where it has one.
        delimiter: between the cells of a `.csv`; null looks at the header.
        join: further tables of the same folder, whose columns are appended where `join_on` agrees.
        join_on: the column that all of them share.
        pictures: folders, zips or tars inside `root`, also as patterns (`images-*.zip`); null takes those
            inside the Parquet files, or the picture files under `root`, or else its archives.
        image: column or template of a picture's path or name, with or without its ending; `image`.
        caption: column, template, or several columns joined by blanks; `caption`.
        category: column; null takes `category` where there is one, otherwise all rows have none.
        subcategory: column; null takes `subcategory` where there is one, otherwise the category.
        product_id: column; null takes `product_id` where there is one, otherwise each row is a product.
        split: column; null takes `split` where there is one, otherwise the split is drawn.
        train: what the split column says of rows to train on, in any case; `train` and `training`.
        validation: what it says of rows to test on; `validation`, `valid`, `val`, `dev` and `test`.
        validation_share: of the rows, where the split is drawn; 0.2.
        seed: of that draw; 0.
        group: column of near-duplicates; rows of one group stay in one split.
        captions_together: rows of one caption stay in one split, too; false.
        missing: cells that mean nothing, besides empty ones; none, so that the text NA is a text.
        on_defect: rows without a caption, a picture or a product number end the run (`refuse`) or are left
            out and counted (`skip`), as are pictures that cannot be decoded; `refuse`.
    """

    preset: PresetName | None = None
    file: str | None = None
    hub: str | None = None
    hub_config: str | None = None
    delimiter: str | None = None
    join: list[str] | None = None
    join_on: str | None = None
    pictures: list[str] | None = None
    image: str | None = None
    caption: str | list[str] | None = None
    category: str | None = None
    subcategory: str | None = None
    product_id: str | None = None
    split: str | None = None
    train: list[str] | None = None
    validation: list[str] | None = None
    validation_share: float | None = None
    seed: int | None = None
    group: str | None = None
    captions_together: bool | None = None
    missing: list[str] | None = None
    on_defect: Literal["refuse", "skip"] | None = None
