"""Public 360: half-yearly case exports as workbook and as CSV, and the case-type list.

An export holds the cases changed since the one before, as they stood. Case numbers look like 21/1234, which spreadsheets
like to read as dates; here they are text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from .common import Draw, Out, Sizes, danish, share_of, working_days

FIRST, LAST = date(2019, 1, 2), date(2022, 1, 4)
# RECEIVED-AT, the day the export was made, how: text dates, date cells or CSV.
EXPORTS = [
    ("2020-07-08T1200", date(2020, 7, 7), "xlsx_text"),
    ("2021-01-08T1200", date(2021, 1, 7), "csv"),
    ("2021-07-08T1200", date(2021, 7, 7), "xlsx_dates"),
    ("2022-01-06T1200", date(2022, 1, 5), "csv"),
]
WORKBOOK_LIMIT = 500_000  # cases; a worksheet ends at 1,048,576 rows

TYPES = [(590, "SYN-ED1"), (140, "SYN-ED2"), (55, "SYN-EK"), (115, "SYN-CK"), (100, "SYN-AN")]
NAMES = {
    "SYN-ED1": ("EØS drift", "Opdigtet EØS-driftssag A"),
    "SYN-ED2": ("EØS drift", "Opdigtet EØS-driftssag B"),
    "SYN-EK": ("EØS klage", "Opdigtet EØS-klage"),
    "SYN-CK": ("CKA klage", "Opdigtet CKA-klage"),
    "SYN-AN": ("andet", "Opdigtet øvrig sag"),
}
# Days from creation to closing by type: (parts of 100, shortest, longest).
LENGTHS = {
    "SYN-ED1": [(80, 8, 46), (10, 48, 88), (10, 100, 190)],
    "SYN-ED2": [(80, 8, 46), (10, 48, 88), (10, 100, 190)],
    "SYN-EK": [(58, 25, 65), (36, 54, 84), (6, 130, 240)],
    "SYN-CK": [(78, 13, 48), (18, 48, 84), (4, 130, 240)],
    "SYN-AN": [(80, 5, 40), (20, 40, 120)],
}
# The days on which "over 3 (4) months old" on 31 December 2021 turns: the first case of each is still open then.
LINGER = {
    date(2021, 8, 31): "SYN-CK",
    date(2021, 9, 1): "SYN-EK",
    date(2021, 9, 30): "SYN-ED1",
    date(2021, 10, 1): "SYN-ED1",
}
# A row that intake must set aside: there is no such day.
_IMPOSSIBLE = ("21/9999", "Syntetisk 0", "SYN-ED1", "åben", "05-02-2021", "31-02-2021", *[""] * 7, "05-01-2022")
XLSX_HEADING = [
    "CaseNumber",
    "Title",
    "CaseTypeCode",
    "StatusCode",
    "ReceivedDate",
    "CreatedDate",
    "DecidedDate",
    "FirstClosedDate",
    "ReopenedDate",
    "ClosedDate",
    "OutcomeCode",
    "ResponsiblePerson",
    "Contact",
    "LastChangedDate",
]
CSV_HEADING = (
    "Sagsnr;Titel;Sagstype;Sagsstatus;Modtaget dato;Oprettet dato;Afgørelsesdato;Første lukkedato;Genåbnet dato;Lukket dato;"
    "Udfald;Sagsbehandler;Kontakt;Sidst ændret"
)


@dataclass(frozen=True)
class Case:
    """One case with its whole life; an export shows what had happened by its day."""

    number: str
    kind: str
    received: date | None
    created: date
    decided: date | None
    first_closed: date | None
    reopened: date | None
    closed: date
    outcome: str  # Afgjort, Trukket, Fejloprettet
    is_resting: bool
    person: int

    def changed(self, since: date, until: date) -> bool:
        days = (self.created, self.first_closed, self.reopened, self.closed)
        # a slip of the keyboard closes a case before it is there
        return self.created <= until and any(day is not None and since < day <= until for day in days)

    def seen(self, day: date) -> list[str | date | None]:
        """Number, title, type, status, received, created, decided, first closed, reopened, closed, outcome, two persons."""
        first, reopened, closed = self.first_closed, self.reopened, self.closed if self.closed <= day else None
        if reopened is None or reopened > day:
            if first is not None:
                closed = first if first <= day else None
            first = reopened = None
        decided = self.decided if self.decided and self.decided <= day else None
        if closed is not None and first is None and self.first_closed is not None:
            decided = closed
        return [
            self.number,
            f"Syntetisk {self.person}" if self.person % 2 else "Sag",
            self.kind,
            "lukket" if closed else "hvilende" if self.is_resting else "åben",
            self.received,
            self.created,
            decided,
            first,
            reopened,
            closed,
            self.outcome if closed else "",
            f"Syntetisk {self.person % 20}" if self.person % 4 == 1 else "",
            f"s{self.person}@example.invalid" if self.person % 9 == 0 else "",
        ]


def write(out: Out, sizes: Sizes, *, workbook_limit: int = WORKBOOK_LIMIT) -> None:
    """All case exports and the case-type list; all as CSV where there are more cases than `workbook_limit`."""
    rows = [f"{kind};{area};{name};10-06-2020" for kind, (area, name) in NAMES.items()]
    heading = "sagstype;område;betegnelse;godkendt_dato"
    out.whole("2020-07-01T0900", "p360", "p360_sagstyper_2020.csv", [heading, *rows], "windows-1252")
    with ExitStack() as stack:
        writers = []
        for arrived, made, shape in EXPORTS:
            shape = "csv" if sizes.cases > workbook_limit else shape
            path = out.path(arrived, "p360", f"p360_sager_{made:%Y-%m-%d}.{shape[:4].rstrip('_')}")
            opened = _csv(path) if shape == "csv" else _workbook(path, dates=shape == "xlsx_dates")
            writers.append(stack.enter_context(opened))
        for case in _cases(Draw(sizes.seed, "cases"), sizes.cases):
            since = date(2018, 12, 31)
            for (_, made, _), put in zip(EXPORTS, writers, strict=True):
                if case.changed(since, made):
                    put([*case.seen(made), made])
                since = made
        writers[-1](list(_IMPOSSIBLE))


def _cases(draw: Draw, total: int) -> Iterator[Case]:
    days = working_days(FIRST, LAST)
    number, year = 0, 0
    for index, day in enumerate(days):
        if day.year != year:
            number, year = 0, day.year
        for nth in range(share_of(total, index, len(days))):
            number += 1
            yield _case(draw, f"{year % 100}/{number}", day, LINGER.get(day, "") if nth == 0 else "")


def _working(day: date) -> date:
    """The day, moved off the weekend as offices close cases."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


