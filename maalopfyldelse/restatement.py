"""What changed from one edition to another, figure by figure, and why.

The causes have a fixed order: deliveries withdrawn, rows superseded, new rows, the plan, the queries and contracts, the code. From
the older edition each is changed in turn while the earlier ones stay changed, and everything is computed again; what a figure
moves by in a step is that cause's part. Figures are taken as editions record them, with nine decimals, so the parts sum to the
difference exactly. How the steps' data are laid side by side is restatement_rows.py's, what is said of a change
restatement_note.py's.

Older code cannot be run, so its part is what the older edition's figures differ by when computed again from its own inputs, and
the same for the newer one. A delivery taken again under a changed contract counts as superseded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from . import manifest, recorded, restatement_note, shelf
from .engine import engine_words
from .errors import CallerError, MaalError
from .evidence import REGISTERS
from .finality import FIGURES
from .fulfilment import fulfilment
from .home import Home
from .manifest import Used
from .plan import Plan
from .printing import decimal, exact_text
from .recorded import Known
from .restatement_rows import Moved, SomeRows, moved_rows
from .scanning import Scanning, measures_of

SUMS = ("numerator", "denominator")
CAUSES = ("withdrawn", "superseded", "new_rows", "plan", "query", "code")
BESIDE = ("rows_set_aside", "readings", "reason")  # shown beside a figure without being one
QUANTITIES = ("value", "numerator", "denominator", "low", "high", "points_low", "points_high")


class Numbers(NamedTuple):
    """A row's figures as an edition records them: those of FIGURES. Null where it has none."""

    verdict: str | None
    value: Fraction | None
    numerator: Fraction | None
    denominator: Fraction | None
    target: Fraction | None
    low: Fraction | None
    high: Fraction | None
    points_low: Fraction | None
    points_high: Fraction | None


NOTHING = Numbers(*[None] * len(FIGURES))
State = Mapping[str, Numbers]


@dataclass(frozen=True)
class Part:
    """One cause's part in a row's change. `by` has the difference of each of QUANTITIES, null where the row had no such number
    before or after the step; `turned` says whether the verdict is another after it; `rows` counts the source rows that were
    withdrawn, superseded or new."""

    cause: str
    by: dict[str, Fraction | None]
    turned: bool
    rows: int | None


@dataclass(frozen=True)
class Change:
    """A row whose figures or words differ, with its parts in the order of CAUSES; these are empty where they cannot be computed. A
    text is null where the plan had no such row."""

    row: str
    old_text: str | None
    new_text: str | None
    unit: str | None
    old: Numbers
    new: Numbers
    parts: tuple[Part, ...]

    def by(self, quantity: str) -> Fraction | None:
        """The difference, null where one of the editions has no such number."""
        return _minus(getattr(self.new, quantity), getattr(self.old, quantity))


@dataclass(frozen=True)
class Restatement:
    """Every change from edition `old` to edition `new`. `moved` counts source rows by table; `joined` says of a cause, where its
    part could not be told from a later one's, with which it is counted; `retaken` names files that were taken again under a changed
    contract; `beside` has for each of BESIDE that differs the rows where it does; `problem` says why there are no parts at all."""

    plan: str
    as_of: date
    old: int
    new: int
    old_made_at: datetime
    was_provisional: bool
    is_provisional: bool
    changes: tuple[Change, ...]
    moved: dict[str, Moved] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    retaken: tuple[str, ...] = ()
    beside: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str | None = None

    def as_records(self) -> list[dict[str, Any]]:
        """One plain record a change, numbers as the editions have them, with the note in Danish."""
        return [
            {
                "row": change.row,
                "old_text": change.old_text,
                "new_text": change.new_text,
                "unit": change.unit,
                "old": _plain(change.old._asdict()),
                "new": _plain(change.new._asdict()),
                "difference": _plain({name: change.by(name) for name in QUANTITIES}),
                "causes": [{"cause": p.cause, "turned": p.turned, "rows": p.rows, **_plain(p.by)} for p in change.parts],
                "note": restatement_note.of_change(change),
            }
            for change in self.changes
        ]

    def as_plain(self) -> dict[str, Any]:
        """The whole as plain JSON values."""
        return {
            "plan": self.plan,
            "as_of": self.as_of.isoformat(),
            "old": self.old,
            "new": self.new,
            "old_made_at": self.old_made_at.isoformat(),
            "old_provisional": self.was_provisional,
            "new_provisional": self.is_provisional,
            "source_rows": {table: moved._asdict() for table, moved in sorted(self.moved.items())},
            "counted_with": self.joined,
            "retaken": list(self.retaken),
            "beside": {name: list(rows) for name, rows in self.beside.items()},
            "problem": self.problem,
            "notes": restatement_note.of_whole(self),
            "changes": self.as_records(),
        }


