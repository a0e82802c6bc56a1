"""The project's own side of the whole-job benchmark: `python -m benchmarks.ours JOB DELIVERIES HOME [AS_OF]`.

JOB is `run` (whatever is new is taken in and held against its rules, then the plan's rows are counted and graded) or `count` (the
stored rows counted and graded at another date). No Dagster; what a run does around it is measured by bench.py. Prints one line of
JSON: times, memory and the answers, in the form that all of the benchmark's scripts give.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

# what the job needs is imported before its time begins
import maalopfyldelse.fulfilment
import maalopfyldelse.intake.load
import maalopfyldelse.intake.match
import maalopfyldelse.rejects_workbook  # noqa: F401
from benchmarks.measured import measured
from maalopfyldelse import gx_suite
from maalopfyldelse.declared import Declared, load
from maalopfyldelse.edition import Computed
from maalopfyldelse.fulfilment import Outcome
from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import Ledger
from maalopfyldelse.plan import Plan
from maalopfyldelse.scanning import load_plan, tables_of
from maalopfyldelse.work import Work

gx_suite.imported()

PLAN, GOALS = "star-2021", ("M2", "M4")  # the goals whose rows are counted from calls, tickets, cases and the panel
AS_OF = date(2021, 12, 31)
BIG = ("call_events", "tickets", "cases", "jobcentre_panel")  # what is large; the other tables are lists of a few rows
NOW = datetime(2022, 2, 1, tzinfo=UTC)


def plan_of(declared: Declared) -> Plan:
    """The plan with the goals that are compared, and nothing else."""
    plan = load_plan(declared, PLAN)
    rows = [row for row in plan.rows if row.id in GOALS]
    said = plan.model_dump(by_alias=True, exclude_unset=True) | {"weights": sum(row.weight or 0 for row in rows)}
    return Plan.model_validate(said | {"rows": [row.model_dump(by_alias=True, exclude_unset=True) for row in rows]})


def run(declared: Declared, plan: Plan, deliveries: Path, home: Path) -> Computed:
    """From the folder to the graded lines."""
    work = Work(Home(home), declared, deliveries, NOW, plans={PLAN: plan})
    with work.home.locked("benchmark"):
        for table in tables_of(plan, declared):
            for extract in declared.extracts_of(table):
                work.intake(extract.extract)
        return work.computed(PLAN, AS_OF, work.known_at())


def count(declared: Declared, plan: Plan, deliveries: Path, home: Path, as_of: date) -> Computed:
    """The graded lines at a date, from the stored rows."""
    work = Work(Home(home), declared, deliveries, NOW, plans={PLAN: plan})
    with work.home.locked("benchmark"):
        return work.computed(PLAN, as_of, work.known_at())


def answers(declared: Declared, home: Path, computed: Computed) -> dict[str, Any]:
    """Rows kept and set aside by reason, rules that failed with the number of deliveries, and each row's figure, under the approved
    reading and under every other."""
    ledger = Ledger(Home(home).ledger)
    rows: dict[str, Any] = {}
    faults = ledger.reject_counts()
    for table in BIG:
        aside: Counter[str] = Counter()
        stored = [d for e in declared.extracts_of(table) for d in ledger.deliveries(e.extract)]
        for delivery in stored:
            for (code, column), times in faults.get(delivery.delivery_id, {}).items():
                aside[f"{code} {column}"] += times
        rows[table] = {"kept": sum(d.rows_kept or 0 for d in stored), "set_aside": dict(sorted(aside.items()))}
    failed: Counter[str] = Counter()
    for table in BIG:
        for extract in declared.extracts_of(table):
            failed.update(check.code for check in ledger.checks(extract.extract) if not check.success)
    figures, readings = {}, {}
    for line in computed.lines:
        counted = [o for o in line.outcomes if o.count and o.figure]
        if counted:
            figures[line.row] = _answer(counted[0]) | {"excluded": counted[0].figure.excluded if counted[0].figure else {}}
            figures[line.row]["verdict"] = line.verdict
            readings[line.row] = {o.id: _answer(o) for o in counted[1:]}
    return {"rows": rows, "rules": dict(sorted(failed.items())), "figures": figures, "readings": readings}


def _answer(outcome: Outcome) -> dict[str, Any]:
    assert outcome.figure is not None
    f = outcome.figure
    return {"numerator": str(f.numerator), "denominator": str(f.denominator), "value": str(f.value)}


def main(arguments: list[str]) -> int:
    job, deliveries, home = arguments[0], Path(arguments[1]), Path(arguments[2])
    declared = load()
    plan = plan_of(declared)
    if job == "run":
        gx_suite.connection()  # imports and starts Great Expectations
        done, computed = measured(lambda: run(declared, plan, deliveries, home))
    else:
        as_of = date.fromisoformat(arguments[3])
        done, computed = measured(lambda: count(declared, plan, deliveries, home, as_of))
    print(json.dumps(done | {"found": answers(declared, home, computed)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
