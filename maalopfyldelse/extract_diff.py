"""`maal diff-extract`: how a new file differs from its contract and from what is stored, before anything is loaded.

The file goes through intake itself, with a copy of the ledger, in a folder that is gone afterwards; so what is said here is what
intake will say. Where intake refuses the file, what can be read of it is held against the contract all the same, so that the sender
learns everything at once. Nothing is written to the home, nothing shown that stands in a cell. Printing is pipelines/'s.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

from .contract import Extract, Layout, Table
from .dates import danish_date
from .declared import Declared
from .engine import connect
from .errors import CallerError, nearest
from .home import Home, existing
from .intake import rowrules
from .intake.deliveries import MARKER, Found, Scan, facts_of, fits, hash_file, layouts_of, period_of
from .intake.faults import Fault, Refused
from .intake.keys import hash_key, set_key
from .intake.ledger import Ledger
from .intake.shown import is_personal, shown_name
from .intake.take import contract_hash, take_extract
from .stored_diff import AgainstStored, KeyOverlap, StoredSide, Superseded

if TYPE_CHECKING:
    import duckdb

    from .intake.load import Loaded, Place
    from .intake.match import Attempt

FIRST_LINES = 5
ALIKE = 0.5  # from here on two names are taken for one that was changed
# Refusals behind which the rows can still be read.
_READABLE = frozenset(
    {
        "LAYOUT_OUT_OF_FORCE", "MISSING_COLUMN", "NO_PERIOD", "TOO_FEW_ROWS", "TOO_MANY_SET_ASIDE", "UNKNOWN_CODE", "UNMAPPED_COLUMN",
    }
)  # fmt: skip


@dataclass(frozen=True)
class LayoutDiff:
    """The file's columns against one layout. `renamed`: missing column → the file's column that is named most like it.
    `unnamed`: further columns whose headings are not shown, because data may stand there."""

    layout: str
    fits: bool
    code: str | None = None
    message: str | None = None
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    unnamed: int = 0


@dataclass(frozen=True)
class FaultCount:
    """A kind of fault in one of the file's columns: how many rows have it, and the first lines."""

    code: str
    column: str | None
    rows: int
    first_lines: list[int]
    message: str


@dataclass(frozen=True)
class ExtractDiff:
    """What intake would say of a file that arrived after everything known.

    `state` is `stored` or `refused`, with code and message. `layouts`: the one that fits, or those that were tried, the closest
    first. Rows are null where they could not be read. `supersedes` is what would no longer count once the file is taken in, null
    where that cannot be said; `keys_gone` the keys of it that the file does not have. `known` says how the same bytes stand in
    the ledger already.
    """

    extract: str
    file: str
    sha256: str
    size: int
    period: str | None
    state: str
    code: str | None
    message: str | None
    known: str | None
    layouts: list[LayoutDiff]
    rows_read: int | None
    rows_kept: int | None
    rows_set_aside: int | None
    faults: list[FaultCount]
    keys: KeyOverlap | None
    superseding: str
    supersedes: list[Superseded] | None
    keys_gone: int | None
    problems: list[str]
    notes: list[str]

    @property
    def fits(self) -> bool:
        """Whether the file would be stored whole and nothing is wrong with it."""
        is_whole = self.state == "stored" and not self.rows_set_aside and not self.problems
        return is_whole and (self.keys is None or self.keys.twice == 0)


def diff_extract(declared: Declared, extract_id: str, path: Path, home: Path, now: datetime) -> ExtractDiff:
    """Holds a file against its contract and what `home` knows. `now` is when it would arrive, if nothing known is later.

    Raises CallerError for an unknown extract, a file that cannot be read or a home that is none.
    """
    if extract_id not in declared.extracts:
        raise CallerError(f"No extract is called '{extract_id}'{nearest(extract_id, declared.extracts)}")
    _require_file(path)
    stored = existing(home)
    with tempfile.TemporaryDirectory(prefix="maal-diff-") as folder:
        there = Home(Path(folder) / "home")
        ledger = Ledger.copied(stored / "ledger.sqlite", there.ledger) if stored else Ledger(there.ledger)
        found = _found(declared.extracts[extract_id], path, ledger, now)
        with connect(there) as con:
            return _Comparison(declared, found, ledger, there, stored, con).made()


