"""Editions: one asset a plan, its published fulfilment at a reporting date.

Here belongs what an edition looks like in Dagster. What it contains and how it is published in one step is
maalopfyldelse.edition's; it refuses by itself when a delivery it depends on does not hold.
"""

from collections.abc import Iterable

import dagster as dg

from maalopfyldelse.plan import Plan

from .step import AS_OF, EDITIONS, FULFILMENT, REASON_TAG, key, moment, shown, work_of


def edition_assets(plans: Iterable[Plan]) -> list[dg.AssetsDefinition]:
    """One asset a plan, in the order of their ids."""
    return [_asset(plan) for plan in sorted(plans, key=lambda p: p.plan)]


def _asset(plan: Plan) -> dg.AssetsDefinition:
    @dg.asset(
        key=key(EDITIONS, plan.plan),
        group_name=EDITIONS,
        partitions_def=AS_OF,
        deps=[key(FULFILMENT, plan.plan)],
        kinds={"parquet", "csv"},
        owners=[f"team:{plan.agency}"],
        description=f"Published editions of {plan.title}: immutable, numbered, complete or absent.",
        metadata={"due_days": plan.reporting.due_days, "closing_days": plan.reporting.closing_days},
        required_resource_keys={"work"},
    )
    def edition_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with work_of(context) as work:
            as_of, known_at = moment(context, work)
            published = work.publish(plan.plan, as_of, known_at, context.run.tags.get(REASON_TAG))
        return dg.MaterializeResult(
            metadata=shown(
                {
                    "dagster/row_count": len(published.lines),
                    "edition": published.number,
                    "is_new": published.is_new,
                    "known_at": known_at,
                    "reason": context.run.tags.get(REASON_TAG),
                    "folder": dg.MetadataValue.path(str(published.path)),
                }
            )
        )

    return edition_asset
