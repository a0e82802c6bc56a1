"""Taking deliveries of one extract: each new file is read by its contract, stored or refused, and noted in the ledger.

A delivery is taken again when its contract has changed, refused or not. The Parquet file is written aside and moved into place
before the ledger's one transaction names it, so a run killed anywhere leaves ledger and store agreeing; what no ledger row
names is swept away by the next run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import trouble
from ..contract import Extract, Limits, Table
from ..dates import danish_date
from ..declared import Declared
from ..engine import connect, session
from ..errors import MaalError
from ..home import Home
from . import rowrules
from .abreast import Desk, abreast
from .deliveries import CHANGED, Found, Scan, hash_file, pinned
from .faults import Fault, Refused
from .keys import hash_key, set_key
from .ledger import Delivery, Ledger, Reject

if TYPE_CHECKING:
    import duckdb

    from .load import Loaded

INTAKE_VERSION = 10  # raise it when the same file and contract would give other rows


@dataclass
class TakeReport:
    """What a run did with one extract: `new` were stored now, `refused` stand refused now, `known` needed nothing; `read` are the
    ids of all that were read."""

    extract: str
    new: list[Delivery] = field(default_factory=list)
    known: int = 0
    refused: list[Delivery] = field(default_factory=list)
    read: set[str] = field(default_factory=set)


_NOT_READ: Any = {"rules": True, "summary": True, "supplier": True, "retention": True, "source_keeps_months": True} | {
    "layouts": {"__all__": {"columns": {"__all__": {"note"}}}},
    "set_aside": {"__all__": {"danish"}},
}


def contract_hash(extract: Extract, table: Table, plans: dict[str, Path]) -> str:
    """What the typed rows of a file follow from besides its bytes. Rules, summaries and comments are not part of it; of the plans
    (by id) it is what the row rules look into."""
    said = {
        "intake": INTAKE_VERSION,
        "extract": extract.model_dump(mode="json", exclude=_NOT_READ),
        "table": {
            "key": table.key,
            "columns": {name: [c.type, c.required, c.values] for name, c in table.columns.items()},
        },
        "plans": rowrules.house_hash(plans, extract),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def take_extract(
    home: Home,
    declared: Declared,
    extract_id: str,
    scan: Scan,
    ledger: Ledger,
    progress: Callable[[str], None] = lambda text: None,
) -> TakeReport:
    """Takes what the scan found for an extract and the ledger does not know under this contract.

    Every file gets its own verdict: a refused one stops none of the others. Raises CallerError when personal columns need a key that
    is not given, or the contract contradicts its table.
    """
    extract = declared.extracts[extract_id]
    table = declared.tables[extract.table]
    contract = contract_hash(extract, table, declared.plan_paths)
    report = TakeReport(extract_id)
    known = {d.delivery_id: d for d in ledger.deliveries(extract_id)}
    new: list[Found] = []
    for found in scan.of(extract_id):
        if found.arrived_at is None:
            raise ValueError("scan with a ledger and a time of sighting before taking")
        before = known.get(found.delivery_id)
        if before is not None:
            found = _earliest(found, before)
            was_read = before.code != "CHANGED_WHILE_READ"
            is_told = before.store_path is not None or found.name == before.name  # a refusal names the file
            is_there = before.store_path is None or (home.path / before.store_path).exists()
            if was_read and is_told and is_there and before.contract_hash == contract and _arrived_alike(extract, found, before):
                _note_arrival(ledger, found, before)
                report.known += 1
                continue
        new.append(found)

    def read(desk: Desk, found: Found) -> tuple[Delivery, list[Fault]]:
        progress(f"{extract_id}: reading {found.name}")
        return _take(desk.con, home, extract, table, contract, found, desk.prepared, synthetic=scan.synthetic)

    taken = report.read
    for found, (delivery, faults) in abreast(new, read, _desks(home, declared, extract, table)):
        ledger.record(delivery, (Reject(delivery.delivery_id, f.line, f.code, f.column, f.message) for f in faults))
        taken.add(delivery.delivery_id)
        if delivery.state == "refused":
            progress(f"{extract_id}: refused {found.name} ({delivery.code})")
        else:
            progress(f"{extract_id}: {found.name}: {delivery.rows_kept} rows kept, {delivery.rows_set_aside} set aside")
    for known_one in ledger.recorded(extract_id):
        for said in scan.withdrawals:
            if said.means(known_one.delivery_id, known_one.sha256):
                ledger.record_withdrawal(known_one.delivery_id, said.reason, said.withdrawn_at)
    for delivery in ledger.deliveries(extract_id):
        if delivery.state == "refused" and delivery.withdrawn_at is None:
            report.refused.append(delivery)
        elif delivery.delivery_id in taken:
            report.new.append(delivery)
    if taken:
        sweep(home, ledger, extract.table)
    return report


def _desks(home: Home, declared: Declared, extract: Extract, table: Table) -> Iterator[Desk]:
    """Sessions in which files of the extract can be read. Raises CallerError for a row rule that cannot be worked out."""
    con = connect(home)
    rowrules.prepare(con, declared.plan_paths, extract)
    rowrules.prove(con, extract, table)
    while True:
        yield Desk(con)
        con = session(con)
        rowrules.prepare(con, declared.plan_paths, extract)


def sweep(home: Home, ledger: Ledger, table: str) -> None:
    """Removes files of a table's store that neither a delivery nor an edition names: left by a killed run, or replaced."""
    named = {d.store_path for d in ledger.deliveries() if d.table == table}
    unnamed = [p for p in (home.store / table).glob("*.parquet") if p.relative_to(home.path).as_posix() not in named]
    if not unnamed:
        return
    # As text: a damaged edition.json must not cost it the rows that it was made from.
    editions = [p.read_text(errors="replace") for p in home.editions.glob("*/*/*/edition.json")]
    for path in unnamed:
        if not any(path.name in text for text in editions):
            path.unlink()


