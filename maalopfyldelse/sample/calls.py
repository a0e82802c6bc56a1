"""Puzzel: call events a month, the queue list, the outage register.

A call is a few events under one call_id: initiation, perhaps a menu, queues, conversations. Stamps are naive Danish wall
time with milliseconds; the three clock changes of the period have calls across them. Phone numbers begin with +4500, which no
subscriber has.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import date, timedelta
from typing import TextIO

from ..dates import add_months
from .common import CHANGES, HOUR, MINUTE, SECOND, Draw, Out, Sizes, at, local_day, milliseconds, share_of, wall, working_days

COLUMNS = (
    "rec_id,customer_key,call_id,call_sequence,media_type_id,event_type,result_code,queue_key,dte_start,duration_tot_sec,"
    "dte_speak_start,duration_speak_sec,source,destination,ciq,alert_ms,internal_iq_session_id,request_id,dte_updated\n"
)
EVENTS_PER_100_CALLS = 305
FIRST_MONTH, LAST_MONTH = date(2020, 7, 1), date(2021, 12, 1)
# Arrivals that are not the 5th of the following month; a month with two is delivered incomplete and then corrected.
ARRIVALS = {"2021-02": ["2021-04-12T0700"], "2021-05": ["2021-06-05T0700", "2021-07-07T0930"]}
CUT_DAY = date(2021, 5, 12)  # the first delivery of May ends here
JOBNET_FROM = date(2021, 9, 1)  # a queue that did not exist before

# (system, began, ended, approved): the first two of 2021 count; the last is not approved.
OUTAGES = [
    ("puzzel", (date(2020, 11, 17), 600, 665), date(2020, 12, 1)),
    ("puzzel", (date(2021, 2, 9), 580, 675), date(2021, 3, 1)),
    ("zendesk", (date(2021, 4, 20), 540, 660), date(2021, 5, 3)),
    ("puzzel", (date(2021, 9, 14), 785, 840), date(2021, 10, 1)),
    ("puzzel", (date(2021, 11, 23), 600, 615), None),
]

# How 10,000 phone calls to the support end. Callbacks: answered in time, answered late, never reached.
OUTCOMES = [
    (8655, "soon"),
    (440, "late"),
    (470, "hangs_up_soon"),
    (195, "hangs_up_late"),
    (45, "callback_soon"),
    (55, "callback_late"),
    (10, "callback_never"),
    (30, "f"),
    (35, "s"),
    (20, "e"),
    (35, "t"),
    (10, "b"),
]
# Calls moved from answered soon to answered late, per 10,000, by month: the winter was hard.
PRESSURE = {"2021-01": 260, "2021-02": 160, "2021-06": -90, "2021-07": -110, "2021-08": -60, "2021-11": -60, "2021-12": -90}
PRESSURE_2020 = 220


class _Month:
    """The open files of one month and the running numbers. One instance writes all months, so numbers go on."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.rec_id = 0
        self.calls = 0
        self.files: list[TextIO] = []
        self.call_id, self.sequence, self.media, self.source = "", 0, "1", ""

    def begin(self) -> None:
        """A new call: its id is unique and in no order, of 19 or 14 digits."""
        self.calls += 1
        digits = 10**18 if self.calls % 3 else 10**13
        self.call_id = str(digits + self.calls * 7_182_818_284_590_451 % digits)
        self.sequence = 0
        number = self.draw.below(1_000_000) if self.draw.chance(750) else 0
        self.source = f"+4500{number:06d}" if number % 3 == 1 else ""  # or withheld

    def event(
        self, kind: str, result: str, queue: str, start: int, length: int, speak: tuple[int, int] | None = None, ciq: str = ""
    ) -> None:
        """One row; times in ms, `speak` = (start, length) of the talk."""
        self.rec_id += 1
        self.sequence += 1
        numbers = f"{self.source}," if kind == "i" else f",{self.source}" if kind == "c" and queue.startswith("__") else ","
        talk = f"{wall(speak[0])},{(speak[1] + 500) // SECOND}" if speak else ","
        row = (
            f"{self.rec_id},7,{self.call_id},{self.sequence},{self.media},{kind},{result},{queue},{wall(start)},"
            f"{(length + 500) // SECOND},{talk},{numbers},{ciq},,,,\n"
        )
        for file in self.files:
            file.write(row)


