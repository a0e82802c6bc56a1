"""One measurement in a process of its own: the job's wall time, processor time and the peak memory of the whole process.

Start-up and imports lie outside the times; a job prepares itself, then runs inside `measured`, and its process prints one line of
JSON. Figures with their bounds, and their table, stand here too; what is measured is the benchmarks' own.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A measured figure and its bound; without a bound it is told and not held."""

    name: str
    value: float
    bound: float | None
    holds: bool | None


def measured(job: Callable[[], T]) -> tuple[dict[str, Any], T]:
    """Runs the job: seconds of wall and of processor (user and system, children too) time and MB at the peak; and what it gave."""
    before, begun = os.times(), time.perf_counter()
    found = job()
    ended, after = time.perf_counter(), os.times()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": ended - begun, "processor": sum(after[:4]) - sum(before[:4]), "memory": peak}, found


def apart(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Runs `python -m MODULE …`, which prints what `measured` gave; `whole` is added: the process from its start to its end."""
    begun = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found | {"whole": time.perf_counter() - begun}


def forked(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """As `apart`, from a process that has imported the module already and does nothing else; `whole` leaves the imports out."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])  # of the first call; all later ones are of the same module
    begun = time.perf_counter()
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sending, module, arguments, dict(environment or {})))
    process.start()
    sending.close()
    try:
        found: dict[str, Any] = json.loads(receiving.recv())
    except EOFError:
        raise SystemExit(f"{module} {' '.join(arguments)} ended without an answer") from None
    process.join()
    return found | {"whole": time.perf_counter() - begun}


def _answer(sending: Connection, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    with redirect_stdout(io.StringIO()) as said:
        import_module(module).main(list(arguments))
    sending.send(said.getvalue().splitlines()[-1])


def figure(name: str, value: float, bound: float | None) -> Figure:
    """A figure with its value rounded for print; the bound is held against the value as measured."""
    rounded = round(value, 3 if value < 1 else 2 if value < 100 else 0)
    return Figure(name, rounded, bound, None if bound is None else Fraction(value) <= Fraction(bound))


def show(figures: Sequence[Figure], console: Console) -> None:
    """Figures beside their bounds."""
    table = Table(title="against the bounds")
    for heading in ("figure", "value", "bound", "holds"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for one in figures:
        holds = "" if one.holds is None else "yes" if one.holds else "NO"
        table.add_row(one.name, f"{one.value:g}", "" if one.bound is None else f"{one.bound:g}", holds)
    console.print(table)
