"""From rows to figure and verdict: the catalogue's examples of the measures that count registers and case lists.

What a single row becomes is tests/sql's and the oracles'; here the sums are divided and held against the target, at its very edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import register_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_house import MEASURES, Bench, Rows

from maalopfyldelse.counting import count_of
from maalopfyldelse.engines import asked
from maalopfyldelse.grading import MET, NOT_COMPUTED, NOT_MET, Graded, grade_figure
from maalopfyldelse.measures import run_scan
from maalopfyldelse.plan_criteria import Counting
from maalopfyldelse.plan_terms import Grade
from maalopfyldelse.results import Figure, figure

YEAR_2002 = {"fixed": {"from": "2002-01-01", "to": "2002-12-31"}}
YEAR_2003 = {"fixed": {"from": "2003-01-01", "to": "2003-12-31"}}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.con.close()


def _figure(bench: Bench, rows: Rows | None, as_of: date, **words: Any) -> Figure:
    """The figure of a row that counts as `words` says; rows None leaves the tables as they are."""
    if rows is not None:
        bench.fill(rows)
    counting = Counting.model_validate({"window": "year_to_date", "result": "pooled"} | words)
    measure = MEASURES[counting.measure]
    count = count_of(counting, measure, as_of, "test")
    assert count is not None
    found = [run_scan(asked(bench.con), measure, scan, [count.options]) for scan in count.scans]
    return figure(found[0], count, measure.header.kind, found[-1])


def _verdict(found: Figure, target: dict[str, Any], empty: str = "not_computed") -> str | None:
    return _graded(found, target, empty).verdict


def _graded(found: Figure, target: dict[str, Any], empty: str) -> Graded:
    grade = Grade.model_validate({"threshold": {"empty": empty}})
    words = {"measure": "m", "window": "stock", "result": "pooled", "target": target}
    return grade_figure(found, Counting.model_validate(words).target, grade)


# --- service goals


def _decision(number: int, days: int, **other: Any) -> dict[str, Any]:
    day = date(2020, 3, 2)
    row = {"scheme": "fasttrack", "population": "tredjeland", "is_first_time": True, "is_complicated": False, "has_target": True}
    return row | {"decision_id": str(number), "application_date": day, "decision_date": day + timedelta(days=days)} | other


@pytest.mark.parametrize(("in_time", "verdict"), [(900, MET), (899, NOT_MET)])
def test_x13_nine_hundred_of_a_thousand(bench: Bench, in_time: int, verdict: str) -> None:
    target = {"at_least": 90, "unit": "pct"}
    rows = {"decisions": [_decision(n, 31 if n < in_time else 32) for n in range(1000)]}
    found = _figure(bench, rows, date(2020, 12, 31), measure="service_goals", where={"scheme": ["fasttrack"]}, target=target)
    assert (found.value, found.numerator, found.denominator) == (Fraction(in_time, 10), in_time, 1000)
    assert _verdict(found, target) == verdict


def test_a_scheme_without_decisions_is_not_computed(bench: Bench) -> None:
    """I15: no rule in the text, so neither met nor missed."""
    target = {"at_least": 90, "unit": "pct"}
    found = _figure(
        bench,
        {"decisions": [_decision(1, 1)]},
        date(2020, 12, 31),
        measure="service_goals",
        where={"scheme": ["phd"]},
        target=target,
    )
    assert _verdict(found, target) == NOT_COMPUTED


def test_each_group_of_the_eu_area_or_both_as_one(bench: Bench) -> None:
    """I8: pooled 80 per cent holds, the third-country nationals' 60 does not."""
    groups = {"eu_borger": 10, "tredjeland": 6}
    rows = {
        "decisions": [
            _decision(n, 0 if n < quick else 5, scheme="eu", population=group, decision_id=f"{group}{n}")
            for group, quick in groups.items()
            for n in range(10)
        ]
    }
    words = {
        "measure": "service_goals",
        "where": {"scheme": ["eu"]},
        "with": {"limit_days": 1},
        "target": {"at_least": 75, "unit": "pct"},
    }
    assert _figure(bench, rows, date(2020, 12, 31), **words).value == 80
    assert _figure(bench, None, date(2020, 12, 31), **words, result={"worst_of": "population"}).value == 60


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), cohort=st.sampled_from(["decided", "received", "received_or_overdue"]))
def test_a_longer_goal_is_never_met_by_fewer(bench: Bench, seed: int, cohort: str) -> None:
    """I16: j <= k <= l. The population of one cohort does not depend on the goal, except for what is overdue."""
    as_of = date(2020, 12, 31)
    rows = register_rows.decisions(Random(seed), 40, date(2019, 12, 31), as_of)
    found = [
        _figure(
            bench,
            rows,
            as_of,
            measure="service_goals",
            target={"at_least": 90, "unit": "pct"},
            **{"with": {"limit_days": n, "cohort": cohort, "permits": "all"}},
        )
        for n in (1, 31, 92)
    ]
    hits = [f.numerator for f in found]
    assert hits == sorted(hits, key=lambda n: n or 0)
    if cohort != "received_or_overdue":
        assert len({f.denominator for f in found}) == 1
        lows = [f.low for f in found if f.low is not None]
        assert lows == sorted(lows)


