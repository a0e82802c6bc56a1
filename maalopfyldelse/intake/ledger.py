"""The ledger: what follows from its facts alone at a date of knowledge. Which deliveries count, and which stop a plan.

The facts themselves, and how they are kept, are facts.py's; rows are current.py's. A state of knowledge is what had arrived and
what had been withdrawn by then, judged by the contracts as they stand now: a changed contract or rule holds for all deliveries,
early and late. A rule that looks up other extracts is judged by those of their deliveries that counted at the same moment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ..errors import CallerError, nearest
from .facts import CheckResult, Delivery, Facts, Reject

__all__ = ["TWO_FILES", "Blocker", "CheckResult", "Delivery", "Ledger", "Reject"]

TWO_FILES = "TWO_FILES_OF_ONE_PERIOD"


@dataclass(frozen=True)
class Blocker:
    """Why plans that read an extract must stop: a refused delivery, or one that failed a critical check."""

    extract: str
    delivery_id: str
    name: str
    code: str
    message: str


class Ledger(Facts):
    """The ledger at `path`, made when absent. Raises CallerError when the file is no ledger."""

    def delivery(self, delivery_id: str) -> Delivery | None:
        """One delivery as it stands now, or None."""
        return next((d for d in self.deliveries() if d.delivery_id == delivery_id), None)

    def deliveries(self, extract: str | None = None, known_at: datetime | None = None) -> list[Delivery]:
        """All deliveries known at a moment (default: everything), in order of arrival and name.

        Two files of one period in one arrival are both shown as refused unless their contract keys the rows; that follows from
        the facts at the moment asked about, so withdrawing one of the two frees the other.
        """
        return _refuse_twins(self.recorded(extract, known_at))

    def counting(self, extract: str, known_at: datetime | None = None) -> list[Delivery]:
        """The deliveries whose rows may count: stored, not withdrawn, no critical check failed. Superseding comes after."""
        return self._counting(extract, known_at, ())

    def _counting(self, extract: str, known_at: datetime | None, above: tuple[str, ...]) -> list[Delivery]:
        failed = self._critically_failed(extract, known_at, above)
        return [
            d
            for d in self.deliveries(extract, known_at)
            if d.state == "stored" and d.withdrawn_at is None and d.delivery_id not in failed
        ]

    # -- checks -------------------------------------------------------------------------------------------------------

    def refs_hash(self, looks_up: str, known_at: datetime | None = None) -> str:
        """Which deliveries of these extracts (blank-separated) count at a moment; empty for none."""
        return self._refs_hash(looks_up, known_at, ())

    def _refs_hash(self, looks_up: str, known_at: datetime | None, above: tuple[str, ...]) -> str:
        if not looks_up:
            return ""
        counting = [d for extract in looks_up.split() for d in self._counting(extract, known_at, above)]
        said = [(d.delivery_id, d.arrived_at.isoformat(), d.name, d.period, d.contract_hash) for d in counting]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def checks(self, extract: str | None = None, known_at: datetime | None = None) -> list[CheckResult]:
        """The results that hold at a moment (default: now)."""
        return self._holding(self.recorded_checks(extract), known_at, ())

    def _holding(self, checks: list[CheckResult], known_at: datetime | None, above: tuple[str, ...]) -> list[CheckResult]:
        now = {looks_up: self._refs_hash(looks_up, known_at, above) for looks_up in {c.looks_up for c in checks}}
        return [c for c in checks if not c.looks_up or c.refs_hash == now[c.looks_up]]

    def _critically_failed(self, extract: str, known_at: datetime | None, above: tuple[str, ...] = ()) -> dict[str, list[str]]:
        """delivery → codes. `above` are the extracts on whose account is asked: critical rules may not look each other up in a
        circle (expectations.py refuses it), and a ledger in which they once did must not send us round."""
        found = [c for c in self.recorded_checks(extract) if not c.success and c.severity == "critical"]
        if extract in above:
            found = [c for c in found if not c.looks_up]
        failed: dict[str, list[str]] = {}
        for check in self._holding(found, known_at, (*above, extract)):
            failed.setdefault(check.delivery_id, []).append(check.code)
        return failed

    # -- withdrawals, what blocks -------------------------------------------------------------------------------------

    def withdraw(self, delivery_id: str, reason: str, at: datetime) -> Delivery:
        """Takes a delivery out of the current rows from `at` on. Raises CallerError for an unknown or withdrawn one."""
        known = {d.delivery_id: d for d in self.deliveries()}
        delivery = known.get(delivery_id)
        if delivery is None:
            raise CallerError(f"No delivery is called '{delivery_id}'{nearest(delivery_id, known)}")
        if delivery.withdrawn_at is not None:
            raise CallerError(f"{delivery_id} was withdrawn already, at {delivery.withdrawn_at.isoformat()}.")
        reason = " ".join(reason.split())
        if not reason:
            raise CallerError("A withdrawal needs a reason; it stands in every edition that it changes.")
        self.record_withdrawal(delivery_id, reason, at)
        return replace(delivery, withdrawn_at=at)

    def blocking(self, extracts: Iterable[str], known_at: datetime | None = None) -> list[Blocker]:
        """What must stop a plan that reads these extracts: refused or critically failed, neither withdrawn nor corrected.

        Corrected is a delivery after which a good one came: any later one (`whole`), of the same period (`period`), or of
        the same file name or period (`key`). A refused file is corrected too by a good one put in its place.
        """
        blockers: list[Blocker] = []
        for extract in sorted(set(extracts)):
            failed = self._critically_failed(extract, known_at)
            good = self.counting(extract, known_at)
            for bad in self.deliveries(extract, known_at):
                codes = failed.get(bad.delivery_id, [])
                if bad.withdrawn_at is not None or (bad.state == "stored" and not codes):
                    continue
                if any(_corrects(later, bad) for later in good):
                    continue
                code = bad.code or "REFUSED" if bad.state == "refused" else codes[0]
                message = bad.message or "" if bad.state == "refused" else f"failed the critical rule {', '.join(codes)}"
                blockers.append(Blocker(extract, bad.delivery_id, bad.name, code, message))
        return blockers


def _refuse_twins(deliveries: list[Delivery]) -> list[Delivery]:
    """Where rows have no key, two files of one period in one arrival contradict each other: neither can be the newer."""
    twins: dict[tuple[str, datetime, str | None], list[Delivery]] = {}
    for d in deliveries:
        if d.state == "stored" and d.withdrawn_at is None and d.superseding != "key":
            period = d.period if d.superseding == "period" else None
            twins.setdefault((d.extract, d.arrived_at, period), []).append(d)
    messages: dict[str, str] = {}
    for (_, arrived_at, period), group in twins.items():
        if len(group) > 1:
            names = " and ".join(sorted(d.name for d in group))
            what = f"the period {period}" if period else "the same thing"
            text = (
                f"{names} arrived together ({arrived_at.isoformat()}) and both speak of {what}; neither is the newer. "
                "Withdraw the wrong one (maal withdraw), or give it the time at which it really arrived."
            )
            messages |= {d.delivery_id: text for d in group}
    return [
        replace(d, state="refused", code=TWO_FILES, message=messages[d.delivery_id]) if d.delivery_id in messages else d
        for d in deliveries
    ]


def _corrects(later: Delivery, bad: Delivery) -> bool:
    if bad.state == "refused" and (later.name, later.system, later.arrived_at) == (bad.name, bad.system, bad.arrived_at):
        return True
    if later.arrived_at <= bad.arrived_at:
        return False
    if later.superseding == "whole":
        return True
    same_period = bad.period is not None and later.period == bad.period
    return same_period or (later.superseding == "key" and later.name == bad.name)
