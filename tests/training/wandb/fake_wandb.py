"""A stand-in for the `wandb` package that keeps what it is told."""

from types import ModuleType
from typing import Any

IDENTITY = {
    "name": "mask_ratio/A1/pretrain", "scale": "smoke",
    "study": "mask_ratio", "column": "A1", "stage": "pretrain", "seed": 3,
}  # fmt: skip


class FakeRun:
    """Keeps what is logged."""

    project, entity, url = "fashionvl", "someone", "https://example.org/run"

    def __init__(self, given: dict[str, Any]) -> None:
        self.given, self.id = given, given["id"]
        self.logged: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.exit_codes: list[int] = []

    def define_metric(self, name: str, **kwargs: Any) -> None:
        pass

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)

    def finish(self, exit_code: int) -> None:
        self.exit_codes.append(exit_code)


class FakeWandb(ModuleType):
    """As much of `wandb` as the suite calls."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.runs: list[FakeRun] = []
        self.logins: list[dict[str, Any]] = []
        self.logged_in = True
        self.Settings = dict

    def setup(self, settings: Any) -> None:
        pass

    def login(self, **kwargs: Any) -> bool:
        self.logins.append(kwargs)
        return self.logged_in

    def init(self, **kwargs: Any) -> FakeRun:
        self.runs.append(FakeRun(kwargs))
        return self.runs[-1]

    def Image(self, picture: Any) -> Any:  # noqa: N802 - the package's name for it
        return picture
