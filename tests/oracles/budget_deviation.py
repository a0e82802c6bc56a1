"""Budget deviations by hand: one institution and year after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
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
    """What sql/budget_deviation.sql should return under one reading, without reading_id."""
    years: dict[tuple[str, int], dict[str, Decimal]] = {}
    for row in rows["budget_figures"]:
        if from_date < row["year_end_date"] <= as_of:
            years.setdefault((row["institution"], row["year"]), {})[row["figure"]] = row["amount_dkk"]
    wanted, other = ("uo4", "aarsregnskab") if options["realised"] == "uo4" else ("aarsregnskab", "uo4")
    for (institution, year), figures in years.items():
        place = {"institution": institution, "year": year, "observed_date": date(year, 12, 31)}
        for comparison in ("grundbudget", "uo2"):
            deviation = None
            if comparison in figures and wanted in figures:
                deviation = figures[wanted] - figures[comparison]
            yield place | {
                "comparison": comparison,
                "deviation_dkk": deviation,
                "source_rows": 1 if comparison in figures else 0,
                "reason": None,
                "numerator": abs(deviation or Decimal(0)),
                "denominator": 1,
                "is_known": deviation is not None,
            }
        for figure, reason in ((wanted, "realised_result"), (other, "other_result")):
            if figure in figures:
                yield place | {
                    "comparison": figure,
                    "deviation_dkk": None,
                    "source_rows": 1,
                    "reason": reason,
                    "numerator": Decimal(0),
                    "denominator": 0,
                    "is_known": True,
                }
