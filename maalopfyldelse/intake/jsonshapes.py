"""Rows of JSON that are written as rows before them were: the same keys in the same order, other values.

Nearly all rows of an export are, and to hold one against a regular expression takes a tenth of the time that decoding it does. What
a shape matches is sound because the row it was made from was: valid JSON, no key twice, no fraction, no path that was not
there before, no deeper. Rows of any other form are jsonlines.py's to decode.
"""

from __future__ import annotations

import re

MOST = 32  # shapes; exports leave out and add a key or two
LONGEST = 2_000  # characters of a row that is learned: a shape is as long, and to compile it costs more than to decode many rows
_TEXT = r'"[^"\\\x00-\x1f]*+"'
_WHOLE = r"-?(?:0|[1-9][0-9]*+)"
_TOKEN = re.compile(
    rf"(?P<literal>{_TEXT}[ \t]*:|null|[{{}}\[\],: \t])|(?P<text>{_TEXT})|(?P<whole>{_WHOLE})(?![.eE0-9])|(?P<truth>true|false)"
)
_TEXTS = re.compile(rf"\[(?:{_TEXT}(?:,{_TEXT})*+)?+\]")
_ANY = {"text": _TEXT, "whole": _WHOLE, "truth": "(?:true|false)"}


class Shapes:
    """The shapes learned from one file. `depth`: the contract's; rows that come near it are always decoded."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._known: list[re.Pattern[str]] = []

    def hold(self, text: str) -> bool:
        """Whether a row has a shape that was learned."""
        for place, shape in enumerate(self._known):
            if shape.fullmatch(text):
                if place:  # the next row is likely to have it too
                    self._known.insert(0, self._known.pop(place))
                return True
        return False

    def learn(self, text: str) -> None:
        """Takes the shape of a row that was decoded and found sound."""
        if (
            len(self._known) < MOST
            and len(text) <= LONGEST
            and text.count("[") + text.count("{") < self._depth
            and (shape := _shape(text))
        ):
            self._known.insert(0, re.compile(shape))


def _shape(text: str) -> str | None:
    """A row's text with every value replaced by the form of its kind; a list of texts may have any number of them. None where
    something is written in a way that needs decoding, as an escape."""
    made, at = [], 0
    while at < len(text):
        if texts := _TEXTS.match(text, at):
            made.append(_TEXTS.pattern)
            at = texts.end()
        elif token := _TOKEN.match(text, at):
            made.append(_ANY.get(token.lastgroup or "") or re.escape(token[0]))
            at = token.end()
        else:
            return None
    return "".join(made)
