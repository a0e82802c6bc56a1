"""Printing what changed between two editions: a row a changed figure with its causes side by side. No figure is made here."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from maalopfyldelse.printing import exact_text

if TYPE_CHECKING:
    from maalopfyldelse.restatement import Change, Restatement

HEADINGS = {
    "withdrawn": "withdrawn",
    "superseded": "superseded",
    "new_rows": "new rows",
    "plan": "plan",
    "query": "query",
    "code": "code",
}
_SHOWN = {
    "value": "",
    "points_low": "points, least",
    "points_high": "points, most",
    "low": "degree, least",
    "high": "degree, most",
}
_BESIDE = {
    "rows_set_aside": "other rows set aside, the figures stand",
    "readings": "other under alternative readings, the figures stand",
    "reason": "other remarks, the figures stand",
}


def print_restatement(found: Restatement, form: str) -> None:
    """As a table with a note to each row, or as JSON: what restatement.json says."""
    if form == "json":
        print(json.dumps(found.as_plain(), ensure_ascii=False, indent=1))
        return
    words = ["provisional" if p else "final" for p in (found.was_provisional, found.is_provisional)]
    print(f"{found.plan} at {found.as_of}: edition {found.old} ({words[0]}) to edition {found.new} ({words[1]})")
    for name, rows in found.beside.items():
        print(f"{_BESIDE[name]}: {', '.join(rows)}")
    if not found.changes:
        print("No figure differs." if found.beside else "Nothing differs.")
        return
    _print_table(found)
    for change in found.changes:
        verdicts = (change.old.verdict, change.new.verdict)
        if change.old_text != change.new_text:
            print(
                f"{change.row}: {'new in the plan' if change.old_text is None else 'other words' if change.new_text else 'left the plan'}"
            )
        if verdicts[0] != verdicts[1]:
            print(f"{change.row}: verdict {verdicts[0] or 'none'} → {verdicts[1] or 'none'}")
    for table, moved in sorted(found.moved.items()):
        print(f"{table}: {moved.withdrawn} rows withdrawn, {moved.superseded} superseded, {moved.new_rows} new")
    if found.retaken:
        print(f"taken again under a changed contract, counted as superseded: {', '.join(found.retaken)}")
    for cause, other in found.joined.items():
        print(f"{HEADINGS[cause]} cannot be told from {HEADINGS[other]}, and is counted there")
    if found.problem:
        print(f"The causes cannot be computed. {found.problem}")


def _print_table(found: Restatement) -> None:
    from rich import box
    from rich.table import Table

    from .render import terminal

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("row", "", "old", "new", "difference", *HEADINGS.values()):
        table.add_column(name, justify="left" if name in ("row", "") else "right", overflow="fold")
    for change in found.changes:
        for n, (name, label) in enumerate(_quantities(change)):
            parts = {part.cause: part.by[name] for part in change.parts}
            causes = [_signed(parts[cause]) if cause in parts else "" for cause in HEADINGS]
            old, new = getattr(change.old, name), getattr(change.new, name)
            table.add_row(
                "" if n else change.row, label, _number(old), _number(new), _signed(change.by(name), unknown=""), *causes
            )
    terminal().print(table)


def _quantities(change: Change) -> list[tuple[str, str]]:
    """What to show of a row: its figure and its points where they differ, else its degree, else only that its sums do."""
    unit = change.unit or ""
    differing = [
        (name, label or unit) for name, label in _SHOWN.items() if getattr(change.old, name) != getattr(change.new, name)
    ]
    if any(name.startswith("points") for name, _ in differing):
        differing = [(name, label) for name, label in differing if name not in ("low", "high")]
    if differing:
        return differing
    return [(name, name) for name in ("numerator", "denominator") if getattr(change.old, name) != getattr(change.new, name)]


def _number(number: Fraction | None) -> str:
    return "" if number is None else str(exact_text(number))


def _signed(number: Fraction | None, unknown: str = "?") -> str:
    if number is None:
        return unknown
    text: Any = exact_text(number)
    return "" if number == 0 else f"+{text}" if number > 0 else str(text)
