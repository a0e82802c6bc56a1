"""Small worked examples of every measure: rows given, observations expected, in tests/sql/NAME.yaml.

A file says what stands in the background of all its tests (`background`), what a row is unless it says otherwise (`defaults`;
a column named nowhere is null) and then its tests. `expect` lists the observations in the order of the measure's grain, each
with the columns that matter; under `readings` it lists them for each reading by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field
from sql_house import MEASURES, Bench, Row

from maalopfyldelse.yamlio import Strict, parse_yaml, read_text, validated

FOLDER = Path(__file__).resolve().parent / "sql"


class Window(Strict):
    """`after` is exclusive, `to` inclusive, as $from_date and $as_of are."""

    after: date
    to: date


class Example(Strict):
    name: str
    given: dict[str, list[Row]] = {}
    window: Window | None = None
    parameters: dict[str, Any] = {}
    options: dict[str, str] = {}
    readings: dict[str, dict[str, str]] = {}
    expect: list[Row] | dict[str, list[Row]]


class Examples(Strict):
    measure: str
    window: Window
    defaults: dict[str, Row] = {}
    background: dict[str, list[Row]] = {}
    tests: list[Example] = Field(min_length=1)


def _files() -> list[Examples]:
    return [validated(Examples, parse_yaml(read_text(p), p.name), p.name) for p in sorted(FOLDER.glob("*.yaml"))]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.con.close()


def test_every_measure_has_examples() -> None:
    assert {file.measure for file in _files()} == set(MEASURES)


@pytest.mark.parametrize(
    ("file", "example"), [pytest.param(f, e, id=f"{f.measure}: {e.name}") for f in _files() for e in f.tests]
)
def test_example(bench: Bench, file: Examples, example: Example) -> None:
    measure = MEASURES[file.measure]
    window = example.window or file.window
    given = {
        table: [file.defaults.get(table, {}) | row for row in rows] for table, rows in (file.background | example.given).items()
    }
    expected = example.expect if isinstance(example.expect, dict) else {"a": example.expect}
    readings = example.readings or {"a": {}}
    assert set(readings) == set(expected), "expect names the readings"
    bench.fill(given)
    seen = bench.observe(
        measure,
        as_of=window.to,
        from_date=window.after,
        parameters=example.parameters,
        readings={name: example.options | options for name, options in readings.items()},
    )
    for name, rows in expected.items():
        found = sorted((o for o in seen if o["reading_id"] == name), key=lambda o: [o[column] for column in measure.header.grain])
        shown = [{c: o[c] for c in e} for o, e in zip(found, rows, strict=False)]
        assert shown == [_typed(row) for row in rows], name
        assert len(found) == len(rows), f"{name}: {found}"
    leading = bench.leading_rows(measure, as_of=window.to, from_date=window.after)
    for name in readings:
        assert sum(o["source_rows"] for o in seen if o["reading_id"] == name) == leading


def _typed(row: Row) -> Row:
    """Fractions are written as they read (725.2) and compared exactly."""
    return {column: Decimal(str(value)) if isinstance(value, float) else value for column, value in row.items()}
