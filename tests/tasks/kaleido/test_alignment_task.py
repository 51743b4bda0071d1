"""The pass that writes alignments: regions of attention maps, co-occurring words, precision, refusals."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashionvl.data import FashionGenDataModule
from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.text.wordpiece import train_wordpiece
from fashionvl.data.text.words import build_words
from fashionvl.data.visual.alignments import AlignmentFacts, Alignments, AlignmentWriter
from fashionvl.data.visual.features import FeatureFacts, FeatureWriter
from fashionvl.errors import InputError
from fashionvl.evaluation.alignment import phrase_tokens
from fashionvl.models.kaleido_bert.captioner import ShowAttendTell
from fashionvl.tasks.kaleido.alignment import AlignmentWriting, align, check_crop, hot_region, in_frame
from fashionvl.tasks.kaleido.alignment_scores import AlignedPhotographs, WholeCaptions, score

GRID = 16
NEVER = np.array([0, 1, 2, 3, 4])


@pytest.fixture(scope="module")
def data(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> FashionGenDataModule:
    """The catalogue under a tokenizer of its own, as whole frames."""
    found = FashionGenDataModule(
        root=str(catalogue),
        index_dir=str(tmp_path_factory.mktemp("index")),
        image_size=32,
        crop=False,
        max_tokens=24,
        tokenizer="train",
        vocabulary=300,
        test_batch_size=50,
        dev_share=0.1,
    )
    found.prepare_data()
    return found


@pytest.fixture(scope="module")
def captioner(data: FashionGenDataModule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with an untrained captioner that has the data's tokenizer."""
    torch.manual_seed(0)
    network = ShowAttendTell(
        image_size=32,
        backbone="resnet10t",
        backbone_arguments={"channels": [4, 4, 8, 8], "stem_width": 4},
        pretrained=False,
        reduction=8,
        vocab_size=len(data.tokenizer),
        max_tokens=12,
        attention_width=8,
        embedding_width=8,
        hidden_width=8,
        cls_id=data.tokenizer.cls_token_id,
        sep_id=data.tokenizer.sep_token_id,
        pad_id=data.tokenizer.pad_token_id,
    )
    # Untrained it would say one word over and over: let it say whatever comes next in the vocabulary.
    with torch.no_grad():
        network.decoder.word.weight.normal_()
        network.decoder.output.weight.normal_(std=5)
    run = tmp_path_factory.mktemp("captioner")
    network.save_pretrained(run / "model")
    data.tokenizer.save_pretrained(run / "tokenizer")
    return run


def passed(task: AlignmentWriting, data: FashionGenDataModule, folder: Path) -> AlignmentWriting:
    """The task after its pass over the catalogue."""
    trainer = L.Trainer(
        accelerator="cpu", default_root_dir=folder, logger=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.predict(task, datamodule=data, return_predictions=False)
    return task


def read(data: FashionGenDataModule, folder: Path, split: str = "validation") -> Alignments:
    index = data.index_of(split)
    mark = tokenizer_fingerprint(data.tokenizer)
    return Alignments(folder / "alignments" / split, index.fingerprint, mark, len(index))


def test_a_hot_region_holds_the_maximum_and_what_joins_it() -> None:
    attention = np.zeros((4, 8))
    attention[1, 2:4] = (0.3, 0.5)
    attention[2, 3] = 0.25
    attention[0, 1] = 0.4  # touches the region at a corner only
    attention[3, 7] = 0.45  # hot, but elsewhere
    np.testing.assert_allclose(hot_region(attention, 0.5), [2 / 8, 1 / 4, 4 / 8, 3 / 4])
    np.testing.assert_allclose(hot_region(attention, 0.51), [2 / 8, 1 / 4, 4 / 8, 2 / 4])
    np.testing.assert_allclose(hot_region(attention, 1.0), [3 / 8, 1 / 4, 4 / 8, 2 / 4])


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), side=st.integers(1, 9), hot=st.floats(0.01, 1))
def test_a_hot_region_grows_as_the_share_falls(seed: int, side: int, hot: float) -> None:
    attention = np.random.default_rng(seed).dirichlet(np.ones(side * side)).reshape(side, side)
    x0, y0, x1, y1 = hot_region(attention, hot) * side
    row, column = np.unravel_index(attention.argmax(), attention.shape)
    assert 0 <= x0 <= column < x1 <= side
    assert 0 <= y0 <= row < y1 <= side
    wider = hot_region(attention, hot / 2) * side
    assert (wider[:2] <= (x0, y0)).all()
    assert (wider[2:] >= (x1, y1)).all()


