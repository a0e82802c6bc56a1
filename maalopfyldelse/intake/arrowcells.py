"""A column's cells as Arrow, cast all at once where every one is written plainly.

Arrow's casts are several times as fast as the engine's, and some take more than our shapes (values.py's) do: a number in hexadecimal, a
time without seconds, the year 0. So a column is proved as a whole before or after: what is cast here has the value that
cells.py gives each cell. Anything else raises NotPlain, which says nothing about whether a cell is right. Reading the file is
arrowcsv.py's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..contract import TableColumn
from ..contract_source import Source
from . import cpr, values

_TYPES = {
    "varchar": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
_WORDS: dict[str, Callable[[str], Any]] = {"varchar": str, "boolean": {"true": True, "false": False}.__getitem__}
_WIDTHS = {"%Y": 4, "%m": 2, "%d": 2}
_LENGTHS = {"%Y-%m-%d %H:%M": [16], "%Y-%m-%d %H:%M:%S": [19], "%Y-%m-%d %H:%M:%S.%f": [*range(21, 27)]}
_FIRST = pa.scalar(datetime(1, 1, 1), pa.timestamp("us"))  # there is no year 0, though Arrow knows one


Way = tuple[Callable[[pa.Array], bool], Callable[[pa.Array], pa.Array]]  # whether all is plain, and the cast


class NotPlain(Exception):
    """Some cell is written otherwise, or is no value at all."""


class NotLines(NotPlain):
    """Some line is no row of as many cells as the header has, or too long for one."""


@dataclass(frozen=True)
class Caster:
    """From the texts of a column, null where the cell is empty, to its values. Raises NotPlain."""

    type: pa.DataType
    is_plain: Callable[[pa.Array], bool]
    cast: Callable[[pa.Array], pa.Array]
    nothing: tuple[str, ...] = ()  # words for no value

    def __call__(self, texts: pa.Array) -> pa.Array:
        try:
            if self.is_plain(texts):
                return self.cast(texts)
            if self.nothing:  # looked for only where something is not plain
                is_nothing = pc.is_in(texts, pa.array(self.nothing, texts.type))
                texts = pc.if_else(is_nothing, pa.scalar(None, texts.type), texts)
                if self.is_plain(texts):
                    return self.cast(texts)
            raise NotPlain
        except (pa.ArrowInvalid, KeyError):
            raise NotPlain from None


def caster(source: Source, spec: TableColumn, patterns: list[str]) -> Caster | None:
    """How to cast a column; None where there is no such way. `patterns`: of a date or an instant."""
    if source.from_ is None or source.has_word is not None:
        return None
    if not all(unicodedata.is_normalized("NFC", word) for word in (*source.null, *(source.codes or ()), *(spec.values or ()))):
        return None  # the engine composes cells before it looks for words in them
    if source.codes is not None or spec.values or spec.type == "boolean":
        return _of_words(source, spec)
    nothing = tuple(word for word in source.null if word)
    if any(character.isdigit() for word in nothing for character in word):  # a number or a date that is none
        return None
    made: Way | None = None
    if spec.type in ("integer", "bigint"):
        made = _whole(spec)
    elif spec.type == "date":
        made = _date(patterns[0])
    elif spec.type == "timestamp":
        made = _time(patterns)
    return Caster(_TYPES[spec.type], *made, nothing) if made else None


def _of_words(source: Source, spec: TableColumn) -> Caster | None:
    """A closed list of words, whose values are few."""
    known = source.codes if source.codes is not None else {word: word for word in spec.values or ("true", "false")}
    if spec.type not in _WORDS:
        return None
    try:
        meant = {word: _WORDS[spec.type](value) for word, value in known.items()} | dict.fromkeys(source.null)
    except KeyError:
        return None

    def cast(texts: pa.Array) -> pa.Array:
        encoded = texts.dictionary_encode()
        return pa.array([meant[word] for word in encoded.dictionary.to_pylist()], _TYPES[spec.type]).take(encoded.indices)

    return Caster(_TYPES[spec.type], lambda texts: True, cast)


def _whole(spec: TableColumn) -> Way:
    def is_plain(texts: pa.Array) -> bool:
        has_shape = _all(pc.ascii_is_decimal(texts)) or _all(pc.match_substring_regex(texts, "^-?[0-9]+$"))
        return has_shape and (spec.digits_are_ids or _all(pc.less(pc.binary_length(texts), cpr.LENGTH)))

    return is_plain, lambda texts: texts.cast(_TYPES[spec.type])


def _date(pattern: str) -> Way | None:
    """By the places of year, month, day and the marks between them; None for a pattern of anything else, or of an instant's day."""
    if values.has_offset(pattern):
        return None
    places, at = [], 0
    for part in re.findall("%.|[^%]", pattern):
        places.append((part, at))
        at += _WIDTHS.get(part, 1)
    where = {part: place for part, place in places if part in _WIDTHS}
    marks = [(part.encode(), place) for part, place in places if part not in _WIDTHS]
    if len(where) != len(_WIDTHS) or len(places) != len(_WIDTHS) + len(marks) or any(len(mark) != 1 for mark, _ in marks):
        return None

    def is_plain(texts: pa.Array) -> bool:
        raw = texts.cast(pa.binary())
        has_marks = all(_all(pc.equal(pc.binary_slice(raw, place, place + 1), mark)) for mark, place in marks)
        return _all(pc.equal(pc.binary_length(raw), at)) and has_marks

    def cast(texts: pa.Array) -> pa.Array:
        raw = texts.cast(pa.binary())
        parts = (pc.binary_slice(raw, where[part], where[part] + width) for part, width in _WIDTHS.items())
        iso = texts if pattern == "%Y-%m-%d" else pc.binary_join_element_wise(*parts, b"-").cast(pa.string())
        return _in_years(iso.cast(pa.date32()))

    return is_plain, cast


def _time(patterns: list[str]) -> Way | None:
    """The ISO form with a blank, with seconds or without, where no pattern asks for another before it; None where it is not asked
    for."""
    asked = set(takewhile(lambda pattern: pattern in {*values.ISO_TIMES, *_LENGTHS}, patterns))
    lengths = [length for pattern, some in _LENGTHS.items() if pattern in asked for length in some]
    allowed = pa.array(lengths, pa.int32())

    def is_plain(texts: pa.Array) -> bool:
        raw = texts.cast(pa.binary())
        has_length = _all(pc.is_in(pc.drop_null(pc.binary_length(raw)), allowed))
        return has_length and _all(pc.equal(pc.binary_slice(raw, 10, 11), b" "))

    return (is_plain, lambda texts: _in_years(texts.cast(pa.timestamp("us")))) if lengths else None


def _in_years(found: pa.Array) -> pa.Array:
    if pc.any(pc.less(found, _FIRST.cast(found.type))).as_py():
        raise NotPlain
    return found


def _all(truths: pa.Array) -> bool:
    """Whether it is true of every cell that has a value."""
    return pc.all(truths).as_py() is not False
