"""How a row came about, for the department: its figures, its criteria, and what it would be under the other readings.

From an outcome of the fulfilment to the view's figures, criteria and readings; nothing is computed here but quotients for print.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction

from .. import distribution as lying
from ..counting import Count
from ..evidence import Act, Assessment, Number
from ..fulfilment import Found, Judged, Outcome
from ..grading import AWAITED, MET, NOT_COMPUTED, NOT_MET, OFF_SCALE, PARTLY
from ..plan import Row
from ..plan_criteria import Criterion as Declared
from ..plan_terms import UNIT_WORDS, UNITS, Target
from ..printing import danish, danish_count, danish_exact, danish_figure
from ..query import Parameter
from ..results import Figure as Counted
from ..scanning import Scanning
from ..wording import days_words, filter_words, long_date, readable, result_words, target_words, with_long_dates
from .view import NOTHING, Amount, Criterion, Excluded, Figure, Option, Part, Reading, Spread, Step, Verdict

VERDICTS = {
    MET: Verdict("opfyldt", "✓", "met"),
    PARTLY: Verdict("delvist opfyldt", "◐", "partly"),
    NOT_MET: Verdict("ikke opfyldt", "✗", "not"),
    AWAITED: Verdict("afventer vurdering", "…", "awaited"),
    NOT_COMPUTED: Verdict("ikke opgjort", "–", "open"),
    OFF_SCALE: Verdict("uden for gradueringen", "?", "off"),
}
NO_VERDICT = Verdict("uden verdikt", "·", "none")
# Units as queries write them, in Danish print.
_UNITS = {"months": "måneder", "days": "dage", "h": "timer", "min": "minutter"}
_DECIDED = ("met", "partly", "not")


def verdict_of(word: str | None) -> Verdict:
    """The verdict of that word; `uden verdikt` where the text defines none."""
    return VERDICTS[word] if word else NO_VERDICT


def amount(number: Fraction | int | None) -> Amount:
    """A count or a sum in print."""
    return NOTHING if number is None else Amount(danish_count(number), Fraction(number))


def figure_amount(figure: Counted | None, target: Target | None) -> Amount:
    """A figure in print, with its unit: one number, or an interval."""
    if figure is None or figure.low is None or figure.high is None or target is None:
        return NOTHING
    unit, mark = UNIT_WORDS[target.unit], target.number
    if figure.low == figure.high:
        return Amount(f"{danish_figure(figure.low, mark)} {unit}".strip(), figure.low)
    ends = f"{danish_figure(figure.low, mark, figure.high)}–{danish_figure(figure.high, mark, figure.low)}"
    return Amount(f"{ends} {unit}".strip())


def figures(outcome: Outcome, scanning: Scanning, row: Row) -> tuple[Figure, ...]:
    """Every figure of an outcome: the row's own, or those of its criteria."""
    return tuple(_figure(name and readable(name), count, fig, scanning, row) for name, count, fig in counted(outcome))


def counted(outcome: Outcome) -> Iterator[tuple[str | None, Count, Counted]]:
    """The figures of an outcome: those of its criteria by their ids, else the row's own."""
    found: list[tuple[str | None, Count | None, Counted | None]] = [(None, outcome.count, outcome.figure)]
    if outcome.judged:
        found = [(j.criterion.id, j.count, j.figure) for j in outcome.judged]
    yield from ((name, count, fig) for name, count, fig in found if count and fig)


