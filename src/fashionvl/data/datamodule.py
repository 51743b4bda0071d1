"""The Fashion-Gen DataModule, through which all tasks read the data."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from torch.utils.data import Dataset
from torchdata.stateful_dataloader import StatefulDataLoader

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.loaders import EpochSampler, ShardSampler, fetching_loader
from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.batches.rows import RowDataset
from fashionvl.data.batches.source import SplitSource
from fashionvl.data.batches.transfer import OntoDevice
from fashionvl.data.catalogue import SPLITS, Split
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.index.opening import open_catalogue
from fashionvl.data.index.splits import carve_dev
from fashionvl.data.index.text import CatalogueText
from fashionvl.data.index.vocabulary import LabelRule
from fashionvl.data.preparation import Preparation
from fashionvl.data.readers import Table, open_readers
from fashionvl.data.readers.table import default_cache
from fashionvl.data.records import Pairs
from fashionvl.data.requests import AsksForData, Retrieval, Synthetic, WorksThroughRows
from fashionvl.data.retrieval.candidates import CandidateSet, Direction
from fashionvl.data.retrieval.gallery import Gallery
from fashionvl.data.retrieval.opening import open_candidates
from fashionvl.data.synthetic import GroundTruth, synthesize
from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.text.kinds import check_captions, is_made, open_tokenizer
from fashionvl.data.text.loading import load_tokenizer
from fashionvl.data.visual.kaleido import Kaleido, PatchSource
from fashionvl.data.visual.networks import SavedBackbone, copy_networks
from fashionvl.errors import InputError, check_range

SMALLEST = {
    "image_size": 1,
    "vocabulary": 1,
    "min_count": 1,
    "max_tokens": 2,  # begin and end mark
    "batch_size": 1,
    "test_batch_size": 1,
    "num_workers": 0,
    "prefetch": 1,
    "split_seed": 0,
    "generated_images": 0,
    "captioned_images": 0,
}
"""Smallest value of each number of the DataModule."""


class FashionGenDataModule(OntoDevice):
    """Fashion-Gen, or anything in its files' schema, as batches of image-text pairs.

    The training file gives train and dev (by product), the validation file the test; both are indexed once.
    """

    def __init__(
        self,
        root: str | None = None,
        layout: Literal["auto", "hdf5", "mvlt", "table"] = "auto",
        table: Table | None = None,
        synthetic: Synthetic = Synthetic(),  # noqa: B008 - frozen
        retrieval: Retrieval = Retrieval(),  # noqa: B008 - frozen
        index_dir: str | None = None,
        image_size: int = 256,
        crop: bool = True,
        store_images: bool = False,
        kaleido: Kaleido | None = None,
        tokenizer: str = "bert-base-uncased",
        vocabulary: int = 2000,
        min_count: int = 4,
        max_tokens: int = 128,
        pad_to: Literal["max_tokens", "longest"] = "max_tokens",
        batch_size: int = 150,
        test_batch_size: int = 150,
        num_workers: int = 0,
        prefetch: int = 2,
        mapped: bool = True,
        resize_on: Literal["loader", "device"] = "loader",
        dev_share: float = 0.02,
        split_seed: int = 0,
        generated_images: int = 1000,
        captioned_images: int = 1000,
        labels: LabelRule = "fold",
    ) -> None:
        """Name the data; nothing is read before `prepare_data`.

        Args:
            root: folder with the two HDF5 files, the MVLT layout, or a table and its pictures; or the table.
                None draws the synthetic catalogue.
            layout: of `root`; auto looks.
            table: how a table is read; its two splits stand for the training and the validation file.
            synthetic: the catalogue drawn into `data/` when `root` is None.
            retrieval: candidates and queries.
            index_dir: where indexes are kept; None: `.fashionvl` inside `root`.
            image_size: height and width after the resize, pixels; 256 in MVLT section 4.1.
            crop: crop to the non-white box first, as the released code does.
            store_images: keep the resized photographs beside the index; 3 x image_size^2 bytes each.
            kaleido: photographs come as kaleido patches, for Kaleido-BERT.
            tokenizer: hub id or folder of any fast `transformers` tokenizer; `wordpiece` (or `train`) for a
                WordPiece trained on the captions; `words` for the captions' whole words, as in VSE++ and
                SCAN. Masked language modelling needs one with a mask token, which `words` has not.
            vocabulary: size of a trained WordPiece.
            min_count: occurrences that make a word part of the `words`; 4 in VSE++ and SCAN.
            max_tokens: length of every caption, begin and end mark included; 128 in MVLT section 4.1, 64 in
                the released Kaleido-BERT.
            pad_to: shorter captions are padded to this length or to the longest of the batch. The latter
                saves time and is exact for a model whose attention masks the padding.
            batch_size: pairs a process takes in a training step.
            test_batch_size: pairs a process takes in a dev or test step.
            num_workers: loading processes a loader uses, each on one thread.
            prefetch: batches that each of them loads ahead.
            mapped: read photographs through a memory map where an HDF5 file holds them uncompressed and in
                one piece, as the publisher's do; otherwise, and without it, through h5py.
            resize_on: where photographs are cropped and resized. `device` does it there to a whole batch,
                within 1/255 of the loader's result, where all are of one size and none larger than
                `image_size`; kaleido patches are cut by the loader all the same.
            dev_share: of the training file's products.
            split_seed: of the dev split.
            generated_images: photographs of masked image generation (MIG) and of saliency, 0 for all.
            captioned_images: photographs, of as many products, that are captioned, 0 for all products.
            labels: `fold` takes category names that differ only in case or blanks for one, and leaves rows
                whose name is empty or unseen in training out of recognition; `strict` takes names as they
                are written and refuses a name unseen in training.
        """
        super().__init__()
        numbers = locals()
        for name, least in SMALLEST.items():
            check_range(f"data.init_args.{name}", numbers[name], least)
        if not 0 <= dev_share < 1:
            raise InputError(f"data.init_args.dev_share: {dev_share} is outside [0, 1)")
        if root == "":
            raise InputError("data.init_args.root: empty; name a folder or a table, or leave it out")
        if root is None and (layout in ("mvlt", "table") or table is not None):
            raise InputError("data.init_args.root: this layout needs a folder; none was given")
        if resize_on == "device" and store_images:
            raise InputError("data.init_args.resize_on: device excludes store_images; set one of them only")
        self.synthetic, self.retrieval, self.layout = synthetic, retrieval, layout
        self.table = table
        self.root = Path(root) if root else Path("data") / synthetic.folder_name
        self._draw = root is None
        self.index_dir = Path(index_dir) if index_dir else default_cache(self.root)
        self.image_size, self.crop, self.store_images = image_size, crop, store_images
        self.tokenizer_name, self.vocabulary, self.min_count = tokenizer, vocabulary, min_count
        self.max_tokens = max_tokens
        self.batch_size, self.test_batch_size, self.num_workers = batch_size, test_batch_size, num_workers
        self.dev_share, self.split_seed = dev_share, split_seed
        self.generated_images, self.captioned_images = generated_images, captioned_images
        self.kaleido, self.pad_to = kaleido, pad_to
        self.prefetch, self.mapped, self.resize_on, self.labels = prefetch, mapped, resize_on, labels
        self._ready = False
        self._candidates: dict[Direction, CandidateSet] = {}
        self._attached: AsksForData | None = None

    def prepare_data(self) -> None:
        """Draw the synthetic catalogue when asked for, build every index; one process a machine does this."""
        if self._draw and not (self.root / "fashiongen_256_256_validation.h5").exists():
            drawn = self.synthetic
            # What a kill left incomplete is drawn again; nothing else is replaced.
            synthesize(
                self.root, drawn.products, drawn.seed, drawn.validation_share, workers=2, overwrite=True
            )
        self._open()

    def setup(self, stage: str | None = None) -> None:
        """Open what `prepare_data` built."""
        self._open()

    def _open(self) -> None:
        if self._ready:
            return
        scanners = min(os.cpu_count() or 1, 8)
        # Resized photographs are kept in the same pass that finds the boxes.
        stored = self.image_size if self.store_images and self.kaleido is None else None
        loaded = None if is_made(self.tokenizer_name) else load_tokenizer(self.tokenizer_name)
        opened = open_catalogue(
            open_readers(self.root, self.layout, self.table, self.mapped, self.index_dir, scanners),
            self.index_dir,
            scanners,
            stored,
            self.crop,
            self.labels,
            self._check,
        )
        train, test = opened.indexes["train"], opened.indexes["validation"]
        self.categories, self.subcategories = opened.categories, opened.subcategories
        self.tokenizer = loaded or open_tokenizer(
            self.tokenizer_name, train.unique_captions, train.folder, self.vocabulary, self.min_count
        )
        self.train_source = self._source("train", train, opened.labels["train"])
        self.test_source = self._source("validation", test, opened.labels["validation"])
        self.train_rows, self.dev_rows = carve_dev(train.product_id, self.dev_share, self.split_seed)
        self.test_rows = np.arange(len(test))
        self._train_index, self._test_index = train, test
        self.fingerprint = f"{train.fingerprint[:16]}-{test.fingerprint[:16]}"
        self._ready = True

    def _check(self, split: Split, text: CatalogueText) -> None:
        """Refuse text that makes no tokenizer and features of other data, before any photograph is read."""
        if split == "train" and text.captions is not None:
            check_captions(self.tokenizer_name, text.captions, self.vocabulary, self.min_count)
        if self.kaleido is not None:
            self.kaleido.open_features(split, text.fingerprint, len(text.product_id))

    def _source(
        self, split: Split, index: CatalogueIndex, labels: tuple[np.ndarray, np.ndarray]
    ) -> SplitSource:
        patches = None
        if self.kaleido is not None:
            patches = PatchSource(self.kaleido, split, index, tokenizer_fingerprint(self.tokenizer))
        return SplitSource.open(
            index,
            labels,
            self.tokenizer,
            self.image_size,
            self.max_tokens,
            self.store_images,
            self.crop,
            self.pad_to == "longest",
            patches,
            self.resize_on == "device",
        )

    def index_of(self, split: Split) -> CatalogueIndex:
        """The index of one of the two files."""
        return self._train_index if split == "train" else self._test_index

    @property
    def patches(self) -> PatchSource:
        """The kaleido patches of the training file.

        Raises:
            InputError: photographs do not come as patches.
        """
        source = self.train_source.patches
        if source is None:
            raise InputError("data.init_args.kaleido: null; this task needs photographs as kaleido patches")
        return source

    def truth(self, split: Split) -> GroundTruth | None:
        """Return the ground truth of a synthetic catalogue's file; None where the data are not synthetic."""
        path = self.root / f"ground_truth_{split}.h5"
        return GroundTruth(path) if path.exists() else None

    def attach(self, task: AsksForData) -> None:
        """Serve a task from now on: its corruption in training, its tests, its work."""
        self._attached = task

    @property
    def _task(self) -> AsksForData:
        if self._attached is None:
            raise RuntimeError("the DataModule serves no task yet; attach one, as PairTask.setup does")
        return self._attached

    def place(self) -> tuple[int, int]:
        """Return the number of processes and the rank of this one."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def _epoch(self) -> int:
        """Return the epoch to train next; a checkpoint is restored before the loader is built."""
        if self.trainer is None:
            return 0
        return int(self.trainer.fit_loop.epoch_progress.current.processed)  # type: ignore[attr-defined]

    def train_dataloader(self) -> StatefulDataLoader:
        """Shuffled training pairs, corrupted as the task asks; resumable in mid-epoch."""
        seed = int(os.environ.get("PL_GLOBAL_SEED", "0"))
        dataset = self.pairs("train", self._task.corruption, seed)
        replicas, rank = self.place()
        if len(dataset) < self.batch_size * replicas:
            raise InputError(
                f"data.batch_size: {self.batch_size} pairs on each of {replicas} processes is more than the "
                f"{len(dataset)} training pairs"
            )
        sampler = EpochSampler(dataset, seed, replicas, rank, self._epoch())
        return self._loader(dataset, sampler, self.batch_size, drop_last=True)

    def train_batches(self) -> int:
        """Training batches an epoch has on each process, counted without building the loader."""
        replicas, _ = self.place()
        return len(self.train_rows) // (self.batch_size * replicas)

    def val_dataloader(self) -> StatefulDataLoader | list[Any]:
        """Dev pairs under one fixed corruption, so that epochs compare."""
        if not len(self.dev_rows):
            return []
        return self.each_once(self.pairs("dev", self._task.corruption, seed=0))

    def test_dataloader(self) -> list[Any]:
        """One loader for each of the task's tests, in order."""
        return [test.loader(self) for test in self._task.tests]

    def each_once(
        self, dataset: Dataset[Any], batch_size: int | None = -1, with_epoch: bool = True
    ) -> StatefulDataLoader:
        """Return a loader that gives every item of a dataset once over all processes, in order.

        Args:
            dataset: fetches whole batches.
            batch_size: items a batch holds; -1 is `test_batch_size`, None takes items that are batches.
            with_epoch: ask for items as `(0, position)`, as `PairDataset` wants.
        """
        size = self.test_batch_size if batch_size == -1 else batch_size
        return self._loader(dataset, ShardSampler(dataset, *self.place(), with_epoch=with_epoch), size)

    def spread(self, rows: np.ndarray, count: int) -> np.ndarray:
        """Return `count` of some rows `[N]`, or all where there are fewer, drawn from the split seed."""
        return np.random.default_rng([self.split_seed, 2]).choice(rows, min(count, len(rows)), replace=False)

    def predict_dataloader(self) -> StatefulDataLoader:
        """Photographs as stored, of every row that the task has still to work through."""
        task, (replicas, rank) = self._task, self.place()
        if not isinstance(task, WorksThroughRows):
            raise InputError(
                f"predict: {type(task).__name__} computes nothing once a photograph; use fit or test"
            )
        readers = {split: self.index_of(split).reader for split in SPLITS}
        dataset = RowDataset(readers, task.work[rank::replicas], self.test_batch_size)
        return fetching_loader(dataset, self.num_workers, self.prefetch, pin=False, batch_size=None)

    def _loader(
        self, dataset: Dataset[Any], sampler: Any, batch_size: int | None, drop_last: bool = False
    ) -> Any:
        return fetching_loader(
            dataset,
            self.num_workers,
            self.prefetch,
            batch_size=batch_size,
            sampler=sampler,
            drop_last=drop_last,
        )

    def pairs(self, split: Literal["train", "dev", "test"], corruption: Corruption, seed: int) -> PairDataset:
        """The pairs of a split under a corruption."""
        rows = {"train": self.train_rows, "dev": self.dev_rows, "test": self.test_rows}[split]
        source = self.test_source if split == "test" else self.train_source
        return PairDataset(source, rows, self.tokenizer, corruption, seed)

    def candidates(self, direction: Direction) -> CandidateSet:
        """The candidates of one direction; drawn and saved on first use, or the ready-made lists."""
        if direction not in self._candidates:
            self._candidates[direction] = open_candidates(
                self.retrieval, direction, self.root, self._test_index, self.test_source
            )
        return self._candidates[direction]

    def gallery(self) -> Gallery:
        """Return the distinct photographs and captions of the test split."""
        return self._gallery

    @cached_property
    def _gallery(self) -> Gallery:
        return Gallery.of_rows(self._test_index.product_id, self._test_index.caption_of_row)

    def test_caption(self, row: int) -> str:
        """The caption of a test row as the publisher wrote it."""
        return self._test_captions[self._test_index.caption_of_row[row]]

    def test_image(self, row: int) -> np.ndarray:
        """The photograph of a test row as stored, `[H, W, 3]` uint8."""
        return self.test_source.reader.image(int(row))

    def test_products(self, rows: np.ndarray) -> np.ndarray:
        """Products `[N]` int64 of test rows `[N]`."""
        return np.asarray(self._test_index.product_id)[rows]

    @cached_property
    def _test_captions(self) -> list[str]:
        return self._test_index.unique_captions()

    def blank_pair(self, device: torch.device) -> Pairs:
        """One pair of full length with nothing on it, to count a model's work."""
        ids = torch.zeros(1, self.max_tokens, dtype=torch.int64)
        if self.kaleido is not None:
            patches = self.patches.plain(self.train_rows[:1])
            pair = Pairs(torch.zeros(1, 0), ids, torch.ones_like(ids), patches=patches)
        else:
            pair = Pairs(torch.zeros(1, 3, self.image_size, self.image_size), ids, torch.ones_like(ids))
        return pair.to(device)

    def preparation(self, backbone: SavedBackbone | None = None) -> Preparation:
        """How photographs and captions become input, also outside of training.

        Args:
            backbone: of the task, where it computes the features of patches.
        """
        patches = None
        if self.kaleido is not None:
            patches = self.patches.preparation(backbone.digest() if backbone else None)
        return Preparation(self.image_size, self.crop, self.max_tokens, self.pad_to, patches)

    def save_processor(self, folder: Path, backbone: SavedBackbone | None = None) -> None:
        """Write what feeds a model into its folder; `fashionvl.load` reads it.

        Args:
            folder: of the saved model.
            backbone: of the task, where it computes the features of patches.
        """
        if self.kaleido is not None:
            copy_networks(self.kaleido.features, folder, backbone)
        self.preparation(backbone).save(folder, self.tokenizer)

    def describe(self) -> dict[str, Any]:
        """Plain facts for the run's record."""
        return {
            "root": str(self.root),
            "fingerprint": self.fingerprint,
            "rows": {"train": len(self.train_rows), "dev": len(self.dev_rows), "test": len(self.test_rows)},
            "tokenizer": self.tokenizer_name,
            "vocabulary": len(self.tokenizer),
        }


def data_of(trainer: L.Trainer) -> FashionGenDataModule:
    """Return the DataModule that a trainer runs with."""
    found: FashionGenDataModule = trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it late
    return found
