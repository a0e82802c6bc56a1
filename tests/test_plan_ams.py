"""AMS 2003: the plan against its text, and its figures, registers and milestones from raw deliveries.

The plan has no weights: no line may carry points or a percentage of the whole.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from contract_text import contract_lines, named_lines, not_in_the_text
from registers_world import RegistersWorld
from world import alternative

from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.plan import Plan, read_plan
from maalopfyldelse.plan_check import check_plan

PLAN, PATH = "ams-2003", REPOSITORY / "plans" / "ams-2003.yaml"
MIDTERM, YEAR_END = date(2003, 10, 1), date(2003, 12, 31)
ARRIVED = "2004-02-02T0800"
ROWS = (
    "A.1.1", "A.1.2", "A.2.1", "A.2.2", "A.2.3", "A.2.4", "A.3.1", "A.3.2", "A.3.3", "A.3.4", "A.4.1", "A.4.2", "A.4.3", "A.4.4",
    "A.5.1", "A.5.2", "A.6.1", "A.6.2", "A.7.1", "A.7.2", "A.7.3", "A.8.1", "A.8.2", "A.9.1", "A.9.2", "A.10.1",
    "B.1.1", "B.1.2", "B.1.3", "B.2.1", "B.2.2", "C.1.1", "C.1.2", "C.2.1",
)  # fmt: skip


@pytest.fixture
def plan() -> Plan:
    return read_plan(PATH)


@pytest.fixture
def world(tmp_path: Path) -> RegistersWorld:
    return RegistersWorld(tmp_path)


def _days(first: date, number: int) -> date:
    return first + timedelta(days=number)


# --- the file


def test_the_catalogues_rows_in_its_order(plan: Plan) -> None:
    assert tuple(plan.placed) == ROWS and len(ROWS) == 34
    assert {p.row.level for p in plan.placed.values()} == {"requirement"}


def test_there_are_no_weights(plan: Plan) -> None:
    assert plan.weights is None and not plan.known_gaps
    assert all(p.weight is None and not p.scores for p in plan.placed.values())


def test_it_holds_against_the_measures() -> None:
    declared = load()
    assert check_plan(read_plan(PATH), declared) == []


def test_its_words_stand_in_the_contract(plan: Plan) -> None:
    assert not_in_the_text(plan) == []
    assert max(named_lines(plan)) <= len(contract_lines(PLAN))


def test_every_numbered_reading_stands_at_its_row(plan: Plan) -> None:
    rows: dict[str, set[str]] = {}
    for row_id, placed in plan.placed.items():
        for reading in placed.row.readings:
            rows.setdefault(reading.id, set()).add(row_id)
    assert set(rows) == {f"R{n}" for n in range(1, 19)}
    assert {r for r in rows if "B.1.1" in rows[r]} == {"R1", "R2", "R3", "R4"}
    assert {r for r in rows if "B.1.2" in rows[r]} == {"R5", "R6"}
    assert rows["R17"] == {"B.1.3"} and rows["R13"] == {"A.2.3", "A.8.2"}
    assert rows["R12"] == {"A.3.1", "A.3.2", "A.3.3", "A.3.4"} and rows["R18"] == {"A.5.2", "A.9.1", "A.9.2", "B.2.1"}


def test_the_open_numbers_are_named(plan: Plan) -> None:
    missing = {
        row_id: [c.target.missing for _, c in placed.row.countings if c.target.missing] for row_id, placed in plan.placed.items()
    }
    assert {row: len(names) for row, names in missing.items() if names} == {"A.1.1": 4, "A.1.2": 1, "A.4.4": 1}
    assert all(name[0] in "xy" for names in missing.values() for name in names)


def test_what_only_points_ahead_is_not_scored(plan: Plan) -> None:
    """The directions for 2004-2006 stand as notes; no criterion and no target looks beyond the year."""
    assert sum("ikke bindende" in note for p in plan.placed.values() for note in p.row.notes) >= 10
    for placed in plan.placed.values():
        for criterion in placed.row.criteria:
            due = criterion.event or criterion.count
            assert due is None or due.by <= YEAR_END, (placed.row.id, criterion.id)


# --- B.1: cases


def _applications(world: RegistersWorld, rows: list[dict[str, Any]]) -> Any:
    world.deliver_applications(rows, ARRIVED)
    world.take()
    return world.line(PLAN, "B.1.1", YEAR_END)


def test_every_application_counts_and_the_mean_does_not(world: RegistersWorld) -> None:
    start = date(2003, 3, 3)
    line = _applications(
        world, [{"received": start, "replied": _days(start, 10)}] * 8 + [{"received": start, "replied": _days(start, 57)}]
    )
    assert (line.verdict, line.numerator, line.denominator) == ("ikke opfyldt", 8, 9)
    mean = alternative(line, "R1.b")
    assert (mean.figure.value, mean.graded.verdict) == (Fraction(137, 9), "opfyldt")
    share = alternative(line, "R1.c")
    assert share.figure is None and "procent" in share.graded.reason


def test_fifty_six_days_are_in_time(world: RegistersWorld) -> None:
    start = date(2003, 3, 3)
    assert _applications(world, [{"received": start, "replied": _days(start, 56)}]).verdict == "opfyldt"


@pytest.mark.parametrize(("waited", "verdict"), [(56, "opfyldt"), (57, "ikke opfyldt")])
def test_one_application_that_still_waits_decides(world: RegistersWorld, waited: int, verdict: str) -> None:
    line = _applications(
        world, [{"received": date(2003, 5, 5), "replied": date(2003, 5, 9)}, {"received": _days(YEAR_END, -waited)}]
    )
    assert line.verdict == verdict
    assert alternative(line, "R4.b").graded.verdict == "opfyldt"


def test_the_eight_weeks_run_from_the_deadline_or_a_late_receipt(world: RegistersWorld) -> None:
    deadline = date(2003, 4, 1)
    line = _applications(
        world,
        [
            {"received": date(2003, 1, 10), "deadline": deadline, "replied": _days(deadline, 56)},
            {"received": date(2003, 4, 20), "deadline": deadline, "replied": _days(date(2003, 4, 20), 56)},
        ],
    )
    assert (line.verdict, line.denominator) == ("opfyldt", 2)
    assert alternative(line, "R2.a").graded.verdict == "ikke opfyldt"  # the late one runs from the deadline
    assert alternative(line, "R2.c").graded.verdict == "ikke opfyldt"  # the early one runs from its receipt


def _complaints(world: RegistersWorld, rows: list[dict[str, Any]]) -> Any:
    world.deliver_complaints(rows, ARRIVED)
    world.take()
    return world.line(PLAN, "B.1.2", YEAR_END)


@pytest.mark.parametrize(("decided", "verdict"), [(date(2003, 2, 28), "opfyldt"), (date(2003, 3, 1), "ikke opfyldt")])
def test_four_months_from_31_october_end_with_february(world: RegistersWorld, decided: date, verdict: str) -> None:
    line = _complaints(world, [{"received": date(2002, 10, 31), "decided": decided}])
    assert line.verdict == verdict
    assert alternative(line, "R6.b").graded.verdict == "ikke opfyldt"  # under: before the day


def test_eighty_of_a_hundred_and_the_cohorts(world: RegistersWorld) -> None:
    """79 in time and 20 late, one pending past its time and one within it, and one of the year before decided in January."""
    start = date(2003, 2, 3)
    rows: list[dict[str, Any]] = [{"received": start, "decided": date(2003, 6, 3)}] * 79
    rows += [{"received": start, "decided": date(2003, 6, 4)}] * 19
    rows += [{"received": date(2003, 8, 30)}, {"received": date(2003, 11, 3)}]
    rows += [{"received": date(2002, 12, 1), "decided": date(2003, 1, 15)}]
    line = _complaints(world, rows)
    assert (line.numerator, line.denominator, line.verdict) == (80, 100, "opfyldt")
    assert alternative(line, "R5.a").figure.value == Fraction(8000, 99)
    received = alternative(line, "R5.b").figure  # the one within its time may go either way
    assert (received.low, received.high) == (Fraction(7900, 100), Fraction(8000, 100))


def test_a_letter_without_an_answer_is_late_once_its_own_deadline_has_passed(world: RegistersWorld) -> None:
    rows: list[dict[str, Any]] = [
        {"row": "B.1.3", "started": date(2003, 9, 1), "due": date(2003, 9, 15), "done": date(2003, 9, 15)},
        {"row": "B.1.3", "started": date(2003, 12, 20), "due": date(2004, 1, 9)},
        {"row": "B.1.3", "started": date(2003, 9, 20), "due": date(2003, 10, 3)},
    ]
    world.deliver_items(PLAN, rows, ARRIVED)
    world.take()
    midterm, year_end = (world.line(PLAN, "B.1.3", day) for day in (MIDTERM, YEAR_END))
    assert (midterm.verdict, midterm.denominator) == ("opfyldt", 1)
    assert (year_end.verdict, year_end.numerator, year_end.denominator) == ("ikke opfyldt", 1, 2)


# --- A.7: against the year before


def _months(series: str, year: int, number: int) -> list[dict[str, Any]]:
    firsts = [date(year, month, 1) for month in range(1, 13)]
    lasts = [_days(first, -1) for first in [*firsts[1:], date(year + 1, 1, 1)]]
    return [{"series": series, "from": a, "to": b, "number": number} for a, b in zip(firsts, lasts, strict=True)]


@pytest.mark.parametrize(("last", "verdict"), [(1250, "opfyldt"), (1249, "ikke opfyldt")])
def test_exactly_a_quarter_more_advertisements_is_met(world: RegistersWorld, last: int, verdict: str) -> None:
    this_year = _months("job_ads", 2003, 1250)
    this_year[-1]["number"] = last
    world.deliver_activity(_months("job_ads", 2002, 1000) + this_year, ARRIVED)
    world.take()
    line = world.line(PLAN, "A.7.2", YEAR_END)
    assert (line.verdict, line.value) == (verdict, Fraction(11 * 1250 + last, 12000))
    midterm = world.line(PLAN, "A.7.2", MIDTERM)
    assert midterm.verdict is None  # the year is not over: information only


def test_hits_are_held_against_the_whole_of_2002(world: RegistersWorld) -> None:
    """2,000 a month until the pages were redesigned, 3,000 after: 2,800 in 2003 is a quarter more than the year, not than its end."""
    before = _months("hits", 2002, 2000)
    for month in before[9:]:
        month["number"] = 3000
    world.deliver_activity(before + _months("hits", 2003, 2813), ARRIVED)
    world.take()
    line = world.line(PLAN, "A.7.3", YEAR_END)
    assert (line.verdict, line.value) == ("opfyldt", Fraction(2813 * 12, 27000))
    redesigned = alternative(line, "R11.b")
    assert (redesigned.figure.value, redesigned.graded.verdict) == (
        Fraction(2813 * 12, 365) / Fraction(9000, 92),
        "ikke opfyldt",
    )


def test_without_the_year_before_there_is_no_change(world: RegistersWorld) -> None:
    world.deliver_activity(_months("hits", 2003, 2813), ARRIVED)
    world.take()
    assert world.line(PLAN, "A.7.3", YEAR_END).verdict == "ikke opgjort"


# --- numbers that the text leaves open


def _with_plan(folder: Path, *changes: tuple[str, str]) -> RegistersWorld:
    """A world whose contract reads otherwise: each text of the plan replaced once."""
    text = PATH.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "ams-2003.yaml"
    path.write_text(text, encoding="utf-8")
    world = RegistersWorld(folder / "world")
    world.declared = load()
    world.declared.plan_paths[PLAN] = path
    return world


REFERRED = [{"row": "A.4.4", "name": "henvist_anden_aktoer", "date": YEAR_END, "number": 31_000, "of": 100_000}]
X = 'target: {unit: pct, missing: "x (mindst x pct. henvist til anden aktør)"}'


def test_a_figure_without_its_number_is_shown_and_says_which(world: RegistersWorld) -> None:
    world.deliver_counts(PLAN, REFERRED, ARRIVED)
    world.take()
    line = world.line(PLAN, "A.4.4", YEAR_END)
    assert (line.verdict, line.value, line.target) == ("ikke opgjort", 31, None)
    assert line.reason and "x (mindst x pct. henvist" in line.reason


@pytest.mark.parametrize(("number", "verdict"), [("31", "opfyldt"), ("31.1", "ikke opfyldt")])
def test_it_computes_once_the_number_is_entered(tmp_path: Path, number: str, verdict: str) -> None:
    world = _with_plan(tmp_path, (X, f"target: {{at_least: {number}, unit: pct}}"))
    world.deliver_counts(PLAN, REFERRED, ARRIVED)
    world.take()
    line = world.line(PLAN, "A.4.4", YEAR_END)
    assert (line.verdict, line.value) == (verdict, 31)


def test_all_four_shares_of_requirement_3_must_hold(tmp_path: Path) -> None:
    shares = {"a_6_maaneder": 28, "a_18_maaneder": 44, "b_6_maaneder": 30, "b_18_maaneder": 49}
    counts = [{"row": "A.1.1", "name": n, "date": YEAR_END, "number": x, "of": 100} for n, x in shares.items()]
    open_numbers = [
        f'target: {{unit: pct, missing: "{letter} i krav 3 {half} (mindst {letter} procent efter {months} måneder)"}}'
        for half in "ab"
        for letter, months in (("x", 6), ("y", 18))
    ]
    as_written = _with_plan(tmp_path)
    as_written.deliver_counts(PLAN, counts, ARRIVED)
    as_written.take()
    line = as_written.line(PLAN, "A.1.1", YEAR_END)
    assert line.verdict == "ikke opgjort" and line.reason is not None
    assert all(f"{letter} i krav 3 {half}" in line.reason for letter in "xy" for half in "ab")
    numbers = (28, 44, 30)
    for last, verdict in ((49, "opfyldt"), (50, "ikke opfyldt")):
        folder = tmp_path / verdict
        folder.mkdir()
        entered = [f"target: {{at_least: {n}, unit: pct}}" for n in (*numbers, last)]
        world = _with_plan(folder, *zip(open_numbers, entered, strict=True))
        world.deliver_counts(PLAN, counts, ARRIVED)
        world.take()
        assert world.line(PLAN, "A.1.1", YEAR_END).verdict == verdict


# --- registers and milestones


def test_exactly_three_agreements_and_the_collection(world: RegistersWorld) -> None:
    agreements = {"row": "A.2.3", "name": "samarbejdsaftaler", "date": date(2003, 3, 31), "number": 3}
    world.deliver_counts(PLAN, [agreements], ARRIVED)
    world.take()
    assert world.line(PLAN, "A.2.3", YEAR_END).verdict == "afventer vurdering"  # the collection is not registered
    world.deliver_events(PLAN, [{"row": "A.2.3", "act": "erfaringsindsamling", "date": YEAR_END}], ARRIVED)
    world.take()
    line = world.line(PLAN, "A.2.3", YEAR_END)
    assert line.verdict == "opfyldt" and alternative(line, "R13.b").graded.verdict == "opfyldt"


@pytest.mark.parametrize(("number", "on", "verdict"), [(2, 31, "ikke opfyldt"), (4, 31, None), (3, 32, "ikke opfyldt")])
def test_agreements_too_few_too_many_or_too_late(world: RegistersWorld, number: int, on: int, verdict: str | None) -> None:
    count = {"row": "A.2.3", "name": "samarbejdsaftaler", "date": _days(date(2003, 3, 1), on - 1), "number": number}
    world.deliver_counts(PLAN, [count], ARRIVED)
    world.deliver_events(PLAN, [{"row": "A.2.3", "act": "erfaringsindsamling", "date": YEAR_END}], ARRIVED)
    world.take()
    line = world.line(PLAN, "A.2.3", YEAR_END)
    assert line.verdict == (verdict or "opfyldt")
    assert alternative(line, "R13.b").graded.verdict == "ikke opfyldt"  # exactly three: four is not


@pytest.mark.parametrize(("regions", "verdict"), [(14, "opfyldt"), (13, "ikke opfyldt")])
def test_every_region_has_a_project_that_goes_further(world: RegistersWorld, regions: int, verdict: str) -> None:
    world.deliver_counts(
        PLAN, [{"row": "A.2.2", "name": "regioner_med_projekt", "date": YEAR_END, "number": regions, "of": 14}], ARRIVED
    )
    world.deliver_assessments(
        PLAN, [{"row": "A.2.2", "parameter": "gaar_laengere", "as_of": YEAR_END, "verdict": "opfyldt"}], ARRIVED
    )
    world.take()
    assert world.line(PLAN, "A.2.2", YEAR_END).verdict == verdict


def test_agreements_without_cooperation_and_no_agreements(world: RegistersWorld) -> None:
    made = date(2003, 5, 1)
    world.deliver_items(PLAN, [{"row": "A.4.2", "started": made, "done": made}], ARRIVED)
    world.take()
    assert world.line(PLAN, "A.2.4", YEAR_END).verdict == "ikke opgjort"
    world.deliver_items(PLAN, [{"row": "A.2.4", "started": made, "done": made}], "2004-02-03T0800")
    world.take()
    assert world.line(PLAN, "A.2.4", YEAR_END).verdict == "opfyldt"
    world.deliver_items(PLAN, [{"row": "A.2.4", "started": made}], "2004-02-04T0800")
    world.take()
    line = world.line(PLAN, "A.2.4", YEAR_END)
    assert (line.verdict, line.numerator, line.denominator) == ("ikke opfyldt", 1, 2)


def test_contracts_without_targets_are_information_until_the_year_is_over(world: RegistersWorld) -> None:
    rows = [
        {"row": "A.4.2", "started": date(2003, 2, 1), "done": date(2003, 4, 1)},
        {"row": "A.4.2", "started": date(2003, 2, 1)},
    ]
    world.deliver_items(PLAN, rows, ARRIVED)
    world.take()
    assert world.line(PLAN, "A.4.2", MIDTERM).verdict is None
    assert world.line(PLAN, "A.4.2", YEAR_END).verdict == "ikke opfyldt"


def test_minimum_requirements_hold_at_every_measurement(world: RegistersWorld) -> None:
    """One miss in a thousand at one measurement; the mean over both is not 100 either, but the worst is what is shown."""
    counts = [
        {"row": "A.3.2", "name": "kontaktforloeb", "date": date(2003, 6, 30), "number": 1, "of": 1000},
        {"row": "A.3.2", "name": "kontaktforloeb", "date": date(2003, 9, 30), "number": 999, "of": 1000},
        {"row": "A.3.2", "name": "kontaktforloeb", "date": YEAR_END, "number": 1000, "of": 1000},
    ]
    world.deliver_counts(PLAN, counts, ARRIVED)
    world.take()
    line = world.line(PLAN, "A.3.2", YEAR_END)
    assert (line.verdict, line.value) == ("ikke opfyldt", Fraction(999, 10))  # June lies before the second half
    assert alternative(line, "R12.b").figure.value == Fraction(9995, 100)
    assert world.line(PLAN, "A.3.2", MIDTERM).value == Fraction(999, 10)  # December has not come


@pytest.mark.parametrize(("given", "verdict"), [((), "ikke opgjort"), (("aktivering",), "opfyldt")])
def test_contact_course_and_activation_are_both_required(world: RegistersWorld, given: tuple[str, ...], verdict: str) -> None:
    counts = [{"row": "A.3.4", "name": name, "date": YEAR_END, "number": 500, "of": 500} for name in ("kontaktforloeb", *given)]
    world.deliver_counts(PLAN, counts, ARRIVED)
    world.take()
    assert world.line(PLAN, "A.3.4", YEAR_END).verdict == verdict


@pytest.mark.parametrize(
    ("row", "act", "day", "verdict"),
    [
        ("A.2.1", "strategi", date(2003, 3, 31), "opfyldt"),
        ("A.2.1", "strategi", date(2003, 4, 1), "ikke opfyldt"),
        ("A.4.1", "vejledningsmateriale", date(2003, 3, 31), "opfyldt"),
        ("A.6.1", "bidrag", date(2003, 3, 1), "opfyldt"),
        ("A.7.1", "jobbank_i_drift", date(2003, 3, 1), "opfyldt"),
        ("A.7.1", "jobbank_i_drift", date(2003, 3, 2), "ikke opfyldt"),
        ("A.10.1", "tilpasning", YEAR_END, "opfyldt"),
        ("C.1.1", "analyse", date(2003, 4, 1), "ikke opfyldt"),
    ],
)
def test_a_milestone_is_met_on_its_last_day(world: RegistersWorld, row: str, act: str, day: date, verdict: str) -> None:
    world.deliver_events(PLAN, [{"row": row, "act": act, "date": day}], ARRIVED)
    world.take()
    line = world.line(PLAN, row, YEAR_END)
    assert line.verdict == verdict
    if row == "A.6.1":
        assert alternative(line, "R16.b").graded.verdict == "ikke opfyldt"


def test_before_1_july_is_30_june(world: RegistersWorld) -> None:
    july = date(2003, 7, 1)
    acts = [{"row": "A.4.3", "act": act, "date": july} for act in ("strategi", "effektmaaling")]
    world.deliver_events(PLAN, acts, ARRIVED)
    world.take()
    line = world.line(PLAN, "A.4.3", YEAR_END)
    assert line.verdict == "ikke opfyldt" and alternative(line, "R15.b").graded.verdict == "opfyldt"


def test_taking_part_needs_both_contributions_and_a_judgement(world: RegistersWorld) -> None:
    acts = ("bidrag_tillaegsbevilling", "bidrag_finanslov")
    world.deliver_events(PLAN, [{"row": "B.2.1", "act": a, "date": date(2003, 8, 20)} for a in acts], ARRIVED)
    world.take()
    line = world.line(PLAN, "B.2.1", YEAR_END)
    assert line.verdict == "afventer vurdering" and alternative(line, "R18.b").graded.verdict == "opfyldt"
    judged = {"row": "B.2.1", "parameter": "medvirken", "as_of": YEAR_END, "verdict": "opfyldt"}
    world.deliver_assessments(PLAN, [judged], ARRIVED)
    world.take()
    assert world.line(PLAN, "B.2.1", YEAR_END).verdict == "opfyldt"


def test_an_empty_world_gives_no_verdict_and_no_percentage(world: RegistersWorld) -> None:
    world.deliver_events(PLAN, [{"row": "C.1.1", "act": "analyse", "date": date(2003, 3, 1), "approver": None}], ARRIVED)
    world.take()
    lines = world.compute(PLAN, YEAR_END).lines
    assert [line.row for line in lines] == list(ROWS)  # no total line
    assert all((line.weight, line.points_low, line.points_high, line.scores) == (None, None, None, False) for line in lines)
    verdicts = {line.row: line.verdict for line in lines}
    assert verdicts.pop("C.1.1") == "opfyldt" and set(verdicts.values()) <= {"afventer vurdering", "ikke opgjort"}
    assert all(line.reason for line in lines if line.row != "C.1.1")
    assert next(line for line in lines if line.row == "C.1.1").provisional
