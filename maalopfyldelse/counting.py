"""From a plan row and its readings to what is to be counted.

A *count* is everything that decides one figure: the measure with its options and parameters, the window, the filter, the kind of
result and the target. Here a row is read under the approved options or others, by applying their `set` entries to it; nothing is
computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError

from .dates import add_months, months_back
from .errors import CallerError, nearest
from .plan import Row
from .plan_criteria import Counting
from .plan_terms import Pooled, ResultKind, Target, Window, one_key
from .query import Measure
from .yamlio import validated


@dataclass(frozen=True)
class Days:
    """A window: after `after`, up to and including `to`; both Danish calendar dates."""

    after: date
    to: date

    @property
    def months(self) -> list[Days]:
        """The calendar months that it reaches into, in order, each no longer than it."""
        found, after = [], self.after
        while after < self.to:
            end = add_months((after + timedelta(days=1)).replace(day=1), 1) - timedelta(days=1)
            found.append(Days(after, min(end, self.to)))
            after = end
        return found


@dataclass(frozen=True)
class Scan:
    """One pass over a measure's query: rows of any plan with the same measure, window and parameters share it."""

    measure: str
    days: Days
    parameters: tuple[tuple[str, int | str], ...]


@dataclass(frozen=True)
class Count:
    """One figure to be computed: a scan, the options that pick its observations, and what is done with them. `against` is what
    the figure of a change is divided by."""

    scan: Scan
    options: tuple[tuple[str, str], ...]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    result: ResultKind
    target: Target
    against: Count | None = None

    @property
    def reading_id(self) -> str:
        """The options in words; the id of this combination in the observations."""
        return reading_id(self.options)

    @property
    def scans(self) -> tuple[Scan, ...]:
        return (self.scan, self.against.scan) if self.against else (self.scan,)


def reading_id(options: tuple[tuple[str, str], ...]) -> str:
    """`denominator=all wait_from=first_queue`, or `default` for a measure without options."""
    return " ".join(f"{name}={word}" for name, word in options) or "default"


def window_days(window: Window, as_of: date) -> Days | None:
    """The days a window means at a reporting date, none of them after it; None when it has none there."""
    if window.year_to_date is not None:
        return Days(date(as_of.year - 1, 12, 31), as_of)
    if window.stock is not None:
        return Days(as_of - timedelta(days=1), as_of)
    if window.rolling is not None:
        after = months_back(as_of, window.rolling.months)
        return Days(after - timedelta(days=1) if window.rolling.include_start else after, as_of)
    fixed = window.fixed
    if window.by_date is not None:
        due = [day for day in window.by_date if day <= as_of]
        fixed = window.by_date[max(due)] if due else None
    if fixed is None or fixed.from_ > as_of:
        return None
    return Days(fixed.from_ - timedelta(days=1), min(fixed.to, as_of))


def approved_words(row: Row) -> dict[str, str]:
    """The approved option of each reading."""
    return {reading.id: reading.approved for reading in row.readings}


def read_under(row: Row, words: Mapping[str, str]) -> Row:
    """The row with the `set` entries of the given options applied, in the order of its readings.

    Raises CallerError naming row, reading, option and path when an entry does not fit.
    """
    changed: dict[str, Any] | None = None
    where = f"row {row.id}"
    for reading in row.readings:
        for path, value in reading.options[words[reading.id]].set.items():
            where = f"row {row.id}: readings.{reading.id}.options.{words[reading.id]}.set.{path}"
            changed = row.model_dump(by_alias=True, exclude_unset=True, exclude={"readings"}) if changed is None else changed
            _put(changed, path.split("."), value, where)
    if changed is None:
        return row
    try:
        return Row.model_validate(changed)
    except ValidationError:
        return validated(Row, changed, where)


_PUT_AT = ("measure", "where", "window", "result", "target", "grade", "criteria")


