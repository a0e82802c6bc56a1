"""Making the view of an edition from what was computed: the rows, the total, what is missing, and what has happened around them.

Figures, criteria and readings are figures.py's, evidence, amendments and deliveries around.py's. The last steps take out what is
too small to leave the house (suppress.py) and make every text clean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..dates import danish_date, quarter_of
from ..fulfilment import Line, Outcome
from ..plan import Placed, Plan
from ..plan_terms import UNIT_WORDS, Target
from ..printing import danish_exact, danish_figure
from ..trend import earlier_lines
from ..wording import COMPARISON_WORDS, days_words, grade_words, long_date, long_time, readable, with_long_dates
from . import around
from .behind import behinds
from .changes import changes
from .clean import cleaned
from .figures import VERDICTS, amount, criteria, figure_amount, figures, readings, verdict_of
from .suppress import suppressed
from .terms import TERMS
from .view import NOTHING, Amount, Figure, Missing, Point, Remark, Row, Tally, Total, View

if TYPE_CHECKING:
    from ..edition import Computed

_LEVELS = {"goal": "Mål", "requirement": "Krav", "part": "Del"}
_OPEN = ("awaited", "open", "off")


@dataclass(frozen=True)
class Facts:
    """What is known of an edition besides its figures. `restated` is what restatement.json says: what changed since the edition
    before, where there is one."""

    number: int
    made_at: datetime
    reason: str | None = None
    restated: Mapping[str, Any] | None = None
    code: str = ""


def build(computed: Computed, facts: Facts) -> View:
    """The view of an edition. Takes the trend's figures from the store, or counts them."""
    scanning, plan, as_of = computed.scanning, computed.scanning.plan, computed.scanning.as_of
    earlier = earlier_lines(scanning)
    lines = {line.row: line for line in computed.lines}
    rows = tuple(
        _row(placed, lines[row_id], computed, _points_of(row_id, earlier, lines[row_id]))
        for row_id, placed in plan.placed.items()
    )
    total = lines.get("total")
    closes = as_of + timedelta(days=plan.reporting.closing_days)
    view = View(
        plan=plan.plan,
        title=plan.title,
        agency=plan.agency,
        parties=tuple(plan.contract.parties),
        document=plan.contract.document,
        contract=days_words(plan.contract.from_, plan.contract.to),
        as_of=as_of,
        as_of_text=long_date(as_of),
        edition=facts.number,
        provisional=computed.provisional,
        status="foreløbig" if computed.provisional else "endelig",
        status_why=_status(computed, closes, [row.status for row in rows]),
        known_at=long_time(scanning.known_at),
        made_at=long_time(facts.made_at),
        made_on=danish_date(facts.made_at),
        reason=facts.reason or "",
        synthetic=any(d.synthetic for d in computed.deliveries),
        total=_total(total, plan, _points_of("total", earlier, total)) if total else None,
        tallies=_tallies(rows, with_weights=total is not None),
        rows=rows,
        missing=tuple(m for row in rows for m in row.missing),
        changes=changes(facts.restated),
        amendments=around.amendments(scanning),
        defects=(
            *(Remark("", text) for text in plan.defects),
            *(Remark("", f"Nummer {gap} findes ikke i teksten.") for gap in plan.known_gaps),
            *(Remark(row.id, text) for row in rows for text in row.defects),
        ),
        questions=(*(Remark("", t) for t in plan.questions), *(Remark(row.id, t) for row in rows for t in row.questions)),
        notes=tuple(plan.notes),
        evidence=around.evidence(scanning),
        deliveries=around.deliveries(computed),
        set_aside=around.set_aside(computed),
        accounts=around.accounts(computed.accounts),
        definitions=TERMS,
        code=facts.code,
        due=long_date(as_of + timedelta(days=plan.reporting.due_days)),
    )
    return cleaned(suppressed(view, behinds(computed, earlier, facts.restated)))


def _status(computed: Computed, closes: date, states: Sequence[str]) -> str:
    unapproved = sum(state == "foreløbig" for state in states)
    if computed.provisional:
        if danish_date(computed.scanning.known_at) <= closes:
            return f"Leverancer til og med {long_date(closes)} kan ændre tallene."
        return "Der mangler leverancer, som aftalen venter på."
    if unapproved:
        rows_of = "1 række" if unapproved == 1 else f"{unapproved} rækker"
        return f"Fristen for leverancer er udløbet; {rows_of} bygger på noget, der endnu ikke er godkendt af en anden."
    return f"Fristen for leverancer udløb {long_date(closes)}, og alle perioder er leveret."