@dataclass
class Side:
    """One of the two editions: what it recorded, and what that was computed from. `recall` brings the latter back, and raises
    MaalError when it is no longer whole."""

    plan: str
    as_of: date
    number: int
    made_at: datetime
    is_provisional: bool
    code: str
    used: tuple[Used, ...]
    records: list[dict[str, Any]]
    recall: Callable[[], Scanning]

    @classmethod
    def of(cls, home: Home, folder: Path, *, holds_rows: bool) -> Side:
        """An edition that has been published. With `holds_rows` the stored rows are held against their hashes before anything is
        computed from them. Raises MaalError when its own files are not as they were published."""
        said = manifest.read(folder)

        def recall() -> Scanning:
            if lost := recorded.gone_or_altered(home, folder, said, holds_rows=holds_rows):
                raise MaalError(f"Edition {said.edition} cannot be computed again: {' '.join(lost)}")
            return recorded.scanning_of(home, folder, said)

        records = recorded.table(folder, said, "fulfilment")
        used = tuple(said.deliveries)
        return cls(said.plan, said.as_of, said.edition, said.made_at, said.provisional, said.code, used, records, recall)

    @cached_property
    def scanning(self) -> Scanning:
        """What the figures are computed from."""
        return self.recall()

    @cached_property
    def published(self) -> State:
        """The figures as recorded."""
        return {r["row"]: Numbers(**{name: _number(name, r[name]) for name in FIGURES}) for r in self.records}

    def text(self, row: str) -> str | None:
        """The contract's words of a row."""
        return next((r["text"] for r in self.records if r["row"] == row), None)

    @cached_property
    def texts(self) -> dict[str, str]:
        """What decides the figures besides rows and plan: queries, tables and contracts, by name."""
        plan, declared = self.scanning.plan, self.scanning.declared
        names = [f"measure:{name}" for name in measures_of(plan)] + [f"table:{t}" for t in self.scanning.tables]
        names += [f"extract:{e.extract}" for t in self.scanning.tables for e in declared.extracts_of(t)]
        return {name: declared.texts[name] for name in names}


def between(old: Side, new: Side) -> Restatement:
    """What changed from one edition to the other. A part that cannot be computed is told, never guessed; nothing is raised for it."""
    import duckdb

    rows = [*new.published, *(row for row in old.published if row not in new.published)]
    changed = [row for row in rows if (old.published.get(row), old.text(row)) != (new.published.get(row), new.text(row))]
    steps: _Steps | None = None
    problem: str | None = None
    if changed:
        try:
            steps = _Steps(old, new)
            steps.compute()
        except (MaalError, duckdb.Error) as error:
            steps, problem = None, engine_words(error) if isinstance(error, duckdb.Error) else str(error)
    return Restatement(
        new.plan,
        new.as_of,
        old.number,
        new.number,
        old.made_at,
        old.is_provisional,
        new.is_provisional,
        tuple(_change(row, old, new, steps) for row in changed),
        steps.moved if steps else {},
        steps.joined if steps else {},
        steps.retaken if steps else (),
        _beside(old, new, changed),
        problem,
    )


