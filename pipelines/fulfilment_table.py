"""The fulfilment of one plan as a table on a terminal: Danish words and numbers, one line a row, made to be read at a glance.

The records are those of `maal show fulfilment --format json`; nothing is computed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from maalopfyldelse.plan_terms import UNIT_WORDS
from maalopfyldelse.printing import danish, danish_exact, danish_figure

if TYPE_CHECKING:
    from rich.table import Table

SIGN = {
    "opfyldt": "[green]✓[/] opfyldt",
    "delvist opfyldt": "[yellow]◐[/] delvist opfyldt",
    "ikke opfyldt": "[red]✗[/] ikke opfyldt",
    "afventer vurdering": "[dim]…[/] afventer vurdering",
    "ikke opgjort": "[dim]–[/] ikke opgjort",
    "uden for gradueringen": "[yellow]?[/] uden for gradueringen",
}
_DECIDED = ("opfyldt", "delvist opfyldt", "ikke opfyldt")
_SYMBOL = {"at_least": "≥", "at_most": "≤", "under": "<", "over": ">"}
_MONTHS = ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"]


def fulfilment_table(records: Iterable[dict[str, Any]]) -> Table:
    """The records of one plan at one reporting date as a table."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    records = list(records)
    first = records[0]
    state = "foreløbig" if first["provisional"] else "endelig"
    title = f"{first['plan']} pr. {_danish_date(first['as_of'])}, udgave {first['edition']} ({state})"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for heading in ("Nr.", "Krav"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=38)
    table.add_column("Verdikt", no_wrap=True)
    for heading in ("Resultat", "Mål", "Point"):
        table.add_column(heading, no_wrap=True, justify="right")
    table.add_column("Bemærkning", overflow="fold")
    for record in records:
        indent = "  " if record["parent"] else ""
        cells = [indent + record["row"], escape(record["text"]), SIGN.get(record["verdict"] or "", "")]
        cells += [_figure(record), _target(record), _points(record), escape(_note(record))]
        table.add_row(*cells, style="bold" if record["level"] in ("goal", "total") else None)
    if first["level"] != "total":
        table.caption, table.caption_justify, table.caption_style = _counts(records), "left", ""
    return table


def _counts(records: list[dict[str, Any]]) -> str:
    """A plan without weights has counts, never a percentage: verdicts of all its rows, and by dimension where rows are marked."""
    dimensions = sorted({d for r in records for d in r["dimensions"] or []})
    lines = [_counted("I alt", records)]
    lines += [_counted(d, [r for r in records if d in (r["dimensions"] or [])]) for d in dimensions]
    return "\n".join(lines)


def _counted(name: str, records: list[dict[str, Any]]) -> str:
    verdicts = Counter(r["verdict"] or "uden verdikt" for r in records)
    return f"{name}: " + ", ".join(
        f"{n} {verdict}" for verdict, n in sorted(verdicts.items(), key=lambda item: (-item[1], item[0]))
    )


def short(text: str, width: int) -> str:
    """The text, or as much of it as fits."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _figure(record: dict[str, Any]) -> str:
    if record["value"] is None or record["level"] == "total":
        return ""
    target = None if record["target"] is None else Fraction(record["target"])
    return f"{danish_figure(Fraction(record['value']), target)} {UNIT_WORDS.get(record['unit'], '')}".strip()


def _target(record: dict[str, Any]) -> str:
    target: Decimal | None = record["target"]
    if target is None:
        return ""
    return f"{_SYMBOL[record['comparison']]} {danish_exact(Fraction(target))}"


def _points(record: dict[str, Any]) -> str:
    low, high = record["points_low"], record["points_high"]
    if low is None:
        return ""
    ends = [danish(Fraction(x), 2) for x in (low, high)]
    return f"{ends[0] if ends[0] == ends[1] else '–'.join(ends)} af {danish(Fraction(record['weight']), 2)}"


def _note(record: dict[str, Any]) -> str:
    """The reason, and which other readings would turn the verdict."""
    turning = []
    if record["verdict"] in _DECIDED and record["value"] is not None:
        turning = [a["id"] for a in record["readings"] or [] if a["verdict"] in _DECIDED and a["verdict"] != record["verdict"]]
    notes = [record["reason"], f"andet verdikt ved {', '.join(turning)}" if turning else None]
    return "; ".join(note for note in notes if note)


def _danish_date(day: date) -> str:
    return f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"
