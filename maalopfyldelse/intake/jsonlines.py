"""JSON text made into lines, one row a line, read strictly: newline-delimited JSON, or a document with an array of rows.

The engine's reader is lenient (NaN, commas at the end, the first of two equal keys) and keeps 17 digits of a fraction. So every
row is decoded here, written as one line, and marked where it is not sound: `!CODE` is no JSON and says why. Which paths the rows
hold, and their values, are jsonfile.py's. Memory is bounded: of a document one row at a time is held.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from ..contract import Format, Limits
from .csvfile import headings
from .faults import Refused
from .jsonshapes import Shapes
from .textfile import TextFile, too_long

MARK = "!"
MAX_KEYS = 100_000  # of an object of a document that is no row
_CHUNK = 1 << 20
_BLANK = re.compile(r"[ \t\r\n]*")
_BREAKS = str.maketrans("\r\n", "  ")  # within JSON they stand between values only


@dataclass(frozen=True)
class JsonLines:
    """`path` has one row a line, blank lines where the text has them. `names`: of rows that are lists, what stands where."""

    path: Path
    rows: int
    last_line: int | None  # of newline-delimited text, where a broken row means that the file was cut
    max_line: int
    paths: list[tuple[str, ...]]  # of rows that are objects: every path of keys, down to what is no object
    names: list[str] | None = None


@dataclass(frozen=True)
class Bounds:
    """The contract's limits, and its paths: what lies beneath one of them is not looked into. (The engine gives up at a depth of
    128, and its database with it.)"""

    limits: Limits
    known: list[str]


def from_lines(text: TextFile, path: Path, bounds: Bounds) -> JsonLines:
    """Newline-delimited JSON: an object a line. Lines keep their numbers."""
    decode, max_line = _Decoder(bounds), bounds.limits.max_line_bytes
    rows = last = number = 0
    with text.path.open(encoding="utf-8-sig", newline="\n") as handle, path.open("wb") as out:
        for lines in _pieces(handle):
            at = 0
            while at < len(lines):
                if (end := decode.shapes.run(lines, at)) > at:
                    known = lines[at:end].encode()
                    rows, last = rows + known.count(b"\n"), number + known.count(b"\n")
                    _write(out, known, number + 1, max_line)
                    number = last
                else:
                    end, number = lines.find("\n", at) + 1 or len(lines), number + 1
                    row = lines[at:end].strip(" \t\r\n")
                    if row:
                        rows, last = rows + 1, number
                        row = decode.row(row, dict)
                    _write(out, row.encode() + b"\n", number, max_line)
                at = end
    return JsonLines(path, rows, last, max_line, decode.paths.found)


def _pieces(handle: TextIO) -> Iterator[str]:
    """The text, many whole lines at a time."""
    rest = ""
    while more := handle.read(_CHUNK):
        text = rest + more
        cut = text.rfind("\n") + 1
        rest = text[cut:]
        yield text[:cut].replace("\r\n", "\n")
    yield rest


def from_document(text: TextFile, form: Format, path: Path, bounds: Bounds) -> JsonLines:
    """A document with an array of rows where the format's `rows` says; a row's line is its place in that array.

    Raises Refused: BAD_JSON, CUT_FILE, DUPLICATE_KEY, LINE_TOO_LONG, TOO_MANY_COLUMNS; what is wrong with one row only marks that row.
    """
    kind: type = list if form.names else dict
    max_line = bounds.limits.max_line_bytes
    found: dict[str, Any] = {}
    with text.path.open(encoding="utf-8-sig", newline="") as handle, path.open("wb") as out:
        document = _Document(handle, bounds)

        def rows() -> None:
            found["rows"] = 0
            for _ in document.elements():
                found["rows"] += 1
                _write(out, document.row(kind).encode() + b"\n", found["rows"], max_line)

        def names() -> None:
            found["names"] = document.value()

        name_steps, _, member = (form.names or "").partition(".*.")
        wanted = {_steps(form.rows): rows} | ({_steps(name_steps): names} if form.names else {})
        document.visit(wanted)
        document.end()
    if "rows" not in found:
        where = f"at '{form.rows}' (rows: in the contract)" if form.rows else "of rows"
        raise Refused("BAD_JSON", f"the document has no array {where}. Export it as the contract says.")
    heads = _names(found.get("names"), member, form) if form.names else None
    return JsonLines(path, found["rows"], None, max_line, document.paths.found, heads)


def _write(out: BinaryIO, lines: bytes, number: int, max_line: int) -> None:
    """Writes lines, each ended; `number` is the first one's. Raises Refused: LINE_TOO_LONG."""
    if len(lines) > max_line:
        for at, line in enumerate(lines.split(b"\n"), number):
            if len(line) > max_line:
                raise too_long(at, max_line)
    out.write(lines)


