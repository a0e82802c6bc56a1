"""Finding what lies in a deliveries folder: every file once, hashed, matched to its extract, with its arrival and period.

Files are only ever read. What a file holds is take.py's; here a file is its bytes, its name and its place:
`RECEIVED-AT/SYSTEM/file`, a line of `arrivals.csv`, or the first sighting kept in the ledger. `withdrawals.csv` is withdrawals.py's.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import stat
import time
import unicodedata
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from ..contract import Extract, Period
from ..dates import parse_instant, period_bounds
from ..engine import threads
from ..errors import CallerError, DeliveryRefused, nearest
from ..printing import printable
from .faults import Refused
from .ledger import Ledger
from .shown import is_personal, shown_name
from .withdrawals import WITHDRAWALS, Withdrawal, read_withdrawals, unknown

ARRIVALS, MARKER = "arrivals.csv", "SYNTHETIC"
CHANGED = "the file changed while it was read. Put it into the folder when it is finished, and run again."
PACKED = (".gz", ".zip")
MAX_FOLDERS = 16  # within one another
_MAX_ARRIVALS = 1 << 24
_SETTLED = 2_000_000_000  # nanoseconds: longer than any file system's clock stands still

Facts = tuple[int, int, int, int]


@dataclass(frozen=True)
class Found:
    """One delivery as it lies in the folder. `arrived_at` (UTC) is None only when nothing declares it and no ledger was given."""

    path: Path
    name: str
    sha256: str
    size: int
    system: str | None
    extract: str
    layouts: tuple[str, ...]  # whose patterns the name fits, in the contract's order
    arrived_at: datetime | None
    arrival_source: str  # folder | arrivals.csv | sighting
    period: str | None
    facts: Facts  # of the file before it was hashed
    is_settled: bool = False  # whether bytes other than those hashed would have other facts

    @property
    def delivery_id(self) -> str:
        """The same bytes for the same extract are one delivery."""
        return f"{self.extract}-{self.sha256[:12]}"


@dataclass(frozen=True)
class Problem:
    """A file that cannot become a delivery. The run goes on for the others and ends with exit code 1."""

    name: str
    code: str
    message: str


@dataclass(frozen=True)
class Scan:
    """What a folder holds. `files` in order of arrival and name."""

    folder: Path
    files: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    synthetic: bool = False
    withdrawals: list[Withdrawal] = field(default_factory=list)

    def of(self, extract: str) -> list[Found]:
        """The deliveries of one extract."""
        return [found for found in self.files if found.extract == extract]


def scan(folder: Path, extracts: Mapping[str, Extract], ledger: Ledger | None = None, sighted_at: datetime | None = None) -> Scan:
    """Every file of `folder`, each once.

    `ledger` keeps first sightings and spares untouched files a second hashing; `sighted_at` is the moment of this sighting
    (the caller reads the clock). Raises CallerError for a folder that is missing, empty or unreadable, or an arrivals.csv that
    cannot be read.
    """
    if not folder.is_dir():
        raise CallerError(f"{folder}: no such folder. Name the folder of deliveries with --deliveries.")
    root = folder.resolve()
    problems: list[Problem] = []
    declared = _arrivals(root, problems)
    paths = sorted(_walk(root, problems))
    if not paths and not problems:
        raise CallerError(f"{folder}: the folder holds no deliveries. Put files in {folder}/RECEIVED-AT/SYSTEM/.")
    hashes = _Hashes(ledger)

    def identified(path: Path) -> Found | DeliveryRefused:
        relative = path.relative_to(root).as_posix()
        try:
            return _identify(path, relative, extracts, declared.get(relative), hashes)
        except DeliveryRefused as unusable:
            return unusable

    with ThreadPoolExecutor(threads()) as pool:
        outcomes = list(pool.map(identified, paths))
    found: dict[tuple[str, str], Found] = {}
    for path, one in zip(paths, outcomes, strict=True):
        relative = path.relative_to(root).as_posix()
        if isinstance(one, DeliveryRefused):
            problems.append(Problem(shown_name(relative), one.code, f"{shown_name(relative)}: {one}"))
            continue
        key = (one.extract, one.sha256)
        if key in found and None not in (one.period, found[key].period) and one.period != found[key].period:
            message = (
                f"{printable(relative)} has the same bytes as {found[key].name} and speaks of {one.period}, not {found[key].period}; they are "
                "one delivery, of the earlier arrival. Export the right period, or remove the copy."
            )
            problems.append(Problem(printable(relative), "SAME_BYTES_TWO_PERIODS", message))
        found[key] = min((one, found[key]), key=_precedence) if key in found else one
    hashes.keep()
    if ledger is not None and sighted_at is not None:
        for key, one in found.items():
            if one.arrived_at is None:
                found[key] = replace(one, arrived_at=ledger.first_seen(one.sha256, sighted_at))
    ordered = sorted(found.values(), key=lambda f: (f.arrived_at is None, f.arrived_at, f.name, f.delivery_id))
    withdrawals = read_withdrawals(root)
    known = [(one.delivery_id, one.sha256) for one in ordered]
    known += [(d.delivery_id, d.sha256) for d in ledger.recorded()] if ledger else []
    problems += [Problem(WITHDRAWALS, "NO_SUCH_DELIVERY", text) for text in unknown(withdrawals, known)]
    return Scan(root, ordered, problems, (root / MARKER).exists(), withdrawals)


def period_of(period: Period | None, name: str) -> str | None:
    """The period a file name speaks of, as `dates.period_bounds` reads it; None when it speaks of none."""
    match = re.search(period.pattern, plain_name(name)) if period else None
    if not match:
        return None
    groups = {k: v for k, v in match.groupdict().items() if v is not None}
    year = groups["year"] if len(groups["year"]) == 4 else f"20{groups['year']}"
    if "month" in groups:
        text = f"{year}-{int(groups['month']):02d}" + (f"-{int(groups['day']):02d}" if "day" in groups else "")
    else:
        text = year + (f"Q{groups['quarter']}" if "quarter" in groups else "")
        text += f"H{groups['half']}" if "half" in groups else ""
    try:
        period_bounds(text)
    except ValueError:
        return None
    return text


def _walk(root: Path, problems: list[Problem]) -> Iterator[Path]:
    """Regular files in the folder. A link that leads out of it is refused: a delivery must not be able to name other files."""

    def unreadable(error: OSError) -> None:
        raise CallerError(
            f"{shown_name(str(error.filename))}: cannot be read ({error.strerror}). Give read access to the folder."
        )

    for here, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        depth = len(Path(here).relative_to(root).parts)
        if depth == MAX_FOLDERS and folders:
            place = shown_name("/".join(Path(here).relative_to(root).parts[:2]))
            message = (
                f"{place}/…: more than {MAX_FOLDERS} folders within one another. What lies deeper was not looked at; remove it."
            )
            problems.append(Problem(place, "TOO_DEEP", message))
            folders[:] = []
        for name in (*folders, *names):
            path = Path(here) / name
            if name in folders and not path.is_symlink():
                continue
            if _ignored(name) or (Path(here) == root and name in (ARRIVALS, WITHDRAWALS, MARKER)):
                continue
            relative = shown_name(path.relative_to(root).as_posix())
            if path.is_symlink() and not path.exists():
                message = f"{relative}: a link that leads nowhere or to itself. Put the file itself there."
                problems.append(Problem(relative, "LINK_BROKEN", message))
            elif path.is_symlink() and not path.resolve().is_relative_to(root):
                message = f"{relative}: a link that leads out of the folder is not followed. Put the file itself there."
                problems.append(Problem(relative, "LINK_OUTSIDE", message))
            elif not path.exists() or path.is_dir():
                continue
            elif not stat.S_ISREG(path.stat().st_mode):
                problems.append(Problem(relative, "NOT_A_FILE", f"{relative}: not a regular file. Remove it."))
            else:
                yield path


def _ignored(name: str) -> bool:
    return name.startswith((".", "~$")) or name.upper().startswith("README") or name in ("Thumbs.db", "desktop.ini")


def _identify(
    path: Path,
    relative: str,
    extracts: Mapping[str, Extract],
    listed: tuple[datetime, str | None] | None,
    hashes: _Hashes,
) -> Found:
    if is_personal(relative):
        message = "the name holds what looks like a personal number (CPR) or an e-mail address. Rename the file or its folder."
        raise DeliveryRefused("PERSONAL_NAME", message)
    folders = relative.split("/")[:-1]
    system: str | None = None
    arrived_at: datetime | None = None
    source = "sighting"
    if folders and re.match(r"\d{4}-\d{2}-\d{2}", folders[0]):
        try:
            arrived_at, source = parse_instant(folders[0]), "folder"
        except CallerError as error:
            raise DeliveryRefused(
                "BAD_ARRIVAL", f"the folder's name should be a time of arrival. {printable(str(error))}"
            ) from None
        system = folders[1] if len(folders) > 1 else None
    if listed is not None:
        if arrived_at is None or listed[0] < arrived_at:
            arrived_at, source = listed[0], ARRIVALS
        system = listed[1] or system
    if not relative.isascii() and any("\ud800" <= c <= "\udfff" for c in relative):
        raise DeliveryRefused("BAD_NAME", "the name's bytes are not UTF-8 text. Rename the file or its folder.")
    name = unicodedata.normalize("NFC", path.name)
    extract = _extract_of(name, system, extracts)
    layouts = layouts_of(extract, name)
    try:
        facts = facts_of(path.stat())
        sha256, is_settled = hashes.of(path, facts)
    except OSError as error:
        raise DeliveryRefused("UNREADABLE", f"cannot be read ({error.strerror}). Give read access to the file.") from None
    period = period_of(extract.period, name)
    shown, size = printable(name), facts[0]
    return Found(path, shown, sha256, size, system, extract.extract, layouts, arrived_at, source, period, facts, is_settled)


def _extract_of(name: str, system: str | None, extracts: Mapping[str, Extract]) -> Extract:
    fitting = [e for e in extracts.values() if fits(name, e.files)]
    of_system = [e for e in fitting if system is None or e.system.casefold() == system.casefold()]
    if len(of_system) == 1:
        return of_system[0]
    if of_system:
        names = ", ".join(sorted(e.extract for e in of_system))
        raise DeliveryRefused("AMBIGUOUS", f"several contracts claim this file ({names}). Narrow their files: patterns.")
    if fitting:
        systems = ", ".join(sorted({e.system for e in fitting}))
        raise DeliveryRefused(
            "NO_CONTRACT", f"its name fits a contract of {systems}, but it lies under '{printable(system or '')}'."
        )
    patterns = {p for e in extracts.values() for p in e.files}
    hint = nearest(name, patterns)
    raise DeliveryRefused(
        "NO_CONTRACT", f"no contract in expectations/ has a pattern that fits this name{hint}. Rename or remove it."
    )


def layouts_of(extract: Extract, name: str) -> tuple[str, ...]:
    """The layouts that take a file of this name, in the contract's order."""
    return tuple(layout.id for layout in extract.layouts if layout.files is None or fits(name, layout.files))


