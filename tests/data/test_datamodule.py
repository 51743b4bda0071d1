"""The DataModule, the only door between files and tasks."""

import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from torch import Tensor

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.pairing import Pairing
from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.index.labels import SUBCATEGORIES
from fashionvl.data.records import PairBatch, RetrievalBatch
from fashionvl.data.requests import Retrieval
from fashionvl.data.retrieval import opening as opening_module
from fashionvl.data.visual.kaleido import Kaleido
from fashionvl.errors import InputError
from fashionvl.masking.image import ImageMask
from fashionvl.masking.text import TextMask
from fashionvl.tasks.testing import CandidateTest, GenerationTest, RecognitionTest, Test

FULL = Corruption(ImageMask(), TextMask(), Pairing())
ALL = ("tir", "itr", "mig", "recognition")


def _test(name: str) -> Test:
    """Only its loader is asked for here."""
    if name in ("tir", "itr"):
        return CandidateTest(name)  # type: ignore[arg-type]
    return (
        GenerationTest(FULL.image, lambda pairs: pairs.pixel_values) if name == "mig" else RecognitionTest()
    )  # type: ignore[arg-type]


class Task(L.LightningModule):
    """Asks for data and keeps what it is given; its one weight learns nothing worth knowing."""

    def __init__(self, corruption: Corruption = FULL, protocols: tuple[str, ...] = ALL) -> None:
        super().__init__()
        self.corruption, self.protocols = corruption, protocols
        self.tests = [_test(name) for name in protocols]
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.seen: dict[str, list[Any]] = {"train": [], "dev": [], **{name: [] for name in protocols}}

    def training_step(self, batch: PairBatch, batch_idx: int) -> Tensor:
        self.seen["train"].append(batch)
        return self.weight.square().sum()

    def validation_step(self, batch: PairBatch, batch_idx: int) -> None:
        self.seen["dev"].append(batch)

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.seen[self.protocols[dataloader_idx]].append(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([self.weight], lr=0.1)


Open = Callable[..., FashionGenDataModule]


@pytest.fixture(scope="module")
def index_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


@pytest.fixture
def data(catalogue: Path, index_dir: Path) -> Open:
    """The synthetic catalogue; keywords replace arguments, the first ones describe a stub trainer."""

    def open_data(
        task: Task | None = None, replicas: int = 1, rank: int = 0, epoch: int = 0, **arguments: Any
    ) -> FashionGenDataModule:
        defaults: dict[str, Any] = {
            "root": str(catalogue),
            "index_dir": str(index_dir),
            "retrieval": Retrieval(queries=12, negatives=10),
            "image_size": 32,
            "tokenizer": "train",
            "vocabulary": 300,
            "max_tokens": 16,
            "batch_size": 16,
            "test_batch_size": 32,
            "dev_share": 0.1,
            "generated_images": 20,
        }
        opened = FashionGenDataModule(**(defaults | arguments))
        opened.prepare_data()
        opened.setup()
        progress = SimpleNamespace(current=SimpleNamespace(processed=epoch))
        opened.trainer = SimpleNamespace(  # type: ignore[assignment]
            world_size=replicas, global_rank=rank,
            fit_loop=SimpleNamespace(epoch_progress=progress),
        )  # fmt: skip
        opened.attach(task or Task())
        return opened

    return open_data


def _rows(batches: Iterator[PairBatch] | list[PairBatch]) -> list[int]:
    return [int(row) for batch in batches for row in batch.rows]


def test_train_and_dev_share_no_product_and_leave_out_no_row(data: Open) -> None:
    opened = data()
    products = opened.train_source.product_id
    train, dev = set(products[opened.train_rows]), set(products[opened.dev_rows])
    assert not train & dev
    assert len(dev) == round(0.1 * len(train | dev))
    assert sorted([*opened.train_rows, *opened.dev_rows]) == list(range(len(products)))
    assert not (train | dev) & set(opened.test_source.product_id)


def test_a_real_trainer_gets_every_loader_with_photographs_between_0_and_1(data: Open) -> None:
    task = Task()
    trainer = L.Trainer(
        accelerator="cpu", max_epochs=1, limit_train_batches=2, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )  # fmt: skip
    opened = data(task)
    trainer.fit(task, datamodule=opened)
    trainer.test(task, datamodule=opened, verbose=False)
    assert len(task.seen["train"]) == 2
    assert sorted(_rows(task.seen["dev"])) == opened.dev_rows.tolist()
    assert sorted(_rows(task.seen["recognition"])) == opened.test_rows.tolist()
    assert len(set(_rows(task.seen["mig"]))) == 20
    for batches in task.seen.values():
        pixels = torch.cat([batch.pixel_values for batch in batches])
        assert pixels.dtype == torch.float32
        assert pixels.min() >= 0
        assert 0.9 < pixels.max() <= 1
        assert torch.equal((pixels * 255).round() / 255, pixels)


def test_training_batches_are_whole_shuffled_and_new_each_epoch(data: Open) -> None:
    opened = data()
    loader = opened.train_dataloader()
    first = list(loader)
    assert len(first) == opened.train_batches() == len(opened.train_rows) // 16
    assert {len(batch) for batch in first} == {16}
    assert first[0].pixel_values.dtype == torch.uint8
    assert len(set(_rows(first))) == len(first) * 16
    assert set(_rows(first)) <= set(opened.train_rows.tolist())
    loader.sampler.set_epoch(1)
    assert _rows(list(loader)) != _rows(first)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_built_in_a_later_epoch_starts_there(data: Open, workers: int) -> None:
    loader = data().train_dataloader()
    loader.sampler.set_epoch(3)
    later = data(epoch=3, num_workers=workers).train_dataloader()
    assert torch.equal(next(iter(later)).rows, next(iter(loader)).rows)


def test_the_run_s_seed_decides_the_order(data: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    for seed in ("0", "0", "7"):
        monkeypatch.setenv("PL_GLOBAL_SEED", seed)
        orders.append(_rows(list(data().train_dataloader())))
    assert orders[0] == orders[1] != orders[2]


def test_a_loader_continues_in_mid_epoch(data: Open) -> None:
    opened = data()
    loader = opened.train_dataloader()
    batches = iter(loader)
    for _ in range(3):
        next(batches)
    state = loader.state_dict()
    expected = list(batches)
    again = opened.train_dataloader()
    again.load_state_dict(state)
    found = list(again)
    assert _rows(found) == _rows(expected)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.input_ids, other.input_ids)
        assert torch.equal(one.image_mask, other.image_mask)


def test_whole_frames_can_be_stored_too(data: Open) -> None:
    decoded = next(iter(data(crop=False).train_dataloader()))
    stored = next(iter(data(crop=False, store_images=True).train_dataloader()))
    cropped = next(iter(data(store_images=True).train_dataloader()))
    assert torch.equal(decoded.pixel_values, stored.pixel_values)
    assert not torch.equal(stored.pixel_values, cropped.pixel_values)


def test_a_worker_process_and_stored_photographs_change_nothing(data: Open) -> None:
    plain = next(iter(data().train_dataloader()))
    other = next(iter(data(num_workers=1, store_images=True).train_dataloader()))
    for name in ("rows", "pixel_values", "input_ids", "image_mask", "mlm_labels", "itm_labels"):
        assert torch.equal(getattr(plain, name), getattr(other, name))


@pytest.mark.parametrize("crop", [True, False])
def test_the_device_resizes_as_the_loader_does(data: Open, crop: bool) -> None:
    kinds = [data(image_size=256, crop=crop, resize_on=where) for where in ("loader", "device")]
    for pick in (lambda opened: opened.train_dataloader(), lambda opened: opened.test_dataloader()[0]):
        plain, other = (opened.on_after_batch_transfer(next(iter(pick(opened))), 0) for opened in kinds)
        assert other.boxes is None
        assert other.pixel_values.dtype == torch.float32
        torch.testing.assert_close(other.pixel_values, plain.pixel_values, atol=1 / 255, rtol=0)
        assert torch.equal(other.input_ids, plain.input_ids)


def test_mapped_or_not_a_batch_is_the_same(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    arguments = _write_files(tmp_path, write_fashion_gen)
    mapped, plain = (next(iter(data(**arguments, mapped=kind).train_dataloader())) for kind in (True, False))
    assert torch.equal(mapped.pixel_values, plain.pixel_values)


def test_a_gpu_is_sent_batches_without_waiting(data: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = data()
    batch = next(iter(opened.train_dataloader()))
    sent = []
    monkeypatch.setattr(PairBatch, "to", lambda _, *given, **named: sent.append((given, named)))
    opened.transfer_batch_to_device(batch, torch.device("cuda", 0), 0)
    assert sent == [((torch.device("cuda", 0),), {"non_blocking": True})]


@pytest.mark.parametrize("split", ["train", "dev", "recognition"])
def test_two_processes_share_a_split(data: Open, split: str) -> None:
    def loader_of(opened: FashionGenDataModule) -> Any:
        if split == "recognition":
            return opened.test_dataloader()[ALL.index("recognition")]
        return opened.train_dataloader() if split == "train" else opened.val_dataloader()

    shards = [_rows(list(loader_of(data(replicas=2, rank=rank, batch_size=8)))) for rank in (0, 1)]
    assert not set(shards[0]) & set(shards[1])
    whole = _rows(list(loader_of(data())))
    assert len(set(whole) - set(shards[0] + shards[1])) <= (16 if split == "train" else 0)
    assert len(whole) - len(shards[0] + shards[1]) in range(16 if split == "train" else 1)


def test_dev_is_corrupted_the_same_way_every_epoch(data: Open) -> None:
    loader = data().val_dataloader()
    first, second = list(loader), list(loader)
    assert len(first) > 0
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.image_mask, other.image_mask)
        assert torch.equal(one.mlm_labels, other.mlm_labels)
        assert torch.equal(one.itm_labels, other.itm_labels)


def test_a_run_without_a_dev_split_validates_nothing(data: Open) -> None:
    assert data(dev_share=0).val_dataloader() == []


def test_every_protocol_gets_what_it_tests_in_the_task_s_order(data: Open) -> None:
    opened = data(Task(protocols=("mig", "itr", "recognition")))
    mig, itr, recognition = (list(loader) for loader in opened.test_dataloader())
    assert all(batch.image_mask is not None and batch.mlm_labels is None for batch in mig)
    assert all(batch.image_mask is None and batch.mlm_labels is None for batch in recognition)
    for batch in (*mig, *recognition):
        assert torch.equal(batch.itm_labels, torch.ones_like(batch.itm_labels))
    assert all(isinstance(batch, RetrievalBatch) for batch in itr)
    assert [query for batch in itr for query in batch.query_ids.tolist()] == list(range(12))


def test_no_limit_generates_from_every_test_photograph(data: Open) -> None:
    loader = data(Task(protocols=("mig",)), generated_images=0).test_dataloader()[0]
    assert sorted(_rows(list(loader))) == data().test_rows.tolist()


def test_the_task_has_to_be_attached() -> None:
    opened = FashionGenDataModule()
    with pytest.raises(RuntimeError, match="serves no task yet"):
        opened.test_dataloader()


def test_candidates_are_drawn_once_and_shared(data: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = data().candidates("tir")
    source = data().test_source
    for query, rows, positive in zip(drawn.query_rows, drawn.candidate_rows, drawn.positive, strict=True):
        assert rows[positive] == query
        assert len(set(source.product_id[rows])) == len(rows) == 11

    def refuse(*args: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(opening_module, "draw_candidates", refuse)
    assert data(max_tokens=8, image_size=64).candidates("tir").fingerprint == drawn.fingerprint
    with pytest.raises(AssertionError, match="drawn again"):
        data(retrieval=Retrieval(queries=12, negatives=10, seed=1)).candidates("tir")


def _write_files(tmp_path: Path, write: Callable[..., Path], **validation: Any) -> dict[str, Any]:
    write(tmp_path / "fashiongen_256_256_train.h5", rows=8)
    write(tmp_path / "fashiongen_256_256_validation.h5", **({"first_product": 900} | validation))
    return {"root": str(tmp_path), "index_dir": None, "vocabulary": 200, "batch_size": 2}


def test_indexes_lie_in_the_data_unless_another_folder_is_named(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    arguments = _write_files(tmp_path / "data", write_fashion_gen)
    data(**(arguments | {"index_dir": str(tmp_path / "elsewhere")})).candidates("tir")
    assert not (tmp_path / "data" / ".fashionvl").exists()
    assert sorted(part.name.split("-")[0] for part in (tmp_path / "elsewhere").iterdir()) == [
        "fashiongen_256_256_train",
        "fashiongen_256_256_validation",
    ]
    data(**arguments)
    assert len(list((tmp_path / "data" / ".fashionvl").iterdir())) == 2


def test_files_that_share_products_are_named(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    arguments = _write_files(tmp_path, write_fashion_gen, first_product=102)
    message = r"_train\.h5 and .*_validation\.h5 share 2 products, 102 for one"
    with pytest.raises(InputError, match=message):
        data(**arguments)


def test_a_category_unseen_in_training_is_named_by_row(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    names = np.array([b"T-SHIRTS", b"SPACESUITS", b"HENLEYS"])[:, None]
    arguments = _write_files(tmp_path, write_fashion_gen, rows=3, input_subcategory=names)
    with pytest.raises(InputError, match=r"_validation\.h5: row 1 has subcategory 'SPACESUITS'"):
        data(**arguments, labels="strict")
    assert not (tmp_path / ".fashionvl").exists()
    folded = data(**arguments)
    batch = folded.pairs("test", Corruption(), seed=0).__getitems__([(0, row) for row in range(3)])
    known = [SUBCATEGORIES.index("T-SHIRTS"), -100, SUBCATEGORIES.index("HENLEYS")]
    assert batch.subcategory.tolist() == known
    assert len(folded.candidates("tir")) == 3


def test_a_catalogue_without_categories_pairs_and_retrieves(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    write_fashion_gen(
        tmp_path / "fashiongen_256_256_train.h5",
        rows=8,
        input_category=np.full((8, 1), b""),
        input_subcategory=np.full((8, 1), b" "),
    )
    write_fashion_gen(
        tmp_path / "fashiongen_256_256_validation.h5",
        first_product=900,
        input_category=np.full((6, 1), b""),
        input_subcategory=np.full((6, 1), b""),
    )
    opened = data(
        root=str(tmp_path),
        index_dir=None,
        vocabulary=200,
        batch_size=2,
        task=Task(Corruption(pairing=Pairing(negatives="same_subcategory"))),
    )
    batch = next(iter(opened.train_dataloader()))
    assert batch.category.tolist() == [-100, -100]
    drawn = opened.candidates("itr")
    assert drawn.negatives_from == {"subcategory": 0, "category": 0, "anywhere": 12}


@pytest.mark.parametrize(
    ("validation", "arguments", "words"),
    [
        ({"input_subcategory": None}, {}, "no dataset input_subcategory"),
        ({"first_product": 102}, {}, "share 2 products"),
        ({}, {"vocabulary": 9}, r"data\.init_args\.vocabulary: 9 cannot hold the alphabet"),
        ({}, {"tokenizer": "words", "min_count": 99}, "no word of the captions occurs more than"),
        ({}, {"tokenizer": "no/such/folder"}, "tokenizer no/such/folder"),
        ({}, {"kaleido": Kaleido("nowhere")}, "nowhere/train/manifest.json: missing"),
        ({}, {"image_size": 10**7, "store_images": True}, r"take 4200000\.0 GB, but .* GB are free"),
    ],
)
def test_nothing_is_scanned_before_both_files_are_known_to_be_sound(
    data: Open,
    tmp_path: Path,
    write_fashion_gen: Callable[..., Path],
    validation: dict[str, Any],
    arguments: dict[str, Any],
    words: str,
) -> None:
    files = _write_files(tmp_path, write_fashion_gen, **validation)
    with pytest.raises(InputError, match=words):
        data(**(files | arguments))
    assert not (tmp_path / ".fashionvl").exists()


def test_an_official_category_needs_no_training_row(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    names = np.array([b"T-SHIRTS", b"BRIEFCASES", b"HENLEYS"])[:, None]
    opened = data(**_write_files(tmp_path, write_fashion_gen, rows=3, input_subcategory=names))
    assert [SUBCATEGORIES[label] for label in opened.test_source.subcategory] == [
        name.decode() for name in names.ravel()
    ]


def test_attributes_are_a_synthetic_catalogue_s_alone(
    data: Open, tmp_path: Path, write_fashion_gen: Callable[..., Path]
) -> None:
    truth = data().truth("train")
    assert truth is not None
    codes = truth.attributes()["colour"]
    assert len(codes) == len(data().train_source.product_id)
    assert max(codes) < len(truth.values("colour"))
    assert data(**_write_files(tmp_path, write_fashion_gen)).truth("train") is None


def test_words_of_the_captions_from_file_to_batch(data: Open) -> None:
    task = Task(Corruption(ImageMask(), pairing=Pairing(1.0)))
    opened = data(task, tokenizer="words", min_count=20, pad_to="longest")
    words = opened.tokenizer
    assert (opened.index_of("train").folder / "words-20" / "tokenizer.json").is_file()
    texts = opened.index_of("train").unique_captions()
    split = [re.findall(r"[\w-]+|\S", text.lower()) for text in texts]
    counts = Counter(word for text in split for word in text)
    # The synthetic captions have no apostrophes or numbers, so that a plain pattern splits them.
    kept = sorted((word for word in counts if counts[word] >= 20), key=lambda word: (-counts[word], word))
    vocabulary = ["<pad>", "<start>", "<end>", "<unk>", *kept]
    assert words.convert_ids_to_tokens(range(len(words))) == vocabulary
    batch = next(iter(opened.train_dataloader()))
    row = int(batch.rows[0])
    told = split[opened.index_of("train").caption_of_row[row]]
    ids = [1, *(words.get_vocab().get(word, 3) for word in told), 2]
    shown = batch.input_ids[0][batch.attention_mask[0].bool()].tolist()
    assert shown == (ids if len(ids) <= 16 else [*ids[:15], 2])
    assert batch.attention_mask.sum(1).max() == batch.input_ids.shape[1]
    assert opened.describe()["tokenizer"] == "words"
    assert opened.describe()["vocabulary"] == len(words)
    opened.trainer = None  # type: ignore[assignment]
    trainer = L.Trainer(
        fast_dev_run=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(task, opened)
    trainer.test(task, opened, verbose=False)
    for batches in task.seen.values():
        assert batches
        assert all((batch.input_ids[:, 0] == 1).all() for batch in batches)
        assert all((batch.input_ids.amax(1) < len(words)).all() for batch in batches)


def test_words_are_not_masked(data: Open) -> None:
    opened = data(Task(Corruption(text=TextMask())), tokenizer="words")
    with pytest.raises(InputError, match=r"model\.init_args\.mlm: .* tokenizer .*words-4 has no mask token"):
        opened.train_dataloader()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"root": "nowhere"}, r"nowhere: no such folder"),
        ({"root": None, "layout": "mvlt"}, r"data\.init_args\.root"),
        ({"root": "."}, r"no catalogue found; looked for fashiongen_256_256_train\.h5"),
        ({"tokenizer": "nowhere/such"}, r"tokenizer nowhere/such"),
        ({"vocabulary": 10}, r"vocab"),
        ({"tokenizer": "words", "min_count": 0}, r"data\.init_args\.min_count: 0 must be at least 1"),
        ({"dev_share": 1.0}, r"data\.init_args\.dev_share: 1\.0"),
        ({"prefetch": 0}, r"data\.init_args\.prefetch: 0"),
        ({"max_tokens": 1}, r"data\.init_args\.max_tokens: 1 must be at least 2"),
        ({"resize_on": "device", "store_images": True}, r"resize_on: device excludes store_images"),
        ({"resize_on": "device"}, r"resize_on: .* 256 x 256 px in .*\.h5 would shrink to 32 px; use loader"),
    ],
)
def test_bad_arguments_are_named(
    data: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        data(**arguments)
    assert "\n" not in str(caught.value)


def test_a_batch_larger_than_the_training_split_is_named(data: Open) -> None:
    with pytest.raises(InputError, match=r"data\.batch_size: 150 pairs on each of 2 processes"):
        data(replicas=2, batch_size=150).train_dataloader()


def test_ready_made_lists_need_the_folders_that_hold_them(data: Open) -> None:
    opened = data(retrieval=Retrieval(candidates="ready_made"))
    with pytest.raises(InputError, match=r"retrieve_TIR: no such folder"):
        opened.candidates("tir")


def _write_lists(root: Path, direction: str, entries: list[dict[str, Any]]) -> None:
    """Two lists of 101: photograph 0 and photograph 2 ask, everything else answers in turn."""
    folder = root / f"retrieve_{direction}"
    folder.mkdir()
    for query in (0, 2):
        asking = entries[query]
        others = [entry for entry in entries if entry["product_id"] != asking["product_id"]]
        answers = [asking, *(others[number % len(others)] for number in range(100))]
        kept = ("captions",) if direction == "TIR" else ("img_name", "product_id")
        same = {key: asking[key] for key in kept}
        content = {number: answer | same for number, answer in enumerate(answers)}
        (folder / f"{query}.pkl").write_bytes(pickle.dumps(content))


def test_the_mvlt_folders_from_end_to_end(
    data: Open, tmp_path: Path, write_mvlt_folder: Callable[..., list[dict[str, Any]]]
) -> None:
    write_mvlt_folder(tmp_path, "train", rows=12)
    entries = write_mvlt_folder(tmp_path, "valid", rows=6, first_product=900)
    for direction in ("TIR", "ITR"):
        _write_lists(tmp_path, direction, entries)
    ready_made = Retrieval(candidates="ready_made")
    opened = data(
        root=str(tmp_path), index_dir=None, vocabulary=200, batch_size=4, retrieval=ready_made, dev_share=0.2
    )
    assert next(iter(opened.train_dataloader())).pixel_values.shape == (4, 3, 32, 32)
    tir, itr, mig, recognition = (list(loader) for loader in opened.test_dataloader())
    assert len(_rows(mig)) == len(_rows(recognition)) == 6
    for batches, asked in ((tir, "text_of_pair"), (itr, "image_of_pair")):
        assert [query for batch in batches for query in batch.query_ids.tolist()] == [0, 1]
        assert all(batch.image_of_pair.shape[1] == 101 for batch in batches)
        assert all((getattr(batch, asked) == getattr(batch, asked)[:, :1]).all() for batch in batches)
    assert opened.candidates("tir").query_rows.tolist() == [0, 2]
    assert opened.candidates("tir").candidate_rows[1, :4].tolist() == [2, 0, 1, 4]
    assert opened.test_caption(2) == "Jersey t-shirt number 901."


@pytest.mark.parametrize("name", ["package:mini", "./no-such-tokenizer"])
def test_a_tokenizer_that_is_not_there_stops_before_a_catalogue_is_drawn(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=name):
        FashionGenDataModule(tokenizer=name).prepare_data()
    assert not any(tmp_path.iterdir())
