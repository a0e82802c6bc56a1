"""What intake leaves on disk: nothing half-written, nothing personal, the same bytes for the same file; and the whole sample."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran
from intake_house import SIGHTED, extract, house, table
from pydantic import ValidationError

from maalopfyldelse import declared
from maalopfyldelse.contract import TAKEN_NAMES
from maalopfyldelse.engine import connect
from maalopfyldelse.home import Home
from maalopfyldelse.intake.current import create_current
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.intake.keys import SAMPLE_KEY
from maalopfyldelse.intake.ledger import Ledger
from maalopfyldelse.intake.rowrules import HOUSE
from maalopfyldelse.intake.take import take_extract
from maalopfyldelse.query import CALENDAR, READINGS

T = table({"id": "varchar", "amount": "integer"})
E = extract({"id": "id", "amount": "amount"}, superseding="key")
REPOSITORY = Path(__file__).resolve().parent.parent


def test_no_table_has_a_name_that_is_taken(ran: Ran) -> None:
    for name in TAKEN_NAMES:
        with pytest.raises(ValidationError, match="name the table otherwise"):
            table({"id": "varchar"}, name=name)
    assert {READINGS, CALENDAR, *HOUSE} <= TAKEN_NAMES
    folders = {path.name for path in ran.world.home.store.iterdir()}
    assert {"cells", "days"} <= folders - set(ran.world.declared.tables) <= TAKEN_NAMES


def test_what_a_killed_run_leaves_is_swept_away_and_names_nothing() -> None:
    with house(T, E) as h:
        h.put("a.csv", "id,amount\n1,1\n")
        (a,) = h.take().new
        # a run that was killed after moving its Parquet file into place, and one that was killed while writing it
        orphan = h.home.store / "things" / "things_csv-000000000000.00000000.parquet"
        orphan.write_bytes((h.home.path / str(a.store_path)).read_bytes())
        (h.home.tmp / "things_csv-000000000000.parquet").write_bytes(b"PAR1 half")
        assert h.rows("id") == [("1",)]
        with h.home.locked("test"):
            assert list(h.home.tmp.iterdir()) == []
            h.put("b.csv", "id,amount\n2,2\n")
            h.take()
        assert not orphan.exists()
        assert h.rows("id") == [("1",), ("2",)]


def test_the_ledger_knows_what_the_stored_rows_were_and_an_edition_keeps_its_own() -> None:
    with house(T, E) as h:
        h.put("a.csv", "id,amount\n1,1\n")
        (first,) = h.take().new
        path = h.home.path / str(first.store_path)
        assert first.store_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        edition = h.home.editions / "p" / "2021-12-31" / "1" / "edition.json"
        edition.parent.mkdir(parents=True)
        edition.write_text(f'{{"deliveries": [{{"store_path": "{first.store_path}"}}]}}')
        h.tables = [table({"id": "varchar", "amount": "bigint"})]
        (second,) = h.take().new
        assert second.delivery_id == first.delivery_id and path.exists()
        h.tables = [table({"id": "varchar", "amount": "decimal(9,2)"})]
        (third,) = h.take().new
        assert {p.name for p in path.parent.iterdir()} == {path.name, str(third.store_path).split("/")[-1]}


def test_a_ledger_without_the_hash_of_the_rows_is_opened_and_added_to() -> None:
    with house(T, E) as h:
        h.put("a.csv", "id,amount\n1,1\n")
        h.take()
        with sqlite3.connect(h.home.ledger) as con:
            con.execute("alter table deliveries drop column store_sha256")
        (before,) = Ledger(h.home.ledger).deliveries()
        assert before.store_sha256 is None
        h.put("b.csv", "id,amount\n2,2\n")
        assert all(d.store_sha256 for d in h.take().new if d.name == "b.csv")


def test_a_ledger_kept_open_writes_at_once_and_other_threads_ask_it_too(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(ZeroDivisionError), ledger.held():
        seen = ledger.first_seen("a", SIGHTED)
        assert Ledger(ledger.path).first_seen("a", SIGHTED.replace(year=2040)) == seen
        with ThreadPoolExecutor(1) as pool:
            pool.submit(ledger.first_seen, "b", SIGHTED).result()
        with ledger.held():  # within the other: closed by that
            ledger.remember_files({"a": (1, 1, 1, 1, "a")})
        with pytest.raises(sqlite3.IntegrityError):  # all of it or nothing
            ledger.remember_files({"b": (1, 1, 1, 1, "b"), "c": (None,) * 5})  # type: ignore[dict-item]
        assert list(ledger.remembered_files()) == ["a"]
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]
    assert list(ledger.remembered_files()) == ["a"]


def test_a_failure_between_store_and_ledger_is_made_good_by_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with house(T, E) as h:
        h.put("a.csv", "id,amount\n1,1\n")

        def killed(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "record", killed)
            with pytest.raises(KeyboardInterrupt):
                h.take()
        assert h.ledger.deliveries() == []
        assert h.rows() == []
        assert len(h.take().new) == 1
        assert h.rows("id") == [("1",)]
        assert len(list(h.home.store.rglob("*.parquet"))) == 1


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = [{repository!r}, {tests!r}]
from intake_house import House
from test_intake_store import T, E
h = House(Path({root!r}), [T], [E])
print("ready", flush=True)
with h.home.locked("test"):
    h.take()
print("done", flush=True)
"""


