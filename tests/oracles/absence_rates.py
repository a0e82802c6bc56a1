"""Absence rates of the state's institutions by hand: one institution after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from maalopfyldelse.dates import quarter_of

Row = dict[str, Any]


def observations(
    rows: Mapping[str, list[Row]],
    *,
    as_of: date,
    from_date: date,
    parameters: Mapping[str, Any],
    options: Mapping[str, str],
) -> Iterator[Row]:
    """What sql/absence_rates.sql should return under one reading, without reading_id."""
    expected = {quarter_of(day) for day in _days(from_date, as_of) if quarter_of(day) != quarter_of(day + timedelta(days=1))}
    institutions = {row["institution"] for row in rows["state_absence"]}
    for institution in institutions:
        its_rows = [r for r in rows["state_absence"] if r["institution"] == institution and r["quarter"] in expected]
        given = {r["quarter"] for r in its_rows if r["absence_days"] is not None and r[options["per"]] is not None}
        for row in its_rows:
            reason = None
            if row["quarter"] not in given:
                reason = "too_few"
            elif given != expected:
                reason = "incomplete"
            yield {
                "institution": institution,
                "quarter": row["quarter"],
                "observed_date": row["quarter_end_date"],
                "source_rows": 1,
                "reason": reason,
                "numerator": Decimal(0) if reason else row["absence_days"] * len(expected),
                "denominator": Decimal(0) if reason else Decimal(row[options["per"]]),
                "is_known": True,
            }


def _days(from_date: date, as_of: date) -> Iterator[date]:
    for n in range(1, (as_of - from_date).days + 1):
        yield from_date + timedelta(days=n)
