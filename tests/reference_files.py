"""From the bytes of a delivery to its cells, the slow and obvious way: one character at a time.

The half of the reference reader (reference_reader.py) that knows file formats. Nothing of maalopfyldelse's intake is used, nor the
libraries that intake reads with; what a format means is taken from contract.py and the format's own definition.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from maalopfyldelse.contract import Format

Cell = str | list[str] | None  # a list is one of JSON's, with its elements as text


class Refuse(Exception):
    """The delivery cannot be taken; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Cells:
    """A file taken apart: its columns as they are named there, and each row's line with its cells, or with what is wrong with it."""

    names: list[str]
    rows: list[tuple[int, dict[str, Any] | str]] = field(default_factory=list)


# --- text


def decoded(data: bytes, form: Format) -> str:
    """The text by the first declared encoding that the whole file obeys, without its mark."""
    for encoding in form.encodings:
        if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            text = data.decode({"utf-8": "utf-8-sig", "windows-1252": "cp1252"}.get(encoding, encoding))
        except UnicodeDecodeError:
            continue
        if not text:
            raise Refuse("EMPTY_FILE")
        if "\0" in text:
            raise Refuse("CONTROL_CHARACTER")
        if form.final_newline and not text.endswith("\n"):
            raise Refuse("CUT_FILE")
        return text
    raise Refuse("WRONG_ENCODING")


