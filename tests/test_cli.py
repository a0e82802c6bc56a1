"""The command line as people and programs meet it: what it prints, in which shape, with which exit code, and what it loads."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from both_plans import PLANS, ask, shown
from conftest import Ran
from world import SIGHTED, World

from maalopfyldelse.deciding import SAME
from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.edition import publish
from maalopfyldelse.explain_page import page
from maalopfyldelse.printing import danish
from maalopfyldelse.scanning import load_plan
from pipelines.cli import main

YEAR_END = "2021-12-31"
# The field list that other programs read; it may grow, and never change.
FIELDS = [
    "plan", "row", "parent", "level", "scores", "text", "weight", "as_of", "edition", "verdict", "value", "unit", "numerator",
    "denominator", "target", "reading", "low", "high", "points_low", "points_high", "rows_set_aside", "provisional", "reason",
    "readings",
]  # fmt: skip
NUMBERS = ("weight", "value", "target", "low", "high", "points_low", "points_high")
VERDICTS = {"opfyldt", "delvist opfyldt", "ikke opfyldt", "afventer vurdering", "ikke opgjort", "uden for gradueringen", None}
# Rows whose deliveries the small whole holds.
COMPUTED = {"star-2021": ["M2.A", "M2.B", "M2.C", "M2.D", "M2.E", "M2.F", "M4"], "siri-2020": ["2.3"]}


@pytest.fixture(scope="module")
def world(ran: Ran) -> World:
    return ran.world


@pytest.fixture
def fulfilment(world: World, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(world, capsys, "show", "fulfilment")
    return found


def test_a_run_prints_the_fulfilment_and_where_things_are(ran: Ran) -> None:
    assert ran.code == 0, ran.err
    for text in (
        "siri-2020 pr. 31. december 2020, udgave 1",
        "star-2021 pr. 31. december 2021, udgave 1",
        "✓ opfyldt",
        "✗ ikke opfyldt",
    ):
        assert text in ran.out
    home = ran.world.home
    for path in (home.editions / "star-2021" / YEAR_END / "1", home.analyst):
        assert str(path) in ran.out
        assert path.exists()
    assert "intake: 33 new deliveries" in ran.out


def test_a_run_names_its_steps_in_plain_lines(ran: Ran) -> None:
    steps = [re.sub(r"^\[ *\d+\.\d s\] ", "", line) for line in ran.err.splitlines()]
    assert all(re.match(r"\[ *\d+\.\d s\] (  )?\S", line) for line in ran.err.splitlines())
    assert any(re.fullmatch(r"  puzzel_call_events: \d+ new files, \d+ rows kept, \d+ set aside", step) for step in steps)
    assert steps[0] == "starting"
    for step in (
        "taking in puzzel_call_events",
        "counting telephone_answers 2021-01-01 to 2021-12-31",
        "publishing star-2021 at 2021-12-31",
    ):
        assert step in steps
    assert "writing analyst.duckdb" in steps and steps[-1].startswith("copying observations of ")


# --- maal show


def test_fulfilment_as_json_has_the_agreed_fields(fulfilment: list[dict[str, Any]]) -> None:
    for record in fulfilment:
        assert set(FIELDS) <= set(record), record["row"]
        for name in NUMBERS:
            assert record[name] is None or type(record[name]) in (int, float), (record["row"], name)
            assert record[name] is None or round(record[name], 9) == record[name]
        for name in ("numerator", "denominator"):
            assert record[name] is None or re.fullmatch(r"-?\d+(\.\d+)?", record[name]), (record["row"], name)
        assert date.fromisoformat(record["as_of"]) == date(2020 if record["plan"] == "siri-2020" else 2021, 12, 31)
        assert record["edition"] == 1
        assert type(record["scores"]) is bool
        assert type(record["provisional"]) is bool
        assert type(record["rows_set_aside"]) is int
        assert record["verdict"] in VERDICTS
        assert all(re.fullmatch(r"[A-Z]\w*(-\w+)?\.\w+", reading) for reading in record["reading"]), record["reading"]
        for reading in record["readings"]:
            assert {"id", "value", "verdict", "low", "high", "reason"} <= set(reading)
            assert type(reading["value"]) in (int, float, type(None))
            assert reading["id"] not in record["reading"]
        assert record["low"] is None or 0 <= record["low"] <= record["high"] <= 100


def test_the_rows_are_the_plans_in_its_order(fulfilment: list[dict[str, Any]]) -> None:
    for plan_id in ("siri-2020", "star-2021"):
        placed = load_plan(load(), plan_id).placed
        rows = [r for r in fulfilment if r["plan"] == plan_id]
        assert [r["row"] for r in rows] == ["total", *placed]
        assert {r["level"] for r in rows} <= {"total", "goal", "requirement", "part"}
        assert [r["parent"] for r in rows[1:]] == [placed[r["row"]].parent and placed[r["row"]].parent for r in rows[1:]]
        for side in ("points_low", "points_high"):
            assert sum(r[side] for r in rows if r["scores"]) == pytest.approx(rows[0][side], abs=1e-7)
        assert sum(r["weight"] for r in rows if r["scores"]) == pytest.approx(100, abs=1e-7)
    goals = {r["row"] for r in fulfilment if r["level"] == "goal"}
    assert goals == {"M2", "M3", "M6", "M8", "M9"}


def test_a_computed_row_is_its_numerator_over_its_denominator(fulfilment: list[dict[str, Any]]) -> None:
    row = next(r for r in fulfilment if r["row"] == "M2.A")
    assert row["unit"] == "pct"
    assert row["value"] == pytest.approx(100 * int(row["numerator"]) / int(row["denominator"]), abs=5e-10)
    assert row["target"] == 90
    assert row["reading"][:2] == ["S4.a", "S5.a"]
    assert {r["id"] for r in row["readings"]} >= {"S4.b", "S4.c", "S4.d", "S5.b", "S5.c"}
    needs = next(r for r in row["readings"] if r["id"] == "S4.d")
    assert needs["value"] is None and "korte opkald" in needs["reason"]
    waiting = next(r for r in fulfilment if r["row"] == "M9.A")
    assert (waiting["value"], waiting["verdict"], waiting["low"], waiting["high"]) == (None, "afventer vurdering", 0, 100)
    assert waiting["reason"]


def test_fulfilment_as_csv_is_the_same_table(
    world: World, fulfilment: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(world, "show", "fulfilment", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [list(row) for row in rows[:1]] == [list(fulfilment[0])]
    for row, record in zip(rows, fulfilment, strict=True):
        for name, value in record.items():
            if isinstance(value, list):
                assert json.loads(row[name]) == value
            elif isinstance(value, bool) or value is None or isinstance(value, str):
                assert row[name] == ("" if value is None else str(value)), (record["row"], name)
            else:
                assert float(row[name]) == value, (record["row"], name)


def test_show_narrows_by_plan_date_and_edition(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    rows = shown(world, capsys, "show", "fulfilment", "--plan", "star-2021", "--as-of", YEAR_END, "--edition", "1")
    assert {r["plan"] for r in rows} == {"star-2021"}
    rows = shown(world, capsys, "show", "fulfilment", "--as-of", "2020-12-31")
    assert {r["plan"] for r in rows} == {"siri-2020"}
    for arguments, text in (
        (["--plan", "xx"], "'xx'"),
        (["--plan", "star-2020"], "did you mean 'star-2021'?"),
        (["--as-of", "2021-06-30"], "2021-06-30"),
        (["--plan", "star-2021", "--as-of", "2021-06-30"], "there are editions at 2021-12-31"),
        (["--plan", "star-2021", "--edition", "7"], "has no edition 7; the newest is 1"),
        (["--as-of", "31-12-2021"], "31-12-2021"),
    ):
        assert ask(world, "show", "fulfilment", *arguments) == 2
        said = capsys.readouterr()
        assert text in said.err and said.out == ""


def test_results_show_every_reading_and_its_accounts(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    rows = shown(world, capsys, "show", "results")
    figures = [r for r in rows if r["section"] == "figure"]
    with_measure = {(plan, p.row.id) for plan in PLANS for p in load_plan(load(), plan).placed.values() if p.row.measure}
    assert (
        {(r["plan"], r["row"]) for r in figures}
        >= with_measure
        > {(plan, row) for plan, rows in COMPUTED.items() for row in rows}
    )
    for r in figures:
        assert r["observations"] == r["counted"] + r["unknown"] + r["excluded"] + r["outside"], (r["row"], r["reading"])
    for r in (r for r in rows if r["section"] == "table"):
        assert r["rows_read"] == r["rows_kept"] + r["rows_set_aside"]
        assert r["rows_kept"] == r["rows_current"] + r["rows_superseded"] + r["rows_withdrawn"] + r["rows_held_back"]
    cases = next(r for r in rows if r["section"] == "table" and r["measure"] == "cases")
    assert cases["rows_superseded"] > 0
    assert ask(world, "show", "results") == 0
    assert "rows read = kept + set aside" in capsys.readouterr().out


def test_deliveries_rejects_and_editions(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    deliveries = shown(world, capsys, "show", "deliveries")
    assert len(deliveries) == 33
    assert {d["state"] for d in deliveries} == {"stored"}
    on_disk = {p.name for p in world.deliveries.rglob("*") if p.is_file()} - {"SYNTHETIC"}
    assert {d["name"] for d in deliveries} == on_disk
    assert all(len(d["sha256"]) == 64 for d in deliveries)
    assert shown(world, capsys, "show", "rejects") == []
    editions = shown(world, capsys, "show", "editions")
    assert [(e["plan"], e["as_of"], e["edition"], e["synthetic"]) for e in editions] == [
        ("siri-2020", "2020-12-31", 1, True),
        ("star-2021", YEAR_END, 1, True),
    ]
    for table in ("fulfilment", "results", "deliveries", "rejects", "editions"):
        assert ask(world, "show", table) == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 110, 200])
def test_a_narrow_terminal_cuts_no_number(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    records = shown(world, capsys, "show", "fulfilment", "--plan", "star-2021")
    assert ask(world, "show", "fulfilment", "--plan", "star-2021") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    for record in records:
        [line] = [line for line in lines if line.split()[:1] == [record["row"]]]
        assert record["verdict"] is None or record["verdict"] in line
        if record["weight"] is not None:
            assert f" af {danish(Fraction(str(record['weight'])), 2)} " in line + " "
    if width <= 80:  # remarks stand below
        assert {r["row"] + ":" for r in records if r["reason"]} <= {line.split()[0] for line in lines if line.strip()}


def test_times_on_a_terminal_are_danish_as_those_that_are_typed(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    known = {r["known_at"] for r in shown(world, capsys, "show", "editions")}
    assert ask(world, "show", "editions") == 0
    out = capsys.readouterr().out
    for text in known:
        assert f"{datetime.fromisoformat(text).astimezone(ZoneInfo('Europe/Copenhagen')):%Y-%m-%d %H:%M}" in out


# --- maal explain


def test_explain_says_in_numbers_what_decides_between_readings(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(world, capsys, "explain", "star-2021", "M2.A")
    options = {o["id"]: o for reading in said["readings"] for o in reading["options"]}
    rows = shown(world, capsys, "show", "results", "--plan", "star-2021")
    results = {r["reading"]: r for r in rows if r["row"] == "M2.A" and r["section"] == "figure"}
    fewer = results["approved"]["counted"] - results["S4.c"]["counted"]
    assert fewer > 0 and options["S4.c"]["decides"] == [f"{fewer} holdes ude: Lagt på før grænsen"]
    fewer = results["approved"]["counted"] - results["S4.b"]["counted"]
    assert options["S4.b"]["decides"] == [f"{fewer} holdes ude: Ubesvaret; kun besvarede kald tæller"]
    assert options["S11.b"]["decides"] == [SAME] and options["S4.a"]["decides"] == [] == options["S4.d"]["decides"]
    assert ask(world, "explain", "star-2021", "M2.A") == 0
    assert options["S4.c"]["decides"][0] in capsys.readouterr().out


def test_an_explanation_as_a_page(world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "m2a.html"
    assert ask(world, "explain", "star-2021", "M2.A", "--page", str(target)) == 0
    text = target.read_text()
    said = shown(world, capsys, "explain", "star-2021", "M2.A")
    for delivery in said["deliveries"]:
        assert delivery["sha256"] in text and delivery["file"] in text
    for reading in said["readings"]:
        assert all(words in text for option in reading["options"] for words in option["decides"])
    assert "<script" not in text and "http://" not in text and "https://" not in text
    hostile = said | {"text": "<script>alert(1)</script>", "title": '"><b onmouseover=x>'}
    assert "<script" not in page(hostile) and "<b on" not in page(hostile)
    for arguments, told in (
        (("--page", str(target)), "File exists"),
        (("--page", str(tmp_path / "m2a.txt")), "ending in .html"),
        (("--page", str(tmp_path / "x.html"), "--rows"), "neither --rows"),
    ):
        assert ask(world, "explain", "star-2021", "M2.A", *arguments) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(("plan", "row"), [(plan, row) for plan, rows in COMPUTED.items() for row in rows])
def test_explain_adds_up_to_the_figure(world: World, capsys: pytest.CaptureFixture[str], plan: str, row: str) -> None:
    said = shown(world, capsys, "explain", plan, row)
    [counting], figure = said["counting"], said["figure"]
    results = shown(world, capsys, "show", "results", "--plan", plan)
    approved = next(r for r in results if r["row"] == row and r["reading"] == "approved" and r["section"] == "figure")
    excluded = sum(e["observations"] for e in counting["excluded"])
    assert counting["counted"] + counting["unknown"] + excluded + counting["outside_where"] == approved["observations"]
    assert (figure["numerator"], figure["denominator"]) == (approved["numerator"], approved["denominator"])
    observations = shown(world, capsys, "explain", plan, row, "--rows")
    assert len(observations) == approved["observations"]
    for word, number in (
        ("counted", counting["counted"]),
        ("unknown", counting["unknown"]),
        ("excluded", excluded),
        ("outside", counting["outside_where"]),
    ):
        assert sum(o["counts"] == word for o in observations) == number
    if row != "M4" and plan == "star-2021":  # M4 sums the best only, 2.3 over a mean of quarters
        for side in ("numerator", "denominator"):
            assert sum(o[side] for o in observations if o["counts"] == "counted") == float(figure[side])
    else:
        assert all(o["numerator"] is not None for o in observations if o["counts"] == "counted")
    assert said["clause"]["lines"]
    assert (REPOSITORY / counting["query"]).is_file()
    for delivery in said["deliveries"]:
        assert len(delivery["sha256"]) == 64 and delivery["standing"] == "current"
    assert said["deliveries"]


def test_explain_adds_up_where_a_delivery_is_missing(
    copied: Callable[[Path], World], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = copied(tmp_path)
    computed = world.compute("star-2021", date(2021, 6, 30), "2021-07-04T0800")  # June's calls come on the 5th
    publish(computed, world.ledger, reason=None, now=SIGHTED)
    at = ["--as-of", "2021-06-30"]
    said = shown(world, capsys, "explain", "star-2021", "M2.A", *at)
    [counting] = said["counting"]
    assert said["figure"]["verdict"] == "ikke opgjort" and "2021-06" in said["figure"]["reason"]
    observations = shown(world, capsys, "explain", "star-2021", "M2.A", "--rows", *at)
    for word, number in (
        ("counted", counting["counted"]),
        ("excluded", sum(e["observations"] for e in counting["excluded"])),
        ("outside", counting["outside_where"]),
    ):
        assert sum(o["counts"] == word for o in observations) == number, word
    assert len(observations) > 40


def test_explain_computes_a_combination(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(world, capsys, "explain", "star-2021", "M2.A", "--with", "S4.c,S5.b")
    [both] = said["combination"]
    assert both["readings"] == ["S4.c", "S5.b"]
    assert both["value"] == pytest.approx(100 * int(both["numerator"]) / int(both["denominator"]), abs=5e-10)
    [alone] = shown(world, capsys, "explain", "star-2021", "M2.A", "--with", "S4.c")["combination"]
    listed = next(r for r in shown(world, capsys, "show", "fulfilment", "--plan", "star-2021") if r["row"] == "M2.A")
    assert alone["value"] == next(r["value"] for r in listed["readings"] if r["id"] == "S4.c") != listed["value"]
    rows = shown(world, capsys, "explain", "star-2021", "M2.A", "--with", "S4.c,S5.b", "--rows")
    assert sum(o["denominator"] for o in rows if o["counts"] == "counted") == int(both["denominator"])
    assert ask(world, "explain", "star-2021", "M2.A", "--with", "S4.c,S5.b") == 0
    out = capsys.readouterr().out
    assert f"with S4.c, S5.b: {both['value']} pct. = {both['numerator']} / {both['denominator']}" in out and "None" not in out
    assert out.index("with S4.c, S5.b") < out.index("denominator = no_early_hangup")  # not the edition's figure's own


@pytest.mark.parametrize("asked", [[], ["--with", "S4.c"], ["--rows"]])
def test_explain_reads_no_stored_file_that_was_altered(
    copied: Callable[[Path], World], tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    world = copied(tmp_path)
    path = sorted((world.home.store / "call_events").glob("*.parquet"))[0]
    with duckdb.connect() as con:  # the same rows in other bytes
        con.execute(f"create table t as from read_parquet('{path}')")
        con.execute(f"copy t to '{path}' (format parquet, compression gzip)")
    assert ask(world, "explain", "star-2021", "M2.A", *asked) == 1
    said = "".join(capsys.readouterr())
    assert str(path) in said and "is not what intake wrote" in said and "Traceback" not in said


def test_explain_prints_the_way_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for plan, row, texts in (
        ("star-2021", "M2.A", ("line 121, 122", "sql/telephone_answers.sql", "S4", "puzzel_call_events_2021-12.csv", "sha256")),
        ("star-2021", "M9.A", ("afventer vurdering",)),
        ("star-2021", "M2", ("delvist opfyldt",)),
        ("siri-2020", "2.3", ("sql/sick_leave.sql", "isola_fravaer_2020K4.csv")),
    ):
        assert ask(world, "explain", plan, row) == 0
        out = capsys.readouterr().out
        for text in texts:
            assert text in out, (row, text)
    assert ask(world, "explain", "star-2021", "M2.A", "--rows", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {"call_id", "queue", "numerator", "denominator", "reason", "counts"} <= set(rows[0])


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["star-2021", "M9.Z"], ["M9.Z", "did you mean 'M9."]),
        (["star-2022", "M2.A"], ["star-2022", "did you mean 'star-2021'?"]),
        (["star-2021", "M2.A", "--with", "S4.z"], ["S4 has no option 'z'", "a, b, c, d"]),
        (["star-2021", "M2.A", "--with", "S99.a"], ["S99"]),
        (["star-2021", "M2.A", "--with", "S4.d"], ["S4.d"]),
        (["star-2021", "M2.A", "--with", "S4.c,S5.b,S4.b"], ["S4.c and S4.b answer the same question"]),
        (["star-2021", "M2.A", "--as-of", "2021-06-30"], ["no edition at 2021-06-30"]),
        (["star-2021", "M9.A", "--rows"], ["M9.A is not counted from an extract"]),
    ],
)
def test_explain_says_what_it_cannot_answer(
    world: World, capsys: pytest.CaptureFixture[str], arguments: list[str], texts: list[str]
) -> None:
    assert ask(world, "explain", *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    for text in texts:
        assert text in said.err


# --- maal status, maal check


def test_status_says_what_is_missing_and_who_supplies_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(world, capsys, "status", "star-2021")
    assert said["next_report"] == YEAR_END
    assert said["blocked"] == []
    rows = {r["row"]: r for r in said["rows"]}
    assert set(rows) == {r for r, p in load_plan(load(), "star-2021").placed.items() if p.row.level != "goal"}
    assert rows["M2.A"]["track"] in ("on track", "off track", "opfyldt", "ikke opfyldt")
    assert rows["M2.A"]["value"] is not None and rows["M2.A"]["missing"] is None
    assert rows["M1"]["missing"] and "Departementet" in rows["M1"]["supplier"]
    assert ask(world, "status", "star-2021") == 0
    assert "next report 2021-12-31" in capsys.readouterr().out
    assert ask(world, "status", "star") == 2
    assert "did you mean 'star-2021'?" in capsys.readouterr().err


def test_check_proves_the_repositorys_declarations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("OK  ") for line in lines)
    for thing in ("extract puzzel_call_events", "measure telephone_answers", "plan star-2021", "plan siri-2020"):
        assert any(thing in line for line in lines)


def test_check_fails_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault is told on its own line and hides none of the others."""
    plan = (REPOSITORY / "plans" / "siri-2020.yaml").read_text()
    query = (REPOSITORY / "sql" / "sick_leave.sql").read_text()
    body = query[query.index("---*/") + 5 :]
    for folder in ("plans", "sql"):
        (tmp_path / folder).mkdir()
    faulty = plan.replace("plan: siri-2020", "plan: siri-x").replace("measure: sick_leave", "measure: sick_leaves")
    (tmp_path / "plans" / "siri-x.yaml").write_text(faulty)
    for name, changed in (
        ("by_clock", query + "\nwhere m.quarter_end_date < current_date"),
        ("no_sql", query.replace(body, "\nselect from where")),
        (
            "one_column_less",
            query.replace("    p.absence_type,\n    p.reading_id", "    p.reading_id").replace(
                "    'mangler' as absence_type,\n", ""
            ),
        ),
    ):
        (tmp_path / "sql" / f"{name}.sql").write_text(changed.replace("measure: sick_leave", f"measure: {name}"))
    calls = (REPOSITORY / "sql" / "telephone_answers.sql").read_text()
    for name, said, wrong in (
        ("no_table", "table: call_events, together_by", "table: call_event, together_by"),
        ("no_column", "together_by: call_id", "together_by: caller"),
        ("no_word", "together_by: call_id", "together_by: queue_key"),
        ("no_group", "placed_by: min(started_date)", "placed_by: started_date"),
        ("no_date", "placed_by: min(started_date)", "placed_by: min(started_at)"),
    ):
        changed = calls.replace("measure: telephone_answers", f"measure: {name}").replace(said, wrong)
        (tmp_path / "sql" / f"{name}.sql").write_text(changed)
    staffed = query.replace("measure: sick_leave", "measure: no_staff").replace("{table: absence,", "{table: absences,")
    (tmp_path / "sql" / "no_staff.sql").write_text(staffed)
    assert main(["check", "--declared", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = [line for line in lines if line.startswith("FAIL")]
    names = ["by_clock", "no_column", "no_date", "no_group", "no_sql", "no_staff", "no_table", "no_word", "one_column_less"]
    assert failed == [*(f"FAIL measure {name}" for name in names), "FAIL plan siri-x"]
    assert sum(line.startswith("OK") for line in lines) > 15
    for text in (
        "by_clock.sql: uses current_date",
        "no_sql.sql: not valid SQL",
        "no_table.sql: leading names 'call_event', which is no declared table",
        "no_column.sql: together_by names 'caller', which is no column of call_events",
        "no_word.sql: together_by names 'queue_key', which may be empty in call_events",
        "no_group.sql: Binder Error",
        "no_date.sql: placed_by is timestamp, not date",
        "no_staff.sql: leading names 'absences', which is no declared table",
        "the header declares institution",
        "did you mean 'sick_leave'?",
    ):
        assert any(text in line for line in lines), text
    (tmp_path / "plans" / "siri-2020.yaml").write_text(plan)
    assert main(["check", "--declared", str(tmp_path)]) == 1
    assert "declared already" in capsys.readouterr().out
    assert main(["check", "--declared", str(tmp_path / "none")]) in (1, 2)
    assert "no such folder" in "".join(capsys.readouterr())


# --- what each command loads


_SPY = """
import json, sys
from pathlib import Path
HEAVY = ("dagster", "great_expectations", "duckdb", "pyarrow", "pandas", "sqlalchemy")

class Spy:
    first = None
    def write(self, text):
        if Spy.first is None and text.strip():
            Spy.first = [text.strip(), [name for name in HEAVY if name in sys.modules]]
        return len(text)
    def flush(self): pass
    def isatty(self): return False

from pipelines.cli import main
out, sys.stderr = sys.stdout, Spy()
found = []
for arguments in json.loads(sys.argv[1]):
    sys.stdout = Spy()
    code = main(arguments)
    found.append([code, [name for name in HEAVY if name in sys.modules]])
print(json.dumps({"first": Spy.first, "found": found}), file=out)
"""


def spied(*commands: list[str]) -> dict[str, Any]:
    """Runs commands in one fresh process: the first words on stderr with what was loaded by then, and what was loaded after each."""
    done = subprocess.run([sys.executable, "-c", _SPY, json.dumps(commands)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_only_a_run_loads_dagster(world: World) -> None:
    home = ["--home", str(world.home.path)]
    found = spied(
        ["show", "editions", *home],
        ["show", "deliveries", *home],
        ["show", "fulfilment", *home],
        ["explain", "star-2021", "M2.A", *home],
        ["status", "star-2021", *home],
    )["found"]
    assert [code for code, _ in found] == [0] * 5
    assert found[1][1] == []
    for _, loaded in found:
        assert not {"dagster", "great_expectations", "pandas", "sqlalchemy"} & set(loaded)


def test_the_first_sign_of_life_comes_before_anything_heavy(tmp_path: Path) -> None:
    (tmp_path / "deliveries").mkdir()
    found = spied(["run", "--home", str(tmp_path / "home"), "--deliveries", str(tmp_path / "deliveries")])
    assert found["first"] == ["[   0.0 s] starting", []]
    [[code, loaded]] = found["found"]
    assert code == 2  # the folder is empty, and that is told before Dagster is loaded
    assert not {"dagster", "great_expectations"} & set(loaded)


def test_help_is_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["run"], ["show"], ["explain"], ["status"], ["check"], ["withdraw"]):
        with pytest.raises(SystemExit) as left:
            main([*arguments, "--help"])
        assert left.value.code == 0
        said = capsys.readouterr().out
        assert "usage: maal" in said
        assert not arguments or ("--home" in said and "--declared" in said)
    for wrong in (["shw"], ["show", "figures"], ["explain", "star-2021"], ["run", "--edition"], []):
        with pytest.raises(SystemExit) as left:
            main(wrong)
        assert left.value.code == 2


@pytest.mark.parametrize(
    "command", ["show fulfilment", "show deliveries", "explain star-2021 M2.A", "status star-2021", "withdraw x --reason y"]
)
def test_without_a_home_each_command_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([*command.split(), "--home", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr()
    assert "is no home yet" in said.err and "maal run" in said.err and "Traceback" not in said.err
    assert not (tmp_path / "nowhere").exists()


def test_with_a_home_but_no_edition_each_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World(tmp_path)
    for command in (["show", "fulfilment"], ["show", "results"], ["explain", "star-2021", "M2.A"]):
        assert ask(world, *command) == 2
        said = capsys.readouterr()
        assert "no edition" in said.err and "maal run" in said.err and said.out == ""
    assert ask(world, "status", "star-2021") == 1
    assert "Nothing has been delivered yet" in capsys.readouterr().err
    for table in ("deliveries", "rejects", "editions"):
        assert shown(world, capsys, "show", table) == []
    assert ask(world, "show", "fulfilment", "--plan", "xx") == 2
    assert "'xx'" in capsys.readouterr().err


def test_a_folder_that_is_no_home_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    for place, text in (("letters", "is no home of ours"), ("file", "cannot be used")):
        assert main(["run", "--home", str(tmp_path / place)]) == 2
        assert text in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "letters").iterdir()] == ["a.txt"]
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / "format").write_text("99\n")
    assert main(["show", "editions", "--home", str(newer)]) == 2
    assert "format 99" in capsys.readouterr().err


def test_withdraw_answers_and_changes_nothing_when_it_is_wrong(
    copied: Callable[[Path], World], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = copied(tmp_path)
    delivery = world.ledger.deliveries("puzzel_outages")[0].delivery_id
    for wrong, text in ((["puzzel_outages-0"], "did you mean"), ([delivery[:-1]], f"did you mean '{delivery}'?")):
        assert ask(world, "withdraw", *wrong, "--reason", "forkert") == 2
        assert text in capsys.readouterr().err
    assert ask(world, "withdraw", delivery, "--reason", " ") == 2
    assert "needs a reason" in capsys.readouterr().err
    assert ask(world, "withdraw", delivery, "--reason", "registeret var et udkast") == 0
    assert "maal run" in capsys.readouterr().out
    assert ask(world, "withdraw", delivery, "--reason", "igen") == 2
    assert "was withdrawn already" in capsys.readouterr().err
    assert [d.delivery_id for d in world.ledger.deliveries() if d.withdrawn_at] == [delivery]
