"""Activity by hand: the days of the window ticked off, one series after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
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
    """What sql/activity_per_day.sql should return under one reading, without reading_id."""
    window = {from_date + timedelta(days=n) for n in range(1, (as_of - from_date).days + 1)}
    for series in {row["series"] for row in rows["activity_counts"]}:
        left = set(window)
        is_first = True
        for row in sorted((r for r in rows["activity_counts"] if r["series"] == series), key=lambda r: r["period_from_date"]):
            length = (row["period_to_date"] - row["period_from_date"]).days + 1
            days = {row["period_from_date"] + timedelta(days=n) for n in range(length)}
            reason = None if days <= window else "across_the_edge" if days & window else "outside_window"
            size = 0
            if reason is None:
                left -= days
                size = length if options["per"] == "day" else int(is_first)
                is_first = False
            yield {
                "series": series,
                "period_from_date": row["period_from_date"],
                "is_covered": True,
                "days": length,
                "observed_date": row["period_to_date"],
                "source_rows": 1,
                "reason": reason,
                "numerator": 0 if reason else row["number"],
                "denominator": size,
                "is_known": True,
            }
        if left:
            yield {
                "series": series,
                "period_from_date": min(left),
                "is_covered": False,
                "days": len(left),
                "observed_date": min(left),
                "source_rows": 0,
                "reason": None,
                "numerator": 0,
                "denominator": len(left) if options["per"] == "day" else 0,
                "is_known": False,
            }
