"""The ledger's facts: what has arrived, what became of it, and what was found wrong, in one SQLite file.

Here they are written down and read back: deliveries, set-aside rows, check results, withdrawals, runs, first sightings. What
follows from them is ledger.py's. Readable during a run (WAL); every write is one transaction. Rows themselves are in the Parquet
store; no cell value ever stands here.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ..errors import CallerError, MaalError

TRIES = 50  # to copy a ledger that is being written to

_SCHEMA = """
create table if not exists deliveries (
    delivery_id text primary key, extract text not null, "table" text not null, system text, name text not null,
    sha256 text not null, size integer not null, arrived_at text not null, arrival_source text not null, period text,
    superseding text not null, layout text, contract_hash text not null, state text not null, code text, message text,
    rows_read integer, rows_kept integer, rows_set_aside integer, store_path text, store_sha256 text, synthetic integer not null);
create table if not exists rejects (
    delivery_id text not null, line integer, code text not null, "column" text, message text not null);
create index if not exists rejects_of on rejects (delivery_id);
create table if not exists checks (
    extract text not null, delivery_id text not null, code text not null, severity text not null, success integer not null,
    unexpected_count integer, element_count integer, suite_hash text not null, refs_hash text not null, looks_up text not null,
    primary key (extract, delivery_id, code, refs_hash));
create table if not exists withdrawals (
    delivery_id text not null, reason text not null, withdrawn_at text not null, primary key (delivery_id, withdrawn_at));
create table if not exists runs (
    run_id integer primary key, kind text not null, plan text, as_of text, known_at text, reason text, started_at text not null,
    ended_at text, outcome text);
create table if not exists sightings (sha256 text primary key, first_seen_at text not null);
create table if not exists files (
    path text primary key, size integer not null, mtime_ns integer not null, ctime_ns integer not null,
    inode integer not null, sha256 text not null);
"""


@dataclass(frozen=True)
class Delivery:
    """One file that arrived. Instants are aware, UTC. `store_path` is relative to the home; `period` as `dates.period_bounds`
    reads it. `withdrawn_at` is set when it was withdrawn at or before the moment asked about."""

    delivery_id: str
    extract: str
    table: str
    system: str | None
    name: str
    sha256: str
    size: int
    arrived_at: datetime
    arrival_source: str  # folder | arrivals.csv | sighting
    period: str | None
    superseding: str
    layout: str | None
    contract_hash: str
    state: str  # stored | refused
    code: str | None = None
    message: str | None = None
    rows_read: int | None = None
    rows_kept: int | None = None
    rows_set_aside: int | None = None
    store_path: str | None = None
    store_sha256: str | None = None  # of the Parquet file; null where it was taken before this was written down
    synthetic: bool = False
    withdrawn_at: datetime | None = None


@dataclass(frozen=True)
class Reject:
    """A row set aside, or a fault of a refused file. The message never holds the value."""

    delivery_id: str
    line: int | None
    code: str
    column: str | None
    message: str


@dataclass(frozen=True)
class CheckResult:
    """What one rule found on one delivery. Counts only. `looks_up` are the extracts (blank-separated, sorted) whose rows the rule
    reads besides the delivery's, and `refs_hash` says which of their deliveries counted then; both are empty for most rules."""

    extract: str
    delivery_id: str
    code: str
    severity: str
    success: bool
    unexpected_count: int | None
    element_count: int | None
    suite_hash: str
    refs_hash: str
    looks_up: str = ""


_COLUMNS = [f.name for f in fields(Delivery) if f.name != "withdrawn_at"]
_CHECK = [f.name for f in fields(CheckResult)]


