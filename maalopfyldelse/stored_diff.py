"""What taking in a file would do to what is stored: whose keys it has, which rows it changes, what would no longer count.

The second half of `maal diff-extract`. It works on a copy of the ledger in a temporary home, to which the file is added as intake would
add it; so what is superseded is what current.py says, before and after. Holding a file against its contract is extract_diff.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import Extract, Table
from .declared import Declared
from .errors import MaalError
from .home import Home
from .intake.csvfile import quoted
from .intake.current import create_current
from .intake.ledger import Delivery, Ledger

if TYPE_CHECKING:
    import duckdb

TRIED = "store/tried.parquet"


@dataclass(frozen=True)
class KeyOverlap:
    """The file's keys against the table's current rows: in_file = new + known, known = identical + changed. Counts of keys, but
    `changed_columns`: in how many of the changed rows a column differs. `twice`: keys that stand more than once in the file."""

    key: list[str]
    in_file: int
    twice: int
    new: int
    known: int
    identical: int
    changed: int
    changed_columns: dict[str, int]
    not_compared: list[str]


@dataclass(frozen=True)
class Superseded:
    """A delivery whose rows would no longer count, all or some of them."""

    delivery_id: str
    name: str
    period: str | None
    rows: int


@dataclass(frozen=True)
class AgainstStored:
    """`supersedes` is null where it cannot be said; `keys_gone` counts the keys of the superseded rows that the file does not have."""

    keys: KeyOverlap | None = None
    supersedes: list[Superseded] | None = None
    keys_gone: int | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class StoredSide:
    """The temporary home `there` with its copied ledger, and the real home, if there is one."""

    declared: Declared
    extract: Extract
    ledger: Ledger
    there: Home
    stored: Path | None
    con: duckdb.DuckDBPyConnection
    notes: list[str] = field(default_factory=list)

    @property
    def table(self) -> Table:
        return self.declared.tables[self.extract.table]

    def compare(self, taken: Delivery, parquet: Path, lacking: set[str], *, synthetic: bool) -> AgainstStored:
        """The typed rows of `taken` against the current rows. `lacking`: columns that could not be read; `synthetic`: the sample's key
        was used for keyed hashes."""
        parquet.replace(self.there.path / TRIED)
        try:
            self._link_store()
            before = self._per_delivery()
            keys = self._overlap(lacking | self._other_hashes(synthetic))
            if (self.extract.superseding == "period" and taken.period is None) or (
                self.extract.superseding == "key" and not keys
            ):
                return AgainstStored(keys, None, None, self.notes)
            if keys:
                key = _listed(self.table.key)
                self.con.execute(f'create or replace temp table before_it as select {key}, delivery_id from "{self.table.table}"')
            self.ledger.record(replace(taken, state="stored", code=None, message=None, store_path=TRIED))
            after = self._per_delivery()
        except MaalError as error:
            return AgainstStored(notes=[*self.notes, f"Not held against what is stored: {error}"])
        lost = {d: before[d] - after.get(d, 0) for d in before if d != taken.delivery_id and before[d] > after.get(d, 0)}
        known = {d.delivery_id: d for d in self.ledger.deliveries()}
        supersedes = [Superseded(d, known[d].name, known[d].period, n) for d, n in lost.items()]
        supersedes.sort(key=lambda s: (s.name, s.delivery_id))
        gone = 0 if self.extract.superseding == "key" else self._gone([*lost]) if keys else None
        return AgainstStored(keys, supersedes, gone, self.notes)

    def _link_store(self) -> None:
        for delivery in self.ledger.deliveries():
            if delivery.store_path and delivery.table == self.table.table and self.stored:
                link, target = self.there.path / delivery.store_path, self.stored / delivery.store_path
                link.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    raise MaalError(
                        f"the home lacks {delivery.store_path}. Run 'maal run' with the file of {delivery.name} among the deliveries."
                    )
                if not link.exists():
                    link.symlink_to(target)

    def _per_delivery(self) -> dict[str, int]:
        """The current rows of each delivery; makes the view of the table."""
        create_current(self.con, self.there, self.declared, self.ledger, [self.table.table], None)
        return dict(self._query(f'select delivery_id, count(*) from "{self.table.table}" group by 1'))

    def _other_hashes(self, synthetic: bool) -> set[str]:
        """The keyed hashes that were made with another key than the stored ones."""
        extracts = self.declared.extracts_of(self.table.table)
        hashed = {c for e in extracts for layout in e.layouts for c, source in layout.columns.items() if source.hash_of}
        stored = {d.synthetic for e in extracts for d in self.ledger.counting(e.extract)}
        if not hashed or stored <= {synthetic}:
            return set()
        self.notes.append("Keyed hashes were not compared: give the key that the stored ones were made with (MAAL_KEY_FILE).")
        return hashed

    def _overlap(self, left_out: set[str]) -> KeyOverlap | None:
        if left := [name for name in self.table.key if name in left_out]:
            self.notes.append(f"Keys were not compared: {', '.join(left)} could not be read or compared.")
            return None
        key, columns = _listed(self.table.key), [name for name in self.table.columns if name not in left_out]
        chosen, file = _listed(columns), quoted(str(self.there.path / TRIED))
        self.con.execute(f"create or replace temp table file_rows as select {chosen} from read_parquet({file})")
        stored = f'select {chosen} from "{self.table.table}"'
        in_file, twice = self._query(
            f"select count(*), count(*) filter (where n > 1) from (select count(*) as n from file_rows group by {key})"
        )[0]
        known = self._count(f"select {key} from file_rows intersect select {key} from ({stored})")
        other = f"(select {chosen} from file_rows except {stored})"
        changed = self._count(f"select {key} from {other} intersect select {key} from ({stored})")
        differing = self._differing([c for c in columns if c not in self.table.key], key, stored) if changed else {}
        not_compared = [name for name in self.table.columns if name in left_out]
        return KeyOverlap(
            self.table.key, in_file, twice, in_file - known, known, known - changed, changed, differing, not_compared
        )

    def _differing(self, columns: list[str], key: str, stored: str) -> dict[str, int]:
        """In how many rows each column differs, of the keys that stand once on either side."""
        sums = ", ".join(f'count(*) filter (where f."{c}" is distinct from s."{c}")' for c in columns)
        once = f"qualify count(*) over (partition by {key}) = 1"
        joined = f"(select * from file_rows {once}) f join (select * from ({stored}) {once}) s using ({key})"
        counts = self._query(f"select {sums} from {joined}")[0]
        return {c: int(n) for c, n in zip(columns, counts, strict=True) if n}

    def _gone(self, superseded: list[str]) -> int:
        key, ids = _listed(self.table.key), ", ".join(quoted(d) for d in superseded) or "null"
        return self._count(f"select {key} from before_it where delivery_id in ({ids}) except select {key} from file_rows")

    def _query(self, sql: str) -> list[Any]:
        return self.con.execute(sql).fetchall()

    def _count(self, select: str) -> int:
        """How many distinct rows a set operation gives."""
        return int(self._query(f"select count(*) from ({select})")[0][0])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
