"""The page: numbers, tables and plots from small files, whichever of them there are."""

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from benchmarks.measure import Plan
from benchmarks.page import __main__ as command
from benchmarks.page.forecast import RUNS
from benchmarks.page.numbers import duration, flops, pace, share, significant, spread
from benchmarks.page.read import read
from benchmarks.page.sources import portable
from benchmarks.page.targets import targets
from benchmarks.page.text import MISSING, MISSING_GPU, write
from benchmarks.record import Result
from benchmarks.run import _checks
from fashionvl.errors import InputError

ABOUT = {
    "command": "python -m benchmarks --scratch /home/someone/scratch --out=/mnt/disk/cpu.json",
    "date": "2026-11-21",
    "machine": "Some CPU, amx_bf16, 2 threads, Python 3.11.7",
    "device": "cpu",
    "commit": "abc123def456",
    "versions": {"torch": "2.15.0", "numpy": "2.4.6"},
}
STAGES = {"data": 20.0, "forward": 300.0, "backward": 600.0, "optimiser": 80.0}
SVG = "{http://www.w3.org/2000/svg}"


def row(plan, median, work="MVLT training step, fp32", against="released", **more):
    least, greatest = 0.97 * median, 1.05 * median
    about = {
        "work": work,
        "plan": plan,
        "against": against,
        "device": "cpu",
        "precision": "fp32",
        "rounds": 5,
    }
    return {**about, "ratio_median": median, "ratio_min": least, "ratio_max": greatest, **more}


def rows():
    return [
        row("released", 1.0, pairs_per_s=4.321, mfu=0.123, stages=STAGES, peak_mb=2310.0),
        row(
            "ours", 1.612, pairs_per_s=6.967, mfu=0.187, stages=STAGES, peak_mb=1478.0, peak_share=0.64,
            target=">= 1.5x, memory <= 0.65", met=True,
        ),
        row("best", 2.412, pairs_per_s=10.43, precision="bf16", mfu=0.051, target=">= 2.7x", met=False),
        row("control", 0.994, against="ours"),
        row("released", 1.0, work="loader", pairs_per_s=175.4, item="row"),
        row(
            "ours", 11.38, work="loader", pairs_per_s=1996.0, bytes_per_s=3.924e8, item="row",
            target=">= 5x, >= 4,000/s", met=False, note="one core",
        ),
    ]  # fmt: skip


def sweep_points():
    point = {"work": "MVLT training step", "precision": "fp32", "ms_min": 200.0, "ms_max": 260.0}
    return [
        {
            **point,
            "plan": plan,
            "axis": axis,
            "value": value,
            "ms_per_pair": 231.7 + value,
            "peak_mb": 10.0 * value,
        }
        for axis in ("batch size", "image size")
        for plan in ("released", "ours")
        for value in (1, 2, 64)
    ]


def scaling_points():
    point = {"threads": 1, "batch": 2, "step_seconds": 0.5123, "step_min": 0.5, "step_max": 0.55}
    one = {**point, "processes": 1, "pairs_per_s": 3.91, "efficiency": 1.0, "allreduce_share": 0.0}
    two = {**point, "processes": 2, "pairs_per_s": 7.13, "efficiency": 0.912, "allreduce_share": 0.083}
    return [
        {**one, "mode": "weak"},
        {**two, "mode": "weak", "allreduce_gb_per_s": 0.876, "allreduce_seconds": 0.2},
        {**one, "mode": "strong", "efficiency": None},
        {**two, "mode": "strong"},
    ]


