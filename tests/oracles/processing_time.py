"""Processing time counted by hand: one case after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

Row = dict[str, Any]


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/processing_time.sql should return under one reading, without reading_id."""
    areas = {t["case_type"]: t["area"] for t in rows["case_types"]}
    for case in rows["cases"]:
        registered = case["received_date"] if options["start"] == "received" else case["created_date"]
        decided, reopened_on = case["decided_date"], case["reopened_date"]
        before = decided if reopened_on is None or decided is None or decided < reopened_on else None
        after = decided if decided is not None and reopened_on is not None and decided >= reopened_on else None

        # (start, closing, decision) of each episode
        if reopened_on is None:
            episodes = [(registered, case["first_closed_date"] or case["closed_date"], decided)]
        elif reopened_on > as_of or options["reopened"] == "first_closing":
            episodes = [(registered, case["first_closed_date"], before)]
        elif options["reopened"] == "last_closing":
            episodes = [(registered, case["closed_date"], decided)]
        else:
            episodes = [
                (registered, case["first_closed_date"], before),
                (reopened_on, case["closed_date"], after),
            ]

        for number, (start, closing, decision) in enumerate(episodes, start=1):
            end = decision if options["finish"] == "decided" else closing
            days = (end - start).days if start and end else None
            area = areas.get(case["case_type"])
            reason = None
            if area is None:
                reason = "unknown_type"
            elif closing is None:
                reason = "not_closed"
            elif not from_date < closing <= as_of:
                reason = "outside_window"
            elif case["outcome"] == "fejloprettet":
                reason = "mis_created"
            elif case["outcome"] == "trukket" and options["withdrawn"] == "excluded":
                reason = "withdrawn"
            elif days is not None and days < 0:
                reason = "negative_time"
            counted = reason is None
            if days is not None and options["day_count"] == "inclusive":
                days += 1
            observed = closing or as_of
            yield {
                "case_id": case["case_id"],
                "episode": number,
                "area": area,
                "observed_month": observed.replace(day=1),
                "observed_date": observed,
                "source_rows": 1 if number == 1 else 0,
                "reason": reason,
                "numerator": (days or 0) if counted else 0,
                "denominator": int(counted),
                "is_known": not counted or days is not None,
            }
