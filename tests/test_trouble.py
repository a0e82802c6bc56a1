"""The machine's trouble, and stored files that are not what intake wrote: told in words, and mended by the next run."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import duckdb
import pytest
from edition_house import AS_OF, House
from sqlalchemy.exc import OperationalError

from maalopfyldelse import trouble
from maalopfyldelse.engine import connect, memory_limit, open_in_memory, spill_into
from maalopfyldelse.errors import CallerError, MaalError
from maalopfyldelse.gx_suite import _outcome
from maalopfyldelse.home import Home
from maalopfyldelse.scanning import Scanning, load_plan
from pipelines import cli, commands


def led_to(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/h/store/x"), "no room left on the disk (/h/store/x)"),
        (OSError(errno.EROFS, "Read-only file system", "/h/lock"), "cannot be written: Read-only file system (/h/lock)"),
        (PermissionError(errno.EACCES, "Permission denied", "/d/x.csv"), "may not read or write (/d/x.csv): Permission denied"),
        (OSError(errno.EIO, "Input/output error"), "does not read or write"),
        (OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full")), "no room left on the disk"),
        (
            led_to(RuntimeError("step failed"), sqlite3.OperationalError("attempt to write a readonly database")),
            "cannot be written",
        ),
        (MemoryError(), "not enough memory"),
        (duckdb.IOException('IO Error: Could not write file "x": No space left on device'), "no room left on the disk"),
    ],
)
def test_the_machines_trouble_is_told(error: BaseException, words: str) -> None:
    told = trouble.told(error)
    assert told is not None and words in told and "run again" in told


@pytest.mark.parametrize(
    "error",
    [ValueError("no space left in this list"), KeyError("out of memory"), FileNotFoundError(2, "No such file", "x"),
     duckdb.ConversionException("Conversion Error: 'x'"), sqlite3.OperationalError("no such table: deliveries")],
)  # fmt: skip
def test_a_defect_of_ours_is_no_trouble_of_the_machines(error: BaseException) -> None:
    assert trouble.told(error) is None


def test_an_engine_that_runs_out_of_memory_and_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAAL_MEMORY_LIMIT", "20MB")
    con = connect(Home(tmp_path / "home"))
    con.execute("set max_temp_directory_size = '0MB'")
    with pytest.raises(duckdb.Error) as caught:
        con.execute("create temp table t as select i, hash(i) as h from range(5000000) r(i) order by h").fetchall()
    assert trouble.told(caught.value) is not None


@pytest.mark.parametrize(("name", "value"), [("MAAL_THREADS", "many"), ("MAAL_THREADS", "0"), ("MAAL_MEMORY_LIMIT", "lots")])
def test_settings_that_mean_nothing(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CallerError, match=f"{name}={value}.* MAAL_THREADS is a number"):
        open_in_memory()


def test_the_engine_takes_no_more_than_the_process_may_use() -> None:
    con = open_in_memory()
    ((threads,),) = con.execute("select current_setting('threads')").fetchall()
    assert threads == len(os.sched_getaffinity(0))
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory_limit(con) < 0.61 * whole


def test_rules_of_a_second_extract_are_held_after_those_of_the_first_have_spilled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAAL_MEMORY_LIMIT", "60MB")
    monkeypatch.setenv("MAAL_THREADS", "1")
    con, home = open_in_memory(), Home(tmp_path / "it's a home")
    spill_into(con, home)
    con.execute("create temp table t as select i, hash(i) as h, hash(i + 1) as g from range(8000000) r(i)")
    assert list((home.tmp / "spill").iterdir())
    spill_into(con, home)


def test_a_rule_that_ran_out_of_memory_has_not_failed() -> None:
    class Raised:
        exception_info = {"raised_exception": True, "exception_message": "Out of Memory Error: failed to pin block"}

    with pytest.raises(MaalError, match="not enough memory"):
        _outcome(Raised())


def test_the_command_tells_trouble_and_shows_defects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(commands, "check", full)
    assert cli.main(["check", "--home", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("maal: There is no room left on the disk.") and "Traceback" not in said

    def defect(*_: object) -> int:
        raise KeyError("a defect")

    monkeypatch.setattr(commands, "check", defect)
    with pytest.raises(KeyError):
        cli.main(["check", "--home", str(tmp_path)])


# --- stored files


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = House(tmp_path, monkeypatch)
    house.run()
    return house


def stored(house: House) -> Path:
    (path,) = (house.home.store / "letters").glob("*.parquet")
    return path


def count(house: House) -> None:
    """Counts the plan's figures, whatever was counted before."""
    known = house.little.ledger.latest_arrival()
    assert known is not None
    plan = load_plan(house.little.declared, "alpha")
    scanning = Scanning(house.home, house.little.declared, house.little.ledger, plan, AS_OF, known, keeps_cells=False)
    for scan in scanning.scans:
        scanning.scanned(scan)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def altered(path: Path) -> None:
    with duckdb.connect() as con:  # whole, and with another answer
        con.execute(f"create table t as select * replace (not is_answered as is_answered) from read_parquet('{path}')")
        con.execute(f"copy t to '{path}' (format parquet)")


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(("harm", "words"), [(cut, "was cut or changed"), (altered, "was cut or changed"), (gone, "is gone")])
def test_a_stored_file_that_is_not_what_intake_wrote(house: House, harm: object, words: str) -> None:
    path = stored(house)
    whole, editions = path.read_bytes(), sorted(p.read_bytes() for p in house.home.editions.rglob("*.parquet"))
    harm(path)  # type: ignore[operator]
    with pytest.raises(MaalError, match=f"letters_2021.csv, {words}|letters_2021.csv, is not what intake wrote") as caught:
        count(house)
    assert words in str(caught.value) and str(path) in str(caught.value) and "remove it and run again" in str(caught.value)
    path.unlink(missing_ok=True)
    again = house.run()
    assert not again.is_new
    assert path.read_bytes() == whole
    assert sorted(p.read_bytes() for p in house.home.editions.rglob("*.parquet")) == editions
    count(house)
