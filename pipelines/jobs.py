"""Jobs: `intake` takes deliveries in, `edition` makes one plan's edition at one reporting date.

Here belongs which assets run together; in what order follows from their deps. https://docs.dagster.io/guides/build/jobs
"""

from __future__ import annotations

import dagster as dg

from assets import analyst, step

INTAKE, EDITION = "intake", "edition"
ANALYST_FILE = analyst.FILE


def intake_job() -> dg.JobDefinition:
    """All extracts with their checks; no partition."""
    return dg.define_asset_job(  # type: ignore[return-value]
        INTAKE,
        selection=dg.AssetSelection.groups(step.EXTRACTS),
        description="Takes in what is new in the deliveries folder and holds it against the contracts' rules.",
    )


def edition_job() -> dg.JobDefinition:
    """Measures, fulfilment and edition, then the analysts' file. A run is narrowed to one plan by `plan_assets`."""
    return dg.define_asset_job(  # type: ignore[return-value]
        EDITION,
        selection=dg.AssetSelection.groups(step.MEASURES, step.FULFILMENT, step.EDITIONS, step.ANALYST),
        partitions_def=step.AS_OF,
        description="One plan at one reporting date: select its assets, or take all plans whose contract holds the date. "
        f"Tags: {step.KNOWN_AT_TAG} (date of knowledge), {step.REASON_TAG}.",
    )


def plan_assets(plan: str, measures: set[str]) -> list[dg.AssetKey]:
    """What an edition run of one plan materialises; the analysts' file comes after the last plan."""
    return [
        *(step.key(step.MEASURES, name) for name in sorted(measures)),
        step.key(step.FULFILMENT, plan),
        step.key(step.EDITIONS, plan),
    ]
