"""Macros for analysts, made from the same query files and plan rows as the figures.

`measures.NAME(as_of, from_date := …, parameter := …, option := …)` returns observations; `"PLAN"."ROW"(as_of)` one row a
reading, `"PLAN"."ROW/CRITERION"(as_of)` the same for a figure that a row's criterion asks for. Only text is made here; analyst.py
runs it. A macro's parameter shadows a column of the same name, which is why queries name options and columns with their relation
(`maal check` proves it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from .counting import approved_words, read_under, reading_id
from .declared import Declared
from .measures import Options, readings_cte
from .plan import Plan, Row
from .plan_criteria import Counting
from .plan_terms import UNITS, Change, Pooled, ResultKind, Target, Window
from .query import Measure

if TYPE_CHECKING:
    import duckdb


def measure_macro(measure: Measure, declared: Declared) -> str:
    """The macro of a measure's observations. `from_date` (exclusive) is by default the day before the year of `as_of`."""
    header = measure.header
    given = ["as_of", "from_date := null"]
    given += [f'"{name}" := {_literal(p.default, p.type)}' for name, p in header.parameters.items()]
    given += [f"\"{name}\" := '{words[0]}'" for name, words in header.options.items()]
    options = ", ".join(f'{_guarded(name, words)} as "{name}"' for name, words in header.options.items())
    replaced = {"as_of": "as_of", "from_date": f"coalesce(from_date, {_YEAR_START})"}
    replaced |= {name: f'cast("{name}" as {p.type})' for name, p in header.parameters.items()}
    return (
        f"create or replace macro measures.{measure.name}({', '.join(given)}) as table\n"
        f"with readings as (select 'asked' as reading_id{', ' + options if options else ''}),\n"
        f"observations as (\n{_substituted(measure.body, replaced)}\n)\nselect * from observations"
    )


_YEAR_START = "make_date(cast(year(as_of) as bigint) - 1, 12, 31)"


def _guarded(name: str, words: list[str]) -> str:
    """The option, or an error that lists its words: an unknown word would silently fall through the query's cases."""
    listed = ", ".join(f"'{w}'" for w in words)
    return f'case when "{name}" in ({listed}) then "{name}" else error(\'{name}: one of {", ".join(words)}\') end'


def _literal(value: int | str, type_: str) -> str:
    text = "'" + str(value).replace("'", "''") + "'"
    return f"cast({text} as {type_})"


def _substituted(body: str, values: dict[str, str]) -> str:
    return re.sub(r"\$([a-z_]+)", lambda m: f"({values[m[1]]})", body)


def plan_macros(con: duckdb.DuckDBPyConnection, plan: Plan, declared: Declared) -> None:
    """Creates the schema of a plan and a macro for each counted figure: a row's own, and those of its criteria."""
    con.execute(f'create schema "{plan.plan}"')
    for placed in plan.placed.values():
        row = placed.row
        texts = {criterion.id: criterion.text for criterion in row.criteria}
        for criterion, counting in row.countings:
            con.execute(figure_macro(plan, row, criterion, declared.measures[counting.measure]))
            text = row.text if criterion is None else f"{row.text} – {texts[criterion]}"
            con.execute(f'comment on macro table "{plan.plan}"."{macro_name(row, criterion)}" is {_text(text)}')


def macro_name(row: Row, criterion: str | None) -> str:
    """`M2.A` for a row's own figure, `M8.A/plan` for that of a criterion."""
    return row.id if criterion is None else f"{row.id}/{criterion}"


