"""Fixtures every part of the suite shares: one small synthetic catalogue, drawn once a session."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same cases in every run, so that no change fails by luck; `HYPOTHESIS=explore make test` draws others.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore")
settings.load_profile(os.environ.get("HYPOTHESIS", "repeatable"))

pytest_plugins = ["tests.finished_runs", "tests.saved_models"]

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a synthetic catalogue of 120 products; read only."""
    from fashionvl.data.synthetic import synthesize

    folder = tmp_path_factory.mktemp("catalogue") / "synthetic"
    synthesize(folder, products=120, seed=0, validation_share=0.2, workers=1)
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[1]
