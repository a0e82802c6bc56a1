"""Rows held against the shapes of rows before them: whatever the rows, each becomes the line that decoding makes of it, and the file's
paths are the same."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maalopfyldelse.contract import Limits
from maalopfyldelse.intake import jsonlines, jsonshapes
from maalopfyldelse.intake.faults import Refused
from maalopfyldelse.intake.jsonlines import Bounds, JsonLines, from_lines
from maalopfyldelse.intake.jsonshapes import PATIENCE, Shapes

texts = st.sampled_from(["", "a", "æ", "x\ty", 'say "a"', "a\\b", "[{", "null", "\u2028", "\x7f", "1"])
scalars = st.none() | st.booleans() | st.integers(-3, 2) | st.sampled_from([10**20, 0.5, -0.0, 1e30]) | texts
lists = st.lists(texts, max_size=2) | st.lists(st.integers(0, 1) | st.just([]), max_size=2)
inner = st.dictionaries(st.sampled_from(["a", "b", "a.b", 'q"']), scalars | lists, max_size=2)
rows = st.dictionaries(
    st.sampled_from(["id", "a", "b", "c", "ø"]), scalars | lists | inner | st.lists(inner, max_size=1), max_size=4
)
written = st.builds(
    lambda row, compact, ascii_only: json.dumps(row, separators=(",", ":") if compact else (", ", ": "), ensure_ascii=ascii_only),
    rows,
    st.sampled_from([True, True, False]),
    st.booleans(),
)
pieces = st.sampled_from(
    ["", "0", "-", "1.5", "e1", '"', ",", '"a":1,', "null", "]", "[", "{", "}", " ", "\t", "\\", "\\u0041", "\x01"]
)


@st.composite
def lines(draw: Any) -> list[str]:
    """Few rows, each several times: as it is, with other values in place of its own, or with a piece of it changed."""
    few = draw(st.lists(written, min_size=1, max_size=3))
    made = []
    for _ in range(draw(st.integers(2, 12))):
        text = draw(st.sampled_from(few))
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(text)))
            piece = draw(pieces)
            text = text[:at] + piece + text[at + draw(st.integers(0, 2)) :]
        made.append(text.strip(" \t\r\n"))
    return [line.replace("\n", " ") for line in made]


class _NoShapes(Shapes):
    def learn(self, text: str) -> None:
        pass


def lines_of(folder: Path, text: str, limits: Limits, shapes: type[Shapes]) -> tuple[bytes, JsonLines] | str:
    """What a file's rows become, in pieces of few characters."""
    path, made = folder / "rows.json", folder / "made.json"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonlines, "_CHUNK", 40)
        patch.setattr(jsonlines, "Shapes", shapes)
        patch.setattr(jsonshapes, "PRICE", 0)
        try:
            found = from_lines(SimpleNamespace(path=path), made, Bounds(limits, ["a.a"]))  # type: ignore[arg-type]
        except Refused as refused:
            return f"{refused.code} {refused.line}"
        return made.read_bytes(), found


@given(
    made=lines(),
    depth=st.integers(1, 4) | st.just(64),
    longest=st.integers(20, 60) | st.just(1_000),
    ends=st.sampled_from(["\n", "\n", "\r\n", " \n", "\n\n"]),
    last=st.sampled_from(["", "\n"]),
)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shapes_change_nothing(tmp_path: Path, made: list[str], depth: int, longest: int, ends: str, last: str) -> None:
    text, limits = ends.join(made) + last, Limits(max_depth=depth, max_columns=12, max_line_bytes=longest)
    assert lines_of(tmp_path, text, limits, Shapes) == lines_of(tmp_path, text, limits, _NoShapes)


