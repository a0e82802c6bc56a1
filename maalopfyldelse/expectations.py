"""Expectations: the rules of an extract's contract, evaluated by Great Expectations inside DuckDB.

What concerns rows together, tables or time is a rule; what concerns one cell or one row is intake's. A result carries counts
and never a value. Great Expectations takes seconds to import, so it is imported only when some delivery has not been held
against the present rules; the dialect it needs is gx_duckdb.py's.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import BUILT_IN_COLUMNS, Extract, Rule, Table
from .errors import CallerError, nearest
from .intake.ledger import CheckResult, Delivery, Ledger

if TYPE_CHECKING:
    import duckdb

    from .declared import Declared
    from .home import Home

Progress = Callable[[str], None]
Current = Callable[["duckdb.DuckDBPyConnection", frozenset[str]], object]


# --- what the rules say, without Great Expectations -------------------------------------------------------------------------


def suite_hash(extract: Extract) -> str:
    """Identifies the rules: another type, argument or severity gives another hash; another message does not."""
    said = [rule.model_dump(mode="json", exclude={"message"}) for rule in extract.rules]
    return _hash(said)


def refers_to(extract: Extract, declared: Declared) -> frozenset[str]:
    """The tables that the rules' queries read besides the batch. Raises CallerError on bad SQL and on an unknown table."""
    found: set[str] = set()
    for rule in extract.rules:
        query = _query(rule)
        if query is not None:
            found |= _tables_of(rule, query, declared.tables, _place(extract, declared))
    return frozenset(found)


def check_rules(extract: Extract, declared: Declared) -> list[str]:
    """What is wrong with an extract's rules, provable without data: each rule is evaluated on no rows at all, which shows
    unknown types, arguments, columns and tables, bad SQL, and what DuckDB cannot do. Imports Great Expectations when the
    extract has rules."""
    if not extract.rules:
        return []
    place = _place(extract, declared)
    problems: list[str] = []
    sound: list[Rule] = []
    for rule in extract.rules:
        try:
            query = _query(rule)
            if query is not None:
                _tables_of(rule, query, declared.tables, place)
            _expectation(rule, "batch", place)
            sound.append(rule)
        except CallerError as error:
            problems.append(str(error))
    con = _connection()
    for table in declared.tables.values():
        con.execute(f"create or replace temp view {table.table} as {_no_rows(table)}")
    outcomes = _validate(sound, _no_rows(declared.tables[extract.table]), place)
    problems += [f"{place}: rule {code}: {found.fault}" for code, found in outcomes.items() if found.fault]
    return problems


def _no_rows(table: Table) -> str:
    columns = {name: column.type for name, column in table.columns.items()}
    columns |= {name: kind for name, (kind, _) in BUILT_IN_COLUMNS.items()}
    return "select " + ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items()) + " where false"


def _place(extract: Extract, declared: Declared) -> str:
    return str(declared.paths.get(f"extract:{extract.extract}", f"{extract.extract}.yaml"))


def _query(rule: Rule) -> str | None:
    query = rule.kwargs.get("unexpected_rows_query")
    return query if isinstance(query, str) else None


_CLOCK = re.compile(r"\b(current_date|current_timestamp|current_time|now|today|random|uuid)\b", re.IGNORECASE)


def _tables_of(rule: Rule, query: str, tables: dict[str, Table], place: str) -> set[str]:
    if "{batch}" not in query:
        raise CallerError(f"{place}: rule {rule.code}: the query reads no {{batch}}; write 'from {{batch}}'.")
    if clock := _CLOCK.search(query):
        raise CallerError(f"{place}: rule {rule.code}: '{clock[0]}' differs from run to run; compare with columns only.")
    try:
        names = _names_in(query.replace("{batch}", "the_batch").replace("{{", "{").replace("}}", "}")) - {"the_batch"}
    except ValueError as error:
        raise CallerError(f"{place}: rule {rule.code}: not valid SQL: {error}") from None
    for name in sorted(names):
        if name not in tables:
            raise CallerError(f"{place}: rule {rule.code}: no table is called '{name}'{nearest(name, tables)}")
    return set(names)


