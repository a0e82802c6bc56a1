"""Tilsynsplan 2024: the plan against its text, and its milestones, lists and accounts from raw deliveries.

Each aim is reached or not; there are no weights, no degrees and no total.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from contract_text import contract_lines, named_lines, not_in_the_text
from registers_world import RegistersWorld
from world import alternative

from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.plan import Plan, read_plan
from maalopfyldelse.plan_check import check_plan

PLAN = "tilsyn-2024"
YEAR_END = date(2024, 12, 31)
ARRIVED = "2025-02-03T0800"
ROWS = (
    "T1.a", "T1.b", "T2", "T3", "T4.a", "T4.b", "T4.c", "T5.a", "T5.b", "T6.a", "T6.b", "T6.c", "T7", "T8.a", "T8.b", "T9",
    "T10.a", "T10.b", "T10.c",
)  # fmt: skip
DIMENSIONS = {
    "T1": "12", "T2": "2", "T3": "2", "T4": "24", "T5": "234", "T6": "234", "T7": "2", "T8": "1", "T9": "4", "T10": "234",
}  # fmt: skip


@pytest.fixture
def plan() -> Plan:
    return read_plan(REPOSITORY / "plans" / f"{PLAN}.yaml")


@pytest.fixture
def world(tmp_path: Path) -> RegistersWorld:
    return RegistersWorld(tmp_path)


# --- the file


def test_the_catalogues_rows_in_its_order(plan: Plan) -> None:
    assert tuple(plan.placed) == ROWS and len(ROWS) == 19
    assert {p.row.level for p in plan.placed.values()} == {"requirement"}
    assert plan.reporting.dates == [YEAR_END]  # the text speaks of no status before the year is over


def test_there_are_no_weights_and_no_degrees(plan: Plan) -> None:
    assert plan.weights is None and not plan.known_gaps
    for placed in plan.placed.values():
        assert placed.weight is None and not placed.scores
        assert placed.row.grade.all_of is not None or placed.row.grade.threshold is not None


def test_dimensions_are_the_overviews(plan: Plan) -> None:
    for row_id, placed in plan.placed.items():
        assert placed.row.dimensions == [f"T{n}" for n in DIMENSIONS[row_id.split(".")[0]]], row_id
    overview = contract_lines(PLAN)[41:56]
    for number, marks in enumerate(DIMENSIONS.values(), 1):
        line = next(line for line in overview if line.startswith(f"{number}."))
        assert line.count("Ja") == len(marks), number


def test_it_holds_against_the_measures(plan: Plan) -> None:
    assert check_plan(plan, load()) == []


def test_its_words_stand_in_the_plan(plan: Plan) -> None:
    assert not_in_the_text(plan) == []
    assert max(named_lines(plan)) <= len(contract_lines(PLAN))


def test_every_ambiguity_is_a_reading(plan: Plan) -> None:
    rows: dict[str, list[str]] = {}
    for row_id, placed in plan.placed.items():
        for reading in placed.row.readings:
            rows.setdefault(reading.id, []).append(row_id)
    assert set(rows) == {f"T-{n}" for n in range(1, 15)}
    assert rows["T-3"] == ["T5.a", "T5.b"] and rows["T-8"] == ["T8.a", "T8.b"] and rows["T-13"] == ["T4.a", "T4.b", "T4.c"]
    assert [r for r in rows if "T10.b" in rows[r]] == ["T-10", "T-11", "T-12"]


def test_conditions_are_shown_and_not_scored(plan: Plan) -> None:
    quiet = {(row_id, c.id) for row_id, p in plan.placed.items() for c in p.row.criteria if not c.scored and not c.condition}
    assert {("T1.a", "tema"), ("T6.c", "maanedlig"), ("T9", "indhold")} <= quiet
    assert [(row_id, c.id) for row_id, p in plan.placed.items() for c in p.row.criteria if c.condition] == [("T5.a", "tests")]


# --- T10.b: accounts


def _accounts(world: RegistersWorld, contacted_and_sent: list[tuple[date, date | None]]) -> Any:
    rows = [{"row": "T10.b", "started": a} | ({"done": b} if b else {}) for a, b in contacted_and_sent]
    # An entry of another row: the register is delivered even where no municipality was chosen.
    rows.append({"row": "T8.a", "started": date(2024, 3, 1)})
    world.deliver_items(PLAN, rows, ARRIVED)
    world.take()
    return world.line(PLAN, "T10.b", YEAR_END)


def test_accounts_not_due_are_no_breach(world: RegistersWorld) -> None:
    line = _accounts(world, [(date(2024, 5, 1), date(2024, 8, 1)), (date(2024, 10, 1), None), (date(2024, 12, 1), None)])
    assert (line.verdict, line.numerator, line.denominator) == ("opfyldt", 1, 1)
    open_ = alternative(line, "T-12.b")
    assert open_.graded.verdict == "ikke opgjort" and (open_.figure.low, open_.figure.high) == (pytest.approx(100 / 3), 100)


@pytest.mark.parametrize(("contacted", "verdict"), [(date(2024, 9, 30), "ikke opfyldt"), (date(2024, 10, 1), "opfyldt")])
def test_an_account_due_at_the_end_of_the_year_is_due(world: RegistersWorld, contacted: date, verdict: str) -> None:
    """30 September and three months is 30 December; 1 October is due on New Year's Day."""
    assert _accounts(world, [(contacted, None), (date(2024, 5, 1), date(2024, 7, 1))]).verdict == verdict


