"""Rows held against the shapes of rows before them: whatever the rows, each becomes the line that decoding makes of it, and the file's
paths are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maalopfyldelse.contract import Limits
from maalopfyldelse.intake.faults import Refused
from maalopfyldelse.intake.jsonlines import Bounds, _Decoder
from maalopfyldelse.intake.jsonshapes import Shapes

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
    return made


def decoded(made: list[str], depth: int, shapes: Shapes) -> tuple[list[str], list[tuple[str, ...]]] | str:
    decoder = _Decoder(Bounds(Limits(max_depth=depth, max_columns=12), ["a.a"]))
    decoder._shapes = shapes
    try:
        return [decoder.row(text, dict) for text in made], decoder.paths.found
    except Refused as refused:
        return str(refused)


class _NoShapes(Shapes):
    def learn(self, text: str) -> None:
        pass


@given(made=lines(), depth=st.integers(1, 4) | st.just(64))
@settings(max_examples=600, deadline=None)
def test_shapes_change_nothing(made: list[str], depth: int) -> None:
    assert decoded(made, depth, Shapes(depth)) == decoded(made, depth, _NoShapes(depth))


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
    assert [text for text in (row, *alike, *other) if shapes.hold(text)] == [row, *alike]


def test_a_file_of_ever_new_keys_is_read_without_ever_more_shapes() -> None:
    shapes = Shapes(64)
    for n in range(1_000):
        shapes.learn(f'{{"key{n}":1}}')
    assert shapes.hold('{"key31":2}') and not shapes.hold('{"key32":2}')


def test_a_long_row_is_not_learned() -> None:
    """Its shape would take longer to compile than many rows to decode."""
    shapes, row = Shapes(64), json.dumps({"a": list(range(1_000))})
    shapes.learn(row)
    assert not shapes.hold(row)