@lru_cache
def _names_in(query: str) -> frozenset[str]:
    """The tables a query names. Raises ValueError on bad SQL."""
    import duckdb

    with duckdb.connect() as con:
        try:
            return frozenset(con.get_table_names(query))
        except duckdb.Error as error:
            raise ValueError(str(error).splitlines()[0]) from None


_NOT_ROW_BY_ROW = re.compile(
    r"\b(group|having|over|qualify|limit|distinct|union|except|intersect|right|full|count|sum|min|max|avg)\b", re.IGNORECASE
)


def _is_row_by_row(rule: Rule) -> bool:
    """Whether a pass over several deliveries together proves a pass for each alone. In doubt, no: it then costs a second
    look, delivery by delivery."""
    query = _query(rule)
    if query is not None:
        first = re.search(r"\bfrom\s+(\S+)", query, re.IGNORECASE)
        leads = first is not None and first[1].startswith("{batch}")
        return leads and query.count("{batch}") == 1 and not _NOT_ROW_BY_ROW.search(query)
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    kinds = (ColumnMapExpectation, ColumnPairMapExpectation, MulticolumnMapExpectation)
    return rule.kwargs.get("mostly", 1) == 1 and issubclass(_type(rule, ""), kinds)


# --- evaluating ---------------------------------------------------------------------------------------------------------------


def evaluate(
    home: Home,
    declared: Declared,
    ledger: Ledger,
    extract_id: str,
    progress: Progress = lambda _: None,
    current: Current | None = None,
) -> list[CheckResult]:
    """Holds every stored delivery of the extract against its rules and records what is new in the ledger.

    A delivery already held against these rules, with the same deliveries in the tables that the rules look up, is not
    evaluated again; when that goes for all, Great Expectations is not imported. `current(con, tables)` makes the views of
    current rows and is create_current at the latest arrival unless given. Returns the results that stand for the stored
    deliveries, in the order of arrival and of the rules: counts are rows (or what the expectation counts), and
    `unexpected_count` is None where a rule has none (a maximum) or stumbled over a value. Raises CallerError when a rule is
    malformed.
    """
    extract = declared.extracts[extract_id]
    if not extract.rules:
        _forget(ledger, extract)
        return []
    stored = [d for d in ledger.deliveries(extract_id) if d.state == "stored"]
    tables = refers_to(extract, declared)
    suite, refs = suite_hash(extract), _refs_hash(ledger, declared, tables)
    wanted = [(d.delivery_id, rule.code) for d in stored for rule in extract.rules]
    known = {
        (check.delivery_id, check.code): check
        for check in ledger.checks(extract_id)
        if (check.suite_hash, check.refs_hash) == (suite, refs)
    }
    new = [d for d in stored if any((d.delivery_id, rule.code) not in known for rule in extract.rules)]
    if new:
        progress(f"{len(extract.rules)} rules over {sum(d.rows_kept or 0 for d in new)} rows of {len(new)} deliveries")
        from .intake.current import create_current, rows_sql

        con = _connection()
        con.execute(f"set temp_directory = '{_quoted(home.tmp / 'spill')}'")
        if current is not None:
            current(con, tables)
        else:
            create_current(con, home, declared, ledger, sorted(tables), ledger.latest_arrival())
        table = declared.tables[extract.table]
        found = _evaluate(extract, new, lambda some: rows_sql(home, table, some), _place(extract, declared))
        results = [
            CheckResult(extract_id, delivery_id, rule.code, rule.severity, o.success, o.unexpected, o.elements, suite, refs)
            for delivery_id, outcomes in found.items()
            for rule in extract.rules
            for o in [outcomes[rule.code]]
        ]
        ledger.record_checks(results)
        known |= {(check.delivery_id, check.code): check for check in results}
    return [known[key] for key in wanted]


def _forget(ledger: Ledger, extract: Extract) -> None:
    """The contract has no rules any more: what failed one of the former rules stands no longer in the way."""
    failed = sorted({c.delivery_id for c in ledger.checks(extract.extract) if not c.success})
    ledger.record_checks(
        [CheckResult(extract.extract, d, "NO-RULES", "info", True, None, None, suite_hash(extract), "") for d in failed]
    )


