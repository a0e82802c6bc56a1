"""jobindsats' answers: three shapes of one table, its period codes, and what it must not be read as."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from intake_house import House, house

from maalopfyldelse.declared import load
from maalopfyldelse.sample.common import Out, Sizes
from maalopfyldelse.sample.jobindsats import HEADINGS, write

DECLARED = load()
EXTRACT = DECLARED.extracts["jobindsats_qtij01"]
COLUMNS = "source_table, area, period, period_end_date, benefit_group, persons"


@pytest.fixture
def answers() -> Iterator[House]:
    with house(DECLARED.tables[EXTRACT.table], EXTRACT) as h:
        yield h


def shapes(rows: list[list[str]]) -> dict[str, bytes]:
    """The same rows in each of the three shapes."""
    variables = [{"Name": str(n), "Label": heading} for n, heading in enumerate(HEADINGS)]
    v2: list[dict[str, Any]] = [{"Variables": variables, "Data": rows, "Area": ["Hele landet"], "Period": []}]
    return {
        "v2.csv": "".join(";".join(row) + "\r\n" for row in [HEADINGS, *rows]).encode(),
        "v2.json": json.dumps(v2, ensure_ascii=False).encode(),
        "v3.json": ("\ufeff" + json.dumps({"columns": HEADINGS, "rows": rows})).encode(),
    }


def take(h: House, rows: list[list[str]], kind: str) -> Any:
    h.put(f"jobindsats_qtij01_{kind}", shapes(rows)[kind], system="jobindsats")
    report = h.take()
    return (report.new + report.refused)[0]


@pytest.mark.parametrize("kind", ["v2.csv", "v2.json", "v3.json"])
def test_every_shape_gives_the_same_rows(answers: House, kind: str) -> None:
    codes = ["2021M07", "2021Q01", "2021Q1", "2021Y01", "2021", "2020M12"]
    rows = [["Ærø", code, f"Gruppe {n}", ("1.234,5", "7", "0,125")[n % 3]] for n, code in enumerate(codes)]
    delivery = take(answers, rows, kind)
    assert delivery.state == "stored", delivery.message
    assert answers.rows(COLUMNS) == sorted(
        [
            ("qtij01", "Ærø", "2021-07", date(2021, 7, 31), "Gruppe 0", Decimal("1234.500")),
            ("qtij01", "Ærø", "2021Q1", date(2021, 3, 31), "Gruppe 1", Decimal("7.000")),
            ("qtij01", "Ærø", "2021Q1", date(2021, 3, 31), "Gruppe 2", Decimal("0.125")),
            ("qtij01", "Ærø", "2021", date(2021, 12, 31), "Gruppe 3", Decimal("1234.500")),
            ("qtij01", "Ærø", "2021", date(2021, 12, 31), "Gruppe 4", Decimal("7.000")),
            ("qtij01", "Ærø", "2020-12", date(2020, 12, 31), "Gruppe 5", Decimal("0.125")),
        ]
    )


@pytest.mark.parametrize("kind", ["v2.csv", "v2.json", "v3.json"])
@pytest.mark.parametrize("code", ["2021QMAT03", "MYTD", "2021QMAAR03", "2021Q05", "2021M13", "2021Y02", "2021Q003", "0000M01"])
def test_a_rolling_or_unknown_period_refuses_the_answer_and_says_where(answers: House, kind: str, code: str) -> None:
    delivery = take(answers, [["Hele landet", "2021Q3", "x", "1"], ["Hele landet", code, "x", "1"]], kind)
    assert delivery.code == "UNKNOWN_CODE"
    line = 3 if kind == "v2.csv" else 2
    assert f"the contract does not know: 'Periode' has a word in 1 row, first on line {line} (known: 2021," in delivery.message


def test_a_number_that_is_none_refuses_the_answer(answers: House) -> None:
    delivery = take(answers, [["Hele landet", "2021Q3", "x", "1.5"]], "v3.json")
    assert delivery.code == "TOO_MANY_SET_ASIDE"
    assert answers.faults() == [(1, "NOT_A_NUMBER", "Antal personer")]


def test_a_newer_answer_replaces_the_periods_it_holds_and_no_others(answers: House) -> None:
    write(Out(answers.folder), Sizes())
    assert [d.layout for d in answers.take().new] == ["v2_csv", "v2_json", "v3_json"]
    newest = {row[0]: row[1] for row in answers.rows("distinct period, delivery_id")}
    deliveries = [d.delivery_id for d in sorted(answers.ledger.deliveries(), key=lambda d: d.arrived_at)]
    assert newest == {"2021Q1": deliveries[0], "2021Q2": deliveries[1], "2021Q3": deliveries[2], "2021Q4": deliveries[2]}
    assert len(answers.rows("distinct period, area, benefit_group")) == len(answers.rows()) == 4 * 3 * 5


def test_no_measure_reads_it_and_the_declarations_hold() -> None:
    assert not [m.name for m in DECLARED.measures.values() if EXTRACT.table in m.reads]
    assert DECLARED.tables[EXTRACT.table].optional
