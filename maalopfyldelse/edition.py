"""Editions: computing a plan's fulfilment and publishing it once, complete or not at all.

An edition lies in `HOME/editions/PLAN/AS_OF/N/`. It is written under tmp/ and enters its place by one rename; it is never
changed afterwards. A run whose figures equal the newest edition's makes none. What the tables contain is fulfilment.py's and
tabular.py's; reading editions back is also here, since only this module knows the folder.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import tabular
from .dates import danish_midnight
from .declared import REPOSITORY, Declared
from .errors import CallerError, MaalError
from .fulfilment import Line, fulfilment
from .home import Home
from .intake.ledger import Delivery, Ledger
from .plan import Plan
from .scanning import Scanning, measures_of

FORMAT = 1


@dataclass(frozen=True)
class Computed:
    """A plan's fulfilment before it is published."""

    scanning: Scanning
    lines: list[Line]
    accounts: list[dict[str, Any]]
    deliveries: list[Delivery]
    provisional: bool


@dataclass(frozen=True)
class Published:
    """An edition. `is_new` is false when the figures equal the edition named, and none was made."""

    plan: str
    as_of: date
    number: int
    path: Path
    is_new: bool
    lines: list[Line]


def compute(
    home: Home,
    declared: Declared,
    ledger: Ledger,
    plan: Plan,
    as_of: date,
    known_at: datetime,
    say: Callable[[str], None] = lambda text: None,
) -> Computed:
    """The fulfilment of a plan at a reporting date, from what was known at `known_at`.

    Raises CallerError for a date outside the contract, MaalError when a delivery it depends on does not hold or the accounts of
    its rows do not balance.
    """
    plan.require_date(as_of)
    scanning = Scanning(home, declared, ledger, plan.at(as_of), as_of, known_at, say)
    scanning.refuse_if_blocked()
    # by its rows, not its state: two files of one period in one arrival are both refused, and their rows are held back
    deliveries = [d for d in ledger.deliveries(known_at=known_at) if d.table in scanning.current and d.store_path is not None]
    accounts = [_account(table, scanning, deliveries) for table in scanning.tables]
    set_aside: dict[str, int] = {}
    for delivery in (d for counting in scanning.counting.values() for d in counting):
        set_aside[delivery.table] = set_aside.get(delivery.table, 0) + (delivery.rows_set_aside or 0)
    provisional = _is_provisional(scanning)
    lines = fulfilment(scanning, provisional=provisional, set_aside=set_aside)
    return Computed(scanning, lines, accounts, deliveries, provisional)


def _account(table: str, scanning: Scanning, deliveries: list[Delivery]) -> dict[str, Any]:
    """Rows read = kept + set aside; kept = current + superseded + withdrawn."""
    current, own = scanning.current[table], [d for d in deliveries if d.table == table]
    read, kept, aside = (sum(getattr(d, name) for d in own) for name in ("rows_read", "rows_kept", "rows_set_aside"))
    parts = current.current_rows + current.superseded_rows + current.withdrawn_rows + current.held_back_rows
    if read != kept + aside or kept != parts or kept != current.kept_rows:
        raise MaalError(
            f"The accounts of {table} do not balance: read {read}, kept {kept}, set aside {aside}; current {current.current_rows}, "
            f"superseded {current.superseded_rows}, withdrawn {current.withdrawn_rows}, "
            f"held back {current.held_back_rows}. Nothing was published; this is a fault of ours."
        )
    return {
        "measure": table,
        "rows_read": read,
        "rows_kept": kept,
        "rows_set_aside": aside,
        "rows_current": current.current_rows,
        "rows_superseded": current.superseded_rows,
        "rows_withdrawn": current.withdrawn_rows,
        "rows_held_back": current.held_back_rows,
    }


def _is_provisional(scanning: Scanning) -> bool:
    plan = scanning.plan
    closes = danish_midnight(scanning.as_of + timedelta(days=plan.reporting.closing_days + 1))
    if scanning.known_at < closes:
        return True
    for approved in (variants[0] for variants in scanning.variants.values()):
        for count in approved.counts.values():
            if count and scanning.missing(scanning.declared.measures[count.scan.measure], count.scan.days):
                return True
    return False


