"""From a figure back to where it comes from: clause, readings, query, window, deliveries, and each observation with its reason.

Works from an edition and the store as it was known then; recomputes with the same code that made it, so what it shows adds up
to the figure. Printing is the command line's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from . import manifest, shelf
from .counting import Count, approved_words, chosen_words, count_of, read_under
from .deciding import Deciding
from .declared import Declared
from .errors import CallerError
from .fulfilment import Judged, Line, fulfilment
from .grading import grade_figure
from .home import Home
from .intake.ledger import Ledger
from .manifest import Manifest
from .measures import arguments, day_range, observations_sql
from .plan import Placed, Plan, Row
from .plan_terms import Grade
from .printing import danish, exact_text
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
        return load_plan(self.declared, self.plan_id).at(self.manifest.as_of)

    @cached_property
    def placed(self) -> Placed:
        return self.plan.require_row(self.row_id)

    @cached_property
    def folder(self) -> Path:
        load_plan(self.declared, self.plan_id).require_row(self.row_id)
        return shelf.find(self.home, self.plan_id, self.as_of, self.number)

    @cached_property
    def manifest(self) -> Manifest:
        return manifest.read(self.folder)

    @cached_property
    def scanning(self) -> Scanning:
        return Scanning(
            self.home,
            self.declared,
            Ledger(self.home.ledger),
            self.plan,
            self.manifest.as_of,
            self.manifest.known_at,
        )

    @cached_property
    def line(self) -> Line:
        """The row's line, computed again."""
        lines = fulfilment(self.scanning, provisional=self.manifest.provisional, set_aside={})
        return next(line for line in lines if line.row == self.row_id)

    @cached_property
    def read(self) -> Row:
        """The row under the chosen readings, the approved ones where none is chosen."""
        row = self.placed.row
        return read_under(row, chosen_words(row, list(self.chosen)) if self.chosen else approved_words(row))

    @property
    def counts(self) -> Iterator[tuple[str | None, Count]]:
        """The figures of the row under the chosen readings: its own under None, its criteria's under their ids."""
        for name, counting in self.read.countings:
            measure = self.declared.measures[counting.measure]
            count = count_of(counting, measure, self.scanning.as_of, f"row {self.row_id}")
            if count is not None:
                yield name, count


def explain(question: Question) -> dict[str, Any]:
    """The whole way back for one row, as plain values."""
    placed, row = question.placed, question.placed.row
    record = next(r for r in shelf.read_table(question.folder, "fulfilment") if r["row"] == row.id)
    counts, deciding = list(question.counts), Deciding(question.scanning, row.id)
    said: dict[str, Any] = {
        "plan": question.plan_id,
        "title": question.plan.title,
        "row": row.id,
        "text": row.text,
        "clause": {"document": question.plan.contract.document, "lines": row.clause.lines},
        "as_of": question.manifest.as_of,
        "edition": question.manifest.edition,
        "known_at": question.manifest.known_at,
        "provisional": question.manifest.provisional,
        "weight": None if placed.weight is None else danish(placed.weight, 3),
        "figure": {
            k: record[k]
            for k in ("verdict", "value", "unit", "numerator", "denominator", "comparison", "target", "low", "high", "reason")
        },
        "readings": [_reading(r, record, deciding) for r in row.readings],
        "notes": row.notes,
        "defects": row.defects,
        "questions": row.questions,
        "supplier": row.supplier,
        "criteria": [_criterion(judged) for judged in question.line.outcomes[0].judged],
        "counting": [_counting(question, name, count, record) for name, count in counts],
        "deliveries": _deliveries(question, counts),
    }
    if question.chosen:
        said["combination"] = [_combination(question, name, count) for name, count in counts]
    return said


def _reading(reading: Any, record: dict[str, Any], deciding: Deciding) -> dict[str, Any]:
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
            | {"decides": deciding.words(f"{reading.id}.{word}")}
            for word, option in reading.options.items()
        ],
    }


def _criterion(judged: Judged) -> dict[str, Any]:
    criterion = judged.criterion
    return {
        "id": criterion.id,
        "text": criterion.text,
        "role": "condition" if criterion.condition else "scored" if criterion.scored else "shown only",
        "verdict": judged.graded.verdict,
        "reason": judged.graded.reason,
        "value": None if judged.figure is None or judged.figure.value is None else round(float(judged.figure.value), 9),
        "evidence": [asdict(found) for found in judged.found],
    }


