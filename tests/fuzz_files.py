"""Files for a contract of fuzz_contracts.py: a grid of cells, perhaps mangled, written in the contract's format, perhaps mangled again."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from fuzz_contracts import Contract
from fuzz_mangling import Grid, mangled_bytes, mangled_grids
from hypothesis import strategies as st


@dataclass(frozen=True)
class File:
    """A file's bytes, and what was done to them; nothing was when `mangled` is empty."""

    data: bytes
    mangled: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return f"File({len(self.data)} bytes, {self.mangled})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


@st.composite
def grids(draw: Any, contract: Contract) -> Grid:
    """Rows that fit the contract, or nearly."""
    names = draw(st.permutations(list(contract.cells)))
    count = draw(st.sampled_from([3, 1, 2, 4, 5, 6, 4, 3, 0]))
    return Grid(list(names), [[draw(contract.cells[name]) for name in names] for _ in range(count)])


# --- writing


@st.composite
def written(draw: Any, contract: Contract, grid: Grid, *, sound: bool) -> bytes:
    """The grid as a file of the contract's format. `sound`: as a correct program would write it."""
    form = contract.layout.format
    if form.type == "csv":
        return draw(_csv(form, grid, sound=sound))  # type: ignore[no-any-return]
    if form.type == "parquet":
        return draw(_parquet(grid))  # type: ignore[no-any-return]
    if form.type == "xlsx":
        return draw(_xlsx(form, grid))  # type: ignore[no-any-return]
    if form.type == "json":
        return draw(_json(form, grid))  # type: ignore[no-any-return]
    return draw(_ndjson(form, grid))  # type: ignore[no-any-return]


@st.composite
def _encoded(draw: Any, text: str, encodings: list[str]) -> bytes:
    chosen = draw(st.sampled_from(encodings))
    if chosen == "utf-8":
        return text.encode("utf-8-sig" if draw(st.booleans()) else "utf-8")
    if chosen == "utf-16":
        return draw(st.sampled_from([b"\xff\xfe" + text.encode("utf-16-le"), b"\xfe\xff" + text.encode("utf-16-be")]))  # type: ignore[no-any-return]
    return text.encode("cp1252", "replace")


