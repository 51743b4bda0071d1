"""Captions written by a tiny Kaleido-BERT: with and without the cache, greedy, by beams, behind [MASK]."""

import itertools

import pytest
import torch
from torch import Tensor

from fashionvl.data.records import Patches
from fashionvl.errors import InputError
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.decoding import (
    CausalDecoding,
    Marks,
    MaskedDecoding,
    Written,
    write_causal,
    write_masked,
)

MARKS = Marks(cls=2, sep=3, pad=0, mask=4)
VOCABULARY, LENGTH, COUNT = 12, 7, 8


@pytest.fixture(scope="module")
def network() -> KaleidoBERT:
    """Weights large enough for decided, varied answers, and [SEP] likely enough to end some captions."""
    torch.manual_seed(28)
    network = KaleidoBERT(
        vocab_size=VOCABULARY,
        hidden_size=16,
        layers=2,
        heads=2,
        intermediate_size=32,
        text_positions=10,
        levels=(1, 2),
        patch_width=6,
        blank_level=2,
        categories=3,
        subcategories=3,
        initializer_range=0.5,
    ).eval()
    with torch.no_grad():
        network.language.bias[MARKS.sep] += 1.0
    return network


@pytest.fixture
def patches() -> Patches:
    generator = torch.Generator().manual_seed(1)
    return Patches(
        3 * torch.randn(COUNT, 5, 6, generator=generator), torch.rand(COUNT, 5, 5, generator=generator)
    )


def _allowed(logits: Tensor) -> Tensor:
    logits[..., [MARKS.cls, MARKS.pad, MARKS.mask]] = -torch.inf
    return logits.log_softmax(-1)


def _next_words(network: KaleidoBERT, patches: Patches, text: Tensor) -> Tensor:
    """Log-probabilities of the word behind `text`, all of it encoded anew."""
    states = network.encode(text, torch.ones_like(text), patches, causal_text=True).text
    return _allowed(network.mlm_logits(states[:, -1]).detach())


def _greedy(network: KaleidoBERT, patches: Patches) -> Written:
    """The plain way: no cache, a photograph at a time."""
    rows, scores = [], []
    for one in range(len(patches)):
        text, score = torch.tensor([[MARKS.cls]]), torch.zeros(())
        while text.shape[1] < LENGTH and text[0, -1] != MARKS.sep:
            best, word = _next_words(network, patches[one : one + 1], text).max(-1)
            text, score = torch.cat([text, word[:, None]], 1), score + best[0]
        rows.append(torch.nn.functional.pad(text[0, 1:], (0, LENGTH - text.shape[1]), value=MARKS.pad))
        scores.append(score)
    return Written(torch.stack(rows), torch.stack(scores))


def _log_probability(network: KaleidoBERT, patches: Patches, tokens: Tensor) -> Tensor:
    """Log-probability of written captions, by one pass over each whole text."""
    text = torch.cat([torch.full((len(tokens), 1), MARKS.cls), tokens[:, :-1]], 1)
    states = network.encode(text, torch.ones_like(text), patches, causal_text=True).text
    each = _allowed(network.mlm_logits(states).detach()).gather(-1, tokens[..., None])[..., 0]
    return each.masked_fill(tokens == MARKS.pad, 0).sum(1)


def test_the_cached_step_is_the_uncached_one_at_every_step(network: KaleidoBERT, patches: Patches) -> None:
    text = torch.randint(5, VOCABULARY, (COUNT, LENGTH), generator=torch.Generator().manual_seed(2))
    text[:, 0] = MARKS.cls
    with torch.no_grad():
        cache = network.read_patches(patches)
        for step in range(LENGTH):
            states, cache = network.read_text(text[:, step : step + 1], cache)
            found = _allowed(network.mlm_logits(states[:, 0]))
            torch.testing.assert_close(found, _next_words(network, patches, text[:, : step + 1]))


def test_one_beam_is_greedy(network: KaleidoBERT, patches: Patches) -> None:
    expected = _greedy(network, patches)
    found = write_causal(network, patches, MARKS, LENGTH, CausalDecoding(beams=1))
    assert found.tokens.tolist() == expected.tokens.tolist()
    torch.testing.assert_close(found.log_probability, expected.log_probability)
    # The case is worth its name only if captions end at different places.
    assert len({row.count(MARKS.pad) for row in found.tokens.tolist()}) > 1


@pytest.mark.parametrize("beams", [2, 3, 5])
def test_beams_find_captions_at_least_as_probable_as_greedy(
    network: KaleidoBERT, patches: Patches, beams: int
) -> None:
    greedy = write_causal(network, patches, MARKS, LENGTH, CausalDecoding())
    found = write_causal(network, patches, MARKS, LENGTH, CausalDecoding(beams=beams))
    assert (found.log_probability >= greedy.log_probability - 1e-5).all()
    if beams == 5:
        assert (found.log_probability > greedy.log_probability + 1e-3).any()
    torch.testing.assert_close(found.log_probability, _log_probability(network, patches, found.tokens))


