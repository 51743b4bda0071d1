"""The Fashion-Gen HDF5 reader: contents, bad files, worker processes."""

import logging
import os
import pickle
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.data.readers.hdf5 import mapped_dataset
from fashionvl.errors import InputError


@pytest.fixture
def path(tmp_path, write_fashion_gen):
    return write_fashion_gen(tmp_path / "fashiongen_256_256_train.h5")


def test_gives_what_the_file_holds(path):
    reader = FashionGenReader(path)
    columns = reader.columns()
    with h5py.File(path) as file:
        assert len(reader) == len(columns) == file["input_image"].shape[0]
        assert np.array_equal(columns.product_id, file["input_productID"][:, 0])
        assert columns.product_id.dtype == np.int64
        for row in range(len(reader)):
            assert np.array_equal(reader.image(row), file["input_image"][row])
            assert columns.caption[row] == file["input_description"][row, 0].decode()
            assert columns.category[row] == file["input_category"][row, 0].decode()
            assert columns.subcategory[row] == file["input_subcategory"][row, 0].decode()
            assert columns.image_name[row] == file["input_name"][row, 0].decode()


def test_record_agrees_with_the_columns(path):
    reader = FashionGenReader(path)
    columns, record = reader.columns(), reader.record(3)
    assert (record.row, record.product_id) == (3, columns.product_id[3])
    assert record.caption == columns.caption[3]
    assert (record.category, record.subcategory) == (columns.category[3], columns.subcategory[3])
    assert record.image_name == columns.image_name[3]


def test_columns_are_read_whole_whatever_the_block(path, monkeypatch):
    expected = FashionGenReader(path).columns()
    monkeypatch.setattr("fashionvl.data.readers.fashion_gen.ROWS_AT_ONCE", 4)
    assert FashionGenReader(path).columns().caption == expected.caption


def test_the_concatenated_description_can_be_the_caption(path):
    reader = FashionGenReader(path, caption_field="input_concat_description")
    assert reader.record(0).caption.startswith("Black T-Shirt. Cotton")
    assert reader.columns().caption[0] == reader.record(0).caption


def test_one_dimensional_and_variable_length_text_is_read(tmp_path, write_fashion_gen):
    flat = np.array([b"SHORTS"] * 6)
    path = write_fashion_gen(tmp_path / "a.h5", input_category=flat, input_productID=np.arange(6))
    with h5py.File(path, "a") as file:
        del file["input_description"]
        values = np.array([[f"caption {row} é"] for row in range(6)], dtype=object)
        file.create_dataset("input_description", data=values, dtype=h5py.string_dtype())
    columns = FashionGenReader(path).columns()
    assert columns.category == ["SHORTS"] * 6
    assert columns.caption[5] == "caption 5 é"


def test_bytes_that_are_not_utf8_are_latin5_and_counted(tmp_path, write_fashion_gen, caplog):
    captions = np.array([["Café".encode(), b"Caf\xe9 \xfe", b"", b"plain", b"\xf0", b"x"]]).T
    path = write_fashion_gen(tmp_path / "a.h5", input_description=captions)
    reader = FashionGenReader(path)
    column = reader.text_column("input_description")
    assert column.values == ["Café", "Café ş", "", "plain", "ğ", "x"]
    assert column.not_utf8 == [1, 4]
    with caplog.at_level(logging.WARNING):
        assert reader.columns().caption == column.values
    assert "2 rows of input_description" in caplog.text
    assert reader.record(1).caption == "Café ş"


def test_fields_lists_every_dataset(path):
    fields = FashionGenReader(path).fields()
    assert fields["input_image"] == "(6, 32, 32, 3) uint8"
    assert fields["input_msrpUSD"] == "(6, 1) float32"
    assert len(fields) == 16


@pytest.mark.parametrize("row", [-1, 6])
def test_there_is_no_row_outside_the_file(path, row):
    reader = FashionGenReader(path)
    with pytest.raises(IndexError, match=r"of 6"):
        reader.image(row)
    with pytest.raises(IndexError, match=r"of 6"):
        reader.record(row)


