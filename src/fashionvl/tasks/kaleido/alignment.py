"""The attention-based alignment generator (AAG, Kaleido-BERT section 3.3) as a pass over the catalogue."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import torch

from fashionvl.configuration import flatten, read_yaml
from fashionvl.data.catalogue import SPLITS, Split
from fashionvl.data.datamodule import FashionGenDataModule, data_of
from fashionvl.data.text.encoding import tokenizer_fingerprint
from fashionvl.data.text.loading import load_tokenizer, require_bert_marks
from fashionvl.data.visual.alignments import AlignmentFacts, Alignments, AlignmentWriter
from fashionvl.errors import InputError
from fashionvl.files.hashing import sha256
from fashionvl.files.saved_model import WEIGHTS_NAME, model_folder
from fashionvl.models.kaleido_bert.captioner import ShowAttendTell
from fashionvl.patches.crops import crop_resize
from fashionvl.tasks.kaleido.alignment_scores import AlignedPhotographs, WholeCaptions, score
from fashionvl.tasks.row_writing import RowWriting
from fashionvl.tasks.testing.base import Arrays


def hot_region(attention: np.ndarray, hot: float) -> np.ndarray:
    """Find the hot region of an attention map: the box around its maximum and the cells that join it.

    The paper infers "image regions" from the heat map and says no more. Here cells that reach `hot` times the
    maximum and hang together with it, side by side, make the region.

    Args:
        attention: `[g, g]`, not negative, row by row from the top left of what was attended to.
        hot: share of the maximum, in (0, 1].

    Returns:
        `[4]` float32 x0, y0, x1, y1 in fractions of what was attended to.
    """
    warm = (attention >= hot * attention.max()).astype(np.uint8)
    _, patches = cv2.connectedComponents(warm, connectivity=4)
    rows, columns = np.nonzero(patches == patches.flat[attention.argmax()])
    height, width = attention.shape
    edges = (
        columns.min() / width,
        rows.min() / height,
        (columns.max() + 1) / width,
        (rows.max() + 1) / height,
    )
    return np.array(edges, np.float32)


def align(
    generated: np.ndarray, maps: np.ndarray, caption: np.ndarray, never: np.ndarray, hot: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give tokens of a caption the regions that the generator looked at when it said the same tokens.

    The paper's co-occurrence of generated and raw tokens, by id. The k-th time that the caption holds a token
    it has the region of the k-th time it was said, or of the last.

    Args:
        generated: `[T]` token ids.
        maps: `[T, g, g]` attention at each of them.
        caption: `[L]` token ids.
        never: ids that are not aligned: the special ones.
        hot: see `hot_region`.

    Returns:
        Positions in the caption `[K]` int64, ascending, and their regions `[K, 4]` float32.
    """
    positions = np.flatnonzero(np.isin(caption, generated) & ~np.isin(caption, never))
    told: Counter[int] = Counter()
    regions = []
    for token in caption[positions].tolist():
        steps = np.flatnonzero(generated == token)
        regions.append(hot_region(maps[steps[min(told[token], len(steps) - 1)]], hot))
        told[token] += 1
    return positions, np.array(regions, np.float32).reshape(-1, 4)


def in_frame(regions: np.ndarray, box: np.ndarray, frame: tuple[int, ...]) -> np.ndarray:
    """Bring regions `[K, 4]` in fractions of a box `[4]` in pixels to fractions of its frame."""
    height, width = frame
    x0, y0, x1, y1 = box.tolist()
    corner, extent = np.array([x0, y0] * 2), np.array([x1 - x0, y1 - y0] * 2)
    return (corner + regions * extent) / np.array([width, height] * 2)