def write(out: Out, sizes: Sizes) -> None:
    """All deliveries of the telephone system."""
    write_lists(out)
    days = working_days(FIRST_MONTH, add_months(LAST_MONTH, 1) - timedelta(days=1))
    total = sizes.call_events * 100 // EVENTS_PER_100_CALLS
    draw = Draw(sizes.seed, "calls")
    month = _Month(draw)
    first = FIRST_MONTH
    done = 0
    while first <= LAST_MONTH:
        following = add_months(first, 1)
        text = f"{first:%Y-%m}"
        arrivals = ARRIVALS.get(text, [f"{following:%Y-%m}-05T0700"])
        starts_of_nights = [c for c in CHANGES if milliseconds(first) < c < milliseconds(following)]
        with ExitStack() as stack:
            name = f"call_events_{text}.csv"
            files = [stack.enter_context(out.text(arrived, "puzzel", name)) for arrived in arrivals]
            for file in files:
                file.write(COLUMNS)
            for day in [d for d in days if first <= d < following]:
                month.files = files if day <= CUT_DAY or len(files) == 1 else files[1:]
                for start in _starts(draw, day, share_of(total, done, len(days))):
                    _call(month, start, day)
                done += 1
            month.files = files
            for change in starts_of_nights:
                for seconds in (-5400, -1900, -1205, -600, -75, -20, 5, 65, 700, 1500, 2400, 3300, 3590, 3700):
                    _call(month, change + seconds * SECOND, local_day(change))
        first = following


def _starts(draw: Draw, day: date, count: int) -> list[int]:
    """When the day's calls begin: 8 to 16, a few just before and after. One day is the most that is held."""
    opening = at(day, 8 * HOUR)
    starts = []
    for _ in range(count):
        early = draw.below(30 * MINUTE)
        if draw.chance(992):
            starts.append(opening + draw.below(8 * HOUR))
        else:
            starts.append(opening - early if early % 2 else opening + 8 * HOUR + early)
    starts.sort()
    return starts


_DOWN = [(at(day, begin * MINUTE), at(day, end * MINUTE)) for system, (day, begin, end), _ in OUTAGES if system == "puzzel"]


def _call(month: _Month, start: int, day: date) -> None:
    """One enquiry beginning at `start`: its channel, its queue, how it ends."""
    draw = month.draw
    month.begin()
    month.media = "1"
    kind = draw.pick([(940, "phone"), (25, "chat"), (15, "email"), (20, "outgoing")])
    if kind == "outgoing":
        month.event("i", "", "", start, 900)
        month.event("q", "k", "__Callout_ud", start + 900, 12_000)
        month.event("c", "k", "__Callout_ud", start + 12_900, 95_000, (start + 12_900, 95_000))
        return
    if kind != "phone":
        month.media = "3" if kind == "chat" else "2"
        month.source = f"syntetisk{draw.below(10_000)}@example.invalid"
    queue = draw.pick([(58, "q_borger"), (10, "q_jobnet"), (25, "q_virksomhed"), (7, "q_omstilling")])
    if queue == "q_jobnet" and day < JOBNET_FROM:
        queue = "q_borger"
    month.event("i", "", "", start, 400 + draw.below(900))
    queued = start + 1_300
    if draw.chance(100):
        menu = 6_000 + draw.below(40_000)
        month.event("m", "k", "", queued, menu)
        queued += menu
    _wait(month, queue, queued, _outcome(draw, queued, day))


def _outcome(draw: Draw, queued: int, day: date) -> str:
    if any(began <= queued < ended for began, ended in _DOWN):
        return draw.pick([(2, "e"), (3, "hangs_up_late"), (2, "hangs_up_soon"), (3, "late")])
    opening = at(day, 8 * HOUR)
    if not opening <= queued < opening + 8 * HOUR and day.weekday() < 5:
        return "s"
    outcome = draw.pick(OUTCOMES)
    pressure = PRESSURE.get(f"{day:%Y-%m}", PRESSURE_2020 if day.year == 2020 else 0)
    if pressure > 0 and outcome == "soon" and draw.below(8655) < pressure:
        return "late"
    if pressure < 0 and outcome == "late" and draw.below(440) < -pressure:
        return "soon"
    return outcome


def _soon(draw: Draw) -> int:
    """A wait of at most four minutes: mostly short, now and then exactly four minutes."""
    if draw.below(400) == 0:
        return 240_000
    return draw.below(1 + draw.below(240_000))


