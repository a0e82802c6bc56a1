"""From scans to the fulfilment table: one line for the total, each goal, requirement and part.

Here the plan's tree is walked: computed rows are graded from their figures, the others wait for their assessment, goals and the
total follow from the rows below. Pure Python over exact numbers. Writing the lines down is tabular.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from .counting import Count
from .grading import AWAITED, Graded, all_of, grade_figure, k_of_n, open_degree
from .plan import Placed, Plan, Row
from .printing import danish
from .results import Figure, combine, figure
from .scanning import Scanning


@dataclass(frozen=True)
class Outcome:
    """What one reading came to: its figure and its grade. `id` is `approved` or such as `S4.c`."""

    id: str
    text: str
    count: Count | None
    figure: Figure | None
    graded: Graded


@dataclass(frozen=True)
class Line:
    """One line of the fulfilment, exact. `low` and `high` bound the degree in per cent of the line, `points_*` in the plan's
    points (null without weights)."""

    plan: str
    row: str
    parent: str | None
    level: str
    scores: bool
    text: str
    weight: Fraction | None
    as_of: date
    verdict: str | None
    value: Fraction | None
    unit: str | None
    numerator: Fraction | None
    denominator: Fraction | None
    target: Fraction | None
    comparison: str | None
    reading: tuple[str, ...]
    low: Fraction | None
    high: Fraction | None
    points_low: Fraction | None
    points_high: Fraction | None
    rows_set_aside: int
    provisional: bool
    reason: str | None
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)


def fulfilment(scanning: Scanning, *, provisional: bool, set_aside: dict[str, int]) -> list[Line]:
    """The lines of a plan at a reporting date, the total first and then in the plan's order.

    `set_aside` gives the rows set aside in each table's current deliveries; they are shown beside each figure they could change.
    """
    plan = scanning.plan
    outcomes = {row_id: _outcomes(placed, scanning) for row_id, placed in plan.placed.items() if placed.row.measure}
    graded: dict[str, Graded] = {}
    for row in plan.rows:
        _grade(row, outcomes, graded)
    lines = []
    for placed in plan.placed.values():
        if placed.row.measure is None:
            outcomes[placed.row.id] = _ungraded_outcomes(placed.row, graded)
        lines.append(_line(placed, scanning, graded[placed.row.id], outcomes[placed.row.id], provisional, set_aside))
    return ([_total(plan, scanning.as_of, lines, provisional)] if plan.weights is not None else []) + lines


def _outcomes(placed: Placed, scanning: Scanning) -> list[Outcome]:
    counted = scanning.counted[placed.row.id]
    row = counted.row
    found = [_outcome("approved", "", counted.approved, "Planen har ingen periode for denne dato", row, scanning)]
    found += [_outcome(a.id, a.text, a.count, a.reason, row, scanning) for a in counted.alternatives]
    return found


def _outcome(name: str, text: str, count: Count | None, reason: str | None, row: Row, scanning: Scanning) -> Outcome:
    if count is None:
        return Outcome(name, text, None, None, open_degree("ikke opgjort", reason or ""))
    measure = scanning.declared.measures[count.scan.measure]
    lacking = scanning.missing(measure, count.scan.days)
    result = figure(scanning.scanned(count.scan), count, measure.header.kind)
    if lacking:
        result = Figure(
            None, None, result.numerator, result.denominator, reason=lacking, counted=result.counted, excluded=result.excluded
        )
    graded = grade_figure(result, count.target, count.grade)
    if row.verdict_dates is not None and scanning.as_of not in row.verdict_dates:
        graded = open_degree(None, lacking or "Til orientering: teksten giver intet verdikt på denne dato")
    return Outcome(name, text, count, result, graded)


def _grade(row: Row, outcomes: dict[str, list[Outcome]], graded: dict[str, Graded]) -> None:
    for below in row.rows:
        _grade(below, outcomes, graded)
    if row.id in outcomes:
        graded[row.id] = outcomes[row.id][0].graded
    elif row.grade.k_of_n is not None:
        graded[row.id] = k_of_n([graded[r.id] for r in row.rows])
    elif row.grade.all_of is not None:
        graded[row.id] = all_of([graded[r.id] for r in row.rows])
    else:
        by = row.grade.assessed.by if row.grade.assessed else None
        graded[row.id] = open_degree(AWAITED, f"Vurderingen er ikke leveret{f' ({by})' if by else ''}")


def _ungraded_outcomes(row: Row, graded: dict[str, Graded]) -> list[Outcome]:
    """Readings of a row without a measure: only another grade can be computed; the rest is shown with what it needs."""
    found = [Outcome("approved", "", None, None, graded[row.id])]
    for reading in row.readings:
        for word, option in reading.options.items():
            if word == reading.approved:
                continue
            if option.set.get("grade") == "all_of":
                other = all_of([graded[r.id] for r in row.rows])
            elif option.needs:
                other = open_degree("ikke opgjort", f"Kan ikke opgøres: kræver {option.needs}")
            else:
                other = Graded(graded[row.id].verdict, graded[row.id].low, graded[row.id].high, "Ændrer ikke resultatet")
            found.append(Outcome(f"{reading.id}.{word}", option.text, None, None, other))
    return found


def _line(
    placed: Placed, scanning: Scanning, graded: Graded, outcomes: list[Outcome], provisional: bool, set_aside: dict[str, int]
) -> Line:
    row, approved = placed.row, outcomes[0]
    target = approved.count.target if approved.count else row.target
    weight = placed.weight
    tables = scanning.declared.measures[row.measure].reads if row.measure else frozenset()
    fig = approved.figure
    reasons = [graded.reason, _interval_words(fig), *(fig.notes if fig else ())]
    return Line(
        plan=scanning.plan.plan,
        row=row.id,
        parent=placed.parent,
        level=row.level,
        scores=placed.scores and weight is not None,
        text=row.text,
        weight=weight,
        as_of=scanning.as_of,
        verdict=graded.verdict,
        value=fig.value if fig else None,
        unit=target.unit if target else None,
        numerator=fig.numerator if fig else None,
        denominator=fig.denominator if fig else None,
        target=target.number if target else None,
        comparison=target.comparison if target else None,
        reading=tuple(f"{r.id}.{r.approved}" for r in row.readings),
        low=graded.low,
        high=graded.high,
        points_low=None if weight is None else weight * graded.low / 100,
        points_high=None if weight is None else weight * graded.high / 100,
        rows_set_aside=sum(set_aside.get(table, 0) for table in tables),
        provisional=provisional,
        reason="; ".join(r for r in reasons if r) or None,
        outcomes=tuple(outcomes),
    )


def _interval_words(fig: Figure | None) -> str | None:
    if fig is None or fig.low is None or fig.high is None or fig.low == fig.high:
        return None
    return f"Mellem {danish(fig.low)} og {danish(fig.high)}, da {fig.unknown} observationer mangler"


def _total(plan: Plan, as_of: date, lines: list[Line], provisional: bool) -> Line:
    low, high = combine((line.points_low or Fraction(0), line.points_high or Fraction(0)) for line in lines if line.scores)
    assert plan.weights is not None
    waiting = sum(1 for line in lines if line.scores and line.low != line.high)
    numbers: dict[str, Any] = {
        "points_low": low,
        "points_high": high,
        "low": low / plan.weights * 100,
        "high": high / plan.weights * 100,
    }
    return Line(
        plan=plan.plan,
        row="total",
        parent=None,
        level="total",
        scores=False,
        text="Samlet målopfyldelse",
        weight=plan.weights,
        as_of=as_of,
        verdict=None,
        value=low if low == high else None,
        unit=plan.weight_unit,
        numerator=None,
        denominator=None,
        target=None,
        comparison=None,
        reading=(),
        rows_set_aside=0,
        provisional=provisional,
        reason=f"{waiting} krav er ikke afgjort" if waiting else None,
        **numbers,
    )
