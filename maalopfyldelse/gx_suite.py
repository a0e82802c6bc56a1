"""Great Expectations: some rules held against one batch of rows, inside DuckDB.

Here belongs all that knows its types and its results; which rows, which rules and what is kept of it are expectations.py's, the
dialect is gx_duckdb.py's. It takes seconds to import, so it is imported by what is called here. A result carries counts, never a
value.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .contract import Rule
from .errors import CallerError, MaalError, nearest
from .trouble import in_text

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Outcome:
    """What a rule found. `unexpected` is None where a rule has no such count (a maximum) or stumbled over a value."""

    success: bool
    unexpected: int | None
    fault: str | None = None  # the rule itself cannot be evaluated


def own_query(rule: Rule) -> str | None:
    """The rule's query, when it is stated as one."""
    query = rule.kwargs.get("unexpected_rows_query")
    return query if isinstance(query, str) else None


# Arguments every expectation takes but a rule states beside it, or that could carry a value out.
_OURS = {
    "id", "meta", "notes", "description", "severity", "result_format", "catch_exceptions", "rendered_content", "windows",
    "batch_id",
}  # fmt: skip
_UNIQUE = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")


def connection() -> duckdb.DuckDBPyConnection:
    _gx()
    from . import gx_duckdb

    return gx_duckdb.connection()


