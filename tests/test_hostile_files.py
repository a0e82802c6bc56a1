"""Text, JSON, Parquet and packed files that mean harm: each is answered by its code, in bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import taken_apart
from intake_house import extract, house, table

from maalopfyldelse.errors import MaalError

T = table({"id": "varchar"})
CSV, NDJSON, DOCUMENT, PARQUET = {"type": "csv"}, {"type": "ndjson"}, {"type": "json"}, {"type": "parquet"}


def said(content: bytes, form: dict[str, Any], name: str = "bad.csv", **limits: Any) -> tuple[str | None, str]:
    """Code and message, and that no one is told more than a message can hold."""
    with house(T, extract({"id": "id"}, format=form, limits={"max_set_aside_share": 1, "min_rows": 0, **limits})) as h:
        delivery = h.take_one(content, name)
        assert len(delivery.message or "") < 2_000
        assert not list(h.home.tmp.iterdir())
        return delivery.code, delivery.message or ""


def repeated(piece: bytes, times: int, before: bytes = b"", after: bytes = b"") -> Callable[[Path], None]:
    """Writes a file of one piece again and again."""

    def write(path: Path) -> None:
        with path.open("wb") as out:
            out.write(before)
            for _ in range(times):
                out.write(piece)
            out.write(after)

    return write


def sparse(gigabytes: float) -> Callable[[Path], None]:
    """A file of NUL bytes that takes no room on the disk."""

    def write(path: Path) -> None:
        with path.open("wb") as out:
            out.write(b"id\n")
            out.truncate(int(gigabytes * 10**9))

    return write


# -- text ---------------------------------------------------------------------------------------------------------------

MB = b"x" * 2**20
TEXT_BOMBS: list[tuple[str, Callable[[Path], None], dict[str, Any], dict[str, int], str]] = [
    ("one line", repeated(MB, 100, b"id\n"), CSV, {}, "refused LINE_TOO_LONG None"),
    ("one header", repeated(MB, 100), CSV, {}, "refused LINE_TOO_LONG None"),
    ("one value of many lines", repeated(b"x\n" * 2**18, 100, b'id\n"'), CSV, {}, "refused LINE_TOO_LONG None"),
    ("one value with quotes in it", repeated(b'x\n""' * 2**18, 30, b'id\n"', b'"\n'), CSV, {}, "refused LINE_TOO_LONG None"),
    ("one row of many values", repeated(b'"x\n",' * 2**18, 30, b"id\n", b"\n"), CSV, {}, "refused LINE_TOO_LONG None"),
    ("no bytes but NUL", sparse(0.1), CSV, {}, "refused LINE_TOO_LONG None"),
    ("larger than agreed", sparse(0.2), CSV, {"max_bytes": 10**8}, "refused TOO_LARGE None"),
    ("one JSON line", repeated(MB, 100, b'{"id":"', b'"}\n'), NDJSON, {}, "refused LINE_TOO_LONG None"),
    ("one JSON value", repeated(MB, 100, b'[{"id":"', b'"}]'), DOCUMENT, {}, "refused LINE_TOO_LONG None"),
    ("JSON brackets", repeated(b"[" * 2**20, 20), DOCUMENT, {}, "refused LINE_TOO_LONG None"),
    ("JSON objects within objects", repeated(b'{"id":' * 2**17, 10, b"", b"\n"), NDJSON, {"max_line_bytes": 16_000_000},
     "refused BAD_JSON None"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "form", "limits", "answer"), [b[1:] for b in TEXT_BOMBS], ids=[b[0] for b in TEXT_BOMBS])
def test_a_line_without_end_takes_no_more_memory_than_a_line(
    make: Callable[[Path], None], form: dict[str, Any], limits: dict[str, int], answer: str
) -> None:
    assert taken_apart(make, "bad.csv", form, 200, **limits) == answer


@pytest.mark.parametrize("form", [CSV, NDJSON, DOCUMENT])
def test_the_longest_line_is_the_contracts(form: dict[str, Any]) -> None:
    def of(length: int) -> bytes:
        row = json.dumps({"id": "x" * length})
        return {"csv": f"id\n{'x' * length}\n", "ndjson": f"{row}\n", "json": f"[{row}]"}[form["type"]].encode()

    assert said(of(9_000), form, max_line_bytes=10_000)[0] is None
    code, message = said(of(70_000), form, max_line_bytes=10_000)
    assert (code, "10000 bytes (limits.max_line_bytes)" in message) == ("LINE_TOO_LONG", True)


def test_a_quote_within_values_is_no_endless_value() -> None:
    """A lone quote (inches) is text where it opens no value, however long the file is after it."""
    content = b'id,x\n1,5" pipe\n' + b"2,y\n" * 500_000 + b'3,6" pipe\n'
    limits = {"max_line_bytes": 100_000, "max_set_aside_share": 1}
    with house(T, extract({"id": "id"}, layout={"ignore": ["x"]}, limits=limits)) as h:
        assert h.take_one(content).rows_kept == 500_002


def test_a_header_of_a_hundred_thousand_columns_is_refused_by_their_number() -> None:
    names = b",".join(b"column%d" % n for n in range(100_000))
    code, message = said(b"id," + names + b"\n", CSV)
    assert (code, "100001 columns" in message) == ("TOO_MANY_COLUMNS", True)
    assert said(b"id," + b"x," * 100_000 + b"\n", CSV)[0] == "TOO_MANY_COLUMNS"


# -- JSON ---------------------------------------------------------------------------------------------------------------


def keys(number: int, a_line: int = 1000) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("w") as out:
            for first in range(0, number, a_line):
                out.write(json.dumps({"id": "1"} | {f"k{n}": 1 for n in range(first, first + a_line)}) + "\n")

    return write


def nested_keys(path: Path) -> None:
    """Few keys, many paths: each of 60 beneath each of 60 beneath each of 60."""
    inner = {f"k{n}": 1 for n in range(60)}
    with path.open("w") as out:
        for a in range(60):
            for b in range(60):
                out.write(json.dumps({"id": "1", f"k{a}": {f"k{b}": inner}}) + "\n")


@pytest.mark.parametrize("make", [keys(300_000), nested_keys], ids=["beside", "beneath"])
def test_keys_without_end_are_refused_by_their_number(make: Callable[[Path], None]) -> None:
    assert taken_apart(make, "bad.csv", NDJSON, 200) == "refused TOO_MANY_COLUMNS None"


def test_keys_that_the_contract_ignores_may_be_many() -> None:
    rows = "".join(json.dumps({"id": str(n), "by_day": {f"d{n * 100 + m}": 1 for m in range(100)}}) + "\n" for n in range(100))
    with house(T, extract({"id": "id"}, format=NDJSON, layout={"ignore": ["by_day"]})) as h:
        assert h.take_one(rows).rows_kept == 100


def deep(depth: int) -> str:
    return '{"a":[' * (depth // 2) + ("[]" if depth % 2 else "1") + "]}" * (depth // 2)


@pytest.mark.parametrize(
    ("form", "depth", "answer"),
    [(NDJSON, 9, (None, 2)), (NDJSON, 10, (None, 1)), (NDJSON, 5_000, (None, 1)),
     (DOCUMENT, 9, (None, 2)), (DOCUMENT, 10, (None, 1)), (DOCUMENT, 5_000, ("BAD_JSON", None))],
)  # fmt: skip
def test_depth_is_the_contracts(form: dict[str, Any], depth: int, answer: tuple[str | None, int | None]) -> None:
    """A row that is nested too deep is set aside and the others are read; one too deep for any reader refuses a document."""
    rows = [f'{{"id":"1","deep":{deep(depth)}}}', '{"id":"2","deep":1}']
    limits = {"max_depth": 10, "max_set_aside_share": 1}
    with house(T, extract({"id": "id"}, format=form, layout={"ignore": ["deep"]}, limits=limits)) as h:
        delivery = h.take_one("\n".join(rows) + "\n" if form["type"] == "ndjson" else f"[{','.join(rows)}]")
        assert (delivery.code, delivery.rows_kept) == answer


# -- packed -------------------------------------------------------------------------------------------------------------


def gzipped(megabytes: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.write(b"id\n")
            for _ in range(megabytes):
                out.write(b"1\n" * 2**19)

    return write


def zipped(megabytes: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.csv", "w") as out:
            out.write(b"id\n")
            for _ in range(megabytes):
                out.write(b"1\n" * 2**19)

    return write


@pytest.mark.parametrize("make", [gzipped(40), zipped(40)], ids=["gzip", "zip"])
def test_a_bomb_goes_no_further_than_the_contract(make: Callable[[Path], None]) -> None:
    assert taken_apart(make, "bad.csv.gz", CSV, 100, max_unpacked_bytes=30_000_000) == "refused TOO_LARGE None"


def a_zip(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a\x1b[2J\u202e.csv", "x" * 60_000, "con"]
)
def test_the_names_within_an_archive_are_not_used(name: str) -> None:
    with house(T, extract({"id": "id"})) as h:
        delivery = h.take_one(a_zip((name, b"id\n1\n")), "things.zip")
        assert (delivery.state, delivery.name) == ("stored", "things.zip")
        assert not list(h.root.rglob("*evil*"))
        assert not list(h.home.tmp.iterdir())


GOOD = b"id\n1\n"
ARCHIVES: list[tuple[str, bytes, str]] = [
    ("a zip in a zip", a_zip(("x.zip", a_zip(("x.csv", GOOD)))), "BROKEN_ARCHIVE"),
    ("a gzip in a gzip", gzip.compress(gzip.compress(GOOD)), "BROKEN_ARCHIVE"),
    ("a zip in a gzip", gzip.compress(a_zip(("x.csv", GOOD))), "BROKEN_ARCHIVE"),
    ("two files", a_zip(("x.csv", GOOD), ("y.csv", GOOD)), "NOT_ONE_FILE"),
    ("no file", a_zip(), "NOT_ONE_FILE"),
    ("only a folder", a_zip(("x/", b"")), "NOT_ONE_FILE"),
    ("many folders", a_zip(("x.csv", GOOD), *((f"{n}/" + "x" * 1000, b"") for n in range(5_000))), "BROKEN_ARCHIVE"),
    ("cut gzip", gzip.compress(GOOD * 1000)[:-9], "CUT_FILE"),
    ("gzip with a wrong sum", gzip.compress(GOOD)[:-8] + bytes(8), "BROKEN_ARCHIVE"),
    ("gzip with more behind", gzip.compress(GOOD) + b"more", "BROKEN_ARCHIVE"),
    ("gzip in pieces without end", gzip.compress(GOOD) + gzip.compress(b"") * 250_000, "BROKEN_ARCHIVE"),
    ("cut zip", a_zip(("x.csv", GOOD * 1000))[:-30], "BROKEN_ARCHIVE"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code"), [a[1:] for a in ARCHIVES], ids=[a[0] for a in ARCHIVES])
def test_an_archive_that_is_no_single_file_is_refused(content: bytes, code: str) -> None:
    assert said(content, CSV, "bad.zip")[0] == code


@pytest.mark.parametrize("field", [{"flags": 1}, {"method": 12}, {"method": 99}, {"size": 1}, {"crc": 1}, {"at": 2**31}])
def test_a_zip_whose_directory_lies_is_refused(field: dict[str, int]) -> None:
    content = bytearray(a_zip(("x.csv", GOOD)))
    entry = content.rindex(b"PK\1\2")
    place, form = {"flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<I"), "size": (24, "<I"), "at": (42, "<I")}[
        next(iter(field))
    ]
    struct.pack_into(form, content, entry + place, next(iter(field.values())))
    assert said(bytes(content), CSV, "bad.zip")[0] == "BROKEN_ARCHIVE"


# -- Parquet ------------------------------------------------------------------------------------------------------------


def parquet(columns: dict[str, Any], **more: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **more)
    return out.getvalue()


def long_text_again(path: Path) -> None:
    """A file of a few kilobytes whose rows all hold the same 100,000 characters."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"id": column}), path, compression="zstd")