class TestFingerprint:
    """Same content, same hash; other content, another."""

    def test_is_that_of_the_content_alone(self, path, tmp_path):
        copy = tmp_path / "elsewhere" / "copy.h5"
        copy.parent.mkdir()
        copy.write_bytes(path.read_bytes())
        assert FashionGenReader(copy).fingerprint() == FashionGenReader(path).fingerprint()

    @pytest.mark.parametrize("field", ["input_image", "input_description", "input_productID"])
    def test_sees_a_change_in_place(self, path, field):
        before = FashionGenReader(path).fingerprint()
        with h5py.File(path, "a") as file:
            file[field][4] = file[field][0] if field != "input_image" else 7
        assert FashionGenReader(path).fingerprint() != before

    def test_samples_both_ends_of_a_large_file(self, path, monkeypatch):
        monkeypatch.setattr("fashionvl.data.readers.fingerprint.hash_samples.__defaults__", (3, 16))
        data = path.read_bytes()
        before = FashionGenReader(path).fingerprint()
        path.write_bytes(data + b"\0")
        assert FashionGenReader(path).fingerprint() != before
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert FashionGenReader(path).fingerprint() != before


class TestBadFiles:
    """Each gives one line that names the file."""

    def check(self, path: Path, *words: str) -> None:
        with pytest.raises(InputError) as caught:
            FashionGenReader(path)
        message = str(caught.value)
        assert "\n" not in message
        for word in (str(path), *words):
            assert word in message

    def test_missing_file(self, tmp_path):
        self.check(tmp_path / "none.h5", "no such file")

    def test_folder_instead_of_a_file(self, tmp_path):
        self.check(tmp_path, "no such file")

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
    def test_truncated(self, path, share):
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        self.check(path, "cut short", "truncated copy", "copy it again")

    @pytest.mark.parametrize("content", [b"", b"not HDF5 at all" * 100])
    def test_not_hdf5(self, tmp_path, content):
        path = tmp_path / "a.h5"
        path.write_bytes(content)
        self.check(path, "is not HDF5")

    @pytest.mark.parametrize("field", ["input_image", "input_description", "input_subcategory"])
    def test_missing_dataset_is_named_with_those_present(self, tmp_path, write_fashion_gen, field):
        path = write_fashion_gen(tmp_path / "a.h5", **{field: None})
        self.check(path, f"no dataset {field};", "input_productID", "input_msrpUSD")

    def test_unused_datasets_may_be_missing(self, tmp_path, write_fashion_gen):
        path = write_fashion_gen(tmp_path / "a.h5", input_season=None, index=None)
        assert len(FashionGenReader(path)) == 6

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("input_image", np.zeros((6, 8, 8), np.uint8), ("(6, 8, 8) uint8", "(N, H, W, 3) uint8")),
            ("input_image", np.zeros((6, 8, 8, 3), np.float32), ("float32", "uint8")),
            ("input_image", np.zeros((0, 8, 8, 3), np.uint8), ("no rows",)),
            ("input_image", np.zeros((6, 0, 8, 3), np.uint8), ("no pixels",)),
            ("input_image", np.zeros((6, 8, 8, 3), np.uint16), ("uint16", "uint8")),
            ("input_image", h5py.Empty("u1"), ("None uint8", "(N, H, W, 3) uint8")),
            ("input_description", h5py.Empty("S4"), ("None", "(6, 1)")),
            ("input_image", np.arange(6), ("(6,) int64",)),
            ("input_image", h5py.SoftLink("/nowhere"), ("no dataset input_image",)),
            ("input_description", np.dtype("f4"), ("no dataset input_description",)),
            ("input_description", np.full((5, 1), b"x"), ("(5, 1)", "(6, 1)")),
            ("input_category", np.full((6, 2), b"x"), ("(6, 2)", "(6, 1)")),
            ("input_name", np.zeros((6, 1)), ("float64", "byte strings")),
            ("input_productID", np.zeros((6, 1)), ("float64", "integers")),
            ("input_productID", np.zeros((7, 1), np.int32), ("(7, 1)", "(6, 1)")),
        ],
    )
    def test_wrong_shape_or_type(self, tmp_path, write_fashion_gen, field, value, words):
        self.check(write_fashion_gen(tmp_path / "a.h5", **{field: value}), field, *words)

    @pytest.mark.parametrize("field", ["input_image", "input_description", "input_productID"])
    def test_a_group_is_named_with_what_it_holds(self, tmp_path, write_fashion_gen, field):
        path = write_fashion_gen(tmp_path / "a.h5", **{field: None})
        with h5py.File(path, "a") as file:
            file.create_group(field)["values"] = np.zeros(6)
        self.check(path, f"{field} is a group that holds values, expected a dataset")

    def test_product_ids_beyond_64_bits_are_not_wrapped(self, tmp_path, write_fashion_gen):
        ids = np.array([0, 1, 2, 3, 4, 2**64 - 1], np.uint64)
        reader = FashionGenReader(write_fashion_gen(tmp_path / "a.h5", input_productID=ids))
        with pytest.raises(InputError, match=r"input_productID goes up to 18446744073709551615"):
            reader.columns()

    @pytest.mark.parametrize("mode", ["r+", "w"])
    def test_a_file_open_elsewhere_is_locked_not_truncated(self, path, mode):
        program = "import h5py, sys; file = h5py.File(*sys.argv[1:]); print(flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", program, str(path), mode]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            with pytest.raises(InputError, match="is locked: another program has it open") as caught:
                FashionGenReader(path)
            writer.stdin.close()
        assert "HDF5_USE_FILE_LOCKING=FALSE" in str(caught.value)
        assert "copy" not in str(caught.value)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_damaged_bytes_give_rows_or_an_input_error(self, tmp_path, write_fashion_gen, data):
        sound = tmp_path / "sound.h5"
        if not sound.exists():
            write_fashion_gen(sound, rows=2, size=4)
        damaged = bytearray(sound.read_bytes())
        # A new name each time: HDF5 may still hold the last one open.
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.h5"
        places = st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=8)
        for place, value in data.draw(places):
            damaged[place] = value
        path.write_bytes(damaged[: data.draw(st.just(len(damaged)) | st.integers(0, len(damaged)))])
        refused = ""
        try:
            reader = FashionGenReader(path)
            columns = reader.columns()
            images = [reader.image(row) for row in range(len(reader))]
            assert reader.fingerprint()
            assert reader.fields()
        except InputError as error:
            refused = str(error)
        else:
            assert len(columns) == len(images) == len(columns.product_id)
            assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
        assert "\n" not in refused

    def test_names_that_are_not_utf_8_are_shown(self, write_fashion_gen, tmp_path):
        whole, lacking = (write_fashion_gen(tmp_path / name) for name in ("a.h5", "b.h5"))
        for path in (whole, lacking):
            with h5py.File(path, "a") as file:
                file[b"k\xe9y"] = np.zeros(3)
                if path == lacking:
                    del file["input_image"]
        reader = FashionGenReader(whole)
        assert reader.fields()[r"k\xe9y"] == "(3,) float64"
        assert reader.fingerprint()
        with pytest.raises(InputError, match=r"no dataset input_image; .*k\\xe9y"):
            FashionGenReader(lacking)

    def test_damaged_chunk_is_named_by_row(self, tmp_path, write_fashion_gen):
        path = write_fashion_gen(tmp_path / "a.h5", input_image=None)
        images = np.random.default_rng(0).integers(0, 255, (6, 32, 32, 3), np.uint8)
        with h5py.File(path, "a") as file:
            stored = file.create_dataset(
                "input_image", data=images, chunks=(1, 32, 32, 3), compression="gzip"
            )
            chunk = stored.id.get_chunk_info(2)
        data = bytearray(path.read_bytes())
        data[chunk.byte_offset + 10 : chunk.byte_offset + 200] = bytes(190)
        path.write_bytes(data)
        reader = FashionGenReader(path)
        assert np.array_equal(reader.image(1), images[1])
        with pytest.raises(InputError, match=r"input_image in row 2 cannot be read .*copy the file again"):
            reader.image(2)