def _earliest(found: Found, before: Delivery) -> Found:
    """The same bytes keep the earliest arrival; a declared one counts more than a sighting. At the same arrival the file's present
    name holds: it was renamed."""
    declared_before = before.arrival_source != "sighting"
    declared_now = found.arrival_source != "sighting"
    is_no_later = found.arrived_at is not None and found.arrived_at <= before.arrived_at
    if (declared_now and not declared_before) or (declared_now == declared_before and is_no_later):
        return found
    return replace(
        found, arrived_at=before.arrived_at, arrival_source=before.arrival_source, name=before.name, period=before.period
    )


def _arrived_alike(extract: Extract, found: Found, before: Delivery) -> bool:
    """Whether row rules and dated layouts would say of the delivery what they said before."""
    assert found.arrived_at is not None
    is_dated = any(layout.valid_from or layout.valid_until for layout in extract.layouts)
    return not (is_dated or rowrules.depends_on_arrival(extract)) or danish_date(found.arrived_at) == danish_date(
        before.arrived_at
    )


def _note_arrival(ledger: Ledger, found: Found, before: Delivery) -> None:
    now = (found.arrived_at, found.arrival_source, found.name, found.period)
    if found.arrived_at is not None and now != (before.arrived_at, before.arrival_source, before.name, before.period):
        ledger.move_arrival(before.delivery_id, found.arrived_at, found.arrival_source, found.name, found.period)


def _take(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    extract: Extract,
    table: Table,
    contract: str,
    found: Found,
    prepared: set[str],
    *,
    synthetic: bool,
) -> tuple[Delivery, list[Fault]]:
    import duckdb

    assert found.arrived_at is not None
    refused = Delivery(
        delivery_id=found.delivery_id,
        extract=extract.extract,
        table=extract.table,
        system=found.system or extract.system,
        name=found.name,
        sha256=found.sha256,
        size=found.size,
        arrived_at=found.arrived_at,
        arrival_source=found.arrival_source,
        period=found.period,
        superseding=extract.superseding,
        layout=None,
        contract_hash=contract,
        state="refused",
        synthetic=synthetic,
    )
    from .match import scratch

    temporary = home.tmp / f"{found.delivery_id}.parquet"
    try:
        with pinned(found.path, found.facts) as path:
            here = replace(found, path=path)
            layout, loaded = _load(con, home, extract, table, here, temporary, prepared, synthetic=synthetic)
    except (Refused, OSError, MemoryError, duckdb.OutOfMemoryException, duckdb.IOException) as caught:
        error = caught if isinstance(caught, Refused) else _lost(found, caught)
        temporary.unlink(missing_ok=True)
        place = f"{found.name}: " + (f"line {error.line}: " if error.line else "")
        message = place + str(error)
        read, set_aside = error.rows_read, error.rows_set_aside
        kept = None if read is None else 0
        told = replace(refused, code=error.code, message=message, rows_read=read, rows_kept=kept, rows_set_aside=set_aside)
        return told, error.faults
    finally:
        shutil.rmtree(scratch(home, found), ignore_errors=True)
    sha256 = hash_file(temporary)
    # named by what it holds, so that other rows of the same delivery never take the place of those an edition was made from
    target = home.store / table.table / f"{found.delivery_id}.{sha256[:12]}.parquet"
    target.parent.mkdir(exist_ok=True)
    temporary.replace(target)
    stored = replace(
        refused,
        state="stored",
        layout=layout,
        rows_read=loaded.rows_read,
        rows_kept=loaded.rows_kept,
        rows_set_aside=loaded.rows_set_aside,
        store_path=target.relative_to(home.path).as_posix(),
        store_sha256=sha256,
    )
    return stored, loaded.faults


