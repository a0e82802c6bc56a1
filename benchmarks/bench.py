"""The whole job measured: `make bench`, `make bench-small`, or `python -m benchmarks.bench --help`.

Ours against a good pandas script, a good polars script and SQL written by hand, on the same deliveries; then what a second run, a new
month and a new date cost, how time and memory grow, and what Dagster adds. Every measurement has a process of its own, the
measurements of a round follow one another, and a ratio is of the same round; the median round counts. No figure is printed before
all answers have been found equal. Writes benchmarks/results.json and the generated part of benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from rich.console import Console

from benchmarks import calls, generate, page
from benchmarks.measured import Figure, apart, figure, forked, show
from maalopfyldelse.dates import add_months
from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.sample.common import Sizes

RESULTS = Path(__file__).with_name("results.json")
SCRIPTS = {"pandas": 1 / 8, "polars": 1.1, "duckdb": 1.4}  # the largest part of the script's time that ours may take
MONTHS = 30
NEW_DATE = "2021-06-30"
Round = dict[str, dict[str, Any]]  # who → what was measured


class Bench:
    """One run of the benchmark: its folder, its sizes, and what it tells while it works."""

    def __init__(self, folder: Path, sizes: Sizes, console: Console) -> None:
        self.folder, self.sizes, self.console = folder, sizes, console
        folder.mkdir(parents=True, exist_ok=True)

    def deliveries(self, name: str, sizes: Sizes, months: Sequence[date] = (), like: Path | None = None) -> Path:
        """Deliveries of these sizes; with `months`, the call events lie in these and are the benchmark's own, and what else there is may
        be `like` other deliveries."""
        root = self.folder / name
        generate.generate(root, sizes, with_calls=not months, like=like)
        for number, month in enumerate(months):
            folder = root / f"{add_months(month, 1):%Y-%m}-05T0700" / "puzzel"
            path = folder / f"call_events_{month:%Y-%m}.csv"
            first, last = (sizes.call_events * k // len(months) for k in (number, number + 1))
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                calls.write_month(path, last - first, month, first)
        os.sync()  # or the first job to be measured waits for what was made just now
        return root

    def home(self, name: str, *, like: Path | None = None) -> Path:
        """A fresh place for a home, empty or a copy."""
        path = self.folder / "homes" / name
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(exist_ok=True)
        if like:
            shutil.copytree(like, path, copy_function=_link)
        return path

    def measure(
        self, label: str, module: str, *arguments: object, is_started: bool = False, **environment: str
    ) -> dict[str, Any]:
        """One job in a process of its own; told as it ends. Ours is forked from one that has imported everything, which takes longer
        than many a job, unless its start is to be measured too (`is_started`)."""
        run = forked if module == "ours" and not is_started else apart
        found = run(f"benchmarks.{module}", *map(str, arguments), environment=environment)
        said = f"{found['wall']:.2f} s, processor {found['processor']:.2f} s, {found['memory']:.0f} MB"
        self.console.print(f"{label}: {said}, with its start {found['whole']:.2f} s", highlight=False)
        return found


def _link(source: str, target: str) -> None:
    # a stored Parquet file is never changed; the ledger is
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


# --- cold ---------------------------------------------------------------------------------------------------------------------


def cold(bench: Bench, rounds: int, pandas_rounds: int) -> tuple[list[Round], Path]:
    """The whole job from nothing, by all; the home that ours left."""
    deliveries = bench.deliveries("deliveries", bench.sizes)
    done = []
    for number in range(rounds):
        home = bench.home("cold")
        results = {"ours": bench.measure(f"cold {number + 1}, ours", "ours", "run", deliveries, home, is_started=True)}
        for name in scripts():
            if name != "pandas" or number < pandas_rounds:
                out = bench.folder / f"with_{name}"
                results[name] = bench.measure(f"cold {number + 1}, {name}", f"with_{name}", "run", deliveries, out)
        hold_alike(results)
        done.append(results)
    return done, home


def scripts() -> list[str]:
    """The scripts whose library is installed."""
    return [name for name in SCRIPTS if find_spec(name)]


def hold_alike(results: Round) -> None:
    """Raises SystemExit where a script's answers are not ours. Readings are compared where the script computes them."""
    ours = results["ours"]["found"]
    for name, result in results.items():
        for part in ("rows", "rules", "figures", *(["readings"] if result["found"]["readings"] else [])):
            if result["found"][part] != ours[part]:
                raise SystemExit(f"{name} and ours differ in {part}:\n{result['found'][part]}\n{ours[part]}")