# --- budget


def _budget(grundbudget: Any, uo2: Any, uo4: Any) -> Rows:
    given_figures = {"grundbudget": grundbudget, "uo2": uo2, "uo4": uo4}
    place = {"institution": "BME", "year": 2021, "year_end_date": date(2021, 12, 31)}
    return {"budget_figures": [place | {"figure": f, "amount_dkk": a} for f, a in given_figures.items() if a is not None]}


@pytest.mark.parametrize(
    ("uo4", "verdicts"),
    [
        (Decimal("-1200000"), (NOT_MET, MET)),  # X18: 1.2 and 0.5 mio.
        (Decimal("-1000000"), (MET, MET)),
        (Decimal("-1000000.01"), (NOT_MET, MET)),
        (Decimal("-199999.99"), (MET, NOT_MET)),
        (None, (NOT_COMPUTED, NOT_COMPUTED)),
    ],
)
def test_x18_budget_deviation_to_the_oere(bench: Bench, uo4: Decimal | None, verdicts: tuple[str, str]) -> None:
    rows = _budget(Decimal(0), Decimal("-700000"), uo4)
    for comparison, limit, verdict in (("grundbudget", 1, verdicts[0]), ("uo2", "0.5", verdicts[1])):
        target = {"at_most": limit, "unit": "million_dkk"}
        where = {"institution": ["BME"], "comparison": [comparison]}
        found = _figure(bench, rows, date(2021, 12, 31), measure="budget_deviation", where=where, target=target)
        assert _verdict(found, target) == verdict, comparison


# --- sick leave against the state


def _absence(*rates: tuple[str, int, Any, Any], year: int = 2021) -> list[dict[str, Any]]:
    """Institutions with one quarter each: (name, quarter, days, årsværk)."""
    ends = {1: (3, 31), 2: (6, 30), 3: (9, 30), 4: (12, 31)}
    return [
        {
            "institution": i,
            "quarter": f"{year}Q{q}",
            "quarter_end_date": date(year, *ends[q]),
            "absence_days": d,
            "fte": f,
            "heads": None,
        }
        for i, q, d, f in rates
    ]


def _against(
    bench: Bench, rows: Rows, result: dict[str, Any], window: Any = "year_to_date", as_of: date = date(2021, 3, 31)
) -> Figure:
    words = {"measure": "absence_rates", "where": {"institution": ["BME"]}, "window": window}
    return _figure(bench, rows, as_of, **words, result={"change": result}, target={"at_most": 1, "unit": "ratio"})


def test_own_rate_against_the_states_average_is_exact(bench: Bench) -> None:
    """N7, N10. A third, a third and two thirds: the mean of the institutions is 4/9, which no decimal is; over all årsværk 2/5."""
    rows = {"state_absence": _absence(("BME", 1, 4, 9), ("A", 1, 5, 9), ("B", 1, 3, 9))}
    assert _against(bench, rows, {"where": {}, "mean_of": "institution"}).value == 1
    rows = {"state_absence": _absence(("BME", 1, 1, 3), ("A", 1, 2, 6), ("B", 1, 4, 6))}
    unweighted = _against(bench, rows, {"where": {}, "mean_of": "institution"})
    assert (unweighted.value, unweighted.numerator, unweighted.denominator) == (Fraction(3, 4), Fraction(1, 3), Fraction(4, 9))
    assert _against(bench, rows, {"where": {}}).value == Fraction(1, 3) / Fraction(7, 15)


