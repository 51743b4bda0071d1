"""A user's own table and pictures through the real command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from fashionvl.cli import main
from fashionvl.data.readers import Table
from tests.data.readers.test_table_pictures import pack, png

MVLT = Path(__file__).parents[1] / "experiments" / "mvlt"
COLOURS = ("black", "navy blue", "white", "dark green", "red")
KINDS = ("polo shirt", "pair of jeans", "belt", "rain jacket")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A table of 30 products without categories, and a zip of their pictures, one of them cut short."""
    with (tmp_path / "products.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["sku", "photo", "title", "material"])
        for number in range(30):
            title = f"The {COLOURS[number % 5]} {KINDS[number % 4]}, number {number}"
            writer.writerow([f"A-{number}", f"pictures/{number}.png", title, ["cotton", ""][number % 2]])
    pictures = {f"shop/pictures/{number}.png": png(number, 24 + number % 3 * 8) for number in range(30)}
    pictures["shop/pictures/7.png"] = pictures["shop/pictures/7.png"][:60]
    pack(tmp_path / "shop.zip", pictures)
    return tmp_path


def test_a_table_and_a_zip_train_and_retrieve(own: Path, tmp_path: Path) -> None:
    overlay = {
        "data": {
            "init_args": {
                "root": str(own),
                "table": {
                    "image": "photo", "caption": "{title}. Made of {material}.", "product_id": "sku",
                    "validation_share": 0.3, "on_defect": "skip",
                },
                "vocabulary": 100, "retrieval": {"queries": 4, "negatives": 3},
            }
        },
        "model": {"init_args": {"network": {"init_args": {"vocab_size": 100}}}},
    }  # fmt: skip
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(overlay))
    configs = (MVLT / "pretrain.yaml", MVLT / "smoke.yaml", tmp_path / "own.yaml")
    run = tmp_path / "run"
    main(
        ["fit", *(word for path in configs for word in ("--config", str(path))), "--run_dir", str(run),
         "--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false",
         "--trainer.max_epochs", "1", "--data.init_args.batch_size", "8"]
    )  # fmt: skip
    found = json.loads((run / "metrics.json").read_text())
    assert sum(found["data"]["rows"].values()) == 29
    assert found["data"]["rows"]["test"] == 9
    assert found["test"]["tir/n"] == found["test"]["itr/n"] == 4
    assert np.isfinite(found["fit"]["train/loss"])
    resolved = yaml.safe_load((run / "config.yaml").read_text())
    assert resolved["data"]["init_args"]["table"]["caption"] == "{title}. Made of {material}."


def test_the_overlay_in_readme_is_one(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8").split("## Your own catalogue")[1]
    overlay = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    table = Table(**overlay["data"]["init_args"]["table"])
    assert table.caption == "{title}. {colour} {kind}."
    assert table.on_defect == "skip"
