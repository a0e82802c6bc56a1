"""One run's work: home, ledger, declarations and deliveries, with each step done once however often it is asked for.

What the assets do, without Dagster: taking an extract in and holding it against its rules, the scans of a measure, a plan's
fulfilment, its edition, the analysts' file. The steps themselves are the other modules'; here is only who needs what first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .contract import Extract, Rule
from .declared import Declared
from .engines import DuckDB, Engine
from .errors import MaalError
from .home import Home
from .intake.deliveries import Scan as Folder
from .intake.deliveries import scan as scan_folder
from .intake.ledger import Blocker, CheckResult, Delivery, Ledger
from .intake.shown import hold_reason
from .plan import Plan

if TYPE_CHECKING:
    from .edition import Computed, Published
    from .measures import Scanned
    from .scanning import Scanning

Moment = tuple[str, date, datetime]


@dataclass(frozen=True)
class Intaken:
    """What one extract's intake came to. `checks` are the results that stand for its stored deliveries, whether evaluated now
    (`is_evaluated`) or before; `blockers` is what stops the plans that read the extract."""

    new: list[Delivery]
    known: int
    refused: list[Delivery]
    checks: list[CheckResult]
    is_evaluated: bool
    stored: list[Delivery]
    blockers: list[Blocker]

    def failures(self, rule: Rule) -> list[CheckResult]:
        """Where the rule fails today. A critical failure counts until it is corrected or withdrawn; another one as long as the
        delivery's rows count."""
        standing = {b.delivery_id for b in self.blockers} if rule.severity == "critical" else {d.delivery_id for d in self.stored}
        return [c for c in self.checks if c.code == rule.code and not c.success and c.delivery_id in standing]


