"""Index building at tiny size."""

import pytest
import torch

from benchmarks.catalogue import data_module
from benchmarks.measure import rounds, stages, unmarked
from benchmarks.setting import Setting
from benchmarks.works import index


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    return Setting(torch.device("cpu"), "tiny", tmp_path_factory.mktemp("scratch"), seconds=0.0)


@pytest.fixture(scope="module")
def work(setting):
    (work,) = index.build(setting)
    return work


def test_every_plan_visits_its_rows(setting, work):
    rows = len(data_module(setting, 4).index_of("train"))
    assert [plan.name for plan in work.plans] == ["released", "ours", "ours, photographs stored"]
    assert [plan.run(unmarked) for plan in work.plans] == [10, rows, rows]


def test_every_plan_tells_photographs_from_captions(setting, work):
    for plan in work.plans:
        found = stages(plan, setting.device, times=1)
        assert list(found) == ["photographs", "captions"]
        assert min(found.values()) > 0


def test_an_index_is_built_anew_in_every_turn(setting, work, monkeypatch):
    built = []
    monkeypatch.setattr(
        index.CatalogueIndex,
        "_build",
        lambda *given, build=index.CatalogueIndex._build: built.append(build(*given)),
    )
    (_, *others) = work.plans
    for plan in others:
        plan.run(unmarked)
        plan.run(unmarked)
    assert len(built) == 4


def test_turns_do_not_print(setting, work, capsys):
    list(rounds(work, setting.device, setting.seconds))
    assert not capsys.readouterr().out
