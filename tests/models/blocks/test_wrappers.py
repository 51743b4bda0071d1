"""State dicts are found in any wrapping; files that are none are named for what they are."""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from fashionvl.errors import InputError
from fashionvl.models.blocks.checkpoints import read_state
from fashionvl.models.blocks.wrappers import WRAPPERS, unwrapped

STATE = {"encoder.weight": torch.arange(4.0), "head.bias": torch.zeros(2)}


def prefixed(*prefixes: str) -> dict[str, Tensor]:
    return {"".join(prefixes) + key: value for key, value in STATE.items()}


def is_state(found: Any) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[key], STATE[key]) for key in STATE)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(WRAPPERS), max_size=3),
    st.lists(st.sampled_from(["module.", "_orig_mod.", "model.", "network."]), max_size=3),
)
def test_wrappers_and_prefixes_nest(wrappers: list[str], prefixes: list[str]) -> None:
    content: Any = prefixed(*prefixes)
    for key in wrappers:
        content = {"epoch": 3, "optimizer": {"state": {}}, key: content}
    assert is_state(unwrapped(content))


def test_submodules_that_were_compiled_lose_the_mark() -> None:
    assert is_state(unwrapped({f"network.{key.replace('.', '._orig_mod.', 1)}": STATE[key] for key in STATE}))


def test_a_prefix_that_some_keys_lack_is_part_of_the_names() -> None:
    state = {"module.weight": torch.zeros(1), "head.weight": torch.zeros(1)}
    found = unwrapped({"model": state})
    assert found is not None
    assert found.keys() == state.keys()


def test_of_our_checkpoint_the_network_is_taken() -> None:
    ours = {
        "pytorch-lightning_version": "2.6",
        "state_dict": {**prefixed("network._orig_mod."), "decoder.weight": torch.zeros(1)},
        "callbacks": {"RunRecord": {"seconds": 1.0}},
    }
    assert is_state(unwrapped(ours))


@pytest.mark.parametrize("content", [None, 3, [], {}, {"model": 3}, {"a": torch.zeros(1), "b": 2}])
def test_other_content_is_no_state_dict(content: Any) -> None:
    assert unwrapped(content) is None


@pytest.mark.parametrize("name", ["model.safetensors", "weights.pth", "weights"])
@pytest.mark.parametrize("legacy", [True, False])
def test_the_content_decides_the_format(tmp_path: Path, name: str, legacy: bool) -> None:
    torch.save({"state_dict": STATE}, tmp_path / name, _use_new_zipfile_serialization=not legacy)
    assert is_state(read_state(tmp_path / name))
    save_file(prefixed("module."), tmp_path / name)
    assert is_state(read_state(tmp_path / name))


def torch_bytes(content: Any, new: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


def safetensors_bytes(folder: Path) -> bytes:
    save_file(STATE, folder / "whole")
    return (folder / "whole").read_bytes()


def zipped(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, b"x")
    return stream.getvalue()


def numpy_bytes() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(3))
    return stream.getvalue()


class Elsewhere:
    """An object of somebody's library."""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\n <!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"\xef\xbb\xbf<HTML><body>404</body></HTML>", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file"),
        (b"\x1f\x8b\x08" + bytes(64), "a gzip archive; unpack it first"),
        (b'{"weight_map": {}, "metadata": {"total_size": 3}}', "JSON text"),
        (zipped("model/pytorch_model.bin"), "a zip archive of other files (model/pytorch_model.bin)"),
        (numpy_bytes(), "a zip archive of other files (a.npy)"),
        (torch_bytes({"model": Elsewhere()}), f"it holds {__name__}.Elsewhere, which is not plain data"),
        (torch_bytes({"model": Elsewhere()}, new=False), f"it holds {__name__}.Elsewhere"),
        (torch_bytes(nn.Linear(1, 1)), "it holds torch.nn.modules.linear.Linear"),
        (pickle.dumps({"weight": np.zeros(3)}), "plain data"),
        (torch_bytes({"epoch": 3, "loss": 0.5}), "its keys are epoch, loss"),
        (torch_bytes([1, 2]), "it is a list"),
        (b"epoch,loss\n1,2\n", "not a readable checkpoint"),
    ],
)
@pytest.mark.parametrize("name", ["given.pth", "given.safetensors"])
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, words: str, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_state(tmp_path / name)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / name}: ")
    assert words in said
    assert "\n" not in said
    assert not any(word in said for word in ("weights_only", "trust", "safe_globals", "pickle"))


def test_a_program_is_no_state_dict(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(1, 1)).save(tmp_path / "scripted.pt")
    with pytest.raises(InputError, match="a TorchScript program"):
        read_state(tmp_path / "scripted.pt")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize(
    "whole", [lambda _: torch_bytes(STATE), lambda _: torch_bytes(STATE, new=False), safetensors_bytes]
)
def test_a_file_cut_short_is_named_so(tmp_path: Path, whole: Callable[[Path], bytes], share: float) -> None:
    content = whole(tmp_path)
    place = tmp_path / "given.pth"
    place.write_bytes(content[: max(9, int(share * len(content)))])
    with pytest.raises(InputError, match=r"given\.pth: .*cut short .*copy or download it again"):
        read_state(place)


def test_of_our_own_checkpoint_it_says_what_to_do(tmp_path: Path) -> None:
    place = tmp_path / "run" / "checkpoints" / "last.ckpt"
    place.parent.mkdir(parents=True)
    place.write_bytes(torch_bytes(STATE)[:500])
    with pytest.raises(InputError, match=r"cut short .* delete it and start its run again"):
        read_state(place)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_files_are_one_line(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    wholes = [torch_bytes(STATE), torch_bytes(STATE, new=False), safetensors_bytes(folder)]
    content = bytearray(data.draw(st.sampled_from(wholes)))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] ^= data.draw(st.integers(1, 255))
    (folder / "given").write_bytes(content)
    said = "one line"
    try:
        read_state(folder / "given")
    except InputError as refused:
        said = str(refused)
    assert "\n" not in said


def test_flipped_bits_of_weights_are_found(tmp_path: Path) -> None:
    file = tmp_path / "run" / "checkpoints" / "last.ckpt"
    file.parent.mkdir(parents=True)
    torch.save({"weight": torch.arange(1000.0)}, file)
    content = bytearray(file.read_bytes())
    content[content.index(torch.arange(1000.0).numpy().tobytes()) + 2000] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"last\.ckpt: .*damaged \(the checksum of .*delete it and start"):
        read_state(file)
