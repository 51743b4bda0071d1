"""The contrastive losses: values by hand, identities, gradients, and that they can be descended."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.objectives.contrastive import ContrastiveLoss, Hinge, InfoNCE

SIMILARITY = torch.tensor([[0.5, 0.4, 0.1], [0.6, 0.3, 0.2], [0.0, 0.25, 0.9]], dtype=torch.float64)
OWN = torch.eye(3, dtype=torch.bool)
TWINS = OWN | torch.tensor([[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.bool)  # pairs 0 and 1: one product


def value(loss: ContrastiveLoss, same: Tensor = OWN) -> float:
    return loss(SIMILARITY, same).item()


def test_hinges_by_hand() -> None:
    # Rows: image 0 pays 0.1 for text 1; image 1 pays 0.5 and 0.1; image 2 nothing. Columns: text 0 pays 0.3
    # for image 1; text 1 pays 0.3 for image 0 and 0.15 for image 2; text 2 nothing.
    assert value(Hinge(0.2)) == pytest.approx(0.1 + 0.5 + 0.1 + 0.3 + 0.3 + 0.15)
    assert value(Hinge(0.2, hardest=True)) == pytest.approx(0.1 + 0.5 + 0.3 + 0.3)
    assert value(Hinge(0.05)) == pytest.approx(0.35 + 0.15 + 0.15)


def test_hinges_take_the_same_product_as_negative_unless_told_to_ignore_it() -> None:
    for hardest in (False, True):
        assert value(Hinge(hardest=hardest), TWINS) == value(Hinge(hardest=hardest))
    assert value(Hinge(same_product="ignore"), TWINS) == pytest.approx(0.1 + 0.15)
    assert value(Hinge(hardest=True, same_product="ignore"), TWINS) == pytest.approx(0.1 + 0.15)


def test_hinge_gradients_by_hand() -> None:
    similarity = SIMILARITY.clone().requires_grad_()
    Hinge(0.2, hardest=True)(similarity, OWN).backward()
    # Costly pairs: (0, 1) for its image and its text, (1, 0) likewise; each also pulls at an own pair.
    expected = torch.tensor([[-2, 2, 0], [2, -2, 0], [0, 0, 0]], dtype=torch.float64)
    assert torch.equal(similarity.grad, expected)


def chances(scores: list[float]) -> list[float]:
    total = sum(math.exp(score) for score in scores)
    return [math.exp(score) / total for score in scores]


def test_infonce_by_hand() -> None:
    similarity = torch.tensor([[0.2, 0.1], [0.0, 0.3]])
    same = torch.ones(2, 2, dtype=torch.bool)
    rows, columns = (chances([2, 1]), chances([0, 3])), (chances([2, 0]), chances([1, 3]))
    own = [rows[0][0], rows[1][1], columns[0][0], columns[1][1]]
    other = [rows[0][1], rows[1][0], columns[0][1], columns[1][0]]
    negative = -sum(math.log(chance) for chance in own) / 4
    shared = -sum(math.log(chance) / 2 for chance in own + other) / 4
    for name, expected in (("negative", negative), ("share", shared), ("ignore", 0.0)):
        loss = InfoNCE(0.1, same_product=name)
        assert loss(similarity, same).item() == pytest.approx(expected, abs=1e-6), name
        assert loss(similarity, same & torch.eye(2, dtype=torch.bool)).item() == pytest.approx(negative)


def test_infonce_ignores_in_the_denominator() -> None:
    logits = SIMILARITY / 0.5
    left = [[0, 2], [1, 2], [0, 1, 2]]  # of both rows and columns: TWINS is symmetric
    costs = []
    for matrix in (logits, logits.T):
        for row, kept in enumerate(left):
            costs.append(math.log(sum(math.exp(matrix[row, k]) for k in kept)) - matrix[row, row].item())
    assert value(InfoNCE(0.5, same_product="ignore"), TWINS) == pytest.approx(sum(costs) / 6, rel=1e-6)


@settings(deadline=None)
@given(seed=st.integers(0, 999), batch=st.integers(1, 9), temperature=st.floats(0.01, 2))
def test_infonce_is_torchs_cross_entropy_both_ways(seed: int, batch: int, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    similarity = torch.rand(batch, batch, generator=generator, dtype=torch.float64)
    own = torch.arange(batch)
    logits = similarity / temperature
    expected = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
    same = torch.rand(batch, batch, generator=generator) > 0.5
    actual = InfoNCE(temperature, same_product="negative")(similarity, same | torch.eye(batch).bool())
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
    alone = torch.eye(batch, dtype=torch.bool)
    for name in ("ignore", "share"):
        torch.testing.assert_close(InfoNCE(temperature, same_product=name)(similarity, alone), actual)


LOSSES = {
    "sum": Hinge(),
    "hardest": Hinge(hardest=True),
    "ignore": Hinge(hardest=True, same_product="ignore"),
    "infonce_negative": InfoNCE(same_product="negative"),
    "infonce_ignore": InfoNCE(same_product="ignore"),
    "infonce_share": InfoNCE(),
    "infonce_fixed": InfoNCE(learned=False),
}


@pytest.mark.parametrize("name", LOSSES)
@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), batch=st.integers(1, 6))
def test_gradients_are_right_and_directions_are_symmetric(name: str, seed: int, batch: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    products = torch.randint(0, 3, (batch,), generator=generator)
    same = products[:, None] == products
    similarity = torch.randn(batch, batch, generator=generator, dtype=torch.float64, requires_grad=True)
    loss = LOSSES[name]
    assert loss(similarity, same) >= 0
    torch.testing.assert_close(loss(similarity, same), loss(similarity.T, same))
    assert torch.autograd.gradcheck(lambda matrix: loss(matrix, same), similarity, eps=1e-7, atol=1e-5)


def test_collapse_costs_what_the_docstrings_say() -> None:
    flat, own = torch.full((5, 5), 0.7), torch.eye(5, dtype=torch.bool)
    assert Hinge(0.2, hardest=True)(flat, own).item() == pytest.approx(2 * 5 * 0.2)
    assert Hinge(0.2)(flat, own).item() == pytest.approx(2 * 5 * 4 * 0.2)
    assert InfoNCE()(flat, own).item() == pytest.approx(math.log(5))


@pytest.mark.parametrize("name", LOSSES)
def test_a_hundred_steps_pull_the_right_pairs_together(name: str) -> None:
    torch.manual_seed(0)
    loss = LOSSES[name]
    same = torch.eye(6, dtype=torch.bool)
    same[0, 1] = same[1, 0] = True
    images, texts = nn.Parameter(torch.randn(6, 8)), nn.Parameter(torch.randn(6, 8))
    optimizer = torch.optim.Adam([images, texts], lr=0.05)
    for _ in range(100):
        similarity = F.normalize(images, dim=1) @ F.normalize(texts, dim=1).T
        optimizer.zero_grad()
        loss(similarity, same).backward()
        optimizer.step()
    # Where one product's pairs share or ignore each other, either of the two may be nearest.
    assert same[torch.arange(6), similarity.argmax(1)].all()
    assert same[similarity.argmax(0), torch.arange(6)].all()


def test_half_precision_is_computed_in_float32_and_double_stays() -> None:
    for loss in LOSSES.values():
        half = loss(SIMILARITY.bfloat16(), TWINS)
        assert half.dtype == torch.float32
        assert half == loss(SIMILARITY.bfloat16().float(), TWINS)
        assert loss(SIMILARITY, TWINS).dtype == torch.float64


def test_the_temperature_is_learned_and_kept_from_vanishing() -> None:
    loss = InfoNCE(0.02)
    # Every pair is right by far: a larger factor lowers the loss without end.
    similarity = torch.eye(4) * 0.2
    optimizer = torch.optim.SGD(loss.parameters(), lr=1e4)
    for _ in range(3):
        optimizer.zero_grad()
        loss(similarity, torch.eye(4, dtype=torch.bool)).backward()
        optimizer.step()
    assert loss.temperature < 0.01
    sharpest = F.cross_entropy(similarity * 100, torch.arange(4))
    torch.testing.assert_close(loss(similarity, torch.eye(4, dtype=torch.bool)), sharpest)
    assert loss.temperature == pytest.approx(0.01)
    fixed = InfoNCE(0.02, learned=False)
    assert list(fixed.parameters()) == []
    fixed.load_state_dict(InfoNCE(0.5).state_dict())
    assert fixed.temperature == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Hinge(margin=0.0), r"loss.margin: 0.0 must be positive and finite"),
        (lambda: Hinge(margin=math.nan), r"loss.margin: nan must be positive"),
        (lambda: Hinge(same_product="share"), r"loss.same_product: 'share' is neither negative nor ignore"),
        (lambda: InfoNCE(temperature=0.001), r"loss.temperature: 0.001 must be finite and at least 0.01"),
        (lambda: InfoNCE(temperature=math.inf), r"loss.temperature: inf must be finite"),
        (lambda: InfoNCE(same_product="none"), r"loss.same_product: 'none' is none of negative, ignore"),
    ],
)
def test_values_out_of_range_are_named(build, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()


@pytest.mark.parametrize(("shape", "same"), [((2, 3), (2, 3)), ((2, 2), (3, 3))])
def test_matrices_that_do_not_fit_are_refused(shape: tuple[int, int], same: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"both have to be \[B, B\]"):
        Hinge()(torch.zeros(shape), torch.zeros(same, dtype=torch.bool))


def test_all_hinges_come_first_and_the_count_survives_a_checkpoint() -> None:
    torch.manual_seed(0)
    similarity, same = torch.randn(5, 5), torch.eye(5, dtype=torch.bool)
    both, hardest = Hinge()(similarity, same), Hinge(hardest=True)(similarity, same)
    loss = Hinge(hardest=True, sum_batches=2)
    assert float(loss(similarity, same)) == float(both)
    continued = Hinge(hardest=True, sum_batches=2)
    continued.load_state_dict(loss.state_dict())
    assert float(continued(similarity, same)) == float(both)
    assert float(continued(similarity, same)) == float(hardest)
    assert float(loss.eval()(similarity, same)) == float(loss(similarity, same)) == float(both)
    with pytest.raises(InputError, match=r"loss\.sum_batches: -1"):
        Hinge(sum_batches=-1)
