"""Captioning: what is hidden, what is learnt, what is written, and the test from patches to scores."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from fashionvl.data import FashionGenDataModule
from fashionvl.data.records import PairBatch, Patches, Texts
from fashionvl.data.text.words import build_words
from fashionvl.data.visual.features import FeatureFacts, FeatureWriter
from fashionvl.data.visual.kaleido import Kaleido
from fashionvl.errors import InputError
from fashionvl.evaluation import captioning as metrics
from fashionvl.evaluation.captioning import simple_tokens
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.kaleido_bert import KaleidoBERT
from fashionvl.models.kaleido_bert.decoding import CausalDecoding, Marks, MaskedDecoding
from fashionvl.tasks.kaleido.caption_test import product_captions
from fashionvl.tasks.kaleido.caption_text import caption_texts
from fashionvl.tasks.kaleido.captioning import Captioning, hide_words
from fashionvl.tasks.optimization import Optimization

MARKS = Marks(cls=2, sep=3, pad=0, mask=4)
LENGTH, WIDTH = 10, 6
MODES: list[dict[str, Any]] = [
    {"mode": "masked", "hidden": "all"},
    {"mode": "masked", "hidden": "random", "masked": MaskedDecoding("mask_predict")},
    {"mode": "causal", "causal": CausalDecoding(beams=3)},
]


def _network(vocabulary: int = 20, positions: int = LENGTH, **others: Any) -> KaleidoBERT:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64}
    return KaleidoBERT(
        **{**sizes, **others},
        vocab_size=vocabulary,
        text_positions=positions,
        levels=(1, 2),
        patch_width=WIDTH,
        blank_level=2,
        dropout=0.0,
        attention_dropout=0.0,
        initialization="xavier",
    )


class Watched(Captioning):
    """Knows its marks without data, and keeps what it logs and what its encoder is shown."""

    def __init__(self, network: KaleidoBERT, **arguments: Any) -> None:
        super().__init__(network, **arguments)
        self.marks, self.length = MARKS, LENGTH
        self.logged: dict[str, Tensor] = {}
        self.shown: list[Tensor] = []
        encode = network.encode

        def watch(input_ids: Tensor, *others: Any, **named: Any) -> Any:
            self.shown.append(input_ids)
            return encode(input_ids, *others, **named)

        network.encode = watch  # type: ignore[method-assign, assignment]

    def log_all(self, split: str, values: dict[str, Any], size: int, on_step: bool = False) -> None:
        self.logged = {f"{split}/{name}": value for name, value in values.items()}


@pytest.fixture
def pairs() -> PairBatch:
    """Six photographs with captions of 0 to 6 words."""
    generator = torch.Generator().manual_seed(3)
    ids = torch.full((6, 8), MARKS.pad)
    for row, words in enumerate([3, 6, 0, 5, 1, 4]):
        ids[row, 0], ids[row, words + 1] = MARKS.cls, MARKS.sep
        ids[row, 1 : words + 1] = torch.randint(5, 20, (words,), generator=generator)
    return PairBatch(
        pixel_values=torch.empty(6, 0),
        input_ids=ids,
        attention_mask=(ids != MARKS.pad).long(),
        patches=Patches(
            torch.randn(6, 5, WIDTH, generator=generator).half(), torch.rand(6, 5, 5, generator=generator)
        ),
        image_mask=None,
        mlm_labels=None,
        itm_labels=torch.ones(6, dtype=torch.int64),
        category=torch.zeros(6, dtype=torch.int64),
        subcategory=torch.zeros(6, dtype=torch.int64),
        product_id=torch.arange(6),
        rows=torch.arange(6),
    )


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    extra=st.integers(0, 3),
    share=st.floats(1e-6, 1),
)
def test_a_share_of_the_words_is_hidden_and_the_length_with_them(
    words: list[int], extra: int, share: float
) -> None:
    ids = torch.full((len(words), 8), MARKS.pad)
    for row, count in enumerate(words):
        ids[row, : count + 2] = torch.tensor([MARKS.cls, *range(10, 10 + count), MARKS.sep])
    texts = Texts(ids, (ids != MARKS.pad).long())
    canvas, labels = hide_words(texts, MARKS, 8 + extra, torch.full((len(words),), share))
    assert canvas.shape == labels.shape == (len(words), 8 + extra)
    for row, count in enumerate(words):
        hidden = labels[row] != IGNORED_LABEL
        # [SEP] counts as a word: where a caption ends has to be predicted.
        assert int(hidden.sum()) == max(1, int(np.ceil(np.float32(share) * np.float32(count + 1))))
        assert not hidden[0]
        assert not hidden[count + 2 :].any()
        assert labels[row][hidden].tolist() == ids[row][hidden[:8]].tolist()
        assert (canvas[row][hidden] == MARKS.mask).all()
        assert (canvas[row, count + 2 :] == MARKS.mask).all()
        shown = ~hidden[: count + 2]
        assert canvas[row, : count + 2][shown].tolist() == ids[row, : count + 2][shown].tolist()
    assert ids[0, 0] == MARKS.cls
    assert not (ids == MARKS.mask).any()


def test_a_pad_token_inside_a_caption_is_a_word() -> None:
    ids = torch.tensor([[MARKS.cls, 10, MARKS.pad, 11, MARKS.sep, MARKS.pad]])
    texts = Texts(ids, torch.tensor([[1, 1, 1, 1, 1, 0]]))
    canvas, labels = hide_words(texts, MARKS, 6, torch.ones(1))
    assert labels.tolist() == [[IGNORED_LABEL, 10, MARKS.pad, 11, MARKS.sep, IGNORED_LABEL]]
    assert canvas.tolist() == [[MARKS.cls, *[MARKS.mask] * 5]]


def test_a_tokenizer_without_bert_s_marks_is_refused(tmp_path: Path) -> None:
    words = build_words(["red shirt"] * 4, tmp_path)
    data = SimpleNamespace(tokenizer=words, tokenizer_name="words", max_tokens=LENGTH)
    said = r"tokenizer: words has no cls_token, sep_token, mask_token, which captioning needs"
    with pytest.raises(InputError, match=said):
        Watched(_network()).prepare(data)  # type: ignore[arg-type]


def test_training_hides_any_share_and_the_dev_split_all(pairs: PairBatch) -> None:
    task = Watched(_network())
    everything, _ = hide_words(pairs.texts, MARKS, LENGTH, torch.ones(6))
    for step in range(20):
        task.training_step(pairs, step)
    shares = torch.stack([(canvas == MARKS.mask).float().mean() for canvas in task.shown])
    assert len(set(shares.tolist())) > 5
    assert shares.max() <= (everything == MARKS.mask).float().mean()
    task.eval()
    task.validation_step(pairs, 0)
    assert torch.equal(task.shown[-1], everything)
    task = Watched(_network(), hidden="all")
    task.training_step(pairs, 0)
    assert torch.equal(task.shown[-1], everything)


def test_the_causal_loss_is_that_of_every_next_word(pairs: PairBatch) -> None:
    task = Watched(_network(), mode="causal")
    loss = task.training_step(pairs, 0)
    asked = []
    for one in range(6):
        ids = pairs.input_ids[one : one + 1]
        ids = ids[:, : int(pairs.attention_mask[one].sum())]
        text = task.network.encode(
            ids, torch.ones_like(ids), pairs.patches[one : one + 1], causal_text=True
        ).text
        asked.append(F.cross_entropy(task.network.mlm_logits(text[0, :-1]), ids[0, 1:], reduction="none"))
    assert len(torch.cat(asked)) == 19 + 6
    assert loss.item() == pytest.approx(torch.cat(asked).mean().item(), rel=1e-5)
    assert task.logged.keys() == {"train/loss", "train/caption_accuracy"}


@pytest.mark.parametrize("arguments", MODES, ids=str)
def test_what_is_learnt_is_written(pairs: PairBatch, arguments: dict[str, Any]) -> None:
    """Six photographs are learnt by heart: captions of every length, the empty one too, come back."""
    task = Watched(_network(), **arguments)
    torch.manual_seed(1)
    optimizer = torch.optim.Adam([weight for weight in task.parameters() if weight.requires_grad], lr=3e-3)
    first = task.training_step(pairs, 0).item()
    for step in range(200):
        optimizer.zero_grad()
        loss = task.training_step(pairs, step)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3 * first
    task.eval()
    task.validation_step(pairs, 0)
    assert task.logged["dev/caption_accuracy"] == 1
    written = task.write(pairs.patches)
    assert written[:, :7].tolist() == pairs.input_ids[:, 1:].tolist()
    assert (written[:, 7:] == MARKS.pad).all()


@pytest.mark.parametrize("mode", ["masked", "causal"])
def test_everything_that_trains_gets_a_gradient_and_other_heads_rest(pairs: PairBatch, mode: Any) -> None:
    """DDP refuses a parameter that requires a gradient and gets none."""
    task = Watched(_network(), mode=mode)
    task.training_step(pairs, 0).backward()
    idle = {name for name, weight in task.named_parameters() if weight.requires_grad and weight.grad is None}
    assert idle == set()
    resting = {name.split(".")[1] for name, weight in task.named_parameters() if not weight.requires_grad}
    assert resting == {"pooler", "matching", "akpm", "category", "subcategory"}


def test_pairs_without_patches_are_refused(pairs: PairBatch) -> None:
    pairs.patches = None
    with pytest.raises(InputError, match="kaleido"):
        Watched(_network()).training_step(pairs, 0)


@pytest.fixture(scope="module")
def data(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> FashionGenDataModule:
    """The catalogue with random features in place of a backbone's."""

    def opened(kaleido: Kaleido | None) -> FashionGenDataModule:
        made = FashionGenDataModule(
            root=str(catalogue),
            index_dir=str(index_dir),
            kaleido=kaleido,
            tokenizer="train",
            vocabulary=300,
            max_tokens=24,
            pad_to="longest",
            batch_size=16,
            test_batch_size=5,
            dev_share=0.1,
            captioned_images=12,
        )
        made.prepare_data()
        return made

    index_dir, folder = (tmp_path_factory.mktemp(name) for name in ("index", "features"))
    plain, rng = opened(None), np.random.default_rng(0)
    for split in ("train", "validation"):
        index = plain.index_of(split)
        facts = FeatureFacts(index.fingerprint, len(index), "random", WIDTH, 8, "non-white", (1, 2))
        writer = FeatureWriter(folder / split, facts)
        for rows in writer.pending():
            features = rng.normal(size=(len(rows), facts.variants, WIDTH)).astype(np.float16)
            writer.write(rows, features, np.asarray(index.boxes)[rows])
    return opened(Kaleido(features=str(folder)))


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., L.Trainer]:
    def made(**settings: Any) -> L.Trainer:
        return L.Trainer(
            accelerator="cpu", default_root_dir=tmp_path, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, max_epochs=1, **settings,
        )  # fmt: skip

    return made


