"""Every recipe and every overlay of the repository, through the real parser."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentError

from fashionvl.commands.train import FashionVLCLI, train
from fashionvl.configuration import flatten
from fashionvl.data.text.kinds import WORDPIECE
from fashionvl.studies import read_recipe
from fashionvl.tasks import Captioning, KaleidoPretraining, MVLTPretraining

ROOT = Path(__file__).parents[1]
FOLDERS = ("experiments", "baselines", "ablations")
PUBLISHED_VOCABULARIES = {"bert-base-uncased": 30522, "package:minilm": 30522}
NETWORK, BACKBONE = "model.init_args.network.init_args", "model.init_args.backbone.init_args"
WITHOUT_WEIGHTS: dict[str, Any] = {
    f"{NETWORK}.pretrained_pvt": None,
    f"{NETWORK}.pretrained_bert": None,
    f"{NETWORK}.pretrained": False,
    f"{BACKBONE}.weights": None,
    "model.init_args.teacher.weights": False,
}
"""Values that stand for weights of the hub and of packages, so that a recipe builds without them."""

UNNAMED = f"{BACKBONE}.name"
"""Null where an earlier stage's run brings both network and weights."""

ON_A_LAPTOP = (
    "--trainer.accelerator=cpu --trainer.devices=1 --trainer.strategy=auto --trainer.precision=32-true"
)


def bases_of(overlay: Path) -> list[list[Path]]:
    """The chains of files an overlay goes on, from its first line: `over A.yaml or B.yaml [after C.yaml]`.

    Names are relative to the overlay's folder, or to the root of the repository.
    """
    first = overlay.read_text().splitlines()[0]
    found = re.search(r"\bover ([\w./-]+\.yaml(?: or [\w./-]+\.yaml)*)(?: after ([\w./-]+\.yaml))?", first)
    assert found, f"{overlay}: the first line names no base; write 'over X.yaml'"

    def locate(name: str) -> Path:
        places = [folder / name for folder in (overlay.parent, ROOT) if (folder / name).is_file()]
        assert places, f"{overlay}: goes over {name}, which is neither beside it nor in the repository"
        return places[0]

    return [[locate(name), *([locate(found[2])] if found[2] else [])] for name in found[1].split(" or ")]


def _is_overlay(file: Path) -> bool:
    return file.read_text().startswith("# Overlay")


FILES = sorted(
    file
    for folder in FOLDERS
    for file in (ROOT / folder).rglob("*.yaml")
    if file.name not in ("study.yaml", "recipe.yaml")
)
RECIPES = [[file] for file in FILES if not _is_overlay(file)]
LAID_OVER = [[*chain, file] for file in FILES if _is_overlay(file) for chain in bases_of(file)]


# Stages at the scale that lays the most files over each other.
OF_PHOTOGRAPHS = [
    list(stage.files("photographs"))
    for name in ("mvlt", "kaleido_bert")
    for stage in read_recipe(ROOT / "experiments" / name / "recipe.yaml").at("photographs")
]


def _label(chain: list[Path]) -> str:
    return "+".join(str(file.relative_to(ROOT).with_suffix("")) for file in chain)


def _options(chain: list[Path]) -> list[str]:
    return [word for file in chain for word in ("--config", str(file))]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> FashionVLCLI:
    smoke = [ROOT / "experiments" / "mvlt" / name for name in ("pretrain.yaml", "smoke.yaml")]
    return train([*_options(smoke), "--run_dir", str(tmp_path_factory.mktemp("run"))], run=False)


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        inside = nested
        for name in path:
            inside = inside.setdefault(name, {})
        inside[last] = value
    return nested


def _resolved(cli: FashionVLCLI, chain: list[Path]) -> dict[str, Any]:
    plain = cli.parser.parse_args(_options(chain)).as_dict()
    plain.pop("config")
    return {key: list(v) if isinstance(v, tuple) else v for key, v in flatten(plain).items()}


def test_there_is_something_to_check() -> None:
    assert len(RECIPES) >= 3
    assert len(LAID_OVER) >= 3


