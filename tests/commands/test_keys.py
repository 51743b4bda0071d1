"""Misspelt keys, found from the source of the classes; nothing right is refused."""

from pathlib import Path

import pytest

from fashionvl.commands.configurations import files_read
from fashionvl.commands.keys import OPTIONS, check_keys, of_command_line, require_model
from fashionvl.commands.signatures import method_parameters, signature_of
from fashionvl.errors import InputError

BASE = """
model:
  class_path: fashionvl.tasks.MVLTPretraining
  init_args:
    network: {class_path: fashionvl.models.mvlt.MVLT, init_args: {image_size: 64}}
data: {class_path: fashionvl.data.FashionGenDataModule}
"""


def _check(tmp_path: Path, *words: str, overlay: str = "") -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "over.yaml").write_text(overlay or "name: x")
    files = ["--config", str(tmp_path / "base.yaml"), "--config", str(tmp_path / "over.yaml")]
    kept, given = files_read(["fit", *files, *words])
    check_keys("fit", [*given, *of_command_line(kept)])


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("--trainr.max_epochs=1", "no key trainr; did you mean trainer?"),
        ("--trainer.max_epoch=1", "no key trainer.max_epoch; did you mean max_epochs?"),
        ("--rundir=x", "no key rundir; did you mean run_dir?"),
        ("--data.batchsize=1", "no key data.batchsize; did you mean batch_size?"),
        ("--data.init_args.batchsize=1", "did you mean batch_size?"),
        ("--data.retrieval.query=1", "no key data.retrieval.query; did you mean queries?"),
        ("--model.mir.mask.stile=grid", "no key model.mir.mask.stile; did you mean style?"),
        ("--model.init_args.optimisation.lr=1", "did you mean optimization?"),
        ("--model.init_args.network.init_args.depth=1", "did you mean depths?"),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest(tmp_path: Path, word: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        _check(tmp_path, word)
    assert says in str(refused.value)


def test_a_misspelt_key_of_a_file_is_named_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"over\.yaml, line 3: no key data\.init_args\.rot"):
        _check(tmp_path, overlay="data:\n  init_args:\n    rot: x\n")


@pytest.mark.parametrize(
    "word",
    [
        "--data.batch_size=2",
        "--model.mir=null",
        "--model.mir.mask.ratio=0.5",
        "--trainer.callbacks+=DeviceStatsMonitor",
        "--trainer.callbacks.log_momentum=true",
        "--model.init_args.network.init_args.depths+=1",
        "--model.init_args.network=KaleidoBERT",
        "--model.help",
        "--data.help=FashionGenDataModule",
        "--ckpt_path=x",
        "--print_config",
        "--help",
        "-h",
    ],
)
def test_nothing_right_is_refused(tmp_path: Path, word: str) -> None:
    _check(tmp_path, word)


def test_a_class_of_someone_else_is_left_to_the_parser(tmp_path: Path) -> None:
    other = "model: {class_path: mine.Task, init_args: {network: {class_path: mine.Net, init_args: {a: 1}}}}"
    _check(tmp_path, "--model.whatever=1", overlay=other)


def test_every_recipe_and_study_of_the_repository_passes(repository: Path) -> None:
    files = [
        file
        for folder in ("experiments", "ablations")
        for file in (repository / folder).rglob("*.yaml")
        if file.name not in ("recipe.yaml", "study.yaml")
    ]
    assert files
    for file in files:
        check_keys("fit", files_read(["fit", "--config", str(file)])[1])


def test_the_source_says_what_the_parser_takes() -> None:
    from fashionvl.commands.resolve import Resolver

    taken = {action.dest.partition(".")[0] for action in Resolver()._parser._actions}
    own = {*OPTIONS, *method_parameters("lightning", "pytorch/trainer/trainer.py", "Trainer", "fit")}
    assert taken - own <= {"help", "config", "print_config", "seed_everything", "trainer", "model", "data"}
    assert set(OPTIONS) <= taken


def test_signatures_follow_imports_and_dataclasses() -> None:
    data = signature_of("fashionvl.data.FashionGenDataModule")
    assert data is not None
    retrieval = data.record("retrieval")
    assert retrieval is not None
    assert {"queries", "negatives"} <= set(retrieval.parameters)
    assert data.record("tokenizer") is None
    assert signature_of("torch.nn.Linear") is None
    assert signature_of("fashionvl.tasks.Nothing") is None
    assert method_parameters("no_such_package", "a.py", "A", "f") == ()


def test_a_command_without_a_model_is_shown_how_to_name_one() -> None:
    with pytest.raises(InputError, match=r"fit: no model; give a recipe, such as --config mvlt/pretrain"):
        require_model(["fit", "--name", "x"], of_command_line(["fit", "--name", "x"]))
    for words in (["fit", "-h"], ["fit", "--help"], ["fit", "--print_config"], ["fit", "--model", "x.Y"]):
        require_model(words, of_command_line(words))