def _row(placed: Placed, line: Line, computed: Computed, trend: tuple[Point, ...]) -> Row:
    row, approved = placed.row, line.outcomes[0]
    own = figures(approved, computed.scanning, row)
    clause = f"linje {', '.join(map(str, row.clause.lines))}" + (f", {row.clause.section}" if row.clause.section else "")
    target = approved.count.target if approved.count else row.target
    supplier = _supplier(placed, computed.scanning.plan)
    return Row(
        id=row.id,
        parent=placed.parent,
        level=_LEVELS[row.level],
        depth=_depth(placed, computed.scanning.plan),
        text=row.text,
        clause=clause,
        dimensions=line.dimensions,
        weight=NOTHING if line.weight is None else Amount(weight_text(line.weight), line.weight),
        scores=line.scores,
        verdict=verdict_of(line.verdict),
        value=_value(approved, own),
        unit=UNIT_WORDS.get(line.unit or "", ""),
        target=_target(line, target, own),
        target_exact=line.target,
        comparison=line.comparison,
        degree=_degree(line),
        points=_points(line),
        points_low=line.points_low,
        points_high=line.points_high,
        grade=grade_words(row.grade, bool(row.criteria)),
        reason=_reason(line, approved, with_criteria=True),
        remark=_reason(line, approved, with_criteria=False),
        status="foreløbig" if line.provisional else "endelig",
        reading=line.reading,
        rows_set_aside=amount(line.rows_set_aside),
        verdict_dates=", ".join(long_date(d) for d in row.verdict_dates or ()),
        trend=trend,
        figures=own,
        criteria=criteria(approved),
        readings=readings(row, line.outcomes),
        missing=_missing(placed, line, supplier),
        supplier=supplier,
        notes=tuple(row.notes),
        defects=tuple(row.defects),
        questions=tuple(row.questions),
    )


def _reason(line: Line, approved: Outcome, *, with_criteria: bool) -> str:
    """The line's reason with its criteria named in Danish, or without what they say."""
    text = line.reason or ""
    for judged in approved.judged:
        told = f"{judged.criterion.id}: {judged.graded.reason}"
        said = f"{readable(judged.criterion.id)}: {judged.graded.reason}" if with_criteria else ""
        text = text.replace(told, said)
    return with_long_dates("; ".join(part for part in text.split("; ") if part))


def _depth(placed: Placed, plan: Plan) -> int:
    return 0 if placed.parent is None else 1 + _depth(plan.placed[placed.parent], plan)


def _supplier(placed: Placed, plan: Plan) -> str:
    """Who supplies what the row is judged by; the row above says it for its parts."""
    if placed.row.supplier or placed.parent is None:
        return placed.row.supplier or ""
    return _supplier(plan.placed[placed.parent], plan)


def _value(approved: Outcome, own: tuple[Figure, ...]) -> Amount:
    named = [f for f in own if f.criterion and f.value]
    if len(named) > 1:
        return Amount("; ".join(f"{f.criterion}: {f.value.text}" for f in named))
    return figure_amount(approved.figure, approved.count.target if approved.count else None)


def _target(line: Line, target: Target | None, own: tuple[Figure, ...]) -> str:
    named = {f.target for f in own if f.criterion}
    if (target and target.missing) or (named and all(f.target_exact is None for f in own)):
        return "mangler i teksten"
    if len(named) > 1:
        return "; ".join(f"{f.criterion}: {f.target}" for f in own if f.criterion)
    if line.target is None or line.comparison is None:
        return ""
    return f"{COMPARISON_WORDS[line.comparison]} {danish_exact(line.target)} {UNIT_WORDS.get(line.unit or '', '')}".strip()


def weight_text(weight: Fraction) -> str:
    """A weight as written, or to one decimal where it is a share that has no finite decimal."""
    text = danish_exact(weight)
    return danish_figure(weight) if "/" in text else text


