"""Look once whether the Hugging Face Hub can be reached: its clients retry for a minute."""

import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from fashionvl.commands.configurations import Given

SECONDS = 3.0
"""Time limit of one attempt, name look-up included."""

KEYS = ("tokenizer", "pretrained", "pretrained_pvt", "pretrained_bert", "weights", "hub")
"""Keys whose value may be a name on the hub."""

MADE_HERE = ("null", "None", "false", "False", "wordpiece", "train", "words")


def go_offline_unless_reachable(given: Iterable[Given]) -> None:
    """Set `HF_HUB_OFFLINE` if a configuration names something on the hub and the hub gives no answer.

    Files that were downloaded before are still found in the cache. Must run before `huggingface_hub` is
    imported, which reads the variable once.

    Args:
        given: keys of the files, then of the command line; the last value of a key counts.
    """
    if "HF_HUB_OFFLINE" not in os.environ and hub_names(given) and not reachable():
        os.environ["HF_HUB_OFFLINE"] = "1"


def hub_names(given: Iterable[Given]) -> list[str]:
    """Values that are neither made here nor a path that exists."""
    last = {key.path: key.value for key in given if key.path[-1] in KEYS}
    values = [value for value in last.values() if value and value not in MADE_HERE]
    return [value for value in values if ":" not in value and not Path(value).exists()]


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
