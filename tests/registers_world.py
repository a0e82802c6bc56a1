"""Deliveries of the registers: acts, numbers, items, assessments, budgets, decisions, as files of whatever layout is declared.

The rows are given by the tables' columns; headings, words and forms of dates and numbers are looked up in the extract that fills
the table, so a changed heading changes no test. What arrives at intake is a file as somebody would send it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from world import World

from maalopfyldelse.contract import Extract, Layout, Table
from maalopfyldelse.contract_source import Source

Row = Mapping[str, Any]
REGISTRANT, APPROVER = "Prøve Prøvesen", "Anden Prøvesen"


class RegistersWorld(World):
    """A World whose registers can be delivered as well. Every method takes rows as dicts; a column a row does not name is empty."""

    def deliver_events(self, plan: str, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Acts: row, act, date, and optionally kind, document, registrant, approver (None: not approved)."""
        names = {"row": "plan_row", "date": "event_date"}
        return self.deliver_table(
            "events", [_named(r, names) | {"kind": r.get("kind", "sendt")} for r in rows], received_at, plan
        )

    def deliver_counts(self, plan: str, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Numbers: row, name, date, number, and optionally of."""
        names = {"row": "plan_row", "date": "as_of_date", "of": "of_number"}
        return self.deliver_table("register_counts", [_named(r, names) for r in rows], received_at, plan)

    def deliver_items(self, plan: str, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Items: row, and optionally started, due, done, exempt, complex."""
        names = {
            "row": "plan_row",
            "started": "started_date",
            "due": "due_date",
            "done": "done_date",
            "exempt": "is_exempt",
            "complex": "is_complex",
        }
        no = {"is_exempt": False, "is_complex": False}
        return self.deliver_table("items", [no | _named(r, names) for r in rows], received_at, plan)

    def deliver_assessments(self, plan: str, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Assessments: row, as_of, and optionally parameter, verdict, degree, points, assessed, role, reason."""
        names = {
            "row": "plan_row",
            "as_of": "as_of_date",
            "assessed": "assessed_date",
            "role": "assessor_role",
            "reason": "has_reason",
        }
        given = [_named(r, names) for r in rows]
        usual = [{"assessed_date": r["as_of_date"], "assessor_role": "Departementet", "has_reason": True} for r in given]
        return self.deliver_table("assessments", [u | r for u, r in zip(usual, given, strict=True)], received_at, plan)

    def deliver_budget(self, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Budget figures: institution, year, figure, amount_dkk."""
        return self.deliver_table("budget_figures", rows, received_at)

    def deliver_state_absence(self, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> list[Path]:
        """Quarters of the institutions: institution, quarter (`2020Q4`), days, fte, and optionally heads. One file a quarter."""
        given = [_named(r, {"days": "absence_days"}) for r in rows]
        quarters = sorted({r["quarter"] for r in given})
        if self._extract("state_absence").period is None:
            return [self.deliver_table("state_absence", given, received_at)]
        return [
            self.deliver_table("state_absence", [r for r in given if r["quarter"] == q], received_at, period=q) for q in quarters
        ]

    def deliver_decisions(self, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Decisions: scheme, applied, decided, and optionally population, first, complicated, target, outcome."""
        names = {
            "applied": "application_date",
            "decided": "decision_date",
            "first": "is_first_time",
            "complicated": "is_complicated",
            "target": "has_target",
        }
        usual = {"population": "tredjeland", "is_first_time": True, "is_complicated": False, "has_target": True}
        given = [usual | _named(r, names) for r in rows]
        decided = [{"outcome": "bevilget"} if r.get("decision_date") else {} for r in given]
        return self.deliver_table("decisions", [d | r for d, r in zip(decided, given, strict=True)], received_at)

    def deliver_applications(self, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Applications to pools: received, and optionally deadline, replied, withdrawn."""
        names = {"received": "received_date", "deadline": "deadline_date", "replied": "replied_date", "withdrawn": "is_withdrawn"}
        given = [{"is_withdrawn": False} | _named(r, names) for r in rows]
        return self.deliver_table("pool_applications", given, received_at)

    def deliver_complaints(self, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Complaints: received, and optionally decided, withdrawn."""
        names = {"received": "received_date", "decided": "decided_date", "withdrawn": "is_withdrawn"}
        return self.deliver_table("complaints", [{"is_withdrawn": False} | _named(r, names) for r in rows], received_at)

    def deliver_activity(self, rows: Sequence[Row], received_at: str = "2030-01-01T0800") -> Path:
        """Numbers of a period: series, from, to, number."""
        names = {"from": "period_from_date", "to": "period_to_date"}
        return self.deliver_table("activity_counts", [_named(r, names) for r in rows], received_at)

    def deliver_table(
        self, table: str, rows: Sequence[Row], received_at: str, plan: str | None = None, period: str | None = None
    ) -> Path:
        """Delivers rows of a table as the file its extract expects. Ids, registrant and approver are filled in where not given."""
        extract, spec = self._extract(table), self.declared.tables[table]
        filled = [self._filled(spec, row, plan) for row in rows]
        layout = next((x for x in extract.layouts if x.format.type == "csv"), extract.layouts[0])
        written = [_written(spec, layout, row) for row in filled]
        read = dict.fromkeys(column for source in layout.columns.values() for column in source.columns)
        headings = [*read, *layout.ignore, *layout.personal]
        name = _file_name(extract, layout, period.replace("Q", "K") if period else f"{received_at}_{self._ids}")
        if layout.format.type == "csv":
            return self.deliver_rows(received_at, extract.system, name, headings, written, layout.format.delimiter)
        return self.deliver(received_at, extract.system, name, _workbook(layout, headings, written))

    def _extract(self, table: str) -> Extract:
        return self.declared.extracts_of(table)[0]

    def _filled(self, table: Table, row: Row, plan: str | None) -> dict[str, Any]:
        self._ids += 1
        usual: dict[str, Any] = {"plan": plan, "registrant": REGISTRANT, "approver": APPROVER}
        usual |= {column: f"{table.table}-{self._ids}" for column in table.key if column.endswith("_id")}
        row = usual | dict(row)
        for person in ("registrant", "approver"):
            row.setdefault(f"{person}_key", row.pop(person))
        unknown = set(row) - set(table.columns) - {"plan", "registrant_key", "approver_key"}
        assert not unknown, f"{table.table} has no column {sorted(unknown)}"
        return row


def _named(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in row.items()}


def _file_name(extract: Extract, layout: Layout, word: str) -> str:
    patterns = [p for p in layout.files or extract.files if p.endswith(f".{layout.format.type}")]
    return patterns[0].replace("*", f"_{word}", 1).replace("*", "").lstrip("_")


def _written(table: Table, layout: Layout, row: Row) -> dict[str, str]:
    cells: dict[str, str] = {}
    for column, source in layout.columns.items():
        value = row.get(column)
        if source.template_text is not None and source.template is not None and value is not None:
            cells |= _taken_apart(source.template, str(value))
        elif (name := source.from_ or source.hash_of) is not None:
            cells[name] = _cell(source, table.columns[column].type, value)
    for column, source in layout.columns.items():
        # The end of a period is written as the period: `2021-12-31` of the template `{år}` is 2021.
        value = row.get(column)
        if source.period_end_of is not None and value is not None and not set(source.columns) <= set(cells):
            cells |= _taken_apart(source.period_end_of, str(value.year if isinstance(value, date) else value))
    return cells


def _taken_apart(template: str, value: str) -> dict[str, str]:
    names = re.findall(r"\{([^{}]+)\}", template)
    pattern = re.sub(r"\\\{[^{}]+\\\}", "(.+)", re.escape(template))
    found = re.fullmatch(pattern, value)
    assert found, f"'{value}' is not of the form {template}"
    return dict(zip(names, found.groups(), strict=True))


def _cell(source: Source, type_: str, value: Any) -> str:
    if value is None:
        return ""
    word = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if source.codes:
        return next((theirs for theirs, ours in source.codes.items() if ours == word), word)
    if isinstance(value, date):
        form = source.format[0] if isinstance(source.format, list) else source.format
        return value.strftime(form or "%Y-%m-%d")
    if isinstance(value, (int, float, Decimal)) or type_.startswith("decimal"):
        return word.replace(".", source.decimal)
    return word


def _workbook(layout: Layout, headings: list[str], rows: list[dict[str, str]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = layout.format.sheet or "Ark1"
    for _ in range(layout.format.header_row - 1):
        sheet.append([""])
    sheet.append(headings)
    for row in rows:
        sheet.append([row.get(h, "") for h in headings])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