def _load(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    extract: Extract,
    table: Table,
    found: Found,
    target: Path,
    prepared: set[str],
    *,
    synthetic: bool,
) -> tuple[str, Loaded]:
    from .load import Loader
    from .match import open_matching

    limits = extract.limits
    if found.size > limits.max_bytes:
        raise Refused("TOO_LARGE", f"{found.size} bytes; the contract allows {limits.max_bytes} (limits.max_bytes).")
    if extract.superseding == "period" and found.period is None:
        pattern = extract.period.pattern if extract.period else ""
        raise Refused("NO_PERIOD", f"the file's name says no period. Name it so that it fits {pattern}")
    assert found.arrived_at is not None
    rules = rowrules.RowRules(tuple(extract.set_aside), table, danish_date(found.arrived_at))
    file, layout = open_matching(con, home, extract, found)
    if any(source.hash_of for source in layout.columns.values()):
        set_key(con, hash_key(home, synthetic=synthetic))
    loader = Loader(con, home, file, layout, rules, found.delivery_id, target, prepared)
    loaded = loader.load(lambda set_aside, rows: _is_too_many(limits, set_aside, rows))
    _hold_limits(limits, loaded)
    return layout.id, loaded


def _lost(found: Found, error: Exception) -> Refused:
    """The refusal of a file that is gone or cannot be opened. Raises MaalError for what is the machine's trouble and not the file's:
    such a file is taken by the next run."""
    if not (found.path.exists() and os.access(found.path, os.R_OK)):
        return Refused("CHANGED_WHILE_READ", CHANGED)
    if words := trouble.told(error):
        raise MaalError(f"{found.name} could not be read to its end. {words}") from None
    why = f": {error.strerror}" if isinstance(error, OSError) else ""
    raise MaalError(
        f"{found.name} could not be read to its end{why}. See to the disk that holds it and the home, and run again."
    ) from None


def _is_too_many(limits: Limits, set_aside: int, rows: int) -> bool:
    over_rows = limits.max_set_aside_rows is not None and set_aside > limits.max_set_aside_rows
    return over_rows or set_aside > Fraction(str(limits.max_set_aside_share)) * rows


def _hold_limits(limits: Limits, loaded: Loaded) -> None:
    refused: Refused | None = None
    if _is_too_many(limits, loaded.rows_set_aside, loaded.rows_read):
        most = loaded.counts.most_common(8)
        listed = "; ".join(
            f"{code}" + (f" in '{column}'" if column else "") + f": {times} rows" for (code, column), times in most
        )
        share = f"{limits.max_set_aside_share:.0%}" if limits.max_set_aside_rows is None else f"{limits.max_set_aside_rows} rows"
        first = next((f.line for f in loaded.faults if f.line), None)
        message = (
            f"{loaded.rows_set_aside} of {loaded.rows_read} rows do not fit, more than the contract allows ({share}): {listed}; "
            f"first on line {first}. Have the export corrected; 'maal show rejects' lists the lines."
        )
        refused = Refused("TOO_MANY_SET_ASIDE", message, line=first, faults=loaded.faults)
    elif loaded.rows_read < limits.min_rows:
        message = f"{loaded.rows_read} rows; the contract expects at least {limits.min_rows} (limits.min_rows). Export it again."
        refused = Refused("TOO_FEW_ROWS", message)
    if refused is not None:
        refused.rows_read, refused.rows_set_aside = loaded.rows_read, loaded.rows_set_aside
        raise refused
