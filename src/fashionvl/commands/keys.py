"""Misspelt keys of configurations, found from the classes' source without importing them."""

from collections import defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise

from fashionvl.commands.configurations import Given
from fashionvl.commands.signatures import Signature, method_parameters, signature_of
from fashionvl.errors import InputError

COMMANDS = ("fit", "validate", "test", "predict")

OPTIONS = ("name", "scale", "run_dir", "then_test", "when_changed", "wandb", "study", "column", "stage")
"""Top-level keys that the suite adds to Lightning's."""

SECTIONS = ("config", "print_config", "help", "seed_everything", "trainer", "model", "data")
CLASS = ("class_path", "init_args", "dict_kwargs", "help")
TRAINER = ("lightning", "pytorch/trainer/trainer.py", "Trainer")
OBJECTS = frozenset({"model", "train_dataloaders", "val_dataloaders", "dataloaders", "datamodule"})
"""Parameters of the trainer's methods that are built from sections, and are no keys."""


def of_command_line(words: list[str]) -> list[Given]:
    """Return the keys that the `--KEY VALUE` and `--KEY=VALUE` of a command line set."""
    given = []
    for word, following in pairwise([*words, ""]):
        key, equals, value = word.partition("=")
        if key.startswith("--") and len(key) > 2:
            path = tuple(key[2:].removesuffix("+").split("."))
            given.append(Given(path, value if equals else following, "command line"))
    return given


def asks_only(words: list[str]) -> bool:
    """Return whether a command line asks for help or for its configuration, and runs nothing."""
    asks = ("-h", "--help", "--print_config")
    return any(word.partition("=")[0].startswith(asks) for word in words)


def require_model(words: list[str], given: Iterable[Given]) -> None:
    """Refuse a command line of Lightning's that configures no model.

    Raises:
        InputError: naming a recipe to give.
    """
    if not asks_only(words) and not any(key.path[0] == "model" for key in given):
        raise InputError(f"{words[0]}: no model; give a recipe, such as --config mvlt/pretrain.yaml")


def check_keys(command: str, given: Iterable[Given]) -> None:
    """Refuse a key that no class has; what cannot be known without importing is left to the parser.

    Args:
        command: of Lightning, such as `fit`.
        given: keys of the files, then of the command line.

    Raises:
        InputError: naming the key, where it stands, and the nearest that there is.
    """
    keys = list(given)
    classes = _classes(keys)
    for key in keys:
        allowed = _top(command)
        for depth, name in enumerate(key.path):
            if allowed is None:
                break
            if name not in allowed:
                raise InputError(_complaint(key, depth, allowed))
            allowed = _inside(key.path[: depth + 1], classes)


def _top(command: str) -> tuple[str, ...] | None:
    found = method_parameters(*TRAINER, command)
    return (*SECTIONS, *OPTIONS, *(name for name in found if name not in OBJECTS)) if found else None


Classes = dict[tuple[str, ...], set[str | None]]


def _classes(keys: list[Given]) -> Classes:
    """Class paths by place; with them whatever else is given in their stead, such as a short class name."""
    classes: Classes = defaultdict(set)
    instead: Classes = defaultdict(set)
    for key in keys:
        if key.path[-1] == "class_path":
            classes[_short(key.path[:-1])].add(key.value)
        elif key.value and key.value != "null":
            instead[_short(key.path)].add(key.value)
    return {place: given | instead.get(place, set()) for place, given in classes.items()}


def _short(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in path if name != "init_args")


def _inside(path: tuple[str, ...], classes: Classes) -> tuple[str, ...] | None:
    """Return the names that may follow a place; None where they cannot be known."""
    if path == ("trainer",):
        return method_parameters(*TRAINER, "__init__") or None
    if path[0] not in ("model", "data"):
        return None
    if path[-1] in ("class_path", "dict_kwargs", "help"):
        return None
    found = _signatures(_short(path), classes)
    if found is None:
        return None
    names = tuple(name for signature in found for name in signature.parameters)
    return names if path[-1] == "init_args" else (*names, *CLASS)


def _signatures(path: tuple[str, ...], classes: Classes) -> list[Signature] | None:
    if given := classes.get(path):
        found = [signature_of(name) if name else None for name in given]
    elif len(path) == 1:
        return None
    else:
        outer = _signatures(path[:-1], classes)
        found = [it.record(path[-1]) for it in outer or () if path[-1] in it.parameters]
    known = [signature for signature in found if signature is not None]
    return known if known and len(known) == len(found) else None


def _complaint(key: Given, depth: int, allowed: tuple[str, ...]) -> str:
    shown = ".".join(key.path[: depth + 1])
    names = sorted({name for name in allowed if name not in ("help", "print_config")})
    near = get_close_matches(key.path[depth], names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    return f"{key.where}: no key {shown}; {hint}"
