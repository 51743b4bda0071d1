"""Compressed tars, which have no random access, as plain ones."""

import bz2
import gzip
import hashlib
import logging
import lzma
import shutil
import zlib
from pathlib import Path
from typing import IO, cast

from fashionvl.data.readers.fingerprint import hash_samples
from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole

log = logging.getLogger(__name__)


def unpacked(path: Path, cache: Path) -> Path:
    """The same tar uncompressed, written into `cache` on first use and named by the content.

    Args:
        path: a `.tar.gz`, `.tar.bz2` or `.tar.xz`.
        cache: folder for the copy.

    Raises:
        InputError: the file is damaged, or the copy cannot be written.
    """
    digest = hashlib.sha256()
    hash_samples(digest, path)
    target = cache / f"{path.name.split('.')[0]}-{digest.hexdigest()[:16]}.tar"
    if target.exists():
        return target
    log.info("%s: unpacking to %s, once, for random access", path, target)
    try:
        with _decompressed(path) as packed, written_whole(target) as copy:
            shutil.copyfileobj(packed, copy, 2**20)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: damaged or cut short ({error}); copy it again") from error
    except OSError as error:
        if error.errno is None:
            raise InputError(f"{path}: not compressed as its name says ({error}); copy it again") from error
        raise InputError(
            f"{target}: cannot be written ({error.strerror}); set data.init_args.index_dir"
        ) from error
    return target


def _decompressed(path: Path) -> IO[bytes]:
    name = path.name.lower()
    if name.endswith("bz2"):
        return cast(IO[bytes], bz2.open(path))
    return cast(IO[bytes], lzma.open(path) if name.endswith("xz") else gzip.open(path))
