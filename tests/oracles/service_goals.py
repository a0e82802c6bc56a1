"""Service goals counted by hand: one application after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from maalopfyldelse.dates import is_working_day

Row = dict[str, Any]


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/service_goals.sql should return under one reading, without reading_id."""
    limit, cohort = parameters["limit_days"], options["cohort"]
    for case in rows["decisions"]:
        decided = case["decision_date"] if case["decision_date"] and case["decision_date"] <= as_of else None
        end = decided or as_of
        days = _days(case["application_date"], end, options["day_count"])
        placed = end if cohort == "decided" else case["application_date"]
        reason = None
        if cohort == "decided" and decided is None:
            reason = "not_decided"
        elif not from_date < placed <= as_of:
            reason = "outside_window"
        elif case["outcome"] == "frafaldet":
            reason = "withdrawn"
        elif not case["has_target"]:
            reason = "no_target"
        elif options["permits"] == "first" and not case["is_first_time"]:
            reason = "not_first_time"
        elif options["complicated"] == "uncomplicated" and case["is_complicated"]:
            reason = "complicated"
        elif end < case["application_date"]:
            reason = "negative_time"
        elif cohort == "received_or_overdue" and decided is None and days <= limit:
            reason = "not_due"
        yield {
            "decision_id": case["decision_id"],
            "scheme": case["scheme"],
            "population": case["population"],
            "observed_month": placed.replace(day=1),
            "processing_days": days,
            "observed_date": placed,
            "source_rows": 1,
            "reason": reason,
            "numerator": int(reason is None and decided is not None and days <= limit),
            "denominator": int(reason is None),
            "is_known": reason is not None or decided is not None or days > limit,
        }


def _days(start: date, end: date, day_count: str) -> int:
    """Walk from the day after the first to the last, or back."""
    step = 1 if end >= start else -1
    low, high = min(start, end), max(start, end)
    walked = [low + timedelta(days=n) for n in range(1, (high - low).days + 1)]
    if day_count == "working_days":
        return step * sum(is_working_day(day) for day in walked)
    return step * len(walked) + (1 if day_count == "inclusive" else 0)
