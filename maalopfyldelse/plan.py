"""What was agreed: the model of `plans/`.

A plan is one contract as a file: its period, its reporting dates and a tree of rows, each with its clause, its Danish words, how
it is counted and graded, and the readings where the words allow several. Here stand the rows, the plan, and what follows from
them alone; the words they use are plan_terms.py's; whether measures, options and groups exist is plan_check.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from .errors import CallerError, nearest
from .plan_criteria import Counting, Criterion, Reading
from .plan_terms import Clause, Exact, Grade, ResultKind, RowId, Target, Window, one_key
from .yamlio import Strict, parse_yaml, read_text, validated


class Row(Strict):
    """One row of the fulfilment: a goal, a requirement, or a part that feeds one.

    A row is counted (`measure` with window, result, target), or made of `criteria`, or graded from the rows below it, or assessed.
    `weight` is in the plan's own points; a requirement without one below a goal with one takes an equal share of it.
    `readings_below` are those of every counted row directly below, worded and approved once.
    `verdict_dates` limits the reporting dates at which the text defines a verdict; at others the figure is information.
    """

    id: RowId
    level: Literal["goal", "requirement", "part"] = "requirement"
    text: str
    clause: Clause
    weight: Exact | None = None
    measure: str | None = None
    where: dict[str, list[str]] = {}
    window: Window | None = None
    with_: dict[str, Any] = Field({}, alias="with")
    result: ResultKind | None = None
    target: Target | None = None
    criteria: list[Criterion] = []
    grade: Grade
    verdict_dates: list[date] | None = None
    dimensions: list[str] = []
    readings: list[Reading] = []
    readings_below: list[Reading] = []
    notes: list[str] = []
    defects: list[str] = []
    questions: list[str] = []
    supplier: str | None = None
    rows: list[Row] = []

    @model_validator(mode="before")
    @classmethod
    def _handed_down(cls, value: Any) -> Any:
        """Puts `readings_below` before the readings of each counted row below, except those that the row words itself."""
        given, rows = (value.get("readings_below"), value.get("rows")) if isinstance(value, dict) else (None, None)
        if not isinstance(given, list) or not isinstance(rows, list):
            return value

        def with_them(row: Any) -> Any:
            own = row.get("readings", []) if isinstance(row, dict) and row.get("measure") else None
            if not isinstance(own, list):
                return row
            words = [r.get("id") for r in own if isinstance(r, dict)]
            return row | {"readings": [r for r in given if not isinstance(r, dict) or r.get("id") not in words] + own}

        return value | {"rows": [with_them(row) for row in rows]}

    @field_validator("window", "result", "grade", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return one_key(value)

    @model_validator(mode="after")
    def _consistent(self) -> Row:
        if self.measure and not (self.window and self.result and self.target):
            raise ValueError(f"row {self.id}: a row with a measure needs window, result and target")
        if not self.measure and (self.window or self.result or self.where or self.with_ or self.target):
            raise ValueError(f"row {self.id}: window, where, with, result and target belong to a measure, and none is named")
        if self.measure and self.criteria:
            raise ValueError(f"row {self.id}: give a measure or criteria; a figure among several criteria is a criterion")
        if not self.measure and (self.grade.threshold or self.grade.steps or self.grade.proportional):
            raise ValueError(f"row {self.id}: this grade needs a figure, and no measure is named")
        if self.grade.combines and not (self.rows or self.criteria):
            raise ValueError(f"row {self.id}: this grade needs criteria or rows below it")
        if (self.criteria or self.measure) and self.grade.assessed:
            raise ValueError(f"row {self.id}: an assessed row has neither measure nor criteria that decide it")
        if self.grade.proportional and not (self.target and (self.target.missing or (self.target.at_least or 0) > 0)):
            raise ValueError(f"row {self.id}: proportional needs a target at_least a number over 0")
        if self.grade.steps and not (self.result and self.result.best):
            raise ValueError(f"row {self.id}: steps needs a result of the kind best")
        if self.result and self.result.best and self.grade.steps and set(self.result.best.n) != set(self.grade.steps.degrees):
            raise ValueError(f"row {self.id}: the n of best and the steps must be the same numbers")
        if self.criteria and not any(c.scored and not c.condition for c in self.criteria):
            raise ValueError(f"row {self.id}: no criterion is scored, so nothing decides the row")
        twice = [c.id for c in self.criteria if [x.id for x in self.criteria].count(c.id) > 1]
        if twice:
            raise ValueError(f"row {self.id}: criterion '{twice[0]}' stands twice")
        ids = [c.id for c in self.criteria]
        if lost := [name for c in self.criteria for name in c.condition_of if name not in ids]:
            raise ValueError(f"row {self.id}: condition_of: no criterion '{lost[0]}'{nearest(lost[0], ids)}")
        return self

    @property
    def counting(self) -> Counting | None:
        """How the row's own figure is counted, or None."""
        if self.measure is None:
            return None
        given = {"measure": self.measure, "where": self.where, "with": self.with_}
        return Counting.model_validate(given | {"window": self.window, "result": self.result, "target": self.target})

    @property
    def countings(self) -> list[tuple[str | None, Counting]]:
        """Every figure the row needs: its own under None, its criteria's under their ids."""
        own = self.counting
        return [(None, own)] if own else [(c.id, c.figure) for c in self.criteria if c.figure]


class Contract(Strict):
    """The signed document."""

    from_: date = Field(alias="from")
    to: date
    signed: date | None = None
    document: str
    parties: list[str]


class Reporting(Strict):
    """When the plan reports: its dates, how many days after a date the report is due, and for how many days after it deliveries
    may still arrive before a figure is final."""

    dates: list[date]
    due_days: int
    closing_days: int


