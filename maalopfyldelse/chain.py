"""The chain of editions: `HOME/chain.jsonl`, one line for each that was published, in order.

A line names an edition and the hash of its edition.json, and holds the hash of the line before it; so an edition or a line that is
altered, or an edition that is removed, shows, the last one too. An edition enters its place before it enters the chain: where a
run was killed between the two, the next one adds it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from . import manifest, shelf
from .errors import MaalError
from .home import Home
from .intake.deliveries import hash_file


@dataclass(frozen=True)
class Link:
    """One edition in the chain: plan and reporting date, number, hash of its edition.json."""

    plan: str
    as_of: str
    number: int
    sha256: str


def read(home: Home) -> list[Link]:
    """Every link, oldest first. Raises MaalError naming the line where the chain is broken."""
    links: list[Link] = []
    before: str | None = None
    for n, line in enumerate(_lines(home.chain), 1):
        try:
            said = json.loads(line)
            whole = said["before"] == before
            links.append(Link(said["plan"], said["as_of"], said["edition"], said["sha256"]))
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise MaalError(f"{home.chain} line {n} or the one before it has been altered. Restore the file from a copy.")
        before = _hash(line)
    return links


def of(home: Home, plan: str, as_of: date) -> dict[int, str]:
    """The editions of a plan at a reporting date that were published: number → hash of edition.json. Raises as `read` does."""
    return {link.number: link.sha256 for link in read(home) if (link.plan, link.as_of) == (plan, as_of.isoformat())}


def add(home: Home, plan: str, as_of: date, number: int, folder: Path) -> None:
    """Enters an edition that has just taken its place."""
    lines = _lines(home.chain)
    said = {
        "plan": plan,
        "as_of": as_of.isoformat(),
        "edition": number,
        "sha256": hash_file(folder / manifest.FILE),
        "before": _hash(lines[-1]) if lines else None,
    }
    new = home.tmp / home.chain.name
    new.write_text("".join(f"{line}\n" for line in [*lines, json.dumps(said)]))
    new.replace(home.chain)


def complete(home: Home, plan: str, as_of: date) -> None:
    """Enters the newest edition where the run that made it was killed before it could: only one that follows on the last link."""
    linked, there = of(home, plan, as_of), shelf.standing(home, plan, as_of)
    newest = max(there, default=0)
    if newest != max(linked, default=0) + 1:
        return
    if manifest.read(there[newest]).previous == linked.get(newest - 1):
        add(home, plan, as_of, newest, there[newest])


def faults(home: Home, plan: str, as_of: date) -> list[str]:
    """What is not as it was published, of a plan at a reporting date: each says which edition and what to do."""
    try:
        linked = of(home, plan, as_of)
    except MaalError as error:
        return [str(error)]
    there, found = shelf.standing(home, plan, as_of), []
    for number, sha256 in linked.items():
        path = home.editions / plan / as_of.isoformat() / str(number)
        if number not in there:
            found.append(f"edition {number} was published and is gone. Restore {path} from a copy (its edition.json: {sha256}).")
        elif not (path / manifest.FILE).exists() or hash_file(path / manifest.FILE) != sha256:
            found.append(
                f"edition {number}: edition.json is altered or gone. Restore {path} from a copy (its edition.json: {sha256})."
            )
    found += [
        f"edition {number} is not in {home.chain.name}. If a run was killed as it published it, the next 'maal run' of the plan makes "
        "that good; else the file is not the one that was written here, or the folder was put there by hand."
        for number in there
        if number not in linked
    ]
    for number in sorted(set(there) & set(linked)):
        try:
            said = manifest.read(there[number]).previous
        except MaalError:
            continue  # told above
        if number - 1 in linked and said != linked[number - 1]:
            found.append(f"edition {number} follows on another edition {number - 1} than the one in {home.chain.name}.")
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
