"""Jobcentres: the quarterly person-level panel, the list of 94 jobcentres, the mapping of benefit codes.

Codes and jobcentres are invented. The third quarter of 2021 is built to a table, jobcentre by jobcentre, so that the fifteen
best, their ties and the tiny one come out exactly; around those who count stand people who do not: job-ready, other benefits,
introduction programme, less than six months of jobafklaring, moved, dead.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TextIO

from ..dates import add_months
from .common import Draw, Out, Sizes, danish

QUARTERS = [
    ("2020Q4", date(2020, 10, 1), date(2020, 12, 31), "2021-02-15T0900"),
    ("2021Q1", date(2021, 1, 1), date(2021, 3, 31), "2021-05-17T0900"),
    ("2021Q2", date(2021, 4, 1), date(2021, 6, 30), "2021-08-16T0900"),
    ("2021Q3", date(2021, 7, 1), date(2021, 9, 30), "2021-11-15T0900"),
]
END = QUARTERS[-1][2]
HEADING = (
    "kvartal;person_key;jobcenter_id;ydelseskode;visitationskategori;i_målgruppe_fra;i_målgruppe_til;udgang_årsag;"
    "beskæftigelse_q;løntimer_q;su_q;anciennitet_mdr\n"
)
BENEFITS = [
    ("YD01", "uddannelseshjaelp", "nej"),
    ("YD02", "kontanthjaelp", "nej"),
    ("YD03", "sho_ydelse", "nej"),
    ("YD04", "sho_ydelse", "ja"),
    ("YD05", "overgangsydelse", "nej"),
    ("YD06", "overgangsydelse", "ja"),
    ("YD07", "ressourceforloeb", "nej"),
    ("YD08", "ledighedsydelse", "nej"),
    ("YD09", "jobafklaring", "nej"),
    ("YD10", "andet", "nej"),
]
# People in the target group and those touched in 2021Q3: a tiny jobcentre, eleven good ones, two below, three tied at 24 %.
BEST = [
    *[(4, 2), (40, 15), (55, 19), (62, 21), (36, 12), (70, 22), (48, 14), (58, 17), (44, 12), (66, 18), (52, 14), (38, 10)],
    *[(64, 16), (49, 12), (50, 12), (25, 6), (75, 18)],
]
CENTRES = 94


def centres() -> list[tuple[int, int]]:
    """(people in the target group, touched) of every jobcentre; those after BEST lie between 8 and 22 per cent."""
    rest = []
    for index in range(CENTRES - len(BEST)):
        people = 26 + index * 37 % 41
        rest.append((people, people * (8 + index * 13 % 15) // 100))
    mixed = [*BEST, *rest]
    return [mixed[index * 41 % CENTRES] for index in range(CENTRES)]  # so that the best are not the first


ROWS_PER_UNIT = 20_000  # about what the table above gives over the four quarters


@dataclass
class Stay:
    """One stay in a jobcentre, as the panel shows it."""

    key: str
    centre: int
    benefit: str
    visitation: str
    entered: date
    left: date | None
    reason: str
    seniority: int


class _Panel:
    """The open files of the four quarters."""

    def __init__(self, draw: Draw, files: list[TextIO]) -> None:
        self.draw = draw
        self.files = files
        self.people = 0

    def new_key(self) -> str:
        """A pseudonym nobody else has: multiples of a number are all different modulo a prime."""
        self.people += 1
        if self.people < 999_983:
            return f"S{self.people * 368_787 % 999_983:06d}"
        return f"S{self.people * 7_368_787 % 99_999_989:08d}"

    def put(self, stays: list[Stay], touched: bool) -> None:
        """A person's stays in every quarter that knows them; `touched` speaks of the last quarter."""
        for index, (quarter, _, last, _) in enumerate(QUARTERS):
            now = touched if index == 3 else self.draw.chance(600 if touched else 40)
            brought = self._brought() if now else "0;0;0"
            for stay in stays:
                if stay.entered > last:
                    continue
                gone = stay.left is not None and stay.left <= last
                end = danish(stay.left) + ";" + stay.reason if gone else ";"
                self.files[index].write(
                    f"{quarter};{stay.key};{stay.centre + 1:03d}01;{stay.benefit};{stay.visitation};{danish(stay.entered)};{end};"
                    f"{brought};{stay.seniority}\n"
                )

    def _brought(self) -> str:
        """Employment, paid hours, education."""
        kind = self.draw.below(10)
        hours = 4 + self.draw.below(300)
        if kind < 3:
            return "0;0;1"
        if kind == 3:
            return "1;0;0"  # employed without registered hours
        return f"{1 if kind < 8 else 0};{hours},{'50' if hours % 2 else '00'};0"


