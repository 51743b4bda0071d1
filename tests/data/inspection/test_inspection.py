"""`fashionvl data inspect`: counts, every kind of defect, tables and the contact sheet."""

import csv
import errno
import io
import tarfile
import tempfile

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from fashionvl.commands.data import inspect
from fashionvl.data.inspection import catalogue
from fashionvl.data.inspection.catalogue import Defect, inspect_catalogue
from fashionvl.data.inspection.contact_sheet import GAP, LABEL, TILE, draw_contact_sheet
from fashionvl.data.inspection.tables import print_summary
from fashionvl.data.readers import Table
from fashionvl.errors import InputError
from tests.data.readers.test_table_pictures import pack, png


def _text(*values: bytes) -> np.ndarray:
    return np.array(values)[:, None]


@pytest.fixture
def sound(tmp_path, write_fashion_gen):
    write_fashion_gen(tmp_path / "fashiongen_256_256_train.h5", rows=7)
    write_fashion_gen(tmp_path / "fashiongen_256_256_validation.h5", rows=4, first_product=900)
    return tmp_path


@pytest.fixture
def damaged(tmp_path, write_fashion_gen):
    images = np.full((6, 16, 16, 3), 255, np.uint8)
    images[:, 4:8, 4:8] = 10
    images[1], images[2] = 255, 0
    write_fashion_gen(
        tmp_path / "fashiongen_256_256_train.h5",
        input_image=images,
        input_productID=np.array([[1], [1], [2], [1], [3], [900]], np.int32),
        input_description=_text(b"A shirt.", b" ", b"Caf\xe9.", b"b'A shirt.'", b"", b"A shirt."),
        input_category=_text(*[b"TOPS"] * 5, b"SPACESUITS"),
        input_subcategory=_text(b"tops", *[b"T-SHIRTS"] * 5),
    )
    write_fashion_gen(tmp_path / "fashiongen_256_256_validation.h5", rows=2, first_product=900)
    return tmp_path


def test_counts_of_a_sound_catalogue(sound):
    summary = inspect_catalogue(sound)
    assert summary.defects == []
    train, validation = summary.splits["train"], summary.splits["validation"]
    assert (train.rows, train.products) == (7, 4)
    assert (validation.rows, validation.products) == (4, 2)
    assert train.categories == {"TOPS": 5, "JEANS": 2}
    assert train.subcategories == {"T-SHIRTS": 5, "JEANS": 2}
    assert (train.views[0], train.views[-1]) == (1, 2)
    assert train.caption_words == (7, 7, 7, 7, 7)
    assert train.images_scanned == 7
    assert train.fields["input_image"] == "(7, 32, 32, 3) uint8"


def test_every_defect_is_found_by_row(damaged):
    assert set(inspect_catalogue(damaged).defects) == {
        Defect("train", 0, "sub-category not in the official list"),
        Defect("train", 1, "empty caption"),
        Defect("train", 1, "all-white image"),
        Defect("train", 2, "input_description is not UTF-8"),
        Defect("train", 2, "all-black image"),
        Defect("train", 3, "caption is printed bytes, b'...'"),
        Defect("train", 3, "product's rows do not stand together"),
        Defect("train", 4, "empty caption"),
        Defect("train", 5, "category not in the official list"),
        Defect("train", 5, "product is in another split too"),
        Defect("validation", 0, "product is in another split too"),
        Defect("validation", 1, "product is in another split too"),
    }


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_counted(sound, monkeypatch):
    def refuse(**settings):
        raise OSError(errno.EROFS, "Read-only file system", settings["dir"])

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(catalogue, "open_split", lambda *_: pytest.fail("the catalogue was opened"))
    with pytest.raises(InputError, match=r"elsewhere: cannot be written \(Read-only file system\)"):
        inspect_catalogue(sound, sound / "elsewhere")


