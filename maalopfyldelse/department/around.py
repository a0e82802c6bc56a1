"""What stands around the figures: changes since the edition before, amendments, evidence, deliveries, accounts, and the terms.

Nothing personal: evidence is a document's name and a role, deliveries are files and counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..dates import DANISH_ZONE
from ..fulfilment import Line
from ..intake.faults import ROW_FAULTS
from ..plan import Row
from ..plan_terms import UNIT_WORDS
from ..printing import danish_count, danish_exact, danish_figure, decimal
from ..scanning import Scanning, load_plan
from ..wording import grade_words, long_date, long_time, period_words, readable, target_words, verdict_words
from .figures import amount, assessed_words, wanted_words
from .view import Account, AmendedRow, Amendment, Change, Changes, Delivery, Item, SetAside

if TYPE_CHECKING:
    from ..edition import Computed


def changes(lines: Iterable[Line], previous: tuple[int, datetime, Sequence[Mapping[str, Any]]] | None) -> Changes:
    """Rows whose verdict, figure, points, target or text differ from the edition before."""
    if previous is None:
        return Changes("")
    number, made_at, records = previous
    before = {record["row"]: record for record in records}
    found: list[Change] = []
    for line in lines:
        old = before.pop(line.row, None)
        if old is None:
            found.append(Change(line.row, line.text, "ny række", "", verdict_words(line.verdict), ""))
            continue
        found += _changed(line, old)
    found += [Change(row, old["text"], "udgået række", verdict_words(old["verdict"]), "", "") for row, old in before.items()]
    return Changes(f"udgave {number} af {long_date(made_at.astimezone(DANISH_ZONE).date())}", tuple(found))


def _changed(line: Line, old: Mapping[str, Any]) -> Iterable[Change]:
    if line.level != "total" and line.verdict != old["verdict"]:
        yield Change(line.row, line.text, "verdikt", verdict_words(old["verdict"]), verdict_words(line.verdict), "")
    numbers: list[tuple[str, Fraction | None, Decimal | None, str]] = [
        ("resultat", None if line.level == "total" else line.value, old["value"], UNIT_WORDS.get(line.unit or "", "")),
        ("mål", line.target, old["target"], UNIT_WORDS.get(line.unit or "", "")),
        ("point, mindst", line.points_low, old["points_low"], ""),
        ("point, højst", line.points_high, old["points_high"], ""),
    ]
    for what, new, was, unit in numbers:
        if (what == "resultat" and line.level == "total") or decimal(new) == was:
            continue
        exact = None if was is None else Fraction(was)
        difference = "" if new is None or exact is None else _signed(new - exact)
        yield Change(line.row, line.text, what, _print(exact, unit, new), _print(new, unit, exact), difference)
    if line.text != old["text"]:
        yield Change(line.row, line.text, "ordlyd", old["text"], line.text, "")


def _print(number: Fraction | None, unit: str, other: Fraction | None) -> str:
    return "ikke opgjort" if number is None else f"{danish_figure(number, other)} {unit}".strip()


def _signed(number: Fraction) -> str:
    return ("+" if number > 0 else "") + danish_figure(number, Fraction(0)).replace("-", "−")


def amendments(scanning: Scanning) -> tuple[Amendment, ...]:
    """Every amendment of the plan, with its rows as they stood before it and as they stand from then on."""
    plan = load_plan(scanning.declared, scanning.plan.plan)
    rows = {row_id: placed.row for row_id, placed in plan.placed.items()}
    made = []
    for amendment in sorted(plan.amendments, key=lambda a: (a.holds_from, a.id)):
        pairs = tuple(AmendedRow(row.id, _described(rows[row.id]), _described(row)) for row in amendment.rows)
        rows |= {row.id: row for row in amendment.rows}
        in_force = amendment.holds_from <= scanning.as_of
        made.append(
            Amendment(amendment.id, amendment.title, amendment.document, long_date(amendment.holds_from), in_force, pairs)
        )
    return tuple(made)


def _described(row: Row) -> tuple[str, ...]:
    said = [row.text]
    said += [f"Vægt: {danish_exact(row.weight)}"] if row.weight is not None else []
    said += [f"Mål: {target_words(row.target)}"] if row.target else []
    said += [f"{criterion.text} ({wanted_words(criterion)})" for criterion in row.criteria]
    return (*said, f"Graduering: {grade_words(row.grade, bool(row.criteria))}")


def evidence(scanning: Scanning) -> tuple[Item, ...]:
    """What was registered for the plan's rows until the reporting date, in the plan's order."""
    found, as_of = scanning.evidence, scanning.as_of
    items = [
        Item(a.row, "handling", readable(a.act), readable(a.kind), long_date(a.date), a.document or "", "", a.is_approved)
        for a in found.acts
        if a.date <= as_of
    ]
    items += [
        Item(
            n.row,
            "antal",
            readable(n.name),
            danish_count(n.number) + ("" if n.of_number is None else f" af {danish_count(n.of_number)}"),
            long_date(n.date),
            n.document or "",
            "",
            n.is_approved,
        )
        for n in found.numbers
        if n.date <= as_of
    ]
    items += [
        Item(
            a.row,
            "vurdering",
            readable(a.parameter) if a.parameter else "rækken",
            assessed_words(a),
            long_date(a.assessed),
            a.document or "",
            a.role,
            a.is_approved,
        )
        for a in found.assessments
        if a.as_of == as_of
    ]
    order = {row: place for place, row in enumerate(scanning.plan.placed)}
    return tuple(sorted(items, key=lambda i: order.get(i.row, len(order))))


def deliveries(computed: Computed) -> tuple[Delivery, ...]:
    """Every file that the plan's tables are made of, by system and arrival."""
    counting = computed.scanning.counting
    ordered = sorted(computed.deliveries, key=lambda d: (d.system or "", d.extract, d.arrived_at, d.name))
    return tuple(
        Delivery(
            file=d.name,
            system=d.system or "",
            extract=d.extract,
            arrived=long_time(d.arrived_at),
            period=period_words(d.period),
            rows_read=amount(d.rows_read),
            rows_kept=amount(d.rows_kept),
            rows_set_aside=amount(d.rows_set_aside),
            counts=d in counting.get(d.extract, []),
            sha256=d.sha256,
        )
        for d in ordered
    )


def set_aside(computed: Computed) -> tuple[SetAside, ...]:
    """Rows set aside in the files whose rows count, by file and reason; never what stood in them."""
    declared, ledger, found = computed.scanning.declared, computed.scanning.ledger, []
    for extract, counting in sorted(computed.scanning.counting.items()):
        own = {rule.code: rule.danish or rule.message for rule in declared.extracts[extract].set_aside}
        for delivery in sorted(counting, key=lambda d: d.name):
            if delivery.rows_set_aside:
                counted = Counter((r.code, r.column) for r in ledger.rejects(delivery.delivery_id))
                found += [
                    SetAside(delivery.name, _fault(*fault, own), amount(n)) for fault, n in sorted(counted.items(), key=str)
                ]
    return tuple(found)


def _fault(code: str, column: str | None, own: Mapping[str, str]) -> str:
    return ROW_FAULTS[code].danish.format(column=column) if code in ROW_FAULTS else own.get(code, code)


def accounts(computed: Iterable[Mapping[str, Any]]) -> tuple[Account, ...]:
    """What became of the rows of each table."""
    names = ("read", "kept", "set_aside", "current", "superseded", "withdrawn", "held_back")
    return tuple(Account(a["measure"], *(amount(a[f"rows_{name}"]) for name in names)) for a in computed)