def _counting(question: Question, name: str | None, count: Count, record: dict[str, Any]) -> dict[str, Any]:
    measure = question.declared.measures[count.scan.measure]
    fig = _figure(question, count)
    inputs = {i.name: i.sha256 for i in question.manifest.inputs}
    return {
        "criterion": name,
        "measure": measure.name,
        "summary": measure.header.summary,
        "numerator": measure.header.numerator,
        "denominator": measure.header.denominator,
        "query": f"sql/{measure.path.name}",
        "query_sha256": inputs[f"measure:{measure.name}"],
        "window": day_range(count.scan.days),
        "from_date": count.scan.days.after + timedelta(days=1),
        "to_date": count.scan.days.to,
        "where": {g: list(v) for g, v in count.where},
        "parameters": dict(count.scan.parameters),
        "options": dict(count.options),
        "result": count.result.model_dump(mode="json", exclude_unset=True, by_alias=True),
        "counted": fig.counted,
        "unknown": fig.unknown,
        "outside_where": fig.outside_where,
        "excluded": [
            {"reason": code, "text": measure.header.reasons.get(code, code), "observations": n}
            for code, n in fig.excluded.items()
        ],
        "leading_rows": question.scanning.scanned(count.scan).leading_rows if not question.chosen else None,
        "rows_set_aside": record["rows_set_aside"],
    }


def _deliveries(question: Question, counts: list[tuple[str | None, Count]]) -> list[dict[str, Any]]:
    tables = {t for _, count in counts for t in question.declared.measures[count.scan.measure].reads}
    extracts = {e.extract for t in tables for e in question.declared.extracts_of(t)}
    return sorted(
        (d.model_dump() for d in question.manifest.deliveries if d.extract in extracts and d.standing == "current"),
        key=lambda d: str(d["file"]),
    )


def _combination(question: Question, name: str | None, count: Count) -> dict[str, Any]:
    fig = _figure(question, count)
    own = {c.id: Grade(threshold=c.grade) for c in question.read.criteria}
    graded = grade_figure(fig, count.target, question.read.grade if name is None else own[name])
    return {
        "criterion": name,
        "readings": list(question.chosen),
        "numerator": exact_text(fig.numerator),
        "denominator": exact_text(fig.denominator),
        "value": None if fig.value is None else round(float(fig.value), 9),
        "unit": count.target.unit,
        "verdict": graded.verdict,
        "reason": graded.reason,
    }


def _figure(question: Question, count: Count) -> Figure:
    """The figure of a count: from the scans that the plan needed, or by a scan of its own for a combination."""
    scanning, measure = question.scanning, question.declared.measures[count.scan.measure]
    assert scanning.current is not None
    lacking = next((gap for scan in count.scans if (gap := scanning.missing(measure, scan.days))), None)
    if question.chosen:
        found = [scanning.count(measure, scan, [count.options]) for scan in count.scans]
    else:
        found = [scanning.scanned(scan) for scan in count.scans]
    result = figure(found[0], count, measure.header.kind, found[-1])
    return result.lacking(lacking) if lacking else result


def observations(question: Question) -> list[dict[str, Any]]:
    """Each observation under the chosen readings, with its reason and whether the row's filter takes it.

    Raises CallerError for a row that is not counted from an extract.
    """
    counts = list(question.counts)
    if not counts:
        raise CallerError(
            f"{question.plan_id} {question.row_id} is not counted from an extract; without --rows this command says what it waits for."
        )
    found = []
    for name, count in counts:
        measure, connection = question.declared.measures[count.scan.measure], question.scanning.connection
        question.scanning.hold(measure)
        keys = ", ".join(measure.header.grain)
        cursor = connection.execute(
            f"select * from ({observations_sql(measure, [count.options])}) order by {keys}", arguments(measure, count.scan)
        )
        columns = [d[0] for d in cursor.description]
        for values in cursor.fetchall():
            record = dict(zip(columns, values, strict=True))
            outside = any(str(record[g]) not in allowed for g, allowed in count.where)
            reason = record.pop("reason")
            record["counts"] = "outside" if outside else "excluded" if reason else "counted" if record["is_known"] else "unknown"
            record["reason"] = measure.header.reasons.get(reason, reason) if reason else None
            found.append({"criterion": name} | record if name else record)
    return found
