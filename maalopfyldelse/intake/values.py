"""One cell's text to one typed value, as SQL: strict shapes, nothing guessed, nothing rounded.

Each function gives an expression that is null where the text does not fit, or the conditions that tell why. The engine's own casts
take `1e3`, ` 12 `, `1_000` and round `1.5`, so a shape is proved first. What is made of them for a column
is cells.py's.
"""

from __future__ import annotations

import re
from itertools import takewhile

from ..contract_source import Source
from ..errors import CallerError
from . import zones

ISO_TIMES = [f"%Y-%m-%d{between}%H:%M:%S{part}{zone}" for between in ("T", " ") for part in ("", ".%f") for zone in ("", "%z")]
_SHAPES = {
    "Y": "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])",  # there is no year 0
    "m": "(0[1-9]|1[0-2])",
    "d": "(0[1-9]|[12][0-9]|3[01])",
    "H": "([01][0-9]|2[0-3])",
    "M": "[0-5][0-9]",
    "S": "[0-5][0-9]",
    "f": "[0-9]{1,6}",
    "z": "(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])",
}
_PERIODS = (  # shape, last day, and the period as dates.period_bounds reads it
    ("[0-9]{4}", "make_date({y}, 12, 31)", "{v}"),
    ("[0-9]{4}H[12]", "last_day(make_date({y}, 6 * cast(substr({v}, 6, 1) as integer), 1))", "{v}"),
    ("[0-9]{4}Q[1-4]", "last_day(make_date({y}, 3 * cast(substr({v}, 6, 1) as integer), 1))", "{v}"),
    ("[0-9]{4}-(0[1-9]|1[0-2])", "last_day(make_date({y}, cast(substr({v}, 6, 2) as integer), 1))", "{v}"),
    ("[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}", "try_cast({v} as date)", "cast(try_cast({v} as date) as varchar)"),
    ("[0-9]{4}Y01", "make_date({y}, 12, 31)", "substr({v}, 1, 4)"),
    ("[0-9]{4}Q0[1-4]", "last_day(make_date({y}, 3 * cast(substr({v}, 7, 1) as integer), 1))", "replace({v}, 'Q0', 'Q')"),
    ("[0-9]{4}M(0[1-9]|1[0-2])", "last_day(make_date({y}, cast(substr({v}, 6, 2) as integer), 1))", "replace({v}, 'M', '-')"),
)


