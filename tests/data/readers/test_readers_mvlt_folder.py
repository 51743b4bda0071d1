"""The folder layout of the released MVLT code and its ready-made candidate lists."""

import os
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from fashionvl.data.readers import read_candidate_lists, resolve_queries
from fashionvl.data.readers.mvlt_folder import MVLTFolderReader
from fashionvl.errors import InputError


@pytest.fixture
def entries(tmp_path, write_mvlt_folder):
    return write_mvlt_folder(tmp_path)


@pytest.fixture
def reader(tmp_path, entries):
    return MVLTFolderReader(tmp_path, "validation")


def _rewrite(root, name, **changes):
    path = root / "full_valid_info_PAI" / name
    entry = pickle.loads(path.read_bytes()) | changes
    path.write_bytes(pickle.dumps({key: value for key, value in entry.items() if value is not None}))
    return path


class TestReader:
    """Contents of a sound folder."""

    def test_gives_what_the_files_hold(self, tmp_path, entries, reader):
        columns = reader.columns()
        assert len(reader) == len(columns) == len(entries)
        assert columns.product_id.dtype == np.int64
        for row, entry in enumerate(entries):
            record = reader.record(row)
            assert columns.product_id[row] == record.product_id == int(entry["product_id"])
            assert columns.image_name[row] == record.image_name == entry["img_name"]
            assert columns.caption[row] == record.caption == entry["captions"]
            assert columns.category[row] == record.category == "TOPS"
            assert columns.subcategory[row] == record.subcategory == "T-SHIRTS"
            stored = Image.open(tmp_path / "extracted_valid_images" / entry["img_name"])
            assert np.array_equal(reader.image(row), np.array(stored))

    def test_train_split(self, tmp_path, write_mvlt_folder):
        write_mvlt_folder(tmp_path, "train", rows=2)
        assert len(MVLTFolderReader(tmp_path, "train")) == 2

    def test_paletted_and_grey_images_become_rgb(self, tmp_path, entries, reader):
        grey = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
        for row, image in enumerate((grey, grey.convert("P"))):
            image.save(tmp_path / "extracted_valid_images" / entries[row]["img_name"])
            assert np.array_equal(reader.image(row), np.stack([np.array(grey)] * 3, axis=-1))

    def test_hidden_files_are_passed_over(self, tmp_path, entries):
        (tmp_path / "full_valid_info_PAI" / ".DS_Store").write_bytes(b"x")
        assert len(MVLTFolderReader(tmp_path, "validation")) == len(entries)

    def test_pickled_reader_leaves_the_columns_behind(self, reader):
        size = len(pickle.dumps(reader))
        reader.columns()
        again = pickle.loads(pickle.dumps(reader))
        assert len(pickle.dumps(reader)) == size
        assert again.columns().caption == reader.columns().caption

    def test_fingerprint_is_that_of_the_content(self, tmp_path, reader):
        copy = tmp_path / "copy"
        for name in ("extracted_valid_images", "full_valid_info_PAI"):
            shutil.copytree(tmp_path / name, copy / name)
        again = MVLTFolderReader(copy, "validation")
        assert again.fingerprint() == reader.fingerprint()
        _rewrite(copy, "101_1.pkl", captions="Jersey t-shirt number 999.")
        assert again.fingerprint() != reader.fingerprint()


