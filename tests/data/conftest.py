"""Small catalogues in the real layouts."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

CAPTION_BYTES = 400


def _garments(rows: int, size: int) -> np.ndarray:
    images = np.full((rows, size, size, 3), 255, np.uint8)
    for row in range(rows):
        images[row, 4 : size - 4, 8 : size - 8] = (row * 37 % 200, row * 11 % 200, 90)
    return images


@pytest.fixture
def write_fashion_gen() -> Callable[..., Path]:
    """Write an HDF5 file in the publisher's schema; keywords replace datasets, None leaves one out."""

    def write(path: Path, rows: int = 6, size: int = 32, first_product: int = 100, **replaced: Any) -> Path:
        def text(values: list[str]) -> np.ndarray:
            return np.array([value.encode() for value in values], f"S{CAPTION_BYTES}").reshape(-1, 1)

        products = first_product + np.arange(rows, dtype=np.int32) // 2
        same = {name: text(["-"] * rows) for name in ("brand", "composition", "department", "gender")}
        captions = [f"Cotton jersey t-shirt number {product} in black." for product in products]
        data = {
            "index": np.arange(rows)[:, None],
            "index_2": np.arange(rows),
            "input_image": _garments(rows, size),
            "input_name": text([f"Black T-Shirt {product}" for product in products]),
            "input_description": text(captions),
            "input_concat_description": text([f"Black T-Shirt. {caption}" for caption in captions]),
            "input_category": text([["TOPS", "TOPS", "JEANS"][row % 3] for row in range(rows)]),
            "input_subcategory": text([["T-SHIRTS", "T-SHIRTS", "JEANS"][row % 3] for row in range(rows)]),
            **{f"input_{name}": value for name, value in same.items()},
            "input_pose": text([f"id_gridfs_{1 + row % 2}" for row in range(rows)]),
            "input_season": text(["SS2017"] * rows),
            "input_productID": products[:, None],
            "input_msrpUSD": np.full((rows, 1), 95, np.float32),
        }
        data.update(replaced)
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            for name, values in data.items():
                if values is not None:
                    file[name] = values
        return path

    return write


@pytest.fixture
def write_mvlt_folder() -> Callable[..., list[dict[str, Any]]]:
    """Write one split in the layout of the released MVLT code; gives the dictionaries it pickled."""

    def write(
        root: Path, split: str = "valid", rows: int = 6, size: int = 32, first_product: int = 100
    ) -> list[dict[str, Any]]:
        images, infos = root / f"extracted_{split}_images", root / f"full_{split}_info_PAI"
        images.mkdir(parents=True)
        infos.mkdir()
        entries = []
        for row, image in enumerate(_garments(rows, size)):
            product = first_product + row // 2
            entry = {
                "product_id": str(product),
                "img_name": f"{product}_{row % 2}.png",
                "super_cls_name": "TOPS",
                "super_cls_id": 4,
                "sub_cls_name": "T-SHIRTS",
                "sub_cls_id": "10",
                "captions": f"Jersey t-shirt number {product}.",
            }
            Image.fromarray(image).save(images / entry["img_name"])
            (infos / f"{product}_{row % 2}.pkl").write_bytes(pickle.dumps(entry))
            entries.append(entry)
        return entries

    return write
