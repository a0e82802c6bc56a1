"""Cells kept month by month: what is counted again when a window moves or a delivery comes, and that it is the same as counting all."""

from __future__ import annotations

import re
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from world import World, stamp

from maalopfyldelse import measures, scanning
from maalopfyldelse.counting import Days, Scan
from maalopfyldelse.dates import DANISH_ZONE
from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.measures import Cell, Scanned
from maalopfyldelse.months import apart, months_of, stamps_sql
from maalopfyldelse.named_columns import names_what_it_reads
from maalopfyldelse.query import Measure, read_measure
from maalopfyldelse.scanning import Scanning, load_plan

CALLS = REPOSITORY / "sql" / "telephone_answers.sql"
MARCH, APRIL, MAY = date(2021, 3, 31), date(2021, 4, 30), date(2021, 5, 31)


def at(month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2021, month, day, hour, minute, tzinfo=DANISH_ZONE)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Calls of January to April; one of March is met by its agent after midnight, in April."""
    world = World(tmp_path)
    world.deliver_queues()
    for month in (1, 2, 3):
        for day in (1, 14, 28):
            world.call(at(month, day), 30_000 * day, answered=day != 14)
        if month == 3:
            world.event("5" * 19, 1, "i", at(3, 31, 23, 58))
            world.event("5" * 19, 2, "q", at(3, 31, 23, 58), queue_key="q_borger", result_code="k", duration_tot_sec=180)
        world.deliver_calls(f"2021-0{month}", f"2021-0{month + 1}-02T0800")
    return world


def april(world: World) -> None:
    world.call(at(4, 9), 60_000, answered=True)
    met = at(4, 1, 0, 1)
    world.event("5" * 19, 3, "c", met, result_code="k", dte_speak_start=stamp(met), duration_speak_sec=60, duration_tot_sec=60)
    world.deliver_calls("2021-04", "2021-05-02T0800")


def scanned(world: World, as_of: date) -> tuple[list[Any], list[str]]:
    """The cells of M2.A at a date, held against those of a count of everything, and the windows that were counted for them."""
    world.take()
    known = world.ledger.latest_arrival()
    assert known is not None
    plan = load_plan(world.declared, "star-2021").at(as_of)
    said: list[str] = []
    kept = Scanning(world.home, world.declared, world.ledger, plan, as_of, known, say=said.append)
    whole = Scanning(world.home, world.declared, world.ledger, plan, as_of, known, keeps_cells=False)
    [scan] = [scan for scan in kept.scans if scan.measure == "telephone_answers"]
    found: Scanned = kept.scanned(scan)
    assert found == whole.scanned(scan)
    assert found.leading_rows > 0
    counted = [line.split()[2:] for line in said if line.startswith("counting ")]
    return list(found.cells), [f"{first[5:]}..{last[5:]}" for first, _, last in counted]


def test_a_window_that_moves_has_only_its_new_months_counted(world: World) -> None:
    assert scanned(world, MARCH)[1] == ["01-01..03-31"]
    assert scanned(world, MARCH)[1] == []
    april(world)
    assert scanned(world, APRIL)[1] == ["03-01..04-30"]
    assert scanned(world, MAY)[1] == ["05-01..05-31"]
    assert scanned(world, date(2021, 2, 28))[1] == []
    assert scanned(world, date(2021, 3, 15))[1] == ["03-01..03-15"]


def test_a_month_is_counted_again_when_a_later_delivery_changes_its_calls(world: World) -> None:
    """The agent who met a call of March speaks in April's file; the call was unanswered before that came."""
    before, _ = scanned(world, MARCH)
    april(world)
    after, windows = scanned(world, MARCH)
    assert windows == ["03-01..03-31"]
    assert [c for c in before if "2021-03-01" in c.groups] != [c for c in after if "2021-03-01" in c.groups]
    assert [c for c in before if "2021-02-01" in c.groups] == [c for c in after if "2021-02-01" in c.groups]


def test_a_month_delivered_again_is_counted_again_only_when_its_rows_differ(world: World) -> None:
    scanned(world, MARCH)
    for day in (1, 14, 28):
        world.call(at(2, day), 30_000 * day, answered=True)
    world.deliver_calls("2021-02", "2021-05-02T0800")
    assert scanned(world, MARCH)[1] == ["02-01..02-28"]
    same = next((world.deliveries / "2021-05-02T0800").rglob("*.csv")).read_text()
    world.deliver(
        "2021-06-02T0800", "puzzel", "puzzel_call_events_2021-02.csv", same.replace("+45 00 00 00 00", "+45 00 00 00 02")
    )
    assert scanned(world, MARCH)[1] == []  # the numbers that differ are not kept


def test_of_a_window_with_few_rows_the_others_are_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = set()

    def parts_of(measure: Measure, columns: list[str], many: int, within: Days | None) -> list[str]:
        asked.add(within)
        return measures.parts_of(measure, columns, many, within)

    monkeypatch.setattr(scanning, "parts_of", parts_of)
    scanned(world, MARCH)
    assert asked == {None}
    shutil.rmtree(world.home.store / "cells")
    first = date(2021, 1, 1)
    few, _ = scanned(world, first)
    assert asked == {None, Days(date(2020, 12, 31), first)}
    shutil.rmtree(world.home.store / "cells")
    monkeypatch.setattr(scanning, "parts_of", lambda *given: [])
    assert scanned(world, first)[0] == few


def test_another_list_of_queues_has_every_month_counted(world: World) -> None:
    scanned(world, MARCH)
    world.deliver_queues({"q_borger": "support_virksomhed"}, "2021-05-02T0800")
    assert scanned(world, MARCH)[1] == ["01-01..03-31"]


