"""Everything the department reads of one edition, as plain Danish values: the one source of the page, the workbook and the table.

Here is only its shape. Every text is clean (no control or direction characters), every number has its print and, where it is one
number that may be shown, its exact value. What may not leave the house is not in it. How it is made is build.py's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction


@dataclass(frozen=True)
class Amount:
    """A number in print (`86,0 pct.`, `7,6–10,0`) and its exact value; null where it is open, an interval or not shown."""

    text: str
    exact: Fraction | None = None

    def __bool__(self) -> bool:
        return bool(self.text)


NOTHING = Amount("")


@dataclass(frozen=True)
class Verdict:
    """A verdict: its word, a sign that reads without colour, and a key: met, partly, not, awaited, open, off, none."""

    word: str
    sign: str
    key: str


@dataclass(frozen=True)
class Point:
    """How a row stood at one day of the trend: its figure where it has one, its degree in per cent, and its verdict."""

    day: date
    label: str
    value: Amount
    low: Fraction | None
    high: Fraction | None
    verdict: Verdict


@dataclass(frozen=True)
class Excluded:
    """Observations left out of a figure for one reason."""

    reason: str
    observations: Amount


@dataclass(frozen=True)
class Part:
    """One group of a figure (a jobcentre, a month, a channel): its sums and its own value. `is_chosen` marks the best n."""

    name: str
    numerator: Amount
    denominator: Amount
    value: Amount
    is_chosen: bool = False


@dataclass(frozen=True)
class Step:
    """The observations up to `upper` (in print units, inclusive) and above the step before; null = above the last."""

    upper: Fraction | None
    observations: Amount
    hits: Amount


@dataclass(frozen=True)
class Spread:
    """How the observations behind a figure lie. `curve`: the share of all reached up to each step; `bars`: the observations of each."""

    shape: str
    axis: str  # ventetid
    unit: str  # sekunder
    reached: str  # besvaret
    mark: Fraction | None
    steps: tuple[Step, ...]
    without: Amount
    without_words: str
    total: Fraction


@dataclass(frozen=True)
class Figure:
    """One figure and how it was counted. `criterion` names the part of the row it belongs to; null is the row's own."""

    criterion: str | None
    measure: str
    query: str
    value: Amount
    unit: str
    target: str
    target_exact: Fraction | None
    comparison: str | None
    numerator: Amount
    numerator_words: str
    denominator: Amount
    denominator_words: str
    window: str
    formula: str
    filters: tuple[str, ...]
    settings: tuple[str, ...]
    sources: tuple[str, ...]
    observations: Amount
    counted: Amount
    unknown: Amount
    outside: Amount
    excluded: tuple[Excluded, ...]
    source_rows: Amount
    persons: bool
    parts: tuple[Part, ...] = ()
    parts_by: str = ""
    best: tuple[tuple[int, Amount, str], ...] = ()  # n, the figure of the n best, the degree it gives
    spread: Spread | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Criterion:
    """One thing a row requires, and how it stands."""

    id: str
    text: str
    role: str
    wanted: str
    verdict: Verdict
    found: str
    remark: str


@dataclass(frozen=True)
class Option:
    """One way to read the words, and what the row comes to under it."""

    id: str
    text: str
    approved: bool
    value: Amount
    basis: str
    verdict: Verdict
    remark: str
    turns: bool  # another verdict than the approved reading's


@dataclass(frozen=True)
class Reading:
    """A question the words leave open."""

    id: str
    question: str
    why: str
    approved_by: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Missing:
    """What is missing, and who can supply it."""

    row: str
    what: str
    who: str


