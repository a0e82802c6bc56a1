"""JSON lines and documents as cells, one character at a time. See reference_files.py."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from reference_files import Cells, Refuse, decoded, heading

from maalopfyldelse.contract import Format


class BadJson(Exception):
    """Not JSON."""


@dataclass(frozen=True)
class Number:
    """A number as it stands in the file."""

    token: str


class Object(dict[str, Any]):
    """An object; `is_twice`: a key stands in it twice, so that nobody knows what it says."""

    is_twice = False


class Listed(str):
    """A list as a cell: its JSON text, and its elements as texts."""

    elements: list[str]


class Json:
    """One JSON value of a text, strictly. Numbers are kept as they are written."""

    _NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
    _ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def whole(self) -> Any:
        """The one value that the text is."""
        value = self.value()
        self.blanks()
        if self.at != len(self.text):
            raise BadJson
        return value

    def blanks(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\t", "\r", "\n"):
            self.at += 1

    def taken(self, mark: str) -> bool:
        self.blanks()
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def value(self) -> Any:
        if self.taken("{"):
            return self.object()
        if self.taken("["):
            return self.list()
        if self.taken('"'):
            return self.string()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.taken(word):
                return value
        if found := self._NUMBER.match(self.text, self.at):
            self.at = found.end()
            return Number(found[0])
        raise BadJson

    def object(self) -> Object:
        found = Object()
        while found or not self.taken("}"):
            if not self.taken('"'):
                raise BadJson
            key = self.string()
            found.is_twice = found.is_twice or key in found
            if not self.taken(":"):
                raise BadJson
            found[key] = self.value()
            if self.taken("}"):
                break
            if not self.taken(","):
                raise BadJson
        return found

    def list(self) -> list[Any]:
        found: list[Any] = []
        while found or not self.taken("]"):
            found.append(self.value())
            if self.taken("]"):
                break
            if not self.taken(","):
                raise BadJson
        return found

    def string(self) -> str:
        made = ""
        while True:
            character = self.text[self.at : self.at + 1]
            self.at += 1
            if character == '"':
                break
            if character < " ":  # the end of the text too
                raise BadJson
            if character != "\\":
                made += character
                continue
            escape = self.text[self.at : self.at + 1]
            self.at += 1
            if escape == "u":
                digits = self.text[self.at : self.at + 4]
                if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                    raise BadJson
                made += chr(int(digits, 16))
                self.at += 4
            elif escape and escape in self._ESCAPES:
                made += self._ESCAPES[escape]
            else:
                raise BadJson
        try:
            return made.encode("utf-16", "surrogatepass").decode("utf-16")  # two escapes may make one character
        except UnicodeDecodeError:
            raise BadJson from None


def is_twice(value: Any) -> bool:
    """Whether some object in a value has a key twice."""
    if isinstance(value, Object):
        return value.is_twice or any(map(is_twice, value.values()))
    return isinstance(value, list) and any(map(is_twice, value))


def written(value: Any) -> str:
    """A JSON value as its shortest text."""
    if isinstance(value, Number):
        return value.token
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(k)}:{written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def json_text(value: Any) -> str | None:
    """A JSON value as a cell."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        made = Listed(written(value))
        made.elements = [json_text(one) or "" for one in value]
        return made
    return written(value)


def json_lines(data: bytes, form: Format) -> list[tuple[int, Any]]:
    """Each line with a value of its own: an object, or the code of what is wrong with it."""
    lines: list[tuple[int, Any]] = []
    texts = decoded(data, form).removesuffix("\n").split("\n")
    for number, line in enumerate(texts, 1):
        if line.strip(" \t\r"):
            try:
                lines.append((number, _row(Json(line).whole(), Object)))
            except BadJson:
                lines.append((number, "BAD_JSON"))
    if all(isinstance(found, str) for _, found in lines):
        raise Refuse("BAD_JSON")
    if lines[-1][1] == "BAD_JSON" and all(not text.strip(" \t\r") for text in texts[lines[-1][0] :]):
        raise Refuse("CUT_FILE")
    return lines