@contextmanager
def _spark_out_of_sight() -> Iterator[None]:
    """Great Expectations loads Spark wherever it is installed, for nothing here; and Spark's client for remote servers, when something is
    missing, ends a process that it takes for its own tests."""
    hidden = [name for name in ("pyspark", "pyspark.sql.connect") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@lru_cache
def imported() -> Any:
    """Great Expectations, whose import takes seconds and sends nothing anywhere."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with _spark_out_of_sight():
        import great_expectations
        import great_expectations.expectations
    return great_expectations


@lru_cache
def _gx() -> tuple[Any, Any]:
    """Great Expectations and a data source on this process's DuckDB, made once: nothing leaves the machine, nothing is written
    to disk, nothing is printed."""
    great_expectations = imported()
    from . import gx_duckdb

    # Its log repeats the statement and DuckDB's message, and that message may quote a value.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    context: Any = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return great_expectations, context.data_sources.add_sql("duckdb", connection_string=gx_duckdb.URL)


def validate(rules: Sequence[Rule], rows: str, place: str) -> dict[str, Outcome]:
    """The rules over one batch: code → outcome. `rows` is the SELECT that the batch is a view of."""
    if not rules:
        return {}
    con = connection()
    name = _name(con.execute(f"describe {rows}").fetchall())
    expectations = [expectation_of(rule, name, place) for rule in rules]
    con.execute(f"create view {name} as {rows}")
    try:
        suite = _gx()[0].ExpectationSuite(name=name, expectations=expectations)
        found = _asset(name).get_batch().validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    finally:
        con.execute(f"drop view {name}")
    return {one.expectation_config.meta["code"]: _outcome(one) for one in found.results}


def _name(columns: list[Any]) -> str:
    """The view's name, the same for the same columns and types: Great Expectations may remember what it has seen of them."""
    return "batch_" + hashlib.sha256(repr(columns).encode()).hexdigest()[:12]


@lru_cache
def _asset(name: str) -> Any:
    # Each new asset makes Great Expectations write its whole configuration down as YAML, and then again; with one a batch that was
    # half of the time that rules took over small deliveries.
    return _gx()[1].add_table_asset(name, table_name=name).add_batch_definition_whole_table("all")


def _type(rule: Rule, place: str) -> Any:
    gxe = imported().expectations
    from great_expectations.expectations.expectation import Expectation

    classes: dict[str, Any] = {
        name: thing
        for name, thing in vars(gxe).items()
        if isinstance(thing, type) and issubclass(thing, Expectation) and thing.expectation_type
    }
    by_name = classes | {thing.expectation_type: thing for thing in classes.values()}
    if rule.type not in by_name:
        words = [name for name in by_name if name.islower() == rule.type.islower()]
        raise CallerError(f"{place}: rule {rule.code}: type: no expectation is called so{nearest(rule.type, words)}")
    return by_name[rule.type]


def expectation_of(rule: Rule, batch: str, place: str) -> Any:
    """The rule as an expectation on the view `batch`. Raises CallerError naming place, rule and the nearest valid word."""
    kind = _type(rule, place)
    from great_expectations.compatibility.pydantic import ValidationError

    allowed = [name for name in kind.__fields__ if name not in _OURS]
    for name in rule.kwargs:
        if name not in allowed:
            raise CallerError(f"{place}: rule {rule.code}: kwargs: no argument is called '{name}'{nearest(name, allowed)}")
    stated: dict[str, Any] = {"severity": rule.severity, "meta": {"code": rule.code}}
    try:
        if (query := own_query(rule)) is None:
            expectation = kind(**rule.kwargs, **stated)
            query = _twice(rule) if kind.expectation_type in _UNIQUE else None
            if query is None:
                return expectation
        from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

        from .gx_duckdb import COUNTED_ONLY

        # Great Expectations would put a derived table with its own alias here, so that the query could not name the batch
        # again or give it an alias. It still wants to see its word, and finds it in a comment.
        written = query.strip().rstrip(";").replace("{batch}", batch)
        return UnexpectedRowsExpectation(unexpected_rows_query=f"{COUNTED_ONLY} {written} /* {{batch}} */", **stated)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise CallerError(f"{place}: rule {rule.code}: kwargs: {faults}") from None


def _twice(rule: Rule) -> str | None:
    """A plain rule of uniqueness as a query that gives one row for each row that is not unique; None for one with
    further arguments.

    Great Expectations would join the rows to their counts, which took two thirds of the time and most of the room at ten million
    rows. Here only hashes are grouped first; a row that stands twice has a hash that stands twice, so when none does, that is all.
    Rows without a value in one of the columns are not looked at, which is Great Expectations' way too.
    """
    if len(rule.kwargs) != 1:
        return None
    (named,) = rule.kwargs.values()
    columns = ", ".join(f'the_rows."{name}"' for name in ([named] if isinstance(named, str) else named))
    there = columns.replace(", ", " is not null and ") + " is not null"
    return (
        f"select unnest(range(count(*))) from {{batch}} the_rows where {there} and hash({columns}) in ("
        f"select hash({columns}) from {{batch}} the_rows where {there} group by 1 having count(*) > 1) "
        f"group by {columns} having count(*) > 1"
    )


def _outcome(one: Any) -> Outcome:
    """What may be kept of a result: never observed_value itself, which may be a cell's (only a query's is a count)."""
    raised = list(_raised(one.exception_info))
    if raised:
        return Outcome(False, None, _fault_of_the_rule(raised))
    unexpected = one.result.get("unexpected_count")
    if one.expectation_config.type == "unexpected_rows_expectation":
        unexpected = one.result["observed_value"]
    return Outcome(bool(one.success), None if unexpected is None else int(unexpected))


def _raised(info: Any) -> Iterable[str]:
    if isinstance(info, dict):
        if info.get("raised_exception") is True:
            yield f"{info.get('exception_traceback', '')}\n{info.get('exception_message', '')}"
        for inner in info.values():
            yield from _raised(inner)


def _fault_of_the_rule(raised: list[str]) -> str | None:
    """Why the rule cannot be evaluated, in words without values; None when it is the values it stumbles over (a cast that
    fails in the middle of the data), which is a failed rule and not a malformed one. Raises MaalError when it is the machine."""
    text = "\n".join(raised)
    if re.search(r"\b(Conversion|Out of Range|Invalid Input|Overflow) Error:", text):
        return None  # first: the value that it quotes might read like one of the others
    if trouble := in_text(text):
        raise MaalError(trouble)
    if found := re.search(r'The column "([^"]*)" in BatchData|"the_rows" does not have a column named "([^"]*)"', text):
        return f"the table has no column '{found[1] or found[2]}'."
    if found := re.search(r"\b((?:Binder|Catalog|Parser) Error: [^\n]*)", text):
        return f"DuckDB cannot run it: {found[1]}"
    return "it cannot be evaluated on DuckDB. State it as an UnexpectedRowsExpectation."


_NOT_ROW_BY_ROW = re.compile(
    r"\b(group|having|over|qualify|limit|distinct|union|except|intersect|right|full|count|sum|min|max|avg)\b", re.IGNORECASE
)


_GROUPED = re.compile(
    r"select\s+(?!distinct\b)(?:(?!\bfrom\b).)*\bfrom\s+\{batch\}\s+(\w+)\b(?:(?!\bgroup\b).)*\bgroup\s+by\s+\1\.delivery_id\s*(?:,|having\b|order\b|$)"
    r"(?:(?!\bgroup\b).)*",
    re.IGNORECASE | re.DOTALL,
)
_PAIRED = re.compile(
    r"select\s+(?:(?!\bfrom\b).)*\bfrom\s+\{batch\}\s+(\w+)\s+join\s+\{batch\}\s+(\w+)\s+on\s+\1\.delivery_id\s*=\s*\2\.delivery_id\s+and\s+"
    r"(?:(?!\b(?:or|join)\b).)*\bwhere\b(?:(?!\b(?:group|having|join)\b).)*",
    re.IGNORECASE | re.DOTALL,
)
_MORE = re.compile(r"\b(over|qualify|limit|union|except|intersect|right|full)\b|--|/\*", re.IGNORECASE)


def is_delivery_by_delivery(rule: Rule) -> bool:
    """Whether the rule looks at rows of one delivery together and at none of another, so that a pass over several proves a pass for
    each: its query is of the batch and not around it, and groups by the batch's delivery_id first, or pairs rows of one. In
    doubt, no."""
    query = own_query(rule)
    if query is None:
        return "delivery_id" in rule.kwargs.get("column_list", ()) and _twice(rule) is not None
    outside, before = re.sub("'[^']*'", "''", query).strip(), ""
    while outside != before:  # without what stands in brackets
        outside, before = re.sub(r"\([^()]*\)", " ", outside), outside
    shape = {1: _GROUPED, 2: _PAIRED}.get(outside.count("{batch}"))
    is_whole = outside.count("{batch}") == query.count("{batch}") and len(re.findall(r"\bfrom\b", outside, re.IGNORECASE)) == 1
    return shape is not None and is_whole and shape.fullmatch(outside) is not None and _MORE.search(query) is None


def is_row_by_row(rule: Rule) -> bool:
    """Whether a pass over several deliveries together proves a pass for each alone. In doubt, no: it then costs a second
    look, delivery by delivery."""
    query = own_query(rule)
    if query is not None:
        first = re.search(r"\bfrom\s+(\S+)", query, re.IGNORECASE)
        leads = first is not None and first[1].startswith("{batch}")
        return leads and query.count("{batch}") == 1 and not _NOT_ROW_BY_ROW.search(query)
    kind = _type(rule, "")
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    kinds = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
    return rule.kwargs.get("mostly", 1) == 1 and issubclass(kind, kinds)