def test_tokens_said_and_written_are_aligned_wherever_they_are_written() -> None:
    maps = np.zeros((5, 2, 2))
    maps[np.arange(5), [0, 0, 1, 1, 1], [0, 1, 0, 1, 1]] = 1
    generated = np.array([9, 7, 9, 3, 0])
    caption = np.array([2, 7, 8, 9, 7, 5, 3, 9, 9])
    positions, regions = align(generated, maps, caption, NEVER, 0.5)
    assert positions.tolist() == [1, 3, 4, 7, 8]
    # 9 was said at the left, above and then below; 7 once, at the top right.
    right, above, below = [0.5, 0, 1, 0.5], [0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1]
    np.testing.assert_array_equal(regions, [right, above, right, below, below])


@pytest.mark.parametrize("generated", [[3, 0, 0], [6, 6, 3]], ids=["says nothing", "says other words"])
def test_a_caption_without_a_word_in_common_has_no_alignment(generated: list[int]) -> None:
    positions, regions = align(np.array(generated), np.ones((3, 2, 2)), np.array([2, 7, 3]), NEVER, 0.5)
    assert positions.shape == (0,)
    assert regions.shape == (0, 4)


def oracle(data: FashionGenDataModule, folder: Path) -> AlignedPhotographs:
    """Alignments of a captioner that says all words and looks where the truth is, as sharply as its grid."""
    truth, index = data.truth("validation"), data.index_of("validation")
    assert truth is not None
    captions, texts = WholeCaptions.open(data, "validation"), index.unique_captions()
    mark = tokenizer_fingerprint(data.tokenizer)
    writer = AlignmentWriter(folder, AlignmentFacts(index.fingerprint, len(index), mark, "oracle", "truth"))
    tokens = np.full((len(index), captions.longest), -1)
    regions = np.zeros((len(index), captions.longest, 4), np.float32)
    for row in range(len(index)):
        text = texts[index.caption_of_row[row]]
        spans = data.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
        said: dict[int, np.ndarray] = {}
        for name, codes in truth.attributes().items():
            region = truth.region(name)[row]
            if truth.mentioned(name)[row] and region[0] >= 0:
                where = hot_region(seen(region), 0.5)
                said |= dict.fromkeys(phrase_tokens(text, truth.words(name)[codes[row]], spans), where)
        for column, position in enumerate(sorted(said)):
            tokens[row, column], regions[row, column] = position, said[position]
    for rows in writer.pending():
        writer.write(rows, tokens=tokens[rows], regions=regions[rows])
    return AlignedPhotographs.open(Alignments(folder, index.fingerprint, mark, len(index)), index, None)


def seen(region: np.ndarray, frame: int = 256) -> np.ndarray:
    """Share of each cell that a region covers."""
    cells = np.arange(GRID) * frame / GRID
    across, down = (
        np.clip(np.minimum(cells + frame / GRID, end) - np.maximum(cells, start), 0, None)
        for start, end in ((region[0], region[2]), (region[1], region[3]))
    )
    return down[:, None] * across


def test_who_looks_where_the_words_are_is_nearly_always_right(
    data: FashionGenDataModule, tmp_path: Path
) -> None:
    scores = score(oracle(data, tmp_path), data)
    assert scores["rows"] == len(data.test_rows)
    assert scores["rows_without_pair"] == 0
    assert scores["pairs"] > 100
    assert scores["all_pairs"] > 2 * scores["pairs"]
    assert scores["precision"] > 0.95
    assert scores["all_precision"] > 0.97
    assert scores["random"] < 0.3 < scores["all_random"]


