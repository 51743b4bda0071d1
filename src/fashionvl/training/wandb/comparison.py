"""A W&B report that sets the columns of studies side by side; needs the extra `wandb-report`."""

from dataclasses import dataclass
from typing import Any

from fashionvl.errors import InputError
from fashionvl.reporting import metrics
from fashionvl.studies.recipe import Stage
from fashionvl.studies.study import PARENT, Column, Study


@dataclass(frozen=True)
class Shown:
    """Curves and pictures of a stage.

    Attributes:
        curves: logged while training.
        pictures: pages of test examples.
    """

    curves: tuple[str, ...]
    pictures: tuple[str, ...]


SHOWN = {
    "pretrain": Shown(
        ("train/loss_epoch", "dev/loss", "dev/itm", "dev/mlm", "dev/mir"),
        ("examples/mig", "examples/tir", "examples/itr"),
    ),
    "recognition": Shown(
        ("train/loss_epoch", "dev/loss"),
        ("examples/recognition",),
    ),
}
"""By stage; stages not named have nothing to compare."""


@dataclass(frozen=True)
class Selection:
    """Selection of the runs that a report is about.

    Attributes:
        scale: of the runs.
        seeds: None for every seed there is.
        project: of W&B.
        entity: user or team of W&B; empty where nothing is saved.
    """

    scale: str
    seeds: tuple[int, ...] | None
    project: str
    entity: str = ""


def comparison(studies: list[Study], selection: Selection) -> Any:
    """A `wandb_workspaces` report, not saved: a heading, the question and the panels of each study.

    Each column is a run set, grouped over its seeds: lines and bars are means, with the standard deviation.

    Raises:
        InputError: the extra is not installed, or a recipe does not have the scale.
    """
    reports = report_library()
    blocks: list[Any] = [reports.TableOfContents()]
    for study in studies:
        blocks += [reports.H1(study.title), reports.P(study.question), reports.P(_columns(study))]
        for stage in study.recipe.at(selection.scale):
            if stage.name in SHOWN:
                blocks += [reports.H2(stage.name), _grid(reports, study, stage, selection)]
    return reports.Report(
        project=selection.project,
        entity=selection.entity,
        title=", ".join(study.title for study in studies)[:128],
        description=f"{selection.scale} scale. Intervals and paired tests are in `fashionvl report`.",
        blocks=blocks,
        width="fluid",
    )


def report_library() -> Any:
    """`wandb_workspaces.reports.v2`.

    Raises:
        InputError: the extra is not installed.
    """
    try:
        import wandb_workspaces.reports.v2 as reports
    except ImportError as error:
        raise InputError(
            f"wandb-report: {error}; install the extra: pip install 'fashionvl[wandb-report]'"
        ) from error
    return reports


def _columns(study: Study) -> str:
    labels = "; ".join(f"{column.id}: {column.label}" for column in study.columns)
    source = f" Source: {study.source}." if study.source else ""
    return f"Columns: {labels}. Compared with {study.reference.id}.{source}"


def _grid(reports: Any, study: Study, stage: Stage, selection: Selection) -> Any:
    shown = SHOWN[stage.name]
    over_seeds = {
        "groupby": reports.Config("column"),
        "groupby_aggfunc": "mean",
        "groupby_rangefunc": "stddev",
    }
    return reports.PanelGrid(
        runsets=[_run_set(reports, study, column, stage, selection) for column in study.columns],
        panels=[
            *(
                reports.LinePlot(title=name, x="trainer/global_step", y=[name], **over_seeds)
                for name in shown.curves
            ),
            *(
                reports.BarPlot(title=f"{name}, mean over seeds", metrics=[name], **over_seeds)
                for name in _scores(stage.name)
            ),
            *(reports.MediaBrowser(title=name, media_keys=[name]) for name in shown.pictures),
        ],
    )


def _scores(stage: str) -> list[str]:
    """Final numbers of a stage's runs."""
    return [
        f"{protocol.name}/{metric.key}"
        for protocol in metrics.PROTOCOLS
        if protocol.stage == stage
        for metric in protocol.shown("wandb")
    ]


def _run_set(reports: Any, study: Study, column: Column, stage: Stage, selection: Selection) -> Any:
    from wandb_workspaces import expr

    wanted = {"study": column.home, "column": column.id, "stage": stage.name, "scale": selection.scale}
    filters = [expr.Config(key) == value for key, value in wanted.items()]
    if selection.seeds is not None:
        filters.append(expr.Config("seed").isin(list(selection.seeds)))
    reference = " (the recipe)" if column.id == PARENT else ""
    return reports.Runset(
        name=f"{column.id}: {column.label}{reference}",
        filters=filters,
        groupby=["config.column"],
    )
