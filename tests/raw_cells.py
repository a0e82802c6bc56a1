"""Cells of raw files read the plain way: text tables, Danish numbers and dates, Danish wall time. See raw_reader.py."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
DANISH = ZoneInfo("Europe/Copenhagen")


class SetAside(Exception):
    """This row does not fit its table."""


# --- files


def csv_rows(path: Path, delimiter: str = ";") -> Iterator[dict[str, str]]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
        assert None not in row and None not in row.values(), path
        yield row


def fitting(rows: Iterator[Any], make: Callable[[Any], Row]) -> Iterator[Row]:
    for row in rows:
        try:
            yield make(row)
        except SetAside:
            continue


# --- cells


def text_in(cell: str, *nothing: str) -> str | None:
    return None if cell.strip() in ("", *nothing) else cell


def needed(value: Any) -> Any:
    if value is None:
        raise SetAside
    return value


def word_in(cell: str, codes: dict[str, Any]) -> Any:
    """A word of a closed list, trimmed; None where the cell is empty."""
    cell = cell.strip()
    assert cell == "" or cell in codes, cell
    return codes[cell] if cell else None


def whole_in(cell: str) -> int | None:
    return None if text_in(cell) is None else int(matching(r"-?\d+", cell))


def number_in(cell: str, decimals: int) -> Decimal | None:
    """A Danish number: points between thousands, decimal comma."""
    if text_in(cell) is None:
        return None
    number = Decimal(matching(r"-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?", cell).replace(".", "").replace(",", "."))
    if number != round(number, decimals):
        raise SetAside
    return number


def date_in(cell: str, *patterns: str) -> date | None:
    if text_in(cell) is None:
        return None
    for pattern in patterns or ("%d-%m-%Y",):
        shape = pattern.replace("%Y", r"\d{4}").replace("%m", r"\d\d").replace("%d", r"\d\d")
        if re.fullmatch(shape, cell):
            return parsed(cell, pattern).date()
    raise SetAside


def matching(shape: str, cell: str) -> str:
    if not re.fullmatch(shape, cell, re.ASCII):
        raise SetAside
    return cell


def parsed(cell: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(cell, pattern)
    except ValueError:
        raise SetAside from None


def wall_in(cell: str) -> datetime:
    """`2021-05-20 12:17:43`, with or without a fraction."""
    try:
        return datetime.fromisoformat(matching(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?", cell))
    except ValueError:
        raise SetAside from None


# --- Danish wall time


def to_utc(wall: datetime, *, later: bool = False) -> datetime:
    """The instant of a Danish wall time, of a doubled one the earlier unless said. A skipped one does not exist."""
    instant = wall.replace(tzinfo=DANISH, fold=int(later)).astimezone(UTC)
    if to_local(instant) != wall:
        raise SetAside
    return instant.replace(tzinfo=None)


def to_local(instant: datetime) -> datetime:
    """The Danish wall time of an instant (naive = UTC)."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return aware.astimezone(DANISH).replace(tzinfo=None)


def is_doubled(wall: datetime) -> bool:
    early, late = (wall.replace(tzinfo=DANISH, fold=fold).utcoffset() for fold in (0, 1))
    assert early is not None and late is not None
    return early > late


def day_of(instant: datetime | None) -> date | None:
    return None if instant is None else to_local(instant).date()


def minute_of(instant: datetime) -> int:
    local = to_local(instant)
    return 60 * local.hour + local.minute


def runs_backwards(walls: list[datetime]) -> bool:
    return any(second < first for n, first in enumerate(walls) for second in walls[n + 1 :])
