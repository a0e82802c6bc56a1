"""Each file shape read the plain way, one function a shape: from a path to the rows of its table. See raw_reader.py."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook
from raw_cells import (
    Row,
    SetAside,
    csv_rows,
    date_in,
    day_of,
    fitting,
    is_doubled,
    minute_of,
    needed,
    number_in,
    parsed,
    runs_backwards,
    text_in,
    to_utc,
    wall_in,
    whole_in,
    word_in,
)

PUBLISHED_KEY = b"published key of the synthetic sample data"

# --- Puzzel


def call_events(path: Path) -> Iterator[Row]:
    raw = list(csv_rows(path, ","))
    doubled: dict[str, list[tuple[int, datetime]]] = defaultdict(list)
    for row in raw:
        with suppress(SetAside):
            if is_doubled(wall_in(row["dte_start"])):
                doubled[row["call_id"]].append((int(row["call_sequence"]), wall_in(row["dte_start"])))

    def settle(row: dict[str, str], wall: datetime) -> tuple[datetime, bool]:
        """The instant, and whether its hour is only assumed: events of a call do not run backwards."""
        if not is_doubled(wall):
            return to_utc(wall), False
        number = int(row["call_sequence"])
        beside = sorted(doubled[row["call_id"]])
        is_later = runs_backwards([w for n, w in beside if n <= number])
        is_earlier = runs_backwards([w for n, w in beside if n >= number])
        return to_utc(wall, later=is_later and not is_earlier), is_later == is_earlier

    def event(row: dict[str, str]) -> Row:
        start = wall_in(row["dte_start"])
        started_at, is_assumed = settle(row, start)
        speak_at = None
        if text_in(row["dte_speak_start"], "NULL"):
            wall = wall_in(row["dte_speak_start"])
            speak_at = to_utc(wall)
            if is_doubled(wall) and speak_at < started_at:
                speak_at = to_utc(wall, later=True)
        spoken = text_in(row["duration_speak_sec"], "NULL")
        return {
            "rec_id": needed(text_in(row["rec_id"])),
            "call_id": needed(text_in(row["call_id"])),
            "call_sequence": needed(whole_in(row["call_sequence"])),
            "media": needed(word_in(row["media_type_id"], {"1": "phone", "2": "email", "3": "chat", "4": "other"})),
            "event_type": needed(word_in(row["event_type"], {"i": "initiation", "m": "menu", "q": "queue", "c": "conversation"})),
            "result_code": word_in(row["result_code"], {"NULL": None} | {letter: letter for letter in "abcdefhkmqst?"}),
            "queue_key": text_in(row["queue_key"], "NULL"),
            "started_at": started_at,
            "started_date": start.date(),
            "started_minute": 60 * start.hour + start.minute,
            "duration_s": needed(whole_in(row["duration_tot_sec"])),
            "speak_started_at": speak_at,
            "speak_s": whole_in(spoken) if spoken else None,
            "is_hour_assumed": is_assumed,
        }

    return fitting(iter(raw), event)


def queues(path: Path) -> Iterator[Row]:
    def queue(row: dict[str, str]) -> Row:
        return {
            "queue_key": needed(text_in(row["kø"])),
            "queue": needed(text_in(row["område"])),
            "approved_by_role": text_in(row["godkendt_af_rolle"]),
            "approved_date": date_in(row["godkendt_dato"]),
        }

    return fitting(csv_rows(path), queue)


def outages(path: Path) -> Iterator[Row]:
    def instant(cell: str) -> datetime:
        return to_utc(parsed(cell, "%d-%m-%Y %H:%M:%S" if cell.count(":") == 2 else "%d-%m-%Y %H:%M"))

    def outage(row: dict[str, str]) -> Row:
        began_at, ended_at = instant(row["begyndt"]), instant(row["afsluttet"])
        return {
            "outage_id": needed(text_in(row["nr"])),
            "system": needed(text_in(row["system"])),
            "began_at": began_at,
            "ended_at": ended_at,
            "began_date": day_of(began_at),
            "ended_date": day_of(ended_at),
            "approved_date": date_in(row["godkendt_dato"]),
        }

    return fitting(csv_rows(path), outage)


def opening_hours(path: Path) -> Iterator[Row]:
    weekdays = ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"]

    def hours(row: dict[str, str]) -> Row:
        return {
            "weekday": needed(word_in(row["ugedag"], {word: n for n, word in enumerate(weekdays, 1)})),
            "valid_from_date": needed(date_in(row["gyldig_fra"])),
            "valid_to_date": date_in(row["gyldig_til"]),
            "opens_at_minute": needed(whole_in(row["åbner_minut"])),
            "closes_at_minute": needed(whole_in(row["lukker_minut"])),
        }

    return fitting(csv_rows(path), hours)


# --- Zendesk and the mailboxes


def tickets_json(path: Path) -> Iterator[Row]:
    def instant(cell: str | None) -> datetime | None:
        return None if cell is None else parsed(cell, "%Y-%m-%dT%H:%M:%SZ")

    def ticket(said: dict[str, Any]) -> Row:
        metrics = said["metric_set"]
        minutes = metrics["reply_time_in_minutes"]
        times = _ticket_times(instant(said["created_at"]), instant(metrics.get("solved_at")))
        return times | {
            "ticket_id": str(needed(said["id"])),
            "reply_minutes": minutes.get("calendar"),
            "reply_business_minutes": minutes.get("business"),
            "status": needed(said["status"]),
            "via": needed(said["via"]["channel"]),
            "is_spam": "spam" in said["tags"],
            "is_merged": "closed_by_merge" in said["tags"],
            "reopens": metrics.get("reopens"),
        }

    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.decode("utf-8-sig").splitlines()
    return fitting((json.loads(line) for line in lines if line.strip()), ticket)


def tickets_csv(path: Path) -> Iterator[Row]:
    via = {"Mail": "email", "Web form": "web", "Web service": "api", "Chat": "chat", "Messaging": "native_messaging"}
    via |= {"Facebook Post": "facebook", "Phone call (incoming)": "voice", "Phone call (outbound)": "voice", "Voicemail": "voice"}
    statuses = ["New", "Open", "Pending", "Solved", "Closed", "Deleted"]

    def instant(cell: str) -> datetime | None:
        """The account's wall time; nothing tells which of a doubled hour it is."""
        if text_in(cell) is None:
            return None
        return to_utc(parsed(cell, "%Y-%m-%d %H:%M:%S" if cell.count(":") == 2 else "%Y-%m-%d %H:%M"))

    def ticket(row: dict[str, str]) -> Row:
        return _ticket_times(instant(row["Created at"]), instant(row["Solved at"])) | {
            "ticket_id": needed(text_in(row["Id"])),
            "reply_minutes": whole_in(row["First reply time in minutes"]),
            "reply_business_minutes": whole_in(row["First reply time in minutes within business hours"]),
            "status": needed(word_in(row["Status"], {"On-hold": "hold"} | {s: s.lower() for s in statuses})),
            "via": needed(word_in(row["Via"], via)),
            "is_spam": "spam" in row["Tags"].split(),
            "is_merged": "closed_by_merge" in row["Tags"].split(),
            "reopens": whole_in(row["Reopens"]),
        }

    return fitting(csv_rows(path, ","), ticket)


