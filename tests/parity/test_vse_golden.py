"""The original VSE and VSE++'s own numbers: each `vse_*` and `vsepp_*` set of the folder is reproduced."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from fashionvl.data.records import Embedding, Pixels, Texts
from fashionvl.models.baselines.vsepp import VSEPP
from fashionvl.objectives.contrastive import Hinge

GOLDEN = Path(
    os.environ.get(
        "FASHIONVL_GOLDEN_BASELINES", Path(__file__).parents[3] / "shared" / "golden" / "baselines"
    )
)
SETS = sorted(
    path
    for path in GOLDEN.glob("vse*.json")
    if path.name.startswith(("vse_", "vsepp_")) and not path.name.startswith("vse_kiros")
)
ORIGINAL_NAMES = {
    "fc.weight": "img_enc.fc.weight",
    "fc.bias": "img_enc.fc.bias",
    "word_embeddings.weight": "txt_enc.embed.weight",
    **{
        f"rnn.{kind}_{way}_l0": f"txt_enc.rnn.{kind}_{way}_l0"
        for kind in ("weight", "bias")
        for way in ("ih", "hh")
    },
}
NETWORKS: dict[str, dict[str, Any]] = {
    "precomp": {},
    "no_imgnorm": {"image_norm": False},
    "order0": {"measure": "order", "absolute": True},
    "order_pp": {"measure": "order"},
    "full": {"feature_norm": True},
    "train": {},
    "train_no_imgnorm": {"image_norm": False},
}
"""Changes of each case to the network for stored features."""

MARGINS = {"order0": 0.05}
FP32 = {"img_emb": 5e-6, "cap_emb": 5e-6, "sim": 1e-5, "loss": 5e-6, "grad": 1e-5, "train": 1e-4}
"""Tolerances in float32, relative to the largest value; gradient norms: to the total norm."""

pytestmark = pytest.mark.skipif(not SETS, reason=f"no golden VSE in {GOLDEN}")


@dataclass
class Golden:
    """One set of the original's numbers at one precision."""

    facts: dict[str, Any]
    state: dict[str, Tensor]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    dtype: torch.dtype

    def network(self, case: str) -> VSEPP:
        """The network of a case, with the original's weights."""
        vocabulary, word_size = self.state["txt_enc.embed.weight"].shape
        embed_size, width = self.state["img_enc.fc.weight"].shape
        settings = {"feature_norm": False, **NETWORKS[case]}
        network = VSEPP(
            vocab_size=vocabulary,
            max_tokens=self.inputs["captions"].shape[1],
            cnn=None,
            feature_width=width,
            embed_size=embed_size,
            word_size=word_size,
            **settings,
        )
        network.load_state_dict({ours: self.state[theirs] for ours, theirs in ORIGINAL_NAMES.items()})
        return network.to(self.dtype)

    def embed(self, network: VSEPP, case: str) -> tuple[Embedding, Embedding]:
        """Image and caption embeddings of a case; only `full` sees features that are not normalised."""
        features = self.inputs["images_raw" if case == "full" else "images"]
        captions, lengths = self.inputs["captions"], self.inputs["lengths"]
        attention = (torch.arange(captions.shape[1]) < lengths[:, None]).long()
        texts = network.embed_text(Texts(captions, attention))
        return network.embed_image(Pixels(features.to(self.dtype))), texts

    def expected(self, case: str) -> dict[str, Tensor]:
        """Outputs of a case, by what follows its name."""
        prefix = f"out/{case}/"
        return {key.removeprefix(prefix): v for key, v in self.outputs.items() if key.startswith(prefix)}

    def agree(self, case: str, actual: dict[str, Tensor]) -> None:
        """Compare all that the original wrote of a case with ours."""
        expected = self.expected(case)
        assert set(actual) == set(expected)
        for key, reference in expected.items():
            kind = "train" if case.startswith("train") else re.sub("/.*|_(sum|max)$", "", key)
            scale = reference.abs().max().item()
            if kind == "grad":
                scale = expected[f"{key.rsplit('/', 1)[0]}/total"].item()
            found = actual[key].detach()
            assert found.dtype == reference.dtype
            assert found.shape == reference.shape
            error = (found - reference).abs().max().item()
            bound = FP32[kind] * scale
            if self.dtype == torch.float64:
                # The sets' norms were written as float32, also those computed in float64.
                rounded = torch.equal(reference.float().double(), reference)
                bound = 1e-10 + (2**-24 * reference.abs().max().item() if rounded else 0)
            assert error <= bound, f"{case}/{key}: {error:.2e} of {scale:.3g}"


