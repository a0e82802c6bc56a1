"""From a plan row and its readings to what is to be counted.

A *count* is everything that decides one figure: the measure with its options and parameters, the window, the filter, the kind
of result, the target and the grade. Here the approved reading and each alternative are worked out by applying their `set`
entries to the row; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from .dates import months_back
from .errors import CallerError, nearest
from .plan import Grade, Reading, ResultKind, Row, Target, Window, _one_key
from .query import Measure
from .yamlio import validated


@dataclass(frozen=True)
class Days:
    """A window: after `after`, up to and including `to`; both Danish calendar dates."""

    after: date
    to: date


@dataclass(frozen=True)
class Scan:
    """One pass over a measure's query: rows of any plan with the same measure, window and parameters share it."""

    measure: str
    days: Days
    parameters: tuple[tuple[str, int | str], ...]


@dataclass(frozen=True)
class Count:
    """One figure to be computed: a scan, the options that pick its observations, and what is done with them."""

    scan: Scan
    options: tuple[tuple[str, str], ...]
    where: tuple[tuple[str, tuple[str, ...]], ...]
    result: ResultKind
    target: Target
    grade: Grade

    @property
    def reading_id(self) -> str:
        """The options in words; the id of this combination in the observations."""
        return " ".join(f"{name}={word}" for name, word in self.options) or "default"


@dataclass(frozen=True)
class Alternative:
    """A reading's option beside the approved ones. `count` is null when the option needs something that is missing, or when no
    window holds at this date; `reason` then says why."""

    id: str  # S4.c
    text: str
    count: Count | None
    reason: str | None


def window_days(window: Window, as_of: date) -> Days | None:
    """The days a window means at a reporting date, or None when it has none there."""
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
    return Days(fixed.from_ - timedelta(days=1), fixed.to) if fixed else None


def approved_count(row: Row, measure: Measure, as_of: date) -> Count | None:
    """The figure under the approved readings. None when its window has no days at this date."""
    return _count(row, measure, as_of, {r.id: r.approved for r in row.readings})


def alternatives(row: Row, measure: Measure, as_of: date) -> list[Alternative]:
    """Each other option alone against the approved ones, in the plan's order."""
    found = []
    for reading in row.readings:
        for word, option in reading.options.items():
            if word == reading.approved:
                continue
            name, reason, count = f"{reading.id}.{word}", None, None
            if option.needs:
                reason = f"Kan ikke opgøres: kræver {option.needs}"
            elif option.set:
                count = _count(row, measure, as_of, {r.id: r.approved for r in row.readings} | {reading.id: word})
                reason = None if count else "Ingen periode på denne dato"
            else:
                reason = "Ændrer ikke optællingen"
            found.append(Alternative(name, option.text, count, reason))
    return found


def combined_count(row: Row, measure: Measure, as_of: date, chosen: list[str]) -> Count | None:
    """The figure under a combination such as ['S4.c', 'S5.b']. Raises CallerError on an unknown id or an option with `needs`."""
    words = {r.id: r.approved for r in row.readings}
    for item in chosen:
        name, _, word = item.partition(".")
        if name not in words:
            raise CallerError(f"Row {row.id} has no reading '{name}'{nearest(name, words)}")
        reading = next(r for r in row.readings if r.id == name)
        if word not in reading.options:
            raise CallerError(f"Reading {name} has no option '{word}'{nearest(word, reading.options)}")
        if reading.options[word].needs:
            raise CallerError(f"{item} cannot be computed: it needs {reading.options[word].needs}.")
        words[name] = word
    return _count(row, measure, as_of, words)


def applied(row: Row, words: Mapping[str, str], measure: Measure) -> dict[str, Any]:
    """The row's counting as plain values after the options in `words`. Raises CallerError naming row and entry."""
    config: dict[str, Any] = {
        "measure": {},
        "where": dict(row.where),
        "window": row.window,
        "result": row.result,
        "target": row.target,
        "grade": row.grade,
    }
    for name, value in row.with_.items():
        _set_measure(config, name, value, measure, f"row {row.id}: with.{name}")
    for reading in row.readings:
        for path, value in reading.options[words[reading.id]].set.items():
            _apply(config, path, value, measure, _where(row, reading, words[reading.id], path))
    return config


def _where(row: Row, reading: Reading, word: str, path: str) -> str:
    return f"row {row.id}: readings.{reading.id}.options.{word}.set.{path}"


def _apply(config: dict[str, Any], path: str, value: Any, measure: Measure, where: str) -> None:
    head, _, rest = path.partition(".")
    if head == "measure" and rest:
        _set_measure(config, rest, value, measure, where)
    elif head == "where" and rest:
        config["where"][rest] = value
    elif head in ("window", "result", "grade", "target") and not rest:
        kind = {"window": Window, "result": ResultKind, "grade": Grade, "target": Target}[head]
        config[head] = validated(kind, value if head == "target" else _one_key(value), where)
    elif head == "result" and rest:
        merged = config["result"].model_dump(exclude_unset=True, by_alias=True)
        kind_name, _, field = rest.partition(".")
        merged.setdefault(kind_name, {})[field] = value
        config["result"] = validated(ResultKind, merged, where)
    else:
        raise CallerError(f"{where}: may set measure.*, where.*, window, result, result.*.*, target or grade.")


def _set_measure(config: dict[str, Any], name: str, value: Any, measure: Measure, where: str) -> None:
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
        raise CallerError(
            f"{where}: measure {header.measure} has no option or parameter '{name}'"
            f"{nearest(name, [*header.options, *header.parameters])}"
        )
    config["measure"][name] = value


def _count(row: Row, measure: Measure, as_of: date, words: Mapping[str, str]) -> Count | None:
    config = applied(row, words, measure)
    days = window_days(config["window"], as_of)
    if days is None:
        return None
    header, given = measure.header, config["measure"]
    parameters = tuple((name, given.get(name, p.default)) for name, p in header.parameters.items())
    options = tuple((name, given.get(name, allowed[0])) for name, allowed in header.options.items())
    where = tuple((group, tuple(values)) for group, values in config["where"].items())
    return Count(Scan(header.measure, days, parameters), options, where, config["result"], config["target"], config["grade"])