def _beside(old: Side, new: Side, changed: list[str]) -> dict[str, tuple[str, ...]]:
    """What else an edition was made for: the rows in both whose figures stand and beside which something differs."""
    was, now = ({r["row"]: r for r in side.records} for side in (old, new))
    rows = [row for row in now if row in was and row not in changed]
    found = {name: tuple(row for row in rows if was[row][name] != now[row][name]) for name in BESIDE}
    return {name: rows for name, rows in found.items() if rows}


def _change(row: str, old: Side, new: Side, steps: _Steps | None) -> Change:
    unit = next(r["unit"] for side in (new, old) for r in side.records if r["row"] == row)
    before, after = old.published.get(row, NOTHING), new.published.get(row, NOTHING)
    parts = tuple(steps.parts(row)) if steps else ()
    return Change(row, old.text(row), new.text(row), unit, before, after, parts)


class _Steps:
    """The states from the older edition, computed again, to the newer one, and what moved between them."""

    def __init__(self, old: Side, new: Side) -> None:
        self.old, self.new = old, new
        self.moved: dict[str, Moved] = {}
        self.joined: dict[str, str] = {}
        self._pending: list[str] = []
        self.states: list[State] = []
        was = {u.delivery: u.contract_hash for u in old.used}
        self.retaken = tuple(sorted(u.file for u in new.used if was.get(u.delivery, u.contract_hash) != u.contract_hash))

    def compute(self) -> None:
        """Raises MaalError when the older edition cannot be computed again at all."""
        first, last = _state(self.old.scanning), _state(self.new.scanning)
        if self.old.code == self.new.code and first != self.old.published:
            raise MaalError(
                f"Edition {self.old.number} computed again gives other figures than it has, with the same code. 'maal verify' says "
                "what is gone or altered."
            )
        self.states = [first]
        withdrawn = self._without_withdrawn()
        same_plan = self.old.scanning.plan == self.new.scanning.plan
        same_texts = self.old.texts == self.new.texts
        self._step("withdrawn", lambda: first if withdrawn == self.old.used else _state(self._old_with(Known(withdrawn))))
        self._step("superseded", lambda: self._superseded(withdrawn))
        self._step("new_rows", lambda: last if same_plan and same_texts else _state(self._old_with(self._known_then)))
        if same_plan:
            self.states.append(self.states[-1])
        else:
            self._step("plan", lambda: last if same_texts else _state(self._with_new_plan()))
        self._step("query", lambda: last)

    def _step(self, cause: str, state: Callable[[], State]) -> None:
        import duckdb

        try:
            self.states.append(state())
        except (MaalError, duckdb.Error, KeyError):
            # The old texts do not fit the new rows or the new plan: the step is made together with the next that can be.
            self.states.append(self.states[-1])
            self._pending.append(cause)
            return
        self.joined |= dict.fromkeys(self._pending, cause)
        self._pending = []

    def _without_withdrawn(self) -> tuple[Used, ...]:
        gone = {u.delivery: u for u in self.new.used if u.standing == "withdrawn"}
        return tuple(gone[u.delivery] if u.delivery in gone and u.standing != "withdrawn" else u for u in self.old.used)

    @cached_property
    def _known_then(self) -> Known:
        """What the newer edition knew, and of tables that it no longer reads what the older one did."""
        read = set(self.new.scanning.tables)
        return Known((*self.new.used, *(u for u in self.old.used if u.table not in read)))

    def _old_with(self, known: Known) -> Scanning:
        was = self.old.scanning
        return Scanning(was.home, was.declared, known, was.plan, was.as_of, was.known_at)

    def _superseded(self, withdrawn: tuple[Used, ...]) -> State:
        was = self.old.scanning
        some = SomeRows(was.home, was.declared, self._known_then, was.plan, was.as_of, was.known_at, before=Known(withdrawn))
        self.moved = moved_rows(was, some)
        return self.states[-1] if some.is_as_before else _state(some)

    def _with_new_plan(self) -> Scanning:
        was, now = self.old.scanning.declared, self.new.scanning.declared
        tables = now.tables | was.tables
        extracts = {n: e for n, e in now.extracts.items() if e.table not in was.tables} | was.extracts
        declared = replace(was, tables=tables, extracts=extracts, measures=now.measures | was.measures)
        scanning = self.new.scanning
        return Scanning(scanning.home, declared, self._known_then, scanning.plan, scanning.as_of, scanning.known_at)

    def parts(self, row: str) -> list[Part]:
        """The parts of a row's change, in the order of CAUSES."""
        chain = [state.get(row, NOTHING) for state in self.states]
        before, after = self.old.published.get(row, NOTHING), self.new.published.get(row, NOTHING)
        found = []
        for cause, was, now in zip(CAUSES, chain, chain[1:], strict=False):
            by = {name: _minus(getattr(now, name), getattr(was, name)) for name in QUANTITIES}
            found.append(Part(cause, by, now.verdict != was.verdict, self._rows(cause, row)))
        code = {}
        for name in QUANTITIES:
            ends = [
                _minus(getattr(chain[0], name), getattr(before, name)),
                _minus(getattr(after, name), getattr(chain[-1], name)),
            ]
            code[name] = None if None in ends else sum((e for e in ends if e is not None), Fraction(0))
        turned = chain[0].verdict != before.verdict or chain[-1].verdict != after.verdict
        return [*found, Part("code", code, turned, None)]

    def _rows(self, cause: str, row: str) -> int | None:
        if cause not in Moved._fields:
            return None
        tables = _tables_of(self.old.scanning, row) | _tables_of(self.new.scanning, row)
        return sum(int(getattr(moved, cause)) for table, moved in self.moved.items() if table in tables)