@dataclass
class _Comparison:
    """One file, the copied ledger, the temporary home `there` and the real one, if there is one."""

    declared: Declared
    found: Found
    ledger: Ledger
    there: Home
    stored: Path | None
    con: duckdb.DuckDBPyConnection
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.extract: Extract = self.declared.extracts[self.found.extract]
        self.table: Table = self.declared.tables[self.extract.table]
        marked = any((folder / MARKER).exists() for folder in list(self.found.path.parents)[:3])
        given = os.environ.get("MAAL_KEY") or os.environ.get("MAAL_KEY_FILE")
        self.synthetic = marked or not given  # without a key the file can still be held against its contract

    def made(self) -> ExtractDiff:
        found, extract = self.found, self.extract
        self._hold_name()
        known = self._known()
        trial = Ledger(self.there.path / "trial.sqlite")
        scan = Scan(found.path.parent, [found], synthetic=self.synthetic)
        take_extract(self.there, self.declared, extract.extract, scan, trial)
        (taken,) = trial.deliveries()
        faults = [Fault(r.line, r.code, r.column, r.message) for r in trial.rejects()]
        layouts = [LayoutDiff(taken.layout or "", True)]
        rows, lacking, counts = taken, set[str](), None
        parquet = self.there.path / taken.store_path if taken.store_path else None
        if taken.state == "refused":
            attempts = self._attempts()
            layouts = [_layout_diff(attempt) for attempt in attempts]
            faults = [f for f in faults if not f.code.endswith("_COLUMN") and f.line is not None]
            if taken.code in _READABLE and attempts and (read := self._read(attempts[0])):
                loaded, lacking, parquet = read
                faults, counts = loaded.faults, loaded.counts
                told = {"rows_read": loaded.rows_read, "rows_kept": loaded.rows_kept, "rows_set_aside": loaded.rows_set_aside}
                rows = replace(taken, **told)  # type: ignore[arg-type]
        against = AgainstStored()
        if parquet:
            stored = StoredSide(self.declared, self.extract, self.ledger, self.there, self.stored, self.con)
            against = stored.compare(rows, parquet, lacking, synthetic=self.synthetic)
        return ExtractDiff(
            extract.extract, found.name, found.sha256, found.size, found.period, taken.state, taken.code, taken.message,
            known, layouts, rows.rows_read, rows.rows_kept, rows.rows_set_aside, _counted(faults, counts),
            against.keys, extract.superseding, against.supersedes, against.keys_gone, self.problems, self.notes + against.notes,
        )  # fmt: skip

    def _hold_name(self) -> None:
        extract, name = self.extract, self.found.name
        if is_personal(self.found.path.name):
            self.problems.append(
                "the name holds what looks like a personal number (CPR) or an e-mail address, so the file would be refused: rename it"
            )
        patterns = [p for layout in extract.layouts for p in layout.files or extract.files]
        if not fits(name, extract.files) or not layouts_of(extract, name):
            fitting = " or ".join(dict.fromkeys(patterns))
            self.problems.append(
                f"the name fits no pattern of the contract, so the file would not be found: name it as {fitting}"
            )
        others = [
            e for e in self.declared.extracts.values() if e.system == extract.system and fits(name, e.files) and e != extract
        ]
        if others:
            self.problems.append(f"the name also fits {', '.join(sorted(e.extract for e in others))}; narrow the files: patterns")

    def _attempts(self) -> list[Attempt]:
        """Every layout tried, the closest first."""
        from .intake.match import attempted, closest

        left = list(attempted(self.con, self.there, self.extract, self.found))
        ordered = []
        while left:
            ordered.append(closest(left))
            left.remove(ordered[-1])
        return ordered

    def _read(self, attempt: Attempt) -> tuple[Loaded, set[str], Path] | None:
        """The rows of a refused file, as far as its columns go, with the table's columns that this leaves out; None where they
        cannot be read. Unknown words only set their rows aside here."""
        from .intake.load import Loader

        if attempt.file is None or (attempt.refused and any(f.code == "DUPLICATE_COLUMN" for f in attempt.refused.faults)):
            return None
        layout = _without(attempt.layout, set(_columns(attempt.refused, "MISSING_COLUMN")))
        if not layout.columns:
            return None
        lacking = set(attempt.layout.columns) - set(layout.columns)
        asked = [r for r in self.extract.set_aside if not any(rowrules.mentions(r, name) for name in lacking)]
        assert self.found.arrived_at is not None
        rules = rowrules.RowRules(tuple(asked), self.table, danish_date(self.found.arrived_at))
        rowrules.prepare(self.con, self.declared.plan_paths, self.extract)
        if any(source.hash_of for source in layout.columns.values()):
            set_key(self.con, hash_key(self.there, synthetic=self.synthetic))
        target = self.there.tmp / "readable.parquet"
        loader = Loader(self.con, self.there, attempt.file, layout, rules, self.found.delivery_id, target, set())
        try:
            return loader.load(lambda *_: True), lacking, target
        except Refused as refused:
            self.notes.append(f"The rows cannot be read: {refused}")
            return None

    def _known(self) -> str | None:
        before = self.ledger.delivery(self.found.delivery_id)
        if before is None:
            return None
        contract = contract_hash(self.extract, self.table, self.declared.plan_paths)
        then = (
            "nothing would be read"
            if before.contract_hash == contract
            else "it would be read again, for its contract has changed"
        )
        state = before.state if before.withdrawn_at is None else "withdrawn"
        return f"{before.delivery_id} ({before.name}), arrived {before.arrived_at.isoformat()}, {state}; {then}"


