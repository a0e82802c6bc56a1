"""Extracts: one asset for each, with a check for each of its rules and one for its files.

Here belongs how an intake looks in Dagster. What intake and rules do is maalopfyldelse.intake's and expectations.py's; what
the rules say stands in `expectations/`. A critical rule is a blocking check of severity ERROR; since a check blocks only within
one run, an edition refuses by itself.
"""

from collections.abc import Iterator

import dagster as dg

from maalopfyldelse.contract import Extract, Rule, Table
from maalopfyldelse.declared import Declared
from maalopfyldelse.work import Intaken

from .step import EXTRACTS, key, schema_of, shown, work_of

DELIVERIES = "deliveries"
_KINDS = {"csv": "csv", "xlsx": "excel", "ndjson": "json"}


def extract_assets(declared: Declared) -> list[dg.AssetsDefinition]:
    """One asset an extract, in the order of their names."""
    return [_asset(e, declared.tables[e.table]) for _, e in sorted(declared.extracts.items())]


def check_name(rule: Rule) -> str:
    """A rule's code as Dagster can name a check: no hyphens."""
    return rule.code.replace("-", "_")


def _asset(extract: Extract, table: Table) -> dg.AssetsDefinition:
    asset_key = key(EXTRACTS, extract.extract)

    @dg.asset(
        key=asset_key,
        group_name=EXTRACTS,
        kinds={"duckdb", "parquet"} | {_KINDS[layout.format.type] for layout in extract.layouts[:1]},
        owners=[f"team:{extract.supplier}"],
        description=f"{extract.summary}\n\nFills `{table.table}`: {table.comment}",
        metadata={
            "dagster/column_schema": schema_of(table),
            "table": table.table,
            "superseding": extract.superseding,
            "layouts": ", ".join(layout.id for layout in extract.layouts),
        },
        check_specs=_check_specs(extract, asset_key),
        required_resource_keys={"work"},
    )
    def extract_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        with work_of(context) as work:
            work.say(f"taking in {extract.extract}")
            intaken = work.intake(extract.extract)
        return dg.MaterializeResult(
            metadata=shown(
                {
                    "dagster/row_count": sum(d.rows_kept or 0 for d in intaken.stored),
                    "deliveries": len(intaken.stored),
                    "new_deliveries": len(intaken.new),
                    "new_rows_kept": sum(d.rows_kept or 0 for d in intaken.new),
                    "new_rows_set_aside": sum(d.rows_set_aside or 0 for d in intaken.new),
                    "latest_arrival": max((d.arrived_at for d in intaken.stored), default=None),
                }
            ),
            check_results=list(_check_results(extract, intaken)),
        )

    return extract_asset


def _check_specs(extract: Extract, asset_key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    files = dg.AssetCheckSpec(DELIVERIES, asset=asset_key, blocking=True, description="No file of this extract stands refused.")
    return [
        files,
        *(
            dg.AssetCheckSpec(
                check_name(rule),
                asset=asset_key,
                blocking=rule.severity == "critical",
                description=rule.message,
                metadata={"expectation": rule.type, "severity": rule.severity},
            )
            for rule in extract.rules
        ),
    ]


def _check_results(extract: Extract, intaken: Intaken) -> Iterator[dg.AssetCheckResult]:
    codes = {rule.code for rule in extract.rules}
    refused = [b for b in intaken.blockers if b.code not in codes]
    yield dg.AssetCheckResult(
        passed=not refused,
        check_name=DELIVERIES,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(f"{b.name} ({b.code}): {b.message}" for b in refused[:20]) or None,
        metadata={"refused": len(refused)},
    )
    for rule in extract.rules:
        failures = intaken.failures(rule)
        counts = [c.unexpected_count for c in failures if c.unexpected_count is not None]
        yield dg.AssetCheckResult(
            passed=not failures,
            check_name=check_name(rule),
            severity=dg.AssetCheckSeverity.ERROR if rule.severity == "critical" else dg.AssetCheckSeverity.WARN,
            metadata=shown(
                {
                    "deliveries": len({c.delivery_id for c in intaken.checks}),
                    "failing_deliveries": ", ".join(c.delivery_id for c in failures[:20]) or None,
                    "unexpected": sum(counts) if counts else None,
                }
            ),
        )
