"""When figures are final, and which final figures a new edition would change.

A figure is provisional until the plan's closing days are over at the date of knowledge and every period due has been delivered.
What follows from it (the word in every table, a reason that must be given) is edition.py's and the reports'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from .dates import danish_midnight
from .scanning import Scanning

# What is a figure among the fields of `fulfilment`; the others say where it stands or why.
FIGURES = ("verdict", "value", "numerator", "denominator", "target", "low", "high", "points_low", "points_high")
_SHOWN = 20


def is_provisional(scanning: Scanning) -> bool:
    """Whether deliveries may still change the plan's figures."""
    plan = scanning.plan
    closes = danish_midnight(scanning.as_of + timedelta(days=plan.reporting.closing_days + 1))
    if scanning.known_at < closes:
        return True
    for approved in (variants[0] for variants in scanning.variants.values()):
        for count in approved.counts.values():
            measure = scanning.declared.measures[count.scan.measure] if count else None
            if count and measure and any(scanning.missing(measure, scan.days) for scan in count.scans):
                return True
    return False


def changed_final(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """Each row whose figure was final and is now another, as `changed` tells it."""
    return changed([record for record in before if not record["provisional"]], after)


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """Each row of `before` whose figure is now another, in words: `M2.A: verdict …, value 86.5 → 87.1`."""
    new = {record["row"]: record for record in after}
    found = []
    for record in before:
        other = new.get(record["row"])
        said = "no longer in the plan" if other is None else ", ".join(_differences(record, other))
        if said:
            found.append(f"{record['row']}: {said}")
    return found


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in FIGURES:
        if old[name] != new[name]:
            yield f"{name.replace('_', ' ')} {_plain(old[name])} → {_plain(new[name])}"


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return "none" if value is None else str(value)


def refusal(plan: str, as_of: object, number: int, changes: list[str]) -> str:
    """What to say when final figures would change and nobody has said why."""
    more = [f"  … and {len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
    listed = "\n".join([f"  {change}" for change in changes[:_SHOWN]] + more)
    return (
        f"{plan} at {as_of} was not published: edition {number} is final, and these of its figures would change:\n{listed}\n"
        "Run again with --reason TEXT, which says why and is kept in the new edition; or withdraw the delivery that changes them "
        "(maal withdraw), if it is wrong."
    )
