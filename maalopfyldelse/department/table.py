"""The table for the department as CSV, from the view: one line for the total and each row, Danish headings and numbers.

For whoever takes the figures into a spreadsheet or a program of their own; the whole edition is the workbook's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from fractions import Fraction

from ..printing import danish_figure, spreadsheet_text
from .view import Amount, Row, Total, View

COLUMNS: list[tuple[str, Callable[[Row], str], Callable[[Total, View], str]]] = [
    ("Nr.", lambda row: row.id, lambda total, view: "total"),
    ("Krav", lambda row: row.text, lambda total, view: "Samlet målopfyldelse"),
    ("Verdikt", lambda row: row.verdict.word, lambda total, view: ""),
    ("Resultat", lambda row: _number(row.value, row.unit), lambda total, view: _points(total.low, total) if total.low == total.high else ""),
    ("Mål", lambda row: row.target, lambda total, view: ""),
    ("Enhed", lambda row: row.unit, lambda total, view: total.unit),
    ("Vægt", lambda row: row.weight.text, lambda total, view: danish_figure(total.of)),
    ("Point mindst", lambda row: _points(row.points_low, row), lambda total, view: _points(total.low, total)),
    ("Point højst", lambda row: _points(row.points_high, row), lambda total, view: _points(total.high, total)),
    ("Læsning", lambda row: ", ".join(row.reading), lambda total, view: ""),
    ("Rækker sat til side", lambda row: row.rows_set_aside.text.replace(".", ""), lambda total, view: ""),
    ("Status", lambda row: row.status, lambda total, view: view.status),
    ("Bemærkning", lambda row: row.reason, lambda total, view: total.remark),
]  # fmt: skip


def table(view: View) -> bytes:
    """`;` between the cells, UTF-8 with a byte order mark so that Excel reads it. A text that a spreadsheet would run as a formula is
    written with an apostrophe in front."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    lines = [[heading for heading, _, _ in COLUMNS]]
    if view.total:
        lines.append([of_total(view.total, view) for _, _, of_total in COLUMNS])
    lines += [[of_row(row) for _, of_row, _ in COLUMNS] for row in view.rows]
    writer.writerows([[spreadsheet_text(cell) for cell in line] for line in lines])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _number(amount: Amount, unit: str) -> str:
    """The number alone where it is one: its unit has a column of its own."""
    return amount.text.removesuffix(f" {unit}") if unit and amount.exact is not None else amount.text


def _points(points: Fraction | None, of: Row | Total) -> str:
    whole = of.of if isinstance(of, Total) else of.weight.exact
    return "" if points is None else danish_figure(points, Fraction(0), whole)
