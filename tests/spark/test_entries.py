"""Each entry of portable_sql.ALLOWED on both engines, over the edge values of its types.

An entry is SQL itself: its columns are named for their types, so the comparison is made from the entry. Only joins and clauses,
which are no expressions, have a query written down here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from both import over

from maalopfyldelse.contract import Table
from maalopfyldelse.portable_sql import ALLOWED, entries
from maalopfyldelse.query import HOUSE_MACROS
from maalopfyldelse.spark_engine import Over, Spark

# Ten rows; n is unique, k a group now and then null. No two values of a type overflow together: both engines stop there.
EDGES: dict[str, tuple[str, list[str]]] = {
    "boolean": ("boolean", ["null", "true", "false"]),
    "integer": ("integer", ["null", "0", "1", "-1", "7", "-7", "499", "1440", "-1441", "60000"]),
    "bigint": ("bigint", ["null", "0", "1", "-1", "999", "-1000", "60001", "4294967296", "-2147483649", "1"]),
    "decimal": ("decimal(18, 4)", ["null", "0", "0.0001", "-0.0001", "0.00", "0.005", "-0.005", "7.4", "99999.9999", "-7.4"]),
    "varchar": (
        "varchar",
        ["null", "''", "'a'", "'A'", "'Æ'", "'voice'", "'VOİCE'", "'VOICE K'", "'__Callout_1'", "'áábc😀defghijkl'"],
    ),
    "date": (
        "date",
        [f"date '{day}'" for day in ("2020-02-29", "2021-01-31", "2021-10-31", "1969-12-31", "1970-01-01", "1900-03-01")]
        + ["null", "date '2020-12-31'", "date '2021-03-28'", "date '2100-02-28'"],
    ),
    "timestamp": (
        "timestamp",
        [f"timestamp '{at}'" for at in ("2021-10-31 00:59:59.999999", "2021-10-31 01:00:00", "1969-12-31 23:59:59.999500")]
        + [f"timestamp '{at}'" for at in ("1970-01-01 00:00:00.000001", "2021-03-28 00:30:00.0009", "2021-03-28 00:30:00.001")]
        + ["null", "timestamp '1900-01-01 12:00:00'", "timestamp '2021-12-31 23:00:00'", "timestamp '2020-02-29 00:00:00'"],
    ),
}
ROWS = 10
# Whole queries for what is no expression; each is checked to contain its entry.
CLAUSES = {
    "cross join": "select a.n as n, b.n as m from edges as a cross join edges as b",
    "inner join": "select a.n as n, b.n as m from edges as a inner join edges as b on a.varchar = b.varchar",
    "left join": "select a.n as n, b.n as m from edges as a left join edges as b on a.k = b.k and b.boolean",
    "union all": "select a.integer as x from edges as a union all select b.bigint as x from edges as b",
    "distinct": "select distinct a.k, a.boolean from edges as a",
    "where": "select a.n from edges as a where a.boolean",
    "having": "select a.k from edges as a group by a.k having min(a.integer) <= 1",
    "subquery": "select s.n from (select a.n as n from edges as a) as s",
}
# A narrower type holds no more; beyond it both engines stop.
NARROWED = {
    "cast(a.bigint as decimal(4, 0))": "cast(a.bigint % 1000 as decimal(4, 0))",
    "cast(a.bigint as integer)": "cast(a.bigint % 60000 as integer)",
}
_COLUMN = re.compile(r"\b([a-f])\.([a-z]+)")


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    con.execute(HOUSE_MACROS)
    columns = ", ".join(f'"{name}" {kind}' for name, (kind, _) in EDGES.items())
    con.execute(f"create table edges (n integer, k varchar, {columns}, delivered_at timestamp)")
    for n in range(ROWS):
        group = ["null", "'x'", "'y'"][n % 3]
        values = ", ".join(values[n % len(values)] for _, values in EDGES.values())
        con.execute(f"insert into edges values ({n}, {group}, {values}, null)")
    yield con
    con.close()


TABLE = Table.model_validate(
    {
        "table": "edges",
        "comment": "Edge values of every type",
        "key": ["n"],
        "columns": {
            name: {"type": kind.replace(" ", ""), "comment": name, "required": False}
            for name, kind in [("n", "integer"), ("k", "varchar"), *((name, kind) for name, (kind, _) in EDGES.items())]
        },
    }
)
SHAPES = {"edges": {name: spec.type for name, spec in TABLE.columns.items()}}


@pytest.fixture(scope="module")
def edges(spark: Spark, con: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Over:
    return over(spark, con, {"edges": TABLE}, ["edges"], Path(tmp_path_factory.mktemp("edges")) / "edges")


def _is_aggregate(entry: str) -> bool:
    return re.match(r"(count|sum|min|max)\(", entry) is not None and " over " not in entry


def _expression(entry: str) -> str | None:
    """The entry as an expression over `edges as a` and others; None for one that has a query of its own."""
    if entry in CLAUSES or entry.startswith("group by "):
        return None
    if entry.startswith("order by "):
        return f"row_number() over ({entry}, a.n)"
    if entry.startswith("partition by "):
        return f"count(*) over ({entry})"
    if entry == "date '…'":
        return "date '2000-01-03'"
    return NARROWED.get(entry, entry)


def _queries() -> Iterator[tuple[list[str], str]]:
    """Entries with the query that compares them, a column each; expressions over as many edges share one."""
    shared: dict[str, list[str]] = {}
    for entry in sorted(ALLOWED):
        expression = _expression(entry)
        if entry in CLAUSES:
            yield [entry], CLAUSES[entry]
        elif expression is None:
            column = entry.removeprefix("group by ")
            yield [entry], f"select {column} as x, count(*) as m, sum(a.n) as s from edges as a group by {column}"
        elif _is_aggregate(entry):
            shared.setdefault("aggregates", []).append(entry)
        else:
            shared.setdefault(max((m[0] for m in _COLUMN.findall(expression)), default="a"), []).append(entry)
    for letter, together in shared.items():
        said = ", ".join(f"{_expression(entry)} as x{n}" for n, entry in enumerate(together))
        if letter == "aggregates":
            yield together, f"select a.k, {said} from edges as a group by a.k"
            yield together, f"select count(*), {said} from edges as a where a.n < 0"
        else:
            letters = "abcdef"[: "abcdef".index(letter) + 1]
            keys = ", ".join(f"{x}.n as {x}n" for x in letters)
            yield together, f"select {keys}, {said} from {' cross join '.join(f'edges as {x}' for x in letters)}"


QUERIES = list(_queries())


def test_every_entry_is_compared() -> None:
    """And by a query that contains it: an entry that means nothing would be compared with nothing."""
    compared: set[str] = set()
    for together, query in QUERIES:
        assert set(together) <= entries(query, SHAPES, {}), query
        compared |= set(together)
    assert compared == ALLOWED


@pytest.mark.parametrize(("together", "query"), QUERIES, ids=[f"{t[0]} and {len(t) - 1} more" for t, _ in QUERIES])
def test_both_engines_say_the_same(con: duckdb.DuckDBPyConnection, edges: Over, together: list[str], query: str) -> None:
    here, there = _sorted(con.execute(query).fetchall()), _sorted(edges.run(query, {}))
    first = len(here[0]) - len(together) if here and len(together) > 1 else 0
    unlike = {
        entry: [(a[:first], a[first + n], b[first + n]) for a, b in zip(here, there, strict=True) if a[first + n] != b[first + n]]
        for n, entry in enumerate(together)
    }
    assert {entry: found[:5] for entry, found in unlike.items() if found} == {}
    assert here == there
    assert here


def test_the_comparison_finds_a_difference(con: duckdb.DuckDBPyConnection, edges: Over) -> None:
    """What engines are known to disagree on differs over these very values; else they would prove nothing."""
    for expression in (
        "cast(a.decimal as bigint)",
        "dayofweek(a.date)",
        "lower(a.varchar)",
        "date_diff('second', a.timestamp, b.timestamp)",
    ):
        query = f"select a.n, b.n, {expression} from edges as a cross join edges as b"
        assert _sorted(con.execute(query).fetchall()) != _sorted(edges.run(query, {})), expression


def _sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])