class TestBadFolders:
    """Each gives a line that names the file or folder."""

    def test_missing_folder(self, tmp_path, entries):
        with pytest.raises(InputError, match="extracted_train_images: no such folder"):
            MVLTFolderReader(tmp_path, "train")

    def test_empty_folder(self, tmp_path, entries):
        for path in (tmp_path / "full_valid_info_PAI").iterdir():
            path.unlink()
        with pytest.raises(InputError, match="full_valid_info_PAI: holds no pickle files"):
            MVLTFolderReader(tmp_path, "validation")

    def test_one_pickle_too_few(self, tmp_path, entries):
        (tmp_path / "full_valid_info_PAI" / "101_0.pkl").unlink()
        with pytest.raises(InputError, match=r"6 photographs, but .*full_valid_info_PAI holds 5 pickles"):
            MVLTFolderReader(tmp_path, "validation")

    def test_pickle_of_another_photograph_names_both_files(self, tmp_path, entries):
        folder = tmp_path / "full_valid_info_PAI"
        (folder / "100_0.pkl").rename(folder / "999_0.pkl")
        with pytest.raises(InputError, match=r"100_1\.pkl: describes 100_1\.png.*100_0\.png"):
            MVLTFolderReader(tmp_path, "validation").columns()

    def test_missing_key(self, tmp_path, reader):
        path = _rewrite(tmp_path, "101_0.pkl", captions=None)
        with pytest.raises(InputError, match=f"{path}: no key captions; it has product_id, img_name"):
            reader.columns()

    def test_product_id_that_is_no_number(self, tmp_path, reader):
        _rewrite(tmp_path, "101_0.pkl", product_id="x1")
        with pytest.raises(InputError, match=r"101_0\.pkl: product_id is 'x1', expected a number"):
            reader.columns()

    @pytest.mark.parametrize(
        ("field", "value", "read", "expected"),
        [
            ("captions", b"Robe d'\xe9t\xe9", "caption", "Robe d'été"),
            ("captions", [b"Jersey"], "caption", "Jersey"),
            ("super_cls_name", None, "category", ""),
            ("sub_cls_name", float("nan"), "subcategory", ""),
            ("product_id", b"101", "product_id", 101),
            ("img_name", b"101_0.png", "image_name", "101_0.png"),
        ],
    )
    def test_bytes_are_decoded_and_labels_may_be_missing(
        self, tmp_path, reader, field, value, read, expected
    ):
        path = tmp_path / "full_valid_info_PAI" / "101_0.pkl"
        path.write_bytes(pickle.dumps(pickle.loads(path.read_bytes()) | {field: value}))
        assert getattr(reader.record(2), read) == expected

    def test_keys_may_be_bytes(self, tmp_path, entries, reader):
        path = tmp_path / "full_valid_info_PAI" / "101_0.pkl"
        path.write_bytes(pickle.dumps({key.encode(): value for key, value in entries[2].items()}))
        assert reader.record(2).caption == entries[2]["captions"]

    @pytest.mark.parametrize("value", [None, float("nan"), 3, ["a", "b"], {"en": "a"}])
    def test_a_caption_that_is_no_text(self, tmp_path, reader, value):
        path = tmp_path / "full_valid_info_PAI" / "101_0.pkl"
        path.write_bytes(pickle.dumps(pickle.loads(path.read_bytes()) | {"captions": value}))
        with pytest.raises(InputError, match=r"101_0\.pkl: captions is .*, expected text"):
            reader.columns()

    def test_sixteen_bit_pictures_keep_their_high_byte(self, tmp_path, entries, reader):
        grey = np.arange(64, dtype=np.uint16).reshape(8, 8)
        Image.fromarray(grey * 257).save(tmp_path / "extracted_valid_images" / entries[0]["img_name"])
        assert np.array_equal(reader.image(0), np.stack([grey] * 3, axis=-1).astype(np.uint8))

    def test_pickle_of_something_else(self, tmp_path, reader):
        (tmp_path / "full_valid_info_PAI" / "101_0.pkl").write_bytes(pickle.dumps(["captions"]))
        with pytest.raises(InputError, match=r"101_0\.pkl: holds a list, expected a dictionary"):
            reader.columns()

    def test_malicious_pickle(self, tmp_path, reader):
        class Attack:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "trace"),)

        (tmp_path / "full_valid_info_PAI" / "101_0.pkl").write_bytes(pickle.dumps({"captions": Attack()}))
        with pytest.raises(InputError, match=r"101_0\.pkl: refused, it asks for posix\.mkdir"):
            reader.columns()
        assert not (tmp_path / "trace").exists()

    @pytest.mark.parametrize("keep", [0, 40])
    def test_truncated_image(self, tmp_path, reader, keep):
        path = tmp_path / "extracted_valid_images" / "100_0.png"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(InputError, match=r"100_0\.png: not a whole image"):
            reader.image(0)


