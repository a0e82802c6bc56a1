"""A run that dies, wherever it dies, leaves the last edition and the analysts' file whole, and the next run completes.

Runs are killed as a machine kills them: in a process of their own, at once, with nothing cleaned up. The first test kills one
before each single write outside tmp/ (a file put in its place, a folder made, a ledger transaction about to be committed); the
second kills `maal run` itself as it names its steps.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.long
HERE = Path(__file__).resolve()
AS_OF = date(2021, 12, 31)
Hashes = dict[str, str | None]  # None: a file that is there, whatever it holds

# --- what must hold at any moment


def faults_of(home: Path, before: Hashes) -> list[str]:
    """What is not whole in a home: an edition, one that stood there `before`, the analysts' file, a row that the ledger names."""
    import duckdb

    found = [name for name, sha256 in before.items() if sha256 and _hash(home / name) != sha256]
    manifests = list(home.glob("editions/*/*/*/edition.json"))
    folders = [p for p in home.glob("editions/*/*/*") if p.is_dir()]
    if len(manifests) != len(folders):
        found.append(f"{len(folders)} edition folders, {len(manifests)} manifests")
    for path in manifests:
        for output in json.loads(path.read_text())["outputs"]:
            if _hash(path.parent / output["name"]) != output["sha256"]:
                found.append(f"{path.parent}: {output['name']}")
    unlinked = [name for name, sha256 in manifests_of(home).items() if sha256 not in chain_of(home)]
    found += [f"in the chain and not there: {h}" for h in chain_of(home) - set(manifests_of(home).values())]
    if len(unlinked) > 1:  # the one that was being published
        found.append(f"not in the chain: {', '.join(unlinked)}")
    if (home / "ledger.sqlite").exists():
        with sqlite3.connect(home / "ledger.sqlite") as con:
            tables = [r[0] for r in con.execute("select name from sqlite_master")]
            rows = con.execute("select store_path from deliveries").fetchall() if "deliveries" in tables else []
        found += [f"not in the store: {r[0]}" for r in rows if r[0] and not (home / r[0]).exists()]
    if (home / "analyst.duckdb").exists():
        with duckdb.connect(str(home / "analyst.duckdb"), read_only=True) as con:
            known = con.execute("select count(*) from editions.editions").fetchone()
            told = con.execute("select count(distinct (plan, as_of, edition)) from editions.fulfilment").fetchone()
            if known != told:
                found.append(f"analyst.duckdb knows {known} editions and has figures of {told}")
            for schema, view in con.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall():
                con.execute(f'select * from "{schema}"."{view}"').fetchall()
    elif "analyst.duckdb" in before:
        found.append("analyst.duckdb is gone")
    return found


def chain_of(home: Path) -> set[str]:
    """The hashes in the chain of editions, which holds at any moment."""
    from maalopfyldelse import chain

    # not Home(home): to open a home that was killed as it was made would already mend it
    return {link.sha256 for link in chain.read(SimpleNamespace(chain=home / "chain.jsonl"))}  # type: ignore[arg-type]


def manifests_of(home: Path) -> dict[str, str | None]:
    """Each edition.json with its hash."""
    return {p.relative_to(home).as_posix(): _hash(p) for p in home.glob("editions/*/*/*/edition.json")}