@pytest.mark.parametrize("image", [np.full((1, 1, 3), 9), np.zeros((8, 8, 3)), np.full((8, 8, 3), 255)])
def test_degenerate_images_are_read(tmp_path, write_fashion_gen, image):
    images = np.repeat(image[None].astype(np.uint8), 6, axis=0)
    reader = FashionGenReader(write_fashion_gen(tmp_path / "a.h5", input_image=images))
    assert np.array_equal(reader.image(5), image)


class TestWorkers:
    """Reading from processes that inherited or received the reader."""

    def test_forked_workers_read_while_the_parent_does(self, tmp_path, write_fashion_gen):
        images = np.random.default_rng(0).integers(0, 255, (64, 16, 16, 3), np.uint8)
        reader = FashionGenReader(write_fashion_gen(tmp_path / "a.h5", rows=64, input_image=images))
        reader.image(0)
        loader = DataLoader(
            range(64),
            batch_size=4,
            num_workers=2,
            collate_fn=lambda rows: [(row, reader.image(row)) for row in rows],
            multiprocessing_context="fork",
        )
        seen = []
        for batch in loader:
            for row, image in batch:
                assert np.array_equal(image, images[row])
                assert np.array_equal(reader.image(row), images[row])
                seen.append(row)
        assert seen == list(range(64))

    def test_a_forked_worker_does_not_use_the_inherited_handle(self, path, tmp_path, write_fashion_gen):
        reader = FashionGenReader(path)
        before = reader.image(1)
        write_fashion_gen(tmp_path / "new.h5", input_image=np.full((6, 32, 32, 3), 5, np.uint8)).replace(path)
        loader = DataLoader(
            [1],
            num_workers=1,
            collate_fn=lambda rows: reader.image(rows[0]),
            multiprocessing_context="fork",
        )
        (in_worker,) = loader
        assert (in_worker == 5).all()
        assert np.array_equal(reader.image(1), before)

    def test_spawned_worker_opens_the_file_itself(self, path):
        reader = FashionGenReader(path)
        reader.image(0)
        with get_context("spawn").Pool(1) as pool:
            assert np.array_equal(pool.apply(reader.image, (3,)), reader.image(3))

    def test_pickled_readers_carry_no_handle(self, path):
        reader = FashionGenReader(path)
        again = pickle.loads(pickle.dumps(reader))
        assert np.array_equal(again.image(2), reader.image(2))
        assert again.fingerprint() == reader.fingerprint()
        assert len(pickle.dumps(reader)) < 2000


