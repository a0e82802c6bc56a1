"""Running a measure: from its query to summed cells, and to observations when somebody wants to see them.

A *cell* is what all observations with one reading, one combination of group values, one reason and one state of knowledge sum
to. Everything that follows (results, grading) works on cells in exact arithmetic; the engine only adds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .counting import Days, Scan, reading_id
from .dates import is_working_day
from .engines import Ask, DuckDB, Stumbled
from .errors import MaalError
from .named_columns import names_what_it_reads
from .query import CALENDAR, HOUSE_MACROS, READINGS, Measure

if TYPE_CHECKING:
    import duckdb

Options = tuple[tuple[str, str], ...]
SUMS = 5  # that cells_sql returns at the end of a row


@dataclass(frozen=True)
class Cell:
    """The sum of the observations that share reading, groups, reason and is_known. `sized` counts those whose denominator is
    known; where it is less than `observations`, even the size of what is missing is unknown."""

    reading_id: str
    groups: tuple[str | None, ...]
    reason: str | None
    is_known: bool
    observations: int
    sized: int
    source_rows: int
    numerator: int | Decimal
    denominator: int | Decimal


@dataclass(frozen=True)
class Scanned:
    """The outcome of a scan: its cells, the names of their groups, and the leading rows that they account for."""

    scan: Scan
    groups: tuple[str, ...]
    cells: tuple[Cell, ...]
    leading_rows: int

    @cached_property
    def by_reading(self) -> dict[str, list[Cell]]:
        """The cells of each combination of options."""
        found: dict[str, list[Cell]] = defaultdict(list)
        for cell in self.cells:
            found[cell.reading_id].append(cell)
        return found


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Gives a connection the house functions and the Danish calendar that queries may use."""
    con.execute(HOUSE_MACROS)
    con.execute(f"create temp table if not exists {CALENDAR} (day date, is_working_day boolean, quarter varchar)")
    if con.execute(f"select count(*) from {CALENDAR}").fetchone() == (0,):
        con.execute(f"insert into {CALENDAR} select * from ({calendar_sql()})")


@lru_cache
def calendar_sql(first: int = 1995, last: int = 2035) -> str:
    """A SELECT that returns the Danish calendar of whole years: every day, whether it is a working day, its quarter."""
    start, end = date(first, 1, 1), date(last, 12, 31)
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    off = ", ".join(f"'{d}'" for d in days if d.weekday() < 5 and not is_working_day(d))
    return (
        "select cast(day as date) as day, "
        f"isodow(day) < 6 and cast(day as date) not in (select cast(unnest([{off}]) as date)) as is_working_day, "
        "year(day) || 'Q' || quarter(day) as quarter "
        f"from range(date '{start}', date '{end + timedelta(days=1)}', interval 1 day) days(day)"
    )


def readings_cte(measure: Measure, combinations: Sequence[Options], ids: Sequence[str] | None = None) -> str:
    """The relation of readings as a common table expression: one row a combination of options, under its own id or another."""
    names = ["reading_id", *measure.header.options]
    known = ids or [reading_id(options) for options in combinations]
    return _values(
        READINGS, names, [[name, *(word for _, word in options)] for name, options in zip(known, combinations, strict=True)]
    )


