"""The vocabulary of a plan: number, clause, target, window, result, grade.

Each word of `plans/*.yaml` below a row is modelled here or, where it is a criterion or a reading, in plan_criteria.py, once. The
rows and the plan itself are plan.py's; what a word evaluates to is counting.py's, results.py's and grading.py's.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, field_validator, model_validator

from .errors import nearest
from .yamlio import Strict

# How a measure's quotient becomes a figure in the target's unit: figure = quotient × factor.
UNITS: dict[str, Fraction] = {
    "pct": Fraction(100),
    "days": Fraction(1),
    "weeks": Fraction(1, 7),
    "days_per_year": Fraction(1),
    "count": Fraction(1),
    "points": Fraction(1),
    "ratio": Fraction(1),
    "million_dkk": Fraction(1, 1_000_000),
}
UNIT_WORDS = {
    "pct": "pct.",
    "days": "dage",
    "weeks": "uger",
    "days_per_year": "dage pr. år",
    "count": "",
    "points": "point",
    "ratio": "gange",
    "million_dkk": "mio. kr.",
}

RowId = Annotated[str, StringConstraints(pattern=r"^[\wæøåÆØÅ.-]+$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-zæøå][a-zæøå0-9_]*$")]
Comparison = Literal["at_least", "at_most", "under", "over"]


def one_key(value: Any) -> Any:
    """`pooled` means `{pooled: {}}`: a kind without arguments may be written as a word."""
    return {value: {}} if isinstance(value, str) else value


def exact(value: Any) -> Fraction:
    """A number of a YAML file as written: 86.5 is 173/2. Raises ValueError on anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Fraction)):
        raise ValueError(f"'{value}' is not a number")
    try:
        return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"'{value}' is not a number") from None


# A number as it is written: 86.5 is 173/2, and "10/3" is a third of ten.
Exact = Annotated[
    Fraction,
    BeforeValidator(exact),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d+(/\d+)?$"}]}),
]


class OneOf(Strict):
    """A choice: exactly one of the fields is given."""

    @model_validator(mode="after")
    def _one(self) -> OneOf:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        return self


class Empty(Strict):
    """No arguments."""


class Clause(Strict):
    """Where the words stand: line numbers in the contract's text."""

    lines: list[int]
    section: str | None = None


class Target(Strict):
    """What is to be reached, in a unit of UNITS. `missing` names the number that the contract leaves open (`x`); the figure is
    then shown without a verdict until the number is entered in its place."""

    at_least: Exact | None = None
    at_most: Exact | None = None
    under: Exact | None = None
    over: Exact | None = None
    unit: str
    missing: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Target:
        given = sum(x is not None for x in (self.at_least, self.at_most, self.under, self.over))
        if given + (self.missing is not None) != 1:
            raise ValueError("give exactly one of at_least, at_most, under, over, or missing with the name of the open number")
        if self.unit not in UNITS:
            raise ValueError(f"unit '{self.unit}' is not known{nearest(self.unit, UNITS)}")
        return self

    @property
    def comparison(self) -> Comparison | None:
        names: tuple[Comparison, ...] = ("at_least", "at_most", "under", "over")
        return next((c for c in names if getattr(self, c) is not None), None)

    @property
    def number(self) -> Fraction | None:
        found: Fraction | None = getattr(self, self.comparison) if self.comparison else None
        return found

    @property
    def higher_is_better(self) -> bool:
        return self.comparison in ("at_least", "over", None)

    def holds(self, figure: Fraction) -> bool:
        """Whether an exact figure, in the target's unit, reaches the target."""
        number = self.number
        assert number is not None
        return {
            "at_least": figure >= number,
            "at_most": figure <= number,
            "under": figure < number,
            "over": figure > number,
        }[self.comparison or "at_least"]


# --- windows


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


class Window(OneOf):
    """Which days an observation may lie in. `year_to_date`: from 1 January; `stock`: the state at the end of the reporting date;
    `by_date`: the newest entry whose reporting date has come."""

    year_to_date: Empty | None = None
    stock: Empty | None = None
    rolling: RollingWindow | None = None
    fixed: FixedWindow | None = None
    by_date: dict[date, FixedWindow] | None = None


# --- results


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