def unchecked(declared: Declared, ledger: Ledger, extract_ids: Iterable[str]) -> list[Delivery]:
    """Deliveries whose rows would count although they have not been held against the present rules (an intake that was cut
    short, a rule that has changed since). Imports no Great Expectations."""
    found = []
    for extract_id in extract_ids:
        extract = declared.extracts[extract_id]
        if extract.rules:
            now = (suite_hash(extract), _refs_hash(ledger, declared, refers_to(extract, declared)))
            held = {(c.delivery_id, c.code) for c in ledger.checks(extract_id) if (c.suite_hash, c.refs_hash) == now}
            found += [d for d in ledger.counting(extract_id) if any((d.delivery_id, r.code) not in held for r in extract.rules)]
    return found


def _refs_hash(ledger: Ledger, declared: Declared, tables: Iterable[str]) -> str:
    extracts = sorted({extract.extract for table in tables for extract in declared.extracts_of(table)})
    return _hash([d.delivery_id for name in extracts for d in ledger.counting(name)])


@dataclass(frozen=True)
class _Outcome:
    success: bool
    unexpected: int | None
    elements: int | None
    fault: str | None = None  # the rule itself cannot be evaluated


def _evaluate(
    extract: Extract, deliveries: list[Delivery], rows: Callable[[list[Delivery]], str], place: str
) -> dict[str, dict[str, _Outcome]]:
    """delivery → rule code → outcome; `rows` gives the SELECT of some deliveries' rows.

    All deliveries as one batch first; then, delivery by delivery, the rules for which that proves nothing about each: those that
    failed, and those that look at rows together.
    """
    found: dict[str, dict[str, _Outcome]] = {d.delivery_id: {} for d in deliveries}
    left = list(extract.rules)
    if len(deliveries) > 1:
        together = [rule for rule in extract.rules if _is_row_by_row(rule)]
        outcomes = _validate(together, rows(deliveries), place)
        passed = {code for code, outcome in outcomes.items() if outcome.success}
        for delivery in deliveries:
            found[delivery.delivery_id] |= {code: _Outcome(True, 0, delivery.rows_kept or 0) for code in passed}
        left = [rule for rule in extract.rules if rule.code not in passed]
    for delivery in deliveries:
        for code, outcome in _validate(left, rows([delivery]), place).items():
            if outcome.fault:
                raise CallerError(f"{place}: rule {code}: {outcome.fault}")
            elements = outcome.elements if outcome.elements is not None else delivery.rows_kept or 0
            found[delivery.delivery_id][code] = _Outcome(outcome.success, outcome.unexpected, elements)
    return found


# --- Great Expectations -------------------------------------------------------------------------------------------------------

# Arguments every expectation takes but a rule states beside it, or that could carry a value out.
_OURS = {
    "id", "meta", "notes", "description", "severity", "result_format", "catch_exceptions", "rendered_content", "windows",
    "batch_id",
}  # fmt: skip
_UNIQUE = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")
_numbers = count(1)


def _connection() -> duckdb.DuckDBPyConnection:
    _gx()
    from .gx_duckdb import connection

    return connection()