@dataclass
class _Scans:
    """The windows and observations that a macro's figures stand on, as common table expressions."""

    measure: Measure
    numbers: dict[tuple[str, tuple[tuple[str, int | str], ...]], int] = field(default_factory=dict)
    asked: dict[int, set[Options]] = field(default_factory=dict)

    def number(self, window: Window, counting: Counting) -> int:
        """The scan of a window under the settings of a figure."""
        header, given = self.measure.header, counting.with_
        key = (_window(window), tuple((p, given.get(p, spec.default)) for p, spec in header.parameters.items()))
        number = self.numbers.setdefault(key, len(self.numbers))
        self.asked.setdefault(number, set()).add(_options(self.measure, counting))
        return number

    @property
    def parts(self) -> Iterator[str]:
        header = self.measure.header
        for (window, parameters), number in self.numbers.items():
            replaced = {name: f"(select {name} from window_{number})" for name in ("from_date", "to_date")}
            replaced = {"as_of": replaced["to_date"], "from_date": replaced["from_date"]}
            replaced |= {p: _literal(v, header.parameters[p].type) for p, v in parameters}
            yield f"window_{number} as ({window})"
            yield (
                f"observations_{number} as (with {readings_cte(self.measure, sorted(self.asked[number]))} select * from (\n"
                f"{_substituted(self.measure.body, replaced)}\n))"
            )


def _options(measure: Measure, counting: Counting) -> Options:
    return tuple((name, counting.with_.get(name, allowed[0])) for name, allowed in measure.header.options.items())


def figure_macro(plan: Plan, row: Row, criterion: str | None, measure: Measure) -> str:
    """The macro of one figure: for the approved reading and each alternative that can be computed, its window, sums and value.

    The value is a double made from exact sums, for looking; the edition holds the exact one. Of a change, numerator and
    denominator are the two figures, doubles as well.
    """
    approved = approved_words(row)
    wanted = [("approved", "", approved)]
    for reading in row.readings:
        for word, option in reading.options.items():
            if word != reading.approved and option.set:
                wanted.append((f"{reading.id}.{word}", option.text, approved | {reading.id: word}))
    scans, figures = _Scans(measure), []
    for name, text, words in wanted:
        counting = dict(read_under(row, words).countings).get(criterion)
        if counting is not None:
            figures.append(_figure(scans, name, text, counting))
    return (
        f'create or replace macro "{plan.plan}"."{macro_name(row, criterion)}"(as_of) as table\nwith '
        + ",\n".join(scans.parts)
        + "\n"
        + "\nunion all\n".join(figures)
    )


def _window(window: Window) -> str:
    """A one-row SELECT of from_date (exclusive) and to_date as SQL over the macro's as_of."""
    if window.year_to_date is not None:
        return f"select {_YEAR_START} as from_date, cast(as_of as date) as to_date"
    if window.stock is not None:
        return "select cast(as_of as date) - 1 as from_date, cast(as_of as date) as to_date"
    if window.rolling is not None:
        back = 2 if window.rolling.include_start else 1
        return f"select add_months(cast(as_of as date) + 1, -{window.rolling.months}) - {back} as from_date, cast(as_of as date) as to_date"
    if window.fixed is not None:
        return f"select date '{window.fixed.from_ - timedelta(days=1)}' as from_date, least(date '{window.fixed.to}', cast(as_of as date)) as to_date"
    assert window.by_date is not None
    entries = sorted(window.by_date.items(), reverse=True)
    starts = " ".join(f"when as_of >= date '{day}' then date '{w.from_ - timedelta(days=1)}'" for day, w in entries)
    ends = " ".join(f"when as_of >= date '{day}' then least(date '{w.to}', cast(as_of as date))" for day, w in entries)
    return f"select case {starts} end as from_date, case {ends} end as to_date"


def _figure(scans: _Scans, name: str, text: str, counting: Counting) -> str:
    target, number = counting.target, scans.number(counting.window, counting)
    factor = UNITS[target.unit]
    scale = f" * {factor.numerator} / {factor.denominator}"
    if counting.result.change:
        sums = _quotient_of_two(scans, number, counting, counting.result.change)
    else:
        sums = _quotient(counting.result, _source(scans, number, counting, counting.where), target)
    return (
        f"select {_text(name)} as reading, {_text(text)} as reading_text, w.from_date + 1 as first_date, w.to_date as last_date, "
        f"s.numerator, s.denominator, case when s.unknown = 0 then s.quotient{scale} end as value, {_text(target.unit)} as unit, "
        f"s.unknown as unknown_observations from window_{number} as w cross join ({sums}) as s"
    )


