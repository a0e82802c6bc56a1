"""A workbook delivery as text columns: cells as they would be typed, dates in ISO form, whole numbers whole.

Excel has changed some values before we see them, and they are refused rather than guessed back: a text that became a date, a long
number that lost its digits. A row with an error in a column that is read is set aside. Rows are held in memory: a sheet has at most 1,048,576.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cells import Area, area
from ..contract import Layout, Limits, Table
from .csvfile import Located, headings
from .faults import Fault, Refused
from .xlsxcells import ERROR, ErrorCell, counts_from_1904, error_cells, from_serial
from .xlsxguard import broken, guarded

if TYPE_CHECKING:
    import duckdb

MAX_DIGITS = 15  # as many as Excel keeps
ERROR_CELL = "ERROR_CELL"


class XlsxFile:
    """An opened workbook. `names` are the headings of its sheet. Raises Refused for a workbook that cannot be used."""

    def __init__(self, path: Path, sha256: str | None, layout: Layout, limits: Limits) -> None:
        self._form, self.is_ascii = layout.format, False
        self._layout = layout
        clean = guarded(path, sha256, layout.format.sheet, limits)
        self._rows = _read(clean, layout.format.sheet)  # first: it refuses what is no workbook
        self._is_1904 = counts_from_1904(clean)
        for row, column in error_cells(clean):
            self._rows[row][column] = ERROR
        at = layout.format.header_row - 1
        if layout.format.range is not None:
            at = self._cut(area(layout.format.range))
        if len(self._rows) <= at or not any(str(cell).strip() for cell in self._rows[at]):
            raise Refused("EMPTY_FILE", "no header stands here. Export it again.", line=at + 1)
        head = [str(cell) for cell in self._rows[at]]
        while head and not head[-1].strip() and not any(_filled(row, len(head) - 1) for row in self._rows[at + 1 :]):
            head.pop()
        self.names = headings(head)
        self._body = [(n, row) for n, row in enumerate(self._rows[at + 1 :], at + 2) if any(c not in ("", None) for c in row)]
        self._table = "workbook"
        self._errors: dict[int, list[str]] = {}

    def load(self, con: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Gives the engine the cells as text, and then raises Refused where some are lost: TEXT_BECAME_DATE, NUMBER_LOST_DIGITS, with
        every place."""
        pa: Any = import_module("pyarrow")
        texts, marks = self._as_text(table)
        serials = self._serials(table)
        faults: list[Fault] = []
        columns: dict[str, list[str | None]] = {}
        for i, name in enumerate(self.names):
            kept = name in marks
            columns[f"c{i}"] = cells = []
            for line, row in self._body if kept else ():
                cell = row[i] if i < len(row) else ""
                if isinstance(cell, date | time | timedelta) and name in texts:
                    faults.append(
                        Fault(line, "TEXT_BECAME_DATE", name, "Excel has turned a text into a date. Format the column as text.")
                    )
                elif isinstance(cell, float) and abs(cell) >= 10**MAX_DIGITS:
                    faults.append(
                        Fault(
                            line, "NUMBER_LOST_DIGITS", name, "the number is longer than Excel keeps. Format the column as text."
                        )
                    )
                    cell = ""  # it may be too large to be written out
                elif isinstance(cell, ErrorCell):
                    self._errors.setdefault(line, []).append(name)
                if isinstance(cell, float) and name in serials:
                    text = from_serial(cell, is_1904=self._is_1904, with_time=serials[name])
                    cells.append(_text(cell, marks[name]) if text is None else text)
                else:
                    cells.append(_text(cell, marks[name]))
            if not kept:
                columns[f"c{i}"] = [None] * len(self._body)
        data: dict[str, Any] = {name: pa.array(cells, pa.string()) for name, cells in columns.items()}
        data["_row"] = pa.array([line for line, _ in self._body], pa.int64())
        data["_broken"] = pa.array([ERROR_CELL if line in self._errors else None for line, _ in self._body], pa.string())
        con.register(self._table, pa.table(data))
        if faults:
            raise Refused(faults[0].code, f"{faults[0].message}", line=faults[0].line, column=faults[0].column, faults=faults)

    def select(self, needed: list[str], careful: bool) -> str:
        """SQL for the needed columns as text r0, r1, …; careful: numbered by the sheet's rows, those with errors said to be broken.
        Else these are missing, and so the rows are not as many as the file's."""
        picked = [f"c{self.names.index(name)} as r{i}" for i, name in enumerate(needed)]
        if careful:
            return f"select {', '.join([*picked, '_row', '_broken'])} from {self._table}"
        return f"select {', '.join(picked) or '1 as one'} from {self._table} where _broken is null"

    def rows(self, con: duckdb.DuckDBPyConnection) -> int:
        """Rows of the sheet that are not blank."""
        return len(self._body)

    def locate(self, ordinals: Iterable[int], rows_split: int) -> Located:
        """Rows are numbered by the sheet already."""
        return Located({n: n for n in ordinals}, rows_split)

    def errors_in(self, row: int) -> list[str]:
        """The columns in which a row of the sheet holds an error."""
        return self._errors.get(row, [])

    def _cut(self, part: Area) -> int:
        """Leaves the cells of a range only; the header's row. Raises Refused (OUTSIDE_RANGE) where the table goes on below it."""
        self._rows = [row[part.first_column : part.last_column + 1] for row in self._rows]
        end = len(self._rows) if part.last_row is None else part.last_row + 1
        if end < len(self._rows) and any(cell not in ("", None) for cell in self._rows[end]):
            message = (
                f"the table goes on below the contract's range {self._form.range}. Lengthen the range, or leave a row blank."
            )
            raise Refused("OUTSIDE_RANGE", message, line=end + 1)
        self._rows = [[] if n < part.first_row else row for n, row in enumerate(self._rows[:end])]
        return part.first_row

    def _serials(self, table: Table) -> dict[str, bool]:
        """The file's columns whose numbers are dates, and whether these are instants."""
        found = {}
        for name, source in self._layout.columns.items():
            if source.from_ is not None and source.takes_serials:
                found[source.from_] = table.columns[name].type == "timestamp"
        return found

    def _as_text(self, table: Table) -> tuple[set[str], dict[str, str]]:
        """The file's columns that are kept as plain text, and for each column that is read its decimal mark."""
        texts: set[str] = set()
        marks: dict[str, str] = {}
        for name, source in self._layout.columns.items():
            for column in (*source.columns, *(source.order or {}).values()):
                marks.setdefault(column, source.decimal)
                if table.columns[name].type == "varchar" and source.from_ == column:
                    texts.add(column)
        return texts, marks