def _between(low: Fraction | None, high: Fraction | None, of: Fraction, unit: str) -> Amount:
    """`86,0`, or `7,6–10,0`: with more decimals where rounding would make it full, nothing, or one number."""
    if low is None or high is None:
        return NOTHING
    if low == high:
        return Amount(danish_figure(low, of, Fraction(0)) + unit, low)
    return Amount(f"{danish_figure(low, of, Fraction(0), high)}–{danish_figure(high, of, Fraction(0), low)}{unit}")


def _degree(line: Line) -> Amount:
    is_open = line.low == Fraction(0) and line.high == Fraction(100)
    return Amount("ikke afgjort") if is_open else _between(line.low, line.high, Fraction(100), " pct.")


def _points(line: Line) -> Amount:
    if line.weight is None:
        return NOTHING
    found = _between(line.points_low, line.points_high, line.weight, "")
    return Amount(f"{found.text} af {weight_text(line.weight)}", found.exact)


def _total(line: Line, plan: Plan, trend: tuple[Point, ...]) -> Total:
    assert line.points_low is not None and line.points_high is not None and plan.weights is not None
    unit = "pct." if plan.weight_unit == "pct" else "point"
    found = _between(line.points_low, line.points_high, plan.weights, "")
    return Total(
        text=f"{found.text} {unit}" if unit == "pct." else f"{found.text} af {danish_exact(plan.weights)} {unit}",
        low=line.points_low,
        high=line.points_high,
        of=plan.weights,
        unit=unit,
        remark=line.reason or "",
        trend=trend,
    )


def _points_of(row: str, earlier: dict[date, dict[str, Line]], last: Line | None) -> tuple[Point, ...]:
    """The row at each quarter end, and at the reporting date."""
    found = [(day, lines[row]) for day, lines in earlier.items() if row in lines]
    return tuple(_point(day, line) for day, line in [*found, *([(last.as_of, last)] if last else [])])


def _point(day: date, line: Line) -> Point:
    first = line.outcomes[0] if line.outcomes else None
    value = figure_amount(first.figure, first.count.target if first.count else None) if first else NOTHING
    ends = day + timedelta(days=1)
    is_end = ends.day == 1 and ends.month in (1, 4, 7, 10)
    label = f"{quarter_of(day)[-1]}. kvt." if is_end else f"{day.day}.{day.month}."
    if line.level == "total" and line.weight is not None:
        value = _between(line.points_low, line.points_high, line.weight, "")
    return Point(day, label, value, line.low, line.high, verdict_of(line.verdict))


def _tallies(rows: tuple[Row, ...], *, with_weights: bool) -> tuple[Tally, ...]:
    """Verdicts counted: the top rows of a plan with weights, else all rows, and by dimension where rows are marked."""
    dimensions = sorted({d for row in rows for d in row.dimensions})
    everything = [row for row in rows if not with_weights or row.depth == 0]
    return (_tally("", everything), *(_tally(d, [row for row in rows if d in row.dimensions]) for d in dimensions))


def _tally(name: str, rows: Iterable[Row]) -> Tally:
    counted = Counter(row.verdict.word for row in rows)
    order = [verdict_of(word) for word in (*VERDICTS, None)]
    return Tally(name, tuple((verdict, counted[verdict.word]) for verdict in order if counted[verdict.word]))


def _missing(placed: Placed, line: Line, supplier: str) -> tuple[Missing, ...]:
    """What a row that is not decided waits for; a row over others leaves it to them."""
    row, approved = placed.row, line.outcomes[0]
    if verdict_of(line.verdict).key not in _OPEN:
        return ()
    waiting = [j for j in approved.judged if j.graded.low != j.graded.high]
    if waiting:
        asked = [(j, j.criterion.judged.by if j.criterion.judged else None) for j in waiting]
        return tuple(Missing(row.id, _what(j.criterion.text, j.graded.reason), by or supplier) for j, by in asked)
    if row.rows and approved.graded.verdict != verdict_of("uden for gradueringen").word:
        return ()
    by = row.grade.assessed.by if row.grade.assessed else None
    return (Missing(row.id, with_long_dates(line.reason or "Vurdering"), by or supplier),)


def _what(text: str, reason: str | None) -> str:
    return with_long_dates(f"{text}: {reason}" if reason else text)
