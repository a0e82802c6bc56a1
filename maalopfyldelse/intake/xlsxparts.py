"""The parts of a workbook as their parsers go through them: how long its texts are, where its cells stand, what they are written as.

Nothing is kept of what the cells hold. Which parts are gone through, and what goes into the clean workbook, is xlsxguard.py's.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from ..cells import column_number
from ..contract import Limits
from .faults import Refused

CHUNK = 1 << 20
_MAX_CELL = 1 << 16  # bytes from a cell's tag to its value, a formula between them included
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_ANY_CELL = re.compile(rb"[<:]c[\s/>]")
_VALUE = rb"<(?:\w+:)?v(?:\s[^>]*)?>"
_ODD_VALUE = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*%b[0-9]*[^0-9<]|%b[^<]*<!""" % (_VALUE, _VALUE))
_NUMBER = rb"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_TYPES = rb"""\st\s*=\s*["'](?:b|d|e|inlineStr|n|s|str)["']"""
_ODD_NUMBER = re.compile(  # in a cell of no other type, whatever stands before its value; and a type that there is not
    rb"""<(?:\w+:)?c(?=[\s>])(?:(?![^>]*\st\s*=\s*["'](?!n["']))[^>]*(?<!/)>(?:(?!</?(?:\w+:)?[cv][\s>/])[\s\S])*?%b(?=[^<]*<)(?!\s*(?:%b)?\s*<)"""
    rb"""|(?=[^>]*\st\s*=)(?![^>]*%b)[^>]*>)""" % (_VALUE, _NUMBER, _TYPES)
)


def local(name: str) -> str:
    """An XML name without its name space's prefix."""
    return name.rpartition(":")[2]


def attribute(attributes: list[str], name: str) -> str | None:
    """An attribute of an element, None where it has none; `attributes` are names and values in turn."""
    return next((attributes[i + 1] for i in range(0, len(attributes), 2) if local(attributes[i]) == name), None)


class Texts:
    """How long each shared text is at most: the bytes it takes in the file."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def watch(self, parser: expat.XMLParserType) -> None:
        begin = 0

        def start(name: str, attributes: list[str]) -> None:
            nonlocal begin
            if local(name) == "si":
                begin = parser.CurrentByteIndex

        def end(name: str) -> None:
            if local(name) == "si":
                self.lengths.append(parser.CurrentByteIndex - begin)

        parser.StartElementHandler, parser.EndElementHandler = start, end


class Cells:
    """The rectangle around a sheet's cells, as the reader lays it: from the first row and column on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0
        self.is_odd = False  # a cell is not written as spreadsheet programs write it: its place must be parsed
        self._rest = b""
        self._rows = self._columns = 0

    def scan(self, chunk: bytes) -> None:
        """Takes the cells' places from the bytes, which is several times faster than from the parser."""
        if self.is_odd:
            return
        text = self._rest + chunk
        end = text.rfind(b"<")
        self._rest = text[end:]
        found = _PLAIN_CELL.findall(text, 0, end)
        if end < 0 or len(self._rest) > CHUNK or len(found) != len(_ANY_CELL.findall(text, 0, end)):
            self.is_odd = True
        elif found:
            self.count += len(found)
            self._hold(
                max(int(row) for _, row in found), max(column_number(letters.decode()) for letters in {c for c, _ in found})
            )

    def watch(self, parser: expat.XMLParserType) -> None:
        """Counts anew, by the parser: a cell that does not say its place follows the one before."""
        self.count = row = column = 0

        def start(name: str, attributes: list[str]) -> None:
            nonlocal row, column
            kind = local(name)
            if kind == "row":
                said = attribute(attributes, "r")
                row, column = int(said) if said else row + 1, 0
            elif kind == "c":
                self.count += 1
                column += 1
                if (said := attribute(attributes, "r")) is not None:
                    if not (match := _CELL.fullmatch(said)):
                        raise ValueError(said)
                    column, row = column_number(match[1]), int(match[2])
                self._hold(row, column)

        parser.StartElementHandler = start

    def _hold(self, row: int, column: int) -> None:
        self._rows, self._columns = max(self._rows, row), max(self._columns, column)
        if self._rows > _LAST_ROW or self._columns > _LAST_COLUMN:
            raise ValueError("there is no such cell")
        if self._rows * self._columns > self._limit:
            raise Refused(
                "TOO_LARGE",
                f"the sheet's cells span {self._rows} rows and {self._columns} columns; the contract allows {self._limit} cells "
                "(limits.max_cells). Delete what stands outside the table, or deliver CSV.",
            )


class Values:
    """The values of a sheet's cells, as far as the reader would take one for another: the first text where no plain number says
    which, and what stands before a comment for the whole."""

    def __init__(self) -> None:
        self._rest = b""

    def scan(self, chunk: bytes) -> None:
        text = self._rest + chunk
        if _ODD_VALUE.search(text) or _ODD_NUMBER.search(text):
            raise ValueError("a value that is no plain number")
        self._rest = text[-_MAX_CELL:]


class Written:
    """What the shared texts of a sheet come to when each cell writes its own out, as the reader does."""

    def __init__(self, lengths: list[int], limits: Limits) -> None:
        self._lengths, self._limits, self._total = lengths, limits, 0

    def watch(self, parser: expat.XMLParserType) -> None:
        is_shared, digits = False, ""

        def start(name: str, attributes: list[str]) -> None:
            nonlocal is_shared, digits
            digits = ""
            if local(name) == "c":
                is_shared = attribute(attributes, "t") == "s"

        def text(more: str) -> None:
            nonlocal digits
            digits = digits + more if is_shared and len(digits) < 20 else digits

        def end(name: str) -> None:
            nonlocal digits
            if is_shared and digits.strip().isdecimal() and int(digits) < len(self._lengths):
                self._total += self._lengths[int(digits)]
            digits = ""
            if self._total > self._limits.max_workbook_bytes:
                raise too_large(self._limits)

        parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end


def too_large(limits: Limits) -> Refused:
    """The refusal of a workbook that comes to more than the contract allows."""
    allowed = f"the contract allows {limits.max_workbook_bytes} bytes (limits.max_workbook_bytes)"
    return Refused("TOO_LARGE", f"unpacked, with the text of its cells, the workbook is too large: {allowed}. Deliver CSV.")