@pytest.mark.parametrize(
    ("row", "alike", "other"),
    [
        (
            '{"id":1,"tags":["a"],"m":{"at":"x","ok":true}}',
            ['{"id":-20,"tags":[],"m":{"at":"","ok":false}}', '{"id":0,"tags":["æ","["],"m":{"at":"{","ok":true}}'],
            [
                '{"id":01,"tags":[],"m":{"at":"","ok":true}}',
                '{"id":1.5,"tags":[],"m":{"at":"","ok":true}}',
                '{"id":null,"tags":[],"m":{"at":"","ok":true}}',
                '{"id":1,"tags":[1],"m":{"at":"","ok":true}}',
                '{"id":1,"tags":[],"m":{"at":"\\\\n","ok":true}}',
                '{"id":1,"tags":[],"m":{"at":"","ok":true},"id":2}',
                '{"id":1,"tags":[],"m":{"at":"","ok":true}',
                '{"id":1,"tags":[],"m":{"at":"","ok":true}} ',
            ],
        ),
        ('{"a": null, "b": [1, 2]}', ['{"a": null, "b": [3, 4]}'], ['{"a": null, "b": [3]}', '{"a":null,"b":[3,4]}']),
    ],
)  # fmt: skip
def test_what_a_shape_holds(row: str, alike: list[str], other: list[str]) -> None:
    shapes = Shapes(64)
    shapes.learn(row)
    shapes.compile()
    assert [text for text in (row, *alike, *other) if holds(shapes, text)] == [row, *alike]


def holds(shapes: Shapes, row: str) -> bool:
    return shapes.run(f"{row}\n", 0) == len(row) + 1


def test_kinds_that_stood_at_a_place_may_stand_there_again() -> None:
    """Each place by itself; what never stood there may not."""
    shapes = Shapes(64)
    for row in ('{"a":null,"b":1,"c":["x"]}', '{"a":"x","b":null,"c":[]}'):
        shapes.learn(row)
    shapes.compile()
    assert holds(shapes, '{"a":null,"b":null,"c":[]}') and holds(shapes, '{"a":"y","b":2,"c":["y","z"]}')
    assert not holds(shapes, '{"a":1,"b":2,"c":[]}') and not holds(shapes, '{"a":"y","b":"2","c":[]}')
    assert not holds(shapes, '{"a":"y","b":2,"c":null}')


def test_many_rows_are_held_at_once_up_to_the_first_of_another_shape() -> None:
    shapes = Shapes(64)
    shapes.learn('{"a":1}')
    shapes.compile()
    text = '{"a":1}\n{"a":2}\n{"a":3.5}\n{"a":4}'
    assert (shapes.run(text, 0), shapes.run(text, 16), shapes.run(text, 26)) == (16, 16, 26)


def test_no_more_time_goes_into_compiling_than_into_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that leaves keys out at random has ever new shapes: to compile them each time took forty times as long as to read it."""
    compiled: list[int] = []
    monkeypatch.setattr(jsonshapes.re, "compile", lambda pattern: compiled.append(len(pattern)))
    shapes, random = Shapes(64), Random(1)
    rows = [
        json.dumps({f"key{n}": random.choice([None, "x", 1, True]) for n in range(20) if random.random() > 0.2})
        for _ in range(20_000)
    ]
    for row in rows:
        shapes.learn(row)
    assert compiled and sum(compiled) * jsonshapes.PRICE < 10 * sum(map(len, rows))


def test_a_file_that_teaches_nothing_is_only_decoded() -> None:
    shapes = Shapes(64)
    for _ in range(PATIENCE + 1):
        shapes.learn('{"a":1.5}')
    shapes.learn('{"a":1}')
    shapes.compile()
    assert not holds(shapes, '{"a":1}')


def test_a_file_of_ever_new_keys_is_read_without_ever_more_shapes() -> None:
    shapes = Shapes(64)
    for n in range(1_000):
        shapes.learn(f'{{"key{n}":1}}')
    shapes.compile()
    assert holds(shapes, '{"key31":2}') and not holds(shapes, '{"key32":2}')


def test_a_long_row_is_not_learned() -> None:
    """Its shape would take longer to compile than many rows to decode."""
    shapes, row = Shapes(64), json.dumps({"a": list(range(1_000))})
    shapes.learn(row)
    shapes.compile()
    assert not holds(shapes, row)
