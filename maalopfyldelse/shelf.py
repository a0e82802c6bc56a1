"""Editions on their shelf, `HOME/editions/PLAN/AS_OF/N/`: finding one and reading its tables.

How one is made is edition.py's; what its edition.json says is manifest.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from .errors import CallerError
from .home import Home


def standing(home: Home, plan: str, as_of: date) -> dict[int, Path]:
    """The editions of a plan at a reporting date that are there: number → folder."""
    folder = home.editions / plan / as_of.isoformat()
    found = [p for p in folder.iterdir() if p.name.isdecimal()] if folder.is_dir() else []
    return {int(p.name): p for p in sorted(found, key=lambda p: int(p.name))}


def newest(home: Home, plan: str, as_of: date) -> int | None:
    """The newest edition's number, or None."""
    return max(standing(home, plan, as_of), default=None)


def editions(home: Home, plan: str | None = None) -> Iterator[Path]:
    """The folders of all editions, by plan, reporting date and number."""
    for folder in sorted(home.editions.glob(f"{plan or '*'}/*")):
        yield from sorted((p for p in folder.glob("[0-9]*")), key=lambda p: int(p.name))


def find(home: Home, plan: str, as_of: date | None, number: int | None) -> Path:
    """The folder of an edition: the newest of the last reporting date unless said. Raises CallerError when there is none."""
    dates = sorted(p.name for p in (home.editions / plan).glob("*-*-*"))
    wanted = as_of.isoformat() if as_of else (dates[-1] if dates else None)
    if wanted is None or wanted not in dates:
        have = f"; there are editions at {', '.join(dates)}" if dates else ""
        raise CallerError(f"{plan} has no edition{f' at {wanted}' if wanted else ''}{have}. Run 'maal run --plan {plan}' first.")
    folder = home.editions / plan / wanted
    chosen = number if number is not None else newest(home, plan, date.fromisoformat(wanted))
    if not (folder / str(chosen)).is_dir():
        raise CallerError(
            f"{plan} at {wanted} has no edition {chosen}; the newest is {newest(home, plan, date.fromisoformat(wanted))}."
        )
    return folder / str(chosen)


def read_table(folder: Path, table: str) -> list[dict[str, Any]]:
    """`fulfilment` or `results` of an edition as records."""
    from importlib import import_module

    # Not read_table: it goes through pyarrow.dataset, which imports pandas and doubles the time of `maal show`.
    pq: Any = import_module("pyarrow.parquet")
    records: list[dict[str, Any]] = pq.ParquetFile(folder / f"{table}.parquet").read().to_pylist()
    return records
