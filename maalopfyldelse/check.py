"""`maal check`: everything provable without data, one line a thing, OK or FAIL.

Tables and extracts agree, rules are well formed, queries parse and return what their headers declare, plans hold against the
measures. What needs data is an expectation (expectations.py) or a conservation identity (measures.py, edition.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from .contract import BUILT_IN_COLUMNS, Extract
from .counting import Days, Scan
from .declared import Declared, load
from .errors import MaalError
from .intake import rowrules
from .measures import arguments, leading_sql, observations_sql, prepare
from .months import stamps_sql
from .query import OBSERVATION_COLUMNS, Measure
from .scanning import load_plan

if TYPE_CHECKING:
    import duckdb

FORBIDDEN = re.compile(r"\b(current_date|current_timestamp|now|today|random|getdate|localtimestamp)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Checked:
    """One thing proved or not."""

    what: str
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems


def check_all(folder: Path | None) -> Iterator[Checked]:
    """Proves the declarations of the repository and of `folder`, one after another."""
    try:
        declared = load(folder)
    except MaalError as error:
        yield Checked("declarations can be read", str(error).splitlines())
        return
    yield Checked(f"declarations can be read ({len(declared.tables)} tables, {len(declared.extracts)} extracts)")
    yield from _extracts(declared)
    for measure in declared.measures.values():
        try:
            yield Checked(f"measure {measure.name}", list(_measure(measure, declared)))
        except MaalError as error:  # SQL that cannot be parsed
            yield Checked(f"measure {measure.name}", str(error).splitlines())
    for plan_id in declared.plan_paths:
        try:
            plan = load_plan(declared, plan_id)
            yield Checked(f"plan {plan_id} ({len(plan.placed)} rows)")
        except MaalError as error:
            yield Checked(f"plan {plan_id}", str(error).splitlines())


def _extracts(declared: Declared) -> Iterator[Checked]:
    from .expectations import check_rules

    for extract in declared.extracts.values():
        rules = len(extract.rules) + len(extract.set_aside)
        problems = [*_row_rules(extract, declared), *check_rules(extract, declared)]
        yield Checked(f"extract {extract.extract} → {extract.table}, {rules} rules", problems)


def _row_rules(extract: Extract, declared: Declared) -> Iterator[str]:
    import duckdb

    for rule in extract.set_aside:
        if word := FORBIDDEN.search(rule.when):
            yield f"{extract.extract}: set_aside {rule.code}: uses {word[0]}; a row is judged by what was delivered"
    with duckdb.connect(":memory:") as con:
        rowrules.prepare(con, {}, extract)
        try:
            rowrules.prove(con, extract, declared.tables[extract.table])
        except MaalError as error:
            yield str(error)


def _measure(measure: Measure, declared: Declared) -> Iterator[str]:
    code = re.sub(r"--[^\n]*", "", measure.body)
    if word := FORBIDDEN.search(code):
        yield f"{measure.path.name}: uses {word[0]}; a figure may depend on its dates only"
    for table in sorted(measure.reads):
        if table not in declared.tables:
            yield f"{measure.path.name}: reads '{table}', which is no declared table"
            return
        if not declared.extracts_of(table):
            yield f"{measure.path.name}: reads '{table}', which no extract fills"
    for leading in measure.header.leading:
        if leading.table not in declared.tables:
            yield f"{measure.path.name}: leading names '{leading.table}', which is no declared table"
            return
        if leading.together_by:
            together = declared.tables[leading.table].columns.get(leading.together_by)
            if together is None or not together.required:  # rows without one would all belong together
                what = "is no column of" if together is None else "may be empty in"
                yield f"{measure.path.name}: together_by names '{leading.together_by}', which {what} {leading.table}"
                return
    if staff := measure.header.staff:
        columns = declared.tables[measure.header.leading[0].table].columns
        for column in (c for c in (staff.by, staff.fte) if c not in columns):
            yield f"{measure.path.name}: staff names '{column}', which is no column of {measure.header.leading[0].table}"
    import duckdb

    with duckdb.connect(":memory:") as con:
        prepare(con)
        empty_tables(con, declared)
        yield from _runs(con, measure, declared)


def empty_tables(con: duckdb.DuckDBPyConnection, declared: Declared) -> None:
    """Creates every table, empty, with its declared columns."""
    for table in declared.tables.values():
        columns = [f'"{name}" {spec.type}' for name, spec in table.columns.items()]
        columns += [f'"{name}" {type_}' for name, (type_, _) in BUILT_IN_COLUMNS.items()]
        con.execute(f"create table {table.table} ({', '.join(columns)})")


def _runs(con: duckdb.DuckDBPyConnection, measure: Measure, declared: Declared) -> Iterator[str]:
    """The query runs on empty tables and returns exactly its declared columns, in order and of their types."""
    import duckdb

    scan = Scan(
        measure.name,
        Days(date(2020, 12, 31), date(2021, 12, 31)),
        tuple((n, p.default) for n, p in measure.header.parameters.items()),
    )
    options = tuple(measure.defaults.items())
    try:
        described = con.execute(f"describe {observations_sql(measure, [options])}", arguments(measure, scan)).fetchall()
        for query, given in leading_sql(measure, scan.days):
            con.execute(query, given)
        if measure.header.months:
            leading = measure.header.leading[0]
            day = con.execute(f"describe {stamps_sql(measure, declared.tables[leading.table])}").fetchall()[0][1]
            if day != "DATE":
                yield f"{measure.path.name}: placed_by is {day.lower()}, not date"
    except duckdb.Error as error:
        yield f"{measure.path.name}: {str(error).splitlines()[0]}"
        return
    found = {row[0]: row[1].lower().replace(" ", "") for row in described}
    wanted = {name: spec.type for name, spec in measure.header.columns.items()} | {
        n: t for n, (t, _) in OBSERVATION_COLUMNS.items()
    }
    if list(found) != list(wanted):
        yield f"{measure.path.name}: returns {', '.join(found)}; the header declares {', '.join(wanted)}"
        return
    for name, type_ in wanted.items():
        if type_ == "bigint or decimal":
            if found[name] != "bigint" and not found[name].startswith("decimal"):
                yield f"{measure.path.name}: {name} is {found[name]}, not bigint or decimal"
        elif found[name] != type_:
            yield f"{measure.path.name}: {name} is {found[name]}; the header declares {type_}"
