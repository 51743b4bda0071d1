"""Finding a split under a folder."""

import pytest

from fashionvl.data.readers import available_splits, detect_layout, open_split
from fashionvl.data.readers.fashion_gen import FashionGenReader
from fashionvl.data.readers.mvlt_folder import MVLTFolderReader
from fashionvl.errors import InputError


def test_hdf5_files_are_found(tmp_path, write_fashion_gen):
    write_fashion_gen(tmp_path / "fashiongen_256_256_train.h5", rows=4)
    write_fashion_gen(tmp_path / "fashiongen_256_256_validation.h5", rows=2)
    assert detect_layout(tmp_path) == "hdf5"
    assert available_splits(tmp_path, "hdf5") == ["train", "validation"]
    train, validation = open_split(tmp_path, "train"), open_split(str(tmp_path), "validation")
    assert isinstance(train, FashionGenReader)
    assert (len(train), len(validation)) == (4, 2)
    concatenated = open_split(tmp_path, "train", caption_field="input_concat_description")
    assert concatenated.columns().caption[0].startswith("Black T-Shirt.")


def test_mvlt_folders_are_found(tmp_path, write_mvlt_folder):
    write_mvlt_folder(tmp_path, "valid")
    assert detect_layout(tmp_path) == "mvlt"
    assert available_splits(tmp_path, "mvlt") == ["validation"]
    assert isinstance(open_split(tmp_path, "validation"), MVLTFolderReader)


def test_layout_can_be_chosen(tmp_path, write_mvlt_folder, write_fashion_gen):
    write_mvlt_folder(tmp_path, "valid")
    write_fashion_gen(tmp_path / "fashiongen_256_256_validation.h5")
    assert isinstance(open_split(tmp_path, "validation"), FashionGenReader)
    assert isinstance(open_split(tmp_path, "validation", layout="mvlt"), MVLTFolderReader)


def test_a_split_that_is_not_there_is_named(tmp_path, write_fashion_gen):
    write_fashion_gen(tmp_path / "fashiongen_256_256_train.h5")
    assert available_splits(tmp_path, "hdf5") == ["train"]
    with pytest.raises(InputError, match=r"fashiongen_256_256_validation\.h5: no such file"):
        open_split(tmp_path, "validation")
    (tmp_path / "fashiongen_256_256_val.h5").touch()
    with pytest.raises(InputError, match=r"if fashiongen_256_256_val\.h5 is it, rename it"):
        open_split(tmp_path, "validation")


def test_an_empty_folder_says_what_was_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"_train\.h5, .*_validation\.h5, extracted_train_images/"):
        open_split(tmp_path, "train")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        open_split(tmp_path / "nowhere", "train")


def test_a_file_that_is_no_table_is_named(tmp_path):
    (tmp_path / "list.txt").write_text("a,b")
    with pytest.raises(InputError, match=r"list\.txt: a table ends in \.csv, .*or a folder"):
        open_split(tmp_path / "list.txt", "train")
