"""Distillation into the pyramid: whitening, losses, and the whole through the command line."""

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.decomposition import PCA
from torch import Tensor, nn

from fashionvl.cli import main
from fashionvl.errors import InputError
from fashionvl.models.mvlt import MVLT, MVLTDualEncoder
from fashionvl.tasks import PyramidDistillation
from fashionvl.tasks.pyramid_distillation import HEAD, Whitening
from tests.tasks.conftest import TINY

MVLT_ONLY = ("decoder_width", "categories", "subcategories")
MVLT_RECIPES = Path(__file__).parents[2] / "experiments" / "mvlt"


def _features(values: np.ndarray) -> SimpleNamespace:
    return SimpleNamespace(width=values.shape[1], take=lambda rows: values[rows])


def _whitened(found: Whitening, values: np.ndarray) -> np.ndarray:
    return ((torch.from_numpy(values) - found.mean) @ found.components).numpy()


def test_whitening_is_scikit_learn_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fashionvl.tasks.pyramid_distillation.BLOCK", 64)
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(300, 12)) * np.linspace(5, 0.5, 12) + 3).astype(np.float32)
    rows = rng.permutation(300)[:200]
    found = Whitening.fit(_features(values), rows, 7)  # type: ignore[arg-type]
    assert found.components.shape == (12, 7)
    expected = PCA(7, whiten=True, svd_solver="full").fit(values[rows]).transform(values)
    ours = _whitened(found, values)
    signs = np.sign((ours * expected).sum(0))
    np.testing.assert_allclose(ours * signs, expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.cov(ours[rows].T), np.eye(7), atol=1e-3)


def test_few_photographs_give_fewer_components() -> None:
    values = np.random.default_rng(1).normal(size=(6, 12)).astype(np.float32)
    found = Whitening.fit(_features(values), np.arange(6), 128)  # type: ignore[arg-type]
    assert found.components.shape == (12, 5)
    np.testing.assert_allclose(np.cov(_whitened(found, values).T), np.eye(5), atol=1e-3)


@pytest.mark.parametrize("count", [1, 5])
def test_features_that_are_all_alike_are_refused(count: int) -> None:
    values = np.ones((count, 4), np.float32)
    with pytest.raises(InputError, match=rf"teacher: its features of {count} training photographs are all"):
        Whitening.fit(_features(values), np.arange(count), 3)  # type: ignore[arg-type]


class _Fixed(nn.Module):
    """Predicts the same whatever it is shown."""

    def __init__(self, values: list[list[float]]) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.tensor(values))

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        return {HEAD: self.values}


def test_losses_computed_by_hand() -> None:
    task = PyramidDistillation(_Fixed([[2.0, 0.0], [3.0, 4.0]]), temperature=0.5)  # type: ignore[arg-type]
    task._features = _features(np.array([[9, 9], [1, 12], [7, 2]], np.float32))  # type: ignore[assignment]
    task.register_buffer("mean", torch.tensor([1.0, 2.0]))
    task.register_buffer("components", torch.tensor([[1.0, 0.0], [0.0, 0.1]]))
    batch = SimpleNamespace(pixel_values=torch.zeros(2, 3, 4, 4), rows=torch.tensor([2, 1]))
    assert task.targets(batch).tolist() == [[6.0, 0.0], [0.0, 1.0]]  # type: ignore[arg-type]
    losses, scores = task.losses(batch, None)  # type: ignore[arg-type]
    # Cosines [[1, 0], [0.6, 0.8]], at temperature 0.5 logits [[2, 0], [1.2, 1.6]].
    rows = math.log1p(math.exp(-2)) + math.log1p(math.exp(-0.4))
    columns = math.log1p(math.exp(-0.8)) + math.log1p(math.exp(-1.6))
    assert losses["cosine_distance"].item() == pytest.approx(0.1, abs=1e-6)
    assert losses["contrastive"].item() == pytest.approx((rows + columns) / 4, abs=1e-6)
    assert scores["cosine"].item() == pytest.approx(0.9, abs=1e-6)
    assert scores["nearest_accuracy"].item() == 1.0
    task._features = _features(np.array([[9, 9], [7, 2], [1, 12]], np.float32))  # type: ignore[assignment]
    assert task.losses(batch, None)[1]["nearest_accuracy"].item() == 0.0  # type: ignore[arg-type]
    task.total(losses).backward()
    assert task.network.values.grad is not None


def test_no_components_are_refused() -> None:
    with pytest.raises(InputError, match=r"model\.init_args\.components: 0 must be at least 1"):
        PyramidDistillation(_Fixed([[1.0]]), components=0)  # type: ignore[arg-type]


def _fit(run: Path, catalogue: Path, features: Path, *more: str) -> None:
    teacher = {"name": "test_resnet", "weights": "false", "size": "32"}
    main(
        ["fit", "--config", str(MVLT_RECIPES / "distillation.yaml"),
         "--config", str(MVLT_RECIPES / "pyramid-smoke.yaml"), "--run_dir", str(run),
         "--data.init_args.root", str(catalogue),
         "--data.init_args.index_dir", str(catalogue.parent / "index"),
         "--model.init_args.features", str(features), "--model.init_args.components", "4",
         *(word for key, value in teacher.items() for word in (f"--model.init_args.teacher.{key}", value)),
         "--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false", *more]
    )  # fmt: skip


@pytest.mark.slow
def test_a_distilled_pyramid_is_where_mvlt_starts(
    catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, features = tmp_path / "run", tmp_path / "teacher"
    _fit(run, catalogue, features)
    record = json.loads((run / "metrics.json").read_text())
    assert {"train/cosine", "dev/cosine", "train/nearest_accuracy", "dev/contrastive"} <= set(record["fit"])
    with (run / "metrics.csv").open() as file:
        epochs = [float(row["value"]) for row in csv.DictReader(file) if row["name"] == "train/loss_epoch"]
    assert epochs[-1] < epochs[0]
    weights = load_file(run / "model" / "model.safetensors")
    assert not any(HEAD in name for name in weights)
    sizes = {**TINY, "embed_dims": [8, 16, 24, 32], "sr_ratios": [8, 4, 2, 1]}
    sizes = {key: value for key, value in sizes.items() if key not in MVLT_ONLY}
    (patches,) = [value for value in weights.values() if value.shape[1:] == (3, 4, 4)]
    for model in (MVLT, MVLTDualEncoder):
        found = model(**sizes, pretrained_pvt=str(run / "model")).state_dict().values()
        assert any(value.shape == patches.shape and torch.equal(value, patches) for value in found)
    with pytest.raises(SystemExit):
        _fit(tmp_path / "other", catalogue, features, "--model.init_args.teacher.size", "64")
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith(f"fashionvl: {features / 'manifest.json'}: features made otherwise")
    assert "picture_size is 32, expected 64" in said
