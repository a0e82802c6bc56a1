"""Fulfilment: one asset a plan, its rows graded at a reporting date.

Here belongs what a fulfilment looks like in Dagster: its deps, its columns, a small preview. The counting and grading is
maalopfyldelse.fulfilment's; nothing is published here.
"""

from collections.abc import Iterable
from fractions import Fraction

import dagster as dg

from maalopfyldelse.fulfilment import Line
from maalopfyldelse.plan import Plan
from maalopfyldelse.scanning import measures_of
from maalopfyldelse.tabular import FULFILMENT as FIELDS

from .step import AS_OF, FULFILMENT, MEASURES, key, moment, shown, table_schema, work_of

PREVIEW_ROWS = 60
_PREVIEW = ("row", "level", "verdict", "value", "unit", "target", "low", "high", "reason")


def fulfilment_assets(plans: Iterable[Plan]) -> list[dg.AssetsDefinition]:
    """One asset a plan, in the order of their ids."""
    return [_asset(plan) for plan in sorted(plans, key=lambda p: p.plan)]


def _asset(plan: Plan) -> dg.AssetsDefinition:
    @dg.asset(
        key=key(FULFILMENT, plan.plan),
        group_name=FULFILMENT,
        partitions_def=AS_OF,
        deps=[key(MEASURES, name) for name in sorted(measures_of(plan))],
        kinds={"python"},
        owners=[f"team:{plan.agency}"],
        description=f"{plan.title}\n\n{plan.contract.document}. Reports at {', '.join(map(str, plan.reporting.dates))}.",
        metadata={
            "dagster/column_schema": table_schema((n, kind, comment, False) for n, kind, comment in FIELDS),
            "plan": f"plans/{plan.plan}.yaml",
            "computed_rows": sum(bool(p.row.countings) for p in plan.placed.values()),
            "rows": len(plan.placed),
        },
        required_resource_keys={"work"},
    )
    def fulfilment_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with work_of(context) as work:
            as_of, known_at = moment(context, work)
            work.say(f"grading {plan.plan} at {as_of}")
            computed = work.computed(plan.plan, as_of, known_at)
        verdicts: dict[str, int] = {}
        for line in computed.lines:
            if line.scores and line.verdict:
                verdicts[line.verdict] = verdicts.get(line.verdict, 0) + 1
        return dg.MaterializeResult(
            metadata=shown(
                {
                    "dagster/row_count": len(computed.lines),
                    "known_at": known_at,
                    "is_provisional": computed.provisional,
                    "deliveries": len(computed.deliveries),
                    **verdicts,
                    "preview": preview(computed.lines),
                }
            )
        )

    return fulfilment_asset


def preview(lines: list[Line]) -> dg.TableMetadataValue:
    """The first rows for the eye; the exact figures stand in the edition."""
    records = [dg.TableRecord({name: _plain(getattr(line, name)) for name in _PREVIEW}) for line in lines[:PREVIEW_ROWS]]
    kinds = {name: "float" if name in ("value", "target", "low", "high") else "string" for name in _PREVIEW}
    schema = dg.TableSchema(columns=[dg.TableColumn(name, type=kind) for name, kind in kinds.items()])
    return dg.MetadataValue.table(records=records, schema=schema)


def _plain(value: Fraction | str | None) -> float | str | None:
    return round(float(value), 2) if isinstance(value, Fraction) else value
