"""One column's cell as SQL: from the file's text to the text that has a value, and from that to the typed value.

Both are strict (values.py's shapes), and text or digits in which a personal number stands have no typed value (cpr.py's). Where a
large file's texts are nearly all written one way, that way is asked first and the rest only where it does not hold. Rows, layers
and faults are cast.py's, times become instants there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..contract import TableColumn
from ..contract_source import Source
from . import cpr, values
from .values import quoted

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
WHOLE = ("integer", "bigint")


def text(source: Source, spec: TableColumn, r: Callable[[str], str]) -> str:
    """The text that has a value: null where the cell is empty or holds a word for nothing. `r` gives a file column's SQL."""
    if (template := source.template_text) is not None:
        return _filled(template, source, r)
    cell = r(source.columns[0])
    kept = values.trimmed(cell) if source.hash_of or source.codes or spec.values else cell
    trimmed = f"case when not {values.is_one_of(values.trimmed(cell), source.null)} then {kept} end"
    # trimming costs more than all else here, and nearly no text has a blank at its ends
    blank_ended = f"case when {cell} like ' %' or {cell} like '% ' then {trimmed} else {cell} end"
    nothing = f"when {values.is_one_of(cell, source.null)} then null " if source.null else ""
    return f"case {nothing}when contains({cell}, ' ') then {blank_ended} else {cell} end"


@dataclass(frozen=True)
class Plain:
    """A cell as nearly all are written: SQL for whether it is (true of no other cell, null where it has no value), for its value then,
    and for the columns that these need."""

    condition: str
    value: str
    cast: str | None = None  # as x_NAME
    written: str | None = None  # as y_NAME, made from x_NAME


def plain(source: Source, spec: TableColumn, name: str, cell: str, patterns: list[str]) -> Plain | None:
    """The plain form of a column; None where it has none and every cell takes the long way. `patterns`: of a date
    or an instant."""
    x, y = f"x_{name}", f"y_{name}"
    if source.from_ is None or source.has_word is not None:
        return None
    if source.codes is not None:
        known = {word: meant for word, meant in source.codes.items() if word not in source.null}
        return Plain(f"case when {y} is not null then true end", y, written=_mapped(cell, known, spec))
    if spec.type == "varchar" and spec.values:
        return Plain(values.is_one_of(cell, [w for w in spec.values if w not in source.null]), cell)
    nothing = [word for word in source.null if word]
    if spec.type == "varchar":
        is_none = f"and not {values.is_one_of(cell, nothing)} " if nothing else ""
        short = f"when strlen({cell}) < {cpr.LENGTH} then strlen({cell}) > 0 and not contains({cell}, ' ') {is_none}"
        long = f"not ({cell} like ' %' or {cell} like '% ') and not {_is_personal(cell, spec)} {is_none}"
        return Plain(f"case {short}when {cell} is not null then {long}end", cell)
    # What the engine writes the same way has the right shape. A number or a time may be a word for nothing.
    nothing = [word for word in nothing if any(c.isdigit() for c in word)]
    is_none = f" and not {values.is_one_of(cell, nothing)}" if nothing else ""
    if spec.type in WHOLE:
        short = "" if spec.digits_are_ids else f" and strlen({cell}) < {cpr.LENGTH}"
        return Plain(f"{y} = {cell}{short}{is_none}", x, f"try_cast({cell} as {spec.type})", f"cast({x} as varchar)")
    if spec.type == "timestamp" and (shape := values.is_plain_time(cell, x, y, patterns)):
        return Plain(shape[0] + is_none, x, f"try_cast({cell} as timestamp)", shape[1])
    if spec.type == "date" and patterns[0] == "%Y-%m-%d":
        return Plain(f"{y} = {cell} and strlen({cell}) = 10{is_none}", x, f"try_cast({cell} as date)", f"cast({x} as varchar)")
    return None


def typed(source: Source, spec: TableColumn, v: str) -> str:
    """The value of a text; null where the text does not fit, or where there is none. Not for dates and instants."""
    if source.hash_of:
        personal = f"lower({v})" if source.ignore_case else v
        return f"sha256(getvariable('maal_outer') || unhex(sha256(getvariable('maal_inner') || encode({personal}))))"
    if source.present_of:
        return f"{v} is not null"
    if source.has_word is not None:
        word = quoted(source.has_word)
        elements = f"json_extract_string(case when json_valid({v}) then {v} else '[]' end, '$[*]')"
        listed = f"case when {v} like '[%' and json_valid({v}) then list_contains({elements}, {word})"
        return f"coalesce({listed} else list_contains(string_split({v}, ' '), {word}) end, false)"
    if source.period_end_of is not None:
        return values.period_end(v)
    if source.period_of is not None:
        return values.period(v)
    if source.codes is not None:
        return _mapped(v, source.codes, spec)
    if spec.type in WHOLE:
        return f"case when {_is_personal(v, spec)} then null else {values.integer(v, source, spec.type)} end"
    if spec.type.startswith("decimal"):
        return f"case when {_is_personal(v, spec)} then null else {values.decimal(v, source, spec.type)} end"
    if spec.type == "boolean":
        return f"case {v} when 'true' then true when 'false' then false end"
    if spec.values:
        return f"case when {values.is_one_of(v, spec.values)} then {v} end"
    return f"case when {_is_personal(v, spec)} then null else {v} end"


def faults(source: Source, spec: TableColumn, v: str) -> list[tuple[str, str]]:
    """Codes and conditions that tell why a text has no typed value, first match first. Not for dates and instants."""
    personal = ("PERSONAL_NUMBER", _is_personal(v, spec))
    if source.hash_of:
        return []
    if source.codes or spec.values or source.period_of:
        return [("UNKNOWN_CODE", "true")]
    if source.period_end_of:
        return [("NO_SUCH_PERIOD", "true")]
    if spec.type in WHOLE:
        return [personal, *values.integer_faults(v, source)]
    if spec.type.startswith("decimal"):
        return [personal, *values.decimal_faults(v, source, spec.type)]
    return [("NOT_A_BOOLEAN", "true")] if spec.type == "boolean" else [personal]


def _is_personal(v: str, spec: TableColumn) -> str:
    return cpr.holds_sql(v, digits_are_ids=spec.digits_are_ids)


def _filled(template: str, source: Source, r: Callable[[str], str]) -> str:
    parts, missing, at = [], [], 0
    for match in _PLACEHOLDER.finditer(template):
        cell = values.trimmed(r(match[1]))
        missing.append(f"{cell} is null or {values.is_one_of(cell, source.null)}")
        parts += [quoted(template[at : match.start()]), cell]
        at = match.end()
    parts.append(quoted(template[at:]))
    return f"case when not ({' or '.join(missing)}) then {' || '.join(parts)} end"


def _mapped(v: str, codes: dict[str, str], spec: TableColumn) -> str:
    cases = " ".join(f"when {quoted(word)} then {quoted(meant)}" for word, meant in codes.items())
    return f"cast({f'case {v} {cases} end' if cases else 'null'} as {spec.type})"