def _figure(name: str | None, count: Count, fig: Counted, scanning: Scanning, row: Row) -> Figure:
    measure = scanning.declared.measures[count.scan.measure]
    header, target, plan = measure.header, count.target, scanning.plan.plan
    excluded = sum(fig.excluded.values())
    best = count.result.best
    degrees = row.grade.steps.degrees if row.grade.steps else {}
    extracts = sorted((e for t in measure.reads for e in scanning.declared.extracts_of(t)), key=lambda e: (e.system, e.extract))
    return Figure(
        criterion=name,
        measure=measure.name,
        query=f"sql/{measure.path.name}",
        value=figure_amount(fig, target),
        unit=UNIT_WORDS[target.unit],
        target=target_words(target),
        target_exact=target.number,
        comparison=target.comparison,
        numerator=amount(fig.numerator),
        numerator_words=header.numerator,
        denominator=amount(fig.denominator),
        denominator_words=header.denominator,
        window=_days(count),
        formula=result_words(count.result, header.printed, _days(count.against) if count.against else None),
        # that a register's row is this plan's and this row's goes without saying
        filters=tuple(filter_words({g: v for g, v in count.where if v not in ((plan,), (row.id,))}, header.printed)),
        settings=tuple(_setting(header.parameters[name], value) for name, value in count.scan.parameters),
        sources=tuple(f"{e.extract} ({e.system})" for e in extracts),
        observations=amount(fig.counted + fig.unknown + excluded + fig.outside_where),
        counted=amount(fig.counted),
        unknown=amount(fig.unknown),
        outside=amount(fig.outside_where),
        excluded=tuple(Excluded(header.reasons.get(code, code), amount(n)) for code, n in fig.excluded.items()),
        source_rows=amount(scanning.scanned(count.scan).leading_rows),
        persons=header.counts == "persons",
        parts=_parts(fig, count, best.n[0] if best else 0),
        parts_by=_parts_by(count, header.printed),
        best=tuple((n, _share(v, target), _degree(degrees.get(n))) for n, v in sorted(fig.by_n.items(), reverse=True)),
        spread=_spread(scanning, count),
        notes=fig.notes,
    )


def _share(value: Fraction | None, target: Target) -> Amount:
    unit = UNIT_WORDS[target.unit]
    return NOTHING if value is None else Amount(f"{danish_figure(value, target.number)} {unit}".strip(), value)


def _degree(degree: Fraction | None) -> str:
    return "" if degree is None else f"{danish_exact(degree)} pct."


def _parts(fig: Counted, count: Count, chosen: int) -> tuple[Part, ...]:
    target = count.target
    return tuple(
        Part(name, amount(n), amount(d), _share(n / d * UNITS[target.unit], target) if d else NOTHING, place < chosen)
        for place, (name, n, d) in enumerate(fig.by_group)
    )


def _parts_by(count: Count, names: Mapping[str, str]) -> str:
    result = count.result
    group = result.best.group if result.best else result.mean_of or result.worst_of or result.sum_of
    return names[group].capitalize() if group else ""


def _days(count: Count) -> str:
    return days_words(count.scan.days.after + timedelta(days=1), count.scan.days.to)


def _setting(parameter: Parameter, value: int | str) -> str:
    number = isinstance(value, int) or parameter.type.startswith("decimal")
    said = danish_count(Fraction(str(value))) if number else _UNITS.get(str(value), str(value))
    return f"{parameter.comment}: {said} {_UNITS.get(parameter.unit or '', parameter.unit or '')}".rstrip()


def _spread(scanning: Scanning, count: Count) -> Spread | None:
    found = lying.distribution(scanning, count)
    if found is None:
        return None
    shown, steps = found.declared, [*found.steps, found.without]
    weigh = (lambda s: s.denominator) if shown.shape == "curve" else (lambda s: Fraction(s.observations))
    return Spread(
        shape=shown.shape,
        axis=shown.axis,
        unit=shown.unit,
        reached=shown.reached or "",
        mark=None if found.mark is None else Fraction(found.mark, shown.per),
        steps=tuple(
            Step(None if s.upper is None else Fraction(s.upper, shown.per), amount(weigh(s)), amount(s.numerator))
            for s in found.steps
        ),
        without=amount(found.without.observations),
        without_words=shown.without or "uden værdi",
        total=sum((weigh(s) for s in steps), Fraction(0)),
    )


def criteria(outcome: Outcome) -> tuple[Criterion, ...]:
    """What the row requires, one by one."""
    return tuple(_criterion(judged) for judged in outcome.judged)


def _criterion(judged: Judged) -> Criterion:
    asked, graded = judged.criterion, judged.graded
    return Criterion(
        id=readable(asked.id),
        text=asked.text,
        role="forudsætning" if asked.condition else "delkrav" if asked.scored else "vises, tæller ikke",
        wanted=wanted_words(asked),
        verdict=verdict_of(graded.verdict),
        found=figure_amount(judged.figure, judged.count.target if judged.count else None).text or found_words(judged.found),
        remark=with_long_dates(graded.reason or ""),
    )


