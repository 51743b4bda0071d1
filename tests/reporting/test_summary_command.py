"""`fashionvl summary` from the outside."""

import json
import os
import subprocess
import sys

import pytest

from fashionvl.commands.summary import summary
from fashionvl.errors import InputError

PROBE = """
import importlib, pkgutil, sys
from pathlib import Path
import fashionvl.reporting
for module in pkgutil.iter_modules(fashionvl.reporting.__path__):
    importlib.import_module(f"fashionvl.reporting.{module.name}")
from fashionvl.commands.summary import summary
summary(Path(sys.argv[1]))
heavy = {"torch", "lightning", "torchmetrics", "transformers", "h5py", "cv2"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture
def finished(experiment):
    """The command run in a fresh interpreter, and what it printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "80"}
    command = [sys.executable, "-c", PROBE, str(experiment)]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return experiment, result.stdout


def test_summary_needs_no_torch_and_leaves_table_numbers_and_pictures(finished):
    folder, printed = finished
    names = {"tir", "itr", "recognition", "mig", "curves", "overview"}
    assert {file.stem for file in (folder / "pictures").glob("*.png")} == names
    found = json.loads((folder / "summary.json").read_text())
    assert found["tir"]["r10"] == 50.0
    markdown = (folder / "summary.md").read_text()
    for text in (printed, markdown):
        assert "R@10 %" in text
        assert "MVLT at laptop scale" in text
    assert str(folder / "summary.json") in printed


def test_nothing_to_summarise_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        summary(tmp_path)
    assert list(tmp_path.iterdir()) == []
