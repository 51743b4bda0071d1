"""Sources of weights: files, folders, the hub; only plain data, one clear line otherwise."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fashionvl.errors import InputError
from fashionvl.models.blocks import checkpoints
from fashionvl.models.blocks.checkpoints import locate_weights, read_state


def fails_in_one_line(call: Callable[[], object], *words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def write_evil(path: Path) -> None:
    torch.save({"model": {"weight": Path("somewhere")}}, path)


def write_plain(path: Path) -> None:
    torch.save({"model": {"weight": 3}}, path)


def write_cut(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 and no more")


def write_nothing(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("write", "name", "words"),
    [
        (write_evil, "evil.pth", "evil.pth: not a readable checkpoint (it holds pathlib."),
        (write_plain, "plain.pth", "plain.pth: holds no state dict"),
        (write_cut, "cut.pth", "cut.pth: not a readable checkpoint"),
        (write_cut, "cut.safetensors", "cut.safetensors: not a readable checkpoint"),
        (write_nothing, "empty.pth", "empty.pth: not a readable checkpoint"),
        (None, "none.pth", "none.pth: no such checkpoint file"),
    ],
)
def test_unreadable_files(
    write: Callable[[Path], None] | None, name: str, words: str, tmp_path: Path
) -> None:
    if write is not None:
        write(tmp_path / name)
    fails_in_one_line(lambda: read_state(tmp_path / name), words)


def test_a_folder_stands_for_the_weights_in_it(tmp_path: Path) -> None:
    fails_in_one_line(
        lambda: locate_weights(str(tmp_path)), "holds neither model.safetensors nor pytorch_model.bin"
    )
    for name in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).touch()
        assert locate_weights(str(tmp_path)) == tmp_path / name


def test_a_hub_id_falls_back_to_the_former_file_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def only_bin(repository: str, name: str) -> str:
        asked.append((repository, name))
        if name == "model.safetensors":
            raise checkpoints.EntryNotFoundError("404")
        return f"/cache/{name}"

    monkeypatch.setattr(checkpoints, "hf_hub_download", only_bin)
    assert locate_weights("someone/pvt-tiny") == Path("/cache/pytorch_model.bin")
    assert asked == [("someone/pvt-tiny", "model.safetensors"), ("someone/pvt-tiny", "pytorch_model.bin")]


def test_an_unreachable_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(repository: str, name: str) -> str:
        raise OSError("no route to the hub\nand a long explanation")

    monkeypatch.setattr(checkpoints, "hf_hub_download", offline)
    fails_in_one_line(
        lambda: locate_weights("someone/pvt"), "someone/pvt: no such file", "no route to the hub"
    )
