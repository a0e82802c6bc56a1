"""Small numbers: what may not leave the house is taken out of the view, the verdict stays.

The rule, in full:

1. A count of persons from 1 to 4 is small. A figure is withheld, and its row shows nothing but the verdict, when its numerator, the
   rest of its denominator, those of whom it is not known, or its denominator is small, or when it speaks of an institution of under
   10 årsværk or of one whose årsværk is not told.
2. Of a figure's groups the small ones are hidden and, on each side (among the best n, or not), the smallest of the others. What is
   shown of the hidden ones is the same when two of them change places, so none can be worked out. Their places in the order are not
   shown, nor what singles some of them out: the figures of fewer of the best, ties, and readings that put the same groups together
   in another way. Where no group is left to hide with a small one, the figure is withheld.
3. When one of the numbers beside a figure that sum to its observations is small, none of them is shown.
4. Two numbers of a row, or of a row and the edition before, may not lie 1 to 4 persons apart when their days meet: an alternative
   reading or a point of the trend that does is hidden; a figure that lies so close to the last edition's is shown as a rounded
   share only, and not at all where that says as much.
5. When a count of rows of a table of persons is small, or the observations made of them are hidden, no counts of that table's rows
   are shown.

0 is shown: it counts nobody. That a whole group did or did not do something is told by the share anyway. Counts of things are no
counts of persons and are never hidden. What stands behind the numbers is behind.py's.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from ..printing import danish_figure
from .changes import VALUE
from .view import Amount, Change, Figure, Option, Part, Point, Row, Spread, View

FEWEST = 5
HIDDEN = Amount("skjult")
NOTE = "Nogle tal er skjult af hensyn til små tal (se Skjult under Ord)"


def is_small(count: Fraction | int | None) -> bool:
    """Whether a count of persons is too small to be shown."""
    return count is not None and 0 < count < FEWEST


@dataclass(frozen=True)
class Persons:
    """The persons of a figure: those of its numerator, all, and those of whom it is not known. `days`: after the first of them, up
    to the second; null where that is not known."""

    hits: Fraction
    all: Fraction
    unknown: Fraction = Fraction(0)
    days: tuple[date, date] | None = None

    @property
    def sizes(self) -> tuple[Fraction, ...]:
        """Every count of persons that its print gives away."""
        return (self.hits, self.all - self.hits - self.unknown, self.unknown, self.all)

    @property
    def is_small(self) -> bool:
        return any(map(is_small, self.sizes))

    def is_near(self, other: Persons) -> bool:
        """Whether one subtracted from the other leaves a small count; of days that do not meet it leaves nothing."""
        if self.days and other.days and not (self.days[0] < other.days[1] and other.days[0] < self.days[1]):
            return False
        return any(is_small(abs(a - b)) for a, b in zip(self.sizes, other.sizes, strict=True))


@dataclass(frozen=True)
class Behind:
    """What a figure is made of. `persons` are those it counts (both sides of a change; empty where it counts none), `small_parts`
    the names of its groups that are small, `population` is the same for figures that put the same observations together in
    different ways; `shows_a_part`: its value is that of a single group."""

    persons: tuple[Persons, ...] = ()
    is_too_few: bool = False  # an institution of too few årsværk
    small_parts: frozenset[str] = frozenset()
    population: Hashable = None
    shows_a_part: bool = False

    @property
    def is_small(self) -> bool:
        return self.is_too_few or any(p.is_small for p in self.persons)


Made = tuple[Behind, ...]  # one for each figure of a row


@dataclass(frozen=True)
class RowBehind:
    """What stands behind a row's figures, its points of the trend and its options by id. `before` is what the edition before
    counted; `hides_changes`: that cannot be told, or was too small."""

    figures: Made
    trend: tuple[Made, ...] = ()
    options: Mapping[str, Made] = field(default_factory=dict)
    before: Persons | None = None
    hides_changes: bool = False


@dataclass(frozen=True)
class Behinds:
    """What stands behind a view: by row, where it counts persons or institutions' staff; and the tables of persons with the extracts
    that fill them, the files that were delivered and the rows of the plan that read them."""

    rows: Mapping[str, RowBehind] = field(default_factory=dict)
    tables: tuple[tuple[str, frozenset[str], frozenset[str], frozenset[str]], ...] = ()


def suppressed(view: View, behind: Behinds) -> View:
    """The view without what is too small to be shown, or would give it away."""
    rows = tuple(_row(row, behind.rows[row.id]) if row.id in behind.rows else row for row in view.rows)
    entries = tuple(_change(c, view.row(c.row), behind.rows[c.row]) if c.row in behind.rows else c for c in view.changes.entries)
    made = replace(view, rows=rows, changes=replace(view.changes, entries=entries))
    for table, extracts, files, readers in behind.tables:
        made = _table(made, table, extracts, files, readers)
    return replace(made, missing=tuple(m for row in made.rows for m in row.missing))


def _row(row: Row, behind: RowBehind) -> Row:
    if _is_withheld(row, behind):
        return _bare(row)
    figures = tuple(_figure(f, b, behind.before) for f, b in zip(row.figures, behind.figures, strict=True))
    rounds = _is_restated(behind)
    shown = [_persons(behind.figures)]
    points = []
    # the newest first: it is the figure itself
    for point, made in reversed(list(zip(row.trend, behind.trend, strict=True))):
        points.append(_point(point, made, shown))
    narrow = {b.population for b, f in zip(behind.figures, row.figures, strict=True) if b.small_parts}
    readings = tuple(
        replace(r, options=tuple(_option(o, behind.options.get(o.id, ()), shown, narrow, rounds) for o in r.options))
        for r in row.readings
    )
    value = _rounded(row.value) if rounds else row.value
    changed = replace(row, value=value, figures=figures, trend=tuple(reversed(points)), readings=readings)
    if figures == row.figures:
        return changed
    return replace(changed, reason=_without_numbers(row.reason), remark=_without_numbers(row.remark))


def _is_withheld(row: Row, behind: RowBehind) -> bool:
    pairs = list(zip(row.figures, behind.figures, strict=True))
    if any(b.is_small or (b.shows_a_part and b.small_parts) or _hidden_names(f.parts, b.small_parts) is None for f, b in pairs):
        return True
    return _is_restated(behind) and not all(_leaves_open(f, b.persons[0]) for f, b in pairs if b.persons)


def _bare(row: Row) -> Row:
    """The row with its verdict, and no number that was counted."""
    return replace(
        row,
        value=_hidden(row.value),
        reason=_without_numbers(row.reason),
        remark=_without_numbers(row.remark),
        figures=tuple(_withheld(f) for f in row.figures),
        trend=tuple(replace(p, value=_hidden(p.value)) for p in row.trend),
        criteria=tuple(
            replace(c, found=_hidden(Amount(c.found)).text, remark=_without_numbers(c.remark, note=False)) for c in row.criteria
        ),
        readings=tuple(replace(r, options=tuple(map(_hidden_option, r.options))) for r in row.readings),
        missing=tuple(replace(m, what=_without_numbers(m.what)) for m in row.missing),
    )


def _withheld(figure: Figure) -> Figure:
    hidden = replace(_uncounted(figure), value=_hidden(figure.value))
    return replace(hidden, parts=(), best=(), spread=None, notes=())


def _uncounted(figure: Figure) -> Figure:
    """Without the counts that the figure is made of."""
    sums = (figure.numerator, figure.denominator, figure.counted, figure.unknown)
    numerator, denominator, counted, unknown = map(_hidden, sums)
    return replace(_untallied(figure), numerator=numerator, denominator=denominator, counted=counted, unknown=unknown)


def _untallied(figure: Figure) -> Figure:
    """Without the numbers that sum to its observations, but those that it shows anyway."""
    return replace(
        figure,
        observations=HIDDEN,
        outside=HIDDEN,
        source_rows=HIDDEN,
        excluded=tuple(replace(x, observations=HIDDEN) for x in figure.excluded),
    )


def _figure(figure: Figure, behind: Behind, before: Persons | None) -> Figure:
    """A figure that may be shown itself."""
    made = figure
    names = _hidden_names(figure.parts, behind.small_parts)
    if names:
        made = replace(made, parts=_parts(figure.parts, names), notes=())
        if any(p.is_chosen and p.name in names for p in figure.parts):
            made = replace(made, best=tuple((n, v if at == 0 else _hidden(v), d) for at, (n, v, d) in enumerate(figure.best)))
    if behind.persons and any(map(is_small, _tally(figure))):
        made = replace(_untallied(made), counted=HIDDEN) if figure.parts else _untallied(made)
    if behind.persons and made.spread and _is_small_somewhere(made.spread):
        made = replace(made, spread=None)
    if before and any(p.is_near(before) for p in behind.persons):
        made = replace(_uncounted(made), value=_rounded(made.value), parts=(), best=(), spread=None, notes=())
    return made


def _tally(figure: Figure) -> list[Fraction]:
    """The counts beside a figure, and how many of the counted are in none of its groups."""
    amounts = (
        figure.observations,
        figure.counted,
        figure.outside,
        figure.source_rows,
        *(x.observations for x in figure.excluded),
    )
    counts = [a.exact or Fraction(0) for a in amounts]
    if figure.parts:
        counts.append(counts[1] - sum((p.denominator.exact or Fraction(0) for p in figure.parts), Fraction(0)))
    return counts


def _is_small_somewhere(spread: Spread) -> bool:
    steps = [(s.observations.exact or Fraction(0), s.hits.exact or Fraction(0)) for s in spread.steps]
    return any(map(is_small, [x for every, hits in steps for x in (every, hits, every - hits)] + [spread.without.exact]))


def _hidden_names(parts: Sequence[Part], small: frozenset[str]) -> frozenset[str] | None:
    """The groups to be hidden: the small ones and, on each side that has some, the smallest of the others. None where there is none."""
    found = set(small)
    for is_chosen in (True, False):
        side = [p for p in parts if p.is_chosen == is_chosen]
        if not any(p.name in small for p in side):
            continue
        others = [p for p in side if p.name not in small and p.denominator.exact]
        if not others:
            return None
        best = min(map(_as_cover, others))
        found |= {p.name for p in others if _as_cover(p) == best}  # all alike: which of them would say something of the names
    return frozenset(found)


def _as_cover(part: Part) -> tuple[bool, Fraction]:
    hits, every = part.numerator.exact or Fraction(0), part.denominator.exact or Fraction(0)
    return (min(hits, every - hits) < FEWEST, every)


def _parts(parts: Sequence[Part], names: frozenset[str]) -> tuple[Part, ...]:
    """The shown groups in their order, then the hidden ones by name."""
    return (*(p for p in parts if p.name not in names), *(Part(name, HIDDEN, HIDDEN, HIDDEN) for name in sorted(names)))


def _point(point: Point, made: Made, shown: list[list[Persons]]) -> Point:
    if not made or not point.value:
        return point
    if any(b.is_small or (b.shows_a_part and b.small_parts) for b in made) or _is_near(_persons(made), shown):
        return replace(point, value=HIDDEN)
    shown.append(_persons(made))
    return replace(point, value=_rounded(point.value)) if any(b.persons for b in made) else point


def _option(option: Option, made: Made, shown: list[list[Persons]], narrow: set[Hashable], rounds: bool) -> Option:
    if option.approved or not made:  # it is the row's own figure
        return replace(option, value=_rounded(option.value), basis=HIDDEN.text) if rounds and option.basis else option
    other = {b.population for b in made} & narrow
    if rounds or other or any(b.is_small or (b.shows_a_part and b.small_parts) for b in made) or _is_near(_persons(made), shown):
        return _hidden_option(option)
    shown.append(_persons(made))
    return option


def _hidden_option(option: Option) -> Option:
    basis = HIDDEN.text if option.basis else ""
    return replace(option, value=_hidden(option.value), basis=basis, remark=_without_numbers(option.remark, note=False))


def _persons(made: Made) -> list[Persons]:
    return [p for b in made for p in b.persons]


def _is_near(persons: list[Persons], shown: Iterable[list[Persons]]) -> bool:
    return any(a.is_near(b) for others in shown for a, b in zip(persons, others, strict=False))


def _is_restated(behind: RowBehind) -> bool:
    """Whether the edition before, subtracted from this one, leaves a small count."""
    before = behind.before
    return before is not None and any(p.is_near(before) for p in _persons(behind.figures))


def _leaves_open(figure: Figure, persons: Persons) -> bool:
    """Whether other counts close by have the same print, so that it says neither numerator nor denominator."""
    if figure.unit != "pct." or figure.value.exact is None:
        return not figure.value
    around = range(1 - FEWEST, FEWEST)
    same = [
        (hits, every)
        for every in (persons.all + n for n in around)
        for hits in (persons.hits + n for n in around)
        if 0 <= hits <= every and every and f"{danish_figure(100 * hits / every, figure.target_exact)} pct." == figure.value.text
    ]
    return len({hits for hits, _ in same}) > 1 and len({every for _, every in same}) > 1


def _change(change: Change, row: Row, behind: RowBehind) -> Change:
    before = behind.before
    if change.what != VALUE or not (
        behind.hides_changes or _is_withheld(row, behind) or _is_restated(behind) or (before is not None and before.is_small)
    ):
        return change
    causes = tuple(re.sub(r" [+−][\d,]+$", "", cause) for cause in change.causes)
    return replace(change, old=HIDDEN.text, new=HIDDEN.text, difference=HIDDEN.text, causes=causes)


def _table(view: View, table: str, extracts: frozenset[str], files: frozenset[str], readers: frozenset[str]) -> View:
    """The view without counts of the rows of a table of persons, when one of them is small."""
    own = [d for d in view.deliveries if d.extract in extracts]
    aside = [s for s in view.set_aside if s.file in files]
    accounts = [a for a in view.accounts if a.table == table]
    amounts = [a for d in own for a in (d.rows_read, d.rows_kept, d.rows_set_aside)] + [s.rows for s in aside]
    amounts += [x for a in accounts for x in (a.read, a.kept, a.set_aside, a.current, a.superseded, a.withdrawn, a.held_back)]
    told = any(f.observations == HIDDEN for row in view.rows if row.id in readers for f in row.figures)  # it sums to them
    if not told and not any(is_small(a.exact) for a in amounts):
        return view
    h = HIDDEN
    return replace(
        view,
        deliveries=tuple(replace(d, rows_read=h, rows_kept=h, rows_set_aside=h) if d in own else d for d in view.deliveries),
        set_aside=tuple(replace(s, rows=h) if s in aside else s for s in view.set_aside),
        accounts=tuple(
            replace(a, read=h, kept=h, set_aside=h, current=h, superseded=h, withdrawn=h, held_back=h) if a in accounts else a
            for a in view.accounts
        ),
        rows=tuple(replace(row, rows_set_aside=h) if row.id in readers else row for row in view.rows),
    )


def _hidden(amount: Amount) -> Amount:
    return HIDDEN if amount else amount


def _rounded(amount: Amount) -> Amount:
    """The print and nothing finer."""
    found = re.match(r"-?\d+(,\d+)?(?= |$)", amount.text)
    return amount if amount.exact is None or not found else Amount(amount.text, Fraction(found[0].replace(",", ".")))


def _without_numbers(text: str, *, note: bool = True) -> str:
    """The sentences without a digit, and that something is hidden."""
    said = [part for part in text.split("; ") if part and not re.search(r"\d", part)]
    return "; ".join([*said, *([NOTE] if note and NOTE not in said else [])])
