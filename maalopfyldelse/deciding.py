"""What decides between the approved reading of a row and another: which observations count otherwise, in words and numbers.

Both are computed again and held against each other case by case, on the measure's grain. The words are Danish, as the reasons are.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from .copies import quoted
from .counting import Count, Scan
from .measures import arguments, observations_sql
from .printing import exact_text
from .scanning import Scanning

if TYPE_CHECKING:
    from .query import Measure

UNTOUCHED = "Ingen observation tæller anderledes"
SAME = "Samme observationer; de lægges sammen eller holdes op mod målet på en anden måde"


class Deciding:
    """The comparisons of one row; a scan is run once however many readings need it."""

    def __init__(self, scanning: Scanning, row_id: str) -> None:
        assert scanning.current is not None  # makes the views
        self._scanning = scanning
        self._variants = {v.id: v for v in scanning.variants[row_id]}
        self._tables: dict[Scan, str] = {}

    def words(self, reading: str) -> list[str]:
        """What counts otherwise under a reading than under the approved; empty when it is not computed."""
        said: list[str] = []
        found = self._variants.get(reading)
        for criterion, count in (found.counts if found else {}).items():
            approved = self._variants["approved"].counts.get(criterion)
            if count is None or approved is None or (count == approved and criterion is not None):
                continue
            differs = self._between(approved, count)
            if approved.against != count.against:
                differs = [text for text in differs if text != SAME]
                differs.append("Det, tallet holdes op imod, opgøres anderledes")
            said += [f"{criterion}: {text}" if criterion else text for text in differs]
        return said

    def _between(self, approved: Count, other: Count) -> list[str]:
        if (approved.scan, approved.options, approved.where) == (other.scan, other.options, other.where):
            return [SAME]
        measure = self._scanning.declared.measures[approved.scan.measure]
        same = " and ".join(f"a.{column} is not distinct from b.{column}" for column in measure.header.grain)
        rows = self._scanning.connection.execute(
            f"select a.standing, a.reason, b.standing, b.reason, count(*), "
            "coalesce(sum(b.numerator), 0) - coalesce(sum(a.numerator), 0), "
            "coalesce(sum(b.denominator), 0) - coalesce(sum(a.denominator), 0) "
            f"from ({self._standing(approved, measure)}) as a full join ({self._standing(other, measure)}) as b on {same} "
            "where a.standing is distinct from b.standing or a.numerator is distinct from b.numerator "
            "or a.denominator is distinct from b.denominator group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4"
        ).fetchall()
        reasons = measure.header.reasons
        told = list(_told([(a, reasons.get(x, x), b, reasons.get(y, y), n, num, den) for a, x, b, y, n, num, den in rows]))
        return told or [UNTOUCHED]

    def _standing(self, count: Count, measure: Measure) -> str:
        taken = [f"cast({g} as varchar) in ({', '.join(quoted(v) for v in values)})" for g, values in count.where]
        return (
            f"select {', '.join(measure.header.grain)}, reason, numerator, denominator, "
            f"case when not coalesce({' and '.join(taken) or 'true'}, false) then 'outside' when reason is not null then 'excluded' "
            f"when is_known then 'counted' else 'unknown' end as standing from {self._observations(count.scan, measure)} "
            f"where reading_id = {quoted(count.reading_id)}"
        )

    def _observations(self, scan: Scan, measure: Measure) -> str:
        if scan not in self._tables:
            counts = [c for v in self._variants.values() for c in v.counts.values() if c is not None and c.scan == scan]
            name = self._tables[scan] = f"compared_{len(self._tables)}"
            body = observations_sql(measure, sorted({c.options for c in counts}))
            self._scanning.hold(measure)
            self._scanning.connection.execute(f"create or replace temp table {name} as {body}", arguments(measure, scan))
        return self._tables[scan]


def _told(rows: list[tuple[str | None, str | None, str | None, str | None, int, int | Decimal, int | Decimal]]) -> Iterator[str]:
    inside = ("counted", "unknown")
    for was, was_why, now, now_why, n, numerator, denominator in rows:
        by = f"tæller {_signed(numerator)}, nævner {_signed(denominator)}"
        if was in inside and now == "excluded":
            yield f"{n} holdes ude: {now_why}"
        elif was == "excluded" and now in inside:
            yield f"{n} tæller med, som ellers holdes ude: {was_why}"
        elif was in inside and now == "outside":
            yield f"{n} falder uden for rækkens afgrænsning"
        elif was == "outside" and now in inside:
            yield f"{n} kommer inden for rækkens afgrænsning"
        elif was in inside and now is None:
            yield f"{n} observationer findes ikke under denne læsning"
        elif was is None and now in inside:
            yield f"{n} observationer kommer til"
        elif was in inside and now in inside and was == now:
            yield f"{n} tæller anderledes: {by}"
        elif was in inside and now in inside:
            yield f"{n} bliver {'kendt' if now == 'counted' else 'ukendt'}"


def _signed(number: int | Decimal) -> str:
    return ("+" if number > 0 else "") + str(exact_text(Fraction(number)))
