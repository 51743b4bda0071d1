"""`fashionvl compare` from the outside."""

import json
import os
import re
import subprocess
import sys

import pytest
from kaleido_runs import edit_record

from fashionvl.commands.compare import main
from fashionvl.errors import InputError
from fashionvl.files.ours import LEDGER

PROBE = """
import sys
from fashionvl.commands.compare import main
main(sys.argv[1:])
heavy = {"torch", "lightning", "torchmetrics", "transformers", "h5py", "cv2"} & set(sys.modules)
assert not heavy, heavy
"""

FILES = {"summary.json", "comparison.md", "comparison.html", "pictures"}


def options(folders, out, *more):
    mvlt, kaleido, shared = folders
    return [str(mvlt), str(kaleido), "--names", "MVLT", "Kaleido-BERT", "--shared", str(shared),
            "--out", str(out), *more]  # fmt: skip


def test_compare_needs_no_torch_and_says_where_its_files_are(folders, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "80"}
    command = [sys.executable, "-c", PROBE, *options(folders, tmp_path / "out")]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert {file.name for file in (tmp_path / "out").iterdir()} == FILES | {LEDGER}
    assert str(tmp_path / "out" / "summary.json") in result.stdout
    assert "MVLT and Kaleido-BERT at laptop scale" in result.stdout
    table = result.stdout.split("Δ: difference")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table


def test_summary_holds_one_object_a_model(compared):
    found = json.loads((compared / "summary.json").read_text())
    assert list(found) == ["MVLT", "Kaleido-BERT"]
    assert found["Kaleido-BERT"]["tir"]["r10"] == 50.0
    paired = found["Kaleido-BERT"]["paired"]
    assert paired["with"] == "MVLT"
    assert paired["differences"]["tir/r10"]["value"] == 0
    assert "paired" not in found["MVLT"]


def test_markdown_has_the_table_the_notes_and_the_pictures(compared):
    text = (compared / "comparison.md").read_text()
    assert re.search(
        r"\| TIR \| R@10 % \| 50\.0 \[.*\] \| 50\.0 \[.*\] \| 0\.0 \[0\.0, 0\.0\], p 1\.00 \| 47\.6", text
    )
    assert re.search(r"\| Patch tasks \(dev\) \| jigsaw % \| \S \| 50\.0 \| \S \| 4\.2 \|", text)
    assert re.search(r"\| Time \| all stages \| 2\.1 minutes \| 4\.5 minutes", text)
    assert "only the queries vary" in text
    assert "No picture of captions: no run has examples/captioning.npz." in text
    for name in re.findall(r"\(pictures/(\w+)\.png\)", text):
        assert (compared / "pictures" / f"{name}.png").exists()
    assert "pictures/patches.png" in text


def test_page_holds_everything_within_itself(compared):
    html = (compared / "comparison.html").read_text()
    sources = re.findall(r'<img src="([^"]{21})', html)
    assert len(sources) == 5
    assert all(source.startswith("data:image/png;base64") for source in sources)
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", html)
    assert html.count("<table") == html.count("</table>") == 1
    assert "MVLT and Kaleido-BERT at laptop scale" in html
    for link in re.findall(r'href="([^"#:]+)"', html):
        assert (compared / link).is_dir()


def test_a_refused_pairing_is_said(folders, tmp_path, capsys):
    edit_record(folders[1] / "pretrain", candidates={"tir": {"fingerprint": "other"}})
    main(options(folders, tmp_path / "out"))
    said = "TIR is not paired: candidates differ (MVLT f, Kaleido-BERT other)."
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in (tmp_path / "out" / "comparison.md").read_text()
    assert said in (tmp_path / "out" / "comparison.html").read_text()


def test_names_default_to_those_of_the_folders(folders, tmp_path):
    main([str(folders[0]), str(folders[1]), "--out", str(tmp_path / "out")])
    assert list(json.loads((tmp_path / "out" / "summary.json").read_text())) == ["demo", "kaleido"]


def test_nothing_is_written_where_a_model_has_no_runs(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
