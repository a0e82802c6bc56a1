"""Files that are read at once keep out of each other's way, and what a run does is told in the files' order."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from functools import cache
from itertools import repeat
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from intake_house import House, extract, house, table

from maalopfyldelse.engine import open_in_memory, session
from maalopfyldelse.intake import take
from maalopfyldelse.intake.abreast import Desk, abreast

FILES = 12
THINGS = table({"id": "varchar", "at": "timestamp", "amount": "integer?", "person": "varchar?"})
COLUMNS = {
    "id": "Id",
    "at": {"from": "At", "format": "%Y-%m-%d %H:%M:%S", "zone": "Europe/Copenhagen", "order": {"by": "Id", "within": "Id"}},
    "amount": "Amount",
    "person": {"hash_of": "Person"},
}


def lines(number: int) -> list[list[str]]:
    """A file's rows: some of the hour that comes twice, and in every other file one that does not fit."""
    rows = [[f"{number}-{k}", f"2021-10-31 02:{k % 60:02}:00", str(number), f"p{k}"] for k in range(200)]
    return [*rows, [f"{number}-x", "2021-10-01 00:00:00", "much" if number % 2 else "1", ""]]


def csv_of(number: int) -> bytes:
    return "\n".join(",".join(cells) for cells in [["Id", "At", "Amount", "Person"], *lines(number), []]).encode()


@cache  # a workbook holds the time at which it was made
def xlsx_of(number: int) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate([["Id", "At", "Amount", "Person"], *lines(number)]):
            sheet.write_row(row, 0, cells)
    return out.getvalue()


def stored(h: House) -> dict[str, tuple[object, ...]]:
    """What became of each file, down to the bytes of its rows."""
    return {d.name: (d.state, d.rows_kept, d.rows_set_aside, d.store_sha256) for d in h.ledger.deliveries()}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_files_read_at_once_are_stored_as_those_read_one_by_one(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for threads in ("1", "3"):
        monkeypatch.setenv("MAAL_THREADS", threads)
        with house(THINGS, extract(COLUMNS, superseding="key", format={"type": form})) as h:
            for number in range(FILES):
                h.put(f"f{number:02}.{form}", csv_of(number) if form == "csv" else xlsx_of(number))
            report = h.take()
            assert [d.name for d in report.new] == [f"f{number:02}.{form}" for number in range(FILES)]
            told = [said.split(": ")[1] for said in h.said if " kept" in said]
            assert told == [d.name for d in report.new], "in the files' order, whichever was done first"
            found[threads] = stored(h), h.faults()
    assert found["1"] == found["3"]
    assert {entry[1:3] for entry in found["1"][0].values()} == {(201, 0), (200, 1)}


def test_what_goes_wrong_with_one_file_stops_after_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAAL_THREADS", "3")
    read = take._load

    def stumbling(*args: object, **more: object) -> object:
        if args[4].name == "f05.csv":  # type: ignore[attr-defined]
            raise KeyError("a defect of ours")
        return read(*args, **more)  # type: ignore[arg-type]

    with house(THINGS, extract(COLUMNS, superseding="key")) as h:
        for number in range(FILES):
            h.put(f"f{number:02}.csv", csv_of(number))
        monkeypatch.setattr(take, "_load", stumbling)
        with pytest.raises(KeyError, match="a defect of ours"):
            h.take()
        assert sorted(stored(h)) == [f"f{number:02}.csv" for number in range(5)]
        assert not list(h.home.tmp.glob("*.parquet"))
        monkeypatch.setattr(take, "_load", read)
        h.take()
        assert len(stored(h)) == FILES
        named = {d.store_path for d in h.ledger.deliveries()}
        left = {path.relative_to(h.home.path).as_posix() for path in h.home.store.glob("*/*.parquet")}
        assert left == named, "what was read behind the fault is read again, and nothing lies about"


def desks() -> Iterator[Desk]:
    con = open_in_memory()
    yield from (Desk(session(con)) for _ in repeat(None))


def test_who_stops_listening_does_not_wait_for_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAAL_THREADS", "2")
    begun = threading.Event()

    def read(desk: Desk, number: int) -> int:
        if number == 0:
            begun.wait(60)
            return number
        begun.set()
        try:
            desk.con.execute("select count(*) from range(100000000000) a, range(100000) b").fetchall()
        except duckdb.InterruptException:
            return -1
        raise AssertionError("nobody waits that long")

    outcomes = abreast(range(2), read, desks())
    assert next(outcomes) == (0, 0)
    outcomes.close()  # type: ignore[attr-defined]


def test_no_file_needs_no_engine(tmp_path: Path) -> None:
    def none() -> Iterator[Desk]:
        raise AssertionError("no session is asked for")
        yield

    assert list(abreast([], lambda desk, file: file, none())) == []
