"""Measures: one asset for each, its observations summed for the plans of the run.

Here belongs what a measure looks like in Dagster. The queries stand in `sql/`, running them is maalopfyldelse.measures'. A run
materialises the scans that its plans' rows need of the measure; they are kept in the home's store and found there by the
fulfilment, so a scan is run once.
"""

import dagster as dg

from maalopfyldelse.declared import Declared
from maalopfyldelse.errors import CallerError
from maalopfyldelse.query import OBSERVATION_COLUMNS, Measure
from maalopfyldelse.work import Work

from .step import AS_OF, EDITIONS, EXTRACTS, FULFILMENT, MEASURES, PLAN_TAG, key, moment, shown, table_schema, work_of


def measure_assets(declared: Declared, plans: dict[str, set[str]]) -> list[dg.AssetsDefinition]:
    """One asset a measure, in the order of their names. `plans` gives the measures that each plan names."""
    return [
        _asset(m, declared, {p for p, names in plans.items() if name in names}) for name, m in sorted(declared.measures.items())
    ]


def _asset(measure: Measure, declared: Declared, plans: set[str]) -> dg.AssetsDefinition:
    header = measure.header
    reads = sorted(measure.reads)

    @dg.asset(
        key=key(MEASURES, measure.name),
        group_name=MEASURES,
        partitions_def=AS_OF,
        deps=[key(EXTRACTS, e.extract) for table in reads for e in declared.extracts_of(table)],
        kinds={"sql", "duckdb"},
        owners=["team:Analysis"],
        description=f"{header.summary}\n\nNumerator: {header.numerator}\n\nDenominator: {header.denominator}",
        metadata={
            "dagster/column_schema": table_schema(
                [(n, c.type, c.comment, c.null_group == "forbidden") for n, c in header.columns.items()]
                + [(n, kind, comment, n != "reason") for n, (kind, comment) in OBSERVATION_COLUMNS.items()]
            ),
            "query": f"sql/{measure.path.name}",
            "reads": ", ".join(reads),
            "options": "; ".join(f"{n}: {', '.join(words)}" for n, words in header.options.items()) or "none",
        },
        required_resource_keys={"work"},
    )
    def measure_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        with work_of(context) as work:
            as_of, known_at = moment(context, work)
            scanned = [
                scan for plan in _plans_of_run(context, work, plans) for scan in work.scanned(measure.name, plan, as_of, known_at)
            ]
        return dg.MaterializeResult(
            metadata=shown(
                {
                    "dagster/row_count": sum(c.observations for s in scanned for c in s.cells),
                    "scans": len(scanned),
                    "readings": sum(len({c.reading_id for c in s.cells}) for s in scanned),
                    "leading_rows": sum(s.leading_rows for s in scanned),
                    "windows": "; ".join(sorted({f"after {s.scan.days.after} to {s.scan.days.to}" for s in scanned})) or None,
                    "known_at": known_at,
                }
            )
        )

    return measure_asset


def _plans_of_run(context: dg.AssetExecutionContext, work: Work, plans: set[str]) -> list[str]:
    """The plans that the run is about and that name the measure: its tag, else the plans whose assets were selected with it,
    else all whose contract holds the date."""
    if tagged := context.run.tags.get(PLAN_TAG):
        return sorted(plans & {tagged})
    selected = {k.path[1] for k in context.run.asset_selection or () if k.path[0] in (FULFILMENT, EDITIONS)}
    if selected & plans:
        return sorted(selected & plans)
    return sorted(plan for plan in plans if _holds(work, plan, context.partition_key))


def _holds(work: Work, plan: str, as_of: str) -> bool:
    from maalopfyldelse.dates import parse_date

    try:
        work.plan(plan).require_date(parse_date(as_of))
    except CallerError:
        return False
    return True