def _late(draw: Draw) -> int:
    """A wait of more than four minutes: up to a quarter of an hour, now and then by one millisecond."""
    return 240_001 if draw.below(60) == 0 else 240_002 + draw.below(660_000)


def _wait(month: _Month, queue: str, queued: int, outcome: str) -> None:
    """The events from the first queue on."""
    draw = month.draw
    if outcome in ("soon", "late"):
        wait = _soon(draw) if outcome == "soon" else _late(draw)
        began = queued
        if wait > 20_000 and draw.chance(60):  # first another queue, which gives up
            month.event("q", "t", "q_omstilling" if queue == "q_jobnet" else queue, queued, wait // 2)
            began = queued + wait // 2
        month.event("q", "k", queue, began, queued + wait - began)
        ended = _talk(month, queue, queued + wait)
        if draw.chance(25):  # put through to somebody else
            other = "q_virksomhed" if queue == "q_borger" else "q_borger"
            again = draw.below(400_000)
            month.event("q", "k", other, ended, again)
            _talk(month, other, ended + again)
    elif outcome == "hangs_up_soon":
        month.event("q", "h", queue, queued, 2_000 + draw.below(237_900))
    elif outcome == "hangs_up_late":
        month.event("q", "h", queue, queued, 240_500 + draw.below(500_000))
    elif outcome.startswith("callback"):
        ordered = 15_000 + draw.below(60_000)
        month.event("q", "q", queue, queued, ordered, ciq="1")
        wait = ordered + (draw.below(240_001 - ordered) if outcome == "callback_soon" else 300_000 + draw.below(6_000_000))
        if outcome == "callback_never":
            month.event("q", "h", f"__Callout_{queue}", queued + wait, 30_000, ciq="1")
        else:
            month.event("q", "k", f"__Callout_{queue}", queued + ordered, wait - ordered, ciq="1")
            _talk(month, f"__Callout_{queue}", queued + wait)
    else:
        length = {"f": 0, "s": 8_000, "e": 3_000}.get(outcome, 600_000 if outcome == "t" else 120_000)
        month.event("q", outcome, queue, queued, length)


def _talk(month: _Month, queue: str, answered: int) -> int:
    """The conversation of an agent who answers at `answered`; gives its end."""
    draw = month.draw
    length = 30_000 + draw.below(1 + draw.below(1_200_000))
    month.event("c", "k", queue, answered, length, (answered, length))
    return answered + length


def write_lists(out: Out) -> None:
    """The queue lists and the registers of outages."""
    heading = "kø;område;godkendt_af_rolle;godkendt_dato"
    first = [
        "q_borger;support_borger;kontorchef;15-06-2020",
        "q_virksomhed;support_virksomhed;kontorchef;15-06-2020",
        "q_omstilling;outside;kontorchef;15-06-2020",
        "__Callout_ud;outside;kontorchef;15-06-2020",
        "__Callout_q_borger;outside;kontorchef;15-06-2020",
        "__Callout_q_virksomhed;outside;kontorchef;15-06-2020",
        "__Callout_q_omstilling;outside;kontorchef;15-06-2020",
    ]
    later = ["q_jobnet;support_borger;kontorchef;20-08-2021", "__Callout_q_jobnet;outside;kontorchef;20-08-2021"]
    out.whole("2020-07-01T0900", "puzzel", "koeliste_2020-07.csv", [heading, *first])
    out.whole("2021-08-30T1000", "puzzel", "koeliste_2021-09.csv", [heading, *first, *later])
    heading = "nr;system;begyndt;afsluttet;godkendt_dato;registreret_af;beskrivelse"
    rows = []
    for number, (system, (day, begin, end), approved) in enumerate(OUTAGES, 1):
        times = [f"{day:%d-%m-%Y} {minute // 60:02d}:{minute % 60:02d}" for minute in (begin, end)]
        when = f"{approved:%d-%m-%Y}" if approved else ""
        rows.append(f"D-{number:03d};{system};{times[0]};{times[1]};{when};Syntetisk Person {number};Opdigtet hændelse")
    out.whole("2021-07-05T1000", "puzzel", "driftsforstyrrelser_2021-07.csv", [heading, *rows[:3]], "windows-1252")
    out.whole("2022-01-04T1000", "puzzel", "driftsforstyrrelser_2022-01.csv", [heading, *rows], "windows-1252")
