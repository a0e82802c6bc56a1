"""Random deliveries as the five systems would write them, out of the rows that measure_rows.py crowds around the edges.

Every maker delivers a family of files over time into a World: some late, some corrected, some delivered twice, in the encodings
that the contracts allow. What lies in them is decided by the random source alone. Words that no list knows are left out where
they would stop the run; rows that intake must set aside are put only where the contract's share allows them. Here stand cases,
sick leave and jobcentres, and what all share; enquiries stand in raw_enquiries.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from random import Random
from typing import Any

import measure_rows
import xlsxwriter
from measure_rows import Row
from world import World

from maalopfyldelse.dates import DANISH_ZONE, add_months, months_back, period_bounds, quarter_of

LISTS = "2020-01-01T0800"  # lists without which nothing can be counted arrive first
TWO_PERCENT = 50  # of so many rows one may be set aside


def arrival(day: date, random: Random, *, hour: int = 7) -> str:
    """A folder name on a day; the minute makes it differ from others of that day."""
    return f"{day:%Y-%m-%d}T{hour:02}{random.randint(0, 59):02}"


def local(instant: datetime) -> datetime:
    """The Danish wall time of an instant of the store."""
    return instant.replace(tzinfo=UTC).astimezone(DANISH_ZONE).replace(tzinfo=None)


def comma(number: Any, random: Random) -> str:
    """A Danish number, with or without its points between thousands; no value for None."""
    if number is None:
        return ""
    text = f"{number:,}" if random.random() < 0.5 else str(number)
    return text.translate(str.maketrans(",.", ".,"))


def versions(random: Random, rows: list[Row], other: list[Row], key: Callable[[Row], Any]) -> Iterable[list[Row]]:
    """One to three states of the same rows: some are missing at first, some are replaced by another row of the same key."""
    state = {key(row): row for row in rows}
    changed = {key(row): row for row in other}
    for last in range(random.randint(0, 2), -1, -1):
        chosen = [row for row in state.values() if last == 0 or random.random() < 0.6]
        if chosen:
            yield chosen
        state |= {k: row for k, row in changed.items() if random.random() < 0.3}


def recode(world: World, random: Random) -> None:
    """Writes text files anew in another encoding or with other line ends; the ticket export knows only UTF-8."""
    for path in sorted(world.deliveries.glob("*/*/*.csv")):
        data = path.read_bytes()
        if random.random() < 0.3:
            data = data.replace(b"\n", b"\r\n")
        if path.parent.name != "zendesk":
            data = data.decode().encode(random.choice(["utf-8", "utf-8-sig", "cp1252"]))
        path.write_bytes(data)


def again(world: World, random: Random) -> None:
    """Delivers one file a second time, byte for byte, after everything else: still one delivery, known by its first arrival."""
    paths = sorted(world.deliveries.glob("*/*/*"))
    if random.random() < 0.5:
        chosen = random.choice(paths)
        world.deliver("2022-03-01T0700", chosen.parent.name, chosen.name, chosen.read_bytes())


# --- cases


def cases(world: World, random: Random, size: int, as_of: date) -> None:
    """Exports of changed cases as CSV and as workbooks, with dates as cells or as text; the list of types twice."""
    from_date = months_back(as_of, 12)
    made, changed = (measure_rows.cases(random, size, from_date, as_of)["cases"] for _ in range(2))
    for n, state in enumerate(versions(random, made, changed, lambda c: c["case_id"])):
        received_at = arrival(as_of + timedelta(days=random.choice([-60, 3, 30]) + n), random, hour=8 + n)
        name = f"p360_sager_{received_at}"
        if random.random() < 0.5:
            world.deliver(received_at, "p360", f"{name}.xlsx", _workbook(random, state))
        else:
            world.deliver_cases(received_at, [_case(case) for case in state])
    types = [("D", "EØS drift"), ("K", "EØS klage"), ("C", "CKA klage"), ("A", "andet")]
    for received_at, listed in ((LISTS, types), (arrival(as_of, random), [*types, ("?", "EØS klage")]))[: random.randint(1, 2)]:
        rows = [{"sagstype": code, "område": area, "godkendt_dato": "01-01-2018"} for code, area in listed]
        columns = ["sagstype", "område", "betegnelse", "godkendt_dato"]
        world.deliver_rows(received_at, "p360", "p360_sagstyper.csv", columns, rows)


def _case(case: Row) -> dict[str, Any]:
    names = {"id": "case_id", "type": "case_type", "received": "received_date", "created": "created_date"}
    names |= {
        "decided": "decided_date",
        "first_closed": "first_closed_date",
        "reopened": "reopened_date",
        "closed": "closed_date",
    }
    status = {"aaben": "åben"}.get(case["status"], case["status"])
    return {k: case[v] for k, v in names.items()} | {"status": status, "outcome": (case["outcome"] or "").capitalize()}


def _workbook(random: Random, made: list[Row]) -> bytes:
    columns = ["Title", "CaseNumber", "CaseTypeCode", "ReceivedDate", "CreatedDate", "DecidedDate", "FirstClosedDate"]
    columns += ["ReopenedDate", "ClosedDate", "StatusCode", "OutcomeCode", "ResponsiblePerson", "Contact", "LastChangedDate"]
    dates = ["received_date", "created_date", "decided_date", "first_closed_date", "reopened_date", "closed_date"]
    form = random.choice([None, "%d-%m-%Y", "%Y-%m-%d"])
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "dd-mm-yyyy"})
    sheet = book.add_worksheet("Sager")
    sheet.write_row(0, 0, columns)
    for n, case in enumerate(made, 1):
        days = [day and day.strftime(form) if form else day for day in (case[name] for name in dates)]
        status = {"aaben": 1, "hvilende": 2, "lukket": 3}[case["status"]]
        outcome = (case["outcome"] or "").capitalize()[:1]
        cells = ["Prøve", case["case_id"], case["case_type"], *days, random.choice([status, str(status)]), outcome]
        for i, cell in enumerate(cells):
            sheet.write(n, i, cell)
    book.close()
    return out.getvalue()


# --- sick leave


def sick_leave(world: World, random: Random, size: int, as_of: date) -> None:
    """A file a quarter of two years; some quarters late, some delivered twice, some never."""
    from_date = date(as_of.year - 2, 12, 31)
    first, second = (measure_rows.absences(random, size, from_date, as_of)["absence"] for _ in range(2))
    if random.random() < 0.6:
        first = [_without_gaps(row) for row in first]
        own = {(row["institution"], row["quarter"]): row | {"absence_type": "egen_sygdom"} for row in first}
        first = [row for row in first if row["absence_type"] != "egen_sygdom"] + list(own.values())
    for quarter in sorted({row["quarter"] for row in first}):
        _, end = period_bounds(quarter)
        arrived = end + timedelta(days=random.choice([20, 45, 45, 200]))
        for n, rows in enumerate([second, first] if random.random() < 0.4 else [first]):
            cells = [_absence(row, random) for row in rows if row["quarter"] == quarter]
            if cells:
                received_at = arrival(arrived + timedelta(days=9 * n), random)
                name = f"isola_fravaer_{quarter.replace('Q', 'K')}.csv"
                world.deliver_rows(received_at, "isola", name, list(cells[0]), cells)


def _without_gaps(row: Row) -> Row:
    days = row["absence_days"] if row["absence_days"] is not None or row["absence_hours"] is not None else Decimal("1234.5")
    return row | {"absence_days": days, "fte": row["fte"] or Decimal("1001.25"), "heads": row["heads"] or 1100}


def _absence(row: Row, random: Random) -> dict[str, Any]:
    words = {"egen_sygdom": "Egen sygdom", "delvis_syg": "Delvis sygemelding", "graviditet": "Graviditetsbetinget"}
    words |= {"arbejdsskade": "Arbejdsskade", "barn_syg": "Barns sygdom", "barsel": "Barsel"}
    year, number = row["quarter"].split("Q")
    return {
        "institution": row["institution"],
        "hovedkonto": "14.22.01",
        "år": year,
        "kvartal": number,
        "fraværstype": words[row["absence_type"]] + random.choice(["", " "]),
        "fraværstimer": comma(row["absence_hours"], random),
        "fraværsdage": comma(row["absence_days"], random),
        "årsværk": comma(row["fte"], random) or random.choice(["", "For få årsværk"]),
        "antal_ansatte": comma(row["heads"], random),
    }


# --- jobcentres


def jobcentres(world: World, random: Random, size: int, as_of: date) -> None:
    """The panel of the quarters that the plan looks at, in eighteen jobcentres, so that the best fifteen are a choice with ties."""
    quarters = [date(2021, 3, 31)] if as_of < date(2021, 12, 31) else [date(2021, 9, 30), date(2021, 6, 30)]
    codes: list[Row] = []
    for last in quarters:
        before = add_months(last + timedelta(days=1), -3) - timedelta(days=1)
        first, second = (measure_rows.panel(random, 4 * size, before, last) for _ in range(2))
        codes = first["benefit_codes"]
        arrived = last + timedelta(days=random.choice([45, 45, 120]))
        for n, made in enumerate([second, first] if random.random() < 0.4 else [first]):
            persons = [_person(stay) for stay in made["jobcentre_panel"] if stay["quarter_end_date"] == last]
            world.deliver_panel(arrival(arrived + timedelta(days=9 * n), random), quarter_of(last), persons)
    columns = ["ydelseskode", "ydelsesgruppe", "introduktionsprogram", "betegnelse", "godkendt_dato"]
    for received_at, shift in [(LISTS, 0), (arrival(as_of, random), 1)][: random.randint(1, 2)]:
        rows = [
            {
                "ydelseskode": code["benefit_code"],
                "ydelsesgruppe": codes[(n + shift) % len(codes)]["benefit_group"],
                "introduktionsprogram": "ja" if code["is_in_introduction_programme"] else "nej",
                "godkendt_dato": "01-01-2020",
            }
            for n, code in enumerate(codes)
        ]
        world.deliver_rows(received_at, "jobcenter", "ydelseskoder.csv", columns, rows)


def _person(stay: Row) -> dict[str, Any]:
    centre = {"10101": 0, "10102": 6, "20100": 12}[stay["jobcentre_id"]] + int(stay["person_key"][1:]) % 6
    return {
        "key": stay["person_key"],
        "centre": f"{101 + centre:05}",
        "code": stay["benefit_code"],
        "visitation": {"jobparat": "4", "aktivitetsparat": "5", "ikke_visiteret": "8"}[stay["visitation"]],
        "entered": stay["entered_date"],
        "left": stay["left_date"],
        "exit": {"doed": "død", None: ""}.get(stay["exit_reason"], stay["exit_reason"]),
        "employed": stay["is_employed"],
        "hours": stay["paid_hours"],
        "su": stay["is_in_education"],
        "seniority": stay["seniority_months"],
    }
