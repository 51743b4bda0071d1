"""MVLT and Kaleido-BERT as small finished runs."""

from pathlib import Path

import pytest
from kaleido_runs import NAMES, write_kaleido

from fashionvl.commands.compare import main
from fashionvl.reporting.compare.models import Model, read_models


@pytest.fixture
def folders(experiment: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """Runs of MVLT, of Kaleido-BERT, and those that Kaleido-BERT's own ones name, for the test to change."""
    kaleido = write_kaleido(experiment, tmp_path / "kaleido", tmp_path / "shared")
    return experiment, kaleido, tmp_path / "shared"


@pytest.fixture
def models(folders: tuple[Path, Path, Path]) -> list[Model]:
    """Both, read."""
    return read_models(list(folders[:2]), NAMES, [folders[2]])


@pytest.fixture(scope="session")
def compared(finished_experiment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison written once."""
    root = tmp_path_factory.mktemp("compared")
    kaleido = write_kaleido(finished_experiment, root / "kaleido", root / "shared")
    folders = [str(finished_experiment), str(kaleido)]
    main([*folders, "--names", *NAMES, "--shared", str(root / "shared"), "--out", str(root / "out")])
    return root / "out"
