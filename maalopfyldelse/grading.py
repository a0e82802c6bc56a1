"""From a figure to a verdict and a degree: the kinds of grade, each once, in exact arithmetic.

A degree is an interval in per cent of the row. What is not known, not assessed or not in the text leaves it wide; it never
becomes zero. Source: catalogue 5.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .plan import Grade, Steps, Target
from .results import Figure

MET, PARTLY, NOT_MET = "opfyldt", "delvist opfyldt", "ikke opfyldt"
AWAITED, NOT_COMPUTED, OFF_SCALE = "afventer vurdering", "ikke opgjort", "uden for gradueringen"
VERDICTS = (MET, PARTLY, NOT_MET, AWAITED, NOT_COMPUTED, OFF_SCALE)

FULL, NONE = Fraction(100), Fraction(0)


@dataclass(frozen=True)
class Graded:
    """A verdict, the degree as an interval in per cent, and why where the verdict alone does not say it. `verdict` is null where
    the text defines none at this date."""

    verdict: str | None
    low: Fraction
    high: Fraction
    reason: str | None = None


def open_degree(verdict: str | None, reason: str) -> Graded:
    """Nothing is known of the degree."""
    return Graded(verdict, NONE, FULL, reason)


def grade_figure(figure: Figure, target: Target, grade: Grade) -> Graded:
    """The verdict on a computed figure, by threshold or by steps."""
    if figure.is_empty and grade.threshold and grade.threshold.empty == "met":
        return Graded(MET, FULL, FULL, "Ingen at opgøre; målet er da ikke overskredet")
    if figure.low is None or figure.high is None:
        return open_degree(NOT_COMPUTED, figure.reason or "Kan ikke opgøres")
    if grade.steps:
        return _steps(figure, target, grade.steps)
    holds = {target.holds(figure.low), target.holds(figure.high)}
    if holds == {True}:
        return Graded(MET, FULL, FULL)
    if holds == {False}:
        return Graded(NOT_MET, NONE, NONE)
    return open_degree(NOT_COMPUTED, "Manglende data kan afgøre målet")


def _steps(figure: Figure, target: Target, steps: Steps) -> Graded:
    """The largest n that reaches the target gives its degree; an n with too few groups leaves the degree open above the next."""
    low, high = NONE, NONE
    for n, degree in sorted(steps.degrees.items()):
        value = figure.by_n.get(n)
        if value is None:
            high = max(high, degree)
        elif target.holds(value):
            low, high = max(low, degree), max(high, degree)
    if low != high:
        return Graded(NOT_COMPUTED, low, high, figure.reason or "For få grupper til alle trin")
    return Graded(MET if low == FULL else NOT_MET if low == NONE else PARTLY, low, high)


def k_of_n(below: list[Graded]) -> Graded:
    """The mean of equally weighted rows. Its verdict follows from theirs; one that is awaited keeps the goal awaited unless the
    rest has decided it."""
    low = sum((g.low for g in below), Fraction(0)) / len(below)
    high = sum((g.high for g in below), Fraction(0)) / len(below)
    if low == high:
        return Graded(MET if low == FULL else NOT_MET if low == NONE else PARTLY, low, high)
    if any(g.verdict == AWAITED for g in below):
        waiting = sum(g.verdict == AWAITED for g in below)
        return Graded(AWAITED, low, high, f"{waiting} af {len(below)} afventer vurdering")
    without = sum(g.low != g.high for g in below)
    return Graded(NOT_COMPUTED, low, high, f"{without} af {len(below)} er ikke opgjort")


def all_of(below: list[Graded]) -> Graded:
    """Met when every row below is met, not met as soon as one cannot be; nothing in between."""
    if all(g.low == FULL for g in below):
        return Graded(MET, FULL, FULL)
    if any(g.high < FULL for g in below):
        return Graded(NOT_MET, NONE, NONE)
    awaited = any(g.verdict == AWAITED for g in below)
    return open_degree(AWAITED if awaited else NOT_COMPUTED, "Ikke alle dele er afgjort")
