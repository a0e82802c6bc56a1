"""Whether an edition still stands as it was published, and whether it can be made again from what it was made from.

Its own files, its texts, its rows in the store and its place in the chain are held against their hashes. When the texts and rows
are whole it is computed anew from them alone, without anything counted before, and written once more: the same bytes, the same
content, or other figures. Nothing in the home is changed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from . import chain, finality, manifest, recorded, shelf
from .department import Facts
from .edition import RESTATEMENT, compute_from, tables, write_outputs
from .engine import engine_words
from .errors import MaalError
from .home import Home
from .intake.deliveries import hash_file
from .manifest import Manifest
from .versions import code_version, libraries


@dataclass(frozen=True)
class Found:
    """One thing that was looked at: whether it holds, in words, and what is the matter where it does not."""

    holds: bool
    what: str
    faults: tuple[str, ...] = ()


def verify(home: Home, plan: str, as_of: date, number: int) -> Iterator[Found]:
    """Each thing that was looked at, as it is done. Raises CallerError when there never was such an edition."""
    try:
        linked = chain.of(home, plan, as_of)
    except MaalError:
        linked = {}  # told below
    folder = home.editions / plan / as_of.isoformat() / str(number)
    if number not in linked:
        folder = shelf.find(home, plan, as_of, number)
    broken = chain.faults(home, plan, as_of)
    count = len(shelf.standing(home, plan, as_of))
    yield _found(f"the chain of {plan} at {as_of}: {count} {'edition' if count == 1 else 'editions'}", broken)
    if not folder.is_dir():
        return
    try:
        said = manifest.read(folder)
    except MaalError as error:
        yield Found(False, manifest.FILE, (str(error),))
        return
    outputs = list(_outputs(folder, said))
    yield _found(f"{len(said.outputs)} files, as they were published", outputs)
    made_from = f"{len(said.inputs)} texts and {len(said.deliveries)} deliveries' rows, as they were used"
    lost = recorded.gone_or_altered(home, folder, said)
    yield _found(made_from, lost)
    if lost:
        yield Found(False, "not computed again: what it was made from is not whole")
        return
    yield _recomputed(home, folder, said)


def _found(what: str, faults: list[str]) -> Found:
    return Found(not faults, what, tuple(faults))


def _outputs(folder: Path, said: Manifest) -> Iterator[str]:
    """Files of the edition that are gone, altered or have come to."""
    for output in said.outputs:
        path = folder / output.name
        if not path.exists():
            yield f"{output.name} is gone. Restore it from a copy of the edition (sha256 {output.sha256})."
        elif hash_file(path) != output.sha256:
            yield f"{output.name} has been altered. Restore it from a copy of the edition (sha256 {output.sha256})."
    named = {manifest.FILE, *(o.name for o in said.outputs), *(i.file for i in said.inputs)}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.relative_to(folder).as_posix() not in named:
            yield f"{path.relative_to(folder)} was not published with the edition. Move it away."


def _recomputed(home: Home, folder: Path, said: Manifest) -> Found:
    """Computes and writes the edition again, outside the home."""
    import duckdb

    try:
        computed = compute_from(recorded.scanning_of(home, folder, said, keeps_cells=False))
        records, results = tables(computed, said.edition)
        with tempfile.TemporaryDirectory() as name:
            # What changed since the edition before is taken as it was published: it followed from that edition too.
            kept = folder / RESTATEMENT
            restated = json.loads(kept.read_text()) if said.output(RESTATEMENT) and kept.exists() else None
            facts = Facts(said.edition, said.made_at, said.reason, restated, said.code)
            write_outputs(computed, facts, Path(name))
            unlike = [o.name for o in said.outputs if o.name != RESTATEMENT and _hash(Path(name) / o.name) != o.sha256]
    except (MaalError, duckdb.Error, ValueError) as error:
        why = engine_words(error) if isinstance(error, duckdb.Error) else str(error)
        return Found(False, "not computed again", (f"The present code cannot: {why}",))
    content = {"fulfilment.parquet": manifest.content_hash(records), "results.parquet": manifest.content_hash(results)}
    other = [name for name, found in content.items() if (o := said.output(name)) is None or o.content != found]
    if not unlike:
        return Found(True, "computed again: identical bytes")
    by = _made_by_others(said)
    if not other:
        return Found(
            True,
            f"computed again: identical content; the bytes of {', '.join(unlike)} differ ({by or 'though the versions are the same'})",
        )
    changes = _changes(folder, said, records)
    why = f"It was made by {by}." if by else "Code and libraries are the same: this is a fault of ours, or of the machine."
    return Found(False, f"computed again: other content of {', '.join(other)}", (*changes, why))


def _hash(path: Path) -> str | None:
    return hash_file(path) if path.exists() else None


def _made_by_others(said: Manifest) -> str:
    """Which versions it was made by, where they are not the present ones."""
    now = libraries()
    others = [f"{n} {v} (now {now.get(n, 'absent')})" for n, v in said.libraries.items() if now.get(n) != v]
    return ", ".join(([f"code {said.code} (now {code_version()})"] if said.code != code_version() else []) + others)


def _changes(folder: Path, said: Manifest, records: list[dict[str, Any]]) -> list[str]:
    try:
        published = recorded.table(folder, said, "fulfilment")
    except MaalError:
        return []  # told among the files
    return finality.changed([*published], records)