def test_a_year_is_its_days_over_its_mean_size(bench: Bench) -> None:
    """20 and 22 days over 10 and 12 årsværk are 42 days over 11, not the mean of two rates, nor 42 over 22."""
    rows = {"state_absence": _absence(("BME", 1, 20, 10), ("BME", 2, 22, 12))}
    target = {"at_most": 1, "unit": "days_per_year"}
    found = _figure(bench, rows, date(2021, 6, 30), measure="absence_rates", where={"institution": ["BME"]}, target=target)
    assert found.value == Fraction(42, 11)


@pytest.mark.parametrize(("own", "verdict"), [("9.5", MET), ("9.5001", NOT_MET)])
def test_five_per_cent_less_than_the_year_before(bench: Bench, own: str, verdict: str) -> None:
    rows = {"state_absence": _absence(("BME", 1, 10, 10), year=2020) + _absence(("BME", 1, Decimal(own), 10))}
    before = {"against": {"fixed": {"from": "2020-01-01", "to": "2020-03-31"}}}
    assert _verdict(_against(bench, rows, before), {"at_most": "0.95", "unit": "ratio"}) == verdict


def test_no_absence_the_year_before(bench: Bench) -> None:
    """N11: nothing against nothing is met where the row says so; something against nothing lies beyond every target."""
    target = {"at_most": "0.95", "unit": "ratio"}
    before = {"against": {"fixed": {"from": "2020-01-01", "to": "2020-03-31"}}}
    for days, verdict in ((0, MET), (1, NOT_MET)):
        rows = {"state_absence": _absence(("BME", 1, 0, 10), year=2020) + _absence(("BME", 1, days, 10))}
        assert _verdict(_against(bench, rows, before), target, empty="met") == verdict
    growth = {"at_least": "1.25", "unit": "ratio"}
    assert _verdict(_against(bench, rows, before), growth) == MET


def test_too_few_aarsvaerk_give_no_verdict(bench: Bench) -> None:
    """N9: suppressed or missing is never a met target, and another institution's gap only leaves that one out."""
    average = {"where": {}, "mean_of": "institution"}
    target = {"at_most": 1, "unit": "ratio"}
    for own in [("BME", 1, 1, None)], []:
        rows = {"state_absence": _absence(*own, ("A", 1, 5, 10), ("B", 1, 7, 10))}
        found = _against(bench, rows, average)
        assert _verdict(found, target, empty="met") == NOT_COMPUTED
        assert found.excluded == ({"too_few": 1} if own else {})
    rows = {"state_absence": _absence(("BME", 1, 6, 10), ("A", 1, 6, 10), ("B", 1, 7, None))}
    assert _against(bench, rows, average).value == 1


# --- jobnet, applications, complaints, items, counts


def _months(series: str, year: int, numbers: list[int]) -> list[dict[str, Any]]:
    firsts = [date(year, m, 1) for m in range(1, 13)] + [date(year + 1, 1, 1)]
    return [
        {"series": series, "period_from_date": a, "period_to_date": b - timedelta(days=1), "number": n}
        for a, b, n in zip(firsts, firsts[1:], numbers, strict=False)
    ]


@pytest.mark.parametrize(("per", "last", "verdict"), [("day", 125, MET), ("total", 125, MET), ("day", 124, NOT_MET)])
def test_a_quarter_more_than_the_year_before(bench: Bench, per: str, last: int, verdict: str) -> None:
    """A.7.2, A.7.3: 1.25 exactly is met."""
    rows = {
        "activity_counts": _months("hits", 2002, [100] * 12)
        + _months("hits", 2003, [125] * 11 + [last])
        + _months("job_ads", 2003, [7] * 3)
    }
    target = {"at_least": "1.25", "unit": "ratio"}
    words = {"measure": "activity_per_day", "where": {"series": ["hits"]}, "window": YEAR_2003, "with": {"per": per}}
    found = _figure(bench, rows, date(2003, 12, 31), **words, result={"change": {"against": YEAR_2002}}, target=target)
    assert _verdict(found, target) == verdict
    assert found.denominator == (1200 if per == "total" else Fraction(1200, 365))


