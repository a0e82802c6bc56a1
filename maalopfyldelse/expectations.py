"""Expectations: the rules of an extract's contract, held against its deliveries.

What concerns rows together, tables or time is a rule; what concerns one cell or one row is intake's. Here: which rules have to be
held against which deliveries, and what of it is kept in the ledger (counts, never a value). Great Expectations (gx_suite.py)
takes seconds to import, so it is asked only when some delivery has not been held against the present rules.

A rule may look up other tables. What it finds then depends on which of their deliveries count, so it is found again when that
changes, that one rule alone, and what it found before is kept: it was so at that state of knowledge. A critical failure takes
rows out of the current rows, so critical rules may not look each other up in a circle.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from .contract import BUILT_IN_COLUMNS, Extract, Rule, Table
from .engine import spill_into
from .errors import CallerError, nearest
from .gx_suite import Outcome, connection, expectation_of, is_delivery_by_delivery, is_row_by_row, own_query, validate
from .intake.ledger import CheckResult, Delivery, Ledger
from .query import names_in

if TYPE_CHECKING:
    import duckdb

    from .declared import Declared
    from .home import Home

Progress = Callable[[str], None]
BATCH = 2_000_000  # rows: grouped, they fit into any memory that a run may have
Current = Callable[["duckdb.DuckDBPyConnection", frozenset[str]], object]


# --- what the rules say, without Great Expectations -------------------------------------------------------------------------


def suite_hash(extract: Extract) -> str:
    """Identifies the rules: another type, argument or severity gives another hash; another message does not."""
    said = [rule.model_dump(mode="json", exclude={"message"}) for rule in extract.rules]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def refers_to(extract: Extract, declared: Declared) -> frozenset[str]:
    """The tables that the rules' queries read besides the batch. Raises CallerError on bad SQL and on an unknown table."""
    return frozenset(table for rule in extract.rules for table in _tables_of(rule, extract, declared))


def looks_up(rule: Rule, extract: Extract, declared: Declared) -> str:
    """The extracts whose rows a rule reads besides the batch, blank-separated and sorted. Raises what `refers_to` raises."""
    tables = _tables_of(rule, extract, declared)
    return " ".join(sorted({other.extract for table in tables for other in declared.extracts_of(table)}))


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
            _tables_of(rule, extract, declared)
            expectation_of(rule, "batch", place)
            sound.append(rule)
        except CallerError as error:
            problems.append(str(error))
    con = connection()
    for table in declared.tables.values():
        con.execute(f"create or replace temp view {table.table} as {_no_rows(table)}")
    outcomes = validate(sound, _no_rows(declared.tables[extract.table]), place)
    problems += [f"{place}: rule {code}: {found.fault}" for code, found in outcomes.items() if found.fault]
    return problems + ([] if problems else _circle(extract, declared))


def _circle(extract: Extract, declared: Declared) -> list[str]:
    """What is wrong when a critical rule's verdict would follow from itself."""

    def critical(name: str) -> set[str]:
        found = declared.extracts[name]
        texts = [looks_up(rule, found, declared) for rule in found.rules if rule.severity == "critical"]
        return {other for text in texts for other in text.split()}

    reached, left = set[str](), critical(extract.extract)
    while left:
        reached |= left
        left = {other for name in left for other in critical(name)} - reached
    if extract.extract not in reached:
        return []
    return [
        f"{_place(extract, declared)}: critical rules look up {extract.extract} itself, directly or through others, so which rows count "
        "would follow from which rows count. Make one of them a warning."
    ]


def _no_rows(table: Table) -> str:
    columns = {name: column.type for name, column in table.columns.items()}
    columns |= {name: kind for name, (kind, _) in BUILT_IN_COLUMNS.items()}
    return "select " + ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items()) + " where false"


def _place(extract: Extract, declared: Declared) -> str:
    return str(declared.paths.get(f"extract:{extract.extract}", f"{extract.extract}.yaml"))


