"""Every kind of bad delivery through `maal run`: told with file, line or column and what to do; what depends on it is not published,
what does not is; nothing is lost, and the run with corrected files goes through.

All bad files lie in one run, so each of them also shows that it hides none of the others.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from both_plans import ask, case_row, deliver_absence, edition_bytes, run, shown, workbook
from world import World

from pipelines.cli import main

pytestmark = pytest.mark.long
BAD_DAY, GOOD_DAY = "2022-02-01T0800", "2022-02-10T0800"
CASE_HEAD = (
    "Sagsnr;Sagstype;Titel;Modtaget dato;Oprettet dato;Afgørelsesdato;Første lukkedato;Genåbnet dato;Lukket dato;Sagsstatus;"
    "Udfald;Sagsbehandler;Kontakt;Sidst ændret\n"
)
CASE_22 = {"id": "22/0002", "type": "ED", "received": date(2022, 1, 3), "created": date(2022, 1, 3), "closed": None}
Change = Callable[[str], str | bytes]


@dataclass(frozen=True)
class Case:
    """One bad file: what makes it bad, the code, and what the run says of it."""

    name: str
    system: str
    bad: str | bytes | Change
    code: str
    says: tuple[str, ...]
    good: str | bytes | None = None  # a month of calls when not given

    @property
    def month(self) -> int:
        return int(re.findall(r"2022-(\d\d)", self.name)[0])


def calls(name: str, bad: Change, code: str, *says: str) -> Case:
    return Case(f"call_events_{name}.csv", "puzzel", bad, code, says)


def in_line(number: int, old: str, new: str) -> Change:
    """The file with one line changed."""

    def change(text: str) -> str:
        lines = text.splitlines(keepends=True)
        assert old in lines[number - 1]
        lines[number - 1] = lines[number - 1].replace(old, new, 1)
        return "".join(lines)

    return change


def case(number: str, kind: str) -> str:
    return f"{number};{kind};Prøve;03-01-2022;03-01-2022;;;;;åben;;;;\n"


CASES = [
    calls("2022-01", in_line(1, "dte_start", "start"), "MISSING_COLUMN", "line 1", "column 'dte_start' is missing", "agreed columns"),
    calls(
        "2022-02", lambda text: "".join(f"{line},x\n" for line in text.splitlines()).replace(",x\n", ",agent\n", 1),
        "UNMAPPED_COLUMN", "line 1", "column 'agent' is not in the contract", "add the new ones to the layout",
    ),
    calls(
        "2022-03", lambda text: text.encode().replace(b"+45", b"+\x81", 1), "WRONG_ENCODING", "not UTF-8 (line 2) nor Windows-1252 (line 2)",
        "Save the file in a declared encoding",
    ),
    calls("2022-04", lambda text: text[:-40], "CUT_FILE", "the last line does not end", "Deliver it whole"),
    calls("2022-05", in_line(3, ",k,", ",å,"), "UNKNOWN_CODE", "'result_code' has a word in 1 row, first on line 3", "to the contract's codes"),
    calls("2022-06", in_line(3, "q_borger", "q_ny"), "CALL-QUEUE-UNKNOWN", "Deliver a queue list (puzzel_queues)"),
    calls("2022-07", lambda _: "", "EMPTY_FILE", "the file is empty", "Export it again"),
    calls("2022-08", lambda text: text, "TWO_FILES_OF_ONE_PERIOD", "arrived together", "period 2022-08", "maal withdraw"),
    calls("2022-08_b", lambda text: text + "\n", "TWO_FILES_OF_ONE_PERIOD", "neither is the newer"),
    calls("2022-09", lambda text: text.replace(",2022-", ",22-"), "TOO_MANY_SET_ASIDE", "NOT_A_TIME in 'dte_start'", "first on line 2"),
    Case(
        "p360_sager_2022-01-31.xlsx", "p360", b"PK not a workbook", "BROKEN_WORKBOOK", ("Open it in Excel", "save it as .xlsx"),
        workbook([case_row(CASE_22)]),
    ),
    Case(
        "p360_sager_2022-01-31.csv", "p360", CASE_HEAD + case("22/0001", "QQ"), "CASE-TYPE-UNKNOWN",
        ("Deliver the list (p360_case_types)",), CASE_HEAD + case("22/0001", "ED"),
    ),
    Case(
        "export_2022_01_31.json", "zendesk", "id;created_at\n1;2\n", "BAD_JSON", ("line 1", "one object a row"), None,
    ),
    Case("notes.txt", "puzzel", "Kære alle", "NO_CONTRACT", ("no contract in expectations/", "Rename or remove it")),
]  # fmt: skip
FIRST = [c.name for c in CASES]


@dataclass
class Outcome:
    """What two runs said: one with every bad file, one with the corrected ones."""

    world: World
    before: dict[str, bytes]
    rows_before: list[dict[str, Any]]
    bad: tuple[int, str, str]
    known: set[str]
    stored: set[str]
    deliveries: dict[str, dict[str, Any]]
    editions: dict[str, bytes]
    rejects: dict[str, int]
    good: tuple[int, str, str]


def told(world: World, *plan: str) -> tuple[int, str, str]:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = run(world, *plan)
    return code, out.getvalue(), err.getvalue()


def asked(world: World, *arguments: str) -> list[dict[str, Any]]:
    with redirect_stdout(io.StringIO()) as out:
        assert ask(world, *arguments, "--format", "json") == 0
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


@pytest.fixture(scope="module")
def outcome(copied: Callable[[Path], World], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    world = copied(tmp_path_factory.mktemp("bad"))
    [december] = (p.read_text() for p in world.deliveries.rglob("puzzel_call_events_2021-12.csv"))

    def month(number: int) -> str:
        """A month of 2022 with calls of its own."""
        return december.replace("2021-12-", f"2022-{number:02}-").replace("9000000000", f"90{number:02}000000")

    before, rows = edition_bytes(world.home.path), asked(world, "show", "fulfilment")
    known = {d["delivery_id"] for d in asked(world, "show", "deliveries")}
    for one in CASES:
        world.deliver(BAD_DAY, one.system, one.name, one.bad(month(one.month)) if callable(one.bad) else one.bad)
    deliver_absence(world, 2020, 4, days="15", received_at=BAD_DAY)
    bad = told(world)
    listed = asked(world, "show", "deliveries")
    stored = {d["delivery_id"] for d in listed if d["state"] == "stored"}
    deliveries = {d["name"]: d for d in listed}
    editions = edition_bytes(world.home.path)
    rejects = {path.name: path.stat().st_size for path in (world.home.path / "rejects").rglob("*.xlsx") if "2022" in path.name}
    [tickets] = (p.read_bytes() for p in world.deliveries.glob("2022-01-05T0800/zendesk/*.json"))
    for one in CASES:
        if one.code == "NO_CONTRACT":
            (world.deliveries / BAD_DAY / one.system / one.name).unlink()
        elif one.name != "call_events_2022-08_b.csv":
            content = one.good or (month(one.month) + "\n\n" if one.system == "puzzel" else tickets + b"\n")
            world.deliver(GOOD_DAY, one.system, one.name, content)
    good = told(world, "--plan", "star-2021")
    return Outcome(world, before, rows, bad, known, stored, deliveries, editions, rejects, good)


@pytest.mark.parametrize("one", CASES, ids=FIRST)
def test_each_bad_file_is_told_with_its_place_and_the_remedy(outcome: Outcome, one: Case) -> None:
    code, _, err = outcome.bad
    assert code == 1
    lines = {line.strip().removeprefix("stopped: ") for line in err.splitlines()}
    [said] = (line for line in lines if line.startswith((one.name, f"{BAD_DAY}/{one.system}/{one.name}:")))
    assert one.code in said or one.code == "NO_CONTRACT"
    for text in one.says:
        assert text in said, said


def test_no_bad_file_shows_a_traceback_or_hides_another(outcome: Outcome) -> None:
    _, out, err = outcome.bad
    assert "Traceback" not in out + err
    for one in CASES:
        assert one.name in err
    assert "Deliver a corrected file, withdraw the delivery, or mend its contract; then run again." in err


def test_what_depends_on_them_is_not_published_and_the_rest_is(outcome: Outcome) -> None:
    _, out, err = outcome.bad
    assert "star-2021 at 2021-12-31 was not published" in err
    assert "siri-2020 at 2020-12-31, edition 2: published" in out
    new = {name for name in outcome.editions if name not in outcome.before}
    assert new and all(name.startswith("editions/siri-2020/2020-12-31/2/") for name in new)


def test_the_last_editions_are_whole_and_nothing_is_lost(outcome: Outcome) -> None:
    assert {name: outcome.editions[name] for name in outcome.before} == outcome.before
    for one in CASES:
        if one.code == "NO_CONTRACT":
            assert one.name not in outcome.deliveries
            continue
        found = outcome.deliveries[one.name]
        if "-" in one.code:  # a rule: the rows are kept, held back
            assert (found["state"], found["code"]) == ("stored", None) and found["rows_kept"] > 0
        else:
            assert (found["state"], found["code"]) == ("refused", one.code)
    assert len(outcome.known) == 33 and outcome.known <= outcome.stored


def test_the_senders_of_refused_files_get_a_workbook(outcome: Outcome) -> None:
    refused = [one for one in CASES if "-" not in one.code and one.code != "NO_CONTRACT"]
    assert len(outcome.rejects) == len(refused)
    assert sum("puzzel_call_events_2022-09" in name for name in outcome.rejects) == 1


def test_the_run_with_corrected_files_goes_through(outcome: Outcome) -> None:
    code, out, err = outcome.good
    assert code == 0, err
    assert "stopped" not in err and "star-2021 at 2021-12-31, edition" in out
    after = edition_bytes(outcome.world.home.path)
    assert {name: after[name] for name in outcome.editions} == outcome.editions
    old = {r["row"]: (r["numerator"], r["denominator"]) for r in outcome.rows_before if r["plan"] == "star-2021"}
    new = {
        r["row"]: (r["numerator"], r["denominator"]) for r in asked(outcome.world, "show", "fulfilment", "--plan", "star-2021")
    }
    assert new == old, "what came in 2022 says nothing of 2021"


def test_what_diff_extract_says_of_them_is_what_the_run_said(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    extracts = {"puzzel": "puzzel_call_events", "p360": "p360_cases", "zendesk": "zendesk_tickets"}
    for one in CASES:
        path = outcome.world.deliveries / BAD_DAY / one.system / one.name
        if one.code in ("NO_CONTRACT", "TWO_FILES_OF_ONE_PERIOD") or "-" in one.code:
            continue  # about more than the file
        assert ask(outcome.world, "diff-extract", extracts[one.system], str(path), "--format", "json") == 1
        said = json.loads(capsys.readouterr().out)
        assert (said["code"], said["message"]) == (one.code, outcome.deliveries[one.name]["message"])


def test_the_rejects_name_lines_and_no_values(outcome: Outcome, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(outcome.world, capsys, "show", "rejects", "--extract", "puzzel_call_events")
    lines = [r["line"] for r in found if r["file"] == "call_events_2022-09.csv" and r["column"] == "dte_start"]
    assert lines == list(range(2, 2 + len(lines))) and len(lines) > 20
    assert "22-09-" not in json.dumps([r["message"] for r in found])


# -- bad calls --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["run", "--plan", "star-2012"], ["No plan is called 'star-2012'", "did you mean 'star-2021'?"]),
        (["run", "--plan", "star-2021", "--plan", "all"], ["No plan is called 'all'", "siri-2020"]),
        (["run", "--as-of", "31-12-2021"], ["'31-12-2021' is not a date", "YYYY-MM-DD"]),
        (["run", "--as-of", "2021-02-30"], ["'2021-02-30' is not a date"]),
        (["run", "--plan", "star-2021", "--as-of", "2022-03-31"], ["2022-03-31", "star-2021", "2021-01-01"]),
        (["run", "--known-at", "yesterday"], ["'yesterday' is not a time", "2021-04-12T0800"]),
        (["run", "--deliveries", "nowhere"], ["nowhere: no such folder", "--deliveries"]),
        (["run", "--deliveries", "empty"], ["empty: the folder holds no deliveries", "RECEIVED-AT/SYSTEM/"]),
        (["run", "--deliveries", "file"], ["file: no such folder"]),
        (["run", "--declared", "nowhere"], ["nowhere: no such folder", "plans/"]),
        (["show", "fulfilment", "--plan", "star"], ["No edition of a plan called 'star'", "did you mean 'star-2021'?"]),
        (["show", "editions", "--plan", "star"], ["No edition of a plan called 'star'"]),
        (["show", "fulfilment", "--as-of", "2021"], ["'2021' is not a date"]),
        (["show", "fulfilment", "--as-of", "2021-06-30"], ["2021-06-30"]),
        (["show", "fulfilment", "--plan", "star-2021", "--edition", "99"], ["99"]),
        (["explain", "star-2012", "M2.A"], ["did you mean 'star-2021'?"]),
        (["status", "star-2012"], ["did you mean 'star-2021'?"]),
        (["template", "puzzel", "x.xlsx"], ["No extract is called 'puzzel'"]),
        (["withdraw", "puzzel", "--reason", "x"], ["No delivery is called 'puzzel'"]),
        (["diff-extract", "puzzel", "file"], ["No extract is called 'puzzel'"]),
    ],
)
def test_a_bad_call_is_the_callers_mistake_and_changes_nothing(
    outcome: Outcome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    texts: list[str],
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    home = outcome.world.home.path
    before, ledger = edition_bytes(home), outcome.world.ledger.deliveries()
    # should the mistake go unseen, there is nothing to take in
    nothing = ["--deliveries", "empty"] if arguments[0] == "run" and "--deliveries" not in arguments else []
    assert main([*arguments, *nothing, "--home", str(home)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    for text in texts:
        assert text in said.err
    assert (edition_bytes(home), outcome.world.ledger.deliveries()) == (before, ledger)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize("option", ["--plan", "--as-of", "--known-at", "--deliveries", "--home", "--declared", "--reason"])
def test_an_option_without_a_value_is_not_its_default(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--as-of "$DATE"` where DATE is not set."""
    with pytest.raises(SystemExit) as left:
        main(["run", option, ""])
    assert left.value.code == 2
    assert f"{option}: the value is empty" in capsys.readouterr().err
