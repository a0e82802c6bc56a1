"""From raw files to figures twice: by intake and SQL, and by a plain reader and a plain count in Python.

Hypothesis chooses deliveries, a reporting date and a date of knowledge; the approved reading and every alternative that the plans
compute must come to the same numerator, denominator, exclusions and value, and every table must hold the same rows. The last
test does this for the committed sample. What the options mean is the oracles' (tests/oracles); the rows' edges are
measure_rows.py's.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date
from fractions import Fraction
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import raw_deliveries
import raw_enquiries
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_reader import TABLES, RawReader
from world import BUILT_IN, SIGHTED, World

from maalopfyldelse.counting import Count
from maalopfyldelse.dates import parse_instant
from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.edition import Computed, compute
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.plan import Plan
from maalopfyldelse.results import Figure
from maalopfyldelse.scanning import load_plan, tables_of

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]
Deliver = Callable[[World, Random, int, date], None]
UNITS = {"pct": Fraction(100), "weeks": Fraction(1, 7), "days_per_year": Fraction(1)}

# --- figures by hand


@dataclass
class ByHand:
    """A figure from observations; `low` is None where it cannot be computed."""

    numerator: Fraction | None
    denominator: Fraction | None
    low: Fraction | None = None
    high: Fraction | None = None
    counted: int = 0
    unknown: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    outside_where: int = 0
    by_n: dict[int, Fraction | None] = field(default_factory=dict)


def by_hand(observations: list[Row], count: Count, kind: str) -> ByHand:
    inside = [o for o in observations if all(str(o[group]) in words for group, words in count.where)]
    counted = [o for o in inside if o["reason"] is None]
    unknown = [o for o in counted if not o["is_known"]]
    found = ByHand(
        Fraction(sum(o["numerator"] for o in counted if o["is_known"])),
        Fraction(sum(o["denominator"] or 0 for o in counted)),
        counted=len(counted) - len(unknown),
        unknown=len(unknown),
        excluded=dict(Counter(o["reason"] for o in inside if o["reason"])),
        outside_where=len(observations) - len(inside),
    )
    result, factor = count.result, UNITS[count.target.unit]
    must_be_known = kind in ("mean", "ratio") or result.best is not None
    if any(o["denominator"] is None for o in counted) or (unknown and must_be_known) or found.denominator == 0:
        return found
    if result.best:
        _best(found, _groups(counted, result.best.group), result.best, factor)
    elif result.pooled is not None:
        if result.pooled.denominator_mean_of:
            assert found.denominator is not None
            found.denominator /= len(_groups(counted, result.pooled.denominator_mean_of))
        found.low, found.high = (share * factor for share in _bounds(counted, found.denominator))
    else:
        group = result.mean_of or result.worst_of or result.sum_of
        assert group is not None
        parts = [_bounds(members) for members in _groups(counted, group).values() if _size(members)]
        for edge, shares in (("low", [p[0] for p in parts]), ("high", [p[1] for p in parts])):
            if result.worst_of:
                value = min(shares) if count.target.higher_is_better else max(shares)
            else:
                value = sum(shares, Fraction(0)) / (len(shares) if result.mean_of else 1)
            setattr(found, edge, value * factor)
    return found


def _groups(observations: list[Row], group: str) -> dict[str, list[Row]]:
    groups = defaultdict(list)
    for o in observations:
        groups[str(o[group])].append(o)
    return groups


def _size(observations: list[Row]) -> Fraction:
    return Fraction(sum(o["denominator"] for o in observations))


def _bounds(observations: list[Row], size: Fraction | None = None) -> tuple[Fraction, Fraction]:
    """Without and with all of what is not known."""
    size = size or _size(observations)
    sure = Fraction(sum(o["numerator"] for o in observations if o["is_known"]))
    return sure / size, (sure + _size([o for o in observations if not o["is_known"]])) / size


def _best(found: ByHand, groups: dict[str, list[Row]], best: Any, factor: Fraction) -> None:
    hits_of = [(sum(o["numerator"] for o in members), sum(o["denominator"] for o in members), g) for g, members in groups.items()]
    able = [(Fraction(hits, size), size, g, hits) for hits, size, g in hits_of if size > 0 and size >= best.min_size]
    tie = {"larger_first": -1, "smaller_first": 1}.get(best.ties, 0)
    ranked = sorted(able, key=lambda x: (-x[0], tie * x[1], x[2]))
    found.numerator = found.denominator = None
    for n in best.n:
        if len(ranked) < n:
            found.by_n[n] = None
            continue
        edge = ranked[n - 1][0]
        taken = [x for i, x in enumerate(ranked) if i < n or (best.ties == "include_all" and x[0] == edge)]
        hits, size = sum(x[3] for x in taken), sum(x[1] for x in taken)
        shares = [x[0] for x in taken]
        of = {"pooled": Fraction(hits, size), "each": min(shares), "mean": sum(shares, Fraction(0)) / len(shares)}
        found.by_n[n] = of[best.of] * factor
        if n == best.n[0]:
            found.numerator, found.denominator, found.low, found.high = Fraction(hits), Fraction(size), *[found.by_n[n]] * 2


# --- the comparison


@dataclass
class Told:
    """What the examples of a test came to, so that they are seen to have said something."""

    figures: int = 0
    values: int = 0
    excluded: set[str] = field(default_factory=set)
    superseded: int = 0
    set_aside: int = 0


class Oracles:
    """Observations by hand over one state of the tables; each combination of options is counted once."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._made: dict[Any, list[Row]] = {}
        self._portioned: dict[str, list[Rows]] = {}

    def observations(self, count: Count) -> list[Row]:
        key = (count.scan, count.options)
        if key not in self._made:
            oracle = importlib.import_module(f"oracles.{count.scan.measure}")
            given = {
                "as_of": count.scan.days.to,
                "from_date": count.scan.days.after,
                "parameters": dict(count.scan.parameters),
                "options": dict(count.options),
            }
            self._made[key] = [o for rows in self._portions(count.scan.measure) for o in oracle.observations(rows, **given)]
        return self._made[key]

    def _portions(self, measure: str) -> list[Rows]:
        """All rows; or those of a call or a person alone, who know nothing of one another, while the oracles look at all pairs."""
        apart = {"telephone_answers": ("call_events", "call_id"), "target_group_activity": ("jobcentre_panel", "person_key")}
        if measure not in apart:
            return [self._rows]
        if measure not in self._portioned:
            table, column = apart[measure]
            groups = _groups(self._rows[table], column).values()
            self._portioned[measure] = [dict(self._rows) | {table: group} for group in groups]
        return self._portioned[measure]


