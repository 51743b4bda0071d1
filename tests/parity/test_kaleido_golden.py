"""The released Kaleido-BERT's own numbers: each `kaleido_*` in the folder FASHIONVL_GOLDEN is reproduced."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fashionvl.data.records import Patches
from fashionvl.masking.text import IGNORED_LABEL
from fashionvl.models.kaleido_bert import Encoded, KaleidoBERT
from fashionvl.models.kaleido_bert.weights import load_released, read_released, to_released
from fashionvl.objectives.kaleido import blank_loss, choice_loss, grey_loss
from fashionvl.objectives.language import mlm_loss
from fashionvl.objectives.matching import itm_loss

GOLDEN = Path(os.environ.get("FASHIONVL_GOLDEN", Path(__file__).parents[3] / "shared" / "golden"))
SUFFIX = "_state.npz"
NAMES = sorted(path.name.removesuffix(SUFFIX) for path in GOLDEN.glob(f"kaleido_*{SUFFIX}"))
LEVELS = ("rotation", "jigsaw", "camouflage", "greymask", "blankmask")

pytestmark = pytest.mark.skipif(not NAMES, reason=f"no golden Kaleido-BERT in {GOLDEN}")


@dataclass
class Golden:
    """One released model on our side, its inputs, and the numbers it gave."""

    model: KaleidoBERT
    numbers: dict[str, Tensor]
    patches: Patches

    def encode(self, case: str) -> Encoded:
        """The pass of a case: `eval` blanks patches, `predict` does not, `masked` also hides and retypes."""
        options = {} if case == "predict" else {"blank": self.numbers["in/img_blank_lm_ids"]}
        if case == "masked":
            for option, kind in (("patch_mask", "mask"), ("patch_types", "segment")):
                options[option] = torch.cat(
                    [self.numbers[f"in_masked/img_feature_{level}_{kind}"] for level in LEVELS], dim=1
                )
        return self.model.encode(
            self.numbers["in/input_ids"],
            self.numbers["in/input_mask"],
            self.patches,
            token_type_ids=self.numbers["in/segment_ids"],
            **options,
        )

    def outputs(self, encoded: Encoded) -> dict[str, Tensor]:
        """Everything the released model returns, under its names and in its shapes."""
        model, numbers = self.model, self.numbers
        grey, blank = numbers["in/img_grey_lm_ids"], numbers["in/img_blank_lm_ids"]
        grey_span, blank_span = model.grid.span(4), model.grid.span(5)
        rows = torch.arange(len(grey))[:, None]
        return {
            "mlm_logits": model.mlm_logits(self.asked_words(encoded).flatten(0, 1)),
            "nsp_logits": model.itm_logits(encoded.pooled),
            "rotation_logits": model.rotation_logits(encoded),
            "jigsaw_logits": model.jigsaw_logits(encoded),
            "camouflage_logits": model.camouflage_logits(encoded),
            "greymask_logits": model.grey_prediction(encoded.chosen(4, grey)).flatten(0, 1),
            "target_raw_grey_features": self.patches.features[:, grey_span][rows, grey].flatten(0, 1),
            "blankmask_logits": model.blank_prediction(encoded.chosen(5, blank)).flatten(0, 1),
            "target_raw_blank_features": self.patches.features[:, blank_span][rows, blank].flatten(0, 1),
            "pooled_output": encoded.pooled,
            "sequence_output": encoded.sequence,
        }

    def losses(self, encoded: Encoded) -> dict[str, Tensor]:
        """The released losses, under their names."""
        model, numbers, outputs = self.model, self.numbers, self.outputs(encoded)
        count, width = numbers["in/img_grey_lm_ids"].shape[1], self.patches.features.shape[2]
        colour = numbers["label/img_grey_mask_gt"].view(-1, count, width)
        grey = outputs["greymask_logits"].view_as(colour)
        blank = outputs["blankmask_logits"].unflatten(0, (len(grey), -1))
        losses = {
            "masked_lm_loss": mlm_loss(self.asked_words(encoded), self.mlm_labels(), model.mlm_logits)[0],
            "next_sentence_loss": itm_loss(outputs["nsp_logits"], numbers["label/nx_sent_labels"][:, 0]),
            **{
                f"{name}_loss": choice_loss(outputs[f"{name}_logits"], numbers[f"label/img_{name}_gt"][:, 0])
                for name in ("rotation", "jigsaw", "camouflage")
            },
            "greymask_loss": grey_loss(grey, colour, "joint"),
            "blankmask_loss": blank_loss(blank, outputs["target_raw_blank_features"].view_as(blank)),
        }
        losses["total_loss"] = torch.stack(list(losses.values())).sum()
        return losses | {"greymask_loss_if_target_softmax_per_patch": grey_loss(grey, colour, "per_patch")}

    def asked_words(self, encoded: Encoded) -> Tensor:
        """Text states `[B, K, H]` at the listed positions."""
        places = self.numbers["in/masked_lm_positions"]
        return encoded.text.gather(1, places[..., None].expand(-1, -1, encoded.text.shape[2]))

    def mlm_labels(self) -> Tensor:
        """The true ids of the listed positions, `[B, K]`, as our batches hold them: -100 for weight 0."""
        weights = self.numbers["label/masked_lm_weights"]
        assert ((weights == 0) | (weights == 1)).all()
        return torch.where(weights == 1, self.numbers["label/masked_lm_ids"], IGNORED_LABEL)


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    name = request.param
    with np.load(GOLDEN / f"{name}_io.npz") as content:
        numbers = {key: torch.from_numpy(content[key]) for key in content.files}
    model = build(name)
    load_released(model, GOLDEN / f"{name}{SUFFIX}")
    batch, width = len(numbers["in/input_ids"]), model.patch_embeddings.feature_width
    features = [numbers[f"in/img_feature_convert_{level}"].view(batch, -1, width) for level in LEVELS]
    boxes = [numbers[f"in/img_feature_{level}_position"].view(batch, -1, 5).float() for level in LEVELS]
    return Golden(model, numbers, Patches(torch.cat(features, dim=1), torch.cat(boxes, dim=1)))


def build(name: str) -> KaleidoBERT:
    sizes = json.loads((GOLDEN / f"{name}.json").read_text())["config"]
    return KaleidoBERT(
        vocab_size=sizes["vocab_size"],
        hidden_size=sizes["hidden_size"],
        layers=sizes["num_hidden_layers"],
        heads=sizes["num_attention_heads"],
        intermediate_size=sizes["intermediate_size"],
        text_positions=sizes["max_position_embeddings"],
        patch_width=sizes["patch_feature_size"],
        patch_types=sizes["patch_type_vocab_size"],
        dropout=sizes["hidden_dropout_prob"],
        attention_dropout=sizes["attention_probs_dropout_prob"],
        initializer_range=sizes["initializer_range"],
    ).eval()


def agree(actual: dict[str, Tensor], golden: Golden, prefix: str) -> None:
    expected = {
        key.removeprefix(prefix): value for key, value in golden.numbers.items() if key.startswith(prefix)
    }
    expected.pop("image_reconstruction_mse_loss_blank", None)  # a figure the released code logs, not a loss
    assert set(actual) == set(expected)
    for key, reference in expected.items():
        assert actual[key].shape == reference.shape, key
        error, scale = (actual[key] - reference).abs().max().item(), reference.abs().max().item()
        assert error <= max(1e-4, 5e-6 * scale), f"{prefix}{key}: {error:.2e} of {scale:.3g}"


@torch.inference_mode()
@pytest.mark.parametrize("case", ["eval", "predict", "masked"])
def test_every_output_of_the_original_is_reproduced(golden: Golden, case: str) -> None:
    agree(golden.outputs(golden.encode(case)), golden, f"out_{case}/")


@torch.inference_mode()
@pytest.mark.parametrize(("case", "prefix"), [("eval", "loss/"), ("masked", "loss_masked/")])
def test_every_loss_of_the_original_is_reproduced(golden: Golden, case: str, prefix: str) -> None:
    agree(golden.losses(golden.encode(case)), golden, prefix)


@pytest.mark.parametrize("name", NAMES)
def test_conversion_there_and_back_keeps_every_variable(name: str, tmp_path: Path) -> None:
    released = read_released(GOLDEN / f"{name}{SUFFIX}")
    model = build(name)
    load_released(model, GOLDEN / f"{name}{SUFFIX}")
    exported = to_released(model.state_dict())
    assert set(exported) == set(released)
    for variable, value in released.items():
        assert np.array_equal(exported[variable], value), variable
