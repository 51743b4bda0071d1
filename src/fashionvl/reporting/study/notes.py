"""Caveats to read before believing a number."""

from fashionvl.reporting import metrics
from fashionvl.reporting.own_captions import own_caption_notes
from fashionvl.reporting.recomputed import RESAMPLES
from fashionvl.reporting.study.claims import ASSUMPTIONS
from fashionvl.reporting.study.records import Claim, StageRun, StudyReport


def notes(studies: list[StudyReport], claims: list[Claim], measured: bool) -> list[str]:
    """In sentences, those that apply.

    Args:
        studies: of the report.
        claims: of the papers.
        measured: whether any run has numbers.
    """
    if not measured:
        return ["Nothing has run yet: every number below is the paper's.", *(ASSUMPTIONS if claims else ())]
    return [
        *_method(studies),
        *_data(studies),
        *_candidates(studies),
        *_sources(studies),
        *(ASSUMPTIONS if claims else ()),
    ]


def _method(studies: list[StudyReport]) -> list[str]:
    found = [
        (
            "Intervals are 95 % and hold for new queries and new training seeds: both vary at random "
            f"(Obuchowski and Rockette 1995, degrees of freedom of Hillis 2007; {RESAMPLES:,} resamples "
            "of the queries). A difference is paired: same queries, same seeds."
        ),
        (
            "A difference counts as real when its p-value is below 0.05 after Holm's correction over the "
            "columns of its study. Nothing is corrected over metrics or studies: of many true zeros some "
            "still look real."
        ),
    ]
    if any(metric.detectable is not None for study in studies for metric in study.metrics):
        found.append(
            "The smallest difference that would be seen is the standard error of the difference times the "
            "sum of Student's t at 0.975 and at 0.8, with the degrees of freedom of the interval (Bloom "
            "1995): a true difference of this size is found in about 80 % of such comparisons, before Holm's "
            "correction, which asks for more. Each column has its own, tables give the median over the "
            "columns; from two or three seeds it is uncertain itself."
        )
    judged = [found for study in studies for column in study.columns for found in column.verdicts.values()]
    if any(found.excluded for found in judged):
        found.append(
            "No difference seen is not the same as no difference: what is excluded is a difference beyond "
            "the farther end of its 95 % interval."
        )
    if any(found.kind == "not comparable" for found in judged):
        found.append(
            "PSNR of hidden pixels is compared only where both runs hid the same pixels: how much is hidden, "
            "and in which pattern, decides how hard it is."
        )
    seeds = {seed for study in studies for column in study.columns for seed in _tested(column.runs)}
    if any(len(study.seeds) == 1 for study in studies) or len(seeds) == 1:
        found.append(
            "With one seed, intervals know nothing of how much training varies: a real difference is one of "
            "two runs, and may be luck of the seed."
        )
    return found


def _tested(runs: list[StageRun]) -> list[int]:
    return [run.seed for run in runs if run.state == "done"]


def _data(studies: list[StudyReport]) -> list[str]:
    found = [
        f"{run.path} saw a part of its data only ({run.limited})."
        for study in studies
        for column in study.columns
        for run in column.runs
        if run.limited
    ]
    of_products = [
        metric
        for study in studies
        for metric in study.metrics
        if metrics.protocol(metrics.parts(metric.key)[0]).item_id == "id"
    ]
    if any(metric.n is not None and metric.clusters is None for metric in of_products):
        found.append(
            "Some test did not keep product ids: photographs are resampled there as if each were a product "
            "of its own, and the intervals are too narrow."
        )
    return found


def _candidates(studies: list[StudyReport]) -> list[str]:
    """Own captions among the negatives, which are the same for every run of a report."""
    own: dict[str, float] = {}
    for study in studies:
        for column in study.columns:
            for run in column.runs:
                own |= run.own_captions
    return own_caption_notes(own)


def _sources(studies: list[StudyReport]) -> list[str]:
    """Code or packages that are not the same for every run."""
    runs = [
        run for study in studies for column in study.columns for run in column.runs if run.state == "done"
    ]
    found = []
    commits = dict.fromkeys(run.commit for run in runs if run.commit)
    if len(commits) > 1:
        found.append(f"The runs come from {len(commits)} versions of the code: {', '.join(commits)}.")
    for package in dict.fromkeys(name for run in runs for name in run.versions):
        versions = dict.fromkeys(run.versions[package] for run in runs if package in run.versions)
        if len(versions) > 1:
            found.append(f"The runs used different versions of {package}: {', '.join(versions)}.")
    return found