def norms(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """L2 norms under the original's names."""
    return {ORIGINAL_NAMES[name]: value.detach().norm() for name, value in tensors.items()}


def gradient_norms(network: nn.Module) -> dict[str, Tensor]:
    found = norms({name: p.grad for name, p in network.named_parameters() if p.grad is not None})
    return found | {"total": torch.stack(list(found.values())).norm()}


@pytest.fixture(scope="module", params=SETS, ids=lambda path: path.stem)
def files(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["fp32", "fp64"])
def golden(files: Path, request: pytest.FixtureRequest) -> Golden:
    stem, suffix = files.stem.rsplit("_", 1)
    numbers = load_file(files.with_name(f"{stem}_io_{suffix}.safetensors"))
    inputs = {key.removeprefix("in/"): value for key, value in numbers.items() if key.startswith("in/")}
    if request.param == torch.float64:
        numbers = load_file(files.with_name(f"{stem}_io_f64_{suffix}.safetensors"))
    state = load_file(files.with_name(f"{stem}_state_{suffix}.safetensors"))
    outputs = {key: value for key, value in numbers.items() if key.startswith("out/")}
    return Golden(json.loads(files.read_text()), state, inputs, outputs, request.param)


def cases(golden: Golden, training: bool) -> Iterator[str]:
    """The cases a set holds; a case unknown here fails."""
    for case in sorted({key.split("/")[1] for key in golden.outputs}):
        assert case in NETWORKS
        if case.startswith("train") == training:
            yield case


def test_embeddings_similarities_losses_and_gradients_of_the_original(golden: Golden) -> None:
    for case in cases(golden, training=False):
        network = golden.network(case)
        images, texts = golden.embed(network, case)
        actual = {"img_emb": images.values}
        if case != "full":
            actual |= {"cap_emb": texts.values, "sim": network.similarity(images, texts)}
            margin = MARGINS.get(case, golden.facts["options"]["margin"])
            for name, hardest in (("sum", False), ("max", True)):
                similarity = network.similarity(*golden.embed(network, case))
                same = torch.eye(len(similarity), dtype=torch.bool)
                loss = actual[f"loss_{name}"] = Hinge(margin, hardest)(similarity, same)
                network.zero_grad()
                loss.backward()
                actual |= {f"grad/{name}/{key}": norm for key, norm in gradient_norms(network).items()}
        golden.agree(case, actual)


def test_four_optimiser_steps_of_the_original(golden: Golden) -> None:
    options = golden.facts["options"]
    loss_of = Hinge(options["margin"], hardest=options["max_violation"])
    for case in cases(golden, training=True):
        network = golden.network(case)
        optimizer = torch.optim.Adam(network.parameters(), lr=options["learning_rate"])
        losses, totals = [], []
        for _ in range(len(golden.expected(case)["losses"])):
            similarity = network.similarity(*golden.embed(network, case))
            loss = loss_of(similarity, torch.eye(len(similarity), dtype=torch.bool))
            optimizer.zero_grad()
            loss.backward()
            totals.append(nn.utils.clip_grad_norm_(network.parameters(), options["grad_clip"]))
            losses.append(loss.detach())
            optimizer.step()
        after = norms(dict(network.named_parameters()))
        golden.agree(
            case,
            {
                "losses": torch.stack(losses),
                "total_norm_before_clip": torch.stack(totals),
                "after/img_enc.fc.weight": network.fc.weight,
                **{f"weight_norm_after/{key}": norm for key, norm in after.items()},
            },
        )
