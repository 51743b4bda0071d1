"""Opening a W&B run for a run folder: without a prompt, without a long wait, under the same id each time."""

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from fashionvl.runs.provenance import provenance
from fashionvl.training.wandb import PROJECT

INIT_SECONDS = 20
"""Seconds a server may take to answer before the run goes on without W&B."""

FINISH_SECONDS = 60
"""Seconds the end of a run waits for uploads; the rest stays on disk for `wandb sync`."""


def say(line: str) -> None:
    """One line about W&B on standard error."""
    print(f"W&B: {' '.join(line.split())}", file=sys.stderr)  # noqa: T201


def open_run(folder: Path, mode: str, identity: dict[str, Any], config: dict[str, Any]) -> Any:
    """A new W&B run, or the one that this run folder had before.

    Args:
        folder: the run folder; W&B's own files go to `wandb/` in it.
        mode: `online` or `offline`; WANDB_MODE wins where it is set. Online without an API key is offline.
        identity: `name, scale, study, column, stage, seed` of the run.
        config: the resolved configuration.

    Raises:
        Exception: whatever W&B raises; the caller goes on without it.
    """
    import wandb

    quiet = wandb.Settings(silent=True)
    wandb.setup(settings=quiet)
    mode = os.environ.get("WANDB_MODE") or mode
    if mode == "online" and not wandb.login(prompt=False, verify=False):
        say("no API key, so this run is logged offline; `wandb login` stores one")
        mode = "offline"
    in_sweep = "WANDB_SWEEP_ID" in os.environ
    run = wandb.init(
        mode=mode,  # type: ignore[arg-type]
        project=os.environ.get("WANDB_PROJECT") or PROJECT,
        id=run_id(folder),
        resume="allow",
        dir=str(folder),
        # The runs of a sweep are told apart by the names W&B finds for them.
        name=None if in_sweep else f"{identity['name']} seed{identity['seed']}",
        group=identity["study"] or str(identity["name"]).split("/")[0],
        job_type=identity["stage"] or None,
        tags=[tag for tag in (identity["column"], identity["scale"]) if tag],
        config={**config, "seed": identity["seed"], "commit": provenance()["commit"]},
        settings=wandb.Settings(
            silent=True,
            init_timeout=INIT_SECONDS,
            finish_timeout=FINISH_SECONDS,
            finish_timeout_raises=True,
            console="off",
            reinit="create_new",
        ),
    )
    run.define_metric("trainer/global_step")
    run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
    _remember(folder, run, mode)
    say(run.url or f"{mode}; `wandb sync {folder}/wandb/offline-run-*` uploads it")
    return run


def run_id(folder: Path) -> str:
    """The id that a sweep agent or the user set, else the folder's own from `wandb.json`, else a new one."""
    return os.environ.get("WANDB_RUN_ID") or _remembered(folder) or secrets.token_hex(4)


def _remembered(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "wandb.json").read_text())["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(folder: Path, run: Any, mode: str) -> None:
    facts = {"id": run.id, "project": run.project, "entity": run.entity, "url": run.url, "mode": mode}
    (folder / "wandb.json").write_text(json.dumps(facts, indent=1) + "\n")