def publish(computed: Computed, ledger: Ledger, *, reason: str | None, now: datetime) -> Published:
    """Makes the next edition, or says which existing one has the same figures. `now` is only written down."""
    scanning = computed.scanning
    folder = scanning.home.editions / scanning.plan.plan / scanning.as_of.isoformat()
    last = newest(scanning.home, scanning.plan.plan, scanning.as_of)
    number = (last or 0) + 1
    records = tabular.fulfilment_records(computed.lines, number)
    results = tabular.results_records(computed.lines, number, scanning.scanned, computed.accounts)
    content = {"fulfilment": content_hash(records), "results": content_hash(results)}
    if last is not None:
        before = read_manifest(folder / str(last))
        if {o["name"]: o["content"] for o in before["outputs"] if o.get("content")} == {
            f"{k}.parquet": v for k, v in content.items()
        }:
            return Published(scanning.plan.plan, scanning.as_of, last, folder / str(last), False, computed.lines)
    work = scanning.home.tmp / f"edition-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    (work / "department").mkdir(parents=True)
    tabular.write_parquet(records, tabular.FULFILMENT, work / "fulfilment.parquet")
    tabular.write_parquet(results, tabular.RESULTS, work / "results.parquet")
    (work / "department" / "fulfilment.csv").write_bytes(tabular.department_csv(computed.lines))
    _write_department(computed, number, reason, now, None if last is None else folder / str(last), work / "department")
    inputs = _copy_inputs(scanning, work / "inputs")
    manifest = {
        "format": FORMAT,
        "plan": scanning.plan.plan,
        "as_of": scanning.as_of.isoformat(),
        "edition": number,
        "known_at": scanning.known_at.isoformat(),
        "provisional": computed.provisional,
        "synthetic": any(d.synthetic for d in computed.deliveries),
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "made_by": getpass.getuser(),
        "reason": reason,
        "code": code_version(),
        "libraries": {name: version(name) for name in ("duckdb", "pyarrow", "pydantic")} | {"python": platform.python_version()},
        "previous": _file_hash(folder / str(last) / "edition.json") if last else None,
        "inputs": inputs,
        "deliveries": [_delivery(d, computed) for d in computed.deliveries],
        "expectations": [
            _check(c)
            for c in ledger.checks(known_at=scanning.known_at)
            if c.delivery_id in {d.delivery_id for d in computed.deliveries}
        ],
        "outputs": [
            {
                "name": str(path.relative_to(work)),
                "sha256": _file_hash(path),
                "content": content.get(path.stem) if path.suffix == ".parquet" else None,
            }
            for path in sorted(work.rglob("*"))
            if path.is_file() and "inputs" not in path.relative_to(work).parts
        ],
    }
    (work / "edition.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1, default=str) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    work.rename(folder / str(number))
    return Published(scanning.plan.plan, scanning.as_of, number, folder / str(number), True, computed.lines)


def _write_department(computed: Computed, number: int, reason: str | None, now: datetime, last: Path | None, into: Path) -> None:
    """What may leave the house: made from one view of the edition and of the one before."""
    from . import department

    previous = None
    if last is not None:
        made_at = datetime.fromisoformat(read_manifest(last)["made_at"])
        previous = (int(last.name), made_at, read_table(last, "fulfilment"))
    facts = department.Facts(number, now, reason, previous, code_version())
    department.write(department.build(computed, facts), into)


def _copy_inputs(scanning: Scanning, into: Path) -> list[dict[str, str]]:
    declared, plan = scanning.declared, scanning.plan
    names = [f"plan:{plan.plan}"]
    names += sorted(f"measure:{name}" for name in measures_of(plan))
    names += [f"table:{t}" for t in scanning.tables]
    names += [f"extract:{e.extract}" for t in scanning.tables for e in declared.extracts_of(t)]
    found = []
    for name in names:
        path = declared.paths[name]
        folder = (
            into
            / {"plan": "plans", "measure": "sql", "table": "expectations/tables", "extract": "expectations"}[name.split(":")[0]]
        )
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / path.name)
        found.append({"name": name, "sha256": _file_hash(path)})
    return found


