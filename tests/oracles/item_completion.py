"""Item completion counted by hand: one registered item after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
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
    """What sql/item_completion.sql should return under one reading, without reading_id."""
    for item in rows["items"]:
        last = _last_day(item, as_of, parameters["months"], options["due"])
        done = item["done_date"] if item["done_date"] and item["done_date"] <= as_of else None
        has_a_year_more = item["is_complex"] and options["complex_items"] == "next_year"
        if last and has_a_year_more:
            last = add_months(last, 12)
        is_open = done is None and last is not None and last > as_of
        reason = None
        if item["started_date"] and item["started_date"] > as_of:
            reason = "not_started"
        elif last and last <= from_date:
            reason = "outside_window"
        elif item["is_exempt"] and options["exempt"] == "excluded":
            reason = "exempt"
        elif is_open and has_a_year_more:
            reason = "next_year"
        elif is_open and options["not_due"] == "excluded":
            reason = "not_due"
        yield {
            "item_id": item["item_id"],
            "plan": item["plan"],
            "plan_row": item["plan_row"],
            "is_approved": item["approver_key"] is not None,
            "last_date": last,
            "observed_date": min(last, as_of) if last else as_of,
            "source_rows": 1,
            "reason": reason,
            "numerator": int(reason is None and done is not None and last is not None and done <= last),
            "denominator": int(reason is None),
            "is_known": reason is not None or (last is not None and not is_open),
        }


def _last_day(item: Row, as_of: date, months: int, due: str) -> date | None:
    found: date | None
    if due == "window_end":
        found = as_of
    elif due == "months_after_start":
        found = add_months(item["started_date"], months) if item["started_date"] else None
    else:
        found = item["due_date"]
    return found
