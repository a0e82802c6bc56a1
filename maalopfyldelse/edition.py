"""Editions: computing a plan's fulfilment and publishing it once, complete or not at all.

An edition lies in `HOME/editions/PLAN/AS_OF/N/`. It is written under tmp/ and enters its place by one rename; it is never
changed afterwards. A run whose figures equal the newest edition's makes none. What the tables contain is fulfilment.py's and
tabular.py's, what edition.json says is manifest.py's; finding editions and reading them back is shelf.py's.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from . import chain, department, finality, manifest, recorded, restatement, shelf, tabular
from .declared import Declared
from .engines import DuckDB, Engine
from .errors import MaalError
from .fulfilment import Line, fulfilment
from .home import NOTICE, NOTICE_TEXT, Home
from .intake.deliveries import hash_file
from .intake.ledger import Delivery, Ledger
from .manifest import Check, Input, Manifest, Output, Standing, Used
from .plan import Plan, read_plan
from .scanning import Scanning, measures_ever
from .versions import code_version, libraries, user

INPUTS = {"plan": "plans", "measure": "sql", "table": "expectations/tables", "extract": "expectations"}
RESTATEMENT = "restatement.json"


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
    """An edition. `is_new` is false when the figures equal the edition named, and none was made. `notes` are worth telling."""

    plan: str
    as_of: date
    number: int
    path: Path
    is_new: bool
    lines: list[Line]
    notes: list[str] = field(default_factory=list)


def compute(
    home: Home,
    declared: Declared,
    ledger: Ledger,
    plan: Plan,
    as_of: date,
    known_at: datetime,
    say: Callable[[str], None] = lambda text: None,
    engine: Engine | None = None,
) -> Computed:
    """The fulfilment of a plan at a reporting date, from what was known at `known_at`; counted by `engine` (default: DuckDB).

    Raises CallerError for a date outside the contract, MaalError when a delivery it depends on does not hold or the accounts of
    its rows do not balance.
    """
    plan.require_date(as_of)
    scanning = Scanning(home, declared, ledger, plan.at(as_of), as_of, known_at, say, engine=engine or DuckDB())
    scanning.refuse_if_blocked()
    return compute_from(scanning)


def compute_from(scanning: Scanning) -> Computed:
    """The fulfilment of what a scanning stands for. Raises MaalError when the accounts of its rows do not balance."""
    # by its rows, not its state: two files of one period in one arrival are both refused, and their rows are held back
    known = scanning.ledger.deliveries(known_at=scanning.known_at)
    deliveries = [d for d in known if d.table in scanning.current and d.store_path is not None]
    accounts = [_account(table, scanning, deliveries) for table in scanning.tables]
    set_aside: dict[str, int] = {}
    for delivery in (d for counting in scanning.counting.values() for d in counting):
        set_aside[delivery.table] = set_aside.get(delivery.table, 0) + (delivery.rows_set_aside or 0)
    provisional = finality.is_provisional(scanning)
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


def publish(computed: Computed, ledger: Ledger, *, reason: str | None, now: datetime) -> Published:
    """Makes the next edition, or says which existing one has the same figures. `now` is only written down.

    The caller holds the home's lock. Raises MaalError when figures that were final would change and no reason is given, or the
    newest edition is no longer as it was published.
    """
    scanning = computed.scanning
    home, plan, as_of = scanning.home, scanning.plan.plan, scanning.as_of
    reason = (reason or "").strip() or None
    chain.complete(home, plan, as_of)
    linked, there = chain.of(home, plan, as_of), shelf.standing(home, plan, as_of)
    last = max(there, default=0)
    number = max(*linked, *there, 0, 0) + 1
    notes = [
        f"{plan} at {as_of}: edition {n} was published and is gone; 'maal verify {plan} {as_of} {n}' says more."
        for n in linked
        if n not in there
    ]
    records, results = tables(computed, number)
    figures = manifest.content_hash([*records, *(r for r in results if r["section"] != "table")])
    before: restatement.Side | None = None
    if last:
        _require_whole(there[last], linked.get(last))
        said = manifest.read(there[last])
        if last == number - 1 and said.figures == figures:
            return Published(plan, as_of, last, there[last], False, computed.lines, notes)
        before = restatement.Side.of(home, there[last], holds_rows=False)
    if reason is None:
        _require_no_final_changed(there, records, plan, as_of)
    used, made_at = _used(computed, ledger), now.astimezone(UTC).replace(microsecond=0)
    after = restatement.Side(
        plan, as_of, number, made_at, computed.provisional, code_version(), tuple(used), records, lambda: scanning
    )
    restated = restatement.between(before, after).as_plain() if before else None
    facts = department.Facts(number, made_at, reason, restated, code_version())
    work = home.tmp / f"edition-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    contents = write_outputs(computed, facts, work)
    outputs = [Output(name=name, sha256=hash_file(work / name), content=content) for name, content in sorted(contents.items())]
    made = Manifest(
        format=manifest.FORMAT,
        plan=plan,
        as_of=as_of,
        edition=number,
        known_at=scanning.known_at.astimezone(UTC),
        provisional=computed.provisional,
        synthetic=any(d.synthetic for d in computed.deliveries),
        made_at=made_at,
        made_by=user(),
        reason=reason,
        code=code_version(),
        counted_by=scanning.engine.name,
        libraries=libraries() | scanning.engine.versions(),
        previous=linked.get(number - 1) or (hash_file(there[last] / manifest.FILE) if last == number - 1 > 0 else None),
        figures=figures,
        inputs=_write_inputs(scanning, work),
        deliveries=used,
        expectations=_checks(computed, ledger),
        outputs=outputs,
    )
    manifest.write(made, work)
    _settle(work)
    target = home.editions / plan / as_of.isoformat() / str(number)
    target.parent.mkdir(parents=True, exist_ok=True)
    work.rename(target)
    chain.add(home, plan, as_of, number, target)
    return Published(plan, as_of, number, target, True, computed.lines, notes)


def tables(computed: Computed, number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of `fulfilment` and of `results`."""
    records = tabular.fulfilment_records(computed.lines, number)
    return records, tabular.results_records(computed.lines, number, computed.scanning.scanned, computed.accounts)


