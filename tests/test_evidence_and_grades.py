"""Criteria judged by registers, and every grade over parts, against plain oracles; the properties that must hold for all of them."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.evidence import Act, Assessment, Evidence, Number
from maalopfyldelse.grading import AWAITED, MET, NOT_COMPUTED, NOT_MET, OFF_SCALE, PARTLY, Graded, combine, with_degree
from maalopfyldelse.plan import read_plan
from maalopfyldelse.plan_criteria import Counted, Event
from maalopfyldelse.plan_terms import Grade

BY = date(2021, 6, 30)
DAYS = st.dates(date(2021, 1, 1), date(2021, 12, 31))
M1 = Grade.model_validate({"scale": {"intervals": {0: 25, 1: 50, 2: 75, 3: 100}, "off_scale": "any_not_met", "entered": "free"}})
M5 = Grade.model_validate({"scale": {"intervals": {0: [0, 25], 1: [26, 50], 2: [51, 75], 3: [76, 100]}}})
WORTH = {MET: 100, PARTLY: 25, NOT_MET: 0}


def _part(verdict: str) -> Graded:
    bounds = {MET: (100, 100), NOT_MET: (0, 0)}.get(verdict, (0, 100))
    return Graded(verdict, Fraction(bounds[0]), Fraction(bounds[1]))


def _act(day: date, kind: str = "sendt", approved: bool = True) -> Act:
    return Act("M5.A", "oplaeg", kind, day, "21/1234-5", approved)


@given(st.lists(DAYS, max_size=4), DAYS)
def test_an_act_counts_by_its_date_and_by_nothing_else(days: list[date], as_of: date) -> None:
    evidence = Evidence(acts=[_act(day) for day in sorted(days)])
    graded, _ = evidence.event("M5.A", Event(act="oplaeg", by=BY), as_of)
    known = [day for day in days if day <= as_of]
    expected = MET if any(day <= BY for day in known) else NOT_MET if known else AWAITED
    assert graded.verdict == expected
    assert (graded.low, graded.high) == {MET: (100, 100), NOT_MET: (0, 0), AWAITED: (0, 100)}[expected]


def test_the_deadline_itself_counts_and_the_day_after_does_not() -> None:
    event = Event(act="oplaeg", by=BY)
    assert Evidence(acts=[_act(BY)]).event("M5.A", event, BY)[0].verdict == MET
    assert Evidence(acts=[_act(BY + timedelta(days=1))]).event("M5.A", event, date(2021, 12, 31))[0].verdict == NOT_MET


def test_nothing_registered_is_never_a_miss_but_a_registered_refusal_is() -> None:
    event = Event(act="oplaeg", by=BY)
    assert Evidence().event("M5.A", event, date(2021, 12, 31))[0].verdict == AWAITED
    assert Evidence(acts=[_act(BY, "ikke_gennemfoert")]).event("M5.A", event, BY)[0].verdict == NOT_MET


def test_an_act_too_early_or_of_another_kind_does_not_count() -> None:
    event = Event(act="oplaeg", by=BY, after=date(2021, 6, 1), kinds=["forelagt"])
    assert Evidence(acts=[_act(date(2021, 5, 1), "forelagt")]).event("M5.A", event, BY)[0].verdict == AWAITED
    assert Evidence(acts=[_act(date(2021, 6, 2), "sendt")]).event("M5.A", event, BY)[0].verdict == AWAITED
    assert Evidence(acts=[_act(date(2021, 6, 2), "forelagt")]).event("M5.A", event, BY)[0].verdict == MET


def test_without_an_approver_it_counts_and_says_so() -> None:
    graded, found = Evidence(acts=[_act(BY, approved=False)]).event("M5.A", Event(act="oplaeg", by=BY), BY)
    assert graded.verdict == MET and "foreløbig" in (graded.reason or "") and not found[0].is_approved


@given(st.lists(st.tuples(DAYS, st.integers(0, 15)), max_size=4), DAYS, st.integers(1, 12))
def test_a_number_is_met_when_it_was_reached_in_time(entries: list[tuple[date, int]], as_of: date, wanted: int) -> None:
    entries = sorted(entries)
    evidence = Evidence(numbers=[Number("M6.A", "kommuner", day, n, None, None, True) for day, n in entries])
    graded, _ = evidence.count("M6.A", Counted(name="kommuner", at_least=wanted, flag_over=12, by=BY), as_of)
    known = [(day, n) for day, n in entries if day <= as_of]
    timely = [n for day, n in known if day <= BY]
    if not known:
        expected = AWAITED
    elif timely and timely[-1] >= wanted:
        expected = MET
    elif as_of >= BY or any(n >= wanted for day, n in known if day > BY):
        expected = NOT_MET
    else:
        expected = AWAITED
    assert graded.verdict == expected


def test_the_newest_count_until_the_date_decides() -> None:
    entries = [(date(2021, 3, 1), 2, 2), (date(2021, 6, 1), 5, 8)]
    evidence = Evidence(numbers=[Number("T10.c", "tilbudt", day, n, of, None, True) for day, n, of in entries])
    assert evidence.count("T10.c", Counted(name="tilbudt", of_all=True, by=BY), date(2021, 12, 31))[0].verdict == NOT_MET


def test_s57_more_than_twelve_is_met_with_a_remark() -> None:
    evidence = Evidence(numbers=[Number("M6.A", "kommuner", BY, 13, None, None, True)])
    graded, _ = evidence.count("M6.A", Counted(name="kommuner", at_least=8, flag_over=12, by=BY), BY)
    assert graded.verdict == MET and "13" in (graded.reason or "")


def test_an_assessment_speaks_of_its_own_reporting_date() -> None:
    given_ = Assessment("M3.C", None, BY, MET, None, None, date(2021, 7, 9), "kontorchef", None, True, True)
    evidence = Evidence(assessments=[given_])
    assert evidence.assessed("M3.C", None, BY, None)[0].verdict == MET
    assert evidence.assessed("M3.C", None, date(2021, 12, 31), "STAR")[0].verdict == AWAITED


@pytest.mark.parametrize("verdicts", list(product((MET, PARTLY, NOT_MET), repeat=3)))
def test_m1_all_27_combinations(verdicts: tuple[str, ...]) -> None:
    parts = [_part(v) for v in verdicts]
    graded = combine(M1, parts)
    suggested = combine(Grade.model_validate({"each_by_verdict": {"partly": 25}}), parts)
    assert suggested.low == suggested.high == Fraction(sum(WORTH[v] for v in verdicts), 3)
    if NOT_MET in verdicts:
        assert graded.verdict == OFF_SCALE and (graded.low, graded.high) == (0, 100)
    else:
        assert graded.low == graded.high == suggested.low == {0: 25, 1: 50, 2: 75, 3: 100}[verdicts.count(MET)]


def test_m1_the_departments_degree_wins_and_the_difference_is_said() -> None:
    scale = M1.scale
    assert scale is not None
    entered = with_degree(combine(M1, [_part(MET), _part(MET), _part(PARTLY)]), Fraction(80), scale)
    assert (entered.low, entered.high) == (80, 80) and "75" in (entered.reason or "")
    off = with_degree(combine(M1, [_part(MET), _part(MET), _part(NOT_MET)]), Fraction(60), scale)
    assert (off.verdict, off.low) == (PARTLY, 60)


@pytest.mark.parametrize(("met", "low", "high"), [(0, 0, 25), (1, 26, 50), (2, 51, 75), (3, 76, 100)])
def test_m5_the_interval_stands_until_the_department_names_the_degree(met: int, low: int, high: int) -> None:
    scale = M5.scale
    assert scale is not None
    graded = combine(M5, [_part(MET)] * met + [_part(NOT_MET)] * (3 - met))
    assert (graded.verdict, graded.low, graded.high) == (AWAITED, low, high)
    assert with_degree(graded, Fraction(high), scale).low == high
    outside = with_degree(graded, Fraction((high + 1) % 101), scale)
    assert (outside.low, outside.high) == (low, high) and "uden for intervallet" in (outside.reason or "")


@pytest.mark.parametrize(
    ("parts", "verdict", "low", "high"),
    [
        ([MET, MET], MET, 100, 100),
        ([NOT_MET, NOT_MET], NOT_MET, 0, 0),
        ([MET, NOT_MET], NOT_COMPUTED, 0, 100),
        ([MET, AWAITED], AWAITED, 0, 100),
    ],
)
def test_the_silence_rule(parts: list[str], verdict: str, low: int, high: int) -> None:
    graded = combine(Grade.model_validate({"silence": {}}), [_part(p) for p in parts])
    assert (graded.verdict, graded.low, graded.high) == (verdict, low, high)


KINDS = [Grade.model_validate({k: {}}) for k in ("all_of", "any_of", "k_of_n", "silence")] + [M5]
PARTS = st.lists(st.sampled_from((MET, NOT_MET, AWAITED)), min_size=3, max_size=3)


@given(PARTS, st.integers(0, 2), st.sampled_from(KINDS))
def test_one_more_part_met_never_lowers_and_a_gap_never_narrows(verdicts: list[str], at: int, grade: Grade) -> None:
    before = combine(grade, [_part(v) for v in verdicts])
    better = combine(grade, [_part(MET if n == at else v) for n, v in enumerate(verdicts)])
    assert better.high >= before.high or before.verdict == AWAITED
    if verdicts[at] == NOT_MET:
        assert better.low >= before.low and better.high >= before.high
    less_known = combine(grade, [_part(AWAITED if n == at else v) for n, v in enumerate(verdicts)])
    assert less_known.low <= before.low <= before.high <= less_known.high


@given(PARTS, st.data(), st.sampled_from(KINDS))
def test_filling_a_gap_lands_inside(verdicts: list[str], data: st.DataObject, grade: Grade) -> None:
    before = combine(grade, [_part(v) for v in verdicts])
    filled = [data.draw(st.sampled_from((MET, NOT_MET))) if v == AWAITED else v for v in verdicts]
    after = combine(grade, [_part(v) for v in filled])
    assert before.low <= after.low <= after.high <= before.high


def test_points_below_are_summed_by_weight() -> None:
    graded = combine(
        Grade.model_validate({"sum": {}}), [_part(MET), _part(NOT_MET), _part(AWAITED)], [Fraction(8), Fraction(7), Fraction(5)]
    )
    assert (graded.low, graded.high) == (40, 65)


def test_x20_the_total_of_star() -> None:
    degrees = {"M1": 75, "M3.A": 100, "M3.B": 100, "M3.C": 0, "M4": 75, "M6.A": 100, "M6.B": 100, "M6.C": 100, "M7": 100}
    degrees |= {"M2.A": 0, "M2.B": 100, "M2.C": 100, "M2.D": 100, "M2.E": 100, "M2.F": 100}
    degrees |= {"M8.A": 100, "M8.B": 100, "M8.C": 100, "M8.D": 0, "M9.A": 100, "M9.B": 0}
    plan = read_plan(REPOSITORY / "plans" / "star-2021.yaml")
    low = high = Fraction(0)
    for placed in plan.placed.values():
        if placed.scores and placed.weight:
            bounds = (76, 100) if placed.row.id == "M5" else (degrees[placed.row.id],) * 2
            low, high = low + placed.weight * bounds[0] / 100, high + placed.weight * bounds[1] / 100
    assert (low, high) == (Fraction("78.85"), Fraction("81.25"))
