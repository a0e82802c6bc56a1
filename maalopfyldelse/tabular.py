"""The fulfilment and the results as tables: field by field, typed, in the forms that leave the program.

One list of fields serves Parquet and JSON; numbers are written from exact fractions, half up to nine decimals. What the
fields contain is fulfilment.py's; here is only their shape. The field list of `fulfilment` is a stable interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .fulfilment import Line, Outcome
from .printing import PLACES, decimal, exact_text

if TYPE_CHECKING:
    import pyarrow as pa

NUMBER, TEXT, INT, BOOL, DATE = "decimal(38,9)", "string", "int64", "bool", "date"
LIST, READINGS = "list<string>", "readings"

# name, type, comment: the fields of `fulfilment`, in order.
FULFILMENT: list[tuple[str, str, str]] = [
    ("plan", TEXT, "Plan id"),
    ("row", TEXT, "The row's number in the contract; 'total' for the plan"),
    ("parent", TEXT, "The row it belongs under"),
    ("level", TEXT, "total, goal, requirement or part"),
    ("scores", BOOL, "True when the row's points enter the total"),
    ("text", TEXT, "The contract's words"),
    ("weight", NUMBER, "Weight in the plan's points; null without weights"),
    ("as_of", DATE, "The reporting date the figure speaks of"),
    ("edition", INT, "Number of the edition"),
    ("verdict", TEXT, "The verdict, in Danish; null where the text defines none"),
    ("value", NUMBER, "The figure in the stated unit; null when not computed or an interval"),
    ("unit", TEXT, "Unit of value and target"),
    ("numerator", TEXT, "Exact numerator"),
    ("denominator", TEXT, "Exact denominator"),
    ("target", NUMBER, "The target in the stated unit"),
    ("comparison", TEXT, "How the figure must stand to the target: at_least, at_most, under, over"),
    ("reading", LIST, "The approved readings"),
    ("low", NUMBER, "Lowest degree of fulfilment, per cent of the row"),
    ("high", NUMBER, "Highest degree of fulfilment, per cent of the row"),
    ("points_low", NUMBER, "Fewest points; null without weights"),
    ("points_high", NUMBER, "Most points; null without weights"),
    ("rows_set_aside", INT, "Rows set aside at intake in the deliveries the figure builds on"),
    ("provisional", BOOL, "True while deliveries may still change the figure"),
    ("reason", TEXT, "Why, where verdict and figure do not say it; Danish"),
    ("readings", READINGS, "The alternative readings, each alone against the approved"),
    ("dimensions", LIST, "What the row is counted under, where the plan marks it"),
]

RESULTS: list[tuple[str, str, str]] = [
    ("plan", TEXT, "Plan id"),
    ("as_of", DATE, "The reporting date"),
    ("edition", INT, "Number of the edition"),
    ("row", TEXT, "Row of the plan; null for a table's accounts"),
    ("section", TEXT, "figure = a reading's figure; group = its parts; table = the accounts of a table's rows"),
    ("reading", TEXT, "approved, or the alternative such as S4.c"),
    ("measure", TEXT, "The query that counted; for section table, the table"),
    ("reading_id", TEXT, "The options of the query, in words"),
    ("from_date", DATE, "First day of the window"),
    ("to_date", DATE, "Last day of the window"),
    ("group", TEXT, "The group's value, in section group"),
    ("numerator", TEXT, "Exact sum of numerators"),
    ("denominator", TEXT, "Exact sum of denominators"),
    ("value", NUMBER, "The figure in the row's unit"),
    ("counted", INT, "Observations counted"),
    ("unknown", INT, "Observations whose numerator is not known"),
    ("excluded", INT, "Observations excluded, with a reason"),
    ("outside", INT, "Observations outside the row's filter"),
    ("observations", INT, "All observations; = counted + unknown + excluded + outside"),
    ("leading_rows", INT, "Source rows that belong to the window; = Σ source_rows of the observations"),
    ("reasons", TEXT, "Excluded observations by reason"),
    ("rows_read", INT, "Section table: rows read at intake; = kept + set aside"),
    ("rows_kept", INT, "Section table: = current + superseded + withdrawn + held back"),
    ("rows_set_aside", INT, "Section table: rows set aside at intake"),
    ("rows_current", INT, "Section table: rows that count at the date of knowledge"),
    ("rows_superseded", INT, "Section table: rows that a newer delivery replaced"),
    ("rows_withdrawn", INT, "Section table: rows of withdrawn deliveries"),
    ("rows_held_back", INT, "Section table: rows of deliveries that failed a critical rule and were corrected by a later one"),
]


def fulfilment_records(lines: Iterable[Line], edition: int) -> list[dict[str, Any]]:
    """The lines as records with the fields of FULFILMENT: Decimal, str, bool, date, list, dict or None."""
    return [_fulfilment_record(line, edition) for line in lines]


def _fulfilment_record(line: Line, edition: int) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, kind, _ in FULFILMENT:
        if name == "edition":
            record[name] = edition
        elif name == "readings":
            record[name] = [_alternative(o) for o in line.outcomes[1:]]
        elif name in ("numerator", "denominator"):
            record[name] = exact_text(getattr(line, name))
        elif kind == NUMBER:
            record[name] = decimal(getattr(line, name))
        else:
            value = getattr(line, name)
            record[name] = list(value) if kind == LIST else value
    return record


def _alternative(outcome: Outcome) -> dict[str, Any]:
    figure, graded = outcome.figure, outcome.graded
    return {
        "id": outcome.id,
        "value": decimal(figure.value) if figure else None,
        "verdict": graded.verdict,
        "low": decimal(graded.low) if outcome.is_computed else None,
        "high": decimal(graded.high) if outcome.is_computed else None,
        "reason": graded.reason,
    }


def results_records(
    lines: Iterable[Line], edition: int, scanned: Callable[[Any], Any], accounts: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Every computed reading with its sums and its accounts, its groups, and the accounts of each table (`accounts`)."""
    records: list[dict[str, Any]] = []
    empty = {name: None for name, _, _ in RESULTS}
    plan = as_of = None
    for line in lines:
        plan, as_of = line.plan, line.as_of
        for outcome in line.outcomes:
            count, figure = outcome.count, outcome.figure
            if count is None or figure is None:
                continue
            base = empty | {
                "plan": plan,
                "as_of": as_of,
                "edition": edition,
                "row": line.row,
                "reading": outcome.id,
                "measure": count.scan.measure,
                "reading_id": count.reading_id,
                "from_date": count.scan.days.after + timedelta(days=1),
                "to_date": count.scan.days.to,
            }
            excluded = sum(figure.excluded.values())
            records.append(
                base
                | {
                    "section": "figure",
                    "numerator": exact_text(figure.numerator),
                    "denominator": exact_text(figure.denominator),
                    "value": decimal(figure.value),
                    "counted": figure.counted,
                    "unknown": figure.unknown,
                    "excluded": excluded,
                    "outside": figure.outside_where,
                    "observations": figure.counted + figure.unknown + excluded + figure.outside_where,
                    "leading_rows": scanned(count.scan).leading_rows,
                    "reasons": ", ".join(f"{r}: {n}" for r, n in figure.excluded.items()) or None,
                }
            )
            records += [
                base | {"section": "group", "group": g, "numerator": exact_text(n), "denominator": exact_text(d)}
                for g, n, d in figure.by_group
            ]
    records += [empty | {"plan": plan, "as_of": as_of, "edition": edition, "section": "table"} | account for account in accounts]
    return records


def arrow_table(records: list[dict[str, Any]], fields: list[tuple[str, str, str]]) -> pa.Table:
    """The records as a typed Arrow table; types follow the field list."""
    import pyarrow as pa

    number = pa.decimal128(38, PLACES)
    types = {
        NUMBER: number,
        TEXT: pa.string(),
        INT: pa.int64(),
        BOOL: pa.bool_(),
        DATE: pa.date32(),
        LIST: pa.list_(pa.string()),
        READINGS: pa.list_(
            pa.struct(
                [
                    ("id", pa.string()),
                    ("value", number),
                    ("verdict", pa.string()),
                    ("low", number),
                    ("high", number),
                    ("reason", pa.string()),
                ]
            )
        ),
    }
    schema = pa.schema([pa.field(name, types[kind], metadata={"comment": comment}) for name, kind, comment in fields])
    return pa.Table.from_pylist(records, schema=schema)


def write_parquet(records: list[dict[str, Any]], fields: list[tuple[str, str, str]], path: Path) -> None:
    """Writes a table; the same records give the same bytes."""
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(records, fields), path, compression="zstd")
