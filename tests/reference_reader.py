"""What a delivery means by its contract, read the slow and obvious way: bytes and contract → rows, or why not.

Written from contract.py's descriptions of Source, Layout, Format, Table and Limits, one row and one cell at a time, in plain Python
(Decimal, zoneinfo). Nothing of maalopfyldelse.intake is used: it is what intake is held against. Row rules, which are SQL, are not
read here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from reference_cpr import holds_person
from reference_files import Cell, Cells, Refuse, csv_cells, parquet_cells, plain, unpacked
from reference_json import BadJson, Json, Listed, json_cells, json_lines, json_rows, json_text, list_cells
from reference_time import danish, first_parsed, in_range, of_wall, patterns
from reference_xlsx import xlsx_cells

from maalopfyldelse.contract import Extract, Layout, Table, TableColumn
from maalopfyldelse.contract_source import Source
from maalopfyldelse.dates import period_bounds

PUBLISHED_KEY = b"published key of the synthetic sample data"


@dataclass
class Answer:
    """What a delivery comes to. `refused`: the code; else the kept rows in order with their lines, and those set aside with codes."""

    refused: str | None = None
    kept: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    aside: dict[int, set[str]] = field(default_factory=dict)


def read(data: bytes, extract: Extract, layout: Layout, table: Table) -> Answer:
    """What these bytes are by this layout."""
    try:
        return _hold(_typed(cells_of(data, layout, table), layout, table), extract)
    except Refuse as refuse:
        return Answer(refuse.code)


# --- columns


def needed_of(layout: Layout) -> list[str]:
    """The file's columns that are read."""
    found: dict[str, None] = {}
    for source in layout.columns.values():
        for name in [*source.columns, *(source.order or {}).values()]:
            found[name] = None
    return list(found)


def cells_of(data: bytes, layout: Layout, table: Table) -> Cells:
    """The file's cells, its columns held against the layout."""
    needed = needed_of(layout)
    known = [*needed, *layout.ignore, *layout.personal]
    data = unpacked(data)
    if layout.format.type == "ndjson":
        return json_cells(json_lines(data, layout.format), needed, known)
    if layout.format.type == "json":
        rows, names = json_rows(data, layout.format)
        if names is None:
            return json_cells(rows, needed, known)
        cells = list_cells(rows, names)
    elif layout.format.type == "csv":
        cells = csv_cells(data, layout.format)
    elif layout.format.type == "parquet":
        cells = parquet_cells(data, set(needed))
    else:
        texts = {s.from_ for name, s in layout.columns.items() if s.from_ and table.columns[name].type == "varchar"}
        serials = {s.from_: table.columns[name].type for name, s in layout.columns.items() if s.from_ and s.takes_serials}
        cells = xlsx_cells(data, layout.format, set(needed), texts, serials)
    for name in needed:
        if name not in cells.names:
            raise Refuse("MISSING_COLUMN")
    for name in cells.names:
        if name not in known:
            raise Refuse("UNMAPPED_COLUMN")
        if cells.names.count(name) > 1:
            raise Refuse("DUPLICATE_COLUMN")
    return cells


def _hold(answer: Answer, extract: Extract) -> Answer:
    limits, aside, rows = extract.limits, len(answer.aside), len(answer.kept) + len(answer.aside)
    if aside > Fraction(str(limits.max_set_aside_share)) * rows:
        raise Refuse("TOO_MANY_SET_ASIDE")
    if limits.max_set_aside_rows is not None and aside > limits.max_set_aside_rows:
        raise Refuse("TOO_MANY_SET_ASIDE")
    if rows < limits.min_rows:
        raise Refuse("TOO_FEW_ROWS")
    return answer


# --- rows


class Bad(Exception):
    """A cell that does not fit; the code says why."""


Moment = tuple[datetime, bool]  # an instant, naive UTC, and whether its hour was assumed


def _typed(cells: Cells, layout: Layout, table: Table) -> Answer:
    answer = Answer()
    rows = [(line, row) for line, row in cells.rows if not isinstance(row, str)]
    settled = {
        name: _settled(layout, source, rows)
        for name, source in layout.columns.items()
        if table.columns[name].type == "timestamp" and "by" in (source.order or {})
    }
    for line, row in cells.rows:
        if isinstance(row, str):
            answer.aside[line] = {row}
            continue
        values: dict[str, Any] = {}
        codes: set[str] = set()
        for name, spec in table.columns.items():
            source = layout.columns.get(name)
            values[name] = None
            if source is None:
                continue
            try:
                values[name] = _value(name, source, spec, row, line, layout, table, settled)
                if values[name] is None and (spec.required or name in table.key):
                    raise Bad("MISSING_VALUE")
            except Bad as bad:
                if str(bad) == "UNKNOWN_CODE" and source.on_unknown == "refuse":
                    raise Refuse("UNKNOWN_CODE") from None
                codes.add(str(bad))
        if codes:
            answer.aside[line] = codes
        else:
            answer.kept.append((line, values))
    return answer


