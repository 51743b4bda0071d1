"""Peak rates of the machine, measured in the same run, and its description."""

import datetime
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.measure import now
from fashionvl.runs.provenance import provenance

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
SECONDS = 1.0
SIDES = {"cpu": (1024, 2048), "cuda": (4096, 8192)}
COPIED = {"cpu": 2**28, "cuda": 2**31}


def matmul_peak(device: torch.device, precision: str) -> float:
    """FLOP/s of the fastest square matrix product: what a step's FLOP/s are held against (MFU).

    On a CPU float32 products go through both libraries torch has, since on some processors the one it takes
    for linear layers is half as fast as the other.
    """
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    best = 0.0
    for side in SIDES[device.type]:
        one = torch.randn(side, side, device=device).to(DTYPES[precision])
        least = _least_seconds(partial(torch.matmul, one, one), device)
        if device.type == "cpu" and precision == "fp32" and torch.backends.mkldnn.is_available():
            least = min(least, _least_seconds(partial(F.linear, one.to_mkldnn(), one), device))
        best = max(best, 2 * side**3 / least)
    torch.backends.cuda.matmul.allow_tf32 = before
    return best


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second read and written by a large copy."""
    source = torch.zeros(COPIED[device.type], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.numel() / _least_seconds(lambda: target.copy_(source), device)


def _least_seconds(run: Callable[[], object], device: torch.device) -> float:
    run()
    least, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        start = now(device)
        run()
        least = min(least, now(device) - start)
    return least


def multiplies_bf16() -> bool:
    """Return whether this CPU has instructions for bfloat16 products; without them bfloat16 saves no time."""
    return bool(_bf16_flags(_cpuinfo()))


def facts(command: str, device: torch.device) -> dict[str, Any]:
    """Command, date, machine, commit and versions, as every file of results begins."""
    return {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": f"{_processor()}, {torch.get_num_threads()} threads, Python {platform.python_version()}",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        **provenance(),
    }


def _processor() -> str:
    lines = _cpuinfo()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return ", ".join([named[0] if named else platform.machine(), *_bf16_flags(lines)])


def _cpuinfo() -> list[str]:
    described = Path("/proc/cpuinfo")
    return described.read_text().splitlines() if described.exists() else []


def _bf16_flags(lines: list[str]) -> list[str]:
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return [name for name in ("amx_bf16", "avx512_bf16") if name in flags]
