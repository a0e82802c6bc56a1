"""An edition brought back: its declarations from inputs/, its deliveries as edition.json tells them, ready to be computed again.

Nothing here looks at the repository's present declarations, or at what the ledger says today. Comparing what comes out is
verify.py's and restatement.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from . import shelf
from .declared import load_folders
from .errors import MaalError
from .home import Home
from .intake.deliveries import hash_file
from .intake.ledger import Blocker, Delivery
from .manifest import Manifest, Used
from .plan import read_plan
from .scanning import Scanning


@dataclass(frozen=True)
class Known:
    """Deliveries as they stood at one date of knowledge; answers what a Scanning asks the ledger, for that date only."""

    used: tuple[Used, ...]

    def deliveries(self, extract: str | None = None, known_at: datetime | None = None) -> list[Delivery]:
        """All of them, or those of an extract, in order of arrival and name."""
        return [u.as_delivery() for u in self._of(extract)]

    def counting(self, extract: str, known_at: datetime | None = None) -> list[Delivery]:
        """Those whose rows may count. Superseding comes after."""
        return [u.as_delivery() for u in self._of(extract) if u.standing in ("current", "superseded")]

    def blocking(self, extracts: Iterable[str], known_at: datetime | None = None) -> list[Blocker]:
        """Nothing: the edition was published."""
        return []

    def reject_counts(self) -> dict[str, dict[tuple[str, str | None], int]]:
        """Why rows were set aside, as the edition wrote it down."""
        return {u.delivery: {(r.code, r.column): r.rows for r in u.set_aside} for u in self.used}

    def _of(self, extract: str | None) -> list[Used]:
        found = [u for u in self.used if extract in (None, u.extract)]
        return sorted(found, key=lambda u: (u.arrived_at, u.file, u.delivery))


def scanning_of(home: Home, folder: Path, said: Manifest, *, keeps_cells: bool = True) -> Scanning:
    """What the edition's figures are computed from. Raises CallerError when a text of inputs/ does not hold."""
    inputs = folder / "inputs"
    plan = read_plan(inputs / "plans" / f"{said.plan}.yaml").at(said.as_of)
    known = Known(tuple(said.deliveries))
    return Scanning(home, load_folders((inputs,)), known, plan, said.as_of, said.known_at, keeps_cells=keeps_cells)


def table(folder: Path, said: Manifest, name: str) -> list[dict[str, Any]]:
    """A table of an edition as records. Raises MaalError when its file is not the one that was published."""
    path, output = folder / f"{name}.parquet", said.output(f"{name}.parquet")
    if output is None or not path.exists() or hash_file(path) != output.sha256:
        raise MaalError(f"{path} is gone or has been altered since it was published. Restore the folder from a copy.")
    return shelf.read_table(folder, name)


def gone_or_altered(home: Home, folder: Path, said: Manifest, *, holds_rows: bool = True) -> list[str]:
    """What an edition was made from and is no longer as it was, each with what to do: its texts, and its rows in the store. With
    `holds_rows` these are held against their hashes; else they must be there."""
    found = []
    for text in said.inputs:
        path = folder / text.file
        if not path.exists():
            found.append(f"{text.file} is gone. Restore it from a copy of the edition.")
        elif hash_file(path) != text.sha256:
            found.append(f"{text.file} has been altered. Restore it from a copy of the edition (sha256 {text.sha256}).")
    for used in said.deliveries:
        path = home.path / used.store_path
        again = f"Restore it from a copy of the home; or have {used.file} (sha256 {used.sha256}) delivered and taken again in a new home."
        if not path.exists():
            found.append(f"{used.store_path}, the rows of {used.file}, is gone. {again}")
        elif holds_rows and used.store_sha256 is not None and hash_file(path) != used.store_sha256:
            found.append(f"{used.store_path}, the rows of {used.file}, has been altered. {again}")
    return found
