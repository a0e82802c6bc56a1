"""Intake's speed against the engine's own typed CSV-to-Parquet copy of the same file: `python -m benchmarks.intake --call-events N`.

Makes a file of N call events and one of 2 N, runs every job in turns, each in a process of its own, holds the answers against each
other, and only then prints the ratios beside their bounds and writes benchmarks/intake.json and intake's part of
benchmarks/README.md. Ratios are of the same round, and the median of all rounds counts. A bound holds for wall time; processor
time stands beside it, for on a machine with other work it is the steadier of the two. What is measured is intake_jobs.py's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import page
from benchmarks.calls import write_month
from benchmarks.intake_jobs import JOBS
from benchmarks.measured import Figure, apart, figure, show
from maalopfyldelse.declared import REPOSITORY

RESULTS = Path(__file__).with_suffix(".json")
Round = dict[str, dict[str, Any]]  # job → what intake_jobs.py measured
TWICE = {"plain": "plain, twice the events", "full": "full, twice the events"}  # measured beside the job itself


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intake", description=__doc__)
    parser.add_argument("--call-events", type=int, default=10_000_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--double-rounds", type=int, default=1, help="rounds that measure 2 N events too (0: none)")
    parser.add_argument("--folder", type=Path, help="where the files are made (default: a temporary folder)")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        rounds = _rounds(Path(folder), given.call_events, given.rounds, given.double_rounds, console)
    figures = [*_ratios(rounds), *_growth(rounds), *_memory(rounds)]
    _show(figures, rounds, given.call_events)
    told = {"call_events": given.call_events, "rounds": given.rounds}
    text = json.dumps([asdict(one) | told for one in figures], indent=1)
    given.out.write_text(text + "\n")
    if given.out == RESULTS:
        page.write_intake(figures, rounds, given.call_events)
    return 0


def _rounds(folder: Path, events: int, rounds: int, double_rounds: int, console: Console) -> list[Round]:
    once, twice = folder / "once", folder / "twice"
    _deliver(once, events)
    if double_rounds:
        _deliver(twice, 2 * events)
    done: list[Round] = []
    for number in range(rounds):
        results: Round = {}
        for job in JOBS:
            places = {job: once} | ({TWICE[job]: twice} if job in TWICE and number < double_rounds else {})
            for name, place in places.items():
                found = results[name] = apart("benchmarks.intake_jobs", job, str(place))
                said = f"{found['wall']:.2f} s, processor {found['processor']:.2f} s, {found['memory']:.0f} MB"
                console.print(f"{events} events, round {number + 1}: {name}: {said}", highlight=False)
        _hold_alike(results)
        done.append(results)
    return done


def _deliver(folder: Path, events: int) -> None:
    received = folder / "deliveries" / "2021-06-05T0700" / "puzzel"
    received.mkdir(parents=True)
    (folder / "deliveries" / "SYNTHETIC").touch()
    write_month(received / "call_events_2021-05.csv", events, date(2021, 5, 1))
    (queues,) = REPOSITORY.glob("data/sample/*/puzzel/koeliste_2020-07.csv")
    (received / queues.name).write_bytes(queues.read_bytes())


def _hold_alike(results: Round) -> None:
    """Raises SystemExit where the engine's copy and ours say different things."""
    for ours, copy in (("plain", "copy"), ("full", "copy-full")):
        if copy in results and results[ours]["sums"] != results[copy]["sums"]:
            raise SystemExit(f"{ours} and {copy} differ: {results[ours]['sums']}, {results[copy]['sums']}")
    failed = [code for code, success, _ in results.get("rules", {}).get("sums", []) if not success]
    if failed:
        raise SystemExit(f"expectations failed that should not: {', '.join(failed)}")


def _ratios(rounds: list[Round]) -> list[Figure]:
    figures = []
    for name, ours, against, bound in (
        ("strict casts alone / typed copy", "plain", "copy", 1.5),
        ("zone, CPR scan and keyed hash / typed copy", "full", "copy-full", 2.5),
        ("expectations / intake", "rules", "full", 1.0),
    ):
        for time in ("wall", "processor"):
            ratio = median(found[ours][time] / found[against][time] for found in rounds)
            figures.append(figure(f"{name}, {time} time", ratio, bound))
    return figures


def _growth(rounds: list[Round]) -> list[Figure]:
    figures = []
    for job, name in (("plain", "strict casts alone"), ("full", "zone, CPR scan and keyed hash")):
        both = [(found[job], found[TWICE[job]]) for found in rounds if TWICE[job] in found]
        for time in ("wall", "processor") if both else ():
            ratio = median(twice[time] / once[time] for once, twice in both)
            figures.append(figure(f"{name}: twice the events / once, {time} time", ratio, 2.2))
    return figures


def _memory(rounds: list[Round]) -> list[Figure]:
    found = []
    for job in rounds[0]:
        peak = max(one[job]["memory"] for one in rounds if job in one)
        found.append(figure(f"peak memory of {job}, MB", peak, None if job.startswith("copy") else 3000))
    return found


def _show(figures: list[Figure], rounds: list[Round], events: int) -> None:
    console = Console()
    times = Table(title=f"{events} call events, median of {len(rounds)} rounds")
    for heading in ("job", "wall s", "processor s", "peak MB"):
        times.add_column(heading, justify="left" if heading == "job" else "right")
    for job in rounds[0]:
        cells = [median(found[job][kind] for found in rounds if job in found) for kind in ("wall", "processor", "memory")]
        times.add_row(job, f"{cells[0]:.2f}", f"{cells[1]:.2f}", f"{cells[2]:.0f}")
    console.print(times)
    show(figures, console)


if __name__ == "__main__":
    sys.exit(main())
