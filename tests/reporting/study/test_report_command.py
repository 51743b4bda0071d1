"""`fashionvl report` from the outside."""

import json
import os
import subprocess
import sys

import pytest
from synthetic_study import edit_record, run_path, write_column, write_pyramid, write_study

from fashionvl.commands.report import main
from fashionvl.errors import InputError

PROBE = """
import sys
from fashionvl.commands.report import main
main(sys.argv[1:])
heavy = {"torch", "lightning", "torchmetrics", "transformers", "h5py", "cv2"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture
def runs(tmp_path):
    write_study(tmp_path)
    write_study(tmp_path, "other")
    root = tmp_path / "runs"
    write_pyramid(root)
    for column in ("Final", "A1", "A2"):
        write_column(root, column, {0: 0.5, 1: 0.6})
    return root


def options(tmp_path, *more):
    return ["--folder", str(tmp_path / "ablations"), "--runs", str(tmp_path / "runs"), *more]


def test_report_needs_no_torch_and_leaves_its_files(runs, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "80"}
    command = [sys.executable, "-c", PROBE, "mask-ratio", "other", *options(tmp_path, "--seeds", "0", "1")]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    folder = runs / "reports" / "mask_ratio+other"
    assert {file.name for file in folder.glob("report.*")} == {
        f"report.{kind}" for kind in ("md", "html", "json", "png")
    }
    found = json.loads((folder / "report.json").read_text())
    assert [study["name"] for study in found["studies"]] == ["mask_ratio", "other"]
    assert found["title"] == "Masking ratio, Masking ratio"
    assert str(folder / "report.html") in result.stdout
    for file in ("report.md", "report.html"):
        text = (folder / file).read_text()
        assert "Smallest difference" in text or "smallest true difference" in text


def test_out_title_and_one_study_named_twice(runs, tmp_path):
    main(["mask_ratio", "mask-ratio", *options(tmp_path, "--out", str(tmp_path / "here"), "--title", "Ours")])
    found = json.loads((tmp_path / "here" / "report.json").read_text())
    assert found["title"] == "Ours"
    assert len(found["studies"]) == 1
    assert found["studies"][0]["seeds"] == [0, 1]


def test_nothing_has_run(tmp_path, capsys):
    write_study(tmp_path)
    main(["mask_ratio", *options(tmp_path)])
    assert "nothing has run yet" in capsys.readouterr().out
    markdown = (tmp_path / "runs" / "reports" / "mask_ratio" / "report.md").read_text()
    assert "Nothing has run yet: every number below is the paper's." in markdown
    assert "A1: missing: pyramid seed 0, pretrain seed 0" in markdown


def test_a_refusal_writes_nothing(runs, tmp_path):
    edit_record(run_path(runs, "A1", 0, "pretrain"), data={"fingerprint": "e" * 64})
    with pytest.raises(InputError, match="data differ"):
        main(["mask_ratio", *options(tmp_path)])
    assert not (runs / "reports").exists()


def test_unknown_study_is_named(tmp_path):
    write_study(tmp_path)
    with pytest.raises(InputError, match=r"no study 'shape'.*mask_ratio"):
        main(["shape", *options(tmp_path)])