def test_a_month_that_is_missing_gives_no_growth(bench: Bench) -> None:
    target = {"at_least": "1.25", "unit": "ratio"}
    words = {
        "measure": "activity_per_day",
        "where": {"series": ["hits"]},
        "window": YEAR_2003,
        "result": {"change": {"against": YEAR_2002}},
    }
    for lost in (5, 20):
        rows = _months("hits", 2002, [100] * 12) + _months("hits", 2003, [900] * 12)
        del rows[lost]
        for per in ("day", "total"):
            found = _figure(
                bench, {"activity_counts": rows}, date(2003, 12, 31), **words, **{"with": {"per": per}}, target=target
            )
            assert _verdict(found, target) == NOT_COMPUTED


def test_every_application_or_their_mean(bench: Bench) -> None:
    """R1: one of 57 days misses although the mean is 30."""
    day = date(2003, 3, 3)
    rows = {
        "pool_applications": [
            {"application_id": str(n), "received_date": day, "replied_date": day + timedelta(days=d), "is_withdrawn": False}
            for n, d in enumerate([57, 3])
        ]
    }
    every, mean = {"at_least": 100, "unit": "pct"}, {"at_most": 56, "unit": "days"}
    assert _verdict(_figure(bench, rows, date(2003, 12, 31), measure="application_replies", target=every), every) == NOT_MET
    found = _figure(bench, None, date(2003, 12, 31), measure="application_replies", **{"with": {"shown": "days"}}, target=mean)
    assert (found.value, _verdict(found, mean)) == (30, MET)


def test_complaints_pending_past_the_limit_decide_the_verdict(bench: Bench) -> None:
    """R5: 8 of 10 decided in time are 80 per cent; with one pending past four months 8 of 11."""
    day, late = date(2003, 2, 3), date(2003, 9, 1)
    decided = [day] * 8 + [late] * 2 + [None]
    rows = {
        "complaints": [
            {"complaint_id": str(n), "received_date": day, "decided_date": d, "is_withdrawn": False}
            for n, d in enumerate(decided)
        ]
    }
    target = {"at_least": 80, "unit": "pct"}
    for cohort, value, verdict in (("decided_or_overdue", Fraction(800, 11), NOT_MET), ("decided", 80, MET)):
        found = _figure(
            bench, rows, date(2003, 12, 31), measure="complaint_decisions", **{"with": {"cohort": cohort}}, target=target
        )
        assert (found.value, _verdict(found, target)) == (value, verdict)


def test_items_at_mid_year_are_an_interval(bench: Bench) -> None:
    item = {"plan": "star-2021", "plan_row": "M8.A", "due_date": date(2021, 12, 31), "is_exempt": False, "is_complex": False}
    done = [date(2021, 2, 1), date(2021, 11, 1), None, None]
    rows = {"items": [item | {"item_id": str(n), "done_date": d, "registrant_key": "a"} for n, d in enumerate(done)]}
    words = {"measure": "item_completion", "where": {"plan_row": ["M8.A"]}, "target": {"at_least": 100, "unit": "pct"}}
    middle, end = (_figure(bench, rows, as_of, **words) for as_of in (date(2021, 6, 30), date(2021, 12, 31)))
    assert (middle.low, middle.high, end.value) == (25, 100, 50)
    assert middle.unapproved == 4
    left_out = _figure(bench, None, date(2021, 6, 30), **words, **{"with": {"not_due": "excluded"}})
    assert left_out.value == 100


def test_the_score_of_four_forms(bench: Bench) -> None:
    """SIRI 2.1: at most 4 x 27 = 108 points; a corrected form replaces the one before."""
    count = {"plan": "siri-2020", "plan_row": "2.1", "registrant_key": "a", "delivered_at": "2021-01-05 08:00:00"}
    forms = [("integration", 27), ("koncern", 20), ("familie", 25), ("ledelse", 27), ("koncern", 27)]
    rows = {
        "register_counts": [
            count | {"count_id": str(n), "name": name, "number": points, "of_number": 27, "as_of_date": date(2020, 12, 1 + n)}
            for n, (name, points) in enumerate(forms)
        ]
    }
    found = _figure(bench, rows, date(2020, 12, 31), measure="counted_share", target={"at_least": 1, "unit": "pct"})
    assert (found.numerator, found.denominator, found.value) == (106, 108, Fraction(10600, 108))
