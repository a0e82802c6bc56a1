"""Workbooks that mean harm: bombs, entities, macros, links, cells far apart, one long text in every cell."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hostile import CONTENT_TYPES, HEADER, MAIN, WITH_MACROS, sheet, taken_apart, workbook, written
from intake_house import extract, house, table

T = table({"id": "varchar"})
SHEET = "xl/worksheets/sheet1.xml"


def said(content: bytes, sheet: str | None = None, **limits: Any) -> tuple[str | None, str, list[Any]]:
    given = {"max_set_aside_share": 1, "min_rows": 0, **limits}
    with house(T, extract({"id": "id"}, format={"type": "xlsx", "sheet": sheet}, limits=given)) as h:
        delivery = h.take_one(content, "bad.xlsx")
        rows = h.rows("id") if delivery.state == "stored" else []
        return delivery.code, delivery.message or "", [row[0] for row in rows]


def test_the_small_workbook_itself_is_good() -> None:
    assert said(workbook()) == (None, "", ["1"])


ENTITIES = '<!DOCTYPE x [<!ENTITY a "{}">]>'
LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 20)) + "]>"
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("billion laughs", {SHEET: LAUGHS + sheet('<row r="2"><c r="A2" t="inlineStr"><is><t>&a19;</t></is></c></row>')}, "XML_ENTITIES"),
    ("in the strings", {"xl/sharedStrings.xml": LAUGHS + f"<sst {MAIN}><si><t>&a19;</t></si></sst>"}, "XML_ENTITIES"),
    ("in the styles", {"xl/styles.xml": ENTITIES.format("x") + f"<styleSheet {MAIN}/>"}, "XML_ENTITIES"),
    ("in the types", {"[Content_Types].xml": ENTITIES.format("x") + CONTENT_TYPES}, "XML_ENTITIES"),
    ("another file", {"xl/workbook.xml": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><workbook>&a;</workbook>'}, "XML_ENTITIES"),
    ("another schema", {SHEET: '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">' + sheet("")}, "XML_ENTITIES"),
    ("macros", {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"}, "MACROS"),
    ("macros, spelled otherwise", {"xl\\VBAproject.BIN": b"\xd0\xcf\x11\xe0"}, "MACROS"),
    ("old macros", {"xl/macrosheets/sheet1.xml": "<xm:macrosheet/>"}, "MACROS"),
    ("external links", {"xl/externalLinks/externalLink1.xml": "<externalLink/>"}, "EXTERNAL_LINKS"),
    ("cut XML", {SHEET: sheet("")[:-5]}, "BROKEN_WORKBOOK"),
    ("in no encoding of ours", {SHEET: sheet("").encode("utf-16")[5:]}, "BROKEN_WORKBOOK"),
    ("no such row", {SHEET: sheet('<row r="2"><c r="A9999999"/></row>')}, "BROKEN_WORKBOOK"),
    ("no such column", {SHEET: sheet('<row r="2"><c r="ZZZ1"/></row>')}, "BROKEN_WORKBOOK"),
    ("no cell", {SHEET: sheet('<row r="2"><c r="1A"/></row>')}, "BROKEN_WORKBOOK"),
    ("a sheet outside", {"xl/_rels/workbook.xml.rels": '<r><Relationship Id="rId1" Target="../../../etc/passwd"/></r>'}, "BROKEN_WORKBOOK"),
    ("no sheets", {"xl/workbook.xml": f"<workbook {MAIN}><sheets/></workbook>"}, "BROKEN_WORKBOOK"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "code"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_what_a_workbook_must_not_carry_refuses_it(parts: dict[str, Any], code: str) -> None:
    found, message, _ = said(workbook(parts))
    assert found == code, message
    assert message.startswith("bad.xlsx: ")
    assert message.endswith("deliver it again.") or "Save it anew" in message


def test_a_workbook_with_macros_is_refused_by_what_it_says_it_is() -> None:
    assert said(workbook(types=WITH_MACROS))[0] == "MACROS"


def test_what_is_not_read_does_no_harm() -> None:
    """A sheet that is not asked for, a drawing, a printer's settings: they are not unpacked."""
    other = sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    kept = {
        "xl/worksheets/sheet2.xml": LAUGHS + other,
        "xl/drawings/drawing1.xml": LAUGHS,
        "xl/media/image1.png": bytes(10_000_000),
    }
    assert said(workbook(kept), max_workbook_bytes=100_000) == (None, "", ["1"])