class Change(Strict):
    """The pooled figure divided by another: 1.25 is a quarter more. The other one is that of another window (`against`), of
    another filter (`where`; `{}` is all), or the mean of a group's figures (`mean_of`); what is not said is as in the first."""

    against: Window | None = None
    where: dict[str, list[str]] | None = None
    mean_of: str | None = None

    @field_validator("against", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return None if value is None else one_key(value)

    @model_validator(mode="after")
    def _other(self) -> Change:
        if self.against is None and self.where is None and self.mean_of is None:
            raise ValueError("a figure divided by itself is 1; give against, where or mean_of")
        return self


class ResultKind(OneOf):
    """How observations become numbers."""

    pooled: Pooled | None = None
    mean_of: str | None = None
    worst_of: str | None = None
    sum_of: str | None = None
    best: Best | None = None
    change: Change | None = None


# --- grades


class Threshold(Strict):
    """Met or not met. `empty: met` when nothing to count is fulfilment (only where the plan's reading says so)."""

    empty: Literal["not_computed", "met"] = "not_computed"


class Steps(Strict):
    """Degree in per cent by the largest n of a `best` result that reaches the target; none gives 0."""

    degrees: dict[int, Exact]


class Scale(Strict):
    """Degree by how many of the assessed parts are fully met. `intervals` gives a number or [low, high]; inside an interval the
    department names the degree. With `off_scale: any_not_met`, a part that is not met at all falls outside the scale. `entered` is
    what the department's own degree may do: decide `inside` the interval, win over the scale (`free`), or nothing (`binding`)."""

    intervals: dict[int, tuple[Exact, Exact]]
    off_scale: Literal["never", "any_not_met"] = "never"
    entered: Literal["inside", "free", "binding"] = "inside"

    @field_validator("intervals", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        pairs = {n: v if isinstance(v, (list, tuple)) else (v, v) for n, v in value.items()}
        if any(len(p) != 2 for p in pairs.values()):
            raise ValueError("an interval is a number or [low, high]")
        return pairs

    @model_validator(mode="after")
    def _ordered(self) -> Scale:
        ordered = [self.intervals[n] for n in sorted(self.intervals)]
        if sorted(self.intervals) != list(range(len(ordered))):
            raise ValueError("intervals are given for 0, 1, 2, … parts, without a gap")
        for (low, high), following in zip(ordered, [*ordered[1:], (Fraction(101), Fraction(101))], strict=True):
            if not 0 <= low <= high <= 100 or high >= following[0]:
                raise ValueError("intervals overlap or leave 0–100")
        return self


class Assessed(Strict):
    """Somebody named gives the verdict or the degree; until then it is awaited."""

    by: str | None = None


class Proportional(Strict):
    """Degree in per cent as the figure's share of the target, at most 100; for a target `at_least` a number over 0."""


class Undefined(Strict):
    """The contract gives no rule from the figure to a degree; `missing` says which rule."""

    missing: str


class Thirds(Strict):
    """Each part by its verdict, in per cent, the parts weighing the same (S1.d)."""

    fully: Exact = Fraction(100)
    partly: Exact
    not_met: Exact = Fraction(0)


class Grade(OneOf):
    """How figures, acts and assessments become a degree.

    Over a figure: `threshold`, `steps`, `proportional`, `undefined`. Over the row's criteria or the rows below it: `all_of`, `any_of`, `k_of_n`
    (equal weights), `sum` (the points of the rows below), `silence` (all met = full, none = nothing, anything between is open),
    `scale`, `each_by_verdict`. Over nothing but a judgement: `assessed`.
    """

    threshold: Threshold | None = None
    steps: Steps | None = None
    proportional: Proportional | None = None
    undefined: Undefined | None = None
    all_of: Empty | None = None
    any_of: Empty | None = None
    k_of_n: Empty | None = None
    sum: Empty | None = None
    silence: Empty | None = None
    scale: Scale | None = None
    each_by_verdict: Thirds | None = None
    assessed: Assessed | None = None

    @property
    def combines(self) -> bool:
        """Whether it grades over criteria or rows below."""
        return bool(self.model_fields_set & {"all_of", "any_of", "k_of_n", "sum", "silence", "scale", "each_by_verdict"})