def _row(value: Any, kind: type) -> Any:
    return "BAD_JSON" if not isinstance(value, kind) else "DUPLICATE_KEY" if is_twice(value) else value


def json_rows(data: bytes, form: Format) -> tuple[list[tuple[int, Any]], list[str] | None]:
    """The rows of a document, numbered from 1, and of rows that are lists what their places are called."""
    try:
        document = Json(decoded(data, form.model_copy(update={"final_newline": False}))).whole()
    except BadJson:
        raise Refuse("BAD_JSON") from None
    rows = _led_to(document, form.rows.split(".") if form.rows else [])
    if not isinstance(rows, list):
        raise Refuse("BAD_JSON")
    found = [(n, _row(value, list if form.names else Object)) for n, value in enumerate(rows, 1)]
    rows.clear()
    if is_twice(document):
        raise Refuse("DUPLICATE_KEY")
    if not form.names:
        if all(isinstance(row, str) for _, row in found):
            raise Refuse("BAD_JSON")
        return found, None
    way, _, member = form.names.partition(".*.")
    names = _led_to(document, way.split("."))
    if member and isinstance(names, list):
        names = [name.get(member) if isinstance(name, dict) else None for name in names]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Refuse("BAD_JSON")
    return found, [heading(name) for name in names]


def _led_to(value: Any, steps: list[str]) -> Any:
    """What a path of keys and places leads to."""
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Refuse("BAD_JSON")
    return value


def list_cells(rows: list[tuple[int, Any]], names: list[str]) -> Cells:
    """Rows that are lists, by their columns' names."""
    cells = Cells(names)
    for line, row in rows:
        if isinstance(row, list) and len(row) != len(names):
            row = "FIELD_COUNT"
        cells.rows.append((line, row if isinstance(row, str) else dict(zip(names, map(json_text, row), strict=True))))
    return cells


def json_cells(objects: list[tuple[int, Any]], needed: list[str], known: list[str]) -> Cells:
    """The needed paths of each object. Holds all paths of the file against the known ones; a key with a dot in it is a path too."""
    leaves: dict[str, set[tuple[str, ...]]] = {}
    nodes: set[str] = set()

    def is_covered(path: str) -> bool:
        return any(path == name or path.startswith(f"{name}.") for name in known)

    def walk(value: dict[str, Any], above: tuple[str, ...]) -> None:
        for key, inner in value.items():
            keys = (*above, key)
            if isinstance(inner, dict) and inner and not is_covered(".".join(keys)):
                nodes.add(".".join(keys))
                walk(inner, keys)
            else:
                leaves.setdefault(".".join(keys), set()).add(keys)

    for _, found in objects:
        if not isinstance(found, str):
            walk(found, ())
    for leaf, ways in leaves.items():
        if not is_covered(leaf) and not any(name.startswith(f"{leaf}.") for name in needed):
            raise Refuse("UNMAPPED_COLUMN")
        if len(ways) > 1:
            raise Refuse("DUPLICATE_COLUMN")
    for name in needed:
        is_beneath = any(name.startswith(f"{leaf}.") for leaf in leaves if leaf not in nodes)
        if name not in leaves and not is_beneath and not any(leaf.startswith(f"{name}.") for leaf in leaves):
            raise Refuse("MISSING_COLUMN")
    cells = Cells(list(needed))
    for line, found in objects:
        row: dict[str, Any] = {}
        for name in needed if not isinstance(found, str) else ():
            inner: Any = found
            for key in next(iter(leaves.get(name, {tuple(name.split("."))}))):
                inner = inner.get(key) if isinstance(inner, dict) else None
            row[name] = json_text(inner)
        cells.rows.append((line, found if isinstance(found, str) else row))
    return cells