@dataclass(frozen=True)
class Row:
    """One line of the plan."""

    id: str
    parent: str | None
    level: str  # Mål, Krav, Del
    depth: int
    text: str
    clause: str
    dimensions: tuple[str, ...]
    weight: Amount
    scores: bool
    verdict: Verdict
    value: Amount
    unit: str
    target: str
    target_exact: Fraction | None
    comparison: str | None
    degree: Amount
    points: Amount
    points_low: Fraction | None
    points_high: Fraction | None
    grade: str
    reason: str  # why, with what each criterion says
    remark: str  # why, without what the criteria say themselves
    status: str
    reading: tuple[str, ...]
    rows_set_aside: Amount
    verdict_dates: str
    trend: tuple[Point, ...]
    figures: tuple[Figure, ...]
    criteria: tuple[Criterion, ...]
    readings: tuple[Reading, ...]
    missing: tuple[Missing, ...]
    supplier: str
    notes: tuple[str, ...]
    defects: tuple[str, ...]
    questions: tuple[str, ...]

    @property
    def is_met(self) -> bool:
        return self.verdict.key == "met"

    @property
    def turning(self) -> list[str]:
        """The alternatives that would give another verdict."""
        return [option.id for reading in self.readings for option in reading.options if option.turns]


@dataclass(frozen=True)
class Total:
    """The fulfilment of a plan with weights, in its points."""

    text: str
    low: Fraction
    high: Fraction
    of: Fraction
    unit: str
    remark: str
    trend: tuple[Point, ...]


@dataclass(frozen=True)
class Tally:
    """How many rows have each verdict; `name` is empty for all rows, else the dimension."""

    name: str
    counts: tuple[tuple[Verdict, int], ...]


@dataclass(frozen=True)
class Change:
    """What one row said in the edition before, and says now."""

    row: str
    text: str
    what: str
    old: str
    new: str
    difference: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What has changed since the edition before; `since` is empty when there is none."""

    since: str
    entries: tuple[Change, ...] = ()
    note: tuple[str, ...] = ()


@dataclass(frozen=True)
class AmendedRow:
    """A row as it stood before an amendment and as it stands from then on."""

    row: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Amendment:
    """A change to the agreement."""

    id: str
    title: str
    document: str
    holds_from: str
    in_force: bool
    rows: tuple[AmendedRow, ...]


@dataclass(frozen=True)
class Remark:
    """A defect of the text, or an open question; `row` is empty for the plan itself."""

    row: str
    text: str


@dataclass(frozen=True)
class Item:
    """Something registered as evidence: an act, a number or an assessment. Nothing personal."""

    row: str
    kind: str
    what: str
    outcome: str
    day: date
    document: str
    role: str
    approved: bool


@dataclass(frozen=True)
class Delivery:
    """A file that arrived; `arrived` is Danish wall time."""

    file: str
    system: str
    extract: str
    arrived: datetime
    period: str
    rows_read: Amount
    rows_kept: Amount
    rows_set_aside: Amount
    counts: bool
    sha256: str


@dataclass(frozen=True)
class SetAside:
    """Rows of one file that were set aside for one reason."""

    file: str
    reason: str
    rows: Amount


@dataclass(frozen=True)
class Account:
    """The rows of one table: read = kept + set aside; kept = current + superseded + withdrawn + held back."""

    table: str
    read: Amount
    kept: Amount
    set_aside: Amount
    current: Amount
    superseded: Amount
    withdrawn: Amount
    held_back: Amount


@dataclass(frozen=True)
class Term:
    """A word and what it means here."""

    word: str
    meaning: str


@dataclass(frozen=True)
class View:
    """One edition for the department. `rows` are all lines of the plan in its order, the total apart."""

    plan: str
    title: str
    agency: str
    parties: tuple[str, ...]
    document: str
    contract: str
    as_of: date
    as_of_text: str
    edition: int
    provisional: bool
    status: str  # foreløbig, endelig
    status_why: str
    known_at: str
    made_at: str
    made_on: date
    reason: str
    synthetic: bool
    total: Total | None
    tallies: tuple[Tally, ...]
    rows: tuple[Row, ...]
    missing: tuple[Missing, ...]
    changes: Changes
    amendments: tuple[Amendment, ...]
    defects: tuple[Remark, ...]
    questions: tuple[Remark, ...]
    notes: tuple[str, ...]
    evidence: tuple[Item, ...]
    deliveries: tuple[Delivery, ...]
    set_aside: tuple[SetAside, ...]
    accounts: tuple[Account, ...]
    definitions: tuple[Term, ...]
    code: str = ""
    due: str = ""

    def row(self, row_id: str) -> Row:
        """The row of that id."""
        return next(row for row in self.rows if row.id == row_id)
