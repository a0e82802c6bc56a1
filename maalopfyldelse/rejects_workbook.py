"""The workbook for the sender: which rows of a delivery were set aside or stand in the way, where they are and what to do.

Danish, for the person who made the file. It names file, line, column and what should stand there, never what does stand there. The
texts are faults.py's and the contracts'; here they are only laid out. Each run keeps one workbook for each such delivery under the
home; `maal show rejects --format xlsx` writes one for any choice of deliveries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from .contract import Extract, TableColumn
from .contract_source import Source
from .dates import DANISH_ZONE
from .declared import Declared
from .errors import CallerError
from .home import Home
from .intake.faults import DELIVERY_FAULTS, ROW_FAULTS
from .intake.ledger import Delivery, Ledger, Reject
from .printing import danish_day, spreadsheet_text

SUMMARY, KINDS, ROWS = "Oversigt", "Fejl", "Rækker"
MAX_ROWS = 20_000  # listed; beyond them only counted

_HOW = {
    "whole": "Ret fejlene, og levér hele filen igen; den nye fil erstatter den gamle.",
    "period": "Ret fejlene, og levér hele perioden igen; den nye fil erstatter den gamle for samme periode.",
    "key": "Ret fejlene, og levér de rettede rækker igen med samme nøgle, eller hele filen.",
}
_PRIVATE = "Værdierne er ikke gengivet, fordi de kan være personoplysninger. Find rækken i filen på linjens nummer."
_WHAT = ("Hvad er galt, og hvad skal gøres", "Skal være")
_FORM_PARTS = {
    "%d": "dd", "%m": "mm", "%Y": "åååå", "%y": "åå", "%H": "tt", "%M": "mm", "%S": "ss", "%f": "brøkdele", "%z": "tidszone",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One row of the list: a fault in the sender's words."""

    line: int | None
    code: str
    column: str | None
    what: str
    expected: str


def is_told(delivery: Delivery) -> bool:
    """Whether a sender has something to mend in it."""
    return delivery.state == "refused" or bool(delivery.rows_set_aside)


def workbook_name(delivery: Delivery) -> str:
    """A name that says extract and period (else the day of arrival), and of which delivery under which contract it is."""
    when = delivery.period or f"{delivery.arrived_at.astimezone(DANISH_ZONE):%Y-%m-%d}"
    return f"afviste_raekker_{delivery.extract}_{when}_{delivery.sha256[:8]}-{delivery.contract_hash[:4]}.xlsx"


def keep_workbooks(home: Home, declared: Declared, ledger: Ledger, extract_id: str, taken: Iterable[str]) -> list[Path]:
    """Holds `HOME/rejects/EXTRACT/` to one workbook for each delivery that was refused or has rows set aside; those of `taken`
    (delivery ids) are written anew, the others only when they are missing. The paths, in order of arrival."""
    folder, again = home.rejects / extract_id, set(taken)
    wanted = {folder / workbook_name(d): d for d in ledger.deliveries(extract_id) if is_told(d)}
    for path in folder.glob("*") if folder.is_dir() else ():
        if path not in wanted:
            path.unlink()
    for path, delivery in wanted.items():
        if delivery.delivery_id in again or not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = home.tmp / path.name
            with temporary.open("wb") as handle:
                write_workbook(handle, declared, [(delivery, ledger.rejects(delivery.delivery_id))])
            temporary.replace(path)
    return list(wanted)


def write_rejects(path: Path, declared: Declared, chosen: Sequence[tuple[Delivery, list[Reject]]]) -> None:
    """A workbook at `path`, a new file ending in .xlsx. Raises CallerError."""
    if path.suffix != ".xlsx":
        raise CallerError(f"{path}: a workbook's name ends in .xlsx.")
    if not chosen:
        raise CallerError("There is nothing to write: no delivery of this choice was refused or has rows set aside.")
    try:
        with path.open("xb") as handle:
            write_workbook(handle, declared, chosen)
    except FileExistsError:
        raise CallerError(f"{path} exists already. Name a new file.") from None
    except OSError as error:
        raise CallerError(f"{path} cannot be written: {error.strerror}.") from None


