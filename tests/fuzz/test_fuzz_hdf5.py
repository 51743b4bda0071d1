"""HDF5 files of any structure, and damaged ones: rows or one line, and never an endless read."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from damage import damaged, value_or_refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.data.readers.heaps import SIGNATURE
from fashionvl.errors import InputError

ROWS, SIDE = 3, 4
TEXTS = ("input_name", "input_description", "input_category", "input_subcategory")


def columns() -> dict[str, np.ndarray]:
    """Return the datasets that are read, sound."""
    texts = {name: np.array([[f"{name} {row}".encode()] for row in range(ROWS)], "S40") for name in TEXTS}
    images = np.random.default_rng(0).integers(0, 256, (ROWS, SIDE, SIDE, 3), dtype=np.uint8)
    return {"input_image": images, "input_productID": np.arange(ROWS)[:, None], **texts}


def write_plain(file: h5py.File) -> None:
    for name, values in columns().items():
        file[name] = values


def write_chunked(file: h5py.File) -> None:
    for name, values in columns().items():
        file.create_dataset(
            name, data=values, chunks=(1, *values.shape[1:]), compression="gzip", shuffle=True
        )


def write_variable(file: h5py.File) -> None:
    for name, values in columns().items():
        kind = h5py.string_dtype() if name in TEXTS else values.dtype
        file.create_dataset(name, data=values.astype(object) if name in TEXTS else values, dtype=kind)


def written(path: Path, write: Callable[[h5py.File], None], **how: Any) -> bytes:
    """Return the bytes of a file that `write` filled."""
    with h5py.File(path, "w", **how) as file:
        write(file)
    content = path.read_bytes()
    path.unlink()
    return content


def read_all(path: Path) -> bool:
    """Read everything of a file; False where it is refused."""

    def read() -> bool:
        reader = FashionGenReader(path)
        found = reader.columns()
        images = [reader.image(row) for row in range(len(reader))]
        assert reader.fingerprint()
        assert reader.fields() is not None
        assert len(found) == len(images) == len(found.caption)
        assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
        assert reader.record(0).caption == found.caption[0]
        return True

    return value_or_refusal(read, str(path)) is True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hdf5")


@pytest.fixture(scope="module")
def sound(folder: Path) -> list[bytes]:
    """Files without variable-length texts: damaged heaps are read in a process of their own."""
    return [
        written(folder / "made.h5", write_plain),
        written(folder / "made.h5", write_plain, libver="latest"),
        written(folder / "made.h5", write_plain, userblock_size=512),
        written(folder / "made.h5", write_chunked),
        written(folder / "made.h5", write_chunked, libver="latest"),
    ]


def _next(folder: Path) -> Path:
    # A new name each time: HDF5 may still hold the last file open.
    for old in folder.glob("fuzzed-*.h5"):
        old.unlink()
    return folder / f"fuzzed-{random.getrandbits(60)}.h5"


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files(folder: Path, sound: list[bytes], data: st.DataObject) -> None:
    path = _next(folder)
    path.write_bytes(damaged(data.draw, data.draw(st.sampled_from(sound))))
    read_all(path)


TYPES = st.sampled_from(
    ["u1", "i1", "i8", "u8", "f4", "f8", "c8", "?", "S1", "S40", ">u4", "V3", h5py.string_dtype(),
     h5py.string_dtype("ascii", 5), h5py.vlen_dtype(np.dtype("i4")), h5py.ref_dtype,
     np.dtype([("a", "i4"), ("b", "S3")]), h5py.enum_dtype({"A": 1}), np.dtype(("u1", (2,)))]
)  # fmt: skip
SHAPES = st.sampled_from(
    [(), (0,), (3,), (3, 1), (1, 3), (3, 2), (4, 1), (3, 4, 4, 3), (3, 4, 4, 1), (3, 4, 4), (0, 4, 4, 3),
     (3, 0, 4, 3), (3, 4, 4, 4), (2, 3, 5, 3)]
)  # fmt: skip
KINDS = st.sampled_from(
    ["sound", "sound", "dataset", "dataset", "absent", "group", "soft", "external", "empty"]
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_other_structures(folder: Path, data: st.DataObject) -> None:
    path = _next(folder)
    with h5py.File(path, "w") as file:
        for name, values in columns().items():
            kind = data.draw(KINDS)
            if kind == "sound":
                file[name] = values
            elif kind == "dataset":
                file.create_dataset(name, data.draw(SHAPES), data.draw(TYPES))
            elif kind == "group":
                file.create_group(name)["values"] = values
            elif kind == "soft":
                file[name] = h5py.SoftLink(
                    data.draw(st.sampled_from(["/nowhere", "/", f"/{name}", "/input_name"]))
                )
            elif kind == "external":
                file[name] = h5py.ExternalLink(data.draw(st.sampled_from(["none.h5", path.name])), f"/{name}")
            elif kind == "empty":
                file[name] = h5py.Empty("u1")
    read_all(path)


@pytest.mark.parametrize("name", ["input_image", "input_description"])
def test_more_rows_than_the_file_can_hold_are_refused(folder: Path, name: str) -> None:
    path = _next(folder)
    with h5py.File(path, "w") as file:
        write_chunked(file)
        shape = {"input_image": (ROWS, 2**20, 2**20, 3), "input_description": (ROWS, 1)}[name]
        del file[name]
        kind = "u1" if name == "input_image" else f"S{2**24}"
        file.create_dataset(name, shape, kind, chunks=(1,) * len(shape))
    with pytest.raises(InputError, match=rf"{name} is \(3, .*copy it again"):
        FashionGenReader(path)


def damaged_heaps(folder: Path, count: int) -> None:
    """Read files whose texts of variable length are damaged; run in a process of its own."""
    content = written(folder / "made.h5", write_variable)
    heap = content.index(SIGNATURE)
    draw, read = random.Random(0), 0
    for number in range(count):
        broken = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            place = heap + draw.randrange(600)
            length = draw.choice([1, 1, 2, 8, 64])
            broken[place : place + length] = draw.choice(
                [bytes(length), draw.randbytes(length), b"\xff" * length]
            )
        path = folder / f"heap-{number}.h5"
        path.write_bytes(broken)
        read += read_all(path)
        path.unlink()
    print(read)  # noqa: T201


def test_damaged_heaps_end(folder: Path) -> None:
    program = (
        "import pathlib, sys, test_fuzz_hdf5; test_fuzz_hdf5.damaged_heaps(pathlib.Path(sys.argv[1]), 200)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < int(done.stdout) < 200


def test_a_heap_with_a_block_of_zeros_is_named(folder: Path) -> None:
    path = _next(folder)
    content = bytearray(written(path, write_variable))
    place = content.index(SIGNATURE) + 64
    content[place : place + 128] = bytes(128)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is damaged near byte .*copy the file again"):
        FashionGenReader(path)
