"""From a figure back to where it comes from: clause, readings, query, window, deliveries, and each observation with its reason.

Works from an edition and the store as it was known then; recomputes with the same code that made it, so what it shows adds up
to the figure. Printing is the command line's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from . import edition
from .counting import Count, approved_count, combined_count
from .declared import Declared
from .errors import CallerError
from .grading import Graded, grade_figure
from .home import Home
from .intake.ledger import Ledger
from .measures import arguments, day_range, observations_sql, run_scan
from .plan import Placed, Plan
from .printing import danish, exact_text
from .query import Measure
from .results import Figure, figure
from .scanning import Scanning, load_plan


@dataclass
class Question:
    """Which figure is asked about. Raises CallerError for an unknown plan, row, edition or reading."""

    home: Home
    declared: Declared
    plan_id: str
    row_id: str
    as_of: date | None = None
    number: int | None = None
    chosen: tuple[str, ...] = ()

    @cached_property
    def plan(self) -> Plan:
        return load_plan(self.declared, self.plan_id)

    @cached_property
    def placed(self) -> Placed:
        return self.plan.require_row(self.row_id)

    @cached_property
    def folder(self) -> Path:
        return edition.find(self.home, self.plan_id, self.as_of, self.number)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return edition.read_manifest(self.folder)

    @cached_property
    def scanning(self) -> Scanning:
        return Scanning(
            self.home,
            self.declared,
            Ledger(self.home.ledger),
            self.plan,
            date.fromisoformat(self.manifest["as_of"]),
            datetime.fromisoformat(self.manifest["known_at"]),
        )

    @property
    def measure(self) -> Measure:
        if self.placed.row.measure is None:
            raise CallerError(
                f"{self.plan_id} {self.row_id} is not counted from an extract; 'maal explain {self.plan_id} {self.row_id}' says what it waits for."
            )
        return self.declared.measures[self.placed.row.measure]

    @property
    def count(self) -> Count:
        """The count under the chosen readings, the approved ones where none is chosen."""
        as_of = self.scanning.as_of
        found = (
            combined_count(self.placed.row, self.measure, as_of, list(self.chosen))
            if self.chosen
            else approved_count(self.placed.row, self.measure, as_of)
        )
        if found is None:
            raise CallerError(f"{self.plan_id} {self.row_id} has no period at {as_of}.")
        return found


def explain(question: Question) -> dict[str, Any]:
    """The whole way back for one row, as plain values."""
    placed, row = question.placed, question.placed.row
    record = next(r for r in edition.read_table(question.folder, "fulfilment") if r["row"] == row.id)
    said: dict[str, Any] = {
        "plan": question.plan_id,
        "title": question.plan.title,
        "row": row.id,
        "text": row.text,
        "clause": {"document": question.plan.contract.document, "lines": row.clause.lines},
        "as_of": question.manifest["as_of"],
        "edition": question.manifest["edition"],
        "known_at": question.manifest["known_at"],
        "provisional": question.manifest["provisional"],
        "weight": None if placed.weight is None else danish(placed.weight, 3),
        "figure": {
            k: record[k] for k in ("verdict", "value", "unit", "numerator", "denominator", "target", "low", "high", "reason")
        },
        "readings": [_reading(r, record) for r in row.readings],
        "notes": row.notes,
        "defects": row.defects,
        "questions": row.questions,
        "supplier": row.supplier,
    }
    if row.measure:
        said["counting"] = _counting(question, record)
        said["deliveries"] = _deliveries(question)
    if question.chosen:
        said["combination"] = _combination(question)
    return said


def _reading(reading: Any, record: dict[str, Any]) -> dict[str, Any]:
    found = {a["id"]: a for a in record["readings"]}
    return {
        "id": reading.id,
        "question": reading.question,
        "why": reading.why,
        "approved": reading.approved,
        "approved_by": reading.approved_by,
        "options": [
            {"id": f"{reading.id}.{word}", "text": option.text, "approved": word == reading.approved}
            | {k: found.get(f"{reading.id}.{word}", {}).get(k) for k in ("value", "verdict", "reason")}
            for word, option in reading.options.items()
        ],
    }


def _counting(question: Question, record: dict[str, Any]) -> dict[str, Any]:
    measure, count = question.measure, question.count
    results = edition.read_table(question.folder, "results")
    figure_row = next(
        (r for r in results if r["row"] == question.row_id and r["reading"] == "approved" and r["section"] == "figure"), None
    )
    reasons = _reasons(figure_row["reasons"], measure) if figure_row else []
    return {
        "measure": measure.name,
        "summary": measure.header.summary,
        "numerator": measure.header.numerator,
        "denominator": measure.header.denominator,
        "query": f"sql/{measure.path.name}",
        "query_sha256": next(i["sha256"] for i in question.manifest["inputs"] if i["name"] == f"measure:{measure.name}"),
        "window": day_range(count.scan.days),
        "from_date": count.scan.days.after + timedelta(days=1),
        "to_date": count.scan.days.to,
        "where": {g: list(v) for g, v in count.where},
        "parameters": dict(count.scan.parameters),
        "options": dict(count.options),
        "result": count.result.model_dump(exclude_unset=True),
        "counted": figure_row["counted"] if figure_row else None,
        "unknown": figure_row["unknown"] if figure_row else None,
        "outside_where": figure_row["outside"] if figure_row else None,
        "excluded": reasons,
        "leading_rows": figure_row["leading_rows"] if figure_row else None,
        "rows_set_aside": record["rows_set_aside"],
    }


def _reasons(text: str | None, measure: Measure) -> list[dict[str, Any]]:
    pairs = [pair.rsplit(": ", 1) for pair in (text or "").split(", ") if pair]
    return [{"reason": code, "text": measure.header.reasons.get(code, code), "observations": int(n)} for code, n in pairs]


def _deliveries(question: Question) -> list[dict[str, Any]]:
    tables = question.measure.reads
    extracts = {e.extract for t in tables for e in question.declared.extracts_of(t)}
    return [d for d in question.manifest["deliveries"] if d["extract"] in extracts and d["counts"]]


def _combination(question: Question) -> dict[str, Any]:
    count, (fig, graded) = question.count, _computed(question)
    return {
        "readings": list(question.chosen),
        "numerator": exact_text(fig.numerator),
        "denominator": exact_text(fig.denominator),
        "value": None if fig.value is None else exact_or_rounded(fig.value),
        "unit": count.target.unit,
        "verdict": graded.verdict,
        "reason": graded.reason,
    }


def exact_or_rounded(value: Fraction) -> float:
    """A figure for display, to nine decimals."""
    return round(float(value), 9)


def _computed(question: Question) -> tuple[Figure, Graded]:
    scanning, count = question.scanning, question.count
    assert scanning.current is not None
    scanned = run_scan(scanning.connection, question.measure, count.scan, [count.options])
    lacking = scanning.missing(question.measure, count.scan.days)
    found = figure(scanned, count, question.measure.header.kind) if not lacking else Figure(None, None, reason=lacking)
    return found, grade_figure(found, count.target, count.grade)


def observations(question: Question) -> list[dict[str, Any]]:
    """Each observation under the chosen readings, with its reason and whether the row's filter takes it."""
    scanning, count, measure = question.scanning, question.count, question.measure
    assert scanning.current is not None
    keys = ", ".join(measure.header.grain)
    cursor = scanning.connection.execute(
        f"select * from ({observations_sql(measure, [count.options])}) order by {keys}", arguments(measure, count.scan)
    )
    names = [d[0] for d in cursor.description]
    found = []
    for values in cursor.fetchall():
        record = dict(zip(names, values, strict=True))
        outside = any(str(record[g]) not in allowed for g, allowed in count.where)
        reason = record.pop("reason")
        record["counts"] = "outside" if outside else "excluded" if reason else "counted" if record["is_known"] else "unknown"
        record["reason"] = measure.header.reasons.get(reason, reason) if reason else None
        found.append(record)
    return found