def _hash(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def editions_of(home: Path) -> Hashes:
    """Every file of every edition with its hash."""
    return {p.relative_to(home).as_posix(): _hash(p) for p in sorted(home.glob("editions/**/*")) if p.is_file()}


def state_of(home: Path, spare: Path) -> str:
    """A hash of what the next run finds, tmp/ apart. The ledger is looked at in a copy: opening it would already mend it."""
    ledger = [Path(shutil.copy(p, spare)) for p in home.glob("ledger.sqlite*")]
    with sqlite3.connect(spare / "ledger.sqlite") as con:
        said = list(con.iterdump())
    con.close()
    for path in ledger:
        path.unlink(missing_ok=True)
    (spare / "ledger.sqlite").unlink(missing_ok=True)
    others = [
        p for p in sorted(home.rglob("*")) if not p.is_relative_to(home / "tmp") and not p.name.startswith(("lock", "ledger"))
    ]
    said += [f"{p.relative_to(home)} {_hash(p) if p.is_file() else ''}" for p in others]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def left_over(home: Path) -> list[str]:
    """What nobody needs: files in tmp/, rows in the store that no delivery names."""
    with sqlite3.connect(home / "ledger.sqlite") as con:
        named = {r[0] for r in con.execute("select store_path from deliveries")}
    stored = {p.relative_to(home).as_posix() for p in home.glob("store/*/*.parquet")}
    return sorted(p.name for p in home.glob("tmp/*")) + sorted(stored - named)


# --- in a process of its own: `python test_killed.py new|correction|steps FOLDER` prints what it found as JSON


def in_child(what: Callable[[], object]) -> tuple[int, str]:
    """Does something in a forked process, which shares nothing afterwards: its exit status and what it reported."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            os.write(writing, json.dumps(what()).encode())
            status = 0
        except BaseException as error:
            os.write(writing, json.dumps(repr(error)).encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    return os.waitpid(child, 0)[1], said


def load_once(*names: str) -> None:
    """Imports what every forked run would import for itself."""
    for name in names:
        import_module(name)


def killed_at_each_write(folder: Path, *, on_a_new_home: bool) -> dict[str, Any]:
    """Kills a small run before its first, second, … write until one survives; on a new home, or on one that has run, where a
    corrected delivery has come."""
    from little import GOOD, NOW, Little

    load_once(
        "duckdb", "pandas", "pyarrow.parquet", "maalopfyldelse.analyst", "maalopfyldelse.edition", "maalopfyldelse.intake.load"
    )
    from maalopfyldelse import expectations
    from maalopfyldelse.department import charts
    from maalopfyldelse.home import Home
    from maalopfyldelse.intake.ledger import CheckResult
    from maalopfyldelse.work import Work

    def evaluate(home: Any, declared: Any, ledger: Any, extract_id: str, *_: Any) -> list[Any]:
        # every rule holds: what Great Expectations says has no part in how things are written down, and it takes seconds
        extract = declared.extracts[extract_id]
        wanted = expectations._wanted(extract, declared, ledger, None)
        new = expectations.unchecked(declared, ledger, [extract_id])
        ledger.record_checks(
            [
                CheckResult(extract_id, d.delivery_id, r.code, r.severity, True, 0, 1, *wanted[r.code])
                for d in new
                for r in extract.rules
            ]
        )
        return []

    patch = pytest.MonkeyPatch()
    patch.setattr(expectations, "evaluate", evaluate)
    patch.setattr(
        charts, "_drawn", lambda spec: '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
    )  # nor have pictures
    little = Little(folder, patch)
    home, declared = little.home.path, little.declared

    def run() -> list[Any]:
        with Home(home).locked("test"):
            work = Work(Home(home), declared, little.deliveries, NOW)
            for extract in ("kinds_csv", "letters_csv"):
                work.intake(extract)
            made = work.publish("alpha", AS_OF, work.known_at(), None)
            work.publish_analyst(work.known_at())
        return [made.number, made.is_new]

    def kill_before(n: int) -> Callable[[], object]:
        def doomed() -> object:
            left = n

            def step() -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            def watch(event: str, arguments: tuple[Any, ...]) -> None:
                writes = event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir")
                writes = writes or (event == "open" and isinstance(arguments[1], str) and bool(set(arguments[1]) & set("wax+")))
                # tmp/ is emptied by the next run; only what leaves it can be seen
                if event == "os.rename" or (writes and not str(arguments[0]).startswith(f"{home}/tmp/")):
                    step()

            class Connection(sqlite3.Connection):
                def __exit__(self, *error: Any) -> Any:
                    if self.in_transaction:
                        step()
                    return super().__exit__(*error)

            connect = sqlite3.connect
            sqlite3.connect = lambda *a, **k: connect(*a, factory=Connection, **k)  # type: ignore[assignment]
            sys.addaudithook(watch)
            return run()

        return doomed

    def complete(before: Hashes, reference: Hashes) -> Callable[[], object]:
        def completing() -> list[str]:
            found = [f"killed: {fault}" for fault in faults_of(home, before)]
            run()
            found += [] if (home / "analyst.duckdb").exists() else ["completed: analyst.duckdb is not there"]
            found += [f"not in the chain: {n}" for n, sha256 in manifests_of(home).items() if sha256 not in chain_of(home)]
            made = editions_of(home)
            differing = [name for name in made | reference if made.get(name) != reference.get(name)]
            # edition.json holds a hash of the code, which may be edited meanwhile; what it says of the files was held above
            found += [f"unlike a run that was not killed: {name}" for name in differing if not name.endswith("/edition.json")]
            return found + [f"left over: {name}" for name in left_over(home)]

        return completing

    said: dict[str, Any] = {"faults": [], "kills": 0, "states": 0}
    last, base = "", folder / "base"
    before: Hashes = {}
    shutil.rmtree(home)
    little.deliver_all()
    if not on_a_new_home:
        in_child(run)
        home.rename(base)
        before = editions_of(base) | {"analyst.duckdb": None}
        little.deliver_rows("2022-01-06T0800", "letters_2021.csv", [*GOOD[:2], ("3", "2021-04-01", "b", "y")])
        little.deliver("2022-01-06T0800", "kinds_2.csv", "kind\na\nb\nc\n")

    def afresh() -> None:
        shutil.rmtree(home, ignore_errors=True)
        if base.exists():
            shutil.copytree(base, home)

    afresh()
    said["made"] = json.loads(in_child(run)[1])
    reference = editions_of(home)
    while True:
        afresh()
        n = said["kills"] + 1
        status, told = in_child(kill_before(n))
        if os.WIFEXITED(status):
            said["faults"] += [] if status == 0 else [f"not killed: {told}"]
            return said
        said["kills"] = n
        if (state := state_of(home, folder)) == last:  # a write that changed nothing, such as a folder that was there
            continue
        last = state
        said["states"] += 1
        status, told = in_child(complete(before, reference))
        found = json.loads(told) if status == 0 else [told]
        said["faults"] += [f"killed before write {n}: {fault}" for fault in found]


def killed_as_it_names_its_steps(folder: Path) -> dict[str, Any]:
    """Kills `maal run` at step after step, each run going on from what the one before left; then lets one finish."""
    from pipelines.cli import main

    load_once("great_expectations", "maalopfyldelse.analyst", "pipelines.definitions", "pipelines.render")

    home, deliveries = folder / "home", folder / "deliveries"
    command = ["run", "--home", str(home), "--deliveries", str(deliveries), "--plan", "siri-2020", "--plan", "star-2021"]
    before = editions_of(home) | {"analyst.duckdb": None}
    said: dict[str, Any] = {"faults": [], "killed": []}

    def run_until(step: str | None) -> tuple[int, str]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writing, 2)
            os.dup2(os.open(folder / "stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            code = 3
            try:
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", 1)
                code = main(command)
                sys.stdout.flush()
            finally:
                os._exit(code)
        os.close(writing)
        lines = []
        with os.fdopen(reading) as pipe:
            for line in pipe:
                lines.append(line)
                if step and step in line:
                    os.kill(child, signal.SIGKILL)
        return os.waitpid(child, 0)[1], "".join(lines)

    for step in ("taking in zendesk", "publishing star", "writing analyst"):
        status, lines = run_until(step)
        if os.WIFSIGNALED(status):
            said["killed"].append(step)
        else:
            said["faults"].append(f"{step} was never reached: {lines}")
        status, told = in_child(lambda: faults_of(home, before))
        found = json.loads(told) if status == 0 else [told]
        said["faults"] += [f"killed at '{step}': {fault}" for fault in found]
    status, lines = run_until(None)
    if status != 0:
        said["faults"].append(f"the last run did not finish: {lines}")
    said["out"] = (folder / "stdout").read_text()
    said["faults"] += (
        in_child(lambda: faults_of(home, before))[1:] if status else json.loads(in_child(lambda: faults_of(home, before))[1])
    )
    said["left over"] = left_over(home)
    return said


def driven(*drives: tuple[str, Path]) -> list[dict[str, Any]]:
    """The reports of this file run as a program, side by side."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(HERE), what, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for what, folder in drives
    ]
    found = []
    for process in processes:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err[-3000:]
        found.append(json.loads(out.splitlines()[-1]))
    return found