def _ticket_times(created_at: datetime | None, solved_at: datetime | None) -> Row:
    """Neither export has the instant of the first reply."""
    if created_at is None:
        raise SetAside
    return {
        "created_at": created_at,
        "created_date": day_of(created_at),
        "created_minute": minute_of(created_at),
        "solved_at": solved_at,
        "solved_date": day_of(solved_at),
        "first_reply_at": None,
        "first_reply_date": None,
        "first_reply_minute": None,
    }


def mailboxes(path: Path) -> Iterator[Row]:
    def mailbox(row: dict[str, str]) -> Row:
        return {
            "mailbox": needed(text_in(row["funktionspostkasse"])),
            "valid_from_date": needed(date_in(row["gyldig_fra"])),
            "valid_to_date": date_in(row["gyldig_til"]),
        }

    return fitting(csv_rows(path), mailbox)


def mailbox_counts(path: Path) -> Iterator[Row]:
    def count(cell: str) -> int | None:
        number = number_in(cell, 0)
        return None if number is None else int(number)

    def mailbox_count(row: dict[str, str]) -> Row:
        return {
            "mailbox": needed(text_in(row["funktionspostkasse"])),
            "period_from_date": needed(date_in(row["periode_fra"])),
            "period_to_date": needed(date_in(row["periode_til"])),
            "received_count": count(row["antal_modtaget"]),
            "answered_24h_count": count(row["antal_besvaret_24t"]),
            "counted_date": needed(date_in(row["optalt_dato"])),
        }

    return fitting(csv_rows(path), mailbox_count)


