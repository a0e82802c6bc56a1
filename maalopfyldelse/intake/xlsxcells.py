"""What a workbook's reader does not say of its cells: which hold an error, and which days its plain numbers may stand for.

The reader gives an error cell (`#N/A`, `#REF!`) as an empty one, a formula that nothing has computed yet too, and a row of nothing
else as no row. What the cells hold besides is
xlsxfile.py's.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from xml.parsers import expat

from ..cells import column_number

_CHUNK = 1 << 20
_ERROR = re.compile(rb"""\st\s*=\s*["']e["']|(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^>]*)?/>)\s*</""")
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_465  # below lies a day that there was not (29 February 1900), above the year 9999
_DAY = 86_400_000


class ErrorCell:
    """Stands where a cell holds an error, or a formula without a value."""

    def __str__(self) -> str:
        return "#ERROR"


ERROR = ErrorCell()


def error_cells(workbook: io.BytesIO) -> set[tuple[int, int]]:
    """Row and column, from 0, of every cell that holds an error or a formula without a value, in a workbook with one sheet."""
    found: set[tuple[int, int]] = set()
    with zipfile.ZipFile(workbook) as archive:
        for name in archive.namelist():
            if name.casefold().startswith("xl/worksheets/") and _has_errors(archive, name):
                found |= set(_positions(archive, name))
    workbook.seek(0)
    return found


def counts_from_1904(workbook: io.BytesIO) -> bool:
    """Whether the workbook's serials count from 1904, as old ones of Apple's do."""
    with zipfile.ZipFile(workbook) as archive:
        book = archive.read("xl/workbook.xml")
    workbook.seek(0)
    return re.search(rb"""\sdate1904\s*=\s*["'](1|true|on)["']""", book) is not None


def from_serial(number: float, *, is_1904: bool, with_time: bool) -> str | None:
    """The date, or the instant to the millisecond, that a serial stands for, as text; None for a number that can be none."""
    exact = Decimal(format(number, ".15g")) + (1462 if is_1904 else 0)
    if number < 0 or not _FIRST_SERIAL <= exact <= _LAST_SERIAL:
        return None
    milliseconds = int((exact * _DAY).to_integral_value())
    days, rest = divmod(milliseconds, _DAY)
    day = date(1899, 12, 30) + timedelta(days=days)
    if not with_time and rest == 0:
        return day.isoformat()
    instant = datetime(day.year, day.month, day.day) + timedelta(milliseconds=rest)
    return instant.strftime("%Y-%m-%d %H:%M:%S") + (f".{rest % 1000:03d}" if rest % 1000 else "")


def _has_errors(archive: zipfile.ZipFile, name: str) -> bool:
    """A quick look, without a parser, into a sheet that mostly has none."""
    rest = b""
    with archive.open(name) as part:
        while chunk := part.read(_CHUNK):
            if _ERROR.search(rest + chunk):
                return True
            rest = chunk[-64:]
    return False


def _positions(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[int, int]]:
    """A cell that does not say its place follows the one before."""
    found: list[tuple[int, int]] = []
    row = column = 0
    waits = False  # for the value of a formula

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, waits
        local = tag.rpartition(":")[2]
        waits = local == "f" or (waits and local != "v")
        if local == "row":
            row, column = int(attributes["r"]) if "r" in attributes else row + 1, 0
        elif local == "c":
            column += 1
            if match := _CELL.fullmatch(attributes.get("r", "")):
                column, row = column_number(match[1]), int(match[2])
            if attributes.get("t") == "e":
                found.append((row - 1, column - 1))

    def end(tag: str) -> None:
        nonlocal waits
        if tag.rpartition(":")[2] == "c":
            if waits:
                found.append((row - 1, column - 1))
            waits = False

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    with archive.open(name) as part:
        parser.ParseFile(part)
    return iter(found)