def _put(into: dict[str, Any], path: list[str], value: Any, where: str) -> None:
    if path[0] not in _PUT_AT or (path[0] == "measure" and len(path) != 2):
        raise CallerError(f"{where}: may set measure.NAME, where.GROUP, window, result, target, grade or criteria.ID.…")
    at: Any = into
    names = ["with", path[1]] if path[0] == "measure" else path
    for name in names[:-1]:
        if isinstance(at, list):
            found = [item for item in at if item.get("id") == name]
            if not found:
                raise CallerError(f"{where}: no criterion '{name}'{nearest(name, [item.get('id', '') for item in at])}")
            at = found[0]
            continue
        at = at.setdefault(name, {})
        if isinstance(at, str):
            raise CallerError(f"{where}: '{name}' is a word and has nothing below it")
    at[names[-1]] = one_key(value) if names[-1] in ("window", "result", "grade") else value


def count_of(counting: Counting, measure: Measure, as_of: date, where: str) -> Count | None:
    """The count a figure means at a reporting date; None when its window has no days there.

    Raises CallerError when the measure has no such option, parameter, word or group.
    """
    header, given = measure.header, counting.with_
    for name, value in given.items():
        _known_setting(measure, name, value, f"{where}: with.{name}")
    result = counting.result
    for group in (*counting.where, *groups_of(result), *(result.change.where or {} if result.change else {})):
        if group not in header.groups:
            raise CallerError(f"{where}: measure {measure.name} has no group '{group}'{nearest(group, header.groups)}")
    days = window_days(counting.window, as_of)
    other = window_days(result.change.against, as_of) if result.change and result.change.against else days
    if days is None or other is None:
        return None
    parameters = tuple((name, given.get(name, p.default)) for name, p in header.parameters.items())
    options = tuple((name, given.get(name, words[0])) for name, words in header.options.items())
    against = None
    if change := result.change:
        kind = ResultKind(mean_of=change.mean_of) if change.mean_of else ResultKind(pooled=Pooled())
        filter_ = _filter(counting.where if change.where is None else change.where)
        against = Count(Scan(header.measure, other, parameters), options, filter_, kind, counting.target)
    return Count(Scan(header.measure, days, parameters), options, _filter(counting.where), result, counting.target, against)


def _filter(where: Mapping[str, list[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((group, tuple(values)) for group, values in where.items())


def groups_of(result: ResultKind) -> list[str]:
    """The groups that a kind of result names."""
    named = [result.mean_of, result.worst_of, result.sum_of]
    named.append(result.best.group if result.best else None)
    named.append(result.pooled.denominator_mean_of if result.pooled else None)
    named.append(result.change.mean_of if result.change else None)
    return [group for group in named if group]


def _known_setting(measure: Measure, name: str, value: Any, where: str) -> None:
    header = measure.header
    if name in header.options:
        if value not in header.options[name]:
            raise CallerError(
                f"{where}: measure {header.measure} has no word '{value}'{nearest(str(value), header.options[name])}"
            )
    elif name in header.parameters:
        allowed = header.parameters[name].values
        if allowed and value not in allowed:
            raise CallerError(f"{where}: '{value}' is not allowed{nearest(str(value), allowed)}")
    else:
        known = [*header.options, *header.parameters]
        raise CallerError(f"{where}: measure {header.measure} has no option or parameter '{name}'{nearest(name, known)}")


def chosen_words(row: Row, chosen: list[str]) -> dict[str, str]:
    """The approved options with those of `chosen` in their place (['S4.c', 'S5.b']).

    Raises CallerError on an unknown id, an option that needs something, or two options of one reading.
    """
    words, taken = approved_words(row), dict[str, str]()
    for item in chosen:
        name, _, word = item.rpartition(".")
        if name not in words:
            raise CallerError(f"Row {row.id} has no reading '{name or item}'{nearest(name or item, words)}")
        reading = next(r for r in row.readings if r.id == name)
        if word not in reading.options:
            raise CallerError(f"Reading {name} has no option '{word}'{nearest(word, reading.options)}")
        if reading.options[word].needs:
            raise CallerError(f"{item} cannot be computed: it needs {reading.options[word].needs}.")
        if taken.setdefault(name, word) != word:
            raise CallerError(f"{name}.{taken[name]} and {item} answer the same question. Choose one of them.")
        words[name] = word
    return words
