"""What the fuzz tests have found, each as the smallest file that shows it (see test_intake_fuzz.py)."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime

import duckdb
import pytest
import xlsxwriter
from intake_house import extract, house, table
from pydantic import ValidationError

from maalopfyldelse.intake import textfile


def test_words_of_a_text_that_begins_like_a_list() -> None:
    """Only a text that is a JSON list has elements; any other has words, and the word was not found."""
    with house(
        table({"id": "varchar", "t": "boolean"}),
        extract({"id": "id", "t": {"from": "a", "has_word": "spam"}}, format={"delimiter": ";"}),
    ) as h:
        h.take_one('id;a\n1;[spam] spam\n2;"[""spam""]"\n3;[spam]\n4;[spam\n')
        assert h.rows("id, t") == [("1", True), ("2", True), ("3", False), ("4", False)]


def test_only_blanks_are_trimmed() -> None:
    """The engine's trim takes a no-break space too, but only of a text that had a blank beside it, or in a template."""
    columns = {
        "id": "id",
        "code": {"from": "c", "codes": {"x": "et"}, "on_unknown": "set_aside"},
        "day": {"period_end_of": "{y}Q{q}"},
    }
    with house(table({"id": "varchar", "code": "varchar?", "day": "date?"}), extract(columns)) as h:
        h.take_one("id,c,y,q\n1, x ,2021, 1 \n2, \u00a0x,,\n3,\u00a0x,,\n4,,2021,\u00a01\n5,, 2021 ,1\n")
        assert h.rows("id, code, day") == [("1", "et", date(2021, 3, 31)), ("5", None, date(2021, 3, 31))]
        assert h.faults() == [(3, "UNKNOWN_CODE", "c"), (4, "UNKNOWN_CODE", "c"), (5, "NO_SUCH_PERIOD", "y + q")]


def test_a_broken_line_with_danish_letters_is_no_crash() -> None:
    """The engine quotes a broken line in its message and may cut it within a letter: not text any more, and no engine error."""
    with house(table({"id": "varchar"}), extract({"id": "id"}, format={"type": "ndjson"}, superseding="key")) as h:
        for number, blanks in enumerate(("", " ")):
            delivery = h.take_one('{"id": ' + blanks + '"' + "ø" * 60 + '" x}\n{"id": "2"}\n', f"{number}.ndjson")
            assert (delivery.state, delivery.rows_kept, delivery.rows_set_aside) == ("stored", 1, 1)
            h.folder.joinpath("2021-04-12T0800", "system", f"{number}.ndjson").unlink()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("sep\r\nid;n\n1;2\r\n\r\n3;4\r\n", 2),
        ("sep\nid;n\r\n1;2\n\n3;4\n", 2),
        ("sep\nid;n\n1;2\n\n3;4\r\n", 5),
        ("sep\nid;n\n1;2\r3;4\n\n5;6\n", 3),
        ('sep\r\nid;n\r\n"1\n2";3\r\n\r\n"4";5\n', 6),
    ],
)
def test_lines_that_end_in_different_ways_are_never_lost(content: str, line: int) -> None:
    """All rows were gone, none read and none set aside, when a heading ended in LF, the rows in CRLF, and one line was blank."""
    with house(
        table({"id": "varchar", "n": "integer"}), extract({"id": "id", "n": "n"}, format={"delimiter": ";", "header_row": 2})
    ) as h:
        delivery = h.take_one(content)
        assert (
            delivery.code,
            (delivery.message or "").startswith(f"things.csv: line {line}: the lines end in different ways"),
        ) == (
            "MIXED_LINE_ENDS",
            True,
        )


def test_a_left_out_row_is_counted_where_the_last_line_does_not_end() -> None:
    """The line that was left out stood against the last line, which has no line break: its row was neither read nor set aside."""
    with house(table({"id": "varchar", "n": "integer"}), extract({"id": "id", "n": "n"}, format={"final_newline": False})) as h:
        delivery = h.take_one("id,n\n1\n2,x\n3,4")
        assert (delivery.rows_read, delivery.rows_kept, delivery.rows_set_aside) == (3, 1, 2)
        assert h.faults() == [(2, "FIELD_COUNT", None), (3, "NOT_A_NUMBER", "n")]


def test_a_line_break_within_quotes_is_part_of_the_value() -> None:
    with house(table({"id": "varchar", "n": "integer"}), extract({"id": "id", "n": "n"})) as h:
        h.take_one('id,n\r\n"1\n2",3\r\n"a""\r\nb\rc",4\r\n')
        assert h.rows("id, n") == [("1\n2", 3), ('a"\r\nb\rc', 4)]