def _text(cell: Any, mark: str = ".") -> Cell:
    found = plain(cell, mark)
    return found if found is None or isinstance(found, Listed) else unicodedata.normalize("NFC", found)


def _with_value(cell: Any, source: Source) -> Cell:
    """The cell, or None where it has no value."""
    text = _text(cell, source.decimal)
    return None if text is None or text.strip(" ") in source.null else text


def _filled(template: str, source: Source, row: dict[str, Any]) -> str | None:
    """The template with the row's values in it; None when one is missing."""
    made = template
    for name in source.columns:
        text = _with_value(row[name], source)
        if text is None:
            return None
        made = made.replace("{" + name + "}", text.strip(" "))
    return made


def _words(text: Cell) -> list[str]:
    """The elements of a JSON list, the words of any other text."""
    if text is not None and not isinstance(text, Listed) and text.startswith("["):
        with suppress(BadJson):
            text = json_text(Json(text).whole())
    return text.elements if isinstance(text, Listed) else (text or "").split(" ")


def _value(
    name: str,
    source: Source,
    spec: TableColumn,
    row: dict[str, Any],
    line: int,
    layout: Layout,
    table: Table,
    settled: dict[str, dict[int, tuple[bool, bool]]],
) -> Any:
    if source.constant is not None:
        return _cast(source.constant, Source(constant="x"), spec, layout)
    if source.instant_column:
        return _about_instant(source, row, line, layout, table, settled)
    if source.template_text is not None:
        text: Cell = _filled(source.template_text, source, row)
    else:
        text = _with_value(row[source.columns[0]], source)
    if source.present_of:
        return text is not None
    if source.has_word is not None:
        return source.has_word in _words(text)
    if text is None:
        return None
    if source.hash_of:
        person = text.strip(" ").lower() if source.ignore_case else text.strip(" ")
        return hmac.new(PUBLISHED_KEY, person.encode(), hashlib.sha256).hexdigest()
    if source.period_end_of is not None or source.period_of is not None:
        period = re.sub(r"^(\d{4})(?:Y01|Q0([1-4])|M(\d\d))$", _as_the_house_writes, text, flags=re.ASCII)
        try:
            last_day = period_bounds(period)[1]
        except ValueError:
            raise Bad("NO_SUCH_PERIOD" if source.period_end_of is not None else "UNKNOWN_CODE") from None
        return period if source.period_of is not None else last_day
    if source.codes is not None:
        if text.strip(" ") not in source.codes:
            raise Bad("UNKNOWN_CODE")
        return _cast(source.codes[text.strip(" ")], Source(constant="x"), spec, layout)
    if spec.type == "timestamp":
        return _instant(name, source, row, line, layout, table, settled)[0]
    return _cast(text, source, spec, layout)


def _as_the_house_writes(found: re.Match[str]) -> str:
    """A period of jobindsats': 2021Y01, 2021Q03, 2021M07."""
    year, quarter, month = found.groups()
    return f"{year}Q{quarter}" if quarter else f"{year}-{month}" if month else year


def _cast(text: str, source: Source, spec: TableColumn, layout: Layout) -> Any:
    """A text as a value of a type other than timestamp."""
    may_hold_any = spec.type in ("integer", "bigint", "varchar") or spec.type.startswith("decimal")
    if may_hold_any and spec.values is None and holds_person(text, by_itself=not spec.digits_are_ids):
        raise Bad("PERSONAL_NUMBER")
    if spec.type in ("integer", "bigint"):
        value = int(_number(text, source, None))
        bits = 31 if spec.type == "integer" else 63
        if not -(2**bits) <= value < 2**bits:
            raise Bad("NUMBER_OUT_OF_RANGE")
        return value
    if spec.type.startswith("decimal"):
        width, scale = (int(n) for n in re.findall("[0-9]+", spec.type))
        number = _number(text, source, scale)
        if abs(number) >= 10 ** (width - scale):
            raise Bad("NUMBER_OUT_OF_RANGE")
        return number
    if spec.type == "boolean":
        if text not in ("true", "false"):
            raise Bad("NOT_A_BOOLEAN")
        return text == "true"
    if spec.type == "date":
        return _day(text, source)
    assert spec.type == "varchar", spec.type
    if spec.values is not None:
        text = text.strip(" ")
        if text not in spec.values:
            raise Bad("UNKNOWN_CODE")
    return text