def _source(scans: _Scans, number: int, counting: Counting, where: Mapping[str, list[str]]) -> str:
    """The counted observations of a scan that a filter takes."""
    conditions = [f"reading_id = '{reading_id(_options(scans.measure, counting))}'", "reason is null"]
    conditions += [f"cast(o.{g} as varchar) in ({', '.join(_text(v) for v in values)})" for g, values in where.items()]
    return f"(select * from observations_{number} as o where {' and '.join(conditions)})"


def _quotient_of_two(scans: _Scans, number: int, counting: Counting, change: Change) -> str:
    """The pooled figure over the other one; see results.py."""
    pooled = ResultKind(pooled=Pooled())
    other = ResultKind(mean_of=change.mean_of) if change.mean_of else pooled
    against = scans.number(change.against, counting) if change.against else number
    filter_ = counting.where if change.where is None else change.where
    one = _quotient(pooled, _source(scans, number, counting, counting.where), counting.target)
    two = _quotient(other, _source(scans, against, counting, filter_), counting.target)
    return (
        "select a.quotient as numerator, b.quotient as denominator, a.quotient / nullif(b.quotient, 0) as quotient, "
        f"a.unknown + b.unknown as unknown from ({one}) as a cross join ({two}) as b"
    )


def _quotient(result: ResultKind, source: str, target: Target) -> str:
    """One row: numerator, denominator, quotient, unknown."""
    sums = (
        "cast(sum(x.numerator) as decimal(38, 6)) as numerator, cast(sum(x.denominator) as decimal(38, 6)) as denominator, "
        "cast(coalesce(sum(case when x.is_known then 0 else 1 end), 0) as bigint) as unknown"
    )
    if result.pooled is not None:
        divisor = f"count(distinct x.{result.pooled.denominator_mean_of})" if result.pooled.denominator_mean_of else "1"
        return (
            f"select numerator, denominator / n as denominator, cast(numerator as double) * n / nullif(denominator, 0) as quotient, unknown "
            f"from (select {sums}, {divisor} as n from {source} as x)"
        )
    best = result.best
    group = best.group if best else result.mean_of or result.worst_of or result.sum_of
    groups = f"(select x.{group} as code, {sums} from {source} as x group by x.{group})"
    if best is None:
        worst = "min" if target.higher_is_better else "max"
        how = {"mean_of": "avg", "worst_of": worst, "sum_of": "sum"}[next(iter(result.model_fields_set))]
        return (
            f"select sum(g.numerator) as numerator, sum(g.denominator) as denominator, "
            f"{how}(cast(g.numerator as double) / nullif(g.denominator, 0)) as quotient, cast(sum(g.unknown) as bigint) as unknown from {groups} as g"
        )
    size = {"larger_first": "b.denominator desc, ", "smaller_first": "b.denominator, "}.get(best.ties, "")
    ranked = (
        f"(select b.*, cast(b.numerator as double) / b.denominator as share, "
        f"row_number() over (order by cast(b.numerator as double) / b.denominator desc, {size}b.code) as place "
        f"from {groups} as b where b.denominator > 0 and b.denominator >= {best.min_size})"
    )
    n = best.n[0]
    within = f"r.place <= {n}"
    if best.ties == "include_all":
        within = f"r.share >= (select min(e.share) from {ranked} as e where e.place <= {n})"
    how = {"pooled": "cast(sum(r.numerator) as double) / sum(r.denominator)", "each": "min(r.share)", "mean": "avg(r.share)"}[
        best.of
    ]
    return (
        f"select sum(r.numerator) as numerator, sum(r.denominator) as denominator, {how} as quotient, "
        f"cast(sum(r.unknown) as bigint) as unknown from {ranked} as r where {within}"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