def compare_tables(computed: Computed, rows: Rows, told: Told) -> None:
    """Every table that the plan reads, row by row."""
    con = computed.scanning.connection
    for table in computed.scanning.tables:
        result = con.execute(f'select * exclude (delivery_id) from "{table}"')
        names = [column[0] for column in result.description]
        theirs = Counter(_frozen(dict(zip(names, values, strict=True))) for values in result.fetchall())
        mine = Counter(map(_frozen, rows[table]))
        assert theirs == mine, (table, sorted(map(repr, theirs - mine))[:3], sorted(map(repr, mine - theirs))[:3])
    told.superseded += sum(account["rows_superseded"] for account in computed.accounts)
    told.set_aside += sum(account["rows_set_aside"] for account in computed.accounts)


def compare_figures(computed: Computed, oracles: Oracles, told: Told) -> None:
    """Every figure of a plan against the count by hand."""
    for line in computed.lines:
        for outcome in line.outcomes:
            if outcome.count is not None:
                assert outcome.figure is not None
                kind = computed.scanning.declared.measures[outcome.count.scan.measure].header.kind
                mine = by_hand(oracles.observations(outcome.count), outcome.count, kind)
                _same(outcome.figure, mine, (line.row, outcome.id), told)


def _same(figure: Figure, mine: ByHand, where: tuple[str, str], told: Told) -> None:
    for name in ("numerator", "denominator", "counted", "unknown", "excluded", "outside_where"):
        assert getattr(figure, name) == getattr(mine, name), (*where, name)
    told.figures += 1
    told.excluded |= set(figure.excluded)
    if figure.low is None and re.search(r"ingen leverance af|mangler \d{4}", figure.reason or ""):
        return  # a whole delivery is missing, and with it the value; what there is has been compared
    assert (figure.low, figure.high, figure.by_n) == (mine.low, mine.high, mine.by_n), where
    told.values += mine.low is not None


def _frozen(row: Row) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(row.items()))


# --- random deliveries