def _steps(path: str | None) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def _names(found: Any, member: str, form: Format) -> list[str]:
    names = [n.get(member) if isinstance(n, dict) else None for n in found] if member and isinstance(found, list) else found
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise Refused("BAD_JSON", f"the document names no columns at '{form.names}' (names: in the contract). Export it again.")
    return headings(names)


class _Decoder:
    """One JSON value strictly. Numbers come as their text, so that none loses digits."""

    def __init__(self, bounds: Bounds) -> None:
        self._max_depth = bounds.limits.max_depth
        self.paths = _Paths(bounds)
        self.shapes = Shapes(self._max_depth)
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object, parse_int=str, parse_float=self._fraction, parse_constant=_no_constant
        )
        self.is_twice = self._has_fraction = False

    def value(self, text: str, at: int = 0) -> tuple[Any, int]:
        """The value that begins at a place, and where it ends. Raises ValueError."""
        self.is_twice = self._has_fraction = False
        try:
            found: tuple[Any, int] = self._json.raw_decode(text, at)
        except RecursionError:
            raise ValueError("nested too deep") from None
        return found

    def row(self, text: str, kind: type) -> str:
        """A row's text as a line, or its mark."""
        try:
            value, end = self.value(text)
        except ValueError:
            return f"{MARK}BAD_JSON"
        line = self.line(value, text, kind) if end == len(text) else f"{MARK}BAD_JSON"
        if line == text:
            self.shapes.learn(text)
        return line

    def line(self, value: Any, text: str, kind: type) -> str:
        """The line of a value just decoded, or its mark."""
        if not isinstance(value, kind) or _is_deeper(value, text, self._max_depth):
            return f"{MARK}BAD_JSON"
        if self.is_twice:
            return f"{MARK}DUPLICATE_KEY"
        if isinstance(value, dict):
            self.paths.add(value)
        # a fraction goes on as text: the engine would make a binary number of it
        return json.dumps(value, separators=(",", ":")) if self._has_fraction else text.translate(_BREAKS)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.is_twice = self.is_twice or len(found) != len(pairs)
        return found

    def _fraction(self, text: str) -> str:
        self._has_fraction = True
        return text


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


@dataclass
class _Level:
    """The keys of an object at one path, for each what has been seen beneath it."""

    full: set[str] = field(default_factory=set)
    hollow: set[str] = field(default_factory=set)
    covered: set[str] = field(default_factory=set)  # objects that are not looked into
    below: dict[str, _Level] = field(default_factory=dict)


class _Paths:
    """The paths that rows hold. One that is null or an empty object here may lead on in another row.

    Nearly every row holds what the one before it held, so a row is walked by its keys, and a path is made of what is new only.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._known, self._limit = frozenset(bounds.known), bounds.limits.max_columns
        self._full: dict[tuple[str, ...], None] = {}
        self._hollow: dict[tuple[str, ...], None] = {}
        self._top = _Level()

    def add(self, row: dict[str, Any]) -> None:
        """Takes a row's paths. Raises Refused: TOO_MANY_COLUMNS."""
        self._walk(row, self._top, ())
        if len(self._full) + len(self._hollow) > self._limit:
            message = f"the rows hold more than {self._limit} different keys (limits.max_columns). Is this the right file?"
            raise Refused("TOO_MANY_COLUMNS", message)

    def _walk(self, row: dict[str, Any], level: _Level, above: tuple[str, ...]) -> None:
        for key, value in row.items():
            if value is None or value == {}:
                if key not in level.hollow:
                    level.hollow.add(key)
                    self._hollow[(*above, key)] = None
            elif isinstance(value, dict) and not self._is_covered(key, level, above):
                self._walk(value, level.below[key], (*above, key))
            elif key not in level.full:
                level.full.add(key)
                self._full[(*above, key)] = None

    @property
    def found(self) -> list[tuple[str, ...]]:
        """Every path once, in order of first sight."""
        leading = {path[:depth] for path in self._full for depth in range(1, len(path))}
        leading |= {path[:depth] for path in self._hollow for depth in range(1, len(path))}
        return [*self._full, *(path for path in self._hollow if path not in leading and path not in self._full)]

    def _is_covered(self, key: str, level: _Level, above: tuple[str, ...]) -> bool:
        """Whether an object is not looked into; where it is, there is a level for it."""
        if key in level.below or key in level.covered:
            return key in level.covered
        if is_covered(".".join((*above, key)), self._known):
            level.covered.add(key)
        else:
            level.below[key] = _Level()
        return key in level.covered


def is_covered(path: str, known: Iterable[str]) -> bool:
    """Whether a path is one of the known, or lies beneath one."""
    return any(path == k or path.startswith(f"{k}.") for k in known)


