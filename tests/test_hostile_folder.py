"""A folder of deliveries that means harm: links, pipes, names, and files that change while they are read."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from intake_house import House, extract, house, table

from maalopfyldelse.errors import CallerError
from maalopfyldelse.intake import match

T = table({"id": "varchar"})
E = extract({"id": "id"})
ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def problems(h: House) -> dict[str, str]:
    found = h.scan().problems
    assert not [p for p in found if ACTING.search(p.name + p.message)]
    assert all(p.message.endswith(".") for p in found), "each says what to do"
    return {p.name.split("/")[-1]: p.code for p in found}


# -- what is no file ----------------------------------------------------------------------------------------------------


def test_links_pipes_sockets_and_devices_are_named_and_not_opened() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n")
        (h.root / "outside").mkdir()
        (h.root / "outside" / "secret.csv").write_text("id\nsecret\n")
        (h.folder / "folder").symlink_to(h.root / "outside")
        (h.folder / "file.csv").symlink_to(h.root / "outside" / "secret.csv")
        (h.folder / "loop.csv").symlink_to(h.folder / "loop.csv")
        (h.folder / "here").symlink_to(h.folder)
        (h.folder / "zero.csv").symlink_to("/dev/zero")
        os.mkfifo(h.folder / "pipe.csv")
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind(str(h.folder / "plug.csv"))
            assert problems(h) == {
                "folder": "LINK_OUTSIDE",
                "file.csv": "LINK_OUTSIDE",
                "loop.csv": "LINK_BROKEN",
                "zero.csv": "LINK_OUTSIDE",
                "pipe.csv": "NOT_A_FILE",
                "plug.csv": "NOT_A_FILE",
            }
            assert h.take().new[0].rows_kept == 1
            assert h.rows("id") == [("1",)]


def test_folders_without_end_are_named_once_and_left() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n")
        deep = os.open(h.folder, os.O_RDONLY)
        for _ in range(40):
            os.mkdir("a", dir_fd=deep)
            deep, above = os.open("a", os.O_RDONLY, dir_fd=deep), deep
            os.close(above)
        os.close(deep)
        assert problems(h) == {"a": "TOO_DEEP"}
        assert h.take().new[0].rows_kept == 1


# -- names --------------------------------------------------------------------------------------------------------------

NAMES = [
    "things'; drop table things; --.csv",
    'things"quoted".csv',
    "things..%2e%2e%2f..csv",
    "$(reboot)`reboot`.csv",
    "=cmd|'! A0.csv",
    "things\x1b[31mred\x1b]0;title\x07.csv",
    "things\r\nstopped: nothing.csv",
    "things\u202evsc.exe.csv",
    "things\u200b\u2066x\u2069\u2028.csv",
    "things{}%s%n[bold]x[/bold].csv",
    "--help.csv",
    "things" + "x" * 240 + ".csv",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_is_only_a_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines.render import print_records

    with house(T, E) as h:
        delivery = h.take_one("id\n1\nx,y\n", name)
        assert (delivery.state, delivery.rows_kept, delivery.rows_set_aside) == ("stored", 1, 1)
        kept = "".join([delivery.name, delivery.message or "", *h.said, *(r.message for r in h.ledger.rejects())])
        assert not ACTING.search(kept)
        assert (h.rows("id"), [p.parent.name for p in h.home.store.rglob("*.parquet")]) == ([("1",)], ["things"])
        for form in ("table", "json", "csv"):
            print_records([{"name": delivery.name}], "rejects", form)
        assert not ACTING.search(capsys.readouterr().out.replace("\n", ""))


def test_a_name_that_is_no_text_is_a_problem_and_the_others_go_on() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n")
        (h.folder / os.fsdecode(b"things\xff\xfe.csv")).write_bytes(b"id\n2\n")
        assert problems(h) == {"things??.csv": "BAD_NAME"}
        assert h.take().new[0].rows_kept == 1


def test_folder_names_act_on_nobody() -> None:
    with house(T, E) as h:
        h.put("a.csv", "id\n1\n", arrival="2021-04-12T\x1b[2J")
        h.put("b.csv", "id\n2\n", system="sys\u202etem")
        h.put("c.csv", "id\n3\n", arrival="0001-01-01T0000")
        h.put("d.csv", "id\n4\n", arrival="9999-12-31")
        assert problems(h) == {"a.csv": "BAD_ARRIVAL", "b.csv": "NO_CONTRACT", "c.csv": "BAD_ARRIVAL", "d.csv": "BAD_ARRIVAL"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"file,received_at\n" + b"x" * 16_100_000 + b",2021-01-01\n", "line 1: cannot be split"),
        (b"x" * 17_000_000, "larger than 16 MB"),
        (b"file,received_at\nthings.csv,0001-01-01T00:00\n", "line 2: received_at"),
        (b"file,received_at\nthings.csv,\x1b[2J\n", r"received_at: '\?\[2J' is not a time"),
        (b"\xff\xfe\x00", "cannot be read as UTF-8 text"),
    ],
)
def test_a_list_of_arrivals_that_does_not_hold_is_the_callers_mistake(content: bytes, says: str) -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n", arrival=None)
        (h.folder / "arrivals.csv").write_bytes(content)
        with pytest.raises(CallerError, match=says):
            h.scan()


def test_a_list_of_arrivals_names_no_file_outside_and_is_no_link() -> None:
    with house(T, E) as h:
        h.put("things.csv", "id\n1\n", arrival=None)
        listed = h.folder / "arrivals.csv"
        listed.write_text("file,received_at\n../home/ledger.sqlite,2021-01-01\n/etc/hostname,2021-01-01\n")
        with listed.open("a") as handle:
            handle.write("a\0b,2021-01-01\n" + "x" * 100_000 + ",2021-01-01\n")
        assert list(problems(h).values()) == ["NO_SUCH_FILE"] * 4
        assert max(len(p.message) for p in h.scan().problems) < 400
        listed.rename(h.root / "elsewhere.csv")
        listed.symlink_to(h.root / "elsewhere.csv")
        with pytest.raises(CallerError, match="a link"):
            h.scan()


# -- files that change while they are read ------------------------------------------------------------------------------

GOOD = b"id\n" + b"".join(b"%d\n" % n for n in range(1000))
OTHER = GOOD.replace(b"999", b"x99")  # as long, and as good a file


def grows(path: Path) -> None:
    with path.open("ab") as handle:
        handle.write(b"1001\n")


def shrinks(path: Path) -> None:
    os.truncate(path, len(GOOD) - 4)


def is_written_over(path: Path) -> None:
    with path.open("r+b") as handle:
        handle.write(OTHER)
    os.utime(path, (1e9, 1e9))


def is_replaced(path: Path) -> None:
    (path.parent / ".new").write_bytes(OTHER)
    os.utime(path.parent / ".new", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    (path.parent / ".new").replace(path)


def becomes_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES = [grows, shrinks, is_written_over, is_replaced, becomes_a_pipe, Path.unlink]


def at(monkeypatch: pytest.MonkeyPatch, moment: str, change: Callable[[], Any]) -> None:
    """Lets the change happen once: before intake opens the file, or between proving its text and reading its rows."""
    real = match.examine

    def examine(*given: Any, **more: Any) -> Any:
        if moment == "before":
            change()
        text = real(*given, **more)
        if moment == "between":
            change()
        return text

    monkeypatch.setattr(match, "examine", examine)


@pytest.mark.parametrize("moment", ["before", "between"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.__name__)
def test_a_file_that_changes_while_it_is_read_is_refused_and_read_anew(
    change: Callable[[Path], Any], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house(T, E) as h:
        path = h.put("things.csv", GOOD)
        os.utime(path, (1e9, 1e9))
        at(monkeypatch, moment, lambda: change(path))
        report = h.take()
        assert report.new == []
        assert [(d.code, d.rows_kept) for d in report.refused] == [("CHANGED_WHILE_READ", None)]
        assert not list(h.home.store.rglob("*.parquet"))
        monkeypatch.undo()
        path.unlink(missing_ok=True)
        path.write_bytes(GOOD)
        assert h.take().new[0].rows_kept == 1000, "the same bytes are read again once they hold still"


@pytest.mark.parametrize("moment", ["before", "between"])
def test_a_folder_exchanged_meanwhile_does_not_lend_its_file(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name leads to another file while the engine reads and back to the first afterwards: the rows are the first's."""
    with house(T, E) as h:
        path = h.put("things.csv", GOOD)
        aside = h.root / "other"
        aside.mkdir()
        (aside / path.name).write_bytes(OTHER)

        def exchange() -> None:
            path.parent.rename(h.root / "first")
            aside.rename(path.parent)

        at(monkeypatch, moment, exchange)
        assert h.take().new[0].rows_kept == 1000
        assert ("999",) in h.rows("id")
        assert ("x99",) not in h.rows("id")


def test_a_file_that_changes_while_it_is_hashed_is_no_delivery_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    from maalopfyldelse.intake import deliveries

    with house(T, E) as h:
        path = h.put("things.csv", GOOD)
        real = deliveries.hash_file

        def hashed(file: Path) -> str:
            digest = real(file)
            grows(path)
            return digest

        monkeypatch.setattr(deliveries, "hash_file", hashed)
        assert (h.scan().files, problems(h)) == ([], {"things.csv": "CHANGED_WHILE_READ"})
        monkeypatch.undo()
        assert h.take().new[0].rows_kept == 1002


def test_a_file_corrected_in_its_place_no_longer_stands_in_the_way() -> None:
    """A copy that was cut is finished under the same name and arrival: the refusal of the cut bytes is settled by it."""
    with house(T, E) as h:
        h.put("things.csv", GOOD[:-2])
        assert [b.code for b in (h.take(), h.ledger.blocking(["things_csv"]))[1]] == ["CUT_FILE"]
        h.put("things.csv", GOOD)
        assert h.take().new[0].rows_kept == 1000
        assert h.ledger.blocking(["things_csv"]) == []
