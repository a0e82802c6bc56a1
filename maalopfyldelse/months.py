"""Counting month by month: what a month was counted from, and a window's cells put together from its months'.

A measure with `months` in its header has leading rows that are placed in a window by their date, and the window decides nothing
else. So its cells are kept a month each: when a window moves, or a delivery changes some days, the other months stand. Which months
are counted together, and where cells are kept, is scanning.py's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from .contract import BUILT_IN_COLUMNS, Table
from .counting import Days, Scan
from .engines import Ask, Stumbled
from .errors import MaalError
from .home import Home
from .measures import Options, Scanned, columns_read, conserved, in_order
from .query import Measure

# Day → the number of leading rows that it places, and a number that is another when they are other rows (the sum of their hashes).
Stamps = dict[date, tuple[int, int]]


def stamps_sql(measure: Measure, table: Table) -> str:
    """A SELECT of days with the leading rows that each places. All columns are hashed that the query reads of a row."""
    leading = measure.header.leading[0]
    row = ", ".join(f'"{name}"' for name in columns_read(measure, [*table.columns, *BUILT_IN_COLUMNS]))
    together = (
        f"select {leading.placed_by} as day, count(*) as n, sum(hash({row})) as stamp "
        f"from {leading.table} group by {leading.together_by}"
    )
    return f"select day, cast(sum(n) as bigint), sum(stamp) from ({together}) as belonging where day is not null group by day"


def read_stamps(ask: Ask, home: Home, measure: Measure, table: Table, follows_from: list[str], *, keeps: bool) -> Stamps:
    """The days of the leading table, from the store when its rows are the same as before."""
    query = stamps_sql(measure, table)
    path = _path(home, query, follows_from)
    if keeps and (kept := home.kept(path)) is not None:
        return {date.fromisoformat(day): (rows, stamp) for day, rows, stamp in kept}
    try:
        found = {day: (int(rows), int(stamp)) for day, rows, stamp in ask(query, {})}
    except Stumbled as error:
        raise MaalError(f"{measure.path.name}: a value in the rows does not go through placed_by: {error}.") from None
    if keeps:
        home.keep(path, json.dumps([[day.isoformat(), *found[day]] for day in sorted(found)]))
    return found


def of_days(days: Days, known: Stamps) -> list[tuple[str, int, int]]:
    """What a window's cells follow from in the leading table."""
    return [(day.isoformat(), *known[day]) for day in sorted(known) if days.after < day <= days.to]


def rows_of(days: Days, known: Stamps) -> int:
    """How many leading rows belong to the window."""
    return sum(rows for day, (rows, _) in known.items() if days.after < day <= days.to)


def apart(
    measure: Measure, counted: Scanned, scans: Sequence[Scan], known: Stamps, combinations: Iterable[Options]
) -> list[Scanned]:
    """The cells of adjoining months that were counted as one.

    Raises MaalError when a month's do not account for its leading rows (a fault in the query, never in the data).
    """
    assert measure.header.months is not None
    at, combinations = counted.groups.index(measure.header.months), list(combinations)
    found = []
    for scan in scans:
        month = scan.days.to.replace(day=1).isoformat()
        cells = tuple(cell for cell in counted.cells if cell.groups[at] == month)
        rows = rows_of(scan.days, known)
        conserved(measure, cells, rows, combinations)
        found.append(Scanned(scan, counted.groups, cells, rows))
    if sum(len(part.cells) for part in found) != len(counted.cells):
        raise MaalError(f"{measure.path.name}: observations have a {measure.header.months} that the window does not reach into.")
    return found


def together(scan: Scan, months: Sequence[Scanned]) -> Scanned:
    """The cells of a window from those of its months; a cell is of one month, so nothing is summed."""
    cells = in_order(cell for month in months for cell in month.cells)
    return Scanned(scan, months[0].groups, cells, sum(month.leading_rows for month in months))


def months_of(scan: Scan) -> list[Scan]:
    """The same scan over each month of its window."""
    return [replace(scan, days=days) for days in scan.days.months]


def _path(home: Home, query: str, follows_from: list[str]) -> Path:
    return home.store / "days" / f"{hashlib.sha256(json.dumps([query, follows_from]).encode()).hexdigest()}.json"
