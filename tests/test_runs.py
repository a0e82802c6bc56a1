"""Runs after the first: what is not done again, what a correction changes, who holds the home, and what analysts see meanwhile."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from both_plans import edition_bytes, run, shown
from conftest import Ran
from world import SIGHTED, World

from maalopfyldelse import shelf, tabular
from maalopfyldelse.analyst import publish
from maalopfyldelse.declared import load
from maalopfyldelse.intake.deliveries import scan
from maalopfyldelse.query import Measure
from maalopfyldelse.scanning import load_plan
from pipelines.cli import main

STAR = date(2021, 12, 31)
DECLARED = load()
PLANS = {"star-2021": STAR, "siri-2020": date(2020, 12, 31)}
DECLARED_ROWS = {plan: load_plan(DECLARED, plan) for plan in PLANS}
DELIVERED = {"telephone_answers", "written_replies", "processing_time", "pending_age", "target_group_activity", "sick_leave"}


@contextmanager
def python(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process; it is ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# --- nothing new


_SECOND_RUN = """
import json, sys
from pathlib import Path
deliveries, home = sys.argv[1:]
opened = []
def watch(event, arguments):
    if event == "open" and str(arguments[0]).startswith(deliveries + "/"):
        opened.append(str(arguments[0]))
sys.addaudithook(watch)
from maalopfyldelse.intake import load, take
def refuse(*_, **__):
    raise AssertionError("a delivery is read again")
take._take = refuse
from pipelines.cli import main
code = main(["run", "--deliveries", deliveries, "--home", home, "--plan", "siri-2020", "--plan", "star-2021"])
loaded = [name for name in ("dagster", "great_expectations") if name in sys.modules]
print(json.dumps({"code": code, "opened": opened, "loaded": loaded}))
"""


def test_a_second_run_reads_nothing_imports_no_rules_and_says_so(
    copied: Callable[[Path], World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = copied(tmp_path)
    # the copies are new files: from here on their hashes are known
    monkeypatch.setattr("maalopfyldelse.intake.deliveries._SETTLED", 0)
    scan(world.deliveries, DECLARED.extracts, world.ledger, SIGHTED)
    before = edition_bytes(world.home.path)
    done = subprocess.run(
        [sys.executable, "-c", _SECOND_RUN, str(world.deliveries), str(world.home.path)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    *said, found = done.stdout.splitlines()
    assert json.loads(found) == {"code": 0, "opened": [], "loaded": ["dagster"]}
    for text in (
        "intake: nothing new; 33 deliveries were known already and not read again",
        "expectations: nothing new to hold against the rules",
        "star-2021 at 2021-12-31, edition 1: nothing changed; the newest edition stands",
        "siri-2020 at 2020-12-31, edition 1: nothing changed; the newest edition stands",
    ):
        assert text in said
    assert any(re.fullmatch(r"counted 0 scans; \d+ were known already and not run again", line) for line in said)
    assert edition_bytes(world.home.path) == before
    assert "reading " not in done.stderr and "counting " not in done.stderr


# --- a correction, watched by two readers


_HOLDER = """
import json, sys
import duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
for line in sys.stdin:
    print(json.dumps(con.execute(line).fetchall(), default=str), flush=True)
"""
_WATCHER = """
import json, sys, time
import duckdb
seen, faults = {}, []
print("ready", flush=True)
while True:
    con = duckdb.connect(sys.argv[1], read_only=True)
    try:
        editions = con.execute("select count(*) from editions.editions").fetchone()[0]
        tables = con.execute("select count(distinct (plan, as_of, edition)) from editions.fulfilment").fetchone()[0]
        calls = con.execute("select count(*) from call_events").fetchone()[0]
        figure = con.execute('select numerator from "star-2021"."M2.A"(date \\'2021-12-31\\') where reading = \\'approved\\'').fetchone()[0]
        published = con.execute(
            "select numerator from editions.fulfilment where row = 'M2.A' order by edition desc limit 1").fetchone()[0]
        if editions != tables or int(figure) != int(published):
            faults.append([editions, tables, calls, str(figure), published])
        seen[editions] = seen.get(editions, 0) + 1
    except Exception as error:
        faults.append(str(error))
    con.close()
    print(json.dumps([seen, faults]), flush=True)
    time.sleep(0.05)
