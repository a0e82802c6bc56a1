"""The rows of two states of knowledge side by side: which were withdrawn, superseded or new, and the state between the last two.

That state has the newest version of every row whose key was current before, or none where it vanished, and no new keys; also all
rows of a delivery that counted before and was taken again. Which states are compared is restatement.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from .intake.csvfile import quoted
from .intake.current import CurrentTable, Knowledge, create_current
from .scanning import Scanning, counting_of

if TYPE_CHECKING:
    import duckdb

    from .contract import Table
    from .intake.ledger import Delivery


class Moved(NamedTuple):
    """How many source rows of a table went out of the current ones because their delivery was withdrawn; how many of the others
    were replaced by other values or vanished; how many came to."""

    withdrawn: int
    superseded: int
    new_rows: int


@dataclass
class SomeRows(Scanning):
    """A Scanning over the state between what was known `before` and what its ledger knows, with the declarations of the former."""

    before: Knowledge = field(kw_only=True)

    @cached_property
    def sides(self) -> tuple[dict[str, CurrentTable], dict[str, CurrentTable]]:
        """The tables of both, as views TABLE@before and TABLE@after."""
        con, home, declared, tables = self.connection, self.home, self.declared, self.tables
        return (
            create_current(con, home, declared, self.before, tables, None, suffix="@before"),
            create_current(con, home, declared, self.ledger, tables, None, suffix="@after"),
        )

    @cached_property
    def current(self) -> dict[str, CurrentTable]:
        """The views of the state between."""
        return {name: self._between(self.declared.tables[name]) for name in self.tables}

    @cached_property
    def counting(self) -> dict[str, list[Delivery]]:
        """The later state's deliveries of extracts and periods that had been delivered before."""
        before, after = self._counting_sides
        had = {(d.extract, d.period) for found in before.values() for d in found}
        kept = {e: [d for d in found if (e, d.period) in had] for e, found in after.items()}
        return {extract: found for extract, found in kept.items() if found}

    @cached_property
    def _counting_sides(self) -> list[dict[str, list[Delivery]]]:
        return [counting_of(known, side, None) for known, side in zip((self.before, self.ledger), self.sides, strict=True)]

    @property
    def is_as_before(self) -> bool:
        """Whether no row was superseded at all."""
        was = self.sides[0]
        return all(table.follows_from == was[name].follows_from for name, table in self.current.items()) and (
            self.counting == self._counting_sides[0]
        )

    def _between(self, table: Table) -> CurrentTable:
        name, con = table.table, self.connection
        was, now = (side[name] for side in self.sides)
        if was.follows_from == now.follows_from:
            return self._as_in(table, was, "@before")
        con.execute(f'create or replace temp view "{name}" as {_kept_sql(table, self.counted_before(name))}')
        if not _more(con, table, f"{name}@before", name, whole=True) and not _more(
            con, table, name, f"{name}@before", whole=True
        ):
            return self._as_in(table, was, "@before")
        if _rows(con, name) == now.current_rows:
            return self._as_in(table, now, "@after")
        follows_from = ["keys of", *was.follows_from, "in", *now.follows_from, "and", *self.counted_before(name)]
        return CurrentTable(now.deliveries, follows_from, 0, _rows(con, name), 0, 0, 0)

    def _as_in(self, table: Table, side: CurrentTable, suffix: str) -> CurrentTable:
        self.connection.execute(f'create or replace temp view "{table.table}" as select * from "{table.table}{suffix}"')
        return side

    def counted_before(self, table: str) -> list[str]:
        """The deliveries whose rows might count before."""
        extracts = self.declared.extracts_of(table)
        return sorted(d.delivery_id for e in extracts for d in self.before.counting(e.extract))


def moved_rows(first: Scanning, between: SomeRows) -> dict[str, Moved]:
    """What moved in each table from the older edition's rows (`first`) to those that came last; between lie, without the withdrawn
    ones, those before and after the superseding."""
    found = {}
    for name in between.tables:
        table, con = between.declared.tables[name], between.connection
        middle = between.current[name].follows_from
        was, now = (side[name] for side in between.sides)
        withdrawn = 0
        if first.current[name].follows_from != was.follows_from:
            gone = sorted(set(first.current[name].deliveries) - set(between.counted_before(name)))
            listed = ", ".join(quoted(d) for d in gone) or "null"
            row = first.connection.execute(f'select count(*) from "{name}" where delivery_id in ({listed})').fetchone()
            withdrawn = int(row[0]) if row else 0
        superseded = 0 if middle == was.follows_from else _more(con, table, f"{name}@before", name)
        new = 0 if middle == now.follows_from else now.current_rows - _rows(con, name)
        if withdrawn or superseded or new:
            found[name] = Moved(withdrawn, superseded, new)
    return found


def _kept_sql(table: Table, counted: list[str]) -> str:
    """SELECT of the later rows whose key was current before, or whose delivery counted before."""
    name = table.table
    same = " and ".join(f'b."{column}" is not distinct from a."{column}"' for column in table.key)
    listed = ", ".join(quoted(d) for d in counted) or "null"
    return (
        f'select a.* from "{name}@after" a where exists (select 1 from "{name}@before" b where {same}) '
        f"or coalesce(a.delivery_id in ({listed}), false)"
    )


def _more(con: duckdb.DuckDBPyConnection, table: Table, one: str, other: str, *, whole: bool = False) -> int:
    """How many rows of one view the other has not; `whole` also looks at the delivery that a row came with."""
    columns = [f'"{column}"' for column in table.columns] + (["delivery_id", "delivered_at"] if whole else [])
    listed = ", ".join(columns)
    row = con.execute(f'select count(*) from (select {listed} from "{one}" except all select {listed} from "{other}")').fetchone()
    return int(row[0]) if row else 0


def _rows(con: duckdb.DuckDBPyConnection, view: str) -> int:
    row = con.execute(f'select count(*) from "{view}"').fetchone()
    return int(row[0]) if row else 0