@st.composite
def _csv(draw: Any, form: Any, grid: Grid, *, sound: bool) -> bytes:
    style = draw(st.sampled_from(["needed", "needed", "always", "some"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))

    def cell(value: Any, heading: bool = False) -> str:
        text = _flat(value)
        if heading:
            text = text.replace("\n", " ").replace("\r", " ")
        if not form.quote:
            return "".join(" " if c in f"\r\n{form.delimiter}" else c for c in text) if sound else text
        special = any(c in text for c in f"{form.delimiter}{form.quote}\r\n")
        if special or style == "always" or (style == "some" and draw(st.booleans())):
            return form.quote + text.replace(form.quote, form.quote * 2) + form.quote
        return text

    lines = ["Udtræk af ting"] * (form.header_row - 1) + [form.delimiter.join(cell(n, True) for n in grid.names)]
    for row in grid.rows:
        if draw(st.integers(0, 9)) == 9:
            lines.append("")
        lines.append(form.delimiter.join(map(cell, row)) + (form.delimiter if draw(st.integers(0, 19)) == 19 else ""))
    ended = form.final_newline or draw(st.booleans())
    return draw(_encoded(end.join(lines) + (end if ended else ""), form.encodings))  # type: ignore[no-any-return]


def nested(names: list[str], values: list[Any]) -> dict[str, Any]:
    """An object of dotted paths."""
    made: dict[str, Any] = {}
    for name, value in zip(names, values, strict=False):
        *above, last = name.split(".")
        inner = made
        for key in above:
            if not isinstance(inner.get(key), dict):
                inner[key] = {}  # a mangled heading may be the beginning of another's path; an object holds one of the two
            inner = inner[key]
        inner[last] = value
    return made


@st.composite
def _json_rows(draw: Any, form: Any, grid: Grid) -> list[str]:
    """Each row as JSON: an object of its paths, or a list where the format says so."""
    is_plain = draw(st.booleans())  # everything as text
    lines = []
    for number, row in enumerate(grid.rows):
        values, names = [], []
        for name, value in zip(grid.names, row, strict=False):
            if number and not form.names and draw(st.integers(0, 9)) == 9:
                continue  # the path is missing
            names.append(name)
            values.append(value if is_plain else draw(_json_value(value)))
        made = json.dumps(values if form.names else nested(names, values), ensure_ascii=draw(st.booleans()))
        lines.append(made.replace('"<<', "").replace('>>"', ""))
    return lines


@st.composite
def _ndjson(draw: Any, form: Any, grid: Grid) -> bytes:
    end, lines = draw(st.sampled_from(["\n", "\r\n"])), []
    for line in draw(_json_rows(form, grid)):
        lines += [line] if draw(st.integers(0, 9)) < 9 else [line, " "]
    ended = form.final_newline or draw(st.booleans())
    return draw(_encoded(end.join(lines) + (end if ended and lines else ""), form.encodings))  # type: ignore[no-any-return]


@st.composite
def _json(draw: Any, form: Any, grid: Grid) -> bytes:
    """A document of one of the contract's shapes."""
    indent = draw(st.sampled_from(["", "\n", "\r\n  ", " "]))
    rows = "[" + indent + f",{indent}".join(draw(_json_rows(form, grid))) + indent + "]"
    names = json.dumps(grid.names)
    labels = json.dumps([{"Name": str(n), "Label": name} for n, name in enumerate(grid.names)], ensure_ascii=draw(st.booleans()))
    first, last = f'"columns":{indent}{names},', ', "TotalCount": 7, "more": [{"x": null}]'
    text = {
        None: rows,
        "rows": "{" + first * bool(form.names) + f'"rows": {rows}{last}' + "}",
        "value.1.rows": '{"value": [1, {"rows": ' + rows + last + "}]}",
        "0.Data": f'[{{"Variables": {labels}, "Data": {rows}{last}}}]',
    }[form.rows]
    return draw(_encoded(text + draw(st.sampled_from(["", "\n"])), form.encodings))  # type: ignore[no-any-return]


def _json_value(value: Any) -> st.SearchStrategy[Any]:
    """A text as JSON may say it: as text, null, a truth or a number (marked, since Python would write it another way)."""
    if not isinstance(value, str):
        return st.just(value)
    kinds: list[Any] = [value, value]
    if value == "":
        kinds.append(None)
    if value in ("true", "false"):
        kinds.append(value == "true")
    if _is_number(value) and value != "-0":
        kinds.append(f"<<{value}>>")
    return st.sampled_from(kinds)


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and value not in ("NaN", "Infinity", "-Infinity") and type(json.loads(value)) in (int, float)
    except ValueError:
        return False


@st.composite
def _parquet(draw: Any, grid: Grid) -> bytes:
    """Columns typed where all their cells allow it."""
    columns = []
    for column in range(len(grid.names)):
        texts = [_flat(row[column]) if column < len(row) else None for row in grid.rows]
        texts = [None if text == "" and draw(st.booleans()) else text for text in texts]
        columns.append(draw(st.sampled_from(_typings(texts))))
    out = io.BytesIO()
    table = pa.Table.from_arrays(columns, names=[str(name) for name in grid.names])
    packing = draw(st.sampled_from(["none", "snappy", "zstd", "gzip"]))
    size = draw(st.sampled_from([2, 1000]))
    pq.write_table(table, out, compression=packing, row_group_size=size, use_dictionary=draw(st.booleans()))
    return out.getvalue()


def _typings(texts: list[str | None]) -> list[Any]:
    """The ways in which a column of texts can be typed."""
    found = [pa.array(texts, pa.string())]
    kinds = [
        (pa.int64(), int),
        (pa.int32(), int),
        (pa.float64(), float),
        (pa.decimal128(38, 9), Decimal),
        (pa.date32(), date.fromisoformat),
    ]
    kinds += [(kind, datetime.fromisoformat) for kind in (pa.timestamp("us"), pa.timestamp("ms"), pa.timestamp("us", "UTC"))]
    for kind, read in [*kinds, (pa.bool_(), {"true": True, "false": False}.__getitem__)]:
        with suppress(ValueError, ArithmeticError, KeyError, TypeError, pa.ArrowException):
            found.append(pa.array([None if text is None else read(text) for text in texts], kind))
    return found


def _flat(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


@st.composite
def _xlsx(draw: Any, form: Any, grid: Grid) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"created": datetime(2021, 1, 5)})  # not the clock
    names = [form.sheet or "Ark1"] if form.sheet is None or draw(st.booleans()) else ["Forside", form.sheet]
    for name in names:
        sheet = book.add_worksheet(name)
    shown = {letter: book.add_format({"num_format": letter}) for letter in ("yyyy-mm-dd", "dd-mm-yyyy hh:mm:ss", "0.00")}
    top, left = (form.header_row - 1, 0) if form.range is None else (2, 1)
    if top:
        sheet.write_string(0, 0, "Udtræk af ting")
    if left:
        sheet.write_number(top, 0, 1)  # beside the range
    for column, name in enumerate(grid.names, left):
        sheet.write_string(top, column, name)
    at = top + 1
    is_plain = draw(st.booleans())
    for row in grid.rows:
        at += draw(st.integers(0, 9)) == 9  # a blank row
        for column, value in enumerate(row, left):
            text = _flat(value)
            kind = "text" if is_plain else draw(st.sampled_from(["text", "own", "own", "own", "serial"]))
            if kind == "own" and _is_number(text) and abs(float(text)) < 1e14:
                sheet.write_number(at, column, float(text), draw(st.sampled_from([None, shown["0.00"]])))
            elif kind == "own" and text in ("true", "false"):
                sheet.write_boolean(at, column, text == "true")
            elif kind != "text" and (moment := _moment(text)):
                is_day = moment.hour == moment.minute == moment.second == 0
                form_of = shown["yyyy-mm-dd" if is_day else "dd-mm-yyyy hh:mm:ss"]
                sheet.write_datetime(at, column, moment, form_of if kind == "own" else shown["0.00"])
            elif kind != "text" and text in ("", "#N/A"):
                sheet.write_formula(at, column, "=NA()", None, "#N/A" if draw(st.integers(0, 9)) == 9 else text)
            elif text:
                sheet.write_string(at, column, text)
        at += 1
    book.close()
    return out.getvalue()