def _tables_of(scanning: Scanning, row_id: str) -> set[str]:
    """The tables that a row's figures follow from, those of the rows below it too; of the total every one."""
    if row_id == "total":
        return set(scanning.tables)
    plan: Plan = scanning.plan
    below = {row_id}
    for placed in plan.placed.values():  # in the plan's order: parents come first
        if placed.parent in below:
            below.add(placed.row.id)
    found: set[str] = set()
    for placed in (plan.placed[r] for r in below if r in plan.placed):
        row = placed.row
        found |= {table for _, counting in row.countings for table in scanning.declared.measures[counting.measure].reads}
        if row.grade.assessed or row.grade.scale or any(not c.figure for c in row.criteria):
            found |= set(REGISTERS)
    return found


def _state(scanning: Scanning) -> State:
    """Every row's figures, computed; as an edition would record them."""
    lines = fulfilment(scanning, provisional=False, set_aside={})
    return {
        line.row: Numbers(**{name: _number(name, _recorded(name, getattr(line, name))) for name in FIGURES}) for line in lines
    }


def _recorded(name: str, value: Any) -> Any:
    """As tabular.py writes it: sums exact, other numbers half up to nine decimals."""
    return decimal(value) if isinstance(value, Fraction) and name not in SUMS else value


def _number(name: str, value: Any) -> Any:
    return value if value is None or name == "verdict" else Fraction(value)


def _minus(now: Fraction | None, was: Fraction | None) -> Fraction | None:
    if now is None and was is None:
        return Fraction(0)
    return None if now is None or was is None else now - was


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values: sums as exact texts, numbers to nine decimals."""
    return {n: exact_text(v) if n in SUMS else float(v) if isinstance(v, Fraction) else v for n, v in numbers.items()}


def of_editions(home: Home, plan: str, as_of: date, old: int, new: int) -> Restatement:
    """The same for two editions that have been published. Raises CallerError when there is no such edition, MaalError when the
    files of one are not as they were published."""
    if old == new:
        raise CallerError("Name two different editions, the older one first.")
    sides = [Side.of(home, shelf.find(home, plan, as_of, number), holds_rows=True) for number in (old, new)]
    return between(sides[0], sides[1])
