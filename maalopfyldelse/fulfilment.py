"""From scans and registers to the fulfilment table: one line for the total, each goal, requirement and part.

Here the plan's tree is walked: counted rows are graded from their figures, criteria by figures and registers, the others by their
assessment; goals and the total follow from the rows below. Pure Python over exact numbers. Writing the lines down is tabular.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from .counting import Count
from .evidence import Act, Assessment, Number
from .grading import AWAITED, NOT_COMPUTED, NOT_MET, Graded, combine, grade_figure, open_degree, with_degree
from .plan import Placed, Plan, Row
from .plan_criteria import Criterion
from .plan_terms import Grade
from .printing import danish
from .results import Figure, figure
from .scanning import Scanning, Variant

Found = Act | Number | Assessment


@dataclass(frozen=True)
class Judged:
    """One criterion and what it came to."""

    criterion: Criterion
    graded: Graded
    count: Count | None
    figure: Figure | None
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Outcome:
    """What one reading came to. `id` is `approved` or such as `S4.c`; `count` and `figure` are those of the row, or of the first of
    its criteria that has a figure."""

    id: str
    text: str
    count: Count | None
    figure: Figure | None
    graded: Graded
    is_computed: bool
    judged: tuple[Judged, ...] = ()


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
    dimensions: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = field(default=(), repr=False)


def fulfilment(scanning: Scanning, *, provisional: bool, set_aside: dict[str, int]) -> list[Line]:
    """The lines of a plan at a reporting date, the total first and then in the plan's order.

    `set_aside` gives the rows set aside in each table's current deliveries; they are shown beside each figure they could change.
    """
    plan = scanning.plan
    outcomes: dict[str, list[Outcome]] = {}
    for row in plan.rows:
        _judge_tree(row, scanning, outcomes)
    lines = [_line(placed, scanning, outcomes[row_id], provisional, set_aside) for row_id, placed in plan.placed.items()]
    aside = sum(set_aside.get(table, 0) for table in scanning.tables)
    return ([_total(plan, scanning.as_of, lines, provisional, aside)] if plan.weights is not None else []) + lines


def _judge_tree(row: Row, scanning: Scanning, outcomes: dict[str, list[Outcome]]) -> None:
    for below in row.rows:
        _judge_tree(below, scanning, outcomes)
    parts = [(outcomes[r.id][0].graded, scanning.plan.placed[r.id].weight) for r in row.rows]
    found: list[Outcome] = []
    for variant in scanning.variants[row.id]:
        if variant.row is not None:
            found.append(_judge(variant, variant.row, parts, scanning))
        elif variant.reason and variant.reason.startswith("Kan ikke"):
            found.append(Outcome(variant.id, variant.text, None, None, open_degree(NOT_COMPUTED, variant.reason), False))
        else:
            graded = Graded(found[0].graded.verdict, found[0].graded.low, found[0].graded.high, variant.reason)
            found.append(Outcome(variant.id, variant.text, None, None, graded, True))
    outcomes[row.id] = found


def _judge(variant: Variant, row: Row, parts: list[tuple[Graded, Fraction | None]], scanning: Scanning) -> Outcome:
    """What a row comes to under one reading, given the rows below it."""
    if row.measure:
        count = variant.counts[None]
        if count is None:
            return Outcome(
                variant.id, variant.text, None, None, open_degree(NOT_COMPUTED, "Planen har ingen periode for denne dato"), True
            )
        fig, graded = _counted(count, row.grade, scanning)
        return Outcome(variant.id, variant.text, count, fig, _informed(graded, row, scanning.as_of), True)
    judged = tuple(_criterion(criterion, variant, row, scanning) for criterion in row.criteria)
    if row.grade.assessed:
        graded, _ = scanning.evidence.assessed(row.id, None, scanning.as_of, row.grade.assessed.by)
    else:
        of = {j.criterion.id: [c for c in judged if j.criterion.id in c.criterion.condition_of] for j in judged}
        over = [_conditioned(j.graded, of[j.criterion.id]) for j in judged if j.criterion.scored and not j.criterion.condition]
        weights = None if row.criteria else [weight or Fraction(1) for _, weight in parts]
        graded = combine(row.grade, over if row.criteria else [p for p, _ in parts], weights)
        graded = _entered(_conditioned(graded, [j for j in judged if not j.criterion.condition_of]), row, scanning)
    first = next((j for j in judged if j.figure), None)
    return Outcome(
        variant.id,
        variant.text,
        first.count if first else None,
        first.figure if first else None,
        _informed(graded, row, scanning.as_of),
        True,
        judged,
    )


def _counted(count: Count, grade: Grade, scanning: Scanning) -> tuple[Figure, Graded]:
    measure = scanning.declared.measures[count.scan.measure]
    against = scanning.scanned(count.against.scan) if count.against else None
    result = figure(scanning.scanned(count.scan), count, measure.header.kind, against)
    lacking = next((gap for scan in count.scans if (gap := scanning.missing(measure, scan.days))), None)
    result = result.lacking(lacking) if lacking else result
    return result, grade_figure(result, count.target, grade)


def _criterion(criterion: Criterion, variant: Variant, row: Row, scanning: Scanning) -> Judged:
    evidence, as_of = scanning.evidence, scanning.as_of
    found: Sequence[Found] = ()
    if criterion.figure:
        count = variant.counts[criterion.id]
        if count is None:
            return Judged(criterion, open_degree(NOT_COMPUTED, "ingen periode på denne dato"), None, None, ())
        fig, graded = _counted(count, Grade(threshold=criterion.grade), scanning)
        return Judged(criterion, graded, count, fig, ())
    if criterion.event:
        graded, found = evidence.event(row.id, criterion.event, as_of)
    elif criterion.count:
        graded, found = evidence.count(row.id, criterion.count, as_of)
    else:
        assert criterion.judged is not None
        graded, found = evidence.judged(row.id, criterion.judged, as_of)
    return Judged(criterion, graded, None, None, tuple(found))


def _conditioned(graded: Graded, judged: Sequence[Judged]) -> Graded:
    """A condition that does not hold leaves the row, or its criterion, open; one that is not known yet keeps a miss from being one."""
    conditions = [j for j in judged if j.criterion.condition]
    failed = next((j for j in conditions if j.graded.verdict == NOT_MET), None)
    if failed:
        return open_degree(NOT_COMPUTED, f"Forudsætningen er ikke opfyldt: {failed.criterion.text}")
    unknown = next((j for j in conditions if j.graded.low != j.graded.high), None)
    if unknown and graded.verdict == NOT_MET:
        return open_degree(AWAITED, f"Forudsætningen er ikke registreret: {unknown.criterion.text}")
    return graded


def _entered(graded: Graded, row: Row, scanning: Scanning) -> Graded:
    """The department's own degree on a scale, where one is registered."""
    if row.grade.scale is None:
        return graded
    given, found = scanning.evidence.assessed(row.id, None, scanning.as_of, None)
    return with_degree(graded, given.low, row.grade.scale) if found and given.low == given.high else graded


