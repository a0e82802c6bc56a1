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
_FIXED = {0: "Nr.", 2: "Verdikt", 3: "Resultat", 4: "Mål", 5: "Point"}  # never cut: a row's number and its figures
_LEAST_TEXT, _MOST_TEXT, _LEAST_NOTE = 10, 38, 24
_MONTHS = ["januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"]


def fulfilment_table(records: Iterable[dict[str, Any]], width: int) -> Table:
    """The records of one plan at one reporting date as a table for `width` characters. Row numbers, verdicts and figures are never cut:
    the contract's words are, or left out where there is no room; remarks without room beside the rows stand below them."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    records = list(records)
    first = records[0]
    state = "foreløbig" if first["provisional"] else "endelig"
    title = f"{first['plan']} pr. {_danish_date(first['as_of'])}, udgave {first['edition']} ({state})"
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    rows = [
        [
            ("  " if record["parent"] else "") + record["row"],
            record["text"],
            SIGN.get(record["verdict"] or "", ""),
            _figure(record),
            _target(record),
            _points(record),
        ]
        for record in records
    ]
    widths = [max(len(heading), *(Text.from_markup(row[n]).cell_len for row in rows)) for n, heading in _FIXED.items()]
    notes = [_note(record) for record in records]
    room = width - sum(widths) - 2 * (len(widths) + 2)
    beside = any(notes) and room >= _LEAST_TEXT + _LEAST_NOTE
    text_width = min(_MOST_TEXT, room - _LEAST_NOTE if beside else room)
    has_text = text_width >= _LEAST_TEXT
    table.add_column("Nr.", no_wrap=True, min_width=widths[0])
    if has_text:
        table.add_column("Krav", no_wrap=True, width=text_width)
    table.add_column("Verdikt", no_wrap=True, min_width=widths[1])
    for heading, least in zip(("Resultat", "Mål", "Point"), widths[2:], strict=True):
        table.add_column(heading, no_wrap=True, justify="right", min_width=least)
    if beside:
        table.add_column("Bemærkning", overflow="fold")
    for record, row, note in zip(records, rows, notes, strict=True):
        row[1:2] = [escape(short(row[1], text_width))] if has_text else []
        table.add_row(*row, *([escape(note)] if beside else []), style="bold" if record["level"] in ("goal", "total") else None)
    below = [] if beside else [f"{r['row']}: {note}" for r, note in zip(records, notes, strict=True) if note]
    below += [_counts(records)] if first["level"] != "total" else []
    if below:
        table.caption, table.caption_justify, table.caption_style = Text("\n".join(below)), "left", ""
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
