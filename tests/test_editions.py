"""Publishing: numbered, complete, never changed, and what a final figure takes to change."""

from __future__ import annotations

import json
import stat
from datetime import date
from pathlib import Path

import pytest
from edition_house import AS_OF, House
from little import GOOD, NOW, Letter

from maalopfyldelse import chain, manifest, shelf
from maalopfyldelse.dates import parse_instant
from maalopfyldelse.edition import compute, publish
from maalopfyldelse.errors import MaalError
from maalopfyldelse.intake.deliveries import hash_file
from maalopfyldelse.scanning import load_plan


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


MORE: list[Letter] = [("4", "2021-05-01", "a", "y"), ("5", "2021-06-01", "a", "y")]


def test_figures_that_have_not_changed_make_no_edition_whatever_else_has_come(house: House) -> None:
    first = house.run()
    house.letters("2022-01-06T0800", "letters_2022.csv", [("9", "2022-01-01", "a", "n"), ("10", "2022-01-02", "a", "n")])
    again = house.run()
    assert (first.number, first.is_new, again.number, again.is_new) == (1, True, 1, False)
    house.letters("2022-01-07T0800", "letters_2021b.csv", MORE)
    assert (house.run().number, house.run(as_of=date(2021, 6, 30)).number) == (2, 1)


def test_a_provisional_edition_with_the_same_figures_becomes_final_when_closing_days_are_over(house: House) -> None:
    words = []
    for known_at in ("2022-01-05T0800", "2022-01-10T2359", "2022-01-11T0000", "2022-01-20"):
        published = house.run(known_at=known_at)
        said = manifest.read(published.path)
        records = shelf.read_table(published.path, "fulfilment")
        assert {r["provisional"] for r in records} == {said.provisional}
        csv = (published.path / "department" / "fulfilment.csv").read_text()
        assert ("foreløbig" in csv, "endelig" in csv) == (said.provisional, not said.provisional)
        words.append((published.number, published.is_new, said.provisional))
    assert words == [(1, True, True), (1, False, True), (2, True, False), (2, False, False)]


def test_a_period_that_is_due_and_not_in_keeps_figures_provisional(house: House) -> None:
    path = house.little.root / "expectations" / "letters_csv.yaml"
    path.write_text(
        path.read_text().replace("superseding: key", 'superseding: key\nperiod: {pattern: "(?P<year>\\\\d{4})", every: year}')
    )
    published = house.run(known_at="2022-01-20")
    assert not manifest.read(published.path).provisional
    text = path.read_text().replace("every: year}", 'every: year, since: "2020"}')
    path.write_text(text)
    plan = house.little.root / "plans" / "alpha.yaml"
    plan.write_text(plan.read_text().replace("window: year_to_date", "window: {rolling: {months: 13}}"))
    published = house.run(known_at="2022-01-20", reason="længere periode")
    assert (published.number, manifest.read(published.path).provisional) == (2, True)
    assert "letters_csv mangler 2020" in shelf.read_table(published.path, "fulfilment")[1]["reason"]


def test_a_final_figure_changes_only_with_a_reason(house: House) -> None:
    house.run(known_at="2022-01-20")
    house.letters("2022-01-25T0800", "letters_2021.csv", [*GOOD, *MORE])
    for reason in (None, "  "):
        with pytest.raises(MaalError) as told:
            house.run(reason=reason)
        said = str(told.value)
        assert "alpha at 2021-12-31 was not published: edition 1 is final" in said
        assert "  1: verdict ikke opfyldt → opfyldt, value 66.666666667 → 80, numerator 2 → 4, denominator 3 → 5" in said
        assert "  total: " in said and "--reason TEXT" in said
    assert [p.name for p in (house.home.editions / "alpha" / "2021-12-31").iterdir()] == ["1"]
    published = house.run(reason="to breve kom for sent")
    assert (published.number, manifest.read(published.path).reason) == (2, "to breve kom for sent")
    # looking back is a change too, and coming back to what was final is not
    with pytest.raises(MaalError, match="edition 2 is final"):
        house.run(known_at="2022-01-20")
    assert house.run(known_at="2022-01-06", reason="set fra 6. januar").number == 3
    assert house.run().number == 4


