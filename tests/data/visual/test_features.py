"""The feature cache: written by shards, resumed, checked, mapped."""

import json
import multiprocessing
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.visual.features import FeatureCache, FeatureFacts, FeatureWriter
from fashionvl.errors import InputError

FACTS = FeatureFacts(
    data="ab12", rows=11, backbone="cd34", width=6, patch_size=32, foreground="threshold", levels=(1, 2)
)
VARIANTS = 5 + 3
SHARD = 4
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(FACTS.rows, VARIANTS, FACTS.width)).astype(np.float16)
BOXES = RNG.integers(0, 256, (FACTS.rows, 4))


def _write(writer: FeatureWriter) -> None:
    for rows in writer.pending():
        writer.write(rows, FEATURES[rows], BOXES[rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write(FeatureWriter(tmp_path / "train", FACTS, SHARD))
    return tmp_path / "train"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    folder = tmp_path_factory.mktemp("cache")
    _write(FeatureWriter(folder, FACTS, SHARD))
    return FeatureCache(folder)


def test_bytes_of_a_photograph_in_the_paper_s_setting():
    paper = replace(FACTS, levels=(1, 2, 3, 4, 5), width=2048)
    assert paper.variants == 74
    assert paper.bytes_per_image == 74 * 2048 * 2


def test_a_cache_is_what_was_written(cache):
    assert cache.facts == FACTS
    assert len(cache) == 11
    np.testing.assert_array_equal(cache.boxes, BOXES)
    everything = cache.take(np.arange(11), np.tile(np.arange(VARIANTS), (11, 1)))
    assert everything.dtype == np.float16
    np.testing.assert_array_equal(everything, FEATURES)


@settings(max_examples=60, deadline=None)
@given(size=st.integers(0, 9), crops=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_any_crops_of_any_photographs(cache, size, crops, seed):
    rng = np.random.default_rng(seed)
    rows, variants = rng.integers(0, 11, (size, crops)), rng.integers(0, VARIANTS, (size, crops))
    np.testing.assert_array_equal(cache.take(rows, variants), FEATURES[rows, variants])
    np.testing.assert_array_equal(cache.take(rows[:, 0], variants), FEATURES[rows[:, :1], variants])


def test_crops_beyond_a_photograph_s_are_not_the_next_one_s(cache):
    with pytest.raises(IndexError, match=f"crop {VARIANTS}"):
        cache.take(np.array([0]), np.array([[VARIANTS]]))


def test_what_is_taken_is_a_copy_and_the_files_stay_mapped(folder):
    opened = FeatureCache(folder)
    taken = opened.take(np.array([3]), np.array([[2]]))
    taken[:] = 0
    np.testing.assert_array_equal(opened.take(np.array([3]), np.array([[2]]))[0, 0], FEATURES[3, 2])
    assert opened._open.keys() == {0}


def _take(pickled: bytes, queue) -> None:
    queue.put(pickle.loads(pickled).take(np.array([10, 1]), np.array([[0, 7], [3, 3]])))


def test_a_cache_travels_into_another_process(folder):
    opened = FeatureCache(folder)
    opened.take(np.arange(11), np.zeros((11, 1), int))
    pickled = pickle.dumps(opened)
    assert len(pickled) < 10_000
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=_take, args=(pickled, queue))
    process.start()
    found = queue.get()
    process.join()
    np.testing.assert_array_equal(found, FEATURES[[[10], [1]], [[0, 7], [3, 3]]])


def test_a_stopped_writer_goes_on_with_the_shards_that_are_missing(tmp_path):
    writer = FeatureWriter(tmp_path, FACTS, SHARD)
    assert [rows.tolist() for rows in writer.pending()] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    rows = writer.pending()[1]
    writer.write(rows, FEATURES[rows], BOXES[rows])
    again = FeatureWriter(tmp_path, FACTS, shard_rows=100)
    assert [rows.tolist() for rows in again.pending()] == [[0, 1, 2, 3], [8, 9, 10]]
    _write(again)
    assert again.pending() == []
    FeatureCache(tmp_path)


@pytest.mark.parametrize("kind", ["", ".boxes"])
@pytest.mark.parametrize("size", [0, 40, -1])
def test_a_truncated_shard_is_pending_again(folder, kind, size):
    _truncate(folder / f"00001{kind}.npy", size)
    assert [rows.tolist() for rows in FeatureWriter(folder, FACTS).pending()] == [[4, 5, 6, 7]]


def test_two_writers_share_the_shards(tmp_path):
    first, second = (FeatureWriter(tmp_path, FACTS, SHARD) for _ in range(2))
    for number, rows in enumerate(first.pending()):
        (first, second)[number % 2].write(rows, FEATURES[rows], BOXES[rows])
    everything = FeatureCache(tmp_path).take(np.arange(11), np.tile(np.arange(VARIANTS), (11, 1)))
    np.testing.assert_array_equal(everything, FEATURES)


def test_a_shard_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def fail(file, array):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    writer = FeatureWriter(tmp_path, FACTS, SHARD)
    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(InputError, match=r"00000.*cannot be written \(No space left on device\)"):
        _write(writer)
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]
    assert len(writer.pending()) == 3


def test_the_manifest_says_what_the_shards_hold(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["shards"] == [4, 4, 3]
    assert manifest["bytes_per_image"] == VARIANTS * 6 * 2
    assert manifest["facts"]["backbone"] == "cd34"


OTHER = {
    "data": "ef56", "rows": 12, "backbone": "other", "width": 7, "patch_size": 64, "foreground": "unet",
    "levels": (1, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_a_writer_refuses_a_folder_of_other_facts(folder, name):
    before = (folder / "manifest.json").read_bytes()
    with pytest.raises(InputError, match=rf"manifest\.json.*\({name} is .*, expected .*\)") as raised:
        FeatureWriter(folder, replace(FACTS, **{name: OTHER[name]}), SHARD)
    assert str(OTHER[name]) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert (folder / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("name", ["data", "rows", "backbone", "patch_size", "levels"])
def test_a_cache_of_something_else_is_refused(folder, name):
    FeatureCache(folder, **{name: getattr(FACTS, name)})
    with pytest.raises(InputError, match=rf"manifest\.json.*\({name} is .*, expected .*\)"):
        FeatureCache(folder, **{name: OTHER[name]})


def _truncate(path: Path, size: int) -> None:
    """Keep so many bytes, or all but so many."""
    content = path.read_bytes()
    path.write_bytes(content[:size])


@pytest.mark.parametrize("kind", ["", ".boxes"])
@pytest.mark.parametrize("size", [0, 40, -1])
def test_a_truncated_shard_is_refused(folder, kind, size):
    path = folder / f"00002{kind}.npy"
    _truncate(path, size)
    with pytest.raises(
        InputError, match=rf"00002{kind}\.npy: truncated.*{path.stat().st_size} bytes, expected \(3,"
    ):
        FeatureCache(folder)


@pytest.mark.parametrize("name", ["00000.npy", "00001.boxes.npy"])
def test_a_missing_shard_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: missing, expected \(4, .*run the features stage again"):
        FeatureCache(folder)


def test_a_shard_of_another_shape_is_refused(folder):
    np.save(folder / "00000.npy", FEATURES[:4, :, :5])
    with pytest.raises(InputError, match=r"holds \(4, 8, 5\) float16, expected \(4, 8, 6\) float16"):
        FeatureCache(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "manifest.json: missing"),
        ("[", "not the manifest of a feature cache"),
        ("[]", "not the manifest of a feature cache"),
        ("{}", "not the manifest of a feature cache"),
        ('{"format": 1, "shard_rows": 4, "facts": {"levels": [1], "strange": 1}}', "not the manifest"),
    ],
)
def test_a_folder_that_is_no_cache_is_refused(tmp_path, content, message):
    if content:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=message):
        FeatureCache(tmp_path)


def test_a_cache_of_another_format_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 0}))
    with pytest.raises(InputError, match="format 0, expected 1"):
        FeatureCache(folder)


def test_features_beyond_float16_are_refused(tmp_path):
    writer, features = FeatureWriter(tmp_path, FACTS, SHARD), FEATURES[:4].copy()
    features[2, 1, 0] = np.inf
    with pytest.raises(InputError, match=r"rows 0\.\.3 are not finite"):
        writer.write(np.arange(4), features, BOXES[:4])
    assert len(writer.pending()) == 3


@pytest.mark.parametrize(
    ("rows", "features", "boxes"),
    [
        (np.arange(1, 5), FEATURES[1:5], BOXES[1:5]),
        (np.arange(3), FEATURES[:3], BOXES[:3]),
        (np.arange(4), FEATURES[:4, :7], BOXES[:4]),
        (np.arange(4), FEATURES[:4], BOXES[:3]),
    ],
)
def test_only_whole_shards_are_written(tmp_path, rows, features, boxes):
    writer = FeatureWriter(tmp_path, FACTS, SHARD)
    with pytest.raises(ValueError, match=r"rows|features"):
        writer.write(rows, features, boxes)
    assert len(writer.pending()) == 3


def test_a_shard_without_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="shard_rows: 0"):
        FeatureWriter(tmp_path, FACTS, 0)
