"""Tiny end-to-end runs through the real command line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.utilities.exceptions import SIGTERMException

from fashionvl.cli import main
from fashionvl.data.index.labels import SUBCATEGORIES
from fashionvl.inference.load import load

ROOT = Path(__file__).parents[1]
MVLT = ROOT / "experiments" / "mvlt"


def _arguments(stage: str, run: Path, catalogue: Path, *more: str) -> list[str]:
    stage_file, overlay = (
        (f"{stage}.yaml", "smoke.yaml") if stage != "pyramid" else ("pyramid.yaml", "pyramid-smoke.yaml")
    )
    return [
        "fit",
        *("--config", str(MVLT / stage_file), "--config", str(MVLT / overlay)),
        *("--run_dir", str(run), "--data.init_args.root", str(catalogue)),
        *("--data.init_args.index_dir", str(catalogue.parent / "index")),
        *("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"),
        *more,
    ]


def _metrics(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics.json").read_text())
    return found


def _complaint(capfd: pytest.CaptureFixture[str]) -> str:
    """The one line of ours on standard error, after which nothing comes."""
    lines = capfd.readouterr().err.strip().splitlines()
    assert [line for line in lines if line.startswith(("fashionvl: ", "Traceback", "usage:"))] == lines[-1:]
    return lines[-1]


@pytest.fixture(scope="session")
def pretrained(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished smoke run of MVLT pre-training, tested."""
    run = tmp_path_factory.mktemp("runs") / "pretrain"
    main(_arguments("pretrain", run, catalogue))
    return run


def test_a_run_is_a_folder_of_plain_files(pretrained: Path) -> None:
    found = _metrics(pretrained)
    assert found["scale"] == "smoke"
    assert found["seed"] == 0
    assert found["trained_parameters"] < found["parameters"]
    assert found["fit"]["train/loss"] > 0
    assert 0 <= found["fit"]["dev/itm_accuracy"] <= 1
    for protocol in ("tir", "itr"):
        assert 0 <= found["test"][f"{protocol}/r1"] <= found["test"][f"{protocol}/r10"] <= 100
        assert found["test"][f"{protocol}/n"] == 12
        with np.load(pretrained / f"{protocol}.npz") as arrays:
            assert arrays["rank"].shape == (12,)
        assert found["candidates"][protocol]["negatives_from"]["subcategory"] >= 0
    assert found["test"]["mig/psnr_masked"] > 0
    for name in ("config.yaml", "metrics.csv", "model/model.safetensors"):
        assert (pretrained / name).is_file()
    assert list(pretrained.rglob("*.ckpt")) == [pretrained / "checkpoints" / "last.ckpt"]
    with np.load(pretrained / "examples" / "tir.npz") as examples:
        assert examples["images"].shape == (8, 5, 256, 256, 3)
        assert examples["captions"].shape == (8, 1)