@pytest.mark.parametrize(
    ("row", "is_stored"),
    [
        ('"y" ;1', False),
        ('1;"y" ', False),
        (' "y";1', False),
        ('1; "y;z"', False),
        ('"y"  "z";1', False),
        ('"one\ntwo" ;1', False),
        ('"say ""yes"" ;";" ""x"" "', True),
        ('"a ""b"" \n c";"""d"" "', True),
        ('"";" x "', True),
    ],
)
def test_a_blank_beside_a_quote_is_not_left_out(row: str, is_stored: bool) -> None:
    """The engine dropped the blank with the quotes: neither the text of the file nor what its sender meant is sure."""
    form = {"delimiter": ";", "header_row": 2}
    with house(
        table({"x": "varchar", "id": "varchar?", "n": "varchar?"}),
        extract({"x": {"constant": "k"}, "id": "id", "n": "n"}, format=form),
    ) as h:
        delivery = h.take_one(f'Udtræk "x" ;\nid;n\n{row}\n"k";9\n')
        assert (delivery.state, delivery.code) == (("stored", None) if is_stored else ("refused", "STRAY_QUOTE"))
        if is_stored:
            expected = next(csv.reader(io.StringIO(row, newline=""), delimiter=";"))
            assert sorted(h.rows("id, n"), key=str) == sorted([tuple(v or None for v in expected), ("k", "9")], key=str)
        else:
            assert (delivery.message or "").startswith("things.csv: line ")


def test_a_typed_column_is_read_with_one_decimal_mark() -> None:
    """Both sources got the first one's mark: 1.234 became 1,234, which the other read as 1234 or not at all."""
    columns = {"id": "id", "a": {"from": "n", "decimal": ","}, "b": {"from": "n", "decimal": ".", "thousands": ","}}
    for form in ("xlsx", "parquet"):
        with pytest.raises(ValidationError, match="'n' is read twice, with different decimal marks"):
            extract(columns, format={"type": form})
    extract(columns, format={"type": "csv"})


def sheet(value: str) -> bytes:
    """A workbook of one row: 1, and what the XML says in cell B2."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet()
    for place, text in (("A1", "id"), ("B1", "n"), ("A2", "1"), ("B2", "two")):
        page.write_string(place, text)
    book.close()
    changed = io.BytesIO()
    with zipfile.ZipFile(out) as archive, zipfile.ZipFile(changed, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name).replace(b't="s"><v>3</v>', value.encode()))
    return changed.getvalue()


@pytest.mark.parametrize(
    "value",
    ['t="s"><v> 3</v>', 't="s"><v>-3</v>', 't="s"><v>3.0</v>', 't="s"><v>\n3\n</v>', 't="s"><v>&#51;</v>', "><v>3<!-- -->4</v>"],
)
def test_a_cell_that_names_its_text_oddly_does_not_get_another(value: str) -> None:
    """The reader took the workbook's first text for what is no plain number, and 3 for 34 with a comment in it."""
    with house(table({"id": "varchar", "n": "varchar?"}), extract({"id": "id", "n": "n"}, format={"type": "xlsx"})) as h:
        assert h.take_one(sheet(value), "x.xlsx").code == "BROKEN_WORKBOOK"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("><v>1E</v>", None),
        ("><v>1 2</v>", None),
        ('t="n"><v>x</v>', None),
        ("><f>A1+1</f><v>1_0</v>", None),
        (f"><f>{'A1+' * 2_600}1</f><v>x</v>", None),
        ("><f>A1</f><!-- a comment --><v>x</v>", None),
        ('t="number"><v>7</v>', None),
        ("><v>1e999</v>", None),
        ("><v>1e30</v>", None),
        ("><v>1.5E+2</v>", "150"),
        ('t="n"><v>-7</v>', "-7"),
        ('t="str"><v>1E</v>', "1E"),
    ],
)
def test_a_number_that_is_none_is_not_kept_as_text(value: str, found: str | None) -> None:
    """The reader took it for a text."""
    with house(table({"id": "varchar", "n": "varchar?"}), extract({"id": "id", "n": "n"}, format={"type": "xlsx"})) as h:
        delivery = h.take_one(sheet(value), "x.xlsx")
        assert (delivery.code in ("BROKEN_WORKBOOK", "NUMBER_LOST_DIGITS")) is (found is None)
        assert h.rows("n") == ([(found,)] if found else [])


