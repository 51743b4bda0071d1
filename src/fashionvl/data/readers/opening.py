"""Finding the files of a split under a folder, whichever layout they have."""

from pathlib import Path
from typing import Literal, get_args

from fashionvl.data.catalogue import CatalogueReader
from fashionvl.data.readers.fashion_gen import CaptionField, FashionGenReader
from fashionvl.data.readers.mvlt_folder import MVLTFolderReader, split_folders
from fashionvl.data.readers.table import Table, is_saved, open_table, recognised, shards_in, tables_in
from fashionvl.data.readers.table.files import ENDINGS
from fashionvl.errors import InputError

Split = Literal["train", "validation"]
Layout = Literal["hdf5", "mvlt", "table"]

HDF5_NAMES: dict[Split, str] = {split: f"fashiongen_256_256_{split}.h5" for split in get_args(Split)}


def detect_layout(root: Path) -> Layout:
    """Detect the layout of a folder, or of a table; HDF5 before MVLT's before a table.

    Raises:
        InputError: the folder is missing or holds none of them, or several tables and no published set.
    """
    if root.is_file():
        if root.suffix.lower() not in ENDINGS:
            raise InputError(f"{root}: a table ends in {', '.join(ENDINGS)}; give one, or a folder")
        return "table"
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that holds the catalogue")
    if any((root / name).exists() for name in HDF5_NAMES.values()):
        return "hdf5"
    folders = [folder for split in HDF5_NAMES for folder in split_folders(root, split)]
    if any(folder.is_dir() for folder in folders):
        return "mvlt"
    tables = tables_in(root)
    if is_saved(root):
        return "table"
    if len(tables) == 1 or tables == shards_in(root) != [] or recognised(root):
        return "table"
    looked_for = ", ".join([*HDF5_NAMES.values(), *(f"{folder.name}/" for folder in folders), "a table"])
    several = f"; of the tables {', '.join(tables)} name one in data.init_args.table.file" if tables else ""
    raise InputError(f"{root}: no catalogue found; looked for {looked_for}{several}")


def available_splits(root: Path, layout: Layout) -> list[Split]:
    """The splits whose files are there, train first; a table has both."""
    if layout == "hdf5":
        return [split for split, name in HDF5_NAMES.items() if (root / name).exists()]
    if layout == "mvlt":
        return [split for split in HDF5_NAMES if split_folders(root, split)[0].is_dir()]
    return list(HDF5_NAMES)


def open_split(
    root: Path | str,
    split: Split,
    layout: Layout | Literal["auto"] = "auto",
    caption_field: CaptionField = "input_description",
    mapped: bool = True,
) -> CatalogueReader:
    """Open one split of a catalogue.

    Args:
        root: folder with the publisher's HDF5 files, the folders of the released MVLT code or a table; or a
            table.
        split: the official split; the released code calls its validation split "valid".
        layout: "auto" looks at the folder.
        caption_field: HDF5 only; which dataset captions are read from.
        mapped: HDF5 only; read photographs through a memory map where they lie uncompressed in one piece.

    Raises:
        InputError: no catalogue, no such split, or unusable files.
    """
    root = Path(root)
    found = detect_layout(root) if layout == "auto" else layout
    if found == "hdf5":
        path = root / HDF5_NAMES[split]
        if not path.exists():
            others = sorted({other.name for other in root.glob("*.h5")} - set(HDF5_NAMES.values()))
            rename = f"; if {', '.join(others)} is it, rename it" if others else ""
            raise InputError(f"{path}: no such file; a catalogue has one of that name{rename}")
        return FashionGenReader(path, caption_field, mapped)
    if found == "mvlt":
        return MVLTFolderReader(root, split)
    return open_table(root)[split]


def open_readers(
    root: Path,
    layout: Layout | Literal["auto"] = "auto",
    table: Table | None = None,
    mapped: bool = True,
    cache: Path | None = None,
    workers: int = 0,
) -> dict[Split, CatalogueReader]:
    """Open both splits of a catalogue.

    Args:
        root: as in `open_split`.
        layout: "auto" looks at the folder; where a table is described, it is one.
        table: how a table is read.
        mapped: HDF5 only, as in `open_split`.
        cache: table only; folder for what is derived from it.
        workers: table only; processes that look for broken pictures.

    Raises:
        InputError: as `open_split` and `open_table` do; a table is described, but the layout is another.
    """
    if layout == "auto":
        layout = "table" if table is not None else detect_layout(root)
    if layout == "table":
        return {**open_table(root, table, cache, workers)}
    if table is not None:
        raise InputError(f"data.init_args.table: set, but the layout is {layout}; remove one of them")
    return {split: open_split(root, split, layout, mapped=mapped) for split in HDF5_NAMES}
