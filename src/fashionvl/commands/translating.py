"""Translate what libraries and the operating system raise into one line each.

A rule states only what its exception proves. What no rule knows is reported as unexpected, with no cause.
Exceptions are recognised by name, so that nothing is imported for a command that did not need it.
"""

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fashionvl.commands.parsing import one_line
from fashionvl.errors import InputError

MISTAKE, CRASH = 2, 1
LONGEST = 400
"""Characters of a library's message that are repeated."""


@dataclass(frozen=True)
class Line:
    """One line for the user.

    Attributes:
        text: one line.
        status: exit status; 2 where the user's input is at fault, 1 otherwise.
        own: whether the suite raised it, and foresaw it.
    """

    text: str
    status: int
    own: bool = False


Rule = Callable[[BaseException], Line | None]


def translate(error: BaseException) -> Line:
    """Return the line for an exception: of its own, or of the one it was raised from."""
    for rule in RULES:
        for cause in _chain(error):
            if (line := rule(cause)) is not None:
                return line
    return Line(f"unexpected {type(error).__name__}: {short(error)}", CRASH)


def short(error: BaseException) -> str:
    """The message of an exception on one line, cut where it is long."""
    text = " ".join(str(error).split()) or "no message"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def _is(error: BaseException, *names: str) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _own(error: BaseException) -> Line | None:
    if isinstance(error, InputError):
        return Line(" ".join(str(error).split()), MISTAKE, own=True)
    return Line(str(error), CRASH, own=True) if _is(error, "NonFiniteLossError") else None


def _memory(error: BaseException) -> Line | None:
    full = isinstance(error, MemoryError) or _is(error, "OutOfMemoryError")
    if not full and "DefaultCPUAllocator: can't allocate memory" not in str(error):
        return None
    smaller = "lower data.init_args.batch_size or test_batch_size"
    return Line(f"out of memory ({short(error)}); {smaller}", CRASH)


def _worker(error: BaseException) -> Line | None:
    if not re.search(r"DataLoader worker .*(killed by signal|exited unexpectedly)", str(error), re.DOTALL):
        return None
    return Line(
        f"a loading process died ({short(error)}); --data.init_args.num_workers 0 loads in the main process "
        "and shows errors of its own",
        CRASH,
    )


def _parser(error: BaseException) -> Line | None:
    if _is(error, "ArgumentError", "ArgumentTypeError"):
        return Line(one_line(str(error)), MISTAKE)
    if _is(error, "YAMLError"):
        mark = getattr(error, "problem_mark", None)
        place = f"{mark.name}, line {mark.line + 1}: " if mark else ""
        return Line(f"{place}not valid YAML ({getattr(error, 'problem', None) or short(error)})", MISTAKE)
    return None


def _lightning(error: BaseException) -> Line | None:
    if _is(error, "MisconfigurationException"):
        return Line(f"trainer: Lightning refuses these settings: {short(error)}", MISTAKE)
    return None


def _interval(error: BaseException) -> Line | None:
    if isinstance(error, ValueError) and str(error).startswith("`val_check_interval`"):
        return Line(f"trainer.val_check_interval: {short(error)}", MISTAKE)
    return None


def _slurm(error: BaseException) -> Line | None:
    named = isinstance(error, (RuntimeError, ValueError)) and "SLURM" in str(error)
    return Line(f"the SLURM job and the trainer disagree: {short(error)}", MISTAKE) if named else None


def _checkpoint(error: BaseException) -> Line | None:
    text = str(error)
    if "PytorchStreamReader failed" in text:
        return Line(
            f"a file of weights or a checkpoint is incomplete or is none ({short(error)}); delete it "
            "and run again, or copy it again",
            CRASH,
        )
    if _is(error, "UnpicklingError") and "weights_only" in text.lower().replace(" ", "_"):
        reason = next((line for line in text.splitlines() if "Unsupported" in line or "GLOBAL" in line), text)
        return Line(
            f"a checkpoint holds more than tensors and plain data, and was not loaded "
            f"({reason.strip()[:200]})",
            MISTAKE,
        )
    return None


