"""A bench for the queries of sql/: the tables they name, filled by hand, and what the machine supplies beside them.

Here belong only the surroundings of a query (tables, readings, calendar, house macros); what a query should answer stands in
tests/sql/*.yaml and in tests/oracles/. Rows are dicts by column name; a column left out is null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from maalopfyldelse.contract import BUILT_IN_COLUMNS, Table
from maalopfyldelse.dates import is_working_day, quarter_of
from maalopfyldelse.query import OBSERVATION_COLUMNS, Measure, read_measure
from maalopfyldelse.yamlio import parse_yaml, read_text, validated

REPOSITORY = Path(__file__).resolve().parent.parent
MEASURES: dict[str, Measure] = {path.stem: read_measure(path) for path in sorted((REPOSITORY / "sql").glob("*.sql"))}
TABLES: dict[str, Table] = {
    path.stem: validated(Table, parse_yaml(read_text(path), str(path)), str(path))
    for path in sorted((REPOSITORY / "expectations" / "tables").glob("*.yaml"))
}

Row = dict[str, Any]
Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(2040, 12, 31)


class Bench:
    """One in-memory database with every canonical table. `fill` replaces all rows; `observe` runs a measure."""

    def __init__(self) -> None:
        self.con = duckdb.connect(config={"threads": 1})
        self.con.execute("create macro add_months(day, months) as cast(day + to_months(cast(months as integer)) as date)")
        self.con.execute("create table danish_calendar (day date, is_working_day boolean, quarter varchar)")
        count = (_LAST_DAY - _FIRST_DAY).days + 1
        days = [_FIRST_DAY + timedelta(days=n) for n in range(count)]
        lines = ", ".join(f"('{day}', {is_working_day(day)}, '{quarter_of(day)}')" for day in days)
        self.con.execute(f"insert into danish_calendar values {lines}")
        for name, table in TABLES.items():
            columns = [f'"{column}" {spec.type}' for column, spec in table.columns.items()]
            columns += [f'"{column}" {kind}' for column, (kind, _) in BUILT_IN_COLUMNS.items()]
            self.con.execute(f"create table {name} ({', '.join(columns)})")

    def fill(self, rows: Rows) -> None:
        """Replace all rows of all tables. An unknown table or column is a mistake of the test."""
        for name in TABLES:
            self.con.execute(f"delete from {name}")
        for name, content in rows.items():
            known = [*TABLES[name].columns, *BUILT_IN_COLUMNS]
            for row in content:
                assert set(row) <= set(known), f"{name} has no column {sorted(set(row) - set(known))}"
            if content:
                lines = ", ".join("(" + ", ".join(_literal(row.get(c)) for c in known) + ")" for row in content)
                self.con.execute(f"insert into {name} values {lines}")

    def observe(
        self,
        measure: Measure,
        *,
        as_of: date,
        from_date: date,
        parameters: Mapping[str, Any] | None = None,
        readings: Mapping[str, Mapping[str, str]] | None = None,
    ) -> list[Row]:
        """The observations as dicts, in no order. `readings`: reading id → options that differ from the defaults."""
        defaults = {name: parameter.default for name, parameter in measure.header.parameters.items()}
        values = defaults | dict(parameters or {}) | {"as_of": as_of, "from_date": from_date}
        named = {name: value for name, value in values.items() if f"${name}" in measure.body}
        return self._rows(compose(measure, readings or {"a": {}}), named)

    def observe_by_macro(self, measure: Measure, *, as_of: date, from_date: date, options: Mapping[str, str]) -> list[Row]:
        """The same through a table macro, as analysts call it: dates, parameters and options are its arguments."""
        names = ["as_of", "from_date", *measure.header.parameters, *measure.header.options]
        body = re.sub(r"\$([a-z_]+)", r'"\1"', measure.body)
        words = ", ".join(f'"{option}" as "{option}"' for option in measure.header.options)
        signature = ", ".join(f'"{name}"' for name in names)
        self.con.execute(
            f"create or replace macro tried({signature}) as table "
            f"with readings as (select 'a' as reading_id, {words}), observations as (\n{body}\n) select o.* from observations as o"
        )
        defaults = [parameter.default for parameter in measure.header.parameters.values()]
        chosen = {**measure.defaults, **options}
        arguments = [f"date '{as_of}'", f"date '{from_date}'", *map(_literal, [*defaults, *chosen.values()])]
        return self._rows(f"select * from tried({', '.join(arguments)})", {})

    def columns(self, measure: Measure) -> dict[str, str]:
        """The names the query returns, in order, with their types."""
        values: Row = {name: parameter.default for name, parameter in measure.header.parameters.items()}
        values |= {"as_of": date(2021, 12, 31), "from_date": date(2020, 12, 31)}
        named = {name: value for name, value in values.items() if f"${name}" in measure.body}
        described = self.con.execute(f"describe {compose(measure, {'a': {}})}", named)
        return {line[0]: line[1].lower() for line in described.fetchall()}

    def _rows(self, query: str, values: Mapping[str, Any]) -> list[Row]:
        cursor = self.con.execute(query, dict(values))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def leading_rows(self, measure: Measure, *, as_of: date, from_date: date) -> int:
        """How many rows of the leading tables the measure must account for."""
        total = 0
        for leading in measure.header.leading:
            bound = {k: v for k, v in {"as_of": as_of, "from_date": from_date}.items() if f"${k}" in leading.window}
            total += self.con.execute(leading.count_sql, bound).fetchall()[0][0]
        return total


def compose(measure: Measure, readings: Mapping[str, Mapping[str, str]]) -> str:
    """The measure with its readings as one statement."""
    return (
        f"with readings as ({readings_sql(measure, readings)}), observations as (\n{measure.body}\n) select * from observations"
    )


def readings_sql(measure: Measure, readings: Mapping[str, Mapping[str, str]]) -> str:
    """The readings as a SELECT with one varchar column an option."""
    names = ["reading_id", *measure.header.options]
    lines = []
    for reading_id, chosen in readings.items():
        for option, word in chosen.items():
            assert word in measure.header.options[option], f"{measure.name}: {option} has no word '{word}'"
        words = {**measure.defaults, **chosen}
        lines.append("(" + ", ".join(_literal(v) for v in (reading_id, *(words[n] for n in measure.header.options))) + ")")
    return f"select * from (values {', '.join(lines)}) as r({', '.join(names)})"


def every_reading(measure: Measure) -> dict[str, dict[str, str]]:
    """The default, and every other word of every option alone against it."""
    single = {f"{option}={word}": {option: word} for option, words in measure.header.options.items() for word in words[1:]}
    return {"default": {}, **single}


def declared_columns(measure: Measure) -> dict[str, str]:
    """What the query must return, in order, with the declared types."""
    return {name: column.type for name, column in measure.header.columns.items()} | {
        name: kind for name, (kind, _) in OBSERVATION_COLUMNS.items()
    }


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return f"'{value}'"
    text = str(value).replace("'", "''")
    return f"'{text}'"
