"""Loading from a table and its JPEGs at tiny size: both ways give the same pairs, and are recorded."""

import itertools
import json

import pytest
import torch

from benchmarks import table_loading
from benchmarks.catalogue import compressed_catalogue, train_loader
from benchmarks.setting import Setting
from fashionvl.data.readers import open_readers


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(torch.device("cpu"), "tiny", tmp_path_factory.mktemp("scratch"), seconds=0.01)


def test_the_table_holds_the_catalogue_it_was_written_from(setting):
    drawn, written = (
        open_readers(root, cache=setting.scratch / "cache")
        for root in (compressed_catalogue(setting), table_loading.table_catalogue(setting))
    )
    for split, reader in drawn.items():
        assert vars_of(written[split]) == vars_of(reader)
        error = reader.image(3).astype(float) - written[split].image(3)
        assert abs(error).mean() < 4


def vars_of(reader):
    columns = reader.columns()
    return columns.product_id.tolist(), columns.caption, columns.category, columns.subcategory


def test_both_ways_load_the_same_pairs(setting):
    root = table_loading.table_catalogue(setting)
    one, other = (
        next(iter(train_loader(table_loading.module_of(setting, root, 16, stored))))
        for stored in (True, False)
    )
    assert torch.equal(one.rows, other.rows)
    assert torch.equal(one.pixel_values, other.pixel_values)


def test_pace_leaves_the_first_batch_out(monkeypatch):
    monkeypatch.setattr(table_loading.time, "perf_counter", itertools.count().__next__)
    monkeypatch.setattr(table_loading.time, "process_time", itertools.count(step=2).__next__)
    # The clock is read as counting begins, after each batch and at the end: three batches in four seconds.
    assert table_loading.paces([[1, 2, 3]], seconds=2.5) == (9 / 4, 9 / 2)


def test_command_writes_a_point_a_way_and_size(setting, tmp_path, capsys):
    out = tmp_path / "t.json"
    words = ["--size", "tiny", "--seconds", "0.01", "--scratch", str(setting.scratch), "--out", str(out)]
    assert table_loading.main(words) == 0
    content = json.loads(out.read_text())
    assert [(point["way"], point["image_size"]) for point in content["points"]] == [
        ("stored", 16),
        ("decoded", 16),
    ]
    assert all(point["pairs_per_cpu_s"] > 0 for point in content["points"])
    assert content["catalogue"].startswith("table-")
    assert "16 px, decoded" in capsys.readouterr().out
