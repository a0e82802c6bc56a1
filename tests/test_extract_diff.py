"""`maal diff-extract`: what is said of a file before it is loaded is what intake then says, and saying it leaves no trace."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from intake_house import House, extract, house, table

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.errors import CallerError
from maalopfyldelse.extract_diff import ExtractDiff, FaultCount, Superseded, diff_extract
from maalopfyldelse.home import Home
from maalopfyldelse.intake.ledger import Ledger
from pipelines.cli import main

T = table(
    {"id": "varchar", "amount": "integer?", "day": "date?", "kind": {"type": "varchar", "values": ["x", "y"], "required": False}}
)
C = {"id": "id", "amount": "amount", "day": {"from": "day", "format": "%d-%m-%Y"}, "kind": "kind"}
HEAD = "id,amount,day,kind\n"
NOW = datetime(2022, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def traceless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every test keeps its temporary files in a folder that must be empty afterwards."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.glob("maal-diff-*")) == []


def asked(h: House, content: str | bytes, name: str = "new.csv", home: Path | None = None) -> ExtractDiff:
    """What is said of a file that lies beside the deliveries; the home is held to be as it was."""
    path = h.root / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = tree(h.root)
    said = diff_extract(h.declared, h.extracts[0].extract, path, home or h.home.path, NOW)
    assert tree(h.root) == before
    assert str(h.root) not in json.dumps(said.__dict__, default=str)
    return said


def tree(folder: Path) -> dict[str, Any]:
    """Every file and folder with its times, and what the files hold."""
    found = {}
    for path in (p for p in sorted(folder.rglob("*")) if p != folder / "tmp"):
        status = path.lstat()
        found[path.relative_to(folder).as_posix()] = (
            status.st_mtime_ns,
            status.st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
    return found


# -- against the contract ---------------------------------------------------------------------------------------------------


def test_a_file_that_fits_says_so_with_and_without_a_home() -> None:
    with house(T, extract(C)) as h:
        for home in (h.home.path, h.root / "nowhere"):
            said = asked(h, HEAD + "1,5,31-12-2020,x\n2,,,\n", home=home)
            assert said.fits and (said.state, said.rows_read, said.rows_kept, said.rows_set_aside) == ("stored", 2, 2, 0)
            assert [(layout.layout, layout.fits) for layout in said.layouts] == [("csv", True)]
            assert said.keys and (said.keys.in_file, said.keys.new, said.keys.known, said.keys.twice) == (2, 2, 0, 0)
            assert (said.supersedes, said.keys_gone, said.known, said.faults, said.problems) == ([], 0, None, [], [])
        assert not (h.root / "nowhere").exists()


def test_columns_are_told_as_missing_added_and_renamed_and_the_rows_are_held_all_the_same() -> None:
    with house(T, extract(C)) as h:
        said = asked(h, "id,amount,kind_of_day,remark,kind\n1,five,31-12-2020,a,x\n2,6,,b,q\n3,7,,b,x\n4,x,,b,x\n")
        assert (said.fits, said.state, said.code) == (False, "refused", "MISSING_COLUMN")
        [layout] = said.layouts
        assert (layout.missing, layout.added, layout.renamed) == (["day"], ["kind_of_day", "remark"], {})
        assert (said.rows_read, said.rows_kept, said.rows_set_aside) == (4, 1, 3)
        assert said.faults == [
            FaultCount("NOT_A_NUMBER", "amount", 2, [2, 5], said.faults[0].message),
            FaultCount("UNKNOWN_CODE", "kind", 1, [3], said.faults[1].message),
        ]
        assert said.keys and said.keys.not_compared == ["day"]
        assert "five" not in repr(said) and "'q'" not in repr(said)


@pytest.mark.parametrize(
    ("heading", "seen"),
    [("days", "days"), ("Day", "Day"), ("the day", "the day"), ("day_of_case", None), ("xyz", None)],
)
def test_names_that_are_alike_are_taken_for_renamed(heading: str, seen: str | None) -> None:
    with house(T, extract(C)) as h:
        [layout] = asked(h, f"id,amount,{heading},kind\n1,5,31-12-2020,x\n").layouts
        assert layout.renamed == ({"day": seen} if seen else {})


def test_a_missing_key_column_leaves_the_keys_open() -> None:
    with house(T, extract(C, superseding="key")) as h:
        said = asked(h, "nr,amount,day,kind\n1,x,31-12-2020,x\n")
        assert (said.keys, said.supersedes) == (None, None)
        assert [f.column for f in said.faults] == ["amount"]
        assert said.notes == ["Keys were not compared: id could not be read or compared."]


def test_what_follows_from_a_missing_column_is_left_out_with_it() -> None:
    t = table({"id": "varchar", "at": "timestamp", "on": "date", "after": "timestamp", "n": "integer"})
    columns = {
        "id": "id",
        "at": {"from": "at", "format": "%Y-%m-%d %H:%M"},
        "on": {"local_date_of": "at"},
        "after": {"from": "after", "format": "%Y-%m-%d %H:%M", "order": {"after": "at"}},
        "n": "n",
    }
    rule = {"code": "LATE", "column": "on", "when": "things.on is null", "message": "m"}
    with house(t, extract(columns, set_aside=[rule])) as h:
        said = asked(h, "id,after,n\n1,2021-01-01 12:00,x\n2,,3\n")
        assert said.code == "MISSING_COLUMN"
        assert [(f.code, f.column) for f in said.faults] == [("NOT_A_NUMBER", "n")]
        assert said.keys and said.keys.not_compared == ["at", "on", "after"]


def test_unknown_words_that_refuse_the_delivery_are_counted_with_everything_else() -> None:
    with house(T, extract(C)) as h:
        said = asked(h, HEAD + "1,5,,x\n2,x,31-02-2020,z\n3,5,,z\n,5,,x\n")
        assert (said.state, said.code, said.rows_read, said.rows_set_aside) == ("refused", "UNKNOWN_CODE", 4, 3)
        assert [(f.code, f.column, f.rows, f.first_lines) for f in said.faults] == [
            ("UNKNOWN_CODE", "kind", 2, [3, 4]),
            ("MISSING_VALUE", "id", 1, [5]),
            ("NOT_A_DATE", "day", 1, [3]),
            ("NOT_A_NUMBER", "amount", 1, [3]),
        ]


def test_limits_and_row_rules_are_intakes() -> None:
    rule = {"code": "TOO_MUCH", "column": "amount", "when": "things.amount > 9", "message": "At most nine."}
    with house(T, extract(C, set_aside=[rule], limits={"max_set_aside_share": 0.5})) as h:
        said = asked(h, HEAD + "1,5,,x\n2,10,,x\n")
        assert (said.state, said.fits, said.rows_set_aside) == ("stored", False, 1)
        assert said.faults == [FaultCount("TOO_MUCH", "amount", 1, [3], "At most nine.")]
        said = asked(h, HEAD + "1,11,,x\n2,10,,x\n")
        assert (said.state, said.code, said.rows_kept) == ("refused", "TOO_MANY_SET_ASIDE", 0)
        assert "more than the contract allows (50%)" in (said.message or "")


def test_the_arrival_is_after_everything_known() -> None:
    rule = {"code": "LATER", "column": "day", "when": "things.day > delivered_date", "message": "m"}
    with house(T, extract(C, set_aside=[rule])) as h:
        assert asked(h, HEAD + "1,,01-06-2022,x\n").fits
        assert not asked(h, HEAD + "1,,02-06-2022,x\n").fits
        h.put("old.csv", HEAD, arrival="2023-01-01T0800")
        h.take()
        assert asked(h, HEAD + "1,,02-06-2022,x\n").fits


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY_FILE"),
        (b"id,amount\0", "CONTROL_CHARACTER"),
        (HEAD.encode() + b"1,5,,x", "CUT_FILE"),
        (b"\xff\xfe", "WRONG_ENCODING"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_intake_does(content: bytes, code: str) -> None:
    with house(T, extract(C)) as h:
        said = asked(h, content)
        assert (said.fits, said.code, said.layouts[0].code, said.keys, said.supersedes) == (False, code, code, None, None)
        assert h.take_one(content, "new.csv").message == said.message


def test_of_several_layouts_the_closest_stands_first() -> None:
    e = extract(C)
    second = extract({**C, "day": {"from": "date", "format": "%d-%m-%Y"}}).layouts[0].model_copy(update={"id": "second"})
    book = extract(C, format={"type": "xlsx"}).layouts[0].model_copy(update={"id": "book"})
    with house(T, e.model_copy(update={"layouts": [book, e.layouts[0], second]})) as h:
        said = asked(h, "id,amount,date,kinds\n1,5,31-12-2020,x\n")
        assert [layout.layout for layout in said.layouts] == ["second", "csv", "book"]
        assert (said.layouts[0].renamed, said.layouts[2].code) == ({"kind": "kinds"}, "BROKEN_WORKBOOK")
        assert asked(h, "id,amount,date,kind\n1,5,31-12-2020,x\n").fits


def test_names_are_held_against_the_patterns() -> None:
    by_period = {"superseding": "period", "period": {"pattern": r"_(?P<year>\d{4})"}, "files": ["things*.csv"]}
    other = extract(C, name="others", files=["*_2021.csv"])
    with house(T, [extract(C, **by_period), other]) as h:
        assert asked(h, HEAD + "1,5,,x\n", "things_2020.csv").fits
        said = asked(h, HEAD + "1,5,,x\n", "new_2020.csv")
        assert (said.state, said.fits) == ("stored", False) and "name it as things*.csv" in said.problems[0]
        said = asked(h, HEAD + "1,5,,x\n", "things_2021.csv")
        assert not said.fits and "also fits others" in said.problems[0]
        said = asked(h, HEAD + "1,y,,x\n", "things.csv")
        assert (said.code, said.rows_set_aside, said.supersedes) == ("NO_PERIOD", 1, None)


def test_a_workbook_is_held_like_any_file() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet()
    page.write_row(0, 0, ["id", "amount", "kind", "dag"])
    page.write_row(1, 0, ["1", "abc", "x"])
    book.close()
    with house(T, extract(C, format={"type": "xlsx"})) as h:
        said = asked(h, out.getvalue(), "new.xlsx")
        assert (said.layouts[0].missing, said.layouts[0].added, said.layouts[0].renamed) == (["day"], ["dag"], {"day": "dag"})
        assert [(f.code, f.column, f.first_lines) for f in said.faults] == [("NOT_A_NUMBER", "amount", [2])]


# -- against what is stored -------------------------------------------------------------------------------------------------


def stored_by_period(h: House) -> None:
    h.put("things_2020.csv", HEAD + "1,5,,x\n2,6,31-12-2020,x\n3,7,,\n")
    h.put("things_2021.csv", HEAD + "4,5,,x\n", arrival="2021-05-01T0800")
    assert len(h.take().new) == 2


BY_PERIOD = {"superseding": "period", "period": {"pattern": r"(?P<year>\d{4})"}}


def test_keys_and_superseding_by_period() -> None:
    with house(T, extract(C, **BY_PERIOD)) as h:
        stored_by_period(h)
        said = asked(h, HEAD + "1,5,,x\n2,7,30-12-2020,x\n4,5,,x\n9,1,,\n", "again_2020.csv")
        assert said.fits and said.keys
        assert (said.keys.in_file, said.keys.new, said.keys.known, said.keys.identical, said.keys.changed) == (4, 1, 3, 2, 1)
        assert said.keys.changed_columns == {"amount": 1, "day": 1}
        old = next(d for d in h.ledger.deliveries() if d.period == "2020")
        assert said.supersedes == [Superseded(old.delivery_id, "things_2020.csv", "2020", 3)]
        assert said.keys_gone == 1
        h.put("again_2020.csv", HEAD + "1,5,,x\n2,7,30-12-2020,x\n4,5,,x\n9,1,,\n", arrival="2021-06-01T0800")
        h.take()
        assert h.current().superseded_rows == 3


@pytest.mark.parametrize(("superseding", "lost", "gone"), [("whole", {"a.csv": 2}, 1), ("key", {"a.csv": 1}, 0)])
def test_keys_and_superseding_by_whole_and_by_key(superseding: str, lost: dict[str, int], gone: int) -> None:
    with house(T, extract(C, superseding=superseding)) as h:
        h.put("a.csv", HEAD + "1,5,,x\n2,6,,x\n")
        h.take()
        said = asked(h, HEAD + "2,7,,x\n3,6,,x\n", "b.csv")
        assert {s.name: s.rows for s in said.supersedes or ()} == lost
        assert said.keys and (said.keys.new, said.keys.changed, said.keys_gone) == (1, 1, gone)
        h.put("b.csv", HEAD + "2,7,,x\n3,6,,x\n", arrival="2021-06-01T0800")
        h.take()
        assert h.current().superseded_rows == sum(lost.values())


def test_a_refused_file_says_what_it_would_supersede_once_mended() -> None:
    with house(T, extract(C, **BY_PERIOD)) as h:
        stored_by_period(h)
        said = asked(h, "id,amount,day,kind,more\n1,6,,x,\n1,6,,x,\n", "again_2020.csv")
        assert (said.state, said.code) == ("refused", "UNMAPPED_COLUMN")
        assert said.keys and (said.keys.in_file, said.keys.twice, said.keys.changed) == (1, 1, 1)
        assert [(s.name, s.rows) for s in said.supersedes or ()] == [("things_2020.csv", 3)] and said.keys_gone == 2


def test_a_key_twice_in_the_file_is_a_difference() -> None:
    with house(T, extract(C)) as h:
        said = asked(h, HEAD + "1,5,,x\n1,5,,x\n2,,,\n")
        assert said.keys and (said.state, said.keys.in_file, said.keys.twice, said.fits) == ("stored", 2, 1, False)


def test_the_same_bytes_are_recognised() -> None:
    with house(T, extract(C, **BY_PERIOD)) as h:
        stored_by_period(h)
        content = (h.folder / "2021-04-12T0800/system/things_2020.csv").read_text()
        said = asked(h, content, "copy_2020.csv")
        assert said.known and "(things_2020.csv), arrived 2021-04-12" in said.known and "nothing would be read" in said.known
        assert said.keys and (said.keys.identical, said.supersedes, said.fits) == (3, [], True)
        h.ledger.withdraw(h.ledger.deliveries()[0].delivery_id, "wrong", NOW - timedelta(days=1))
        assert "withdrawn" in (asked(h, content, "copy_2020.csv").known or "")


def test_hashes_made_with_another_key_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    t = table({"id": "varchar", "who": "varchar", "n": "integer"})
    with house(t, extract({"id": "id", "who": {"hash_of": "cpr"}, "n": "n"})) as h:
        (h.folder / "SYNTHETIC").unlink()
        monkeypatch.setenv("MAAL_KEY", "k" * 32)
        h.put("a.csv", "id,cpr,n\n1,0101701234,5\n2,0101701235,5\n")
        h.take()
        changed = "id,cpr,n\n1,0101701234,5\n2,0101701299,6\n"
        said = asked(h, changed)
        assert said.keys and said.keys.changed_columns == {"who": 1, "n": 1}
        monkeypatch.delenv("MAAL_KEY")
        said = asked(h, changed)
        assert said.keys and (said.keys.changed_columns, said.keys.not_compared) == ({"n": 1}, ["who"])
        assert "MAAL_KEY_FILE" in said.notes[0] and "0101701" not in repr(said)


@pytest.mark.parametrize("left", ["at work", "killed", "killed long ago"])
def test_a_run_at_work_is_not_disturbed_and_a_killed_one_is_read_whole(left: str) -> None:
    """What the log beside the ledger holds, the ledger does not have yet."""
    with house(T, extract(C)) as h:
        h.put("a.csv", HEAD + "1,5,,x\n")
        with h.home.locked("maal run"), closing(sqlite3.connect(h.home.ledger)) as writer:
            writer.execute("select * from deliveries").fetchall()  # keeps the log
            h.take()
            logs = [h.home.path / f"ledger.sqlite{what}" for what in ("", "-wal", "-shm")]
            held = [path.read_bytes() for path in logs]
            assert len(held[1]) > 1000
            if left == "at work":
                path = h.root / "new.csv"
                path.write_text(HEAD + "1,6,,x\n")
                said = diff_extract(h.declared, "things_csv", path, h.home.path, NOW)
                assert said.keys and said.keys.changed == 1
                assert [path.read_bytes() for path in logs[:2]] == held[:2]
                return
        for path, content in zip(logs, held[: 3 if left == "killed" else 2], strict=False):
            path.write_bytes(content)
        said = asked(h, HEAD + "1,6,,x\n")
        assert said.keys and said.keys.changed == 1


def test_a_store_that_lacks_a_file_is_told() -> None:
    with house(T, extract(C)) as h:
        h.put("a.csv", HEAD + "1,5,,x\n")
        h.take()
        shutil.rmtree(h.home.store / "things")
        said = asked(h, HEAD + "1,6,,x\n")
        assert said.state == "stored" and said.keys is None and "Not held against what is stored" in said.notes[0]


def test_a_store_of_an_earlier_contract_is_told() -> None:
    with house(table({"id": "varchar"}), extract({"id": "id"}, layout={"ignore": ["amount", "day", "kind"]})) as h:
        h.put("a.csv", HEAD + "1,5,,x\n")
        h.take()
        h.tables, h.extracts = [T], [extract(C)]
        said = asked(h, HEAD + "1,6,,x\n")
        assert said.state == "stored" and "was taken under an earlier contract" in said.notes[0]


def test_the_callers_mistakes() -> None:
    with house(T, extract(C)) as h:
        (h.root / "file").mkdir()
        (h.root / "letters").mkdir()
        (h.root / "letters" / "a").write_text("x")
        (h.root / "x.csv").write_text(HEAD)
        os.mkfifo(h.root / "pipe")
        for name, path, home, text in (
            ("things", "x.csv", "home", "did you mean 'things_csv'"),
            ("things_csv", "y.csv", "home", "cannot be read"),
            ("things_csv", "file", "home", "is no file"),
            ("things_csv", "pipe", "home", "is no file"),
            ("things_csv", "x.csv", "letters", "is no home of ours"),
        ):
            with pytest.raises(CallerError, match=text):
                diff_extract(h.declared, name, h.root / path, h.root / home, NOW)


# -- the command ------------------------------------------------------------------------------------------------------------


def test_the_command_says_it_in_words_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home")
    Ledger(home.ledger)
    [good] = (REPOSITORY / "data" / "sample").rglob("call_events_2021-02.csv")
    bad = tmp_path / good.name
    head, *rows = good.read_text().splitlines(keepends=True)[:200]
    bad.write_text(head.replace("dte_start", "dte_begin") + "".join(rows).replace(",1,i,", ",7,i,", 3))
    before = tree(tmp_path)
    assert main(["diff-extract", "puzzel_call_events", str(good), "--home", str(home.path)]) == 0
    assert "fits        it would be stored whole" in capsys.readouterr().out
    for where in ("home", "nowhere"):
        assert main(["diff-extract", "puzzel_call_events", str(bad), "--home", str(tmp_path / where)]) == 1
        said = capsys.readouterr()
        assert said.err == ""
        for text in (
            "refused     MISSING_COLUMN",
            "'dte_start', perhaps renamed to 'dte_begin'",
            "UNKNOWN_CODE",
            "rec_id: 196 in the",
        ):
            assert text in said.out
    assert main(["diff-extract", "puzzel_call_events", str(bad), "--home", str(home.path), "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["fits"], said["layouts"][0]["renamed"], said["rows_set_aside"]) == (False, {"dte_start": "dte_begin"}, 3)
    assert {"extract", "file", "sha256", "state", "code", "message", "faults", "keys", "supersedes", "known"} <= set(said)
    assert main(["diff-extract", "puzzel_calls", str(bad), "--home", str(home.path)]) == 2
    assert "did you mean 'puzzel_call_events'" in capsys.readouterr().err
    assert tree(tmp_path) == before
