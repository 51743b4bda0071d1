"""The feature cache: what a frozen backbone makes of every crop that Kaleido-BERT's sub-tasks ask for.

A folder a split. `manifest.json` says what decided the features; each shard of consecutive rows is a pair
of files, `00000.npy` with the features and `00000.boxes.npy` with the boxes the crops were cut from. A
photograph takes V x D x 2 bytes, with the 74 crops of levels 1 to 5 and ResNet-50's 2,048 numbers 303 kB.
"""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fashionvl.errors import InputError
from fashionvl.files.arrays import mapped
from fashionvl.files.whole import written_whole
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid

FORMAT = 1
"""Raised whenever the files below change their meaning."""

SHARD_ROWS = 512
"""Photographs of a shard: 155 MB at the paper's sizes, a part of the work worth doing again after a stop."""

AGAIN = "delete the run's metrics.json and run the features stage again, which writes what is missing"
"""A run that is recorded as finished is not looked at again."""


@dataclass(frozen=True)
class FeatureFacts:
    """Settings that determine the features of one split.

    Attributes:
        data: fingerprint of the split's file (`CatalogueIndex.fingerprint`).
        rows: photographs in it.
        backbone: digest of the network (`PatchBackbone.digest`).
        width: D, numbers of a feature.
        patch_size: height and width of a crop in pixels, as the backbone sees it.
        foreground: how the boxes were found.
        levels: of the grid.
    """

    data: str
    rows: int
    backbone: str
    width: int
    patch_size: int
    foreground: str
    levels: tuple[int, ...]

    @cached_property
    def variants(self) -> int:
        """V, crops of a photograph."""
        return Variants(KaleidoGrid(self.levels)).count

    @property
    def bytes_per_image(self) -> int:
        """Bytes of one image's features on disk, without boxes."""
        return self.variants * self.width * np.dtype(np.float16).itemsize


@dataclass(frozen=True)
class _Shards:
    """Paths and expected contents of the shards in a folder."""

    folder: Path
    facts: FeatureFacts
    shard_rows: int

    @property
    def count(self) -> int:
        return -(-self.facts.rows // self.shard_rows)

    def rows(self, number: int) -> np.ndarray:
        start = number * self.shard_rows
        return np.arange(start, min(start + self.shard_rows, self.facts.rows))

    def features(self, number: int) -> np.ndarray:
        """`[R, V, D]` float16, mapped."""
        shape = (len(self.rows(number)), self.facts.variants, self.facts.width)
        return mapped(self.path(number), shape, np.float16, AGAIN)

    def boxes(self, number: int) -> np.ndarray:
        """`[R, 4]` int16, mapped."""
        return mapped(self.path(number, ".boxes"), (len(self.rows(number)), 4), np.int16, AGAIN)

    def path(self, number: int, kind: str = "") -> Path:
        return self.folder / f"{number:05d}{kind}.npy"


def _read_manifest(folder: Path) -> _Shards:
    path = folder / "manifest.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        written, shard_rows, facts = found["format"], int(found["shard_rows"]), dict(found["facts"])
        shards = _Shards(folder, FeatureFacts(**{**facts, "levels": tuple(facts["levels"])}), shard_rows)
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: missing, expected the features of one split; run the features stage first and name its "
            "features folder"
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the manifest of a feature cache ({error!r}); write the cache again"
        ) from error
    if written != FORMAT:
        raise InputError(f"{path}: format {written}, expected {FORMAT}; write the cache again")
    return shards


def _refuse_others(folder: Path, found: FeatureFacts, expected: dict[str, Any]) -> None:
    """Compare what decided a cache with what is wanted, where something is.

    Raises:
        InputError: they differ; everything that does is named.
    """
    known = asdict(found)
    differing = [
        f"{name} is {known[name]}, expected {value}"
        for name, value in expected.items()
        if value is not None and known[name] != value
    ]
    if differing:
        raise InputError(
            f"{folder / 'manifest.json'}: features of something else ({'; '.join(differing)}); choose "
            "another folder or write the cache again"
        )


