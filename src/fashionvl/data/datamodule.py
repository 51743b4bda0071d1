"""The Fashion-Gen DataModule, through which all tasks read the data."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from fashionvl.data.batches.corruption import Corruption
from fashionvl.data.batches.pairs import PairDataset
from fashionvl.data.catalogue import Split
from fashionvl.data.index.catalogue import CatalogueIndex
from fashionvl.data.index.vocabulary import LabelRule
from fashionvl.data.opening import load_asked, open_data
from fashionvl.data.preparation import Preparation
from fashionvl.data.readers import Table, open_readers
from fashionvl.data.readers.table import default_cache
from fashionvl.data.records import Pairs
from fashionvl.data.requests import Retrieval, Synthetic
from fashionvl.data.retrieval.candidates import CandidateSet, Direction
from fashionvl.data.retrieval.gallery import Gallery
from fashionvl.data.retrieval.opening import open_candidates
from fashionvl.data.serving import ServesTask
from fashionvl.data.settings import CaptionSettings, PhotographSettings, check_arguments
from fashionvl.data.synthetic import GroundTruth, synthesize
from fashionvl.data.visual.kaleido import Kaleido, PatchSource
from fashionvl.data.visual.networks import SavedBackbone, copy_networks
from fashionvl.errors import InputError


class FashionGenDataModule(ServesTask):
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
            tokenizer: hub id or folder of any fast `transformers` tokenizer; `package:minilm` for the
                vocabulary of `bert-base-uncased` from an installed package; `wordpiece` (or `train`) for a
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
        check_arguments(locals())
        self.synthetic, self.retrieval, self.layout = synthetic, retrieval, layout
        self.table = table
        self.root = Path(root) if root else Path("data") / synthetic.folder_name
        self._draw = root is None
        self.index_dir = Path(index_dir) if index_dir else default_cache(self.root)
        self._captions = CaptionSettings(tokenizer, vocabulary, min_count, max_tokens, pad_to)
        self._photographs = PhotographSettings(image_size, crop, store_images, resize_on, kaleido)
        self.image_size, self.crop, self.kaleido = image_size, crop, kaleido
        self.store_images, self.resize_on = store_images, resize_on
        self.tokenizer_name, self.vocabulary, self.min_count = tokenizer, vocabulary, min_count
        self.max_tokens, self.pad_to = max_tokens, pad_to
        self.batch_size, self.test_batch_size = batch_size, test_batch_size
        self.num_workers, self.prefetch, self.mapped = num_workers, prefetch, mapped
        self.dev_share, self.split_seed, self.labels = dev_share, split_seed, labels
        self.generated_images, self.captioned_images = generated_images, captioned_images
        self._ready = False
        self._candidates: dict[Direction, CandidateSet] = {}

    def prepare_data(self) -> None:
        """Draw the synthetic catalogue when asked for, build every index; one process a machine does this."""
        _ = self._loaded_tokenizer  # whose absence must not be found out after minutes of drawing
        if self._draw and not (self.root / "fashiongen_256_256_validation.h5").exists():
            drawn = self.synthetic
            # What a kill left incomplete is drawn again; nothing else is replaced.
            synthesize(
                self.root,
                drawn.products,
                drawn.seed,
                drawn.validation_share,
                workers=2,
                overwrite=True,
                unnamed_share=drawn.unnamed_share,
            )
        self._open()

    def setup(self, stage: str | None = None) -> None:
        """Open what `prepare_data` built."""
        self._open()

    def _open(self) -> None:
        if self._ready:
            return
        # Loaded first: a misspelt name is refused before the catalogue is looked at.
        loaded = self._loaded_tokenizer
        scanners = min(os.cpu_count() or 1, 8)
        opened = open_data(
            open_readers(self.root, self.layout, self.table, self.mapped, self.index_dir, scanners),
            self.index_dir,
            scanners,
            loaded,
            self._captions,
            self._photographs,
            self.labels,
            (self.dev_share, self.split_seed),
        )
        self._indexes, self.fingerprint = opened.indexes, opened.fingerprint
        self.categories, self.subcategories = opened.categories, opened.subcategories
        self.tokenizer = opened.tokenizer
        self.train_source, self.test_source = opened.sources["train"], opened.sources["validation"]
        self.train_rows, self.dev_rows = opened.rows["train"], opened.rows["dev"]
        self.test_rows = opened.rows["test"]
        self._ready = True

    @cached_property
    def _loaded_tokenizer(self) -> PreTrainedTokenizerFast | None:
        """The tokenizer, unless it is made from the captions."""
        return load_asked(self._captions)

    def index_of(self, split: Split) -> CatalogueIndex:
        """The index of one of the two files."""
        return self._indexes[split]

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

    def spread(self, rows: np.ndarray, count: int) -> np.ndarray:
        """Return `count` of some rows `[N]`, or all where there are fewer, drawn from the split seed."""
        return np.random.default_rng([self.split_seed, 2]).choice(rows, min(count, len(rows)), replace=False)

    def pairs(self, split: Literal["train", "dev", "test"], corruption: Corruption, seed: int) -> PairDataset:
        """The pairs of a split under a corruption."""
        rows = {"train": self.train_rows, "dev": self.dev_rows, "test": self.test_rows}[split]
        source = self.test_source if split == "test" else self.train_source
        return PairDataset(source, rows, self.tokenizer, corruption, seed)

    def candidates(self, direction: Direction) -> CandidateSet:
        """The candidates of one direction; drawn and saved on first use, or the ready-made lists."""
        if direction not in self._candidates:
            self._candidates[direction] = open_candidates(
                self.retrieval, direction, self.root, self._indexes["validation"], self.test_source
            )
        return self._candidates[direction]

    def gallery(self) -> Gallery:
        """Return the distinct photographs and captions of the test split."""
        return self._gallery

    @cached_property
    def _gallery(self) -> Gallery:
        return Gallery.of_rows(
            self._indexes["validation"].product_id, self._indexes["validation"].caption_of_row
        )

    def test_caption(self, row: int) -> str:
        """The caption of a test row as the publisher wrote it."""
        return self._test_captions[self._indexes["validation"].caption_of_row[row]]

    def test_image(self, row: int) -> np.ndarray:
        """The photograph of a test row as stored, `[H, W, 3]` uint8."""
        return self.test_source.reader.image(int(row))

    def test_products(self, rows: np.ndarray) -> np.ndarray:
        """Products `[N]` int64 of test rows `[N]`."""
        return np.asarray(self._indexes["validation"].product_id)[rows]

    @cached_property
    def _test_captions(self) -> list[str]:
        return self._indexes["validation"].unique_captions()

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
        """Describe how photographs and captions become input, also outside of training.

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
