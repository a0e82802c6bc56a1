"""What changed between two editions and why: each cause alone, all of them at random, and what cannot be told apart."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from edition_house import AS_OF, House
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from little import GOOD, NOW, Letter

from maalopfyldelse import restatement, shelf
from maalopfyldelse.edition import RESTATEMENT
from maalopfyldelse.printing import decimal
from maalopfyldelse.restatement import CAUSES, QUANTITIES, Change, Restatement, of_editions
from maalopfyldelse.scanning import Scanning, load_plan
from pipelines.cli import main

EXAMPLES = int(os.environ.get("MAAL_RESTATEMENT_EXAMPLES", "6"))
QUERY = "sql/letters_answered.sql"
ALL_COUNT = ("case when t.is_answered then 1 else 0 end", "case when t.is_answered or t.kind = 'b' then 1 else 0 end")
FROM_MARCH = ("window: year_to_date", "window: {fixed: {from: 2021-03-01, to: 2021-12-31}}")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        base = House(tmp_path_factory.mktemp("base"), patch)
        base.run()
        yield base


@pytest.fixture
def house(base: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """One edition."""
    return House.copied(base, tmp_path, monkeypatch)


def compared(house: House, old: int = 1, new: int = 2) -> Restatement:
    found = of_editions(house.home, "alpha", AS_OF, old, new)
    summed(found)
    return found


def summed(found: Restatement) -> None:
    """The parts of every number sum to its difference, exactly."""
    assert found.problem is None
    for change in found.changes:
        assert tuple(part.cause for part in change.parts) == CAUSES
        for quantity in QUANTITIES:
            parts = [part.by[quantity] for part in change.parts]
            if None not in parts:
                assert sum(p for p in parts if p is not None) == change.by(quantity), (change.row, quantity)


def row(found: Restatement, name: str = "1") -> Change:
    return next(change for change in found.changes if change.row == name)


def parts(change: Change, quantity: str = "value") -> dict[str, Fraction | None]:
    """The causes that have a part."""
    return {part.cause: part.by[quantity] for part in change.parts if part.by[quantity] != 0}


def steps_path(house: House) -> Path:
    """Where the distribution behind the figure is kept."""
    declared = house.little.declared
    known = house.little.ledger
    scanning = Scanning(house.home, declared, known, load_plan(declared, "alpha"), AS_OF, NOW)
    [(scan, combinations)] = scanning.scans.items()
    return scanning.cells_path(scan, combinations, "steps.json")


def nine(number: Fraction) -> Fraction:
    """As an edition records it."""
    found = decimal(number)
    assert found is not None
    return Fraction(found)


TWO_THIRDS = nine(Fraction(200, 3))

# --- each cause alone


def test_new_rows_alone(house: House) -> None:
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "y"), ("5", "2021-06-01", "a", "y")])
    house.run()
    found = compared(house)
    change = row(found)
    assert parts(change) == {"new_rows": 80 - TWO_THIRDS}
    assert {p.cause: p.rows for p in change.parts if p.rows} == {"new_rows": 2}
    assert found.moved == {"letters": (0, 0, 2)}
    assert (change.old.verdict, change.new.verdict) == ("ikke opfyldt", "opfyldt")
    assert parts(row(found, "total"), "points_low") == {"new_rows": 100}


def test_superseded_rows_alone(house: House) -> None:
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("3", "2021-04-01", "b", "y"), ("1", "2021-02-01", "a", "y")])
    house.run()
    found = compared(house)
    assert parts(row(found)) == {"superseded": 100 - TWO_THIRDS}
    assert found.moved == {"letters": (0, 1, 0)}  # letter 1 came again as it was


def test_a_withdrawn_delivery_alone_and_what_it_had_hidden(house: House) -> None:
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("3", "2021-04-01", "b", "y"), ("4", "2021-05-01", "a", "y")])
    house.run()
    house.withdraw("letters_2021b.csv", "2022-01-07T0800")
    house.run()
    found = compared(house, 2, 3)
    assert parts(row(found)) == {"withdrawn": TWO_THIRDS - 100}
    assert found.moved == {"letters": (2, 0, 0)}
    assert compared(house, 1, 3).changes == ()


def test_a_changed_plan_alone(house: House) -> None:
    house.change("plans/alpha.yaml", *FROM_MARCH)
    house.run()
    assert parts(row(compared(house))) == {"plan": 50 - TWO_THIRDS}
    house.change("plans/alpha.yaml", "at_least: 80", "at_least: 50")
    house.run()
    found = compared(house, 2, 3)
    change = row(found)
    assert (parts(change), parts(change, "points_low"), change.old.target, change.new.target) == ({}, {"plan": 100}, 80, 50)
    assert [p.cause for p in change.parts if p.turned] == ["plan"]


def test_a_changed_query_alone(house: House) -> None:
    house.change(QUERY, *ALL_COUNT)
    house.run()
    assert parts(row(compared(house))) == {"query": 100 - TWO_THIRDS}


def test_changed_code_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from maalopfyldelse import edition, results

    with monkeypatch.context() as patch:  # a program that multiplied wrongly
        patch.setitem(results.UNITS, "pct", 90)
        patch.setattr(edition, "code_version", lambda: "0+older")
        house.letters("2022-01-05T0900", "letters_2021b.csv", [("3", "2021-04-01", "b", "y")])
        house.run()
    house.letters("2022-01-06T0800", "letters_2021c.csv", [("4", "2021-05-01", "a", "n")])
    house.run()
    found = compared(house, 2, 3)
    assert parts(row(found)) == {"code": 10, "new_rows": -25}
    # the note in edition 2 was made by that program, which edition 1 was not
    told = json.loads((shelf.find(house.home, "alpha", AS_OF, 2) / RESTATEMENT).read_text())
    causes = next(c for c in told["changes"] if c["row"] == "1")["causes"]
    assert {c["cause"]: c["value"] for c in causes if c["value"]} == {"superseded": 30, "code": float(60 - TWO_THIRDS)}


def test_a_delivery_taken_again_under_a_changed_contract_is_superseded(house: House) -> None:
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", ""), ("5", "2021-06-01", "a", "n")])
    house.change("expectations/letters_csv.yaml", "superseding: key", "superseding: key\nlimits: {max_set_aside_share: 1}")
    house.run()
    before = steps_path(house)
    house.change("expectations/tables/letters.yaml", "is_answered: {", "is_answered: {required: false, ")
    house.run()
    assert steps_path(house) != before  # the same file, and not the same rows
    found = compared(house, 2, 3)
    assert found.retaken == ("letters_2021.csv", "letters_2021b.csv")
    assert parts(row(found)) == {"superseded": -10}  # the row that was set aside is kept now
    assert found.moved == {}
    assert "Indlæst igen under en ændret kontrakt, regnet som erstattet: letters_2021.csv" in " ".join(found.as_plain()["notes"])


# --- when there is no number, no row, no cause to tell


def test_a_figure_that_comes_into_being_has_no_difference_but_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path, monkeypatch)
    for path in house.little.deliveries.rglob("letters*"):
        path.unlink()
    house.run()
    house.letters("2022-01-06T0800", "letters_2021.csv", GOOD)
    house.run()
    change = row(compared(house))
    assert (change.old.value, change.new.value, change.by("value")) == (None, TWO_THIRDS, None)
    assert parts(change) == {"new_rows": None}
    assert (change.old.high, parts(change, "points_high")) == (100, {"new_rows": -100})
    [said] = [r for r in compared(house).as_records() if r["row"] == "1"]
    assert said["note"].startswith("Fra ikke opgjort til 66,7 pct.: nye rækker (3 rækker). Verdikt fra »ikke opgjort« til")


def test_rows_that_come_and_go_with_the_plan(house: House) -> None:
    text = "\n".join(f"  {line}" for line in (
        '- id: "2"', '  text: "Nyt"', "  clause: {lines: [2]}", "  weight: 40", "  measure: letters_answered", "  window: year_to_date",
        "  result: pooled", "  target: {at_least: 50, unit: pct}", "  grade: threshold",
    ))  # fmt: skip
    house.change("plans/alpha.yaml", "weight: 100\n", "weight: 60\n")
    house.change("plans/alpha.yaml", "grade: threshold\n", f"grade: threshold\n{text}\n")
    house.run()
    found = compared(house)
    assert parts(row(found, "2"), "points_high") == {"plan": None}
    assert parts(row(found, "total"), "points_low") == {"plan": 40}
    assert parts(row(compared(house, 2, 1), "total"), "points_low") == {"plan": -40}


def test_a_plan_that_the_old_query_cannot_serve_is_counted_with_the_query(house: House) -> None:
    house.change(QUERY, "columns:\n", 'options: {late: ["no", "yes"]}\ncolumns:\n')
    house.change(QUERY, ALL_COUNT[0], "case when t.is_answered or r.late = 'yes' then 1 else 0 end")
    house.change("plans/alpha.yaml", "window:", "with: {late: yes}\n    window:")
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "n")])
    house.run()
    found = compared(house)
    assert found.joined == {"plan": "query"}
    assert parts(row(found)) == {"new_rows": 50 - TWO_THIRDS, "query": 50}
    assert "»ændret plan« kan ikke skilles fra »ændret opgørelse« og er regnet med der." in found.as_plain()["notes"]


def test_a_table_that_is_another_cannot_be_read_by_the_old_query(house: House) -> None:
    for name in (QUERY, "expectations/tables/letters.yaml", "expectations/letters_csv.yaml"):
        house.change(name, "is_answered", "has_answer")
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "n")])
    house.run()
    found = compared(house)
    assert found.joined == {"superseded": "query", "new_rows": "query"}
    assert parts(row(found)) == {"query": 50 - TWO_THIRDS}


def test_without_what_the_old_edition_was_made_from_the_difference_stands_alone(house: House) -> None:
    first = shelf.find(house.home, "alpha", AS_OF, 1)
    query = first / "inputs" / QUERY
    query.chmod(0o644)
    query.write_text(query.read_text() + "-- edited\n")
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "n")])
    published = house.run()  # an old fault does not stop a new edition
    told = json.loads((published.path / RESTATEMENT).read_text())
    assert "inputs/sql/letters_answered.sql has been altered" in told["problem"]
    assert next((c["row"], c["causes"], c["note"][:24]) for c in told["changes"]) == ("1", [], "Fra 66,7 til 50,0 pct. (")
    assert "Årsagerne kan ikke opgøres" in told["notes"][0]


# --- all causes at random, against a count by hand


@dataclass
class Story:
    """What was delivered, what was withdrawn, how it is counted; and the same counted by hand."""

    deliveries: list[dict[str, Letter]] = field(default_factory=list)
    withdrawn: set[int] = field(default_factory=set)
    from_march: bool = False
    all_count: bool = False

    def current(self, without: set[int], upto: int) -> dict[str, Letter]:
        found: dict[str, Letter] = {}
        for n, letters in enumerate(self.deliveries[:upto]):
            found |= {} if n in without else letters
        return found

    def value(self, letters: dict[str, Letter], *, from_march: bool, all_count: bool) -> Fraction | None:
        first = date(2021, 3, 1) if from_march else date(2021, 1, 1)
        counted = [x for x in letters.values() if first <= date.fromisoformat(x[1]) <= AS_OF]
        if not counted:
            return None
        return nine(Fraction(100 * sum(x[3] == "y" or (all_count and x[2] == "b") for x in counted), len(counted)))


letters = st.lists(
    st.tuples(
        st.sampled_from("123456"), st.sampled_from(["2021-02-01", "2021-04-01", "2021-11-30", "2022-01-01"]),
        st.sampled_from("ab"), st.sampled_from("yn"),
    ),
    min_size=1, max_size=5, unique_by=lambda x: x[0],
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking takes minutes
def test_the_parts_are_those_counted_by_hand_and_sum_exactly(data: st.DataObject) -> None:
    story = Story()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        house = House(Path(folder), patch)
        for path in house.little.deliveries.rglob("letters*"):
            path.unlink()

        def deliver(number: int) -> None:
            for _ in range(number):
                n, rows = len(story.deliveries), data.draw(letters)
                # each delivery holds something of its own, or the same bytes twice would be one
                own = (f"own{n}", "2020-01-01", "a", "y")
                story.deliveries.append({x[0]: x for x in [*rows, own]})
                house.letters(f"2022-01-05T08{n:02}", f"letters_{n}.csv", [*rows, own])

        def withdraw(candidates: list[int]) -> None:
            for n in candidates:
                if data.draw(st.booleans()):
                    story.withdrawn.add(n)
                    house.withdraw(f"letters_{n}.csv", f"2022-01-06T08{n:02}")

        deliver(data.draw(st.integers(1, 3)))
        house.run()
        known = len(story.deliveries)
        deliver(data.draw(st.integers(0, 2)))
        from_march, all_count = data.draw(st.booleans()), data.draw(st.booleans())
        house.change("plans/alpha.yaml", *FROM_MARCH) if from_march else None
        house.change(QUERY, *ALL_COUNT) if all_count else None
        house.take()
        withdraw(list(range(len(story.deliveries))))
        if not house.run().is_new:
            return
        found = compared(house)
        gone, everything = story.withdrawn, len(story.deliveries)
        before = story.current(set(), known)
        without = story.current(gone, known)
        then = story.current(gone, everything)
        states = [
            (before, False, False),
            (without, False, False),
            ({key: then[key] for key in without if key in then}, False, False),
            (then, False, False),
            (then, from_march, False),
            (then, from_march, all_count),
        ]
        values = [story.value(rows, from_march=march, all_count=count) for rows, march, count in states]
        change = next((c for c in found.changes if c.row == "1"), None)
        if change is None:
            assert values[0] == values[-1]
            return
        assert (change.old.value, change.new.value) == (values[0], values[-1])
        expected = [
            None if (a is None) != (b is None) else Fraction(0) if a is None or b is None else b - a for a, b in pairwise(values)
        ]
        assert [part.by["value"] for part in change.parts] == [*expected, 0]


# --- the command, and what the edition keeps


def test_the_command_and_the_edition_say_the_same(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "y"), ("3", "2021-04-01", "b", "y")])
    published = house.run(known_at="2022-01-20")
    command = ["diff", "alpha", "2021-12-31", "1", "2", "--home", str(house.home.path)]
    assert main([*command, "--format", "json"]) == 1
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said == json.loads((published.path / RESTATEMENT).read_text())
    assert said["notes"] == ["Udgaven var foreløbig og er nu endelig."]
    assert [change["note"] for change in said["changes"]] == [
        "Fra 0,0 til 100,0 pct. (+100,0): rækker erstattet af nyere +100,0 (1 række).",
        "Fra 66,7 til 100,0 pct. (+33,3): rækker erstattet af nyere +33,3 (1 række). Verdikt fra »ikke opfyldt« til »opfyldt«. "
        "Fra 0,0 til 100,0 point (+100,0): rækker erstattet af nyere +100,0 (1 række).",
    ]
    assert main(command) == 1
    out = capsys.readouterr().out
    assert "alpha at 2021-12-31: edition 1 (provisional) to edition 2 (final)" in out
    assert "+33.333333333" in out and "1: verdict ikke opfyldt → opfyldt" in out
    assert "letters: 0 rows withdrawn, 1 superseded, 1 new" in out


def test_no_difference_is_exit_code_0_and_wrong_numbers_are_the_callers_mistake(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.run(known_at="2022-01-20")  # the word changes, no figure
    command = ["diff", "alpha", "2021-12-31", "1", "2", "--home", str(house.home.path)]
    assert main(command) == 0
    assert "edition 1 (provisional) to edition 2 (final)\nNothing differs." in capsys.readouterr().out
    for numbers in (["1", "1"], ["1", "7"]):
        assert main([*command[:3], *numbers, *command[5:]]) == 2
    assert main(["diff", "nothing", "2021-12-31", "1", "2", "--home", str(house.home.path)]) == 2


def test_an_edition_made_for_rows_set_aside_says_so(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    late = [(str(n), "2020-05-01", "b", "y") for n in range(100, 300)]
    house.letters("2022-01-06T0800", "letters_2020.csv", [*late, ("400", "2020-13-01", "b", "y")])
    assert house.run().number == 2
    said = compared(house)
    assert said.changes == () and "1" in said.beside["rows_set_aside"]
    assert any("sat til side, er et andet ved" in note and " 1" in note for note in said.as_plain()["notes"])
    assert main(["diff", "alpha", "2021-12-31", "1", "2", "--home", str(house.home.path)]) == 0
    out = capsys.readouterr().out
    assert "other rows set aside" in out and "No figure differs." in out and "Nothing differs." not in out


def test_rows_altered_in_the_store_are_told_not_blamed_on_the_code(house: House) -> None:
    house.letters("2022-01-06T0800", "letters_2021b.csv", [("4", "2021-05-01", "a", "y")])
    house.run()
    [path] = [house.home.path / str(d.store_path) for d in house.little.ledger.deliveries() if d.name == "letters_2021.csv"]
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    found = of_editions(house.home, "alpha", AS_OF, 1, 2)
    assert found.problem and "has been altered" in found.problem and all(not c.parts for c in found.changes)
    assert restatement.CAUSES[-1] == "code"
