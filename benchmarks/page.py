"""The generated part of benchmarks/README.md: the figures beside their bounds, the times, and the machine they were measured on."""

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
BEGIN, END = "<!-- whole job: written by make bench -->", "<!-- end of whole job -->"
LIBRARIES = ("duckdb", "great-expectations", "pandas", "polars", "pyarrow")


def write(figures: Sequence[Figure], rounds: Sequence[dict[str, dict[str, Any]]], sizes: Sizes) -> None:
    """Puts the part in its place; what stands around it is left."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [*_sizes(sizes), *_times(rounds), *_figures(figures), machine()]
    PAGE.write_text(before + "\n".join([BEGIN, "", *lines, "", END]) + after)


def _sizes(sizes: Sizes) -> list[str]:
    said = f"{sizes.call_events:,} call events, {sizes.tickets:,} tickets, {sizes.cases:,} cases, {sizes.persons:,} rows of the panel"
    return [f"{said}; the median of each measurement's rounds.", ""]


def _times(rounds: Sequence[dict[str, dict[str, Any]]]) -> list[str]:
    lines = ["| cold | wall s | processor s | peak MB | with start and imports, s |", "|---|--:|--:|--:|--:|"]
    for name in rounds[0]:
        some = [found[name] for found in rounds if name in found]
        cells = [median(found[kind] for found in some) for kind in ("wall", "processor", "memory", "whole")]
        lines.append(f"| {name} | {cells[0]:.1f} | {cells[1]:.1f} | {cells[2]:.0f} | {cells[3]:.1f} |")
    return [*lines, ""]


def _figures(figures: Sequence[Figure]) -> list[str]:
    lines = ["| figure | value | bound | holds |", "|---|--:|--:|---|"]
    for one in figures:
        bound = "" if one.bound is None else f"{one.bound:.3g}"
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
