"""Commands replace what they wrote themselves, and nothing else."""

from pathlib import Path

import pytest

from fashionvl.errors import InputError
from fashionvl.files.ours import LEDGER, Ours, check_own

NAMES = ("report.md", "pictures/*.png")


def write(folder: Path, text: str) -> None:
    ours = Ours(folder, NAMES)
    ours.begin()
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for name in ("report.md", "pictures/a.png"):
        (folder / name).write_text(text)
    ours.remember()


def test_what_was_written_is_replaced(tmp_path: Path) -> None:
    for text in ("first", "second"):
        write(tmp_path / "out", text)
    assert (tmp_path / "out" / "report.md").read_text() == "second"


@pytest.mark.parametrize("name", ["report.md", "pictures/a.png", "pictures/b.png"])
def test_a_file_of_somebody_else_is_kept(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    with pytest.raises(InputError, match="not written by this command") as caught:
        write(tmp_path, "ours")
    assert str(file) in str(caught.value)
    assert file.read_text() == "mine"
    assert not (tmp_path / LEDGER).exists()


def test_a_changed_file_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    (tmp_path / "report.md").write_text("with remarks")
    with pytest.raises(InputError, match="or changed since"):
        write(tmp_path, "ours again")
    assert (tmp_path / "report.md").read_text() == "with remarks"


def test_what_a_killed_command_wrote_is_ours(tmp_path: Path) -> None:
    Ours(tmp_path, NAMES).begin()
    (tmp_path / "report.md").write_text("half")
    write(tmp_path, "whole")
    assert (tmp_path / "report.md").read_text() == "whole"
    (tmp_path / "report.md").write_text("with remarks")
    with pytest.raises(InputError, match=r"report\.md"):
        Ours(tmp_path, NAMES)


def test_two_commands_share_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    other = Ours(tmp_path, ["summary.json"])
    (tmp_path / "summary.json").write_text("{}")
    other.remember()
    write(tmp_path, "ours again")
    Ours(tmp_path, ["summary.json"])


def test_a_single_file_is_known_by_how_it_begins(tmp_path: Path) -> None:
    file = tmp_path / "plan.mk"
    check_own(file, "# Ours")
    for own in ("", "# Ours, and more"):
        file.write_text(own)
        check_own(file, "# Ours")
    for foreign in ("all: demo\n", "# Our"):
        file.write_text(foreign)
        with pytest.raises(InputError, match=r"plan\.mk: not written by this command"):
            check_own(file, "# Ours")


def test_nothing_written_leaves_no_ledger(tmp_path: Path) -> None:
    """As on a read-only folder, where no picture could be kept."""
    Ours(tmp_path, ("sheet.png",)).remember()
    assert list(tmp_path.iterdir()) == []