def _values(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    values = ", ".join("(" + ", ".join("'" + cell.replace("'", "''") + "'" for cell in row) + ")" for row in rows)
    return f"{name}({', '.join(columns)}) as (values {values})"


def arguments(measure: Measure, scan: Scan) -> dict[str, Any]:
    """The named parameters the query takes; only those its text mentions, since the engine refuses others."""
    given: dict[str, Any] = {"as_of": scan.days.to, "from_date": scan.days.after, **dict(scan.parameters)}
    for name, value in dict(scan.parameters).items():
        if measure.header.parameters[name].type.startswith("decimal"):
            given[name] = Decimal(str(value))
    return {name: value for name, value in given.items() if f"${name}" in measure.body}


def observations_sql(measure: Measure, combinations: Sequence[Options]) -> str:
    """A SELECT of the observations under the given combinations of options."""
    return f"with {readings_cte(measure, combinations)},\nobservations as (\n{measure.body}\n)\nselect * from observations"


def cells_sql(measure: Measure, combinations: Sequence[Options]) -> str:
    """A SELECT of the sums of the observations, a row a cell in the order of Cell's fields: five sums, the others before them."""
    # Observations carry their reading's number, and the sums its id: grouping millions of rows by a text of a hundred letters
    # took as long as half of a query.
    numbers = [str(n) for n in range(len(combinations))]
    named = _values("named", ["number", "reading_id"], zip(numbers, map(reading_id, combinations), strict=True))
    keys = ", ".join(["reading_id", *measure.header.groups, "reason", "is_known"])
    sums = ["count(*)", "count(denominator)", *(f"coalesce(sum({x}), 0)" for x in ("source_rows", "numerator", "denominator"))]
    picked = ", ".join(f"{sql} as sum_{n}" for n, sql in enumerate(sums))
    told = ", ".join(
        [*(f"c.{x}" for x in [*measure.header.groups, "reason", "is_known"]), *(f"c.sum_{n}" for n in range(len(sums)))]
    )
    return (
        f"with {readings_cte(measure, combinations, numbers)},\nobservations as (\n{measure.body}\n),\n{named},\n"
        f"cells as (select {keys}, {picked} from observations group by {keys})\n"
        f"select n.reading_id, {told} from cells as c inner join named as n on c.reading_id = n.number"
    )


def columns_read(measure: Measure, columns: Iterable[str]) -> list[str]:
    """Those of a table's columns that the query or its header names; all where others may matter unnamed."""
    if not names_what_it_reads(measure.body):
        return list(columns)
    return [name for name in columns if re.search(rf"\b{name}\b", measure.text, re.IGNORECASE)]


def parts_of(measure: Measure, columns: Iterable[str], many: int, within: Days | None = None) -> list[str]:
    """SELECTs of the leading table's rows in so many parts, with those of its columns that the query reads; none has a row that
    belongs together with one of another. `within`: only of the rows that belong to this window. Empty for none, and where one would be
    the table as it is."""
    leading = measure.header.leading[0]
    if leading.together_by is None or (many == 1 and within is None):
        return []
    together, rows = leading.together_by, f"select {', '.join(columns_read(measure, columns))} from {leading.table}"
    conditions = [f"where hash({together}) % {many} = {part}" for part in range(many)] if many > 1 else [""] * many
    if within is None:
        return [f"{rows} {condition}" for condition in conditions]
    window = leading.window.replace("$from_date", f"date '{within.after}'").replace("$as_of", f"date '{within.to}'")
    # the part is told within the brackets only: beside them it would have the engine expect few rows, and join the wrong way round
    return [
        f"{rows} where {together} in (select {together} from {leading.table} {condition} group by 1 having {window})"
        for condition in conditions
    ]


def _parted(query: str, measure: Measure, parts: Sequence[str]) -> Iterator[str]:
    """The query, which begins with `with`, over each part of the measure's leading table, or over the table as it is."""
    for part in parts:
        yield f"with {measure.header.leading[0].table} as ({part}), {query.removeprefix('with ')}"
    if not parts:
        yield query


def run_scan(
    ask: Ask, measure: Measure, scan: Scan, combinations: Sequence[Options], parts: Sequence[str] = (), leading: int | None = None
) -> Scanned:
    """The cells of every combination in one pass over the tables of the engine that is asked, or in one over each part of the
    leading table. `leading`: how many rows they must account for, where that is known.

    Raises MaalError when the observations do not account for every leading row (a fault in the query, never in the data), or a value
    does not go through the query.
    """
    groups = measure.header.groups
    found: dict[tuple[Any, ...], list[Any]] = {}
    try:
        for query in _parted(cells_sql(measure, combinations), measure, parts):
            for row in ask(query, arguments(measure, scan)):
                key, sums = row[:-SUMS], row[-SUMS:]
                found[key] = [a + b for a, b in zip(found[key], sums, strict=True)] if key in found else list(sums)
    except Stumbled as error:
        raise MaalError(f"{measure.path.name}: a value in the rows does not go through the query: {error}.") from None
    cells = in_order(
        Cell(reading, tuple(None if g is None else str(g) for g in words), reason, known, many, sized, int(source), above, below)
        for (reading, *words, reason, known), (many, sized, source, above, below) in found.items()
    )
    _no_forbidden_nulls(measure, cells)
    wanted = leading_rows(ask, measure, scan) if leading is None else leading
    conserved(measure, cells, wanted, combinations)
    return Scanned(scan, tuple(groups), cells, wanted)


def in_order(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Cells in the order they always have."""
    return tuple(sorted(cells, key=lambda c: (c.reading_id, [g or "" for g in c.groups], c.reason or "", c.is_known)))


def leading_rows(ask: Ask, measure: Measure, scan: Scan) -> int:
    """How many rows of the leading tables the measure must account for in this window."""
    return sum(int(ask(query, given)[0][0]) for query, given in leading_sql(measure, scan.days))


def leading_sql(measure: Measure, days: Days) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each leading table, the SELECT that counts its rows in the window, with its parameters."""
    for leading in measure.header.leading:
        given = {"as_of": days.to, "from_date": days.after}
        yield leading.count_sql, {k: v for k, v in given.items() if f"${k}" in leading.window}


def _no_forbidden_nulls(measure: Measure, cells: Iterable[Cell]) -> None:
    for cell in cells:
        for name, value in zip(measure.header.groups, cell.groups, strict=True):
            if value is None and cell.reason is None and measure.header.columns[name].null_group == "forbidden":
                raise MaalError(
                    f"{measure.path.name}: {cell.observations} observations have no {name}, so no row's filter could tell whether they "
                    "count. A code is missing from a list that was delivered; deliver the list with it. Nothing was published."
                )


def conserved(measure: Measure, cells: Iterable[Cell], leading: int, combinations: Iterable[Options]) -> None:
    """Raises MaalError when under a reading the observations do not stand for every leading row, or for more."""
    found = dict.fromkeys(map(reading_id, combinations), 0)
    for cell in cells:
        found[cell.reading_id] += cell.source_rows
    for options, rows in found.items():
        if rows != leading:
            raise MaalError(
                f"{measure.path.name}: under '{options}' the observations stand for {rows} rows of "
                f"{' and '.join(x.table for x in measure.header.leading)}, but {leading} rows belong to the window. "
                "The query loses or doubles rows; nothing was published. Mend the query or its header's leading window."
            )


def fingerprint(measure: Measure, scan: Scan, combinations: Sequence[Options], current: Any, engine: str = DuckDB.name) -> str:
    """A hash of everything the cells follow from: the query's text and how it is asked, window, parameters, readings, what the
    current rows of its tables follow from, and the engine that counts."""
    said: list[Any] = [measure.text, scan.days.after.isoformat(), scan.days.to.isoformat(), scan.parameters, list(combinations)]
    said += [cells_sql(measure, combinations), HOUSE_MACROS, calendar_sql(), _engine_version(), current, engine]
    return hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest()


@lru_cache
def _engine_version() -> str:
    return version("duckdb")


def day_range(days: Days) -> str:
    """A window in print: `1.1.2021-31.12.2021`, or the day alone."""
    first = days.after + timedelta(days=1)
    danish = [f"{d.day}. {d.month}. {d.year}" for d in (first, days.to)]
    return danish[1] if first == days.to else "–".join(danish)
