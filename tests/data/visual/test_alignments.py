"""Alignments on disk: written shard by shard, read row by row, refused when they belong elsewhere."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fashionvl.data.visual.alignments import AlignmentFacts, Alignments, AlignmentWriter
from fashionvl.errors import InputError

ROWS, LONGEST = 11, 5
FACTS = AlignmentFacts(data="d" * 64, rows=ROWS, tokenizer="t" * 64, captioner="c" * 64, method="hot 0.5")


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Positions padded with -1, none in row 3, and their regions."""
    rng = np.random.default_rng(seed)
    tokens = np.full((ROWS, LONGEST), -1)
    for row in range(ROWS):
        count = 0 if row == 3 else rng.integers(LONGEST + 1)
        tokens[row, :count] = np.sort(rng.choice(np.arange(1, 40), count, replace=False))
    return tokens, rng.random((ROWS, LONGEST, 4)).astype(np.float32)


def write(folder: Path, shards: int | None = None) -> AlignmentWriter:
    tokens, regions = drawn()
    writer = AlignmentWriter(folder, FACTS, shard_rows=4)
    for rows in writer.pending()[:shards]:
        writer.write(rows, tokens=tokens[rows], regions=regions[rows])
    return writer


def read(folder: Path, data: str = "d" * 64, tokenizer: str = "t" * 64, rows: int = ROWS) -> Alignments:
    return Alignments(folder, data, tokenizer, rows)


@pytest.mark.parametrize("pickled", [False, True])
def test_what_is_written_is_read(tmp_path: Path, pickled: bool) -> None:
    write(tmp_path / "train")
    found = read(tmp_path / "train")
    if pickled:
        found.of(0)
        size = len(pickle.dumps(found))
        found = pickle.loads(pickle.dumps(found))
        assert size < 1000
    tokens, regions = drawn()
    for row in range(ROWS):
        count = int((tokens[row] >= 0).sum())
        positions, where = found.of(row)
        assert positions.dtype == np.int64
        assert where.shape == (count, 4)
        np.testing.assert_array_equal(positions, tokens[row, :count])
        np.testing.assert_array_equal(where, regions[row, :count])
    assert len(found.of(3)[0]) == 0


def test_a_stopped_run_goes_on_with_the_missing_shards(tmp_path: Path) -> None:
    writer = write(tmp_path, shards=1)
    for one in (writer, AlignmentWriter(tmp_path, FACTS, shard_rows=4)):
        assert [rows.tolist() for rows in one.pending()] == [[4, 5, 6, 7], [8, 9, 10]]
    write(tmp_path)
    assert writer.pending() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00000.npy", "00001.npy", "00002.npy", "manifest.json",
    ]  # fmt: skip
    shard = tmp_path / "00001.npy"
    shard.write_bytes(shard.read_bytes()[:-3])
    assert [rows.tolist() for rows in writer.pending()] == [[4, 5, 6, 7]]


def test_a_photograph_without_any_alignment_in_its_shard_is_read_too(tmp_path: Path) -> None:
    writer = AlignmentWriter(tmp_path, FACTS, shard_rows=ROWS)
    writer.write(np.arange(ROWS), tokens=np.full((ROWS, 2), -1), regions=np.zeros((ROWS, 2, 4)))
    positions, regions = read(tmp_path).of(ROWS - 1)
    assert positions.shape == (0,)
    assert regions.shape == (0, 4)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tokenizer": "u" * 64}, ["tokenizer", "tttttttttttttttt", "uuuuuuuuuuuuuuuu", "align.yaml"]),
        ({"data": "e" * 64}, ["data", "dddddddddddddddd", "eeeeeeeeeeeeeeee"]),
        ({"rows": ROWS + 1}, ["rows", "11", "12"]),
    ],
)
def test_alignments_of_something_else_are_refused(tmp_path: Path, changed: dict, words: list[str]) -> None:
    write(tmp_path)
    with pytest.raises(InputError) as caught:
        read(tmp_path, **changed)
    assert "\n" not in str(caught.value)
    for word in [str(tmp_path), *words]:
        assert word in str(caught.value)


@pytest.mark.parametrize("key", ["captioner", "tokenizer", "method"])
def test_a_folder_of_other_facts_is_not_written_to(tmp_path: Path, key: str) -> None:
    write(tmp_path)
    with pytest.raises(InputError, match=f"{key} .*these other; delete"):
        AlignmentWriter(tmp_path, replace(FACTS, **{key: "other"}), shard_rows=4)


def test_missing_shards_are_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "00001.npy").unlink()
    with pytest.raises(InputError, match=r"00001\.npy: missing, 2 shards found of 3"):
        read(tmp_path)


@pytest.mark.parametrize("kept", [0, 60, -10])
def test_a_truncated_shard_is_named(tmp_path: Path, kept: int) -> None:
    write(tmp_path)
    shard = tmp_path / "00002.npy"
    shard.write_bytes(shard.read_bytes()[:kept])
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert f"{shard}: {shard.stat().st_size} bytes that are no whole shard" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_array_of_something_else_is_no_shard(tmp_path: Path) -> None:
    write(tmp_path)
    np.save(tmp_path / "00000.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"00000\.npy: holds float64, expected"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no alignments here"),
        ("{", "not the manifest"),
        ("[1]", "not the manifest"),
        ("{}", "format None"),
    ],
)
def test_a_folder_without_a_good_manifest_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=words):
        read(tmp_path)
