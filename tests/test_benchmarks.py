"""The benchmark's four ways to do one job agree: rows, faults, failed rules, figures, exclusions, verdicts, and every reading of SQL by
hand. No time is looked at."""

from datetime import date
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import generate, ours
from benchmarks.bench import SCRIPTS, hold_alike, without_verdicts
from maalopfyldelse.declared import load
from maalopfyldelse.sample.common import Sizes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("benchmark")
    generate.generate(root / "deliveries", Sizes(call_events=4_000, tickets=4_000, cases=1_500, persons=3_000))
    return root


def by_script(name: str, folder: Path, out: str, as_of: date = ours.AS_OF, *, is_stored: bool = False):
    """A script's answers; what it has written stays in `out`."""
    (folder / out).mkdir(exist_ok=True)
    script = import_module(f"benchmarks.with_{name}")
    stored = {"is_stored": True} if is_stored else {}
    return script.run(folder / "deliveries", folder / out, as_of, **stored).plain()


def test_pandas_and_sql_by_hand_find_the_same(folder):
    found = {name: by_script(name, folder, f"{name}-alone") for name in ("duckdb", "pandas")}
    assert sorted(found["duckdb"]["figures"]) == ["M2.A", "M2.B", "M2.C", "M2.D", "M2.E", "M2.F", "M4"]
    assert found["duckdb"]["rows"]["tickets"]["set_aside"] == {"NO_SUCH_HOUR Created at": 1}
    hold_alike({"ours": {"found": found["duckdb"]}, "pandas": {"found": found["pandas"]}})


def test_an_answer_that_differs_is_told():
    same = {"rows": {}, "rules": {}, "figures": {"M2.A": 1}, "readings": {}}
    with pytest.raises(SystemExit, match="pandas and ours differ in figures"):
        hold_alike({"ours": {"found": same}, "pandas": {"found": same | {"figures": {"M2.A": 2}}}})


@pytest.mark.long
@pytest.mark.parametrize("date_", [ours.AS_OF, date(2021, 6, 30)])
def test_ours_finds_what_the_scripts_find(folder, date_):
    declared, home = load(), folder / "home"
    plan = ours.plan_of(declared)
    computed = ours.run(declared, plan, folder / "deliveries", home)
    if date_ == ours.AS_OF:
        mine = {"found": ours.answers(declared, home, computed)}
        for name in SCRIPTS:
            if find_spec(name):  # polars is installed by make bench-small
                hold_alike({"ours": mine, name: {"found": by_script(name, folder, name)}})
        return
    mine = ours.answers(declared, home, ours.count(declared, plan, folder / "deliveries", home, date_))
    by_script("duckdb", folder, "duckdb")
    theirs = by_script("duckdb", folder, "duckdb", date_, is_stored=True)
    assert without_verdicts(mine["figures"]) == without_verdicts(theirs["figures"])
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


def test_deliveries_like_others_have_the_same_files_but_for_the_call_events(tmp_path: Path):
    least = Sizes(call_events=200, tickets=50, cases=50, persons=100)
    generate.generate(tmp_path / "all", least)
    generate.generate(tmp_path / "made", least, with_calls=False)
    generate.generate(tmp_path / "linked", least, with_calls=False, like=tmp_path / "all")
    made, linked = (
        {path.relative_to(root): path.read_bytes() for path in root.glob("*/*/*")}
        for root in (tmp_path / "made", tmp_path / "linked")
    )
    assert made == linked and {path.parent.name for path in made} == {"puzzel", "zendesk", "postkasser", "p360", "jobcenter"}