@pytest.mark.parametrize("mode", ["masked", "causal"])
def test_a_run_starts_from_a_pretrained_model_and_ends_in_scores(
    data: FashionGenDataModule,
    trainer: Callable[..., L.Trainer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Any,
) -> None:
    monkeypatch.setattr(metrics.shutil, "which", lambda program: None)
    pretrained = _network(300, 24)
    torch.nn.init.normal_(pretrained.matching.weight)
    pretrained.save_pretrained(tmp_path / "pretrain" / "model")
    task = Captioning(
        _network(300, 24), str(tmp_path / "pretrain"), mode=mode, optimization=Optimization(lr=1e-3)
    )
    trainer(limit_train_batches=2).fit(task, datamodule=data)
    assert torch.equal(task.network.matching.weight, pretrained.matching.weight)
    assert not torch.equal(task.network.language.dense.weight, pretrained.language.dense.weight)

    (scores,) = trainer().test(task, datamodule=data, verbose=False)
    assert scores.keys() == {f"captioning/{name}" for name in ("bleu4", "rouge_l", "cider", "n")}
    assert scores["captioning/n"] == 12
    table = task.results["captioning"].arrays
    products = data.test_products(table["id"])
    assert len(set(products.tolist())) == 12
    assert scores["captioning/rouge_l"] == pytest.approx(table["rouge_l"].mean(), rel=1e-5)

    kept = task.examples()["captioning"]
    assert kept["images"].shape == (8, 256, 256, 3)
    assert kept["reference"].shape == kept["generated"].shape == (8,)
    captions = {data.test_caption(int(row)) for row in table["id"]}
    assert set(kept["reference"].tolist()) <= captions


def test_a_caption_survives_the_tokenizer(data: FashionGenDataModule) -> None:
    """As the scorers see it: what was learnt perfectly must score perfectly."""
    captions = [data.test_caption(row) for row in range(len(data.test_rows))]
    assert any("-" in caption for caption in captions)
    ids = data.tokenizer(captions, padding=True, return_tensors="pt")["input_ids"]
    for caption, text in zip(captions, caption_texts(data.tokenizer, ids), strict=True):
        assert text == caption.lower()
        assert simple_tokens(text) == simple_tokens(caption)


class SpelledOut:
    """Stands for a tokenizer that knows every sign: the rows of ids number these texts."""

    texts = (
        "",
        "##s un ##button ##ed",
        "it ' s 100 % wool , 2 . 5 oz .",
        "( low - top ) and / or high - top - like",
        "a - ( b )",
    )

    def batch_decode(self, rows: list[list[int]], **settings: bool) -> list[str]:
        assert settings == {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        return [self.texts[row[0]] for row in rows]


def test_signs_are_put_back_where_text_has_them() -> None:
    found = caption_texts(SpelledOut(), torch.arange(5)[:, None])  # type: ignore[arg-type]
    assert found == [
        "",
        "s unbuttoned",
        "it's 100 % wool, 2.5 oz.",
        "(low-top) and/or high-top-like",
        "a - (b)",
    ]


def test_references_are_the_distinct_captions_of_the_product(data: FashionGenDataModule) -> None:
    products = data.test_products(data.test_rows)
    names, counts = np.unique(products, return_counts=True)
    row = int(np.flatnonzero(products == names[counts.argmax()])[-1])
    rows = np.flatnonzero(products == products[row])
    assert len(rows) > 1
    found = product_captions(data, row)
    assert sorted(found) == sorted({data.test_caption(int(other)) for other in rows})


def test_captions_longer_than_the_networks_texts_are_refused(data: FashionGenDataModule) -> None:
    with pytest.raises(InputError, match="max_tokens: 24, but the network has text_positions 23"):
        Captioning(_network(300, 23)).prepare(data)
