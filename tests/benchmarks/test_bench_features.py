"""The plans that build a feature cache see the same crops and write what they saw."""

import numpy as np
import pytest
import torch

from benchmarks.catalogue import data_module
from benchmarks.setting import Setting
from benchmarks.works.features import GRID, Pieces, Plain, build, cut, flops_of_crop
from fashionvl.data import FashionGenDataModule
from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.patches.crops import Variants


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(torch.device("cpu"), "tiny", tmp_path_factory.mktemp("benchmarks"))


@pytest.fixture(scope="module")
def data(setting: Setting) -> FashionGenDataModule:
    return data_module(setting, batch_size=2)


@pytest.fixture(scope="module")
def backbone() -> PatchBackbone:
    torch.manual_seed(0)
    return PatchBackbone("resnet10t", weights=None)


def test_pillow_cuts_the_crops_that_ours_cuts(data: FashionGenDataModule) -> None:
    image = data.index_of("train").reader.image(3)
    ours = Variants(GRID).cut(image, nonwhite_box(image), 256)
    # Enlarging, both interpolate alike up to rounding.
    assert np.abs(ours.astype(int) - cut(image, 256).astype(int)).max() <= 2


def test_plain_and_ours_write_the_same_features(
    data: FashionGenDataModule, backbone: PatchBackbone, setting: Setting
) -> None:
    plain, pieces = Plain(data, backbone, 128, 1, setting), Pieces(data, backbone, 128, 1, setting)
    assert plain() == pieces() == 1
    written = np.load(pieces.path / "features" / "train" / "00000.npy")[0].astype(np.float32)
    expected = np.load(plain.path)
    assert expected.shape == written.shape == (74, backbone.width)
    # Crops lie much further apart than what OpenCV and Pillow make of one.
    apart = np.linalg.norm(expected - expected.mean(0), axis=1)
    assert (np.linalg.norm(expected - written, axis=1) / apart).max() < 0.1


def test_every_plan_takes_as_many_photographs_and_names_its_stages(setting: Setting) -> None:
    (work,) = build(setting)
    assert work.item == "photograph"
    for plan in work.plans:
        marks: list[str] = []
        assert plan.run(marks.append) == 2
        assert set(marks) == {"read", "cut", "backbone", "write"}
        assert marks[-1] == "write"


def test_turns_go_on_with_the_next_photographs(
    data: FashionGenDataModule, backbone: PatchBackbone, setting: Setting
) -> None:
    pieces = Pieces(data, backbone, 16, 2, setting)
    pieces()
    pieces()
    written = pieces.path / "features" / "train"
    first, second = (np.load(written / f"0000{number}.npy") for number in (0, 1))
    assert first.shape == second.shape == (2, 74, backbone.width)
    assert not np.array_equal(first, second)


def test_the_flops_of_a_crop_are_those_known_of_resnet_50() -> None:
    # 4.1 G multiplications and additions at 224 px (He et al., 2016, table 1 counts 3.8 G without shortcuts).
    counted = flops_of_crop(PatchBackbone("resnet50", weights=None), 224)
    assert counted == pytest.approx(2 * 4.09e9, rel=0.02)
