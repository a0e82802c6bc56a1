"""Every kind of result and of grade against a slow, plain oracle, and the properties that must hold whatever the numbers."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from maalopfyldelse.counting import Count, Days, Scan
from maalopfyldelse.grading import grade_figure
from maalopfyldelse.measures import Cell, Scanned
from maalopfyldelse.plan_terms import Grade, ResultKind, Target
from maalopfyldelse.results import Figure, figure

SCAN = Scan("m", Days(date(2020, 12, 31), date(2021, 12, 31)), ())
Observation = tuple[str, int, int, bool]  # group, numerator, denominator, is_known

OBSERVATIONS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 1), st.integers(1, 1), st.booleans() | st.just(True)),
    min_size=1,
    max_size=30,
)
KNOWN = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 1), st.integers(1, 1), st.just(True)), min_size=1, max_size=40
)


THRESHOLD = Grade.model_validate({"threshold": {}})


def _count(result: dict[str, Any], target: dict[str, Any] | None = None) -> Count:
    return Count(
        SCAN, (), (), ResultKind.model_validate(result), Target.model_validate(target or {"at_least": 50, "unit": "pct"})
    )


def _scanned(observations: list[Observation]) -> Scanned:
    cells = [Cell("default", (g,), None, known, 1, 1, 1, n, d) for g, n, d, known in observations]
    return Scanned(SCAN, ("g",), tuple(cells), len(cells))


def _shares(observations: list[Observation], assume: int) -> dict[str, Fraction]:
    groups = sorted({g for g, *_ in observations})
    return {
        g: Fraction(
            sum(n if known else assume for h, n, d, known in observations if h == g), sum(1 for o in observations if o[0] == g)
        )
        for g in groups
    }


@given(OBSERVATIONS)
def test_kinds_of_result_agree_with_counting_by_hand(observations: list[Observation]) -> None:
    for kind, by_hand in {
        "pooled": lambda s, obs, assume: Fraction(sum(n if k else assume for _, n, _, k in obs), len(obs)),
        "mean_of": lambda s, obs, assume: sum(s.values(), Fraction(0)) / len(s),
        "worst_of": lambda s, obs, assume: min(s.values()),
        "sum_of": lambda s, obs, assume: sum(s.values(), Fraction(0)),
    }.items():
        found = figure(_scanned(observations), _count({kind: {} if kind == "pooled" else "g"}), "share")
        assert found.low == 100 * by_hand(_shares(observations, 0), observations, 0)
        assert found.high == 100 * by_hand(_shares(observations, 1), observations, 1)


@given(OBSERVATIONS, st.lists(st.booleans(), min_size=30, max_size=30))
def test_filling_a_gap_lands_inside_the_interval(observations: list[Observation], answers: list[bool]) -> None:
    filled = [(g, n if k else int(a), d, True) for (g, n, d, k), a in zip(observations, answers, strict=False)]
    count = _count({"pooled": {}})
    before, after = figure(_scanned(observations), count, "share"), figure(_scanned(filled), count, "share")
    assert before.low is not None and before.high is not None and after.value is not None
    assert before.low <= after.value <= before.high
    degree_before, degree_after = (grade_figure(f, count.target, THRESHOLD) for f in (before, after))
    assert degree_before.low <= degree_after.low <= degree_after.high <= degree_before.high


@given(
    KNOWN,
    st.integers(1, 5),
    st.sampled_from(["larger_first", "smaller_first", "include_all", "by_code"]),
    st.sampled_from(["pooled", "each", "mean"]),
)
def test_best_n_agrees_with_trying_every_choice(observations: list[Observation], n: int, ties: str, of: str) -> None:
    shares, sizes = _shares(observations, 0), {g: sum(o[0] == g for o in observations) for g in "abcde"}
    found = figure(_scanned(observations), _count({"best": {"n": [n], "group": "g", "ties": ties, "of": of}}), "share")
    if len(shares) < n:
        assert found.value is None and found.reason
        return
    order = sorted(shares, key=lambda g: (-shares[g], {"larger_first": -sizes[g], "smaller_first": sizes[g]}.get(ties, 0), g))
    taken = order[:n] + ([g for g in order[n:] if shares[g] == shares[order[n - 1]]] if ties == "include_all" else [])
    expected = {
        "pooled": Fraction(sum(shares[g] * sizes[g] for g in taken), 1) / sum(sizes[g] for g in taken),
        "each": min(shares[g] for g in taken),
        "mean": sum((shares[g] for g in taken), Fraction(0)) / len(taken),
    }[of]
    assert found.value == 100 * expected


@given(KNOWN)
def test_larger_first_is_the_least_favourable_choice_and_the_share_falls_with_n(observations: list[Observation]) -> None:
    from itertools import combinations

    shares, sizes = _shares(observations, 0), {g: sum(o[0] == g for o in observations) for g in "abcde"}
    ns = list(range(len(shares), 0, -1))
    found = figure(_scanned(observations), _count({"best": {"n": ns, "group": "g", "ties": "larger_first"}}), "share")
    values = [found.by_n[n] for n in ns]
    assert values == sorted(values)  # fewer centres, never a lower share
    for n in ns:
        ranked = sorted(shares.values(), reverse=True)
        fair = [c for c in combinations(shares, n) if sorted((shares[g] for g in c), reverse=True) == ranked[:n]]
        lowest = min(sum(shares[g] * sizes[g] for g in c) / sum(sizes[g] for g in c) for c in fair)
        assert found.by_n[n] == 100 * lowest


def test_x11_three_readings_of_the_fifteen_best() -> None:
    cells = [Cell("default", (f"{n:02}",), None, True, 100, 100, 100, 30, 100) for n in range(14)]
    cells.append(Cell("default", ("99",), None, True, 1000, 1000, 1000, 240, 1000))
    scanned = Scanned(SCAN, ("g",), tuple(cells), 2400)
    outcomes = {}
    for of in ("pooled", "each", "mean"):
        count = _count(
            {"best": {"n": [15, 12, 9, 6], "group": "g", "ties": "larger_first", "of": of}},
            {"at_least": 25, "unit": "pct"},
        )
        found = figure(scanned, count, "share")
        graded = grade_figure(found, count.target, Grade.model_validate({"steps": {"degrees": {15: 100, 12: 75, 9: 50, 6: 25}}}))
        outcomes[of] = (found.value, graded.low, graded.verdict)
    assert outcomes["pooled"] == (Fraction(275, 10), 100, "opfyldt")
    assert outcomes["each"] == (24, 75, "delvist opfyldt")
    assert outcomes["mean"] == (Fraction(2960, 100), 100, "opfyldt")


def test_a_tie_is_said() -> None:
    cells = [Cell("default", (g,), None, True, d, d, d, n, d) for g, n, d in (("a", 40, 100), ("b", 1, 4), ("c", 25, 100))]
    values = {}
    for ties in ("larger_first", "smaller_first", "include_all"):
        found = figure(
            Scanned(SCAN, ("g",), tuple(cells), 204), _count({"best": {"n": [2], "group": "g", "ties": ties}}), "share"
        )
        values[ties] = found.value
        assert found.notes == ("Delt plads ved nr. 2: 2 med samme andel",)
    assert values == {
        "larger_first": Fraction(6500, 200),
        "smaller_first": Fraction(4100, 104),
        "include_all": Fraction(6600, 204),
    }


@given(st.fractions(0, 200), st.fractions(0, 200), st.sampled_from(["at_least", "at_most", "under", "over"]))
def test_threshold_is_exact(value: Fraction, number: Fraction, comparison: str) -> None:
    target = Target.model_validate({comparison: number, "unit": "pct"})
    graded = grade_figure(Figure(value, value), target, Grade.model_validate({"threshold": {}}))
    holds = {"at_least": value >= number, "at_most": value <= number, "under": value < number, "over": value > number}[comparison]
    assert (graded.verdict, graded.low, graded.high) == (("opfyldt", 100, 100) if holds else ("ikke opfyldt", 0, 0))


def test_unknowns_that_cannot_be_bounded_are_not_computed() -> None:
    unsized = Scanned(
        SCAN, ("g",), (Cell("default", ("a",), None, False, 1, 0, 0, 0, 0), Cell("default", ("a",), None, True, 9, 9, 9, 9, 9)), 9
    )
    found = figure(unsized, _count({"pooled": {}}), "share")
    assert found.value is None and "Mangler data" in (found.reason or "")
    unknown_mean = Scanned(SCAN, ("g",), (Cell("default", ("a",), None, False, 1, 1, 1, 0, 1),), 1)
    assert figure(unknown_mean, _count({"pooled": {}}), "mean").value is None


def test_nothing_to_count_is_not_computed_unless_the_plan_says_met() -> None:
    empty = Scanned(SCAN, ("g",), (), 0)
    for word, verdict in (("not_computed", "ikke opgjort"), ("met", "opfyldt")):
        count = _count({"pooled": {}}, {"at_most": 10, "unit": "pct"})
        grade = Grade.model_validate({"threshold": {"empty": word}})
        assert grade_figure(figure(empty, count, "stock"), count.target, grade).verdict == verdict
