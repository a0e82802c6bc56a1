"""One run of both plans on a small whole of deliveries, made once and copied by whoever needs a home that has run."""

from __future__ import annotations

import fcntl
import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest
from both_plans import deliver_all, run
from world import World


@dataclass(frozen=True)
class Ran:
    """A folder with deliveries and a home on which `maal run` was called once. Look, but change only copies.

    Who looks opens the ledger, and SQLite's files beside it come and go; so copies are taken of `unopened`, the same as it was left.
    """

    folder: Path
    unopened: Path
    code: int
    out: str
    err: str

    @property
    def world(self) -> World:
        return World(self.folder)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Made by the first of the processes that want it; the others wait."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ran"
    folder.mkdir(exist_ok=True)
    unopened, said = folder.with_name("unopened"), folder.with_name("ran.json")
    with folder.with_name("ran.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            world = deliver_all(World(folder))
            with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
                code = run(world)
            assert code == 0, err.getvalue()
            copytree(folder, unopened)
            said.write_text(json.dumps([code, out.getvalue(), err.getvalue()]))
    return Ran(folder, unopened, *json.loads(said.read_text()))


@pytest.fixture(scope="session")
def copied(ran: Ran) -> Callable[[Path], World]:
    """A copy of deliveries and home in a folder of one's own."""

    def copy(folder: Path) -> World:
        copytree(ran.unopened, folder, dirs_exist_ok=True)
        return World(folder)

    return copy
