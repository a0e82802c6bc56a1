"""Rows of the canonical tables for the oracle tests, crowded around the edges that the measures turn on.

Each maker takes a random source, a size and the window the rows are meant for, so that nearly every row matters to some
reading; Hypothesis chooses seed, size and window. Data that intake would refuse (an unknown word, a missing key) is not made
here, with one exception: codes that a mapping does not know, because a measure must not drop them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from maalopfyldelse.dates import DANISH_ZONE, danish_date

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Maker = Callable[[Random, int, date, date], Rows]

# (from_date, as_of): a calendar year, a half, a rolling year, February of a leap year, the month the clock goes back.
WINDOWS = [
    (date(2020, 12, 31), date(2021, 12, 31)),
    (date(2020, 12, 31), date(2021, 6, 30)),
    (date(2020, 6, 30), date(2021, 6, 30)),
    (date(2020, 1, 31), date(2020, 2, 29)),
    (date(2021, 9, 30), date(2021, 10, 31)),
]


def a_day(random: Random, from_date: date, as_of: date) -> date:
    """A day of the window, often at its edges, now and then outside it."""
    near = [from_date, from_date + timedelta(days=1), as_of - timedelta(days=1), as_of, as_of + timedelta(days=1)]
    inside = from_date + timedelta(days=random.randint(1, (as_of - from_date).days))
    return random.choice([*near, inside, inside, inside, as_of])


def an_instant(random: Random, from_date: date, as_of: date) -> datetime:
    """An instant of the store (UTC, no zone) on such a day, often next to Danish midnight or to opening and closing time."""
    minute = random.choice([0, 1, 479, 480, 481, 720, 720, 899, 900, 1438, 1439])
    day = a_day(random, from_date, as_of)
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=DANISH_ZONE)
    return wall.astimezone(UTC).replace(tzinfo=None) + timedelta(milliseconds=random.choice([0, 1, 500, 59_999]))


def date_of(instant: datetime) -> date:
    """The Danish date of an instant of the store."""
    return danish_date(instant.replace(tzinfo=UTC))


def minute_of_day(instant: datetime) -> int:
    """The Danish minute of the day of an instant of the store."""
    wall = instant.replace(tzinfo=UTC).astimezone(DANISH_ZONE)
    return wall.hour * 60 + wall.minute


def outages(random: Random, around: list[datetime]) -> list[Row]:
    """A few outages that begin at, just before or just after some of the given instants."""
    made = []
    for number in range(random.randint(0, max(1, len(around) // 4))):
        began = random.choice(around) + timedelta(milliseconds=random.choice([-3_600_000, -1, 0, 1, 60_000]))
        ended = began + timedelta(milliseconds=random.choice([1, 3_600_000, 3_600_000, 90_000_000]))
        made.append({
            "outage_id": str(number),
            "system": random.choice(["puzzel", "zendesk", "any", "public360"]),
            "began_at": began,
            "ended_at": ended,
            "began_date": date_of(began),
            "ended_date": random.choice([date_of(ended), date_of(ended), None]),
            "approved_date": random.choice([date_of(ended), date_of(ended), None]),
        })
    return made


_QUEUES = ["borger", "borger", "borger", "virksomhed", "andet_hus", "__Callout_1", "ukendt"]
_COURSES = [
    ["queue", "conversation"],
    ["menu", "queue", "conversation"],
    ["queue"],
    ["menu", "queue"],
    ["queue", "queue", "conversation"],
    ["queue", "conversation", "queue", "conversation"],
    ["menu", "queue", "conversation", "conversation", "queue"],
    ["menu"],
    [],
]


def telephone(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Calls with menus, several queues, transfers, callbacks and other media; outages and opening hours near them."""
    events: list[Row] = []
    begins = []
    for call in range(size):
        at = an_instant(random, from_date, as_of)
        media = random.choice(["phone"] * 9 + ["email"])
        kinds = random.choice([random.choice(_COURSES), random.choices(["menu", "queue", "conversation"], k=random.randint(0, 6))])
        sequence = 0
        for kind in ["initiation", *kinds]:
            sequence += random.choice([1, 1, 2])
            gap = random.choice([0, 1, 400, 60_000, 200_000, 239_499, 239_999, 240_000, 240_001, 240_499, 240_500])
            gap = random.choice([0, 1, 500, 40_000]) if kind in ("initiation", "menu") else gap
            queue = random.choice(_QUEUES)
            queue_codes = ["h", "h", "k", "k", "q", "e", "t", None]
            if kind == "queue":
                begins.append(at)
            events.append({
                "rec_id": f"{call}-{sequence}",
                "call_id": f"1000000000000000{call:03}",
                "call_sequence": sequence,
                "media": media,
                "event_type": kind,
                "result_code": random.choice(["k", "k", "k", "t", "h"] if kind == "conversation" else queue_codes),
                "queue_key": queue if kind in ("queue", "conversation") else None,
                "started_at": at,
                "started_date": date_of(at),
                "started_minute": minute_of_day(at),
                "duration_s": (gap + 500) // 1000,
                "speak_started_at": at + timedelta(milliseconds=random.choice([0, 1, 500]))
                if kind == "conversation" and random.random() < 0.7
                else None,
            })  # fmt: skip
            at += timedelta(milliseconds=gap)
    until = random.choice([None, as_of - timedelta(days=2)])
    hours = [
        {
            "weekday": weekday,
            "valid_from_date": from_date + timedelta(days=random.choice([0, 2])),
            "valid_to_date": until,
            "opens_at_minute": 480,
            "closes_at_minute": random.choice([900, 1439]),
        }
        for weekday in range(1, 8)
        if random.random() < 0.8
    ]
    return {
        "call_events": events,
        "queues": [
            {"queue_key": "borger", "queue": "support_borger"},
            {"queue_key": "virksomhed", "queue": "support_virksomhed"},
            {"queue_key": "andet_hus", "queue": "outside"},
        ],
        "outages": outages(random, begins) if begins else [],
        "opening_hours": hours if random.random() < 0.6 else [],
    }


