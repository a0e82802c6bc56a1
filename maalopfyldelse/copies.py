"""Copies of observations in the analysts' file: what each published figure was counted from, as it was known then.

Kept are the newest edition of each plan and reporting date, under its approved readings and every alternative that was computed;
`observations.MEASURE` has each observation once a scan and combination of options, `published.MEASURE` shows it to each row and
reading that counts it. An older edition's observations `maal explain --edition N --rows` makes again. A copy is held against the
edition's own sums and left out, with the reason in `observations.copies`, when it does not give them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import manifest, recorded, shelf
from .counting import Count, Days, Scan
from .declared import Declared
from .engine import engine_words
from .errors import MaalError
from .home import Home
from .intake.current import create_current
from .manifest import Manifest
from .measures import arguments, observations_sql, prepare
from .query import OBSERVATION_COLUMNS, Measure
from .scanning import Scanning
from .versions import code_version

if TYPE_CHECKING:
    import duckdb

FORMAT = 1  # raise it when the same edition would give other copies

# name, type, comment
COPIES = [
    ("plan", "varchar", "Plan id"),
    ("as_of", "date", "The reporting date"),
    ("edition", "bigint", "The newest edition at that date, whose observations are copied"),
    ("known_at", "timestamp", "The copies are as known then, UTC"),
    ("missing", "varchar", "Why there is no copy; null when it is whole"),
    ("follows_from", "varchar", "Hash of the edition and of how copies are made"),
]
SCANS = [
    ("scan", "varchar", "Id of the scan, as in the tables of observations"),
    ("plan", "varchar", "Plan id"),
    ("as_of", "date", "The reporting date"),
    ("edition", "bigint", "Number of the edition"),
    ("measure", "varchar", "The query: its observations stand in observations.MEASURE"),
    ("first_date", "date", "First day of the window"),
    ("last_date", "date", "Last day of the window"),
    ("parameters", "varchar", "The query's parameters, as JSON"),
]
FIGURES = [
    ("scan", "varchar", "The scan whose observations the figure counts"),
    ("row", "varchar", "Row of the plan"),
    ("criterion", "varchar", "Criterion of the row; null for the row's own figure"),
    ("part", "varchar", "figure; or against = what a change is divided by"),
    ("reading", "varchar", "approved, or the alternative such as S4.c"),
    ("reading_id", "varchar", "The options of the query, as in the tables of observations"),
    ("filters", "map(varchar, varchar[])", "The row's filter: which values of which groups it takes"),
]
_NO_DAYS = Days(date(2000, 1, 1), date(2000, 1, 1))
STANDINGS = "counted; unknown = in the denominator, numerator not known; excluded, with a reason; outside the row's filter"


@dataclass(frozen=True)
class _Edition:
    folder: Path
    said: Manifest
    follows_from: str

    @property
    def key(self) -> list[str | date | int]:
        return [self.said.plan, self.said.as_of, self.said.edition]


def copy_observations(con: duckdb.DuckDBPyConnection, home: Home, declared: Declared, say: Callable[[str], None]) -> None:
    """Makes the schemas `observations` and `published` in the connection's database, which holds the views of current rows.

    Copies that the standing file has of the same editions are taken from it. Leaves temporary views behind.
    """
    con.execute("create schema observations")
    con.execute("create schema published")
    for name, columns, comment in (
        ("copies", COPIES, "Whose observations are copied: the newest edition of each plan and reporting date"),
        ("scans", SCANS, "The passes over a query that an edition's figures share: window and parameters"),
        ("figures", FIGURES, "Which observations each figure counts: scan, options and filter"),
    ):
        create_table(con, f"observations.{name}", columns, comment)
    for measure in declared.measures.values():
        _measure(con, measure)
    kept = _standing(con, home)
    for one in _newest(home):
        if one.follows_from in kept and _taken_over(con, one, declared):
            continue
        say(f"copying observations of {one.said.plan} at {one.said.as_of}")
        missing = _copied(con, home, declared, one)
        known_at = one.said.known_at.astimezone(UTC).replace(tzinfo=None)
        con.execute("insert into observations.copies values (?, ?, ?, ?, ?, ?)", [*one.key, known_at, missing, one.follows_from])


def create_table(con: duckdb.DuckDBPyConnection, name: str, columns: list[tuple[str, str, str]], comment: str) -> None:
    """An empty table with its comments."""
    con.execute(f"create table {name} ({', '.join(f'{column} {kind}' for column, kind, _ in columns)})")
    con.execute(f"comment on table {name} is {quoted(comment)}")
    for column, _, text in columns:
        con.execute(f"comment on column {name}.{column} is {quoted(text)}")


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _measure(con: duckdb.DuckDBPyConnection, measure: Measure) -> None:
    """The empty table of a measure's observations, and the view that shows them to rows and readings."""
    name, header = measure.name, measure.header
    scan = Scan(name, _NO_DAYS, tuple((p, spec.default) for p, spec in header.parameters.items()))
    options = tuple((o, words[0]) for o, words in header.options.items())
    body = observations_sql(measure, [options])
    con.execute(f"create table observations.{name} as select cast('' as varchar) as scan, o.* from ({body}) as o limit 0",
                arguments(measure, scan))  # fmt: skip
    inside = [f"(f.filters['{g}'] is null or list_contains(f.filters['{g}'], cast(o.{g} as varchar)))" for g in header.groups]
    con.execute(
        f"create view published.{name} as select s.plan, s.as_of, s.edition, f.row, f.criterion, f.part, f.reading, "
        f"case when not ({' and '.join(inside) or 'true'}) then 'outside' when o.reason is not null then 'excluded' "
        "when o.is_known then 'counted' else 'unknown' end as standing, o.* exclude (scan) "
        f"from observations.{name} as o join observations.figures as f on f.scan = o.scan and f.reading_id = o.reading_id "
        "join observations.scans as s on s.scan = o.scan"
    )
    comments = {n: c.comment + (f" ({c.unit})" if c.unit else "") for n, c in header.columns.items()}
    comments |= {n: text for n, (_, text) in OBSERVATION_COLUMNS.items()}
    con.execute(f"comment on table observations.{name} is {quoted('Published observations: ' + header.summary)}")
    text = f"Published observations as each row and reading counts them: {header.summary}"
    con.execute(f"comment on view published.{name} is {quoted(text)}")
    con.execute(f"comment on column observations.{name}.scan is 'Id in observations.scans'")
    above = {n: c for n, _, c in (*SCANS, *FIGURES)} | {"standing": STANDINGS}
    for column in ("plan", "as_of", "edition", "row", "criterion", "part", "reading", "standing"):
        con.execute(f"comment on column published.{name}.{column} is {quoted(above[column])}")
    for column, text in comments.items():
        for schema in ("observations", "published"):
            con.execute(f"comment on column {schema}.{name}.{column} is {quoted(text)}")


