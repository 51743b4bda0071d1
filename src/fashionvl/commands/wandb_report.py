"""`fashionvl wandb-report`: studies in, a W&B report that compares their columns out."""

import json
import os
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from fashionvl.errors import InputError
from fashionvl.files.ours import check_own
from fashionvl.studies.study import FOLDER, Study, read_study
from fashionvl.training.wandb import PROJECT
from fashionvl.training.wandb.comparison import Selection, comparison

KIND = "W&B report by `fashionvl wandb-report`"
SIGNATURE = f'{{\n "kind": "{KIND}"'
"""First characters of a specification that this command wrote to a file."""


def main(arguments: list[str]) -> None:
    """Parse the command line, then save the report or write its specification.

    Raises:
        InputError: there is no such study or scale, the extra is not installed, or W&B refused.
    """
    given = _parser().parse_args(arguments)
    studies = [read_study(name, given.folder) for name in given.studies]
    seeds = tuple(given.seeds) if given.seeds else None
    selection = Selection(given.scale, seeds, given.project, given.entity)
    if given.out:
        check_own(given.out, SIGNATURE)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(specification(comparison(studies, selection)), encoding="utf-8")
    else:
        print(save(studies, selection))  # noqa: T201


def specification(report: Any) -> str:
    """The report as the JSON that W&B stores."""
    # The library has no public way to see this without saving; its own `save` sends the same.
    model = report._to_model()
    spec = model.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    facts = {"title": model.display_name, "description": model.description, "project": report.project}
    return json.dumps({"kind": KIND, **facts, "spec": spec}, indent=1) + "\n"


def save(studies: list[Study], selection: Selection) -> str:
    """Save the report to W&B.

    Returns:
        Its address.

    Raises:
        InputError: nobody is logged in, or W&B did not take it.
    """
    comparison(studies, selection)  # What is wrong with the studies is said before anything of W&B's.
    import wandb

    try:
        if not wandb.login(prompt=False, verify=False):
            raise InputError(
                "wandb-report: not logged in to W&B; run `wandb login`, or write a file with --out"
            )
        entity = selection.entity or wandb.Api().default_entity
        return str(comparison(studies, replace(selection, entity=entity)).save().url)
    except InputError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(
            f"wandb-report: W&B did not take the report ({reason}); --out writes it to a file"
        ) from error


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="fashionvl wandb-report", description="A W&B report that compares the columns of studies."
    )
    parser.add_argument("studies", nargs="+", metavar="STUDY", help="folder name of a study")
    parser.add_argument("--scale", default="laptop", help="of the runs: smoke, laptop, gpu, paper")
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="default: every seed there is")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of the studies")
    parser.add_argument("--project", default=os.environ.get("WANDB_PROJECT") or PROJECT, help="of W&B")
    parser.add_argument(
        "--entity", default=os.environ.get("WANDB_ENTITY", ""), help="user or team of W&B; default: your own"
    )
    parser.add_argument("--out", type=Path, help="write the report as JSON to this file, save nothing to W&B")
    return parser
