"""Zendesk: ticket exports by last update, as CSV and as JSON lines; and the hand counts of the mailboxes.

An export holds the tickets changed since the one before, in the state they had when it was made; the CSV leaves deleted
tickets out. Business minutes run Monday to Friday 8 to 16, public holidays left out.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta

from ..dates import add_months, is_working_day
from .common import (
    DAY,
    HOUR,
    MINUTE,
    Draw,
    Out,
    Sizes,
    arrival,
    at,
    local_day,
    milliseconds,
    offset,
    share_of,
    utc,
    wall_minute,
)

FIRST, LAST = date(2020, 7, 1), date(2022, 1, 2)
# RECEIVED-AT, file. The last one is made after 1 January 2022 24:00, when every ticket of 2021 is a day old.
EXPORTS = [
    ("2021-07-05T0800", "export_2021_07_05_syntetisk.csv"),
    ("2021-10-05T0800", "export_2021_10_05_syntetisk.json"),
    ("2022-01-03T0800", "export_2022_01_03_syntetisk.json.gz"),
]
CSV_HEADING = (
    "Summation column,Id,Requester,Requester id,Requester external id,Requester email,Requester domain,Submitter,Assignee,Group,"
    "Subject,Tags,Status,Priority,Via,Ticket type,Created at,Updated at,Assigned at,Organization,Due date,Initially assigned at,"
    "Solved at,Resolution time,Satisfaction Score,Group stations,Assignee stations,Reopens,Replies,First reply time in minutes,"
    "First reply time in minutes within business hours,First resolution time in minutes,"
    "First resolution time in minutes within business hours,Full resolution time in minutes,"
    "Full resolution time in minutes within business hours,Agent wait time in minutes,"
    "Agent wait time in minutes within business hours,Requester wait time in minutes,"
    "Requester wait time in minutes within business hours,On hold time in minutes,"
    "On hold time in minutes within business hours\n"
)
CHANNELS = [(45, "email"), (44, "web"), (8, "chat"), (3, "voice")]
CSV_CHANNELS = {"email": "Mail", "web": "Web form", "chat": "Chat", "voice": "Phone call (incoming)"}
CSV_STATUS = {"new": "New", "open": "Open", "pending": "Pending", "hold": "On-hold", "solved": "Solved", "closed": "Closed"}
SUBJECTS = ["Login", "CV på nettet", "Sag 21/1234", "Job", "Nr. 300221-0000"]


# A row that intake must set aside: its time lies in the hour that spring skips.
_IMPOSSIBLE = f"1,2999999,Syntetisk 0{',' * 8}Jobannonce,,Closed,,Mail,,2021-03-28 02:30{',' * 11}0,,30,0{',' * 10}\n"


class BusinessClock:
    """Business minutes between instants."""

    def __init__(self, first: date, last: date) -> None:
        self.first = first
        self.before = [0]  # business minutes before each day
        for n in range((last - first).days + 1):
            self.before.append(self.before[-1] + (480 if is_working_day(first + timedelta(days=n)) else 0))

    def at(self, instant: int) -> int:
        """Business minutes from the clock's first day to `instant`."""
        days, rest = divmod(instant + offset(instant) - milliseconds(self.first), DAY)
        minute = min(max(rest // MINUTE - 480, 0), 480)
        return self.before[days] + (minute if self.before[days + 1] > self.before[days] else 0)

    def after(self, instant: int, minutes: int) -> int:
        """The instant at which `minutes` business minutes have passed since `instant`."""
        target = self.at(instant) + minutes
        day = bisect_right(self.before, target) - 1
        return at(self.first + timedelta(days=day), (480 + target - self.before[day]) * MINUTE)


@dataclass(frozen=True)
class Ticket:
    """One enquiry; times in ms since 1970, None = never."""

    number: int
    created: int
    replied: int | None
    solved: int | None
    via: str
    tag: str  # '' or the one tag that matters
    is_deleted: bool
    reopens: int
    waiting: str  # status between reply and solution

    def status(self, now: int) -> str:
        if self.is_deleted:
            return "deleted"
        if self.solved is not None and self.solved <= now:
            return "closed" if now - self.solved > 4 * DAY else "solved"
        return self.waiting if self.replied is not None and self.replied <= now else "new"

    def changed(self, since: int, until: int) -> bool:
        return any(moment is not None and since < moment <= until for moment in (self.created, self.replied, self.solved))


def write(out: Out, sizes: Sizes) -> None:
    """All ticket exports and mailbox counts."""
    clock = BusinessClock(FIRST, LAST + timedelta(days=90))
    made_at = [arrival(arrived) - 6 * MINUTE for arrived, _ in EXPORTS]
    with ExitStack() as stack:
        files = [stack.enter_context(out.text(arrived, "zendesk", name)) for arrived, name in EXPORTS]
        files[0].write(CSV_HEADING)
        files[0].write(_IMPOSSIBLE)
        for ticket in _tickets(Draw(sizes.seed, "tickets"), sizes.tickets, clock):
            for index, now in enumerate(made_at):
                if ticket.changed(made_at[index - 1] if index else 0, now):
                    if index == 0:
                        if not ticket.is_deleted:
                            files[0].write(_csv_row(ticket, now, clock))
                    else:
                        files[index].write(_json_row(ticket, now, clock))
    _mailboxes(out, Draw(sizes.seed, "mailboxes"), sizes)


def _tickets(draw: Draw, total: int, clock: BusinessClock) -> Iterator[Ticket]:
    days = (LAST - FIRST).days + 1
    # A working day has 20 parts of the year's tickets, another day 1.
    parts = [20 if is_working_day(FIRST + timedelta(days=n)) else 1 for n in range(days)]
    number, done, whole = 0, 0, sum(parts)
    for n in range(days):
        day = FIRST + timedelta(days=n)
        count = sum(share_of(total, done + part, whole) for part in range(parts[n]))
        done += parts[n]
        moments = []
        for _ in range(count):
            span = (8 * HOUR, 8 * HOUR) if draw.chance(930) else (0, DAY)
            moments.append(at(day, span[0] + draw.below(span[1]) // 1000 * 1000))
        for moment in sorted(moments):
            number += 1
            yield _ticket(draw, 3_000_000 + number, moment, clock)


def _ticket(draw: Draw, number: int, created: int, clock: BusinessClock) -> Ticket:
    work = draw.pick([(936, "quick"), (44, "same_day"), (9, "slow"), (5, "very_slow"), (6, "never")])
    minutes = {
        "quick": 3 + draw.below(1 + draw.below(180)),
        "same_day": 150 + draw.below(270),
        "slow": 490 + draw.below(900),
        "very_slow": 1_500 + draw.below(3_000),
    }.get(work)
    replied = None
    if minutes is not None:
        replied = clock.after(created, minutes)
        if work != "quick" and draw.below(150) == 0:
            replied = created + DAY  # exactly 24 hours
    solved = None
    if replied is not None and draw.chance(985):
        solved = clock.after(replied, draw.below(1 + draw.below(2_400)))
    elif replied is None and draw.chance(600):
        solved = clock.after(created, 600 + draw.below(2_000))  # solved without a reply
    tag = draw.pick([(965, ""), (12, "spam"), (13, "closed_by_merge"), (10, "haster")])
    if tag == "closed_by_merge":
        replied, solved = None, clock.after(created, 5 + draw.below(60))
    return Ticket(
        number,
        created,
        replied,
        solved,
        draw.pick(CHANNELS),
        tag,
        draw.chance(5),
        1 if solved and draw.chance(30) else 0,
        draw.pick([(5, "open"), (4, "pending"), (1, "hold")]),
    )


def _reply(ticket: Ticket, now: int, clock: BusinessClock) -> tuple[int, int] | None:
    """Calendar and business minutes to the reply, as far as it had come."""
    if ticket.replied is None or ticket.replied > now:
        return None
    calendar = -((ticket.created - ticket.replied) // MINUTE)  # a begun minute counts: 24:00:01 is 1441
    return calendar, min(clock.at(ticket.replied) - clock.at(ticket.created), calendar)


def _solved(ticket: Ticket, now: int) -> int | None:
    return ticket.solved if ticket.solved is not None and ticket.solved <= now else None


def _csv_row(ticket: Ticket, now: int, clock: BusinessClock) -> str:
    reply, solved = _reply(ticket, now, clock), _solved(ticket, now)
    fields = [""] * 41
    fields[0], fields[1] = "1", str(ticket.number)
    if ticket.number % 4 == 0:
        fields[2] = f"Syntetisk {ticket.number % 997}"
    if ticket.number % 7 == 0:
        fields[5] = f"s{ticket.number % 997}@example.invalid"
    fields[10], fields[11] = SUBJECTS[ticket.number % 5], ticket.tag
    fields[12], fields[14] = CSV_STATUS[ticket.status(now)], CSV_CHANNELS[ticket.via]
    fields[16], fields[22] = wall_minute(ticket.created), wall_minute(solved) if solved else ""
    fields[27] = str(ticket.reopens)
    if reply:
        fields[29], fields[30] = str(reply[0]), str(reply[1])
    return ",".join(fields) + "\n"


def _json_row(ticket: Ticket, now: int, clock: BusinessClock) -> str:
    reply, solved = _reply(ticket, now, clock), _solved(ticket, now)
    row: dict[str, object] = {
        "id": ticket.number,
        "created_at": utc(ticket.created),
        "subject": SUBJECTS[ticket.number % 5],
        "status": ticket.status(now),
        "via": {"channel": ticket.via},
        "tags": [ticket.tag] if ticket.tag else [],
        "metric_set": {
            "solved_at": utc(solved) if solved else None,
            "reopens": ticket.reopens,
            "reply_time_in_minutes": {"calendar": reply[0] if reply else None, "business": reply[1] if reply else None},
        },
    }
    if ticket.number % 4 == 0:
        row["requester"] = {"name": f"Syntetisk {ticket.number % 997}"}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


MAILBOXES = [("borgerpost", 80, date(2021, 1, 1)), ("virksomhedspost", 50, date(2021, 1, 1)), ("cv-post", 50, date(2021, 4, 1))]
COUNT_HEADING = (
    "funktionspostkasse;periode_fra;periode_til;antal_modtaget;antal_besvaret_24t;optalt_af;optalt_dato;metode;timer_brugt;"
    "bemærkning"
)


def _mailboxes(out: Out, draw: Draw, sizes: Sizes) -> None:
    rows = [f"{name};{since:%d-%m-%Y};;" for name, _, since in MAILBOXES]
    heading = "funktionspostkasse;gyldig_fra;gyldig_til;bemærkning"
    out.whole("2021-01-08T1100", "postkasser", "funktionspostkasser_2021.csv", [heading, *rows[:2]])
    out.whole("2021-04-06T1100", "postkasser", "funktionspostkasser_2021-04.csv", [heading, *rows])
    for month in range(1, 13):
        first = date(2021, month, 1)
        last = add_months(first, 1) - timedelta(days=1)
        arrived = {5: "2021-07-20T1300", 12: "2022-01-04T1300"}.get(month, f"{add_months(first, 1):%Y-%m}-06T1300")
        counted = local_day(arrival(arrived)) - timedelta(days=1)
        lines, first_line = [COUNT_HEADING], ""
        for index, (name, mails, since) in enumerate(MAILBOXES):
            if first < since:
                continue
            usual = (mails * sizes.tickets + 9_999) // 10_000
            received = usual * (80 + draw.below(41)) // 100 * (16 if month == 1 and index == 0 else 1)
            answered = received * (795 + draw.below(90)) // 1000
            line = _count(name, first, last, received, answered, counted, index)
            if month == 8 and index == 0:  # counted too low at first
                first_line = _count(name, first, last, received - 17, answered - 30, counted, index)
            lines.append(first_line or line)
            if first_line:
                again = ["2021-10-14T1300", "postkasser", "postkasse_optaelling_2021-08_rettet.csv"]
                recounted = _count(name, first, last, received, answered, date(2021, 10, 13), index)
                out.whole(again[0], again[1], again[2], [COUNT_HEADING, recounted], "windows-1252")
                first_line = ""
        out.whole(arrived, "postkasser", f"postkasse_optaelling_{first:%Y-%m}.csv", lines, "windows-1252")


def _count(name: str, first: date, last: date, received: int, answered: int, counted: date, index: int) -> str:
    def thousands(number: int) -> str:
        return f"{number:,}".replace(",", ".")

    return (
        f"{name};{first:%d-%m-%Y};{last:%d-%m-%Y};{thousands(received)};{thousands(answered)};Syntetisk Person {index + 1};"
        f"{counted:%d-%m-%Y};optælling;{1 + received // 200},5;Bemærkning på tværs – opdigtet"
    )