def against_scripts(rounds: list[Round]) -> Iterator[Figure]:
    """Ours as a part of each script's time."""
    for name, bound in SCRIPTS.items():
        some = [found for found in rounds if name in found]
        if some:
            yield from ratios(f"cold / {name}", [(found["ours"], found[name]) for found in some], bound)


def ratios(name: str, pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]], bound: float) -> Iterator[Figure]:
    """The median ratio of wall and of processor time; the bound is for the wall's."""
    yield figure(name, median(a["wall"] / b["wall"] for a, b in pairs), bound)
    yield figure(f"{name}, processor time", median(a["processor"] / b["processor"] for a, b in pairs), None)


# --- warm ---------------------------------------------------------------------------------------------------------------------


def new_date(bench: Bench, home: Path, rounds: int) -> Iterator[Figure]:
    """The plan's rows at another date over what is stored, against SQL by hand over what that has stored: with the months that were
    counted for the first date, and with nothing counted before."""
    deliveries, out = bench.folder / "deliveries", bench.folder / "with_duckdb"
    pairs, anew = [], []
    for number in range(rounds):
        after = bench.home("date", like=home)
        ours = bench.measure(f"new date {number + 1}, ours", "ours", "count", deliveries, after, NEW_DATE)
        bare = bench.home("date", like=home)
        for counted in ("cells", "days"):
            shutil.rmtree(bare / "store" / counted)
        alone = bench.measure(f"new date {number + 1}, ours, nothing counted before", "ours", "count", deliveries, bare, NEW_DATE)
        other = bench.measure(f"new date {number + 1}, duckdb", "with_duckdb", "count", deliveries, out, NEW_DATE)
        for part in ("figures", "readings"):
            mine, also, theirs = (without_verdicts(found["found"][part]) for found in (ours, alone, other))
            if mine != theirs or also != theirs:
                raise SystemExit(f"new date: {part} differ:\n{mine}\n{also}\n{theirs}")
        pairs.append((ours, other))
        anew.append((alone, other))
    yield from ratios("new date over stored rows / SQL by hand", pairs, 1.3)
    yield from ratios("new date, nothing counted before / SQL by hand", anew, 1.3)


def without_verdicts(part: dict[str, Any]) -> dict[str, Any]:
    """Figures as two dates can be compared: the plan gives some rows no verdict before its last date."""
    return {row: {k: v for k, v in said.items() if k != "verdict"} for row, said in part.items()}


def nothing_new(bench: Bench, home: Path, rounds: int) -> Iterator[Figure]:
    """A run when nothing has come, against the same over deliveries of as good as no rows."""
    least = Sizes(call_events=2_000, cases=1_000, tickets=4_000, persons=2_000)
    empty = bench.deliveries("least", least)
    empty_home = bench.home("least")
    bench.measure("nothing new: least rows, first run", "ours", "run", empty, empty_home)
    deliveries = bench.folder / "deliveries"
    pairs = []
    for number in range(rounds):
        ours = bench.measure(f"nothing new {number + 1}", "ours", "run", deliveries, home)
        pairs.append((ours, bench.measure(f"nothing new {number + 1}, least rows", "ours", "run", empty, empty_home)))
    yield from ratios("nothing new / the same over least rows", pairs, 1.3)


def new_month(bench: Bench, rounds: int) -> Iterator[Figure]:
    """One of thirty months of calls comes, against all from nothing."""
    months = [add_months(date(2019, 7, 1), k) for k in range(MONTHS)]
    deliveries = bench.deliveries("months", bench.sizes, months, like=bench.deliveries("deliveries", bench.sizes))
    (last,) = deliveries.glob(f"*/puzzel/call_events_{months[-1]:%Y-%m}.csv")
    aside = bench.folder / last.name
    before = bench.home("before")
    last.rename(aside)
    try:
        bench.measure("new month: twenty-nine months", "ours", "run", deliveries, before)
    finally:
        aside.rename(last)
    pairs = []
    for number in range(rounds):
        month = bench.measure(f"new month {number + 1}", "ours", "run", deliveries, bench.home("month", like=before))
        whole = bench.measure(f"new month {number + 1}, cold", "ours", "run", deliveries, bench.home("whole"))
        if month["found"] != whole["found"]:
            raise SystemExit("a new month over what is stored and all from nothing differ")
        pairs.append((month, whole))
    yield from ratios("new month among thirty / cold", pairs, 1 / 6)


# --- growth -------------------------------------------------------------------------------------------------------------------