def test_written_files(damaged, tmp_path):
    out = tmp_path / "deep" / "out"
    summary = inspect_catalogue(damaged, out)
    with (out / "defects.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["split", "row", "defect"]
    assert [Defect(split, int(row), kind) for split, row, kind in rows[1:]] == summary.defects
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.size == (2 * (TILE + GAP) + GAP, TILE + LABEL + 2 * GAP)


def test_a_sample_is_spread_over_the_split(damaged):
    summary = inspect_catalogue(damaged, sample=2)
    assert summary.splits["train"].images_scanned == 2
    assert not [defect for defect in summary.defects if "image" in defect.kind]
    assert inspect_catalogue(damaged, sample=0).splits["train"].images_scanned == 6


def test_one_split_alone(tmp_path, write_fashion_gen):
    write_fashion_gen(tmp_path / "fashiongen_256_256_validation.h5")
    summary = inspect_catalogue(tmp_path)
    assert list(summary.splits) == ["validation"]
    assert summary.defects == []


def test_folder_layout_with_an_unreadable_image(tmp_path, write_mvlt_folder):
    write_mvlt_folder(tmp_path, "valid")
    (tmp_path / "extracted_valid_images" / "101_0.png").write_bytes(b"\x89PNG")
    summary = inspect_catalogue(tmp_path, tmp_path / "out")
    assert summary.defects == [Defect("validation", 2, "unreadable image")]
    assert summary.splits["validation"].fields == {}


def test_nothing_is_written_beside_the_data(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text("image,caption\n" + "".join(f"{n}.png,Polo {n}\n" for n in range(8)))
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        for number in range(8):
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = len(data := png(number))
            archive.addfile(entry, io.BytesIO(data))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    inspect(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
    inspect(tmp_path, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "contact_sheet.png", "defects.csv", ".fashionvl", ".fashionvl-written.json"
    }  # fmt: skip


def test_no_catalogue(tmp_path):
    with pytest.raises(InputError, match="no catalogue found"):
        inspect_catalogue(tmp_path)


def test_tables_show_counts_and_the_first_rows_of_each_defect(damaged):
    console = Console(record=True, width=160)
    print_summary(inspect_catalogue(damaged), console)
    text = console.export_text()
    assert "input_concat_description" in text
    assert "SPACESUITS" in text
    lines = [line.split("│") for line in text.splitlines() if "empty caption" in line]
    assert [[cell.strip() for cell in line][1:-1] for line in lines] == [
        ["train", "empty caption", "2", "1, 4"]
    ]


def test_tables_of_a_sound_catalogue_say_so(sound):
    console = Console(record=True, width=160)
    print_summary(inspect_catalogue(sound), console)
    assert "none found" in console.export_text()


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (256, 256), (400, 30)])
def test_contact_sheet_shows_a_photograph_whole_and_centred(shape):
    photograph = np.full((*shape, 3), (200, 30, 30), np.uint8)
    sheet = np.array(draw_contact_sheet([("A NAME MUCH TOO LONG TO STAND UNDER ITS PHOTOGRAPH", photograph)]))
    y, x = np.nonzero((sheet == (200, 30, 30)).all(axis=-1))
    assert abs((x.min() + x.max() + 1) / 2 - (GAP + TILE / 2)) <= 1
    assert abs((y.min() + y.max() + 1) / 2 - (GAP + TILE / 2)) <= 1
    assert (sheet[GAP + TILE + 2 :, :GAP] == 255).all()


def test_contact_sheet_of_nothing_is_blank():
    assert draw_contact_sheet([]).getextrema() == ((255, 255),) * 3


def test_a_table_is_shown_like_the_other_layouts_with_its_own_defects(tmp_path):
    rows = [
        {"id": n, "name": f"Polo {n // 2}", "kind": "Shirts" if n else "", "part": "train"} for n in range(12)
    ]
    rows[10] |= {"part": "test", "name": "Belt"}
    rows[11] |= {"part": "test", "name": " "}
    pictures = {f"{n}.png": png(n) for n in range(12) if n != 3} | {"4.png": png(4)[:50]}
    pack(tmp_path / "images.zip", pictures)
    with (tmp_path / "t.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    table = Table(caption="name", image="id", product_id="id", category="kind", split="part")
    summary = inspect_catalogue(tmp_path, tmp_path / "out", table=table)
    train, validation = summary.splits["train"], summary.splits["validation"]
    assert (train.rows, validation.rows, train.captions) == (9, 1, 5)
    assert train.categories == {"Shirts": 8, "": 1}
    assert train.fields["part"] == "1 values"
    assert train.fields["kind"] == "2 values, 1 empty"
    assert summary.defects == [
        Defect("table", 5, "no such picture"),
        Defect("table", 13, "no caption"),
        Defect("train", 2, "no category"),
        Defect("train", 6, "unreadable image"),
    ]
    with Image.open(tmp_path / "out/contact_sheet.png") as sheet:
        assert sheet.width > TILE
    again = inspect_catalogue(tmp_path / "t.csv", table=table)
    assert again.defects == summary.defects