def _informed(graded: Graded, row: Row, as_of: date) -> Graded:
    if row.verdict_dates is None or as_of in row.verdict_dates:
        return graded
    lacking = graded.reason if row.measure and graded.verdict == NOT_COMPUTED else None
    return open_degree(None, lacking or "Til orientering: teksten giver intet verdikt på denne dato")


def _line(placed: Placed, scanning: Scanning, outcomes: list[Outcome], provisional: bool, set_aside: dict[str, int]) -> Line:
    row, approved = placed.row, outcomes[0]
    graded, fig, weight = approved.graded, approved.figure, placed.weight
    target = approved.count.target if approved.count else row.target
    found = [f for j in approved.judged for f in j.found]
    unapproved = max((f.unapproved for f in (fig, *(j.figure for j in approved.judged)) if f), default=0)
    reasons = [graded.reason, _interval_words(fig), *(fig.notes if fig else ()), *_criteria_words(approved)]
    reasons += [f"endnu ikke godkendt af en anden ({unapproved}); foreløbig"] if unapproved else []
    return Line(
        plan=scanning.plan.plan,
        row=row.id,
        parent=placed.parent,
        level=row.level,
        scores=placed.scores,
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
        rows_set_aside=sum(set_aside.get(table, 0) for table in tables_of(row, scanning)),
        provisional=provisional or not all(f.is_approved for f in found) or unapproved > 0,
        reason="; ".join(dict.fromkeys(r for r in reasons if r)) or None,
        dimensions=tuple(row.dimensions),
        outcomes=tuple(outcomes),
    )


def _registers(row: Row) -> set[str]:
    """The registers that could change the row's verdict."""
    kinds = {"events": "event", "register_counts": "count", "assessments": "judged"}
    found = {table for table, kind in kinds.items() if any(getattr(c, kind) for c in row.criteria)}
    return found | ({"assessments"} if row.grade.assessed or row.grade.scale else set())


def _interval_words(fig: Figure | None) -> str | None:
    if fig is None or fig.low is None or fig.high is None or fig.low == fig.high:
        return None
    return f"Mellem {danish(fig.low)} og {danish(fig.high)}, da {fig.unknown} observationer mangler"


def _criteria_words(outcome: Outcome) -> list[str]:
    """What each criterion says, where it is not simply met."""
    return [f"{j.criterion.id}: {j.graded.reason}" for j in outcome.judged if j.criterion.scored and j.graded.reason]


def tables_of(row: Row, scanning: Scanning) -> set[str]:
    """The tables that a row and the rows below it are counted from or judged by."""
    measures = {counting.measure for _, counting in row.countings}
    own = {table for name in measures for table in scanning.declared.measures[name].reads} | _registers(row)
    return own.union(*(tables_of(below, scanning) for below in row.rows))


def _total(plan: Plan, as_of: date, lines: list[Line], provisional: bool, set_aside: int) -> Line:
    assert plan.weights is not None
    scoring = [line for line in lines if line.scores]
    low = sum((line.points_low or Fraction(0) for line in scoring), Fraction(0))
    high = sum((line.points_high or Fraction(0) for line in scoring), Fraction(0))
    open_rows = [line.row for line in scoring if line.low != line.high]
    listed = ", ".join(open_rows[:6]) + (" …" if len(open_rows) > 6 else "")
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
        low=low / plan.weights * 100,
        high=high / plan.weights * 100,
        points_low=low,
        points_high=high,
        rows_set_aside=set_aside,
        provisional=provisional,
        reason=f"{len(open_rows)} krav er ikke afgjort: {listed}" if open_rows else None,
    )
