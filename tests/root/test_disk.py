"""A disk that fills up while a run writes, and a home that is mounted read-only: told in words, the last edition whole, the next
run fine.

On small file systems of their own (tmpfs), which only root may mount; `make test-root` runs these.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from both_plans import deliver_month_of_calls, edition_bytes
from test_killed import faults_of
from world import World

PLANS = ("--plan", "star-2021")


@contextmanager
def mounted(at: Path, size: str) -> Iterator[None]:
    """A file system of that size."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", at], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", at], check=True)


def remount(at: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", at], check=True)


def run(deliveries: Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", "run", "--home", str(home), "--deliveries", str(deliveries), *PLANS]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | environment)


@pytest.fixture(scope="module")
def small(copied: Callable[[Path], World], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A home that has run on a file system of its own, and deliveries with a correction that it does not know."""
    folder = tmp_path_factory.mktemp("small")
    world = copied(folder / "world")
    with mounted(folder / "disk", "300m"):
        home = folder / "disk" / "home"
        shutil.copytree(world.home.path, home)
        deliver_month_of_calls(world, 1, "2022-02-15T0900", answered=6)
        yield world.deliveries, home


def test_a_disk_that_fills_up(small: tuple[Path, Path]) -> None:
    deliveries, home = small
    disk = home.parent
    before = edition_bytes(home)
    hashes = {f"editions/{name.removeprefix('editions/')}": None for name in before}
    said = []
    for room in (0, 60, 600, 3000, 9000):  # KiB left for the run
        used = shutil.disk_usage(disk).used
        remount(disk, f"size={used + room * 1024}")
        done = run(deliveries, home)
        said.append((room, done.returncode, done.stderr.splitlines()[-1] if done.stderr else ""))
        remount(disk, "size=300m")
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == 0 or "no room left on the disk" in done.stderr, done.stderr
        assert {name: data for name, data in edition_bytes(home).items() if name in before} == before
        assert faults_of(home, dict(hashes)) == []
    assert [code for _, code, _ in said].count(1) >= 3, said  # it was too small more than once
    done = run(deliveries, home)
    assert done.returncode == 0, done.stderr
    assert len(edition_bytes(home)) > len(before)


def test_a_home_that_cannot_be_written(small: tuple[Path, Path]) -> None:
    deliveries, home = small
    before = edition_bytes(home)
    remount(home.parent, "ro")
    done = run(deliveries, home)
    remount(home.parent, "rw")
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr
    assert "Read-only file system" in done.stderr or "cannot be written" in done.stderr, done.stderr
    assert edition_bytes(home) == before


def test_too_little_memory(small: tuple[Path, Path]) -> None:
    deliveries, home = small
    done = run(deliveries, home / ".." / "other", MAAL_MEMORY_LIMIT="1MB")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "not enough memory" in done.stderr, done.stderr
    done = run(deliveries, home / ".." / "other")
    assert done.returncode == 0, done.stderr