_CLOCK = re.compile(r"\b(current_date|current_timestamp|current_time|now|today|random|uuid)\b", re.IGNORECASE)


def _tables_of(rule: Rule, extract: Extract, declared: Declared) -> frozenset[str]:
    """The tables a rule reads besides the batch."""
    query, place, tables = own_query(rule), _place(extract, declared), declared.tables
    if query is None:
        return frozenset()
    if "{batch}" not in query:
        raise CallerError(f"{place}: rule {rule.code}: the query reads no {{batch}}; write 'from {{batch}}'.")
    if clock := _CLOCK.search(query):
        raise CallerError(f"{place}: rule {rule.code}: '{clock[0]}' differs from run to run; compare with columns only.")
    try:
        names = names_in(query.replace("{batch}", "the_batch").replace("{{", "{").replace("}}", "}")) - {"the_batch"}
    except ValueError as error:
        raise CallerError(f"{place}: rule {rule.code}: not valid SQL: {error}") from None
    for name in sorted(names):
        if name not in tables:
            raise CallerError(f"{place}: rule {rule.code}: no table is called '{name}'{nearest(name, tables)}")
    return names


# --- evaluating ---------------------------------------------------------------------------------------------------------------


def evaluate(
    home: Home,
    declared: Declared,
    ledger: Ledger,
    extract_id: str,
    progress: Progress = lambda _: None,
    current: Current | None = None,
    known_at: datetime | None = None,
) -> list[CheckResult]:
    """Holds every stored delivery of the extract against its rules and records what is new in the ledger.

    `known_at` is the state of knowledge (default: all that is known); the extracts that the rules look up have been evaluated at it
    before. A delivery already held against these rules, with the same deliveries in the tables that a rule looks up, is not
    evaluated again; when that goes for all, Great Expectations is not imported. `current(con, tables)` makes the views of current
    rows and is create_current at that moment unless given. Returns the results that hold for the stored deliveries, in the order
    of arrival and of the rules: `element_count` is the rows of the delivery, `unexpected_count` those (or what else the expectation
    counts) that do not fit, None where a rule has no such count (a maximum) or stumbled over a value. Raises CallerError when a
    rule is malformed.
    """
    extract = declared.extracts[extract_id]
    if not extract.rules:
        _forget(ledger, extract)
        return []
    if circle := _circle(extract, declared):
        raise CallerError(circle[0])
    place, table = _place(extract, declared), declared.tables[extract.table]
    while True:  # a second time where a rule looks up its own extract and a critical one has just failed there
        stored = [d for d in ledger.deliveries(extract_id, known_at) if d.state == "stored"]
        wanted = _wanted(extract, declared, ledger, known_at)
        known = _known(ledger, extract, wanted)
        missing = {d: tuple(c for c in wanted if (d.delivery_id, c) not in known) for d in stored}
        if not any(missing.values()):
            return [known[d.delivery_id, code] for d in stored for code in wanted]
        from .intake.current import create_current, rows_sql

        con = connection()
        spill_into(con, home)
        for codes in sorted(set(missing.values()) - {()}):
            new, rules = [d for d in stored if missing[d] == codes], [r for r in extract.rules if r.code in codes]
            progress(f"{len(rules)} rules over {sum(d.rows_kept or 0 for d in new)} rows of {len(new)} deliveries")
            tables = frozenset(name for rule in rules for name in _tables_of(rule, extract, declared))
            if current is not None:
                current(con, tables)
            else:
                create_current(con, home, declared, ledger, sorted(tables), known_at)
            found = _evaluate(rules, new, lambda some: rows_sql(home, table, some), place)
            ledger.record_checks(
                [
                    CheckResult(
                        extract_id, d.delivery_id, r.code, r.severity, o.success, o.unexpected, d.rows_kept or 0, *wanted[r.code]
                    )
                    for d in new
                    for r in rules
                    for o in [found[d.delivery_id][r.code]]
                ]
            )