def _number(text: str, source: Source, scale: int | None) -> Decimal:
    """A number by its marks; thousands marks stand in groups of three or not at all. `scale` None: a whole number, which has no
    decimals even where they are zeros."""
    body, sign = (text[1:], "-") if text.startswith("-") else (text, "")
    whole, mark, part = (body, "", "") if scale is None else body.partition(source.decimal)
    marks = {"": "", " ": " \u00a0"}.get(source.thousands, source.thousands)
    groups = re.split(f"[{re.escape(marks)}]", whole) if marks else [whole]
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        raise Bad("NOT_A_NUMBER")
    if not all(re.fullmatch("[0-9]+", group) for group in groups) or (mark and not re.fullmatch("[0-9]+", part)):
        raise Bad("NOT_A_NUMBER")
    if len(part.rstrip("0")) > (scale or 0):
        raise Bad("TOO_MANY_DECIMALS")
    return Decimal(f"{sign}{''.join(groups)}.{part or '0'}")


# --- time


def _day(text: str, source: Source) -> date:
    found = first_parsed(text, patterns(source, "date"))
    if found is None or (found.tzinfo and not in_range(found)):
        raise Bad("NOT_A_DATE")
    return danish(found).date() if found.tzinfo else found.date()


def _wall(source: Source, row: dict[str, Any]) -> datetime | None:
    """The clock reading of a cell that is one."""
    assert source.from_ or source.template is not None
    cell = _filled(source.template, source, row) if source.template is not None else _with_value(row[source.columns[0]], source)
    found = first_parsed(cell, patterns(source, "timestamp")) if isinstance(cell, str) else None
    return found if found is not None and found.tzinfo is None and in_range(found) else None


def _settled(layout: Layout, source: Source, rows: list[tuple[int, Any]]) -> dict[int, tuple[bool, bool]]:
    """For each line with an ambiguous instant: whether it is the later one, and whether that is only assumed."""
    assert source.order is not None
    zone = ZoneInfo(source.zone or layout.zone)
    groups: dict[str, list[tuple[int, Decimal, datetime]]] = {}
    for line, row in rows:
        wall, group, number = _wall(source, row), _text(row[source.order["within"]]), _text(row[source.order["by"]])
        try:
            step = Decimal(number.strip(" ")) if isinstance(number, str) else None
        except InvalidOperation:
            step = None
        if wall and len(of_wall(wall, zone)) == 2 and isinstance(group, str) and step is not None and step.is_finite():
            groups.setdefault(group, []).append((line, step, wall))
    found = {}
    for beside in groups.values():
        for line, step, wall in beside:
            # rows with one number have no order among each other
            upto = [(n, w) for _, n, w in beside if n < step] + [(step, wall)]
            beyond = [(n, w) for _, n, w in beside if n > step] + [(step, wall)]
            is_later = any(n < m and w > v for n, w in upto for m, v in upto)
            is_earlier = any(n < m and w > v for n, w in beyond for m, v in beyond)
            found[line] = (is_later and not is_earlier, is_later == is_earlier)
    return found


def _instant(
    name: str,
    source: Source,
    row: dict[str, Any],
    line: int,
    layout: Layout,
    table: Table,
    settled: dict[str, dict[int, tuple[bool, bool]]],
) -> Moment:
    cell = _filled(source.template, source, row) if source.template is not None else _with_value(row[source.columns[0]], source)
    found = first_parsed(cell, patterns(source, "timestamp")) if isinstance(cell, str) else None
    if found is None or not in_range(found):
        raise Bad("NOT_A_TIME")
    if found.tzinfo:
        return found.replace(tzinfo=None), False
    instants = of_wall(found, ZoneInfo(source.zone or layout.zone))
    if not instants:
        raise Bad("NO_SUCH_HOUR")
    if len(instants) == 1:
        return instants[0], False
    if source.order is None:
        return instants[0], True
    if after := source.order.get("after"):
        before = _instant_of(after, row, line, layout, table, settled)
        return (instants[1] if before is not None and instants[0] < before[0] else instants[0]), False
    is_later, is_assumed = settled[name].get(line, (False, True))
    return instants[is_later], is_assumed


def _instant_of(
    column: str, row: dict[str, Any], line: int, layout: Layout, table: Table, settled: dict[str, dict[int, tuple[bool, bool]]]
) -> Moment | None:
    """The instant that a column of the file is read as; None where it has none."""
    name, source = next((n, s) for n, s in layout.columns.items() if s.from_ == column and table.columns[n].type == "timestamp")
    if _with_value(row[column], source) is None:
        return None
    try:
        return _instant(name, source, row, line, layout, table, settled)
    except Bad:
        return None


def _about_instant(
    source: Source, row: dict[str, Any], line: int, layout: Layout, table: Table, settled: dict[str, dict[int, tuple[bool, bool]]]
) -> Any:
    found = _instant_of(source.instant_column or "", row, line, layout, table, settled)
    if found is None:
        return None
    if source.hour_assumed_of:
        return found[1]
    local = danish(found[0])
    return local.date() if source.local_date_of else 60 * local.hour + local.minute