"""


class Corrected:
    """A home whose January was corrected while one process held the analysts' file and another kept opening it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.before = edition_bytes(world.home.path)
        query = "select numerator from \"star-2021\".\"M2.A\"(date '2021-12-31') where reading = 'approved'"
        with python(_HOLDER, str(world.home.analyst)) as holder, python(_WATCHER, str(world.home.analyst)) as watcher:
            assert watcher.stdout is not None and watcher.stdout.readline() == "ready\n"
            self.held_before = self._ask(holder, query)
            self.correct()
            started = time.monotonic()
            self.code = run(world, "--plan", "star-2021", "--reason", "januar rettet")
            self.seconds = time.monotonic() - started
            self.held_after = self._ask(holder, query)
            time.sleep(1)
            watcher.kill()
            lines = watcher.communicate()[0].splitlines()
        self.seen, self.faults = json.loads([line for line in lines if line.endswith("]")][-1])
        with python(_HOLDER, str(world.home.analyst)) as holder:
            self.new = self._ask(holder, query)

    @staticmethod
    def _ask(process: subprocess.Popen[str], query: str) -> int:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(query + "\n")
        process.stdin.flush()
        return int(Decimal(json.loads(process.stdout.readline())[0][0]))

    def correct(self) -> None:
        """January again, with three answers that turned out never to have been given."""
        (path,) = self.world.deliveries.rglob("puzzel_call_events_2021-01.csv")
        rows = list(csv.DictReader(path.read_text().splitlines()))
        gone = {r["call_id"] for r in rows if r["event_type"] == "c" and r["queue_key"] != "q_andet"}
        gone = set(sorted(gone)[:2])
        kept = [
            r | ({"result_code": "h"} if r["call_id"] in gone else {})
            for r in rows
            if not (r["call_id"] in gone and r["event_type"] == "c")
        ]
        self.world.deliver_rows("2022-01-20T0800", "puzzel", path.name, list(rows[0]), kept, ",")


@pytest.fixture(scope="module")
def corrected(copied: Callable[[Path], World], tmp_path_factory: pytest.TempPathFactory) -> Corrected:
    return Corrected(copied(tmp_path_factory.mktemp("corrected")))


def test_a_corrected_delivery_makes_a_new_edition_and_leaves_the_old_one_alone(
    corrected: Corrected, capsys: pytest.CaptureFixture[str]
) -> None:
    assert corrected.code == 0
    after = edition_bytes(corrected.world.home.path)
    assert {name: after[name] for name in corrected.before} == corrected.before
    assert {name.rsplit("/", 1)[0] for name in after if name not in corrected.before and name.endswith("edition.json")} == {
        "editions/star-2021/2021-12-31/2"
    }
    old, new = (
        next(
            r
            for r in shown(corrected.world, capsys, "show", "fulfilment", "--plan", "star-2021", "--edition", n)
            if r["row"] == "M2.A"
        )
        for n in ("1", "2")
    )
    assert int(new["numerator"]) == int(old["numerator"]) - 2
    assert new["denominator"] == old["denominator"]
    newest = shown(corrected.world, capsys, "show", "editions", "--plan", "star-2021")[-1]
    assert (newest["edition"], newest["reason"]) == (2, "januar rettet")
    assert newest["known_at"].startswith("2022-01-20T07:00")
    accounts = next(
        r
        for r in shown(corrected.world, capsys, "show", "results", "--plan", "star-2021")
        if r["section"] == "table" and r["measure"] == "call_events"
    )
    assert accounts["rows_superseded"] > 0


def test_known_before_the_correction_the_old_figures_come_back(corrected: Corrected, capsys: pytest.CaptureFixture[str]) -> None:
    world = corrected.world
    assert run(world, "--plan", "star-2021", "--known-at", "2022-01-20T0759") == 0
    first, third = (
        [r | {"edition": None} for r in shown(world, capsys, "show", "fulfilment", "--plan", "star-2021", "--edition", n)]
        for n in ("1", "3")
    )
    assert first == third
    # what arrives at the very moment is known; before the first arrival nothing is
    assert world.line("star-2021", "M2.A", STAR, "2022-01-20T0800").numerator == corrected.new
    assert world.line("star-2021", "M2.A", STAR, "2019-12-31").verdict == "ikke opgjort"


def test_a_reader_that_keeps_the_file_open_is_not_in_the_way_and_keeps_its_state(corrected: Corrected) -> None:
    assert corrected.code == 0
    assert corrected.held_before == corrected.held_after == corrected.new + 2


def test_no_reader_ever_meets_a_half_written_state(corrected: Corrected) -> None:
    assert corrected.faults == []
    assert set(corrected.seen) == {"2", "3"}  # editions in the file: before and after
    assert corrected.seen["2"] > 5


# --- one run at a time


_HOLDING = """
import sys
from pathlib import Path
from maalopfyldelse.home import Home
with Home(Path(sys.argv[1])).locked("maal run"):
    print("holding", flush=True)
    sys.stdin.read()
"""


