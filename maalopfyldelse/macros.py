"""Macros for analysts, made from the same query files and plan rows as the figures.

`measures.NAME(as_of, from_date := …, parameter := …, option := …)` returns observations; `"PLAN"."ROW"(as_of)` one row a
reading. Only text is made here; analyst.py runs it. A macro's parameter shadows a column of the same name, which is why queries
name options and columns with their relation (`maal check` proves it).
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from .counting import approved_words, read_under, reading_id
from .declared import Declared
from .measures import Options, readings_cte
from .plan import Plan, Row
from .plan_terms import UNITS, Counting, ResultKind, Target, Window
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
    """Creates the schema of a plan and a macro for each computed row."""
    con.execute(f'create schema "{plan.plan}"')
    for placed in plan.placed.values():
        row = placed.row
        if row.measure and row.result and not row.result.change:
            con.execute(row_macro(plan, row, declared.measures[row.measure]))
            con.execute(f'comment on macro table "{plan.plan}"."{row.id}" is \'{row.text.replace(chr(39), chr(39) * 2)}\'')


def row_macro(plan: Plan, row: Row, measure: Measure) -> str:
    """The macro of one row: for the approved reading and each alternative that can be computed, its window, sums and figure.

    The figure is a double made from exact sums, for looking; the edition holds the exact one.
    """
    approved = approved_words(row)
    wanted = [("approved", "", approved)]
    for reading in row.readings:
        for word, option in reading.options.items():
            if word != reading.approved and option.set:
                wanted.append((f"{reading.id}.{word}", option.text, approved | {reading.id: word}))
    scans: dict[tuple[str, tuple[tuple[str, int | str], ...]], list[tuple[str, str, Options, Counting]]] = defaultdict(list)
    for name, text, words in wanted:
        counting = read_under(row, words).counting
        assert counting is not None
        given = counting.with_
        parameters = tuple((p, given.get(p, spec.default)) for p, spec in measure.header.parameters.items())
        options = tuple((o, given.get(o, allowed[0])) for o, allowed in measure.header.options.items())
        scans[(_window(counting.window), parameters)].append((name, text, options, counting))
    parts, figures = [], []
    for number, ((window, parameters), readings) in enumerate(scans.items()):
        combinations = sorted({options for _, _, options, _ in readings})
        replaced = {"as_of": f"(select to_date from window_{number})", "from_date": f"(select from_date from window_{number})"}
        replaced |= {p: _literal(v, measure.header.parameters[p].type) for p, v in parameters}
        parts.append(f"window_{number} as ({window})")
        parts.append(
            f"observations_{number} as (with {readings_cte(measure, combinations)} select * from (\n"
            f"{_substituted(measure.body, replaced)}\n))"
        )
        figures += [_figure(number, n, t, o, c) for n, t, o, c in readings]
    return (
        f'create or replace macro "{plan.plan}"."{row.id}"(as_of) as table\nwith '
        + ",\n".join(parts)
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


def _figure(number: int, name: str, text: str, options: Options, counting: Counting) -> str:
    target, result, where = counting.target, counting.result, counting.where
    conditions = [f"reading_id = '{reading_id(options)}'", "reason is null"]
    conditions += [f"cast(o.{g} as varchar) in ({', '.join(_text(v) for v in values)})" for g, values in where.items()]
    factor = UNITS[target.unit]
    scale = f" * {factor.numerator} / {factor.denominator}"
    source = f"(select * from observations_{number} as o where {' and '.join(conditions)})"
    return (
        f"select {_text(name)} as reading, {_text(text)} as reading_text, w.from_date + 1 as first_date, w.to_date as last_date, "
        f"s.numerator, s.denominator, case when s.unknown = 0 then s.quotient{scale} end as value, {_text(target.unit)} as unit, "
        f"s.unknown as unknown_observations from window_{number} as w cross join ({_quotient(result, source, target)}) as s"
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
