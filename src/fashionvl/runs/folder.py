"""A run is a folder of plain files: `config.yaml`, `metrics.json`, `metrics.csv`, arrays, checkpoints."""

import datetime
import json
import time
from pathlib import Path
from typing import Any, Literal

import yaml

from fashionvl.configuration import ABSENT, differing, plain, read_yaml, within
from fashionvl.errors import InputError
from fashionvl.files.whole import written_whole
from fashionvl.runs.claim import claim_of, contents, decisive, places
from fashionvl.runs.layout import SCHEMA, WRITTEN
from fashionvl.runs.lock import RunLock
from fashionvl.runs.not_finite import encoded
from fashionvl.runs.reading import read_run

CLAIM_WAIT_SECONDS = 120
"""Seconds the other processes of a distributed run wait for the first one to claim the folder."""

WhenChanged = Literal["refuse", "set_aside"]


class RunFolder:
    """One stage of one variant: `fit` and `test` write here, and nothing else is needed to read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.lock = RunLock(path)

    @property
    def last_checkpoint(self) -> Path:
        """Checkpoint from which an interrupted run continues."""
        return self.checkpoints / "last.ckpt"

    @property
    def model(self) -> Path:
        """The trained network, as `save_pretrained` wrote it."""
        return self.path / "model"

    @property
    def _claim(self) -> Path:
        return self.path / "claim.json"

    def claim(self, config: dict[str, Any], when_changed: WhenChanged = "refuse") -> None:
        """Write `config.yaml` and `claim.json`, or check that the run that is there has the same ones.

        The claim holds the hash of the configuration, the hashes of the weights it starts from, and later the
        data's fingerprint. A folder with a configuration and nothing else, left by a run that failed before
        its first checkpoint, is taken over.

        Args:
            config: the resolved configuration.
            when_changed: what to do with a run of another configuration or of other starting weights: refuse
                to continue, or keep it beside this one as `NAME.HASH` and start afresh.

        Raises:
            InputError: the folder holds a run of another configuration (the differing keys are named), or
            files that are not a run's.
        """
        claimed = claim_of(config)
        if self._begun:
            try:
                self._check_all(config, claimed)
                return
            except InputError:
                if when_changed == "refuse":
                    raise
            self._set_aside()
        elif not self._claimed():
            self._refuse_foreign()
        # The claim first: it says that everything else is ours.
        _write_text(self._claim, json.dumps(claimed, indent=1) + "\n")
        _write_text(self.path / "config.yaml", yaml.safe_dump(plain(config), sort_keys=False))

    def _refuse_foreign(self) -> None:
        for name in WRITTEN:
            if (self.path / name).exists():
                raise InputError(
                    f"{self.path}: is no run folder (no claim.json), but holds a {name} that a run would "
                    "replace; choose another --run_dir"
                )

    def await_claim(self, config: dict[str, Any]) -> None:
        """Wait, in the other processes of a distributed run, until the first one has claimed the folder.

        Raises:
            InputError: it did not within two minutes.
        """
        expected = claim_of(config)
        deadline = time.monotonic() + CLAIM_WAIT_SECONDS
        while time.monotonic() < deadline:
            if self._is_claimed(config, expected):
                return
            time.sleep(0.1)
        raise InputError(
            f"{self.path}: not claimed by the first process of this run; all processes need one file system"
        )

    def _is_claimed(self, config: dict[str, Any], expected: dict[str, Any]) -> bool:
        if not self._begun:
            found = self._claimed()
            return {key: found.get(key) for key in expected} == expected
        try:
            self._check_all(config, expected)
        except InputError:
            return False
        return True

    @property
    def _begun(self) -> bool:
        """Return whether the folder holds results that a new run would lose."""
        return self.last_checkpoint.exists() or (self.path / "metrics.json").exists()

    def _check_all(self, config: dict[str, Any], claimed: dict[str, Any]) -> None:
        self.check(config)
        before, now = self._claimed().get("weights", {}), claimed["weights"]
        # What an earlier version did not note is compared by its path.
        for key in differing(before, {key: now.get(key, ABSENT) for key in before}):
            raise InputError(
                f"{self.path}: holds a run that started from other weights ({key} has changed since); "
                "delete the folder or pass --when_changed set_aside"
            )

    def check(self, config: dict[str, Any], sections: tuple[str, ...] = ()) -> None:
        """Compare a configuration with the run's, in some sections or in all.

        Raises:
            InputError: they differ; the differing keys are named.
        """
        file = self.path / "config.yaml"
        same = self._same_content(config)
        before, now = decisive(read_yaml(file) if file.exists() else config, same), decisive(config, same)
        if sections:
            before, now = (
                {key: value for key, value in one.items() if within(key, sections)} for one in (before, now)
            )
        changed = [
            f"{key} was {before.get(key, ABSENT)}, is {now.get(key, ABSENT)}"
            for key in differing(before, now)
        ]
        if changed:
            raise InputError(
                f"{self.path}: holds a run of another configuration ({'; '.join(changed[:5])}); "
                "choose another --run_dir, delete the folder, or pass --when_changed set_aside"
            )

    def _same_content(self, config: dict[str, Any]) -> set[str]:
        """Keys whose files are, by content, those that the run started from, wherever they lie now."""
        before = self._claimed().get("weights", {})
        return {
            key
            for key, parts in contents(config).items()
            if all(before.get(f"{key}{part}") == digest for part, digest in parts.items())
        }

    def data_moved(self, config: dict[str, Any]) -> bool:
        """Return whether the data lie elsewhere than when the run began; they may still be the same."""
        file = self.path / "config.yaml"
        return file.exists() and places(read_yaml(file)) != places(config)

    def check_data(self, fingerprint: str, learns: bool = True) -> None:
        """Remember the data a run learns from, or check that they are still the same.

        Args:
            fingerprint: of the data.
            learns: whether the run learns from them; one that only reads a finished run claims nothing.

        Raises:
            InputError: the folder's run has seen other data.
        """
        claimed = self._claimed()
        if claimed.get("data", fingerprint) != fingerprint and (self._begun or not learns):
            raise InputError(
                f"{self.path}: holds a run on other data (fingerprint {claimed['data'][:16]}, now "
                f"{fingerprint[:16]}); choose another --run_dir or delete the folder"
            )
        if learns:
            _write_text(self._claim, json.dumps({**claimed, "data": fingerprint}, indent=1) + "\n")

    def _claimed(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._claim.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _set_aside(self) -> None:
        """A run never loses what it has computed."""
        mark = str(self._claimed().get("config", "earlier"))[:8]
        place = self.path.with_name(f"{self.path.name}.{mark}")
        number = 1
        while place.exists():
            number += 1
            place = self.path.with_name(f"{self.path.name}.{mark}-{number}")
        self.path.rename(place)
        self.lock.follow(place)

    def failed(self, stage: str, error: BaseException) -> None:
        """Leave `failed.json` in a claimed folder, so that a report can say why there are no numbers."""
        if not self.path.is_dir():
            return
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        facts = {"stage": stage, "error": reason[:500], "when": when}
        _write_text(self.path / "failed.json", json.dumps(facts, indent=1) + "\n")

    def retry(self) -> None:
        """Forget an earlier failure."""
        (self.path / "failed.json").unlink(missing_ok=True)

    def metrics(self) -> dict[str, Any]:
        """Return `metrics.json`, or an empty record.

        Raises:
            InputError: as `read_run`.
        """
        return read_run(self.path).record or {"schema": SCHEMA}

    def finished(self, stage: str) -> bool:
        """Return whether `fit` or `test` has been recorded."""
        return stage in self.metrics()

    def record(self, **sections: Any) -> None:
        """Add sections to `metrics.json`; the file is replaced in one step.

        A number that is not finite is null there, and named under `not_finite`.
        """
        claimed = self._claimed()
        hashed = {"config_hash": claimed["config"]} if "config" in claimed else {}
        merged = {**self.metrics(), **sections, **hashed}
        _write_text(self.path / "metrics.json", json.dumps(encoded(merged), indent=1, allow_nan=False) + "\n")


def _write_text(file: Path, text: str) -> None:
    with written_whole(file) as stream:
        stream.write(text.encode())
