"""Building the feature cache: 74 crops of every photograph through a frozen ResNet-50."""

from copy import deepcopy
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from benchmarks.catalogue import data_module
from benchmarks.computing import count_flops
from benchmarks.measure import Mark, Plan, Work, unmarked
from benchmarks.setting import Setting
from fashionvl.data import FashionGenDataModule
from fashionvl.data.batches.rows import RowDataset
from fashionvl.data.catalogue import Piece
from fashionvl.data.index.foreground import nonwhite_box
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.patches.crops import Variants
from fashionvl.patches.grid import KaleidoGrid, grown
from fashionvl.tasks import FeatureWriting
from fashionvl.tasks.kaleido.foreground import Foreground

GRID = KaleidoGrid((1, 2, 3, 4, 5))
TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def build(setting: Setting) -> list[Work]:
    """Build the work: one photograph at a time, against many at once."""
    size, count = setting.pick(16, 64, 224), setting.pick(2, 8, 128)
    torch.manual_seed(0)
    backbone = PatchBackbone("resnet50" if setting.full else "resnet10t", weights=None).to(setting.device)
    data = data_module(setting, batch_size=setting.pick(2, 8, 32))
    fp32 = "tf32" if setting.on_gpu else "fp32"
    innermost: PatchBackbone = deepcopy(backbone).to(memory_format=torch.channels_last)
    return [
        Work(
            "feature cache building",
            [
                Plan("plain", fp32, Plain(data, backbone, size, count, setting)),
                Plan("ours", fp32, Pieces(data, deepcopy(backbone), size, count, setting)),
                Plan("best", "bf16", Pieces(data, innermost, size, count, setting, torch.bfloat16)),
            ],
            item="photograph",
            flops=Variants(GRID).count * flops_of_crop(backbone, size),
            note=f"{size} px a patch (the paper's setting: 224), foreground by the non-white box, {count} "
            "photographs a turn; nothing was released: plain is one photograph at a time with Pillow",
        )
    ]


def flops_of_crop(backbone: PatchBackbone, size: int) -> float:
    """Floating-point operations of a crop's convolutions; norms and activations are not counted."""
    crop = torch.zeros(1, 3, size, size, device=backbone.trunk.mean.device)
    return count_flops(lambda: backbone(crop))


class Plain:
    """Read, cut with Pillow, see, append: a photograph at a time, in float32."""

    def __init__(
        self, data: FashionGenDataModule, backbone: PatchBackbone, size: int, count: int, setting: Setting
    ) -> None:
        """Name what is done.

        Args:
            data: the photographs, its training file's.
            backbone: on the setting's device.
            size: of a patch in pixels.
            count: photographs a turn.
            setting: where files go.
        """
        self._reader = data.index_of("train").reader
        self._rows = cycle(range(len(self._reader)))
        self._backbone, self._size, self._count, self._device = backbone, size, count, setting.device
        self._folder = TemporaryDirectory(dir=setting.scratch)
        self.path = Path(self._folder.name) / "features.npy"

    def __call__(self, mark: Mark = unmarked) -> int:
        """Run one turn; `path` then holds an array `[74, D]` for each photograph, one after the other."""
        with self.path.open("wb") as file:
            for _ in range(self._count):
                image = self._reader.image(next(self._rows))
                mark("read")
                crops = cut(image, self._size)
                mark("cut")
                pixels = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).contiguous()
                features = self._backbone(pixels.float() / 255).cpu().numpy()
                mark("backbone")
                np.save(file, features)
                mark("write")
        return self._count


def cut(image: np.ndarray, size: int) -> np.ndarray:
    """The crops of a photograph by Pillow, `[74, size, size, 3]` uint8, in the order of `Variants`."""
    photograph = Image.fromarray(image)
    box = grown(nonwhite_box(image), max(GRID.levels), photograph.size)
    patches = [
        photograph.crop(tuple(sides)).resize((size, size), Image.Resampling.BILINEAR)
        for sides in GRID.boxes(box).tolist()
    ]
    turned = [patches[0].transpose(turn) for turn in TURNS]
    grey = [patch.convert("L").convert("RGB") for patch in patches[GRID.span(4)]]
    return np.stack([np.asarray(crop) for crop in (*patches, *turned, *grey)])


class Pieces:
    """`fashionvl predict` of a `FeatureWriting`, a shard a turn, without the Trainer around it."""

    def __init__(
        self,
        data: FashionGenDataModule,
        backbone: PatchBackbone,
        size: int,
        count: int,
        setting: Setting,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Begin a cache.

        Args:
            data: the photographs; `test_batch_size` of them are cut at once.
            backbone: on the setting's device, this plan's alone.
            size: of a patch in pixels.
            count: photographs a turn, and a shard.
            setting: where files go.
            dtype: of autocast; float32 goes without.
        """
        self._data, self._device, self._dtype = data, setting.device, dtype
        self._mark: Mark = unmarked
        self._folder = TemporaryDirectory(dir=setting.scratch)
        self.path = Path(self._folder.name)
        # As in features.yaml; on a CPU the maps of more than 64 crops no longer fit its caches.
        chunk = 512 if setting.on_gpu else 64
        task = FeatureWriting(
            Foreground("nonwhite"), backbone, GRID.levels, patch_size=size, chunk=chunk, shard_rows=count
        )
        self._task = task.to(setting.device)
        self._trainer = _OnDevice(SimpleNamespace(root_device=setting.device))
        self._task.trainer = self._trainer  # type: ignore[assignment]
        self._writer = self._task.open_writers(self.path, data)["train"]
        self._shards = cycle([rows for rows in self._writer.pending() if len(rows) == count])
        # What a forward of the backbone did not take was spent on crops.
        backbone.register_forward_pre_hook(lambda *_: self._mark("cut"))
        backbone.register_forward_hook(lambda *_: self._mark("backbone"))

    def __call__(self, mark: Mark = unmarked) -> int:
        """Run one turn: read the next shard, cut it, compute its features and write them."""
        self._mark, rows = mark, next(self._shards)
        batches = RowDataset(
            {"train": self._data.index_of("train").reader}, [Piece("train", rows)], self._data.test_batch_size
        )
        found = []
        for number in range(len(batches)):
            batch = batches[number]
            mark("read")
            with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
                found += [self._task.find("train", images, some) for some, images in batch.of_one_size()]
            mark("cut")
        self._writer.write(
            rows, **{name: np.concatenate([part[name] for part in found]) for name in found[0]}
        )
        mark("write")
        return len(rows)


class _OnDevice:
    """All that a `FeatureWriting` asks of its trainer."""

    is_global_zero = True

    def __init__(self, strategy: SimpleNamespace) -> None:
        self.strategy = strategy