class FeatureWriter:
    """Writes the features of one split, shard by shard; several processes may write different shards.

    Raises:
        InputError: the folder holds features of other facts; they are named.
    """

    def __init__(self, folder: Path, facts: FeatureFacts, shard_rows: int = SHARD_ROWS) -> None:
        """Open a folder, or begin one.

        Args:
            folder: of the split.
            facts: what decides the features.
            shard_rows: photographs of a shard; a folder that was begun keeps its own.
        """
        if shard_rows < 1:
            raise InputError(f"shard_rows: {shard_rows} is not a positive number of photographs")
        self._shards = _Shards(folder, facts, shard_rows)
        path = folder / "manifest.json"
        if not path.exists():
            self._write_manifest(path)
        self._shards = _read_manifest(folder)
        _refuse_others(folder, self._shards.facts, asdict(facts))

    def _write_manifest(self, path: Path) -> None:
        shards = self._shards
        content = {
            "format": FORMAT,
            "facts": asdict(shards.facts),
            "variants": shards.facts.variants,
            "bytes_per_image": shards.facts.bytes_per_image,
            "shard_rows": shards.shard_rows,
            "shards": [len(shards.rows(number)) for number in range(shards.count)],
        }
        with written_whole(path) as file:
            file.write(json.dumps(content, indent=1).encode())

    def pending(self) -> list[np.ndarray]:
        """The rows of each shard that is not yet there whole, ascending."""
        numbers = range(self._shards.count)
        return [self._shards.rows(number) for number in numbers if not self._complete(number)]

    def _complete(self, number: int) -> bool:
        try:
            self._shards.features(number)
            self._shards.boxes(number)
        except InputError:
            return False
        return True

    def write(self, rows: np.ndarray, features: np.ndarray, boxes: np.ndarray) -> None:
        """Write one shard, whole or not at all.

        Args:
            rows: as `pending` gave them.
            features: `[R, V, D]` float16.
            boxes: `[R, 4]` x0, y0, x1, y1 in pixels with exclusive ends, below 32,768.

        Raises:
            InputError: a feature is not finite in float16, or the disk is full.
            ValueError: the rows are no shard, or an array has another shape.
        """
        facts, number = self._shards.facts, int(rows[0]) // self._shards.shard_rows
        shape = (len(rows), facts.variants, facts.width)
        if not np.array_equal(rows, self._shards.rows(number)):
            raise ValueError(f"rows {rows[0]}..{rows[-1]} are not those of shard {number}")
        if features.shape != shape or boxes.shape != (len(rows), 4):
            raise ValueError(f"features {features.shape}, boxes {boxes.shape} given; features are {shape}")
        if not np.isfinite(features).all():
            raise InputError(
                f"{self._shards.path(number)}: features of rows {rows[0]}..{rows[-1]} are not finite in "
                "float16; give model.init_args.backbone weights whose features are"
            )
        for kind, array in ((".boxes", boxes.astype(np.int16)), ("", features.astype(np.float16))):
            with written_whole(self._shards.path(number, kind)) as file:
                np.save(file, array)


class FeatureCache:
    """The features of one split, mapped into memory as they are asked for; safe to pickle into workers.

    What is mapped is the system's own cache of the files: all processes of a machine share it.

    Attributes:
        facts: what decided the features.
        boxes: `[N, 4]` int16, the box that each photograph's patches split.
    """

    def __init__(
        self,
        folder: Path,
        data: str | None = None,
        rows: int | None = None,
        backbone: str | None = None,
        patch_size: int | None = None,
        levels: tuple[int, ...] | None = None,
    ) -> None:
        """Open a whole cache; what is given besides the folder must be what the cache was made with.

        Raises:
            InputError: no cache is there, it is of other data, of another backbone, crop size or grid, or a
                shard is missing, truncated or of another shape; the message names the file.
        """
        self._shards = _read_manifest(folder)
        self.facts = self._shards.facts
        expected = {"data": data, "rows": rows, "backbone": backbone, "patch_size": patch_size}
        _refuse_others(folder, self.facts, {**expected, "levels": levels})
        numbers = range(self._shards.count)
        for number in numbers:
            self._shards.features(number)
        self.boxes = np.concatenate([self._shards.boxes(number) for number in numbers])
        self._open: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return self.facts.rows

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}

    def take(self, rows: np.ndarray, variants: np.ndarray) -> np.ndarray:
        """Features of crops.

        Args:
            rows: `[B, K]` photographs, or `[B]` for the K crops of each.
            variants: `[B, K]` crops, as `Variants` numbers them.

        Returns:
            `[B, K, D]` float16, a copy.

        Raises:
            IndexError: a crop beyond those that photographs have.
        """
        if variants.size and not 0 <= variants.min() <= variants.max() < self.facts.variants:
            raise IndexError(f"crop {variants.max()} of photographs that have {self.facts.variants}")
        rows = rows[:, None] if rows.ndim < variants.ndim else rows
        shard, place = np.divmod(rows, self._shards.shard_rows)
        place = place * self.facts.variants + variants
        shard = np.broadcast_to(shard, place.shape).ravel()
        result = np.empty((place.size, self.facts.width), np.float16)
        # One gather a shard instead of one a crop: 64 x 57 crops touch some tens of shards.
        order = np.argsort(shard, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(shard[order])) + 1):
            if len(group):
                result[group] = self._crops(int(shard[group[0]])).take(place.ravel()[group], axis=0)
        return result.reshape(*place.shape, self.facts.width)

    def _crops(self, number: int) -> np.ndarray:
        """`[R * V, D]` of a shard."""
        if number not in self._open:
            self._open[number] = self._shards.features(number).reshape(-1, self.facts.width)
        return self._open[number]