def test_rows_with_a_doubled_hour_stay_in_the_order_of_their_file() -> None:
    """Their verdicts are joined to them, and the engine, which knows how many rows a workbook has, turned the join around."""
    rows = [
        ("id", "call", "no", "at", "end"),
        ("1", "", "1", "31-10-2021 00:00", "31-12-2099 23:59"),
        ("2", "b", "2", "31-10-2021 02:59", "25-10-2020 02:20"),
        ("3", "a", "3", "31-10-2021 01:59", "31-10-2021 02:44"),
        ("4", "b", "2", "31-10-2021 02:00", "31-10-2021 01:52"),
        ("5", "", "1", "31-10-2021 01:31", "31-10-2021 01:49"),
    ]
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page = book.add_worksheet()
    for n, row in enumerate(rows):
        page.write_row(n, 0, row)
    book.close()
    time = {"format": "%d-%m-%Y %H:%M"}
    columns = {
        "id": "id",
        "at": {"from": "at", "order": {"within": "call", "by": "no"}, **time},
        "is_assumed": {"hour_assumed_of": "at"},
        "end": {"from": "end", "order": {"after": "at"}, **time},
    }
    with house(
        table({"id": "varchar", "at": "timestamp", "is_assumed": "boolean?", "end": "timestamp?"}),
        extract(columns, format={"type": "xlsx"}),
    ) as h:
        delivery = h.take_one(out.getvalue(), "x.xlsx")
        with duckdb.connect() as con:
            stored = con.execute(f"select id from read_parquet('{h.home.path / (delivery.store_path or '')}')").fetchall()
        assert [n for (n,) in stored] == ["1", "2", "3", "4", "5"]


def test_a_workbook_without_its_list_of_sheets_is_no_crash() -> None:
    with house(table({"id": "varchar", "n": "varchar?"}), extract({"id": "id", "n": "n"}, format={"type": "xlsx"})) as h:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(sheet('t="s"><v>3</v>'))) as archive, zipfile.ZipFile(out, "w") as copy:
            for name in archive.namelist():
                if name != "xl/workbook.xml":
                    copy.writestr(name, archive.read(name))
        assert h.take_one(out.getvalue(), "x.xlsx").code == "BROKEN_WORKBOOK"


def test_a_formula_that_nothing_has_computed_is_no_empty_cell() -> None:
    with house(
        table({"id": "varchar", "n": "integer?"}), extract({"id": "id", "n": "n"}, format={"type": "xlsx"}, superseding="key")
    ) as h:
        assert h.take_one(sheet("><f>1+1</f><v>2</v>"), "x.xlsx").rows_kept == 1
        assert h.rows("n") == [(2,)]
        h.put("y.xlsx", sheet("><f>1+1</f>"))
        assert [d.rows_set_aside for d in h.take().new if d.name == "y.xlsx"] == [1]
        assert h.faults() == [(2, "ERROR_CELL", "n")]


@pytest.mark.parametrize(
    ("zone", "text", "instant", "local"),
    [
        ("Australia/Lord_Howe", "1970-01-01 00:00:00", datetime(1969, 12, 31, 14), (date(1969, 12, 31), 15 * 60)),
        ("America/Chicago", "2099-12-31 23:30:00", datetime(2100, 1, 1, 5, 30), (date(2100, 1, 1), 6 * 60 + 30)),
    ],
)
def test_the_first_and_last_times_of_a_zone_have_a_danish_day(
    zone: str, text: str, instant: datetime, local: tuple[date, int]
) -> None:
    """The instant lies in the year beside, and its Danish day and minute were null without a fault, though they are required."""
    columns = {"id": "id", "t": {"from": "t", "zone": zone}, "day": {"local_date_of": "t"}, "minute": {"local_minute_of": "t"}}
    with house(table({"id": "varchar", "t": "timestamp", "day": "date", "minute": "integer"}), extract(columns)) as h:
        h.take_one(f"id,t\n1,{text}\n")
        assert h.rows("t, day, minute") == [(instant, *local)]


@pytest.mark.parametrize("size", [9, 10, 11, 12, 13])
@pytest.mark.parametrize("row", ['1; "y"', '1;"y" '])
def test_a_blank_beside_a_quote_is_seen_where_two_pieces_meet(row: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is proved piece by piece, and the blank may be the last of one piece and the quote the first of the next."""
    monkeypatch.setattr(textfile, "_CHUNK", size)
    with house(table({"id": "varchar", "n": "varchar?"}), extract({"id": "id", "n": "n"}, format={"delimiter": ";"})) as h:
        assert h.take_one(f"id;n\n22;3\n{row}\n5;6\n").code == "STRAY_QUOTE"


def test_a_workbook_in_an_encoding_that_there_is_not_is_no_crash() -> None:
    with house(table({"id": "varchar", "n": "varchar?"}), extract({"id": "id", "n": "n"}, format={"type": "xlsx"})) as h:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(sheet('t="s"><v>3</v>'))) as archive, zipfile.ZipFile(out, "w") as copy:
            for name in archive.namelist():
                copy.writestr(name, archive.read(name).replace(b'encoding="UTF-8"', b'encoding="UTF-0"'))
        assert h.take_one(out.getvalue(), "x.xlsx").code == "BROKEN_WORKBOOK"
