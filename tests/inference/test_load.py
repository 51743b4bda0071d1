"""Models are loaded from run folders, model folders and the hub, and strangers' classes are refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import fashionvl
from fashionvl.errors import InputError
from fashionvl.inference.load import load
from fashionvl.models.mvlt import MVLT


@pytest.fixture
def copied(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copied"))


def _configure(folder: Path, **changes: Any) -> Path:
    file = folder / "config.json"
    content = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not ...}))
    return folder


def test_a_model_folder_and_a_run_folder_are_loaded(saved: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(saved, run / "model")
    expected = MVLT.from_pretrained(saved)
    for source in (saved, str(saved), run):
        model, processor = fashionvl.load(source)
        assert isinstance(model, MVLT)
        assert not model.training
        assert processor.preparation.max_tokens == 24
        for key, value in expected.state_dict().items():
            torch.testing.assert_close(model.state_dict()[key], value, rtol=0, atol=0)


def test_the_class_stands_beside_the_arguments(saved: Path) -> None:
    content = json.loads((saved / "config.json").read_text())
    assert content["class_path"] == "fashionvl.models.mvlt.model.MVLT"
    assert content["text_width"] == 24
    # Not an argument: a network rebuilt and saved again has it once.
    assert "class_path" not in MVLT.from_pretrained(saved).config


def test_importing_the_package_is_light() -> None:
    code = "import fashionvl, sys; held = 'torch' in sys.modules; print(held, callable(fashionvl.load))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["False", "True"]
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        fashionvl.lode  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "torch.nn.Linear",
        "fashionvl.modelsevil.MVLT",
        "fashionvl.models_evil.MVLT",
        "fashionvl.tasks.MVLTPretraining",
        "fashionvl.models",
        "MVLT",
        "",
        # Names that modules of ours have imported, and ways through them.
        "fashionvl.models.blocks.checkpoints.torch",
        "fashionvl.models.blocks.checkpoints.torch.nn.Linear",
        "fashionvl.models.blocks.checkpoints.torch.load",
        "fashionvl.models.blocks.saving.PyTorchModelHubMixin",
        "fashionvl.models.blocks.saving.nn.Module",
        "fashionvl.models.mvlt.weights.PvtModel",
        "fashionvl.models..mvlt.model.MVLT",
        "fashionvl.models.mvlt.model.MVLT.from_pretrained",
        # Ours, but not a model that can be loaded.
        "fashionvl.models.mvlt.model.Encoded",
        "fashionvl.models.mvlt.encoder.Encoder",
        "fashionvl.models.protocols.require",
        "fashionvl.models.mvlt.absent.MVLT",
    ],
)
def test_any_other_class_path_is_refused_in_one_line(copied: Path, path: str) -> None:
    with pytest.raises(InputError, match=r"config\.json: class_path") as caught:
        load(_configure(copied, class_path=path))
    assert "\n" not in str(caught.value)


def test_a_strangers_class_is_built_only_when_trusted(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "imported"
    (tmp_path / "stranger.py").write_text(
        f"open({str(mark)!r}, 'w').close()\n"
        "from fashionvl.models.mvlt import MVLT\n"
        "class Theirs(MVLT):\n    pass\n"
        "class NoModel:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    _configure(copied, class_path="stranger.Theirs")
    with pytest.raises(InputError, match=r"stranger\.Theirs is not a class of fashionvl\.models; .*trust"):
        load(copied)
    assert not mark.exists()
    model, _ = load(copied, trust=True)
    assert mark.exists()
    assert type(model).__name__ == "Theirs"
    with pytest.raises(InputError, match="not a torch module"):
        load(_configure(copied, class_path="stranger.NoModel"), trust=True)
    with pytest.raises(InputError, match="is not there"):
        load(_configure(copied, class_path="absent_package.Model"), trust=True)


def test_an_older_model_says_what_to_do(copied: Path) -> None:
    (copied / "processor.json").unlink()
    with pytest.raises(
        InputError, match=r"processor\.json: missing, .*older version; .*Preparation\("
    ) as caught:
        load(copied)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"config\.json: no class_path, .*older fashionvl; add"):
        load(_configure(copied, class_path=...))
    assert isinstance(MVLT.from_pretrained(copied), MVLT)


def test_the_advice_for_an_older_model_works(copied: Path, saved: Path, tmp_path: Path) -> None:
    from fashionvl.data.preparation import Preparation
    from fashionvl.data.text.loading import load_tokenizer

    run = tmp_path / "run"
    shutil.move(copied / "tokenizer", run / "tokenizer")
    (copied / "processor.json").unlink()
    Preparation(image_size=64, crop=True, max_tokens=24).save(copied, load_tokenizer(run / "tokenizer"))
    assert load(copied)[1].preparation == load(saved)[1].preparation


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"depths": "deep"}, r"config\.json"),
        ({"embed_dims": [8, 16]}, "embed_dims"),
        ({"text_width": 32}, "another configuration"),
        ({"decoder": "painter"}, "."),
        ({"vocab_size": None}, r"config\.json: MVLT cannot be built"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line(copied: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        load(_configure(copied, **changes))
    assert "\n" not in str(caught.value)


def test_damaged_files_are_named(copied: Path, tmp_path: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"model\.safetensors: not a readable checkpoint"):
        load(copied)
    (copied / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: not readable"):
        load(copied)
    (copied / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: missing"):
        load(copied)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: holds no model\.safetensors"):
        load(tmp_path / "empty")


@pytest.mark.parametrize("source", ["nobody/absent-model", "runs/absent/mvlt/0", "~/absent", "absent"])
def test_a_source_that_is_nowhere_is_one_line(source: str) -> None:
    # Tests run with the hub switched off.
    with pytest.raises(InputError, match="no such folder, and not found on the Hugging Face Hub") as caught:
        load(source)
    assert str(caught.value).startswith(f"{source}: ")
    assert "\n" not in str(caught.value)


def test_a_hub_model_is_loaded_from_its_snapshot(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def snapshot(source: str, **options: Any) -> str:
        asked.update(options, source=source)
        return str(saved)

    monkeypatch.setattr("fashionvl.inference.load.snapshot_download", snapshot)
    model, _ = load("someone/mvlt")
    assert isinstance(model, MVLT)
    assert asked["source"] == "someone/mvlt"
    assert set(asked["allow_patterns"]) == {
        *("config.json", "model.safetensors", "processor.json"),
        *("tokenizer/*", "backbone/*", "foreground/*"),
    }