class TestMapping:
    """Photographs that lie in one piece are mapped into memory, others read through h5py."""

    def test_gives_the_same_rows(self, path):
        mapped, plain = FashionGenReader(path), FashionGenReader(path, mapped=False)
        for row in range(len(plain)):
            np.testing.assert_array_equal(mapped.image(row), plain.image(row))
        assert mapped.image(0).base is not None
        assert plain.image(0).flags.owndata

    @pytest.mark.parametrize("userblock", [0, 512])
    def test_finds_them_wherever_they_lie(self, tmp_path, userblock):
        values = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3), np.uint8)
        with h5py.File(tmp_path / "a.h5", "w", userblock_size=userblock) as file:
            file["other"], file["rows"] = np.arange(1000), values
        with h5py.File(tmp_path / "a.h5") as file:
            np.testing.assert_array_equal(mapped_dataset(file["rows"]), values)

    @pytest.mark.parametrize("options", [{"compression": "gzip"}, {"chunks": True}])
    def test_leaves_chunks_to_h5py(self, tmp_path, options):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("rows", data=np.zeros((3, 5, 4, 3), np.uint8), **options)
        with h5py.File(tmp_path / "a.h5") as file:
            assert mapped_dataset(file["rows"]) is None

    def test_a_file_that_ends_too_early_is_named_before_it_is_touched(self, path):
        reader = FashionGenReader(path)
        with h5py.File(path) as file:
            end = file["input_image"].id.get_offset() + file["input_image"].nbytes
        os.truncate(path, end - 1)
        with pytest.raises(InputError, match=r"is cut short .* copy it again") as caught:
            reader.image(0)
        assert "\n" not in str(caught.value)

    def test_a_pickled_reader_carries_no_photographs(self, path):
        reader = FashionGenReader(path)
        reader.image(0)
        again = pickle.dumps(reader)
        assert len(again) < 2000
        np.testing.assert_array_equal(pickle.loads(again).image(1), reader.image(1))
