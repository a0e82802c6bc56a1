"""One measured job of the intake benchmark, in a process of its own: `python -m benchmarks.intake_jobs JOB FOLDER`.

FOLDER holds `deliveries/` with one file of call events and the list of queues. Prints one line of JSON: seconds of wall and of
processor (user and system) time of the job alone, without start-up and imports, the peak memory of the whole process in
MB, and the sums of what was written. Jobs: `copy`, `copy-full` (the engine's own), `plain`, `full` (ours), `rules` (the
expectations over the rows that `full` left).
"""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

# what a job needs is imported before its time begins
import maalopfyldelse.intake.load
import maalopfyldelse.intake.match  # noqa: F401
from benchmarks import intake_contracts as contracts
from benchmarks.measured import measured
from maalopfyldelse.declared import Declared
from maalopfyldelse.expectations import evaluate
from maalopfyldelse.home import Home
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.ledger import Ledger
from maalopfyldelse.intake.take import take_extract

JOBS = ("copy", "plain", "copy-full", "full", "rules")
SIGHTED = datetime(2022, 1, 1, tzinfo=UTC)


def run(job: str, folder: Path) -> dict[str, Any]:
    """Does the job anew; what was measured."""
    (file,) = folder.glob("deliveries/*/puzzel/call_events_*.csv")
    out = folder / job
    if job in ("copy", "copy-full"):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        target = out / "calls.parquet"
        sql = contracts.copy_sql(file, target, with_caller=job == "copy-full")
        done, _ = measured(lambda: _copy(sql))
        return done | {"sums": _sums(target, of_instants=False)}
    if job == "rules":
        return _rules(Home(folder / "full"))
    shutil.rmtree(out, ignore_errors=True)
    home = Home(out)
    declared, extract = (contracts.plain(), "plain_calls") if job == "plain" else (contracts.full(), contracts.REAL)
    done, _ = measured(lambda: _take(home, declared, extract, folder / "deliveries"))
    (target,) = home.store.glob("*/*.parquet")
    return done | {"sums": _sums(target, of_instants=job == "full")}


def _copy(sql: str) -> None:
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        con.execute(sql)


def _take(home: Home, declared: Declared, extract: str, deliveries: Path) -> None:
    """From the folder to the ledger, as a run does it."""
    ledger = Ledger(home.ledger)
    one = {extract: declared.extracts[extract]} | {k: e for k, e in declared.extracts.items() if k == "puzzel_queues"}
    report = take_extract(home, declared, extract, scan(deliveries, one, ledger, SIGHTED), ledger)
    if len(report.new) != 1 or report.new[0].rows_set_aside:
        raise SystemExit(f"the file was not taken as it should be: {report}")


def _rules(home: Home) -> dict[str, Any]:
    declared, ledger = contracts.full(), Ledger(home.ledger)
    deliveries = home.path.parent / "deliveries"
    take_extract(home, declared, "puzzel_queues", scan(deliveries, declared.extracts, ledger, SIGHTED), ledger)
    evaluate(home, declared, ledger, "puzzel_queues")  # imports Great Expectations too
    done, _ = measured(lambda: evaluate(home, declared, ledger, contracts.REAL))
    found = evaluate(home, declared, ledger, contracts.REAL)
    return done | {"sums": [[check.code, check.success, check.unexpected_count] for check in found]}


def _sums(parquet: Path, *, of_instants: bool) -> list[str]:
    with duckdb.connect() as con:
        return [str(value) for value in con.execute(contracts.sums_sql(parquet, of_instants=of_instants)).fetchall()[0]]


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))