# --- Public 360


def cases_csv(path: Path) -> Iterator[Row]:
    def case(row: dict[str, str]) -> Row:
        return {
            "case_id": needed(text_in(row["Sagsnr"])),
            "case_type": needed(text_in(row["Sagstype"])),
            "received_date": date_in(row["Modtaget dato"]),
            "created_date": needed(date_in(row["Oprettet dato"])),
            "decided_date": date_in(row["Afgørelsesdato"]),
            "first_closed_date": date_in(row["Første lukkedato"]),
            "reopened_date": date_in(row["Genåbnet dato"]),
            "closed_date": date_in(row["Lukket dato"]),
            "status": needed(word_in(row["Sagsstatus"], {"åben": "aaben", "hvilende": "hvilende", "lukket": "lukket"})),
            "outcome": word_in(row["Udfald"], {"Afgjort": "afgjort", "Trukket": "trukket", "Fejloprettet": "fejloprettet"}),
        }

    return fitting(csv_rows(path), case)


def cases_xlsx(path: Path) -> Iterator[Row]:
    head, *body = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Sager").to_python(skip_empty_area=False)

    def day(cell: Any) -> date | None:
        if isinstance(cell, date) and not isinstance(cell, datetime):
            return cell
        return date_in(cell, "%d-%m-%Y", "%Y-%m-%d")

    def word(cell: Any, codes: dict[str, str]) -> Any:
        return word_in(f"{cell:.0f}" if isinstance(cell, float) else cell, codes)

    def case(cells: list[Any]) -> Row:
        row = dict(zip(head, cells, strict=True))
        return {
            "case_id": needed(text_in(row["CaseNumber"])),
            "case_type": needed(text_in(row["CaseTypeCode"])),
            "received_date": day(row["ReceivedDate"]),
            "created_date": needed(day(row["CreatedDate"])),
            "decided_date": day(row["DecidedDate"]),
            "first_closed_date": day(row["FirstClosedDate"]),
            "reopened_date": day(row["ReopenedDate"]),
            "closed_date": day(row["ClosedDate"]),
            "status": needed(word(row["StatusCode"], {"1": "aaben", "2": "hvilende", "3": "lukket"})),
            "outcome": word(row["OutcomeCode"], {"A": "afgjort", "T": "trukket", "F": "fejloprettet"}),
        }

    return fitting((cells for cells in body if any(cell != "" for cell in cells)), case)


def case_types(path: Path) -> Iterator[Row]:
    areas = {"EØS drift": "eos_drift", "EØS klage": "eos_klage", "CKA klage": "cka_klage", "andet": "andet"}

    def case_type(row: dict[str, str]) -> Row:
        return {
            "case_type": needed(text_in(row["sagstype"])),
            "area": needed(word_in(row["område"], areas)),
            "approved_date": date_in(row["godkendt_dato"]),
        }

    return fitting(csv_rows(path), case_type)