CELLS = [
    ("far below", sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
    ("far to the right", sheet('<row r="900000"><c r="A900000"/></row><row r="2"><c r="ZZ2"><v>1</v></c></row>')),
    ("single quotes", sheet("<row r='1048576'><c s='1'\n r='XFD1048576'><v>1</v></c></row>")),
    ("by prefix", sheet("").replace("<sheetData>", '<sheetData><x:row xmlns:x="' + MAIN[7:-1] + '" r="9"><x:c r="XFD999999"/></x:row>')),
    ("written as numbers", sheet('<row r="1048576"><c r="&#88;&#70;D1048576"><v>1</v></c></row>')),
    ("without places", sheet('<row r="1048575"/><row>' + "<c/>" * 16_000 + "</row>")),
    ("row after row", sheet("<row/>" * 200_000 + "<row>" + "<c/>" * 100 + "</row>")),
]  # fmt: skip


@pytest.mark.parametrize("page", [c[1] for c in CELLS], ids=[c[0] for c in CELLS])
def test_cells_far_apart_are_refused_before_a_rectangle_is_laid_around_them(page: str) -> None:
    code, message, _ = said(workbook({SHEET: page}))
    assert (code, "limits.max_cells" in message) == ("TOO_LARGE", True), message


def test_a_sheet_may_claim_what_it_does_not_hold() -> None:
    page = sheet('<row r="2"><c r="A2"><v>1</v></c><c r="B2"/></row>', '<dimension ref="A1:XFD1048576"/>')
    assert said(workbook({SHEET: page})) == (None, "", ["1"])


def test_places_are_counted_as_the_reader_lays_them() -> None:
    """Written by hand in every allowed way, the cells are the same and the limit is met at the same cell."""
    plain = '<row r="2"><c r="A2"><v>1</v></c></row><row r="3"><c r="A3"><v>2</v></c><c r="C3"><v>9</v></c></row>'
    ways = [plain, plain.replace('"', "'"), plain.replace('<c r="A2">', "<c>"), plain.replace("<c r", '<c s="0" r')]
    for rows in ways:
        page = sheet(rows).replace(HEADER, HEADER.replace("</row>", '<c r="C1" t="inlineStr"><is><t>c</t></is></c></row>'))
        with house(T, extract({"id": "id"}, format={"type": "xlsx"}, layout={"ignore": ["c", ""]}, limits={"max_cells": 9})) as h:
            assert h.take_one(workbook({SHEET: page}), "bad.xlsx").rows_kept == 2
        assert said(workbook({SHEET: page}), max_cells=8)[0] == "TOO_LARGE"


def zeros(megabytes: int, before: bytes, piece: bytes, after: bytes) -> Iterator[bytes]:
    yield before
    block = piece * (2**20 // len(piece))
    for _ in range(megabytes):
        yield block
    yield after


BEFORE, AFTER = sheet("").encode().split(HEADER.encode())
BEFORE += HEADER.encode()


def test_a_text_that_a_million_cells_name_is_refused_by_what_it_comes_to() -> None:
    strings = f"<sst {MAIN}><si><t>id</t></si><si><t>{'x' * 30_000}</t></si></sst>"
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>1</v></c></row>' for n in range(2, 2_000))
    code, message, _ = said(workbook({SHEET: sheet(rows), "xl/sharedStrings.xml": strings}), max_workbook_bytes=50_000_000)
    assert (code, "with the text of its cells" in message) == ("TOO_LARGE", True)
    once = sheet(rows.replace("<v>1</v>", "<v>0</v>") + '<row r="5000"><c r="A5000" t="s"><v>1</v></c></row>')
    assert said(workbook({SHEET: once, "xl/sharedStrings.xml": strings}), max_workbook_bytes=50_000_000)[0] is None


SMALL = {"max_workbook_bytes": 50_000_000}
BOMBS: list[tuple[str, dict[str, Any], dict[str, int], str]] = [
    ("blanks in a sheet", {SHEET: (60, BEFORE, b" " * 1024, AFTER)}, SMALL, "refused TOO_LARGE None"),
    ("blanks in the styles", {"xl/styles.xml": (60, b"<s>", b" " * 1024, b"</s>")}, SMALL, "refused TOO_LARGE None"),
    ("one endless tag", {SHEET: (20, BEFORE + b"<c r=", b" " * 1024, b'"A1"/>' + AFTER)}, {}, "refused BROKEN_WORKBOOK None"),
    ("one endless comment", {"xl/styles.xml": (20, b"<s><!--", b" " * 1024, b"--></s>")}, {}, "refused BROKEN_WORKBOOK None"),
    ("one long text in every cell", {
        SHEET: sheet("".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 20_000))),
        "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>{'x' * 32_000}</t></si></sst>"}, {}, "refused TOO_LARGE None"),
    ("cells at both ends", {SHEET: CELLS[0][1]}, {}, "refused TOO_LARGE None"),
    ("many styles", {"xl/styles.xml": (
        4, f"<styleSheet {MAIN}><cellXfs>".encode(), b'<xf numFmtId="14"/>' * 5, b"</cellXfs></styleSheet>")}, {}, "stored None 1"),
    ("many shared texts", {"xl/sharedStrings.xml": (
        4, f"<sst {MAIN}>".encode(), b"<si><t>x</t></si>", b"</sst>")}, {}, "stored None 1"),
    ("many merged cells", {SHEET: (
        4, AFTER.join([BEFORE, b""]).replace(b"</worksheet>", b"<mergeCells>"), b'<mergeCell ref="A1:XFD1048576"/>',
        b"</mergeCells></worksheet>")}, {}, "stored None 0"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "limits", "answer"), [b[1:] for b in BOMBS], ids=[b[0] for b in BOMBS])
