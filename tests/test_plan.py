"""The plans as declared, and what a faulty plan file says."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from maalopfyldelse.declared import REPOSITORY, load
from maalopfyldelse.errors import CallerError
from maalopfyldelse.plan import Plan, read_plan
from maalopfyldelse.plan_check import check_plan
from maalopfyldelse.scanning import load_plan

STAR = REPOSITORY / "plans" / "star-2021.yaml"
STAR_ROWS = (
    "M1", "M1.T", "M1.K", "M1.S", "M2.A", "M2.B", "M2.C", "M2.D", "M2.E", "M2.F", "M3.A", "M3.B", "M3.C", "M4",
    "M5", "M5.A", "M5.B", "M6.A", "M6.B", "M6.C", "M7", "M8.A", "M8.B", "M8.C", "M8.D", "M9.A", "M9.B",
)  # fmt: skip


def _star() -> Plan:
    return read_plan(STAR)


def test_star_has_the_catalogues_rows_in_its_order() -> None:
    rows = [p for p in _star().placed.values() if p.row.level != "goal"]
    assert [p.row.id for p in rows] == list(STAR_ROWS)
    assert [p.row.id for p in _star().placed.values() if p.row.level == "goal"] == ["M2", "M3", "M6", "M8", "M9"]


def test_star_weights_are_exact() -> None:
    placed = _star().placed
    assert placed["M2.A"].weight == Fraction(10, 6) and placed["M3.C"].weight == Fraction(10, 3)
    assert sum(p.weight for p in placed.values() if p.scores and p.weight) == 100
    assert not placed["M1.T"].scores and not placed["M2"].scores


def test_star_has_every_reading_of_the_computed_rows() -> None:
    placed = _star().placed
    numbers = {
        r.id.split("-")[0] for row in ("M2.A", "M2.B", "M2.C", "M2.D", "M2.E", "M2.F", "M4") for r in placed[row].row.readings
    }
    # S35 is a rule of the engine (an empty mean is not computed) and S38, S39 belong to M3.
    assert numbers == {f"S{n}" for n in range(4, 54)} - {"S35", "S38", "S39"}


def test_the_words_stand_in_the_contracts_text() -> None:
    seeds = REPOSITORY.parent / "shared" / "seeds"
    if not seeds.exists():
        pytest.skip("the contracts' texts are not beside the repository")
    for plan in (_star(), read_plan(REPOSITORY / "plans" / "siri-2020.yaml")):
        lines = (seeds / f"{plan.plan}.txt").read_text().splitlines()
        for placed in plan.placed.values():
            clause = " ".join(lines[n - 1] for n in range(min(placed.row.clause.lines), max(placed.row.clause.lines) + 1))
            words = [w for w in placed.row.text.replace(":", " ").replace(".", " ").split() if len(w) > 6]
            missing = [w for w in words if w.strip(",;()") not in clause]
            assert not missing, (placed.row.id, missing)


FAULTS = {
    "weights: 100": ("weights: 90", "sum to 100, not to 90"),
    "    weight: 25\n": ("    weight: 24\n", "sum to 99, not to 100"),
    "- id: M2.B": ("- id: M2.A", "M2.A' stands twice"),
    "unit: weeks": ("unit: uger", "rows.M2.rows.M2.C.target: unit 'uger' is not known"),
    "measure: telephone_answers": ("measure: telefone_answers", "did you mean 'telephone_answers'"),
    "set: {measure.denominator: answered}": ("set: {measure.denominator: besvaret}", "no word 'besvaret'"),
    "set: {measure.wait_from: initiation}": ("set: {measure.wait: initiation}", "did you mean 'wait_from'"),
    "where: {queue: [support_borger, support_virksomhed]}": ("where: {kø: [support_borger]}", "no group 'kø'"),
    "mean_of: observed_month": ("mean_of: month", "did you mean 'observed_month'"),
    "        grade: threshold": ("        grade: treshold", "did you mean 'threshold'"),
    "dates: [2021-06-30, 2021-12-31]": ("dates: [2021-06-30, 2022-12-31]", "2022-12-31 lies outside the contract"),
    "approved: a": ("approved: x", "approved is 'x'"),
    "plan: star-2021": ("plan: star-2022", "file and plan have one name"),
    "title:": ("titel:", "no such key"),
    "1: [26, 50]": ("1: [20, 50]", "overlap"),
    "event: {act: evaluering_job_veu, by: 2021-03-31}": (
        "event: {act: evaluering_job_veu, by: 31-03-2021}",
        "rows.M3.rows.M3.A.criteria.evaluering.event.by",
    ),
    "set: {criteria.forligskreds.scored: false}": ("set: {criteria.forligskredsen.scored: false}", "did you mean 'forligskreds'"),
    "id: kvalitet, text": ("id: tid, text", "criterion 'tid' stands twice"),
}


@pytest.mark.parametrize("right", FAULTS)
def test_a_fault_in_a_plan_is_named(right: str, tmp_path: Path) -> None:
    wrong, said = FAULTS[right]
    (tmp_path / "plans").mkdir()
    text = STAR.read_text()
    assert right in text
    path = tmp_path / "plans" / "star-2021.yaml"
    path.write_text(text.replace(right, wrong, 1))
    declared = load()
    declared.plan_paths["star-2021"] = path
    with pytest.raises(CallerError) as error:
        load_plan(declared, "star-2021")
    assert said in str(error.value) and "star-2021.yaml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [1, 2", "line 3"),
        ("a: &x 1\nb: *x\n", "aliases"),
        ("a: 1\na: 2\n", "stands here twice"),
        ("- 1\n", "expected keys and values"),
        ("x: " + "9" * 2_000_001, "larger than 2 MB"),
    ],
)
def test_a_file_that_is_no_plan(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(CallerError, match=said):
        read_plan(path)


def test_a_name_declared_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "star-2021.yaml").write_text(STAR.read_text())
    with pytest.raises(CallerError, match="declared already"):
        load(tmp_path)


def test_siri_counts_sick_leave_under_every_reading() -> None:
    row = read_plan(REPOSITORY / "plans" / "siri-2020.yaml").placed["2.3"].row
    assert [r.id for r in row.readings] == [f"I{n}" for n in range(23, 29)]
    assert json.loads(row.model_dump_json())["target"]["unit"] == "days_per_year"


def test_an_amendment_holds_from_its_date_and_both_versions_stand(tmp_path: Path) -> None:
    text = (
        STAR.read_text()
        + """