def test_what_an_edition_says_of_how_it_was_made(house: House) -> None:
    house.run()
    house.letters("2022-01-06T0800", "letters_2021b.csv", MORE)
    house.letters("2022-01-06T0900", "letters_wrong.csv", [("6", "2021-07-01", "a", "n"), ("7", "2021-07-01", "a", "n")])
    house.run()
    wrong = next(d for d in house.little.ledger.deliveries() if d.name == "letters_wrong.csv")
    house.little.ledger.withdraw(wrong.delivery_id, "forkert udtræk", parse_instant("2022-01-07T0800"))
    published = house.run(known_at="2022-01-08")
    said = manifest.read(published.path)
    assert (said.edition, said.made_at, said.format) == (3, NOW, 2)
    assert said.previous == hash_file(published.path.parent / "2" / "edition.json")
    assert {i.file for i in said.inputs} == {
        p.relative_to(published.path).as_posix() for p in (published.path / "inputs").rglob("*") if p.is_file()
    }
    standing = {u.file: (u.standing, u.withdrawn_because, u.rows_kept) for u in said.deliveries}
    assert standing == {
        "letters_2021.csv": ("current", None, 3),
        "letters_2021b.csv": ("current", None, 2),
        "letters_wrong.csv": ("withdrawn", "forkert udtræk", 2),
    }
    for used in said.deliveries:
        assert hash_file(house.home.path / used.store_path) == used.store_sha256
    outputs = {p.relative_to(published.path).as_posix() for p in published.path.rglob("*") if p.is_file()}
    assert {o.name for o in said.outputs} == {n for n in outputs if n != "edition.json" and not n.startswith("inputs/")}
    assert all(o.sha256 == hash_file(published.path / o.name) for o in said.outputs)
    assert {"duckdb", "pyarrow", "python"} <= set(said.libraries)


def test_files_of_an_edition_are_read_only(house: House) -> None:
    published = house.run()
    for path in published.path.rglob("*"):
        if path.is_file():
            assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path


def test_texts_are_kept_as_they_were_when_the_run_began(house: House) -> None:
    house.run()
    declared, ledger = house.little.declared, house.little.ledger
    query = house.little.root / "sql" / "letters_answered.sql"
    before = query.read_text()
    known_at = ledger.latest_arrival()
    assert known_at is not None
    computed = compute(house.home, declared, ledger, load_plan(declared, "alpha"), date(2021, 6, 30), known_at)
    query.write_text(before + "-- edited meanwhile\n")
    published = publish(computed, ledger, reason=None, now=NOW)
    assert (published.path / "inputs" / "sql" / "letters_answered.sql").read_text() == before


def test_rows_taken_again_leave_those_of_the_edition_in_the_store(house: House) -> None:
    first = manifest.read(house.run().path)
    path = house.little.root / "expectations" / "letters_csv.yaml"
    path.write_text(path.read_text().replace('n: "false"', 'n: "true"'))
    second = manifest.read(house.run().path)
    assert [u.delivery for u in first.deliveries] == [u.delivery for u in second.deliveries]
    paths = [house.home.path / said.deliveries[0].store_path for said in (first, second)]
    assert paths[0] != paths[1] and all(p.exists() for p in paths)


def test_a_number_is_never_used_again_and_a_lost_edition_is_told(house: House) -> None:
    house.run()
    house.letters("2022-01-06T0800", "letters_2021b.csv", MORE)
    second = house.run()
    second.path.rename(house.home.path / "elsewhere")
    third = house.run()
    assert (third.number, third.is_new) == (3, True)
    assert third.notes == [
        "alpha at 2021-12-31: edition 2 was published and is gone; 'maal verify alpha 2021-12-31 2' says more."
    ]
    assert manifest.read(third.path).previous == hash_file(house.home.path / "elsewhere" / "edition.json")


def test_nothing_follows_on_an_altered_edition(house: House) -> None:
    first = house.run()
    path = first.path / "edition.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"reason": null', '"reason": "x"'))
    house.letters("2022-01-06T0800", "letters_2021b.csv", MORE)
    with pytest.raises(MaalError, match=r"edition\.json has been altered since it was published"):
        house.run()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"edition": 1', '"edition": "one"', "has been altered: edition: "),
        ('"plan"', '"plam"', "has been altered: plan: Field required"),
        ("{", "", "has been altered: it is not JSON"),
        ('"format": 2', '"format": 7', "has format 7; this program reads format 2"),
    ],
)
def test_an_altered_edition_json_is_told_when_it_is_read(house: House, old: str, new: str, said: str) -> None:
    path = house.run().path / "edition.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(MaalError) as told:
        manifest.read(path.parent)
    assert said in str(told.value) and str(path) in str(told.value)


def test_a_run_killed_before_it_linked_its_edition_is_made_good(house: House) -> None:
    house.run()
    house.home.chain.unlink()  # as it was before the first edition
    assert chain.faults(house.home, "alpha", AS_OF)
    assert not house.run().is_new
    assert chain.faults(house.home, "alpha", AS_OF) == []


def test_an_altered_line_of_the_chain_is_told(house: House) -> None:
    house.run()
    house.run(as_of=date(2021, 6, 30))
    lines = house.home.chain.read_text().splitlines()
    said = json.loads(lines[0]) | {"sha256": "0" * 64}
    house.home.chain.write_text("\n".join([json.dumps(said), *lines[1:]]) + "\n")
    with pytest.raises(MaalError, match=r"chain\.jsonl line 2 or the one before it has been altered"):
        chain.read(house.home)
    with pytest.raises(MaalError, match="chain"):
        house.run()


def test_the_edition_of_another_date_is_another_chain(house: House) -> None:
    numbers = [house.run(as_of=day).number for day in (AS_OF, date(2021, 6, 30))]
    links = chain.read(house.home)
    assert (numbers, [(link.as_of, link.number) for link in links]) == ([1, 1], [("2021-12-31", 1), ("2021-06-30", 1)])