def cases(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Cases open, closed, reopened, closed again, mis-created, withdrawn, of unknown type, with dates missing or in disorder."""
    made = []
    for number in range(size):
        # Ages around three and four months at the reporting date, and any other.
        created = random.choice([
            a_day(random, from_date, as_of),
            as_of - timedelta(days=random.randint(85, 130)),
            as_of - timedelta(days=random.randint(0, 700)),
        ])

        def later(created: date = created) -> date:
            return random.choice([a_day(random, from_date, as_of), created + timedelta(days=random.choice([0, 1, 30, 49, 200]))])

        first = reopened = closed = None
        history = random.choice(["open", "closed", "closed", "closed", "reopened", "closed_again", "closed_again"])
        if history == "closed":
            closed = later()
        elif history != "open":
            first, reopened, closed = sorted([later(), later(), later()])
            closed = closed if history == "closed_again" else None
        made.append({
            "case_id": f"21/{number}",
            "case_type": random.choice(["D", "D", "D", "K", "C", "A", "?"]),
            "received_date": random.choice([None, created, created - timedelta(days=3), later()]),
            "created_date": created,
            "decided_date": random.choice([None, closed, later(), later()]),
            "first_closed_date": first,
            "reopened_date": reopened,
            "closed_date": closed,
            "status": random.choice(["aaben", "hvilende", "lukket"]),
            "outcome": random.choice([None, "afgjort", "afgjort", "trukket", "fejloprettet"]),
        })
    return {
        "cases": made,
        "case_types": [
            {"case_type": "D", "area": "eos_drift"},
            {"case_type": "K", "area": "eos_klage"},
            {"case_type": "C", "area": "cka_klage"},
            {"case_type": "A", "area": "andet"},
        ],
    }


# measure → the maker of its rows, its windows, and parameter values to try beside the default
MADE: dict[str, tuple[Maker, list[tuple[date, date]], dict[str, list[Any]]]] = {
    "telephone_answers": (telephone, WINDOWS, {"limit_ms": [240_000, 240_000, 1_000, 0]}),
    "processing_time": (cases, WINDOWS, {}),
}
