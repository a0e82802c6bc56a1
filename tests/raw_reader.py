"""A second, plain way from the files of a deliveries folder to the rows of the canonical tables.

Written from what expectations/ says about each file, with the standard library and calamine, one function a file shape
(raw_files.py); nothing of maalopfyldelse is used. It is slow and obvious, and it is what intake and current rows are held
against. Files that a contract refuses are not made for it: what it does not understand beyond the faults of single rows raises
AssertionError. The registers that people type are not read here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path

import raw_files as files
from raw_cells import Row, to_utc


@dataclass(frozen=True)
class File:
    """A delivered file. `arrived_at` is naive UTC."""

    path: Path
    arrived_at: datetime
    sha256: str


Delivered = list[tuple[File, list[Row]]]  # oldest first
Superseding = Callable[[Delivered], list[Row]]
Shape = tuple[str, Callable[[Path], Iterator[Row]]]  # a file pattern and how such a file is read


def _arrived(file: File, rows: list[Row]) -> list[Row]:
    return [row | {"delivered_at": file.arrived_at} for row in rows]


def whole(delivered: Delivered) -> list[Row]:
    """The newest delivery replaces all before it."""
    return _arrived(*delivered[-1]) if delivered else []


def period(pattern: str) -> Superseding:
    """The newest delivery of each period; the period stands in the file's name."""

    def newest(delivered: Delivered) -> list[Row]:
        found = {}
        for file, rows in delivered:
            match = re.search(pattern, file.path.name)
            assert match, file.path
            found[match[1]] = _arrived(file, rows)
        return [row for rows in found.values() for row in rows]

    return newest


def key(*columns: str) -> Superseding:
    """The newest row of each key, whichever file it came in."""

    def newest(delivered: Delivered) -> list[Row]:
        return list({tuple(row[c] for c in columns): row for file, rows in delivered for row in _arrived(file, rows)}.values())

    return newest


# table → the system that delivers it, how a newer delivery supersedes an older one, the shapes of its files
TABLES: dict[str, tuple[str, Superseding, list[Shape]]] = {
    "call_events": ("puzzel", period(r"call_events_(\d{4}-\d{2})"), [("*call_events*.csv", files.call_events)]),
    "queues": ("puzzel", whole, [("*koeliste*.csv", files.queues)]),
    "outages": ("puzzel", whole, [("*driftsforstyrrelser*.csv", files.outages)]),
    "opening_hours": ("puzzel", whole, [("*aabningstider*.csv", files.opening_hours)]),
    "tickets": ("zendesk", key("ticket_id"), [("export_*.json*", files.tickets_json), ("export_*.csv", files.tickets_csv)]),
    "mailboxes": ("postkasser", whole, [("funktionspostkasser*.csv", files.mailboxes)]),
    "mailbox_counts": (
        "postkasser",
        key("mailbox", "period_from_date"),
        [("postkasse_optaelling*.csv", files.mailbox_counts)],
    ),
    "cases": ("p360", key("case_id"), [("p360_sager*.xlsx", files.cases_xlsx), ("p360_sager*.csv", files.cases_csv)]),
    "case_types": ("p360", whole, [("p360_sagstyper*.csv", files.case_types)]),
    "absence": ("isola", period(r"(\d{4}K[1-4])"), [("isola_fravaer*.csv", files.absence)]),
    "jobcentre_panel": ("jobcenter", period(r"(\d{4}Q[1-4])"), [("jobcenter_panel*.csv", files.panel)]),
    "benefit_codes": ("jobcenter", whole, [("ydelseskoder*.csv", files.benefit_codes)]),
    "jobcentres": ("jobcenter", whole, [("jobcentre_liste*.csv", files.jobcentres)]),
}


class RawReader:
    """All deliveries of a folder `RECEIVED-AT/SYSTEM/file`; each file is parsed once."""

    def __init__(self, folder: Path) -> None:
        self._files = []
        for path in sorted(folder.glob("*/*/*")):
            wall = datetime.strptime(path.parent.parent.name, "%Y-%m-%dT%H%M")
            self._files.append(File(path, to_utc(wall), hashlib.sha256(path.read_bytes()).hexdigest()))
        self._parsed: dict[Path, list[Row]] = {}

    @property
    def arrivals(self) -> list[datetime]:
        """When something arrived, naive UTC, each moment once, in order."""
        return sorted({file.arrived_at for file in self._files})

    def tables(self, known_at: datetime, names: Iterable[str] = TABLES) -> dict[str, list[Row]]:
        """The current rows of tables as they were known at a moment (naive UTC)."""
        found = {}
        for name in names:
            system, superseding, shapes = TABLES[name]
            found[name] = superseding(self._delivered(known_at, system, shapes))
        return found

    def _delivered(self, known_at: datetime, system: str, shapes: list[Shape]) -> Delivered:
        """The known files of these shapes with their rows. The same bytes twice are one delivery, known by the first arrival."""
        found: dict[str, tuple[File, list[Row]]] = {}
        for pattern, parse in shapes:
            for file in sorted(self._files, key=lambda file: (file.arrived_at, file.path.name)):
                is_asked_for = file.path.parent.name == system and fnmatch(file.path.name, pattern)
                if is_asked_for and file.arrived_at <= known_at and file.sha256 not in found:
                    if file.path not in self._parsed:
                        self._parsed[file.path] = list(parse(file.path))
                    found[file.sha256] = file, self._parsed[file.path]
        return sorted(found.values(), key=lambda delivered: (delivered[0].arrived_at, delivered[0].path.name))
