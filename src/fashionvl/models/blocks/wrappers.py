"""State dicts taken out of what training programs put around them."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "network",
    "net",
    "weights",
    "params",
)
"""Keys under which programs store a state dict, the likeliest first; they may be nested."""

_PREFIX = re.compile(r"(module|_orig_mod|network|model)\.")
_COMPILED = "_orig_mod."
_LIGHTNING = "pytorch-lightning_version"
_OURS = "network."


def unwrapped(content: Any) -> dict[str, Tensor] | None:
    """Find the state dict in the content of a checkpoint.

    Wrappers in any nesting are opened. Prefixes that all keys share are dropped: `module.` of data-parallel
    training, `_orig_mod.` of `torch.compile` (everywhere in a key), `model.` and `network.` of Lightning
    modules. Of a checkpoint of ours, in which a task may hold more than its network, the network is taken.

    Returns:
        Tensors by name, or None where there is no state dict.
    """
    state = _found(content)
    if state is None:
        return None
    if isinstance(content, Mapping) and _LIGHTNING in content:
        named = {key.replace(_COMPILED, ""): value for key, value in state.items()}
        state = {key: value for key, value in named.items() if key.startswith(_OURS)} or state
    return _without_prefixes(state)


def _found(content: Any) -> dict[str, Tensor] | None:
    if not isinstance(content, Mapping):
        return None
    if all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
        return dict(content) or None
    for key in WRAPPERS:
        found = _found(content.get(key))
        if found is not None:
            return found
    return None


def _without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {key.replace(_COMPILED, ""): value for key, value in state.items()}
    while found and (prefix := _PREFIX.match(next(iter(found)))):
        if not all(key.startswith(prefix[0]) for key in found):
            break
        found = {key.removeprefix(prefix[0]): value for key, value in found.items()}
    return found