FILES = {
    "cpu": {
        **ABOUT,
        "matmul_flops_per_s": {"fp32": 1.412e11, "bf16": 1.31e12},
        "copy_bytes_per_s": 1.234e10,
        "results": rows(),
    },
    "cuda": {**ABOUT, "device": "Some GPU", "results": [row("released", 1.0), row("ours", 2.345)]},
    "sweeps-cpu": {**ABOUT, "points": sweep_points()},
    "scaling-cpu": {**ABOUT, "points": scaling_points(), "gradient_bytes": 210e6, "parameters": 52_345_678},
    "loading": {
        **ABOUT,
        "points": [
            {"layout": layout, "storage": storage, "workers": workers, "pairs_per_s": 901.0 * factor,
             "ratio_to_hdf5": factor}
            for storage in ("warm", "10 ms")
            for layout, factor in (("hdf5", 1.0), ("mapped", 1.371))
            for workers in (1, 8)
        ],
    },
    "table_loading": {
        **ABOUT,
        "points": [
            {"way": way, "image_size": 256, "pairs_per_cpu_s": pace, "pairs_per_cpu_s_min": 0.9 * pace,
             "pairs_per_cpu_s_max": 1.1 * pace, **more}
            for way, pace, more in (("stored", 4321.0, {"target": 5000}), ("decoded", 2504.0, {}))
        ],
    },
    "changes": {
        **ABOUT,
        "results": [
            row("off", 1.0, work="masked_only", against="off"),
            row("on", 1.423, work="masked_only", against="off"),
            row("control", 1.004, work="masked_only", against="on"),
        ],
    },
    "demo": {
        "before_seconds": [480, 470.0, 490], "after_seconds": [300.0],
        "stages": {"pretrain": {"before": 300, "after": 150}},
    },
    "kaleido_memory": {**ABOUT, "results": [{"work": "64 pairs", "device": "cpu", "peak_mb": 13333}]},
}  # fmt: skip
CHANGES = {
    "masked_only": {
        "what": "words at masked positions", "work": "MVLT training step", "expected": 1.47, "kept": True,
        "why": "pays",
    },
    "compile": {"what": "torch.compile", "expected": "1.1 | more", "kept": "option"},
    "resize": {"what": "on the device", "expected": "1", "kept": False},
}  # fmt: skip
PICTURES = {
    "cpu": {"ratios-cpu.svg", "stages-cpu.svg"},
    "cuda": {"ratios-cuda.svg"},
    "sweeps-cpu": {"cost-cpu.svg"},
    "scaling-cpu": {"cost-cpu.svg", "scaling-cpu.svg"},
    "loading": {"loading.svg"},
}