def test_a_finished_run_is_not_repeated(
    pretrained: Path, catalogue: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (pretrained / "metrics.json").read_bytes()
    main(_arguments("pretrain", pretrained, catalogue))
    assert (pretrained / "metrics.json").read_bytes() == before
    assert "already trained" in capfd.readouterr().err


def test_the_test_command_repeats_the_numbers(pretrained: Path, catalogue: Path) -> None:
    before = _metrics(pretrained)["test"]
    log = (pretrained / "metrics.csv").read_text()
    main(["test", *_arguments("pretrain", pretrained, catalogue)[1:]])
    assert _metrics(pretrained)["test"] == before
    assert (pretrained / "metrics.csv").read_text().startswith(log)


def test_another_configuration_in_the_same_folder_is_refused(
    pretrained: Path, catalogue: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(_arguments("pretrain", pretrained, catalogue, "--model.init_args.mir.mask.ratio", "0.25"))
    assert stopped.value.code == 2
    assert "model.init_args.mir.mask.ratio was 0.5, is 0.25" in _complaint(capfd)


def test_a_checkpoint_of_another_configuration_is_one_line(
    pretrained: Path, catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(pretrained / "checkpoints" / "last.ckpt")
    wider = ("--model.init_args.network.init_args.text_width", "32", "--ckpt_path", checkpoint)
    with pytest.raises(SystemExit) as stopped:
        main(["test", *_arguments("pretrain", tmp_path / "run", catalogue, *wider)[1:]])
    assert stopped.value.code == 2
    assert "a checkpoint of another configuration" in _complaint(capfd)


def test_test_without_a_checkpoint_says_what_to_do(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["test", *_arguments("pretrain", tmp_path / "run", catalogue)[1:]])
    assert stopped.value.code == 2
    assert "run fit first" in _complaint(capfd)


def test_recognition_starts_from_the_pretrained_run(
    pretrained: Path, catalogue: Path, tmp_path: Path
) -> None:
    run = tmp_path / "recognition"
    wanted = ("--model.init_args.weights", str(pretrained), "--model.init_args.inputs", "all")
    main(_arguments("recognition", run, catalogue, *wanted))
    found = _metrics(run)["test"]
    for task in (f"{label}{source}" for label in ("m_cr", "s_cr") for source in ("", "_image", "_text")):
        assert 0 <= found[f"{task}/accuracy"] <= 100
        assert found[f"{task}/sum_c"] == pytest.approx(
            found[f"{task}/accuracy"] + 100 * found[f"{task}/macro_f"]
        )
    assert (run / "examples" / "recognition.npz").is_file()


def test_weights_that_are_not_there_are_named(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(_arguments("recognition", tmp_path / "run", catalogue, "--model.init_args.weights", "nowhere"))
    assert stopped.value.code == 2
    assert "nowhere is neither" in _complaint(capfd)


def test_recognition_heads_grow_to_the_datas_names(catalogue: Path, tmp_path: Path) -> None:
    few = ("--model.init_args.network.init_args.subcategories", "3", "--model.init_args.weights", "null")
    main(_arguments("recognition", tmp_path / "run", catalogue, *few))
    before = _metrics(tmp_path / "run")["test"]
    model, _ = load(tmp_path / "run")
    assert model.subcategories == len(SUBCATEGORIES)
    assert model.subcategory.classifier.out_features == len(SUBCATEGORIES)
    # A finished run is tested again with the heads it has grown.
    main(["test", *_arguments("recognition", tmp_path / "run", catalogue, *few)[1:]])
    assert _metrics(tmp_path / "run")["test"] == before


def test_a_pyramid_is_taught_and_given_to_mvlt(catalogue: Path, tmp_path: Path) -> None:
    main(_arguments("pyramid", tmp_path / "pyramid", catalogue))
    assert "dev/colour_accuracy" in _metrics(tmp_path / "pyramid")["fit"]
    pvt = ("--model.init_args.network.init_args.pretrained_pvt", str(tmp_path / "pyramid" / "model"))
    once = ("--trainer.max_epochs", "1", "--then_test", "false")
    main(_arguments("pretrain", tmp_path / "pretrain", catalogue, *pvt, *once))
    assert "fit" in _metrics(tmp_path / "pretrain")


def test_every_objective_off_is_refused(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    off = [word for name in ("itm", "mlm", "mir") for word in (f"--model.init_args.{name}", "null")]
    with pytest.raises(SystemExit) as stopped:
        main(_arguments("pretrain", tmp_path / "run", catalogue, *off))
    assert stopped.value.code == 2
    assert "at least one must be on" in _complaint(capfd)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("model.init_args.mir.mask.ratio", "1.5", r"outside [0, 1]"),
        ("model.init_args.mir.mask.style", "spiral", "model.mir.mask.style: Expected"),
        (
            "model.init_args.mir.mask.stile",
            "grid",
            "mask.stile; did you mean style?",
        ),
        ("model.init_args.mir.mask.alpha", "7", "does not divide"),
        ("model.init_args.mlm.mask.ratio", "-1", "outside"),
        ("data.init_args.batch_size", "100000", "training pairs"),
        ("data.init_args.tokenizer", "nowhere/such", "tokenizer nowhere/such"),
        ("data.init_args.vocabulary", "310", "vocab_size: 300 is less than the 310 word pieces"),
        ("data.init_args.tokenizer", "words", "model.init_args.mlm: it masks words, but tokenizer"),
        ("data.init_args.max_tokens", "30", "max_tokens: 30, but MVLT reads 24 at most"),
        ("data.init_args.root", "nowhere", "nowhere: no such folder"),
        ("config", "nowhere.yaml", "nowhere.yaml is not there"),
        ("ckpt_path", "nope.ckpt", "--ckpt_path: nope.ckpt is not there"),
        ("seed_everything", "-1", "seed_everything: -1 is outside"),
        ("trainer.overfit_batches", "2", "trainer.overfit_batches: 2"),
        ("trainer.precision", "bf16-true", "trainer.precision: bf16-true"),
        ("trainer.strategy", "spiral", "trainer: Lightning refuses these options: You selected an invalid"),
        ("trainer.devices", "0", "trainer: Lightning refuses these options"),
        ("data.batch_size", "0", "data.init_args.batch_size: 0 must be at least 1"),
        ("data.retrieval.queries", "0", "data.init_args.retrieval.queries: 0 must be at least 1"),
        ("data.retrieval.negatives", "0", "data.init_args.retrieval.negatives: 0 must be at least 1"),
    ],
)
def test_a_bad_value_is_one_line_before_any_work(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], key: str, value: str, says: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(_arguments("pretrain", tmp_path / "run", catalogue, f"--{key}", value))
    assert stopped.value.code == 2
    assert says in _complaint(capfd)
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_a_nan_stops_the_run_and_keeps_the_last_good_checkpoint(
    catalogue: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    wild = ("--model.init_args.optimization.lr", "1e38", "--trainer.max_epochs", "3")
    with pytest.raises(SystemExit) as stopped:
        main(_arguments("pretrain", run, catalogue, *wild))
    assert stopped.value.code == 1
    line = _complaint(capfd)
    for part in ("not finite", "epoch", "step", "itm=", "rows of the batch: ["):
        assert part in line
    assert not (run / "metrics.json").exists()
    left = json.loads((run / "failed.json").read_text())
    assert left["stage"] == "fit"
    assert left["error"].startswith("NonFiniteLossError: a loss is not finite in epoch")


def _start(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from fashionvl.cli import main; main()", *arguments]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ
    )


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(2400):
        if path.exists():
            return
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


@pytest.mark.slow
def test_a_killed_run_continued_ends_with_the_same_numbers(
    pretrained: Path, catalogue: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    process = _start(_arguments("pretrain", run, catalogue))
    _wait_for(run / "checkpoints" / "last.ckpt", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (run / "metrics.json").exists()
    main(_arguments("pretrain", run, catalogue))
    expected, found = _metrics(pretrained), _metrics(run)
    assert found["fit"] == expected["fit"]
    assert found["test"] == expected["test"]


@pytest.mark.slow
def test_ctrl_c_in_mid_epoch_loses_nothing(pretrained: Path, catalogue: Path, tmp_path: Path) -> None:
    run = tmp_path / "interrupted"
    process = _start(_arguments("pretrain", run, catalogue))
    log = run / "metrics.csv"
    _wait_for(log, process)
    while not any(line.startswith("3,") for line in log.read_text().splitlines()):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert "finishing this step" in errors
    assert "Traceback" not in errors
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert not (run / "metrics.json").exists()
    main(_arguments("pretrain", run, catalogue))
    expected, found = _metrics(pretrained), _metrics(run)
    assert found["fit"] == expected["fit"]
    assert found["test"] == expected["test"]


def test_a_run_that_is_told_to_end_does_not_look_finished(
    monkeypatch: pytest.MonkeyPatch, catalogue: Path, tmp_path: Path
) -> None:
    def end(*_: object, **__: object) -> None:
        raise SIGTERMException

    monkeypatch.setattr("lightning.Trainer.fit", end)
    with pytest.raises(SystemExit) as stopped:
        main(_arguments("pretrain", tmp_path / "run", catalogue))
    assert stopped.value.code == 143


def test_no_command_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert "data synthesize" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["fti"], ["--config", "a.yaml"], ["data"], ["data", "inspct"], ["fit"]])
def test_half_a_command_line_is_one_mistake(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "unexpected" not in capfd.readouterr().err
