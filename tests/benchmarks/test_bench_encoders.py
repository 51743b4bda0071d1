"""The encoders' benchmark measures both backbones and MiniLM, on one thread."""

import json
from pathlib import Path

import cv2
import pytest
import torch

from benchmarks import encoders
from benchmarks.setting import Setting


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(torch.device("cpu"), "tiny", tmp_path / "scratch", seconds=0.0)


def test_flops_are_those_known_of_lite0(tmp_path: Path) -> None:
    # Tan and Le (2019) give EfficientNet-B0 0.39 G multiply-adds; Lite0 has no squeeze-and-excitation.
    lite0 = encoders.backbones(Setting(torch.device("cpu"), "tiny", tmp_path))["Lite0"]
    assert encoders.flops_of_crop(lite0, 224) == pytest.approx(2 * 0.39e9, rel=0.05)


def test_every_plan_takes_what_it_says(setting: Setting) -> None:
    for make, stages, count in (
        (encoders.crops, {"backbone"}, 2),
        (encoders.feature_pass, {"read", "cut", "backbone", "write"}, 1),
        (encoders.captions, {"encoder"}, 2),
    ):
        work = make(setting)
        for plan in work.plans:
            marks: list[str] = []
            assert plan.run(marks.append) == count
            assert set(marks) == stages, work.name


def test_what_was_measured_is_written_with_the_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, threads, others = tmp_path / "encoders.json", torch.get_num_threads(), cv2.getNumThreads()
    words = ["captions", "--size", "tiny", "--seconds", "0", "--scratch", str(tmp_path), "--out", str(out)]
    try:
        assert encoders.main(words) == 0
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(others)
    written = json.loads(out.read_text())
    assert "1 threads" in written["machine"]
    assert [(row["plan"], row["against"]) for row in written["results"]] == [
        ("fp32", "fp32"), ("bf16", "fp32"), ("control", "bf16"),
    ]  # fmt: skip
    assert "MiniLM text encoder" in capsys.readouterr().out
