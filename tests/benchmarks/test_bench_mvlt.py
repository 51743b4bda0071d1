"""MVLT's benchmarks: the counter against the published counts, released and ours to the same numbers."""

from pathlib import Path

import pytest
import torch

from benchmarks.mvlt import COUNTED, PLAIN, draw, network, released_loss, step_flops, task_loss
from benchmarks.pairs import to_device
from benchmarks.setting import Setting
from benchmarks.works import mvlt_retrieval, mvlt_step
from benchmarks.works.mvlt_retrieval import batches, released_turn, suite_turn
from fashionvl.tasks import MVLTPretraining
from fashionvl.tasks.retrieval import score_candidates

CPU = torch.device("cpu")


@pytest.fixture
def tiny(tmp_path: Path) -> Setting:
    return Setting(CPU, "tiny", tmp_path, seconds=0.0)


def test_the_counter_gives_the_papers_size_its_known_cost(tmp_path: Path) -> None:
    full = Setting(CPU, "full", tmp_path)
    assert step_flops(full, PLAIN) / 1e9 == pytest.approx(50.4, abs=0.05)
    assert step_flops(full, COUNTED) / 1e9 == pytest.approx(34.2, abs=0.05)
    assert mvlt_retrieval.flops(full, PLAIN) / 1e9 == pytest.approx(16.8, abs=0.05)
    # Of the encoder's 8.33 G, the last layer's other states are 1.08.
    assert mvlt_retrieval.flops(full, COUNTED) / 1e9 == pytest.approx(7.25, abs=0.05)


def test_the_released_plan_and_ours_have_one_loss_and_one_gradient(tiny: Setting) -> None:
    batch = to_device(draw(tiny, 3), CPU)
    plain, ours = network(tiny, PLAIN).eval(), MVLTPretraining(network(tiny).eval())
    one, other = released_loss(plain, batch), task_loss(ours, batch)
    torch.testing.assert_close(one, other)
    one.backward()
    other.backward()
    for (name, theirs), own in zip(plain.named_parameters(), ours.network.parameters(), strict=True):
        if own.requires_grad:
            assert theirs.grad is not None
            assert own.grad is not None, name
            torch.testing.assert_close(own.grad, theirs.grad, atol=1e-5, rtol=1e-3)


def test_the_released_plan_and_ours_rank_alike(tiny: Setting) -> None:
    plain, ours = network(tiny, PLAIN).eval(), network(tiny).eval()
    for queries in batches(tiny, 1, 5):
        queries.pixel_values = queries.pixel_values.float() / 255
        with torch.no_grad():
            found = score_candidates(ours, queries, 3)
            pairs = queries.pairs(slice(None))
            released = plain(pairs.pixel_values, pairs.input_ids)["itm_logits"].softmax(-1)[:, 0, 1]
        torch.testing.assert_close(found.sigmoid()[0], released)
    assert released_turn(plain, batches(tiny, 1, 5), lambda stage: None) == 10
    assert suite_turn(ours, batches(tiny, 1, 5), "fp32", lambda stage: None) == 10


@pytest.mark.parametrize("work", [mvlt_step, mvlt_retrieval])
def test_every_plan_runs_and_marks_its_stages(tiny: Setting, work) -> None:
    for one in work.build(tiny)[:1]:
        names = [plan.name for plan in one.plans if plan.name != "frugal"]
        assert names == ["released", "ours", "best"]
        counts = []
        for plan in one.plans:
            stages: list[str] = []
            counts.append(plan.run(stages.append))
            assert stages[:2] == ["data", "forward"]
        assert len(set(counts)) == 1
        assert one.flops < one.released_flops


def test_a_step_is_fed_by_the_real_loader(tiny: Setting) -> None:
    work = mvlt_step.build(tiny)[1]
    assert [plan.name for plan in work.plans] == ["in memory", "fed"]
    assert [plan.run(lambda stage: None) for plan in work.plans] == [2, 2]


def test_pairs_are_drawn_as_the_papers_have_them(tiny: Setting) -> None:
    batch = draw(tiny, 4)
    assert batch.pixel_values.dtype == torch.uint8
    assert ((batch.mlm_labels != -100).sum(1) == 18).all()
    assert len(batch.masked_positions) == 4 * 18
    assert batch.image_mask.shape == (4, 1, 64, 64)
    assert 0.2 < batch.image_mask.float().mean() < 0.8