def test_the_second_of_two_runs_says_who_holds_the_home(
    copied: Callable[[Path], World], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = copied(tmp_path)
    before = edition_bytes(world.home.path)
    with python(_HOLDING, str(world.home.path)) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "holding\n"
        for command in (["run", "--deliveries", str(world.deliveries)], ["withdraw", "x", "--reason", "y"]):
            assert main([*command, "--home", str(world.home.path)]) == 1
            said = capsys.readouterr().err
            assert f"in use by process {holder.pid} on " in said and "(maal run)" in said
            assert "Wait until it has finished" in said and "Traceback" not in said
        # reading goes on
        assert main(["show", "fulfilment", "--home", str(world.home.path)]) == 0
        capsys.readouterr()
    assert edition_bytes(world.home.path) == before
    with world.home.locked("the lock went with its process"):
        pass


# --- what analysts find


@pytest.fixture(scope="module")
def analyst(ran: Ran) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ran.world.home.analyst), read_only=True) as con:
        yield con


def _computed_rows() -> list[tuple[str, str]]:
    placed = [(plan, p.row) for plan in PLANS for p in DECLARED_ROWS[plan].placed.values()]
    return [(plan, row.id) for plan, row in placed if row.measure and row.result and not row.result.change]


@pytest.mark.parametrize(("plan", "row"), _computed_rows())
def test_a_rows_macro_gives_the_editions_figures(ran: Ran, analyst: duckdb.DuckDBPyConnection, plan: str, row: str) -> None:
    cursor = analyst.execute(f'select * from "{plan}"."{row}"(?)', [PLANS[plan]])
    names = [d[0] for d in cursor.description]
    found = {r["reading"]: r for r in (dict(zip(names, values, strict=True)) for values in cursor.fetchall())}
    folder = shelf.find(ran.world.home, plan, None, None)
    record = next(r for r in shelf.read_table(folder, "fulfilment") if r["row"] == row)
    results = {r["reading"]: r for r in shelf.read_table(folder, "results") if r["row"] == row and r["section"] == "figure"}
    published = {"approved": record["value"]} | {r["id"]: r["value"] for r in record["readings"] if r["id"] in results}
    assert set(found) == set(published), "every computed reading, and no other"
    for reading, value in published.items():
        assert found[reading]["unit"] == record["unit"]
        if value is None:
            assert found[reading]["value"] is None, reading
        else:
            assert found[reading]["value"] == pytest.approx(float(value), rel=1e-14, abs=5.1e-10), reading
        assert (found[reading]["first_date"], found[reading]["last_date"]) == (
            results[reading]["from_date"],
            results[reading]["to_date"],
        )


@pytest.mark.parametrize("measure", DECLARED.measures.values(), ids=list(DECLARED.measures))
def test_a_measures_macro_gives_observations(ran: Ran, analyst: duckdb.DuckDBPyConnection, measure: Measure) -> None:
    def ask(*arguments: str) -> list[str]:
        return sorted(map(str, analyst.execute(f"select * from measures.{measure.name}({', '.join(arguments)})").fetchall()))

    year = 2020 if measure.name == "sick_leave" else 2021
    as_of, from_date = f"date '{year}-12-31'", f"from_date := date '{year - 1}-12-31'"
    described = analyst.execute(f"describe select * from measures.{measure.name}({as_of})").fetchall()
    assert [row[0] for row in described][: len(measure.header.columns)] == list(measure.header.columns)
    by_default = ask(as_of)
    explicit = [f"{name} := '{words[0]}'" for name, words in measure.header.options.items()]
    explicit += [f"{name} := {p.default!r}" for name, p in measure.header.parameters.items()]
    assert ask(as_of, from_date, *explicit) == by_default
    for name, words in measure.header.options.items():
        for word in words[1:]:
            ask(as_of, f"{name} := '{word}'")
        for wrong in ("'wrong'", "null") if by_default else ():
            with pytest.raises(duckdb.Error) as told:
                ask(as_of, f"{name} := {wrong}")
            assert f"{name}: one of {', '.join(words)}" in str(told.value)
    if measure.name in DELIVERED:
        assert by_default


