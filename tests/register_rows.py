"""Rows for the oracle tests of the measures that count registers and case lists, crowded around the edges they turn on.

The makers have the shape of measure_rows.Maker. What is said there holds here: nearly every row matters to some reading.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from maalopfyldelse.dates import add_months, period_bounds, quarter_of

Row = dict[str, Any]
Rows = dict[str, list[Row]]
DAY = timedelta(days=1)


def _near(random: Random, from_date: date, as_of: date) -> date:
    """A day of the window, often at its edges, now and then outside it."""
    inside = from_date + timedelta(days=random.randint(1, (as_of - from_date).days))
    return random.choice([from_date, from_date + DAY, as_of - DAY, as_of, as_of + DAY, inside, inside, inside])


def _after(random: Random, start: date, months: int) -> date:
    """A day after `start`, often just before, on or just after that many calendar months or that many days."""
    days = random.choice([-1, 0, 1, 2, 3, 30, 31, 32, 55, 56, 57, 61, 62, 63, 92, 93])
    on = random.choice([start + timedelta(days=days), add_months(start, months) + random.choice([-DAY, 0 * DAY, DAY])])
    return max(on, start) if random.random() < 0.95 else on


def decisions(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Applications decided around the goals, pending younger and older than them, withdrawn, renewed, without a goal."""
    made = []
    for number in range(size):
        applied = random.choice(
            [_near(random, from_date, as_of), as_of - timedelta(days=random.choice([0, 1, 2, 30, 31, 32, 62]))]
        )
        decided = random.choice([None, _after(random, applied, 1), _after(random, applied, 1), _near(random, from_date, as_of)])
        made.append(
            {
                "decision_id": f"20/{number}",
                "scheme": random.choice(["beloebsordning", "landbrug", "eu"]),
                "population": random.choice(["eu_borger", "tredjeland"]),
                "application_date": applied,
                "decision_date": decided,
                "is_first_time": random.random() < 0.8,
                "is_complicated": random.random() < 0.2,
                "has_target": random.random() < 0.9,
                "outcome": random.choice([None, "bevilget", "bevilget", "afslag", "afvist", "frafaldet"]),
            }
        )
    return {"decisions": made}


