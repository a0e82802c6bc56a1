"""Replies to applications by hand: one application after the other."""

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
    """What sql/application_replies.sql should return under one reading, without reading_id."""
    limit, in_days = parameters["limit_days"], options["shown"] == "days"
    for application in rows["pool_applications"]:
        received, closing = application["received_date"], application["deadline_date"] or application["received_date"]
        start = {"receipt": received, "deadline": closing, "later_of": max(received, closing)}[options["start"]]
        replied = application["replied_date"] if application["replied_date"] and application["replied_date"] <= as_of else None
        end = replied or as_of
        days = max((end - start).days, 0)
        is_overdue = replied is None and days > limit
        reason = None
        if received > as_of:
            reason = "not_received"
        elif replied and replied <= from_date:
            reason = "outside_window"
        elif application["is_withdrawn"]:
            reason = "withdrawn"
        elif replied and replied < received:
            reason = "negative_time"
        elif replied is None and not is_overdue:
            reason = "not_due"
        elif replied is None and (in_days or options["pending"] == "excluded"):
            reason = "pending"
        numerator = days if in_days else int(replied is not None and days <= limit)
        yield {
            "application_id": application["application_id"],
            "observed_month": end.replace(day=1),
            "processing_days": days,
            "observed_date": end,
            "source_rows": 1,
            "reason": reason,
            "numerator": 0 if reason else numerator,
            "denominator": 0 if reason else 1,
            "is_known": True,
        }