# --- the tests


def test_killed_before_any_write_nothing_is_half_done_and_the_next_run_completes(tmp_path: Path) -> None:
    new, correction = driven(("new", tmp_path / "a"), ("correction", tmp_path / "b"))
    assert (new["faults"], correction["faults"]) == ([], [])
    assert (new["made"], correction["made"]) == ([1, True], [2, True])
    assert new["kills"] > 25 and correction["kills"] > 15
    assert new["states"] > 15 and correction["states"] > 10, (new, correction)


@pytest.fixture
def corrected(copied: Callable[[Path], Any], tmp_path: Path) -> Iterator[Any]:
    from both_plans import deliver_absence

    world = copied(tmp_path)
    (path,) = world.deliveries.rglob("puzzel_call_events_2021-01.csv")
    world.deliver("2022-01-20T0800", "puzzel", path.name, path.read_text().replace(",k,", ",h,", 2))
    deliver_absence(world, 2020, 4, days="40", received_at="2022-01-20T0800")
    yield world


def test_maal_run_killed_step_after_step_completes_in_the_end(corrected: Any) -> None:
    [found] = driven(("steps", corrected.home.path.parent))
    assert found["faults"] == []
    assert len(found["killed"]) == 3, found
    assert found["left over"] == []
    for plan in ("siri-2020", "star-2021"):
        numbers = sorted(p.name for p in corrected.home.editions.glob(f"{plan}/*/*"))
        assert numbers == ["1", "2"], "a killed run makes no edition twice"
    assert "edition 2" in found["out"]


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    steps = what == "steps"
    print(
        json.dumps(killed_as_it_names_its_steps(folder) if steps else killed_at_each_write(folder, on_a_new_home=what == "new"))
    )