def test_a_parquet_file_that_comes_to_too_much_is_refused() -> None:
    assert taken_apart(long_text_again, "bad.csv", PARQUET, 400, max_unpacked_bytes=10**9) == "refused TOO_LARGE None"
    code, message = said(parquet({"id": ["x" * 20_000]}), PARQUET, max_line_bytes=10_000)
    assert (code, "limits.max_line_bytes" in message) == ("LINE_TOO_LONG", True)


def footers() -> list[bytes]:
    good = parquet({"id": ["1"]})
    length = struct.unpack("<I", good[-8:-4])[0]
    return [
        good[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
        good[:-8] + struct.pack("<I", 0) + b"PAR1",
        good[:-8] + struct.pack("<I", length) + b"PARE",
        good[: -8 - length] + b"\xff" * length + good[-8:],
        good[: -8 - length] + b"\x19" * length + good[-8:],
        b"PAR1" * 3,
        good[4:],
        b"PAR1" + bytes(len(good) - 4 - 8 - length) + good[-8 - length :],
    ]


@pytest.mark.parametrize("content", footers(), ids=range(8))
def test_a_parquet_file_with_a_broken_end_or_inside_is_refused_and_the_next_is_read(content: bytes) -> None:
    with house(T, extract({"id": "id"}, format=PARQUET)) as h:
        h.put("a.parquet", content, arrival="2021-01-01T0800")
        h.put("b.parquet", parquet({"id": ["7"]}), arrival="2021-01-02T0800")
        report = h.take()
        assert [d.code for d in report.refused] == ["BROKEN_PARQUET"]
        assert [d.rows_kept for d in report.new] == [1]


def test_a_parquet_file_of_many_columns_is_refused_by_their_number() -> None:
    assert said(parquet({"id": ["1"]} | {f"c{n}": [1] for n in range(3_000)}), PARQUET)[0] == "TOO_MANY_COLUMNS"


# -- the machine --------------------------------------------------------------------------------------------------------


def test_what_is_the_machines_trouble_is_not_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk or too little memory refuses no file for good: the run says so, and the next one takes it."""
    import duckdb

    from maalopfyldelse.intake import load

    def fails(error: Exception) -> Callable[..., Any]:
        def copy(*_: Any, **__: Any) -> int:
            raise error

        return copy

    with house(T, extract({"id": "id"})) as h:
        h.put("things.csv", GOOD)
        for error in (
            OSError(28, "No space left on device"),
            duckdb.OutOfMemoryException("x"),
            duckdb.IOException("x"),
            MemoryError(),
        ):
            monkeypatch.setattr(load.Loader, "_copy", fails(error))
            with pytest.raises(MaalError, match=r"things\.csv could not be read to its end\. .* run again"):
                h.take()
            assert h.ledger.deliveries() == []
        monkeypatch.undo()
        assert h.take().new[0].rows_kept == 1
