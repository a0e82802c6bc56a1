"""Every query uses only what both engines have been compared on; here without Java, from the queries' texts alone.

That each entry of the list means the same on both engines is shown by tests/spark (`make test-spark`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sql_house import MEASURES, TABLES

from maalopfyldelse.contract import BUILT_IN_COLUMNS
from maalopfyldelse.counting import Days, Scan
from maalopfyldelse.measures import arguments, cells_sql, leading_sql
from maalopfyldelse.portable_sql import ALLOWED, entries, refused
from maalopfyldelse.query import CALENDAR, CALENDAR_COLUMNS
from maalopfyldelse.spark_sql import translated

BUILT_IN = {name: kind for name, (kind, _) in BUILT_IN_COLUMNS.items()}
SHAPES = {name: {c: spec.type for c, spec in table.columns.items()} | BUILT_IN for name, table in TABLES.items()}
SHAPES[CALENDAR] = CALENDAR_COLUMNS
DAYS = Days(date(2020, 12, 31), date(2021, 12, 31))


def _asked(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an engine is asked for a measure: its cells, and the rows they must account for."""
    measure = MEASURES[name]
    scan = Scan(name, DAYS, tuple((p, spec.default) for p, spec in measure.header.parameters.items()))
    yield cells_sql(measure, [tuple(measure.defaults.items())]), arguments(measure, scan)
    yield from leading_sql(measure, DAYS)


@pytest.fixture(scope="module")
def used() -> dict[str, set[str]]:
    return {name: set().union(*(entries(query, SHAPES, given) for query, given in _asked(name))) for name in MEASURES}


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_query_uses_only_what_is_compared(used: dict[str, set[str]], name: str) -> None:
    assert sorted(used[name] - ALLOWED) == [], "add it to ALLOWED when `make test-spark` shows that it means the same, or rewrite"


def test_the_list_holds_nothing_that_no_query_uses(used: dict[str, set[str]]) -> None:
    assert sorted(ALLOWED - set().union(*used.values())) == []


@pytest.mark.parametrize(
    ("expression", "entry"),
    [
        ("date_diff('second', started_at, speak_started_at)", "date_diff('SECOND', b.timestamp, a.timestamp)"),
        ("date_diff('day', started_at, speak_started_at)", "date_diff('DAY', b.timestamp, a.timestamp)"),
        ("dayofweek(started_date)", "dayofweek(a.date)"),
        ("hash(call_id)", "hash(a.varchar)"),
        ("started_date - date '2020-01-01'", "a.date - b.date"),
        ("started_date + interval 1 month", "a.date + b.interval"),
        ("duration_s / 60", "a.integer / 60"),
        ("cast(duration_s * 1.5 as bigint)", "cast(a.decimal as bigint)"),
        ("lower(media)", "lower(a.varchar)"),
        ("count(distinct call_id) over ()", "count(distinct"),
        ("list(media order by rec_id)", "array_agg("),
        ("$limit + 0.5", "a.integer + b.decimal"),
    ],
)
def test_what_engines_disagree_on_is_refused(expression: str, entry: str) -> None:
    """Constructs that stack up wrongly on Spark or were never compared, and types that make a harmless one harmful."""
    found = refused(f"select {expression} as x from call_events", SHAPES, {"limit": 5})
    assert any(one.startswith(entry) for one in found), found


@pytest.mark.parametrize(
    "clause",
    ["limit 1", "qualify row_number() over (order by rec_id) = 1", "group by all", "using sample 10", "order by rec_id"],
)
def test_clauses_that_are_not_compared_are_refused(clause: str) -> None:
    assert refused(f"select rec_id from call_events {clause}", SHAPES, {})


def test_a_column_nobody_declared_is_no_entry() -> None:
    from sqlglot.errors import OptimizeError

    with pytest.raises(OptimizeError):
        entries("select nothing from call_events", SHAPES, {})


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_query_is_said_for_spark(name: str) -> None:
    """Every parameter keeps its name and nothing of DuckDB's own spelling is left."""
    for query, given in _asked(name):
        said = translated(query, lambda files: pytest.fail(f"a query reads {files}"))
        assert set(re.findall(r":([a-z_]+)", said)) == set(given)
        assert "$" not in said and "::" not in said


def test_house_functions_are_said_per_engine() -> None:
    said = translated(
        "select add_months(d, 1), date_diff('millisecond', a, b), sum(n), m // 7 from t where f > $limit", lambda files: ""
    )
    assert said == (
        "SELECT ADD_MONTHS(d, CAST(1 AS INT)), (UNIX_MILLIS(CAST(b AS TIMESTAMP_LTZ)) - UNIX_MILLIS(CAST(a AS TIMESTAMP_LTZ))), "
        "SUM((n) + CAST(0 AS DECIMAL(1, 0))), (m DIV 7) FROM t WHERE f > :limit"
    )


def test_parameters_of_every_type_are_known() -> None:
    query = "select * from call_events where started_date = $day and duration_s >= $number and media = $word and $part > 0.5"
    given = {"day": date(2021, 1, 1), "number": 5, "word": "phone", "part": Decimal("0.5")}
    assert refused(query, SHAPES, given) == []
