"""Text encoders by name."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from fashionvl.data.records import Texts
from fashionvl.data.text.loading import load_tokenizer
from fashionvl.errors import InputError
from fashionvl.models.blocks.text_encoder import TextEncoder, text_encoder

MINILM = "package:minilm"


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    return text_encoder(MINILM)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return load_tokenizer(MINILM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT in `transformers`' format."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
        max_position_embeddings=10,
    )  # fmt: skip
    BertModel(config).save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


def texts_of(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> Texts:
    coded = tokenizer(texts, padding=True, return_tensors="pt")
    return Texts(coded["input_ids"], coded["attention_mask"])


@torch.no_grad()
def test_texts_that_mean_the_same_are_nearer(minilm: TextEncoder, tokenizer: PreTrainedTokenizerFast) -> None:
    pairs = [
        ("A red cotton t-shirt for men.", "Men's tee in crimson, pure cotton."),
        ("High heeled leather ankle boots.", "Booties of leather with a tall heel."),
        ("Silver wrist watch with a steel strap.", "Timepiece with metal bracelet."),
        ("Blue denim trousers, slim fit.", "Skinny jeans in indigo."),
    ]
    one, other = (minilm(texts_of(tokenizer, list(side))) for side in zip(*pairs, strict=True))
    similarity = one @ other.T
    assert torch.equal(similarity.argmax(1), torch.arange(4))
    assert torch.equal(similarity.argmax(0), torch.arange(4))
    assert similarity.diagonal().min() > similarity[~torch.eye(4, dtype=torch.bool)].max()


@torch.no_grad()
def test_the_vector_is_the_normalised_mean_of_the_states_of_the_tokens(
    minilm: TextEncoder, tokenizer: PreTrainedTokenizerFast
) -> None:
    found = minilm(texts_of(tokenizer, ["red shirt", "a much longer text that pads the other one"]))
    alone = texts_of(tokenizer, ["red shirt"])
    states = minilm.bert(alone.input_ids).last_hidden_state[0]
    assert states.shape == (4, minilm.width) == (4, 384)  # [CLS] red shirt [SEP]
    mean = states.mean(0)
    torch.testing.assert_close(found[0], mean / mean.norm(), atol=1e-5, rtol=0)
    assert (minilm.vocab_size, minilm.max_tokens) == (len(tokenizer), 512)


@torch.no_grad()
def test_a_folder_gives_the_encoder_that_was_saved_there(folder: Path) -> None:
    ids = torch.tensor([[1, 2, 3, 0]])
    mask = torch.tensor([[1, 1, 1, 0]])
    states = BertModel.from_pretrained(folder).eval()(ids, mask).last_hidden_state[0, :3]
    encoder = text_encoder(str(folder))
    assert not encoder.training
    expected = torch.nn.functional.normalize(states.mean(0), dim=0)
    torch.testing.assert_close(encoder(Texts(ids, mask))[0], expected)
    halved = encoder.bfloat16()(Texts(ids, mask))
    assert halved.dtype == torch.float32
    torch.testing.assert_close(halved.norm(dim=1), torch.ones(1))


def test_what_is_no_bert_is_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: no such file or folder"):
        text_encoder(str(tmp_path / "nowhere"))
    state = load_file(folder / "model.safetensors")
    del state["encoder.layer.1.output.dense.weight"]
    save_file({**state, "roberta.more": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"1 missing \(encoder.layer.1.output.dense.weight\); 1 unexpected"):
        text_encoder(str(folder))
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"})[:-3])
    with pytest.raises(InputError, match=r"bert: no readable config\.json of a BERT \("):
        text_encoder(str(folder))
