"""`maal run`: one intake run, then one edition run a plan, through Dagster and in one process.

Here belongs the order of the runs and what is told of them. Dagster is imported when the deliveries have been looked at, so that a
wrong folder is told at once; what an asset raises comes out as it was, never as Dagster's.
"""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maalopfyldelse.checks_page import write_checks_page
from maalopfyldelse.dates import danish_date
from maalopfyldelse.declared import REPOSITORY, Declared
from maalopfyldelse.edition import Published
from maalopfyldelse.engines import DuckDB, Engine
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.home import Home
from maalopfyldelse.news import all_gaps, not_in_the_folder
from maalopfyldelse.plan import Plan
from maalopfyldelse.scanning import tables_of, told
from maalopfyldelse.work import Work

if TYPE_CHECKING:
    import dagster as dg


@dataclass
class Outcome:
    """What a run came to: editions made or confirmed, what is worth knowing, and what stopped (exit code 1)."""

    published: list[Published] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def run(
    home: Home,
    declared: Declared,
    deliveries: Path,
    plans: Sequence[Plan],
    *,
    as_of: date | None,
    known_at: datetime | None,
    reason: str | None,
    say: Callable[[str], None],
    now: datetime,
    engine: Engine | None = None,
) -> Outcome:
    """Takes in what lies in `deliveries`, then makes an edition of each plan at `as_of` (default: its last reporting date),
    counted by `engine` (default: DuckDB).

    The caller holds the home's lock. Raises CallerError for the caller's mistakes; a plan that is refused stands among the
    problems, and the others are published.
    """
    work = Work(home, declared, deliveries, now, say, {plan.plan: plan for plan in plans}, engine or DuckDB())
    folder = work.folder
    say("loading Dagster")
    with _dagster(home) as instance:
        from assets.step import KNOWN_AT_TAG, PLAN_TAG, REASON_TAG
        from maalopfyldelse.scanning import measures_of

        from . import jobs, partitions
        from .definitions import build

        definitions = build(declared=declared, plans=plans, work=work)
        _execute(definitions, jobs.INTAKE, work, instance)
        outcome = Outcome(notes=list(_intake_notes(work)))
        write_checks_page(home, declared, work.ledger)
        known = known_at or work.known_at()
        tags = {KNOWN_AT_TAG: known.isoformat()} | ({REASON_TAG: reason} if reason else {})
        for plan in plans:
            key = partitions.add(instance, as_of or max(plan.reporting.dates))
            assets = jobs.plan_assets(plan.plan, measures_of(plan))
            try:
                _execute(
                    definitions,
                    jobs.EDITION,
                    work,
                    instance,
                    partition_key=key,
                    asset_selection=assets,
                    tags=tags | {PLAN_TAG: plan.plan},
                )
            except CallerError:
                raise
            except MaalError as error:
                outcome.problems.append(str(error))
        # Once for all plans: writing it takes as long as an edition.
        _execute(definitions, jobs.EDITION, work, instance, asset_selection=[jobs.ANALYST_FILE], tags=tags)
    outcome.published = work.published
    outcome.notes += _news(work, plans, as_of, known)
    outcome.notes += [note for published in work.published for note in published.notes]
    ran, reused = work.counted()
    if reused:
        outcome.notes.append(f"counted {ran} scans; {reused} were known already and not run again")
    already = "\n".join(outcome.problems)
    outcome.problems += [p.message for p in folder.problems]
    blockers = [b for intaken in work.intaken.values() for b in intaken.blockers]
    outcome.problems += [told(b, declared) for b in blockers if b.name not in already]
    return outcome


def _execute(definitions: dg.Definitions, job: str, work: Work, instance: dg.DagsterInstance, **arguments: Any) -> None:
    """Runs a job; raises what a step raised, as it was raised."""
    import dagster as dg

    from . import jobs
    from .definitions import QUIET

    work.error = None
    try:
        result = definitions.resolve_job_def(job).execute_in_process(
            run_config={"loggers": {QUIET: {}}}, instance=instance, raise_on_error=False, **arguments
        )
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None
    failures = [str(getattr(e.event_specific_data, "error", "")) for e in result.all_events if e.is_failure]
    if _is_interrupted(work.error) or any(dg.DagsterExecutionInterruptedError.__name__ in text for text in failures):
        raise KeyboardInterrupt from None
    if work.error is not None:
        raise work.error
    # An intake whose blocking checks fail has failed for Dagster, and has said why in its outcome.
    is_whole = result.success or (job == jobs.INTAKE and set(work.intaken) == set(work.declared.extracts))
    if not is_whole:
        raise MaalError(f"Dagster's run {result.run_id} failed; its page shows where (make dagster).")


