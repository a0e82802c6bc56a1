"""From cells to a figure: the kinds of result, each once, in exact arithmetic.

Pooled, mean, worst and sum over a group, and the best n with ties. A figure is an interval: what is not known widens it, and
where nothing can be said it has none and a reason. No rounding happens here; how a figure becomes a degree is grading.py's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from .counting import Count
from .measures import Cell, Scanned
from .plan_terms import UNITS, Best, Pooled, ResultKind
from .query import IS_APPROVED

Kind = Literal["share", "mean", "stock", "ratio"]


@dataclass
class Sums:
    """Numerator and denominator of the counted observations of a group; `unknown` is the denominator of those whose numerator is
    not known, `unsized` how many there are whose denominator is not known either."""

    numerator: Fraction = Fraction(0)
    denominator: Fraction = Fraction(0)
    unknown: Fraction = Fraction(0)
    unsized: int = 0
    unknown_observations: int = 0

    def add(self, cell: Cell) -> None:
        if cell.is_known:
            self.numerator += Fraction(cell.numerator)
            self.denominator += Fraction(cell.denominator)
        else:
            self.unknown += Fraction(cell.denominator)
            self.unknown_observations += cell.observations
            self.unsized += cell.observations - cell.sized

    def plus(self, other: Sums) -> Sums:
        return Sums(
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            self.unknown + other.unknown,
            self.unsized + other.unsized,
            self.unknown_observations + other.unknown_observations,
        )


@dataclass(frozen=True)
class Figure:
    """What one count came to, in the target's unit. `low` = `high` when everything is known; both null when it cannot be computed,
    and `reason` says why. `is_empty` marks that there was nothing to count, `is_beyond` that a change has something above 0 over 0,
    which no number says but every target can be held against. `by_n` has the figure of each n of a best-n result.
    `unapproved` counts the observations that nobody approved, where a register asks for it."""

    low: Fraction | None
    high: Fraction | None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    reason: str | None = None
    is_empty: bool = False
    is_beyond: bool = False
    by_n: dict[int, Fraction | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    counted: int = 0
    unknown: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    outside_where: int = 0
    unapproved: int = 0
    by_group: tuple[tuple[str, Fraction, Fraction], ...] = ()

    def lacking(self, reason: str) -> Figure:
        """The same observations, and no figure, since something that must have been delivered was not."""
        return replace(self, low=None, high=None, reason=reason, is_empty=False, is_beyond=False, by_n={}, notes=(), by_group=())

    @property
    def value(self) -> Fraction | None:
        """The figure when it is one number."""
        return self.low if self.low == self.high else None


def figure(scanned: Scanned, count: Count, kind: Kind, against: Scanned | None = None) -> Figure:
    """The figure of one count from the cells of its scan; a change also takes the cells of what it is divided by."""
    if count.against:
        assert against is not None
        return _change(figure(scanned, _pooled(count), kind), figure(against, count.against, kind), UNITS[count.target.unit])
    chosen, tally = _select(scanned, count)
    factor = UNITS[count.target.unit]
    total = Sums()
    for sums in chosen.values():
        total = total.plus(sums)
    index = {name: n for n, name in enumerate(scanned.groups)}
    result = count.result
    common = {"numerator": total.numerator, "denominator": total.denominator + total.unknown, **tally}
    if total.unsized:
        return Figure(None, None, reason=f"Mangler data: omfanget af {total.unsized} dele er ikke kendt", **common)
    if total.unknown_observations and (kind in ("mean", "ratio") or result.best):
        return Figure(None, None, reason=f"Mangler data: {total.unknown_observations} observationer uden værdi", **common)
    if total.denominator + total.unknown == 0:
        return Figure(None, None, reason="Intet at opgøre: nævneren er 0", is_empty=True, **common)
    if result.best:
        return _best(_by(chosen, index[result.best.group]), result.best, factor, tally)
    if result.pooled is not None:
        if result.pooled.denominator_mean_of:
            values = len(_by(chosen, index[result.pooled.denominator_mean_of]))
            common["denominator"] = common["denominator"] / values
            total = Sums(total.numerator, total.denominator / values, total.unknown / values)
        low, high = _bounds(total)
        return Figure(low * factor, high * factor, **common)
    group = result.mean_of or result.worst_of or result.sum_of
    assert group is not None
    parts = _by(chosen, index[group])
    bounds = [_bounds(sums) for sums in parts.values() if sums.denominator + sums.unknown]
    if result.worst_of:
        pick = min if count.target.higher_is_better else max
        low, high = pick(b[0] for b in bounds), pick(b[1] for b in bounds)
    else:
        divisor = len(bounds) if result.mean_of else 1
        low, high = sum((b[0] for b in bounds), Fraction(0)) / divisor, sum((b[1] for b in bounds), Fraction(0)) / divisor
    return Figure(low * factor, high * factor, by_group=_listed(parts), **common)


def _pooled(count: Count) -> Count:
    return replace(count, result=ResultKind(pooled=Pooled()), against=None)


def _change(one: Figure, other: Figure, factor: Fraction) -> Figure:
    """One figure divided by the other. Both 0 counts as empty, so that a row may say whether that is fulfilment; something over 0
    lies beyond every target (N11: the text asks for own ≤ 0,95 · 0, which 0 meets and nothing above it)."""
    tally: dict[str, Any] = {
        "counted": one.counted,
        "unknown": one.unknown,
        "excluded": one.excluded,
        "outside_where": one.outside_where,
        "unapproved": one.unapproved + other.unapproved,
    }
    if one.value is None or other.value is None or other.value == 0:
        of_the_other = f"Det, tallet holdes op imod: {other.reason}" if other.reason else None
        reason = one.reason or of_the_other or "Intet at holde op imod: sammenligningstallet er 0 eller ikke kendt"
        beyond = other.value == 0 and one.value is not None and one.value > 0
        return Figure(None, None, reason=reason, is_empty=one.value == 0 == other.value, is_beyond=beyond, **tally)
    value = one.value / other.value * factor
    return Figure(value, value, one.value / factor, other.value / factor, **tally)


def _select(scanned: Scanned, count: Count) -> tuple[dict[tuple[Any, ...], Sums], dict[str, Any]]:
    wanted = [(scanned.groups.index(group), set(values)) for group, values in count.where]
    chosen: dict[tuple[Any, ...], Sums] = defaultdict(Sums)
    excluded: dict[str, int] = defaultdict(int)
    approved = scanned.groups.index(IS_APPROVED) if IS_APPROVED in scanned.groups else None
    counted = unknown = outside = unapproved = 0
    for cell in scanned.by_reading.get(count.reading_id, ()):
        if any(str(cell.groups[n]) not in values for n, values in wanted):
            outside += cell.observations
        elif cell.reason is not None:
            excluded[cell.reason] += cell.observations
        else:
            counted += cell.observations if cell.is_known else 0
            unknown += 0 if cell.is_known else cell.observations
            unapproved += cell.observations if approved is not None and cell.groups[approved] == str(False) else 0
            chosen[cell.groups].add(cell)
    tally = {"counted": counted, "unknown": unknown, "excluded": dict(sorted(excluded.items())), "outside_where": outside}
    return chosen, tally | {"unapproved": unapproved}


def _by(chosen: dict[tuple[Any, ...], Sums], position: int) -> dict[str, Sums]:
    parts: dict[str, Sums] = defaultdict(Sums)
    for groups, sums in chosen.items():
        parts[str(groups[position])] = parts[str(groups[position])].plus(sums)
    return dict(sorted(parts.items()))


def _bounds(sums: Sums) -> tuple[Fraction, Fraction]:
    whole = sums.denominator + sums.unknown
    return sums.numerator / whole, (sums.numerator + sums.unknown) / whole


def _listed(parts: dict[str, Sums]) -> tuple[tuple[str, Fraction, Fraction], ...]:
    return tuple((name, sums.numerator, sums.denominator + sums.unknown) for name, sums in parts.items())


def _best(parts: dict[str, Sums], best: Best, factor: Fraction, tally: dict[str, Any]) -> Figure:
    large_enough = {name: s for name, s in parts.items() if s.denominator and s.denominator >= best.min_size}
    size_order = {"larger_first": -1, "smaller_first": 1}.get(best.ties, 0)

    def rank(item: tuple[str, Sums]) -> tuple[Fraction, Fraction, str]:
        name, sums = item
        return -(sums.numerator / sums.denominator), size_order * sums.denominator, name

    ranked = sorted(large_enough.items(), key=rank)
    by_n: dict[int, Fraction | None] = {}
    sums_of: dict[int, Sums] = {}
    notes: list[str] = []
    for n in best.n:
        if len(ranked) < n:
            by_n[n] = None
            continue
        edge = ranked[n - 1][1]
        share = edge.numerator / edge.denominator
        taken = ranked[:n]
        tied = [item for item in ranked[n:] if item[1].numerator / item[1].denominator == share]
        if tied:
            equal = sum(s.numerator / s.denominator == share for _, s in ranked)
            notes.append(f"Delt plads ved nr. {n}: {equal} med samme andel")
            if best.ties == "include_all":
                taken = taken + tied
        total = Sums()
        for _, sums in taken:
            total = total.plus(sums)
        shares = [s.numerator / s.denominator for _, s in taken]
        by_n[n] = {
            "pooled": total.numerator / total.denominator,
            "each": min(shares),
            "mean": sum(shares, Fraction(0)) / len(shares),
        }[best.of] * factor
        sums_of[n] = total
    top = best.n[0]
    if by_n[top] is None:
        reason = f"Kun {len(ranked)} grupper at vælge {top} blandt"
        return Figure(None, None, reason=reason, by_n=by_n, by_group=_listed(dict(ranked)), **tally)
    return Figure(
        by_n[top],
        by_n[top],
        sums_of[top].numerator,
        sums_of[top].denominator,
        by_n=by_n,
        notes=tuple(notes),
        by_group=_listed(dict(ranked)),
        **tally,
    )