def _newest(home: Home) -> Iterator[_Edition]:
    newest = {folder.parent: folder for folder in shelf.editions(home)}
    for folder in newest.values():
        digest = hashlib.sha256(f"{FORMAT} {code_version()} ".encode() + (folder / manifest.FILE).read_bytes())
        yield _Edition(folder, manifest.read(folder), digest.hexdigest())


def _standing(con: duckdb.DuckDBPyConnection, home: Home) -> set[str]:
    """The copies of the file that stands, attached as `standing`; none when it has none that can be read."""
    import duckdb

    if not home.analyst.exists():
        return set()
    try:
        con.execute(f"attach {quoted(str(home.analyst))} as standing (read_only)")
        found = con.execute("select follows_from from standing.observations.copies where missing is null").fetchall()
    except duckdb.Error:
        return set()
    return {row[0] for row in found}


def _taken_over(con: duckdb.DuckDBPyConnection, one: _Edition, declared: Declared) -> bool:
    """Takes an edition's copies from the standing file; False when a measure has other columns than it had then."""
    of_it = "plan = ? and as_of = ? and edition = ?"
    given = one.key
    rows = con.execute(f"select scan, measure from standing.observations.scans where {of_it}", given).fetchall()
    for measure in {m for _, m in rows}:
        shapes = [
            con.execute(f"select column_name, column_type from (describe {where}observations.{measure})").fetchall()
            for where in ("standing.", "")
            if measure in declared.measures
        ]
        if len(shapes) < 2 or shapes[0] != shapes[1]:
            return False
    scans = [scan for scan, _ in rows]
    for name in ("copies", "scans"):
        con.execute(f"insert into observations.{name} select * from standing.observations.{name} where {of_it}", given)
    for name in ("figures", *sorted({m for _, m in rows})):
        con.execute(
            f"insert into observations.{name} select * from standing.observations.{name} where list_contains(?, scan)", [scans]
        )
    return True