def quoted(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def trimmed(v: str) -> str:
    """A text without the blanks at its ends; the engine's plain trim would take other spaces of Unicode too."""
    return f"trim({v}, ' ')"


def is_one_of(v: str, words: list[str]) -> str:
    """Whether a text is one of these; null for null. A long IN would become a join, with a plan of its own."""
    if len(words) <= 3:
        return "(" + (" or ".join(f"{v} = {quoted(word)}" for word in words) or "false") + ")"
    return f"list_contains([{', '.join(map(quoted, words))}], {v})"


def integer(v: str, source: Source, column_type: str) -> str:
    """A whole number."""
    return f"case when {_matches(v, _whole(source.thousands))} then try_cast({_plain(v, source)} as {column_type}) end"


def integer_faults(v: str, source: Source) -> list[tuple[str, str]]:
    """Codes and conditions that tell why it is null, first match first."""
    return [("NOT_A_NUMBER", f"not {_matches(v, _whole(source.thousands))}"), ("NUMBER_OUT_OF_RANGE", "true")]


def decimal(v: str, source: Source, column_type: str) -> str:
    """An exact decimal; digits beyond the scale are a fault unless they are zeros."""
    return f"case when {_matches(v, _decimal_shape(source, column_type))} then try_cast({_plain(v, source)} as {column_type}) end"


def decimal_faults(v: str, source: Source, column_type: str) -> list[tuple[str, str]]:
    """Codes and conditions that tell why it is null, first match first."""
    any_decimals = _whole(source.thousands) + f"({re.escape(source.decimal)}[0-9]+)?"
    return [
        ("NOT_A_NUMBER", f"not {_matches(v, any_decimals)}"),
        ("TOO_MANY_DECIMALS", f"not {_matches(v, _decimal_shape(source, column_type))}"),
        ("NUMBER_OUT_OF_RANGE", "true"),
    ]


def date(v: str, patterns: list[str]) -> str:
    """A calendar date by the first pattern that fits; a time of day in the pattern is left off, an instant gives its Danish day."""
    tries = []
    for p in patterns:
        if has_offset(p):
            tries.append(f"cast({zones.local_sql(instant(v, [p]))} as date)")
        elif p == "%Y-%m-%d":  # what the engine writes the same way has the right shape
            plain = f"try_cast({v} as date)"
            tries.append(f"case when cast({plain} as varchar) = {v} and strlen({v}) = 10 then {plain} end")
        else:
            tries.append(f"case when {_matches(v, shape_of(p))} then cast({_parsed(v, p)} as date) end")
    return _first(tries)


def is_plain_time(cell: str, cast: str, written: str, patterns: list[str]) -> tuple[str, str] | None:
    """Whether a cell has the ISO form, and what must be `written` to tell; None where no pattern asks for that form first. `cast` is
    the engine's own cast of the cell.

    The engine leaves out zeros at the end, so it writes the time a microsecond later: what the cell's text is the beginning of has its
    shape, which needs no regular expression. That would be most of the cost of a large file.
    """
    asked = set(takewhile(lambda p: p in ISO_TIMES, patterns))  # another might read the same text otherwise
    whole, parts = ("%Y-%m-%d %H:%M:%S" in asked, "%Y-%m-%d %H:%M:%S.%f" in asked)
    lengths = [f"strlen({cell}) = 19"] * whole + [f"strlen({cell}) between 21 and 25"] * parts
    if not lengths:
        return None
    later = f"cast({cast} + interval 1 microsecond as varchar)"
    in_time = f"strlen({cell}) between 19 and 25 and {cast} < timestamp '{zones.LAST_YEAR + 1}-01-01'"
    return f"starts_with({written}, {cell}) and ({' or '.join(lengths)})", f"case when {in_time} then {later} end"


def wall_time(v: str, patterns: list[str]) -> str:
    """The wall time by the first pattern that fits; null for patterns with their own offset, which `instant` reads."""
    naive = [p for p in patterns if not has_offset(p)]
    return _first([f"case when {_matches(v, shape_of(p))} then {_parsed(v, p)} end" for p in naive])


def instant(v: str, patterns: list[str]) -> str:
    """The instant in UTC by the first pattern that carries its own offset."""
    tries = []
    for pattern in patterns:
        if pattern.endswith("%z"):
            normal = f"regexp_replace({v}, 'Z$', '+00:00')"
            parsed = f"make_timestamp(epoch_us(try_strptime({normal}, {quoted(pattern)})))"
            tries.append(f"case when {_matches(v, shape_of(pattern))} then {parsed} end")
        elif has_offset(pattern):
            tries.append(f"case when {_matches(v, shape_of(pattern))} then {_parsed(v, pattern)} end")
    return _first(tries)


def hour_position(patterns: list[str]) -> int | None:
    """Where (from 1) the hour stands in every text of these patterns; None when that differs."""
    widths = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
    found = set()
    for pattern in patterns:
        before, hour, _ = pattern.partition("%H")
        parts = re.findall("%(.)", before)
        known = hour and all(part in widths for part in parts)
        found.add(1 + len(before) - 2 * len(parts) + sum(widths[part] for part in parts) if known else None)
    return found.pop() if len(found) == 1 else None


def has_offset(pattern: str) -> bool:
    """Whether a pattern says which zone its times are in."""
    return pattern.endswith(("Z", "%z"))


def period_end(v: str) -> str:
    """The last day of a period written as text."""
    year = f"cast(substr({v}, 1, 4) as integer)"
    cases = [f"when {_matches(v, shape)} then {value.format(y=year, v=v)}" for shape, value, _ in _PERIODS]
    return f"case when {v} < '0001' then null {' '.join(cases)} end"


def period(v: str) -> str:
    """A period written as text, in the one form that we write."""
    cases = [f"when {_matches(v, shape)} then {text.format(v=v)}" for shape, _, text in _PERIODS]
    return f"case when {v} < '0001' then null {' '.join(cases)} end"


def shape_of(pattern: str) -> str:
    """The regular expression of a strptime pattern: every part with its full width. Raises CallerError for an unknown part."""
    shape, rest = "", pattern
    while rest:
        if rest[0] == "%":
            if rest[1:2] not in _SHAPES:
                raise CallerError(
                    f"the date format '{pattern}' uses '{rest[:2]}'; known are {', '.join('%' + k for k in _SHAPES)}."
                )
            shape, rest = shape + _SHAPES[rest[1]], rest[2:]
        else:
            shape, rest = shape + re.escape(rest[0]), rest[1:]
    return shape


def _matches(v: str, shape: str) -> str:
    return f"regexp_full_match({v}, {quoted(shape)})"


def _parsed(v: str, pattern: str) -> str:
    if re.fullmatch(r"%Y-%m-%d[ T]%H:%M:%S(\.%f)?", pattern):  # the engine's own form is read faster
        return f"try_cast({v} as timestamp)"
    return f"try_strptime({v}, {quoted(pattern)})"


def _first(tries: list[str]) -> str:
    return f"coalesce({', '.join(tries)})" if len(tries) > 1 else tries[0] if tries else "cast(null as timestamp)"


def _decimal_shape(source: Source, column_type: str) -> str:
    scale = int(column_type.rstrip(")").split(",")[1])
    mark = re.escape(source.decimal)
    return _whole(source.thousands) + (f"({mark}[0-9]{{1,{scale}}}0*)?" if scale else f"({mark}0+)?")


def _whole(thousands: str) -> str:
    if not thousands:
        return "-?[0-9]+"
    mark = "[ \u00a0]" if thousands == " " else re.escape(thousands)
    return f"-?([0-9]+|[0-9]{{1,3}}({mark}[0-9]{{3}})+)"


def _plain(v: str, source: Source) -> str:
    plain = v
    if source.thousands:
        for mark in " \u00a0" if source.thousands == " " else source.thousands:
            plain = f"replace({plain}, {quoted(mark)}, '')"
    return f"replace({plain}, ',', '.')" if source.decimal == "," else plain
