"""A frozen timm network whose pooled features of photographs another network learns to predict."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from fashionvl.data.datamodule import FashionGenDataModule
from fashionvl.data.visual.pooled import PIECE_ROWS, PooledFacts, PooledFeatures
from fashionvl.errors import check_range
from fashionvl.models.blocks.cnn import Keys, image_encoder, normalisation, pooled_width

KEYS = Keys(*(f"model.init_args.teacher.{name}" for name in ("name", "arguments", "weights")))

CHUNK = 64
"""Photographs of a forward pass."""

DRAWN_SEED = 0
"""Seed of weights that are left as drawn, so that an interrupted pass goes on with the same network."""

OTHER_WEIGHTS: dict[bool | str, str] = {True: "hub", False: f"drawn from seed {DRAWN_SEED}"}
"""Weights that are no package's, as the cache records them."""

Embedder = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Teacher:
    """A network, its weights, and the size at which it sees photographs.

    Attributes:
        name: of a timm model.
        arguments: further ones of `timm.create_model`.
        weights: True takes timm's own from the hub; `package:efficientnet-lite0` those of an installed
            package; False leaves them as drawn, which is for tests.
        size: height and width of a photograph in pixels. Small sizes save time, which grows with their
            square: on one CPU core EfficientNet-Lite0 sees about 30 photographs a second at 224 pixels.
    """

    name: str = "tf_efficientnet_lite0"
    arguments: dict[str, Any] | None = None
    weights: bool | str = "package:efficientnet-lite0"
    size: int = 112

    def __post_init__(self) -> None:
        check_range("model.init_args.teacher.size", self.size, 32)

    def facts(self, data: FashionGenDataModule) -> PooledFacts:
        """Return what decides the features of the training file."""
        index = data.index_of("train")
        return PooledFacts(
            network=self.name,
            arguments=json.dumps(self.arguments or {}, sort_keys=True),
            weights=OTHER_WEIGHTS.get(self.weights, str(self.weights)),
            picture_size=self.size,
            crop=data.crop,
            data=index.fingerprint,
            rows=len(index),
        )

    def folder(self, data: FashionGenDataModule) -> Path:
        """Return the place of the cache beside the index, one for each teacher."""
        facts = asdict(self.facts(data))
        mark = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
        return data.index_of("train").folder / f"teacher-{self.name.replace('/', '-')}-{self.size}-{mark}"

    def build(self, device: torch.device | str = "cpu") -> tuple[Embedder, int]:
        """Build the network.

        Returns:
            A function of pixels `[B, 3, S, S]` in [0, 1] that gives features `[B, D]` on the device, and D.

        Raises:
            InputError: as `image_encoder`.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(DRAWN_SEED)
            model = image_encoder(self.name, self.arguments, self.weights, KEYS)
        model = model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        scale = {key: value.to(device) for key, value in normalisation(model).items()}

        def embed(pixels: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():
                found: torch.Tensor = model((pixels.to(device) - scale["mean"]) / scale["std"])
            return found

        return embed, pooled_width(model)


def cached_features(teacher: Teacher, data: FashionGenDataModule, folder: Path) -> PooledFeatures:
    """Open the features of the training file, all of which must be there.

    Raises:
        InputError: they are of something else, or not all there.
    """
    found = PooledFeatures.open(folder, teacher.facts(data))
    if found is None:
        raise FileNotFoundError(f"{folder}: no features; `write_features` comes first")
    return found


def write_features(
    teacher: Teacher,
    data: FashionGenDataModule,
    folder: Path,
    device: torch.device | str = "cpu",
    piece_rows: int = PIECE_ROWS,
) -> None:
    """Compute the features of every photograph of the training file that are not yet there.

    Photographs are cropped as the data module crops them, and computed in float32, so that features do not
    depend on the instructions of a processor.

    Args:
        teacher: the network.
        data: with its index.
        folder: of the cache.
        device: that computes.
        piece_rows: photographs of a file; a folder that was begun keeps its own.

    Raises:
        InputError: the folder holds features of something else, the network cannot be built, or a photograph
            cannot be read.
    """
    facts = teacher.facts(data)
    cache = PooledFeatures.open(folder, facts)
    if cache is not None and not cache.pending():
        return
    embed, width = teacher.build(device)
    cache = cache or PooledFeatures.begin(folder, facts, width, piece_rows)
    source = replace(data.train_source, image_size=teacher.size, pixels=None)
    for rows in track(cache.pending(), f"features of {teacher.name}"):
        found = [
            embed(source.images(some).float().div(255)).float().cpu().numpy()
            for some in np.array_split(rows, -(-len(rows) // CHUNK))
        ]
        cache.write(rows, np.concatenate(found))
