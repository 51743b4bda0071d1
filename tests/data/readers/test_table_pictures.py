"""Pictures in folders, zips and tars."""

import contextlib
import io
import multiprocessing
import pickle
import random
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fashionvl.data.readers.table.archives import Members
from fashionvl.data.readers.table.finding import PictureFinder
from fashionvl.data.readers.table.reader import picture_mark
from fashionvl.errors import InputError

PLACES = (
    "folder",
    "stored.zip",
    "deflated.zip",
    "plain.tar",
    "packed.tar.gz",
    "packed.tbz2",
    "packed.tar.xz",
)


def png(number: int, size: int = 24) -> bytes:
    file = io.BytesIO()
    pixels = np.full((size, size, 3), 255, np.uint8)
    pixels[4:-4, 6:-6] = (number * 37 % 200, number * 11 % 200, 90)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pack(place: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder, a zip or a tar, as its name says."""
    if place.suffix == ".zip":
        method = zipfile.ZIP_DEFLATED if "deflated" in place.name else zipfile.ZIP_STORED
        with zipfile.ZipFile(place, "w", method) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    elif place.suffix:
        mode = {".gz": "w:gz", ".tbz2": "w:bz2", ".xz": "w:xz", ".tar": "w"}[place.suffix]
        with tarfile.open(place, mode) as archive:  # type: ignore[call-overload]
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    else:
        for name, data in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
    return place


FILES = {"a/1.png": png(1), "a/2.PNG": png(2), "é.png": png(3), "b/1.png": png(4)}
IGNORED = {"notes.txt": b"x", "__MACOSX/a/1.png": b"x", "a/.hidden.png": b"x"}


@pytest.mark.parametrize("kind", PLACES)
def test_every_place_gives_the_same_pictures(tmp_path: Path, kind: str) -> None:
    members = Members.listed([pack(tmp_path / kind, FILES | IGNORED)], tmp_path / "cache")
    read = {members.name(row): members.read(row) for row in range(len(members))}
    if kind == "folder":
        read = {name: read[name] for name in FILES}
    assert read == FILES
    assert [pickle.loads(pickle.dumps(members)).read(row) for row in range(4)] == list(
        map(members.read, range(4))
    )
    taken = members.take(np.array([3, 0]))
    assert [taken.name(0), taken.name(1)] == [members.name(3), members.name(0)]
    assert taken.read(0) == members.read(3)


def test_the_same_pictures_have_one_mark_whatever_they_are_packed_in(tmp_path: Path) -> None:
    files = dict(sorted(FILES.items()))
    kinds = ("folder", "x.tar", "y.tar.gz", "z.zip", "deflated.zip")
    first, *others = (Members.listed([pack(tmp_path / kind, files)], tmp_path) for kind in kinds)
    assert {picture_mark(other) for other in others} == {picture_mark(first)}
    other = Members.listed([pack(tmp_path / "other", files | {"a/1.png": png(9)})], tmp_path)
    assert picture_mark(other) != picture_mark(first)


def test_a_packed_tar_is_unpacked_once(tmp_path: Path) -> None:
    place = pack(tmp_path / "p.tar.gz", FILES)
    Members.listed([place], tmp_path / "cache")
    (unpacked,) = (tmp_path / "cache").iterdir()
    before = unpacked.stat().st_mtime_ns
    Members.listed([place], tmp_path / "cache")
    assert unpacked.stat().st_mtime_ns == before


def _read_all(members: Members) -> list[bytes]:
    return [members.read(row) for row in range(len(members))]


def test_processes_read_at_random_and_at_the_same_time(tmp_path: Path) -> None:
    members = Members.listed(
        [pack(tmp_path / "deflated.zip", {f"{n}.png": png(n) for n in range(40)})], tmp_path
    )
    expected = _read_all(members)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_read_all, [members] * 6) == [expected] * 6


@pytest.mark.parametrize("kind", PLACES[1:])
def test_cut_archives_are_named(tmp_path: Path, kind: str) -> None:
    place = pack(tmp_path / kind, FILES)
    place.write_bytes(place.read_bytes()[:-200] if kind.endswith("zip") else place.read_bytes()[:300])
    with pytest.raises(InputError, match=kind):
        _read_all(Members.listed([place], tmp_path / "cache"))


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["s.zip", "deflated.zip", "t.tar", "p.tar.gz"]), seed=st.integers(0, 10**6))
def test_flipped_bytes_end_in_an_input_error_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, kind: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    place, draw = pack(folder / kind, FILES), random.Random(seed)
    data = bytearray(place.read_bytes())
    for _ in range(draw.randint(1, 6)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    place.write_bytes(data)
    try:
        members = Members.listed([place], folder)
    except InputError:
        return
    for row in range(len(members)):
        with contextlib.suppress(InputError):
            assert len(members.read(row)) == members.size[row]


def test_what_is_no_place_of_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.rar").write_bytes(b"x")
    for name, message in {
        "x.rar": "neither a folder nor a zip or tar",
        "absent": "no such file or folder",
    }.items():
        with pytest.raises(InputError, match=message):
            Members.listed([tmp_path / name], tmp_path)
    with zipfile.ZipFile(tmp_path / "l.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("1.png", png(1))
    with pytest.raises(InputError, match="compressed by method 14"):
        Members.listed([tmp_path / "l.zip"], tmp_path)


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    pack(tmp_path / "elsewhere", {"1.png": png(1)})
    (tmp_path / "root").mkdir()
    (tmp_path / "root/images").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/again").symlink_to(tmp_path / "elsewhere")
    members = Members.listed([tmp_path / "root"], tmp_path)
    assert [members.name(row) for row in range(len(members))] == ["images/1.png"]


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> PictureFinder:
    names = [
        "set/images/1.jpg",
        "set/images/2.jpg",
        "set/thumbs/2.jpg",
        "set/3.png",
        "set/3.jpg",
        "set/e\u0301.jpg",
    ]
    folder = pack(tmp_path_factory.mktemp("finder") / "x.zip", {name: png(1) for name in names})
    members = Members.listed([folder], folder)
    found = PictureFinder(members)
    found.names = [members.name(row) for row in range(len(members))]  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("1.jpg", "set/images/1.jpg"),
        ("1", "set/images/1.jpg"),
        ("images/1", "set/images/1.jpg"),
        ("./images//1.jpg", "set/images/1.jpg"),
        ("images\\1.jpg", "set/images/1.jpg"),
        ("/home/me/set/images/2.jpg", "set/images/2.jpg"),
        ("thumbs/2.jpg", "set/thumbs/2.jpg"),
        ("3.png", "set/3.png"),
        ("\u00e9.jpg", "set/e\u0301.jpg"),
    ],
)
def test_a_cell_means_the_only_file_that_ends_like_it(finder: PictureFinder, cell: str, name: str) -> None:
    row, problem = finder.find(cell)
    assert not problem
    assert finder.names[row] == name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("2.jpg", "several pictures of this name"),
        ("3", "several pictures of this name"),
        ("4.jpg", "no such picture"),
        ("other/1.jpg", "no such picture"),
        ("1.png", "no such picture"),
        ("", "no such picture"),
        ("/", "no such picture"),
    ],
)
def test_a_cell_that_means_none_or_several_finds_none(finder: PictureFinder, cell: str, problem: str) -> None:
    assert finder.find(cell) == (-1, problem)
