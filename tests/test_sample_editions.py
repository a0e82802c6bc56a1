"""The committed sample: every plan at each of its reporting dates, from raw files to graded rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from world import SIGHTED, World

from maalopfyldelse import engines
from maalopfyldelse.analyst import publish
from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.edition import Computed
from maalopfyldelse.fulfilment import Line
from maalopfyldelse.grading import VERDICTS
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.macros import macro_name
from maalopfyldelse.measures import Scanned
from maalopfyldelse.plan import Row, read_plan
from maalopfyldelse.scanning import Scanning, load_plan

DATES = [
    (plan.plan, as_of)
    for path in sorted((REPOSITORY / "plans").glob("*.yaml"))
    for plan in [read_plan(path)]
    for as_of in plan.reporting.dates
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("sample"))
    found = scan(Path(REPOSITORY / "data" / "sample"), world.declared.extracts, world.ledger, SIGHTED)
    assert not found.problems
    for extract in world.declared.extracts:
        assert not take_extract(world.home, world.declared, extract, found, world.ledger, lambda text: None).refused
    return world


@pytest.fixture(scope="module")
def computed(world: World) -> dict[tuple[str, date], Computed]:
    return {(plan, as_of): world.compute(plan, as_of) for plan, as_of in DATES}


def test_calls_counted_in_parts_come_to_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = world.ledger.latest_arrival()
    assert known is not None

    def counted() -> tuple[int, list[Scanned]]:
        plan = load_plan(world.declared, "star-2021")
        scanning = Scanning(world.home, world.declared, world.ledger, plan, date(2021, 12, 31), known, keeps_cells=False)
        scans = [scan for scan in scanning.scans if scan.measure == "telephone_answers"]
        parts = scanning.engine.parts(scanning.current["call_events"].current_rows)
        return parts, [scanning.scanned(scan) for scan in scans]

    parts, at_once = counted()
    assert parts == 1 and at_once
    monkeypatch.setattr(engines, "ROWS_A_PART", 10_000)
    parts, found = counted()
    assert parts > 2 and found == at_once
    assert [engines.DuckDB().parts(rows) for rows in (0, 1, 10_000, 10_001, 30_000)] == [1, 1, 1, 2, 3]


def test_every_verdict_word_occurs(computed: dict[tuple[str, date], Computed]) -> None:
    assert {line.verdict for c in computed.values() for line in c.lines} >= set(VERDICTS)


@pytest.mark.parametrize(("plan", "as_of"), DATES)
def test_rows_degrees_and_points_hold_together(computed: dict[tuple[str, date], Computed], plan: str, as_of: date) -> None:
    lines = computed[(plan, as_of)].lines
    placed = read_plan(REPOSITORY / "plans" / f"{plan}.yaml").placed
    assert [line.row for line in lines if line.level != "total"] == list(placed)
    for line in lines:
        assert line.low is not None and line.high is not None and 0 <= line.low <= line.high <= 100
        assert line.reason or line.verdict in ("opfyldt", "delvist opfyldt", "ikke opfyldt") or line.level == "total"
        if line.verdict == "opfyldt":
            assert line.low == 100
        if line.verdict == "ikke opfyldt":
            assert line.high == 0
    total = next((line for line in lines if line.level == "total"), None)
    if total is None:
        assert all(line.points_low is None and line.weight is None for line in lines)
        return
    scoring = [line for line in lines if line.scores]
    assert sum((line.weight for line in scoring), Fraction(0)) == total.weight == 100
    assert total.points_low == sum((line.points_low for line in scoring), Fraction(0))
    assert total.points_high == sum((line.points_high for line in scoring), Fraction(0))
    for line in lines:
        below = [x for x in lines if x.parent == line.row and x.weight is not None]
        if below and line.level == "goal":
            assert line.points_low == sum((x.points_low for x in below), Fraction(0))


def test_what_the_text_leaves_undefined_mid_year_has_no_verdict(computed: dict[tuple[str, date], Computed]) -> None:
    lines = {line.row: line for line in computed[("star-2021", date(2021, 6, 30))].lines}
    assert [row for row in ("M2.D", "M2.F", "M4", "M1") if lines[row].verdict is not None] == []
    assert lines["M2.D"].value is not None and lines["M2.A"].verdict is not None


@pytest.fixture(scope="module")
def analyst(world: World) -> Iterator[duckdb.DuckDBPyConnection]:
    known_at = world.ledger.latest_arrival()
    assert known_at is not None
    publish(world.home, world.declared, world.ledger, [load_plan(world.declared, p) for p in world.declared.plan_paths], known_at)
    with duckdb.connect(str(world.home.analyst), read_only=True) as con:
        yield con


@pytest.mark.parametrize(("plan", "as_of"), DATES)
def test_a_rows_macro_gives_the_figure_of_every_reading(
    computed: dict[tuple[str, date], Computed], analyst: duckdb.DuckDBPyConnection, plan: str, as_of: date
) -> None:
    placed, compared = read_plan(REPOSITORY / "plans" / f"{plan}.yaml").placed, 0
    for line in computed[(plan, as_of)].lines:
        row = placed[line.row].row if line.row in placed else None
        for criterion, _ in row.countings if row else ():
            assert row is not None
            compared += _held_against_macro(analyst, plan, row, criterion, line, as_of)
    assert compared > 5


def _held_against_macro(
    analyst: duckdb.DuckDBPyConnection, plan: str, row: Row, criterion: str | None, line: Line, as_of: date
) -> int:
    sql = f'select reading, value, first_date, last_date from "{plan}"."{macro_name(row, criterion)}"(?)'
    found = {r[0]: r[1:] for r in analyst.execute(sql, [as_of]).fetchall()}
    compared = 0
    for outcome in line.outcomes:
        figure, where = outcome.figure, (row.id, criterion, outcome.id)
        if criterion is not None:
            figure = next((j.figure for j in outcome.judged if j.criterion.id == criterion), None)
        if figure is None:
            continue
        value, first, last = found.pop(outcome.id)
        compared += 1
        if criterion is None:
            assert outcome.count is not None
            days = outcome.count.scan.days
            assert (first, last) == (days.after + timedelta(days=1), days.to), where
        if figure.value is not None:
            assert value == pytest.approx(float(figure.value), rel=1e-12), where
        elif not figure.is_beyond and "Mangler data" not in (figure.reason or ""):  # a macro sums what there is
            assert value is None, where
    assert not found or criterion is not None or all(last is None for _, _, last in found.values()), (row.id, list(found))
    return compared