@pytest.mark.parametrize("chain", [*RECIPES, *LAID_OVER, *OF_PHOTOGRAPHS], ids=_label)
def test_a_recipe_builds_a_task_and_its_data_that_fit(
    cli: FashionVLCLI, chain: list[Path], tmp_path: Path
) -> None:
    resolved = _resolved(cli, chain)
    offline = {key: value for key, value in WITHOUT_WEIGHTS.items() if resolved.get(key)}
    if UNNAMED in resolved and resolved[UNNAMED] is None:
        offline[UNNAMED] = "test_resnet"
    extra = tmp_path / "offline.yaml"
    extra.write_text(yaml.safe_dump(_nested(offline)))
    options = [*_options([*chain, extra]), "--run_dir", str(tmp_path / "run"), *ON_A_LAPTOP.split()]
    built = train(options, run=False)
    task, data = built.model, built.datamodule
    assert built.config["name"] != "unnamed"
    if task.corruption.image:
        task.corruption.image.check_size(data.image_size, data.image_size)
    made = data.tokenizer_name in WORDPIECE
    words = data.vocabulary if made else PUBLISHED_VOCABULARIES.get(data.tokenizer_name)
    if isinstance(task, MVLTPretraining):
        assert words <= task.network.text_embeddings.word.num_embeddings
        assert data.max_tokens <= task.network.max_tokens
    if isinstance(task, KaleidoPretraining | Captioning):
        assert words <= task.network.text_embeddings.word.num_embeddings
        assert data.max_tokens <= task.network.text_positions


ABSENT = object()


@pytest.mark.parametrize("chain", LAID_OVER, ids=_label)
def test_an_overlay_changes_what_it_declares_and_nothing_else(cli: FashionVLCLI, chain: list[Path]) -> None:
    declared = flatten(yaml.safe_load(chain[-1].read_text()))
    before, after = _resolved(cli, chain[:-1]), _resolved(cli, chain)
    for key, value in declared.items():
        assert after[key] == value, key
    changed = {key for key in before | after if before.get(key, ABSENT) != after.get(key, ABSENT)}
    replaced = {key for key, value in declared.items() if value is None}
    replaced |= {key for key, value in before.items() if any(name.startswith(f"{key}.") for name in declared)}
    undeclared = {
        key
        for key in changed - declared.keys() - replaced
        if not any(key.startswith(f"{whole}.") for whole in replaced)
    }
    assert undeclared == set()


@pytest.mark.parametrize(
    "key",
    ["no_such", "model.init_args.no_such", "model.init_args.network.init_args.no_such",
     "model.init_args.mir.mask.no_such", "data.init_args.no_such", "trainer.no_such"],
)  # fmt: skip
def test_an_unknown_key_in_an_overlay_is_refused(cli: FashionVLCLI, tmp_path: Path, key: str) -> None:
    content: Any = 1
    for name in reversed(key.split(".")):
        content = {name: content}
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(content))
    with pytest.raises(ArgumentError, match="no_such"):
        cli.parser.parse_args(_options([ROOT / "experiments" / "mvlt" / "pretrain.yaml", overlay]))


def test_a_recipe_that_is_not_there_is_refused(cli: FashionVLCLI, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="absent"):
        cli.parser.parse_args(_options([tmp_path / "absent.yaml"]))


def test_the_first_line_of_an_overlay_names_its_bases(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_text("")
    a, b, c = (tmp_path / name for name in ("a.yaml", "b.yaml", "c.yaml"))
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("# Overlay: small; over a.yaml or b.yaml.\n")
    assert bases_of(overlay) == [[a], [b]]
    overlay.write_text("# Overlay: small; over a.yaml after c.yaml.\n")
    assert bases_of(overlay) == [[a, c]]
    overlay.write_text("# Overlay: over experiments/mvlt/pretrain.yaml\n")
    assert bases_of(overlay) == [[ROOT / "experiments" / "mvlt" / "pretrain.yaml"]]
    overlay.write_text("# Overlay: for nothing in particular\nscale: smoke\n")
    with pytest.raises(AssertionError, match="names no base"):
        bases_of(overlay)
    overlay.write_text("# Overlay: over elsewhere.yaml\n")
    with pytest.raises(AssertionError, match=r"elsewhere\.yaml, which is neither"):
        bases_of(overlay)
