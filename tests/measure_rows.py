"""Rows of the canonical tables for the oracle tests, crowded around the edges that the measures turn on.

Each maker takes a random source, a size and the window the rows are meant for, so that nearly every row matters to some
reading; Hypothesis chooses seed, size and window. Data that intake would refuse (an unknown word, a missing key) is not made
here, with one exception: codes that a mapping does not know, because a measure must not drop them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import register_rows

from maalopfyldelse.dates import DANISH_ZONE, add_months, danish_date, period_bounds, quarter_of

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


def outages(random: Random, around: list[datetime], system: str) -> list[Row]:
    """Outages that begin or end at, just before or just after some of the given instants, now and then two at once."""
    made = []
    for number in range(random.randint(0, max(1, len(around) // 2)) if around else 0):
        edge = random.choice(around) + timedelta(milliseconds=random.choice([-3_600_000, -1, 0, 0, 0, 1, 60_000]))
        length = timedelta(milliseconds=random.choice([1, 60_000, 3_600_000, 90_000_000]))
        began, ended = random.choice([(edge, edge + length), (edge, edge + length), (edge - length, edge)])
        made.append(
            {
                "outage_id": str(number),
                "system": random.choice([system, system, "any", "public360"]),
                "began_at": began,
                "ended_at": ended,
                "began_date": date_of(began),
                "ended_date": random.choice([date_of(ended), date_of(ended), None]),
                "approved_date": random.choice([date_of(ended), date_of(ended), None]),
            }
        )
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
    ["queue", "queue", "queue"],
    ["queue", "queue", "queue", "conversation"],
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
        kinds = random.choice(
            [random.choice(_COURSES), random.choices(["menu", "queue", "conversation"], k=random.randint(0, 6))]
        )
        sequence = 0
        for kind in ["initiation", *kinds]:
            sequence += random.choice([1, 1, 2])
            gap = random.choice([0, 1, 400, 60_000, 200_000, 239_499, 239_999, 240_000, 240_001, 240_499, 240_500])
            gap = random.choice([0, 1, 500, 40_000]) if kind in ("initiation", "menu") else gap
            queue = random.choice(_QUEUES)
            queue_codes = ["h", "h", "k", "k", "q", "q", "e", "t", None]
            if kind != "initiation":
                begins.append(at)
            events.append({
                "rec_id": f"{call}-{sequence}",
                "call_id": f"1000000000000000{call:03}",
                "call_sequence": sequence,
                "media": media if random.random() < 0.98 else "other",
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
    day = timedelta(days=1)
    hours = [
        {
            "weekday": weekday,
            "valid_from_date": valid_from,
            "valid_to_date": random.choice([None, as_of, as_of - day, as_of - 2 * day]),
            "opens_at_minute": random.choice([480, 480, 720]),
            "closes_at_minute": random.choice([900, 1439, 720]),
        }
        for weekday in range(1, 8)
        for valid_from in [from_date + day, random.choice([as_of, as_of - day])]
        if random.random() < 0.6
    ]
    return {
        "call_events": events,
        "queues": [
            {"queue_key": "borger", "queue": "support_borger"},
            {"queue_key": "virksomhed", "queue": "support_virksomhed"},
            {"queue_key": "andet_hus", "queue": "outside"},
        ],
        "outages": outages(random, begins, "puzzel"),
        "opening_hours": hours if random.random() < 0.6 else [],
    }


def cases(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Cases open, closed, reopened, closed again, mis-created, withdrawn, of unknown type, with dates missing or in disorder."""
    made = []
    for number in range(size):
        # Ages around three and four months at the reporting date, and any other.
        created = random.choice(
            [
                a_day(random, from_date, as_of),
                as_of - timedelta(days=random.randint(85, 130)),
                as_of - timedelta(days=random.randint(0, 700)),
            ]
        )

        def later(created: date = created) -> date:
            return random.choice([a_day(random, from_date, as_of), created + timedelta(days=random.choice([0, 1, 30, 49, 200]))])

        first = reopened = closed = None
        history = random.choice(["open", "closed", "closed", "closed", "reopened", "closed_again", "closed_again"])
        if history == "closed":
            closed = later()
        elif history != "open":
            first, reopened, closed = sorted([later(), later(), later()])
            closed = closed if history == "closed_again" else None
        made.append(
            {
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
            }
        )
    return {
        "cases": made,
        "case_types": [
            {"case_type": "D", "area": "eos_drift"},
            {"case_type": "K", "area": "eos_klage"},
            {"case_type": "C", "area": "cka_klage"},
            {"case_type": "A", "area": "andet"},
        ],
    }


