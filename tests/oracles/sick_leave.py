"""Sick leave counted by hand: one institution and quarter after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from maalopfyldelse.dates import add_months, period_bounds, quarter_of

Row = dict[str, Any]
DAY_HOURS = Decimal("7.4")


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/sick_leave.sql should return under one reading, without reading_id."""
    counted_types = {"egen_sygdom", "delvis_syg", "graviditet"}
    if options["types"] == "with_work_injury":
        counted_types.add("arbejdsskade")
    for institution in {row["institution"] for row in rows["absence"]}:
        for quarter, ends in _quarters(from_date, as_of):
            its_rows = [r for r in rows["absence"] if r["institution"] == institution and r["quarter"] == quarter]
            size_of = "heads" if options["per"] == "heads" else "fte"
            size = max((r[size_of] for r in its_rows if r[size_of] is not None), default=None)
            bearer = min((r["absence_type"] for r in its_rows if r["absence_type"] in counted_types), default=None)

            for row in its_rows:
                counted = row["absence_type"] in counted_types
                hours = row["absence_hours"] if row["absence_days"] is None else row["absence_days"] * DAY_HOURS
                denominator: Decimal | None = Decimal(0)
                if row["absence_type"] == bearer:
                    denominator = None if size is None else size * DAY_HOURS
                yield {
                    "institution": institution,
                    "quarter": quarter,
                    "absence_type": row["absence_type"],
                    "observed_date": ends,
                    "source_rows": 1,
                    "reason": None if counted else "not_counted_type",
                    "numerator": (hours or Decimal(0)) if counted else Decimal(0),
                    "denominator": denominator,
                    "is_known": not counted or (hours is not None and denominator is not None),
                }
            if bearer is None:
                yield {
                    "institution": institution,
                    "quarter": quarter,
                    "absence_type": "mangler",
                    "observed_date": ends,
                    "source_rows": 0,
                    "reason": None,
                    "numerator": Decimal(0),
                    "denominator": None,
                    "is_known": False,
                }


def _quarters(from_date: date, as_of: date) -> Iterator[tuple[str, date]]:
    quarter = quarter_of(from_date)
    while True:
        first, last = period_bounds(quarter)
        if last > as_of:
            return
        if last > from_date:
            yield quarter, last
        quarter = quarter_of(add_months(first, 3))
