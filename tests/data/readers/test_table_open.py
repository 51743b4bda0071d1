"""A table and its pictures as a catalogue: mapping, defects, splits, presets."""

import csv
import dataclasses
import io
import logging
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.sparse.csgraph import connected_components

from fashionvl.data.readers import detect_layout, open_readers, open_split
from fashionvl.data.readers.table import Table, TableReader, open_table
from fashionvl.data.readers.table.archives import Members
from fashionvl.data.readers.table.products import product_numbers
from fashionvl.data.readers.table.splitting import components, draw
from fashionvl.errors import InputError
from tests.data.readers.test_table_pictures import pack, png

MAPPED = Table(caption="name", image="{id}.png", product_id="id")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a table of rows and a folder, zip or tar of pictures; gives the folder of both."""

    def write(
        rows: list[dict[str, Any]], pictures: dict[str, bytes] | None = None, place: str = "images",
        root: str = "set", file: str = "products.csv",
    ) -> Path:  # fmt: skip
        folder = tmp_path / root
        folder.mkdir(parents=True, exist_ok=True)
        if pictures is None:
            pictures = {f"{row.get('id')}.png": png(number) for number, row in enumerate(rows)}
        pack(folder / place, pictures)
        write_csv(folder / file, rows)
        return folder

    return write


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rows_of(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": 100 + number, "name": f"Polo {number}", "kind": "Shirts"} | more for number in range(count)
    ]


def _all(readers: dict[Any, TableReader]) -> dict[int, tuple[str, bytes]]:
    """Caption and picture by product, over both splits."""
    found = {}
    for reader in readers.values():
        columns = reader.columns()
        for row in range(len(reader)):
            found[int(columns.product_id[row])] = (columns.caption[row], reader.image(row).tobytes())
    return found


def test_columns_are_mapped_and_all_others_kept(write: Write) -> None:
    root = write(rows_of(10, colour="Blue", text="NA"))
    table = Table(caption="{name}. {colour}.", image="id", product_id="id", category="kind")
    readers = open_table(root, table)
    assert {split: len(reader) for split, reader in readers.items()} == {"train": 8, "validation": 2}
    train = readers["train"]
    columns, attributes = train.columns(), train.attributes()
    for row in range(8):
        number = int(columns.product_id[row]) - 100
        assert columns.caption[row] == f"Polo {number}. Blue."
        assert (columns.category[row], columns.subcategory[row]) == ("Shirts", "Shirts")
        assert attributes["text"][row] == "NA"
        assert train.line(row) == number + 2
        assert train.record(row).image_name == str(number + 100)
        np.testing.assert_array_equal(train.image(row)[12, 12], (number * 37 % 200, number * 11 % 200, 90))
    with pytest.raises(IndexError):
        train.image(8)


def test_usual_names_need_no_mapping_and_categories_may_be_absent(write: Write) -> None:
    rows = [{"image": f"{n}.png", "caption": f"text {n}"} for n in range(6)]
    root = write(rows, {f"{n}.png": png(n) for n in range(6)})
    columns = open_table(root)["train"].columns()
    assert set(columns.category) == set(columns.subcategory) == {""}
    assert len(set(columns.product_id.tolist())) == len(columns)


@pytest.mark.parametrize("place", ["images", "p.zip", "deflated.zip", "p.tar", "p.tar.gz"])
def test_every_place_of_pictures_gives_the_same_catalogue(write: Write, place: str) -> None:
    plain = open_table(write(rows_of(6), root="plain"), MAPPED)
    other = open_table(write(rows_of(6), place=place, root="other"), MAPPED)
    assert _all(other) == _all(plain)
    assert other["train"].columns().caption == plain["train"].columns().caption
    assert other["train"].fingerprint() == plain["train"].fingerprint()


def test_a_fingerprint_is_the_content_and_not_the_path(write: Write) -> None:
    first = write(rows_of(6), place="p.zip")
    shutil.copytree(first, first.parent / "copy")
    mark = {split: reader.fingerprint() for split, reader in open_table(first, MAPPED).items()}
    assert mark == {s: r.fingerprint() for s, r in open_table(first.parent / "copy", MAPPED).items()}
    assert mark["train"] != mark["validation"]
    again = open_table(write(rows_of(6), {f"{n}.png": png(7) for n in range(100, 106)}, "p.zip"), MAPPED)
    assert again["train"].fingerprint() != mark["train"]
    other = open_table(first.parent / "copy", dataclasses.replace(MAPPED, caption=["name", "kind"]))
    assert other["train"].fingerprint() != mark["train"]


def test_a_reader_travels_without_its_texts(write: Write) -> None:
    reader = open_table(write(rows_of(30), place="p.zip"), MAPPED)["train"]
    sent = pickle.dumps(reader)
    assert b"Polo" not in sent
    np.testing.assert_array_equal(pickle.loads(sent).image(3), reader.image(3))


def test_further_tables_are_joined(write: Write) -> None:
    root = write(rows_of(6, note="first"))
    write_csv(
        root / "texts.csv", [{"id": n, "long": f"Long {n}", "note": "second"} for n in range(104, 99, -1)]
    )
    table = Table(file="products.csv", join=["texts.csv"], join_on="id", caption="long",
                  image="{id}.png", product_id="id", on_defect="skip")  # fmt: skip
    readers = open_table(root, table)
    assert {product: caption for product, (caption, _) in _all(readers).items()} == {
        n: f"Long {n}" for n in range(100, 105)
    }
    assert set(readers["train"].attributes()["texts.note"]) == {"second"}
    assert [(d.line, d.kind) for d in readers["train"].defects] == [(7, "no usable row in texts.csv")]
    write_csv(root / "texts.csv", [{"id": 1, "long": "x"}, {"id": 1, "long": "y"}])
    with pytest.raises(InputError, match=r"texts\.csv: lines 2 and 3 both have id 1"):
        open_table(root, table)


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"name": " "}, "line 4, column name: no caption"),
    ({"id": ""}, "line 4, column id: no product number"),
    ({"id": 77}, r"line 4, column id: no such picture \(77\.png\)"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_a_defect_of_a_row_ends_the_run_or_is_left_out(
    write: Write, change: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = rows_of(8)
    pictures = {f"{row['id']}.png": png(n) for n, row in enumerate(rows)}
    rows[2] |= change
    root = write(rows, pictures)
    with pytest.raises(InputError, match=f"{re.escape(str(root))}/products.csv: {message}"):
        open_table(root, MAPPED)
    with caplog.at_level(logging.WARNING):
        readers = open_table(root, dataclasses.replace(MAPPED, on_defect="skip"))
    assert sorted(_all(readers)) == [100, 101, 103, 104, 105, 106, 107]
    assert "1 rows left out" in caplog.text
    assert re.search(message, caplog.text)


def test_broken_pictures_are_named_or_left_out_and_looked_for_once(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(8)
    pictures = {f"{row['id']}.png": png(n) for n, row in enumerate(rows)} | {"103.png": png(3)[:60]}
    root = write(rows, pictures)
    reader = next(r for r in open_table(root, MAPPED).values() if 103 in r.columns().product_id)
    row = reader.columns().product_id.tolist().index(103)
    with pytest.raises(InputError, match=r"products\.csv: line 5: .*103\.png: not a whole image"):
        reader.image(row)
    skipping, cache = dataclasses.replace(MAPPED, on_defect="skip"), tmp_path / "cache"
    readers = open_table(root, skipping, cache)
    assert sorted(_all(readers)) == [100, 101, 102, 104, 105, 106, 107]
    (defect,) = readers["train"].defects
    assert (defect.line, defect.kind) == (5, "picture cannot be decoded")
    decoded = []
    monkeypatch.setattr(Members, "picture", lambda members, row: decoded.append(members.where(row)))
    open_table(root, skipping, cache)
    assert decoded == [str(root / "images/103.png")]


def test_rows_with_unquoted_commas_are_admitted_only_into_a_caption(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    root = write(rows_of(6))
    lines = (
        "id,kind,name\n"
        + "".join(f"{n},Shirts,Polo {n}\n" for n in range(100, 105))
        + "105,Shirts,Red, green, blue\n"
    )
    (root / "products.csv").write_text(lines)
    with caplog.at_level(logging.WARNING):
        assert _all(open_table(root, MAPPED))[105][0] == "Red, green, blue"
    assert (
        caplog.text.count("1 rows have more cells than columns, line 7 first; the surplus was joined to name")
        == 1
    )
    with pytest.raises(InputError, match=r"products\.csv: line 7: more cells than columns"):
        open_table(root, dataclasses.replace(MAPPED, caption="kind"))


def test_splits_come_from_a_column(write: Write) -> None:
    rows = [row | {"part": ["Train", "test", "val"][n % 3]} for n, row in enumerate(rows_of(9))]
    root = write(rows)
    readers = open_table(root, dataclasses.replace(MAPPED, split="part"))
    assert readers["train"].columns().product_id.tolist() == [100, 103, 106]
    assert readers["validation"].columns().product_id.tolist() == [101, 102, 104, 105, 107, 108]
    only_test = dataclasses.replace(MAPPED, split="part", validation=["Test"])
    with pytest.raises(
        InputError, match=r"line 4, column part: neither in .*\.train nor .* \(val\) and 2 more"
    ):
        open_table(root, only_test)
    readers = open_table(root, dataclasses.replace(only_test, on_defect="skip"))
    assert readers["validation"].columns().product_id.tolist() == [101, 104, 107]
    with pytest.raises(InputError, match="no usable row for train"):
        open_table(
            root, dataclasses.replace(MAPPED, split="part", train=[], validation=["train", "test", "val"])
        )


def test_a_split_column_that_parts_a_caption_is_refused_when_asked(write: Write) -> None:
    rows = [
        row | {"part": ["train", "test"][n % 2], "name": f"Polo {n // 2}"} for n, row in enumerate(rows_of(6))
    ]
    root = write(rows)
    table = dataclasses.replace(MAPPED, split="part")
    open_table(root, table)
    with pytest.raises(InputError, match="3 times a product, caption is in both splits, first lines 2 and 3"):
        open_table(root, dataclasses.replace(table, captions_together=True))


def test_rows_of_one_caption_and_of_one_group_stay_together(write: Write) -> None:
    rows = rows_of(60)
    for number, row in enumerate(rows):
        row |= {"name": f"Polo {number // 3}", "near": number // 4 if number < 20 else ""}
    root = write(rows)
    table = dataclasses.replace(MAPPED, captions_together=True, group="near", validation_share=0.3)
    for seed in range(4):
        readers = open_table(root, dataclasses.replace(table, seed=seed))
        products = {split: set(reader.columns().product_id.tolist()) for split, reader in readers.items()}
        for number in range(60):
            side = 100 + number in products["train"]
            assert (100 + number // 3 * 3 in products["train"]) == side
            assert number >= 20 or (100 + number // 4 * 4 in products["train"]) == side
        assert abs(len(products["validation"]) - 18) <= 3
    again = open_table(root, dataclasses.replace(table, seed=3))
    assert set(again["train"].columns().product_id.tolist()) == products["train"]


@settings(deadline=None)
@given(
    bonds=st.integers(1, 12).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 5) | st.none(), min_size=n, max_size=n), min_size=1, max_size=3
        )
    )
)
def test_components_are_those_of_a_graph(bonds: list[list[int | None]]) -> None:
    rows = len(bonds[0])
    edges = np.zeros((rows, rows))
    for values in bonds:
        for one in range(rows):
            for other in range(rows):
                edges[one, other] += values[one] is not None and values[one] == values[other]
    expected = connected_components(edges)[1]
    found = components(bonds)
    np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)


@settings(deadline=None)
@given(
    sets=st.lists(st.integers(0, 8), min_size=2, max_size=60).filter(lambda sets: len(set(sets)) > 1),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 9),
)
def test_a_draw_parts_no_set_and_empties_no_side(sets: list[int], share: float, seed: int) -> None:
    together = np.unique(sets, return_inverse=True)[1]
    drawn = draw(together, share, seed)
    assert 0 < drawn.sum() < len(drawn)
    assert all(len(set(drawn[together == number])) == 1 for number in set(together))
    assert drawn.sum() <= max(round(share * len(drawn)), np.bincount(together).min())


CELL = st.text(max_size=5) | st.sampled_from(
    ["", "NA", "1", "1.png", "a, b", '"', "x\ny", " ", "train", "test"]
)

PICTURE = st.sampled_from(["0", "1", "2"]) | st.sampled_from(["0.png", "x/1.png", "./2.png"]) | CELL


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, PICTURE, PICTURE), min_size=2, max_size=20),
    request=st.builds(
        Table,
        caption=st.sampled_from(["b", "{a}: {b}", "{b}", ["a", "b", "c"]]),
        image=st.sampled_from(["c", "{d}", "{d}.png"]),
        product_id=st.sampled_from([None, "a"]),
        split=st.sampled_from([None, None, None, "a"]),
        group=st.sampled_from([None, "b"]),
        captions_together=st.booleans(),
        missing=st.sampled_from([None, ["NA"]]),
        on_defect=st.sampled_from(["skip", "skip", "skip", "refuse"]),
    ),
)
def test_any_table_opens_with_every_row_in_one_place_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], request: Table
) -> None:
    root = tmp_path_factory.mktemp("any")
    pack(root / "p.zip", {f"{n}.png": png(n) for n in range(3)})
    with (root / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([("a", "b", "c", "d"), *rows])
    try:
        readers = open_table(root, request)
    except InputError:
        event("refused")
        return
    used = [reader.line(row) for reader in readers.values() for row in range(len(reader))]
    left_out = {defect.line for defect in readers["train"].defects}
    blank = sum(not any(cell.strip() for cell in row) for row in rows)
    assert len(set(used)) == len(used)
    assert not left_out & set(used)
    assert len(used) + len(left_out) == len(rows) - blank
    for reader in readers.values():
        assert all(reader.columns().caption)
        assert reader.image(0).shape == (24, 24, 3)


def test_product_ids_are_numbers_or_hashes_of_them_all() -> None:
    assert product_numbers(["12", "-3", "0"]).tolist() == [12, -3, 0]
    hashed = product_numbers(["0012", "12", "B07", "12"])
    assert len(set(hashed.tolist())) == 3
    assert hashed[1] == hashed[3]
    assert (hashed >= 0).all()
    assert product_numbers(["12", "x"])[0] == hashed[1]
    assert len(set(product_numbers([str(2**63), str(2**63 + 1)]).tolist())) == 2


KAGGLE = {"id": 1, "gender": "Men", "masterCategory": "Apparel", "subCategory": "Topwear",
          "articleType": "Shirts", "baseColour": "Navy Blue", "season": "Fall", "year": "2011",
          "usage": "Casual",
          "productDisplayName": "Check Shirt"}  # fmt: skip


def test_the_kaggle_set_is_recognised_by_its_files(write: Write) -> None:
    rows = [KAGGLE | {"id": n, "productDisplayName": f"Shirt {n}"} for n in range(1, 13)]
    root = write(rows, {f"{n}.jpg": png(n) for n in range(1, 12)}, file="styles.csv")
    with (root / "styles.csv").open("a") as file:
        file.write("13,Men,Apparel,Topwear,Shirts,NA,Fall,2011,,Shirt, long, white\n")
    pack(root / "images", {"13.jpg": png(13)})
    assert detect_layout(root) == "table"
    readers = open_table(root)
    found = {product: caption for product, (caption, _) in _all(readers).items()}
    assert found[1] == "Shirt 1. Navy Blue Shirts for Men, Casual."
    assert found[13] == "Shirt, long, white. Shirts for Men."
    assert sorted(found) == [*range(1, 12), 13]
    assert [(d.line, d.detail) for d in readers["train"].defects] == [(13, "12.jpg")]
    assert set(readers["train"].columns().category) == {"Topwear"}
    assert set(readers["train"].columns().subcategory) == {"Shirts"}
    own = open_table(root, Table(caption="productDisplayName", on_defect="skip"))
    assert _all(own)[1][0] == "Shirt 1"


def test_its_packed_copy_is_recognised_by_its_files(write: Write) -> None:
    rows = [KAGGLE | {"id": n} for n in range(1, 9)]
    root = write(rows, {f"{n}.jpg": png(n) for n in range(1, 5)}, "images-1.zip", file="styles.csv")
    pack(root / "images-2.zip", {f"{n}.jpg": png(n) for n in range(5, 9)})
    images = [
        {
            "id": n,
            "file": f"{n}.jpg",
            "near_duplicate_group": 1 if n < 3 else "",
            "split": "train" if n < 6 else "validation",
        }
        for n in range(1, 9)
    ]
    write_csv(root / "images.csv", images)
    write_csv(
        root / "captions.csv",
        [{"id": n, "caption": f"Caption {n}.", "made_from": "name"} for n in range(1, 9)],
    )
    readers = open_readers(root)
    assert readers["train"].columns().product_id.tolist() == [1, 2, 3, 4, 5]
    assert readers["validation"].columns().caption == ["Caption 6.", "Caption 7.", "Caption 8."]
    assert isinstance(open_split(root, "validation"), TableReader)


def test_another_table_of_the_same_name_is_not_taken_for_it(write: Write) -> None:
    root = write(rows_of(6), file="styles.csv")
    assert sorted(_all(open_table(root, MAPPED))) == list(range(100, 106))


def test_a_picture_longer_than_the_index_can_note_is_a_defect(write: Write) -> None:
    file = io.BytesIO()
    Image.new("L", (40_000, 2)).save(file, "PNG")
    rows = rows_of(6)
    root = write(
        rows, {f"{row['id']}.png": png(n) for n, row in enumerate(rows)} | {"102.png": file.getvalue()}
    )
    readers = open_table(root, dataclasses.replace(MAPPED, on_defect="skip"))
    assert "40000 x 2 pixels; at most 32,767 a side" in readers["train"].defects[0].detail


def test_a_preset_that_is_not_there_says_what_it_needs(write: Write) -> None:
    root = write(rows_of(3))
    with pytest.raises(
        InputError, match=r"preset fashion-product-images needs styles\.csv, images\.csv.* or styles"
    ):
        open_table(root, Table(preset="fashion-product-images"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "absent.csv"}, r"absent\.csv: no such file"),
        ({"category": "colour"}, r"table\.category: .* has no column colour; it has id, name, kind"),
        ({"image": "picture"}, r"table\.image: .* has no column picture"),
        ({"pictures": ["absent"]}, "absent: no such file or folder"),
        ({"pictures": ["*.zip"]}, r"nothing in .* matches \*\.zip"),
        ({"join": ["x.csv"]}, r"join_on: null"),
        ({"delimiter": "::"}, "expected one character"),
        ({"validation_share": 1.0}, "validation_share: 1.0"),
    ],
)
def test_a_request_that_cannot_be_met_names_its_key(
    write: Write, change: dict[str, Any], message: str
) -> None:
    root = write(rows_of(4))
    with pytest.raises(InputError, match=message):
        open_table(root, dataclasses.replace(MAPPED, **change))


def test_a_folder_needs_one_table_and_some_pictures(write: Write, tmp_path: Path) -> None:
    root = write(rows_of(4))
    assert detect_layout(root) == detect_layout(root / "products.csv") == "table"
    assert _all(open_table(root / "products.csv", MAPPED)) == _all(open_table(root, MAPPED))
    shutil.copy(root / "products.csv", root / "more.tsv")
    with pytest.raises(InputError, match=r"of the tables more\.tsv, products\.csv name one in .*table\.file"):
        detect_layout(root)
    with pytest.raises(InputError, match=r"holds 2 tables \(more\.tsv, products\.csv\); name one"):
        open_table(root, MAPPED)
    (tmp_path / "bare").mkdir()
    shutil.copy(root / "products.csv", tmp_path / "bare")
    with pytest.raises(InputError, match="no pictures below it, and no zip or tar"):
        open_table(tmp_path / "bare", MAPPED)
    pack(root / "images.zip", {"100.png": png(1)})
    (root / "more.tsv").unlink()
    with pytest.raises(InputError, match=r"both in files \(images/.*\) and in archives \(images\.zip\)"):
        open_table(root, MAPPED)
    with pytest.raises(InputError, match="table: set, but the layout is mvlt"):
        open_readers(root, "mvlt", MAPPED)
