"""Data sets of the Hugging Face library `datasets`: from the hub, or as `save_to_disk` writes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fashionvl.data.readers.fingerprint import hash_samples
from fashionvl.data.readers.table.parquet import ROWS_AT_ONCE
from fashionvl.errors import InputError

SAVED_SPLITS, SAVED_STATE = "dataset_dict.json", "state.json"
"""Files by which a folder written by `DatasetDict.save_to_disk` and `Dataset.save_to_disk` is known."""

LONGEST_REASON = 200
"""Characters of the library's message that are shown."""


def is_saved(folder: Path) -> bool:
    """Return whether a folder holds a data set, or several splits of one, written by `save_to_disk`."""
    return (folder / SAVED_SPLITS).is_file() or (folder / SAVED_STATE).is_file()


class DatasetPart:
    """One split of a data set."""

    def __init__(self, path: Path, split: str | None, dataset: Any) -> None:
        """Take a `datasets.Dataset`; `path` stands for it in messages."""
        self.path, self.split, self.rows = path, split, len(dataset)
        # As Arrow data, pictures stay as they are stored: nothing is decoded.
        self._dataset = dataset.with_format("arrow")
        self.schema = dataset.features.arrow_schema

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        values: list[Any] = self._dataset.select_columns([name])[:].column(0).to_pylist()
        return values

    def pictures(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of every row's picture; those kept beside the data set are read from their path."""
        for batch in self._dataset.select_columns([name]).iter(batch_size=ROWS_AT_ONCE):
            for picture in batch.column(0).to_pylist():
                path, data = (picture or {}).get("path") or "", (picture or {}).get("bytes") or b""
                if path and not data and Path(path).is_file():
                    data = Path(path).read_bytes()
                yield path, data

    def identify(self, digest: Any) -> None:
        """Feed samples of the data set's files to a digest."""
        for file in self._dataset.cache_files:
            hash_samples(digest, Path(file["filename"]))


def saved_parts(folder: Path) -> list[DatasetPart]:
    """Open what `save_to_disk` wrote.

    Raises:
        InputError: `datasets` is not installed, or the folder is damaged.
    """
    library = _library(str(folder))
    try:
        return _parts(folder, library.load_from_disk(str(folder)))
    except Exception as error:  # pyarrow and `datasets` raise nothing narrower for damaged files
        raise InputError(
            f"{folder}: not a whole data set of save_to_disk ({_reason(error)}); save it again"
        ) from error


def hub_parts(name: str, config: str | None) -> list[DatasetPart]:
    """Load a data set of the Hugging Face Hub, or its copy in the library's cache.

    Args:
        name: `owner/name`.
        config: which of its subsets; None where it has one.

    Raises:
        InputError: `datasets` is not installed, or the data set cannot be loaded.
    """
    library = _library(f"data.init_args.table.hub: {name}")
    try:
        return _parts(Path(name), library.load_dataset(name, config))
    except Exception as error:  # the library's own errors, the hub's, the network's and pyarrow's
        raise InputError(
            f"data.init_args.table.hub: {name} cannot be loaded ({_reason(error)}); where the hub cannot be "
            "reached, copy the data set's Parquet files, or a folder written by save_to_disk, and name that "
            "folder as data.init_args.root"
        ) from error


def _library(wanted: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise InputError(
            f"{wanted}: needs the library datasets; pip install 'fashionvl[datasets]'"
        ) from error
    return datasets


def _parts(path: Path, loaded: Any) -> list[DatasetPart]:
    if isinstance(loaded, dict):
        if not loaded:
            raise ValueError("it has no split")
        return [DatasetPart(path, split, dataset) for split, dataset in loaded.items()]
    return [DatasetPart(path, None, loaded)]


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= LONGEST_REASON else said[:LONGEST_REASON] + " ..."
