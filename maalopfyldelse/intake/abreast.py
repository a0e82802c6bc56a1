"""Several files of an extract read at once, and their outcomes in the files' order.

Each file has a session of the one engine to itself, so memory and threads are shared and nothing else is. While one file's text
is proved, or its JSON read, the engine casts another's. What is done with a file is take.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from ..engine import memory_limit, threads

if TYPE_CHECKING:
    import duckdb

MOST = 4  # files at once: more would only hold more memory
PATIENCE = 0.1  # seconds
ROOM = 900_000_000  # bytes of the engine's memory that the writing of a large file may take
F = TypeVar("F")
Outcome = TypeVar("Outcome")


@dataclass
class Desk:
    """Where one file at a time is read: a session, and the zones that it knows already."""

    con: duckdb.DuckDBPyConnection
    prepared: set[str] = field(default_factory=set)


def abreast(files: Sequence[F], read: Callable[[Desk, F], Outcome], desks: Iterator[Desk]) -> Iterator[tuple[F, Outcome]]:
    """Each file with what `read` says of it. Raises what `read` raises, of the first file in order, when those behind
    it have been left."""
    if not files:
        return
    used = [next(desks)]
    number = min(len(files), threads(), MOST, max(1, memory_limit(used[0].con) // ROOM))
    if number == 1:
        yield from ((file, read(used[0], file)) for file in files)
        return
    used += [next(desks) for _ in range(1, number)]
    free = SimpleQueue[Desk]()
    for desk in used:
        free.put(desk)

    def read_at_a_desk(file: F) -> Outcome:
        desk = free.get()
        try:
            return read(desk, file)
        finally:
            free.put(desk)

    with ThreadPoolExecutor(number) as pool:
        futures = [pool.submit(read_at_a_desk, file) for file in files]
        try:
            for file, future in zip(files, futures, strict=True):
                yield file, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while running := [future for future in futures if future.running()]:
                for desk in used:  # again and again: one may just be about to ask the engine
                    desk.con.interrupt()
                wait(running, timeout=PATIENCE)
            raise
