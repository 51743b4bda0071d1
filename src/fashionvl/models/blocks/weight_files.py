"""Tell the format of a file of weights by its content, or why it is none."""

import json
import zipfile
from pathlib import Path
from typing import Literal

from fashionvl.errors import InputError

Format = Literal["torch", "safetensors"]

_LFS = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<error")
_OTHERS = {
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_HEAD = 512
_PIECE = 2**20
_HEADER_LIMIT = 100_000_000  # bytes; the limit of the safetensors library


def weight_format(path: Path) -> Format:
    """Tell the format of a file of weights by its content, whatever its name, and check that it is whole.

    Raises:
        InputError: it is missing, empty, cut short, or no file of weights; the line says what it is instead.
    """
    if not path.is_file():
        kind = "is a folder, not a checkpoint file" if path.is_dir() else "no such checkpoint file"
        raise InputError(f"{path}: {kind}")
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    _refuse_others(path, head)
    if head.startswith(b"PK"):
        _check_archive(path)
        return "torch"
    # First, since the length before a header of safetensors may begin with a pickle's byte.
    if head[8:9] == b"{":
        _check_safetensors(path)
        return "safetensors"
    if head[:1] == b"\x80":
        return "torch"  # the format before torch 1.6; whether it is whole, only reading it tells
    if path.suffix == ".safetensors" and len(head) < 9:
        raise cut_short(path)
    raise InputError(
        f"{path}: not a readable checkpoint: begins with {head[:8]!r}, as neither torch.save nor safetensors "
        "writes; copy or download it again"
    )


def cut_short(path: Path) -> InputError:
    """Return the refusal of a file whose end is missing, with the way out."""
    return _broken(path, f"cut short ({path.stat().st_size:,} bytes are there)")


def _broken(path: Path, how: str) -> InputError:
    what = f"{path}: not a readable checkpoint: {how}"
    if path.parent.name == "checkpoints" and path.suffix == ".ckpt":
        return InputError(
            f"{what}, as after a full disk or an unfinished copy; copy it again, or delete it and start "
            "its run again, which then trains from the beginning"
        )
    return InputError(f"{what}; copy or download it again")


def _refuse_others(path: Path, head: bytes) -> None:
    if not head:
        raise InputError(f"{path}: not a readable checkpoint: the file is empty; copy or download it again")
    if head.startswith(_LFS):
        raise InputError(
            f"{path}: not a readable checkpoint: a Git LFS pointer, which stands for the file; fetch the "
            "file itself with `git lfs pull`"
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PAGES):
        raise InputError(
            f"{path}: not a readable checkpoint: a web page, such as a log-in or an error page; download the "
            "file itself"
        )
    for begins, what in _OTHERS.items():
        if head.startswith(begins):
            advice = "; unpack it first" if "archive" in what else ""
            raise InputError(f"{path}: not a readable checkpoint: {what}{advice}")
    if text.startswith((b"{", b"[")) and head[8:9] != b"{":
        raise InputError(
            f"{path}: not a readable checkpoint: JSON text, as an index of weights or an error message; give "
            "the weights themselves"
        )


def _check_archive(path: Path) -> None:
    """Look into the zip file that `torch.save` writes; its table of contents is its end.

    Its checksums are compared, too: `torch.load` takes flipped bits for weights.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            damaged = next(
                (entry.filename for entry in archive.infolist() if not _is_whole(archive, entry)), ""
            )
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise cut_short(path) from error
    if damaged:
        raise _broken(path, f"damaged (the checksum of {damaged} is not that of its bytes)")
    if any(name.endswith("constants.pkl") for name in names):
        raise InputError(
            f"{path}: not a readable checkpoint: a TorchScript program; save the state_dict() of its module"
        )
    if not any(name.endswith("data.pkl") for name in names):
        shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
        raise InputError(
            f"{path}: not a readable checkpoint: a zip archive of other files ({shown}); unpack it and give "
            "the file of weights"
        )


def _is_whole(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Return whether a member has the bytes that its checksum was made of; 0 stands for none."""
    try:
        with archive.open(entry) as member:
            while member.read(_PIECE):
                pass
    except zipfile.BadZipFile:
        return entry.CRC == 0
    except Exception:  # a damaged entry looks encrypted, packed in an unknown way, or anything else
        return False
    return True


def _check_safetensors(path: Path) -> None:
    """Compare the file's size with the offsets in its header: 8 bytes of length, JSON, then the tensors."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if 8 + length > size and length < _HEADER_LIMIT:
            raise cut_short(path)
        try:
            header = json.loads(stream.read(min(length, _HEADER_LIMIT)))
            ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise InputError(
                f"{path}: not a readable checkpoint: its header is damaged; copy it again"
            ) from error
    if 8 + length + max(ends, default=0) > size:
        raise cut_short(path)
