"""The row rules of an extract as SQL, and the house relations they may look into.

Wraps the statement that cast.py makes: strictly, where a row that breaks a rule stops it like any fault, and carefully, where every
rule gives its code. What a rule may say is contract.py's RowRule; what happens to a row that breaks one is load.py's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import Extract, RowRule, Table
from ..errors import CallerError
from ..plan import Row, read_plan

if TYPE_CHECKING:
    import duckdb

HOUSE = {"plan_rows": ("plan", "plan_row"), "plan_words": ("plan", "plan_row", "use", "word")}
Words = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RowRules:
    """The rules of one delivery: on which table, and when it arrived (Danish date)."""

    rules: tuple[RowRule, ...]
    table: Table
    delivered: date

    @property
    def codes(self) -> list[str]:
        return [rule.code for rule in self.rules]

    @property
    def messages(self) -> dict[str, str]:
        return {rule.code: rule.message for rule in self.rules}

    def strict(self, typed: str, stop: str) -> str:
        """The typed rows; the statement stops with `stop` at the first that breaks a rule."""
        if not self.rules:
            return typed
        broken = " or ".join(f"coalesce(({rule.when}), false)" for rule in self.rules)
        columns = ", ".join(f'{self.table.table}."{name}"' for name in self.table.columns)
        sound = f"case when {broken} then error('{stop}') else true end"
        if not self.looks_up:
            return f"select {columns} from {self._relation(typed)} where {sound}"
        numbered = f"select *, row_number() over () as _row from ({typed})"
        return f"select {columns} from {self._relation(numbered)} where {sound} order by _row"

    def careful(self, typed: str, broken: str, flags: dict[str, str]) -> str:
        """The typed rows, numbered `_row`, with a further column for each rule, named as `flags` says by its code: the code where the
        row breaks it.

        `flags` also names the columns that say what is wrong with each of the table's columns, `broken` the one that says so of
        the whole row. A rule is not asked about cells that are wrong.
        """
        if not self.rules:
            return typed
        picked = []
        for rule in self.rules:
            sound = [f"{flags[name]} is null" for name in self.table.columns if mentions(rule, name)]
            asked = " and ".join([f"{broken} is null", *sound, f"({rule.when})"])
            picked.append(f"case when {asked} then '{rule.code}' end as {flags[rule.code]}")
        order = " order by _row" if self.looks_up else ""
        return f"select {self.table.table}.* exclude (delivered_date), {', '.join(picked)} from {self._relation(typed)}{order}"

    @property
    def looks_up(self) -> bool:
        """A look-up is a join, and the engine's joins mix up the order of rows; a file's rows are stored in its order."""
        return any(mentions(rule, name) for rule in self.rules for name in HOUSE)

    def _relation(self, typed: str) -> str:
        return f"(select *, date '{self.delivered}' as delivered_date from ({typed})) as {self.table.table}"


def house_used(extract: Extract) -> list[str]:
    """The house relations that an extract's row rules mention."""
    return [name for name in HOUSE if any(mentions(rule, name) for rule in extract.set_aside)]


def house_rows(plans: dict[str, Path], relation: str) -> Words:
    """What a house relation holds, sorted. Raises CallerError where a plan cannot be read."""
    found = {
        row for path in plans.values() for row in _of_plan(path, path.stat().st_mtime_ns) if len(row) == len(HOUSE[relation])
    }
    return tuple(sorted(found))


def house_hash(plans: dict[str, Path], extract: Extract) -> str | None:
    """A fingerprint of what the rules look into, None when they look into nothing."""
    used = {name: house_rows(plans, name) for name in house_used(extract)}
    return hashlib.sha256(json.dumps(used, ensure_ascii=False).encode()).hexdigest() if used else None


def depends_on_arrival(extract: Extract) -> bool:
    """Whether another day of arrival could set other rows aside."""
    return any(mentions(rule, "delivered_date") for rule in extract.set_aside)


def prepare(con: duckdb.DuckDBPyConnection, plans: dict[str, Path], extract: Extract) -> None:
    """Makes the house relations that the rules mention."""
    for name in house_used(extract):
        columns = HOUSE[name]
        con.execute(f"create or replace temp table {name} ({', '.join(f'{c} varchar not null' for c in columns)})")
        if rows := house_rows(plans, name):
            con.executemany(f"insert into {name} values ({', '.join('?' for _ in columns)})", rows)


def prove(con: duckdb.DuckDBPyConnection, extract: Extract, table: Table) -> None:
    """Runs every rule over a row without values. Raises CallerError for one that is no condition on the table's columns."""
    import duckdb

    empty = ", ".join(f'cast(null as {spec.type}) as "{name}"' for name, spec in table.columns.items())
    for rule in extract.set_aside:
        place = f"expectations/{extract.extract}.yaml: set_aside {rule.code}"
        if rule.column not in table.columns:
            raise CallerError(f"{place}: column: '{table.table}' has no column '{rule.column}'.")
        relation = f"(select {empty}, date '2000-01-01' as delivered_date) as {table.table}"
        try:
            con.execute(f"select cast(({rule.when}) as boolean) from {relation}").fetchall()
        except duckdb.Error as error:
            raise CallerError(f"{place}: when: {str(error).splitlines()[0]}") from None


def mentions(rule: RowRule, name: str) -> bool:
    """Whether a rule's condition names a column or relation."""
    return re.search(rf"\b{name}\b", rule.when) is not None


@lru_cache(maxsize=64)
def _of_plan(path: Path, _changed: int) -> Words:
    """The rows of a plan (pairs) and the words its criteria wait for, amendments included."""
    plan = read_plan(path)
    rows = [*plan.rows, *(row for amendment in plan.amendments for row in amendment.rows)]
    return tuple(found for row in rows for found in _of_row(plan.plan, row))


def _of_row(plan: str, row: Row) -> Iterator[tuple[str, ...]]:
    yield plan, row.id
    for criterion in row.criteria:
        if criterion.event:
            yield plan, row.id, "act", criterion.event.act
        if criterion.count:
            yield plan, row.id, "count", criterion.count.name
        if criterion.judged:
            yield plan, row.id, "parameter", criterion.judged.parameter
    for below in row.rows:
        yield from _of_row(plan, below)
