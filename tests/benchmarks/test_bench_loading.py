"""Loading at scale at tiny size: layouts deliver the same pairs, and an interrupted run continues."""

import itertools
import json
from itertools import islice

import numpy as np
import pytest
import torch

from benchmarks import loading
from benchmarks.setting import Setting
from benchmarks.shards import Storage, read_shard, shuffled


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def layouts(scratch):
    return loading.Layouts(Setting(torch.device("cpu"), "tiny", scratch)).all


def _pairs(batches):
    """Photograph of every row that was delivered."""
    return {
        int(row): pixels
        for batch in batches
        for row, pixels in zip(batch.rows, batch.pixel_values, strict=True)
    }


def test_hdf5_is_first_and_shards_are_there(layouts):
    names = [layout.name for layout in layouts]
    assert names[0] == "hdf5"
    assert {"mapped", "stored", "gzip", "shards"} < set(names)


def test_layouts_deliver_the_same_photographs(layouts):
    delivered = {layout.name: _pairs(layout.loader(None, 0)) for layout in layouts}
    shards = delivered["shards"]
    assert sorted(shards) == layouts[0].data.train_rows.tolist()
    for name, found in delivered.items():
        assert len(found) >= len(shards) - loading.BATCH["tiny"], name
        for row, pixels in found.items():
            assert torch.equal(pixels, shards[row]), (name, row)


def test_shards_are_shared_out_among_processes(layouts):
    shards = layouts[-1]
    assert sorted(_pairs(shards.loader(None, 2))) == shards.data.train_rows.tolist()


def test_distance_changes_the_time_and_nothing_else(layouts, monkeypatch):
    slept = []
    monkeypatch.setattr("benchmarks.shards.time.sleep", slept.append)
    for layout in layouts:
        if "1 ms" not in layout.storages:
            continue
        near = _pairs(islice(layout.loader(None, 0), 2))
        slept.clear()
        far = _pairs(islice(layout.loader(Storage(0.001, 1e9), 0), 2))
        assert near.keys() == far.keys()
        assert all(torch.equal(near[row], far[row]) for row in near)
        latencies = sum(second >= 0.001 for second in slept)
        assert latencies == (1 if layout.name == "shards" else 2 * loading.BATCH["tiny"])


def test_a_far_loader_leaves_the_near_one_as_it_was(layouts):
    first = layouts[0]
    source = first.data.train_source
    list(islice(first.loader(Storage(0.0), 0), 1))
    assert first.data.train_source is source


def test_shards_hold_photographs_as_stored(layouts):
    shards = layouts[-1]
    reader = shards.data.train_source.reader
    row, image = next(read_shard(shards.files[0]))
    np.testing.assert_array_equal(image, reader.image(row))


@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_shuffling_loses_nothing(count):
    assert sorted(shuffled(iter(range(count)), size=8, initial=3)) == list(range(count))


def test_shuffling_shuffles():
    found = list(shuffled(iter(range(100)), size=20, initial=5))
    assert found != list(range(100))


def test_pace_counts_what_comes_after_the_first_of_each_process(monkeypatch):
    monkeypatch.setattr("benchmarks.loading.time.perf_counter", itertools.count().__next__)
    # Read as counting begins, after each batch and at the end: four batches of two pairs in five seconds.
    assert loading.pace([[1, 2]] * 5, workers=1, seconds=10, endless=False) == 8 / 5


def test_pace_ends_in_whole_rounds_over_the_processes(monkeypatch):
    monkeypatch.setattr("benchmarks.loading.time.perf_counter", itertools.count().__next__)
    # Of 3 processes, read after batches 3 and 6 only: at the second reading more than 1 second has passed.
    assert loading.pace([[1, 2]] * 50, workers=3, seconds=1, endless=True) == 12 / 3


def test_pace_without_anything_to_count():
    with pytest.raises(ValueError, match="first of 3 processes"):
        loading.pace([[1, 2]] * 3, workers=3, seconds=1, endless=True)


def test_command_writes_every_point_and_continues(scratch, tmp_path, monkeypatch):
    monkeypatch.setitem(loading.WORKERS, "tiny", (0, 1))
    out = tmp_path / "loading.json"
    words = ["--size", "tiny", "--seconds", "0.01", "--scratch", str(scratch), "--out", str(out)]
    measured = []

    def measure(layouts, group, *given, plain=loading.measure):
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append(group)
        return plain(layouts, group, *given)

    with monkeypatch.context() as patched:
        patched.setattr(loading, "measure", measure)
        with pytest.raises(KeyboardInterrupt):
            loading.main(words)
    half = json.loads(out.read_text())["points"]
    assert {(point["storage"], point["workers"]) for point in half} == set(measured)

    assert loading.main(words) == 0
    content = json.loads(out.read_text())
    points = content["points"]
    assert points[: len(half)] == half
    assert {"command", "date", "machine", "device", "commit", "versions", "batch_size"} <= content.keys()
    assert {(point["storage"], point["workers"]) for point in points} == {
        (storage, workers) for storage in loading.STORAGES for workers in (0, 1)
    }
    for point in points:
        assert set(point) == {"layout", "storage", "workers", "pairs_per_s", "ratio_to_hdf5"}
        assert point["pairs_per_s"] > 0
        assert point["layout"] != "hdf5" or point["ratio_to_hdf5"] == 1

    monkeypatch.setattr(loading, "measure", lambda *_: pytest.fail("all points stand already"))
    assert loading.main(words) == 0
    assert json.loads(out.read_text()) == content


def test_no_time_to_measure_in(capsys):
    with pytest.raises(SystemExit):
        loading.main(["--seconds", "0"])
    assert "--seconds: 0 is no time" in capsys.readouterr().err
