"""docs/analyst.md: its ten queries are run as they stand, and come out as the page says; an export answers them elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import duckdb
import pytest
from both_plans import ask
from conftest import Ran
from world import World

from maalopfyldelse import shelf
from maalopfyldelse.analyst import publish
from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.scanning import load_plan

QUERIES = re.findall(
    r"^### (\d+)\. (.*?)\n\n```sql\n(.*?)```\n\n\S", (REPOSITORY / "docs" / "analyst.md").read_text(), re.M | re.S
)


@pytest.fixture(scope="module")
def answers(ran: Ran) -> dict[str, list[dict[str, Any]]]:
    with duckdb.connect(str(ran.world.home.analyst), read_only=True) as con:
        return {number: _asked(con, sql) for number, _, sql in QUERIES}


def _asked(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    cursor = con.execute(sql)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@pytest.fixture(scope="module")
def published(ran: Ran) -> dict[str, Any]:
    folder = shelf.find(ran.world.home, "star-2021", None, None)
    return {r["row"]: r for r in shelf.read_table(folder, "fulfilment")}


@pytest.fixture(scope="module")
def accounts(ran: Ran) -> dict[str, Any]:
    folder = shelf.find(ran.world.home, "star-2021", None, None)
    return {r["reading"]: r for r in shelf.read_table(folder, "results") if r["row"] == "M2.A" and r["section"] == "figure"}


def test_there_are_ten_and_each_has_an_answer(answers: dict[str, list[dict[str, Any]]]) -> None:
    assert [number for number, _, _ in QUERIES] == [str(n) for n in range(1, 11)]
    assert all(answers.values())


def test_what_was_reported_and_before(answers: dict[str, list[dict[str, Any]]], published: dict[str, Any], ran: Ran) -> None:
    rows = [row for row in published if published[row]["level"] != "total"]
    assert [a["row"] for a in answers["1"]] == rows == list(load_plan(ran.world.declared, "star-2021").placed)
    assert [(a["edition"], a["value"]) for a in answers["2"]] == [(1, published["M2.A"]["value"])]


def test_readings_and_quarters(answers: dict[str, list[dict[str, Any]]], accounts: dict[str, Any]) -> None:
    assert answers["3"][0]["reading"] == "approved"
    assert {a["reading"] for a in answers["3"]} == set(accounts)
    assert len(answers["4"]) == 4
    sizes = [a["denominator"] for a in answers["4"]]
    assert sizes == sorted(sizes) and sizes[0] < sizes[3] == Decimal(accounts["approved"]["denominator"])


def test_observations_add_up_to_what_was_published(answers: dict[str, list[dict[str, Any]]], accounts: dict[str, Any]) -> None:
    approved, other = accounts["approved"], accounts["S4.c"]
    assert sum(a["observations"] for a in answers["5"]) == approved["observations"]
    assert {a["standing"] for a in answers["5"]} == {"counted", "excluded", "outside"}
    moved = [a for a in answers["6"] if (a["approved"], a["alternative"]) == ("counted", "excluded")]
    assert moved == answers["6"] and len(moved) == approved["counted"] - other["counted"] > 0
    assert {a["reason"] for a in moved} == {"early_hangup"}
    assert sum(a["answered"] for a in answers["7"]) == Decimal(approved["numerator"])
    assert sum(a["calls"] for a in answers["7"]) == Decimal(approved["denominator"])
    [stricter] = answers["8"]
    assert stricter["calls"] == Decimal(approved["denominator"]) and 0 < stricter["answered"] <= Decimal(approved["numerator"])


def test_rows_and_deliveries(answers: dict[str, list[dict[str, Any]]]) -> None:
    assert len({a["delivery_id"] for a in answers["9"]}) == len(answers["9"]) == 12, "a file a month"
    for a in answers["10"]:
        assert a["rows_read"] == a["rows_kept"] + a["rows_set_aside"]
        assert a["rows_kept"] == a["rows_current"] + a["rows_superseded"] + a["rows_withdrawn"] + a["rows_held_back"]


# --- carried away


@pytest.fixture(scope="module")
def moved(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose home is gone after the exports were made."""
    folder = tmp_path_factory.mktemp("exported")
    copytree(ran.unopened / "home", folder / "home")
    world = World(folder)
    known_at = world.ledger.latest_arrival()
    assert known_at is not None
    publish(world.home, world.declared, world.ledger, [load_plan(world.declared, "star-2021")], known_at)
    for arguments in (
        (str(folder / "whole.duckdb"),),
        (str(folder / "some.duckdb"), "--tables", "cases,queues"),
        (str(folder / "parquet"),),
    ):
        assert ask(world, "export", *arguments) == 0
    rmtree(folder / "home" / "store")
    yield world


def test_an_export_answers_the_questions_without_the_home(
    moved: World, answers: dict[str, list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = moved.home.path.parent
    with duckdb.connect(str(folder / "whole.duckdb"), read_only=True) as con:
        for number, _, sql in QUERIES:
            assert _asked(con, sql) == answers[number], number
        bare = con.execute(
            "select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = '' "
            "and database_name = current_database()"
        )
        assert bare.fetchall() == []
        assert con.execute("select comment from duckdb_tables() where table_name = 'cases'").fetchone() == (
            moved.declared.tables["cases"].comment,
        )
        version = con.execute("select tags['storage_version'] from duckdb_databases() where database_name = 'whole'").fetchone()
        assert version is not None and str(version[0]).startswith("v1.5.0"), "or DuckDB 1.5 could not read it"
    with duckdb.connect(str(folder / "some.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from cases").fetchone() == (48,)
        with pytest.raises(duckdb.CatalogException):
            con.execute("select * from call_events")
    with duckdb.connect() as con:
        sql = f"select count(*) from '{folder}/parquet/main/cases.parquet'"
        assert con.execute(sql).fetchone() == (48,)
        sql = f"select sum(numerator) from '{folder}/parquet/published/telephone_answers.parquet'"
        assert con.execute(f"{sql} where row = 'M2.A' and reading = 'approved' and standing = 'counted'").fetchone() == (
            sum(a["answered"] for a in answers["7"]),
        )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["HERE/whole.duckdb"], "exists already"),
        (["HERE/no/such/x.duckdb"], "no such folder"),
        (["HERE/x.duckdb", "--tables", "cases,quues"], "No table of current rows is called 'quues' (did you mean 'queues'?"),
    ],
)
def test_a_wrong_export_writes_nothing(moved: World, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    folder: Path = moved.home.path.parent
    before = sorted(folder.iterdir())
    assert ask(moved, "export", *(a.replace("HERE", str(folder)) for a in arguments)) == 2
    assert told in capsys.readouterr().err
    assert sorted(folder.iterdir()) == before and not (moved.home.tmp / "export.duckdb").exists()