class TestCandidateLists:
    """Reading lists and finding their rows."""

    def write(self, root, direction, lists):
        folder = root / f"retrieve_{direction}"
        folder.mkdir()
        for number, content in enumerate(lists):
            (folder / f"{number:04d}.pkl").write_bytes(pickle.dumps(dict(enumerate(content))))

    def pair(self, image, text):
        return {**text, "img_name": image["img_name"]}

    def test_tir_ranks_photographs(self, tmp_path, entries, reader):
        ranked = [[4, 1, 2], [0, 5, 3]]
        lists = [[self.pair(entries[row], entries[rows[0]]) for row in rows] for rows in ranked]
        self.write(tmp_path, "TIR", lists)
        queries = read_candidate_lists(tmp_path, "TIR", candidates=3)
        query_rows, candidate_rows, positive = resolve_queries(queries, reader.columns())
        assert query_rows.tolist() == [4, 0]
        assert candidate_rows.tolist() == ranked
        assert positive.tolist() == [0, 0]

    def test_itr_ranks_captions(self, tmp_path, entries, reader):
        # Rows 2k and 2k + 1 share a caption: the query's own row stands for its own, the first for others.
        self.write(tmp_path, "ITR", [[self.pair(entries[5], entries[row]) for row in (5, 1, 2)]])
        queries = read_candidate_lists(tmp_path, "ITR", candidates=3)
        query_rows, candidate_rows, _ = resolve_queries(queries, reader.columns())
        assert query_rows.tolist() == [5]
        assert candidate_rows.tolist() == [[5, 0, 2]]
        captions = [[reader.columns().caption[row] for row in rows] for rows in candidate_rows]
        assert captions == [[entries[row]["captions"] for row in (5, 1, 2)]]

    def test_unknown_photograph_is_named(self, tmp_path, entries, reader):
        stranger = {**entries[0], "img_name": "999_0.png"}
        self.write(tmp_path, "TIR", [entries[:2], [entries[2], stranger]])
        queries = read_candidate_lists(tmp_path, "TIR", candidates=2)
        with pytest.raises(InputError, match=r"retrieve_TIR/0001\.pkl: entry 1 names 999_0\.png"):
            resolve_queries(queries, reader.columns())

    def test_unknown_caption_is_named(self, tmp_path, entries, reader):
        stranger = {**entries[0], "captions": "Silk scarf in red."}
        self.write(tmp_path, "ITR", [[entries[0], stranger]])
        queries = read_candidate_lists(tmp_path, "ITR", candidates=2)
        with pytest.raises(InputError, match=r"0000\.pkl: entry 1 \(100_0\.png\).*'Silk scarf in red\.'"):
            resolve_queries(queries, reader.columns())

    @pytest.mark.parametrize("direction", ["ITR", "TIR"])
    def test_true_pair_must_be_one_in_the_split(self, tmp_path, entries, reader, direction):
        self.write(tmp_path, direction, [[self.pair(entries[0], entries[4]), entries[2]]])
        queries = read_candidate_lists(tmp_path, direction, candidates=2)
        with pytest.raises(InputError, match=r"0000\.pkl: 100_0\.png has another caption"):
            resolve_queries(queries, reader.columns())

    def test_released_lists_have_101_entries(self, tmp_path, entries):
        self.write(tmp_path, "ITR", [entries])
        with pytest.raises(InputError, match=r"0000\.pkl: holds 6 entries, expected a dictionary of 101"):
            read_candidate_lists(tmp_path, "ITR")

    def test_missing_and_empty_folder(self, tmp_path):
        with pytest.raises(InputError, match="retrieve_ITR: no such folder"):
            read_candidate_lists(tmp_path, "ITR")
        (tmp_path / "retrieve_ITR").mkdir()
        with pytest.raises(InputError, match="retrieve_ITR: holds no candidate lists"):
            read_candidate_lists(tmp_path, "ITR")
