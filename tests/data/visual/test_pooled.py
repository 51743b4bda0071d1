"""The cache of one vector a photograph: written by pieces, resumed, checked, mapped."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fashionvl.data.visual.pooled import PooledFacts, PooledFeatures
from fashionvl.errors import InputError

FACTS = PooledFacts(
    network="net", arguments="{}", weights="hub", picture_size=96, crop=True, data="ab12", rows=11
)
VECTORS = np.random.default_rng(0).normal(size=(11, 5)).astype(np.float16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cache = PooledFeatures.begin(tmp_path / "teacher", FACTS, width=5, piece_rows=4)
    for rows in cache.pending():
        cache.write(rows, VECTORS[rows].astype(np.float32))
    return tmp_path / "teacher"


def _opened(folder: Path) -> PooledFeatures:
    found = PooledFeatures.open(folder, FACTS)
    assert found is not None
    return found


def test_a_cache_is_what_was_written(folder: Path) -> None:
    cache = pickle.loads(pickle.dumps(_opened(folder)))
    assert cache.pending() == []
    rows = np.array([10, 0, 3, 4, 3])
    np.testing.assert_array_equal(cache.take(rows), VECTORS[rows].astype(np.float32))
    assert json.loads((folder / "manifest.json").read_text())["rows"] == 11


def test_what_is_missing_or_cut_short_is_pending(folder: Path) -> None:
    (folder / "00000.npy").unlink()
    last = folder / "00002.npy"
    last.write_bytes(last.read_bytes()[:-3])
    assert [rows.tolist() for rows in _opened(folder).pending()] == [[0, 1, 2, 3], [8, 9, 10]]
    with pytest.raises(InputError, match=r"00000\.npy: missing.*delete it; the next run"):
        _opened(folder).take(np.array([5, 2]))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"network": "other"}, "network is 'net', expected 'other'"),
        ({"weights": "package:x"}, "weights is 'hub', expected 'package:x'"),
        ({"picture_size": 128}, "picture_size is 96, expected 128"),
        ({"crop": False, "data": "cd34"}, "crop is True, expected False; data is 'ab12', expected 'cd34'"),
        ({"rows": 12}, "rows is 11, expected 12"),
    ],
)
def test_features_made_otherwise_are_refused(folder: Path, changed: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as refused:
        PooledFeatures.open(folder, replace(FACTS, **changed))  # type: ignore[arg-type]
    said = str(refused.value)
    assert said.startswith(f"{folder / 'manifest.json'}: features made otherwise ({says}); delete its folder")
    assert "\n" not in said


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 1, "width": "x", "piece_rows": 4}'])
def test_a_damaged_manifest_is_named(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json: not the manifest of a cache of features"):
        PooledFeatures.open(folder, FACTS)


def test_a_later_format_is_refused(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 2}))
    with pytest.raises(InputError, match="format is 2, expected 1"):
        PooledFeatures.open(folder, FACTS)


def test_what_is_no_piece_is_not_written(tmp_path: Path) -> None:
    assert PooledFeatures.open(tmp_path / "none", FACTS) is None
    cache = PooledFeatures.begin(tmp_path, FACTS, width=5, piece_rows=4)
    first = np.arange(4)
    for rows, vectors in ((first + 1, VECTORS[:4]), (first, VECTORS[:4, :3])):
        with pytest.raises(ValueError, match="not piece"):
            cache.write(rows, vectors)
    for wrong in (np.nan, 1e6):
        with pytest.raises(InputError, match=r"00000\.npy: features of rows 0\.\.3 are not finite .*net"):
            cache.write(first, np.full((4, 5), wrong, np.float32))
    assert len(cache.pending()) == 3
    with pytest.raises(ValueError, match="piece_rows: 0"):
        PooledFeatures.begin(tmp_path, FACTS, width=5, piece_rows=0)