def test_who_looks_at_one_corner_is_rarely_right(data: FashionGenDataModule, tmp_path: Path) -> None:
    oracle(data, tmp_path)
    shard = tmp_path / "00000.npy"
    records = np.load(shard)
    records["region"] = (0, 0, 0.4, 0.4)
    np.save(shard, records)
    index = data.index_of("validation")
    mark = tokenizer_fingerprint(data.tokenizer)
    found = Alignments(tmp_path, index.fingerprint, mark, len(index))
    scores = score(AlignedPhotographs.open(found, index, None), data)
    assert scores["precision"] < scores["random"]


def written_features(data: FashionGenDataModule, folder: Path, levels: tuple[int, ...]) -> str:
    """A cache of the validation file whose every box is the same."""
    index = data.index_of("validation")
    facts = FeatureFacts(index.fingerprint, len(index), "none", 1, 8, "fixed", levels)
    writer = FeatureWriter(folder / "validation", facts)
    for rows in writer.pending():
        features = np.zeros((len(rows), facts.variants, 1), np.float16)
        writer.write(rows, features=features, boxes=np.tile([10, 20, 110, 220], (len(rows), 1)))
    return str(folder)


def test_boxes_and_levels_are_those_of_a_feature_cache(data: FashionGenDataModule, tmp_path: Path) -> None:
    index = data.index_of("validation")
    plain = oracle(data, tmp_path / "oracle")
    assert plain.levels == (3, 4, 5)
    assert plain.box(5) == tuple(index.boxes[5])
    features = written_features(data, tmp_path / "fixed", (4,))
    cached = AlignedPhotographs.open(plain.alignments, index, features)
    assert cached.levels == (4,)
    assert cached.box(5) == (10, 20, 110, 220)
    assert cached.of(5)[2].shape == (len(cached.of(5)[0]), 1)
    assert score(cached, data)["all_pairs"] < score(plain, data)["all_pairs"]
    with pytest.raises(InputError, match=r"features: .* has levels \[1, 2\]"):
        AlignedPhotographs.open(plain.alignments, index, written_features(data, tmp_path / "low", (1, 2)))


def test_regions_of_a_box_become_regions_of_its_frame() -> None:
    regions = np.array([[0.0, 0.0, 1.0, 1.0], [0.5, 0.25, 0.75, 0.5]])
    found = in_frame(regions, np.array([64, 32, 192, 96]), (128, 256))
    np.testing.assert_allclose(found, [[0.25, 0.25, 0.75, 0.75], [0.5, 0.375, 0.625, 0.5]])