def wanted_words(asked: Declared) -> str:
    """What a criterion asks for, and by when."""
    if asked.event:
        after = f", tidligst {long_date(asked.event.after)}" if asked.event.after else ""
        kinds = f"{' eller '.join(map(readable, asked.event.kinds))} " if asked.event.kinds else ""
        return f"{kinds}senest {long_date(asked.event.by)}{after}"
    if asked.count:
        most = f", højst {asked.count.at_most}" if asked.count.at_most is not None else ""
        number = "alle" if asked.count.of_all else f"mindst {asked.count.at_least}{most}"
        return f"{number} senest {long_date(asked.count.by)}"
    if asked.judged:
        return f"vurderes af {asked.judged.by}" if asked.judged.by else "vurderes"
    assert asked.figure is not None
    return target_words(asked.figure.target)


def found_words(found: Iterable[Found]) -> str:
    """What is registered, in words."""
    return "; ".join(f"{_outcome(f)} {long_date(_day(f))}{f' ({f.document})' if f.document else ''}" for f in found)


def _day(found: Found) -> date:
    return found.assessed if isinstance(found, Assessment) else found.date


def _outcome(found: Found) -> str:
    if isinstance(found, Act):
        return readable(found.kind)
    if isinstance(found, Number):
        return f"{danish_count(found.number)}{'' if found.of_number is None else f' af {danish_count(found.of_number)}'} pr."
    return assessed_words(found)


def assessed_words(found: Assessment) -> str:
    """The verdict, degree or points that somebody gave."""
    said = [
        found.verdict or "",
        "" if found.degree is None else f"{danish_exact(Fraction(found.degree))} pct.",
        "" if found.points is None else f"{found.points} point",
    ]
    return ", ".join(s for s in said if s)


def readings(row: Row, outcomes: tuple[Outcome, ...]) -> tuple[Reading, ...]:
    """Every question of a row with its options, the approved first, and what each comes to alone."""
    by_id, approved = {o.id: o for o in outcomes}, outcomes[0]
    made = []
    for reading in row.readings:
        by = reading.approved_by or ""
        if by and reading.approved_date:
            by = f"{by}, {long_date(reading.approved_date)}"
        words = [reading.approved, *(w for w in reading.options if w != reading.approved)]
        options = []
        for word in words:
            is_approved = word == reading.approved
            outcome = approved if is_approved else by_id.get(f"{reading.id}.{word}")
            options.append(_option(f"{reading.id}.{word}", reading.options[word].text, is_approved, outcome, approved))
        made.append(Reading(reading.id, reading.question, reading.why, by, tuple(options)))
    return tuple(made)


def _option(name: str, text: str, is_approved: bool, outcome: Outcome | None, approved: Outcome) -> Option:
    if outcome is None:  # not computed at this date
        return Option(name, text, is_approved, NOTHING, "", NO_VERDICT, "", False)
    same = (
        not is_approved and outcome.figure is None and outcome.is_computed and outcome.graded.reason == "Ændrer ikke opgørelsen"
    )
    told = approved if same else outcome
    verdict = verdict_of(outcome.graded.verdict)
    before = verdict_of(approved.graded.verdict)
    figure = told.figure
    value = figure_amount(figure, told.count.target if told.count else None)
    basis = ""
    if figure and figure.numerator is not None and figure.denominator is not None:
        basis = f"{danish_count(figure.numerator)} / {danish_count(figure.denominator)}"
    if not value.text and outcome.is_computed and outcome.graded.low == outcome.graded.high and not figure:
        value = Amount(f"{danish(outcome.graded.low)} pct.", outcome.graded.low)
    remark = "" if is_approved else with_long_dates(outcome.graded.reason or "")
    turns = not is_approved and verdict.key in _DECIDED and before.key in _DECIDED and verdict.key != before.key
    return Option(name, text, is_approved, value, basis, verdict, remark, turns)
