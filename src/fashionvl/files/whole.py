"""Files and folders that are either whole or absent."""

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fashionvl.errors import InputError


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield a scratch folder that becomes `target` when the block ends well and vanishes when it does not.

    The scratch folder is a sibling of the target, so the last step is one rename. When another process has
    put a complete target there meanwhile, that one is kept.

    Raises:
        InputError: the disk is full or the parent cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"{target.parent}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    try:
        yield scratch
        _install(scratch, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InputError(
                f"{target}: the disk is full; free space there or choose another folder"
            ) from error
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _install(scratch: Path, target: Path) -> None:
    scratch.chmod(0o755)
    try:
        scratch.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name only when the block has ended well.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            scratch = Path(file.name)
            yield file
        scratch.chmod(0o644)
        scratch.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS):
            raise
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); free space or choose another folder"
        ) from error
    finally:
        if scratch:
            scratch.unlink(missing_ok=True)
