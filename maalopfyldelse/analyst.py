"""The analysts' file: one DuckDB database with everything published, swapped in whole.

It holds all editions' tables, views on the current rows, the observations' macros (`measures.telephone_answers(as_of, …)`) and a
macro for each computed row (`"star-2021"."M2.A"(as_of)`), and copies of the observations behind published figures (copies.py),
with comments. Readers never meet the writer: the file is built aside and replaced by one rename. The storage version is one that
DuckDB 1.5 and 2.0 both read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import manifest, shelf, tabular
from .contract import BUILT_IN_COLUMNS
from .copies import copy_observations, create_table
from .declared import Declared
from .engine import connect
from .home import Home
from .intake.current import create_current
from .intake.ledger import Ledger
from .macros import measure_macro, plan_macros
from .measures import calendar_sql
from .query import CALENDAR, OBSERVATION_COLUMNS
from .versions import code_version

if TYPE_CHECKING:
    import duckdb

    from .plan import Plan

STORAGE_VERSION = "v1.5.0"

# name, type, comment
EDITIONS = [
    ("plan", "varchar", "Plan id"),
    ("as_of", "date", "The reporting date"),
    ("edition", "bigint", "Number of the edition"),
    ("known_at", "timestamp", "The figures build on what had arrived by then, UTC"),
    ("is_provisional", "boolean", "True while deliveries may still change the figures"),
    ("is_synthetic", "boolean", "True when sample data is in it"),
    ("made_at", "timestamp", "When it was made, UTC"),
    ("reason", "varchar", "Why it was made, as given with the run"),
    ("code", "varchar", "Version and hash of the code that counted and graded"),
]
CALENDAR_FIELDS = [
    ("day", "date", "Calendar date"),
    ("is_working_day", "boolean", "False on Saturdays, Sundays and Danish public holidays"),
    ("quarter", "varchar", "The quarter it lies in, such as 2021Q3"),
]
# The engine keeps no comments on schemas, so a table says what they are.
ABOUT = [("schema_name", "varchar", "A schema of this file"), ("comment", "varchar", "What stands in it")]
SCHEMAS = {
    "main": "Current rows, one view a table of the expectations, as known when the file was made; the Danish calendar",
    "editions": "Everything published: editions, fulfilment and results, of all editions",
    "observations": "Copies of the observations behind the newest edition of each plan and reporting date",
    "published": "The same copies as each row and reading counts them: counted, unknown, excluded, outside",
    "measures": "A macro a query: its observations for any date, from the current rows",
}
COLUMNS = [
    ("measure", "varchar", "The measure, as in measures.NAME(…)"),
    ("column_name", "varchar", "A column of its observations"),
    ("type", "varchar", "Its type"),
    ("unit", "varchar", "Its unit, where it has one"),
    ("comment", "varchar", "What it means"),
]


def publish(
    home: Home,
    declared: Declared,
    ledger: Ledger,
    plans: Iterable[Plan],
    known_at: datetime,
    say: Callable[[str], None] = lambda text: None,
) -> bool:
    """Builds and swaps in `analyst.duckdb`; returns False when the one that stands is already of this state."""
    plans = list(plans)
    state = _state(home, declared, ledger, known_at)
    marker = home.path / "analyst.state"
    if home.analyst.exists() and marker.exists() and marker.read_text() == state:
        return False
    say("writing analyst.duckdb")
    new = home.tmp / "analyst.duckdb"
    new.unlink(missing_ok=True)
    with connect(home) as con:
        con.execute(f"attach '{_quoted(str(new))}' as analyst (storage_version '{STORAGE_VERSION}')")
        con.execute("use analyst")
        _editions(con, home)
        _current(con, home, declared, ledger, known_at)
        _measures(con, declared)
        for plan in plans:
            plan_macros(con, plan, declared)
        copy_observations(con, home, declared, say)
        create_table(con, "main.about", ABOUT, "What the schemas of this file are")
        schemas = SCHEMAS | {p.plan: f"A macro a counted figure of {p.title}: every reading, for any date" for p in plans}
        con.executemany("insert into main.about values (?, ?)", [[name, text] for name, text in schemas.items()])
        con.execute("use memory")
        con.execute("detach analyst")
    new.replace(home.analyst)
    marker.write_text(state)
    return True


def _state(home: Home, declared: Declared, ledger: Ledger, known_at: datetime) -> str:
    said = [
        str(home.path),  # the views name files by their full path
        [str(p.relative_to(home.path)) for p in shelf.editions(home)],
        [[d.delivery_id, d.state] for d in ledger.deliveries()],
        sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in declared.paths.values()),
        known_at.isoformat(),
        code_version(),
    ]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


def _editions(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    con.execute("create schema editions")
    for table, fields in (("fulfilment", tabular.FULFILMENT), ("results", tabular.RESULTS)):
        arrow = tabular.arrow_table([], fields)  # noqa: F841 – the engine finds it by its name
        con.execute(f"create table editions.{table} as select * from arrow")
        for folder in shelf.editions(home):
            con.execute(
                f"insert into editions.{table} by name select * from read_parquet('{_quoted(str(folder / table))}.parquet')"
            )
        for name, _, comment in fields:
            con.execute(f"comment on column editions.{table}.\"{name}\" is '{_quoted(comment)}'")
    con.execute(
        "comment on table editions.fulfilment is 'Every edition''s fulfilment, one row a total, goal, requirement or part'"
    )
    con.execute("comment on table editions.results is 'Every computed reading of every edition with its sums and accounts'")
    create_table(
        con, "editions.editions", EDITIONS, "The editions: when they were made, from what was known when (instants in UTC)"
    )
    for folder in shelf.editions(home):
        m = manifest.read(folder)
        con.execute(
            "insert into editions.editions values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                m.plan,
                m.as_of,
                m.edition,
                m.known_at.astimezone(UTC).replace(tzinfo=None),
                m.provisional,
                m.synthetic,
                m.made_at.astimezone(UTC).replace(tzinfo=None),
                m.reason,
                m.code,
            ],
        )


def _current(con: duckdb.DuckDBPyConnection, home: Home, declared: Declared, ledger: Ledger, known_at: datetime) -> None:
    """Views on the Parquet store, one a table, as known when the file was made; and what queries expect beside the tables."""
    create_current(con, home, declared, ledger, sorted(declared.tables), known_at, temporary=False)
    for name, table in declared.tables.items():
        con.execute(f"comment on view {name} is '{_quoted(table.comment)}'")
        for column, spec in table.columns.items():
            unit = f" ({spec.unit})" if spec.unit else ""
            con.execute(f"comment on column {name}.{column} is '{_quoted(spec.comment + unit)}'")
        for column, (_, comment) in BUILT_IN_COLUMNS.items():
            con.execute(f"comment on column {name}.{column} is '{_quoted(comment)}'")
        if con.execute("select 1 from duckdb_tables() where table_name = ?", [helper := f"{name}_newest_of_key"]).fetchone():
            con.execute(
                f"comment on table {helper} is 'Keys of {name} that stand in several deliveries; the view {name} needs it'"
            )
            for column in table.key:
                con.execute(f"comment on column {helper}.{column} is '{_quoted(table.columns[column].comment)}'")
            con.execute(f"comment on column {helper}.newest is 'Which delivery wins, counted from the oldest'")
    con.execute(f"create table {CALENDAR} as {calendar_sql()}")
    con.execute(f"comment on table {CALENDAR} is 'Danish calendar: working days and quarters'")
    for column, _, comment in CALENDAR_FIELDS:
        con.execute(f"comment on column {CALENDAR}.{column} is '{comment}'")
    con.execute("create macro add_months(d, n) as cast(d + to_months(n) as date)")
    con.execute("comment on macro add_months is 'The date n months after d; the last of the month where that day does not exist'")


def _measures(con: duckdb.DuckDBPyConnection, declared: Declared) -> None:
    con.execute("create schema measures")
    for measure in declared.measures.values():
        con.execute(measure_macro(measure, declared))
        con.execute(f"comment on macro table measures.{measure.name} is '{_quoted(measure.header.summary)}'")
    create_table(con, "measures.columns", COLUMNS, "What each column of the observations means")
    for measure in declared.measures.values():
        rows = [(n, c.type, c.unit, c.comment) for n, c in measure.header.columns.items()]
        rows += [(n, t, None, comment) for n, (t, comment) in OBSERVATION_COLUMNS.items()]
        con.executemany("insert into measures.columns values (?, ?, ?, ?, ?)", [[measure.name, *row] for row in rows])


def _quoted(text: str | Path) -> str:
    return str(text).replace("'", "''")
