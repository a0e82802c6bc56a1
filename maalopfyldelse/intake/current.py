"""Current rows: which deliveries count at a date of knowledge, and which row wins per key.

One view per table, named as the table, over the Parquet of every extract that fills it. `whole`: an extract's newest delivery;
`period`: its newest of each period; `key`: of each key the rows of the newest delivery that has it, across all such extracts of
the table. The newest is the last by (arrival, name), so the order in which files were taken does not matter. Nothing is
overwritten, and a row that does not count is still counted: kept = current + superseded + withdrawn + held back.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..contract import Table
from ..declared import Declared
from ..errors import MaalError
from ..home import Home
from .csvfile import quoted
from .deliveries import hash_file
from .ledger import Blocker, Delivery
from .take import contract_hash

if TYPE_CHECKING:
    import duckdb


_NOTE = re.compile(r"(?P<superseded>[0-9]+) of (?P<rows>[0-9]+) rows\n")  # whole, so that one that was cut is none


class Knowledge(Protocol):
    """What is asked about deliveries: of the ledger, or of what an edition wrote down."""

    def deliveries(self, extract: str | None = None, known_at: datetime | None = None) -> list[Delivery]:
        """Those known at a moment, in order of arrival and name."""

    def counting(self, extract: str, known_at: datetime | None = None) -> list[Delivery]:
        """Those whose rows may count."""

    def blocking(self, extracts: Iterable[str], known_at: datetime | None = None) -> list[Blocker]:
        """What must stop a plan that reads these extracts."""

    def reject_counts(self) -> dict[str, dict[tuple[str, str | None], int]]:
        """delivery → (code, column) → how many rows were set aside for it."""


@dataclass(frozen=True)
class CurrentTable:
    """The current rows of one table. `deliveries` are the ids whose rows stand in the view, oldest first; `follows_from` is all
    that the view's rows follow from besides the table's columns. Rows: kept = current + superseded + withdrawn + held_back (of
    refused or critically failed deliveries). `made_of` are the SELECTs over the stored files that make the view, by name and in
    order, the view's own last: what another engine makes the same rows of; none where the rows are no whole deliveries'."""

    deliveries: list[str]
    follows_from: list[str]
    kept_rows: int
    current_rows: int
    superseded_rows: int
    withdrawn_rows: int
    held_back_rows: int
    made_of: tuple[tuple[str, str], ...] = ()


def create_current(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    declared: Declared,
    known: Knowledge,
    tables: Iterable[str],
    known_at: datetime | None,
    *,
    temporary: bool = True,
    suffix: str = "",
    keeps_counts: bool = False,
) -> dict[str, CurrentTable]:
    """Makes one view a table (temporary, or in the connection's database), once a connection, named as the table with
    `suffix`, and says what it holds.

    The view has the table's columns in their order, then delivery_id and delivered_at; it is empty when nothing counts. `known_at`
    None means all that the ledger knows. `keeps_counts`: how many rows another of the same key superseded is written down in the
    home, so that the next to ask need not look at every key. Raises MaalError when a delivery no longer fits its table or its
    stored file is damaged.
    """
    import duckdb

    found = {}
    for name in sorted(set(tables)):
        try:
            found[name] = _create(con, home, declared, known, declared.tables[name], known_at, temporary, suffix, keeps_counts)
        except duckdb.Error:
            hold_whole(home, (d for e in declared.extracts_of(name) for d in known.deliveries(e.extract, known_at)))
            raise
    return found


def keep_chosen(con: duckdb.DuckDBPyConnection, name: str, current: CurrentTable) -> None:
    """Turns a temporary view whose rows win by key into a table, for who reads it often: to choose the rows takes longer than to
    read them. What they were chosen by is let go."""
    con.execute(f'create temp table if not exists "{name}_rows" as select * from "{name}"')
    ((rows,),) = con.execute(f'select count(*) from "{name}_rows"').fetchall()
    if rows != current.current_rows:  # of which there may have been no more than a note from before
        raise AssertionError(f"{name}: {rows} rows win by key, not {current.current_rows}")
    con.execute(f'create or replace temp view "{name}" as select * from "{name}_rows"')
    for made, _ in current.made_of[:-1]:
        if con.execute("select 1 from duckdb_tables() where table_name = ?", [made]).fetchone():
            con.execute(f'drop table "{made}"')


def hold_whole(home: Home, deliveries: Iterable[Delivery]) -> None:
    """Raises MaalError naming the first stored file that is gone or holds other bytes than intake wrote."""
    for delivery in (d for d in deliveries if d.store_path is not None):
        path = home.path / str(delivery.store_path)
        if not path.exists():
            found = "is gone"
        elif _hash_of_version(path, path.stat().st_size, path.stat().st_mtime_ns) != delivery.store_sha256:
            found = "is not what intake wrote: it was cut or changed"
        else:
            continue
        raise MaalError(
            f"{path}, which holds the rows of {delivery.name}, {found}. Put a copy of it back, or remove it and run again with the "
            "delivered file among the deliveries: it is then taken again. What was published stands."
        )


@cache
def _hash_of_version(path: Path, size: int, mtime_ns: int) -> str:
    return hash_file(path)


def rows_sql(home: Home, table: Table, deliveries: list[Delivery]) -> str:
    """SELECT over the stored rows of these deliveries: the table's columns, delivery_id, delivered_at; with types, if empty too."""
    columns = [f'"{name}"' for name in table.columns]
    if not deliveries:
        empty = [f'cast(null as {spec.type}) as "{name}"' for name, spec in table.columns.items()]
        empty += ["cast(null as varchar) as delivery_id", "cast(null as timestamp) as delivered_at"]
        return f"select {', '.join(empty)} where false"
    files = ", ".join(quoted(str(home.path / str(d.store_path))) for d in deliveries)
    arrival = _case(deliveries, [f"timestamp '{d.arrived_at.astimezone(UTC).replace(tzinfo=None)}'" for d in deliveries])
    return f"select {', '.join(columns)}, delivery_id, {arrival} as delivered_at from read_parquet([{files}])"


def _create(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    declared: Declared,
    known: Knowledge,
    table: Table,
    known_at: datetime | None,
    temporary: bool,
    suffix: str,
    keeps_counts: bool,
) -> CurrentTable:
    stored: list[Delivery] = []
    counting: list[Delivery] = []
    plain: list[Delivery] = []
    keyed: list[Delivery] = []
    for extract in declared.extracts_of(table.table):
        stored += [d for d in known.deliveries(extract.extract, known_at) if d.store_path is not None]
        good = known.counting(extract.extract, known_at)
        counting += good
        if extract.superseding == "key":
            keyed += good
        else:
            newest = {d.period if extract.superseding == "period" else None: d for d in good}
            plain += newest.values()
        _hold_shapes(con, home, table, good, contract_hash(extract, table, declared.plan_paths))
    keyed.sort(key=_age)
    name = table.table + suffix
    winning = _winning(con, home, table, keyed, temporary, name, keeps_counts)
    chosen = sorted([*plain, *keyed], key=_age)
    whole = [rows_sql(home, table, plain)] if plain or not keyed else []
    view = " union all ".join([*whole, winning.view] if keyed else whole)
    con.execute(f'create or replace {"temp " if temporary else ""}view "{name}" as {view}')
    if winning.was_noted:  # the files' own counts do
        ((rows,),) = con.execute(f"select count(*) from ({rows_sql(home, table, chosen)})").fetchall()
        current = int(rows) - winning.superseded
    else:
        current = int(con.execute(f'select count(*) from "{name}"').fetchall()[0][0])
    superseded = winning.superseded + sum(_rows(d) for d in counting if d not in chosen)
    withdrawn = sum(_rows(d) for d in stored if d.withdrawn_at is not None)
    kept = sum(_rows(d) for d in stored)
    held_back = kept - withdrawn - sum(_rows(d) for d in counting)
    if kept != current + superseded + withdrawn + held_back:
        raise AssertionError(f"{table.table}: {kept} rows kept are not {current} + {superseded} + {withdrawn} + {held_back}")
    key = " ".join(table.key)
    follows_from = [f"{key if d in keyed else 'all'}: {d.store_path} {d.arrived_at.isoformat()}" for d in chosen]
    made_of = (*winning.chosen_by, (name, view))
    return CurrentTable([d.delivery_id for d in chosen], follows_from, kept, current, superseded, withdrawn, held_back, made_of)


@dataclass(frozen=True)
class _Winning:
    """The rows that win by key (a SELECT), how many do not, what the former are chosen by, and whether their number was noted before."""

    view: str
    superseded: int = 0
    chosen_by: tuple[tuple[str, str], ...] = ()
    was_noted: bool = False


def _winning(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    table: Table,
    deliveries: list[Delivery],
    temporary: bool,
    view: str,
    keeps_counts: bool,
) -> _Winning:
    """Keys in several deliveries are few, so only they are written down."""
    rows = rows_sql(home, table, deliveries)
    if len(deliveries) < 2:
        return _Winning(rows)
    ranked = f"select *, {_case(deliveries, [str(i) for i in range(len(deliveries))])} as delivery_rank from ({rows})"
    key = ", ".join(f'"{column}"' for column in table.key)
    name = f"{view}_newest_of_key"
    newest = f"select {key}, max(delivery_rank) as newest from ({ranked}) group by {key} having min(delivery_rank) <> max(delivery_rank)"
    note = _note(home, table, deliveries)
    noted = _noted(note, deliveries) if keeps_counts else None
    kind = "table" if noted is None else "view"  # where nothing need be counted here, perhaps no row is read at all
    con.execute(f'create or replace {"temp " if temporary else ""}{kind} "{name}" as {newest}')
    same = " and ".join(f'n."{column}" = r."{column}"' for column in table.key)
    joined = f'from ({ranked}) r join "{name}" n on {same} where r.delivery_rank <> n.newest'
    superseded = int(con.execute(f"select count(*) {joined}").fetchall()[0][0]) if noted is None else noted
    if keeps_counts and noted is None:
        home.keep(note, f"{superseded} of {sum(map(_rows, deliveries))} rows\n")
    if not superseded:
        return _Winning(rows, was_noted=noted is not None)
    columns = ", ".join(f'r."{column}"' for column in [*table.columns, "delivery_id", "delivered_at"])
    left = f'from ({ranked}) r left join "{name}" n on {same} where n.newest is null or r.delivery_rank = n.newest'
    return _Winning(f"select {columns} {left}", superseded, ((name, newest),), noted is not None)


def _note(home: Home, table: Table, deliveries: list[Delivery]) -> Path:
    """Where it is noted how many rows of these deliveries are superseded: named by all that this follows from."""
    said = json.dumps([table.key, [[d.store_path, d.delivery_id] for d in deliveries]])
    return home.store / "superseded" / hashlib.sha256(said.encode()).hexdigest()


def _noted(note: Path, deliveries: list[Delivery]) -> int | None:
    """How many rows a note says are superseded; None without one, or with one that speaks of another number of rows."""
    found = _NOTE.fullmatch(note.read_text(errors="replace")) if note.exists() else None
    return int(found["superseded"]) if found and int(found["rows"]) == sum(map(_rows, deliveries)) else None


def _hold_shapes(con: duckdb.DuckDBPyConnection, home: Home, table: Table, deliveries: list[Delivery], contract: str) -> None:
    """Rows taken under an earlier contract must still have the table's columns; their files may be gone."""
    wanted = {name: spec.type.upper() for name, spec in table.columns.items()}
    for delivery in (d for d in deliveries if d.contract_hash != contract):
        path = quoted(str(home.path / str(delivery.store_path)))
        shape = {row[0]: row[1] for row in con.execute(f"describe select * from read_parquet({path})").fetchall()}
        for name, kind in wanted.items():
            if shape.get(name) != kind:
                raise MaalError(
                    f"{delivery.name} was taken under an earlier contract and has no column '{name}' of type {kind.lower()}. Put the "
                    f"file back among the deliveries so that it can be taken again, or withdraw {delivery.delivery_id}."
                )


def _case(deliveries: list[Delivery], values: list[str]) -> str:
    whens = " ".join(f"when {quoted(d.delivery_id)} then {value}" for d, value in zip(deliveries, values, strict=True))
    return f"case delivery_id {whens} end"


def _age(delivery: Delivery) -> tuple[datetime, str, str]:
    return (delivery.arrived_at, delivery.name, delivery.delivery_id)


def _rows(delivery: Delivery) -> int:
    return delivery.rows_kept or 0
