"""The home: where a deployment keeps what it knows (ledger, Parquet store, editions, Dagster's storage).

Here belong its paths, its format version, its permissions and the lock that lets one run at a time write. What stands in the
files is their own modules' business.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import CallerError, MaalError

FORMAT = 1
NOTICE = "INTERN.txt"
# What the notice in the home and in each edition says; for whoever finds a copy of one of them.
NOTICE_TEXT = """INTERNT. Forlader ikke huset.

Alt i denne mappe og i mapperne under den er internt, undtagen det, der ligger i en udgaves mappe department/: siden report.html,
regnearket fulfilment.xlsx og tabellen fulfilment.csv. Kun der er små tal skjult. Alle andre steder står tallene nøjagtigt, og der
kan være oplysninger om enkelte sager og personer.

Arbejdsbøgerne under rejects/ er til den, der har leveret filen, og ingen andre.
"""


class Home:
    """A home folder, made (mode 0700) when absent. Raises CallerError when it cannot be used."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path.expanduser().resolve()
        marker = self.path / "format"
        try:
            if not marker.exists():
                if not create:
                    raise CallerError(f"{self.path} is no home yet. Run 'maal run' first, or name another with --home.")
                if self.path.exists() and any(p.name != marker.name + ".new" for p in self.path.iterdir()):
                    raise CallerError(f"{self.path} exists and is no home of ours. Name an empty or new folder with --home.")
                self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
                self.path.chmod(0o700)
                _write_atomically(marker, f"{FORMAT}\n", marker.with_name(marker.name + ".new"))
            for folder in (self.store, self.editions, self.tmp, self.dagster):  # a run may have been killed before it made them
                folder.mkdir(exist_ok=True)
            found = marker.read_text().strip()
        except OSError as error:
            raise CallerError(f"The home {self.path} cannot be used: {error.strerror}.") from None
        if found != str(FORMAT):
            raise CallerError(f"The home {self.path} has format {found}; this program writes format {FORMAT}.")

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.sqlite"

    @property
    def store(self) -> Path:
        return self.path / "store"

    @property
    def editions(self) -> Path:
        return self.path / "editions"

    @property
    def rejects(self) -> Path:
        """Workbooks for the senders; made when there is one."""
        return self.path / "rejects"

    @property
    def tmp(self) -> Path:
        return self.path / "tmp"

    @property
    def dagster(self) -> Path:
        return self.path / "dagster"

    @property
    def checks(self) -> Path:
        return self.path / "checks"

    @property
    def analyst(self) -> Path:
        return self.path / "analyst.duckdb"

    @property
    def chain(self) -> Path:
        return self.path / "chain.jsonl"

    def keep(self, path: Path, text: str) -> None:
        """Writes down what was found out, so that the next to ask need not; whole or not at all. Who only looks may not write, and
        goes without."""
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            _write_atomically(path, text, self.tmp / f"{path.name}.{os.getpid()}")

    def kept(self, path: Path) -> Any | None:
        """What was kept as JSON; None without it, or when it cannot be read."""
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            return None

    @contextmanager
    def locked(self, doing: str) -> Iterator[None]:
        """Holds the home for one writer; left-overs of a killed run in tmp/ are removed first.

        Raises MaalError naming who holds it. The lock is the operating system's, so it goes with its process.
        """
        with (self.path / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.seek(0)
                raise MaalError(_held(handle.read(), self.path)) from None
            handle.seek(0)
            handle.truncate()
            handle.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "doing": doing}))
            handle.flush()
            _empty(self.tmp)
            if not (self.path / NOTICE).exists():
                _write_atomically(self.path / NOTICE, NOTICE_TEXT, self.tmp / NOTICE)
            try:
                yield
            finally:
                handle.seek(0)
                handle.truncate()


def existing(path: Path) -> Path | None:
    """The folder of a home, to be looked at only; None when there is nothing yet. Changes nothing, unlike Home.

    Raises CallerError when something else lies there, or a home of another format.
    """
    path = path.expanduser().resolve()
    marker = path / "format"
    try:
        if not marker.exists():
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise CallerError(f"{path} exists and is no home of ours. Name another with --home.")
            return None
        found = marker.read_text().strip()
    except OSError as error:
        raise CallerError(f"The home {path} cannot be read: {error.strerror}.") from None
    if found != str(FORMAT):
        raise CallerError(f"The home {path} has format {found}; this program reads format {FORMAT}.")
    return path


def _held(text: str, path: Path) -> str:
    try:
        holder = json.loads(text)
        who = f"process {holder['pid']} on {holder['host']} ({holder['doing']})"
    except (ValueError, KeyError):
        who = "another process"
    return f"The home {path} is in use by {who}. Wait until it has finished, or name another home with --home."


def _empty(folder: Path) -> None:
    for entry in sorted(folder.rglob("*"), reverse=True):
        if entry.is_dir() and not entry.is_symlink():
            entry.rmdir()
        else:
            entry.unlink()


def _write_atomically(path: Path, text: str, temporary: Path) -> None:
    temporary.write_text(text)
    temporary.replace(path)
