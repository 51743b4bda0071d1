"""Parquet files with their pictures inside, as Hugging Face data sets are published."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fashionvl.data.readers import Table, detect_layout, open_split
from fashionvl.data.readers.table import TableReader, open_table
from fashionvl.errors import InputError
from tests.data.readers.test_table_pictures import png

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
MAPPED = Table(caption="text", product_id="id", on_defect="skip")


def _write(path: Path, numbers: range, absent: int = -1, **more: Any) -> None:
    pictures = [{"bytes": None if n == absent else png(n), "path": f"{n}.png"} for n in numbers]
    columns = {"id": list(numbers), "image": pictures, "text": [f"Polo {n}" for n in numbers]}
    parquet.write_table(arrow.table(columns | more), path)


def _colours(reader: TableReader) -> dict[int, list[int]]:
    products = reader.columns().product_id.tolist()
    return {product: reader.image(row)[12, 12].tolist() for row, product in enumerate(products)}


def _expected(numbers: Any) -> dict[int, list[int]]:
    return {n: [n * 37 % 200, n * 11 % 200, 90] for n in numbers}


def test_pictures_inside_a_file_are_read_at_random(tmp_path: Path) -> None:
    _write(tmp_path / "t.parquet", range(100, 110), absent=104)
    readers = open_table(tmp_path, MAPPED, tmp_path / "cache")
    found = {**_colours(readers["train"]), **_colours(readers["validation"])}
    assert found == _expected(n for n in range(100, 110) if n != 104)
    assert [(d.line, d.kind) for d in readers["train"].defects] == [(5, "no such picture")]
    (tar,) = (path for path in (tmp_path / "cache").iterdir() if path.suffix == ".tar")
    before = tar.stat().st_mtime_ns
    open_table(tmp_path, MAPPED, tmp_path / "cache")
    assert tar.stat().st_mtime_ns == before


def test_shards_are_one_table_and_name_its_splits(tmp_path: Path) -> None:
    _write(tmp_path / "train-00000-of-00002.parquet", range(3))
    _write(tmp_path / "train-00001-of-00002.parquet", range(3, 6))
    _write(tmp_path / "test-00000-of-00001.parquet", range(6, 9))
    assert detect_layout(tmp_path) == "table"
    readers = open_table(tmp_path, MAPPED)
    assert _colours(readers["train"]) == _expected(range(6))
    assert _colours(readers["validation"]) == _expected(range(6, 9))
    np.testing.assert_array_equal(
        sorted(map(readers["train"].line, range(6))), range(4, 10)
    )  # the shards in the order of their names


def test_shards_of_one_split_are_divided_by_the_draw(tmp_path: Path) -> None:
    _write(tmp_path / "train-00000-of-00001.parquet", range(10))
    _write(tmp_path / "other.parquet", range(10, 12))
    readers = open_table(tmp_path, Table(**{**vars(MAPPED), "file": "train-*.parquet"}))
    assert {split: len(reader) for split, reader in readers.items()} == {"train": 8, "validation": 2}


def test_files_that_are_no_parts_of_one_table_are_named(tmp_path: Path) -> None:
    _write(tmp_path / "a.parquet", range(2))
    _write(tmp_path / "b.parquet", range(2), colour=["red", "blue"])
    with pytest.raises(InputError, match=r"b\.parquet: columns id, .*, colour, but .*a\.parquet has"):
        open_table(tmp_path, Table(file="*.parquet"))
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[40:200] = bytes(160)
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.parquet: not a whole Parquet file"):
        open_split(tmp_path / "a.parquet", "train")
