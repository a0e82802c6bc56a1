"""Schedules: the 10th after each quarter, at 06:00 Danish time.

Here belongs which plans a tick takes. Written by hand: a schedule built from the partitions would tick the instant a quarter ends,
before the files are there. https://docs.dagster.io/guides/automate/schedules
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import dagster as dg

from assets.step import PLAN_TAG
from maalopfyldelse.dates import add_months, danish_date
from maalopfyldelse.plan import Plan
from maalopfyldelse.scanning import measures_of

from . import partitions
from .jobs import ANALYST_FILE, EDITION, INTAKE, plan_assets

DAY = 10
ZONE = "Europe/Copenhagen"


def reporting(plans: Sequence[Plan]) -> list[dg.ScheduleDefinition]:
    """The intake at 05:00, so that the editions at 06:00 know what has arrived."""

    @dg.schedule(
        name="edition_after_quarter",
        job_name=EDITION,
        cron_schedule=f"0 6 {DAY} 1,4,7,10 *",
        execution_timezone=ZONE,
        description="An edition of each plan whose reporting date has come since the last tick.",
    )
    def edition_after_quarter(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        today = danish_date(context.scheduled_execution_time)
        taken = list(due(plans, today))
        if not taken:
            since = add_months(today, -3)
            coming = sorted(d for plan in plans for d in plan.reporting.dates if d > today)
            then = f" The next is {coming[0]}." if coming else ""
            yield dg.SkipReason(f"No plan has a reporting date from {since} to {today - timedelta(days=1)}.{then}")
        for plan, as_of in taken:
            yield dg.RunRequest(
                run_key=f"{plan.plan}:{as_of}",
                partition_key=partitions.add(context.instance, as_of),
                asset_selection=[*plan_assets(plan.plan, measures_of(plan)), ANALYST_FILE],
                tags={PLAN_TAG: plan.plan, "maal/due": (as_of + timedelta(days=plan.reporting.due_days)).isoformat()},
            )

    intake_before = dg.ScheduleDefinition(
        name="intake_before_editions",
        job_name=INTAKE,
        cron_schedule=f"0 5 {DAY} 1,4,7,10 *",
        execution_timezone=ZONE,
        description="The intake, an hour before the editions.",
    )
    return [edition_after_quarter, intake_before]


def due(plans: Sequence[Plan], today: date) -> Iterator[tuple[Plan, date]]:
    """The plans and reporting dates that a tick on `today` takes: those that came after the tick before and are over."""
    since = add_months(today, -3)
    for plan in sorted(plans, key=lambda p: p.plan):
        for as_of in sorted(plan.reporting.dates):
            if since <= as_of < today:
                yield plan, as_of
