"""Pending age counted by hand: one case after the other."""

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
    """What sql/pending_age.sql should return under one reading, without reading_id."""
    areas = {t["case_type"]: t["area"] for t in rows["case_types"]}
    for case in rows["cases"]:
        area = areas.get(case["case_type"])
        start = case["received_date"] if options["start"] == "received" else case["created_date"]
        reason = None
        if area is None:
            reason = "unknown_type"
        elif (start or case["created_date"]) > as_of:
            reason = "not_yet_created"
        elif options["pending"] == "open_status":
            reason = None if case["status"] == "aaben" else "not_pending"
        elif not _is_open(case, as_of, options["closing_day"]):
            reason = "not_pending"
        elif options["pending"] == "without_on_hold" and case["status"] == "hvilende":
            reason = "on_hold"
        is_old = start is not None and _is_old(start, as_of, parameters, options)
        yield {
            "case_id": case["case_id"],
            "area": area,
            "age_days": (as_of - start).days if start else None,
            "observed_date": as_of,
            "source_rows": 1,
            "reason": reason,
            "numerator": int(reason is None and is_old),
            "denominator": int(reason is None),
            "is_known": reason is not None or start is not None,
        }


def _is_open(case: Row, as_of: date, closing_day: str) -> bool:
    # Walk through the case's history, day by day event, up to the reporting date.
    last_day_that_closes = as_of if closing_day == "not_pending" else as_of - timedelta(days=1)
    is_open = True
    if case["first_closed_date"] and case["first_closed_date"] <= last_day_that_closes:
        is_open = False
    if case["reopened_date"] and case["reopened_date"] <= as_of:
        is_open = True
    if case["closed_date"] and case["closed_date"] <= last_day_that_closes:
        is_open = False
    return is_open


def _is_old(start: date, as_of: date, parameters: Mapping[str, Any], options: Mapping[str, str]) -> bool:
    limit = parameters["age_limit"]
    if parameters["age_unit"] == "days":
        edge, day = start + timedelta(days=limit), as_of
    elif options["direction"] == "forward":
        edge, day = add_months(start, limit), as_of
    else:
        edge, day = start, add_months(as_of, -limit)
    return edge < day or (options["comparison"] == "at_least" and edge == day)
