"""Where a plan stands before its next reporting date: figures so far, and what is still missing and who supplies it.

Nothing here is published. Words after the review date are verdicts; before it, on track, off track or too early.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from .dates import danish_date
from .declared import Declared
from .edition import compute
from .errors import MaalError
from .grading import AWAITED, MET, NOT_MET, PARTLY
from .home import Home
from .intake.ledger import Ledger
from .news import SIGHTING, all_gaps, sighted
from .scanning import load_plan, told


def status_of(home: Home, declared: Declared, plan_id: str) -> dict[str, Any]:
    """The status at the latest arrival. Raises CallerError for an unknown plan, MaalError when nothing has been delivered."""
    plan = load_plan(declared, plan_id)
    ledger = Ledger(home.ledger)
    known_at = ledger.latest_arrival()
    if known_at is None:
        raise MaalError("Nothing has been delivered yet. Run 'maal run' first.")
    today = danish_date(known_at)
    reporting = next((d for d in sorted(plan.reporting.dates) if d >= today), max(plan.reporting.dates))
    at = min(max(today, plan.contract.from_), reporting)
    computed = compute(home, declared, ledger, plan, at, known_at)
    rows = []
    for line in computed.lines:
        row = plan.placed[line.row].row if line.row != "total" else None
        if row is None or line.level == "goal":
            continue
        gaps = [
            gap
            for count in computed.scanning.variants[row.id][0].counts.values()
            if count and (gap := computed.scanning.missing(declared.measures[count.scan.measure], count.scan.days))
        ]
        missing = "; ".join(gaps) or (line.reason if line.verdict == AWAITED else None)
        rows.append(
            {
                "row": row.id,
                "text": row.text,
                "track": _track(line.verdict, missing, at, reporting),
                "value": None if line.value is None else round(float(line.value), 9),
                "target": None if line.target is None else round(float(line.target), 9),
                "unit": line.unit,
                "missing": missing,
                "supplier": row.supplier,
            }
        )
    seen = [d.name for d in computed.deliveries if d.arrival_source == SIGHTING]
    return {
        "plan": plan.plan,
        "title": plan.title,
        "as_of": at,
        "next_report": reporting,
        "known_at": known_at,
        "gaps": [
            gap.text for gap in all_gaps(declared, ledger, computed.scanning.tables, known_at, min(today, plan.contract.to))
        ],
        "sighted": sighted(seen) if seen else None,
        "blocked": [told(b, declared) for b in ledger.blocking(declared.extracts, known_at)],
        "rows": rows,
    }


def _track(verdict: str | None, missing: str | None, at: date, reporting: date) -> str:
    """Before the date on track, off track or too early; after it the verdict, or that something is missing."""
    if at >= reporting:
        return "missing" if missing else verdict or "no verdict at this date"
    if verdict in (MET, NOT_MET, PARTLY) and not missing:
        return "on track" if verdict == MET else "off track"
    return "too early"
