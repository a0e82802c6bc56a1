"""JSON in its forms: documents with an array of rows, lists under names, lines; read strictly, no digit lost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from intake_house import extract, house, table

T = table({"id": "varchar", "amount": "decimal(38,20)?", "text": "varchar?"})
C = {"id": "id", "amount": {"from": "deep.amount", "decimal": "."}, "text": "t"}
JSON = {"type": "json"}


def one(content: str | bytes, **form: Any) -> tuple[str | None, str | None, list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """State or code, message, rows and faults of one document."""
    with house(T, extract(C, format={**JSON, **form}, limits={"max_set_aside_share": 1, "min_rows": 0})) as h:
        delivery = h.take_one(content, "x.json")
        rows = h.rows("id, amount, text") if delivery.state == "stored" else []
        assert list(h.home.tmp.iterdir()) == []
        return delivery.code or delivery.state, delivery.message, rows, h.faults()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_objects(encoding: str, indent: int | None) -> None:
    rows = [{"id": n, "deep": {"amount": f"{n}.5"}, "t": 'æ\n\u2028\\ "q"'} for n in range(3)]
    code, message, found, _ = one(
        json.dumps(rows, indent=indent, ensure_ascii=False).encode(encoding), encodings=["utf-8", "utf-16"]
    )
    assert code == "stored", message
    assert found == [(str(n), Decimal(n) + Decimal("0.5"), 'æ\n\u2028\\ "q"') for n in range(3)]


def test_a_path_leads_to_the_array_whatever_stands_around_it() -> None:
    around = {
        "a": [1, {"data": [9]}],
        "data": {"x": {"rows": 1}, "rows": [{"id": "1", "deep": {"amount": 1}, "t": None}]},
        "z": -1e5,
    }
    assert one("\ufeff" + json.dumps([7, around, {}], indent=1) + "\n\n", rows="1.data.rows")[2] == [("1", Decimal(1), None)]


def test_rows_that_are_lists_have_their_names_elsewhere() -> None:
    rows = '[["1", 2.50, "x"], ["2", null, "y", 4], {"id": 3}, ["4", "5", null]]'
    places = {"id": "id", "amount": "Antal", "text": "t"}
    for document, form in (
        (f'{{"columns": ["id", "Antal", "t"], "rows": {rows}}}', {"rows": "rows", "names": "columns"}),
        (f'{{"rows": {rows}, "columns": ["id", "Antal", "t"]}}', {"rows": "rows", "names": "columns"}),
        (f'[{{"Data": {rows}, "V": [{{"L": "id"}}, {{"L": "Antal"}}, {{"L": "t"}}]}}]', {"rows": "0.Data", "names": "0.V.*.L"}),
    ):
        with house(T, extract({**places, "amount": "Antal"}, format={**JSON, **form})) as h:
            delivery = h.take_one(document, "x.json")
            assert (delivery.rows_read, delivery.rows_kept) == (4, 2), delivery.message
            assert h.rows("id, amount, text") == [("1", Decimal("2.5"), "x"), ("4", Decimal(5), None)]
            assert h.faults() == [(2, "FIELD_COUNT", None), (3, "BAD_JSON", None)]


def test_names_are_held_against_the_contract() -> None:
    for names, code in (
        ('["id", "Antal", "t", "more"]', "UNMAPPED_COLUMN"),
        ('["id", "t"]', "MISSING_COLUMN"),
        ('["id", "Antal", "t", "id"]', "DUPLICATE_COLUMN"),
        ('["id", "Antal", null]', "BAD_JSON"),
        ('{"id": 1}', "BAD_JSON"),
        ("[]", "BAD_JSON"),
    ):
        form = {**JSON, "rows": "rows", "names": "columns"}
        with house(T, extract({"id": "id", "amount": "Antal", "text": "t"}, format=form)) as h:
            assert h.take_one(f'{{"rows": [["1", "2", "3"]], "columns": {names}}}', "x.json").code == code, names


EXACT = [
    "12345678901234567.12345678901234567891",
    "0.10000000000000000001",
    "100000000000000000.5",
    "0.00000000000000000001",
    "-0.5",
    "99999999999999999",
]


@pytest.mark.parametrize("kind", ["ndjson", "json"])
def test_no_digit_is_lost(kind: str) -> None:
    lines = [f'{{"id":"{n}","deep":{{"amount":{text}}},"t":123456789012345678901234567890}}' for n, text in enumerate(EXACT)]
    content = "\n".join(lines) + "\n" if kind == "ndjson" else f"[{','.join(lines)}]"
    code, message, rows, faults = one(content, type=kind)
    assert (code, faults) == ("stored", []), message
    assert [row[1] for row in rows] == [Decimal(text) for text in EXACT]
    assert {row[2] for row in rows} == {"123456789012345678901234567890"}


def test_rows_that_are_not_strict_json_are_set_aside_from_lines() -> None:
    good = '{"id":"%d","deep":{"amount":1},"t":"x"}'
    wrong = [
        ('{"id":"2","deep":{"amount":1},"t":"x","id":"3"}', "DUPLICATE_KEY"),
        ('{"id":"3","deep":{"amount":1,"amount":2},"t":"x"}', "DUPLICATE_KEY"),
        ('{"id":"4","deep":{"amount":NaN},"t":"x"}', "BAD_JSON"),
        ('{"id":"5","deep":{"amount":1},"t":"x",}', "BAD_JSON"),
        ('{"id":"6","deep":{"amount":1},"t":"\\ud800"}', "BAD_JSON"),
        ('{"id":"7","deep":{"amount":1},"t":"a\tb"}', "BAD_JSON"),
        ('{"id":"8","deep":{"amount":1},"t":"x"} {}', "BAD_JSON"),
        ('{"id":"9","deep":{"amount":1},"t":' + "[" * 500 + "]" * 500 + "}", "BAD_JSON"),
        ("[]", "BAD_JSON"),
        ("!DUPLICATE_KEY", "BAD_JSON"),
    ]
    content = "\n".join([good % 1, *(line for line, _ in wrong), "", good % 99]) + "\n"
    code, message, rows, faults = one(content, type="ndjson")
    assert code == "stored", message
    assert [row[0] for row in rows] == ["1", "99"]
    assert faults == [(n, code, None) for n, (_, code) in enumerate(wrong, 2)]


def test_elements_that_are_not_rows_are_set_aside_by_their_place() -> None:
    elements = ['{"id":1,"deep":{"amount":1},"t":"x"}', "17", '{"id":2,"t":"x","t":"y"}', "[1]", '{"id":3,"deep":{},"t":null}']
    code, message, rows, faults = one("[" + ",\n\n".join(elements) + "]")
    assert code == "stored", message
    assert [row[0] for row in rows] == ["1", "3"]
    assert faults == [(2, "BAD_JSON", None), (3, "DUPLICATE_KEY", None), (4, "BAD_JSON", None)]


ROW = '{"id":1,"deep":{"amount":1},"t":"x"}'
BROKEN: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("cut in a row", f'[{ROW},\n{{"id":2,"de', {}, "CUT_FILE", "line 2: the JSON document has no end"),
    ("cut in a text", f'[{ROW},\n{{"id":"2', {}, "CUT_FILE", "line 2: the JSON document has no end"),
    ("cut between rows", f"[{ROW},\n", {}, "CUT_FILE", "line 2: the JSON document has no end"),
    ("cut at the end", f"[{ROW}\n", {}, "CUT_FILE", "the JSON document has no end"),
    ("comma at the end", f"[{ROW},\n]", {}, "BAD_JSON", "line 2: the text is not JSON here"),
    ("no comma", f"[{ROW}\n{ROW}]", {}, "BAD_JSON", "line 2: the text is not JSON here: ',' should stand here"),
    ("something behind", f"[{ROW}]\n[]", {}, "BAD_JSON", "line 2: something follows the end"),
    ("lines", f"{ROW}\n{ROW}\n", {}, "BAD_JSON", "line 1: the contract expects an array"),
    ("no array there", f'{{"data":{ROW}}}', {"rows": "data"}, "BAD_JSON", "the contract expects an array"),
    ("nothing there", f'{{"date":[{ROW}]}}', {"rows": "data"}, "BAD_JSON", "no array at 'data' (rows: in the contract)"),
    ("twice there", f'{{"data":[{ROW}],"data":[]}}', {"rows": "data"}, "DUPLICATE_KEY", "a key stands twice"),
    ("an object's key", f"{{data:[{ROW}]}}", {"rows": "data"}, "BAD_JSON", "the text is not JSON here"),
    ("very deep", "[" * 100_000, {}, "BAD_JSON", "the text is not JSON here"),
    ("very deep elsewhere", '{"a":' + '{"a":' * 100_000, {"rows": "data"}, "BAD_JSON", "nested"),
    ("blank", " \n \n", {}, "BAD_JSON", "the contract expects an array"),
    ("empty array", "[]", {}, "BAD_JSON", "no row is a JSON object"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "form", "code", "message"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_document_that_does_not_hold_is_refused(content: str, form: dict[str, Any], code: str, message: str) -> None:
    said = one(content, **form)
    assert (said[0], message in (said[1] or "")) == (code, True), said


def test_a_row_longer_than_a_row_can_be_is_refused() -> None:
    said = one('[{"id":"' + "x" * 40_000_000 + '"}]')
    assert said[0] == "LINE_TOO_LONG"
    assert "limits.max_line_bytes" in (said[1] or "")


def test_a_large_document_is_read_in_pieces_and_numbers_at_their_seams_are_whole() -> None:
    rows = 30_000
    content = '{{"pad": [{}], "data": ['.format(",".join(["123456789"] * 200_000))
    content += ",".join(f'{{"id":{n},"deep":{{"amount":{n}}},"t":"{"x" * (n % 50)}"}}' for n in range(rows)) + "]}"
    with house(T, extract(C, format={**JSON, "rows": "data"})) as h:
        assert h.take_one(content, "x.json").rows_kept == rows
        assert h.rows("count(*), sum(cast(id as bigint)), sum(amount), sum(length(text))") == [
            (rows, rows * (rows - 1) // 2, Decimal(rows * (rows - 1) // 2), sum(n % 50 for n in range(rows)))
        ]


def test_keys_with_dots_are_found_and_never_mixed_up() -> None:
    columns = {"id": "id", "amount": "Gns. antal", "text": "a.b"}
    with house(T, extract(columns, format=JSON)) as h:
        h.take_one('[{"id": 1, "Gns. antal": 2, "a": {"b": "x"}}]', "x.json")
        assert h.rows("id, amount, text") == [("1", Decimal(2), "x")]
    with house(T, extract(columns, format=JSON)) as h:
        assert h.take_one('[{"id": 1, "Gns. antal": 2, "a": {"b": "x"}, "a.b": "y"}]', "x.json").code == "DUPLICATE_COLUMN"


def test_a_star_in_a_path_is_no_pattern() -> None:
    with pytest.raises(ValueError, match="may not hold a star"):
        extract({"id": "id", "amount": "*", "text": "t"}, format=JSON)


def test_numbers_as_text_with_a_comma() -> None:
    comma = {**C, "amount": {"from": "deep.amount", "decimal": ",", "thousands": "."}}
    with house(T, extract(comma, format=JSON)) as h:
        h.take_one('[{"id": 1, "deep": {"amount": "1.234,50"}, "t": null}]', "x.json")
        assert h.rows("amount") == [(Decimal("1234.5"),)]