def _read(clean: io.BytesIO, sheet: str | None) -> list[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_filelike(clean)
        name = sheet if sheet is not None else workbook.sheet_names[0]
        if name not in workbook.sheet_names:
            sheets = len(workbook.sheet_names)  # what they are called may be anything, a person's name too
            raise Refused(
                "NO_SUCH_SHEET", f"of the workbook's sheets ({sheets}) none is called '{name}'. Name it as the contract does."
            )
        rows: list[list[Any]] = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        return rows
    except Refused:
        raise
    except BaseException as error:
        # the reader panics on some damaged files, with an exception that is no Exception
        known = (CalamineError, OSError, IndexError, ValueError, NotImplementedError)
        if not isinstance(error, known) and type(error).__name__ != "PanicException":
            raise
        raise broken() from None


def _text(cell: Any, decimal: str) -> str | None:
    if cell is None or cell == "" or cell is ERROR:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        part = f".{cell.microsecond:06d}".rstrip("0") if cell.microsecond else ""
        return cell.strftime("%Y-%m-%d %H:%M:%S") + part
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float):
        # Excel shows and keeps 15 digits; what stands beyond them is the binary form's, not the sender's
        exact = Decimal(format(cell, f".{MAX_DIGITS}g"))
        text = format(exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact, "f")
        return text.replace(".", decimal)
    return str(cell)


def _filled(row: list[Any], index: int) -> bool:
    return index < len(row) and row[index] not in ("", None)