amendments:
  - id: tillæg-1
    title: "Ny frist for Mål 6.C"
    document: "Tillæg af 1. september 2021"
    holds_from: 2021-09-01
    rows:
      - id: M6.C
        text: "Redegørelsen er sendt til BEU i 2021"
        clause: {lines: [1]}
        criteria: [{id: sendt, text: "Sendt", event: {act: redegoerelse_sendt_beu, by: 2021-12-31}}]
        grade: all_of
"""
    )
    path = tmp_path / "star-2021.yaml"
    path.write_text(text)
    plan = read_plan(path)
    before, after = (plan.at(date(2021, m, 30)).placed["M6.C"] for m in (6, 9))
    assert len(before.row.criteria) == 2 and len(after.row.criteria) == 1
    assert after.weight == before.weight == Fraction(10, 3) and after.parent == "M6"


def test_an_option_that_another_readings_approved_option_undoes_is_told(tmp_path: Path) -> None:
    path = REPOSITORY / "plans" / "star-2021.yaml"
    changed = tmp_path / path.name
    changed.write_text(path.read_text().replace('a: {text: "Samlet"}', 'a: {text: "Samlet", set: {result: pooled}}'))
    told = check_plan(read_plan(changed), load())
    assert [text.split(": changes nothing")[0] for text in told] == [
        "row M2.E: readings.S26.options.b",
        "row M2.E: readings.S26.options.c",
    ]
    assert all("approved option sets result too" in text for text in told)
