"""A table behind the DataModule: what stays together in the dev split, and what is refused by its line."""

import csv
from pathlib import Path
from typing import Any

import pytest

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.index import catalogue as index_module
from fashionvl.data.readers import Table
from fashionvl.errors import InputError
from tests.data.readers.test_table_pictures import pack, png


def _write(folder: Path, last: dict[str, Any] | None = None, last_picture: bytes = b"") -> Path:
    """48 products in near-duplicate groups of three; every fourth group is for validation."""
    rows = [
        {"image": f"{n}.png", "caption": f"red polo {n}", "category": "TOPS", "near": n // 3,
         "split": "test" if n // 3 % 4 == 3 else "train"}
        for n in range(48)
    ]  # fmt: skip
    rows[-1] |= last or {}
    pictures = {f"{n}.png": png(n) for n in range(48)}
    pack(folder / "p.zip", pictures | ({"47.png": last_picture} if last_picture else {}))
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _opened(root: Path, **more: Any) -> FashionGenDataModule:
    found = FashionGenDataModule(
        root=str(root), table=Table(group="near"), tokenizer="words", min_count=1, image_size=32,
        dev_share=0.2, **more,
    )  # fmt: skip
    found.prepare_data()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_near_duplicates_stay_on_one_side_of_the_dev_split(tmp_path: Path, seed: int) -> None:
    found = _opened(_write(tmp_path), split_seed=seed)
    # Without a product column, a row's product number is its line.
    group = (found.train_source.product_id - 2) // 3
    train, dev = set(group[found.train_rows]), set(group[found.dev_rows])
    assert not train & dev
    assert len(found.dev_rows) == 6  # two groups fit into a fifth of 36 rows
    assert len(found.train_rows) == 30


def test_a_strict_label_is_named_by_the_line_of_the_table(tmp_path: Path) -> None:
    _write(tmp_path, {"category": "CAPES"})
    with pytest.raises(InputError, match=r"t\.csv: line 49 has category 'CAPES'"):
        _opened(tmp_path, labels="strict")
    assert _opened(tmp_path).test_source.category[-1] < 0
    # An index that is there already knows the line, too.
    with pytest.raises(InputError, match=r"t\.csv: line 49 has category 'CAPES'"):
        _opened(tmp_path, labels="strict")


def test_sizes_that_the_device_cannot_resize_are_refused_before_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, last_picture=png(1, size=28))
    monkeypatch.setattr(index_module, "scan_images", lambda *_: pytest.fail("scanned"))
    with pytest.raises(InputError, match=r"resize_on: .* line 11 has 24 x 24 px and line 49 28 x 28; use"):
        _opened(tmp_path, resize_on="device")


def test_sizes_are_refused_when_an_index_is_there(tmp_path: Path) -> None:
    _write(tmp_path, last_picture=png(1, size=28))
    _opened(tmp_path)
    with pytest.raises(InputError, match=r"resize_on: .*; use loader"):
        _opened(tmp_path, resize_on="device")
