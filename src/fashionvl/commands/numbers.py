"""Ranges of the numbers in a configuration, checked by their names before anything is built."""

from collections.abc import Mapping
from typing import Any

from fashionvl.configuration import flatten
from fashionvl.errors import InputError, check_range

LARGEST = 2**20
"""Far above any width, length or count of a network; a larger one only runs out of memory."""

ONE_OR_MORE = frozenset(
    {
        "attention_width", "beams", "channels", "chunk", "depths", "embed_dims", "embed_size",
        "embedding_width", "heads", "hidden_size", "hidden_width", "image_size",
        "intermediate_size", "layers", "levels", "max_tokens", "mlp_ratios", "num_heads", "passes",
        "patch", "patch_size", "patch_types", "patch_width", "reduction", "shard_rows", "sr_ratios",
        "stem_width", "text_positions", "text_width", "vocab_size", "vocabulary", "widths",
        "word_size",
    }
)  # fmt: skip
"""Sizes and counts, whichever class has them."""

OTHERS = {
    "categories": (0, LARGEST),
    "subcategories": (0, LARGEST),
    "image_size": (1, 2**15 - 1),
    "num_workers": (0, 1024),
    "prefetch": (1, 1024),
    "products": (1, 10**8),
}
"""Smallest and largest value of further numbers; a side of a photograph has 15 bits in the index."""

BELOW_ONE = frozenset({"attention_dropout", "betas", "drop_path", "dropout", "text_dropout"})
"""Shares in [0, 1)."""


def check_numbers(section: str, settings: Mapping[str, Any]) -> None:
    """Refuse numbers of the model or the data that nothing can be built with.

    Args:
        section: `model` or `data`.
        settings: of the section, resolved.

    Raises:
        InputError: naming the key, the number and the range.
    """
    for key, value in flatten(dict(settings), section).items():
        name = key.rpartition(".")[2]
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, int | float) and not isinstance(number, bool):
                _check(key, name, number)


def _check(key: str, name: str, number: float) -> None:
    if name in OTHERS:
        check_range(key, number, *OTHERS[name])
    elif name in ONE_OR_MORE:
        check_range(key, number, 1, LARGEST)
    elif name in BELOW_ONE and not 0 <= number < 1:
        raise InputError(f"{key}: {number} must be at least 0 and below 1")