def test_a_run_killed_at_any_moment_leaves_ledger_and_store_agreeing() -> None:
    with house(T, E) as h:
        for i in range(12):
            h.put(f"{i}.csv", f"id,amount\n{i},{i}\n" + "x,1\n" * 3000, arrival=f"2021-01-{i + 1:02}T0800")
        code = KILLED.format(repository=str(REPOSITORY), tests=str(REPOSITORY / "tests"), root=str(h.root))
        for wait in (0.05, 0.2, 0.5, 0.9):
            with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                child.stdout.readline()
                time.sleep(wait)
                child.send_signal(signal.SIGKILL)
            stored = h.ledger.deliveries()
            assert all((h.home.path / str(d.store_path)).is_file() for d in stored)
            assert h.current().kept_rows == 3001 * len(stored)
        with h.home.locked("test"):
            h.take()
        assert h.current().kept_rows == 12 * 3001
        assert len(list(h.home.store.rglob("*.parquet"))) == 12


@pytest.mark.parametrize("quoted", [False, True])
def test_the_same_file_gives_the_same_bytes_on_one_thread_and_on_two(monkeypatch: pytest.MonkeyPatch, quoted: bool) -> None:
    text = "id,amount\n" + "".join((f'"{i}",{i}\n' if quoted else f"{i},{i}\n") for i in range(300_000))
    seen = []
    for threads in ("1", "2", "2"):
        monkeypatch.setenv("MAAL_THREADS", threads)
        with house(T, E) as h:
            delivery = h.take_one(text)
            assert delivery.rows_kept == 300_000
            seen.append(hashlib.sha256((h.home.path / str(delivery.store_path)).read_bytes()).hexdigest())
    assert len(set(seen)) == 1


SECRETS = ["0101701234", "010170-1234", "Anna Andersen", "+4512345678", "anna@example.dk", "hemmelig tekst"]


PEOPLE = table(
    {
        "id": "varchar",
        "who": "varchar?",
        "share": "decimal(4,1)?",
        "day": "date?",
        "began": "timestamp?",
        "kind": {"type": "varchar", "required": False, "values": ["x"]},
    }
)
PEOPLE_FROM = {
    "id": "id",
    "who": {"hash_of": "cpr"},
    "share": "share",
    "day": "day",
    "began": "began",
    "kind": {"from": "kind", "on_unknown": "set_aside"},
}
HEADS = ["id", "cpr", "name", "share", "day", "began", "kind"]


