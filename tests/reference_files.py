"""From the bytes of a delivery to its cells, the slow and obvious way: one character at a time.

The half of the reference reader (reference_reader.py) that knows file formats: here CSV, Parquet and packed files, in
reference_json.py and reference_xlsx.py what their names say. Nothing of maalopfyldelse's intake is used, nor the libraries that
intake reads with; what a format means is taken from contract.py and the format's own definition.
"""

from __future__ import annotations

import gzip
import io
import math
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from maalopfyldelse.contract import Format

Cell = str | None


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


# --- packing


def unpacked(data: bytes) -> bytes:
    """What lies in a gzip file, or in a zip of one file that is no workbook."""
    try:
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        elif data[:4] in (b"PK\3\4", b"PK\5\6"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if "[Content_Types].xml" in names:
                    return data
                if len(names) != 1:
                    raise Refuse("NOT_ONE_FILE")
                data = archive.read(names[0])
        else:
            return data
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError, RuntimeError):
        raise Refuse("BROKEN_ARCHIVE") from None
    if unpacked(data) is not data:  # packed twice
        raise Refuse("BROKEN_ARCHIVE")
    return data


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
        if encoding == "utf-16":
            text = text.removeprefix("\ufeff")  # a second mark
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
    if head is None:
        raise Refuse("EMPTY_FILE")
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


# --- parquet


def parquet_cells(data: bytes, kept: set[str]) -> Cells:
    """Typed columns. `kept`: those that are read. Numbers stay Decimal: whoever reads them knows the mark."""
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        cells = Cells([heading(name) for name in file.schema_arrow.names])
        places = [place for place, name in enumerate(cells.names) if name in kept]
        table = file.reader.read_all(column_indices=places, use_threads=False)  # what the others hold is not looked at
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, KeyError, UnicodeDecodeError):
        raise Refuse("BROKEN_PARQUET") from None
    columns = {cells.names[place]: table.column(n) for n, place in enumerate(places)}
    values = {name: [_typed_cell(value, column.type) for value in column.to_pylist()] for name, column in columns.items()}
    for number in range(file.metadata.num_rows):
        cells.rows.append((number + 1, {name: cell[number] for name, cell in values.items()}))
    return cells


def _typed_cell(value: Any, kind: pa.DataType) -> Any:
    if value is None or (isinstance(value, str | bool | Decimal | date) and not isinstance(value, datetime)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value) or abs(value) >= (2**24 if pa.types.is_float32(kind) else 10**15):
            raise Refuse("INEXACT_NUMBER")
        return str(int(value))
    if isinstance(value, datetime):
        clock = value.astimezone(UTC) if value.tzinfo else value
        part = f".{clock.microsecond:06}".rstrip("0") if clock.microsecond else ""
        return f"{clock:%Y-%m-%d %H:%M:%S}{part}" + ("+00:00" if value.tzinfo else "")
    if isinstance(value, int):
        return str(value)
    raise Refuse("UNREADABLE_TYPE")


# --- cells


def plain(cell: Any, mark: str) -> Cell:
    """A cell of a workbook as text."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}" + (f".{cell.microsecond:06}".rstrip("0") if cell.microsecond else "")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f").replace(".", mark)
    assert cell is None or isinstance(cell, str), type(cell)
    return cell
