"""Printing for people and programs: tables on a terminal, JSON, CSV. No figure is made here."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from maalopfyldelse.dates import DANISH_ZONE
from maalopfyldelse.home import Home
from maalopfyldelse.plan_terms import UNIT_WORDS
from maalopfyldelse.printing import danish_figure, spreadsheet_text

from .fulfilment_table import SIGN, fulfilment_table, short

if TYPE_CHECKING:
    from rich.table import Table

    from .run import Outcome


def jsonable(value: Any) -> Any:
    """Plain JSON values: decimals as numbers, dates and instants as ISO text."""
    if isinstance(value, dict):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def print_records(records: list[dict[str, Any]], table: str, form: str) -> None:
    """Prints records of one shape as a table, JSON or CSV."""
    if form == "json":
        print(json.dumps(jsonable(records), ensure_ascii=False, indent=1))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(records[0] if records else [])
        for record in records:
            writer.writerow([_csv_cell(v) for v in record.values()])
    elif not records:
        print("(no rows)")
    elif table == "fulfilment":
        for plan in dict.fromkeys((r["plan"], r["as_of"]) for r in records):
            print_table(fulfilment_table([r for r in records if (r["plan"], r["as_of"]) == plan], terminal().width))
    elif table == "results":
        _results(records)
    else:
        shown = {
            "deliveries": ("delivery_id", "name", "arrived_at", "period", "state", "rows_read", "rows_kept", "rows_set_aside")
        }
        print_table(plain_table(records, shown.get(table)))


def _csv_cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        value = json.dumps(jsonable(value), ensure_ascii=False)
    return spreadsheet_text(value) if isinstance(value, str) else jsonable(value)


def _results(records: list[dict[str, Any]]) -> None:
    figures = [r for r in records if r["section"] == "figure"]
    accounts = [r for r in records if r["section"] == "table"]
    print_table(
        plain_table(
            figures,
            (
                "row",
                "reading",
                "from_date",
                "to_date",
                "numerator",
                "denominator",
                "value",
                "counted",
                "unknown",
                "excluded",
                "outside",
                "leading_rows",
            ),
        )
    )
    print(
        "observations = counted + unknown + excluded + outside the row's filter; Σ source_rows of a measure = its leading rows.\n"
    )
    print_table(
        plain_table(
            accounts,
            (
                "measure",
                "rows_read",
                "rows_kept",
                "rows_set_aside",
                "rows_current",
                "rows_superseded",
                "rows_withdrawn",
                "rows_held_back",
            ),
        )
    )
    print("rows read = kept + set aside; kept = current + superseded + withdrawn + held back.")


def terminal() -> Any:
    """The terminal; where there is none, as wide as COLUMNS says, or 160."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 160, highlight=False)


def print_table(table: Any) -> None:
    """Prints a table as wide as the terminal."""
    terminal().print(table)