def planted(form: str) -> str:
    """A file with every secret in every column that is not kept as text, and a line that cannot be read."""
    lines = []
    for i, secret in enumerate(SECRETS):
        lines.append([str(i), secret, secret, "", "", "", ""])
        lines += [[f"{i}-{k}", "", "", *(secret if k == j else "" for j in range(4))] for k in range(4)]
    last = ["z", *[""] * 6]
    if form == "csv":
        rows = [HEADS, *lines, ["broken", *SECRETS, *SECRETS], last]
        return "".join(",".join(row) + "\n" for row in rows)
    objects = [json.dumps(dict(zip(HEADS, row, strict=True)), ensure_ascii=False) for row in [*lines, last]]
    return "\n".join([*objects[:-1], '{"id": Anna Andersen}', objects[-1]]) + "\n"


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_nothing_personal_is_left_anywhere(form: str) -> None:
    with house(PEOPLE, extract(PEOPLE_FROM, format={"type": form}, layout={"personal": ["name"]}, superseding="key")) as h:
        delivery = h.take_one(planted(form), f"x.{form}")
        assert (delivery.state, delivery.rows_kept) == ("stored", len(SECRETS) + 1), delivery.message
        # refused files as well: one without a header, one with a quote that never closes
        h.put("r1.csv", "0101701234,Anna Andersen,hemmelig tekst\n" * 3)
        h.put("r2.csv", ",".join(HEADS) + '\n1,,"Anna Andersen,hemmelig tekst\n')
        h.take()
        assert {d.state for d in h.ledger.deliveries()} == {"stored", "refused"}
        messages = [*(d.message or "" for d in h.ledger.deliveries()), *(r.message for r in h.ledger.rejects())]
        said = "\n".join([*h.said, *messages])
        assert (hmac.new(SAMPLE_KEY, b"0101701234", hashlib.sha256).hexdigest(),) in h.rows("who")
        files = [path for path in h.home.path.rglob("*") if path.is_file()]
        for secret in SECRETS:
            assert secret not in said
            assert not [path for path in files if secret.encode() in path.read_bytes()]
        # Parquet is compressed, so its cells are searched as well
        assert not any(secret in str(cell) for row in h.rows() for cell in row for secret in SECRETS)


def test_the_home_is_closed_to_others() -> None:
    with house(T, E) as h:
        h.take_one("id,amount\n1,1\n")
        assert oct(h.home.path.stat().st_mode & 0o777) == "0o700"
        assert oct(h.home.ledger.stat().st_mode & 0o777) == "0o600"


@pytest.mark.skipif(not (REPOSITORY / "data" / "sample" / "SYNTHETIC").exists(), reason="the sample deliveries are not there")
def test_the_whole_sample_is_taken(tmp_path: Path) -> None:
    known = declared.load()
    home, ledger = Home(tmp_path / "home"), Ledger(tmp_path / "home" / "ledger.sqlite")
    found = scan(REPOSITORY / "data" / "sample", known.extracts, ledger, SIGHTED)
    assert found.problems == []
    assert found.synthetic
    for name in known.extracts:
        report = take_extract(home, known, name, found, ledger)
        assert [(d.name, d.message) for d in report.refused] == []
        again = take_extract(home, known, name, found, ledger)
        assert (again.new, again.known) == ([], len(report.new))
    for delivery in ledger.deliveries():
        assert delivery.rows_read == (delivery.rows_kept or 0) + (delivery.rows_set_aside or 0)
    with connect(home) as con:
        counts = create_current(con, home, known, ledger, known.tables, None)
    assert sum(c.kept_rows for c in counts.values()) == sum(d.rows_kept or 0 for d in ledger.deliveries())
    assert {name for name, c in counts.items() if c.current_rows} >= {
        "call_events",
        "tickets",
        "cases",
        "absence",
        "jobcentre_panel",
    }
