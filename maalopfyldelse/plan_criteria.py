"""What a row of a plan waits for, and how it may be read otherwise: criteria, options, readings.

The words they are made of are plan_terms.py's; what becomes of a criterion is counting.py's and evidence.py's.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field, field_validator, model_validator

from .errors import nearest
from .plan_terms import ResultKind, RowId, Target, Threshold, Window, Word, one_key
from .yamlio import Strict


class Counting(Strict):
    """How a figure is counted: a measure, its filter, window, settings, result and target."""

    measure: str
    where: dict[str, list[str]] = {}
    window: Window
    with_: dict[str, Any] = Field({}, alias="with")
    result: ResultKind
    target: Target

    @field_validator("window", "result", mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        return one_key(value)


class Event(Strict):
    """An act that is registered under this row: met when its date is not later than `by`. `kinds` limits what kind of act counts
    (sendt, forelagt, udstedt …); `after` is the earliest date that counts."""

    act: Word
    by: date
    after: date | None = None
    kinds: list[Word] | None = None


class Counted(Strict):
    """A number that is registered under this row, at the newest date not later than the reporting date. Met when it has reached
    `at_least` by `by`; over `flag_over` it is met with a remark, over `at_most` it is not met. `of_all` wants the number to equal
    the registered whole."""

    name: Word
    at_least: int | None = None
    at_most: int | None = None
    of_all: bool = False
    flag_over: int | None = None
    by: date

    @model_validator(mode="after")
    def _one(self) -> Counted:
        if (self.at_least is not None) == self.of_all:
            raise ValueError("give at_least or of_all")
        return self


class Judged(Strict):
    """A parameter that somebody assesses."""

    parameter: Word
    by: str | None = None


class Criterion(Strict):
    """One thing a row requires: an act, a number, a figure or a judgement. `scored: false` is recorded and shown only; a
    `condition` that is not met leaves the row `ikke opgjort`, since the requirement then does not apply; with `condition_of` only
    the criteria named there."""

    id: Word
    text: str
    event: Event | None = None
    count: Counted | None = None
    figure: Counting | None = None
    judged: Judged | None = None
    grade: Threshold = Threshold()
    scored: bool = True
    condition: bool = False
    condition_of: list[Word] = []

    @model_validator(mode="after")
    def _one(self) -> Criterion:
        if sum(x is not None for x in (self.event, self.count, self.figure, self.judged)) != 1:
            raise ValueError(f"criterion {self.id}: give exactly one of event, count, figure, judged")
        return self


# --- readings


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