def items(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Items done early, in time, late and never, due inside and around the window and a year before it, with dates missing."""
    made = []
    for number in range(size):
        due = random.choice([None, *[_near(random, from_date, as_of)] * 4, add_months(_near(random, from_date, as_of), -12)])
        started = random.choice([None, *[_near(random, from_date, as_of)] * 3, add_months(as_of, -3), add_months(from_date, -3)])
        done = random.choice([None, due, _near(random, from_date, as_of), _near(random, from_date, as_of)])
        if started and random.random() < 0.5:
            done = _after(random, started, 3)
        made.append(
            {
                "item_id": str(number),
                "plan": random.choice(["star-2021", "tilsyn-2024"]),
                "plan_row": random.choice(["M8.A", "T10.b"]),
                "started_date": started,
                "due_date": due,
                "done_date": done,
                "is_exempt": random.random() < 0.2,
                "is_complex": random.random() < 0.3,
                "registrant_key": "a",
                "approver_key": random.choice([None, "b", "b"]),
            }
        )
    return {"items": made}


def counts(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Counts of a few names on few days, so that several fall on one day; corrected later, with the whole missing."""
    made = []
    for number in range(size):
        made.append(
            {
                "count_id": str(number),
                "plan": random.choice(["ams-2003", "siri-2020"]),
                "plan_row": random.choice(["A.1.1", "A.3.1"]),
                "name": random.choice(["a", "b"]),
                "as_of_date": _near(random, from_date, as_of),
                "number": random.randint(0, 27),
                "of_number": random.choice([None, 27, 100, 0]),
                "registrant_key": "a",
                "approver_key": random.choice([None, "b"]),
                "delivered_at": random.choice(["2021-01-01 08:00:00", "2021-01-02 08:00:00"]),
            }
        )
    return {"register_counts": made}


def budgets(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Two institutions over years inside and around the window, each figure now and then missing, with surplus and deficit."""
    made = []
    for institution in ["BME", "SIRI"]:
        for year in range(from_date.year - 1, as_of.year + 2):
            for figure in ["grundbudget", "uo2", "uo4", "aarsregnskab"]:
                if random.random() < 0.7:
                    made.append(
                        {
                            "institution": institution,
                            "year": year,
                            "year_end_date": date(year, 12, 31),
                            "figure": figure,
                            "amount_dkk": Decimal(random.choice([0, 1, -120_000_000, random.randint(-(10**9), 10**9)])) / 100,
                        }
                    )
    return {"budget_figures": made[: 4 * size]}


def state_absences(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Institutions by quarter, a quarter now and then missing, or its days, årsværk or heads."""
    made = []
    for number in range(1 + size // 8):
        quarter = quarter_of(from_date)
        careless = random.choice([0.0, 0.0, 0.3])
        while quarter <= quarter_of(as_of + timedelta(days=40)):
            first, last = period_bounds(quarter)
            if random.random() >= careless:
                made.append(
                    {
                        "institution": f"inst {number}",
                        "quarter": quarter,
                        "quarter_end_date": last,
                        "absence_days": None if random.random() < careless else Decimal(random.randint(0, 900_000)) / 10_000,
                        "fte": None if random.random() < careless else Decimal(random.randint(1, 9_000_000)) / 10_000,
                        "heads": None if random.random() < careless else random.randint(10, 900),
                    }
                )
            quarter = quarter_of(add_months(first, 3))
    return {"state_absence": made}


def activity(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Two series of periods that follow one another, with gaps, before, inside and across the edges of the window."""
    made = []
    for series in ["job_ads", "hits"][: 1 + size // 10]:
        first = random.choice([from_date + DAY, from_date + DAY, from_date, from_date - 9 * DAY, from_date + 5 * DAY])
        while first <= as_of + timedelta(days=20):
            last = random.choice([add_months(first, 1) - DAY, first, first + 20 * DAY, as_of - DAY, as_of, as_of + DAY])
            last = max(first, last)
            made.append({"series": series, "period_from_date": first, "period_to_date": last, "number": random.randint(0, 9_999)})
            first = last + random.choice([DAY, DAY, DAY, DAY, 3 * DAY])
    return {"activity_counts": made}


def applications(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Applications before, on and after their pool's deadline, answered around eight weeks, early, late and never."""
    made = []
    for number in range(size):
        received = random.choice([_near(random, from_date, as_of), as_of - timedelta(days=random.choice([55, 56, 57, 90]))])
        closing = random.choice([None, received, received + 20 * DAY, received + 57 * DAY, received - 3 * DAY])
        replied = random.choice([None, _near(random, from_date, as_of), *[_after(random, closing or received, 2)] * 3])
        if random.random() < 0.1:
            replied = received + random.choice([-DAY, DAY])
        made.append(
            {
                "application_id": str(number),
                "received_date": received,
                "deadline_date": closing,
                "replied_date": replied,
                "is_withdrawn": random.random() < 0.1,
            }
        )
    return {"pool_applications": made}


def complaints(random: Random, size: int, from_date: date, as_of: date) -> Rows:
    """Complaints decided around four months after receipt, and pending just under, at and over them."""
    made = []
    for number in range(size):
        edge = add_months(as_of, -4)
        received = random.choice([_near(random, from_date, as_of), edge - DAY, edge, edge + DAY, edge - 40 * DAY])
        decided = random.choice([None, None, _near(random, from_date, as_of), *[_after(random, received, 4)] * 3])
        made.append(
            {
                "complaint_id": str(number),
                "received_date": received,
                "decided_date": decided,
                "is_withdrawn": random.random() < 0.1,
            }
        )
    return {"complaints": made}
