"""Queries that meet their own caption among their negatives, where the match cannot be told from the rest."""

from collections.abc import Mapping

from fashionvl.reporting import metrics
from fashionvl.runs.reading import Run


def own_caption_share(run: Run, protocol: str) -> float | None:
    """Share of the queries of a protocol's candidate lists, in percent; None where it was not counted."""
    facts = run.section("candidates").get(protocol, {})
    met = facts.get("own_caption", {}).get("queries")
    queries = facts.get("queries", run.test.get(f"{protocol}/n"))
    return 100 * met / queries if met is not None and queries else None


def own_caption_notes(shares: Mapping[str, float | None]) -> list[str]:
    """A sentence on the protocols whose queries meet their own caption; none where no query does.

    Args:
        shares: in percent, by protocol.
    """
    found = {metrics.protocol(name).task: share for name, share in shares.items() if share}
    if not found:
        return []
    said = ", ".join(f"{share:.1f} % of the queries of {task}" for task, share in found.items())
    return [
        (
            f"{said} have a negative with their own caption, which counts as wrong although nothing tells it "
            "from the match; data.init_args.retrieval.distinct_captions keeps such negatives out."
        )
    ]
