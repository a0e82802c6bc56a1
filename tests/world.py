"""A small world for tests: raw files in the real formats, delivered into a folder, taken in, and computed without Dagster.

Here belongs how the five systems write a row down; what a test asserts is its own business. Times are Danish wall time unless a
method says UTC. Great Expectations is left out unless asked for: its import costs more than all the rest.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from maalopfyldelse.dates import parse_instant
from maalopfyldelse.declared import Declared, load
from maalopfyldelse.edition import Computed, compute
from maalopfyldelse.fulfilment import Line
from maalopfyldelse.home import Home
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.ledger import Ledger
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.scanning import load_plan

CALL_COLUMNS = [
"rec_id",
    "customer_key",
    "call_id",
    "call_sequence",
    "media_type_id",
    "event_type",
    "result_code",
    "queue_key",
    "dte_start",
    "duration_tot_sec",
    "dte_speak_start",
    "duration_speak_sec",
    "source",
    "destination",
    "ciq",
    "alert_ms",
    "internal_iq_session_id",
    "request_id",
    "dte_updated",
]  # fmt: skip
CASE_COLUMNS = [
    "Sagsnr",
    "Sagstype",
    "Titel",
    "Modtaget dato",
    "Oprettet dato",
    "Afgørelsesdato",
    "Første lukkedato",
    "Genåbnet dato",
    "Lukket dato",
    "Sagsstatus",
    "Udfald",
    "Sagsbehandler",
    "Kontakt",
    "Sidst ændret",
]
PANEL_COLUMNS = [
    "kvartal",
    "person_key",
    "jobcenter_id",
    "ydelseskode",
    "visitationskategori",
    "i_målgruppe_fra",
    "i_målgruppe_til",
    "udgang_årsag",
    "beskæftigelse_q",
    "løntimer_q",
    "su_q",
    "anciennitet_mdr",
]
BUILT_IN = load()
SIGHTED = datetime(2026, 1, 1, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    """`2021-05-20 12:17:43.440`, as Puzzel writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def danish(day: date | None) -> str:
    return f"{day:%d-%m-%Y}" if day else ""


