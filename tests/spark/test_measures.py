"""Every measure under every reading on both engines, to the last digit: over the sample's store, and over rows made of edges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from both import over
from measure_rows import MADE, Rows
from sql_house import MEASURES, TABLES, Bench, every_reading
from world import SIGHTED, World

from maalopfyldelse.counting import Days, Scan
from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.engines import asked
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.measures import Options, arguments, cells_sql, leading_rows
from maalopfyldelse.plan import read_plan
from maalopfyldelse.scanning import Scanning, load_plan
from maalopfyldelse.spark_engine import Spark

DATES = [
    (plan.plan, as_of)
    for path in sorted((REPOSITORY / "plans").glob("*.yaml"))
    for plan in [read_plan(path)]
    for as_of in sorted({min(plan.reporting.dates), max(plan.reporting.dates)})
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.con.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The sample taken in, in a folder whose name a careless reader of paths would trip over."""
    world = World(tmp_path_factory.mktemp("sample") / "Økonomi [1] {a,b} 50%20?")
    found = scan(REPOSITORY / "data" / "sample", world.declared.extracts, world.ledger, SIGHTED)
    for extract in world.declared.extracts:
        take_extract(world.home, world.declared, extract, found, world.ledger, lambda text: None)
    return world


@pytest.mark.parametrize("name", sorted(MADE))
def test_cells_of_edge_rows_agree(spark: Spark, bench: Bench, tmp_path: Path, name: str) -> None:
    maker, windows, choices = MADE[name]
    cells = 0
    for n, (from_date, as_of) in enumerate(windows[:3]):
        rows = maker(Random(n), 400, from_date, as_of)
        words = {p: values[-1 - n % len(values)] for p, values in choices.items()}
        cells += _agree(spark, bench, name, rows, (from_date, as_of), words, Random(n), tmp_path / str(n))
    assert cells > 6


@pytest.mark.parametrize("name", sorted(MADE))
def test_cells_of_empty_tables_agree(spark: Spark, bench: Bench, tmp_path: Path, name: str) -> None:
    _agree(spark, bench, name, {}, MADE[name][1][0], {}, Random(0), tmp_path / "none")


def _agree(
    spark: Spark,
    bench: Bench,
    name: str,
    rows: Rows,
    window: tuple[date, date],
    words: dict[str, Any],
    random: Random,
    folder: Path,
) -> int:
    """Holds both engines' cells of these rows against each other; how many there are."""
    measure, days = MEASURES[name], Days(*window)
    bench.fill(rows)
    parameters = {p: spec.default for p, spec in measure.header.parameters.items()} | words
    one = Scan(name, days, tuple(parameters.items()))
    options = measure.header.options
    readings = [measure.defaults | chosen for chosen in every_reading(measure).values()]
    readings += [{option: random.choice(words) for option, words in options.items()} for _ in range(3)]
    combinations: list[Options] = sorted({tuple(reading.items()) for reading in readings})
    here, there = asked(bench.con), over(spark, bench.con, TABLES, measure.reads, folder).rows
    query, given = cells_sql(measure, combinations), arguments(measure, one)
    cells = sorted(map(repr, here(query, given)))
    assert sorted(map(repr, there(query, given))) == cells
    assert leading_rows(there, measure, one) == leading_rows(here, measure, one)
    return len(cells)


def test_every_measure_is_counted_in_the_sample() -> None:
    counted = {c.measure for p, _ in DATES for placed in _plan(p).placed.values() for _, c in placed.row.countings}
    assert counted == set(MEASURES)


def _plan(plan: str) -> Any:
    return read_plan(REPOSITORY / "plans" / f"{plan}.yaml")


@pytest.mark.parametrize(("plan", "as_of"), DATES)
def test_the_sample_gives_the_same_cells(spark: Spark, world: World, plan: str, as_of: date) -> None:
    """Every scan that the plan needs at this date, through the current rows as Spark makes them of the stored files."""
    known_at = world.ledger.latest_arrival()
    assert known_at is not None
    state = load_plan(world.declared, plan).at(as_of)
    here = Scanning(world.home, world.declared, world.ledger, state, as_of, known_at, keeps_cells=False)
    there = Scanning(world.home, world.declared, world.ledger, state, as_of, known_at, keeps_cells=False, engine=spark)
    there.__dict__ |= {"connection": here.connection, "current": here.current}
    assert list(here.scans)
    for one in here.scans:
        expected, found = here.scanned(one), there.scanned(one)
        assert [repr(cell) for cell in found.cells] == [repr(cell) for cell in expected.cells], one
        assert found.leading_rows == expected.leading_rows
    here.connection.close()