@pytest.mark.parametrize(
    ("contacted", "sent", "verdict"),
    [
        (date(2024, 5, 1), date(2024, 8, 1), "opfyldt"),
        (date(2024, 5, 1), date(2024, 8, 2), "ikke opfyldt"),
        (date(2024, 5, 1), date(2024, 5, 2), "opfyldt"),  # at most three months
        (date(2024, 1, 31), date(2024, 4, 30), "opfyldt"),  # 31 January plus three calendar months is the last of April
        (date(2024, 1, 31), date(2024, 5, 1), "ikke opfyldt"),
        (date(2024, 5, 1), None, "ikke opfyldt"),
    ],
)
def test_three_calendar_months_at_most(world: RegistersWorld, contacted: date, sent: date | None, verdict: str) -> None:
    assert _accounts(world, [(contacted, sent), (date(2024, 4, 2), date(2024, 5, 2))]).verdict == verdict


def test_one_late_municipality_decides(world: RegistersWorld) -> None:
    in_time = [(date(2024, 5, 1), date(2024, 7, 1))] * 9
    line = _accounts(world, [*in_time, (date(2024, 5, 1), date(2024, 8, 5))])
    assert (line.verdict, line.value) == ("ikke opfyldt", 90)


def test_nobody_chosen_is_not_computed(world: RegistersWorld) -> None:
    line = _accounts(world, [])
    assert line.verdict == "ikke opgjort" and line.reason
    assert alternative(line, "T-11.b").graded.verdict == "opfyldt"


# --- milestones and lists


@pytest.mark.parametrize(("second", "verdict"), [(date(2024, 6, 30), "opfyldt"), (date(2024, 7, 1), "ikke opfyldt")])
def test_both_new_measures_by_30_june(world: RegistersWorld, second: date, verdict: str) -> None:
    acts = [
        {"row": "T6.c", "act": "maaling_a_kasser", "date": date(2024, 4, 10), "kind": "offentliggjort"},
        {"row": "T6.c", "act": "maaling_kommuner", "date": second, "kind": "offentliggjort"},
    ]
    world.deliver_events(PLAN, acts, ARRIVED)
    world.take()
    assert world.line(PLAN, "T6.c", YEAR_END).verdict == verdict


def test_one_new_measure_is_awaited(world: RegistersWorld) -> None:
    world.deliver_events(PLAN, [{"row": "T6.c", "act": "maaling_a_kasser", "date": date(2024, 4, 10)}], ARRIVED)
    world.take()
    assert world.line(PLAN, "T6.c", YEAR_END).verdict == "afventer vurdering"


def test_a_follow_up_in_each_half_year(world: RegistersWorld) -> None:
    def counts(first: date) -> list[dict[str, Any]]:
        names = ("opfoelgninger_a_kasser", "opfoelgninger_kommuner")
        found = [{"row": "T6.a", "name": n, "date": first, "number": 1, "count_id": f"{n}-1"} for n in names]
        return found + [{"row": "T6.a", "name": n, "date": date(2024, 12, 1), "number": 2, "count_id": f"{n}-2"} for n in names]

    world.deliver_counts(PLAN, counts(date(2024, 6, 20)), ARRIVED)
    world.take()
    assert world.line(PLAN, "T6.a", YEAR_END).verdict == "opfyldt"
    world.deliver_counts(PLAN, counts(date(2024, 7, 20)), "2025-02-04T0800")
    world.take()
    line = world.line(PLAN, "T6.a", YEAR_END)
    assert line.verdict == "ikke opfyldt" and alternative(line, "T-14.b").graded.verdict == "opfyldt"


