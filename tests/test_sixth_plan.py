"""A sixth plan written by a stranger in a declared folder: own weights, Danish letters, existing kinds and measures, no Python."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from world import World

PLAN = """
plan: ærøskøbing-2021
title: "Resultatplan for Ærøskøbing Nævn"
agency: "Ærøskøbing Nævn"
contract: {from: 2021-01-01, to: 2021-12-31, document: "Resultatplan 2021", parties: ["Nævnet", "Departementet"]}
reporting: {dates: [2021-12-31], due_days: 20, closing_days: 20}
weights: 100
rows:
  - id: Å1
    level: goal
    text: "Hurtige afgørelser på ø-området"
    clause: {lines: [1]}
    weight: 70
    grade: k_of_n
    rows:
      - id: Å1.a
        text: "Sagerne er i gennemsnit afgjort på under 30 dage"
        clause: {lines: [2]}
        weight: 30
        measure: processing_time
        where: {area: [cka_klage]}
        window: {rolling: {months: 12}}
        result: pooled
        target: {under: 30, unit: days}
        grade: threshold
        readings:
          - id: Ø1
            question: "Tæller begge dage?"
            approved: nej
            why: "Dansk ret."
            options:
              nej: {text: "Nej"}
              ja: {text: "Ja", set: {measure.day_count: inclusive}}
      - id: Å1.b
        text: "Højst en tredjedel af sagerne er over en måned gamle"
        clause: {lines: [3]}
        weight: 40
        measure: pending_age
        where: {area: [cka_klage]}
        window: stock
        with: {age_limit: 1, age_unit: months}
        result: pooled
        target: {at_most: "100/3", unit: pct}
        grade: threshold
  - id: Å2
    text: "Årsberetningen er sendt senest 1. december"
    clause: {lines: [4]}
    weight: 30
    criteria:
      - {id: beretning, text: "Sendt til departementet", event: {act: årsberetning, by: 2021-12-01, kinds: [sendt]}}
    grade: all_of
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "mine" / "plans").mkdir(parents=True)
    (tmp_path / "mine" / "plans" / "ærøskøbing-2021.yaml").write_text(PLAN, encoding="utf-8")
    return World(tmp_path, tmp_path / "mine")


def test_it_is_counted_and_graded(world: World) -> None:
    world.deliver_case_types()
    closed = [{"created": date(2021, 3, 1), "closed": date(2021, 3, 1 + n), "type": "CK"} for n in (27, 30)]
    pending = [{"created": day, "type": "CK"} for day in (date(2021, 11, 1), date(2021, 12, 10), date(2021, 12, 20))]
    world.deliver_cases("2022-02-01T0800", [{"id": f"21/{n:04}"} | c for n, c in enumerate([*closed, *pending])])
    world.take()
    lines = {line.row: line for line in world.compute("ærøskøbing-2021", date(2021, 12, 31)).lines}
    assert (lines["Å1.a"].value, lines["Å1.a"].verdict) == (Fraction(57, 2), "opfyldt")
    assert [o.figure.value for o in lines["Å1.a"].outcomes[1:] if o.figure] == [Fraction(59, 2)]
    assert (lines["Å1.b"].value, lines["Å1.b"].verdict) == (Fraction(100, 3), "opfyldt")
    assert lines["Å2"].verdict == "afventer vurdering"
    assert (lines["total"].points_low, lines["total"].points_high) == (70, 100)
    assert [line.row for line in lines.values() if line.scores] == ["Å1.a", "Å1.b", "Å2"]
