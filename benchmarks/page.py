"""The generated parts of benchmarks/README.md: the figures beside their bounds, the times, and the machine they were measured on."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measured import Figure
from maalopfyldelse.sample.common import Sizes

PAGE = Path(__file__).with_name("README.md")
WHOLE_JOB = "<!-- whole job: written by make bench -->", "<!-- end of whole job -->"
INTAKE = "<!-- intake: written by make bench-intake -->", "<!-- end of intake -->"
Rounds = Sequence[dict[str, dict[str, Any]]]  # in each, who → what was measured
LIBRARIES = ("duckdb", "great-expectations", "pandas", "polars", "pyarrow")


def write(figures: Sequence[Figure], rounds: Rounds, sizes: Sizes) -> None:
    """Puts the whole job's part in its place."""
    heads = ("wall s", "processor s", "peak MB", "with start and imports, s")
    _put(WHOLE_JOB, [*_sizes(sizes), *_times("cold", heads, rounds), *_figures(figures), machine()])


def write_intake(figures: Sequence[Figure], rounds: Rounds, events: int) -> None:
    """Puts intake's part in its place."""
    said = f"{events:,} call events in one file; the median of {len(rounds)} rounds."
    _put(INTAKE, [said, "", *_times("job", ("wall s", "processor s", "peak MB"), rounds), *_figures(figures), machine()])


def _put(marks: tuple[str, str], lines: list[str]) -> None:
    """What stands around the part is left."""
    begin, end = marks
    before, _, rest = PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(before + "\n".join([begin, "", *lines, "", end]) + after)


def _sizes(sizes: Sizes) -> list[str]:
    said = f"{sizes.call_events:,} call events, {sizes.tickets:,} tickets, {sizes.cases:,} cases, {sizes.persons:,} rows of the panel"
    return [f"{said}; the median of each measurement's rounds.", ""]


def _times(what: str, heads: Sequence[str], rounds: Rounds) -> list[str]:
    lines = [f"| {what} | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    kinds = (("wall", 1), ("processor", 1), ("memory", 0), ("whole", 1))[: len(heads)]
    for name in rounds[0]:
        some = [found[name] for found in rounds if name in found]
        cells = [f"{median(found[kind] for found in some):.{digits}f}" for kind, digits in kinds]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _figures(figures: Sequence[Figure]) -> list[str]:
    lines = ["| figure | value | bound | holds |", "|---|--:|--:|---|"]
    for one in figures:
        bound = "" if one.bound is None else f"{one.bound:.4g}"
        holds = {None: "", True: "yes", False: "**no**"}[one.holds]
        lines.append(f"| {one.name} | {one.value:g} | {bound} | {holds} |")
    return [*lines, ""]


def machine() -> str:
    """The machine in one line: cores, memory, system, Python and libraries."""
    memory = 0
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else ():
        if line.startswith("MemTotal"):
            memory = round(int(line.split()[1]) / 1024 / 1024)
    names = []
    for library in LIBRARIES:
        try:
            names.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            names.append(f"no {library}")
    system = f"{platform.system()} {platform.machine()}"
    return f"{cpu_count()} cores, {memory} GB, {system}, Python {platform.python_version()}, {', '.join(names)}."