def test_beams_enough_for_every_caption_find_the_best_one(network: KaleidoBERT, patches: Patches) -> None:
    words = [word for word in range(VOCABULARY) if word not in (MARKS.cls, MARKS.pad, MARKS.mask)]
    every = [
        [*(row[: row.index(MARKS.sep)] if MARKS.sep in row else row), MARKS.sep][:3]
        for row in itertools.product(words, repeat=3)
    ]
    captions = torch.tensor(
        [[*row, *[MARKS.pad] * (3 - len(row))] for row in sorted(map(list, {*map(tuple, every)}))]
    )
    one = patches[:1]
    wide = Patches(one.features.expand(len(captions), -1, -1), one.boxes.expand(len(captions), -1, -1))
    best, place = _log_probability(network, wide, captions).max(0)
    found = write_causal(network, one, MARKS, 4, CausalDecoding(beams=len(words) ** 2))
    assert found.tokens[0].tolist() == captions[place].tolist()
    torch.testing.assert_close(found.log_probability[0], best)


@pytest.mark.parametrize("decoding", [CausalDecoding(1), CausalDecoding(3)])
def test_a_caption_does_not_depend_on_the_others_of_its_batch(
    network: KaleidoBERT, patches: Patches, decoding: CausalDecoding
) -> None:
    together = write_causal(network, patches, MARKS, LENGTH, decoding)
    for one in range(len(patches)):
        alone = write_causal(network, patches[one : one + 1], MARKS, LENGTH, decoding)
        assert alone.tokens[0].tolist() == together.tokens[one].tolist()


def _parallel_by_hand(network: KaleidoBERT, patches: Patches) -> tuple[Tensor, Tensor]:
    canvas = torch.tensor([[MARKS.cls] + [MARKS.mask] * (LENGTH - 1)] * len(patches))
    states = network.encode(canvas, torch.ones_like(canvas), patches).text[:, 1:]
    scores, words = _allowed(network.mlm_logits(states).detach()).max(-1)
    return words, scores


def test_parallel_predicts_every_mask_at_once_and_stops_at_the_end(
    network: KaleidoBERT, patches: Patches
) -> None:
    words, scores = _parallel_by_hand(network, patches)
    found = write_masked(network, patches, MARKS, LENGTH, MaskedDecoding())
    ended = 0
    for row, word, score, written, total in zip(
        range(COUNT), words.tolist(), scores, found.tokens.tolist(), found.log_probability, strict=True
    ):
        size = word.index(MARKS.sep) + 1 if MARKS.sep in word else LENGTH - 1
        ended += size < LENGTH - 1
        assert written == word[:size] + [MARKS.pad] * (LENGTH - 1 - size), row
        assert float(total) == pytest.approx(float(score[:size].sum()), abs=1e-5)
    assert ended > 0


def test_left_to_right_fills_one_mask_after_the_other(network: KaleidoBERT, patches: Patches) -> None:
    found = write_masked(network, patches, MARKS, LENGTH, MaskedDecoding(order="left_to_right"))
    for one in range(len(patches)):
        canvas = torch.tensor([[MARKS.cls] + [MARKS.mask] * (LENGTH - 1)])
        for place in range(1, LENGTH):
            states = network.encode(canvas, torch.ones_like(canvas), patches[one : one + 1]).text
            canvas[0, place] = _allowed(network.mlm_logits(states[:, place]).detach()).argmax()
            if canvas[0, place] == MARKS.sep:
                break
        expected = canvas[0, 1:].masked_fill(canvas[0, 1:] == MARKS.mask, MARKS.pad)
        assert found.tokens[one].tolist() == expected.tolist()


def test_mask_predict_is_parallel_in_one_pass_and_keeps_its_length_and_certain_words_in_two(
    network: KaleidoBERT, patches: Patches
) -> None:
    first = write_masked(network, patches, MARKS, LENGTH, MaskedDecoding())
    once = write_masked(network, patches, MARKS, LENGTH, MaskedDecoding("mask_predict", passes=1))
    assert once.tokens.tolist() == first.tokens.tolist()
    twice = write_masked(network, patches, MARKS, LENGTH, MaskedDecoding("mask_predict", passes=2))
    _, scores = _parallel_by_hand(network, patches)
    changed = 0
    for before, after, certainty in zip(first.tokens, twice.tokens, scores, strict=True):
        assert (before == MARKS.pad).tolist() == (after == MARKS.pad).tolist()
        assert (before == MARKS.sep).tolist() == (after == MARKS.sep).tolist()
        inside = [place for place, word in enumerate(before.tolist()) if word not in (MARKS.sep, MARKS.pad)]
        kept = sorted(inside, key=lambda place: float(certainty[place]))[len(inside) // 2 :]
        assert before[kept].tolist() == after[kept].tolist()
        changed += int((before != after).any())
    assert changed > 0


@pytest.mark.parametrize("order", ["parallel", "left_to_right", "mask_predict"])
def test_masked_captions_hold_words_and_at_most_one_end(
    network: KaleidoBERT, patches: Patches, order: str
) -> None:
    found = write_masked(network, patches, MARKS, LENGTH, MaskedDecoding(order, passes=3))
    assert found.tokens.shape == (COUNT, LENGTH - 1)
    assert found.log_probability.isfinite().all()
    for row in found.tokens.tolist():
        assert MARKS.cls not in row
        assert MARKS.mask not in row
        assert row.count(MARKS.sep) <= 1
        written = [word for word in row if word != MARKS.pad]
        assert row == written + [MARKS.pad] * (len(row) - len(written))
        assert MARKS.sep not in written[:-1]


@pytest.mark.parametrize(
    ("build", "key"), [(lambda: CausalDecoding(0), "beams"), (lambda: MaskedDecoding(passes=0), "passes")]
)
def test_no_beam_and_no_pass_are_refused(build, key: str) -> None:
    with pytest.raises(InputError, match=f"{key}: 0 must be at least 1"):
        build()
