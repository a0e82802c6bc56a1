"""EstherH: quarterly exports of applications for residence and work.

An export holds the cases received or decided since the one before, as they stood. Nobody applied as a trainee, so that goal has
nothing to be counted on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta

from .common import Draw, Out, Sizes, danish, share_of, working_days

FIRST, LAST = date(2019, 11, 18), date(2020, 12, 30)
EXPORTS = [
    ("2020-04-06T0600", date(2020, 4, 5)),
    ("2020-07-06T0600", date(2020, 7, 5)),
    ("2020-10-05T0600", date(2020, 10, 4)),
    ("2021-01-06T0600", date(2021, 1, 5)),
]
HEADING = "sagsnr;ordning;statsborgerskab;indgivet;afgjort;førstegang;kompliceret;styringsmål;udfald;ansøger"
SCHEMES = [
    (390, "EU"),
    (170, "Studie"),
    (110, "Beløbsordningen"),
    (100, "Fast-track"),
    (80, "Medfølgende familie til erhverv"),
    (50, "Lønarbejde"),
    (45, "Landbrug"),
    (30, "Positivlisten"),
    (25, "Ph.d."),
]
# (per mille, shortest, longest) in days; the rest takes as long as the last entry.
LENGTHS = {
    "EU": [(820, 0, 1), (100, 2, 31), (55, 32, 90), (25, 93, 160)],
    "Studie": [(955, 5, 60), (45, 63, 110)],
    "Beløbsordningen": [(940, 3, 30), (20, 33, 80), (40, 150, 420)],
    "Fast-track": [(968, 1, 20), (32, 32, 50)],
    "Medfølgende familie til erhverv": [(912, 10, 61), (88, 64, 120)],
    "Lønarbejde": [(920, 4, 30), (80, 33, 90)],
    "Landbrug": [(855, 4, 30), (145, 33, 100)],
    "Positivlisten": [(945, 3, 30), (55, 33, 70)],
    "Ph.d.": [(975, 6, 90), (25, 94, 130)],
}
SLOWER = {"EU": [(640, 0, 1), (260, 2, 31), (75, 32, 90), (25, 93, 160)]}  # for citizens of third countries
MAY_BE_COMPLICATED = ("Lønarbejde", "Landbrug", "Medfølgende familie til erhverv")
# A row that intake must set aside: decided before it was submitted.
_IMPOSSIBLE = "20-0;Studie;Tredjelandsstatsborger;14-12-2020;11-12-2020;ja;nej;ja;Bevilget;"


@dataclass(frozen=True)
class _Permit:
    number: str
    scheme: str
    citizen: str
    applied: date
    decided: date
    marks: str  # first time, complicated, service goal
    outcome: str
    name: str

    def line(self, made: date) -> str:
        """The case as it stood when an export was made."""
        decided, outcome = (danish(self.decided), self.outcome) if self.decided <= made else ("", "")
        return ";".join([self.number, self.scheme, self.citizen, danish(self.applied), decided, self.marks, outcome, self.name])


def write(out: Out, sizes: Sizes) -> None:
    """All exports."""
    with ExitStack() as stack:
        files = [
            stack.enter_context(out.text(arrived, "estherh", f"afgoerelser_{made:%Y-%m-%d}.csv")) for arrived, made in EXPORTS
        ]
        for file in files:
            file.write(HEADING + "\r\n")
        for permit in _permits(Draw(sizes.seed, "permits"), sizes.decisions):
            since = date(2019, 9, 30)
            for (_, made), file in zip(EXPORTS, files, strict=True):
                if since < permit.applied <= made or since < permit.decided <= made:
                    file.write(permit.line(made) + "\r\n")
                since = made
        files[-1].write(_IMPOSSIBLE + "\r\n")


def _permits(draw: Draw, total: int) -> Iterator[_Permit]:
    days = working_days(FIRST, LAST)
    number, year = 0, 0
    for index, day in enumerate(days):
        if day.year != year:
            number, year = 0, day.year
        for _ in range(share_of(total, index, len(days))):
            number += 1
            yield _permit(draw, f"{year % 100}-{number}", day, number)


def _permit(draw: Draw, number: str, applied: date, nth: int) -> _Permit:
    scheme = draw.pick(SCHEMES)
    is_european = scheme == "EU" and draw.chance(700)
    citizen = "EU-borger" if is_european else "Tredjelandsstatsborger"
    is_first = scheme == "EU" or draw.chance(840)
    is_complicated = scheme in MAY_BE_COMPLICATED and draw.chance(150)
    has_goal = not draw.chance(40)
    lengths = LENGTHS[scheme] if is_european or scheme not in SLOWER else SLOWER[scheme]
    left = draw.below(1000)
    days = 0
    for per_mille, low, high in lengths:
        if 0 <= left < per_mille:
            days = draw.between(low, high)
        left -= per_mille
    if is_complicated or not has_goal:
        days += draw.between(15, 60)
    decided = applied + timedelta(days=days)
    if decided.weekday() > 4:
        decided = max(applied, decided - timedelta(days=decided.weekday() - 4))
    outcome = draw.pick([(830, "Bevilget"), (90, "Afslag"), (35, "Afvist"), (45, "Frafaldet")])
    marks = ";".join("ja" if mark else "nej" for mark in (is_first, is_complicated, has_goal))
    name = f"Syntetisk {nth % 991}" if nth % 8 == 0 else ""
    return _Permit(number, scheme, citizen, applied, decided, marks, outcome, name)