def test_a_bomb_takes_no_more_memory_than_its_answer_needs(parts: dict[str, Any], limits: dict[str, int], answer: str) -> None:
    made = {name: zeros(*part) if isinstance(part, tuple) else part for name, part in parts.items()}
    assert taken_apart(written(workbook(made)), "bad.xlsx", {"type": "xlsx"}, 150, **limits) == answer


# -- the zip around it --------------------------------------------------------------------------------------------------


def patched(content: bytes, name: str, **fields: int) -> bytes:
    """The workbook with fields of one part's entry in the directory changed: size, flags or method."""
    at = content.rindex(name.encode()) - 46
    places = {"flags": (8, "<H"), "method": (10, "<H"), "size": (24, "<I"), "offset": (42, "<I")}
    changed = bytearray(content)
    for field, value in fields.items():
        place, form = places[field]
        struct.pack_into(form, changed, at + place, value)
    return bytes(changed)


@pytest.mark.parametrize("fields", [{"size": 10}, {"flags": 1}, {"method": 12}, {"method": 99}, {"offset": 2**31}])
def test_a_directory_that_lies_is_damage(fields: dict[str, int]) -> None:
    assert said(patched(workbook(), SHEET, **fields))[0] == "BROKEN_WORKBOOK"


def test_a_part_that_stands_twice_is_damage() -> None:
    out = io.BytesIO(workbook())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("XL/worksheets/SHEET1.xml", sheet('<row r="2"><c r="A2"><v>666</v></c></row>'))
    assert said(out.getvalue())[0] == "BROKEN_WORKBOOK"


def test_a_directory_without_end_is_refused_before_it_is_read() -> None:
    out = io.BytesIO(workbook())
    with zipfile.ZipFile(out, "a") as archive:
        for n in range(11_000):
            archive.writestr(f"x{n}", b"")
    code, message, _ = said(out.getvalue())
    assert (code, "more than 10000 parts" in message) == ("TOO_LARGE", True)


@pytest.mark.parametrize(
    "content", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), b"PK\5\6" + bytes(18), b"PK\3\4" * 1000, b"<html/>"]
)
def test_what_is_no_workbook_says_so(content: bytes) -> None:
    assert said(content)[0] in ("BROKEN_WORKBOOK", "NOT_ONE_FILE")
