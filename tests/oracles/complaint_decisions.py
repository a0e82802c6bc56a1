"""Decisions on complaints by hand: one complaint after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from maalopfyldelse.dates import add_months

Row = dict[str, Any]


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/complaint_decisions.sql should return under one reading, without reading_id."""
    cohort = options["cohort"]
    for complaint in rows["complaints"]:
        received = complaint["received_date"]
        reached = add_months(received, parameters["months"])
        last = reached if options["comparison"] == "within" else reached - timedelta(days=1)
        decided = complaint["decided_date"] if complaint["decided_date"] and complaint["decided_date"] <= as_of else None
        is_overdue = decided is None and as_of > last
        placed = received if cohort == "received" else decided or as_of
        reason = None
        if received > as_of:
            reason = "not_received"
        elif placed <= from_date:
            reason = "outside_window"
        elif complaint["is_withdrawn"]:
            reason = "withdrawn"
        elif decided and decided < received:
            reason = "negative_time"
        elif decided is None and cohort == "decided":
            reason = "pending"
        elif decided is None and not is_overdue and cohort == "decided_or_overdue":
            reason = "not_due"
        yield {
            "complaint_id": complaint["complaint_id"],
            "observed_month": placed.replace(day=1),
            "last_date": reached,
            "observed_date": placed,
            "source_rows": 1,
            "reason": reason,
            "numerator": int(reason is None and decided is not None and decided <= last),
            "denominator": 0 if reason else 1,
            "is_known": reason is not None or decided is not None or is_overdue,
        }
