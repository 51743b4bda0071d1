"""Kaleido-BERT's plans compute the same thing, and what they are held against is counted right."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from benchmarks.kaleido_pairs import draw, from_cache, online
from benchmarks.released.kaleido import released_losses
from benchmarks.setting import Setting
from benchmarks.works.kaleido_step import build, flops_of_pair, ours, small_or_base
from fashionvl.data.records import PairBatch
from fashionvl.errors import InputError
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.tasks import KaleidoPretraining

STAGES = ["data", "forward", "backward", "optimiser"]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(torch.device("cpu"), "tiny", tmp_path_factory.mktemp("benchmarks"))


def asking(setting: Setting, **options: None) -> tuple[KaleidoPretraining, PairBatch]:
    """A task without dropout, and pairs of which one is padded and asked for fewer words."""
    torch.manual_seed(1)
    task = KaleidoPretraining(small_or_base(setting), **options).eval()
    batch = draw(6, task.network, length=16)
    assert batch.mlm_labels is not None
    batch.attention_mask[1, 9:] = 0
    batch.mlm_labels[1, 4:] = IGNORED_LABEL
    batch.masked_positions = None
    return task, batch


def test_the_released_plan_and_ours_have_the_same_losses(setting: Setting) -> None:
    task, batch = asking(setting)
    released, ours = released_losses(task, batch), task.losses(batch, None)[0]
    assert released.keys() == ours.keys() == task.weights.keys()
    for name, loss in released.items():
        assert loss.item() == pytest.approx(ours[name].item(), abs=1e-5), name


def test_the_released_plan_and_ours_have_the_same_gradients(setting: Setting) -> None:
    task, batch = asking(setting)
    task.total(released_losses(task, batch)).backward()
    released = {name: weight.grad for name, weight in task.named_parameters() if weight.requires_grad}
    task.zero_grad()
    task.total(task.losses(batch, None)[0]).backward()
    for name, weight in task.named_parameters():
        if weight.requires_grad:
            torch.testing.assert_close(weight.grad, released[name], atol=1e-5, rtol=1e-3, msg=name)


def test_the_released_plan_wants_every_loss(setting: Setting) -> None:
    task, batch = asking(setting, grey=None)
    with pytest.raises(InputError, match="all seven losses"):
        released_losses(task, batch)


def test_every_plan_makes_a_step_in_four_stages(setting: Setting) -> None:
    for work in build(setting):
        assert work.flops
        assert work.flops > 0
        for plan in work.plans:
            marks: list[str] = []
            assert plan.run(marks.append) == 2, plan.name
            assert marks == STAGES, plan.name


def test_a_step_changes_the_weights_and_leaves_no_gradients(setting: Setting) -> None:
    task, batch = asking(setting)
    before = task.network.pooler.weight.detach().clone()
    ours(task, iter([batch]), setting)(lambda stage: None)
    assert not torch.equal(before, task.network.pooler.weight)
    assert all(weight.grad is None for weight in task.parameters())


def test_the_flops_of_bert_base_are_those_of_the_formula() -> None:
    full = Setting(torch.device("cpu"), "full", Path("unused"))
    width, wide, states, layers, vocabulary = 768, 3072, 64 + 55, 12, 30522
    encoder = layers * (2 * states * (4 * width**2 + 2 * width * wide) + 4 * states**2 * width)
    words = 10 * 2 * (width**2 + width * vocabulary)
    patches = 55 * 2 * 2048 * width + 5 * 2 * width * 2048
    counted = flops_of_pair(KaleidoPretraining(small_or_base(full)), full)
    # A backward pass is two products for each of the forward's.
    assert counted == pytest.approx(3 * (encoder + words + patches), rel=0.02)


def test_the_cache_gives_features_epoch_after_epoch(setting: Setting) -> None:
    corruption = KaleidoPretraining(small_or_base(setting)).corruption
    batches = list(islice(from_cache(setting, corruption, 40, width=16), 12))
    for batch in batches:
        assert batch.patches is not None
        assert batch.kaleido is not None
        assert batch.patches.features.shape == (40, 55, 16)
        assert batch.patches.features.dtype == torch.float16
        assert batch.input_ids.shape == (40, 16)
        assert batch.kaleido.blank is not None
    seen = torch.cat([batch.rows for batch in batches])
    assert len(seen) > len(seen.unique()), "twelve batches are more than an epoch"


def test_online_gives_crops(setting: Setting) -> None:
    corruption = KaleidoPretraining(small_or_base(setting)).corruption
    batch = next(online(setting, corruption, 2, patch_size=16))
    assert batch.patches is not None
    assert batch.patches.features.shape == (2, 55, 3, 16, 16)
    assert batch.patches.features.dtype == torch.uint8
