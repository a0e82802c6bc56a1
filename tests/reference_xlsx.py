"""A workbook's sheet as cells, from the XML of its parts. See reference_files.py."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from reference_files import Cells, Refuse, heading, plain

from maalopfyldelse.contract import Format


def _xml(data: bytes) -> ElementTree.Element:
    """A part of a workbook. Neither its declaration nor its name spaces say anything about cells, so they may be damaged."""
    data = re.sub(rb"^\W*<\?[^>]*>", b"", data)
    root = ElementTree.fromstring(re.sub(rb'( xmlns(?::\w+)?=)"[^"<]*"', rb'\1"any"', data))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in [name for name in element.attrib if "}" in name]:
            element.set("r:" + name.rpartition("}")[2], element.attrib[name])
    return root


class Error:
    """What stands in a cell that holds one of Excel's errors, or a formula without a value."""


ERROR = Error()


def xlsx_rows(data: bytes, sheet: str | None) -> list[tuple[int, list[Any]]]:
    """The rows of a sheet from the first on: number, and cells as text, number (Decimal), bool, date, datetime or None."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            book = _xml(archive.read("xl/workbook.xml"))
            links = _xml(archive.read("xl/_rels/workbook.xml.rels"))
            targets = {link.get("Id"): link.get("Target", "") for link in links}
            sheets = {s.get("name"): targets[s.get("r:id")] for s in book.iter("sheet")}
            if sheet is not None and sheet not in sheets:
                raise Refuse("NO_SUCH_SHEET")
            name = sheets[sheet] if sheet is not None else next(iter(sheets.values()))
            page = _xml(archive.read("xl/" + name.removeprefix("/xl/")))
            names = archive.namelist()
            texts = _shared(archive.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
            dates = _date_styles(archive.read("xl/styles.xml")) if "xl/styles.xml" in names else set()
        grid: dict[int, dict[int, Any]] = {}
        number = 0
        for row in page.iter("row"):
            number, column = int(row.get("r", number + 1)), -1
            for cell in row.iter("c"):
                column += 1
                if said := cell.get("r"):  # counts more than what its row says
                    place = re.fullmatch("([A-Z]+)([0-9]+)", said)
                    assert place
                    column, number = _column(place[1]), int(place[2])
                grid.setdefault(number, {})[column] = _cell(cell, texts, dates)
        return [(number, [cells.get(i) for i in range(max(cells) + 1)]) for number, cells in sorted(grid.items())]
    except Refuse:
        raise
    except Exception:  # whatever is wrong with it, it is no workbook that can be read
        raise Refuse("BROKEN_WORKBOOK") from None


def _shared(xml: bytes) -> list[str]:
    return [_joined(si) for si in _xml(xml).iter("si")]


def _joined(element: ElementTree.Element) -> str:
    """The texts of an element; `_x000D_` is how a workbook writes a character that XML cannot hold."""
    text = "".join(t.text or "" for t in element.iter("t"))
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def _date_styles(xml: bytes) -> set[int]:
    """The numbers of the cell styles that show a number as a date or time."""
    root = _xml(xml)
    codes = {int(f.get("numFmtId", "0")): f.get("formatCode", "") for f in root.iter("numFmt")}
    found = set()
    for number, style in enumerate(root.find("cellXfs") or []):
        known = int(style.get("numFmtId", "0"))
        code = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", codes.get(known, ""))
        if known in range(14, 23) or re.search("[dmyhs]", code, re.IGNORECASE):
            found.add(number)
    return found


def _column(reference: str) -> int:
    letters = re.match("[A-Z]+", reference)
    number = 0
    for letter in letters[0] if letters else "":
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _cell(cell: ElementTree.Element, texts: list[str], dates: set[int]) -> Any:
    kind, found = cell.get("t", "n"), cell.find("v")
    if kind == "inlineStr":
        return _joined(cell)
    if found is None and cell.find("f") is not None:
        return ERROR  # a formula that nothing has computed
    if found is None or found.text is None:
        return None
    if kind == "s":
        if not re.fullmatch("[0-9]+", found.text):
            raise ValueError
        return texts[int(found.text)]
    if kind == "b":
        return found.text != "0"
    if kind == "e":
        return ERROR
    if kind == "str":
        return found.text
    number = Decimal(format(float(found.text), ".15g"))  # as many digits as a workbook shows and keeps
    number = Decimal(int(number)) if number == int(number) else number
    return _moment(Decimal(found.text)) if int(cell.get("s", "0")) in dates else number


def _moment(serial: Decimal) -> date | datetime | time:
    milliseconds = int((serial * 86_400_000).to_integral_value())
    moment = datetime(1899, 12, 30) + timedelta(milliseconds=milliseconds)
    if serial < 1:
        return moment.time()
    return moment.date() if serial == int(serial) else moment


def _within(grid: list[tuple[int, list[Any]]], form: Format) -> tuple[int, list[tuple[int, list[Any]]]]:
    """The number of the header's row, and the rows from there on with the cells that the format's range leaves."""
    if form.range is None:
        return form.header_row, [(number, cells) for number, cells in grid if number >= form.header_row]
    found = re.fullmatch("([A-Z]+)([0-9]+):([A-Z]+)([0-9]*)", form.range)
    assert found
    first, last, top, end = _column(found[1]), _column(found[3]), int(found[2]), int(found[4] or 2**20)
    cut = [(number, cells[first : last + 1]) for number, cells in grid if number >= top]
    if any(number == end + 1 and _is_filled(cells) for number, cells in cut):
        raise Refuse("OUTSIDE_RANGE")
    return top, [(number, cells) for number, cells in cut if number <= end]


def _is_filled(cells: list[Any]) -> bool:
    return any(cell not in (None, "") for cell in cells)


def _as_serial(number: Decimal, kind: str) -> str | None:
    """The day, or the instant, that a plain number counts to; none before March 1900 and after the year 9999."""
    if not 61 <= number <= 2_958_465:
        return None
    moment = datetime(1899, 12, 30) + timedelta(milliseconds=int((number * 86_400_000).to_integral_value()))
    return plain(moment if kind == "timestamp" or moment.time() != time() else moment.date(), ".")


def xlsx_cells(data: bytes, form: Format, kept: set[str], texts: set[str], serials: dict[str, str]) -> Cells:
    """`kept`: the columns that are read; `texts`: those kept as plain text; `serials`: those in which a plain number is a date, and
    their types. Other numbers stay Decimal: whoever reads them knows the mark."""
    top, grid = _within(xlsx_rows(data, form.sheet), form)
    head = next((cells for number, cells in grid if number == top), [])
    names = ["" if cell is None else "#ERROR" if cell is ERROR else heading(str(plain(cell, "."))) for cell in head]
    body = [(number, cells) for number, cells in grid if number > top and _is_filled(cells)]
    if not any(names):
        raise Refuse("EMPTY_FILE")
    while names and not names[-1] and not any(_is_filled(cells[len(names) - 1 : len(names)]) for _, cells in body):
        names.pop()
    made = Cells(names)
    for number, cells in body:
        if _is_filled(cells[len(names) :]):
            raise Refuse("UNMAPPED_COLUMN")
        row = {name: cells[i] if i < len(cells) and cells[i] != "" else None for i, name in enumerate(names)}
        for name in kept & row.keys():
            cell = row[name]
            if name in texts and isinstance(cell, date | time):
                raise Refuse("TEXT_BECAME_DATE")
            if isinstance(cell, Decimal) and abs(cell) >= 10**15:
                raise Refuse("NUMBER_LOST_DIGITS")
            if name in serials and isinstance(cell, Decimal):
                row[name] = _as_serial(cell, serials[name]) or cell
        made.rows.append((number, "ERROR_CELL" if any(row.get(name) is ERROR for name in kept) else row))
    return made
