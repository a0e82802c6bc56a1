"""Every format as it may come: packed, as Parquet, as a workbook with ranges, serials and error cells, as CSV in its encodings."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from intake_house import House, extract, house, table

T = table({"id": "varchar", "amount": "integer?", "day": "date?"})
C = {"id": "id", "amount": "amount", "day": "day"}
CSV = b"id,amount,day\n" + b"".join(b"%d,%d,2021-02-%02d\n" % (n, 7 * n, n % 28 + 1) for n in range(300))


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def refused(h: House, content: bytes, name: str = "things.csv") -> tuple[str | None, str]:
    delivery = h.take_one(content, name)
    assert delivery.state == "refused", delivery
    assert list(h.home.tmp.iterdir()) == []
    assert not list(h.home.store.rglob("*.parquet"))
    return delivery.code, delivery.message or ""


# -- packed -----------------------------------------------------------------------------------------------------------------

PACKED: list[tuple[str, bytes]] = [
    ("things.csv.gz", gzip.compress(CSV)),
    ("THINGS.CSV.GZ", gzip.compress(CSV[:1000]) + gzip.compress(b"") + gzip.compress(CSV[1000:])),
    ("things.csv", gzip.compress(CSV)),
    ("things.csv.zip", zipped(("../../etc/things.csv", CSV))),
    ("things.zip", zipped(("folder/", b""), ("folder/x.txt", CSV), method=zipfile.ZIP_STORED)),
]


@pytest.mark.parametrize(("name", "content"), PACKED, ids=[p[0] for p in PACKED])
def test_a_packed_file_is_its_content_and_leaves_nothing_behind(name: str, content: bytes) -> None:
    with house(T, extract(C, files=["things*.csv"])) as h:
        h.put(name, content)
        (delivery,) = h.take().new
        assert (delivery.rows_read, delivery.rows_kept, delivery.size) == (300, 300, len(content))
        assert h.rows("count(*), sum(amount), max(day)") == [(300, 7 * 299 * 150, date(2021, 2, 28))]
        assert list(h.home.tmp.iterdir()) == []
        assert not list(h.root.rglob("things.csv.csv"))


def test_a_packed_file_has_the_period_of_its_name() -> None:
    by_period = extract(C, files=["things_*.csv"], superseding="period", period={"pattern": r"_(?P<year>\d{4})\.csv$"})
    with house(T, by_period) as h:
        h.put("things_2020.csv.gz", gzip.compress(CSV))
        assert [d.period for d in h.take().new] == ["2020"]


def test_faults_of_a_packed_file_have_the_lines_of_its_content() -> None:
    with house(T, extract(C)) as h:
        h.take_one(gzip.compress(CSV + "\nå,x,\n".encode()), "things.csv.gz")
        assert h.faults() == [(303, "NOT_A_NUMBER", "amount")]
        assert list(h.home.tmp.iterdir()) == []


def test_every_format_may_come_packed() -> None:
    parquet, workbook = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table({"id": ["1"], "amount": [7], "day": [date(2021, 2, 1)]}), parquet)
    import xlsxwriter

    book = xlsxwriter.Workbook(workbook, {"in_memory": True})
    page = book.add_worksheet()
    page.write_row(0, 0, ["id", "amount", "day"])
    page.write_row(1, 0, ["1", 7, "2021-02-01"])
    book.close()
    ndjson = b'{"id":"1","amount":7,"day":"2021-02-01"}\n'
    contents = {"parquet": parquet.getvalue(), "xlsx": workbook.getvalue(), "ndjson": ndjson, "json": b"[" + ndjson + b"]"}
    for kind, content in contents.items():
        for packed in (content, gzip.compress(content), zipped((f"x.{kind}", content))):
            with house(T, extract(C, format={"type": kind})) as h:
                delivery = h.take_one(packed, "things")
                assert delivery.state == "stored", (kind, delivery.message)
                assert h.rows("id, amount, day") == [("1", 7, date(2021, 2, 1))], kind
                assert list(h.home.tmp.iterdir()) == []


BAD_PACKED: list[tuple[str, bytes, str, str]] = [
    ("cut gzip", gzip.compress(CSV)[:-9], "CUT_FILE", "has been cut"),
    ("only a head", gzip.compress(b"")[:10], "CUT_FILE", "has been cut"),
    ("wrong sum", gzip.compress(CSV)[:-8] + b"\0" * 8, "BROKEN_ARCHIVE", "the gzip file is damaged"),
    ("something behind", gzip.compress(CSV) + b"\0" * 5000, "BROKEN_ARCHIVE", "the gzip file is damaged"),
    ("packed twice", gzip.compress(gzip.compress(CSV)), "BROKEN_ARCHIVE", "packed twice"),
    ("nothing packed", gzip.compress(b""), "EMPTY_FILE", "the file is empty"),
    ("two files", zipped(("a.csv", CSV), ("b.csv", CSV)), "NOT_ONE_FILE", "the zip holds 2 files"),
    ("no file", zipped(), "NOT_ONE_FILE", "the zip holds 0 files"),
    ("unusual", zipped(("a.csv", CSV), method=zipfile.ZIP_LZMA), "BROKEN_ARCHIVE", "unusual way"),
    ("flipped", zipped(("a.csv", CSV), method=zipfile.ZIP_STORED).replace(b"9,63,", b"9,64,"), "BROKEN_ARCHIVE", "zip is damaged"),
    ("cut zip", zipped(("a.csv", CSV))[:-30], "BROKEN_ARCHIVE", "zip is damaged"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "message"), [b[1:] for b in BAD_PACKED], ids=[b[0] for b in BAD_PACKED])
def test_a_packed_file_that_does_not_hold_is_refused(content: bytes, code: str, message: str) -> None:
    with house(T, extract(C)) as h:
        said = refused(h, content, "things.csv.zip" if content.startswith(b"PK") else "things.csv.gz")
        assert said[0] == code, said
        assert message in said[1]


def test_a_locked_zip_is_refused() -> None:
    content = bytearray(zipped(("a.csv", CSV)))
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    with house(T, extract(C)) as h:
        assert "password" in refused(h, bytes(content), "things.zip")[1]


def test_unpacking_stops_at_the_contracts_limit() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"0" * 1_000_000) for _ in range(60)) + packer.flush()
    exact = b"id,amount,day\n" + b"1,2,\n" * 399_997
    assert len(exact) == 1_999_999
    for content in (bomb, zipped(("a.csv", b"0" * 2_000_000)), gzip.compress(exact)):
        with house(T, extract(C, limits={"max_unpacked_bytes": 1_999_999})) as h:
            if content[-4:] == (1_999_999).to_bytes(4, "little"):
                assert h.take_one(content, "things.csv.gz").state == "stored"
            else:
                code, message = refused(h, content, "things.csv.gz")
                assert code == "TOO_LARGE"
                assert "the 1999999 bytes the contract allows (limits.max_unpacked_bytes)" in message


# -- Parquet ----------------------------------------------------------------------------------------------------------------


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    names = list(columns)
    pq.write_table(
        pa.Table.from_arrays([pa.array(c) if isinstance(c, list) else c for c in columns.values()], names), out, **options
    )
    return out.getvalue()


PARQUET = {"type": "parquet"}
WIDE = table(
    {
        "id": "varchar",
        "n": "bigint?",
        "share": "decimal(18,4)?",
        "is_new": "boolean?",
        "day": "date?",
        "made_at": "timestamp?",
        "seen_at": "timestamp?",
        "whole": "integer?",
    }
)
WIDE_COLUMNS = {
    "id": "ID",
    "n": "n",
    "share": {"from": "share", "decimal": ","},
    "is_new": "is_new",
    "day": "day",
    "made_at": "at",
    "seen_at": "seen",
    "whole": "whole",
}


def wide(**columns: Any) -> dict[str, Any]:
    return {
        "ID": ["1", "2"],
        "id": ["not", "this"],
        "n": pa.array([2**63 - 1, None], pa.uint64()),
        "share": pa.array([Decimal("-12.3400"), None], pa.decimal128(18, 4)),
        "is_new": [True, None],
        "day": [date(2021, 2, 28), None],
        "at": pa.array([datetime(2021, 7, 1, 12, 0, 0, 123000), None], pa.timestamp("ns")),
        "seen": pa.array([datetime(2021, 10, 31, 1, 30), None], pa.timestamp("us", tz="Europe/Copenhagen")),
        "whole": pa.array([3.0, None], pa.float64()),
        **columns,
    }


def parquet_house(**layout: Any) -> Any:
    return house(WIDE, extract(WIDE_COLUMNS, format=PARQUET, layout={"ignore": ["id"], **layout}))


def test_parquet_is_read_by_its_columns_types() -> None:
    with parquet_house() as h:
        delivery = h.take_one(parquet(wide()), "x.parquet")
        assert delivery.state == "stored", delivery.message
        assert h.rows("id, n, share, is_new, day, made_at, seen_at, whole") == [
            (
                "1",
                2**63 - 1,
                Decimal("-12.3400"),
                True,
                date(2021, 2, 28),
                datetime(2021, 7, 1, 10, 0, 0, 123000),
                datetime(2021, 10, 31, 1, 30),
                3,
            ),
            ("2", None, None, None, None, None, None, None),
        ]


def test_rows_of_parquet_that_do_not_fit_are_told_by_number() -> None:
    rows = 5000
    columns = {
        "id": [None if n == 4998 else str(n) for n in range(rows)],
        "amount": pa.array([2**40 if n == 17 else n for n in range(rows)], pa.int64()),
        "day": pa.array([date(2021, 1, 1)] * rows),
    }
    with house(T, extract(C, format=PARQUET)) as h:
        delivery = h.take_one(parquet(columns, row_group_size=700), "x.parquet")
        assert (delivery.rows_read, delivery.rows_kept) == (rows, rows - 2)
        assert h.faults() == [(18, "NUMBER_OUT_OF_RANGE", "amount"), (4999, "MISSING_VALUE", "id")]


def test_an_instant_below_a_microsecond_is_not_rounded() -> None:
    with parquet_house() as h:
        h.take_one(
            parquet(wide(at=pa.array([1, 1000], pa.timestamp("ns")), seen=pa.array([1000, 1], pa.timestamp("ns", "UTC")))), "x"
        )
        assert h.faults() == [(1, "NOT_A_TIME", "at"), (2, "NOT_A_TIME", "seen")]


@pytest.mark.parametrize(
    "numbers",
    [
        pa.array([1.0, 2.5]),
        pa.array([1.0, float("nan")]),
        pa.array([1.0, 1e15]),
        pa.array([1.0, 16777216.0], pa.float32()),
        pa.array([1.0, float("-inf")]),
    ],
    ids=["fraction", "nan", "too large", "too large for single", "infinite"],
)
def test_numbers_that_are_not_exact_are_refused(numbers: Any) -> None:
    with parquet_house() as h:
        code, message = refused(h, parquet(wide(whole=numbers)), "x.parquet")
        assert code == "INEXACT_NUMBER"
        assert message == (
            "x.parquet: line 2: 'whole' is a floating-point column with numbers that are not exact. Write it as decimal or text."
        )


def test_types_that_hold_no_single_value_are_refused() -> None:
    lists = pa.array([[1], None], pa.list_(pa.int64()))
    with parquet_house() as h:
        code, message = refused(h, parquet(wide(n=lists, day=pa.array([b"\xff", None]))), "x.parquet")
        assert code == "UNREADABLE_TYPE"
        assert "'n' is of the type BIGINT[]" in message
        assert "'day' is of the type BLOB" in message
    with parquet_house(ignore=["id", "more"]) as h:
        assert h.take_one(parquet(wide(more=lists)), "x.parquet").state == "stored"


def test_columns_of_parquet_are_held_against_the_contract() -> None:
    with parquet_house() as h:
        code, message = refused(h, parquet(wide(structure=pa.array([{"a": 1, "b": 2}, None]))), "x.parquet")
        assert (code, "column 'structure' is not in the contract" in message) == ("UNMAPPED_COLUMN", True)
    with house(T, extract(C, format=PARQUET)) as h:
        twice = pa.Table.from_arrays([pa.array(["1"])] * 4, ["id", "amount", "day", "id"])
        out = io.BytesIO()
        pq.write_table(twice, out)
        assert refused(h, out.getvalue(), "x.parquet")[0] == "DUPLICATE_COLUMN"


def test_a_broken_parquet_file_is_refused_and_harms_no_other() -> None:
    whole = parquet({"id": [str(n) for n in range(200)], "amount": list(range(200)), "day": [date(2021, 1, 1)] * 200})
    chance = random.Random(5)
    broken = [b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"id,amount,day\n1,2,\n", b"", whole[:-1]]
    for _ in range(20):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(len(whole) - 900, len(whole))] = chance.randrange(256)
        broken.append(bytes(damaged))
    with house(T, extract(C, format=PARQUET, superseding="key")) as h:
        for n, content in enumerate(broken):
            h.put(f"{n:02}.parquet", content)
        h.put("99.parquet", whole)
        report = h.take()
        assert "99.parquet" in [d.name for d in report.new]
        assert {d.code for d in report.refused} <= {
            "BROKEN_PARQUET", "MISSING_COLUMN", "UNMAPPED_COLUMN", "UNREADABLE_TYPE", "INEXACT_NUMBER", "TOO_FEW_ROWS", "DUPLICATE_COLUMN",
        }  # fmt: skip
        assert len([d for d in report.refused if d.code == "BROKEN_PARQUET"]) >= 5
        assert list(h.home.tmp.iterdir()) == []


def test_a_time_of_day_is_text() -> None:
    with house(T, extract(C, format=PARQUET)) as h:
        h.take_one(parquet({"id": pa.array([time(8, 5)]), "amount": pa.nulls(1), "day": pa.nulls(1)}), "x.parquet")
        assert h.rows("id, amount") == [("08:05:00", None)]


# -- several layouts, dated layouts, several extracts -----------------------------------------------------------------------


def dated(**layouts: dict[str, Any]) -> Any:
    """An extract by key with one CSV layout for each keyword, which has a column `nr` named as the layout."""
    base = extract({"id": "id"}, superseding="key").model_dump(by_alias=True, mode="json", exclude_none=True)
    one = base["layouts"][0]
    base["layouts"] = [
        {**one, "id": name, "columns": {"id": {"from": name}, "amount": {"from": "amount"}}, **more}
        for name, more in layouts.items()
    ]
    return type(extract({"id": "id"})).model_validate(base)


DATED = table({"id": "varchar", "amount": "integer?"})
OLD, NEW = "old,amount\n1,1\n", "new,amount\n2,2\n"


def verdict(contract: Any, content: str, arrival: str, name: str = "x.csv") -> tuple[str | None, str]:
    with house(DATED, contract) as h:
        h.put(name, content, arrival=arrival)
        report = h.take()
        (delivery,) = report.new + report.refused
        return delivery.layout or delivery.code, delivery.message or ""


def test_a_dated_layout_takes_the_place_of_the_one_before_on_its_day() -> None:
    contract = dated(old={}, new={"valid_from": "2021-07-01"})
    assert verdict(contract, OLD, "2021-06-30T2359")[0] == "old"
    assert verdict(contract, NEW, "2021-07-01T0000")[0] == "new"
    code, message = verdict(contract, OLD, "2021-07-01T0000")
    assert code == "LAYOUT_OUT_OF_FORCE"
    assert "'old', which was replaced by 'new' on 2021-07-01; it arrived on 2021-07-01" in message
    code, message = verdict(contract, NEW, "2021-06-30T2359")
    assert code == "LAYOUT_OUT_OF_FORCE"
    assert "'new', which is valid from 2021-07-01; it arrived on 2021-06-30" in message


def test_of_three_the_newest_in_force_counts_and_valid_until_keeps_an_old_one() -> None:
    contract = dated(
        old={"valid_until": "2021-07-31"},
        new={"valid_from": "2021-07-01"},
        newest={"valid_from": "2021-09-01"},
        other={"files": ["y*"]},
    )
    newest, other = NEW.replace("new", "newest"), NEW.replace("new", "other")
    for content, arrival, expected in (
        (OLD, "2021-07-31T2300", "old"),
        (OLD, "2021-08-01T0000", "LAYOUT_OUT_OF_FORCE"),
        (NEW, "2021-08-31T1200", "new"),
        (NEW, "2021-09-01T1200", "LAYOUT_OUT_OF_FORCE"),
        (newest, "2021-09-01T1200", "newest"),
    ):
        assert verdict(contract, content, arrival)[0] == expected, (content, arrival)
    # a file whose columns are of none comes closest to the one that it misses least
    assert verdict(contract, "newes,amount\n1,2\n", "2021-10-01T1200")[0] == "MISSING_COLUMN"
    # a layout for other files is replaced only by those that take its files too
    assert verdict(contract, other, "2021-08-01T0000", "y.csv")[0] == "LAYOUT_OUT_OF_FORCE"
    assert verdict(
        dated(new={"files": ["x*"], "valid_from": "2021-07-01"}, other={"files": ["y*"]}), other, "2021-08-01", "y.csv"
    )[0] == ("other")


def test_another_format_is_not_replaced() -> None:
    workbook = {"format": {"type": "xlsx"}}
    with house(DATED, dated(old=workbook, new={"valid_from": "2021-07-01"})) as h:
        import xlsxwriter

        out = io.BytesIO()
        book = xlsxwriter.Workbook(out, {"in_memory": True})
        page = book.add_worksheet()
        page.write_row(0, 0, ["old", "amount"])
        page.write_row(1, 0, ["1", 5])
        book.close()
        h.put("x.xlsx", out.getvalue(), arrival="2021-12-01")
        assert [d.layout for d in h.take().new] == ["old"]


def test_a_file_is_judged_again_when_its_arrival_moves_over_the_day() -> None:
    with house(DATED, dated(old={}, new={"valid_from": "2021-07-01"})) as h:
        h.put("x.csv", OLD, arrival="2021-07-02")
        assert [d.code for d in h.take().refused] == ["LAYOUT_OUT_OF_FORCE"]
        h.put("x.csv", OLD, arrival="2021-06-02")
        report = h.take()
        assert ([d.layout for d in report.new], report.refused) == (["old"], [])


def test_dates_of_a_layout_must_agree() -> None:
    with pytest.raises(ValueError, match="valid_until lies before valid_from"):
        dated(old={"valid_from": "2021-07-01", "valid_until": "2021-06-30"})


def test_several_extracts_fill_one_table() -> None:
    first = extract({"id": "nr", "amount": "a"}, name="first", files=["first*"], superseding="whole")
    second = extract({"id": "key", "amount": "b"}, name="second", files=["second*"], superseding="whole", format={"type": "json"})
    with house(DATED, [first, second]) as h:
        h.put("first.csv.gz", gzip.compress(b"nr,a\n1,1\n"))
        h.put("second.json", '[{"key": 2, "b": 2}]')
        assert len(h.take("first").new) == len(h.take("second").new) == 1
        assert h.rows("id, amount") == [("1", 1), ("2", 2)]
        # the newer of one replaces nothing of the other
        h.put("first2.csv", "nr,a\n3,3\n", arrival="2021-05-01")
        h.take("first")
        assert h.rows("id, amount") == [("2", 2), ("3", 3)]


# -- CSV in its encodings and dialects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_danish_export_in_any_declared_encoding(encoding: str) -> None:
    wide = table({"id": "varchar", "amount": "decimal(12,2)?", "day": "date?", "text": "varchar?"})
    columns = {
        "id": "Løbenr.",
        "amount": {"from": "Beløb", "decimal": ",", "thousands": "."},
        "day": {"from": "Dato", "format": ["%d-%m-%Y", "%d.%m.%Y"]},
        "text": "Bemærkning",
    }
    form = {"delimiter": ";", "quote": "'", "encodings": ["utf-16", "utf-8", "windows-1252"]}
    text = "Løbenr.;Beløb;Dato;Bemærkning\r\n'1;2';1.234.567,8;28-02-2021;'Æ''ø\r\nå'\r\n2;-0,50;1.3.2021;€\r\n3;;01.03.2021;\r\n4;1.23,4;;\r\n"
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    with house(wide, extract(columns, format=form)) as h:
        delivery = h.take_one((mark + text).encode(encoding))
        assert delivery.rows_read == 4, delivery.message
        assert h.rows("id, amount, day, text") == [
            ("1;2", Decimal("1234567.80"), date(2021, 2, 28), "Æ'ø\r\nå"),
            ("3", None, date(2021, 3, 1), None),
        ]
        assert h.faults() == [(4, "NOT_A_DATE", "Dato"), (6, "NOT_A_NUMBER", "Beløb")]


def test_one_byte_in_another_encoding_refuses_the_file_or_decides_its_encoding() -> None:
    text = "id,amount,day\n" + "å,1,\n" * 1000
    mixed = text.encode() + "ø,2,\n".encode("cp1252")
    with house(T, extract(C)) as h:
        assert refused(h, mixed)[0] == "WRONG_ENCODING"
    with house(T, extract(C, format={"encodings": ["utf-8", "windows-1252"]})) as h:
        # å in UTF-8 is Ã¥ in Windows-1252: read whole in the one encoding that every byte has, never by column or line
        h.take_one(mixed)
        assert h.rows("distinct id") == [("Ã¥",), ("ø",)]


def test_a_delimiter_is_one_character() -> None:
    for form in ({"delimiter": ";;"}, {"delimiter": "'", "quote": "'"}, {"rows": "data"}):
        with pytest.raises(ValueError, match=r"delimiter is one|belong to a json"):
            extract(C, format=form)


# -- workbooks: errors, ranges, serials -------------------------------------------------------------------------------------


def workbook(fill: Any, **options: Any) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **options})
    page = book.add_worksheet()
    fill(book, page)
    book.close()
    return out.getvalue()


XLSX = {"type": "xlsx"}
HEAD = ["id", "amount", "day", "remark"]


def xlsx_house(**form: Any) -> Any:
    columns = {**C, "day": {"from": "day", "format": ["%d-%m-%Y", "%Y-%m-%d"]}}
    return house(T, extract(columns, format={**XLSX, **form}, layout={"ignore": ["remark"]}))


def test_an_error_in_a_cell_sets_its_row_aside_by_column() -> None:
    def fill(book: Any, page: Any) -> None:
        page.write_row(0, 0, HEAD)
        page.write_row(1, 0, ["1", 5])
        page.write_row(2, 0, ["2"])
        page.write_formula(2, 1, "=1/0", None, "#DIV/0!")
        page.write_formula(2, 2, "=NA()", None, "#N/A")
        page.write_formula(3, 1, "=A1:B2", None, "#REF!")  # a row of nothing else
        page.write_row(4, 0, ["4", 8])
        page.write_formula(4, 3, "=NA()", None, "#N/A")  # in a column that is not kept

    with xlsx_house() as h:
        delivery = h.take_one(workbook(fill), "x.xlsx")
        assert (delivery.rows_read, delivery.rows_kept) == (4, 2), delivery.message
        assert h.faults() == [(3, "ERROR_CELL", "amount"), (3, "ERROR_CELL", "day"), (4, "ERROR_CELL", "amount")]
        assert h.rows("id, amount") == [("1", 5), ("4", 8)]
        assert "Correct the formula" in next(iter(h.ledger.rejects())).message


def test_only_the_range_is_looked_at_and_lines_are_the_sheets() -> None:
    def fill(book: Any, page: Any) -> None:
        page.write(0, 0, "Sager 2021, trukket 1. juli")
        page.write_row(2, 1, HEAD[:3])
        page.write(2, 6, "forklaring")
        page.write_row(3, 1, ["1", 5, "01-02-2021"])
        page.write_row(4, 0, ["x", "2", "fem", "01-02-2021"])
        page.write_row(6, 1, ["I alt", 5])

    content = workbook(fill)
    with xlsx_house(range="B3:D5") as h:
        delivery = h.take_one(content, "x.xlsx")
        assert (delivery.rows_read, delivery.rows_kept) == (2, 1), delivery.message
        assert h.faults() == [(5, "NOT_A_NUMBER", "amount")]
    with xlsx_house(range="B3:D") as h:
        assert h.take_one(content, "x.xlsx").rows_read == 3
        assert h.rows("id") == [("1",), ("I alt",)]
    with xlsx_house(range="B3:D4") as h:
        code, message = refused(h, content, "x.xlsx")
        assert code == "OUTSIDE_RANGE"
        assert "line 5: the table goes on below the contract's range B3:D4" in message
    with xlsx_house(range="B30:D40") as h:
        assert refused(h, content, "x.xlsx")[0] == "EMPTY_FILE"


@pytest.mark.parametrize("form", [{"range": "B3"}, {"range": "D3:B5"}, {"range": "B5:D3"}, {"range": "B3:D5", "header_row": 2}])
def test_a_range_that_is_none_is_no_contract(form: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="range"):
        extract(C, format={**XLSX, **form})


@pytest.mark.parametrize("is_1904", [False, True])
def test_serials_are_dates_only_where_the_contract_says_so(is_1904: bool) -> None:
    first = 1462 if is_1904 else 0
    serials = [44201 - first, 44201.5 - first, 44255.0 - first, 61 - first, 2_958_465 - first, 59 - first, 4_000_000, -5]

    def fill(book: Any, page: Any) -> None:
        page.write_row(0, 0, ["id", "day", "made_at"])
        for n, serial in enumerate(serials, 1):
            page.write_row(n, 0, [str(n), serial if n != 2 else "05-01-2021", serial])
        page.write_row(9, 0, ["9"])
        page.write_datetime(9, 1, datetime(2021, 1, 5), book.add_format({"num_format": "dd-mm-yyyy"}))

    wide = table({"id": "varchar", "day": "date?", "made_at": "timestamp?"})
    said = {
        "id": "id",
        "day": {"from": "day", "format": ["serial", "%d-%m-%Y"]},
        "made_at": {"from": "made_at", "format": "serial"},
    }
    with house(wide, extract(said, format=XLSX)) as h:
        delivery = h.take_one(workbook(fill, date_1904=is_1904), "x.xlsx")
        assert delivery.rows_read == 9, delivery.message
        assert h.rows("id, day, made_at") == [
            ("1", date(2021, 1, 5), datetime(2021, 1, 4, 23)),
            ("2", date(2021, 1, 5), datetime(2021, 1, 5, 11)),
            ("3", date(2021, 2, 28), datetime(2021, 2, 27, 23)),
            ("9", date(2021, 1, 5), None),
        ]
        assert {line for line, code, column in h.faults() if column == "day"} == {7, 8, 9} | ({5} if is_1904 else set())
        assert {line for line, code, column in h.faults() if column == "made_at"} == {5, 6, 7, 8, 9}
    with house(wide, extract({**said, "day": "day", "made_at": "made_at"}, format=XLSX)) as h:
        assert h.take_one(workbook(fill, date_1904=is_1904), "x.xlsx").rows_kept == 1
    with pytest.raises(ValueError, match="belongs to a workbook"):
        extract(said)
