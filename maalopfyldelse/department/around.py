"""What stands around the figures: amendments, evidence, deliveries, accounts.

Nothing personal: evidence is a document's name and a role, deliveries are files and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..dates import DANISH_ZONE
from ..intake.faults import ROW_FAULTS
from ..plan import Row
from ..printing import danish_count, danish_exact
from ..scanning import Scanning, load_plan
from ..wording import grade_words, long_date, period_words, readable, target_words
from .figures import amount, assessed_words, wanted_words
from .view import Account, AmendedRow, Amendment, Delivery, Item, SetAside

if TYPE_CHECKING:
    from ..edition import Computed


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
        Item(a.row, "handling", readable(a.act), readable(a.kind), a.date, a.document or "", "", a.is_approved)
        for a in found.acts
        if a.date <= as_of
    ]
    items += [
        Item(
            n.row,
            "antal",
            readable(n.name),
            danish_count(n.number) + ("" if n.of_number is None else f" af {danish_count(n.of_number)}"),
            n.date,
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
            a.assessed,
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
            arrived=d.arrived_at.astimezone(DANISH_ZONE).replace(tzinfo=None),
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
    declared, counts, found = computed.scanning.declared, computed.scanning.ledger.reject_counts(), []
    for extract, counting in sorted(computed.scanning.counting.items()):
        own = {rule.code: rule.danish or rule.message for rule in declared.extracts[extract].set_aside}
        for delivery in sorted(counting, key=lambda d: d.name):
            if delivery.rows_set_aside:
                counted = counts.get(delivery.delivery_id, {})
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
