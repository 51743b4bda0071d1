"""Finding the files of a split under a folder, whichever layout they have."""

from pathlib import Path
from typing import Literal, get_args

from fashionvl.data.catalogue import CatalogueReader
from fashionvl.data.readers.fashion_gen import CaptionField, FashionGenReader
from fashionvl.data.readers.mvlt_folder import MVLTFolderReader, split_folders
from fashionvl.errors import InputError

Split = Literal["train", "validation"]
Layout = Literal["hdf5", "mvlt"]

HDF5_NAMES: dict[Split, str] = {split: f"fashiongen_256_256_{split}.h5" for split in get_args(Split)}


def detect_layout(root: Path) -> Layout:
    """Detect the layout of a folder; HDF5 when it holds both.

    Raises:
        InputError: the folder is missing or holds neither.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that holds the catalogue")
    if any((root / name).exists() for name in HDF5_NAMES.values()):
        return "hdf5"
    folders = [folder for split in HDF5_NAMES for folder in split_folders(root, split)]
    if any(folder.is_dir() for folder in folders):
        return "mvlt"
    looked_for = ", ".join([*HDF5_NAMES.values(), *(f"{folder.name}/" for folder in folders)])
    raise InputError(f"{root}: no catalogue found; looked for {looked_for}")


def available_splits(root: Path, layout: Layout) -> list[Split]:
    """The splits whose files are there, train first."""
    if layout == "hdf5":
        return [split for split, name in HDF5_NAMES.items() if (root / name).exists()]
    return [split for split in HDF5_NAMES if split_folders(root, split)[0].is_dir()]


def open_split(
    root: Path | str,
    split: Split,
    layout: Layout | Literal["auto"] = "auto",
    caption_field: CaptionField = "input_description",
    mapped: bool = True,
) -> CatalogueReader:
    """Open one split of a catalogue.

    Args:
        root: folder with the publisher's HDF5 files or the folders of the released MVLT code.
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
    return MVLTFolderReader(root, split)