def test_a_captioner_that_saw_other_crops_is_refused(
    data: FashionGenDataModule, captioner: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model").symlink_to(captioner.absolute(), target_is_directory=True)
    crop = str(not data.crop).lower()
    (tmp_path / "run" / "config.yaml").write_text(f"data: {{init_args: {{crop: {crop}}}}}")
    with pytest.raises(InputError, match=r"data\.init_args\.crop"):
        check_crop(tmp_path / "run" / "model", data)
    (tmp_path / "run" / "config.yaml").write_text("data: {init_args: {}}")
    check_crop(tmp_path / "run" / "model", data)


def test_every_row_of_both_files_is_aligned(
    data: FashionGenDataModule, captioner: Path, tmp_path: Path
) -> None:
    task = passed(AlignmentWriting(str(captioner), hot=0.6, beams=2), data, tmp_path)
    for split in ("train", "validation"):
        index, captions = data.index_of(split), WholeCaptions.open(data, split)
        found = read(data, tmp_path, split)
        counts = []
        for row in range(0, len(index), 7):
            image = index.reader.image(row)[None]
            boxes = task._shown(split, image, np.array([row]))
            tokens, maps = task.describe(image, boxes)
            positions, regions = align(tokens[0], maps[0], captions.of(row), task.never, 0.6)
            np.testing.assert_array_equal(found.of(row)[0], positions)
            np.testing.assert_allclose(found.of(row)[1], in_frame(regions, boxes[0], (256, 256)), rtol=1e-6)
            counts.append(len(positions))
        assert max(counts) > 0
    scores = task.scores()
    assert {key.split("/")[0] for key in scores} == {"alignment"}
    assert scores["alignment/rows"] == len(data.index_of("validation"))
    assert 0 <= scores["alignment/rows_without_pair"] < scores["alignment/rows"]


def test_ignored_words_and_special_tokens_are_not_aligned(
    data: FashionGenDataModule, captioner: Path, tmp_path: Path
) -> None:
    told = passed(AlignmentWriting(str(captioner), beams=1), data, tmp_path / "told")
    ids = np.unique(told.describe(data.test_image(0)[None], np.array([[0, 0, 256, 256]]))[0])
    words = data.tokenizer.convert_ids_to_tokens(ids.tolist())
    common = next(word for word in words if len(word) > 1 and word.isalpha())
    number = data.tokenizer.convert_tokens_to_ids(common)
    rest = passed(AlignmentWriting(str(captioner), beams=1, ignored=(common,)), data, tmp_path / "rest")
    assert set(rest.never) - set(told.never) == {number}
    assert set(data.tokenizer.all_special_ids) <= set(told.never)
    captions = WholeCaptions.open(data, "validation")
    for row in range(len(data.test_rows)):
        kept, all_ = read(data, tmp_path / "rest").of(row)[0], read(data, tmp_path / "told").of(row)[0]
        assert kept.tolist() == [position for position in all_ if captions.of(row)[position] != number]


def test_a_second_pass_writes_only_what_is_missing(
    data: FashionGenDataModule, captioner: Path, tmp_path: Path
) -> None:
    passed(AlignmentWriting(str(captioner), beams=1), data, tmp_path)
    shards = {split: tmp_path / "alignments" / split / "00000.npy" for split in ("train", "validation")}
    before = shards["train"].read_bytes()
    shards["train"].unlink()
    kept = shards["validation"].stat().st_mtime_ns
    passed(AlignmentWriting(str(captioner), beams=1), data, tmp_path)
    assert shards["train"].read_bytes() == before
    assert shards["validation"].stat().st_mtime_ns == kept


def test_examples_hold_everything_a_picture_needs(
    data: FashionGenDataModule, captioner: Path, tmp_path: Path
) -> None:
    task = passed(AlignmentWriting(str(captioner), beams=1), data, tmp_path)
    arrays = task.examples()["alignment"]
    shown, words = arrays["words"].shape
    assert shown == 8
    assert arrays["images"].shape == (8, 256, 256, 3)
    assert len(np.unique(arrays["captions"])) > 4
    assert arrays["boxes"].shape == (8, 4)
    assert arrays["levels"].tolist() == [3, 4, 5]
    assert arrays["regions"].shape == (8, words, 4)
    assert arrays["patches"].shape == (8, words, 3)
    for line, caption in enumerate(arrays["captions"]):
        for word in arrays["words"][line]:
            assert word.removeprefix("##") in caption.lower()
    told = arrays["words"] != ""
    assert (arrays["patches"][~told] == -1).all()
    assert (arrays["regions"][told][:, 2:] > arrays["regions"][told][:, :2]).all()


def test_a_tokenizer_without_bert_s_marks_is_refused(captioner: Path, tmp_path: Path) -> None:
    words = build_words(["red shirt"] * 4, tmp_path)
    task = AlignmentWriting(str(captioner))
    data = SimpleNamespace(tokenizer=words, tokenizer_name="words")
    task._trainer = SimpleNamespace(datamodule=data)  # type: ignore[assignment]
    with pytest.raises(InputError, match=r"words has no cls_token, sep_token, which the captioner needs"):
        task.setup("predict")


def test_a_captioner_of_another_tokenizer_is_refused(
    data: FashionGenDataModule, captioner: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (run / "model").mkdir(parents=True)
    for file in (captioner / "model").iterdir():
        (run / "model" / file.name).write_bytes(file.read_bytes())
    train_wordpiece(["other words altogether"], run / "tokenizer", 300)
    with pytest.raises(InputError, match=r"model\.init_args\.captioner: .* speaks tokenizer"):
        passed(AlignmentWriting(str(run)), data, tmp_path)


def test_a_folder_without_a_captioner_is_refused(data: FashionGenDataModule, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model\.init_args\.captioner: .* neither a finished captioner run"):
        passed(AlignmentWriting(str(tmp_path)), data, tmp_path)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"hot": 0.0}, r"hot: 0\.0 is outside \(0, 1\]"),
        ({"hot": 1.2}, "hot: 1.2"),
        ({"beams": 0}, "beams: 0"),
    ],
)
def test_bad_values_are_refused(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        AlignmentWriting("nowhere", **values)
