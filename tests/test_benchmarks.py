"""The benchmark's four ways to do one job agree: rows, faults, failed rules, figures, exclusions, verdicts, and every reading of SQL by
hand. No time is looked at."""

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import generate, ours, with_duckdb, with_pandas
from benchmarks.bench import hold_alike
from maalopfyldelse.declared import load
from maalopfyldelse.sample.common import Sizes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("benchmark")


@pytest.fixture(scope="module")
def by_ours(folder):
    generate.generate(folder / "deliveries", Sizes(call_events=4_000, tickets=4_000, cases=1_500, persons=3_000))
    declared = load()
    computed = ours.run(declared, ours.plan_of(declared), folder / "deliveries", folder / "home")
    return ours.answers(declared, folder / "home", computed)


def test_the_figures_are_there(by_ours):
    assert sorted(by_ours["figures"]) == ["M2.A", "M2.B", "M2.C", "M2.D", "M2.E", "M2.F", "M4"]
    assert by_ours["rows"]["tickets"]["set_aside"] == {"NO_SUCH_HOUR Created at": 1}


@pytest.mark.parametrize("script", ["duckdb", "pandas", "polars"])
def test_a_script_finds_the_same(by_ours, folder, script):
    if not find_spec(script):
        pytest.skip(f"{script} is not installed (make bench-small installs it)")
    out = folder / script
    out.mkdir()
    if script == "polars":
        from benchmarks import with_polars

        found = with_polars.run(folder / "deliveries", out, ours.AS_OF)
    else:
        found = {"duckdb": with_duckdb, "pandas": with_pandas}[script].run(folder / "deliveries", out, ours.AS_OF)
    hold_alike({"ours": {"found": by_ours}, script: {"found": found.plain()}})


def test_sql_by_hand_finds_the_same_at_another_date_over_what_it_stored(folder, by_ours):
    declared, as_of = load(), date(2021, 6, 30)
    computed = ours.count(declared, ours.plan_of(declared), folder / "deliveries", folder / "home", as_of)
    mine = ours.answers(declared, folder / "home", computed)
    out = folder / "duckdb"
    assert any(out.glob("*.parquet")), "run the other test first"
    theirs = with_duckdb.run(folder / "deliveries", out, as_of, is_stored=True).plain()
    for row, said in mine["figures"].items():
        assert {k: v for k, v in said.items() if k != "verdict"} == {
            k: v for k, v in theirs["figures"][row].items() if k != "verdict"
        }
    assert mine["readings"] == theirs["readings"]


def test_deliveries_made_with_the_same_numbers_are_left_and_others_replaced(tmp_path: Path):
    least = Sizes(call_events=200, tickets=50, cases=50, persons=100)
    generate.generate(tmp_path / "d", least)
    (path,) = (tmp_path / "d").glob("2022-*/p360/*.csv")
    path.write_text("touched")
    generate.generate(tmp_path / "d", least)
    assert path.read_text() == "touched"
    generate.generate(tmp_path / "d", Sizes(call_events=200, tickets=50, cases=60, persons=100))
    assert path.read_text() != "touched"
