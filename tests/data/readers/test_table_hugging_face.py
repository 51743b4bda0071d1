"""Data sets of the library `datasets`: saved folders, parquet, the hub, and what is said when it is away."""

import sys
from pathlib import Path
from typing import Any

import pytest

from fashionvl.data.readers import Table, detect_layout
from fashionvl.data.readers.table import TableReader, open_table
from fashionvl.errors import InputError
from tests.data.readers.test_table_pictures import png

datasets = pytest.importorskip("datasets")
MAPPED = Table(image="picture", caption="text", product_id="id", category="kind", on_defect="skip")


def _drawn(numbers: range, **more: Any) -> Any:
    """Class number 1 is Polo; -1 is none."""
    columns = {
        "id": list(numbers),
        "picture": [{"bytes": png(n), "path": f"{n}.png"} for n in numbers],
        "text": [f"Polo {n}" for n in numbers],
        "kind": [-1 if n == 0 else n % 2 for n in numbers],
    }
    features = {
        "id": datasets.Value("int64"),
        "picture": datasets.Image(),
        "text": datasets.Value("string"),
        "kind": datasets.ClassLabel(names=["Belt", "Polo"]),
    }
    return datasets.Dataset.from_dict(columns | more, features=datasets.Features(features))


def _colours(reader: TableReader) -> dict[int, list[int]]:
    products = reader.columns().product_id.tolist()
    return {product: reader.image(row)[12, 12].tolist() for row, product in enumerate(products)}


def _expected(numbers: range) -> dict[int, list[int]]:
    return {n: [n * 37 % 200, n * 11 % 200, 90] for n in numbers}


def test_a_saved_data_set_is_a_table_with_its_splits_and_class_names(tmp_path: Path) -> None:
    saved = datasets.DatasetDict({"train": _drawn(range(5)), "test": _drawn(range(5, 8))})
    saved.save_to_disk(tmp_path / "saved")
    assert detect_layout(tmp_path / "saved") == "table"
    readers = open_table(tmp_path / "saved", MAPPED, tmp_path / "cache")
    assert _colours(readers["train"]) == _expected(range(5))
    assert _colours(readers["validation"]) == _expected(range(5, 8))
    assert readers["train"].columns().category == ["", "Polo", "Belt", "Polo", "Belt"]
    assert readers["validation"].record(0).caption == "Polo 5"


def test_a_saved_split_alone_is_divided_by_the_draw_and_decoded_by_no_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _drawn(range(10)).save_to_disk(tmp_path / "saved")
    monkeypatch.setattr(datasets.Image, "decode_example", lambda *_, **__: pytest.fail("decoded early"))
    readers = open_table(tmp_path / "saved", MAPPED, tmp_path / "cache")
    assert {split: len(reader) for split, reader in readers.items()} == {"train": 8, "validation": 2}
    assert readers["train"].fingerprint() == open_table(tmp_path / "saved", MAPPED)["train"].fingerprint()
    with pytest.raises(InputError, match=r"table\.image: image is no column of pictures .*it has picture"):
        open_table(tmp_path / "saved", Table(caption="text"))


def test_parquet_that_the_library_writes_is_the_same_table(tmp_path: Path) -> None:
    _drawn(range(10)).save_to_disk(tmp_path / "saved")
    _drawn(range(10)).to_parquet(tmp_path / "t.parquet")
    saved = open_table(tmp_path / "saved", MAPPED, tmp_path / "cache")
    parquet = open_table(tmp_path / "t.parquet", MAPPED, tmp_path / "cache")
    assert parquet["train"].fingerprint() == saved["train"].fingerprint()
    assert parquet["train"].columns().category == saved["train"].columns().category


def test_a_damaged_folder_is_named(tmp_path: Path) -> None:
    _drawn(range(3)).save_to_disk(tmp_path)
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match=r"not a whole data set of save_to_disk \(.*\); save it again"):
        open_table(tmp_path, MAPPED, tmp_path / "cache")


def test_a_data_set_of_the_hub_keeps_what_is_derived_in_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = {"bytes": None, "path": str(tmp_path / "0.png")}
    (tmp_path / "0.png").write_bytes(png(0))
    asked = []

    def load(*words: Any) -> Any:
        asked.append(words)
        pictures = [loose, *({"bytes": png(n), "path": None} for n in range(1, 8))]
        return datasets.DatasetDict({"train": _drawn(range(8), picture=pictures)})

    monkeypatch.setattr(datasets, "load_dataset", load)
    wanted = Table(**{**vars(MAPPED), "hub": "shop/polos", "hub_config": "small"})
    readers = open_table(tmp_path / "here", wanted)
    assert asked == [("shop/polos", "small")]
    assert {**_colours(readers["train"]), **_colours(readers["validation"])} == _expected(range(8))
    assert len(list((tmp_path / "here/.fashionvl").glob("polos-*.tar"))) == 1
    with pytest.raises(InputError, match=r"table\.file: set beside .*table\.hub"):
        open_table(tmp_path / "here", Table(hub="shop/polos", file="t.csv"))
    with pytest.raises(InputError, match=r"hub_config: set, but"):
        open_table(tmp_path, Table(hub_config="small"))


def test_a_hub_that_is_away_and_a_library_that_is_missing_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError) as caught:
        open_table(tmp_path, Table(hub="shop/polos", caption="text"))
    assert str(caught.value).startswith("data.init_args.table.hub: shop/polos cannot be loaded (")
    assert "\n" not in str(caught.value)
    _drawn(range(3)).save_to_disk(tmp_path / "saved")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"saved: needs .*; pip install 'fashionvl\[datasets\]'"):
        open_table(tmp_path / "saved", MAPPED)
