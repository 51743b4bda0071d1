"""The seven losses together: what is on, on which pairs, and that they are learnt."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.records import KaleidoTargets, PairBatch, Patches, RetrievalBatch
from fashionvl.errors import InputError
from fashionvl.masking.alignment import AlignmentGuidedMask
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.objectives.kaleido import Grey
from fashionvl.objectives.matching import ITM, itm_loss
from fashionvl.tasks import KaleidoPretraining

WIDTH, WORDS = 12, 40
OFF = dict.fromkeys(("mlm", "rotation", "jigsaw", "camouflage", "grey", "blank"))
LOSSES = ("itm", "mlm", "rotation", "jigsaw", "camouflage", "grey", "blank")


def _network(**changed: Any) -> KaleidoBERT:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "vocab_size": WORDS, "hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32,
        "text_positions": 8, "patch_width": WIDTH, "dropout": 0.0, "attention_dropout": 0.0,
        "categories": 5, "subcategories": 7,
    }  # fmt: skip
    return KaleidoBERT(**sizes | changed)


def _pairs(matched: list[int], seed: int = 0) -> PairBatch:
    rng = torch.Generator().manual_seed(seed)
    size = len(matched)
    ids = torch.randint(5, WORDS, (size, 6), generator=rng)
    labels = torch.full((size, 6), -100)
    labels[:, 2] = ids[:, 2]
    ids[:, 2] = 4

    def draw(high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=rng)

    targets = KaleidoTargets(
        rotation=draw(4, size),
        jigsaw=draw(24, size),
        camouflage=draw(9, size),
        grey=torch.tensor([[0, 5]]).repeat(size, 1),
        grey_target=torch.randn(size, 2, WIDTH, generator=rng).half(),
        blank=torch.tensor([[1, 2, 3]]).repeat(size, 1),
    )
    features = torch.randn(size, 55, WIDTH, generator=rng).half()
    return PairBatch(
        pixel_values=torch.empty(size, 0),
        input_ids=ids,
        attention_mask=torch.ones(size, 6, dtype=torch.int64),
        image_mask=None,
        mlm_labels=labels,
        itm_labels=torch.tensor(matched),
        category=torch.arange(size) % 5,
        subcategory=torch.arange(size) % 7,
        product_id=torch.arange(size),
        rows=torch.arange(size),
        patches=Patches(features, torch.rand(size, 55, 5, generator=rng)),
        kaleido=targets,
    )


def test_every_loss_is_there_and_the_total_is_their_plain_sum() -> None:
    task = KaleidoPretraining(_network())
    losses, scores = task.losses(_pairs([1, 0, 1]), None)
    assert tuple(losses) == LOSSES
    assert set(scores) == {f"{name}_accuracy" for name in ("itm", "mlm", "rotation", "jigsaw", "camouflage")}
    total = task.total(losses)
    assert float(total) == pytest.approx(float(torch.stack(list(losses.values())).sum()))


@pytest.mark.parametrize("off", LOSSES)
def test_null_switches_a_loss_and_its_corruption_off(off: str) -> None:
    task = KaleidoPretraining(_network(), **{off: None})
    losses, _ = task.losses(_pairs([1, 0, 1]), None)
    assert tuple(losses) == tuple(name for name in LOSSES if name != off)
    patches = task.corruption.patches
    assert patches is not None
    asked = {
        "rotation": patches.rotation, "jigsaw": patches.jigsaw, "camouflage": patches.camouflage,
        "grey": patches.grey > 0, "blank": patches.blank > 0, "mlm": patches.masking.ratio > 0,
        "itm": task.corruption.pairing is not None,
    }  # fmt: skip
    assert asked == {name: name != off for name in asked}
    assert [test.name for test in task.tests] == ([] if off == "itm" else ["tir", "itr"])


@pytest.mark.parametrize("off", LOSSES)
def test_every_weight_that_learns_gets_a_gradient(off: str) -> None:
    """DDP waits for one of each; recognition heads and heads without a loss rest."""
    task = KaleidoPretraining(_network(), **{off: None})
    losses, _ = task.losses(_pairs([1, 0, 1]), None)
    task.total(losses).backward()
    without = [name for name, w in task.named_parameters() if w.requires_grad and w.grad is None]
    assert without == []


def test_nothing_on_is_refused() -> None:
    with pytest.raises(InputError, match="all null"):
        KaleidoPretraining(_network(), itm=None, **OFF)


def test_mismatched_pairs_teach_matching_only_when_told_so() -> None:
    batch = _pairs([1, 0, 1, 0])
    everywhere = KaleidoPretraining(_network()).losses(batch, None)[0]
    task = KaleidoPretraining(_network(), on_negatives=False)
    some, alone = task.losses(batch, None)[0], task.losses(batch[torch.tensor([0, 2])], None)[0]
    assert float(some["itm"]) == pytest.approx(float(everywhere["itm"]))
    for name in LOSSES[1:]:
        assert float(some[name]) == pytest.approx(float(alone[name]), rel=1e-4)
        assert float(some[name]) != pytest.approx(float(everywhere[name]), rel=1e-4)


def test_a_batch_without_matched_pairs_has_a_loss() -> None:
    task = KaleidoPretraining(_network(), on_negatives=False)
    losses, _ = task.losses(_pairs([0, 0]), None)
    assert all(float(losses[name]) == 0 for name in LOSSES[1:])
    task.total(losses).backward()


@pytest.mark.parametrize("itm", ["softmax", "sigmoid"])
def test_the_seven_tasks_are_learnt_together(itm: str) -> None:
    task = KaleidoPretraining(_network(itm=itm), grey=Grey(target="joint"))
    batch = _pairs([1, 0, 1, 0, 1, 0])
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-2)
    first: dict[str, float] = {}
    for _ in range(120):
        losses, scores = task.losses(batch, None)
        first = first or {name: float(loss) for name, loss in losses.items()}
        optimizer.zero_grad()
        task.total(losses).backward()
        optimizer.step()
    assert all(float(losses[name]) < first[name] for name in LOSSES)
    assert all(float(score) == 1 for score in scores.values())


@pytest.mark.parametrize("off", ["blank", "grey"])
def test_whole_captions_are_matched_beside_the_same_patches(off: str) -> None:
    network, batch = _network(initializer_range=0.5), _pairs([1, 0, 1])
    options: dict[str, Any] = {off: None}
    assert batch.kaleido is not None
    setattr(batch.kaleido, off, None)
    masked = KaleidoPretraining(network, **options).losses(batch, None)[0]
    task = KaleidoPretraining(network, itm=ITM(text="whole"), **options)
    whole = task.losses(batch, None)[0]
    assert batch.mlm_labels is not None
    assert batch.patches is not None
    ids = batch.input_ids.clone()
    ids[:, 2] = batch.mlm_labels[:, 2]
    encoded = network.encode(ids, batch.attention_mask, batch.patches, blank=batch.kaleido.blank)
    torch.testing.assert_close(whole["itm"], itm_loss(network.itm_logits(encoded.pooled), batch.itm_labels))
    assert abs(float(whole["itm"] - masked["itm"])) > 1e-5
    assert all(torch.equal(whole[name], masked[name]) for name in masked if name != "itm")
    task.total(whole).backward()
    assert [name for name, w in task.named_parameters() if w.requires_grad and w.grad is None] == []


class Colours(nn.Module):
    """A backbone that knows the mean of each channel, four times over."""

    width = WIDTH

    def forward(self, pixel_values: Tensor) -> Tensor:
        return pixel_values.mean((2, 3)).repeat(1, WIDTH // 3)


def test_crops_cut_online_become_features_and_targets() -> None:
    batch = _pairs([1, 1])
    crops = torch.randint(256, (2, 55, 3, 4, 4), dtype=torch.uint8)
    extra = torch.randint(256, (2, 2, 3, 4, 4), dtype=torch.uint8)
    online = _pairs([1, 1])
    assert online.patches is not None
    assert online.kaleido is not None
    online.patches.features, online.kaleido.grey_target = crops, extra
    task = KaleidoPretraining(_network(), backbone=Colours())  # type: ignore[arg-type]
    patches, targets = task.with_features(online)
    expected = (crops.float() / 255).mean((3, 4)).repeat(1, 1, WIDTH // 3)
    torch.testing.assert_close(patches.features, expected)
    torch.testing.assert_close(targets.grey_target, (extra.float() / 255).mean((3, 4)).repeat(1, 1, 4))
    assert batch.patches is not None
    batch.patches.features, batch.kaleido.grey_target = expected, targets.grey_target  # type: ignore[union-attr]
    for itm in (ITM(), ITM(text="whole")):
        task = KaleidoPretraining(_network(), itm=itm, backbone=Colours())  # type: ignore[arg-type]
        cached = KaleidoPretraining(_network(), itm=itm).losses(batch, None)[0]
        for name, loss in task.losses(_with(online, crops, extra), None)[0].items():
            torch.testing.assert_close(loss, cached[name])


def _with(batch: PairBatch, crops: Tensor, extra: Tensor) -> PairBatch:
    assert batch.patches is not None
    assert batch.kaleido is not None
    batch.patches.features, batch.kaleido.grey_target = crops, extra
    return batch


def test_pixels_are_refused() -> None:
    batch = _pairs([1])
    batch.patches = None
    with pytest.raises(InputError, match=r"data\.init_args\.kaleido"):
        KaleidoPretraining(_network()).losses(batch, None)


def test_candidates_are_ranked_by_the_match_score() -> None:
    task = KaleidoPretraining(_network()).eval()
    batch = _pairs([1] * 6)
    lists = RetrievalBatch(
        query_ids=torch.arange(2),
        positive=torch.tensor([0, 1]),
        pixel_values=batch.pixel_values,
        input_ids=batch.input_ids[:2],
        attention_mask=batch.attention_mask[:2],
        image_of_pair=torch.tensor([[0, 1, 2], [3, 4, 5]]),
        text_of_pair=torch.tensor([[0, 0, 0], [1, 1, 1]]),
        patches=batch.patches,
    )
    with torch.no_grad():
        task.test_step(lists, 0)
        expected = task.network.match(lists.pairs(slice(0, 6))).view(2, 3)
    found = task.tests[0].ranks.per_query()
    better = (expected > expected.gather(1, lists.positive[:, None])).sum(1) + 1
    assert torch.as_tensor(found["rank"]).long().tolist() == better.tolist()


def test_masking_without_words_keeps_its_mode() -> None:
    task = KaleidoPretraining(_network(), mlm=None, masking=AlignmentGuidedMask(mode="random"))
    assert task.corruption == Corruption(
        pairing=ITM().pairing, patches=task.corruption.patches, text=None, image=None
    )
    assert task.corruption.patches is not None
    assert task.corruption.patches.masking == AlignmentGuidedMask(mode="random", ratio=0.0)
