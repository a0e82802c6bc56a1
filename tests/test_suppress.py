"""Small numbers: the rule by cases, held to a slow obvious oracle, and nothing hidden in what was published."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Ran
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from registers_world import RegistersWorld
from test_report import Reader, walk

from maalopfyldelse import manifest
from maalopfyldelse.declared import load
from maalopfyldelse.department import Facts, build
from maalopfyldelse.department.charts import Charts
from maalopfyldelse.department.figures import NO_VERDICT, amount
from maalopfyldelse.department.suppress import HIDDEN, NOTE, Behind, Behinds, Persons, RowBehind, is_small, suppressed
from maalopfyldelse.department.view import (
    Account,
    Amount,
    Change,
    Changes,
    Delivery,
    Excluded,
    Figure,
    Option,
    Part,
    Point,
    Reading,
    Row,
    SetAside,
    View,
)  # fmt: skip
from maalopfyldelse.home import NOTICE
from maalopfyldelse.plan import read_plan
from maalopfyldelse.plan_check import check_plan
from maalopfyldelse.printing import danish_figure

Counts = tuple[int, int]  # hits, all
QUARTER = (date(2021, 6, 30), date(2021, 9, 30))


def share(hits: int, every: int) -> Amount:
    return Amount(f"{danish_figure(Fraction(100 * hits, every), Fraction(25))} pct.", Fraction(100 * hits, every))


def persons(hits: int, every: int, days: tuple[date, date] = QUARTER) -> Persons:
    return Persons(Fraction(hits), Fraction(every), days=days)


def figure(hits: int, every: int, **more: Any) -> Figure:
    given = dict.fromkeys(Figure.__dataclass_fields__, "")
    empty = {"filters": (), "settings": (), "sources": (), "excluded": (), "notes": (), "parts": (), "best": (), "spread": None}
    counts = {name: amount(0) for name in ("unknown", "outside", "counted", "observations", "source_rows")}
    own = {"value": share(hits, every), "numerator": amount(hits), "denominator": amount(every), "unit": "pct.", "persons": True}
    return Figure(**(given | empty | counts | {"target_exact": Fraction(25), "counted": amount(every)} | own | more))  # type: ignore[arg-type]


def row(one: Figure, **more: Any) -> Row:
    given = dict.fromkeys(Row.__dataclass_fields__, "")
    lists = ("dimensions", "reading", "trend", "criteria", "readings", "missing", "notes", "defects", "questions")
    own = dict.fromkeys(lists, ()) | {"id": "1", "figures": (one,), "value": one.value, "verdict": NO_VERDICT}
    own |= dict.fromkeys(("parent", "points_low", "points_high", "target_exact", "comparison"), None)
    own |= dict.fromkeys(("weight", "degree", "points"), Amount("")) | {"rows_set_aside": amount(0), "depth": 0, "scores": True}
    return Row(**(given | own | more))  # type: ignore[arg-type]


def shown(one: Row, behind: RowBehind, **more: Any) -> View:
    """The view of one row after suppression."""
    given = dict.fromkeys(View.__dataclass_fields__, ()) | {"changes": Changes("")} | more
    return suppressed(View(**(given | {"rows": (one,)})), Behinds({"1": behind}))  # type: ignore[arg-type]


def of(hits: int, every: int) -> RowBehind:
    return RowBehind((Behind((persons(hits, every),)),))


@pytest.mark.parametrize(
    ("hits", "every", "is_shown"),
    [
        (4, 200, False), (1, 200, False), (196, 200, False), (199, 200, False), (2, 3, False), (0, 4, False),
        (5, 200, True), (195, 200, True), (0, 200, True), (200, 200, True), (0, 5, True),
    ],
)  # fmt: skip
def test_the_numerator_the_rest_and_the_denominator_of_persons(hits: int, every: int, is_shown: bool) -> None:
    made = shown(row(figure(hits, every), reason=f"Mangler {hits} personer; uden tal"), of(hits, every)).rows[0]
    (one,) = made.figures
    if is_shown:
        assert (one.value, one.numerator, made.value) == (share(hits, every), amount(hits), share(hits, every))
        assert made.reason.startswith("Mangler")
    else:
        assert {made.value, one.value, one.numerator, one.denominator, one.counted, one.observations} == {HIDDEN}
        assert made.reason == f"uden tal; {NOTE}"


def test_three_agreements_stay_three() -> None:
    given = row(replace(figure(3, 4), persons=False))
    view = View(**(dict.fromkeys(View.__dataclass_fields__, ()) | {"changes": Changes(""), "rows": (given,)}))  # type: ignore[arg-type]
    assert suppressed(view, Behinds()).rows == (given,)


def test_those_of_whom_it_is_not_known_are_counted_too() -> None:
    behind = RowBehind((Behind((Persons(Fraction(50), Fraction(200), Fraction(3)),)),))
    made = shown(row(figure(50, 200, value=Amount("25,0–26,5 pct."))), behind).rows[0]
    assert made.value == HIDDEN and made.figures[0].value == HIDDEN


@pytest.mark.parametrize(("left_out", "is_shown"), [((200, 30), True), ((200, 3), False), ((1,), False)])
def test_beside_a_figure_none_is_shown_when_one_is_small(left_out: tuple[int, ...], is_shown: bool) -> None:
    excluded = tuple(Excluded(f"Årsag {n}", amount(x)) for n, x in enumerate(left_out))
    every = amount(600 + sum(left_out))
    given = row(figure(300, 600, excluded=excluded, observations=every, source_rows=every), reason="3 stod udenfor")
    (one,) = shown(given, of(300, 600)).rows[0].figures
    assert one.numerator == amount(300) and one.counted == amount(600)
    beside = {x.observations for x in one.excluded} | {one.observations, one.outside, one.source_rows}
    assert (HIDDEN not in beside) if is_shown else (beside == {HIDDEN})


def test_of_two_readings_side_by_side_the_second_is_hidden_when_it_lies_close() -> None:
    def option(name: str, hits: int, every: int) -> Option:
        approved = name == "a"
        return Option(f"S1.{name}", "", approved, share(hits, every), f"{hits} / {every}", NO_VERDICT, f"{every} talt", False)

    counts = {"a": (300, 900), "b": (298, 900), "c": (300, 900), "d": (250, 700), "e": (250, 703), "f": (3, 500)}
    given = row(figure(300, 900), readings=(Reading("S1", "", "", "", tuple(option(k, *c) for k, c in counts.items())),))
    options = {f"S1.{k}": (Behind((persons(*c),)),) for k, c in counts.items() if k != "a"}
    (reading,) = shown(given, replace(of(300, 900), options=options)).rows[0].readings
    assert {o.id[-1] for o in reading.options if o.value != HIDDEN} == {"a", "c", "d"}
    assert all((o.basis == "skjult") == (o.value == HIDDEN) == (not o.remark) for o in reading.options)


def test_points_of_the_trend_lie_apart_where_their_days_meet_and_say_no_more_than_their_print() -> None:
    year = [
        (date(2020, 12, 31), date(2021, 3, 31)),
        (date(2020, 12, 31), date(2021, 6, 30)),
        (date(2020, 12, 31), date(2021, 9, 30)),
    ]
    counts: list[tuple[Counts, tuple[date, date]]] = [
        ((100, 301), (date(2019, 12, 31), date(2020, 12, 31))), ((3, 100), year[0]), ((98, 297), year[1]), ((100, 303), year[2])
    ]  # fmt: skip
    points = tuple(Point(days[1], "", share(*c), None, None, NO_VERDICT) for c, days in counts)
    behind = RowBehind((Behind((persons(100, 303, year[2]),)),), tuple((Behind((persons(*c, days),)),) for c, days in counts))
    made = shown(row(figure(100, 303), trend=points), behind).rows[0].trend
    assert [p.value == HIDDEN for p in made] == [False, True, True, False]
    assert made[0].value.exact == Fraction(332, 10) and made[3].value.exact == Fraction(330, 10)


def test_what_changed_since_the_last_edition_is_hidden_when_it_is_of_few() -> None:
    entry = Change("1", "", "resultat", "29,2 pct.", "29,3 pct.", "+0,1", ("nye rækker +0,1", "ændret plan"))
    for before, is_shown, counts_shown in ((persons(5_000, 17_000), True, True), (persons(4_998, 17_006), False, False)):
        behind = replace(of(5_000, 17_006), before=before)
        view = shown(row(figure(5_000, 17_006)), behind, changes=Changes("udgave 1", (entry, replace(entry, what="verdikt"))))
        changed, verdict = view.changes.entries
        assert (changed == entry) == is_shown and verdict.new == "29,3 pct."
        assert is_shown or (changed.old, changed.new, changed.difference, changed.causes[0]) == (*["skjult"] * 3, "nye rækker")
        assert (view.rows[0].figures[0].numerator != HIDDEN) == counts_shown
        assert view.rows[0].value.text == "29,4 pct."  # so many that the print says neither count
    few = shown(row(figure(8, 20)), replace(of(8, 20), before=persons(8, 21))).rows[0]
    assert few.value == HIDDEN


def test_few_rows_of_a_table_of_persons() -> None:
    delivery = Delivery("panel.csv", "", "panel_csv", "", "", amount(203), amount(200), amount(3), True, "")
    account = Account("panel", *map(amount, (203, 200, 3, 200, 0, 0, 0)))
    given = {
        "deliveries": (delivery, replace(delivery, extract="kald_csv", file="kald.csv")),
        "set_aside": (SetAside("panel.csv", "", amount(3)), SetAside("kald.csv", "", amount(3))),
        "accounts": (account, replace(account, table="calls")),
    }
    plain = View(
        **(dict.fromkeys(View.__dataclass_fields__, ()) | {"changes": Changes(""), "rows": (row(figure(9, 99)),)} | given)
    )  # type: ignore[arg-type]
    tables = (("panel", frozenset({"panel_csv"}), frozenset({"panel.csv"}), frozenset({"1"})),)
    made = suppressed(plain, Behinds({}, tables))
    assert made.deliveries[0].rows_set_aside == made.set_aside[0].rows == made.accounts[0].read == HIDDEN
    assert made.rows[0].rows_set_aside == HIDDEN
    assert (made.deliveries[1], made.set_aside[1], made.accounts[1]) == tuple(given[k][1] for k in given)


# --- the groups of a best-n figure, against an oracle


def best_of(counts: Mapping[str, Counts], n: int) -> Figure:
    """The n with the greatest shares, as the results have them."""
    order = sorted(counts, key=lambda k: (-Fraction(*counts[k]), -counts[k][1], k))
    parts = tuple(
        Part(k, amount(counts[k][0]), amount(counts[k][1]), share(*counts[k]), place < n) for place, k in enumerate(order)
    )
    chosen = [counts[k] for k in order[:n]]
    sums = sum(h for h, _ in chosen), sum(d for _, d in chosen)
    return figure(*sums, parts=parts, counted=amount(sum(d for _, d in counts.values())), best=((n, share(*sums), ""),))


def as_shown(one: Figure, counts: Mapping[str, Counts]) -> Figure:
    """The figure after suppression, or a sign that the row shows nothing."""
    small = frozenset(k for k, (h, d) in counts.items() if persons(h, d).is_small)
    behind = Behind((persons(int(one.numerator.exact or 0), int(one.denominator.exact or 0)),), small_parts=small)
    return shown(row(one), RowBehind((behind,))).rows[0].figures[0]


def assignments(names: list[str], hits: int | None, every: int, least: Fraction, most: Fraction) -> Iterator[dict[str, Counts]]:
    """Every way to share `every` persons, and `hits` where they are told, among the hidden groups of one side, none larger than the
    largest of the test and their shares in between; at least one of them is small, or none would be hidden."""
    possible = [(h, d) for d in range(1, LARGEST + 1) for h in range(d + 1) if least <= Fraction(h, d) <= most]
    few = {c for c in possible if persons(*c).is_small}
    for first in itertools.product(possible, repeat=len(names) - 1):
        d = every - sum(d for _, d in first)
        left = [hits - sum(h for h, _ in first)] if hits is not None else range(LARGEST + 1)
        for way in ([*first, (h, d)] for h in left):
            if way[-1] in possible and not few.isdisjoint(way):
                yield dict(zip(names, way, strict=True))


LARGEST = 12
SMALL = st.integers(1, LARGEST).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))


@settings(max_examples=60, deadline=None)
@given(st.lists(SMALL, min_size=3, max_size=5), st.integers(1, 3))
def test_no_hidden_count_of_a_group_can_be_worked_out(given_counts: list[Counts], n: int) -> None:
    counts = {chr(ord("A") + at): c for at, c in enumerate(given_counts)}
    assume(0 < len(counts) - n <= 3 and any(persons(*c).is_small for c in counts.values()))
    one = best_of(counts, n)
    made = as_shown(one, counts)
    if made.value == HIDDEN:
        assert {made.numerator, made.denominator, made.counted} == {HIDDEN} and not made.parts and not made.best
        return
    hidden = {p.name for p in made.parts if p.value == HIDDEN}
    seen = {p.name: p for p in made.parts if p.name not in hidden}
    assert all(not is_small(x) for k in seen for x in persons(*counts[k]).sizes)
    assert all(not p.is_chosen and p.denominator == HIDDEN for p in made.parts if p.name in hidden)
    shares = {k: Fraction(*c) for k, c in counts.items()}
    chosen = {p.name for p in one.parts if p.is_chosen}
    for side in (chosen, set(counts) - chosen):  # the reader is even told which of them are among the best
        names = sorted(hidden & side)
        if not names:
            continue
        others = [shares[k] for k in counts if k not in side]
        least = max(others) if side == chosen else Fraction(0)
        most = Fraction(1) if side == chosen else min(others)
        every = sum(counts[k][1] for k in names)
        hits = sum(counts[k][0] for k in names) if side == chosen else None
        ways = assignments(names, hits, every, least, most)
        found: dict[tuple[str, int], set[Fraction]] = {
            (k, at): set() for k in names for at, size in enumerate(persons(*counts[k]).sizes) if is_small(size)
        }
        for way in (w for w in ways if any(persons(*c).is_small for c in w.values())):
            for k, at in found:
                found[k, at].add(persons(*way[k]).sizes[at])
            if all(len(values) > 1 for values in found.values()):
                break
        assert all(len(values) > 1 for values in found.values()), (counts, n, names, found)


def test_figures_of_fewer_of_the_best_are_hidden_with_one_of_the_best() -> None:
    counts = {"A": (3, 6), "B": (20, 50), "C": (20, 60), "D": (20, 70), "E": (20, 80)}
    one = best_of(counts, 3)
    made = as_shown(replace(one, best=(*one.best, (1, share(3, 6), "")), notes=("Delt plads",)), counts)
    assert [p.name for p in made.parts] == ["C", "D", "E", "A", "B"]
    assert [p.value == HIDDEN for p in made.parts] == [False, False, False, True, True]
    assert [v == HIDDEN for _, v, _ in made.best] == [False, True] and made.notes == ()
    assert made.numerator == amount(43)
    drawn = Charts().ranking(made)
    assert "3 i rækkefølge efter andel, 2 er skjult; de viste blandt de 3 bedste er udfyldt" in drawn
    assert drawn == Charts().ranking(replace(made, parts=made.parts[:3] + (Part("Z", HIDDEN, HIDDEN, HIDDEN),) * 2))


def test_readings_that_put_the_same_groups_together_in_another_way_are_hidden_with_them() -> None:
    counts = {"A": (3, 6), "B": (20, 50), "C": (20, 60), "D": (20, 70), "E": (20, 80)}
    one = best_of(counts, 3)
    approved = Behind((persons(43, 116),), small_parts=frozenset("A"), population="same")
    others = {"S1.b": Behind((persons(60, 180),), population="same"), "S1.c": Behind((persons(70, 220),), population="other")}
    options = tuple(Option(name, "", False, share(60, 180), "60 / 180", NO_VERDICT, "", False) for name in others)
    behind = RowBehind((approved,), options={name: (b,) for name, b in others.items()})
    made = shown(row(one, readings=(Reading("S1", "", "", "", options),)), behind).rows[0]
    assert [o.value == HIDDEN for o in made.readings[0].options] == [True, False]
    worst = replace(approved, shows_a_part=True)
    assert shown(row(one), RowBehind((worst,))).rows[0].value == HIDDEN


# --- from data


def cells_of(home: Path, name: str) -> list[Path]:
    found = sorted((home / "editions" / "star-2021").glob(f"*/*/department/{name}"))
    assert found
    return found


def test_nothing_hidden_stands_in_what_was_published(ran: Ran) -> None:
    """In this world the jobcentres have 8 to 10 persons each, so the row shows nothing but its verdict."""
    home = ran.world.home.path
    for path in cells_of(home, "report.html"):
        text = path.read_text()
        (block,) = Reader(text).root.all("details", id="r-M4")
        told = [e.text.strip() for e in walk(block) if e.attributes.get("class") in ("n", "amount")]
        numbers = {t for t in told if any(c.isdigit() for c in t)}
        assert "skjult" in told and numbers <= {"15"}, numbers
        assert not list(block.all("svg", role="img"))
    for path in cells_of(home, "fulfilment.csv"):
        (line,) = (r for r in csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";") if r["Nr."] == "M4")
        assert line["Resultat"] == "skjult" and line["Verdikt"] == "opfyldt"
    decided = {"Vægt", "Point mindst", "Point højst", "Grad"}
    for path in cells_of(home, "fulfilment.xlsx"):
        for sheet in openpyxl.load_workbook(path):
            headings = [cell.value for cell in sheet[1]]
            lines = [dict(zip(headings, cells, strict=True)) for cells in sheet.iter_rows(min_row=2, values_only=True)]
            own = [x for x in lines if x.get("Nr.") == "M4"]
            numbers = {h for x in own for h, value in x.items() if isinstance(value, int | float) and h not in decided}
            assert not numbers, (sheet.title, numbers)
            assert not any(re.search(r"\d", str(x.get("Tæller / nævner") or "")) for x in own)


@pytest.mark.parametrize(("fte", "is_shown"), [("10", True), ("9.99", False), (None, False)])
def test_an_institution_of_under_ten_aarsvaerk(tmp_path: Path, fte: str | None, is_shown: bool) -> None:
    world_ = RegistersWorld(tmp_path)
    quarters = ("2019Q4", "2020Q1", "2020Q2", "2020Q3", "2020Q4", "2021Q1", "2021Q2", "2021Q3")
    rows = [
        {"institution": "Benchmarkingenheden", "quarter": q, "days": 24, "fte": fte if q == "2020Q1" else 16, "heads": 20}
        for q in quarters
    ]
    rows += [{"institution": "En anden", "quarter": q, "days": 10, "fte": 100, "heads": 100} for q in quarters]
    world_.deliver_state_absence(rows)
    world_.take()
    as_of = date(2021, 12, 31)
    made = build(world_.compute("benchmarking-2021", as_of), Facts(1, datetime(2022, 2, 1, tzinfo=UTC))).row("B2.2")
    told = {made.value.text, *(f.value.text for f in made.figures), *(f.numerator.text for f in made.figures)}
    told |= {c.found for c in made.criteria} | {o.value.text for r in made.readings for o in r.options}
    told |= {o.basis for r in made.readings for o in r.options} | {p.value.text for p in made.trend if p.day == as_of}
    numbers = {t for t in told if any(c.isdigit() for c in t)}
    assert bool(numbers) == is_shown
    assert is_shown or {made.value.text, made.figures[0].value.text} <= {"skjult", ""}


def test_a_figure_that_cannot_be_hidden_by_its_points_is_refused(tmp_path: Path) -> None:
    declared, path = load(None), tmp_path / "star-2021.yaml"
    text = (Path("plans") / path.name).read_text()
    path.write_text(text.replace("grade: {steps: {degrees: {15: 100, 12: 75, 9: 50, 6: 25}}}", "grade: proportional"))
    problems = [p for p in check_plan(read_plan(path), declared) if "few persons" in p]
    assert problems and all(p.startswith("row M4: grade: proportional") for p in problems)


def test_all_else_in_the_home_is_marked_internal(ran: Ran) -> None:
    home = ran.world.home.path
    editions = [path.parent for path in home.glob("editions/*/*/*/edition.json")]
    leaving = {path.name for path in home.glob("editions/*/*/*/department/*")}
    assert editions and leaving == {"report.html", "fulfilment.xlsx", "fulfilment.csv"}
    for folder in (home, *editions):
        notice = (folder / NOTICE).read_text()
        assert notice.startswith("INTERNT.") and all(name in notice for name in leaving)
    assert all(manifest.read(folder).output(NOTICE) for folder in editions)
