"""What stands behind the numbers that may be too small to leave the house: from what was computed to counts of persons, the sizes
of institutions, and the tables that hold persons.

Which measures count persons or have institutions' staff is their headers' to say, what is then hidden is suppress.py's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..counting import Count, Scan
from ..fulfilment import Line, Outcome, tables_of
from ..intake.current import rows_sql
from ..plan_terms import Pooled, ResultKind
from ..query import Header
from ..results import Figure, figure
from .figures import counted
from .suppress import Behind, Behinds, Made, Persons, RowBehind

if TYPE_CHECKING:
    from ..edition import Computed

LEAST_FTE = 10  # ISOLA prints "For få årsværk" below it


def behinds(computed: Computed, earlier: Mapping[date, Mapping[str, Line]], restated: Mapping[str, Any] | None) -> Behinds:
    """What stands behind the figures of an edition, of its trend and of the edition before it."""
    reader = _Reader(computed)
    before = {said["row"]: said["old"] for said in (restated or {}).get("changes", ()) if said["old_text"] is not None}
    rows = {}
    for line in computed.lines:
        if line.outcomes and reader.is_sensitive(line):
            days = [*(lines[line.row] for lines in earlier.values() if line.row in lines), line]
            rows[line.row] = reader.row(line, days, before.get(line.row))
    return Behinds(rows, tuple(reader.tables()))


class _Reader:
    def __init__(self, computed: Computed) -> None:
        self._computed, self._scanning = computed, computed.scanning
        self._few: dict[tuple[Scan, bool], frozenset[str]] = {}

    def _header(self, count: Count) -> Header:
        return self._scanning.declared.measures[count.scan.measure].header

    def is_sensitive(self, line: Line) -> bool:
        headers = [self._header(count) for o in line.outcomes for _, count, _ in counted(o)]
        return any(h.counts == "persons" or h.staff for h in headers)

    def row(self, line: Line, days: Iterable[Line], before: Mapping[str, Any] | None) -> RowBehind:
        approved = line.outcomes[0]
        was, cannot_tell = self._before(approved, before)
        return RowBehind(
            figures=self._made(approved),
            trend=tuple(self._made(day.outcomes[0]) if day.outcomes else () for day in days),
            options={o.id: self._made(o) for o in line.outcomes[1:]},
            before=was,
            hides_changes=cannot_tell,
        )

    def _before(self, approved: Outcome, before: Mapping[str, Any] | None) -> tuple[Persons | None, bool]:
        """The persons that the edition before counted, and whether its figure must stay hidden: it was of several figures, or of an
        institution that some delivery says is too small."""
        found = list(counted(approved))
        if before is None or not found:
            return None, False
        if any(self._few_selected(count, ever=True) for _, count, _ in found):
            return None, True
        if all(self._header(count).counts != "persons" for _, count, _ in found):
            return None, False
        plain = len(found) == 1 and found[0][1].against is None
        if not plain:
            return None, True
        if before["numerator"] is None or before["denominator"] is None:
            return None, False
        return Persons(Fraction(before["numerator"]), Fraction(before["denominator"])), False

    def _made(self, outcome: Outcome) -> Made:
        return tuple(self._behind(count, fig) for _, count, fig in counted(outcome))

    def _behind(self, count: Count, fig: Figure) -> Behind:
        header = self._header(count)
        is_persons, best = header.counts == "persons", count.result.best
        small: set[str] = set()
        if is_persons:
            small = {name for name, hits, every in fig.by_group if _persons(header, hits, every).is_small}
        if header.staff and any(g == header.staff.by for g in (count.result.mean_of, count.result.worst_of, count.result.sum_of)):
            small |= self._too_few(count) & {name for name, _, _ in fig.by_group}
        return Behind(
            persons=tuple(self._persons_of(header, count, fig)) if is_persons else (),
            is_too_few=self._few_selected(count),
            small_parts=frozenset(small),
            population=(count.scan, count.options, count.where),
            shows_a_part=bool(count.result.worst_of or (best and best.of == "each")),
        )

    def _persons_of(self, header: Header, count: Count, fig: Figure) -> Iterator[Persons]:
        """Of a change the persons of both sides, of any other figure its own."""
        if count.against is None:
            if fig.numerator is not None and fig.denominator is not None:
                unknown = Fraction(fig.unknown) if header.kind in ("share", "stock") else Fraction(0)
                days = (count.scan.days.after, count.scan.days.to)
                yield replace(_persons(header, fig.numerator, fig.denominator, unknown), days=days)
            return
        for side in (count, count.against):
            pooled = Count(side.scan, side.options, side.where, ResultKind(pooled=Pooled()), side.target)
            scanned = self._scanning.scanned(side.scan)
            one = figure(scanned, pooled, header.kind)
            yield from self._persons_of(header, pooled, one)

    def _few_selected(self, count: Count, *, ever: bool = False) -> bool:
        """Whether the figure, or what it is held against, is of a chosen institution that is too small."""
        staff = self._header(count).staff
        if staff is None:
            return False
        chosen = {value for group, values in count.where if group == staff.by for value in values}
        return bool(chosen & self._too_few(count, ever=ever))

    def _too_few(self, count: Count, *, ever: bool = False) -> frozenset[str]:
        return frozenset().union(*(self._few_of(scan, ever) for scan in count.scans))

    def _few_of(self, scan: Scan, ever: bool) -> frozenset[str]:
        """The institutions of under 10 årsværk, or whose årsværk is not told, in any row of a window; with `ever` in any delivery
        that the home knows, whether it still counts or not."""
        if (scan, ever) not in self._few:
            measure, scanning = self._scanning.declared.measures[scan.measure], self._scanning
            staff, leading = measure.header.staff, measure.header.leading[0]
            assert staff is not None
            rows = f'"{leading.table}"'
            if ever:
                table = scanning.declared.tables[leading.table]
                rows = f"({rows_sql(scanning.home, table, [d for d in self._computed.deliveries if d.table == leading.table])})"
            sql = (
                f'select distinct "{staff.by}" from {rows} as {leading.table} where {leading.window} '
                f'and ("{staff.fte}" is null or "{staff.fte}" < {LEAST_FTE})'
            )
            given = {k: v for k, v in {"as_of": scan.days.to, "from_date": scan.days.after}.items() if f"${k}" in sql}
            scanning.current  # noqa: B018  makes the views
            self._few[scan, ever] = frozenset(str(r[0]) for r in scanning.connection.execute(sql, given).fetchall())
        return self._few[scan, ever]

    def tables(self) -> Iterator[tuple[str, frozenset[str], frozenset[str], frozenset[str]]]:
        """The tables whose rows are persons: name, extracts, files, and the plan's rows that read them."""
        scanning, computed = self._scanning, self._computed
        headers = [scanning.declared.measures[m].header for m in sorted({s.measure for s in scanning.scans})]
        for table in sorted({lead.table for h in headers if h.counts == "persons" for lead in h.leading}):
            readers = {r for r, placed in scanning.plan.placed.items() if table in tables_of(placed.row, scanning)}
            extracts = {e.extract for e in scanning.declared.extracts_of(table)}
            files = {d.name for d in computed.deliveries if d.table == table}
            yield table, frozenset(extracts), frozenset(files), frozenset(readers)


def _persons(header: Header, hits: Fraction, every: Fraction, unknown: Fraction = Fraction(0)) -> Persons:
    """Only a share's numerator counts persons; a mean's is what they have together."""
    return Persons(hits if header.kind in ("share", "stock") else Fraction(0), every, unknown)
