"""A small whole of deliveries for both plans, so that a run computes every row and costs seconds.

For tests of what happens around the counting: runs, refusals, killed runs, the command line. Figures are mixed and turn on
readings; several files arrive together, some late, and two extracts fill one table twice over.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter
from world import World

from pipelines.cli import main

XLSX_COLUMNS = [
    "CaseNumber", "CaseTypeCode", "Title", "ReceivedDate", "CreatedDate", "DecidedDate", "FirstClosedDate", "ReopenedDate",
    "ClosedDate", "StatusCode", "OutcomeCode", "ResponsiblePerson", "Contact", "LastChangedDate",
]  # fmt: skip
YEAR_END = date(2021, 12, 31)


def workbook(rows: list[list[Any]], columns: list[str] = XLSX_COLUMNS, sheet: str = "Sager") -> bytes:
    """A workbook as Public 360's report writes it; the same rows give the same bytes."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd-mm-yyyy"})
    book.set_properties({"created": datetime(2021, 1, 1)})
    page = book.add_worksheet(sheet)
    for n, row in enumerate([columns, *rows]):
        for i, cell in enumerate(row):
            page.write(n, i, cell)
    book.close()
    return out.getvalue()


def deliver_lists(world: World) -> None:
    """The lists that rules look up."""
    world.deliver_queues()
    world.deliver_outages([(datetime(2021, 2, 1, 9), datetime(2021, 2, 1, 9, 30))], "2021-02-03T0800")
    world.deliver_mailboxes([("support", date(2021, 1, 1), None)])
    world.deliver_case_types()
    world.deliver_benefits()
    rows = [{"jobcenter_id": f"{n:05}", "jobcenter": f"Jobcenter {n}"} for n in range(1, 18)]
    world.deliver_rows("2020-01-01T0800", "jobcenter", "jobcentre_liste.csv", ["jobcenter_id", "jobcenter"], rows)


def deliver_month_of_calls(world: World, month: int, received_at: str | None = None, answered: int = 9) -> None:
    """Twelve calls; `answered` of them in time, one just too late, the others given up early or ended in another way."""
    for n in range(12):
        start = datetime(2021, month, 1 + n, 9, n)
        queue = ("q_borger", "q_virk", "q_andet")[n % 3]
        world.call(
            start, 60_000 + n if n < answered else 240_400 - n * 9_000 * (n > answered), answered=n <= answered, queue=queue,
            code="fhqe"[n % 4],
        )  # fmt: skip
    if month == 10:
        world.call(datetime(2021, 10, 31, 2, 30), 1_000, answered=True)  # in the hour that comes twice
    world.deliver_calls(f"2021-{month:02}", received_at or f"{2021 + month // 12}-{month % 12 + 1:02}-05T0700")


def deliver_absence(world: World, year: int, quarter: int, days: str = "16.5", received_at: str | None = None) -> None:
    kinds = [("Egen sygdom", days), ("Graviditetsbetinget", "1"), ("Arbejdsskade", "0.5"), ("Barsel", "20")]
    rows = [{"type": kind, "days": d, "fte": "10.5", "heads": 11} for kind, d in kinds]
    world.deliver_absence(received_at or f"{year}-{3 * quarter:02}-30T0800", f"{year}Q{quarter}", rows)


def deliver_all(world: World) -> World:
    """What both plans need at their last reporting dates."""
    deliver_lists(world)
    for month in range(1, 13):
        deliver_month_of_calls(world, month, answered=11 if month % 4 else 8)
    tickets = [
        {
            "id": 100 + n,
            "created": datetime(2021, 1 + n % 12, 3 + n % 20, 10),
            "minutes": 30 + 47 * n,
            "business": 20 + n,
            "solved": datetime(2021, 1 + n % 12, 3 + n % 20, 20) + timedelta(days=n % 5),
        }
        for n in range(40)
    ]
    world.deliver_tickets("2021-08-10T0800", [t for t in tickets if t["created"] < datetime(2021, 8, 1)])
    world.deliver_tickets("2022-01-05T0800", [t for t in tickets if t["created"] >= datetime(2021, 7, 1)])
    half = [("support", date(2021, 1, 1), date(2021, 6, 30), 120, 118), ("support", date(2021, 7, 1), YEAR_END, 100, 97)]
    world.deliver_mailbox_counts("2022-01-04T0900", half)
    kinds, first = ("ED", "EK", "CK", "X"), date(2021, 1, 4)
    cases: list[dict[str, Any]] = []
    for n in range(48):
        created = first + timedelta(days=6 * n)
        closed = None if n % 5 == 4 else created + timedelta(days=20 + n)
        cases.append({"id": f"21/{n:04}", "type": kinds[n % 4], "created": created, "received": created, "closed": closed})
    world.deliver_cases("2021-07-08T1200", [c | {"closed": None} for c in cases if c["created"] < date(2021, 7, 1)])
    world.deliver("2022-01-06T1200", "p360", "p360_sager_2022-01-06.xlsx", workbook([case_row(c) for c in cases]))
    persons = [
        {
            "centre": f"{centre:05}",
            "key": f"p{centre}-{n}",
            "employed": n < 1 + centre % 4,
            "hours": 12.5 if n == 7 else 0,
            "code": f"YD{n % 8}",
        }
        for centre in range(1, 18)
        for n in range(8 + centre % 3)
    ]
    world.deliver_panel("2021-11-15T0900", "2021Q3", persons)
    world.deliver_panel("2021-08-16T0900", "2021Q2", persons[::2])
    for year in (2019, 2020):
        for quarter in range(1, 5):
            deliver_absence(world, year, quarter, days="16.5" if year == 2020 else "18")
    return world


def case_row(case: dict[str, Any]) -> list[Any]:
    """A case as a row of the workbook."""
    status = "3" if case["closed"] else "1"
    dates = [f"{d:%d-%m-%Y}" if d else "" for d in (case["received"], case["created"], None, None, None, case["closed"])]
    return [case["id"], case["type"], "Prøve Prøvesen", *dates, status, "A" if case["closed"] else "", "", "", ""]


PLANS = ("siri-2020", "star-2021")


def run(world: World, *more: str) -> int:
    """`maal run` of both plans on the world's deliveries and home, or of those that are named; the exit code."""
    plans = () if "--plan" in more else tuple(word for plan in PLANS for word in ("--plan", plan))
    return main(["run", "--home", str(world.home.path), "--deliveries", str(world.deliveries), *plans, *more])


def ask(world: World, *arguments: str) -> int:
    """Another command on the world's home; the exit code."""
    return main([*arguments, "--home", str(world.home.path)])


def shown(world: World, capsys: Any, *arguments: str) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert ask(world, *arguments, "--format", "json") == 0
    return json.loads(capsys.readouterr().out)


def edition_bytes(home: Path) -> dict[str, bytes]:
    """Every file of every edition, by its place."""
    return {p.relative_to(home).as_posix(): p.read_bytes() for p in sorted((home / "editions").rglob("*")) if p.is_file()}
