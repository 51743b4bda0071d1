"""Pages of test examples as pictures."""

from pathlib import Path

import matplotlib
import numpy as np

from fashionvl.runs.reading import read_run
from fashionvl.training.wandb.images import pages


def test_a_page_comes_from_each_file_of_examples(folder: Path) -> None:
    found = dict(pages(read_run(folder)))
    assert list(found) == ["tir", "mig"]
    assert found["tir"].size == (1400, 130 + 2 * 250)
    for page in found.values():
        assert page.mode == "RGB"
        assert (np.asarray(page) == 90).all(-1).any()  # the photographs


def test_without_examples_there_is_no_page(tmp_path: Path) -> None:
    assert list(pages(read_run(tmp_path))) == []


def test_a_users_settings_of_matplotlib_come_back(folder: Path) -> None:
    with matplotlib.rc_context({"font.size": 3.0}):
        assert pages(read_run(folder))
        assert matplotlib.rcParams["font.size"] == 3.0