def plain_table(records: list[dict[str, Any]], names: Sequence[str] | None = None) -> Table:
    """Records of one shape as a table, the named fields or all."""
    from rich import box
    from rich.table import Table

    names = names or tuple(records[0])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        numeric = any(isinstance(r[name], (int, Decimal)) and not isinstance(r[name], bool) for r in records)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for record in records:
        table.add_row(*(_cell(record[name]) for name in names))
    return table


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value}"
    if isinstance(value, datetime):
        return (value.astimezone(DANISH_ZONE) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M")
    return escape(", ".join(str(v) for v in value) if isinstance(value, list) else str(value))


def print_outcome(outcome: Outcome, home: Home) -> int:
    """What a run came to: the fulfilment of each plan, what stopped, where things are. Returns the exit code."""
    from maalopfyldelse import shelf

    for published in outcome.published:
        print_table(fulfilment_table(shelf.read_table(published.path, "fulfilment"), terminal().width))
    for published in outcome.published:
        word = "published" if published.is_new else "nothing changed; the newest edition stands"
        print(f"{published.plan} at {published.as_of}, edition {published.number}: {word}\n  {published.path}")
    for note in outcome.notes:
        print(note)
    if (home.checks / "index.html").exists():
        print(f"deliveries and checks: {home.checks / 'index.html'}")
    if home.analyst.exists():
        print(f"for analysts: {home.analyst}")
    for problem in outcome.problems:
        print(f"\nstopped: {problem}", file=sys.stderr)
    return 1 if outcome.problems else 0


def print_explanation(said: dict[str, Any], form: str) -> None:
    """The way back from a figure, in 80 columns or as JSON."""
    if form != "table":
        print(json.dumps(jsonable(said), ensure_ascii=False, indent=1, default=str))
        return
    from rich.markup import escape
    from rich.padding import Padding

    console = terminal()
    fig = said["figure"]
    console.print(
        f"[bold]{said['plan']} {said['row']}[/]  {said['as_of']}, edition {said['edition']}"
        + (" (provisional)" if said["provisional"] else "")
    )
    console.print(Padding(escape(said["text"]), (0, 0, 1, 2)))
    lines = said["clause"]["lines"]
    console.print(f"clause      {said['clause']['document']}, line {', '.join(map(str, lines))}")
    unit = UNIT_WORDS.get(fig["unit"] or "", "")
    if fig["value"] is not None:
        console.print(
            f"figure      {_cell(fig['value'])} {unit} = {fig['numerator']} / {fig['denominator']}   target {_cell(fig['target'])} {unit}"
        )
    console.print(
        f"verdict     {SIGN.get(fig['verdict'] or '', '(none at this date)')}"
        + (f"  {escape(fig['reason'])}" if fig["reason"] else "")
    )
    for item in said["criteria"]:
        role = "" if item["role"] == "scored" else f" [dim]({item['role']})[/]"
        value = "" if item["value"] is None else f" {_cell(Decimal(str(item['value'])))}"
        console.print(f"  {SIGN.get(item['verdict'] or '', '')}{value}  {item['id']}: {escape(item['text'])}{role}")
        for text in [item["reason"], *(_evidence(found) for found in item["evidence"])]:
            if text:
                console.print(Padding(f"[dim]{escape(text)}[/]", (0, 0, 0, 6)))
    for combination in said.get("combination", []):
        of = f" {combination['criterion']}" if combination["criterion"] else ""
        console.print(
            f"\n[bold]with {', '.join(combination['readings'])}[/]{of}: {combination['value']} {unit} = "
            f"{combination['numerator']} / {combination['denominator']}, {combination['verdict']}; counted so:"
        )
    for counting in said["counting"]:
        if counting["criterion"]:
            console.print(f"\n[bold]{counting['criterion']}[/]")
        console.print(f"window      {counting['window']}")
        console.print(_beside("counted     ", f"{escape(counting['numerator'])} / {escape(counting['denominator'])}"))
        console.print(f"query       {counting['query']}  sha256 {counting['query_sha256'][:12]}")
        settings = {
            **counting["parameters"],
            **counting["options"],
            **{f"where {k}": "+".join(v) for k, v in counting["where"].items()},
        }
        console.print(Padding("; ".join(f"{k} = {v}" for k, v in settings.items()), (0, 0, 0, 12)))
        window = "" if counting["leading_rows"] is None else f"{counting['leading_rows']} in the window; "
        console.print(f"rows        {window}{counting['rows_set_aside']} rows set aside at intake")
        console.print(
            f"            {counting['counted']:>8} observations counted, {counting['outside_where']} outside the row's filter"
        )
        for item in counting["excluded"]:
            console.print(f"            {item['observations']:>8} excluded: {escape(item['text'])}")
    for reading in said["readings"]:
        console.print(f"\n[bold]{reading['id']}[/] {escape(reading['question'])}")
        for option in reading["options"]:
            figure_ = "" if option["value"] is None else f"{danish_figure(Fraction(option['value']), None)} {unit}".strip()
            tail = "approved" if option["approved"] else "; ".join(x for x in (figure_, option["verdict"], option["reason"]) if x)
            label = f"  {'●' if option['approved'] else '○'} {option['id'].split('.', 1)[1]}  "
            console.print(_beside(label, f"{escape(option['text'])} [dim]– {escape(tail)}[/]"))
            for text in option["decides"]:
                console.print(Padding(f"[dim]{escape(text)}[/]", (0, 0, 0, 7)))
        console.print(Padding(f"[dim]{escape(reading['why'])}[/]", (0, 0, 0, 2)))
    for heading, key in (("notes", "notes"), ("defects in the text", "defects"), ("open questions", "questions")):
        for text in said[key]:
            console.print(f"\n{heading}: {escape(text)}")
    if deliveries := said.get("deliveries"):
        console.print("\n[bold]deliveries[/]")
        for d in deliveries:
            console.print(
                f"  {escape(d['file'])}  {d['rows_kept']} rows, {d['rows_set_aside']} set aside, sha256 {d['sha256'][:12]}"
            )


def _beside(label: str, text: str) -> Table:
    """A label with a text beside it that keeps clear of the label where it is folded."""
    from rich.table import Table

    table = Table.grid()
    table.add_column(width=len(label), no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(label, text)
    return table


def _evidence(found: dict[str, Any]) -> str:
    """An entry of a register in one line."""
    said = [f"{name} {value}" for name, value in found.items() if value is not None and name not in ("row", "is_approved")]
    return "; ".join([*said, "approved" if found["is_approved"] else "not approved by another yet"])


def print_status(said: dict[str, Any], form: str) -> None:
    """Where a plan stands."""
    if form == "json":
        print(json.dumps(jsonable(said), ensure_ascii=False, indent=1, default=str))
        return
    print(
        f"{said['title']}\nfigures as of {said['as_of']}, next report {said['next_report']}, latest arrival {_cell(said['known_at'])} Danish time"
    )
    for text in said["blocked"]:
        print(f"blocked: {text}")
    for text in [*said["gaps"], *filter(None, [said["sighted"]])]:
        print(text)
    rows = [
        r | {"text": short(r["text"], 40), "value": _figure(r["value"], r["target"]), "target": _number(r["target"])}
        for r in said["rows"]
    ]
    print_table(plain_table(rows, ("row", "text", "track", "value", "target", "unit", "missing", "supplier")))


def _figure(value: float | None, target: float | None) -> Decimal | None:
    """A figure rounded as in the other tables, so that it stays on its side of the target."""
    if value is None:
        return None
    mark = None if target is None else Fraction(str(target))
    return Decimal(danish_figure(Fraction(str(value)), mark).replace(",", "."))


def _number(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