def write_outputs(computed: Computed, facts: department.Facts, folder: Path) -> dict[str, str | None]:
    """Writes every output of an edition into a folder: name → content hash, for those that are rows. The same edition gives the
    same bytes."""
    records, results = tables(computed, facts.number)
    tabular.write_parquet(records, tabular.FULFILMENT, folder / "fulfilment.parquet")
    tabular.write_parquet(results, tabular.RESULTS, folder / "results.parquet")
    contents = {"fulfilment.parquet": manifest.content_hash(records), "results.parquet": manifest.content_hash(results)}
    (folder / NOTICE).write_text(NOTICE_TEXT)
    if facts.restated is not None:
        (folder / RESTATEMENT).write_text(json.dumps(facts.restated, ensure_ascii=False, indent=1) + "\n")
        contents[RESTATEMENT] = manifest.content_hash([facts.restated])
    leaving = folder / "department"
    leaving.mkdir()
    department.write(department.build(computed, facts), leaving)
    written = {str(p.relative_to(folder)) for p in leaving.rglob("*") if p.is_file()}
    return {name: contents.get(name) for name in {NOTICE, *contents, *written}}


def _require_whole(folder: Path, linked: str | None) -> None:
    path = folder / manifest.FILE
    if path.exists() and linked is not None and hash_file(path) != linked:
        raise MaalError(
            f"{path} has been altered since it was published, so nothing was published after it. Restore the folder from a copy; "
            "or move it away, and the next edition says that it is gone."
        )


def _require_no_final_changed(there: dict[int, Path], records: list[dict[str, Any]], plan: str, as_of: date) -> None:
    """Raises MaalError where the newest final edition said otherwise."""
    for number, folder in sorted(there.items(), reverse=True):
        said = manifest.read(folder)
        if not said.provisional:
            if changes := finality.changed_final(recorded.table(folder, said, "fulfilment"), records):
                raise MaalError(finality.refusal(plan, as_of, number, changes))
            return


def _write_inputs(scanning: Scanning, folder: Path) -> list[Input]:
    """The texts as they were used: loaded when the run began, whatever has been written into the files since."""
    declared, name = scanning.declared, f"plan:{scanning.plan.plan}"
    whole = read_plan(declared.paths[name], declared.texts[name])
    names = [name, *sorted(f"measure:{m}" for m in measures_ever(whole))]
    names += [f"table:{t}" for t in scanning.tables]
    names += [f"extract:{e.extract}" for t in scanning.tables for e in declared.extracts_of(t)]
    found = []
    for name in names:
        file = f"inputs/{INPUTS[name.split(':')[0]]}/{declared.paths[name].name}"
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(declared.texts[name].encode())
        found.append(Input(name=name, file=file, sha256=hash_file(path)))
    return found


def _used(computed: Computed, ledger: Ledger) -> list[Used]:
    scanning = computed.scanning
    counting = {d.delivery_id for e in {d.extract for d in computed.deliveries} for d in ledger.counting(e, scanning.known_at)}
    current = {d for table in scanning.current.values() for d in table.deliveries}
    reasons = {delivery: reason for delivery, reason, _ in reversed(ledger.withdrawals())}

    def standing(delivery: Delivery) -> Standing:
        if delivery.withdrawn_at is not None:
            return "withdrawn"
        if delivery.delivery_id not in counting:
            return "held back"
        return "current" if delivery.delivery_id in current else "superseded"

    found = [(d, standing(d)) for d in computed.deliveries]
    counts = ledger.reject_counts()
    return [
        manifest.used(d, counts.get(d.delivery_id, {}), word, reasons.get(d.delivery_id) if word == "withdrawn" else None)
        for d, word in found
    ]


def _checks(computed: Computed, ledger: Ledger) -> list[Check]:
    extracts, ids = {d.extract for d in computed.deliveries}, {d.delivery_id for d in computed.deliveries}
    return [
        Check(delivery=c.delivery_id, **{name: getattr(c, name) for name in Check.model_fields if name != "delivery"})
        for c in ledger.checks(known_at=computed.scanning.known_at)
        if c.delivery_id in ids or (c.delivery_id == "" and c.extract in extracts)
    ]


def _settle(folder: Path) -> None:
    """Makes files read-only and sees them on the disk: what a rename then puts in its place is whole after a power failure too."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
            with path.open("rb") as file:
                os.fsync(file.fileno())
