"""Text from outside on its way out: nothing runs in a spreadsheet, nothing moves a cursor, nothing turns the writing around."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_house import extract, house, table

from maalopfyldelse.printing import printable, spreadsheet_text
from pipelines.render import print_records

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    '@SUM(1+9)*cmd|" /C calc"!A0',
    '\t=HYPERLINK("http://x")',
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "＝1+1",
    '=IMPORTXML("http://x","//a")',
    "%0A-3+3+cmd",
    "-1-1",
    "+45 12 34 56 78=",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert spreadsheet_text(text)[:1] == "'"


@pytest.mark.parametrize(
    "text", ["", "12", "-12", "+3", "-1,5", "-1/3", "-1.234,5", "-12 %", "21/1234", "Ja", "1-2", "Ø = å", "2021-01-05"]
)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert spreadsheet_text(text) == text


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_no_text_begins_a_formula_or_acts(text: str) -> None:
    safe = spreadsheet_text(text)
    if safe[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        float(safe.replace(",", "").replace(".", "").replace("%", "").replace("/", ""))  # what is left is a number
    assert all(printable(c) == c for c in safe if c not in "\t\n")
    shown = printable(text)
    assert (len(shown), printable(shown)) == (len(text), shown)
    assert all(c == "?" or c == before for c, before in zip(shown, text, strict=True))


def test_printable_keeps_what_people_write() -> None:
    text = "Æblegrød – §12\u00a0stk. 2, ’citat’ 50 % €"
    assert printable(text) == text
    assert printable("a\x1b[31mb\u202ec\u2028d\ud800e\ufefff") == "a?[31mb?c?d?e?f"


def test_csv_and_workbooks_of_ours_hold_no_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    records = [{"file": text, "line": 1, "share": -1} for text in FORMULAS]
    print_records(records, "rejects", "csv")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))[1:]
    assert all(row[0].startswith("'") and row[1:] == ["1", "-1"] for row in rows)
    assert len(rows) == len(FORMULAS)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet()
    for line, text in enumerate(FORMULAS):
        page.write_string(line, 0, spreadsheet_text(text))
    book.close()
    cells = [row[0] for row in openpyxl.load_workbook(out).active.iter_rows()]
    assert {cell.data_type for cell in cells} == {"s"}


WORDS = ["'); drop table things; --", '"; select 1', "$(reboot)", "{{7*7}}", "\\'", "%s%n", "';attach 'x' as y;--"]


@pytest.mark.parametrize("word", WORDS)
def test_sql_in_values_headings_and_codes_is_text(word: str) -> None:
    """As a value, as the heading of a column that is read, ignored and unknown, and as a word of the contract."""
    t = table({"id": "varchar", "kind": {"type": "varchar", "values": ["x"]}})
    cell = '"' + word.replace('"', '""') + '"'
    contract = extract({"id": word, "kind": {"from": "kind", "codes": {word: "x"}}}, layout={"ignore": [f"{word} 2"]})
    with house(t, contract) as h:
        delivery = h.take_one(f'{cell},kind,{cell[:-1]} 2"\n{cell},{cell},y\n,{cell},y\n')
        assert (delivery.rows_kept, h.rows("id, kind")) == (1, [(word, "x")]), delivery.message
        assert h.faults() == [(3, "MISSING_VALUE", word)]
        wrong = h.take_one(f"{cell},kind,other {cell[1:]}\n".replace("other ", '"other ') + "1,2,3\n", "second.csv")
        assert wrong.code == "UNMAPPED_COLUMN"


@pytest.mark.parametrize(
    "content", ["id,kind,\x1b[31mred\n1,x,2\n", "id,kind,\u202edlo\n1,x,2\n", "id,kind\n1,\x1b[31m\n2,\u202ex\n"]
)
def test_headings_and_codes_that_act_are_not_shown(content: str) -> None:
    t = table({"id": "varchar", "kind": {"type": "varchar", "values": ["x"]}})
    with house(t, extract({"id": "id", "kind": "kind"})) as h:
        message = h.take_one(content).message or ""
        assert printable(message) == message
        assert "column no. 3 is not in the contract" in message or "'kind' has 2 words in 2 rows" in message
