"""Holding a plan against the measures it names: everything that can be proved without data.

The plan model itself proves weights, ids and shapes (plan.py). Here: measures, options, parameters and groups exist, every reading
can be applied, dates lie inside the contract, numbering has only the gaps that are declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from .counting import approved_words, count_of, read_under
from .declared import Declared
from .errors import MaalError, nearest
from .plan import Plan, Row


def check_plan(plan: Plan, declared: Declared) -> list[str]:
    """What does not hold, each with its row and field; empty when all does."""
    problems = _numbering(plan)
    rows = [placed.row for placed in plan.placed.values()] + [row for amendment in plan.amendments for row in amendment.rows]
    for row in rows:
        dates = [("verdict_dates", d) for d in row.verdict_dates or []]
        dates += [("window.by_date", d) for d in (row.window.by_date or {}) if row.window] if row.window else []
        problems += [f"row {row.id}: {name}: {d} lies outside the contract" for name, d in dates if not _inside(plan, d)]
        unknown = [counting.measure for _, counting in row.countings if counting.measure not in declared.measures]
        if unknown:
            problems.append(f"row {row.id}: measure: no measure is called '{unknown[0]}'{nearest(unknown[0], declared.measures)}")
        else:
            problems += _row(row, declared, plan.contract.to)
    return list(dict.fromkeys(problems))


def _inside(plan: Plan, day: date) -> bool:
    return plan.contract.from_ <= day <= plan.contract.to


def _row(row: Row, declared: Declared, as_of: date) -> list[str]:
    """Every reading applies, and what it then counts exists."""
    approved = approved_words(row)
    choices = [approved] + [approved | {r.id: word} for r in row.readings for word in r.options if word != r.approved]
    problems = []
    for words in choices:
        try:
            read = read_under(row, words)
            for _, counting in read.countings:
                measure = declared.measures[counting.measure]
                count_of(counting, measure, as_of, f"row {row.id}")
                if read.grade.proportional and (measure.header.counts == "persons" or measure.header.staff):
                    problems.append(
                        f"row {row.id}: grade: proportional would tell by the row's points a figure that is withheld because it is of "
                        "few persons; use threshold or steps"
                    )
        except MaalError as error:
            problems.append(str(error))
    return problems or list(_without_effect(row, approved))


def _without_effect(row: Row, approved: dict[str, str]) -> Iterator[str]:
    """Options that set something and change nothing, as when the approved option of a later reading sets it again: their figure would
    be the approved one under another name."""
    stands = read_under(row, approved)
    for reading in row.readings:
        for word, option in reading.options.items():
            if word != reading.approved and option.set and read_under(row, approved | {reading.id: word}) == stands:
                yield (
                    f"row {row.id}: readings.{reading.id}.options.{word}: changes nothing; another reading's approved option sets "
                    f"{' and '.join(option.set)} too, or the row says so already"
                )


def _numbering(plan: Plan) -> list[str]:
    """Numbers of one level follow one another; what the text itself skips stands in known_gaps."""
    groups: dict[str, list[int]] = {}
    for row_id in plan.placed:
        match = re.fullmatch(r"(.*?)(\d+)", row_id)
        if match:
            groups.setdefault(match[1], []).append(int(match[2]))
    problems = []
    for prefix, numbers in groups.items():
        known = {f"{prefix}{n}" for n in numbers} | set(plan.known_gaps)
        # A number that only stands above others (T1 over T1.a) is not skipped.
        known |= {".".join(parts[:n]) for parts in (row_id.split(".") for row_id in plan.placed) for n in range(1, len(parts))}
        skipped = [n for n in range(1, max(numbers)) if f"{prefix}{n}" not in known]
        if skipped:
            problems.append(f"row ids skip {prefix}{skipped[0]}; if the text does so, name it in known_gaps")
        if numbers != sorted(numbers):
            problems.append(f"row ids {prefix}… are not in order")
    return problems
