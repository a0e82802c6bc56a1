"""What is registered rather than counted: acts, numbers and assessments, and how a criterion is judged by them.

Reads the registers' current rows of one plan. Nothing registered is never a miss: until somebody says otherwise the criterion is
open. A row without an approver counts and makes the figure provisional. Source: catalogue 5.0, milestones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from .grading import AWAITED, FULL, MET, NONE, NOT_MET, PARTLY, Graded, open_degree
from .plan_criteria import Counted, Event, Judged
from .printing import danish_day

if TYPE_CHECKING:
    import duckdb

NOT_DONE = "ikke_gennemfoert"
REGISTERS = ("events", "register_counts", "assessments")


@dataclass(frozen=True)
class Act:
    """A registered act."""

    row: str
    act: str
    kind: str
    date: date
    document: str | None
    is_approved: bool


@dataclass(frozen=True)
class Number:
    """A registered number, of a whole where there is one."""

    row: str
    name: str
    date: date
    number: int
    of_number: int | None
    document: str | None
    is_approved: bool


@dataclass(frozen=True)
class Assessment:
    """A verdict, a degree in per cent or points that somebody gave at a reporting date."""

    row: str
    parameter: str | None
    as_of: date
    verdict: str | None
    degree: Decimal | None
    points: int | None
    assessed: date
    role: str
    document: str | None
    has_reason: bool
    is_approved: bool


@dataclass
class Evidence:
    """Everything registered for one plan, oldest first. `used` collects what judged a criterion, for explain."""

    acts: list[Act] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)

    def event(self, row: str, event: Event, as_of: date) -> tuple[Graded, list[Act]]:
        """Whether an act was done in time, and the acts that say so."""
        found = [a for a in self.acts if (a.row, a.act) == (row, event.act) and a.date <= as_of]
        found = [a for a in found if a.kind == NOT_DONE or event.kinds is None or a.kind in event.kinds]
        if not found:
            awaited = "endnu ikke registreret" if as_of < event.by else "ikke registreret"
            return open_degree(AWAITED, f"{awaited}; frist {danish_day(event.by)}"), []
        done = [a for a in found if a.kind != NOT_DONE and (event.after is None or a.date >= event.after)]
        in_time = [a for a in done if a.date <= event.by]
        if in_time:
            return Graded(MET, FULL, FULL, _unapproved(in_time[-1:])), in_time[-1:]
        if done:
            return Graded(NOT_MET, NONE, NONE, f"{danish_day(done[0].date)}, efter fristen {danish_day(event.by)}"), done[:1]
        if any(a.kind == NOT_DONE for a in found):
            return Graded(NOT_MET, NONE, NONE, "registreret som ikke gennemført"), found[-1:]
        return open_degree(AWAITED, f"registreret før {danish_day(event.after or event.by)}; tæller ikke"), found[-1:]

    def count(self, row: str, counted: Counted, as_of: date) -> tuple[Graded, list[Number]]:
        """Whether a number had reached what was asked at its date: the newest entry until then decides, since a count may be
        corrected and a whole may grow. One that reaches it later is late."""
        found = [n for n in self.numbers if (n.row, n.name) == (row, counted.name) and n.date <= as_of]
        if not found:
            return open_degree(AWAITED, f"intet antal registreret; frist {danish_day(counted.by)}"), []
        timely = [n for n in found if n.date <= counted.by]
        newest = (timely or found)[-1]
        if counted.of_all and newest.of_number is None:
            return open_degree(AWAITED, "det samlede antal er ikke registreret"), [newest]
        if timely and counted.at_most is not None and newest.number > counted.at_most:
            return Graded(NOT_MET, NONE, NONE, f"{newest.number} er flere end {counted.at_most}"), [newest]
        if timely and _reached(newest, counted):
            over = counted.flag_over is not None and newest.number > counted.flag_over
            reason = f"{newest.number} er flere end {counted.flag_over}" if over else _unapproved([newest])
            return Graded(MET, FULL, FULL, reason), [newest]
        late = next((n for n in found if n.date > counted.by and _reached(n, counted)), None)
        if late or as_of >= counted.by:
            wanted = newest.of_number if counted.of_all else counted.at_least
            said = f"først {danish_day(late.date)}" if late else f"{newest.number} af {wanted}"
            return Graded(NOT_MET, NONE, NONE, f"{said}; frist {danish_day(counted.by)}"), [late or newest]
        return open_degree(AWAITED, f"{newest.number} indtil nu; frist {danish_day(counted.by)}"), [newest]

    def judged(self, row: str, judged: Judged, as_of: date) -> tuple[Graded, list[Assessment]]:
        """An assessed parameter."""
        return self.assessed(row, judged.parameter, as_of, judged.by)

    def assessed(self, row: str, parameter: str | None, as_of: date, by: str | None) -> tuple[Graded, list[Assessment]]:
        """The newest assessment of a row, or of one of its parameters, that speaks of this reporting date."""
        found = [a for a in self.assessments if (a.row, a.parameter, a.as_of) == (row, parameter, as_of)]
        if not found:
            return open_degree(AWAITED, f"Vurderingen er ikke leveret{f' ({by})' if by else ''}"), []
        newest = found[-1]
        if newest.degree is not None:
            degree = Fraction(newest.degree)
            verdict = newest.verdict or (MET if degree == FULL else NOT_MET if degree == NONE else PARTLY)
            return Graded(verdict, degree, degree, _unapproved(found[-1:])), found[-1:]
        degrees = {MET: (FULL, FULL), NOT_MET: (NONE, NONE)}
        low, high = degrees.get(newest.verdict or "", (NONE, FULL))
        return Graded(newest.verdict, low, high, _unapproved(found[-1:])), found[-1:]


def _reached(number: Number, counted: Counted) -> bool:
    if counted.of_all:
        return number.of_number is not None and number.number >= number.of_number
    return number.number >= (counted.at_least or 0)


def _unapproved(found: list[Act] | list[Number] | list[Assessment]) -> str | None:
    return None if all(f.is_approved for f in found) else "endnu ikke godkendt af en anden; foreløbig"


def read_evidence(con: duckdb.DuckDBPyConnection, plan: str) -> Evidence:
    """The registers' current rows of a plan, from the views `events`, `register_counts` and `assessments`."""
    acts = con.execute(
        "select plan_row, act, kind, event_date, document, approver_key is not null from events "
        "where plan = $plan order by event_date, delivered_at, event_id",
        {"plan": plan},
    ).fetchall()
    numbers = con.execute(
        "select plan_row, name, as_of_date, number, of_number, document, approver_key is not null from register_counts "
        "where plan = $plan order by as_of_date, delivered_at, count_id",
        {"plan": plan},
    ).fetchall()
    assessments = con.execute(
        "select plan_row, parameter, as_of_date, verdict, degree, points, assessed_date, assessor_role, document, has_reason, "
        "approver_key is not null from assessments where plan = $plan order by assessed_date, delivered_at, assessment_id",
        {"plan": plan},
    ).fetchall()
    return Evidence([Act(*r) for r in acts], [Number(*r) for r in numbers], [Assessment(*r) for r in assessments])