class Facts:
    """The ledger at `path`, made when absent. Raises CallerError when the file is no ledger."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine = threading.local()
        try:
            with self._open() as con:
                con.execute("pragma journal_mode=wal")
                if "looks_up" not in {row["name"] for row in con.execute("pragma table_info(checks)")}:
                    con.execute("drop table if exists checks")  # of an earlier program; the next intake finds the results anew
                con.executescript(_SCHEMA)
                if "store_sha256" not in [row["name"] for row in con.execute("pragma table_info(deliveries)")]:
                    con.execute("alter table deliveries add column store_sha256 text")
        except sqlite3.DatabaseError as error:
            raise CallerError(f"The ledger {path} cannot be used: {error}. Name another home with --home.") from None
        path.chmod(0o600)

    @classmethod
    def copied(cls, source: Path, target: Path) -> Self:
        """A copy at `target`, to try things on; `source`, which may be missing, is only read.

        The files are copied until they did not change meanwhile: to open a ledger that a run was killed over would mend it.
        """
        pairs = [(source.with_name(source.name + log), target.with_name(target.name + log)) for log in ("", "-wal")]
        try:
            for _ in range(TRIES):
                facts = [_facts(old) for old, _ in pairs]
                for old, new in pairs:
                    new.write_bytes(old.read_bytes() if old.exists() else b"")
                if facts == [_facts(old) for old, _ in pairs]:
                    return cls(target)
                time.sleep(0.1)
        except OSError as error:
            raise CallerError(f"The ledger {source} cannot be read: {error.strerror}. Name another home with --home.") from None
        raise MaalError(f"The ledger {source} is being written to all the time. Try again when the run has ended.")

    @contextmanager
    def held(self) -> Iterator[sqlite3.Connection]:
        """Keeps the file open meanwhile for what this thread asks: to open and close it takes longer than most questions."""
        if (con := getattr(self._mine, "con", None)) is not None:
            yield con
            return
        with closing(sqlite3.connect(self.path, timeout=30)) as con:
            con.row_factory = sqlite3.Row
            self._mine.con = con
            try:
                yield con
            finally:
                self._mine.con = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self.held() as con, con:  # one transaction: all of it or nothing
            yield con

    # -- deliveries ---------------------------------------------------------------------------------------------------

    def record(self, delivery: Delivery, rejects: Iterable[Reject] = ()) -> None:
        """Puts a delivery and its set-aside rows in place of what was known of it; its check results no longer hold."""
        values = [plain(getattr(delivery, name)) for name in _COLUMNS]
        with self._open() as con:
            con.execute("delete from deliveries where delivery_id = ?", [delivery.delivery_id])
            con.execute("delete from rejects where delivery_id = ?", [delivery.delivery_id])
            con.execute("delete from checks where delivery_id = ?", [delivery.delivery_id])
            con.execute(f"insert into deliveries ({_names()}) values ({', '.join('?' * len(values))})", values)
            con.executemany(
                "insert into rejects values (?, ?, ?, ?, ?)",
                ((r.delivery_id, r.line, r.code, r.column, r.message) for r in rejects),
            )

    def move_arrival(self, delivery_id: str, arrived_at: datetime, source: str, name: str, period: str | None) -> None:
        """The same bytes were found under an earlier declared arrival, or under another name; rules may look at the arrival, so
        what they found no longer holds."""
        with self._open() as con:
            con.execute("delete from checks where delivery_id = ?", [delivery_id])
            con.execute(
                "update deliveries set arrived_at = ?, arrival_source = ?, name = ?, period = ? where delivery_id = ?",
                [plain(arrived_at), source, name, period, delivery_id],
            )

    def recorded(self, extract: str | None = None, known_at: datetime | None = None) -> list[Delivery]:
        """The deliveries that had arrived at a moment (default: all), as they were taken, in order of arrival and name."""
        moment = plain(known_at)
        with self._open() as con:
            rows = con.execute(
                f"select {_names()} from deliveries where (? is null or extract = ?) and (? is null or arrived_at <= ?)"
                " order by arrived_at, name, delivery_id",
                [extract, extract, moment, moment],
            ).fetchall()
            withdrawn = dict(
                con.execute(
                    "select delivery_id, min(withdrawn_at) from withdrawals where ? is null or withdrawn_at <= ? group by 1",
                    [moment, moment],
                ).fetchall()
            )
        return [_delivery(row, withdrawn.get(row["delivery_id"])) for row in rows]

    def latest_arrival(self) -> datetime | None:
        """The last moment at which knowledge changed: the latest arrival or withdrawal; None for an empty ledger."""
        with self._open() as con:
            row = con.execute(
                "select max(t) from (select arrived_at t from deliveries"
                " union all select min(withdrawn_at) from withdrawals group by delivery_id)"
            ).fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else None

    def rejects(self, delivery_id: str | None = None) -> list[Reject]:
        """Rows set aside, in order of delivery and line."""
        with self._open() as con:
            rows = con.execute(
                'select delivery_id, line, code, "column", message from rejects where ? is null or delivery_id = ?'
                ' order by delivery_id, line, code, "column"',
                [delivery_id, delivery_id],
            ).fetchall()
        return [Reject(*row) for row in rows]

    def reject_counts(self) -> dict[str, dict[tuple[str, str | None], int]]:
        """delivery → (code, column) → how many faults, the most frequent first."""
        counts: dict[str, dict[tuple[str, str | None], int]] = {}
        with self._open() as con:
            for delivery_id, code, column, times in con.execute(
                'select delivery_id, code, "column", count(*) as times from rejects group by 1, 2, 3 order by 1, times desc, 2, 3'
            ):
                counts.setdefault(delivery_id, {})[code, column] = times
        return counts

    # -- checks, withdrawals ------------------------------------------------------------------------------------------

    def record_checks(self, results: Sequence[CheckResult]) -> None:
        """Adds results; those of other rules on the same deliveries no longer hold. What a rule found when it looked up other
        deliveries stays: it was so at that state of knowledge."""
        with self._open() as con:
            for extract, delivery_id, suite in sorted({(r.extract, r.delivery_id, r.suite_hash) for r in results}):
                con.execute(
                    "delete from checks where extract = ? and delivery_id = ? and suite_hash <> ?", [extract, delivery_id, suite]
                )
            con.executemany(
                f"insert or replace into checks ({', '.join(_CHECK)}) values ({', '.join('?' * len(_CHECK))})",
                [tuple(plain(getattr(r, name)) for name in _CHECK) for r in results],
            )

    def recorded_checks(self, extract: str | None = None) -> list[CheckResult]:
        """All results there are, whatever state of knowledge they speak of."""
        with self._open() as con:
            rows = con.execute(
                f"select {', '.join(_CHECK)} from checks where ? is null or extract = ?"
                " order by extract, delivery_id, code, refs_hash",
                [extract, extract],
            ).fetchall()
        return [CheckResult(**{**dict(row), "success": bool(row["success"])}) for row in rows]

    def record_withdrawal(self, delivery_id: str, reason: str, at: datetime) -> None:
        """Notes that a delivery does not count from `at` on; of several moments the first holds."""
        with self._open() as con:
            con.execute("insert or ignore into withdrawals values (?, ?, ?)", [delivery_id, reason, plain(at)])

    def withdrawals(self) -> list[tuple[str, str, datetime]]:
        """(delivery_id, reason, when), in order of time."""
        with self._open() as con:
            rows = con.execute("select * from withdrawals order by withdrawn_at, delivery_id").fetchall()
        return [(row[0], row[1], datetime.fromisoformat(row[2])) for row in rows]

    # -- runs, sightings ----------------------------------------------------------------------------------------------

    def new_run(
        self,
        kind: str,
        started_at: datetime,
        *,
        plan: str | None = None,
        as_of: str | None = None,
        known_at: datetime | None = None,
        reason: str | None = None,
    ) -> int:
        """Notes that a run began; its number."""
        with self._open() as con:
            cursor = con.execute(
                "insert into runs (kind, plan, as_of, known_at, reason, started_at) values (?, ?, ?, ?, ?, ?)",
                [kind, plan, as_of, plain(known_at), reason, plain(started_at)],
            )
            return int(cursor.lastrowid or 0)

    def end_run(self, run_id: int, ended_at: datetime, outcome: str) -> None:
        """Notes how a run ended. A run without an end was killed."""
        with self._open() as con:
            con.execute("update runs set ended_at = ?, outcome = ? where run_id = ?", [plain(ended_at), outcome, run_id])

    def runs(self) -> list[dict[str, Any]]:
        """All runs, oldest first."""
        with self._open() as con:
            return [dict(row) for row in con.execute("select * from runs order by run_id")]

    def first_seen(self, sha256: str, at: datetime) -> datetime:
        """When these bytes were first seen; `at` becomes that moment when they are new."""
        with self._open() as con:
            con.execute("insert or ignore into sightings values (?, ?)", [sha256, plain(at)])
            row = con.execute("select first_seen_at from sightings where sha256 = ?", [sha256]).fetchone()
        return datetime.fromisoformat(row[0])

    def remembered_files(self) -> dict[str, tuple[int, int, int, int, str]]:
        """path → (size, mtime_ns, ctime_ns, inode, sha256): an untouched file need not be read again to be known."""
        with self._open() as con:
            return {row[0]: tuple(row)[1:] for row in con.execute("select * from files")}  # type: ignore[misc]

    def remember_files(self, files: dict[str, tuple[int, int, int, int, str]]) -> None:
        """Adds to what `remembered_files` gives."""
        with self._open() as con:
            con.executemany("insert or replace into files values (?, ?, ?, ?, ?, ?)", [(p, *facts) for p, facts in files.items()])


def _facts(path: Path) -> tuple[int, int] | None:
    """Size and time of the last write; None for a file that is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _names() -> str:
    return ", ".join(f'"{name}"' for name in _COLUMNS)


def plain(value: Any) -> Any:
    """As SQLite keeps it: instants as UTC text of fixed width, so that text order is time order."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return int(value) if isinstance(value, bool) else value


def _delivery(row: sqlite3.Row, withdrawn_at: str | None) -> Delivery:
    values = {name: row[name] for name in _COLUMNS}
    values["arrived_at"] = datetime.fromisoformat(values["arrived_at"])
    values["synthetic"] = bool(values["synthetic"])
    return Delivery(**values, withdrawn_at=datetime.fromisoformat(withdrawn_at) if withdrawn_at else None)