class AlignmentWriting(RowWriting):
    """Describes every photograph and writes which words of its caption were seen where."""

    network: ShowAttendTell

    def __init__(
        self,
        captioner: str,
        hot: float = 0.5,
        beams: int = 3,
        ignored: tuple[str, ...] = (),
        features: str | None = None,
    ) -> None:
        """Assemble the task.

        Args:
            captioner: a run folder of captioner.yaml, or a folder that Show, Attend and Tell was saved to.
            hot: share of an attention map's maximum that a cell of its region reaches, in (0, 1]. Ours.
            beams: of the search for a caption; 1 is greedy.
            ignored: words that are never aligned. The paper names none. On the synthetic catalogue full
                stops, hyphens, "in", "at" and "and" are 55 % of the tokens that both captions share, and
                would take as much of AGM's priority.
            features: a feature cache whose boxes precision is measured with; None: the non-white boxes of the
                index.

        Raises:
            InputError: `hot` or `beams` is out of range.
        """
        super().__init__()
        if not 0 < hot <= 1:
            raise InputError(f"model.init_args.hot: {hot} is outside (0, 1]")
        if beams < 1:
            raise InputError(f"model.init_args.beams: {beams}; at least 1")
        self.captioner, self.hot, self.beams, self.features = captioner, hot, beams, features
        self.ignored = ignored

    def setup(self, stage: str) -> None:
        """Load the captioner and open what is written to.

        Raises:
            InputError: there is no captioner, it was trained with another tokenizer, or the folder holds
                alignments that were made otherwise.
        """
        data = data_of(self.trainer)
        folder = captioner_folder(self.captioner)
        require_bert_marks(data.tokenizer, data.tokenizer_name, ("cls", "sep"), "the captioner")
        check_tokenizer(folder, data)
        check_crop(folder, data)
        self.network = ShowAttendTell.from_pretrained(str(folder)).eval()
        self.never = self._never_aligned(data)
        self._captions: dict[Split, WholeCaptions] = {
            split: WholeCaptions.open(data, split) for split in SPLITS
        }
        super().setup(stage)

    def _never_aligned(self, data: FashionGenDataModule) -> np.ndarray:
        words = [
            token
            for word in self.ignored
            for token in data.tokenizer(word, add_special_tokens=False)["input_ids"]
        ]
        return np.unique([*data.tokenizer.all_special_ids, *words])

    def open_writers(self, folder: Path, data: FashionGenDataModule) -> dict[Split, AlignmentWriter]:
        """One folder a split under `alignments`."""
        self._folder = folder / "alignments"
        digest = sha256(captioner_folder(self.captioner) / WEIGHTS_NAME)
        writers: dict[Split, AlignmentWriter] = {}
        for split in SPLITS:
            index = data.index_of(split)
            facts = AlignmentFacts(
                data=index.fingerprint,
                rows=len(index),
                tokenizer=tokenizer_fingerprint(data.tokenizer),
                captioner=digest,
                method=f"hot {self.hot}, beams {self.beams}, ignored {list(self.ignored)}",
            )
            writers[split] = AlignmentWriter(self._folder / split, facts)
        return writers

    def find(self, split: Split, images: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Aligned tokens of photographs and their regions.

        Args:
            split: `train` or `validation`.
            images: `[B, H, W, 3]` uint8, whole frames.
            rows: `[B]`.

        Returns:
            `tokens` `[B, M]` positions, -1 where fewer are aligned, `regions` `[B, M, 4]`; M is the longest
            caption of the split.
        """
        boxes = self._shown(split, images, rows)
        tokens, maps = self.describe(images, boxes)
        captions = self._captions[split]
        positions = np.full((len(rows), captions.longest), -1, np.int64)
        regions = np.zeros((len(rows), captions.longest, 4), np.float32)
        for line, row in enumerate(rows.tolist()):
            found, where = align(tokens[line], maps[line], captions.of(row), self.never, self.hot)
            positions[line, : len(found)] = found
            regions[line, : len(found)] = in_frame(where, boxes[line], images.shape[1:3])
        return {"tokens": positions, "regions": regions}

    def _shown(self, split: Split, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Part of a frame that the captioner sees, `[B, 4]`: the non-white box where the data are cropped."""
        data = self.data
        height, width = images.shape[1:3]
        if data.crop:
            return data.index_of(split).boxes[rows].astype(np.int64)
        return np.tile([0, 0, width, height], (len(rows), 1))

    @torch.no_grad()
    def describe(self, images: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Generated tokens `[B, T]` and attention `[B, T, g, g]` over the boxes `[B, 4]` of frames."""
        size = self.network.image_size
        shown = [
            crop_resize(image, (x0, y0, x1, y1), size)
            for image, (x0, y0, x1, y1) in zip(images, boxes.tolist(), strict=True)
        ]
        resized = np.stack(shown)
        pixels = torch.from_numpy(resized).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        told = self.network.describe(pixels, beams=self.beams)
        return told.tokens.cpu().numpy(), told.attention.float().cpu().numpy()

    def scores(self) -> dict[str, float]:
        """Precision on the validation file where its truth is known, and rows without an aligned token."""
        data = self.data
        return {f"alignment/{name}": value for name, value in score(self._aligned(data), data).items()}

    def examples(self) -> dict[str, Arrays]:
        """Return test photographs with their aligned words, for the report's pictures."""
        return {"alignment": self._aligned(self.data).examples(self.data)}

    def _aligned(self, data: FashionGenDataModule) -> AlignedPhotographs:
        index = data.index_of("validation")
        mark = tokenizer_fingerprint(data.tokenizer)
        found = Alignments(self._folder / "validation", index.fingerprint, mark, len(index))
        return AlignedPhotographs.open(found, index, self.features)


def captioner_folder(captioner: str) -> Path:
    """The folder that holds the captioner's weights.

    Raises:
        InputError: there is none.
    """
    folder = model_folder(captioner)
    if folder is not None:
        return folder
    raise InputError(
        f"model.init_args.captioner: {captioner} is neither a finished captioner run nor a saved captioner"
    )


def check_crop(folder: Path, data: FashionGenDataModule) -> None:
    """Refuse a captioner of a run that saw photographs cropped otherwise.

    Raises:
        InputError: saying how.
    """
    kept = folder.parent / "config.yaml"
    if not kept.is_file():
        return
    then = flatten(read_yaml(kept)).get("data.init_args.crop", data.crop)
    if then != data.crop:
        raise InputError(
            f"data.init_args.crop: {data.crop}, but the captioner in {folder} was trained with {then}; make "
            "the two agree"
        )


def check_tokenizer(folder: Path, data: FashionGenDataModule) -> None:
    """Refuse a captioner of a run whose tokenizer is another than the data's.

    Raises:
        InputError: naming both fingerprints.
    """
    kept = folder.parent / "tokenizer"
    if not (kept / "tokenizer.json").is_file():
        return
    then, now = (tokenizer_fingerprint(one)[:16] for one in (load_tokenizer(kept), data.tokenizer))
    if then != now:
        raise InputError(
            f"model.init_args.captioner: {folder} speaks tokenizer {then}, the data's is {now}; train the "
            "captioner on this data, or set data.init_args.tokenizer to the captioner's"
        )
