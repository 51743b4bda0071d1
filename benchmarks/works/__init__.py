"""Works to measure: each module offers `build(setting) -> list[Work]`, and is named here."""

from importlib import import_module

from benchmarks.measure import Work
from benchmarks.setting import Setting

WORKS = ("mvlt_step", "mvlt_retrieval", "kaleido_step", "features", "loader", "index")


def build(name: str, setting: Setting) -> list[Work]:
    """The works of one module; whatever they need is made here, outside the clock.

    Raises:
        ValueError: there is no such module.
    """
    if name not in WORKS:
        raise ValueError(f"{name!r} is no work; there are {', '.join(WORKS)}")
    works: list[Work] = import_module(f"benchmarks.works.{name}").build(setting)
    return works