def test_published_observations_are_copied_and_add_up(ran: Ran, analyst: duckdb.DuckDBPyConnection) -> None:
    copies = analyst.execute("select plan, as_of, edition, missing from observations.copies order by plan").fetchall()
    assert copies == [(plan, PLANS[plan], 1, None) for plan in sorted(PLANS)]
    compared = 0
    for plan in PLANS:
        for record in shelf.read_table(shelf.find(ran.world.home, plan, None, None), "results"):
            if record["section"] != "figure":
                continue
            found = analyst.execute(
                f"select standing, count(*), sum(numerator) from published.{record['measure']} "
                "where plan = ? and row = ? and reading = ? and part = 'figure' group by standing",
                [plan, record["row"], record["reading"]],
            ).fetchall()
            counts, sums = {r[0]: r[1] for r in found}, {r[0]: r[2] for r in found}
            for standing in ("counted", "unknown", "excluded", "outside"):
                assert counts.get(standing, 0) == record[standing], (record["row"], record["reading"], standing)
            row = DECLARED_ROWS[plan].placed[record["row"]].row
            if row.result and row.result.pooled and record["counted"] and record["numerator"] is not None:
                assert Decimal(record["numerator"]) == sums["counted"]
                compared += 1
    assert compared > 10


def test_copies_are_taken_over_and_left_out_when_they_do_not_add_up(copied: Callable[[Path], World], tmp_path: Path) -> None:
    world = copied(tmp_path)
    known_at = world.ledger.latest_arrival()
    assert known_at is not None
    said: list[str] = []
    folder = shelf.find(world.home, "star-2021", None, None)
    records = shelf.read_table(folder, "results")
    next(r for r in records if r["row"] == "M2.A")["counted"] += 1  # as if another query had counted
    tabular.write_parquet(records, tabular.RESULTS, folder / "results.parquet")
    manifest = folder / "edition.json"
    manifest.write_text(manifest.read_text() + "\n")
    publish(world.home, DECLARED, world.ledger, [], known_at, said.append)
    assert said == ["writing analyst.duckdb", "copying observations of star-2021 at 2021-12-31"], "siri-2020 was taken over"
    with duckdb.connect(str(world.home.analyst), read_only=True) as con:
        missing = dict(con.execute("select plan, missing from observations.copies").fetchall())
        assert missing["siri-2020"] is None and "M2.A under approved is counted otherwise" in missing["star-2021"]
        assert con.execute("select distinct plan from published.telephone_answers").fetchall() == []
        assert con.execute("select count(*) > 0 from published.sick_leave").fetchone() == (True,)


def test_everything_in_the_analysts_file_has_a_comment(analyst: duckdb.DuckDBPyConnection) -> None:
    bare = analyst.execute("""
        select 'table ' || schema_name || '.' || table_name from duckdb_tables()
        where database_name = current_database() and not internal and coalesce(comment, '') = ''
        union all select 'view ' || schema_name || '.' || view_name from duckdb_views()
        where database_name = current_database() and not internal and coalesce(comment, '') = ''
        union all select 'column ' || schema_name || '.' || table_name || '.' || column_name from duckdb_columns()
        where database_name = current_database() and not internal and coalesce(comment, '') = ''
        union all select 'macro ' || schema_name || '.' || function_name from duckdb_functions()
        where database_name = current_database() and not internal and coalesce(comment, '') = ''
        order by 1
    """).fetchall()
    assert [row[0] for row in bare] == []
    schemas = analyst.execute(
        "select schema_name from duckdb_schemas() where database_name = current_database() "
        "and schema_name not in ('information_schema', 'pg_catalog')"
    ).fetchall()
    about = dict(analyst.execute("select schema_name, comment from about").fetchall())
    assert {row[0] for row in schemas} == set(about) and all(about.values())


def test_the_analysts_file_holds_what_the_house_knows(ran: Ran, analyst: duckdb.DuckDBPyConnection) -> None:
    for plan in PLANS:
        folder = shelf.find(ran.world.home, plan, None, None)
        for table in ("fulfilment", "results"):
            stored = analyst.execute(f"select * from editions.{table} where plan = ?", [plan])
            names = [d[0] for d in stored.description]
            found = [dict(zip(names, values, strict=True)) for values in stored.fetchall()]
            assert found == shelf.read_table(folder, table)
    for table, spec in DECLARED.tables.items():
        described = [row[0] for row in analyst.execute(f"describe {table}").fetchall()]
        assert described == [*spec.columns, "delivery_id", "delivered_at"]
    counted = analyst.execute("select count(*), count(distinct case_id) from cases").fetchone()
    assert counted == (48, 48)


def test_at_a_new_place_the_analysts_file_is_written_anew(copied: Callable[[Path], World], tmp_path: Path) -> None:
    """Its views name files of the store by their full path."""
    world = copied(tmp_path)
    known_at = world.ledger.latest_arrival()
    assert known_at is not None
    assert publish(world.home, DECLARED, world.ledger, [], known_at)
    assert not publish(world.home, DECLARED, world.ledger, [], known_at)
    with duckdb.connect(str(world.home.analyst), read_only=True) as con:
        [(sql,)] = con.execute("select sql from duckdb_views() where view_name = 'absence'").fetchall()
    assert str(world.home.store) in sql