@dataclass
class Work:
    """The lock of the home is the caller's to hold. `now` is only written down, never computed with."""

    home: Home
    declared: Declared
    deliveries: Path
    now: datetime
    say: Callable[[str], None] = lambda text: None
    plans: dict[str, Plan] = field(default_factory=dict)
    engine: Engine = field(default_factory=DuckDB)
    published: list[Published] = field(default_factory=list)
    workbooks: list[Path] = field(default_factory=list)  # for the senders of what was set aside or refused
    error: BaseException | None = None  # the first that a step raised, kept as it was
    _intaken: dict[str, Intaken] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)
    _scannings: dict[Moment, Scanning] = field(default_factory=dict)
    _computed: dict[Moment, Computed] = field(default_factory=dict)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.home.ledger)

    @cached_property
    def folder(self) -> Folder:
        """What lies in the deliveries folder. Raises CallerError when it cannot be read or is empty."""
        self.say(f"looking through {self.deliveries}")
        return scan_folder(self.deliveries, self.declared.extracts, self.ledger, self.now)

    # -- intake -------------------------------------------------------------------------------------------------------

    def intake(self, extract_id: str) -> Intaken:
        """Takes in what is new of an extract and holds it against its rules; before it, the extracts that its rules look up.

        Raises CallerError when a rule is malformed. A refused file or a failed rule raises nothing: it stands in the outcome.
        """
        if extract_id not in self._intaken:
            self._begun.add(extract_id)
            for other in self._looked_up(self.declared.extracts[extract_id]):
                if other not in self._begun:  # two extracts may look each other up
                    self.intake(other)
            with self.ledger.held():
                self._intaken[extract_id] = self._take(extract_id)
        return self._intaken[extract_id]

    def _looked_up(self, extract: Extract) -> list[str]:
        from .expectations import refers_to

        return [e.extract for table in sorted(refers_to(extract, self.declared)) for e in self.declared.extracts_of(table)]

    def _take(self, extract_id: str) -> Intaken:
        from .expectations import evaluate
        from .intake.take import take_extract
        from .rejects_workbook import keep_workbooks

        said: list[str] = []

        def rules(text: str) -> None:
            said.append(text)
            self.say(f" {extract_id}: {text}")

        taken = take_extract(self.home, self.declared, extract_id, self.folder, self.ledger, lambda text: self.say(f" {text}"))
        self.workbooks += keep_workbooks(self.home, self.declared, self.ledger, extract_id, taken.read)
        checks = evaluate(self.home, self.declared, self.ledger, extract_id, rules)
        if taken.new:
            kept, aside = (sum(getattr(d, name) or 0 for d in taken.new) for name in ("rows_kept", "rows_set_aside"))
            self.say(f"  {extract_id}: {len(taken.new)} new files, {kept} rows kept, {aside} set aside")
        return Intaken(
            taken.new,
            taken.known,
            taken.refused,
            checks,
            bool(said),
            self.ledger.counting(extract_id),
            self.ledger.blocking([extract_id]),
        )

    @property
    def intaken(self) -> dict[str, Intaken]:
        """What has been taken in so far, by extract."""
        return self._intaken

    # -- editions -----------------------------------------------------------------------------------------------------

    def known_at(self) -> datetime:
        """The date of knowledge when none is given: the latest arrival. Raises MaalError when nothing has arrived."""
        latest = self.ledger.latest_arrival()
        if latest is None:
            raise MaalError("Nothing has been delivered yet. Run the intake first.")
        return latest

    def plan(self, plan_id: str) -> Plan:
        """A declared plan. Raises CallerError when it is unknown or does not hold."""
        from .scanning import load_plan

        if plan_id not in self.plans:
            self.plans[plan_id] = load_plan(self.declared, plan_id)
        return self.plans[plan_id]

    def scanned(self, measure: str, plan_id: str, as_of: date, known_at: datetime) -> list[Scanned]:
        """The scans that a plan's rows need of a measure. Raises what `computed` raises."""
        scanning = self._scanning(plan_id, as_of, known_at)
        return [scanning.scanned(scan) for scan in scanning.scans if scan.measure == measure]

    def computed(self, plan_id: str, as_of: date, known_at: datetime) -> Computed:
        """A plan's fulfilment. Raises CallerError for a date outside the contract, MaalError when deliveries it depends on were
        refused, failed a critical rule or were not held against the rules."""
        from .edition import compute

        moment = (plan_id, as_of, known_at)
        if moment not in self._computed:
            self._scanning(*moment)
            self._computed[moment] = compute(
                self.home, self.declared, self.ledger, self.plan(plan_id), as_of, known_at, self.say, self.engine
            )
        return self._computed[moment]

    def _scanning(self, plan_id: str, as_of: date, known_at: datetime) -> Scanning:
        from .scanning import Scanning

        moment = (plan_id, as_of, known_at)
        if moment not in self._scannings:
            plan = self.plan(plan_id)
            plan.require_date(as_of)
            scanning = Scanning(
                self.home, self.declared, self.ledger, plan.at(as_of), as_of, known_at, self.say, engine=self.engine
            )
            extracts = sorted({e.extract for table in scanning.tables for e in self.declared.extracts_of(table)})
            self._hold_at(known_at, extracts)
            scanning.refuse_if_blocked()
            self._refuse_if_unchecked(plan_id, extracts, known_at)
            self._scannings[moment] = scanning
        return self._scannings[moment]

    def _hold_at(self, known_at: datetime, extracts: Iterable[str]) -> None:
        """At a past state of knowledge a rule that looks up other extracts may find something else: it is asked once. What the
        intake should have held against the rules is left to the intake."""
        from .expectations import evaluate, unchecked

        if known_at < self.known_at() and not unchecked(self.declared, self.ledger, extracts):
            for extract_id in self._after_what_they_look_up(extracts):
                if unchecked(self.declared, self.ledger, [extract_id], known_at):
                    self.say(f"holding {extract_id} against its rules as of {known_at.isoformat(timespec='minutes')}")
                    evaluate(self.home, self.declared, self.ledger, extract_id, lambda text: None, known_at=known_at)

    def _after_what_they_look_up(self, extracts: Iterable[str]) -> list[str]:
        """These extracts and those they look up, the latter first."""
        found: dict[str, None] = {}
        begun: set[str] = set()

        def add(extract_id: str) -> None:
            if extract_id not in begun:
                begun.add(extract_id)
                for other in self._looked_up(self.declared.extracts[extract_id]):
                    add(other)
                found[extract_id] = None

        for extract_id in extracts:
            add(extract_id)
        return list(found)

    def _refuse_if_unchecked(self, plan_id: str, extracts: Iterable[str], known_at: datetime) -> None:
        from .expectations import unchecked

        if left := unchecked(self.declared, self.ledger, extracts, known_at):
            names = ", ".join(d.name for d in left[:5]) + (", …" if len(left) > 5 else "")
            raise MaalError(
                f"{plan_id} was not published: {len(left)} deliveries have not been held against the present rules ({names}). "
                "Run the intake, then run again."
            )

    def publish(self, plan_id: str, as_of: date, known_at: datetime, reason: str | None) -> Published:
        """The plan's next edition, or the one that already says the same. Raises what `computed` raises."""
        from .edition import publish

        if reason:
            hold_reason(reason)
        computed = self.computed(plan_id, as_of, known_at)
        self.say(f"publishing {plan_id} at {as_of}")
        published = publish(computed, self.ledger, reason=reason, now=self.now)
        self.published.append(published)
        return published

    def publish_analyst(self, known_at: datetime) -> bool:
        """Swaps in the analysts' file; False when the one that stands says the same. A plan that does not hold is left out: it
        must not keep the others' figures from the analysts."""
        from .analyst import publish

        self._hold_at(known_at, sorted(self.declared.extracts))
        plans = []
        for plan_id in self.declared.plan_paths:
            try:
                plans.append(self.plan(plan_id))
            except MaalError as error:
                self.say(f"left out of analyst.duckdb: {error}")
        return publish(self.home, self.declared, self.ledger, plans, known_at, self.say)

    def counted(self) -> tuple[int, int]:
        """How many scans were run, and how many were already there."""
        scannings = [*self._scannings.values()]
        return sum(len(s.ran) for s in scannings), sum(len(s.reused) for s in scannings)