YEAR = [date(2021, 1, 31), date(2021, 3, 31), date(2021, 4, 15), date(2021, 6, 30), date(2021, 10, 31), date(2021, 12, 31)]
# Calls come in a file a month, and files cost time.
SPRING = [date(2021, 1, 31), date(2021, 2, 28), date(2021, 3, 31), date(2021, 4, 15), date(2021, 10, 31)]
SICK = [date(2020, 6, 30), date(2020, 9, 30), date(2020, 12, 1), date(2020, 12, 31)]
# What is delivered, the plan and the rows that count it, and reporting dates.
FAMILIES: dict[str, tuple[Deliver, str, list[str], list[date]]] = {
    "telephone": (raw_enquiries.telephone, "star-2021", ["M2.A"], SPRING),
    "written": (raw_enquiries.written, "star-2021", ["M2.B"], YEAR),
    "cases": (raw_deliveries.cases, "star-2021", ["M2.C", "M2.D", "M2.E", "M2.F"], [date(2021, 2, 28), *YEAR]),
    "sick_leave": (raw_deliveries.sick_leave, "siri-2020", ["2.3"], SICK),
    "jobcentres": (raw_deliveries.jobcentres, "star-2021", ["M4"], [date(2021, 6, 30), date(2021, 9, 30), date(2021, 12, 31)]),
}


def _plan(plan_id: str) -> Plan:
    """The plan with the rows above alone."""
    plan = load_plan(BUILT_IN, plan_id)
    rows = [row for _, of_plan, row_ids, _ in FAMILIES.values() for row in row_ids if of_plan == plan_id]
    return _only(plan, rows)


def _only(plan: Plan, rows: list[str]) -> Plan:
    """The plan with these rows alone: the others would be counted from empty tables at every example."""
    cut = plan.model_copy(update={"rows": [plan.placed[row].row for row in rows]})
    cut.__dict__.pop("placed", None)
    return cut


def test_every_row_over_a_source_systems_tables_is_counted_from_raw_files() -> None:
    """The other rows read registers that people type."""
    found = {(plan, row) for _, plan, rows, _ in FAMILIES.values() for row in rows}
    for plan in BUILT_IN.plan_paths:
        for placed in load_plan(BUILT_IN, plan).placed.values():
            if placed.row.measure and BUILT_IN.measures[placed.row.measure].reads <= set(TABLES):
                assert (plan, placed.row.id) in found


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_random_deliveries_come_to_the_same_figures(family: str) -> None:
    deliver, plan_id, row_ids, dates = FAMILIES[family]
    plan, told = _only(load_plan(BUILT_IN, plan_id), row_ids), Told()

    @settings(max_examples=6, deadline=None)
    @example(seed=2, size=60, as_of=dates[-1])
    @given(seed=st.integers(0, 2**32), size=st.integers(5, 60), as_of=st.sampled_from(dates))
    def agree(seed: int, size: int, as_of: date) -> None:
        random = Random(seed)
        with TemporaryDirectory() as folder:
            world = World(Path(folder))
            deliver(world, random, size, as_of)
            raw_deliveries.recode(world, random)
            raw_deliveries.again(world, random)
            world.take()
            reader = RawReader(world.deliveries)
            earlier = random.choice([as_of, *dates]), random.choice(reader.arrivals)
            for day, known_at in ((as_of, reader.arrivals[-1]), earlier):
                computed = compute(world.home, world.declared, world.ledger, plan, day, known_at.replace(tzinfo=UTC))
                rows = reader.tables(known_at)
                compare_tables(computed, rows, told)
                compare_figures(computed, Oracles(rows), told)
                computed.scanning.connection.close()

    agree()
    assert told.values and told.superseded and told.excluded, told


# --- the committed sample


@pytest.mark.long
def test_the_sample_comes_to_the_same_figures(tmp_path: Path) -> None:
    """Every reporting date, once as it was known in the middle of it all and once at the end."""
    world = World(tmp_path)
    found = scan(REPOSITORY / "data" / "sample", BUILT_IN.extracts, world.ledger, SIGHTED)
    for extract in (e for e in BUILT_IN.extracts.values() if e.table in TABLES):
        take_extract(world.home, BUILT_IN, extract.extract, found, world.ledger)
    reader, told = RawReader(found.folder), Told()
    knowledge = {"siri-2020": ["2020-12-31T1200", "2022-03-05T0000"], "star-2021": ["2021-07-06T1200", "2022-03-05T0000"]}
    for plan_id, moments in knowledge.items():
        plan = _plan(plan_id)
        for known_at in map(parse_instant, moments):
            rows = reader.tables(known_at.replace(tzinfo=None), tables_of(plan, BUILT_IN))
            oracles = Oracles(rows)
            for n, as_of in enumerate(plan.reporting.dates):
                computed = compute(world.home, BUILT_IN, world.ledger, plan, as_of, known_at)
                if n == 0:
                    compare_tables(computed, rows, told)
                compare_figures(computed, oracles, told)
                computed.scanning.connection.close()
    assert told.values > 300 and told.set_aside and told.superseded, told