def plain_name(name: str) -> str:
    """A file's name without the ending that packing gave it."""
    return name[: name.rfind(".")] if name.casefold().endswith(PACKED) else name


def fits(name: str, patterns: list[str]) -> bool:
    """Whether a file name is as one of the patterns says, upper or lower case. Of a packed file it is the name without what packing
    added; a zip may have lost the ending of the file in it, as Windows names it."""
    folded, plain = name.casefold(), plain_name(name).casefold()
    for pattern in (pattern.casefold() for pattern in patterns):
        unended = pattern.rpartition(".")[0] if folded.endswith(".zip") else ""
        if any(fnmatchcase(*pair) for pair in ((folded, pattern), (plain, pattern), (plain, unended))):
            return True
    return False


def _precedence(found: Found) -> tuple[bool, datetime | float, str]:
    """The same bytes twice are one delivery, known by its earliest declared arrival."""
    return (found.arrived_at is None, found.arrived_at or 0.0, found.path.as_posix())


def _arrivals(root: Path, problems: list[Problem]) -> dict[str, tuple[datetime, str | None]]:
    path = root / ARRIVALS
    if not path.is_file():
        return {}
    if path.is_symlink() or path.stat().st_size > _MAX_ARRIVALS:
        raise CallerError(f"{path}: a link, or larger than {_MAX_ARRIVALS // 2**20} MB. Put the list itself there.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise CallerError(f"{path}: cannot be read as UTF-8 text. Save it as UTF-8.") from None
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    if not {"file", "received_at"} <= set(reader.fieldnames or ()):
        raise CallerError(f"{path}: line 1: expected the columns file, received_at and, if wanted, system.")
    listed: dict[str, tuple[datetime, str | None]] = {}
    for row in _rows(reader, path):
        try:
            when = parse_instant((row["received_at"] or "").strip())
        except CallerError as error:
            raise CallerError(f"{path}: line {reader.line_num}: received_at: {printable(str(error))}") from None
        file = (row["file"] or "").strip().replace("\\", "/")
        system = (row.get("system") or "").strip() or None
        if not _lies_in(root, file):
            name = shown_name(file[:200])
            message = f"{ARRIVALS}: line {reader.line_num}: no file '{name}' lies in this folder. Correct the path."
            problems.append(Problem(name, "NO_SUCH_FILE", message))
        elif file not in listed or when < listed[file][0]:
            listed[file] = (when, system)
    return listed


def _lies_in(root: Path, file: str) -> bool:
    try:
        return (root / file).is_file() and (root / file).resolve().is_relative_to(root)
    except OSError:  # a name longer than names can be
        return False


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[dict[str, str | None]]:
    try:
        yield from reader
    except csv.Error:
        raise CallerError(f"{path}: line {reader.line_num}: cannot be split into columns. Look for a stray quote.") from None


class _Hashes:
    """SHA-256 of files; those that the ledger remembers untouched are not read again.

    A file that was written to a moment before it was looked at may be written to again at what its file system takes for the same
    moment. Of such a one nothing is remembered, and whoever reads it must hash it again.
    """

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger
        self._known = ledger.remembered_files() if ledger else {}
        self._new: dict[str, tuple[int, int, int, int, str]] = {}

    def of(self, path: Path, facts: Facts) -> tuple[str, bool]:
        """The hash, and whether the facts vouch for it."""
        known = self._known.get(str(path))
        if known and known[:4] == facts:
            return known[4], True
        is_settled = time.time_ns() - max(facts[1:3]) > _SETTLED
        with pinned(path, facts) as same:
            digest = hash_file(same)
        if is_settled:
            self._new[str(path)] = (*facts, digest)
        return digest, is_settled

    def keep(self) -> None:
        if self._ledger is not None and self._new:
            self._ledger.remember_files(self._new)


def facts_of(status: os.stat_result) -> Facts:
    """Size, times of change and inode of a file: whoever writes into it or puts another in its place changes one of them."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


@contextmanager
def pinned(path: Path, facts: Facts) -> Iterator[Path]:
    """A path to the very file that had these facts, whatever its name leads to meanwhile, held to them before and after.

    Raises Refused (CHANGED_WHILE_READ) when the file is another or was written to; that outranks what was found in it.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # not to wait for the other end, should it have become a pipe
    try:
        _hold_still(handle, facts)
        own = Path(f"/proc/self/fd/{handle}")
        try:
            yield own if own.exists() else path
        except Exception:
            _hold_still(handle, facts)
            raise
        _hold_still(handle, facts)
    finally:
        os.close(handle)


def _hold_still(handle: int, facts: Facts) -> None:
    if facts_of(os.fstat(handle)) != facts:
        raise Refused("CHANGED_WHILE_READ", CHANGED)


def hash_file(path: Path) -> str:
    """SHA-256 of a file of any size."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