def write(out: Out, sizes: Sizes) -> None:
    """The lists and the four quarters."""
    rows = [f"{code};{group};{intro};Opdigtet ydelse {code[2:]};05-01-2021" for code, group, intro in BENEFITS]
    heading = "ydelseskode;ydelsesgruppe;introduktionsprogram;betegnelse;godkendt_dato"
    out.whole("2021-01-11T0900", "jobcenter", "ydelseskoder_2021.csv", [heading, *rows])
    names = [f"{n:03d}01;Jobcenter Eksempel {n:02d}" for n in range(1, CENTRES + 1)]
    out.whole("2021-01-11T0900", "jobcenter", "jobcentre_liste_2021.csv", ["jobcenter_id;jobcenter", *names])
    with ExitStack() as stack:
        files = [
            stack.enter_context(out.text(arrived, "jobcenter", f"jobcenter_panel_{quarter}.csv"))
            for quarter, _, _, arrived in QUARTERS
        ]
        for file in files:
            file.write(HEADING)
        panel = _Panel(Draw(sizes.seed, "panel"), files)
        for centre, (people, touched) in enumerate(centres()):
            many, hits = _scaled(people, sizes.persons), _scaled(touched, sizes.persons)
            for index in range(many):
                panel.put(_counted(panel, centre), index < hits)
            for _ in range(many * 24 // 100):
                panel.put([_uncounted(panel, centre)], panel.draw.chance(250))


def _scaled(number: int, persons: int) -> int:
    """Whole multiples above the usual size, so that shares and ties stay exact."""
    if persons >= ROWS_PER_UNIT:
        return number * (persons // ROWS_PER_UNIT)
    return (number * persons + ROWS_PER_UNIT - 1) // ROWS_PER_UNIT


def _entered(draw: Draw) -> date:
    """Before November 2020 for three in four, later for the rest."""
    if draw.chance(760):
        return date(2020, 10, 28) - timedelta(days=draw.below(1200))
    return date(2020, 11, 1) + timedelta(days=draw.below(320))


def _counted(panel: _Panel, centre: int) -> list[Stay]:
    """The stays of somebody who is in the target group at the end of the last quarter."""
    draw = panel.draw
    benefit = draw.pick([(24, "YD01"), (38, "YD02"), (4, "YD03"), (4, "YD05"), (12, "YD07"), (8, "YD08"), (10, "YD09")])
    visitation = "5" if benefit < "YD07" else "8"
    entered, seniority = _entered(draw), draw.below(60)
    if benefit == "YD09":  # six months are reached at the latest on the last day
        seniority = draw.below(9)
        entered = min(entered, add_months(END, seniority - 6)) if seniority < 6 else entered
    stay = Stay(panel.new_key(), centre, benefit, visitation, entered, None, "", seniority)
    fate = draw.below(1000)
    if fate < 60 and entered < date(2020, 12, 1):  # moved here from another jobcentre
        moved = date(2020, 12, 1) + timedelta(days=draw.below(290))
        earlier = Stay(stay.key, (centre + 7) % CENTRES, benefit, visitation, entered, moved, "fraflyttet", seniority)
        months = (moved.year - entered.year) * 12 + moved.month - entered.month
        stay.entered, stay.seniority = moved + timedelta(days=1), seniority + max(0, months - 1)
        return [earlier, stay]
    if fate < 150 and entered < date(2021, 5, 1) and benefit != "YD09":  # left the benefit, stays in the group
        stay.left = date(2021, 5, 1) + timedelta(days=draw.below(150))
        stay.reason = draw.pick([(6, "job"), (3, "uddannelse"), (1, "andet")])
    elif fate < 170 and entered < date(2020, 12, 1) and benefit == "YD02":  # changed benefit in the same jobcentre
        changed = date(2021, 1, 1) + timedelta(days=draw.below(200))
        stay.left, stay.reason = changed, "andet"
        return [stay, Stay(stay.key, centre, "YD07", "8", changed + timedelta(days=1), None, "", 0)]
    return [stay]


def _uncounted(panel: _Panel, centre: int) -> Stay:
    """Somebody in the panel who is not in the target group at the end of the last quarter."""
    draw = panel.draw
    why = draw.pick([(40, "job_ready"), (15, "other"), (15, "intro"), (10, "new_jobafklaring"), (12, "moved"), (8, "dead")])
    stay = Stay(panel.new_key(), centre, "YD02", "5", _entered(draw), None, "", draw.below(40))
    if why == "job_ready":
        stay.benefit, stay.visitation = draw.pick([(1, "YD01"), (3, "YD02")]), draw.pick([(9, "4"), (1, "8")])
    elif why == "other":
        stay.benefit, stay.visitation = "YD10", "8"
    elif why == "intro":
        stay.benefit = draw.pick([(1, "YD04"), (1, "YD06")])
    elif why == "new_jobafklaring":
        stay.benefit, stay.visitation, stay.seniority = "YD09", "8", draw.below(2)
        stay.entered = date(2021, 6, 1) + timedelta(days=draw.below(100))
    else:
        stay.entered = min(stay.entered, date(2020, 12, 31))
        stay.left = date(2021, 1, 1) + timedelta(days=draw.below(270))
        stay.reason = "fraflyttet" if why == "moved" else "død"
    return stay
