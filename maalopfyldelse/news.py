"""What is worth knowing about deliveries over time and is no fault of a file: periods that have not come, and what a home that is
deleted and built anew would not know.

Said by a run and by `maal status`, in English, for the engineer. That a figure lacks data because of it is scanning.py's; that
nothing is published while a delivery stands refused is the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from .contract import Extract
from .dates import add_months, period_bounds, periods_between
from .declared import Declared
from .intake.deliveries import Scan
from .intake.ledger import Delivery, Ledger
from .intake.withdrawals import WITHDRAWALS, only_in_ledger

SIGHTING = "sighting"


@dataclass(frozen=True)
class Gap:
    """Periods on end that the contract expects and that no counting delivery speaks of. `is_awaited`: nothing later has come either."""

    extract: str
    periods: tuple[str, ...]
    is_awaited: bool
    text: str


def gaps_of(extract: Extract, counting: Iterable[Delivery], today: date) -> list[Gap]:
    """The gaps among the periods that were over before `today`, oldest first. None for an extract of which nothing has come at all:
    whether it is needed is the plans' to say."""
    have = {d.period for d in counting if d.period is not None}
    if extract.period is None or extract.period.every is None or not have:
        return []
    first = extract.period.since or min(have, key=period_bounds)
    expected = [p for p in periods_between(period_bounds(first)[0], today, extract.period.every) if period_bounds(p)[1] < today]
    newest = max(have, key=period_bounds)
    found = []
    for is_missing, run in groupby(expected, key=lambda period: period not in have):
        if is_missing:
            periods = tuple(run)
            is_awaited = period_bounds(periods[0]) > period_bounds(newest)
            found.append(Gap(extract.extract, periods, is_awaited, _told(extract, periods, is_awaited, today)))
    return found


def _told(extract: Extract, periods: tuple[str, ...], is_awaited: bool, today: date) -> str:
    names = periods[0] if len(periods) == 1 else f"{periods[0]} to {periods[-1]} ({len(periods)} periods)"
    what = "has not come yet" if is_awaited else "is missing, though a later one has come"
    if len(periods) > 1:
        what = "have not come yet" if is_awaited else "are missing, though a later one has come"
    text = f"{'waiting' if is_awaited else 'gap'}: {extract.extract}: {names} {what}. Ask {extract.supplier}"
    if extract.source_keeps_months is not None:
        until = add_months(period_bounds(periods[0])[1], extract.source_keeps_months)
        if until < today:
            return f"{text}: the source has had {periods[0]} only until {until}; an earlier export may be the only copy left."
        return f"{text}: the source has {periods[0]} until {until}."
    return f"{text}." + (f" Retention: {extract.retention}" if extract.retention else "")


def all_gaps(declared: Declared, ledger: Ledger, tables: Iterable[str], known_at: datetime, today: date) -> list[Gap]:
    """The gaps of all extracts that fill these tables, at a state of knowledge."""
    extracts = [e for table in sorted(set(tables)) for e in declared.extracts_of(table)]
    return [gap for e in extracts for gap in gaps_of(e, ledger.counting(e.extract, known_at), today)]


def not_in_the_folder(scan: Scan, ledger: Ledger, new: Iterable[Delivery]) -> Iterator[str]:
    """What this home knows and one built anew from the same folder would not: first sightings (of new deliveries), withdrawals
    that the register lacks, arrivals that were once declared earlier."""
    if seen := [d.name for d in new if d.arrival_source == SIGHTING]:
        yield sighted(seen)
    hashes = {found.delivery_id: found.sha256 for found in scan.files}
    if lines := only_in_ledger(ledger.withdrawals(), scan.withdrawals, hashes):
        yield (
            f"withdrawn in this home only: a home built anew would count them again. Add to {scan.folder / WITHDRAWALS} (columns "
            "delivery,withdrawn_at,reason):\n" + "\n".join(f"  {line}" for line in lines)
        )
    known = {d.delivery_id: d for d in ledger.recorded()}
    for found in scan.files:
        before = known.get(found.delivery_id)
        if before and found.arrived_at and before.arrived_at < found.arrived_at and found.arrival_source != SIGHTING:
            yield (
                f"{found.name} is known to have arrived at {before.arrived_at.isoformat(timespec='minutes')} ({before.arrival_source}); "
                f"what the folder says now, {found.arrived_at.isoformat(timespec='minutes')}, does not undo that. If the earlier "
                "time was a mistake, build the home anew."
            )


def sighted(names: list[str]) -> str:
    """That the arrival of these files is nowhere declared, and what to do."""
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"arrival of {listed}: only when this home first saw the file, which a home built anew cannot know. "
        "Put such files into RECEIVED-AT/SYSTEM/, or list them in arrivals.csv."
    )
