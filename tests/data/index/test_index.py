"""The sidecar index."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from fashionvl.data.catalogue import CatalogueColumns
from fashionvl.data.index import catalogue as index_module
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.readers import open_split
from fashionvl.data.text.wordpiece import train_wordpiece
from fashionvl.errors import InputError
from fashionvl.patches.crops import crop_resize

TEXT_FIELDS = (
    "name description concat_description category subcategory brand composition department gender pose season"
)


@pytest.fixture(scope="module")
def built(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> CatalogueIndex:
    return CatalogueIndex(open_split(catalogue, "train"), tmp_path_factory.mktemp("index"), image_size=32)


def test_columns_agree_with_the_file(built: CatalogueIndex) -> None:
    columns = built.reader.columns()
    assert built.product_id.tolist() == columns.product_id.tolist()
    assert [built.category_names[code] for code in built.category_code] == columns.category
    assert [built.subcategory_names[code] for code in built.subcategory_code] == columns.subcategory
    captions = built.unique_captions()
    assert [captions[i] for i in built.caption_of_row] == columns.caption


def test_tokens_are_the_tokenizer_s_and_cut_before_the_last(built: CatalogueIndex, tmp_path: Path) -> None:
    tokenizer = train_wordpiece(built.unique_captions(), tmp_path / "tokenizer", 400)
    store = built.captions(tokenizer)
    columns = built.reader.columns()
    for row in (0, 7, len(built) - 1):
        whole = tokenizer(columns.caption[row])["input_ids"]
        assert store.tokens(row, 500).tolist() == whole
        assert store.tokens(row, 6).tolist() == [*whole[:5], tokenizer.sep_token_id]


def test_stored_images_equal_the_crop(built: CatalogueIndex) -> None:
    pixels = built.images(32)
    for row in (0, 3, len(built) - 1):
        box = tuple(int(edge) for edge in built.boxes[row])
        np.testing.assert_array_equal(pixels.read(row), crop_resize(built.reader.image(row), box, 32))


def test_worker_processes_find_the_same(
    built: CatalogueIndex, catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fashionvl.data.index.scan.BLOCK", 40)
    parallel = CatalogueIndex(open_split(catalogue, "train"), tmp_path, workers=2, image_size=32)
    np.testing.assert_array_equal(parallel.boxes, built.boxes)
    expected, found = (one.folder / "images-32" / "pixels.bin" for one in (built, parallel))
    assert found.read_bytes() == expected.read_bytes()


def test_a_second_opening_scans_nothing(
    catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = CatalogueIndex(open_split(catalogue, "validation"), tmp_path)

    def refuse(*args: object) -> None:
        raise AssertionError("scanned again")

    monkeypatch.setattr(index_module, "scan_images", refuse)
    second = CatalogueIndex(open_split(catalogue, "validation"), tmp_path)
    np.testing.assert_array_equal(first.boxes, second.boxes)


def test_photographs_are_measured_also_for_an_older_index(tmp_path: Path) -> None:
    class Sizes:
        source = Path("sizes")

        def __len__(self) -> int:
            return 3

        def image(self, row: int) -> np.ndarray:
            return np.zeros((5 + row, 9 - row, 3), np.uint8)

        def fingerprint(self) -> str:
            return "f" * 64

        def columns(self) -> CatalogueColumns:
            return CatalogueColumns(np.arange(3), *(["a"] * 3 for _ in range(4)))

    expected = [[9, 5], [8, 6], [7, 7]]
    first = CatalogueIndex(Sizes(), tmp_path)
    assert first.frames.tolist() == expected
    (first.folder / "frames.npy").unlink()
    assert CatalogueIndex(Sizes(), tmp_path).frames.tolist() == expected
    assert (first.folder / "frames.npy").exists()


@pytest.mark.parametrize("damage", ["no manifest", "garbage", "older format"])
def test_a_half_written_index_is_built_again(catalogue: Path, tmp_path: Path, damage: str) -> None:
    first = CatalogueIndex(open_split(catalogue, "validation"), tmp_path)
    manifest = first.folder / "manifest.json"
    if damage == "no manifest":
        manifest.unlink()
    elif damage == "garbage":
        manifest.write_text('{"form')
    else:
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 0}))
    (first.folder / "boxes.npy").write_bytes(b"")
    second = CatalogueIndex(open_split(catalogue, "validation"), tmp_path)
    np.testing.assert_array_equal(first.boxes, second.boxes)


def test_a_changed_source_gets_an_index_of_its_own(catalogue: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    copy.mkdir()
    file = copy / "fashiongen_256_256_validation.h5"
    file.write_bytes((catalogue / file.name).read_bytes())
    before = CatalogueIndex(open_split(copy, "validation"), tmp_path / "index")
    changed = tmp_path / "changed.h5"
    changed.write_bytes(file.read_bytes())
    with h5py.File(changed, "r+") as handle:
        handle["input_productID"][0, 0] += 1_000_000
    changed.replace(file)
    after = CatalogueIndex(open_split(copy, "validation"), tmp_path / "index")
    assert before.folder != after.folder
    assert after.product_id[0] == before.product_id[0] + 1_000_000


def test_a_full_disk_leaves_no_index(
    catalogue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(index_module, "scan_images", full)
    with pytest.raises(InputError, match="the disk is full"):
        CatalogueIndex(open_split(catalogue, "validation"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_stays_small_on_300_000_rows(tmp_path: Path) -> None:
    """Peak memory of a process that indexes and reads a file of Fashion-Gen's length (tiny photographs)."""
    rows = 300_000
    with h5py.File(tmp_path / "fashiongen_256_256_train.h5", "w") as file:
        file["index"] = np.arange(rows)[:, None]
        file["index_2"] = np.arange(rows)
        file["input_productID"] = (np.arange(rows, dtype=np.int32) // 4)[:, None]
        file["input_msrpUSD"] = np.ones((rows, 1), np.float32)
        file.create_dataset("input_image", (rows, 8, 8, 3), np.uint8, chunks=(256, 8, 8, 3), fillvalue=200)
        texts = {"category": "TOPS", "subcategory": "T-SHIRTS"}
        for name in TEXT_FIELDS.split():
            value = texts.get(name, name).encode()
            file.create_dataset(f"input_{name}", (rows, 1), "S80", fillvalue=value, chunks=(4096, 1))
        words = np.array([f"cotton shirt number {n // 4} in black".encode() for n in range(rows)], "S80")
        file["input_description"][:] = words[:, None]
    program = (
        "import sys; from pathlib import Path; "
        "from fashionvl.data.index.catalogue import CatalogueIndex;"
        "from fashionvl.data.readers import open_split;"
        "root = Path(sys.argv[1]); index = CatalogueIndex(open_split(root, 'train'), root / 'index', 0, 8);"
        "store = index.images(8); [store.read(row) for row in range(0, 300000, 7)];"
        # Not `ru_maxrss`, which begins with what the process had that started this one.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'));"
        "print(len(index), peak.split()[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    count, peak_kb = done.stdout.split()[-2:]
    assert int(count) == rows
    assert int(peak_kb) < 2_000_000
