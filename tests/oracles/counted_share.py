"""Registered counts, one after the other."""

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
    """What sql/counted_share.sql should return under one reading, without reading_id."""

    def inside(count: Row) -> bool:
        return from_date < count["as_of_date"] <= as_of

    for count in rows["register_counts"]:
        newer = [
            other
            for other in rows["register_counts"]
            if all(other[c] == count[c] for c in ("plan", "plan_row", "name")) and inside(other) and _order(other) > _order(count)
        ]
        reason = None
        if not inside(count):
            reason = "outside_window"
        elif options["each"] == "newest" and newer:
            reason = "superseded"
        yield {
            "count_id": count["count_id"],
            "plan": count["plan"],
            "plan_row": count["plan_row"],
            "name": count["name"],
            "counted_date": count["as_of_date"],
            "is_approved": count["approver_key"] is not None,
            "observed_date": count["as_of_date"],
            "source_rows": 1,
            "reason": reason,
            "numerator": 0 if reason else count["number"],
            "denominator": 0 if reason else count["of_number"],
            "is_known": reason is not None or count["of_number"] is not None,
        }


def _order(count: Row) -> tuple[Any, ...]:
    return count["as_of_date"], count["delivered_at"], count["count_id"]
