"""A folder that holds anything is not drawn into, unless it is an older output that may be replaced."""

import json
from pathlib import Path

import pytest

from fashionvl.data.synthetic.manifest import MANIFEST, SCRATCH, check_replaceable, install
from fashionvl.errors import InputError

NAMES = ("first.h5", "second.h5")
SETTINGS = {"seed": 3}


def drawn(folder: Path, mark: str) -> Path:
    scratch = folder / f"{SCRATCH}{mark}"
    scratch.mkdir(parents=True)
    for name in NAMES:
        (scratch / name).write_text(f"{name} {mark}")
    return scratch


def put(out: Path, mark: str) -> None:
    install(drawn(out, mark), out, NAMES, SETTINGS)


def refused(out: Path, words: str, overwrite: bool = True) -> None:
    before = {path: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with pytest.raises(InputError, match=words) as caught:
        check_replaceable(out, NAMES, overwrite)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_a_new_or_empty_folder_is_free(tmp_path: Path) -> None:
    check_replaceable(tmp_path / "new", NAMES, overwrite=False)
    check_replaceable(tmp_path, NAMES, overwrite=False)


def test_what_a_killed_process_left_of_its_own_does_not_count(tmp_path: Path) -> None:
    drawn(tmp_path, "cut")
    (tmp_path / f".{MANIFEST}.abc").touch()
    check_replaceable(tmp_path, NAMES, overwrite=False)


@pytest.mark.parametrize("name", [NAMES[0], "notes.txt", ".hidden", MANIFEST])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_with_anything_else_is_refused(tmp_path: Path, name: str, overwrite: bool) -> None:
    (tmp_path / name).write_text("mine")
    refused(tmp_path, f"did not write.*{name}", overwrite)


def test_an_older_output_is_replaced_when_asked_only(tmp_path: Path) -> None:
    put(tmp_path, "old")
    (tmp_path / "contact_sheet.png").touch()
    refused(tmp_path, "--overwrite", overwrite=False)
    check_replaceable(tmp_path, NAMES, overwrite=True)
    put(tmp_path, "new")
    assert (tmp_path / NAMES[1]).read_text() == "second.h5 new"
    check_replaceable(tmp_path, NAMES, overwrite=True)


@pytest.mark.parametrize("content", ["another file", "first.h5 older"])
def test_a_file_put_in_place_of_ours_is_kept(tmp_path: Path, content: str) -> None:
    put(tmp_path, "older")
    put(tmp_path, "old")
    (tmp_path / NAMES[0]).write_text(content)
    refused(tmp_path, "first.h5: not the file")


def test_a_file_that_the_manifest_does_not_name_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "old")
    content = json.loads((tmp_path / MANIFEST).read_text())
    del content["files"][NAMES[0]]
    (tmp_path / MANIFEST).write_text(json.dumps(content))
    refused(tmp_path, "first.h5: not the file")


def test_an_output_that_a_kill_left_half_replaced_is_still_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "old")
    move = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if Path(target).name == NAMES[1]:
            raise KeyboardInterrupt
        return move(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put(tmp_path, "new")
    monkeypatch.undo()
    assert [(tmp_path / name).read_text() for name in NAMES] == ["first.h5 new", "second.h5 old"]
    check_replaceable(tmp_path, NAMES, overwrite=True)