def _case(draw: Draw, number: str, created: date, lingering: str) -> Case:
    """A case; `lingering` names the type of one that stays open for months."""
    kind = lingering or draw.pick(TYPES)
    part = draw.below(100)
    length = 0
    for parts, low, high in LENGTHS[kind]:
        if 0 <= part < parts:
            length = low + draw.below(high - low)
        part -= parts
    outcome = draw.pick([(935, "Afgjort"), (50, "Trukket"), (15, "Fejloprettet")])
    if outcome == "Fejloprettet":
        length = draw.below(8)
    if lingering:
        length, outcome = 140, "Afgjort"
    closed = _working(created + timedelta(days=length))
    first = reopened = None
    if outcome == "Afgjort" and draw.chance(30):
        first, reopened = closed, _working(closed + timedelta(days=5 + draw.below(40)))
        closed = _working(reopened + timedelta(days=7 + draw.below(40)))
    decided = max(created, closed - timedelta(days=draw.below(4))) if outcome == "Afgjort" else None
    if draw.below(1500) == 0:
        closed, decided = created - timedelta(days=1 + draw.below(20)), None  # a slip of the keyboard
        first = reopened = None
    lag = 10 if kind.startswith("SYN-ED") else 7
    received = None if kind == "SYN-AN" and draw.chance(300) else created - timedelta(days=draw.below(lag) + draw.below(lag))
    return Case(number, kind, received, created, decided, first, reopened, closed, outcome, draw.chance(60), draw.below(1_000))


Put = Callable[[list[str | date | None]], None]


@contextmanager
def _csv(path: Path) -> Iterator[Put]:
    """Semicolons, a byte order mark, Windows line ends."""
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        handle.write(CSV_HEADING + "\r\n")

        def put(row: list[str | date | None]) -> None:
            handle.write(";".join(cell if isinstance(cell, str) else danish(cell) for cell in row) + "\r\n")

        yield put


@contextmanager
def _workbook(path: Path, *, dates: bool) -> Iterator[Put]:
    """One sheet 'Sager'. `dates`: date cells, else dates as text."""
    import xlsxwriter

    codes = {"åben": "1", "hvilende": "2", "lukket": "3", "Afgjort": "A", "Trukket": "T", "Fejloprettet": "F"}
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    book.set_properties({"title": "Syntetiske data", "created": datetime(2020, 7, 1)})
    sheet = book.add_worksheet("Sager")
    as_date = book.add_format({"num_format": "dd-mm-yyyy"})
    for column, heading in enumerate(XLSX_HEADING):
        sheet.write_string(0, column, heading)
    line = 0

    def put(row: list[str | date | None]) -> None:
        nonlocal line
        line += 1
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                if dates:
                    sheet.write_datetime(line, column, datetime(cell.year, cell.month, cell.day), as_date)
                else:
                    sheet.write_string(line, column, danish(cell))
            elif cell:
                sheet.write_string(line, column, codes.get(cell, cell) if column in (3, 10) else cell)

    yield put
    book.close()