def _require_file(path: Path) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise CallerError(f"{path} is no file. Name one file as it would be delivered.")
        with path.open("rb"):
            pass
    except OSError as error:
        raise CallerError(f"{path}: cannot be read ({error.strerror}).") from None


def _found(extract: Extract, path: Path, ledger: Ledger, now: datetime) -> Found:
    """The file as a delivery that arrives after everything known; the same bytes keep the arrival they have."""
    path = path.resolve()
    name = unicodedata.normalize("NFC", path.name)
    layouts = layouts_of(extract, name) if fits(name, extract.files) else ()
    last, facts = ledger.latest_arrival(), facts_of(path.stat())
    arrival = now if last is None else max(now, last + timedelta(seconds=1))
    found = Found(
        path=path,
        name=shown_name(name),
        sha256=hash_file(path),
        size=facts[0],
        system=extract.system,
        extract=extract.extract,
        layouts=layouts or tuple(layout.id for layout in extract.layouts),
        arrived_at=arrival,
        arrival_source="sighting",
        period=period_of(extract.period, name),
        facts=facts,
    )
    before = ledger.delivery(found.delivery_id)
    return found if before is None else replace(found, arrived_at=before.arrived_at)


def _without(layout: Layout, missing: set[str]) -> Layout:
    """The layout without the sources that need a missing column, nor those that need what these read."""
    kept = {
        name: source.model_copy(update={"on_unknown": "set_aside"})
        for name, source in layout.columns.items()
        if not missing & {*source.columns, *(source.order or {}).values()}
    }
    while True:
        read = {source.from_ for source in kept.values()}
        needs = {name: [s.instant_column, (s.order or {}).get("after")] for name, s in kept.items()}
        orphans = [name for name, columns in needs.items() if any(c and c not in read for c in columns)]
        if not orphans:
            return layout.model_copy(update={"columns": kept})
        for name in orphans:
            del kept[name]


def _layout_diff(attempt: Attempt) -> LayoutDiff:
    refused = attempt.refused
    if refused is None:
        return LayoutDiff(attempt.layout.id, True)
    missing, unmapped = _columns(refused, "MISSING_COLUMN"), _columns(refused, "UNMAPPED_COLUMN")
    unnamed = sum(f.code == "UNMAPPED_COLUMN" and f.column is None for f in refused.faults)
    return LayoutDiff(attempt.layout.id, False, refused.code, str(refused), missing, unmapped, _alike(missing, unmapped), unnamed)


def _columns(refused: Refused | None, code: str) -> list[str]:
    return [f.column for f in refused.faults if f.code == code and f.column] if refused else []


def _alike(missing: list[str], unmapped: list[str]) -> dict[str, str]:
    """Which unmapped column each missing one may have become: the most alike names first, each used once."""
    ratios = [(_likeness(old.casefold(), new.casefold()), old, new) for old in missing for new in unmapped]
    pairs: dict[str, str] = {}
    for ratio, old, new in sorted(ratios, key=lambda r: (-r[0], r[1], r[2])):
        if ratio >= ALIKE and old not in pairs and new not in pairs.values():
            pairs[old] = new
    return {name: pairs[name] for name in missing if name in pairs}


def _likeness(one: str, other: str) -> float:
    """Of two names, 0 to 1: by their letters, or by their words in any order."""
    words, others = (set(re.split(r"[\W_]+", name)) - {""} for name in (one, other))
    shared = len(words & others) / max(len(words), len(others), 1)
    return max(SequenceMatcher(None, one, other).ratio(), shared)


def _counted(faults: Iterable[Fault], counts: Counter[Place] | None) -> list[FaultCount]:
    """Faults by code and column, the most frequent first. `counts` where not all of them were noted."""
    noted: dict[Place, list[Fault]] = {}
    for fault in faults:
        noted.setdefault((fault.code, fault.column), []).append(fault)
    found = []
    told = {code for code, column in noted if column is not None}
    for place in [*noted, *(p for p in counts or () if p not in noted and not (p[1] is None and p[0] in told))]:
        listed = noted.get(place, [])
        lines = {f.line for f in listed if f.line}
        rows = max(counts[place] if counts else 0, len(lines) or len(listed))
        message = listed[0].message if listed else "only behind the first faults that were noted"
        found.append(FaultCount(*place, rows, sorted(lines)[:FIRST_LINES], message))
    return sorted(found, key=lambda f: (-f.rows, f.code, f.column or ""))
