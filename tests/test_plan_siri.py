"""SIRI 2020: its rows, weights and readings as the catalogue has them, and its arithmetic from raw deliveries."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from registers_world import RegistersWorld
from world import alternative

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.fulfilment import Line
from maalopfyldelse.plan import Plan, read_plan

PLAN = "siri-2020"
YEAR_END = date(2020, 12, 31)
LETTERS = "abcdefghijkl"
ROWS = (
    "1.1", "1.1.1", "1.1.2", "1.2", "1.2.1", "1.2.2", "1.3", "1.5", *(f"1.5.{x}" for x in LETTERS),
    "2.1", "2.2", "2.2.Q1", "2.2.Q2", "2.2.Q3", "2.2.Q4", "2.3",
)  # fmt: skip
SHARED = {"I4", "I5", "I7", "I15"}
READINGS: dict[str, set[str]] = {
    "1.1": {"I2"},
    "1.1.1": {"I1", "I3"},
    "1.1.2": {"I1", "I3"},
    "1.2": {"I2"},
    "1.5": {"I9", "I10", "I11", "I13", "I14", "I16", "I17"},
    **{f"1.5.{x}": SHARED for x in LETTERS},
    "1.5.c": SHARED | {"I12"},
    "1.5.d": SHARED | {"I12"},
    "1.5.j": SHARED | {"I6", "I8"},
    "1.5.k": SHARED | {"I8"},
    "1.5.l": SHARED | {"I8"},
    "2.1": {"I18"},
    "2.2": {"I21", "I22"},
    "2.2.Q1": {"I20"},
    "2.2.Q3": {"I19"},
    "2.3": {f"I{n}" for n in range(23, 29)},
}


def _plan() -> Plan:
    return read_plan(REPOSITORY / "plans" / f"{PLAN}.yaml")


def test_the_catalogues_rows_in_its_order() -> None:
    placed = _plan().placed
    assert tuple(placed) == ROWS
    parts = {row for row, p in placed.items() if p.row.level == "part"}
    assert parts == {row for row in ROWS if row.count(".") == 2}


def test_the_points_are_the_contracts() -> None:
    placed = _plan().placed
    tops = {row: placed[row].weight for row in ROWS if placed[row].parent is None}
    assert tops == {"1.1": 5, "1.2": 5, "1.3": 5, "1.5": 70, "2.1": 5, "2.2": 5, "2.3": 5}
    points = [placed[f"1.5.{x}"].weight for x in LETTERS]
    assert points == [8, 7, 5, 5, 5, 5, 5, 5, 5, 10, 5, 5]
    assert (sum(p or 0 for p in points[:6]), sum(p or 0 for p in points[6:9]), sum(p or 0 for p in points[9:])) == (35, 15, 20)
    assert sum(p.weight or 0 for p in placed.values() if p.scores) == 100 and not placed["1.5"].scores


def test_every_reading_stands_on_its_row() -> None:
    placed = _plan().placed
    assert {row: {r.id for r in p.row.readings} for row, p in placed.items() if p.row.readings} == READINGS
    assert set().union(*READINGS.values()) == {f"I{n}" for n in range(1, 29)}
    for p in placed.values():
        for reading in p.row.readings:
            for word, option in reading.options.items():
                assert word == reading.approved or option.set or option.needs, (p.row.id, reading.id, word)


def test_a_reading_of_all_service_goals_is_worded_once() -> None:
    rows = _plan().placed["1.5"].row.rows
    for number in SHARED:
        assert len({r.model_dump_json() for row in rows for r in row.readings if r.id == number}) == 1


def test_the_danish_words_stand_in_their_lines() -> None:
    seed = REPOSITORY.parent / "shared" / "seeds" / f"{PLAN}.txt"
    if not seed.exists():
        pytest.skip("the contracts' texts are not beside the repository")
    lines = seed.read_text().splitlines()
    for p in _plan().placed.values():
        named = [lines[n - 1] for n in p.row.clause.lines]
        assert all(line.strip() for line in named), p.row.id
        words = [w.strip(",;().:") for w in p.row.text.split()]
        missing = [w for w in words if len(w) > 2 and w not in " ".join(named)]
        assert not missing, (p.row.id, missing)


def test_every_criterion_lies_within_the_year() -> None:
    plan = _plan()
    for p in plan.placed.values():
        for criterion in p.row.criteria:
            due = criterion.event or criterion.count
            assert due is not None and plan.contract.from_ <= due.by <= plan.contract.to


# --- from raw deliveries


@pytest.fixture
def world(tmp_path: Path) -> RegistersWorld:
    return RegistersWorld(tmp_path)


def _lines(world: RegistersWorld, as_of: date = YEAR_END) -> dict[str, Line]:
    world.take()
    return {line.row: line for line in world.compute(PLAN, as_of).lines}


def _decided(days: int, *, scheme: str = "beloebsordning", count: int = 1, **more: Any) -> list[dict[str, Any]]:
    applied = more.pop("applied", date(2020, 3, 2))
    return [{"scheme": scheme, "applied": applied, "decided": applied + timedelta(days=days)} | more for _ in range(count)]


@pytest.mark.parametrize(("hits", "verdict", "points"), [(900, "opfyldt", 8), (899, "ikke opfyldt", 0)])
def test_x13_ninety_per_cent(world: RegistersWorld, hits: int, verdict: str, points: int) -> None:
    world.deliver_decisions(_decided(31, count=hits) + _decided(32, count=1000 - hits))
    line = _lines(world)["1.5.a"]
    assert (line.numerator, line.denominator, line.verdict) == (hits, 1000, verdict)
    assert (line.points_low, line.points_high) == (points, points)


@pytest.mark.parametrize(
    ("applied", "decided", "days", "hit"),
    [
        (date(2020, 1, 1), date(2020, 2, 1), 31, 1),
        (date(2020, 1, 1), date(2020, 2, 2), 32, 0),
        (date(2020, 2, 1), date(2020, 3, 3), 31, 1),  # a leap year
    ],
)
def test_x14_thirty_one_days(world: RegistersWorld, applied: date, decided: date, days: int, hit: int) -> None:
    assert (decided - applied).days == days
    world.deliver_decisions([{"scheme": "beloebsordning", "applied": applied, "decided": decided}])
    line = _lines(world)["1.5.a"]
    assert (line.numerator, line.denominator) == (hit, 1)
    assert alternative(line, "I5.b").figure.numerator == 0  # with both days counted, one more


def test_x14_the_year_is_the_decisions(world: RegistersWorld) -> None:
    days = [date(2019, 12, 31), date(2020, 1, 1), YEAR_END]
    world.deliver_decisions([{"scheme": "phd", "applied": d - timedelta(days=92), "decided": d} for d in days])
    line = _lines(world)["1.5.i"]
    assert (line.numerator, line.denominator) == (2, 2)
    assert alternative(line, "I4.b").figure.denominator == 1


def test_i4_the_undecided_backlog_is_seen_only_in_c(world: RegistersWorld) -> None:
    late = [{"scheme": "fasttrack", "applied": date(2020, 11, 1), "decided": None} for _ in range(10)]
    fresh = [{"scheme": "fasttrack", "applied": date(2020, 12, 20), "decided": None}]
    world.deliver_decisions(_decided(5, scheme="fasttrack", count=90) + late + fresh)
    line = _lines(world)["1.5.b"]
    assert (line.value, line.verdict) == (100, "opfyldt")
    overdue = alternative(line, "I4.c")
    assert (overdue.figure.numerator, overdue.figure.denominator, overdue.graded.verdict) == (90, 100, "opfyldt")
    received = alternative(line, "I4.b")
    assert received.figure.low < received.figure.high == Fraction(100 * 91, 101)


def test_i6_a_friday_application_and_working_days(world: RegistersWorld) -> None:
    friday = date(2020, 6, 12)
    world.deliver_decisions(_decided(1, scheme="eu", count=3, applied=friday) + _decided(3, scheme="eu", applied=friday))
    line = _lines(world)["1.5.j"]
    assert (line.value, line.verdict, line.points_high) == (75, "opfyldt", 10)
    assert alternative(line, "I6.b").figure.value == 100
    assert alternative(line, "I5.b").figure.value == 0  # the day itself counted, a day is already two
    assert not alternative(line, "I6.c").is_computed and "klokkeslæt" in (alternative(line, "I6.c").graded.reason or "")


def test_i7_in_proportion_to_the_target(world: RegistersWorld) -> None:
    world.deliver_decisions(_decided(31, count=45) + _decided(32, count=55))
    proportional = alternative(_lines(world)["1.5.a"], "I7.b").graded
    assert (proportional.low, proportional.high, proportional.verdict) == (50, 50, "delvist opfyldt")


def test_i8_the_two_populations(world: RegistersWorld) -> None:
    citizens = _decided(10, scheme="eu", count=90, population="eu_borger")
    others = [*_decided(10, scheme="eu", count=6), *_decided(50, scheme="eu", count=4)]
    world.deliver_decisions(citizens + others)
    line = _lines(world)["1.5.k"]
    assert (line.value, line.verdict) == (96, "opfyldt")
    each = alternative(line, "I8.c")
    assert (each.figure.value, each.graded.verdict) == (60, "ikke opfyldt")
    assert alternative(line, "I8.b").graded.verdict == "opfyldt"


def test_i16_the_eu_shares_grow_with_the_limit(world: RegistersWorld) -> None:
    world.deliver_decisions(
        [row for days in (0, 1, 2, 31, 32, 92, 93) for row in _decided(days, scheme="eu", first=days % 2 == 0)]
    )
    lines = _lines(world)
    shares = [lines[f"1.5.{x}"] for x in "jkl"]
    assert [line.numerator for line in shares] == [2, 4, 6] and {line.denominator for line in shares} == {7}


def test_i11_to_i14_what_is_left_out_has_its_reason(world: RegistersWorld) -> None:
    world.deliver_decisions(
        _decided(5, scheme="landbrug")
        + _decided(5, scheme="landbrug", outcome="afvist")
        + _decided(50, scheme="landbrug", complicated=True)
        + _decided(50, scheme="landbrug", target=False)
        + _decided(50, scheme="landbrug", first=False)
        + _decided(50, scheme="landbrug", outcome="frafaldet")
    )
    line = _lines(world)["1.5.c"]
    assert (line.numerator, line.denominator) == (2, 2)
    figure = line.outcomes[0].figure
    assert figure is not None
    assert figure.excluded == {"complicated": 1, "no_target": 1, "not_first_time": 1, "withdrawn": 1}


def test_i15_a_row_without_decisions(world: RegistersWorld) -> None:
    world.deliver_decisions(_decided(5))
    line = _lines(world)["1.5.e"]
    assert (line.value, line.verdict, line.low, line.high) == (None, "ikke opgjort", 0, 100) and line.reason
    assert alternative(line, "I15.c").graded.verdict == "opfyldt"
    assert "fordelingen" in (alternative(line, "I15.b").graded.reason or "")


def test_the_service_goals_add_their_points(world: RegistersWorld) -> None:
    world.deliver_decisions(_decided(5) + _decided(50, scheme="fasttrack") + _decided(0, scheme="eu"))
    line = _lines(world)["1.5"]
    assert (line.points_low, line.points_high) == (8 + 20, 70 - 7)


def test_a_quarter_is_a_status_without_a_verdict(world: RegistersWorld) -> None:
    world.deliver_decisions(_decided(5))
    line = _lines(world, date(2020, 3, 31))["1.5.a"]
    assert (line.value, line.verdict, line.low, line.high) == (100, None, 0, 100) and "orientering" in (line.reason or "")


def _municipalities(world: RegistersWorld, number: int, day: date = date(2020, 5, 4)) -> None:
    world.deliver_counts(PLAN, [{"row": "1.1.1", "name": "kommuner_identificeret", "date": day, "number": number}])


def _concept(world: RegistersWorld, day: date = date(2020, 9, 1)) -> None:
    acts = ("erfaringsopsamling", "koncept_tilrettet")
    world.deliver_events(PLAN, [{"row": "1.1.2", "act": a, "kind": "godkendt", "date": day} for a in acts])


@pytest.mark.parametrize(
    ("number", "verdict", "capped"),
    [(3, "ikke opfyldt", "ikke opfyldt"), (4, "opfyldt", "opfyldt"), (8, "opfyldt", "opfyldt"), (9, "opfyldt", "ikke opfyldt")],
)
def test_i1_four_to_eight_municipalities(world: RegistersWorld, number: int, verdict: str, capped: str) -> None:
    _municipalities(world, number)
    line = _lines(world)["1.1.1"]
    assert (line.verdict, alternative(line, "I1.b").graded.verdict) == (verdict, capped)
    assert ("flere end 8" in (line.reason or "")) == (number == 9)
    assert alternative(line, "I3.b").graded.verdict in ("afventer vurdering", "ikke opfyldt")  # nothing said of the offers


def test_i2_one_part_of_two_is_open(world: RegistersWorld) -> None:
    _municipalities(world, 3)
    _concept(world)
    line = _lines(world)["1.1"]
    assert (line.verdict, line.points_low, line.points_high) == ("ikke opgjort", 0, 5) and "1 af 2" in (line.reason or "")
    none, half = alternative(line, "I2.a").graded, alternative(line, "I2.b").graded
    assert (none.low, none.high, half.low, half.high) == (0, 0, 50, 50)


@pytest.mark.parametrize(("number", "day", "points"), [(5, date(2020, 12, 31), 5), (3, date(2021, 1, 1), 0)])
def test_i2_all_parts_or_none(world: RegistersWorld, number: int, day: date, points: int) -> None:
    _municipalities(world, number)
    _concept(world, day)
    if points == 0:  # nothing dated in 2020; said to be undone
        undone = [{"row": "1.1.2", "act": "koncept_tilrettet", "kind": "ikke_gennemfoert", "date": YEAR_END}]
        world.deliver_events(PLAN, undone, "2030-01-02T0800")
    line = _lines(world)["1.1"]
    assert (line.points_low, line.points_high) == (points, points)


def test_a_milestone_keeps_its_verdict_and_a_late_one_is_missed(world: RegistersWorld) -> None:
    world.deliver_events(
        PLAN,
        [{"row": "1.2.1", "act": "bidrag_til_evaluering", "kind": "sendt", "date": date(2020, 6, 30)}],
    )
    world.take()
    march, june, december = (
        next(x for x in world.compute(PLAN, d).lines if x.row == "1.2.1")
        for d in (date(2020, 3, 31), date(2020, 6, 30), YEAR_END)
    )
    assert [line.verdict for line in (march, june, december)] == ["afventer vurdering", "opfyldt", "opfyldt"]
    world.deliver_events(
        PLAN,
        [{"event_id": "late", "row": "2.2.Q1", "act": "systemliste_opdateret", "kind": "gennemfoert", "date": date(2020, 4, 1)}],
        "2030-01-02T0800",
    )
    assert _lines(world)["2.2.Q1"].verdict == "ikke opfyldt"


def _security(world: RegistersWorld, threats: int = 4, baselines: int = 20, level: int = 3) -> None:
    world.deliver_events(
        PLAN,
        [
            {"row": "2.2.Q1", "act": "systemliste_opdateret", "kind": "gennemfoert", "date": date(2020, 3, 31)},
            {"row": "2.2.Q1", "act": "systemliste_bekraeftet", "kind": "godkendt", "date": date(2020, 4, 20)},
        ],
    )
    world.deliver_counts(
        PLAN,
        [
            {"row": "2.2.Q2", "name": "iso_baseline_kritiske", "date": date(2020, 6, 30), "number": 4},
            {"row": "2.2.Q3", "name": "iso_baseline_alle", "date": date(2020, 9, 30), "number": baselines, "of": 20},
            {"row": "2.2.Q3", "name": "trusselsvurdering_kritiske", "date": date(2020, 9, 30), "number": threats},
            {"row": "2.2.Q4", "name": "modenhed_risikostyring", "date": date(2020, 12, 1), "number": level},
        ],
    )


def test_i22_the_quarters_of_information_security(world: RegistersWorld) -> None:
    _security(world, threats=3)
    lines = _lines(world)
    line = lines["2.2"]
    assert (line.points_low, line.points_high, line.verdict) == (0, 5, "ikke opgjort")
    each, all_four = alternative(line, "I22.a").graded, alternative(line, "I22.b").graded
    assert (each.low, each.high, all_four.low, all_four.high) == (75, 75, 0, 0)  # 3 × 1.25 = 3.75 of 5
    threats = lines["2.2.Q3"]
    assert (threats.verdict, alternative(threats, "I19.b").graded.verdict) == ("ikke opfyldt", "opfyldt")


def test_i22_all_four_quarters_are_five_points(world: RegistersWorld) -> None:
    _security(world)
    line = _lines(world)["2.2"]
    assert (line.points_low, line.points_high, line.verdict) == (5, 5, "opfyldt")


def test_i20_a_list_that_nobody_confirmed_is_open(world: RegistersWorld) -> None:
    world.deliver_events(
        PLAN, [{"row": "2.2.Q1", "act": "systemliste_opdateret", "kind": "gennemfoert", "date": date(2020, 3, 31)}]
    )
    line = _lines(world, date(2020, 3, 31))["2.2.Q1"]
    assert (line.verdict, alternative(line, "I20.b").graded.verdict) == ("afventer vurdering", "opfyldt")


def test_the_raw_score_is_shown_without_a_conversion(world: RegistersWorld) -> None:
    units = {"integrationsafdelingen": 27, "koncernstyring": 24, "familie": 26, "ledelsessekretariatet": 20}
    counted = [{"row": "2.1", "name": n, "date": date(2020, 12, 15), "number": p, "of": 27} for n, p in units.items()]
    themes = [{"row": "1.3", "name": n, "date": date(2020, 6, 15), "number": 45, "of": 50} for n in ("underretning", "eu_sager")]
    world.deliver_counts(PLAN, counted + themes)
    lines = _lines(world)
    for row, numerator, denominator in (("2.1", 97, 108), ("1.3", 90, 100)):
        line = lines[row]
        assert (line.numerator, line.denominator, line.value) == (numerator, denominator, Fraction(100 * numerator, denominator))
        assert (line.verdict, line.low, line.high, line.target) == ("ikke opgjort", 0, 100, None)
    assert "DEP INDSÆTTER POINTGIVNING" in (lines["2.1"].reason or "") and "allongerne" in (lines["1.3"].reason or "")


def test_ninety_points_can_be_decided_and_ten_cannot(world: RegistersWorld) -> None:
    schemes = [next(iter(p.row.where["scheme"])) for row, p in _plan().placed.items() if row.startswith("1.5.")]
    world.deliver_decisions([row for scheme in dict.fromkeys(schemes) for row in _decided(0, scheme=scheme)])
    _municipalities(world, 6)
    world.deliver_events(
        PLAN,
        [
            {"row": "1.1.2", "act": "erfaringsopsamling", "kind": "godkendt", "date": YEAR_END},
            {"row": "1.1.2", "act": "koncept_tilrettet", "kind": "godkendt", "date": YEAR_END},
            {"row": "1.2.1", "act": "bidrag_til_evaluering", "kind": "sendt", "date": date(2020, 6, 1)},
        ],
    )
    world.deliver_counts(PLAN, [{"row": "1.2.2", "name": "arbejdsplan_gennemfoert", "date": YEAR_END, "number": 12, "of": 12}])
    _security(world)
    for n in range(1, 5):
        world.deliver_absence(f"2020-{3 * n:02}-28T0800", f"2020Q{n}", [{"days": 1, "fte": 100, "heads": 100}])
    lines = _lines(world)
    assert (lines["total"].points_low, lines["total"].points_high) == (90, 100)
    assert {row for row, line in lines.items() if line.scores and line.low != line.high} == {"1.3", "2.1"}


def test_nothing_delivered_is_never_a_miss(world: RegistersWorld) -> None:
    world.deliver_queues()  # another plan's
    lines = _lines(world)
    assert {line.verdict for line in lines.values()} <= {"afventer vurdering", "ikke opgjort", None}
    assert (lines["total"].points_low, lines["total"].points_high) == (0, 100)
    assert all(line.reason for line in lines.values())
    assert "POINTGIVNING" in (lines["2.1"].reason or "") and "allongerne" in (lines["1.3"].reason or "")
