"""What was agreed: the model of `plans/`.

A plan is one contract as a file: its period, its reporting dates and a tree of rows, each with its clause, its Danish words,
how it is counted and graded, and the readings where the words allow several. Here stand the model and what follows from it
alone; whether measures, options and groups exist is plan_check.py's, what a row evaluates to is results.py's and grading.py's.
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
from .yamlio import Strict, parse_yaml, read_text, validated

# How a measure's quotient becomes a figure in the target's unit: figure = quotient × factor.
UNITS: dict[str, Fraction] = {
    "pct": Fraction(100),
    "days": Fraction(1),
    "weeks": Fraction(1, 7),
    "days_per_year": Fraction(1),
    "count": Fraction(1),
}
UNIT_WORDS = {
    "pct": "pct.",
    "days": "dage",
    "weeks": "uger",
    "days_per_year": "dage pr. år",
    "count": "",
    "points": "point",
}

RowId = Annotated[str, StringConstraints(pattern=r"^[\wæøåÆØÅ.-]+$")]
Comparison = Literal["at_least", "at_most", "under", "over"]


def _one_key(value: Any) -> Any:
    """`pooled` means `{pooled: {}}`: a kind without arguments may be written as a word."""
    return {value: {}} if isinstance(value, str) else value


class Clause(Strict):
    """Where the words stand: line numbers in the contract's text."""

    lines: list[int]
    section: str | None = None


class Target(Strict):
    """What is to be reached, in a unit of UNITS."""

    at_least: Fraction | None = None
    at_most: Fraction | None = None
    under: Fraction | None = None
    over: Fraction | None = None
    unit: str

    @field_validator("at_least", "at_most", "under", "over", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return None if value is None else exact(value)

    @model_validator(mode="after")
    def _one(self) -> Target:
        if sum(x is not None for x in (self.at_least, self.at_most, self.under, self.over)) != 1:
            raise ValueError("give exactly one of at_least, at_most, under, over")
        if self.unit not in UNITS:
            raise ValueError(f"unit '{self.unit}' is not known{nearest(self.unit, UNITS)}")
        return self

    @property
    def comparison(self) -> Comparison:
        return next(c for c in ("at_least", "at_most", "under", "over") if getattr(self, c) is not None)  # type: ignore[return-value]

    @property
    def number(self) -> Fraction:
        found: Fraction = getattr(self, self.comparison)
        return found

    @property
    def higher_is_better(self) -> bool:
        return self.comparison in ("at_least", "over")

    def holds(self, figure: Fraction) -> bool:
        """Whether an exact figure, in the target's unit, reaches the target."""
        return {
            "at_least": figure >= self.number,
            "at_most": figure <= self.number,
            "under": figure < self.number,
            "over": figure > self.number,
        }[self.comparison]


class RollingWindow(Strict):
    """The last `months` calendar months that end with the reporting date; `include_start` takes the day before as well."""

    months: int = Field(gt=0)
    include_start: bool = False


class FixedWindow(Strict):
    """From and to, both inclusive."""

    from_: date = Field(alias="from")
    to: date

    @model_validator(mode="after")
    def _order(self) -> FixedWindow:
        if self.from_ > self.to:
            raise ValueError("from is later than to")
        return self


class Empty(Strict):
    """No arguments."""


class Window(Strict):
    """Which days an observation may lie in. `year_to_date`: from 1 January; `stock`: the state at the end of the reporting date;
    `by_date`: the newest entry whose reporting date has come."""

    year_to_date: Empty | None = None
    stock: Empty | None = None
    rolling: RollingWindow | None = None
    fixed: FixedWindow | None = None
    by_date: dict[date, FixedWindow] | None = None

    @model_validator(mode="after")
    def _one(self) -> Window:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(Window.model_fields)}")
        return self


class Pooled(Strict):
    """Σ numerator / Σ denominator; with `denominator_mean_of` the denominator is its mean over that group's values."""

    denominator_mean_of: str | None = None