def absences(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Three institutions, quarters inside and around the window, types, figures and whole quarters missing."""
    types = ["arbejdsskade", "barn_syg", "barsel", "delvis_syg", "egen_sygdom", "graviditet"]
    made = []
    for institution in ["SIRI", "US", "DEP"][: 1 + size // 10]:
        quarter = quarter_of(from_date)
        while quarter <= quarter_of(as_of + timedelta(days=40)):
            first, last = period_bounds(quarter)
            fte = random.choice([None, Decimal("98.2500"), Decimal("101.0000"), Decimal("12.3456")])
            heads = random.choice([None, 102, 110])
            kinds = [] if random.random() < 0.15 else [t for t in types if random.random() < 0.6]
            for kind in kinds:
                days = random.choice([None, Decimal(random.randint(0, 900_000)) / 10_000])
                made.append(
                    {
                        "institution": institution,
                        "quarter": quarter,
                        "quarter_end_date": last,
                        "absence_type": kind,
                        "absence_hours": random.choice([None, Decimal(random.randint(0, 99_999)) / 100]),
                        "absence_days": days,
                        "fte": fte,
                        "heads": heads,
                    }
                )
            quarter = quarter_of(add_months(first, 3))
    return {"absence": made}


def panel(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Persons with one to three stays in a quarter: movers, leavers, deaths, late entries, every benefit and visitation."""
    first_day = add_months(as_of.replace(day=1), -2)
    edges = [first_day - timedelta(days=1), first_day, first_day + timedelta(days=1), as_of - timedelta(days=1), as_of]
    groups = [
        "uddannelseshjaelp",
        "kontanthjaelp",
        "sho_ydelse",
        "overgangsydelse",
        "ressourceforloeb",
        "ledighedsydelse",
    ]
    groups += ["jobafklaring", "jobafklaring", "andet"]
    codes = [
        {"benefit_code": str(number), "benefit_group": group, "is_in_introduction_programme": number % 2 == 0}
        for number, group in enumerate(groups + groups[2:4])
    ]
    stays: dict[tuple[str, str, date], Row] = {}
    for number in range(size):
        for _ in range(random.choice([1, 1, 2, 3])):
            entered = random.choice(
                [
                    *edges,
                    as_of + timedelta(days=1),
                    as_of - timedelta(days=random.randint(0, 330)),
                    add_months(random.choice(edges), -random.randint(1, 6)),
                ]
            )
            left = random.choice([None, None, *edges, as_of + timedelta(days=1), entered + timedelta(days=random.randint(0, 90))])
            if left is not None and left < entered:
                left = entered
            reasons = ["fraflyttet", "fraflyttet", "doed", "job", "uddannelse", "andet", None]
            jobcentre = random.choice(["10101", "10102", "20100"])
            ends = random.choice([as_of] * 9 + [from_date])  # now and then a row of the quarter before
            stays[f"p{number}", jobcentre, entered] = {
                "quarter": quarter_of(ends),
                "quarter_end_date": ends,
                "person_key": f"p{number}",
                "jobcentre_id": jobcentre,
                "benefit_code": random.choice([*(c["benefit_code"] for c in codes), "99"]),
                "visitation": random.choice(["aktivitetsparat", "aktivitetsparat", "jobparat", "ikke_visiteret"]),
                "entered_date": entered,
                "left_date": left,
                "exit_reason": random.choice(reasons) if left else None,
                "is_employed": random.random() < 0.2,
                "paid_hours": random.choice([Decimal(0), Decimal(0), Decimal("0.01"), Decimal(10), Decimal("10.01")]),
                "is_in_education": random.random() < 0.2,
                "seniority_months": random.choice([0, 1, 3, 5, 6, 7, 24]),
            }
    return {"jobcentre_panel": list(stays.values()), "benefit_codes": codes}


def tickets(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Tickets with instants, with minutes only, unanswered, removed, young; mailbox counts with gaps, overlaps and holes."""
    made = []
    begun = []
    extracted_at = an_instant(random, as_of, as_of + timedelta(days=2))
    for number in range(size):
        created = an_instant(random, from_date, as_of)
        if random.random() < 0.3:
            created = extracted_at - timedelta(minutes=random.choice([1, 1439, 1440, 1441]))
        begun.append(created)
        day = timedelta(minutes=random.choice([0, 30, 1439, 1440, 1441, 1500, 2 * 1440, 3 * 1440, 4 * 1440 + 1]))
        replied = random.choice([None, created + day + timedelta(milliseconds=random.choice([-1, 0, 1, 30_000]))])
        if replied is not None and replied < created:
            replied = created
        minutes = (replied - created) // timedelta(minutes=1) if replied else None
        knows = random.choice(["instant", "minutes", "both"])
        solved = random.choice([None, created + timedelta(minutes=random.choice([10, 1440, 9000]))])
        instant = replied if knows != "minutes" else None
        made.append(
            {
                "ticket_id": str(number),
                "created_at": created,
                "created_date": date_of(created),
                "created_minute": minute_of_day(created) if random.random() < 0.8 else None,
                "solved_at": solved,
                "solved_date": date_of(solved) if solved else None,
                "first_reply_at": instant,
                "first_reply_date": date_of(instant) if instant else None,
                "first_reply_minute": minute_of_day(instant) if instant and random.random() < 0.9 else None,
                "reply_minutes": minutes if knows != "instant" else None,
                "reply_business_minutes": random.choice([None, minutes // 3, minutes]) if minutes is not None else None,
                "status": random.choice(["new", "open", "pending", "hold", "solved", "solved", "closed", "deleted"]),
                "via": random.choice(["web", "email", "email", "chat", "voice"]),
                "is_spam": random.random() < 0.1,
                "is_merged": random.random() < 0.1,
                "delivered_at": random.choice([extracted_at, extracted_at - timedelta(days=1)]),
            }
        )
    counts = []
    for mailbox in ["post@a", "post@b", "post@c"]:
        first = random.choice(
            [from_date + timedelta(days=1), from_date + timedelta(days=1), from_date, from_date + timedelta(days=5)]
        )
        while first <= as_of:
            last = random.choice([add_months(first, 1) - timedelta(days=1), first + timedelta(days=40), as_of])
            counts.append(
                {
                    "mailbox": mailbox,
                    "period_from_date": first,
                    "period_to_date": max(first, last),
                    "received_count": random.choice([100, 100, 7, None]),
                    "answered_24h_count": random.choice([5, 0, 7, None]),
                    "counted_date": as_of,
                }
            )
            first = max(first, last) + timedelta(days=random.choice([1, 1, 1, 0, 2]))
    unique = {(c["mailbox"], c["period_from_date"]): c for c in counts}
    registered = [
        {
            "mailbox": mailbox,
            "valid_from_date": random.choice([from_date - timedelta(days=99), from_date + timedelta(days=5)]),
            "valid_to_date": random.choice([None, from_date + timedelta(days=20), from_date - timedelta(days=3)]),
        }
        for mailbox in ["post@a", "post@b", "post@d"]
    ]
    return {
        "tickets": made,
        "outages": outages(random, begun, "zendesk"),
        "mailboxes": registered if random.random() < 0.9 else [],
        "mailbox_counts": list(unique.values()),
    }


QUARTERS = [
    (date(2021, 6, 30), date(2021, 9, 30)),
    (date(2020, 12, 31), date(2021, 3, 31)),
    (date(2021, 9, 30), date(2021, 12, 31)),
]

# measure → the maker of its rows, its windows, and parameter values to try beside the default
MADE: dict[str, tuple[Maker, list[tuple[date, date]], dict[str, list[Any]]]] = {
    "telephone_answers": (telephone, WINDOWS, {"limit_ms": [240_000, 240_000, 1_000, 0]}),
    "written_replies": (tickets, WINDOWS, {"limit_minutes": [1440, 1440, 0, 30]}),
    "processing_time": (cases, WINDOWS, {}),
    "pending_age": (cases, WINDOWS, {"age_limit": [3, 4, 90, 0], "age_unit": ["months", "days"]}),
    "sick_leave": (absences, WINDOWS, {}),
    "target_group_activity": (panel, QUARTERS, {"min_hours": [0, 10]}),
    "service_goals": (register_rows.decisions, WINDOWS, {"limit_days": [31, 31, 62, 1]}),
    "item_completion": (register_rows.items, WINDOWS, {"months": [3, 3, 0]}),
    "counted_share": (register_rows.counts, WINDOWS, {}),
    "budget_deviation": (register_rows.budgets, WINDOWS, {}),
    "absence_rates": (register_rows.state_absences, [*WINDOWS, (date(2021, 2, 14), date(2021, 6, 30))], {}),
    "activity_per_day": (register_rows.activity, WINDOWS, {}),
    "application_replies": (register_rows.applications, WINDOWS, {"limit_days": [56, 56, 1]}),
    "complaint_decisions": (register_rows.complaints, WINDOWS, {"months": [4, 4, 1]}),
}