class World:
    """Deliveries in a folder and a home beside it."""

    def __init__(self, folder: Path, declared: Path | None = None) -> None:
        self.deliveries = folder / "deliveries"
        self.deliveries.mkdir(parents=True, exist_ok=True)
        (self.deliveries / "SYNTHETIC").write_text("")
        self.declared: Declared = BUILT_IN if declared is None else load(declared)
        self.home = Home(folder / "home")
        self.ledger = Ledger(self.home.ledger)
        self._calls: list[dict[str, Any]] = []
        self._ids = 0

    def deliver(self, received_at: str, system: str, name: str, content: str | bytes) -> Path:
        """Puts a file where a delivery stands."""
        path = self.deliveries / received_at / system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def deliver_rows(
        self, received_at: str, system: str, name: str, columns: list[str], rows: list[dict[str, Any]], delimiter: str = ";"
    ) -> Path:
        """Delivers a CSV file; a column a row does not mention is empty."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, columns, delimiter=delimiter, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return self.deliver(received_at, system, name, out.getvalue())

    # --- telephone
    def event(self, call_id: str, sequence: int, kind: str, start: datetime, **more: Any) -> None:
        """One row of call_events."""
        self._ids += 1
        self._calls.append(
            {
                "rec_id": self._ids,
                "customer_key": "17",
                "call_id": call_id,
                "call_sequence": sequence,
                "media_type_id": 1,
                "event_type": kind,
                "dte_start": stamp(start),
                "duration_tot_sec": 0,
                "source": "+45 00 00 00 00",
                "destination": "+45 00 00 00 01",
                "dte_updated": stamp(start),
            }
            | more
        )

    def call(self, start: datetime, wait_ms: int, *, answered: bool, queue: str = "q_borger", code: str | None = None) -> None:
        """A call that enters one queue at once and is answered, or ends unanswered, after `wait_ms`."""
        call_id = f"9{self._ids:018d}"  # its own in every month: one call_id is one enquiry
        end = start + timedelta(milliseconds=wait_ms)
        self.event(call_id, 1, "i", start)
        seconds = wait_ms // 1000
        self.event(
            call_id, 2, "q", start, queue_key=queue, result_code="k" if answered else code or "h", duration_tot_sec=seconds
        )
        if answered:
            self.event(
                call_id, 3, "c", end, result_code="k", dte_speak_start=stamp(end), duration_speak_sec=60, duration_tot_sec=60
            )

    def deliver_calls(self, month: str, received_at: str) -> None:
        """Delivers the events gathered so far as the file of a month."""
        self.deliver_rows(received_at, "puzzel", f"puzzel_call_events_{month}.csv", CALL_COLUMNS, self._calls, ",")
        self._calls = []

    def deliver_queues(self, queues: dict[str, str] | None = None, received_at: str = "2020-01-01T0800") -> None:
        rows = [
            {"kø": key, "område": area, "godkendt_af_rolle": "kontorchef", "godkendt_dato": "01-01-2020"}
            for key, area in (
                queues or {"q_borger": "support_borger", "q_virk": "support_virksomhed", "q_andet": "outside"}
            ).items()
        ]
        self.deliver_rows(received_at, "puzzel", "koeliste.csv", ["kø", "område", "godkendt_af_rolle", "godkendt_dato"], rows)

    def deliver_outages(self, outages: list[tuple[datetime, datetime]], received_at: str, system: str = "puzzel") -> None:
        form = "%d-%m-%Y %H:%M:%S"
        rows = [
            {
                "nr": n,
                "system": system,
                "begyndt": a.strftime(form),
                "afsluttet": b.strftime(form),
                "godkendt_dato": danish(a.date()),
            }
            for n, (a, b) in enumerate(outages)
        ]
        columns = ["nr", "system", "begyndt", "afsluttet", "godkendt_dato", "beskrivelse", "registreret_af"]
        self.deliver_rows(received_at, "puzzel", "driftsforstyrrelser.csv", columns, rows)

    # --- written enquiries
    def deliver_tickets(self, received_at: str, tickets: list[dict[str, Any]]) -> None:
        """Tickets as Zendesk's JSON export writes them: `created` and `solved` as aware instants or UTC, minutes to the reply."""
        lines = []
        for number, t in enumerate(tickets, 1):
            metrics = {
                "solved_at": _utc(t.get("solved")),
                "reopens": 0,
                "reply_time_in_minutes": {"calendar": t.get("minutes"), "business": t.get("business")},
            }
            lines.append(
                json.dumps(
                    {
                        "id": t.get("id", number),
                        "created_at": _utc(t["created"]),
                        "status": t.get("status", "solved" if t.get("minutes") is not None else "open"),
                        "via": {"channel": t.get("via", "email")},
                        "tags": t.get("tags", []),
                        "subject": "Prøve Prøvesen",
                        "metric_set": metrics,
                    }
                )
            )
        self.deliver(received_at, "zendesk", f"export_{received_at[:10].replace('-', '_')}.json", "\n".join(lines) + "\n")

    def deliver_mailboxes(self, mailboxes: list[tuple[str, date, date | None]], received_at: str = "2020-01-01T0800") -> None:
        rows = [{"funktionspostkasse": m, "gyldig_fra": danish(a), "gyldig_til": danish(b)} for m, a, b in mailboxes]
        self.deliver_rows(
            received_at,
            "postkasser",
            "funktionspostkasser.csv",
            ["funktionspostkasse", "gyldig_fra", "gyldig_til", "bemærkning"],
            rows,
        )

    def deliver_mailbox_counts(self, received_at: str, counts: list[tuple[str, date, date, int, int | None]]) -> None:
        columns = "funktionspostkasse periode_fra periode_til antal_modtaget antal_besvaret_24t optalt_af optalt_dato metode bemærkning timer_brugt"
        rows = [
            {
                "funktionspostkasse": m,
                "periode_fra": danish(a),
                "periode_til": danish(b),
                "antal_modtaget": received,
                "antal_besvaret_24t": "" if answered is None else answered,
                "optalt_dato": danish(b + timedelta(days=1)),
            }
            for m, a, b, received, answered in counts
        ]
        self.deliver_rows(received_at, "postkasser", f"postkasse_optaelling_{received_at[:10]}.csv", columns.split(), rows)

    # --- cases
    def deliver_case_types(self, received_at: str = "2018-01-01T0800") -> None:
        rows = [
            {"sagstype": code, "område": area, "godkendt_dato": "01-01-2018"}
            for code, area in (("ED", "EØS drift"), ("EK", "EØS klage"), ("CK", "CKA klage"), ("X", "andet"))
        ]
        self.deliver_rows(received_at, "p360", "p360_sagstyper.csv", ["sagstype", "område", "betegnelse", "godkendt_dato"], rows)

    def deliver_cases(self, received_at: str, cases: list[dict[str, Any]]) -> None:
        """Cases as dicts: id, type, created, and optionally received, decided, first_closed, reopened, closed, status, outcome."""
        rows = [
            {
                "Sagsnr": c["id"],
                "Sagstype": c.get("type", "ED"),
                "Titel": "Prøve Prøvesen",
                "Modtaget dato": danish(c.get("received")),
                "Oprettet dato": danish(c["created"]),
                "Afgørelsesdato": danish(c.get("decided")),
                "Første lukkedato": danish(c.get("first_closed")),
                "Genåbnet dato": danish(c.get("reopened")),
                "Lukket dato": danish(c.get("closed")),
                "Sagsstatus": c.get("status", "lukket" if c.get("closed") else "åben"),
                "Udfald": c.get("outcome", ""),
            }
            for c in cases
        ]
        self.deliver_rows(received_at, "p360", f"p360_sager_{received_at[:10]}.csv", CASE_COLUMNS, rows)

    # --- sick leave and panel
    def deliver_absence(self, received_at: str, quarter: str, rows: list[dict[str, Any]]) -> None:
        """Rows of a quarter such as `2020Q1`: type, hours or days, fte, heads."""
        year, number = quarter[:4], quarter[-1]
        columns = [
            "institution",
            "hovedkonto",
            "år",
            "kvartal",
            "fraværstype",
            "fraværstimer",
            "fraværsdage",
            "årsværk",
            "antal_ansatte",
        ]
        written = [
            {
                "institution": r.get("institution", "SIRI"),
                "hovedkonto": "14.22.01",
                "år": year,
                "kvartal": number,
                "fraværstype": r.get("type", "Egen sygdom"),
                "fraværstimer": _comma(r.get("hours")),
                "fraværsdage": _comma(r.get("days")),
                "årsværk": _comma(r.get("fte")),
                "antal_ansatte": r.get("heads", ""),
            }
            for r in rows
        ]
        self.deliver_rows(received_at, "isola", f"isola_fravaer_{year}K{number}.csv", columns, written)

    def deliver_benefits(self, received_at: str = "2020-01-01T0800") -> None:
        groups = [
            "uddannelseshjaelp",
            "kontanthjaelp",
            "sho_ydelse",
            "overgangsydelse",
            "ressourceforloeb",
            "ledighedsydelse",
            "jobafklaring",
            "andet",
        ]
        rows = [
            {"ydelseskode": f"YD{n}", "ydelsesgruppe": g, "introduktionsprogram": "nej", "godkendt_dato": "01-01-2020"}
            for n, g in enumerate(groups)
        ]
        rows.append(
            {"ydelseskode": "YDI", "ydelsesgruppe": "sho_ydelse", "introduktionsprogram": "ja", "godkendt_dato": "01-01-2020"}
        )
        columns = ["ydelseskode", "ydelsesgruppe", "introduktionsprogram", "betegnelse", "godkendt_dato"]
        self.deliver_rows(received_at, "jobcenter", "ydelseskoder.csv", columns, rows)

    def deliver_panel(self, received_at: str, quarter: str, persons: list[dict[str, Any]]) -> None:
        """Persons of a quarter: centre, and optionally key, code, visitation, entered, left, exit, employed, hours, su, seniority."""
        rows = [
            {
                "kvartal": quarter,
                "person_key": p.get("key", f"person-{n}"),
                "jobcenter_id": p["centre"],
                "ydelseskode": p.get("code", "YD1"),
                "visitationskategori": p.get("visitation", "5"),
                "i_målgruppe_fra": danish(p.get("entered", date(2020, 1, 1))),
                "i_målgruppe_til": danish(p.get("left")),
                "udgang_årsag": p.get("exit", ""),
                "beskæftigelse_q": int(p.get("employed", False)),
                "løntimer_q": _comma(p.get("hours", 0)),
                "su_q": int(p.get("su", False)),
                "anciennitet_mdr": p.get("seniority", 12),
            }
            for n, p in enumerate(persons)
        ]
        self.deliver_rows(received_at, "jobcenter", f"jobcenter_panel_{quarter}.csv", PANEL_COLUMNS, rows)

    # --- what a run does, in one process and without Dagster
    def take(self, *, gx: bool = False) -> None:
        """Takes in every delivery; with `gx` evaluates the expectations as well."""
        found = scan(self.deliveries, self.declared.extracts, self.ledger, SIGHTED)
        assert not found.problems, found.problems
        for extract in self.declared.extracts:
            take_extract(self.home, self.declared, extract, found, self.ledger, lambda text: None)
        if gx:
            from maalopfyldelse.expectations import evaluate

            for extract in self.declared.extracts:
                evaluate(self.home, self.declared, self.ledger, extract, lambda text: None)

    def compute(self, plan: str, as_of: date, known_at: str | None = None) -> Computed:
        known = parse_instant(known_at) if known_at else self.ledger.latest_arrival()
        assert known is not None
        return compute(self.home, self.declared, self.ledger, load_plan(self.declared, plan), as_of, known)

    def line(self, plan: str, row: str, as_of: date, known_at: str | None = None) -> Line:
        """One line of the fulfilment."""
        return next(line for line in self.compute(plan, as_of, known_at).lines if line.row == row)


def alternative(line: Line, name: str) -> Any:
    """The outcome of one alternative reading."""
    return next(o for o in line.outcomes if o.id == name)


def _utc(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    from maalopfyldelse.dates import DANISH_ZONE

    aware = moment if moment.tzinfo else moment.replace(tzinfo=DANISH_ZONE)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _comma(number: Any) -> str:
    return "" if number is None else str(number).replace(".", ",")