@pytest.fixture
def results(tmp_path):
    """Writes the named files of results, and the list of changes beside them."""

    def put(*names, **changed):
        folder = tmp_path / "benchmarks" / "results"
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / f"{name}.json").write_text(json.dumps(FILES[name]))
        for name, content in changed.items():
            (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
        (folder.parent / "changes.yaml").write_text(yaml.safe_dump({"changes": CHANGES}, sort_keys=False))
        return folder

    return put


def page_of(folder):
    return write(read(folder), "images/performance")


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def line_of(text, *starts):
    """Cells of the first table line whose first cells are these."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.replace("\\|", "¦").split("|")[1:-1]]
        if cells[: len(starts)] == list(starts):
            return cells
    raise AssertionError(f"no line {starts}")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.01234, "0.0123"),
        (4.3, "4.30"),
        (9.999, "10.0"),
        (10.43, "10.4"),
        (761.9, "762"),
        (12345.6, "12,346"),
        (0, "0"),
    ],
)
def test_numbers_keep_three_digits_and_no_powers(value, expected):
    assert significant(value) == expected


def test_numbers_have_units():
    assert spread(2.718, 2.6, 2.9) == "2.72× (2.60..2.90)"  # noqa: RUF001
    assert spread(13.37, 12.96, 14.0) == "13.4× (13.0..14.0)"  # noqa: RUF001
    assert (share(0.184), share(0.0432), share(0.0999)) == ("18 %", "4.3 %", "10 %")
    assert (flops(1.412e11), flops(1.31e12)) == ("141 GFLOP/s", "1.31 TFLOP/s")
    assert (duration(48.2), duration(59.7), duration(432)) == ("48 s", "1 min 00 s", "7 min 12 s")
    assert (duration(3599.7), duration(10_224)) == ("1 h 00 min", "2 h 50 min")
    assert pace(761.9, "pair") == "762 pairs"


def test_targets_are_read_as_the_benchmark_writes_them():
    plan = Plan(
        "ours", "fp32", lambda mark: 1, target=1.5, least_items_per_s=4000, least_mfu=0.18, most_memory=0.65
    )
    checks = _checks(plan, 1.6, 3000.0, 0.19, 0.66)
    words = ", ".join(what for what, _ in checks)
    found = targets(
        Result(**row("ours", 1.6, pairs_per_s=3000.0, mfu=0.19, peak_share=0.66, target=words, met=False))
    )
    assert [aim.met for aim in found] == [met for _, met in checks] == [True, False, True, False]
    assert [aim.words for aim in found] == [
        "≥ 1.5×", "≥ 4,000 pairs/s", "MFU ≥ 18 %", "memory ≤ 0.65×",  # noqa: RUF001
    ]  # fmt: skip
    assert found[0].least_ratio == 1.5


def test_a_target_in_unknown_words_is_shown_with_its_verdict():
    (aim,) = targets(Result(**row("ours", 1.6, target="idle <= 5 %", met=False)))
    assert (aim.words, aim.met) == ("idle <= 5 %", False)


def test_target_table_holds_the_numbers(results):
    text = section(page_of(results("cpu")).text, "Targets")
    ours = line_of(text, "", "ours")
    assert ours[3:] == [
        "1.61× (1.56..1.69)", "≥ 1.5× met, memory ≤ 0.65× met", "6.97 pairs", "19 %", "–",  # noqa: RUF001
        "1,478 MB, 0.64×", "0.99× (0.96..1.04)",  # noqa: RUF001
    ]  # fmt: skip
    assert line_of(text, "MVLT training step, fp32", "released")[3] == "1 (yardstick)"
    assert line_of(text, "", "best")[4] == "≥ 2.7× **missed**"  # noqa: RUF001
    loader = [line for line in text.splitlines() if "11.4×" in line][0]  # noqa: RUF001, RUF015
    assert "≥ 5× met, ≥ 4,000 rows/s **missed** | 1,996 rows" in loader  # noqa: RUF001
    assert "0.392 GB/s" in loader
    assert "- loader: one core" in text


def test_missed_targets_are_listed_with_what_was_reached(results):
    page = page_of(results("cpu")).text
    assert "**3 of 5 targets are met on the CPU**" in page
    assert "MVLT training step, fp32, best: target ≥ 2.7×, 2.41× reached" in page  # noqa: RUF001
    assert "loader, ours: target ≥ 4,000 rows/s, 1,996/s reached" in page


def test_machine_and_versions_are_named(results):
    text = section(page_of(results("cpu", "cuda")).text, "How it was measured")
    assert "141 GFLOP/s in fp32, 1.31 TFLOP/s in bf16; copy 12.3 GB/s" in text
    assert "torch 2.15.0, numpy 2.4.6; commit abc123def456; 2026-11-21" in text
    assert "GPU: Some GPU; Some CPU" in text


def test_every_point_of_the_sweeps_is_in_a_table(results):
    text = section(page_of(results("sweeps-cpu")).text, "Cost against size")
    assert text.count("| MVLT training step |") == len(sweep_points())
    cells = line_of(text, "MVLT training step", "batch size", "64", "ours")
    assert cells[4:] == ["fp32", "296", "200..260", "640"]


def test_scaling_table_holds_the_numbers(results):
    text = section(page_of(results("scaling-cpu")).text, "Several processes")
    assert line_of(text, "weak", "2")[2:] == [
        "1",
        "2",
        "7.13",
        "512 (500..550)",
        "91 %",
        "8.3 %",
        "0.876 GB/s",
    ]
    assert line_of(text, "strong", "1")[6] == "–"  # noqa: RUF001
    assert "52.3 M parameters; 210 MB of gradients" in text


def test_every_gpu_figure_of_the_forecast_is_labelled_assumed(results):
    text = section(page_of(results()).text, "Several processes")
    assert all(cell.endswith(", assumed") for cell in line_of(text, "run", "epochs × rows")[3:])  # noqa: RUF001
    for run in RUNS:
        cells = line_of(text, run.name)
        assert cells[4:6] == [significant(run.gpu_hours), duration(3600 * run.gpu_hours)]


def test_loading_table_holds_the_numbers(results):
    text = section(page_of(results("loading")).text, "Loading")
    assert line_of(text, "storage", "layout") == ["storage", "layout", "1 worker", "8 workers"]
    assert line_of(text, "10 ms", "mapped")[2] == "1,235 (1.37×)"  # noqa: RUF001
    assert line_of(text, "warm", "hdf5")[2] == "901"


def test_loading_of_a_table_stands_below_it_with_its_target(results):
    text = section(page_of(results("loading", "table_loading")).text, "Loading")
    assert line_of(text, "256 px", "stored")[2:] == ["4,321 (3,889..4,753)", ">= 5,000, missed"]
    assert line_of(text, "256 px", "decoded")[3] == "–"  # noqa: RUF001


def test_changes_stand_beside_what_was_expected(results):
    text = section(page_of(results("changes")).text, "What was tried")
    assert line_of(text, "`masked_only`: words at masked positions")[1:] == [
        "MVLT training step", "1.47", "1.42× (1.38..1.49)", "1.00× (0.97..1.05)", "yes", "pays",  # noqa: RUF001
    ]  # fmt: skip
    compiled = line_of(text, "`compile`: torch.compile")
    assert compiled[2:6] == ["1.1 ¦ more", "not measured yet", "–", "as an option"]  # noqa: RUF001
    assert line_of(text, "`resize`: on the device")[5] == "no"


def test_the_demo_is_told_before_and_after(results):
    text = section(page_of(results("demo")).text, "The demo")
    assert "takes 5 min 00 s (one run); it took 8 min 00 s" in text
    assert "median of 3 runs, 7 min 50 s to 8 min 10 s" in text
    assert "1.60×" in text  # noqa: RUF001
    assert line_of(text, "pretrain")[1:] == ["5 min 00 s", "2 min 30 s", "2.00×"]  # noqa: RUF001


def test_files_of_other_names_are_shown_too(results):
    text = section(page_of(results("kaleido_memory")).text, "Also recorded")
    assert line_of(text, "64 pairs")[3:] == ["–", "13,333 MB", "`kaleido_memory.json`"]  # noqa: RUF001


def test_the_plans_of_a_separate_benchmark_are_told_apart(results):
    row = {"work": "backbone", "plan": "quick", "device": "cpu", "precision": "fp32", "item": "crop"}
    ratio = {"ratio_median": 2.5, "ratio_min": 2.0, "ratio_max": 3.0, "pairs_per_s": 17.11}
    text = section(page_of(results(encoders={"results": [{**row, **ratio}]})).text, "Also recorded")
    assert line_of(text, "backbone, quick")[1:4] == ["cpu, fp32", "2.50× (2.00..3.00)", "17.1 crops"]  # noqa: RUF001


def test_with_nothing_measured_every_section_says_so(results):
    page = page_of(results())
    assert page.pictures == {}
    assert MISSING_GPU in section(page.text, "Targets")
    for title in ("Targets", "Where the time goes", "Several processes", "Loading", "The demo"):
        assert MISSING in section(page.text, title), title
    assert section(page.text, "Cost against size").count("not measured yet") == 2
    assert "not measured yet" in line_of(page.text, "`masked_only`: words at masked positions")


@pytest.mark.parametrize(
    "names",
    [
        ("cpu",),
        ("cuda",),
        ("cpu", "cuda"),
        ("sweeps-cpu",),
        ("scaling-cpu",),
        ("loading", "demo"),
        tuple(FILES),
    ],
)
def test_pictures_are_those_of_the_files_there_are(results, names):
    page = page_of(results(*names))
    expected = set().union(*(PICTURES.get(name, set()) for name in names))
    assert set(page.pictures) == expected
    for name, drawn in page.pictures.items():
        assert len(ElementTree.fromstring(drawn).findall(f".//{SVG}path")) > 10, name
        assert f"](images/performance/{name})" in page.text
    has_gpu = "cuda" in names
    assert (MISSING_GPU in page.text) is not has_gpu


def test_ratio_picture_draws_another_target_elsewhere(results):
    first = page_of(results("cpu")).pictures["ratios-cpu.svg"]
    assert page_of(results("cpu")).pictures["ratios-cpu.svg"] == first
    moved = json.loads(json.dumps(FILES["cpu"]).replace(">= 2.7x", ">= 2.0x"))
    assert page_of(results(cpu=moved)).pictures["ratios-cpu.svg"] != first


def test_remarks_end_their_sections(results):
    folder = results(*FILES)
    (folder.parent / "page").mkdir()
    (folder.parent / "page" / "loading.md").write_text("Use **shards** on a network.\n")
    assert section(page_of(folder).text, "Loading").rstrip().endswith("Use **shards** on a network.")


def test_no_machine_path_reaches_the_page(results):
    page = page_of(results(*FILES)).text
    assert "`python -m benchmarks --scratch scratch --out=cpu.json`" in page
    for place in ("/home", "/mnt", "/tmp", str(Path(__file__).parents[2])):
        assert place not in page


def test_portable_leaves_relative_words_alone():
    given = "python benchmarks/x.py --scratch data/benchmarks --rounds 7"
    assert portable(given) == given


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"cpu": "{"}, "cpu.json: not JSON"),
        ({"cpu": "[]"}, "cpu.json: a list, where a mapping was expected"),
        ({"cpu": {"results": 3}}, "cpu.json: results: a list was expected"),
        ({"loading": {"points": [{"layout": "hdf5"}]}}, "points[0]: pairs_per_s, storage, workers missing"),
        ({"demo": {"before_seconds": [1]}}, "demo.json: 'after_seconds'; it should hold before_seconds"),
        ({"changes": {"results": [row("on", 1.0, work="magic")]}}, "changes.json measured magic"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line(results, capsys, files, said):
    folder = results(**files)
    with pytest.raises(InputError) as problem:
        read(folder)
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
    with pytest.raises(SystemExit, match="2"):
        command.main(["--results", str(folder), "--check"])
    assert said in capsys.readouterr().err


class Site:
    """A page on disk."""

    def __init__(self, folder):
        self.results = folder
        self.out = folder.parents[1] / "docs" / "performance.md"
        self.images = self.out.parent / "images" / "performance"

    def run(self, *more):
        words = ["--results", self.results, "--out", self.out, "--images", self.images, *more]
        return command.main([str(word) for word in words])


@pytest.fixture
def site(results):
    made = Site(results("cpu", "loading"))
    assert made.run() == 0
    return made


def test_check_is_content_with_what_was_written(site, capsys):
    capsys.readouterr()
    assert site.run("--check") == 0
    assert capsys.readouterr().err == ""
    assert "](images/performance/loading.svg)" in site.out.read_text()


def refused(site, capsys, said):
    capsys.readouterr()
    assert site.run("--check") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_check_sees_new_results(site, capsys):
    changed = {**FILES["cpu"], "results": [*rows()[:1], row("ours", 1.5)]}
    (site.results / "cpu.json").write_text(json.dumps(changed))
    before = site.out.read_text()
    refused(site, capsys, "performance.md: not what the results say")
    assert site.out.read_text() == before


def test_check_sees_an_edited_or_missing_page(site, capsys):
    site.out.write_text(site.out.read_text() + "More.\n")
    refused(site, capsys, "performance.md: not what the results say")
    site.out.unlink()
    refused(site, capsys, "performance.md: missing")


def test_check_sees_a_changed_missing_or_stale_picture(site, capsys):
    picture = site.images / "loading.svg"
    drawn = picture.read_text()
    picture.write_text(drawn.replace("#", "#0", 1))
    refused(site, capsys, "loading.svg: not what the results say")
    picture.write_text(drawn.replace("Matplotlib v", "Matplotlib v0.", 1).replace("stroke", "strike"))
    assert site.run("--check") == 0
    picture.unlink()
    refused(site, capsys, "loading.svg: missing")
    site.run()
    (site.images / "cost-cuda.svg").write_text("<svg/>")
    refused(site, capsys, "cost-cuda.svg: no longer shown")
    site.run()
    assert not (site.images / "cost-cuda.svg").exists()


def test_other_files_among_the_pictures_are_left_alone(site):
    (site.images / "photograph.svg").write_text("<svg/>")
    site.run()
    assert (site.images / "photograph.svg").exists()


def test_the_committed_page_is_up_to_date(repository, tmp_path, capsys):
    if not (repository / "docs" / "performance.md").exists():
        pytest.skip("docs/performance.md is not written yet")
    assert command.main(["--check"]) == 0, capsys.readouterr().err


def test_the_repositorys_own_results_can_be_shown(repository, tmp_path):
    shutil.copytree(repository / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    shutil.copy(repository / "benchmarks" / "changes.yaml", tmp_path / "benchmarks")
    site = Site(tmp_path / "benchmarks" / "results")
    assert site.run() == 0
    assert site.run("--check") == 0