@pytest.mark.parametrize("name", ["HOUSE_MACROS", "_engine_version", "cells_sql"])
def test_another_way_of_counting_has_every_month_counted(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    scanned(world, MARCH)
    before = getattr(measures, name)
    monkeypatch.setattr(measures, name, f"{before} " if isinstance(before, str) else lambda *given: f"{before(*given)} ")
    assert scanned(world, MARCH)[1] == ["01-01..03-31"]


def test_who_may_not_write_counts_all_the_same(world: World) -> None:
    scanned(world, MARCH)
    for folder in ("days", "cells"):
        shutil.rmtree(world.home.store / folder)
        (world.home.store / folder).write_text("")  # so that nothing can be kept there, whoever runs the test
    assert scanned(world, MARCH)[1] == scanned(world, MARCH)[1] == ["01-01..03-31"]


def test_observations_that_do_not_account_for_their_month_are_told() -> None:
    measure, combinations = read_measure(CALLS), [()]
    days = Days(date(2020, 12, 31), date(2021, 2, 28))
    scan = Scan(measure.name, days, ())
    january = Cell("default", ("support", "2021-01-01"), None, True, 1, 1, 3, 1, 1)
    known = {date(2021, 1, 5): (3, 7)}
    groups = ("queue", "observed_month")
    [first, second] = apart(measure, Scanned(scan, groups, (january,), 3), months_of(scan), known, combinations)
    assert (first.cells, first.leading_rows, second.cells, second.leading_rows) == ((january,), 3, (), 0)
    with pytest.raises(MaalError, match="stand for 0 rows of call_events, but 2 rows belong"):
        apart(measure, Scanned(scan, groups, (january,), 3), months_of(scan), {date(2021, 2, 5): (2, 7)} | known, combinations)


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        ("months: observed_month\n", "", "months and placed_by go together"),
        ("months: observed_month", "months: queue", "months names 'queue', which is no date"),
        (
            "months: observed_month",
            "months: observed",
            "months names 'observed', which is no group (did you mean 'observed_month'?",
        ),
        (", placed_by: min", ", window: 'true', placed_by: min", "placed_by goes with together_by, and says the window"),
        ("together_by: call_id, ", "", "placed_by goes with together_by, and says the window"),
    ],
)
def test_a_header_that_does_not_hold_is_told(tmp_path: Path, said: str, instead: str, problem: str) -> None:
    text = CALLS.read_text()
    assert said in text
    path = tmp_path / CALLS.name
    path.write_text(text.replace(said, instead))
    with pytest.raises(CallerError, match=re.escape(problem)):
        read_measure(path)


def test_a_query_whose_figures_follow_from_the_window_is_not_kept_by_month(tmp_path: Path) -> None:
    path = tmp_path / CALLS.name
    path.write_text(
        CALLS.read_text().replace("when c.is_phone = 0", "when c.begun_date = $as_of then 'outage' when c.is_phone = 0")
    )
    with pytest.raises(CallerError, match=re.escape("so the query names $as_of once")):
        read_measure(path)


@pytest.mark.parametrize("folder", ["days", "cells"])
@pytest.mark.parametrize("content", [b"", b'[["2021-01', b"\xff\xfe"])
def test_what_was_kept_and_is_damaged_is_counted_again(world: World, folder: str, content: bytes) -> None:
    scanned(world, MARCH)
    for path in (world.home.store / folder).iterdir():
        path.write_bytes(content)
    assert scanned(world, MARCH)[1] == ([] if folder == "days" else ["01-01..03-31"])
    assert scanned(world, MARCH)[1] == []


@pytest.mark.parametrize(
    ("query", "names_all"),
    [
        ("select a, b from calls", True),
        ("select c.*, c.x + 1 as y from (select * from calls) as c where c.x in (select k from t)", True),
        ("select count(*) from calls", True),
        ("select a from x union select b from y", True),
        ("select distinct c.x from calls as c", True),
        ("with z as (select * from calls) select x from z group by x", True),
        ("select x from calls where d < $as_of", True),
        ("select distinct c.* from calls as c", False),
        ("select distinct(*) from calls", False),
        ("select count(distinct c) from calls as c", False),
        ("select hash(calls) from calls", False),
        ("select * from a union all select * from b", False),
        ("select * from a union select * from b", False),
        ("select * from a group by all", False),
        ("select a.x from calls as a(x, y)", False),
        ("with c(x, y) as (select * from a) select x from c", False),
        ("select * from a natural join b", False),
        ("select columns('x.*') from a", False),
        ("select #1 from (select * from a)", False),
        ("select from where", False),
    ],
)
def test_a_query_may_depend_on_columns_that_it_does_not_name(query: str, names_all: bool) -> None:
    assert names_what_it_reads(query) == names_all


def test_all_of_a_row_is_told_where_the_query_may_depend_on_it(world: World, tmp_path: Path) -> None:
    table = world.declared.tables["call_events"]
    assert '"speak_s"' not in stamps_sql(read_measure(CALLS), table)
    path = tmp_path / CALLS.name
    path.write_text(
        CALLS.read_text().replace("---*/\nwith ", "---*/\nwith alike as (select distinct e.* from call_events as e), ")
    )
    assert '"speak_s"' in stamps_sql(read_measure(path), table)


def test_the_time_of_delivery_is_part_of_a_row_only_where_the_query_reads_it(world: World, tmp_path: Path) -> None:
    table = world.declared.tables["call_events"]
    assert "deliver" not in stamps_sql(read_measure(CALLS), table)
    path = tmp_path / CALLS.name
    path.write_text(
        CALLS.read_text().replace("min(started_at) as begun_at", "max(delivered_at) as d, min(started_at) as begun_at")
    )
    assert '"delivered_at"' in stamps_sql(read_measure(path), table)