@lru_cache
def _gx() -> tuple[Any, Any]:
    """Great Expectations and a data source on this process's DuckDB, made once: nothing leaves the machine, nothing is written
    to disk, nothing is printed."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    from . import gx_duckdb

    # Its log repeats the statement and DuckDB's message, and that message may quote a value.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    context: Any = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return great_expectations, context.data_sources.add_sql("duckdb", connection_string=gx_duckdb.URL)


def _validate(rules: Sequence[Rule], rows: str, place: str) -> dict[str, _Outcome]:
    """The rules over one batch: code → outcome. `rows` is the SELECT that the batch is a view of."""
    if not rules:
        return {}
    gx, source = _gx()
    name = f"batch_{next(_numbers)}"
    expectations = [_expectation(rule, name, place) for rule in rules]
    con = _connection()
    con.execute(f"create view {name} as {rows}")
    try:
        batch = source.add_table_asset(name, table_name=name).add_batch_definition_whole_table("all").get_batch()
        suite = gx.ExpectationSuite(name=name, expectations=expectations)
        found = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
        source.delete_asset(name)
    finally:
        con.execute(f"drop view {name}")
    return {one.expectation_config.meta["code"]: _outcome(one) for one in found.results}


def _type(rule: Rule, place: str) -> Any:
    import great_expectations.expectations as gxe
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


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _expectation(rule: Rule, batch: str, place: str) -> Any:
    """The rule as an expectation on the view `batch`. Raises CallerError naming place, rule and the nearest valid word."""
    from great_expectations.compatibility.pydantic import ValidationError

    kind = _type(rule, place)
    allowed = [name for name in kind.__fields__ if name not in _OURS]
    for name in rule.kwargs:
        if name not in allowed:
            raise CallerError(f"{place}: rule {rule.code}: kwargs: no argument is called '{name}'{nearest(name, allowed)}")
    stated = {"severity": rule.severity, "meta": {"code": rule.code}}
    try:
        if (query := _query(rule)) is None:
            expectation = kind(**rule.kwargs, **stated)
            query = _twice(rule)
            if query is None:
                return expectation
        from great_expectations.expectations import UnexpectedRowsExpectation

        from .gx_duckdb import COUNTED_ONLY

        # Great Expectations would put a derived table with its own alias here, so that the query could not name the batch
        # again or give it an alias. It still wants to see its word, and finds it in a comment.
        written = query.strip().rstrip(";").replace("{batch}", batch)
        return UnexpectedRowsExpectation(unexpected_rows_query=f"{COUNTED_ONLY} {written} /* {{batch}} */", **stated)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise CallerError(f"{place}: rule {rule.code}: kwargs: {faults}") from None


def _twice(rule: Rule) -> str | None:
    """A plain rule of uniqueness as a query that gives one row for each row that is not unique; None for any other rule.

    Great Expectations would join the rows to their counts, which took two thirds of the time and most of the room at ten million
    rows. Here only hashes are grouped first; a row that stands twice has a hash that stands twice, so when none does, that is all.
    Rows without a value in one of the columns are not looked at, which is Great Expectations' way too.
    """
    if _snake(rule.type) not in _UNIQUE or len(rule.kwargs) != 1:
        return None
    (named,) = rule.kwargs.values()
    columns = ", ".join(f'the_rows."{name}"' for name in ([named] if isinstance(named, str) else named))
    there = columns.replace(", ", " is not null and ") + " is not null"
    return (
        f"select unnest(range(count(*))) from {{batch}} the_rows where {there} and hash({columns}) in ("
        f"select hash({columns}) from {{batch}} the_rows where {there} group by 1 having count(*) > 1) "
        f"group by {columns} having count(*) > 1"
    )


def _outcome(one: Any) -> _Outcome:
    """What may be kept of a result: never observed_value itself, which may be a cell's (only a query's is a count)."""
    raised = list(_raised(one.exception_info))
    if raised:
        return _Outcome(False, None, None, _fault_of_the_rule(raised))
    unexpected, elements = one.result.get("unexpected_count"), one.result.get("element_count")
    if one.expectation_config.type == "unexpected_rows_expectation":
        unexpected = one.result["observed_value"]
    return _Outcome(
        bool(one.success),
        None if unexpected is None else int(unexpected),
        None if elements is None else int(elements),
    )


def _raised(info: Any) -> Iterable[str]:
    if isinstance(info, dict):
        if info.get("raised_exception") is True:
            yield f"{info.get('exception_traceback', '')}\n{info.get('exception_message', '')}"
        for inner in info.values():
            yield from _raised(inner)


def _fault_of_the_rule(raised: list[str]) -> str | None:
    """Why the rule cannot be evaluated, in words without values; None when it is the values it stumbles over (a cast that
    fails in the middle of the data), which is a failed rule and not a malformed one."""
    text = "\n".join(raised)
    if found := re.search(r'The column "([^"]*)" in BatchData|"the_rows" does not have a column named "([^"]*)"', text):
        return f"the table has no column '{found[1] or found[2]}'."
    if found := re.search(r"\b((?:Binder|Catalog|Parser) Error: [^\n]*)", text):
        return f"DuckDB cannot run it: {found[1]}"
    if re.search(r"\b(Conversion|Out of Range|Invalid Input|Overflow) Error:", text):
        return None
    return "it cannot be evaluated on DuckDB. State it as an UnexpectedRowsExpectation."


def _hash(said: Any) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
