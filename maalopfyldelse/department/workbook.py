"""The workbook for the department: a sheet a table of the view, with numbers as numbers.

Here is how a sheet looks and is printed; which tables there are is sheets.py's, what is in them the view's. Every text is written as
text, so nothing of it can run; there are no links. Number formats are the neutral ones, which a Danish Excel or LibreOffice shows with
a decimal comma. The same view gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from fractions import Fraction
from functools import cache
from textwrap import wrap
from typing import Any

from ..printing import danish_exact, decimal, spreadsheet_text
from .sheets import Cell, Column, Sheet, sheets
from .view import Amount, View

_LONGEST = 32_000  # characters of a cell; Excel takes 32,767
_DAY, _DAY_AND_TIME = "dd-mm-yyyy", "dd-mm-yyyy hh:mm"
_A4 = 9
_LINE = {"bottom": 4, "bottom_color": "#C9CED6"}


def workbook(view: View) -> bytes:
    """The workbook's bytes."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    made = datetime.combine(view.made_on, time())
    said = f"{view.as_of_text}, udgave {view.edition} ({view.status})"
    book.set_properties({"title": f"{view.title}, {said}", "author": view.agency, "company": "", "created": made})
    forms = _Forms(book)
    for sheet in sheets(view):
        _write(book.add_worksheet(sheet.name), sheet, forms, view)
    book.close()
    return out.getvalue()


def _write(page: Any, sheet: Sheet, forms: _Forms, view: View) -> None:
    for at, column in enumerate(sheet.columns):
        page.set_column(at, at, column.width)
        page.write_string(0, at, column.heading, forms.heading(column.is_number))
    page.set_row(0, _height([c.heading for c in sheet.columns], sheet.columns))
    for line, cells in enumerate(sheet.rows, 1):
        page.set_row(line, _height(map(_text, cells), sheet.columns))
        for at, (cell, column) in enumerate(zip(cells, sheet.columns, strict=True)):
            _put(page, line, at, cell, forms, is_number=column.is_number, is_bold=sheet.stands_out(line - 1))
    page.freeze_panes(1, sheet.fixed)
    if sheet.rows:
        page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
    else:
        page.write_string(1, 0, "Ingen.", forms.text(False, False))
    page.set_landscape()
    page.set_paper(_A4)
    page.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.75)
    page.fit_to_pages(1, 1 if sheet.on_one_page else 0)
    page.repeat_rows(0)
    synthetic = "SYNTETISKE DATA. " if view.synthetic else ""
    page.set_header(f"&L&9{_plain(view.title)}&R&9{_plain(sheet.name)}")
    page.set_footer(
        f"&L&9{synthetic}{_plain(view.plan)}, {view.as_of_text}, udgave {view.edition}, {view.status}&R&9Side &P af &N"
    )


def _put(page: Any, line: int, at: int, cell: Cell, forms: _Forms, *, is_number: bool, is_bold: bool) -> None:
    if isinstance(cell, Amount) and cell.exact is not None:
        page.write_number(line, at, decimal(cell.exact), forms.number(_places(cell.text), is_number, is_bold))
    elif isinstance(cell, Fraction | int) and not isinstance(cell, bool):
        page.write_number(
            line, at, decimal(Fraction(cell)), forms.number(_places(danish_exact(Fraction(cell))), is_number, is_bold)
        )
    elif isinstance(cell, datetime):
        page.write_datetime(line, at, cell, forms.moment(_DAY_AND_TIME, is_bold))
    elif isinstance(cell, date):
        page.write_datetime(line, at, datetime.combine(cell, time()), forms.moment(_DAY, is_bold))
    else:
        shown = spreadsheet_text(_text(cell))
        form = forms.text(is_number, is_bold)
        if shown:
            page.write_string(line, at, shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " …", form)
        else:
            page.write_blank(line, at, None, form)


def _text(cell: Cell) -> str:
    return cell.text if isinstance(cell, Amount) else str(cell or "")


def _height(texts: Iterable[str], columns: Sequence[Column]) -> float:
    """Points of a row in which every text has room: LibreOffice leaves a row as high as it is told, and Excel no row above 409."""
    lines = max(len(wrap(text, column.width)) or 1 for text, column in zip(texts, columns, strict=True))
    return min(409, 3 + 13 * lines)


def _places(text: str) -> int:
    """How many decimals its print has: 2 of `89,96 pct.`"""
    found = re.match(r"[-−]?[\d.]+,(\d+)", text)
    return len(found[1]) if found else 0


def _plain(text: str) -> str:
    """A text in a header or footer, where `&` begins a command; they hold 255 characters in all."""
    return text[:100].replace("&", "&&")


class _Forms:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Any) -> None:
        made: Callable[..., Any] = cache(lambda **form: book.add_format({"valign": "top", "font_size": 10, **form}))
        self._made = made

    def heading(self, is_number: bool) -> Any:
        return self._made(bold=True, text_wrap=True, bg_color="#E7ECF1", bottom=1, **_side(is_number))

    def text(self, is_number: bool, is_bold: bool) -> Any:
        return self._made(text_wrap=True, bold=is_bold, **_side(is_number), **_LINE)

    def number(self, places: int, is_number: bool, is_bold: bool) -> Any:
        form = "#,##0" + ("." + "0" * places if places else "")
        return self._made(num_format=form, bold=is_bold, **_side(is_number), **_LINE)

    def moment(self, form: str, is_bold: bool) -> Any:
        return self._made(num_format=form, bold=is_bold, **_side(False), **_LINE)


def _side(is_number: bool) -> dict[str, Any]:
    """Numbers to the right, with room before the text that follows."""
    return {"align": "right", "indent": 1} if is_number else {"align": "left"}
