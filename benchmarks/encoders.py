"""Pre-trained encoders on one core, by name: `python -m benchmarks.encoders`.

EfficientNet-Lite0 of a package against ResNet-50, Kaleido-BERT's patch backbone in the paper: crops
through the network, and photographs through the whole feature pass; captions through MiniLM.
"""

import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import cv2
import torch
from rich.console import Console

from benchmarks.catalogue import data_module
from benchmarks.command import parse
from benchmarks.computing import precision
from benchmarks.machine import facts
from benchmarks.measure import Mark, Plan, Work
from benchmarks.record import RESULTS, load, others, save, show
from benchmarks.run import Bench
from benchmarks.setting import Setting
from benchmarks.works.features import GRID, Pieces, flops_of_crop
from fashionvl.data import FashionGenDataModule
from fashionvl.data.records import Texts
from fashionvl.data.text.loading import load_tokenizer
from fashionvl.models.blocks.text_encoder import TextEncoder, text_encoder
from fashionvl.models.kaleido_bert.backbone import PatchBackbone
from fashionvl.patches.crops import Variants

MINILM = "package:minilm"
PLANS = (("ResNet-50", "fp32"), ("Lite0", "fp32"), ("Lite0 best", "bf16"))
"""Plans by name and precision; the last has channels innermost."""

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def backbones(setting: Setting) -> dict[str, PatchBackbone]:
    """A backbone a plan; the weights of ResNet-50 are drawn, since its speed does not depend on them."""
    resnet = PatchBackbone("resnet50" if setting.full else "resnet10t", weights=None)
    lite0 = PatchBackbone(None, weights="package:efficientnet-lite0")
    best: PatchBackbone = deepcopy(lite0).to(memory_format=torch.channels_last)
    found = {"ResNet-50": resnet, "Lite0": lite0, "Lite0 best": best}
    return {name: backbone.to(setting.device) for name, backbone in found.items()}


def crops(setting: Setting) -> Work:
    """Crops in memory through the network alone."""
    size, count = setting.pick(32, 224, 224), setting.pick(2, 16, 512)
    pixels = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8).to(setting.device)

    def run(backbone: PatchBackbone, how: str, mark: Mark) -> int:
        with precision(how, setting.device):
            backbone(pixels.float() / 255)
        mark("backbone")
        return count

    networks = backbones(setting)
    return Work(
        "patch backbone",
        [Plan(name, how, partial(run, networks[name], how)) for name, how in PLANS],
        item="crop",
        flops=flops_of_crop(networks["Lite0"], size),
        released_flops=flops_of_crop(networks["ResNet-50"], size),
        note=f"{count} crops of {size} px a turn, on {torch.get_num_threads()} thread",
    )


def feature_pass(setting: Setting) -> Work:
    """Photographs of 256 px, as in Fashion-Gen, from file to feature cache: 74 crops each."""
    size, count = setting.pick(16, 224, 224), setting.pick(1, 2, 128)
    data: FashionGenDataModule = data_module(setting, batch_size=count)
    networks = backbones(setting)
    return Work(
        "feature pass",
        [
            Plan(
                name,
                how,
                Pieces(data, networks[name], size, count, setting, DTYPES[how]),
            )
            for name, how in PLANS
        ],
        item="photograph",
        note=f"{Variants(GRID).count} crops of {size} px a photograph, {count} photographs a turn, on "
        f"{torch.get_num_threads()} thread",
    )


def captions(setting: Setting) -> Work:
    """Captions through MiniLM, token ids in memory."""
    count = setting.pick(2, 64, 1024)
    tokenizer, encoder = load_tokenizer(MINILM), text_encoder(MINILM).to(setting.device)
    texts = data_module(setting, batch_size=count).index_of("train").unique_captions()[:count]
    coded = tokenizer(texts, padding=True, return_tensors="pt")
    batch = Texts(coded["input_ids"], coded["attention_mask"]).to(setting.device)

    def run(encoder: TextEncoder, how: str, mark: Mark) -> int:
        with torch.inference_mode(), precision(how, setting.device):
            encoder(batch)
        mark("encoder")
        return len(batch)

    return Work(
        "MiniLM text encoder",
        [Plan(how, how, partial(run, encoder, how)) for how in DTYPES],
        item="caption",
        note=f"{len(batch)} captions a turn, padded to {batch.input_ids.shape[1]} tokens, on "
        f"{torch.get_num_threads()} thread",
    )


WORKS = {"crops": crops, "feature_pass": feature_pass, "captions": captions}


def main(arguments: list[str] | None = None) -> int:
    """Measure the works asked for on one core; what was measured is written after each of them."""
    what = (__doc__ or "").splitlines()[0]
    names, setting, out = parse(arguments, "python -m benchmarks.encoders", what, "work", WORKS, seconds=20.0)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if out is None and setting.full:
        out = RESULTS / "encoders.json"
    words = arguments if arguments is not None else sys.argv[1:]
    _measure(names, setting, facts(" ".join(["python -m benchmarks.encoders", *words]), setting.device), out)
    return 0


def _measure(names: list[str], setting: Setting, about: dict[str, str], out: Path | None) -> None:
    last = load(out) if out else {}
    bench = Bench(setting, about["device"])
    for name in names:
        bench.results += bench.measure(WORKS[name](setting))
        if out:
            kept = others(last, bench.results, about) if len(names) < len(WORKS) else []
            save(out, about, matmul_flops_per_s=bench.peaks, results=[*kept, *bench.results])
    show(bench.results)
    if out:
        Console(stderr=True).print(f"written to {out}")


if __name__ == "__main__":
    sys.exit(main())
