"""How the observations behind a figure lie: counts in steps of a measure's declared column, for a picture beside the figure.

The steps are closed above, so that an observation on a limit lies in the step that ends there. Kept beside the cells under the
same fingerprint; the engine only counts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from .counting import Count
from .measures import arguments, observations_sql
from .query import Distribution as Declared
from .scanning import Scanning


@dataclass(frozen=True)
class Step:
    """The counted observations up to `upper` (inclusive, in the column's unit) and above the step before; null = above the top."""

    upper: int | None
    observations: int
    numerator: Fraction
    denominator: Fraction


@dataclass(frozen=True)
class Distribution:
    """Every step from the first to the top, the pooled rest last; `without` are the counted observations with no value."""

    declared: Declared
    mark: int | None
    steps: tuple[Step, ...]
    without: Step


def distribution(scanning: Scanning, count: Count) -> Distribution | None:
    """The distribution behind a count, or None when its measure declares none."""
    measure = scanning.declared.measures[count.scan.measure]
    declared = measure.header.distribution
    if declared is None:
        return None
    sums: dict[int | None, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
    for step, groups, *numbers in _rows(scanning, count, declared):
        if all(group in values for group, (_, values) in zip(groups, count.where, strict=True)):
            sums[step] = [a + Fraction(b) for a, b in zip(sums[step], numbers, strict=True)]
    last = declared.top // declared.step
    steps = [_step(n * declared.step if n <= last else None, sums[n]) for n in range(1, last + 2)]
    mark = dict(count.scan.parameters)[declared.mark] if declared.mark else None
    return Distribution(declared, None if mark is None else int(mark), tuple(steps), _step(None, sums[None]))


def _step(upper: int | None, numbers: list[Fraction]) -> Step:
    return Step(upper, int(numbers[0]), numbers[1], numbers[2])


def _rows(scanning: Scanning, count: Count, declared: Declared) -> list[tuple[int | None, list[str], str, str, str]]:
    """Number of the step (one above the last for what lies beyond; None without a value), the filter's groups, and three sums."""
    measure, groups = scanning.declared.measures[count.scan.measure], [group for group, _ in count.where]
    path = scanning.cells_path(count.scan, [count.options], "-".join(["steps", *groups]) + ".json")
    kept: list[tuple[int | None, list[str], str, str, str]] | None = scanning.home.kept(path) if scanning.keeps_cells else None
    if kept is None:
        value, last = declared.column, declared.top // declared.step
        number = f"least(greatest(({value} + {declared.step - 1}) // {declared.step}, 1), {last + 1})"
        keys = ", ".join(["step", *groups])
        query = (
            f"select case when {value} is null then null else {number} end as step, {''.join(g + ', ' for g in groups)}"
            "count(*), coalesce(sum(numerator), 0), coalesce(sum(denominator), 0) "
            f"from ({observations_sql(measure, [count.options])}) where reason is null group by {keys} order by {keys}"
        )
        scanning.hold(measure)
        found = scanning.connection.execute(query, arguments(measure, count.scan)).fetchall()
        kept = [(r[0], [str(g) for g in r[1:-3]], *map(str, r[-3:])) for r in found]
        if scanning.keeps_cells:
            scanning.home.keep(path, json.dumps(kept))
    return kept
