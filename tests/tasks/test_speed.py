"""Every fast path gives the plain path's numbers, and can be switched off."""

from collections.abc import Callable
from functools import partialmethod
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from fashionvl.data.records import PairBatch
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.blocks.transformer import BertEncoder, activate
from fashionvl.models.mvlt import MVLT
from fashionvl.objectives.matching import ITM
from fashionvl.objectives.reconstruction import MIR
from fashionvl.tasks import MVLTPretraining, Recognition
from fashionvl.tasks.speed import Speed

Draw = Callable[..., PairBatch]
PLAIN = Speed(needed_only=False, fused_attention=False)


def _twin(network: MVLT) -> MVLT:
    twin = MVLT(**network.config)  # type: ignore[attr-defined]
    twin.load_state_dict(network.state_dict())
    return twin


def _learnt(task: MVLTPretraining, batch: PairBatch, masked: bool) -> dict[str, Tensor]:
    """Losses, and every gradient."""
    losses, scores = task.view_losses(batch, masked)
    task.total(losses).backward()
    gradients = {name: p.grad for name, p in task.network.named_parameters() if p.grad is not None}
    return {**losses, **scores, **gradients}


def _located(batch: PairBatch) -> PairBatch:
    assert batch.mlm_labels is not None
    batch.masked_positions = (batch.mlm_labels.flatten() != IGNORED_LABEL).nonzero()[:, 0]
    return batch


@pytest.mark.parametrize(
    "speed",
    [
        Speed(),
        Speed(channels_last=True),
        Speed(fused_attention=False),
        Speed(needed_only=False),
        Speed(recompute=True),
    ],
    ids=["default", "channels_last", "written_out", "every_state", "recomputed"],
)
@pytest.mark.parametrize(
    "arguments",
    [{}, {"mir": None}, {"mir": None, "mlm": None}, {"on_negatives": False}, {"itm": ITM(text="whole")}],
)
def test_losses_and_gradients_are_the_plain_ones(
    network: MVLT, draw_pairs: Draw, speed: Speed, arguments: dict[str, Any]
) -> None:
    plain = _learnt(MVLTPretraining(_twin(network), speed=PLAIN, **arguments), draw_pairs([1, 0, 1]), True)
    fast = _learnt(
        MVLTPretraining(_twin(network), speed=speed, **arguments), _located(draw_pairs([1, 0, 1])), True
    )
    for name, value in fast.items():
        torch.testing.assert_close(
            value, plain[name], atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
        )
    # The plain way also has gradients where a state was computed for nothing; they are zero.
    assert all(float(plain[name].abs().max()) == 0 for name in plain.keys() - fast.keys())


def test_clean_steps_without_reconstruction_leave_the_last_map_out(network: MVLT, draw_pairs: Draw) -> None:
    seen: list[Any] = []
    task = MVLTPretraining(network, views="alternate", mir=MIR(on_clean=False))
    encode = network.encode
    network.encode = lambda *inputs: seen.append(encode(*inputs)) or seen[-1]  # type: ignore[method-assign, func-returns-value, assignment]
    task.view_losses(draw_pairs([1, 0]), masked=False)
    task.view_losses(draw_pairs([1, 0]), masked=True)
    assert [len(encoded.visual) for encoded in seen] == [3, 4]
    assert [encoded.text.shape[1] for encoded in seen] == [6, 6]


def test_activations_in_place_are_the_same_to_the_bit(network: MVLT, draw_pairs: Draw) -> None:
    network.eval()
    found = []
    for in_place in (True, False):
        Speed(in_place=in_place).apply(network)
        assert all(block.in_place is in_place for block in network.regions()[:-1])
        with torch.no_grad():
            found.append(network.match(draw_pairs([1, 0])))
    assert torch.equal(*found)
    hidden = torch.randn(3, 4)
    with torch.no_grad():
        written = activate(hidden.clone(), "gelu_new", in_place=True)
    torch.testing.assert_close(written, activate(hidden, "gelu_new"))
    assert torch.equal(activate(hidden.requires_grad_(), "gelu", in_place=True), activate(hidden, "gelu"))


@pytest.mark.parametrize("what", ["match", "recognise"])
def test_scores_need_the_last_cls_alone(network: MVLT, draw_pairs: Draw, what: str) -> None:
    network.eval()
    batch, widths = draw_pairs([1, 0]), []
    network.encoder.levels[-1].blocks[-1].register_forward_hook(
        lambda module, inputs, output: widths.append(output.shape[1])
    )
    with torch.no_grad():
        fast = getattr(network, what)(batch)
        Speed(needed_only=False).apply(network)
        plain = getattr(network, what)(batch)
    assert widths == [1, 4 + 6]
    torch.testing.assert_close(fast, plain)


def test_a_step_never_waits_for_the_device(network: MVLT, draw_pairs: Draw) -> None:
    """Shapes that hang on values, and values read by the host, are what a GPU has to be waited for."""
    batch = _located(draw_pairs([1, 0, 1]))
    task = MVLTPretraining(network.train())
    with FakeTensorMode(allow_non_fake_inputs=True) as fake:
        batch = batch._map(fake.from_tensor)
        losses, _ = task.view_losses(batch, masked=True)
        task.total(losses).backward()
    batch = draw_pairs([1, 0, 1])
    with (
        FakeTensorMode(allow_non_fake_inputs=True) as fake,
        pytest.raises(Exception, match="nonzero"),
    ):
        task.view_losses(batch._map(fake.from_tensor), masked=True)


def test_recognition_and_kernels_follow_the_choice(network: MVLT) -> None:
    task = Recognition(network, speed=PLAIN)
    assert not network.needed_only
    assert not any(module.fused for module in task.modules() if hasattr(module, "fused"))
    encoder = BertEncoder(1, 8, 2, 16)
    Speed(fused_attention=False).apply(encoder)
    assert [module.fused for module in encoder.modules() if hasattr(module, "fused")] == [False]


def test_compiled_losses_are_the_plain_ones(
    network: MVLT, draw_pairs: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Traced and differentiated as ever; only the code generator, which takes a minute, is left out.
    compile_ = partialmethod(nn.Module.compile, backend="aot_eager")
    monkeypatch.setattr(nn.Module, "compile", compile_)
    compiled = MVLTPretraining(_twin(network), speed=Speed(compile=True))
    plain = MVLTPretraining(_twin(network))
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    one, other = (_learnt(task, _located(draw_pairs([1, 0])), masked=True) for task in (compiled, plain))
    assert all(region._compiled_call_impl is not None for region in compiled.network.regions())
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], atol=1e-5, rtol=1e-4)
