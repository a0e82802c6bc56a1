"""From a figure to a verdict and a degree: the kinds of grade, each once, in exact arithmetic.

A degree is an interval in per cent of the row. What is not known, not assessed or not in the text leaves it wide; it never
becomes zero. Source: catalogue 5.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .plan_terms import Grade, Scale, Steps, Target, Thirds
from .results import Figure

MET, PARTLY, NOT_MET = "opfyldt", "delvist opfyldt", "ikke opfyldt"
AWAITED, NOT_COMPUTED, OFF_SCALE = "afventer vurdering", "ikke opgjort", "uden for gradueringen"
VERDICTS = (MET, PARTLY, NOT_MET, AWAITED, NOT_COMPUTED, OFF_SCALE)

FULL, NONE = Fraction(100), Fraction(0)
BEYOND = "Tallet er over 0, og det, som det holdes op imod, er 0; intet forhold kan skrives, men målet kan afgøres"


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
    """The verdict on a computed figure, by threshold or by steps; open where the contract gives no number or no rule."""
    if figure.is_empty and grade.threshold and grade.threshold.empty == "met":
        return Graded(MET, FULL, FULL, "Ingen at opgøre; målet er da ikke overskredet")
    absent = f"Teksten giver ingen regel fra tal til grad: {grade.undefined.missing}" if grade.undefined else None
    if absent is None and target.missing is not None:
        absent = f"Tallet {target.missing} mangler i teksten"
    if absent is not None:
        return open_degree(NOT_COMPUTED, "; ".join(x for x in (absent, figure.reason) if x))
    if figure.is_beyond and grade.threshold:
        return Graded(MET, FULL, FULL, BEYOND) if target.higher_is_better else Graded(NOT_MET, NONE, NONE, BEYOND)
    if figure.low is None or figure.high is None:
        return open_degree(NOT_COMPUTED, figure.reason or "Kan ikke opgøres")
    if grade.steps:
        return _steps(figure, target, grade.steps)
    if grade.proportional and target.at_least:
        low, high = (min(value / target.at_least * FULL, FULL) for value in (figure.low, figure.high))
        if low != high:
            return Graded(NOT_COMPUTED, low, high, "Manglende data kan ændre graden")
        return Graded(MET if low == FULL else NOT_MET if low == NONE else PARTLY, low, high)
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


def combine(grade: Grade, parts: Sequence[Graded], weights: Sequence[Fraction] | None = None) -> Graded:
    """The grade over criteria or rows below. `weights` are the parts' points, for `sum`."""
    if grade.all_of is not None:
        return all_of(parts)
    if grade.any_of is not None:
        return any_of(parts)
    if grade.silence is not None:
        return silence(parts)
    if grade.scale is not None:
        return on_scale(parts, grade.scale)
    if grade.each_by_verdict is not None:
        return each_by_verdict(parts, grade.each_by_verdict)
    return weighted(parts, weights if grade.sum is not None and weights else [Fraction(1)] * len(parts))


def weighted(parts: Sequence[Graded], weights: Sequence[Fraction]) -> Graded:
    """The mean of the parts by weight. A part that is awaited keeps the whole awaited unless the rest has decided it."""
    total = sum(weights, Fraction(0))
    low = sum((p.low * w for p, w in zip(parts, weights, strict=True)), Fraction(0)) / total
    high = sum((p.high * w for p, w in zip(parts, weights, strict=True)), Fraction(0)) / total
    if low == high:
        return Graded(MET if low == FULL else NOT_MET if low == NONE else PARTLY, low, high)
    return Graded(_waiting(parts), low, high, _undecided(parts))


def all_of(parts: Sequence[Graded]) -> Graded:
    """Met when every part is met, not met as soon as one cannot be; nothing in between."""
    if all(p.low == FULL for p in parts):
        return Graded(MET, FULL, FULL)
    if any(p.high < FULL for p in parts):
        return Graded(NOT_MET, NONE, NONE)
    return open_degree(_waiting(parts), _undecided(parts))