Wanted = dict[str, tuple[str, str, str]]


def _wanted(extract: Extract, declared: Declared, ledger: Ledger, known_at: datetime | None) -> Wanted:
    """Rule code → the suite, what the rule's lookups come to at this moment, and the extracts it looks up."""
    suite = suite_hash(extract)
    seen = {rule.code: looks_up(rule, extract, declared) for rule in extract.rules}
    refs = {text: ledger.refs_hash(text, known_at) for text in set(seen.values())}
    return {code: (suite, refs[text], text) for code, text in seen.items()}


def _known(ledger: Ledger, extract: Extract, wanted: Wanted) -> dict[tuple[str, str], CheckResult]:
    """(delivery, rule code) → the result that answers what is wanted."""
    return {
        (check.delivery_id, check.code): check
        for check in ledger.recorded_checks(extract.extract)
        if wanted.get(check.code) == (check.suite_hash, check.refs_hash, check.looks_up)
    }


def _forget(ledger: Ledger, extract: Extract) -> None:
    """The contract has no rules any more: what failed one of the former rules stands no longer in the way."""
    failed = sorted({c.delivery_id for c in ledger.recorded_checks(extract.extract) if not c.success})
    ledger.record_checks(
        [CheckResult(extract.extract, d, "NO-RULES", "info", True, None, None, suite_hash(extract), "") for d in failed]
    )


def unchecked(declared: Declared, ledger: Ledger, extract_ids: Iterable[str], known_at: datetime | None = None) -> list[Delivery]:
    """Deliveries whose rows would count although they have not been held against the present rules at that state of knowledge
    (an intake that was cut short, a rule that has changed since, a past moment nobody asked about). Imports no Great
    Expectations."""
    found = []
    for extract_id in extract_ids:
        extract = declared.extracts[extract_id]
        if extract.rules:
            wanted = _wanted(extract, declared, ledger, known_at)
            known = _known(ledger, extract, wanted)
            counting = ledger.counting(extract_id, known_at)
            found += [d for d in counting if any((d.delivery_id, code) not in known for code in wanted)]
    return found


def _evaluate(
    rules: list[Rule], deliveries: list[Delivery], rows: Callable[[list[Delivery]], str], place: str
) -> dict[str, dict[str, Outcome]]:
    """delivery → rule code → outcome; `rows` gives the SELECT of some deliveries' rows.

    Many deliveries as one batch first: all of them for rules that look at rows one by one, and no more rows than fit into memory
    for those that look at the rows of a delivery together. Then, delivery by delivery, the rules for which that proves
    nothing about each: those that failed, and any other.
    """
    found: dict[str, dict[str, Outcome]] = {d.delivery_id: {} for d in deliveries}
    row_by_row = [rule for rule in rules if is_row_by_row(rule)]
    by_delivery = [rule for rule in rules if rule not in row_by_row and is_delivery_by_delivery(rule)]
    batches = [(row_by_row, deliveries)] + [(by_delivery, some) for some in _batches(deliveries)]
    for together, some in batches:
        outcomes = validate(together, rows(some), place) if len(some) > 1 else {}
        for delivery in some:
            found[delivery.delivery_id] |= {code: Outcome(True, 0) for code, outcome in outcomes.items() if outcome.success}
    for delivery in deliveries:
        left = [rule for rule in rules if rule.code not in found[delivery.delivery_id]]
        for code, outcome in validate(left, rows([delivery]), place).items():
            if outcome.fault:
                raise CallerError(f"{place}: rule {code}: {outcome.fault}")
            found[delivery.delivery_id][code] = outcome
    return found


def _batches(deliveries: list[Delivery]) -> Iterator[list[Delivery]]:
    """The deliveries in their order, as many at once as have BATCH rows together."""
    some: list[Delivery] = []
    for delivery in deliveries:
        if some and sum(d.rows_kept or 0 for d in [*some, delivery]) > BATCH:
            yield some
            some = []
        some.append(delivery)
    yield some
