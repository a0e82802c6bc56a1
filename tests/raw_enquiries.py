"""Random deliveries of what citizens ask: telephone events, tickets, mailbox counts, with their registers. See raw_deliveries.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import measure_rows
from measure_rows import Row
from raw_deliveries import LISTS, TWO_PERCENT, arrival, comma, local, versions
from world import CALL_COLUMNS, World, danish, stamp

from maalopfyldelse.dates import add_months

CLOCK_CHANGES = [datetime(2021, 3, 28, 0, 59, 30), datetime(2021, 10, 31, 0, 58, 58), datetime(2021, 10, 30, 23, 59, 59)]


# --- telephone


def telephone(world: World, random: Random, size: int, as_of: date) -> None:
    """A file a month, queues twice, outages and opening hours now and then."""
    from_date = date(as_of.year - 1, 12, 31)
    made = measure_rows.telephone(random, size, from_date, as_of)
    later = measure_rows.telephone(random, max(3, size // 3), from_date, as_of)["call_events"]
    for event in later:
        event["call_id"], event["rec_id"] = "2" + event["call_id"][1:], "2-" + event["rec_id"]
    events = [*_moved(random, made["call_events"], as_of), *(_every_month(from_date, as_of) if random.random() < 0.9 else [])]
    months: dict[date, list[Row]] = defaultdict(list)
    for event in (*events, *later):
        months[local(event["started_at"]).date().replace(day=1)].append(event)
    for month, rows in sorted(months.items()):
        due = add_months(month, random.choice([1, 1, 1, 1, 2, 4])) + timedelta(days=4)
        for n, state in enumerate(_months_states(random, rows)):
            cells = [_event(row, random) for row in state]
            if month == date(2021, 3, 1) and len(cells) >= TWO_PERCENT:
                cells.append(cells[0] | {"rec_id": "skipped", "dte_start": "2021-03-28 02:30:00.000", "call_sequence": 77})
            name = f"puzzel_call_events_{month:%Y-%m}{random.choice(['', '_rettet'])}.csv"
            world.deliver_rows(arrival(due, random, hour=7 + n), "puzzel", name, CALL_COLUMNS, cells, ",")
            due += timedelta(days=random.choice([1, 40]))
    queues = {"borger": "support_borger", "virksomhed": "support_virksomhed", "andet_hus": "outside", "ukendt": "support_andet"}
    world.deliver_queues(queues, LISTS)
    if random.random() < 0.5:
        world.deliver_queues(queues | {"andet_hus": "support_virksomhed"}, arrival(as_of, random))
    deliver_outages(world, random, made["outages"], as_of)
    if made["opening_hours"]:
        deliver_opening_hours(world, random, made["opening_hours"])


def _months_states(random: Random, rows: list[Row]) -> Iterable[list[Row]]:
    """A month is delivered whole; what is corrected is the whole month, calls or single events missing at first."""
    calls = sorted({row["call_id"] for row in rows})
    if random.random() < 0.3:
        dropped = {call for call in calls if random.random() < 0.4}
        first = [row for row in rows if row["call_id"] not in dropped and random.random() < 0.9]
        if first:
            yield first
    yield rows


def _moved(random: Random, events: list[Row], as_of: date) -> list[Row]:
    """Some calls moved to where the clock changes before the reporting date, if it does."""
    changes = [change for change in CLOCK_CHANGES if change.date() <= as_of]
    calls: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        calls[event["call_id"]].append(event)
    for call in calls.values():
        if changes and random.random() < 0.25:
            start = random.choice(changes) + timedelta(milliseconds=random.choice([0, 29_999, 61_500, 1_800_000, 4_000_000]))
            shift = start - min(event["started_at"] for event in call)
            for event in call:
                event["started_at"] += shift
                event["speak_started_at"] = event["speak_started_at"] and event["speak_started_at"] + shift
            if changes[-1] != changes[0] and random.random() < 0.3:  # a clock gone wrong: the order of events says nothing then
                for event in call:
                    event["started_at"] = CLOCK_CHANGES[1] + timedelta(minutes=random.randint(-40, 40))
    return events


def _every_month(from_date: date, as_of: date) -> list[Row]:
    """A call a month, so that no month is missing."""
    day, rows = from_date + timedelta(days=1), []
    while day <= as_of:
        row = {"call_sequence": 1, "media": "phone", "event_type": "queue", "result_code": "h", "queue_key": "borger"}
        row |= {"rec_id": f"{day}", "call_id": f"3{day:%Y%m%d}", "duration_s": 10, "speak_started_at": None}
        rows.append(row | {"started_at": datetime(day.year, day.month, day.day, 11)})
        day = add_months(day, 1)
    return rows


def _event(event: Row, random: Random) -> dict[str, Any]:
    def written(instant: datetime | None) -> str:
        if instant is None:
            return random.choice(["", "NULL"])
        wall = local(instant)
        return f"{wall:%Y-%m-%d %H:%M:%S}" if wall.microsecond == 0 and random.random() < 0.5 else stamp(wall)

    return {
        "rec_id": event["rec_id"],
        "customer_key": 17,
        "call_id": event["call_id"],
        "call_sequence": event["call_sequence"],
        "media_type_id": {"phone": 1, "email": 2, "chat": 3, "other": 4}[event["media"]],
        "event_type": event["event_type"][0],
        "result_code": event["result_code"] or random.choice(["", "NULL"]),
        "queue_key": event["queue_key"] or random.choice(["", "NULL"]),
        "dte_start": written(event["started_at"]),
        "duration_tot_sec": event["duration_s"],
        "dte_speak_start": written(event["speak_started_at"]),
        "source": "+45 00 00 00 00",
    }


def deliver_outages(world: World, random: Random, outages: list[Row], as_of: date) -> None:
    """The register, twice when it grew: by minutes or by seconds, as somebody typed it."""
    columns = ["nr", "system", "begyndt", "afsluttet", "godkendt_dato", "beskrivelse", "registreret_af"]
    rows = []
    for outage in outages:
        form = random.choice(["%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S"])
        rows.append(
            {
                "nr": outage["outage_id"],
                "system": outage["system"],
                "begyndt": local(outage["began_at"]).strftime(form),
                "afsluttet": local(outage["ended_at"]).strftime(form),
                "godkendt_dato": danish(outage["approved_date"]),
            }
        )
    for n, known in enumerate([rows[: len(rows) // 2], rows]):
        if known:
            day = as_of + timedelta(days=9 * n)
            world.deliver_rows(arrival(day, random), "puzzel", f"driftsforstyrrelser_{day}.csv", columns, known)


def deliver_opening_hours(world: World, random: Random, hours: list[Row]) -> None:
    words = ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"]
    rows = [
        {
            "ugedag": words[h["weekday"] - 1],
            "gyldig_fra": danish(h["valid_from_date"]),
            "gyldig_til": danish(h["valid_to_date"]),
            "åbner_minut": h["opens_at_minute"],
            "lukker_minut": h["closes_at_minute"],
        }
        for h in hours
    ]
    world.deliver_rows(arrival(date(2021, 2, 1), random), "puzzel", "aabningstider.csv", list(rows[0]), rows)


# --- written enquiries


def written(world: World, random: Random, size: int, as_of: date) -> None:
    """Ticket exports as JSON and CSV, each by last change; counts of mailboxes that are counted anew; lists that change."""
    from_date = date(as_of.year - 1, 12, 31)
    made = measure_rows.tickets(random, size, from_date, as_of)
    tickets = made["tickets"]
    extracted_at = max(ticket["delivered_at"] for ticket in tickets)
    changed = measure_rows.tickets(random, size, from_date, as_of)["tickets"]
    for ticket in (*tickets, *changed):
        if random.random() < 0.2:
            ticket["created_at"] = random.choice(CLOCK_CHANGES) + timedelta(minutes=random.choice([0, 1, 20, 59, 61, -1440]))
    states = list(versions(random, tickets, changed, lambda t: t["ticket_id"]))
    for back, state in zip(reversed(range(len(states))), states, strict=True):
        at = local(extracted_at) - timedelta(days=back * random.randint(1, 60))
        _export(world, random, state, f"{at:%Y-%m-%dT%H%M}")
    deliver_outages(world, random, made["outages"], as_of)
    boxes = [(m["mailbox"], m["valid_from_date"], m["valid_to_date"]) for m in made["mailboxes"]]
    if boxes:
        world.deliver_mailboxes(boxes)
        if random.random() < 0.3:
            world.deliver_mailboxes(boxes[:2], arrival(as_of, random))
    if random.random() < 0.6:
        made["mailbox_counts"] = [row for box, _, _ in boxes for row in _every_months_count(box, from_date, as_of, random)]
    other = measure_rows.tickets(random, 1, from_date, as_of)["mailbox_counts"]
    key = lambda c: (c["mailbox"], c["period_from_date"])  # noqa: E731
    for n, state in enumerate(versions(random, made["mailbox_counts"], other, key)):
        _deliver_counts(world, random, arrival(as_of + timedelta(days=n * 5 - 4), random), state)


def _every_months_count(mailbox: str, from_date: date, as_of: date, random: Random) -> Iterable[Row]:
    """Counts without a gap; what is received is always known."""
    first = from_date + timedelta(days=1)
    while first <= as_of:
        last = min(add_months(first, 1) - timedelta(days=1), as_of)
        row = {"mailbox": mailbox, "period_from_date": first, "period_to_date": last, "counted_date": last}
        yield row | {"received_count": 100, "answered_24h_count": random.choice([5, 95, 95, 100, None])}
        first = last + timedelta(days=1)


def _export(world: World, random: Random, tickets: list[Row], received_at: str) -> None:
    if random.random() < 0.6:
        rows = [
            {
                "id": int(t["ticket_id"]),
                "created": t["created_at"].replace(tzinfo=UTC),
                "solved": t["solved_at"] and t["solved_at"].replace(tzinfo=UTC),
                "minutes": _minutes(t),
                "business": t["reply_business_minutes"],
                "status": t["status"],
                "via": t["via"],
                "tags": [*(["spam"] if t["is_spam"] else []), "vip", *(["closed_by_merge"] if t["is_merged"] else [])],
            }
            for t in tickets
        ]
        world.deliver_tickets(received_at, rows)
        return
    via = {"web": "Web form", "email": "Mail", "chat": "Chat", "voice": "Phone call (incoming)"}

    def wall(instant: datetime | None) -> str:
        return "" if instant is None else local(instant).strftime(random.choice(["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]))

    cells = [
        {
            "Id": t["ticket_id"],
            "Created at": wall(t["created_at"]),
            "Solved at": wall(t["solved_at"]),
            "First reply time in minutes": "" if _minutes(t) is None else _minutes(t),
            "First reply time in minutes within business hours": t["reply_business_minutes"],
            "Status": "On-hold" if t["status"] == "hold" else t["status"].capitalize(),
            "Via": via[t["via"]],
            "Tags": " ".join(["vip"] + ["spam"] * t["is_spam"] + ["closed_by_merge"] * t["is_merged"]),
            "Reopens": 0,
            "Subject": 'Prøve, "citat"\nog linjeskift',
        }
        for t in tickets
    ]
    if len(cells) >= TWO_PERCENT:
        cells.append(cells[0] | {"Id": "skipped", "Created at": "2021-03-28 02:30"})
    name = f"export_{received_at[:10].replace('-', '_')}.csv"
    world.deliver_rows(received_at, "zendesk", name, list(cells[0]), cells, ",")


def _minutes(ticket: Row) -> int | None:
    """Neither export has the instant of a reply; both have its minutes."""
    minutes: int | None = ticket["reply_minutes"]
    if minutes is None and ticket["first_reply_at"] is not None:
        minutes = max(0, (ticket["first_reply_at"] - ticket["created_at"]) // timedelta(minutes=1))
    return minutes


def _deliver_counts(world: World, random: Random, received_at: str, counts: list[Row]) -> None:
    columns = "funktionspostkasse periode_fra periode_til antal_modtaget antal_besvaret_24t optalt_af optalt_dato metode bemærkning timer_brugt"
    rows = []
    for count in counts:
        numbers = [count["received_count"], count["answered_24h_count"]]
        factor = random.choice([1, 1, 137])
        received, answered = (comma(n and n * factor, random) for n in numbers)
        rows.append(
            {
                "funktionspostkasse": count["mailbox"],
                "periode_fra": danish(count["period_from_date"]),
                "periode_til": danish(count["period_to_date"]),
                "antal_modtaget": received,
                "antal_besvaret_24t": answered,
                "optalt_dato": danish(count["counted_date"]),
                "timer_brugt": "6,5",
            }
        )
    world.deliver_rows(received_at, "postkasser", f"postkasse_optaelling_{received_at}.csv", columns.split(), rows)