class Amendment(Strict):
    """A change to the agreement (tillæg, allonge): from which reporting date it holds, and the rows as they stand from then on.
    A row named here replaces the row of that id; the words before it stay shown beside it."""

    id: RowId
    title: str
    document: str
    holds_from: date
    rows: list[Row]


class Plan(Strict):
    """One contract. `weights` is what the rows' weights must sum to, or null for a plan that has none; `known_gaps` are numbers
    that the text itself skips."""

    plan: Annotated[str, StringConstraints(pattern=r"^[a-zæøå0-9][a-zæøå0-9-]*$")]
    title: str
    agency: str
    contract: Contract
    reporting: Reporting
    weights: Exact | None
    weight_unit: Literal["pct", "points"] = "pct"
    rows: list[Row]
    amendments: list[Amendment] = []
    defects: list[str] = []
    questions: list[str] = []
    notes: list[str] = []
    known_gaps: list[str] = []

    @cached_property
    def placed(self) -> dict[str, Placed]:
        """Every row with its parent and its weight, in the plan's order. Raises ValueError on an id used twice."""
        found: dict[str, Placed] = {}
        for placed in _walk(self.rows, None, None):
            if placed.row.id in found or placed.row.id == "total":
                raise ValueError(f"row id '{placed.row.id}' stands twice")
            found[placed.row.id] = placed
        return found

    @model_validator(mode="after")
    def _sums(self) -> Plan:
        weights = {p.row.id: p.weight for p in self.placed.values() if p.weight is not None}
        total = sum((p.weight for p in self.placed.values() if p.scores and p.weight is not None), Fraction(0))
        if self.weights is None and weights:
            raise ValueError(f"weights is null, but row {min(weights)} carries a weight")
        if self.weights is not None:
            top = [row.id for row in self.rows if row.weight is None]
            if top:
                raise ValueError(f"row {top[0]} has no weight")
            if total != self.weights:
                raise ValueError(f"the rows' weights sum to {shown(total)}, not to {shown(self.weights)}")
        for placed in self.placed.values():
            below = [p.weight for p in self.placed.values() if p.parent == placed.row.id and p.weight is not None]
            if below and placed.weight is not None and sum(below, Fraction(0)) != placed.weight:
                raise ValueError(
                    f"row {placed.row.id}: the rows below sum to {shown(sum(below, Fraction(0)))}, not {shown(placed.weight)}"
                )
        outside = [d for d in self.reporting.dates if not self.contract.from_ <= d <= self.contract.to]
        if outside:
            raise ValueError(f"reporting date {outside[0]} lies outside the contract")
        for amendment in self.amendments:
            unknown = [row.id for row in amendment.rows if row.id not in self.placed]
            if unknown:
                raise ValueError(f"amendment {amendment.id}: no row '{unknown[0]}' to replace{nearest(unknown[0], self.placed)}")
        return self

    def at(self, as_of: date) -> Plan:
        """The plan as it stands at a reporting date: rows replaced by the amendments that hold from then on, oldest first."""
        plan = self
        for amendment in sorted(self.amendments, key=lambda a: (a.holds_from, a.id)):
            if amendment.holds_from <= as_of:
                new = {row.id: row for row in amendment.rows}
                plan = plan.model_copy(update={"rows": [_replaced(row, new) for row in plan.rows], "amendments": []})
        return Plan.model_validate(plan.model_dump(by_alias=True, exclude_unset=True)) if plan is not self else self

    def require_date(self, as_of: date) -> None:
        """Raises CallerError when the plan says nothing about that date."""
        if not self.contract.from_ <= as_of <= self.contract.to:
            dates = ", ".join(d.isoformat() for d in self.reporting.dates)
            raise CallerError(
                f"{as_of} lies outside the contract of {self.plan} ({self.contract.from_} to {self.contract.to}). It reports at {dates}."
            )

    def require_row(self, row: str) -> Placed:
        """The row of that id. Raises CallerError with the nearest one."""
        if row not in self.placed:
            raise CallerError(f"{self.plan} has no row '{row}'{nearest(row, self.placed)}")
        return self.placed[row]


class Placed:
    """A row in its tree: `weight` in the plan's points, `scores` when its points enter the total (once: the lowest rows that carry
    a weight)."""

    def __init__(self, row: Row, parent: str | None, weight: Fraction | None, scores: bool) -> None:
        self.row, self.parent, self.weight, self.scores = row, parent, weight, scores


def _walk(rows: list[Row], parent: Row | None, share: Fraction | None) -> Iterator[Placed]:
    for row in rows:
        weight = row.weight if row.weight is not None else share if row.level != "part" else None
        sharing = [r for r in row.rows if r.level != "part"]
        carried = any(r.weight is not None for r in row.rows) or bool(sharing)
        yield Placed(row, parent.id if parent else None, weight, weight is not None and not carried)
        yield from _walk(row.rows, row, weight / len(sharing) if weight is not None and sharing else None)


def _replaced(row: Row, new: dict[str, Row]) -> Row:
    found = new.get(row.id, row)
    return found.model_copy(update={"rows": [_replaced(r, new) for r in found.rows]}) if found.rows else found


def shown(number: Fraction) -> str:
    """An exact number for a message: 99.5, or 100/3."""
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g} ({number})"


def read_plan(path: Path, text: str | None = None) -> Plan:
    """A plan from its file, or from what the file said when it was loaded. Raises CallerError naming file, row and field."""
    plan = validated(Plan, parse_yaml(read_text(path) if text is None else text, str(path)), str(path))
    if plan.plan != path.stem:
        raise CallerError(f"{path}: the file says plan '{plan.plan}'; file and plan have one name.")
    return plan
