"""Look once whether the Hugging Face Hub can be reached: its clients retry for a minute."""

import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from fashionvl.commands.configurations import Given
from fashionvl.errors import InputError

SECONDS = 3.0
"""Time limit of one attempt, name look-up included."""

KEYS = ("tokenizer", "pretrained", "pretrained_pvt", "pretrained_bert", "weights", "hub")
"""Keys whose value may be a name on the hub."""

MADE_HERE = ("null", "None", "false", "False", "wordpiece", "train", "words")


REMEDIES = {
    "tokenizer": "train, for one made from the captions",
    "pretrained_pvt": "null, to start from random weights",
    "pretrained_bert": "null, to start from random weights",
}
"""Keys that are a path or a name on the hub and nothing else, with what to set instead."""


def go_offline_unless_reachable(given: Iterable[Given]) -> None:
    """Set `HF_HUB_OFFLINE` if a configuration names something on the hub and the hub gives no answer.

    Files that were downloaded before are still found in the cache. Must run before `huggingface_hub` is
    imported, which reads the variable once.

    Args:
        given: keys of the files, then of the command line; the last value of a key counts.

    Raises:
        InputError: the hub is not to be asked, and what is named on it was never downloaded.
    """
    keys = list(given)
    if "HF_HUB_OFFLINE" not in os.environ and hub_names(keys) and not reachable():
        os.environ["HF_HUB_OFFLINE"] = "1"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        _require_cached(keys)


def hub_names(given: Iterable[Given]) -> list[str]:
    """Values that are neither made here nor a path that exists."""
    last = {_short(key): key.value for key in given if key.path[-1] in KEYS}
    return [value for value in last.values() if value and _on_hub(value)]


def _short(key: Given) -> tuple[str, ...]:
    return tuple(name for name in key.path if name != "init_args")


def _on_hub(value: str | None) -> bool:
    return bool(value) and value not in MADE_HERE and ":" not in str(value) and not Path(str(value)).exists()


def _require_cached(given: list[Given]) -> None:
    """Refuse a key all of whose values are absent, so that it does not matter which of them counts."""
    asked: dict[tuple[str, ...], list[Given]] = {}
    for key in given:
        if key.path[-1] in REMEDIES:
            asked.setdefault(_short(key), []).append(key)
    for keys in asked.values():
        if all(_on_hub(key.value) and not _cached(str(key.value)) for key in keys):
            last = keys[-1]
            raise InputError(
                f"{last.where}: {'.'.join(last.path)}: {last.value} is no path and was never downloaded, and "
                f"the Hugging Face Hub cannot be reached; give a local folder, or {REMEDIES[last.path[-1]]}"
            )


def _cached(name: str) -> bool:
    """Return whether `huggingface_hub` has anything of a repository in its cache (its documented layout)."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    home = Path(os.environ.get("HF_HOME") or home)
    named = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE")
    places = [home / "hub", *(Path(os.environ[variable]) for variable in named if os.environ.get(variable))]
    return any((place.expanduser() / f"models--{name.replace('/', '--')}").exists() for place in places)


def reachable() -> bool:
    """Return whether the hub, or the proxy on the way to it, accepts a connection within seconds."""
    hub = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    proxy = getproxies().get(hub.scheme)
    target = urlsplit(proxy if proxy and "//" in proxy else f"//{proxy}") if proxy else hub
    port = target.port or (80 if target.scheme == "http" else 443)
    answered = threading.Event()

    def attempt() -> None:
        try:
            socket.create_connection((target.hostname or "", port), SECONDS).close()
        except OSError:
            return
        answered.set()

    # In a thread, because the look-up of a name knows no time limit.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return answered.is_set()
