"""Rows of JSON that are written as rows before them were: the same keys in the same order, other values.

Nearly all rows of an export are, and to hold many at once against a regular expression takes a small part of the time that decoding
them does. What a shape matches is sound because the rows it was made from were: valid JSON, no key twice, no fraction, no deeper,
and at each place a value of a kind that stood there before, so that no path is new. Rows of any other form are jsonlines.py's
to decode.
"""

from __future__ import annotations

import re

MOST = 32  # shapes; exports leave out and add a key or two
LONGEST = 2_000  # characters of a row that is learned from: a shape is as long
PRICE = 100  # characters decoded that take as long as a character of a shape to compile
PATIENCE = 10_000  # rows that teach nothing
# A repeated group is never possessive (++): Python before 3.11.5 then ends the match inside a round that failed.
_TEXT = r'"[^"\\\x00-\x1f]*+"'
_WHOLE = r"-?(?:0|[1-9][0-9]*+)"
_KINDS = {"texts": rf"\[(?:{_TEXT}(?:,{_TEXT})*)?\]", "text": _TEXT, "whole": _WHOLE, "truth": "(?:true|false)", "null": "null"}
_TOKEN = re.compile(
    rf"(?P<texts>{_KINDS['texts']})|(?P<literal>{_TEXT}[ \t]*:|[{{}}\[\],: \t])|(?P<text>{_TEXT})|(?P<whole>{_WHOLE})(?![.eE0-9])|"
    "(?P<truth>true|false)|(?P<null>null)"
)


class Shapes:
    """The shapes learned from one file. `depth`: the contract's; rows that come near it are always decoded."""

    def __init__(self, depth: int) -> None:
        self._depth, self._patience = depth, PATIENCE
        self._known: dict[tuple[str | None, ...], list[dict[str, None]]] = {}  # what is written between values → their kinds
        self._size = self._decoded = 0  # characters of all shapes, and of the rows decoded since they were compiled
        self._has_more = False  # than is compiled
        self._rows: re.Pattern[str] | None = None

    def run(self, text: str, at: int) -> int:
        """Where the rows end that begin at a place, each with a line break, and have a shape that was learned."""
        found = self._rows.match(text, at) if self._rows else None
        return found.end() if found else at

    def learn(self, text: str) -> None:
        """Takes the shape of a row that was decoded and found sound. Compiled when as much time has gone into decoding."""
        if not self._patience or len(text) > LONGEST or text.count("[") + text.count("{") >= self._depth:
            return
        self._decoded += len(text)
        news = self._take(text)
        self._has_more = self._has_more or news
        self._patience -= not news
        if self._has_more and self._decoded >= PRICE * self._size:
            self.compile()

    def compile(self) -> None:
        """From now on what was learned holds."""
        shapes = "|".join(_pattern(*shape) for shape in self._known.items())
        self._rows, self._decoded, self._has_more = re.compile(rf"(?:(?:{shapes})\n)+"), 0, False

    def _take(self, text: str) -> bool:
        """Whether the row had something that no row before it had."""
        if (found := _shape(text)) is None or (found[0] not in self._known and len(self._known) == MOST):
            return False
        literals, kinds = found
        is_new = literals not in self._known
        if is_new:
            self._known[literals] = [{} for _ in kinds]
            self._size += len(text)
        for place, kind in zip(self._known[literals], kinds, strict=True):
            is_new = is_new or kind not in place
            place[kind] = None
        return is_new


def _shape(text: str) -> tuple[tuple[str | None, ...], list[str]] | None:
    """What a row has between its values, with None for each of these, and their kinds; a list of texts is one value. None where
    something is written in a way that needs decoding, as an escape."""
    literals: list[str | None] = []
    kinds, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        at, kind = token.end(), token.lastgroup or ""
        literals.append(token[0] if kind == "literal" else None)
        kinds += [] if kind == "literal" else [kind]
    return tuple(literals), kinds


def _pattern(literals: tuple[str | None, ...], kinds: list[dict[str, None]]) -> str:
    values = iter(kinds)
    return "".join(
        f"(?:{'|'.join(_KINDS[kind] for kind in next(values))})" if literal is None else re.escape(literal)
        for literal in literals
    )
