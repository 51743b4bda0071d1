"""Recognition from the photograph or the caption alone, from records to tables and verdicts."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from synthetic_study import edit_record, labels_of, run_path, write_column, write_pyramid, write_study

from fashionvl.reporting.study.comparison import compare
from fashionvl.reporting.study.gather import gather
from fashionvl.reporting.study.text import study_text

SHARES = {"Final": 0.9, "A1": 0.2, "A2": 0.9}
"""Share of photographs recognised without their captions, by column."""


@pytest.fixture
def report(tmp_path):
    root = tmp_path / "runs"
    write_pyramid(root)
    for column, share in SHARES.items():
        write_column(root, column, {0: 0.6, 1: 0.6})
        for seed in (0, 1):
            run = run_path(root, column, seed, "recognition")
            predicted, target = labels_of(share, seed)
            items = np.arange(len(target))
            test = {"m_cr/accuracy": 60.0, "s_cr/accuracy": 60.0}
            for source, found in (("image", predicted), ("text", target)):
                name = f"s_cr_{source}"
                np.savez(run / f"{name}.npz", id=items, predicted=found, target=target, product_id=items // 3)
                test[f"{name}/accuracy"] = 100 * float((found == target).mean())
            edit_record(run, test=test)
    return compare(gather(write_study(tmp_path), root, "laptop"))


def test_a_network_that_sees_less_is_worse_by_image_alone(report):
    found = {column.id: column for column in report.columns}
    assert found["Final"].cells["s_cr_image/accuracy"].ours.value == 90
    assert found["A1"].cells["s_cr_image/accuracy"].ours.value == 20
    assert found["A1"].cells["s_cr_text/accuracy"].ours.value == 100
    kinds = {name: verdict.kind for name, verdict in found["A1"].verdicts.items()}
    assert (kinds["recognition"], kinds["recognition by image"]) == ("same", "worse")
    assert found["A2"].verdicts["recognition by image"].kind == "same"
    assert "recognition by text" not in kinds


def test_tables_hold_what_was_tested_and_a_terminal_tells_below_its_own(report):
    assert {m.task for m in report.metrics} >= {"S-CR", "S-CR image", "S-CR text"}
    assert "M-CR image" not in {m.task for m in report.metrics}
    for width in (80, 120):
        console = Console(width=width, record=True, file=StringIO())
        console.print(study_text(report, width))
        said = console.export_text()
        heading = said[: said.index("ours")]
        assert "S-CR" in heading
        assert "image" not in heading
        assert "text" not in heading
        assert "A1 recognition by image: worse: S-CR image accuracy" in " ".join(said.split())