def _hub(error: BaseException) -> Line | None:
    if _is(error, "HfHubHTTPError", "LocalEntryNotFoundError", "OfflineModeIsEnabled"):
        return Line(
            f"the Hugging Face Hub gave no answer ({short(error)}); name a local folder instead, or download "
            "once while online",
            MISTAKE,
        )
    return None


def _picture(error: BaseException) -> Line | None:
    if _is(error, "UnidentifiedImageError"):
        return Line(f"a picture cannot be read ({short(error)})", MISTAKE)
    if _is(error, "DecompressionBombError"):
        return Line(f"a picture is too large to be decoded safely ({short(error)})", MISTAKE)
    return None


def _tokenizer(error: BaseException) -> Line | None:
    if type(error) is Exception and "untagged enum" in str(error):
        return Line(
            f"a tokenizer.json is of another version of tokenizers than the one installed ({short(error)})",
            MISTAKE,
        )
    return None


def _import(error: BaseException) -> Line | None:
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("fashionvl"):
        package = error.name.split(".")[0]
        return Line(f"the Python package {package} is not installed; pip install {package}", MISTAKE)
    return None


SAID = {
    errno.ENOSPC: (CRASH, "no space left on its disk; free some, or write elsewhere"),
    errno.EDQUOT: (CRASH, "your quota of its disk is used up; free some, or write elsewhere"),
    errno.EACCES: (MISTAKE, "permission denied; change the permissions, or choose another place"),
    errno.EPERM: (MISTAKE, "operation not permitted; change the permissions, or choose another place"),
    errno.EROFS: (MISTAKE, "its file system is read-only; choose another place to write to"),
    errno.ENOENT: (MISTAKE, "no such file or folder"),
    errno.EEXIST: (MISTAKE, "is there already, and is no folder; choose another name"),
    errno.ENOTDIR: (MISTAKE, "a part of this path is a file, not a folder"),
    errno.EISDIR: (MISTAKE, "is a folder, where a file is expected"),
    errno.ENAMETOOLONG: (MISTAKE, "the name is too long for its file system"),
    errno.EMFILE: (CRASH, "too many open files; raise the limit (ulimit -n), or lower num_workers"),
    errno.EIO: (CRASH, "the disk reports an input/output error"),
    errno.ESTALE: (CRASH, "stale handle of a network file system; run again"),
}
"""Messages of the operating system, with remedies."""

WRITING = "choose with --run_dir where a run writes and with --data.init_args.index_dir where indexes go"


def _system(error: BaseException) -> Line | None:
    if not isinstance(error, OSError):
        return None
    text = str(error)
    if "unable to lock file" in text:
        return Line(
            f"an HDF5 file is locked ({short(error)}): another program has it open for writing, or its file "
            "system has no locks; close that program, or set HDF5_USE_FILE_LOCKING=FALSE for the latter",
            MISTAKE,
        )
    # h5py gives the number in its message only.
    number = error.errno or int(next(iter(re.findall(r"errno = (\d+)", text)), "0"))
    if number not in SAID:
        return None
    status, said = SAID[number]
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        said = f"{said}: {WRITING}"
    named = error.filename or next(iter(re.findall(r"name = '([^']+)'", text)), None)
    place = named.decode(errors="replace") if isinstance(named, bytes) else named
    return Line(f"{place}: {said}" if place else f"{said} ({short(error)})", status)


RULES: tuple[Rule, ...] = (
    _own, _memory, _worker, _parser, _lightning, _interval, _slurm, _checkpoint, _hub, _picture, _tokenizer,
    _import, _system,
)  # fmt: skip
"""In the order they are asked, each along the whole chain of causes: the suite's own words come first."""
