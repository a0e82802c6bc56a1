"""`withdrawals.csv` in the folder of deliveries: which of them do not count, from when on, and why.

A delivery's own file is never changed or removed, so a withdrawal is one more thing that arrives, like the times in `arrivals.csv`:
`delivery,withdrawn_at,reason`, a line each. `delivery` is a delivery's id (`maal show deliveries`) or the first 12 or more digits of
its file's SHA-256; a bare date means the end of that day. Every scan reads it and the ledger keeps it, so a home that is deleted
and built anew knows the same. A line is only ever added: taking one out again undoes nothing in a ledger that has read it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..dates import parse_instant
from ..errors import CallerError, nearest
from ..printing import printable
from .shown import hold_reason

WITHDRAWALS = "withdrawals.csv"
_MAX_BYTES = 1 << 24
_COLUMNS = ("delivery", "withdrawn_at", "reason")


@dataclass(frozen=True)
class Withdrawal:
    """A line of the register. `withdrawn_at` is an instant in UTC."""

    line: int
    delivery: str
    withdrawn_at: datetime
    reason: str

    def means(self, delivery_id: str, sha256: str) -> bool:
        """Whether it speaks of this delivery, by its id or by its file."""
        return self.delivery == delivery_id or (
            re.fullmatch(r"[0-9a-f]{12,64}", self.delivery) is not None and sha256.startswith(self.delivery)
        )


def read_withdrawals(folder: Path) -> list[Withdrawal]:
    """The register of a folder, in its order; empty when there is none. Raises CallerError naming every line that cannot be read:
    as long as it is not known what was withdrawn, nothing may be counted."""
    path = folder / WITHDRAWALS
    if not path.is_file():
        return []
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CallerError(f"{path}: larger than {_MAX_BYTES} bytes; a register of withdrawals is a few lines.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise CallerError(f"{path}: cannot be read as UTF-8 text. Save it as UTF-8.") from None
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise CallerError(f"{path}: line 1: expected {','.join(_COLUMNS)}.")
    found, faults = [], []
    for row in _rows(reader, path):
        delivery, when, reason = ((row[name] or "").strip() for name in _COLUMNS)
        try:
            if None in row or not delivery or not reason:
                raise CallerError("expected a delivery, a time and a reason; put a reason that contains the delimiter in quotes.")
            hold_reason(reason)
            found.append(Withdrawal(reader.line_num, delivery, parse_instant(when), reason))
        except CallerError as error:
            faults.append(f"{path}: line {reader.line_num}: {error}")
    if faults:
        raise CallerError("\n".join(faults))
    return found


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[dict[str | None, str | None]]:
    try:
        yield from reader  # type: ignore[misc]
    except csv.Error:
        raise CallerError(f"{path}: line {reader.line_num}: cannot be split into columns. Look for a stray quote.") from None


def unknown(withdrawals: Iterable[Withdrawal], known: Iterable[tuple[str, str]]) -> list[str]:
    """What is wrong with lines that speak of no delivery; `known` are (id, SHA-256) of those there are."""
    there = sorted(set(known))
    return [
        f"{WITHDRAWALS}: line {one.line}: no delivery is called '{printable(one.delivery)}'{nearest(one.delivery, (k[0] for k in there))}. "
        "Correct the line."
        for one in withdrawals
        if not any(one.means(*delivery) for delivery in there)
    ]


def line_of(delivery_id: str, reason: str, withdrawn_at: datetime, delimiter: str = ",") -> str:
    """A withdrawal as it stands in the register, without a line break."""
    text = io.StringIO()
    when = withdrawn_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow([delivery_id, when, " ".join(reason.split())])
    return text.getvalue()


def append_withdrawal(folder: Path, delivery_id: str, reason: str, withdrawn_at: datetime) -> Path:
    """Adds a line to the register of a folder, made when absent; in one step, so that no reader finds half of it. Its path.

    Raises CallerError when the register cannot be read, OSError when the folder cannot be written.
    """
    read_withdrawals(folder)
    path = folder / WITHDRAWALS
    before = path.read_text(encoding="utf-8-sig") if path.exists() else ",".join(_COLUMNS) + "\n"
    delimiter = ";" if ";" in before.partition("\n")[0] else ","
    added = line_of(delivery_id, reason, withdrawn_at, delimiter)
    temporary = folder / f".{WITHDRAWALS}.new"
    temporary.write_text(before + ("" if before.endswith("\n") else "\n") + added + "\n", encoding="utf-8")
    temporary.replace(path)
    return path


def only_in_ledger(
    kept: Iterable[tuple[str, str, datetime]], register: Iterable[Withdrawal], hashes: dict[str, str]
) -> list[str]:
    """The lines that the register lacks: withdrawals the ledger keeps of deliveries that lie in the folder (`hashes`: id → SHA-256),
    and that a home built anew would not know."""
    lines = list(register)
    return [
        line_of(delivery_id, reason, at)
        for delivery_id, reason, at in kept
        if delivery_id in hashes and not any(w.means(delivery_id, hashes[delivery_id]) for w in lines)
    ]