# --- ISOLA and the jobcentres


def _quarter_end(year: int, quarter: int) -> date:
    following = date(year + 1, 1, 1) if quarter == 4 else date(year, 3 * quarter + 1, 1)
    return following - timedelta(days=1)


def absence(path: Path) -> Iterator[Row]:
    types = {"Egen sygdom": "egen_sygdom", "Delvis sygemelding": "delvis_syg", "Graviditetsbetinget": "graviditet"}
    types |= {"Arbejdsskade": "arbejdsskade", "Barns sygdom": "barn_syg", "Barsel": "barsel"}

    def one(row: dict[str, str]) -> Row:
        year, quarter = row["år"].strip(), row["kvartal"].strip()
        heads = number_in(row["antal_ansatte"], 0)
        return {
            "institution": needed(text_in(row["institution"])),
            "quarter": f"{year}Q{quarter}",
            "quarter_end_date": _quarter_end(int(year), int(quarter)),
            "absence_type": needed(word_in(row["fraværstype"], types)),
            "absence_hours": number_in(row["fraværstimer"], 2),
            "absence_days": number_in(row["fraværsdage"], 4),
            "fte": None if row["årsværk"].strip() == "For få årsværk" else number_in(row["årsværk"], 4),
            "heads": None if heads is None else int(heads),
        }

    return fitting(csv_rows(path), one)


def panel(path: Path) -> Iterator[Row]:
    visitations = {"4": "jobparat", "5": "aktivitetsparat", "8": "ikke_visiteret"}
    exits = {"fraflyttet": "fraflyttet", "død": "doed", "job": "job", "uddannelse": "uddannelse", "andet": "andet"}
    forms = ("%d-%m-%Y", "%Y-%m-%d")

    def stay(row: dict[str, str]) -> Row:
        quarter = row["kvartal"].strip()
        person = needed(text_in(row["person_key"])).strip()
        return {
            "quarter": quarter,
            "quarter_end_date": _quarter_end(int(quarter[:4]), int(quarter[5])),
            "person_key": hmac.new(PUBLISHED_KEY, person.encode(), hashlib.sha256).hexdigest(),
            "jobcentre_id": needed(text_in(row["jobcenter_id"])),
            "benefit_code": needed(text_in(row["ydelseskode"])),
            "visitation": needed(word_in(row["visitationskategori"], visitations)),
            "entered_date": needed(date_in(row["i_målgruppe_fra"], *forms)),
            "left_date": date_in(row["i_målgruppe_til"], *forms),
            "exit_reason": word_in(row["udgang_årsag"], exits),
            "is_employed": needed(word_in(row["beskæftigelse_q"], {"0": False, "1": True})),
            "paid_hours": needed(number_in(row["løntimer_q"], 2)),
            "is_in_education": needed(word_in(row["su_q"], {"0": False, "1": True})),
            "seniority_months": needed(whole_in(row["anciennitet_mdr"])),
        }

    return fitting(csv_rows(path), stay)


def benefit_codes(path: Path) -> Iterator[Row]:
    def benefit(row: dict[str, str]) -> Row:
        return {
            "benefit_code": needed(text_in(row["ydelseskode"])),
            "benefit_group": needed(text_in(row["ydelsesgruppe"])),
            "is_in_introduction_programme": needed(word_in(row["introduktionsprogram"], {"ja": True, "nej": False})),
            "approved_date": date_in(row["godkendt_dato"]),
        }

    return fitting(csv_rows(path), benefit)


def jobcentres(path: Path) -> Iterator[Row]:
    def jobcentre(row: dict[str, str]) -> Row:
        return {"jobcentre_id": needed(text_in(row["jobcenter_id"])), "jobcentre": needed(text_in(row["jobcenter"]))}

    return fitting(csv_rows(path), jobcentre)
