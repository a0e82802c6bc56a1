"""Deliveries full of people, in every format, for the tests that nothing personal leaves intake; and a search of all that a run left.

Here belong the secrets, the files that hold them and the search. Which contracts read the files, and what must become of them, is
test_personal.py's.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow
import pyarrow.parquet
import xlsxwriter

# 170486-3957 holds by its check digit (modulus 11), 170486-3955 does not; 770486 is a replacement number's date (day + 60).
NUMBERS = ["170486-3955", "1704863957", "170486 3955", "770486-2134"]
NAMES = ["Xyqwilda Zjokmund", "Zjokmund"]
PHONES = ["+45 71 93 64 28", "71.93.64.28"]
BARE_PHONE = "71936428"
MAILS = ["xyqwilda@zjokmund.example"]
SECRETS = [*NUMBERS, *NAMES, *PHONES, BARE_PHONE, *MAILS]
# Beside the planted forms, what a careless program would make of them.
SOUGHT = sorted({*SECRETS, "1704863955", "7704862134", "Xyqwilda", *(name.casefold() for name in NAMES), "71 93 64 28"})

Row = dict[str, Any]


def written(form: str, heads: list[str], rows: list[Row], *, sheet: str = "Sager", document: bool = False) -> bytes:
    """The rows as a file; a cell that a row does not mention is empty."""
    if form == "csv":
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, heads, delimiter=";", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode()
    if form == "ndjson":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if form == "json":
        return json.dumps({"note": SECRETS, "rows": rows}, ensure_ascii=False).encode()
    if form == "xlsx":
        return _workbook(heads, rows, sheet)
    table = pyarrow.table({head: pyarrow.array([_text(row.get(head)) for row in rows], pyarrow.string()) for head in heads})
    held = io.BytesIO()
    pyarrow.parquet.write_table(table, held)
    return held.getvalue()


def packed(kind: str, data: bytes, inner: str) -> bytes:
    """As gzip, or in a zip whose one file is called `inner`."""
    if kind == "gz":
        return gzip.compress(data, mtime=0)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inner, data)
    return held.getvalue()


def _workbook(heads: list[str], rows: list[Row], sheet: str) -> bytes:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True})
    page = book.add_worksheet(sheet)
    page.write_row(0, 0, heads)
    for n, row in enumerate(rows, 1):
        for i, head in enumerate(heads):
            cell = row.get(head)
            if isinstance(cell, str) and cell.isdigit() and len(cell) == 10:
                page.write_number(n, i, int(cell))  # as Excel keeps it, unless told otherwise
            elif cell is not None:
                page.write_string(n, i, str(cell))
    book.close()
    return held.getvalue()


def _text(cell: Any) -> str | None:
    return None if cell is None else str(cell)


def everything(root: Path, *, but: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(place, text) of all that lies under a folder: bytes as they are, and what is packed in Parquet, SQLite, DuckDB and workbooks.
    `but`: beginnings of relative paths left out."""
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        place = path.relative_to(root).as_posix()
        if place.startswith(but):
            continue
        data = path.read_bytes()
        yield place, place
        yield place, data.decode("latin-1")
        yield place, data.decode("utf-8", "replace")
        if data.startswith(b"PAR1"):
            table = pyarrow.parquet.read_table(path)
            yield place, str(table.schema) + _joined(row.values() for row in table.to_pylist())
        elif data.startswith(b"SQLite format 3"):
            yield from _sqlite(path, place)
        elif data[8:12] == b"DUCK":
            yield from _duckdb(path, place)
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{place}!{name}", name + archive.read(name).decode("utf-8", "replace")


def _sqlite(path: Path, place: str) -> Iterator[tuple[str, str]]:
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    con.text_factory = lambda data: data.decode("utf-8", "replace")
    for (table,) in con.execute("select name from sqlite_master where type = 'table'").fetchall():
        yield f"{place}!{table}", _joined(con.execute(f'select * from "{table}"'))
    con.close()


def _duckdb(path: Path, place: str) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute("select table_schema, table_name from information_schema.tables").fetchall()
        for schema, table in tables:
            yield f"{place}!{schema}.{table}", _joined(con.execute(f'select * from "{schema}"."{table}"').fetchall())
        yield f"{place}!columns", _joined(con.execute("select * from duckdb_columns()").fetchall())


def _joined(rows: Any) -> str:
    return "\n".join("\t".join(map(str, row)) for row in rows)


def found_in(texts: Iterator[tuple[str, str]], sought: list[str]) -> dict[str, list[str]]:
    """Which of these stand where."""
    found: dict[str, set[str]] = {}
    for place, text in texts:
        for one in sought:
            if one in text:
                found.setdefault(one, set()).add(place)
    return {one: sorted(places) for one, places in found.items()}