class Best(Strict):
    """The `n` best groups for each n given: `of` pooled, each (the n-th best) or the mean of the shares. `ties` decides who is in
    when the n-th and the next have the same share; groups with fewer than `min_size` are left out."""

    n: list[int]
    group: str
    ties: Literal["larger_first", "smaller_first", "include_all", "by_code"]
    of: Literal["pooled", "each", "mean"] = "pooled"
    min_size: int = 0


class ResultKind(Strict):
    """How observations become numbers."""

    pooled: Pooled | None = None
    mean_of: str | None = None
    worst_of: str | None = None
    sum_of: str | None = None
    best: Best | None = None

    @model_validator(mode="after")
    def _one(self) -> ResultKind:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(ResultKind.model_fields)}")
        return self


class Threshold(Strict):
    """Met or not met. `empty: met` when nothing to count is fulfilment (only where the plan's reading says so)."""

    empty: Literal["not_computed", "met"] = "not_computed"


class Steps(Strict):
    """Degree in per cent by the first n of a `best` result that reaches the target; none reached gives 0."""

    degrees: dict[int, Fraction]

    @field_validator("degrees", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return {n: exact(d) for n, d in value.items()} if isinstance(value, dict) else value


class KOfN(Strict):
    """The mean of the rows below it, all of one weight."""


class AllOf(Strict):
    """Met when every row below it is met."""


class Assessed(Strict):
    """Somebody named gives the verdict; until then it is awaited."""

    by: str | None = None


class Grade(Strict):
    """How numbers become a degree."""

    threshold: Threshold | None = None
    steps: Steps | None = None
    k_of_n: KOfN | None = None
    all_of: AllOf | None = None
    assessed: Assessed | None = None

    @model_validator(mode="after")
    def _one(self) -> Grade:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(Grade.model_fields)}")
        return self


class Option(Strict):
    """One way to read the words. `needs` says what is missing before it can be computed."""

    text: str
    set: dict[str, Any] = {}
    needs: str | None = None

    @model_validator(mode="after")
    def _no_both(self) -> Option:
        if self.needs and self.set:
            raise ValueError("an option that needs something is not computed and sets nothing")
        return self


class Reading(Strict):
    """A question the words leave open, the approved answer, the others, and why."""

    id: RowId
    question: str
    approved: str
    why: str
    options: dict[str, Option]
    approved_by: str | None = None
    approved_date: date | None = None

    @model_validator(mode="after")
    def _approved_exists(self) -> Reading:
        if self.approved not in self.options:
            raise ValueError(f"approved is '{self.approved}', which is no option{nearest(self.approved, self.options)}")
        if self.options[self.approved].needs:
            raise ValueError("the approved option needs something that is missing; it cannot be computed")
        return self


