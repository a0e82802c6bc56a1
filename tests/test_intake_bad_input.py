"""Every bad file is answered with a code and a message that names file, line or column and the remedy; nothing of it is stored."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter
from intake_house import House, extract, house, table

from maalopfyldelse.errors import CallerError

T = table(
    {"id": "varchar", "amount": "integer?", "day": "date?", "kind": {"type": "varchar", "required": False, "values": ["x", "y"]}}
)
C = {"id": "id", "amount": "amount", "day": {"from": "day", "format": "%d-%m-%Y"}, "kind": "kind"}
HEAD = "id,amount,day,kind\n"
GOOD = HEAD + "1,5,31-12-2020,x\n"


def refused(h: House, content: str | bytes, name: str = "things.csv") -> tuple[str | None, str]:
    delivery = h.take_one(content, name)
    assert delivery.state == "refused"
    assert delivery.store_path is None
    assert not list(h.home.store.rglob("*.parquet"))
    assert not list(h.home.tmp.rglob("*.parquet"))
    assert delivery.message and delivery.message.startswith(name)
    assert h.ledger.blocking(["things_csv"])[0].code == delivery.code
    return delivery.code, delivery.message


def test_a_good_file_is_stored() -> None:
    with house(T, extract(C)) as h:
        delivery = h.take_one(GOOD)
        assert (delivery.state, delivery.rows_read, delivery.rows_kept, delivery.rows_set_aside) == ("stored", 1, 1, 0)
        assert h.rows("id, amount, day, kind, delivery_id") == [("1", 5, date(2020, 12, 31), "x", delivery.delivery_id)]
        assert h.ledger.blocking(["things_csv"]) == []


FILES: list[tuple[str, bytes, str, str]] = [
    ("missing column", b"id,amount,dag,kind\n1,5,,x\n", "MISSING_COLUMN", "line 1: column 'day' is missing (did you mean 'dag'?"),
    ("unmapped column", b"id,amount,day,kind,remark\n1,5,,x,z\n", "UNMAPPED_COLUMN", "line 1: column 'remark' is not in the contract"),
    ("no header", b"0101701234,5,31-12-2020,x\n", "MISSING_COLUMN", "column no. 1 is not in the contract"),
    ("column twice", b"id,amount,day,kind,id\n1,5,,x,2\n", "DUPLICATE_COLUMN", "line 1: column 'id' stands twice"),
    ("wrong encoding", GOOD.encode() + "2,6,,ø\n".encode("latin-1"), "WRONG_ENCODING", "not UTF-8 (line 3)"),
    ("nul byte", GOOD.encode() + b"2\0,6,,x\n", "CONTROL_CHARACTER", "line 3: the text holds a NUL"),
    ("empty", b"", "EMPTY_FILE", "line 1: the file is empty"),
    ("only a mark", b"\xef\xbb\xbf", "EMPTY_FILE", "line 1: the file is empty"),
    ("blank header", b"\n\n", "EMPTY_FILE", "line 1: no header stands here"),
    ("cut in a line", GOOD.encode() + b"2,6", "CUT_FILE", "line 3: the last line does not end"),
    ("cut between fields", GOOD.encode() + b"2,6\n", "CUT_FILE", "line 3: the last line has fewer fields"),
    ("cut in a quote", GOOD.encode() + b'2,6,,"x\n', "CUT_FILE", "line 3: a quote opens here and never closes"),
    ("stray quote", GOOD.encode() + b'"2"0,6,,x\n3,6,,x\n', "STRAY_QUOTE", "line 3: a quote stands inside a value"),
    ("mixed line ends", GOOD.encode() + b"2,6,,x\r\n3,6,,x\n", "MIXED_LINE_ENDS", "the lines end in different ways"),
    ("old line ends", GOOD.replace("\n", "\r").encode(), "MIXED_LINE_ENDS", "a lone carriage return"),
    ("unknown word", GOOD.encode() + b"2,6,,z\n3,6,,z\n", "UNKNOWN_CODE", "'kind' has a word in 2 rows, first on line 3 (known: x"),
    ("long line, plain", GOOD.encode() + b"i" * 2_100_000 + b",5,,x\n", "LINE_TOO_LONG", "a line is longer than a row can be"),
    (
        "long line of several cells",
        GOOD.encode() + b"i" * 1_100_000 + b",5,," + b"x" * 1_100_000 + b"\n3,6,,x\n",
        "LINE_TOO_LONG",
        "line 3: a line is longer than a row can be",
    ),
    ("long line", GOOD.encode() + b"2," + b"6" * 2_100_000 + b",,x\n", "LINE_TOO_LONG", "a line is longer than a row can be"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "message"), [f[1:] for f in FILES], ids=[f[0] for f in FILES])
def test_a_file_that_does_not_hold_is_refused(content: bytes, code: str, message: str) -> None:
    with house(T, extract(C)) as h:
        said = refused(h, content)
        assert said[0] == code
        assert message in said[1]


def test_an_unknown_word_is_told_by_its_lines_and_never_shown() -> None:
    with house(T, extract(C)) as h:
        words = ["0101701234", "Anna", "remark", "anna@example.dk", "x", "Anna", *"abc"]
        message = refused(h, HEAD + "".join(f"{n},,,{word}\n" for n, word in enumerate(words)))[1]
        assert not any(word in message for word in words[:4])
        assert "'kind' has 7 words in 8 rows, on lines 2, 3, 4, 5, 8, … (known: x" in message


def test_all_faults_are_told_in_one_pass_with_their_lines() -> None:
    with house(T, extract(C)) as h:
        rows = [
            "1,5,31-12-2020,x",
            "2,x,31-02-2020,x",
            ",7,,y",
            '4,"1',
            '2",,x',
            "5,6,,x,9",
            "6,1.5,,",
            "7,99999999999,,",
            "8,1,,x",
        ]
        delivery = h.take_one(HEAD + "\n".join(rows) + "\n")
        assert (delivery.rows_read, delivery.rows_kept, delivery.rows_set_aside) == (8, 2, 6)
        assert h.faults() == [
            (3, "NOT_A_DATE", "day"),
            (3, "NOT_A_NUMBER", "amount"),
            (4, "MISSING_VALUE", "id"),
            (5, "NOT_A_NUMBER", "amount"),
            (7, "FIELD_COUNT", None),
            (8, "NOT_A_NUMBER", "amount"),
            (9, "NUMBER_OUT_OF_RANGE", "amount"),
        ]
        messages = {r.code: r.message for r in h.ledger.rejects()}
        assert messages["NOT_A_DATE"] == "'day' is not a date of the form %d-%m-%Y."
        assert h.rows("id") == [("1",), ("8",)]


def test_blank_lines_are_no_rows_but_count_as_lines() -> None:
    with house(T, extract(C)) as h:
        delivery = h.take_one(HEAD + "\n1,5,,x\n\n\n2,b,,x\n\n")
        assert (delivery.rows_read, delivery.rows_set_aside) == (2, 1)
        assert h.faults() == [(6, "NOT_A_NUMBER", "amount")]


def test_on_unknown_set_aside_keeps_the_rest() -> None:
    kind = {"from": "kind", "codes": {"Æble": "x", "": "y"}, "on_unknown": "set_aside", "no_value": []}
    with house(T, extract({**C, "kind": kind})) as h:
        delivery = h.take_one(HEAD + "1,,, Æble \n2,,,æble\n")
        assert (delivery.rows_kept, h.faults()) == (1, [(3, "UNKNOWN_CODE", "kind")])


def test_reordered_columns_are_the_same_file() -> None:
    with house(T, extract(C)) as h:
        h.take_one("kind,day,id,amount\nx,31-12-2020,1,5\n")
        assert h.rows("id, amount, day, kind") == [("1", 5, date(2020, 12, 31), "x")]


def test_limits_refuse_the_delivery_whole_and_keep_its_faults() -> None:
    with house(T, extract(C, limits={"max_set_aside_share": 0.3, "min_rows": 3})) as h:
        code, message = refused(h, HEAD + "1,a,,x\n2,b,,x\n3,1,,x\n")
        assert code == "TOO_MANY_SET_ASIDE"
        assert (
            "2 of 3 rows do not fit, more than the contract allows (30%): NOT_A_NUMBER in 'amount': 2 rows; first on line 2"
            in message
        )
        assert len(h.faults()) == 2
    with house(T, extract(C, limits={"min_rows": 3})) as h:
        assert refused(h, GOOD)[0] == "TOO_FEW_ROWS"
    with house(T, extract(C, limits={"max_bytes": 10})) as h:
        assert refused(h, GOOD)[0] == "TOO_LARGE"
    with house(T, extract(C, limits={"max_set_aside_share": 0.5, "max_set_aside_rows": 0})) as h:
        assert refused(h, GOOD + "2,x,,\n")[0] == "TOO_MANY_SET_ASIDE"


def test_a_delivery_superseding_by_period_needs_a_period_in_its_name() -> None:
    by_period = extract(C, superseding="period", period={"pattern": r"(?P<year>\d{4})"})
    with house(T, by_period) as h:
        code, message = refused(h, GOOD)
        assert code == "NO_PERIOD"
        assert "says no period" in message


@pytest.mark.parametrize("superseding", ["whole", "period"])
def test_two_files_of_one_period_in_one_arrival_are_both_refused(superseding: str) -> None:
    with house(T, extract(C, superseding=superseding, period={"pattern": r"(?P<year>\d{4})"})) as h:
        h.put("things_2020a.csv", GOOD)
        assert len(h.take().new) == 1
        h.put("things_2020b.csv", GOOD + "2,,,\n")
        report = h.take()
        assert {d.name: d.code for d in report.refused} == {
            "things_2020a.csv": "TWO_FILES_OF_ONE_PERIOD",
            "things_2020b.csv": "TWO_FILES_OF_ONE_PERIOD",
        }
        assert "things_2020a.csv and things_2020b.csv arrived together" in (report.refused[0].message or "")
        assert h.rows() == []
        assert len(h.ledger.blocking(["things_csv"])) == 2
        h.ledger.withdraw(report.refused[1].delivery_id, "wrong one", datetime.fromisoformat("2021-05-01T00:00:00+00:00"))
        assert h.rows("id") == [("1",)]
        assert h.ledger.blocking(["things_csv"]) == []
        # before the withdrawal both were refused, and they still were
        assert h.rows(known_at=datetime.fromisoformat("2021-04-20T00:00:00+00:00")) == []


def test_where_the_contract_keys_rows_two_files_in_one_arrival_are_fine() -> None:
    with house(T, extract(C, superseding="key")) as h:
        h.put("a.csv", GOOD)
        h.put("b.csv", HEAD + "2,,,\n")
        assert len(h.take().new) == 2
        assert h.rows("id") == [("1",), ("2",)]


def test_one_bad_file_does_not_stop_the_others() -> None:
    with house(T, extract(C, superseding="key")) as h:
        h.put("a.csv", b"")
        h.put("b.csv", GOOD)
        report = h.take()
        assert ([d.name for d in report.new], [d.name for d in report.refused]) == (["b.csv"], ["a.csv"])


# -- encodings and other layouts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings_are_tried_strictly_over_the_whole_file(encoding: str) -> None:
    declared = {"encodings": ["utf-8", "utf-16", "windows-1252"], "delimiter": ";"}
    with house(table({"id": "varchar", "year": "varchar?"}), extract({"id": "id", "year": "år"}, format=declared)) as h:
        text = "id;år\r\n1;Ærø€\r\n2;blåbær\r\n3;x;\r\n"
        mark = "\ufeff".encode("utf-16-le") if encoding == "utf-16-le" else b""
        delivery = h.take_one(mark + text.encode(encoding))
        assert delivery.state == "stored", delivery.message
        assert h.rows("id, year") == [("1", "Ærø€"), ("2", "blåbær"), ("3", "x")]


def test_text_is_kept_in_composed_form_and_headings_compare_so() -> None:
    with house(table({"id": "varchar"}), extract({"id": "år"})) as h:
        h.take_one("a\u030ar\nA\u030arhus\n")
        assert h.rows("id") == [("\u00c5rhus",)]


def test_the_layout_whose_columns_fit_is_taken() -> None:
    e = extract({"id": "id"})
    second = e.layouts[0].model_copy(update={"id": "new", "columns": extract({"id": "nr"}).layouts[0].columns})
    with house(table({"id": "varchar"}), e.model_copy(update={"layouts": [e.layouts[0], second]})) as h:
        assert h.take_one("nr\n1\n").layout == "new"
        code, message = h.take_one("nummer\n2\n", "other.csv").code, h.ledger.deliveries()[0].message
        assert (code, "column" in (message or "")) == ("MISSING_COLUMN", True)


def test_quotes_line_breaks_and_other_dialects() -> None:
    form = {"delimiter": "\t", "quote": "'", "header_row": 2, "final_newline": False}
    with house(table({"id": "varchar", "text": "varchar?"}), extract({"id": "id", "text": "t"}, format=form)) as h:
        h.take_one("sep=tab\nid\tt\n1\t'a''b\nc'\n2\t\"q\"")
        assert h.rows("id, text") == [("1", "a'b\nc"), ("2", '"q"')]


# -- NDJSON -----------------------------------------------------------------------------------------------------------------

J = {
    "id": "id",
    "amount": "deep.amount",
    "day": {"from": "day", "format": "%Y-%m-%d"},
    "kind": {"from": "kind"},
    "tagged": {"from": "tags", "has_word": "spam"},
}
JT = table({**{k: v.model_dump() for k, v in T.columns.items()}, "tagged": "boolean"})
NDJSON = {"type": "ndjson"}


def json_house() -> Any:
    return house(JT, extract(J, format=NDJSON, layout={"ignore": ["deep.skip"], "personal": ["who"]}))


def test_ndjson_is_read_by_dotted_paths() -> None:
    with json_house() as h:
        delivery = h.take_one(
            '\ufeff{"id":12345678901234567890,"deep":{"amount":"7","skip":{"a":1}},"day":"2020-02-29","kind":"x","tags":["a","spam"]}\n'
            '\n{"id":"2","who":{"name":"Anna"},"deep":null,"day":null,"kind":"","tags":"no spam here"}\n'
            '{"id":"å","deep":{"amount":8},"tags":null}\n',
            "x.json",
        )
        assert delivery.rows_read == 3, delivery.message
        assert h.rows("id, amount, day, kind, tagged") == [
            ("12345678901234567890", 7, date(2020, 2, 29), "x", True),
            ("2", None, None, None, True),
            ("å", 8, None, None, False),
        ]


JSON_FILES: list[tuple[str, str, str, str]] = [
    ("unmapped key", '{"id":1,"deep":{"amount":1,"more":2},"day":null,"kind":"x","tags":[]}\n', "UNMAPPED_COLUMN", "'deep.more'"),
    ("missing key", '{"id":1,"deep":{"amount":1},"kind":"x","tags":[]}\n', "MISSING_COLUMN", "'day'"),
    ("no json", "id,amount\n1,2\n", "BAD_JSON", "one object a row"),
    ("cut", '{"id":1,"deep":{"amount":1},"day":null,"kind":"x","tags":[]}\n{"id":2,"de\n', "CUT_FILE", "line 2: the last line is not a whole"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "message"), [f[1:] for f in JSON_FILES], ids=[f[0] for f in JSON_FILES])
def test_ndjson_that_does_not_hold_is_refused(content: str, code: str, message: str) -> None:
    with json_house() as h:
        said = refused(h, content, "x.json")
        assert (said[0], message in said[1]) == (code, True), said


def test_a_broken_line_in_the_middle_is_set_aside() -> None:
    with json_house() as h:
        line = '{"id":%d,"deep":{"amount":1},"day":null,"kind":"x","tags":[]}\n'
        delivery = h.take_one(line % 1 + '{"id":2,\n[3]\n' + line % 4, "x.json")
        assert (delivery.rows_read, delivery.rows_kept) == (4, 2)
        assert h.faults() == [(2, "BAD_JSON", None), (3, "BAD_JSON", None)]


# -- workbooks --------------------------------------------------------------------------------------------------------------

X = {"id": "id", "amount": "amount", "day": {"from": "day", "format": ["%d-%m-%Y", "%Y-%m-%d"]}, "kind": "kind"}


def workbook(fill: Callable[[Any, Any], None], sheet: str = "Sager") -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet(sheet)
    page.write_row(0, 0, ["id", "amount", "day", "kind"])
    fill(book, page)
    book.close()
    return out.getvalue()


def xlsx_house(**layout: Any) -> Any:
    return house(T, extract(X, format={"type": "xlsx", "sheet": "Sager", **layout}))


def test_a_workbook_is_read_as_text() -> None:
    def fill(book: Any, page: Any) -> None:
        dates = book.add_format({"num_format": "dd-mm-yyyy"})
        page.write_row(1, 0, ["21/1234", 12])
        page.write_datetime(1, 2, datetime(2021, 1, 5), dates)
        page.write_row(3, 0, [17, "13", "06-01-2021", "x"])  # row 3 is blank
        page.write_row(4, 0, ["I alt", 25.5])

    with xlsx_house() as h:
        delivery = h.take_one(workbook(fill), "x.xlsx")
        assert (delivery.rows_read, delivery.rows_kept) == (3, 2), delivery.message
        assert h.rows("id, amount, day, kind") == [("17", 13, date(2021, 1, 6), "x"), ("21/1234", 12, date(2021, 1, 5), None)]
        assert h.faults() == [(5, "NOT_A_NUMBER", "amount")]


def test_what_excel_has_changed_is_refused_not_guessed_back() -> None:
    def date_for_text(book: Any, page: Any) -> None:
        page.write_datetime(1, 0, datetime(2021, 1, 5), book.add_format({"num_format": "dd/mm"}))

    def long_number(book: Any, page: Any) -> None:
        page.write_row(1, 0, ["1"])
        page.write_number(2, 0, 1234567890123456789)

    with xlsx_house() as h:
        code, message = refused(h, workbook(date_for_text), "x.xlsx")
        assert (code, "line 2" in message, "Format the column as text" in message) == ("TEXT_BECAME_DATE", True, True)
    with xlsx_house() as h:
        assert refused(h, workbook(long_number), "x.xlsx")[0] == "NUMBER_LOST_DIGITS"


def test_a_workbook_that_is_refused_for_some_cells_tells_all_that_is_wrong_with_it() -> None:
    def fill(book: Any, page: Any) -> None:
        dates = book.add_format({"num_format": "dd/mm"})
        page.write_row(1, 0, ["1", "two", "31-02-2021", "q"])
        page.write_datetime(2, 0, datetime(2021, 1, 5), dates)
        page.write_row(2, 1, ["x"])
        page.write_row(3, 0, ["", 1])

    with xlsx_house() as h:
        assert refused(h, workbook(fill), "x.xlsx")[0] == "TEXT_BECAME_DATE"
        assert h.faults() == [
            (2, "NOT_A_DATE", "day"),
            (2, "NOT_A_NUMBER", "amount"),
            (2, "UNKNOWN_CODE", "kind"),
            (3, "NOT_A_NUMBER", "amount"),
            (3, "TEXT_BECAME_DATE", "id"),
            (4, "MISSING_VALUE", "id"),
        ]


def test_a_broken_workbook_or_a_missing_sheet_is_refused() -> None:
    good = workbook(lambda book, page: page.write_row(1, 0, ["1", 2]))
    for content in (good[:800], b"not a workbook", b"", good.replace(b"xl/worksheets", b"xl/workshoots")):
        with xlsx_house() as h:
            code, message = refused(h, content, "x.xlsx")
            assert (code, "Open it in Excel" in message) == ("BROKEN_WORKBOOK", True)
    with xlsx_house(sheet="Sagr") as h:
        code, message = refused(h, good, "x.xlsx")
        assert (code, "sheets (1) none is called 'Sagr'" in message and "Sager" not in message) == ("NO_SUCH_SHEET", True)
    with xlsx_house(header_row=5) as h:
        assert refused(h, good, "x.xlsx")[0] == "EMPTY_FILE"


# -- the contract's own mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"from": "kind", "codes": {"1": "q"}}, "column 'kind': codes map to 'q'"),
        ({"local_minute_of": "day"}, "column 'kind': local_minute_of gives a integer, not a varchar"),
    ],
)
def test_a_contract_that_contradicts_its_table_is_the_callers_mistake(column: dict[str, Any], message: str) -> None:
    t = table({"id": "varchar", "at": "timestamp?", "kind": {"type": "varchar", "values": ["x"]}})
    columns = {"id": "id", "at": {"from": "day", "format": "%d-%m-%Y %H:%M"}, "kind": column}
    with house(t, extract(columns)) as h, pytest.raises(CallerError, match=message):
        h.take_one("id,day,kind\n1,31-12-2020 12:00,1\n" if "from" in column else "id,day\n1,31-12-2020 12:00\n")


def test_an_unknown_part_of_a_date_format_is_the_callers_mistake() -> None:
    with (
        house(T, extract({**C, "day": {"from": "day", "format": "%d/%b/%y"}})) as h,
        pytest.raises(CallerError, match="uses '%b'"),
    ):
        h.take_one(GOOD)


def test_a_personal_column_needs_a_key_unless_the_data_is_synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAAL_KEY", raising=False)
    monkeypatch.delenv("MAAL_KEY_FILE", raising=False)
    with house(table({"who": "varchar"}), extract({"who": {"hash_of": "cpr"}})) as h:
        h.put("x.csv", "cpr\n0101701234\n")
        (h.folder / "SYNTHETIC").unlink()
        with pytest.raises(CallerError, match="Set MAAL_KEY_FILE"):
            h.take()
        inside = h.home.path / "key"
        inside.write_text("k" * 32)
        monkeypatch.setenv("MAAL_KEY_FILE", str(inside))
        with pytest.raises(CallerError, match="inside the home"):
            h.take()
        outside = h.root / "key"
        outside.write_text("short")
        monkeypatch.setenv("MAAL_KEY_FILE", str(outside))
        with pytest.raises(CallerError, match="shorter than 16"):
            h.take()
        outside.write_text("k" * 80 + "\n")
        assert h.take().new[0].rows_kept == 1
        import hashlib
        import hmac

        assert h.rows("who") == [(hmac.new(b"k" * 80, b"0101701234", hashlib.sha256).hexdigest(),)]