def any_of(parts: Sequence[Graded]) -> Graded:
    """Met as soon as one part is met, not met when none can be."""
    if any(p.low == FULL for p in parts):
        return Graded(MET, FULL, FULL)
    if all(p.high < FULL for p in parts):
        return Graded(NOT_MET, NONE, NONE)
    return open_degree(_waiting(parts), _undecided(parts))


def silence(parts: Sequence[Graded]) -> Graded:
    """Where a text gives points only for all parts: all met is full, none is nothing, anything between is open (catalogue 5.0)."""
    if all(p.low == FULL for p in parts):
        return Graded(MET, FULL, FULL)
    if all(p.high == NONE for p in parts):
        return Graded(NOT_MET, NONE, NONE)
    if any(p.low != p.high for p in parts):
        return open_degree(_waiting(parts), _undecided(parts))
    met = sum(p.low == FULL for p in parts)
    return open_degree(NOT_COMPUTED, f"{met} af {len(parts)} dele er opfyldt; teksten giver kun point for alle")


def on_scale(parts: Sequence[Graded], scale: Scale) -> Graded:
    """The interval that the number of fully met parts gives; what is undecided widens it."""
    undecided = sum(p.verdict not in (MET, PARTLY, NOT_MET) for p in parts)
    met = sum(p.verdict == MET for p in parts)
    off = scale.off_scale == "any_not_met"
    if off and any(p.verdict == NOT_MET for p in parts):
        return open_degree(OFF_SCALE, "En del er ikke opfyldt, og skalaen har kun trin for helt og delvist opfyldte")
    if undecided:
        low = NONE if off else scale.intervals[met][0]
        return Graded(_waiting(parts), low, scale.intervals[met + undecided][1], _undecided(parts))
    low, high = scale.intervals[met]
    if low != high:
        return Graded(AWAITED, low, high, f"{met} af {len(parts)} opfyldt; graden i intervallet afventer")
    return Graded(MET if low == FULL else NOT_MET if low == NONE else PARTLY, low, high)


def each_by_verdict(parts: Sequence[Graded], thirds: Thirds) -> Graded:
    """Each part by its verdict, the parts weighing the same."""
    worth = {MET: thirds.fully, PARTLY: thirds.partly, NOT_MET: thirds.not_met}
    graded = [Graded(p.verdict, worth.get(p.verdict or "", NONE), worth.get(p.verdict or "", FULL)) for p in parts]
    return weighted(graded, [Fraction(1)] * len(parts))


def with_degree(graded: Graded, degree: Fraction, scale: Scale) -> Graded:
    """A degree that the department has entered, on a scale: it decides within the interval, and where it may override it wins."""
    entered = Graded(MET if degree == FULL else NOT_MET if degree == NONE else PARTLY, degree, degree)
    inside = graded.low <= degree <= graded.high
    if scale.entered == "binding":
        return graded
    if scale.entered == "inside" and not inside:
        said = f"den registrerede grad {degree} ligger uden for intervallet {graded.low}–{graded.high} og er ikke brugt"
        return Graded(graded.verdict, graded.low, graded.high, said)
    differs = graded.low == graded.high and graded.low != degree
    reason = f"departementets grad; skalaen gav {graded.low}" if differs else "departementets grad"
    return Graded(entered.verdict, degree, degree, reason)


def _waiting(parts: Sequence[Graded]) -> str:
    """What an undecided whole is called: awaited while one of its parts is, else not computed."""
    return AWAITED if any(p.verdict == AWAITED for p in parts) else NOT_COMPUTED


def _undecided(parts: Sequence[Graded]) -> str:
    awaited = sum(p.verdict == AWAITED for p in parts)
    open_ = sum(p.low != p.high for p in parts) - awaited
    said = [
        f"{awaited} af {len(parts)} afventer vurdering" if awaited else "",
        f"{open_} af {len(parts)} er ikke afgjort" if open_ else "",
    ]
    return "; ".join(s for s in said if s)
