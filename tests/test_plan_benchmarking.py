"""Benchmarkingenheden 2021: its rows, weights and readings as the catalogue has them, and its arithmetic from raw deliveries."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from registers_world import RegistersWorld
from world import alternative

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.fulfilment import Line
from maalopfyldelse.plan import Plan, read_plan

PLAN = "benchmarking-2021"
YEAR_END = date(2021, 12, 31)
UNIT = "Benchmarkingenheden"
READINGS = {
    "B1.1": {"N14", "N15"},
    "B1.2": {"N15"},
    "B2.1": {"N1", "N2", "N3", "N4", "N5", "N15", "N16"},
    "B2.2": {"N6", "N7", "N8", "N9", "N10", "N11", "N12", "N15"},
    "B2.3": {"N13", "N15"},
}


def _plan() -> Plan:
    return read_plan(REPOSITORY / "plans" / f"{PLAN}.yaml")


def test_the_catalogues_rows_in_its_order_twenty_each() -> None:
    plan = _plan()
    assert list(plan.placed) == list(READINGS)
    assert all(p.weight == 20 and p.scores and p.row.level == "requirement" for p in plan.placed.values())
    assert plan.reporting.dates == [date(2021, 6, 30), YEAR_END] and plan.reporting.due_days == 14


def test_every_reading_stands_on_its_row() -> None:
    placed = _plan().placed
    assert {row: {r.id for r in p.row.readings} for row, p in placed.items()} == READINGS
    assert set().union(*READINGS.values()) == {f"N{n}" for n in range(1, 17)}
    for p in placed.values():
        for reading in p.row.readings:
            for word, option in reading.options.items():
                assert word == reading.approved or option.set or option.needs, (p.row.id, reading.id, word)


def test_the_danish_words_stand_in_their_lines() -> None:
    seed = REPOSITORY.parent / "shared" / "seeds" / f"{PLAN}.txt"
    if not seed.exists():
        pytest.skip("the contracts' texts are not beside the repository")
    lines = seed.read_text().splitlines()
    for p in _plan().placed.values():
        named = [lines[n - 1] for n in p.row.clause.lines]
        assert all(line.strip() for line in named), p.row.id
        words = [w.strip(",;().:") for w in p.row.text.split()]
        missing = [w for w in words if len(w) > 2 and w not in " ".join(named)]
        assert not missing, (p.row.id, missing)


# --- from raw deliveries


@pytest.fixture
def world(tmp_path: Path) -> RegistersWorld:
    return RegistersWorld(tmp_path)


def _lines(world: RegistersWorld, as_of: date = YEAR_END) -> dict[str, Line]:
    world.take()
    return {line.row: line for line in world.compute(PLAN, as_of).lines}


def _verdict(line: Line, name: str) -> str | None:
    found: str | None = alternative(line, name).graded.verdict
    return found


def _budget(world: RegistersWorld, **kroner: Any) -> None:
    rows = [
        {"institution": UNIT, "year": 2021, "year_end_date": YEAR_END, "figure": f, "amount_dkk": k} for f, k in kroner.items()
    ]
    world.deliver_budget(rows)


def test_x18_one_of_the_two_is_enough(world: RegistersWorld) -> None:
    _budget(world, grundbudget="-200000.00", uo2="500000.00", uo4="1000000.00")
    line = _lines(world)["B2.1"]
    assert (line.value, line.unit, line.target) == (Fraction(12, 10), "million_dkk", 1)
    assert (line.verdict, line.points_low) == ("opfyldt", 20)
    assert _verdict(line, "N1.b") == "ikke opfyldt"
    assert _verdict(line, "N2.b") == "ikke opfyldt"  # 0.5 exactly
    assert not alternative(line, "N5.b").is_computed


@pytest.mark.parametrize(
    ("grundbudget", "uo2", "verdict"),
    [
        ("1000000.00", "9000000.00", "opfyldt"),
        ("1000000.01", "500000.01", "ikke opfyldt"),
        ("-1000000.00", "-9000000.00", "opfyldt"),
        ("-1000000.01", "-500000.00", "opfyldt"),
    ],
)
def test_n2_n4_the_boundary_to_the_øre_and_either_sign(world: RegistersWorld, grundbudget: str, uo2: str, verdict: str) -> None:
    _budget(world, grundbudget=grundbudget, uo2=uo2, uo4="0.00")
    assert _lines(world)["B2.1"].verdict == verdict


def test_n3_the_final_accounts_turn_the_verdict(world: RegistersWorld) -> None:
    _budget(world, grundbudget="0", uo2="0", uo4="400000", aarsregnskab="1200000")
    line = _lines(world)["B2.1"]
    assert (line.verdict, _verdict(line, "N3.b")) == ("opfyldt", "ikke opfyldt")


def test_a_missing_figure_leaves_the_goal_open_unless_the_other_is_met(world: RegistersWorld) -> None:
    _budget(world, grundbudget="3000000", uo4="0")
    line = _lines(world)["B2.1"]
    assert (line.verdict, line.points_low, line.points_high) == ("ikke opgjort", 0, 20)
    assert _verdict(line, "N1.b") == "ikke opfyldt"


QUARTERS = ("2019Q4", "2020Q1", "2020Q2", "2020Q3", "2020Q4", "2021Q1", "2021Q2", "2021Q3")


def _absence(world: RegistersWorld, own: dict[str, int], others: list[tuple[int, int]], heads: int = 20) -> None:
    """Own days a quarter of 16 årsværk (8 where a quarter is not named); `others` are days a quarter and årsværk of an institution."""
    rows = [{"institution": UNIT, "quarter": q, "days": own.get(q, 8), "fte": 16, "heads": heads} for q in QUARTERS]
    for n, (days, fte) in enumerate(others):
        rows += [{"institution": f"Institution {n}", "quarter": q, "days": days, "fte": fte, "heads": fte} for q in QUARTERS]
    world.deliver_state_absence(rows)


def test_b22_against_the_mean_of_the_institutions(world: RegistersWorld) -> None:
    # Own 4 × 24 / 16 = 6; others 4 × 10 / 10 = 4 and 4 × 200 / 100 = 8: the mean of the three is 6, all days over all årsværk are
    # 4 × 234 / 126 = 7.43.
    _absence(world, dict.fromkeys(QUARTERS, 24), [(10, 10), (200, 100)])
    line = _lines(world)["B2.2"]
    assert (line.value, line.verdict, line.points_low) == (1, "opfyldt", 20)
    assert _verdict(line, "N10.b") == "ikke opfyldt"  # equal is not under, and the own rate has not fallen
    assert _verdict(line, "N12.b") == "ikke opfyldt"
    assert alternative(line, "N7.b").figure.value == Fraction(6 * 126, 4 * 234)
    assert _verdict(line, "N7.b") == "opfyldt"
    assert alternative(line, "N8.b").figure.value == Fraction(48, 10) / (Fraction(48 + 40 + 80, 10) / 3)


@pytest.mark.parametrize(("days", "verdict"), [(19, "opfyldt"), (20, "ikke opfyldt")])
def test_b22_five_per_cent_under_the_own_rate(world: RegistersWorld, days: int, verdict: str) -> None:
    before, after = QUARTERS[:4], QUARTERS[4:]
    _absence(world, dict.fromkeys(before, 20) | dict.fromkeys(after, days), [(1, 100)])
    line = _lines(world)["B2.2"]
    assert line.value is not None and line.value > 1  # far over the state
    assert line.verdict == verdict


def test_n6_the_baseline_year(world: RegistersWorld) -> None:
    # 2019Q4 was low: against the rolling year 19 is no fall, against calendar 2020 it is.
    _absence(
        world,
        {"2019Q4": 8, "2020Q1": 20, "2020Q2": 20, "2020Q3": 20, "2020Q4": 20, "2021Q1": 16, "2021Q2": 20, "2021Q3": 20},
        [(1, 100)],
    )
    line = _lines(world)["B2.2"]
    assert (line.verdict, _verdict(line, "N6.b")) == ("ikke opfyldt", "opfyldt")


def test_n11_no_absence_at_all(world: RegistersWorld) -> None:
    _absence(world, dict.fromkeys(QUARTERS, 0), [(1, 100)])
    line = _lines(world)["B2.2"]
    assert (line.value, line.verdict) == (0, "opfyldt")


def test_mid_year_is_information_without_a_verdict(world: RegistersWorld) -> None:
    _absence(world, {}, [(10, 10)])
    _budget(world, grundbudget="0", uo2="0", uo4="0")
    lines = _lines(world, date(2021, 6, 30))
    assert lines["B2.2"].value is not None and lines["B2.2"].verdict is None and lines["B2.1"].verdict is None
    assert (lines["total"].points_low, lines["total"].points_high) == (0, 100)


def _act(row: str, act: str, day: date, kind: str) -> dict[str, Any]:
    return {"row": row, "act": act, "date": day, "kind": kind}


STATUS = _act("B2.3", "status_oversendt", date(2021, 3, 31), "sendt")
AGREED = _act("B2.3", "opfoelgning_aftalt", date(2021, 5, 1), "aftalt")
REPORT = _act("B2.3", "afrapportering", date(2021, 11, 30), "sendt")


@pytest.mark.parametrize(
    ("acts", "verdict", "part_of_it"),
    [
        ([STATUS, AGREED, REPORT], "opfyldt", "opfyldt"),
        ([STATUS, AGREED, REPORT | {"date": date(2021, 12, 1)}], "ikke opfyldt", "ikke opfyldt"),
        ([STATUS, AGREED], "afventer vurdering", "afventer vurdering"),
        ([STATUS, AGREED | {"kind": "ikke_gennemfoert"}], "ikke opgjort", "ikke opfyldt"),
        ([STATUS, AGREED | {"kind": "ikke_gennemfoert"}, REPORT | {"kind": "ikke_gennemfoert"}], "ikke opgjort", "ikke opfyldt"),
        ([STATUS | {"date": date(2021, 4, 1)}, AGREED | {"kind": "ikke_gennemfoert"}], "ikke opfyldt", "ikke opfyldt"),
    ],
)
def test_n13_without_an_agreement_there_is_nothing_to_report_on(
    world: RegistersWorld, acts: list[dict[str, Any]], verdict: str, part_of_it: str
) -> None:
    world.deliver_events(PLAN, acts)
    line = _lines(world)["B2.3"]
    assert (line.verdict, _verdict(line, "N13.b")) == (verdict, part_of_it)


@pytest.mark.parametrize(("proposals", "verdict", "points"), [(3, "opfyldt", 20), (2, "ikke opfyldt", 0)])
def test_b11_a_strategy_with_three_proposals(world: RegistersWorld, proposals: int, verdict: str, points: int) -> None:
    world.deliver_events(PLAN, [_act("B1.1", "strategi", date(2021, 9, 30), "godkendt")])
    world.deliver_counts(PLAN, [{"row": "B1.1", "name": "konkrete_forslag", "date": date(2021, 9, 30), "number": proposals}])
    line = _lines(world)["B1.1"]
    assert (line.verdict, line.points_low, line.points_high) == (verdict, points, points)


def test_five_goals_sum_to_a_hundred_and_a_missed_one_takes_twenty(world: RegistersWorld) -> None:
    _budget(world, grundbudget="0", uo2="0", uo4="0")
    _absence(world, {}, [(100, 10)])
    world.deliver_events(
        PLAN,
        [
            STATUS,
            AGREED,
            REPORT,
            _act("B1.1", "strategi", date(2021, 9, 1), "godkendt"),
            _act("B1.2", "notat", date(2021, 4, 1), "godkendt"),
        ],
    )
    world.deliver_counts(PLAN, [{"row": "B1.1", "name": "konkrete_forslag", "date": date(2021, 9, 1), "number": 4}])
    lines = _lines(world)
    assert lines["B1.2"].verdict == "ikke opfyldt"
    assert (lines["total"].value, lines["total"].low, lines["total"].high) == (80, 80, 80)


def test_an_act_without_an_approver_counts_and_is_provisional(world: RegistersWorld) -> None:
    world.deliver_events(PLAN, [_act("B1.2", "notat", date(2021, 3, 31), "godkendt") | {"approver": None}])
    line = _lines(world)["B1.2"]
    assert line.verdict == "opfyldt" and line.provisional


def test_nothing_delivered_is_never_a_miss(world: RegistersWorld) -> None:
    world.deliver_queues()  # another plan's
    lines = _lines(world)
    assert {line.verdict for line in lines.values()} <= {"afventer vurdering", "ikke opgjort", None}
    assert (lines["total"].points_low, lines["total"].points_high) == (0, 100)
    assert all(line.reason for line in lines.values())
