"""Write a synthetic catalogue in the publisher's HDF5 schema, with the ground truth beside it."""

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.progress import Progress

from fashionvl.data.synthetic.columns import entry
from fashionvl.data.synthetic.hdf5 import SplitFiles
from fashionvl.data.synthetic.manifest import SCRATCH, check_replaceable, install
from fashionvl.data.synthetic.plan import Plan
from fashionvl.data.synthetic.shots import shots
from fashionvl.errors import InputError

FILES = {
    False: ("fashiongen_256_256_train.h5", "ground_truth_train.h5"),
    True: ("fashiongen_256_256_validation.h5", "ground_truth_validation.h5"),
}

Report = Callable[[int, int], object]


def synthesize(
    out: str | Path,
    products: int = 10_000,
    seed: int = 0,
    validation_share: float = 0.2,
    workers: int = 2,
    progress: Report | bool = True,
    overwrite: bool = False,
    unnamed_share: float = 0.0,
) -> None:
    """Draw a catalogue into folder `out`: two Fashion-Gen files and their two ground-truth sidecars.

    The same seed gives the same bytes, whatever the number of workers. Each file appears under its name only
    when all four are complete. A manifest beside them, `synthetic.json`, holds the settings and the files'
    SHA-256.

    Args:
        out: folder, made when missing; one that holds anything is refused, see `overwrite`.
        products: number of products, each with 1 to 6 photographs (2.5 in the mean).
        seed: of everything random; not negative.
        validation_share: share of each sub-category's products in the validation file, in (0, 1).
        workers: processes that draw; 1 draws in this one.
        progress: True shows a bar; a function is called with (products done, products).
        overwrite: replace an older output in `out`, recognised by its manifest and byte for byte.
        unnamed_share: share of the products, in [0, 1], whose captions do not name the sub-category, drawn by
            the seed; see `captions.describe`. The ground truth says which; all else stays the same.

    Raises:
        InputError: an argument is out of range, `out` holds anything else, or it cannot be written.
    """
    if workers < 1:
        raise InputError(f"workers: {workers} cannot draw; give at least 1")
    if not 0 <= unnamed_share <= 1:
        raise InputError(f"unnamed_share: {unnamed_share} is outside [0, 1]")
    plan = Plan(products, seed, validation_share)
    out = Path(out)
    # The train file first, each sidecar before its catalogue: what a reader looks for comes last.
    names = [name for pair in FILES.values() for name in reversed(pair)]
    settings = {"products": products, "seed": seed, "validation_share": validation_share}
    if unnamed_share:
        settings["unnamed_share"] = unnamed_share
    try:
        check_replaceable(out, names, overwrite)
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=out) as scratch:
            with _reporter(progress) as report:
                _write(Path(scratch), plan, unnamed_share, workers, report)
            # Drawing takes minutes: somebody may have put files there meanwhile.
            check_replaceable(out, names, overwrite)
            install(Path(scratch), out, names, settings)
    except (OSError, RuntimeError) as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise InputError(f"{out}: {reason}") from error


def _write(folder: Path, plan: Plan, unnamed_share: float, workers: int, report: Report) -> None:
    entries = [entry(plan[index], plan.seed, unnamed_share) for index in range(plan.products)]
    with ExitStack() as stack:
        files = {
            validation: stack.enter_context(
                SplitFiles(
                    folder / catalogue,
                    folder / sidecar,
                    [e for e in entries if e.product.validation == validation],
                )
            )
            for validation, (catalogue, sidecar) in FILES.items()
        }
        for done, (one, views) in enumerate(zip(entries, shots(plan, workers), strict=True), start=1):
            for shot in views:
                files[one.product.validation].append(shot)
            report(done, plan.products)


@contextmanager
def _reporter(progress: Report | bool) -> Iterator[Report]:
    if not isinstance(progress, bool):
        yield progress
        return
    with Progress(disable=not progress, transient=True) as bar:
        task = bar.add_task("drawing the synthetic catalogue", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _reason(error: OSError | RuntimeError) -> str | None:
    """Explain a failed write to the user; None when the error is another one."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "not a folder; give a folder, new or existing"
    # HDF5 puts the number into its message, and a failed close raises RuntimeError.
    found = re.search(r"errno = (\d+)", str(error))
    number = int(found[1]) if found else getattr(error, "errno", None)
    if number is None:
        return None
    if number == errno.ENOSPC:
        return "the disk is full; free space there or choose another folder"
    return f"cannot be written ({os.strerror(number)}); choose another folder"
