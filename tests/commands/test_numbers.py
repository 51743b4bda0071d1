"""Numbers that nothing can be built with, named by their keys."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from fashionvl.commands.numbers import check_numbers
from fashionvl.errors import InputError


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"network": {"init_args": {"vocab_size": -1}}},
            "model.network.init_args.vocab_size: -1 must be at least 1",
        ),
        ({"patch_size": 0}, "model.patch_size: 0 must be at least 1"),
        ({"text_width": 10**12}, "model.text_width: 1000000000000 must be at least 1 and at most"),
        ({"embed_dims": [8, 0, 8]}, "model.embed_dims: 0 must be at least 1"),
        ({"dropout": 1}, "model.dropout: 1 must be at least 0 and below 1"),
        ({"drop_path": -0.001}, "model.drop_path: -0.001"),
        ({"betas": [0.9, float("nan")]}, "model.betas: nan"),
        ({"categories": -1}, "model.categories: -1 must be at least 0"),
        ({"num_workers": 10**12}, "model.num_workers: 1000000000000"),
        ({"image_size": 32768}, "model.image_size: 32768 must be at least 1 and at most 32767"),
    ],
)
def test_a_number_out_of_range_is_named(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as refused:
        check_numbers("model", settings)
    assert str(refused.value).startswith(says)


def test_usual_numbers_and_other_values_pass() -> None:
    check_numbers(
        "data", {"batch_size": 0, "dropout": None, "levels": "all", "heads": True, "more": {"x": [1, "a"]}}
    )


def test_every_shipped_configuration_passes(repository: Path) -> None:
    for folder in ("experiments", "baselines", "ablations"):
        for file in (repository / folder).rglob("*.yaml"):
            for section, settings in yaml.safe_load(file.read_text()).items():
                if section in ("model", "data"):
                    check_numbers(section, settings)