def test_without_the_suppliers_tests_there_is_nothing_to_follow_up(world: RegistersWorld) -> None:
    def deliver(tests: str, received_at: str, followed_up: bool) -> None:
        acts = [{"row": "T5.a", "act": "tests_gennemfoert", "date": date(2024, 3, 20), "kind": tests, "event_id": "tests"}]
        if followed_up:
            acts.append({"row": "T5.a", "act": "opfoelgning_tests", "date": date(2024, 5, 20)})
        else:
            acts.append(
                {
                    "row": "T5.a",
                    "act": "opfoelgning_tests",
                    "date": date(2024, 5, 20),
                    "kind": "ikke_gennemfoert",
                    "event_id": "op",
                }
            )
        world.deliver_events(PLAN, acts, received_at)
        world.take()

    deliver("ikke_gennemfoert", "2025-02-03T0800", followed_up=False)
    line = world.line(PLAN, "T5.a", YEAR_END)
    assert line.verdict == "ikke opgjort" and line.reason and "Forudsætningen" in line.reason
    assert alternative(line, "T-4.b").graded.verdict == "ikke opfyldt"
    deliver("gennemfoert", "2025-02-04T0800", followed_up=True)
    assert world.line(PLAN, "T5.a", YEAR_END).verdict == "opfyldt"


@pytest.mark.parametrize("row", ["T6.b", "T8.a", "T8.b"])
def test_every_unit_on_the_list(world: RegistersWorld, row: str) -> None:
    def items(done: date | None) -> list[dict[str, Any]]:
        first = {"row": row, "started": date(2024, 2, 1), "done": date(2024, 12, 31), "item_id": "1"}
        return [first, {"row": row, "started": date(2024, 8, 1), "item_id": "2"} | ({"done": done} if done else {})]

    world.deliver_items(PLAN, items(None), ARRIVED)
    world.take()
    line = world.line(PLAN, row, YEAR_END)
    assert (line.verdict, line.numerator, line.denominator) == ("ikke opfyldt", 1, 2)
    assert world.line(PLAN, row, date(2024, 6, 30)).verdict is None  # the year is not over
    world.deliver_items(PLAN, items(date(2024, 11, 1)), "2025-02-04T0800")
    world.take()
    assert world.line(PLAN, row, YEAR_END).verdict == "opfyldt"


def test_task_forces_offered_and_started_everywhere(world: RegistersWorld) -> None:
    def counts(started: int) -> list[dict[str, Any]]:
        numbers = (("taskforce_tilbudt", 6), ("taskforce_igangsat", started))
        return [{"row": "T10.c", "name": n, "date": date(2024, 10, 1), "number": x, "of": 6, "count_id": n} for n, x in numbers]

    world.deliver_counts(PLAN, counts(6), ARRIVED)
    world.take()
    line = world.line(PLAN, "T10.c", YEAR_END)
    assert line.verdict == "opfyldt" and alternative(line, "T-2.b").graded.verdict == "ikke opfyldt"
    world.deliver_counts(PLAN, counts(5), "2025-02-04T0800")
    world.take()
    assert world.line(PLAN, "T10.c", YEAR_END).verdict == "ikke opfyldt"


@pytest.mark.parametrize(
    ("row", "act", "day", "verdict"),
    [
        ("T1.a", "fokusrevision_afrapporteret", YEAR_END, "opfyldt"),
        ("T1.a", "fokusrevision_afrapporteret", date(2023, 12, 31), "afventer vurdering"),  # last year's audit
        ("T2", "praksisundersoegelse_afrapporteret", date(2025, 1, 2), "afventer vurdering"),  # not yet on the reporting date
        ("T3", "praksisundersoegelse_afrapporteret", date(2024, 11, 1), "opfyldt"),
        ("T7", "opfoelgning", date(2024, 11, 1), "opfyldt"),
        ("T9", "koncept_udviklet", YEAR_END, "opfyldt"),
        ("T10.a", "kommuner_udvalgt", date(2024, 6, 30), "opfyldt"),
        ("T10.a", "kommuner_udvalgt", date(2024, 7, 1), "ikke opfyldt"),
    ],
)
def test_a_milestone_is_met_on_its_last_day(world: RegistersWorld, row: str, act: str, day: date, verdict: str) -> None:
    world.deliver_events(PLAN, [{"row": row, "act": act, "date": day}], ARRIVED)
    world.take()
    assert world.line(PLAN, row, YEAR_END).verdict == verdict


def test_an_empty_world_gives_no_verdict_and_no_total(world: RegistersWorld) -> None:
    world.deliver_events(PLAN, [{"row": "T7", "act": "opfoelgning", "date": date(2024, 5, 2), "approver": None}], ARRIVED)
    world.take()
    lines = world.compute(PLAN, YEAR_END).lines
    assert [line.row for line in lines] == list(ROWS)
    assert all((line.weight, line.points_low, line.points_high, line.scores) == (None, None, None, False) for line in lines)
    verdicts = {line.row: line.verdict for line in lines}
    assert verdicts.pop("T7") == "opfyldt" and set(verdicts.values()) <= {"afventer vurdering", "ikke opgjort"}
    assert next(line for line in lines if line.row == "T7").provisional
