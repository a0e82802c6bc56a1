"""Holding a plan against the measures it names: everything that can be proved without data.

The plan model itself proves weights, ids and shapes (plan.py). Here: measures, options, parameters and groups exist, every
reading can be applied, dates lie inside the contract.
"""

from __future__ import annotations

from .counting import alternatives, applied
from .declared import Declared
from .errors import MaalError, nearest
from .plan import Plan, ResultKind, Row
from .query import Measure


def check_plan(plan: Plan, declared: Declared) -> list[str]:
    """What does not hold, each with its row and field; empty when all does."""
    problems: list[str] = []
    for placed in plan.placed.values():
        row = placed.row
        problems += [
            f"row {row.id}: verdict_dates: {d} lies outside the contract" for d in row.verdict_dates or [] if not _inside(plan, d)
        ]
        for date_ in (row.window.by_date or {}) if row.window else {}:
            if not _inside(plan, date_):
                problems.append(f"row {row.id}: window.by_date: {date_} lies outside the contract")
        if row.measure is None:
            problems += _only_grades(row)
        elif row.measure not in declared.measures:
            problems.append(
                f"row {row.id}: measure: no measure is called '{row.measure}'{nearest(row.measure, declared.measures)}"
            )
        else:
            problems += _row(row, declared.measures[row.measure], plan)
    return problems


def _inside(plan: Plan, day: object) -> bool:
    return plan.contract.from_ <= day <= plan.contract.to  # type: ignore[operator]


def _only_grades(row: Row) -> list[str]:
    problems = []
    for reading in row.readings:
        for word, option in reading.options.items():
            wrong = [path for path in option.set if path != "grade"]
            if wrong:
                problems.append(
                    f"row {row.id}: readings.{reading.id}.options.{word}.set.{wrong[0]}: the row has no measure; only grade can be set"
                )
    return problems


def _row(row: Row, measure: Measure, plan: Plan) -> list[str]:
    problems = []
    approved = {r.id: r.approved for r in row.readings}
    choices = [approved] + [approved | {r.id: word} for r in row.readings for word in r.options if word != r.approved]
    for words in choices:
        try:
            config = applied(row, words, measure)
        except MaalError as error:
            problems.append(str(error))
            continue
        for group in (*config["where"], *_groups(config["result"])):
            if group not in measure.header.groups:
                problems.append(
                    f"row {row.id}: measure {measure.name} has no group '{group}'{nearest(group, measure.header.groups)}"
                )
    if not problems:
        alternatives(row, measure, plan.contract.to)
    return list(dict.fromkeys(problems))


def _groups(result: ResultKind) -> list[str]:
    named = [result.mean_of, result.worst_of, result.sum_of]
    named.append(result.best.group if result.best else None)
    named.append(result.pooled.denominator_mean_of if result.pooled else None)
    return [group for group in named if group]