def _copied(con: duckdb.DuckDBPyConnection, home: Home, declared: Declared, one: _Edition) -> str | None:
    """Makes an edition's copies from its own texts and rows; says why when there are none."""
    import duckdb

    con.execute("begin")
    try:
        missing = _made(con, recorded.scanning_of(home, one.folder, one.said), declared, one)
    except MaalError as error:
        missing = str(error)
    except duckdb.Error as error:
        missing = f"It cannot be counted again: {engine_words(error)}"
    con.execute("rollback" if missing else "commit")
    return missing


def _made(con: duckdb.DuckDBPyConnection, scanning: Scanning, declared: Declared, one: _Edition) -> str | None:
    for name in sorted({scan.measure for scan in scanning.scans}):
        now, then = declared.measures.get(name), scanning.declared.measures[name]
        if now is None or {n: c.type for n, c in now.header.columns.items()} != {
            n: c.type for n, c in then.header.columns.items()
        }:
            return f"The observations of {name} have other columns now."
    prepare(con)
    create_current(con, scanning.home, scanning.declared, scanning.ledger, scanning.tables, scanning.known_at)
    for scan, combinations in scanning.scans.items():
        measure = scanning.declared.measures[scan.measure]
        name, after, to = _id(one, scan), scan.days.after, scan.days.to
        con.execute(
            "insert into observations.scans values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                name,
                *one.key,
                scan.measure,
                after + timedelta(days=1),
                to,
                json.dumps(dict(scan.parameters)),
            ],
        )
        con.execute(
            f"insert into observations.{scan.measure} by name select '{name}' as scan, o.* "
            f"from ({observations_sql(measure, combinations)}) as o order by {', '.join(['reading_id', *measure.header.grain])}",
            arguments(measure, scan),
        )
    for row, criterion, reading, count in _counts(scanning):
        for part, of in (("figure", count), ("against", count.against)):
            if of is not None:
                filters = {group: list(values) for group, values in of.where}
                con.execute(
                    "insert into observations.figures values (?, ?, ?, ?, ?, ?, map(cast(? as varchar[]), cast(? as varchar[][])))",
                    [_id(one, of.scan), row, criterion, part, reading, of.reading_id, list(filters), list(filters.values())],
                )
    return _unlike(con, scanning, one)


def _counts(scanning: Scanning) -> Iterator[tuple[str, str | None, str, Count]]:
    for row, variants in scanning.variants.items():
        for variant in variants:
            for criterion, count in variant.counts.items():
                if count is not None:
                    yield row, criterion, variant.id, count


def _id(one: _Edition, scan: Scan) -> str:
    said = [*one.key, scan.measure, scan.days.after, scan.days.to, scan.parameters]
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:16]


def _unlike(con: duckdb.DuckDBPyConnection, scanning: Scanning, one: _Edition) -> str | None:
    """Holds the copies against the edition's accounts: how many observations each figure counted and did not, and their sums."""
    found: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}
    for measure in sorted({scan.measure for scan in scanning.scans}):
        for key_and_sums in con.execute(
            "select f.row, f.reading, s.measure, f.reading_id, s.first_date, s.last_date, "
            + ", ".join(f"count(*) filter (p.standing = '{word}')" for word in ("counted", "unknown", "excluded", "outside"))
            + " from observations.figures as f join observations.scans as s using (scan) left join published."
            + f"{measure} as p on p.plan = s.plan and p.as_of = s.as_of and p.edition = s.edition and p.row = f.row "
            "and p.reading = f.reading and p.part = f.part and p.criterion is not distinct from f.criterion "
            "where s.plan = ? and s.as_of = ? and s.edition = ? and s.measure = ? and f.part = 'figure' "
            "group by f.row, f.criterion, f.reading, s.measure, f.reading_id, s.first_date, s.last_date",
            [*one.key, measure],
        ).fetchall():
            found.setdefault(key_and_sums[:6], set()).add(key_and_sums[6:])
    for record in shelf.read_table(one.folder, "results"):
        if record["section"] == "figure":
            key = tuple(record[n] for n in ("row", "reading", "measure", "reading_id", "from_date", "to_date"))
            accounts = tuple(record[n] for n in ("counted", "unknown", "excluded", "outside"))
            if accounts not in found.get(key, set()):
                return (
                    f"{record['row']} under {record['reading']} is counted otherwise now. "
                    f"'maal verify {' '.join(str(part) for part in one.key)}' says what has changed."
                )
    return None
