"""`fashionvl score`, from a training run through the real command line to the printed table."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fashionvl
from fashionvl.cli import main
from fashionvl.inference.score import probabilities

MVLT = Path(__file__).parents[2] / "experiments" / "mvlt"


@pytest.fixture(scope="module")
def run(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smoke run of MVLT pre-training, tested."""
    folder = tmp_path_factory.mktemp("runs") / "pretrain"
    main([
        *("fit", "--config", str(MVLT / "pretrain.yaml"), "--config", str(MVLT / "smoke.yaml")),
        *("--run_dir", str(folder), "--data.init_args.root", str(catalogue)),
        *("--data.init_args.index_dir", str(folder.parent / "index")),
        *("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"),
        # At smoke size the paper's initialisation gives every pair one score.
        *("--model.init_args.network.init_args.initialization", "xavier"),
    ])  # fmt: skip
    return folder


@pytest.mark.parametrize("protocol", ["tir", "itr"])
def test_scores_are_those_of_the_runs_own_retrieval(run: Path, tmp_path: Path, protocol: str) -> None:
    model, processor = fashionvl.load(run)
    with np.load(run / "examples" / f"{protocol}.npz") as examples:
        images, captions, expected = (examples[key] for key in ("images", "captions", "probabilities"))
    for query in range(3):
        files = [tmp_path / f"{query}-{number}.png" for number in range(len(images[query]))]
        for file, pixels in zip(files, images[query], strict=True):
            Image.fromarray(pixels).save(file)
        scores = fashionvl.score(model, processor, files, captions[query].tolist())
        found = probabilities(model, scores)
        torch.testing.assert_close(found.flatten(), torch.from_numpy(expected[query]), rtol=0, atol=1e-6)
    assert len(np.unique(expected.round(5))) > 1


def test_a_run_leaves_a_model_that_can_be_taken_away(run: Path) -> None:
    names = {str(file.relative_to(run / "model")) for file in (run / "model").rglob("*")}
    assert {"model.safetensors", "config.json", "processor.json", "tokenizer/tokenizer.json"} <= names
    assert (run / "tokenizer" / "tokenizer.json").is_file()


def test_the_table_has_a_row_a_picture_and_a_column_a_text(
    run: Path, garments: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    pictures, texts = [str(garments / f"{row}.png") for row in (0, 1)], ["red [bold] dress", "coat"]
    main(["score", str(run), "--images", *pictures, "--texts", *texts])
    printed = capsys.readouterr().out
    assert "probability of a match, %" in printed
    assert "red [bold] dress" in printed
    model, processor = fashionvl.load(run)
    chances = probabilities(model, fashionvl.score(model, processor, pictures, texts))
    for name, row in zip(("0.png", "1.png"), chances.tolist(), strict=True):
        (line,) = [line for line in printed.splitlines() if name in line]
        assert [cell.strip() for cell in line.split("│")[2:4]] == [f"{100 * value:.1f}" for value in row]


def _complaint(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error of a command that ends with status 2."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()
    assert not captured.out
    return line


def test_bad_input_is_one_line(
    saved: Path, garments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(garments / "0.png")
    cut = tmp_path / "cut.jpg"
    Image.open(good).save(cut)
    cut.write_bytes(cut.read_bytes()[:-400])
    words = ["score", str(saved), "--texts", "dress", "--images"]
    assert f"fashionvl: {cut}: not a whole image" in _complaint([*words, good, str(cut)], capsys)
    assert f"{tmp_path / 'absent.png'}: cannot be read" in _complaint(
        [*words, str(tmp_path / "absent.png")], capsys
    )
    nowhere = ["score", "nobody/absent", "--texts", "dress", "--images", good]
    assert "nobody/absent: no such folder, and not found on the Hugging Face Hub" in _complaint(
        nowhere, capsys
    )


def test_pictures_of_every_kind_score_as_the_plain_one(saved: Path, garments: Path, tmp_path: Path) -> None:
    model, processor = fashionvl.load(saved)
    plain = Image.open(garments / "0.png").convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6  # stored a quarter turn against the clock, to be shown a quarter turn with it
    transparent = plain.copy().convert("RGBA")
    background = np.asarray(plain).min(-1) == 255
    pixels = np.array(transparent)
    pixels[background] = 0
    plain.save(tmp_path / "plain.png")
    plain.rotate(90, expand=True).save(tmp_path / "turned.png", exif=turned)
    Image.fromarray(pixels).save(tmp_path / "transparent.png")
    names = ["plain.png", "turned.png", "transparent.png"]
    same = fashionvl.score(model, processor, [tmp_path / name for name in names], ["dress"])
    torch.testing.assert_close(same, same[:1].expand(3, 1), rtol=0, atol=1e-6)

    grey = plain.convert("L")
    grey.save(tmp_path / "grey.png")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    grey.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(
        tmp_path / "palette.png"
    )
    names = ["grey.png", "sixteen.png", "palette.png"]
    same = fashionvl.score(model, processor, [tmp_path / name for name in names], ["dress"])
    torch.testing.assert_close(same, same[:1].expand(3, 1), rtol=0, atol=1e-6)

    plain.convert("CMYK").save(tmp_path / "inks.tiff")
    inks = fashionvl.score(model, processor, [tmp_path / "inks.tiff", tmp_path / "plain.png"], ["dress"])
    torch.testing.assert_close(inks[0], inks[1], rtol=0, atol=1e-3)
