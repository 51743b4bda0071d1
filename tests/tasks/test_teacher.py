"""A teacher's features of the training photographs: computed once, resumed, refused where they differ."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fashionvl.data import FashionGenDataModule
from fashionvl.errors import InputError
from fashionvl.tasks.teacher import Teacher, cached_features, write_features

TINY = Teacher("test_resnet", weights=False, size=32)
PIECE = 40


@pytest.fixture(scope="module")
def data(catalogue: Path) -> FashionGenDataModule:
    module = FashionGenDataModule(
        str(catalogue), index_dir=str(catalogue.parent / "index"), image_size=64, tokenizer="train",
        vocabulary=300, store_images=True,
    )  # fmt: skip
    module.prepare_data()
    return module


@pytest.fixture(scope="module")
def whole(data: FashionGenDataModule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "teacher"
    write_features(TINY, data, folder, piece_rows=PIECE)
    return folder


def _pieces(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_features_are_the_network_s_of_the_cropped_photograph(
    data: FashionGenDataModule, whole: Path
) -> None:
    cache = cached_features(TINY, data, whole)
    assert cache.pending() == []
    rows = np.array([0, PIECE, len(data.index_of("train")) - 1])
    # The photographs that the data module stores are of the student's size, not the teacher's.
    pictures = replace(data.train_source, image_size=32, pixels=None).images(rows)
    embed, width = TINY.build()
    expected = embed(pictures.float() / 255)
    assert expected.shape == (3, width)
    np.testing.assert_allclose(cache.take(rows), expected.numpy(), rtol=2e-3, atol=2e-3)
    assert np.ptp(cache.take(rows), axis=0).max() > 0.01


class _Breaks:
    """A reader that cannot read one row."""

    def __init__(self, reader: Any, row: int) -> None:
        self._reader, self._row = reader, row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def image(self, row: int) -> np.ndarray:
        if row == self._row:
            raise InputError(f"row {row}: the photograph cannot be read")
        return self._reader.image(row)


def test_a_resumed_pass_writes_what_an_uninterrupted_one_does(
    data: FashionGenDataModule, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "teacher"
    with monkeypatch.context() as broken:
        reader = _Breaks(data.train_source.reader, row=PIECE + 3)
        broken.setattr(data, "train_source", replace(data.train_source, reader=reader))
        with pytest.raises(InputError, match=f"row {PIECE + 3}: the photograph cannot be read"):
            write_features(TINY, data, folder, piece_rows=PIECE)
    assert set(_pieces(folder)) == {"manifest.json", "00000.npy"}
    kept = (folder / "00000.npy").stat().st_mtime_ns
    torch.manual_seed(99)  # of the run; weights left as drawn do not depend on it
    write_features(TINY, data, folder, piece_rows=1000)
    assert _pieces(folder) == _pieces(whole)
    assert (folder / "00000.npy").stat().st_mtime_ns == kept


def test_a_whole_cache_needs_no_network(
    data: FashionGenDataModule, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("built")

    monkeypatch.setattr(Teacher, "build", refuse)
    write_features(TINY, data, whole)


def test_a_cache_of_another_teacher_is_refused(data: FashionGenDataModule, whole: Path) -> None:
    for other, says in (
        (replace(TINY, size=64), "picture_size is 32, expected 64"),
        (replace(TINY, name="resnet18"), "network is 'test_resnet', expected 'resnet18'"),
        (replace(TINY, weights=True), "weights is 'drawn from seed 0', expected 'hub'"),
        (replace(TINY, arguments={"in_chans": 3}), "arguments is '{}', expected"),
    ):
        with pytest.raises(InputError, match=rf"manifest\.json: .*{says}"):
            write_features(other, data, whole)
        assert other.folder(data) != TINY.folder(data)
    assert TINY.folder(data).parent == data.index_of("train").folder


@pytest.mark.parametrize(
    ("teacher", "says"),
    [
        (Teacher("no_such", weights=False), r"model\.init_args\.teacher\.name: timm has no model 'no_such"),
        (Teacher("resnet18"), r"teacher\.name: resnet18, but package:efficientnet-lite0 is of tf_eff"),
        (Teacher(weights="package:other"), r"package:other: no such package of weights is known"),
        (Teacher("test_resnet", {"no_such": 1}, False), r"teacher\.arguments: timm cannot build test_resnet"),
    ],
)  # fmt: skip
def test_a_teacher_that_cannot_be_built_is_refused(
    data: FashionGenDataModule, tmp_path: Path, teacher: Teacher, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        write_features(teacher, data, tmp_path / "teacher")
    assert not (tmp_path / "teacher").exists()


def test_a_picture_too_small_is_refused() -> None:
    with pytest.raises(InputError, match=r"teacher\.size: 16 must be at least 32"):
        Teacher(size=16)


def test_opening_before_writing_is_an_error(data: FashionGenDataModule, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="`write_features` comes first"):
        cached_features(TINY, data, tmp_path)