def growth(bench: Bench, sizes: Sequence[int], rounds: int) -> Iterator[Figure]:
    """Time and memory with the number of call events, all else the same and little."""
    months = [add_months(date(2021, 1, 1), k) for k in range(12)]
    times: dict[int, list[dict[str, Any]]] = {}
    for number in range(rounds):
        for events in (0, *sizes):
            few = Sizes(call_events=max(events, 1_200), cases=1_000, tickets=4_000, persons=2_000)
            deliveries = bench.deliveries(f"growth-{events}", few, months)
            label = f"growth {number + 1}, {events} call events"
            times.setdefault(events, []).append(bench.measure(label, "ours", "run", deliveries, bench.home("growth")))
    for kind in ("wall", "processor"):
        at = {events: median(found[kind] for found in some) for events, some in times.items()}
        beyond = [(events, at[events] - at[0]) for events in sizes if at[events] > at[0]]
        if len(beyond) > 1:
            slope = linear_regression([math.log(n) for n, _ in beyond], [math.log(t) for _, t in beyond]).slope
            # of processor time: the sizes are measured one after another, and other work on the machine would bend the line
            yield figure(f"growth of {kind} time with call events, exponent", slope, 1.05 if kind == "processor" else None)
    for events, some in times.items():
        yield figure(f"time at {events} call events, s", median(found["wall"] for found in some), None)
        memory = max(found["memory"] for found in some)
        yield figure(f"peak memory at {events} call events, MB", memory, 3000 if events == max(sizes) else None)
    largest = bench.folder / f"growth-{max(sizes)}"
    tight = bench.measure("growth, memory limit 1 GB", "ours", "run", largest, bench.home("tight"), MAAL_MEMORY_LIMIT="1GB")
    if tight["found"] != times[max(sizes)][0]["found"]:
        raise SystemExit("with a memory limit of 1 GB the answers differ")
    yield figure(f"peak memory at {max(sizes)} call events with a memory limit of 1 GB, MB", tight["memory"], None)


def orchestration(bench: Bench, rounds: int) -> Iterator[Figure]:
    """What Dagster adds to the sample's five plans, a plan."""
    sample = REPOSITORY / "data" / "sample"
    pairs = []
    for number in range(rounds):
        both = [
            bench.measure(f"sample {number + 1}, {job}", "orchestration", job, sample, bench.home(job))
            for job in ("maal", "plain")
        ]
        pairs.append((both[0], both[1]))
    for kind in ("wall", "processor"):
        added = median((a[kind] - b[kind]) / a["found"] for a, b in pairs)
        suffix = "" if kind == "wall" else ", processor time"
        yield figure(f"orchestration of the sample, s a plan{suffix}", added, 1.5 if kind == "wall" else None)


# --- all of it ----------------------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the size")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".bench", help="where everything is made and kept")
    parser.add_argument(
        "--rounds", type=int, help="of each measurement (default: 3, small 2); growth has one less, pandas and the new month one"
    )
    parser.add_argument(
        "--only", help="cold, date, nothing, month, growth or orchestration, with blanks between; then nothing is written"
    )
    given = parser.parse_args(arguments)
    console = Console(stderr=True)
    tenth = 10 if given.small else 1
    sizes = Sizes(
        call_events=10_000_000 // tenth, cases=2_000_000 // tenth, tickets=2_000_000 // tenth, persons=1_000_000 // tenth
    )
    rounds = given.rounds or (2 if given.small else 3)
    grown = [100_000, 300_000, 1_000_000] if given.small else [1_000_000, 3_000_000, 10_000_000, 30_000_000]
    bench = Bench(given.folder / ("small" if given.small else "large"), sizes, console)
    wanted = given.only.split() if given.only else ["cold", "date", "nothing", "month", "growth"]
    if not given.only and not given.small:  # the sample has one size
        wanted.append("orchestration")
    figures: list[Figure] = []
    whole: list[Round] = []
    home = bench.folder / "homes" / "cold"
    if "cold" in wanted:
        whole, home = cold(bench, rounds, 1)
        figures += against_scripts(whole)
    parts: dict[str, Callable[[], Iterator[Figure]]] = {
        "date": lambda: new_date(bench, home, rounds),
        "nothing": lambda: nothing_new(bench, home, rounds),
        "month": lambda: new_month(bench, 1),
        "growth": lambda: growth(bench, grown, max(1, rounds - 1)),
        "orchestration": lambda: orchestration(bench, rounds),
    }
    for name, part in parts.items():
        figures += part() if name in wanted else ()
        if not given.only:  # as it goes, so that a run cut short leaves what it has found
            RESULTS.write_text(json.dumps([asdict(one) for one in figures], indent=1) + "\n")
            page.write(figures, whole, sizes)
    show(figures, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
