"""Each query of sql/ against a slow, obvious count in Python (tests/oracles/), over rows that Hypothesis chooses.

Every word of every option is tried alone against the default, with a few combinations, at several reporting dates; the order
of the rows must not matter, and every row of the leading tables must be accounted for under every reading.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure_rows import MADE, Rows
from sql_house import MEASURES, TABLES, Bench, Row, declared_columns, every_reading

from maalopfyldelse.counting import Days, Scan
from maalopfyldelse.engines import asked
from maalopfyldelse.errors import MaalError
from maalopfyldelse.measures import Scanned, parts_of, run_scan
from maalopfyldelse.months import apart, months_of, rows_of, stamps_sql, together
from maalopfyldelse.query import Measure


@dataclass(frozen=True)
class Trial:
    """One set of rows with a window, parameters and readings. Its repr is what a failing example prints."""

    seed: int
    size: int
    from_date: date
    as_of: date
    parameters: Mapping[str, Any]
    readings: Mapping[str, Mapping[str, str]]

    def rows(self, measure: str) -> Rows:
        return MADE[measure][0](Random(self.seed), self.size, self.from_date, self.as_of)


@st.composite
def trials(draw: st.DrawFn, name: str) -> Trial:
    header = MEASURES[name].header
    _, windows, choices = MADE[name]
    from_date, as_of = draw(st.sampled_from(windows))
    parameters = {p: spec.default for p, spec in header.parameters.items()}
    parameters |= {p: draw(st.sampled_from(values)) for p, values in choices.items()}
    combined = {
        f"combined {n}": {option: draw(st.sampled_from(words)) for option, words in header.options.items()} for n in range(3)
    }
    return Trial(
        draw(st.integers(0, 2**32)),
        draw(st.integers(1, 40)),
        from_date,
        as_of,
        parameters,
        every_reading(MEASURES[name]) | combined,
    )


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.con.close()


def test_every_measure_has_an_oracle() -> None:
    assert set(MADE) == set(MEASURES)


@pytest.mark.parametrize("name", sorted(MADE))
def test_query_agrees_with_the_oracle(bench: Bench, name: str) -> None:
    measure = MEASURES[name]

    @settings(max_examples=25, deadline=None)
    @given(trial=trials(name))
    def agree(trial: Trial) -> None:
        rows = trial.rows(name)
        bench.fill(rows)
        seen = _observe(bench, measure, trial)
        assert _by_grain(measure, seen) == _by_grain(measure, _by_hand(measure, rows, trial))
        leading = bench.leading_rows(measure, as_of=trial.as_of, from_date=trial.from_date)
        for reading_id in trial.readings:
            assert sum(o["source_rows"] for o in seen if o["reading_id"] == reading_id) == leading

    agree()


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_rows_tell_the_readings_apart(bench: Bench, name: str) -> None:
    """The test above proves nothing about a word that changes nothing, or a reason that never occurs."""
    measure = MEASURES[name]
    unmoved = set(every_reading(measure)) - {"default"}
    unseen: set[Any] = {None, *measure.header.reasons}
    for seed in range(60):
        from_date, as_of = MADE[name][1][seed % len(MADE[name][1])]
        trial = Trial(seed, 40, from_date, as_of, {}, every_reading(measure))
        bench.fill(trial.rows(name))
        seen = _observe(bench, measure, trial)
        unseen -= {o["reason"] for o in seen}
        counts = {
            reading_id: sorted(
                (str(o["reason"]), str(o["numerator"]), str(o["denominator"]), o["is_known"])
                for o in seen
                if o["reading_id"] == reading_id
            )
            for reading_id in trial.readings
        }
        unmoved = {reading_id for reading_id in unmoved if counts[reading_id] == counts["default"]}
        if not unmoved and not unseen:
            break
    assert not unmoved, f"{name}: no row tells these readings from the default"
    assert not unseen, f"{name}: no row has these reasons"


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_order_of_rows_does_not_matter(bench: Bench, name: str) -> None:
    measure = MEASURES[name]

    @settings(max_examples=10, deadline=None)
    @given(trial=trials(name))
    def same(trial: Trial) -> None:
        rows = trial.rows(name)
        mixed = {table: Random(trial.seed).sample(lines, len(lines)) for table, lines in rows.items()}
        answers = []
        for content in (rows, mixed):
            bench.fill(content)
            answers.append(_by_grain(measure, _observe(bench, measure, trial)))
        assert answers[0] == answers[1]

    same()


@pytest.mark.parametrize("name", [name for name, m in MEASURES.items() if m.header.leading[0].together_by])
def test_parts_sum_to_the_whole(bench: Bench, name: str) -> None:
    """What together_by says: no row of one part has to do with a row of another."""
    measure, ask = MEASURES[name], asked(bench.con)
    columns = TABLES[measure.header.leading[0].table].columns

    @settings(max_examples=25, deadline=None)
    @given(trial=trials(name), parts=st.integers(2, 5))
    def same(trial: Trial, parts: int) -> None:
        bench.fill(trial.rows(name))
        given = {n: p.default for n, p in measure.header.parameters.items()} | dict(trial.parameters)
        scan = Scan(name, Days(trial.from_date, trial.as_of), tuple(given.items()))
        readings = sorted({tuple((measure.defaults | dict(words)).items()) for words in trial.readings.values()})

        def counted(parts: int, within: Days | None = None) -> Scanned | str:
            try:
                return run_scan(ask, measure, scan, readings, parts_of(measure, columns, parts, within))
            except MaalError as error:  # rows without a queue
                return str(error)

        assert counted(parts) == counted(1)
        if measure.header.months:  # and no row outside the window has to do with one that belongs to it
            assert counted(parts, scan.days) == counted(1, scan.days) == counted(1)

    same()


@pytest.mark.parametrize("name", [name for name, m in MEASURES.items() if m.header.months])
def test_months_are_the_window(bench: Bench, name: str) -> None:
    """What months and placed_by say: the window decides nothing but which rows belong to it, and each month is a group's."""
    measure, ask = MEASURES[name], asked(bench.con)
    table = TABLES[measure.header.leading[0].table]

    @settings(max_examples=25, deadline=None)
    @given(trial=trials(name))
    def same(trial: Trial) -> None:
        bench.fill(trial.rows(name))
        given = {n: p.default for n, p in measure.header.parameters.items()} | dict(trial.parameters)
        scan = Scan(name, Days(trial.from_date, trial.as_of), tuple(given.items()))
        readings = sorted({tuple((measure.defaults | dict(words)).items()) for words in trial.readings.values()})
        known = {day: (rows, stamp) for day, rows, stamp in ask(stamps_sql(measure, table), {})}
        try:
            whole = run_scan(ask, measure, scan, readings)
        except MaalError:  # rows without a queue
            with pytest.raises(MaalError, match="have no queue"):
                for month in months_of(scan):
                    run_scan(ask, measure, month, readings)
            return
        months = [run_scan(ask, measure, month, readings) for month in months_of(scan)]
        assert together(scan, months) == whole
        assert apart(measure, whole, months_of(scan), known, readings) == months
        assert rows_of(scan.days, known) == whole.leading_rows

    same()


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_macro_answers_the_same(bench: Bench, name: str) -> None:
    """A macro's parameter silently takes the place of an unqualified column of the same name."""
    measure = MEASURES[name]
    from_date, as_of = MADE[name][1][0]
    bench.fill(MADE[name][0](Random(1), 40, from_date, as_of))
    for reading_id, options in every_reading(measure).items():
        plain = bench.observe(measure, as_of=as_of, from_date=from_date, readings={"a": options})
        macro = bench.observe_by_macro(measure, as_of=as_of, from_date=from_date, options=options)
        assert _by_grain(measure, macro) == _by_grain(measure, plain), reading_id


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_query_answers_with_the_declared_columns(bench: Bench, name: str) -> None:
    found, declared = bench.columns(MEASURES[name]), declared_columns(MEASURES[name])
    assert list(found) == list(declared)
    for column, kind in declared.items():
        if kind == "bigint or decimal":
            assert found[column] == "bigint" or found[column].startswith("decimal")
        else:
            assert found[column] == kind


def _observe(bench: Bench, measure: Measure, trial: Trial) -> list[Row]:
    return bench.observe(
        measure, as_of=trial.as_of, from_date=trial.from_date, parameters=trial.parameters, readings=trial.readings
    )


def _by_hand(measure: Measure, rows: Rows, trial: Trial) -> list[Row]:
    oracle = importlib.import_module(f"oracles.{measure.name}")
    return [
        observation | {"reading_id": reading_id}
        for reading_id, chosen in trial.readings.items()
        for observation in oracle.observations(
            rows,
            as_of=trial.as_of,
            from_date=trial.from_date,
            parameters=trial.parameters,
            options=measure.defaults | dict(chosen),
        )
    ]


def _by_grain(measure: Measure, observations: list[Row]) -> dict[tuple[Any, ...], Row]:
    found: dict[tuple[Any, ...], Row] = {}
    for observation in observations:
        key = (observation["reading_id"], *(observation[column] for column in measure.header.grain))
        assert key not in found, f"{measure.name}: two observations of {key}"
        found[key] = observation
    return found
