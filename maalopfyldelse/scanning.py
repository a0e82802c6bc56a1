"""Bringing plan rows, current rows and measures together: which scans a plan needs, and their cells.

Cells are kept under a fingerprint of everything they follow from (`HOME/store/cells/`), so a scan whose inputs have not changed
is not run again, whoever asks; those of a measure that is counted month by month (months.py) each month by itself. Here also
belongs what a plan depends on, and what is missing from it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import BUILT_IN_COLUMNS
from .counting import Count, Days, Scan, approved_words, count_of, read_under
from .dates import period_bounds, periods_between
from .declared import Declared
from .engine import connect
from .engines import Ask, DuckDB, Engine, asked
from .errors import CallerError, MaalError, nearest
from .evidence import REGISTERS, Evidence, read_evidence
from .home import Home
from .intake.current import CurrentTable, Knowledge, create_current, hold_whole
from .intake.ledger import Blocker, Delivery
from .measures import Cell, Options, Scanned, fingerprint, parts_of, prepare, run_scan
from .months import Stamps, apart, months_of, of_days, read_stamps, rows_of, together
from .plan import Plan, Row, read_plan
from .plan_check import check_plan
from .yamlio import read_text

if TYPE_CHECKING:
    import duckdb

    from .query import Measure


@dataclass(frozen=True)
class Variant:
    """A row under the approved readings (`approved`) or with one option changed (`S4.c`). `row` is the row as it then reads, null
    when the option needs something that is missing; `counts` has the figures it needs, its own under None and its criteria's under
    their ids, null where a window has no days at this date."""

    id: str
    text: str
    row: Row | None
    reason: str | None
    counts: dict[str | None, Count | None]


@dataclass
class Scanning:
    """One plan at one reporting date and one date of knowledge. Without `keeps_cells` every scan is run, whatever was counted
    before. `engine` runs the scans; all else (registers, accounts, single observations) is DuckDB's."""

    home: Home
    declared: Declared
    ledger: Knowledge
    plan: Plan
    as_of: date
    known_at: datetime
    say: Callable[[str], None] = lambda text: None
    alternatives: bool = True  # whether the readings that are not approved are computed as well
    keeps_cells: bool = True
    engine: Engine = field(default_factory=DuckDB)
    ran: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    _scanned: dict[Scan, Scanned] = field(default_factory=dict)
    _missing: dict[tuple[str, Days], str | None] = field(default_factory=dict)
    _stamps: dict[str, Stamps] = field(default_factory=dict)

    @cached_property
    def variants(self) -> dict[str, list[Variant]]:
        """Every row of the plan as it stands at this date: the approved reading first, then each option alone against it."""
        return {row_id: list(self._variants(placed.row)) for row_id, placed in self.plan.placed.items()}

    def _variants(self, row: Row) -> Iterator[Variant]:
        approved = approved_words(row)
        yield self._variant("approved", "", row, approved)
        for reading in row.readings if self.alternatives else ():
            for word, option in reading.options.items():
                name = f"{reading.id}.{word}"
                if word == reading.approved:
                    continue
                if option.needs:
                    yield Variant(name, option.text, None, f"Kan ikke opgøres: kræver {option.needs}", {})
                elif not option.set:
                    yield Variant(name, option.text, None, "Ændrer ikke opgørelsen", {})
                else:
                    yield self._variant(name, option.text, row, approved | {reading.id: word})

    def _variant(self, name: str, text: str, row: Row, words: dict[str, str]) -> Variant:
        read = read_under(row, words)
        where = f"row {row.id}"
        counts = {
            c: count_of(counting, self.declared.measures[counting.measure], self.as_of, where) for c, counting in read.countings
        }
        return Variant(name, text, read, None, counts)

    @cached_property
    def scans(self) -> dict[Scan, list[Options]]:
        """Each scan that the plan needs, with every combination of options asked of it."""
        wanted: dict[Scan, set[Options]] = defaultdict(set)
        for variant in (v for variants in self.variants.values() for v in variants):
            for count in variant.counts.values():
                for scan in count.scans if count else ():
                    wanted[scan].add(count.options if count else ())
        ordered = sorted(wanted, key=lambda s: (s.measure, s.days.after, s.days.to, str(s.parameters)))
        return {scan: sorted(wanted[scan]) for scan in ordered}

    @cached_property
    def tables(self) -> list[str]:
        """The tables that the plan depends on: those its measures read, and the registers its rows are judged by."""
        return tables_of(self.plan, self.declared)

    @cached_property
    def evidence(self) -> Evidence:
        """What is registered for the plan."""
        if not set(REGISTERS) <= set(self.current):
            return Evidence()
        return read_evidence(self.connection, self.plan.plan)

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        con = connect(self.home)
        prepare(con)
        return con

    @cached_property
    def current(self) -> dict[str, CurrentTable]:
        """The current rows of each table at the date of knowledge; makes the views as it goes."""
        known = self.declared, self.ledger, self.tables, self.known_at
        return create_current(self.connection, self.home, *known, keeps_counts=self.keeps_cells)

    @cached_property
    def ask(self) -> Ask:
        """Answers over the current rows, of the engine that counts."""
        current = self.current  # makes the views
        return self.engine.over(self.connection, current, self.declared.tables)

    def earlier(self, day: date) -> Scanning:
        """The same plan and the same knowledge at an earlier day, under the approved readings only."""
        other = replace(self, as_of=day, alternatives=False, ran=[], reused=[], _scanned={}, _missing={})
        for name in ("connection", "current", "counting", "evidence", "tables"):  # what does not depend on the day
            other.__dict__[name] = getattr(self, name)
        if "ask" in self.__dict__:  # made only when something is counted
            other.__dict__["ask"] = self.ask
        return other

    @cached_property
    def counting(self) -> dict[str, list[Delivery]]:
        """The deliveries whose rows count, by extract."""
        return counting_of(self.ledger, self.current, self.known_at)

    def refuse_if_blocked(self) -> None:
        """Raises MaalError naming plan and file when a delivery that the plan depends on was refused or failed a critical rule."""
        extracts = [e.extract for table in self.tables for e in self.declared.extracts_of(table)]
        blockers = self.ledger.blocking(extracts, self.known_at)
        if blockers:
            listed = "\n".join(f"  {told(b, self.declared)}" for b in blockers)
            raise MaalError(
                f"{self.plan.plan} at {self.as_of} was not published: it depends on deliveries that do not hold.\n{listed}\n"
                "Deliver a corrected file, withdraw the delivery, or mend its contract; then run again."
            )

    def scanned(self, scan: Scan) -> Scanned:
        """The cells of a scan, from the store when nothing they follow from has changed."""
        if scan not in self._scanned:
            self._scanned[scan] = self._scan(scan)
        return self._scanned[scan]

    def _scan(self, scan: Scan) -> Scanned:
        measure, combinations = self.declared.measures[scan.measure], self.scans[scan]
        pieces = months_of(scan) if measure.header.months else [scan]
        paths = {piece: self.cells_path(piece, combinations, "json", self.engine.name) for piece in pieces}
        kept = {piece: self.home.kept(path) for piece, path in paths.items()} if self.keeps_cells else {}
        found = {piece: _from_json(piece, said) for piece, said in kept.items() if said is not None}
        known = frozenset(found)
        (self.reused if len(known) == len(pieces) else self.ran).append(scan.measure)
        for is_known, adjoining in groupby(pieces, known.__contains__):
            for scanned in () if is_known else self._count_as_one(measure, list(adjoining), combinations):
                found[scanned.scan] = scanned
                if self.keeps_cells:
                    self.home.keep(paths[scanned.scan], json.dumps(_to_json(scanned)))
        return together(scan, [found[piece] for piece in pieces])

    def _count_as_one(self, measure: Measure, pieces: list[Scan], combinations: list[Options]) -> list[Scanned]:
        """Scans whose windows adjoin, counted in one."""
        scan = replace(pieces[0], days=Days(pieces[0].days.after, pieces[-1].days.to))
        self.say(f"counting {scan.measure} {scan.days.after + timedelta(days=1)} to {scan.days.to}")
        scanned = self.count(measure, scan, combinations)
        self.say(f"  {scan.measure}: {scanned.leading_rows} rows, {len(combinations)} readings")
        return apart(measure, scanned, pieces, self.stamps(measure), combinations) if measure.header.months else [scanned]

    def count(self, measure: Measure, scan: Scan, combinations: list[Options]) -> Scanned:
        """The cells of a scan, counted now, from stored files that are whole."""
        self.hold(measure)
        table = self.declared.tables[measure.header.leading[0].table]
        rows, leading, within = self.current[table.table].current_rows, None, None
        if measure.header.months:
            leading = rows_of(scan.days, self.stamps(measure))
            if 4 * leading < rows:  # few: the others are left out before the query joins any
                rows, within = leading, scan.days
        parts = parts_of(measure, [*table.columns, *BUILT_IN_COLUMNS], self.engine.parts(rows), within)
        return run_scan(self.ask, measure, scan, combinations, parts, leading)

    def stamps(self, measure: Measure) -> Stamps:
        """The days that the measure's leading rows are placed at."""
        if measure.name not in self._stamps:

            def ask(query: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
                self.hold(measure)
                return asked(self.connection)(query, given)

            table = self.declared.tables[measure.header.leading[0].table]
            follows_from = self.current[table.table].follows_from
            self._stamps[measure.name] = read_stamps(ask, self.home, measure, table, follows_from, keeps=self.keeps_cells)
        return self._stamps[measure.name]

    def hold(self, measure: Measure) -> None:
        """Raises MaalError when a stored file that the measure reads is gone or altered; asked before its rows are read."""
        hold_whole(self.home, (d for known in self.counting.values() for d in known if d.table in measure.reads))

    def cells_path(self, scan: Scan, combinations: list[Options], ending: str, engine: str = DuckDB.name) -> Path:
        """Where what an engine counted over a scan is kept: named by all that it follows from."""
        measure = self.declared.measures[scan.measure]
        current: dict[str, Any] = {t: self.current[t].follows_from for t in sorted(measure.reads)}
        if measure.header.months:
            current[measure.header.leading[0].table] = of_days(scan.days, self.stamps(measure))
        return self.home.store / "cells" / f"{fingerprint(measure, scan, combinations, current, engine)}.{ending}"

    def missing(self, measure: Measure, days: Days) -> str | None:
        """What must have been delivered for this window and was not, in Danish; None when nothing is missing."""
        if (measure.name, days) not in self._missing:
            self._missing[(measure.name, days)] = self._look_for_gaps(measure, days)
        return self._missing[(measure.name, days)]

    def _look_for_gaps(self, measure: Measure, days: Days) -> str | None:
        lacking = []
        for table in sorted(measure.reads):
            extracts = [e.extract for e in self.declared.extracts_of(table)]
            delivered = [e for e in extracts if e in self.counting]
            if not delivered and not self.declared.tables[table].optional:
                lacking.append(f"ingen leverance af {' eller '.join(extracts) or table}")
            for extract in delivered:
                if gaps := self.missing_periods(extract, days):
                    lacking.append(f"{extract} mangler {', '.join(gaps)}")
        return f"Mangler data: {'; '.join(lacking)}" if lacking else None

    def missing_periods(self, extract_id: str, days: Days) -> list[str]:
        """The periods that the contract expects within the window and that no current delivery speaks of."""
        extract = self.declared.extracts[extract_id]
        if extract.period is None or extract.period.every is None:
            return []
        have = {d.period for d in self.counting.get(extract_id, [])}
        first = days.after + timedelta(days=1)
        if extract.period.since:
            first = max(first, period_bounds(extract.period.since)[0])
        return [period for period in periods_between(first, days.to, extract.period.every) if period not in have]


def counting_of(known: Knowledge, current: dict[str, CurrentTable], known_at: datetime | None) -> dict[str, list[Delivery]]:
    """The deliveries whose rows are current, by extract."""
    ids = {d for table in current.values() for d in table.deliveries}
    found: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in known.deliveries(known_at=known_at):
        if delivery.delivery_id in ids:
            found[delivery.extract].append(delivery)
    return dict(found)


def told(blocker: Blocker, declared: Declared) -> str:
    """What stands in the way, in words: which file, what is wrong with it and, for a failed rule, what its contract says to do."""
    rule = next((r for r in declared.extracts[blocker.extract].rules if r.code == blocker.code), None)
    return f"{blocker.name} ({blocker.extract}, {blocker.code}): {blocker.message}" + (f". {rule.message}" if rule else "")


def measures_of(plan: Plan) -> set[str]:
    """The measures that a plan names, in its rows and their criteria."""
    return {counting.measure for placed in plan.placed.values() for _, counting in placed.row.countings}


def measures_ever(plan: Plan) -> set[str]:
    """The measures that a plan names before, between and after its amendments."""
    states = [plan, *(plan.at(amendment.holds_from) for amendment in plan.amendments)]
    return {name for state in states for name in measures_of(state)}


def needs_registers(plan: Plan) -> bool:
    """Whether a row is judged by what is registered."""
    rows = [placed.row for placed in plan.placed.values()]
    return any(row.grade.assessed or row.grade.scale or any(not c.figure for c in row.criteria) for row in rows)


def tables_of(plan: Plan, declared: Declared) -> list[str]:
    """The tables that a plan depends on, sorted."""
    counted = {table for name in measures_of(plan) for table in declared.measures[name].reads}
    return sorted(counted | (set(REGISTERS) if needs_registers(plan) else set()))


def load_plan(declared: Declared, plan_id: str) -> Plan:
    """A declared plan, held against the measures. Raises CallerError for an unknown id or a plan that does not hold."""
    if plan_id not in declared.plan_paths:
        raise CallerError(f"No plan is called '{plan_id}'{nearest(plan_id, declared.plan_paths)}")
    path = declared.plan_paths[plan_id]
    text = declared.texts[f"plan:{plan_id}"] = read_text(path)
    plan = read_plan(path, text)
    problems = check_plan(plan, declared)
    if problems:
        raise CallerError("\n".join(f"{declared.plan_paths[plan_id]}: {problem}" for problem in problems))
    return plan


def load_plans(declared: Declared, plan_ids: Iterable[str] = ()) -> list[Plan]:
    """The named plans, or all that are declared."""
    return [load_plan(declared, plan_id) for plan_id in (plan_ids or declared.plan_paths)]


def _to_json(scanned: Scanned) -> dict[str, Any]:
    return {
        "groups": scanned.groups,
        "leading_rows": scanned.leading_rows,
        "cells": [
            [
                c.reading_id,
                c.groups,
                c.reason,
                c.is_known,
                c.observations,
                c.sized,
                c.source_rows,
                str(c.numerator),
                str(c.denominator),
            ]
            for c in scanned.cells
        ],
    }


def _from_json(scan: Scan, said: dict[str, Any]) -> Scanned:
    cells = tuple(Cell(c[0], tuple(c[1]), c[2], c[3], c[4], c[5], c[6], Decimal(c[7]), Decimal(c[8])) for c in said["cells"])
    return Scanned(scan, tuple(said["groups"]), cells, said["leading_rows"])
