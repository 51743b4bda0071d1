"""`fashionvl data` from the command line."""

from pathlib import Path

import pytest

from fashionvl.cli import main


def test_a_catalogue_is_drawn_and_inspected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "drawn"
    main(["data", "synthesize", str(root), "--products", "8", "--validation_share", "0.5", "--workers", "1"])
    for split in ("train", "validation"):
        assert (root / f"fashiongen_256_256_{split}.h5").is_file()
        assert (root / f"ground_truth_{split}.h5").is_file()
    main(["data", "inspect", str(root), "--out", str(tmp_path / "report")])
    shown = capsys.readouterr().out
    assert "rows (photographs)" in shown
    assert "none found" in shown
    assert (tmp_path / "report" / "contact_sheet.png").is_file()
    assert not (root / "contact_sheet.png").exists()


def test_a_missing_catalogue_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["data", "inspect", str(tmp_path / "nowhere")])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        f"fashionvl: {tmp_path / 'nowhere'}: no such folder; give the folder that holds the catalogue"
    ]


def test_synthesize_replaces_its_own_output_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "root"
    words = [
        "data",
        "synthesize",
        str(root),
        "--products",
        "4",
        "--validation_share",
        "0.5",
        "--workers",
        "1",
    ]
    root.mkdir()
    file = root / "fashiongen_256_256_train.h5"
    file.write_bytes(b"somebody's data")
    for more in ([], ["--overwrite"], ["--overwrite", "true"]):
        with pytest.raises(SystemExit) as stopped:
            main([*words, *more])
        assert stopped.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert [path.name for path in root.iterdir()] == [file.name]
        assert file.read_bytes() == b"somebody's data"
    file.unlink()
    main(words)
    first = file.read_bytes()
    with pytest.raises(SystemExit):
        main([*words, "--seed", "1"])
    assert file.read_bytes() == first
    main([*words, "--overwrite", "--seed", "1"])
    assert file.read_bytes() != first