def _is_deeper(value: Any, text: str, depth: int) -> bool:
    if text.count("[") + text.count("{") <= depth:
        return False
    level: list[Any] = [value]
    for _ in range(depth):
        level = [inner for v in level if isinstance(v, dict | list) for inner in (v.values() if isinstance(v, dict) else v)]
    return bool(level)


class _Document:
    """A JSON document read from front to back, a value at a time."""

    def __init__(self, handle: TextIO, bounds: Bounds) -> None:
        self._handle, self._decoder, self._limits = handle, _Decoder(bounds), bounds.limits
        self.paths = self._decoder.paths
        self._text, self._at, self._lines, self._is_all = "", 0, 1, False

    def visit(self, wanted: dict[tuple[str, ...], Callable[[], None]], depth: int = 0) -> None:
        """Goes through the next value; where a path of keys and places leads to, its function reads the value there."""
        if depth > self._limits.max_depth:
            message = (
                f"objects and lists are nested deeper than {self._limits.max_depth} here (limits.max_depth). Export it again."
            )
            raise Refused("BAD_JSON", message, line=self._line)
        if act := wanted.get(()):
            act()
        elif self._next() == "{":
            seen: set[str] = set()
            for _ in self._inside("{", "}"):
                self._expect('"')
                key = self.value()
                self._take(":")
                if len(seen) > MAX_KEYS:
                    raise Refused("TOO_MANY_COLUMNS", f"an object here has more than {MAX_KEYS} keys. Is this the right file?")
                if key in seen:
                    raise Refused("DUPLICATE_KEY", "a key stands twice in one object of the document. Export it again.")
                seen.add(key)
                self.visit(_below(wanted, key), depth + 1)
        elif self._next() == "[":
            for place, _ in enumerate(self._inside("[", "]")):
                self.visit(_below(wanted, str(place)), depth + 1)
        else:
            self.value()

    def elements(self) -> Iterator[None]:
        """Stops before each element of the next value, which must be an array."""
        if self._next() != "[":
            raise Refused("BAD_JSON", "the contract expects an array of rows, and something else stands there.", line=self._line)
        return self._inside("[", "]")

    def value(self) -> Any:
        """The next value whole."""
        return self._value()[0]

    def row(self, kind: type) -> str:
        """The next value as a line."""
        value, text = self._value()
        return self._decoder.line(value, text, kind)

    def end(self) -> None:
        """Proves that nothing follows."""
        if self._next():
            raise Refused("BAD_JSON", "something follows the end of the JSON document. Export it again.", line=self._line)

    def _value(self) -> tuple[Any, str]:
        self._next()
        while True:
            try:
                value, end = self._decoder.value(self._text, self._at)
                if end < len(self._text) or self._is_all:  # else a number may go on
                    start, self._at = self._at, end
                    return value, self._text[start:end]
            except ValueError as error:
                if self._is_all:
                    raise self._broken(error) from None
            if len(self._text) - self._at > max(self._limits.max_line_bytes, _CHUNK):
                raise too_long(self._line, self._limits.max_line_bytes)
            self._fill()

    def _broken(self, error: ValueError) -> Refused:
        at = error.pos if isinstance(error, json.JSONDecodeError) else self._at
        line = self._lines + self._text.count("\n", 0, at)
        if at >= len(self._text.rstrip()) or str(error).startswith("Unterminated"):
            return self._cut(line)
        return Refused("BAD_JSON", "the text is not JSON here. Export it again.", line=line)

    def _inside(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self._next() != closing:
            yield
            while self._next() != closing:
                self._take(",")
                yield
        self._take(closing)

    def _take(self, mark: str) -> None:
        self._expect(mark)
        self._at += 1

    def _expect(self, mark: str) -> None:
        found = self._next()
        if not found:
            raise self._cut(self._line)
        if found != mark:
            raise Refused("BAD_JSON", f"the text is not JSON here: '{mark}' should stand here. Export it again.", line=self._line)

    def _cut(self, line: int) -> Refused:
        return Refused("CUT_FILE", "the JSON document has no end: the file has been cut. Deliver it whole.", line=line)

    def _next(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            match = _BLANK.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_all:
                return ""
            self._fill()

    def _fill(self) -> None:
        """Reads on; what lies behind is forgotten. As much as waits already, so that a long value is not decoded too often."""
        self._lines += self._text.count("\n", 0, self._at)
        more = self._handle.read(max(_CHUNK, len(self._text) - self._at))
        self._text, self._at, self._is_all = self._text[self._at :] + more, 0, not more

    @property
    def _line(self) -> int:
        return self._lines + self._text.count("\n", 0, self._at)


def _below(wanted: dict[tuple[str, ...], Callable[[], None]], step: str) -> dict[tuple[str, ...], Callable[[], None]]:
    return {path[1:]: act for path, act in wanted.items() if path and path[0] == step}