def write_workbook(handle: BinaryIO, declared: Declared, chosen: Sequence[tuple[Delivery, list[Reject]]]) -> None:
    """Three sheets: the deliveries, the kinds of fault with their counts, the list of rows. The same input gives the same bytes."""
    import xlsxwriter

    book = xlsxwriter.Workbook(handle, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": "Afviste rækker", "created": datetime(2000, 1, 1)})
    listed = [
        (d, [_line(declared.extracts[d.extract], d, r, texts) for r in rejects]) for d, rejects, texts in _told(declared, chosen)
    ]
    sheet = _Sheet(book, SUMMARY, (34, 26, 12, 14, 12, 16, 12, 60, 60))
    sheet.text("Rækker, der ikke kunne modtages", sheet.title)
    sheet.text(_PRIVATE)
    for way in dict.fromkeys(declared.extracts[d.extract].superseding for d, _ in listed):
        sheet.text(_HOW[way])
    sheet.text(f"Arket »{KINDS}« samler fejlene efter slags; arket »{ROWS}« har hver enkelt.")
    sheet.skip()
    sheet.heading(
        "Fil", "Udtræk", "Periode", "Modtaget den", "Rækker læst", "Rækker modtaget", "Sat til side", "Udfald", "Teknisk besked (engelsk)"
    )  # fmt: skip
    for delivery, _ in listed:
        sheet.row(
            delivery.name, delivery.extract, delivery.period, danish_day(delivery.arrived_at.astimezone(DANISH_ZONE).date()),
            delivery.rows_read, delivery.rows_kept, delivery.rows_set_aside, _outcome(delivery), delivery.message,
        )  # fmt: skip
    _kinds(book, listed)
    _list(book, listed)
    book.close()


def _kinds(book: Any, listed: list[tuple[Delivery, list[Line]]]) -> None:
    sheet = _Sheet(book, KINDS, (34, 24, 26, 10, 12, 60, 60))
    sheet.heading("Fil", "Fejlkode", "Kolonne", "Antal", "Første linje", *_WHAT)
    sheet.freeze()
    for delivery, lines in listed:
        counts: Counter[tuple[str, str | None, str, str]] = Counter()
        first: dict[tuple[str, str | None, str, str], int | None] = {}
        for line in lines:  # they stand in order of line
            kind = (line.code, line.column, line.what, line.expected)
            counts[kind] += 1
            first.setdefault(kind, line.line)
        for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0]))):
            sheet.row(delivery.name, kind[0], kind[1], count, first[kind], kind[2], kind[3])
    sheet.filter(7)


def _list(book: Any, listed: list[tuple[Delivery, list[Line]]]) -> None:
    sheet = _Sheet(book, ROWS, (34, 10, 24, 26, 60, 60))
    sheet.heading("Fil", "Linje", "Fejlkode", "Kolonne", *_WHAT)
    sheet.freeze()
    pairs = [(delivery, line) for delivery, lines in listed for line in lines]
    for delivery, line in pairs[:MAX_ROWS]:
        sheet.row(delivery.name, line.line, line.code, line.column, line.what, line.expected)
    sheet.filter(6)
    if len(pairs) > MAX_ROWS:
        sheet.text(f"Her står de første {MAX_ROWS} af {len(pairs)} fejl.")


class _Sheet:
    """A sheet written row by row; every text is written as text, so nothing of it can run as a formula."""

    def __init__(self, book: Any, name: str, widths: Sequence[int]) -> None:
        self._sheet, self._at = book.add_worksheet(name), 0
        self.title = book.add_format({"bold": True, "font_size": 14})
        self._head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E7ECF1", "text_wrap": True, "valign": "top"})
        self._wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self._whole = book.add_format({"num_format": "#,##0", "valign": "top"})
        for at, width in enumerate(widths):
            self._sheet.set_column(at, at, width)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)

    def text(self, text: str, form: Any = None) -> None:
        """A line of its own, across the columns."""
        self._sheet.write_string(self._at, 0, text, form)
        self._at += 1

    def skip(self) -> None:
        self._at += 1

    def heading(self, *names: str) -> None:
        for at, name in enumerate(names):
            self._sheet.write_string(self._at, at, name, self._head)
        self._at += 1

    def row(self, *cells: str | int | None) -> None:
        for at, cell in enumerate(cells):
            if isinstance(cell, int):
                self._sheet.write_number(self._at, at, cell, self._whole)
            elif cell:
                self._sheet.write_string(self._at, at, spreadsheet_text(cell), self._wrapped)
        self._at += 1

    def freeze(self) -> None:
        """Keeps the rows so far in sight, and on every printed page."""
        self._sheet.freeze_panes(self._at, 0)
        self._sheet.repeat_rows(0, self._at - 1)

    def filter(self, columns: int) -> None:
        self._sheet.autofilter(0, 0, max(self._at - 1, 1), columns - 1)