def heading(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


# --- csv


def csv_records(text: str, delimiter: str, quote: str) -> list[tuple[int, list[str] | None]]:
    """Each record's first line (from 1) and its fields; None for a line with nothing on it."""
    records: list[tuple[int, list[str] | None]] = []
    at, line = 0, 1

    def line_end() -> int:
        """How many characters end a line here."""
        return 2 if text.startswith("\r\n", at) else 1 if text[at : at + 1] in ("\r", "\n") else 0

    while at < len(text):
        first, fields = line, [""]
        if width := line_end():
            records.append((first, None))
            at, line = at + width, line + 1
            continue
        while True:
            if quote and text[at : at + 1] == quote:
                at += 1
                while True:
                    if at >= len(text):
                        raise Refuse("CUT_FILE")
                    if text.startswith(quote * 2, at):
                        fields[-1] += quote
                        at += 2
                    elif text[at] == quote:
                        at += 1
                        break
                    else:
                        width = line_end()
                        line += width > 0
                        fields[-1] += text[at : at + max(width, 1)]
                        at += max(width, 1)
                if at < len(text) and not line_end() and text[at] != delimiter:
                    raise Refuse("STRAY_QUOTE")
            else:
                while at < len(text) and not line_end() and text[at] != delimiter:
                    fields[-1] += text[at]
                    at += 1
            if text[at : at + 1] != delimiter:
                break
            fields.append("")
            at += 1
        records.append((first, fields))
        at, line = at + line_end(), line + 1
    return records


def csv_cells(data: bytes, form: Format) -> Cells:
    text, skipped = decoded(data, form), 0
    for _ in range(form.header_row - 1):
        _, mark, text = text.partition("\n")
        skipped += 1
        if not mark:
            raise Refuse("EMPTY_FILE")
    first_line = text.partition("\n")[0]
    if not first_line.strip():
        raise Refuse("EMPTY_FILE")
    if form.quote and first_line.count(form.quote) % 2:
        raise Refuse("STRAY_QUOTE")
    (_, head), *records = csv_records(text, form.delimiter, form.quote)
    assert head is not None
    cells = Cells([heading(name) for name in head])
    width, cut = len(head), False
    for line, fields in records:
        if fields is None and width > 1:
            continue
        fields = [""] if fields is None else fields
        if len(fields) == width + 1 and fields[-1] == "":
            fields = fields[:-1]  # a delimiter may stand at the end of a line
        cut = len(fields) < width
        row = {name: value or None for name, value in zip(cells.names, fields, strict=False)}
        cells.rows.append((line + skipped, row if len(fields) == width else "FIELD_COUNT"))
    if cut:
        raise Refuse("CUT_FILE")
    return cells


# --- json


class BadJson(Exception):
    """Not JSON, or an object with one key twice."""


@dataclass(frozen=True)
class Number:
    """A number as it stands in the file."""

    token: str


class Json:
    """One JSON value of a text. Keeps numbers as they are written. Two liberties of the engine's reader harm nothing and are taken
    here too: a comma before a closing bracket, and NaN and Infinity as words."""

    _NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
    _WORD = re.compile(r"-?(nan|infinity|inf)", re.IGNORECASE)
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
        if found := self._WORD.match(self.text, self.at) or self._NUMBER.match(self.text, self.at):
            self.at = found.end()
            return Number(found[0])
        raise BadJson

    def object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self.taken("}"):
            if not self.taken('"'):
                raise BadJson
            key = self.string()
            if key in found or not self.taken(":"):
                raise BadJson
            found[key] = self.value()
            if not self.taken(",") and not (self.text[self.at : self.at + 1] == "}"):
                raise BadJson
        return found

    def list(self) -> list[Any]:
        found: list[Any] = []
        while not self.taken("]"):
            found.append(self.value())
            if not self.taken(",") and not (self.text[self.at : self.at + 1] == "]"):
                raise BadJson
        return found

    def string(self) -> str:
        made = ""
        while True:
            character = self.text[self.at : self.at + 1]
            self.at += 1
            if character == '"':
                break
            if character == "" or character < " ":
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
            elif escape in self._ESCAPES and escape:
                made += self._ESCAPES[escape]
            else:
                raise BadJson
        try:
            return made.encode("utf-16", "surrogatepass").decode("utf-16")  # two escapes may make one character
        except UnicodeDecodeError:
            raise BadJson from None


def json_text(value: Any) -> Cell:
    """A JSON value as a cell."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [text if isinstance(text := json_text(one), str) else "" for one in value]
    if isinstance(value, dict):
        return "{}"
    if re.fullmatch("-?[0-9]+", value.token):
        return "0" if value.token == "-0" else str(value.token)
    if not re.match("-?[0-9]", value.token) or abs(Decimal(value.token).adjusted()) > 300:
        return str(value.token)
    plain = format(Decimal(value.token), "f").rstrip("0") if "." in format(Decimal(value.token), "f") else ""
    return (plain or format(Decimal(value.token), "f") + ".") + ("0" if not plain or plain.endswith(".") else "")


def json_lines(data: bytes, form: Format) -> list[tuple[int, Any]]:
    """Each line with a value of its own, None where it is no object."""
    lines: list[tuple[int, Any]] = []
    texts = decoded(data, form).removesuffix("\n").split("\n")
    for number, line in enumerate(texts, 1):
        if line.strip(" \t\r"):
            try:
                found = Json(line).whole()
            except BadJson:
                found = None
            lines.append((number, found if isinstance(found, dict) else None))
    if all(found is None for _, found in lines):
        raise Refuse("BAD_JSON")
    if lines[-1] == (len(texts), None):
        raise Refuse("CUT_FILE")
    return lines


def json_cells(objects: list[tuple[int, Any]], needed: list[str], known: list[str]) -> Cells:
    """The needed paths of each object. Holds all paths of the file against the known ones."""
    leaves: set[tuple[str, ...]] = set()
    nodes: set[tuple[str, ...]] = set()
    wanted = {tuple(name.split(".")) for name in known}

    def walk(value: dict[str, Any], above: tuple[str, ...]) -> None:
        for key, inner in value.items():
            path = (*above, key)
            if isinstance(inner, dict) and inner and path not in wanted:
                nodes.add(path)
                walk(inner, path)
            else:
                leaves.add(path)

    for _, found in objects:
        if found is not None:
            walk(found, ())
    ends = leaves - nodes
    paths = {tuple(name.split(".")) for name in needed}
    for leaf in leaves:
        if leaf not in wanted and not any(path[: len(leaf)] == leaf for path in paths):
            raise Refuse("UNMAPPED_COLUMN")
    for path in paths:
        if path not in leaves and not any(path[:n] in ends for n in range(1, len(path))):
            raise Refuse("MISSING_COLUMN")
    cells = Cells(list(needed))
    for line, found in objects:
        if found is None:
            cells.rows.append((line, "BAD_JSON"))
            continue
        row: dict[str, Cell] = {}
        for name in needed:
            inner: Any = found
            for key in name.split("."):
                inner = inner.get(key) if isinstance(inner, dict) else None
            row[name] = json_text(inner)
        cells.rows.append((line, row))
    return cells


# --- xlsx


def _xml(data: bytes) -> ElementTree.Element:
    """A part of a workbook. Neither its declaration nor its name spaces say anything about cells, so they may be damaged."""
    root = ElementTree.fromstring(re.sub(rb"^\W*<\?[^>]*>", b"", data))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in [name for name in element.attrib if "}" in name]:
            element.set("r:" + name.rpartition("}")[2], element.attrib[name])
    return root


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
        rows: list[tuple[int, list[Any]]] = []
        for row in page.iter("row"):
            cells: dict[int, Any] = {}
            for cell in row.iter("c"):
                cells[_column(cell.get("r", ""))] = _cell(cell, texts, dates)
            rows.append((int(row.get("r", "0")), [cells.get(i) for i in range(max(cells, default=-1) + 1)]))
        return rows
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
    if found is None or found.text is None:
        return None
    if kind == "s":
        return texts[int(found.text)]
    if kind == "b":
        return found.text != "0"
    if kind in ("str", "e"):
        return found.text
    number = Decimal(found.text)
    return _moment(number) if int(cell.get("s", "0")) in dates else number


def _moment(serial: Decimal) -> date | datetime | time:
    milliseconds = int((serial * 86_400_000).to_integral_value())
    moment = datetime(1899, 12, 30) + timedelta(milliseconds=milliseconds)
    if serial < 1:
        return moment.time()
    return moment.date() if serial == int(serial) else moment


def xlsx_cells(data: bytes, form: Format, texts: set[str], kept: set[str]) -> Cells:
    """`texts`: columns kept as plain text; `kept`: columns that are read at all. Numbers stay Decimal: whoever reads them knows
    the mark."""
    grid = xlsx_rows(data, form.sheet)
    head = next((cells for number, cells in grid if number == form.header_row), [])
    names = ["" if cell is None else heading(str(plain(cell, "."))) for cell in head]
    body = [(number, cells) for number, cells in grid if number > form.header_row and any(c not in (None, "") for c in cells)]
    if not any(names):
        raise Refuse("EMPTY_FILE")
    while names and not names[-1] and not any(len(cells) >= len(names) and cells[len(names) - 1] for _, cells in body):
        names.pop()
    made = Cells(names)
    for number, cells in body:
        if any(cell not in (None, "") for cell in cells[len(names) :]):
            raise Refuse("UNMAPPED_COLUMN")
        row = {name: cells[i] if i < len(cells) and cells[i] != "" else None for i, name in enumerate(names)}
        for name in row:
            if name in texts and isinstance(row[name], date | time):
                raise Refuse("TEXT_BECAME_DATE")
            if name in kept and isinstance(row[name], Decimal) and abs(row[name]) >= 10**15:
                raise Refuse("NUMBER_LOST_DIGITS")
        made.rows.append((number, row))
    return made


def plain(cell: Any, mark: str) -> Cell:
    """A cell of a workbook as text."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}" + (f".{cell.microsecond:06}".rstrip("0") if cell.microsecond else "")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        shown = Decimal(format(float(cell), ".15g"))
        return format(int(shown) if shown == int(shown) else shown, "f" if shown != int(shown) else "d").replace(".", mark)
    assert cell is None or isinstance(cell, str | list), type(cell)
    return cell