def _delivery(delivery: Delivery, computed: Computed) -> dict[str, Any]:
    return {
        "delivery": delivery.delivery_id,
        "extract": delivery.extract,
        "file": delivery.name,
        "sha256": delivery.sha256,
        "arrived_at": delivery.arrived_at,
        "period": delivery.period,
        "rows_read": delivery.rows_read,
        "rows_kept": delivery.rows_kept,
        "rows_set_aside": delivery.rows_set_aside,
        "counts": delivery in computed.scanning.counting.get(delivery.extract, []),
    }


def _check(check: Any) -> dict[str, Any]:
    return {
        name: getattr(check, name)
        for name in ("extract", "delivery_id", "code", "severity", "success", "unexpected_count", "suite_hash")
    }


def content_hash(records: list[dict[str, Any]]) -> str:
    """A hash of the rows themselves, without the edition's number: Parquet bytes change with library versions, this does not."""
    lines = [
        json.dumps({k: v for k, v in r.items() if k != "edition"}, sort_keys=True, default=str, ensure_ascii=False)
        for r in records
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache
def code_version() -> str:
    """The package's version and a hash of the code that counts and grades."""
    digest = hashlib.sha256()
    for path in sorted(p for p in (REPOSITORY / "maalopfyldelse").rglob("*") if p.suffix in (".py", ".jinja", ".css")):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{version('maalopfyldelse')}+{digest.hexdigest()[:12]}"


def newest(home: Home, plan: str, as_of: date) -> int | None:
    """The newest edition's number, or None."""
    folder = home.editions / plan / as_of.isoformat()
    numbers = [int(p.name) for p in folder.glob("[0-9]*")] if folder.is_dir() else []
    return max(numbers, default=None)


def editions(home: Home, plan: str | None = None) -> Iterator[Path]:
    """The folders of all editions, by plan, reporting date and number."""
    for folder in sorted(home.editions.glob(f"{plan or '*'}/*")):
        yield from sorted((p for p in folder.glob("[0-9]*")), key=lambda p: int(p.name))


def read_manifest(folder: Path) -> dict[str, Any]:
    """An edition's edition.json."""
    found: dict[str, Any] = json.loads((folder / "edition.json").read_text())
    return found


def find(home: Home, plan: str, as_of: date | None, number: int | None) -> Path:
    """The folder of an edition: the newest of the last reporting date unless said. Raises CallerError when there is none."""
    dates = sorted(p.name for p in (home.editions / plan).glob("*-*-*"))
    wanted = as_of.isoformat() if as_of else (dates[-1] if dates else None)
    if wanted is None or wanted not in dates:
        have = f"; there are editions at {', '.join(dates)}" if dates else ""
        raise CallerError(f"{plan} has no edition{f' at {wanted}' if wanted else ''}{have}. Run 'maal run --plan {plan}' first.")
    folder = home.editions / plan / wanted
    chosen = number if number is not None else newest(home, plan, date.fromisoformat(wanted))
    if not (folder / str(chosen)).is_dir():
        raise CallerError(
            f"{plan} at {wanted} has no edition {chosen}; the newest is {newest(home, plan, date.fromisoformat(wanted))}."
        )
    return folder / str(chosen)


def read_table(folder: Path, table: str) -> list[dict[str, Any]]:
    """`fulfilment` or `results` of an edition as records."""
    from importlib import import_module

    # Not read_table: it goes through pyarrow.dataset, which imports pandas and doubles the time of `maal show`.
    pq: Any = import_module("pyarrow.parquet")
    records: list[dict[str, Any]] = pq.ParquetFile(folder / f"{table}.parquet").read().to_pylist()
    return records
