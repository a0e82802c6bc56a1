"""The analysts' file: one asset, `analyst.duckdb`, swapped in whole.

Here belongs its place in the graph: it holds all editions and the current rows, so it has no partition and follows every
edition. What stands in it is maalopfyldelse.analyst's.
"""

from collections.abc import Iterable

import dagster as dg

from maalopfyldelse.dates import parse_instant
from maalopfyldelse.plan import Plan

from .step import ANALYST, EDITIONS, KNOWN_AT_TAG, key, shown, work_of

FILE = key(ANALYST, "analyst_file")


def analyst_asset(plans: Iterable[Plan]) -> dg.AssetsDefinition:
    """The file, after the editions of all plans."""

    @dg.asset(
        key=FILE,
        group_name=ANALYST,
        deps=[key(EDITIONS, plan.plan) for plan in sorted(plans, key=lambda p: p.plan)],
        kinds={"duckdb"},
        owners=["team:Analysis"],
        description="All editions, current rows and observations in one read-only DuckDB file, documented column by column.",
        required_resource_keys={"work"},
    )
    def analyst_file(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with work_of(context) as work:
            given = context.run.tags.get(KNOWN_AT_TAG)
            known_at = parse_instant(given) if given else work.known_at()
            is_new = work.publish_analyst(known_at)
            size = work.home.analyst.stat().st_size
        return dg.MaterializeResult(
            metadata=shown(
                {"is_new": is_new, "bytes": size, "known_at": known_at, "file": dg.MetadataValue.path(str(work.home.analyst))}
            )
        )

    return analyst_file