class Row(Strict):
    """One row of the fulfilment: a goal, a requirement, or a part that feeds one.

    `weight` is in the plan's own points; a row without one below a goal with one takes an equal share of it. `verdict_dates`
    limits the reporting dates at which the text defines a verdict; at others the figure is information.
    """

    id: RowId
    level: Literal["goal", "requirement", "part"] = "requirement"
    text: str
    clause: Clause
    weight: Fraction | None = None
    measure: str | None = None
    where: dict[str, list[str]] = {}
    window: Window | None = None
    with_: dict[str, Any] = Field({}, alias="with")
    result: ResultKind | None = None
    target: Target | None = None
    grade: Grade
    verdict_dates: list[date] | None = None
    readings: list[Reading] = []
    notes: list[str] = []
    defects: list[str] = []
    questions: list[str] = []
    supplier: str | None = None
    rows: list[Row] = []

    @field_validator("weight", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return None if value is None else exact(value)

    @field_validator("window", "result", "grade", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return _one_key(value)

    @model_validator(mode="after")
    def _consistent(self) -> Row:
        if self.measure and not (self.window and self.result and self.target):
            raise ValueError(f"row {self.id}: a row with a measure needs window, result and target")
        if not self.measure and (self.window or self.result or self.where or self.with_):
            raise ValueError(f"row {self.id}: window, where, with and result belong to a measure, and none is named")
        if not self.measure and (self.grade.threshold or self.grade.steps):
            raise ValueError(f"row {self.id}: this grade needs a figure, and no measure is named")
        if (self.grade.k_of_n is not None or self.grade.all_of is not None) and not self.rows:
            raise ValueError(f"row {self.id}: this grade needs rows below it")
        if self.grade.steps and not (self.result and self.result.best):
            raise ValueError(f"row {self.id}: steps needs a result of the kind best")
        if self.result and self.result.best and self.grade.steps and set(self.result.best.n) != set(self.grade.steps.degrees):
            raise ValueError(f"row {self.id}: the n of best and the steps must be the same numbers")
        return self


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


class Plan(Strict):
    """One contract. `weights` is what the rows' weights must sum to, or null for a plan that has none."""

    plan: Annotated[str, StringConstraints(pattern=r"^[a-zæøå0-9][a-zæøå0-9-]*$")]
    title: str
    agency: str
    contract: Contract
    reporting: Reporting
    weights: Fraction | None
    weight_unit: Literal["pct", "points"] = "pct"
    rows: list[Row]
    defects: list[str] = []
    questions: list[str] = []
    known_gaps: list[str] = []

    @field_validator("weights", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return None if value is None else exact(value)

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
        weights = {p.row.id: p.weight for p in self.placed.values() if p.scores}
        total = sum((w for w in weights.values() if w is not None), Fraction(0))
        if self.weights is None and any(w is not None for w in weights.values()):
            raise ValueError("weights is null, but rows carry weights")
        if self.weights is not None:
            missing = [row for row, weight in weights.items() if weight is None]
            if missing:
                raise ValueError(f"row {missing[0]} has no weight")
            if total != self.weights:
                raise ValueError(f"the rows' weights sum to {shown(total)}, not to {shown(self.weights)}")
        for placed in self.placed.values():
            below = [p for p in self.placed.values() if p.parent == placed.row.id and p.scores]
            if placed.row.level == "goal" and placed.row.weight is not None:
                below_sum = sum((p.weight or Fraction(0) for p in below), Fraction(0))
                if below_sum != placed.row.weight:
                    raise ValueError(
                        f"row {placed.row.id}: the rows below sum to {shown(below_sum)}, not {shown(placed.row.weight)}"
                    )
        outside = [d for d in self.reporting.dates if not self.contract.from_ <= d <= self.contract.to]
        if outside:
            raise ValueError(f"reporting date {outside[0]} lies outside the contract")
        return self

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
    """A row in its tree: `weight` in the plan's points, `scores` when its points enter the total."""

    def __init__(self, row: Row, parent: str | None, weight: Fraction | None, scores: bool) -> None:
        self.row, self.parent, self.weight, self.scores = row, parent, weight, scores


def _walk(rows: list[Row], parent: Row | None, share: Fraction | None) -> Iterator[Placed]:
    for row in rows:
        weight = row.weight if row.weight is not None else share
        # A part feeds the requirement above it, and a goal is the sum of its requirements: neither scores by itself.
        scores = row.level == "requirement"
        yield Placed(row, parent.id if parent else None, weight if row.level != "part" else None, scores)
        below = [r for r in row.rows if r.level != "part"]
        yield from _walk(row.rows, row, weight / len(below) if weight is not None and below else None)


def exact(value: Any) -> Fraction:
    """A number of a YAML file as written: 86.5 is 173/2. Raises ValueError on anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Fraction)):
        raise ValueError(f"'{value}' is not a number")
    try:
        return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"'{value}' is not a number") from None


def shown(number: Fraction) -> str:
    """An exact number for a message: 99.5, or 100/3."""
    return str(number.numerator) if number.denominator == 1 else f"{float(number):g} ({number})"


def read_plan(path: Path) -> Plan:
    """A plan from its file. Raises CallerError naming file, row and field."""
    plan = validated(Plan, parse_yaml(read_text(path), str(path)), str(path))
    if plan.plan != path.stem:
        raise CallerError(f"{path}: the file says plan '{plan.plan}'; file and plan have one name.")
    return plan
