"""Two gloo processes with uneven shards report what one process reports, on both ranks."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = Path(__file__).parent / "distributed_worker.py"
# What rank 0 and rank 1 see: uneven shards; an example repeated by a sampler's padding; nothing on rank 1.
CASES = [
    (list(range(8)), [8, 9, 10]),
    ([0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 0]),
    (list(range(11)), []),
]


def test_two_processes_give_the_single_process_numbers(tmp_path):
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                str(WORKER),
                str(rank),
                "2",
                str(tmp_path),
                json.dumps([case[rank] for case in CASES]),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)

    single = runpy.run_path(str(WORKER))["evaluate"](list(range(11)))
    for rank in range(2):
        for result in json.loads((tmp_path / f"result-{rank}.json").read_text()):
            assert result.keys() == single.keys()
            for name, expected in single.items():
                assert result[name].keys() == expected.keys()
                for key, value in expected.items():
                    assert result[name][key] == pytest.approx(value, rel=1e-12), (name, key)