def _moment(text: str) -> datetime | None:
    for pattern in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d-%m-%Y"):
        try:
            found = datetime.strptime(text, pattern)
        except ValueError:
            continue
        return found if found.year > 1900 else None
    return None


@st.composite
def files(draw: Any, contract: Contract) -> File:
    """A file for the contract, sound or mangled."""
    grid, done = draw(grids(contract)), []
    level = draw(st.integers(0, 3))  # how much is done to it
    if level in (2, 3) and draw(st.booleans()):
        grid, how = draw(mangled_grids(grid))
        done.append(how)
    is_short = any(source.order for source in contract.layout.columns.values())  # where the reference compares each row with each
    if not is_short and draw(st.integers(0, 79)) == 79:
        grid.rows = grid.rows * 700  # more than the engine takes at a time
    data = draw(written(contract, grid, sound=level != 1))
    packing = draw(st.sampled_from(["", "", "", "", "", "", "gzip", "zip"]))
    if packing and level < 3:  # else after it has been mangled
        data = _packed(data, packing)
    if level == 1 and not contract.layout.format.quote and contract.layout.format.type == "csv":
        done.append("nothing quoted")
    for _ in range(0 if level < 2 else 1 if not done or level == 2 else 2):
        data, how = draw(mangled_bytes(data))
        done.append(how)
    return File(_packed(data, packing) if level == 3 else data, tuple(done))


def _packed(data: bytes, packing: str) -> bytes:
    out = io.BytesIO()
    if packing == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("../udtræk.csv"), data)
    return gzip.compress(data, mtime=0) if packing == "gzip" else out.getvalue() if packing else data
