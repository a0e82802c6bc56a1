"""`maal template`: an empty workbook for a register that people type, made from the extract's own contract.

Headings, closed lists, date and number cells and the guidance all follow from the layout and its table, so a workbook filled as it
suggests is one that intake takes. What a wrong cell then means is intake's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .contract import Extract, Layout, Table, TableColumn
from .contract_source import Source
from .errors import CallerError

LAST_ROW = 1_048_575
SHEET, GUIDANCE, WORDS = "Register", "Vejledning", "Ord"


@dataclass
class Heading:
    """A column of the workbook: what may stand in it and, in Danish, what the guidance says of it."""

    name: str
    kind: str  # text, date, whole, decimal, words
    required: bool = False
    words: list[str] = field(default_factory=list)
    form: str = "tekst"
    note: str = ""


def write_template(extract: Extract, table: Table, path: Path) -> Layout:
    """Writes the workbook to `path`, a new file ending in .xlsx; the layout it is of. Raises CallerError."""
    layout = next((layout for layout in extract.layouts if layout.format.type == "xlsx"), None)
    if layout is None:
        raise CallerError(f"'{extract.extract}' is not delivered as a workbook; it has no layout of type xlsx to make one from.")
    if path.suffix != ".xlsx":
        raise CallerError(f"{path}: a workbook's name ends in .xlsx.")
    if path.exists():
        raise CallerError(f"{path} exists already, and may have been filled in. Name a new file.")
    import xlsxwriter

    try:
        with path.open("xb") as handle:
            book = xlsxwriter.Workbook(handle, {"in_memory": True})
            book.set_properties({"title": extract.extract, "created": datetime(2000, 1, 1)})
            _fill(book, layout, headings(layout, table))
            book.close()
    except OSError as error:
        raise CallerError(f"{path} cannot be written: {error.strerror}.") from None
    return layout


def headings(layout: Layout, table: Table) -> list[Heading]:
    """The layout's columns: what a source reads in the contract's order, then what is not kept."""
    found: dict[str, Heading] = {}
    for name, source in layout.columns.items():
        for column in source.columns:
            found.setdefault(column, _heading(column, source, table.columns[name]))
    for column in (*layout.ignore, *layout.personal):
        found.setdefault(column, Heading(column, "text", note="Til eget brug; bliver ikke gemt."))
    return list(found.values())


def _heading(name: str, source: Source, spec: TableColumn) -> Heading:
    heading = Heading(name, "text", spec.required and not source.is_test, note=source.note or "")
    if source.hash_of:
        heading.note = " ".join(
            [heading.note, "Navnet bliver ikke gemt; kun en nøgle, der viser, om det er den samme person."]
        ).strip()
    elif source.present_of:
        heading.note = " ".join([heading.note, "Teksten bliver ikke gemt; kun om der står noget."]).strip()
    elif source.from_ and (words := _words(source, spec)):
        heading.kind, heading.words, heading.form = "words", words, "et af ordene: " + ", ".join(words)
    elif source.from_ and spec.type == "date":
        heading.kind, heading.form = "date", "dato, dd-mm-åååå"
    elif source.from_ and spec.type in ("integer", "bigint"):
        heading.kind, heading.form = "whole", "helt tal"
    elif source.from_ and spec.type.startswith("decimal"):
        heading.kind, heading.form = "decimal", "tal"
    return heading


def _words(source: Source, spec: TableColumn) -> list[str]:
    """The file's words, the first where several mean one thing."""
    if source.codes is not None:
        return list({meaning: word for word, meaning in reversed(source.codes.items())}.values())[::-1]
    return spec.values or (["true", "false"] if spec.type == "boolean" else [])


def _fill(book: Any, layout: Layout, columns: list[Heading]) -> None:
    sheet, guidance = book.add_worksheet(layout.format.sheet or SHEET), book.add_worksheet(GUIDANCE)
    lists = book.add_worksheet(WORDS)
    lists.hide()
    formats = {
        kind: book.add_format({"num_format": shown})
        for kind, shown in {"text": "@", "words": "@", "date": "dd-mm-yyyy", "whole": "0", "decimal": "General"}.items()
    }
    bold = book.add_format({"bold": True, "bottom": 1, "num_format": "@"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    first = layout.format.header_row
    sheet.freeze_panes(first, 0)
    for at, heading in enumerate(columns):
        sheet.set_column(at, at, max(12, len(heading.name) + 4), formats[heading.kind])
        sheet.write_string(first - 1, at, heading.name, bold)
        if rule := _validation(heading, at, lists):
            sheet.data_validation(first, at, LAST_ROW, at, rule)
    rows = [["Kolonne", "Skal udfyldes", "Form", "Forklaring"]]
    rows += [[h.name, "ja" if h.required else "nej", h.form, h.note] for h in columns]
    for line, row in enumerate(rows):
        for at, text in enumerate(row):
            guidance.write_string(line, at, text, wrap if line else bold)
    for at, width in enumerate((22, 14, 40, 80)):
        guidance.set_column(at, at, width)
    guidance.freeze_panes(1, 0)
    sheet.activate()


def _validation(heading: Heading, at: int, lists: Any) -> dict[str, Any] | None:
    """What Excel refuses in a cell; the words of a list stand in a column of the hidden sheet."""
    told = {"error_title": heading.name, "error_message": f"Her skal stå: {heading.form}."[:255]}
    if heading.kind == "words":
        from xlsxwriter.utility import xl_range_abs

        for line, word in enumerate(heading.words):
            lists.write_string(line, at, word)
        return {"validate": "list", "source": f"={WORDS}!{xl_range_abs(0, at, len(heading.words) - 1, at)}", **told}
    if heading.kind == "date":
        return {"validate": "date", "criteria": "between", "minimum": date(1990, 1, 1), "maximum": date(2099, 12, 31), **told}
    if heading.kind == "whole":
        return {"validate": "integer", "criteria": "between", "minimum": -(10**9), "maximum": 10**9, **told}
    if heading.kind == "decimal":
        return {"validate": "decimal", "criteria": "between", "minimum": -(10**12), "maximum": 10**12, **told}
    return None