def _is_interrupted(error: BaseException | None) -> bool:
    """Ctrl-C, in the words of Python, Dagster or DuckDB, whichever was at work."""
    import dagster as dg

    interrupted = isinstance(error, (KeyboardInterrupt, dg.DagsterExecutionInterruptedError))
    return interrupted or (isinstance(error, RuntimeError) and str(error) == "Query interrupted")


@contextmanager
def _dagster(home: Home) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance with its storage in the home."""
    os.environ["MAAL_DAGSTER"] = str(home.dagster)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dagster as dg
        from dagster._core.storage.event_log.sqlite import sqlite_event_log
        from dagster._core.storage.runs.sqlite import sqlite_run_storage
        from sqlalchemy import Engine, event

        if not event.contains(Engine, "connect", _unhurried):
            event.listen(Engine, "connect", _unhurried)
        for module in (sqlite_event_log, sqlite_run_storage):
            module.create_engine = _engine  # type: ignore[attr-defined]
        with dg.DagsterInstance.from_config(str(REPOSITORY)) as instance:
            # Who runs holds the home, and now we do: a run that still counts as started was killed, and would keep the
            # runs of Dagster's pages waiting for ever.
            for killed in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
                instance.report_run_failed(killed, "The process of this run ended without a word.")
            yield instance


@cache
def _known_engine(url: str) -> Any:
    from sqlalchemy import NullPool, create_engine

    return create_engine(url, poolclass=NullPool, connect_args={"timeout": 30})


def _engine(url: str, **_: Any) -> Any:
    # Dagster makes an engine for every event, so that SQLAlchemy forgets each time what it had compiled: a fifth of the run. This
    # keeps one a database; connections are opened and closed as ever.
    return _known_engine(url)


def _unhurried(connection: Any, _: Any) -> None:
    # Dagster writes each event to several databases and opens and closes them each time; waiting for the disk every time took
    # a third of the run. A power failure may cost its history the last second; the ledger is not written here.
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")


def _news(work: Work, plans: Sequence[Plan], as_of: date | None, known_at: datetime) -> Iterator[str]:
    """Gaps among the periods that these plans read, up to the date they report on, and what only this home knows."""
    said: dict[str, None] = {}
    for plan in plans:
        until = min(danish_date(known_at), (as_of or max(plan.reporting.dates)) + timedelta(days=1))
        said |= dict.fromkeys(
            gap.text for gap in all_gaps(work.declared, work.ledger, tables_of(plan, work.declared), known_at, until)
        )
    yield from said
    yield from not_in_the_folder(work.folder, work.ledger, [d for one in work.intaken.values() for d in one.new])


def _intake_notes(work: Work) -> Iterator[str]:
    intaken = work.intaken
    new = [d for i in intaken.values() for d in i.new]
    known = sum(i.known for i in intaken.values())
    if new:
        rows = sum(d.rows_kept or 0 for d in new)
        aside = sum(d.rows_set_aside or 0 for d in new)
        yield f"intake: {len(new)} new deliveries, {rows} rows kept, {aside} set aside; {known} deliveries were known already"
    else:
        yield f"intake: nothing new; {known} deliveries were known already and not read again"
    if work.workbooks:
        yield f"set aside or refused: {len(work.workbooks)} deliveries; a workbook for each sender lies in {work.home.rejects}"
    if not any(i.is_evaluated for i in intaken.values()):
        yield "expectations: nothing new to hold against the rules"
    for extract_id, one in sorted(intaken.items()):
        for rule in work.declared.extracts[extract_id].rules:
            failures = one.failures(rule)
            if failures and rule.severity != "critical":
                where = f"{len(failures)} {'delivery' if len(failures) == 1 else 'deliveries'}"
                yield f"{rule.severity}: {extract_id} {rule.code} on {where}: {rule.message}"
