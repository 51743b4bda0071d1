"""Loaders and samplers."""

import cv2
import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from fashionvl.data.batches.loaders import EpochSampler, ShardSampler, fetching_loader

SIZES = st.integers(1, 60)


def _epoch(size: int, replicas: int, rank: int, epoch: int = 0, seed: int = 0) -> list[tuple[int, int]]:
    sampler = EpochSampler(range(size), seed, replicas, rank)  # type: ignore[arg-type]
    sampler.set_epoch(epoch)
    items = list(sampler)
    assert len(items) == len(sampler)
    return items


@given(size=SIZES, replicas=st.integers(1, 7), with_epoch=st.booleans())
def test_shards_hold_every_item_once_and_in_order(size: int, replicas: int, with_epoch: bool) -> None:
    shards = []
    for rank in range(replicas):
        sampler = ShardSampler(range(size), replicas, rank, with_epoch)  # type: ignore[arg-type]
        items = list(sampler)
        assert len(items) == len(sampler)
        shards.append([position for _, position in items] if with_epoch else items)
    assert sorted(item for shard in shards for item in shard) == list(range(size))
    assert all(shard == sorted(shard) for shard in shards)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@given(size=SIZES, replicas=st.integers(1, 5), epoch=st.integers(0, 9), seed=st.integers(0, 99))
def test_an_epoch_shows_no_item_twice_and_as_many_to_every_process(
    size: int, replicas: int, epoch: int, seed: int
) -> None:
    shards = [_epoch(size, replicas, rank, epoch, seed) for rank in range(replicas)]
    assert {len(shard) for shard in shards} == {size // replicas}
    keys = [key for shard in shards for key in shard]
    assert {shown for shown, _ in keys} <= {epoch}
    positions = [position for _, position in keys]
    assert len(set(positions)) == len(positions)
    assert set(positions) <= set(range(size))


@given(size=st.integers(8, 80), batch=st.integers(1, 4), epoch=st.integers(0, 9), seed=st.integers(0, 99))
def test_a_global_batch_is_the_same_set_on_one_process_and_on_two(
    size: int, batch: int, epoch: int, seed: int
) -> None:
    alone = _epoch(size, 1, 0, epoch, seed)
    first, second = (_epoch(size, 2, rank, epoch, seed) for rank in (0, 1))
    for step in range(len(first) // batch):
        here = slice(step * batch, (step + 1) * batch)
        whole = alone[step * 2 * batch : (step + 1) * 2 * batch]
        assert set(first[here]) | set(second[here]) == set(whole)


def test_every_epoch_and_every_seed_has_its_own_order() -> None:
    orders = {
        (seed, epoch): [position for _, position in _epoch(50, 1, 0, epoch, seed)]
        for seed in (0, 1)
        for epoch in (0, 1, 2)
    }
    assert all(sorted(order) == list(range(50)) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == len(orders)
    assert orders[0, 0] == [position for _, position in _epoch(50, 1, 0)]


@given(size=SIZES, replicas=st.integers(1, 3), epoch=st.integers(0, 5), data=st.data(), named=st.booleans())
def test_a_restored_place_goes_on_in_the_same_order(
    size: int, replicas: int, epoch: int, data: st.DataObject, named: bool
) -> None:
    rank = data.draw(st.integers(0, replicas - 1))
    sampler, again = (EpochSampler(range(size), 0, replicas, rank) for _ in range(2))  # type: ignore[arg-type]
    sampler.set_epoch(epoch)
    items = iter(sampler)
    for _ in range(data.draw(st.integers(0, size // replicas))):
        next(items)
    again.load_state_dict(sampler.state_dict())
    if named:
        again.set_epoch(epoch)
    assert list(again) == list(items)
    assert list(again) == _epoch(size, replicas, rank, epoch)


def test_a_place_in_another_epoch_is_forgotten() -> None:
    sampler = EpochSampler(range(9), 0, 1, 0)  # type: ignore[arg-type]
    sampler.load_state_dict({"epoch": 0, "yielded": 9})
    sampler.set_epoch(1)
    assert list(sampler) == _epoch(9, 1, 0, 1)


class Threads(Dataset[tuple[int, int]]):
    """Threads of torch and OpenCV where an item is fetched, once OpenCV has had reason to use them."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, position: int) -> tuple[int, int]:
        cv2.resize(np.zeros((2000, 2000, 3), np.uint8), (1500, 1500))
        return torch.get_num_threads(), cv2.getNumThreads()


def test_a_loading_process_keeps_to_one_thread_whatever_its_parent_does() -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(4)
        Threads()[0]
        loader = fetching_loader(Threads(), workers=1, prefetch=3, batch_size=None)
        assert list(loader) == [(1, 1)] * 2
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(before)