def _told(
    declared: Declared, chosen: Iterable[tuple[Delivery, list[Reject]]]
) -> Iterable[tuple[Delivery, list[Reject], dict[str, str]]]:
    for delivery, rejects in chosen:
        yield delivery, rejects, expected_texts(declared, declared.extracts[delivery.extract], delivery.layout)


def _line(extract: Extract, delivery: Delivery, reject: Reject, expected: dict[str, str]) -> Line:
    column = reject.column
    what = reject.message
    if rule := next((r for r in extract.set_aside if r.code == reject.code), None):
        what = rule.danish or rule.message
    elif reject.code in ROW_FAULTS:
        what = ROW_FAULTS[reject.code].danish.format(column=column)
    elif reject.code in DELIVERY_FAULTS:
        what = DELIVERY_FAULTS[reject.code]
    return Line(reject.line, reject.code, column, what, expected.get(column or "", ""))


def _outcome(delivery: Delivery) -> str:
    if delivery.withdrawn_at is not None:
        return "Trukket tilbage."
    if delivery.state == "stored":
        return f"Modtaget, men rækkerne på arket »{ROWS}« er sat til side og tæller ikke med."
    return f"Afvist i sin helhed ({delivery.code}). {DELIVERY_FAULTS.get(delivery.code or '', '')}".strip()


def expected_texts(declared: Declared, extract: Extract, layout_id: str | None) -> dict[str, str]:
    """What should stand in each of the file's columns, in Danish, by the layout it was read with (else by all, the first first)."""
    table = declared.tables[extract.table]
    layouts = [layout for layout in extract.layouts if layout_id in (None, layout.id)] or extract.layouts
    found: dict[str, str] = {}
    for source, spec in ((s, table.columns[name]) for layout in layouts for name, s in layout.columns.items()):
        if not source.instant_column:  # it speaks of a column that another source reads
            found.setdefault(" + ".join(source.columns), _expected(source, spec))
    return found


def _expected(source: Source, spec: TableColumn) -> str:
    words = list(source.codes or ()) or spec.values or []
    if source.hash_of or source.is_test or source.constant is not None:
        text = ""
    elif words:
        text = "et af ordene: " + ", ".join(word or "(tom)" for word in words[:40]) + (", …" if len(words) > 40 else "")
    elif source.period_end_of:
        text = "en periode: 2021, 2021H1, 2021Q3, 2021-07 eller 2021-07-15"
    elif spec.type in ("integer", "bigint"):
        text = "et helt tal"
    elif spec.type.startswith("decimal"):
        text = f"et tal med højst {spec.type.rstrip(')').split(',')[1]} decimaler, decimaltegn {source.decimal}"
    elif spec.type in ("date", "timestamp"):
        text = _date_form(source, "en dato" if spec.type == "date" else "et tidspunkt")
    else:
        text = {"boolean": "true eller false"}.get(spec.type, "")
    return "; ".join(part for part in (text, "skal være udfyldt" if spec.required and not source.is_test else "") if part)


def _date_form(source: Source, what: str) -> str:
    patterns = [source.format] if isinstance(source.format, str) else source.format
    if not patterns:
        return f"{what}: åååå-mm-dd" + (" tt:mm:ss" if what != "en dato" else "")
    forms = []
    for pattern in patterns:
        for part, shown in _FORM_PARTS.items():
            pattern = pattern.replace(part, shown)
        forms.append(pattern)
    return f"{what}: " + " eller ".join(forms)
