"""Random and damaged tables and archives: a catalogue or one line."""

import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from damage import damaged, value_or_refusal
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.data.readers.table import Table, open_table
from fashionvl.data.readers.table.files import read_table

SIDE = 8
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "iso-8859-9", "cp1252", "shift_jis")
CELLS = st.text(max_size=6) | st.sampled_from(
    [
        "",
        '"',
        '""',
        "a,b",
        "x\ny",
        "\r",
        "\x00",
        "\x1a",
        "\x85",
        "\u2028",
        "NaN",
        "null",
        "{",
        "1e9",
        "\ufeff",
    ]
)
ROWS = [{"id": n, "image": f"{n}.png", "caption": f"Café, „{n}“", "category": "TOPS"} for n in range(6)]


def _png(number: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((SIDE, SIDE, 3), number, np.uint8)).save(file, "PNG")
    return file.getvalue()


PICTURES = {f"{row['id']}.png": _png(number) for number, row in enumerate(ROWS)}


def _zip(method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in PICTURES.items():
            archive.writestr(name, content)
    return file.getvalue()


def _tar(mode: Any) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in PICTURES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def _parquet(**how: Any) -> bytes:
    file = io.BytesIO()
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    pictures = [{"bytes": content, "path": name} for name, content in PICTURES.items()]
    more = {"times": pyarrow.array([2**40] * len(ROWS), pyarrow.timestamp("s")), "numbers": [[1], None] * 3}
    pyarrow.parquet.write_table(pyarrow.table({**columns, "image": pictures, **more}), file, **how)
    return file.getvalue()


CSV = "id,image,caption,category\n" + "".join(
    f'{row["id"]},{row["image"]},"{row["caption"]}",{row["category"]}\n' for row in ROWS
)
SOUND = {
    ".csv": CSV,
    ".tsv": CSV.replace(",", "\t").replace('"', ""),
    ".jsonl": "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
}
PARQUET = [_parquet(), _parquet(compression="none", use_dictionary=False), _parquet(data_page_version="2.0")]
ARCHIVES = {
    "p.zip": _zip(), "deflated.zip": _zip(zipfile.ZIP_DEFLATED), "p.tar": _tar("w"), "p.tar.gz": _tar("w:gz"),
    "p.tar.xz": _tar("w:xz"), "p.tar.bz2": _tar("w:bz2"),
}  # fmt: skip


def _open(folder: Path, table: str, content: bytes, archive: bytes | None, name: str, on_defect: Any) -> None:
    """Read everything of a catalogue: each row has its caption and a picture, or the row is a defect."""
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    (folder / table).write_bytes(content)
    if archive is not None:
        (folder / name).write_bytes(archive)
    request = Table(on_defect=on_defect, image="image")
    readers = value_or_refusal(lambda: open_table(folder, request, folder / "cache"), str(folder))
    for reader in (readers or {}).values():
        columns = reader.columns()
        assert len(columns.caption) == len(columns.product_id) == len(reader)
        assert all(columns.caption)
        assert reader.fingerprint()
        for row in range(min(len(reader), 2)):
            picture = value_or_refusal(lambda row=row, reader=reader: reader.image(row), str(folder))
            assert picture is None or picture.dtype == np.uint8
            assert picture is not None or on_defect == "refuse"


ON_DEFECT = st.sampled_from(["skip", "skip", "refuse"])
FUZZ = settings(max_examples=200, deadline=None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@FUZZ
@given(data=st.data(), ending=st.sampled_from(sorted(SOUND)), on_defect=ON_DEFECT)
def test_damaged_text_tables(folder: Path, data: st.DataObject, ending: str, on_defect: str) -> None:
    encoded = SOUND[ending].encode(data.draw(st.sampled_from(ENCODINGS)), errors="replace")
    content = damaged(data.draw, encoded) if data.draw(st.integers(0, 5)) else encoded
    _open(folder, f"t{ending}", content, ARCHIVES["p.zip"], "p.zip", on_defect)


@FUZZ
@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    header=st.sampled_from(["image,caption", "caption,image,,", "sep=;", "image;caption;product_id", "x"]),
    encoding=st.sampled_from(ENCODINGS[:3]),
)
def test_random_rows(
    folder: Path, rows: list[list[str]], delimiter: str, ending: str, header: str, encoding: str
) -> None:
    text = ending.join([header, *(delimiter.join(row) for row in rows)])
    _open(folder, "t.csv", text.encode(encoding, "replace"), ARCHIVES["p.zip"], "p.zip", "skip")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | CELLS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(CELLS, inner, max_size=2),
    max_leaves=4,
)


@FUZZ
@given(
    rows=st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("image", "caption", "product_id", "split"), JSON))
        | JSON,
        max_size=6,
    )
)
def test_random_json(folder: Path, rows: list[Any]) -> None:
    content = "\n".join(map(json.dumps, rows)).encode()
    _open(folder, "t.jsonl", content, ARCHIVES["p.zip"], "p.zip", "skip")


@FUZZ
@given(data=st.data(), on_defect=ON_DEFECT)
def test_damaged_parquet_files(folder: Path, data: st.DataObject, on_defect: str) -> None:
    content = damaged(data.draw, data.draw(st.sampled_from(PARQUET)))
    _open(folder, "t.parquet", content, None, "", on_defect)


@FUZZ
@given(data=st.data(), name=st.sampled_from(sorted(ARCHIVES)), on_defect=ON_DEFECT)
def test_damaged_archives(folder: Path, data: st.DataObject, name: str, on_defect: str) -> None:
    _open(folder, "t.csv", CSV.encode(), damaged(data.draw, ARCHIVES[name]), name, on_defect)


def test_what_is_fuzzed_is_sound(folder: Path) -> None:
    for ending, content in SOUND.items():
        (folder / f"sound{ending}").write_text(content, encoding="utf-8")
        assert len(read_table(folder / f"sound{ending}")) == len(ROWS)
    for content in PARQUET:
        (folder / "sound.parquet").write_bytes(content)
        assert len(read_table(folder / "sound.parquet")) == len(ROWS)
