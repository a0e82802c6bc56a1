"""What Dagster costs: `python -m benchmarks.orchestration maal|plain DELIVERIES HOME`, the sample's plans from an empty home.

`maal` is what `maal run` does, `plain` the same steps without Dagster. Imports and start-up lie outside the times. Prints one line of
JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

# what the jobs need is imported before their time begins
import pipelines.definitions
import pipelines.run
from benchmarks.measured import measured
from maalopfyldelse import gx_suite
from maalopfyldelse.checks_page import write_checks_page
from maalopfyldelse.declared import Declared, load
from maalopfyldelse.home import Home
from maalopfyldelse.plan import Plan
from maalopfyldelse.scanning import load_plans
from maalopfyldelse.work import Work

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def with_dagster(home: Home, declared: Declared, deliveries: Path, plans: list[Plan]) -> int:
    """How many editions `maal run` makes."""
    made = pipelines.run.run(
        home, declared, deliveries, plans, as_of=None, known_at=None, reason=None, say=lambda text: None, now=NOW
    )
    return len(made.published)


def plain(home: Home, declared: Declared, deliveries: Path, plans: list[Plan]) -> int:
    """How many editions the same steps make."""
    work = Work(home, declared, deliveries, NOW, plans={plan.plan: plan for plan in plans})
    for extract_id in declared.extracts:
        work.intake(extract_id)
    write_checks_page(home, declared, work.ledger)
    known_at = work.known_at()
    for plan in plans:
        work.publish(plan.plan, max(plan.reporting.dates), known_at, None)
    work.publish_analyst(known_at)
    return len(work.published)


def main(arguments: list[str]) -> int:
    job, deliveries, home = arguments[0], Path(arguments[1]), Home(Path(arguments[2]))
    declared = load()
    plans = load_plans(declared)
    gx_suite.connection()
    with home.locked("benchmark"):
        done, editions = measured(lambda: (with_dagster if job == "maal" else plain)(home, declared, deliveries, plans))
    print(json.dumps(done | {"found": editions}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
