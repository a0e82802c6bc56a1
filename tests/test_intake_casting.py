"""Strict casts against a slow, plain reading in Python: whatever the text, the stored value is that of the text, or the row is set
aside with a reason. Values are made at the edges: signs, blanks, exponents, too many digits, dates that do not exist, both
clock changes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_house import extract, house, table

from maalopfyldelse.contract import Extract, Limits, Table
from maalopfyldelse.dates import danish_date, period_bounds
from maalopfyldelse.engine import connect
from maalopfyldelse.errors import CallerError
from maalopfyldelse.home import Home
from maalopfyldelse.intake import arrowcsv, zones
from maalopfyldelse.intake.arrowcells import Caster, NotPlain
from maalopfyldelse.intake.arrowclock import Unsettled, to_danish, to_instant
from maalopfyldelse.intake.arrowcsv import ArrowCsv
from maalopfyldelse.intake.cast import Program
from maalopfyldelse.intake.csvfile import CsvFile
from maalopfyldelse.intake.deliveries import hash_file
from maalopfyldelse.intake.faults import Fault
from maalopfyldelse.intake.folds import settle
from maalopfyldelse.intake.load import Loader
from maalopfyldelse.intake.rowrules import RowRules
from maalopfyldelse.intake.textfile import examine
from maalopfyldelse.intake.values import hour_position

MODEST = settings(max_examples=25, deadline=None)


@dataclass(frozen=True)
class Wrong:
    """The reference's answer for a text that does not fit."""

    code: str


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    """One home and one connection for all examples: making them costs more than reading sixty cells."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        with connect(home) as con, pytest.MonkeyPatch.context() as patch:
            patch.setattr(arrowcsv, "PIECE", 100)  # of a few lines, so that some are plain and others are not
            ENGINE[:] = [home, con]
            yield


ENGINE: list[Any] = []
PREPARED: set[str] = set()


def read(text: str, t: Table, e: Extract) -> tuple[list[tuple[Any, ...]], list[Fault]]:
    """What a CSV text becomes: its rows, and its faults with their lines."""
    home, con = ENGINE
    path = home.path.parent / "x.csv"
    path.write_bytes(text.encode())
    (layout,) = e.layouts
    file = CsvFile(examine(path, hash_file(path), layout.format, home.tmp, Limits()), layout.format, Limits())
    target = home.tmp / "x.parquet"
    loaded = Loader(con, home, file, layout, RowRules((), t, date(2022, 1, 1)), "x", target, PREPARED).load(
        lambda set_aside, rows: False
    )
    rows = con.execute(f"select * exclude (delivery_id) from read_parquet('{target}')").fetchall()
    assert loaded.rows_read == len(rows) + len({fault.line for fault in loaded.faults})
    return rows, loaded.faults


def stored(texts: list[str], source: dict[str, Any], column_type: str, **layout: Any) -> list[Any]:
    """What intake makes of each text: a value, None, or the code of its fault."""
    t = table({"n": "integer", "x": {"type": column_type, "required": False, "digits_are_ids": True}})
    e = extract({"n": "n", "x": {"from": "x", **source} if "period_end_of" not in source else source}, layout=layout)
    rows, faults = read("n,x\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(texts)), t, e)
    found: dict[int, Any] = dict(rows) | {(fault.line or 0) - 2: Wrong(fault.code) for fault in faults}
    # a file without quotes is Arrow's: what it casts by itself, and all with what it leaves to the engine in some pieces
    cast = Program(e.layouts[0], RowRules((), t, date(2022, 1, 1)), compose=True).casters.get("x")
    bare = {i: text for i, text in enumerate(texts) if cast and not set(text) & set(',"\r\n')}
    plain = {i: text for i, text in bare.items() if cast and casts(cast, text)}
    for some in (plain, bare) if plain else ():
        rows, faults = read("n,x\n" + "".join(f"{i},{text}\n" for i, text in some.items()), t, e)
        assert dict(rows) | {list(some)[(fault.line or 0) - 2]: Wrong(fault.code) for fault in faults} == {
            i: found[i] for i in some
        }
    return [found[i] for i in range(len(texts))]


def casts(cast: Caster, text: str) -> bool:
    """Whether a text is plain to Arrow."""
    try:
        cast(pa.array([text or None], pa.string()))
    except NotPlain:
        return False
    return True


ISO = ["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"]


@pytest.mark.parametrize(
    ("column_type", "source", "plain", "other"),
    [
        ("integer", {}, ["0", "-7", "007", "2147483647", "", "-0"], ["2147483648", "0x1F", "1e3", "1.0", " 1", "1 ", "+1", "1_0", "-", "٣"]),
        ("bigint", {"no_value": ["", "NULL"]}, ["9223372036854775807", "NULL"], ["9223372036854775808", "null", "NULL "]),
        ("date", {"format": "%Y-%m-%d"}, ["2021-02-28", "0001-01-01"], ["2021-02-29", "0000-01-01", "2021-2-28", "20210228", " 2021-02-28"]),
        ("date", {"format": ["%d-%m-%Y", "%Y-%m-%d"]}, ["28-02-2021", ""], ["2021-02-28", "28.02.2021", "28-02-21", "31-04-2021", "-1-02-2021"]),
        ("date", {"format": "%Y%m%d"}, ["20210228"], ["2021022", "2021-02-28"]),
        ("integer", {"no_value": ["", "ingen"]}, ["1", "ingen"], ["a\u030a", "\ufeff1", "1\ufeff"]),
        (
            "timestamp",
            {"format": ISO},
            ["2021-02-28 10:11:12", "2021-02-28 10:11:12.1", "2021-02-28 10:11:12.123456"],
            [
                *("2021-02-28T10:11:12", "2021-02-28 10:11", "2021-02-28 10:11:60", "2021-02-28 24:00:00", "2021-02-28 10:11:12+01"),
                *("2021-02-28 10:11:12Z", "2021-02-28 10:11:12.1234567", "0000-02-28 10:11:12", "2021-02-28", "2021-02-28 10"),
            ],
        ),
        ("timestamp", {"format": ISO[1:]}, ["2021-02-28 10:11:12"], ["2021-02-28 10:11:12.5"]),
        (
            "timestamp",
            {"format": ["%Y-%m-%d %H:%M", *ISO[1:]]},
            ["2021-02-28 10:11", "2021-02-28 10:11:12"],
            ["2021-02-28 10:1", "2021-02-28 10:60", "2021-02-28 24:00", "2021-02-28T10:11", "2021-02-28 1011Z", "0000-02-28 10:11"],
        ),
        ("varchar", {"codes": {"i": "in", "ø": "out"}, "no_value": ["", "-"]}, ["i", "ø", "-", ""], ["I", " i", "x"]),
        ("boolean", {"codes": {"ja": "true", "nej": "false"}}, ["ja", "nej", ""], ["true", "Ja"]),
    ],
)  # fmt: skip
def test_what_arrow_casts_and_what_it_leaves_to_the_engine(
    column_type: str, source: dict[str, Any], plain: list[str], other: list[str]
) -> None:
    t = table({"x": {"type": column_type, "required": False, "digits_are_ids": True}})
    (layout,) = extract({"x": {"from": "x", **source}}).layouts
    cast = Program(layout, RowRules((), t, date(2022, 1, 1)), compose=False).casters["x"]
    assert [text for text in (*plain, *other) if casts(cast, text)] == plain
    assert cast(pa.array([text or None for text in plain])).type == cast.type
    assert not any(isinstance(value, Wrong) for value in stored(plain, source, column_type))  # and both ways give the same


@pytest.mark.parametrize(
    ("last", "ways"),
    [
        ("7,2021-03-01\n", ["arrow"]),
        ("7,2021-03-01", ["arrow"]),
        ("7,01-03-2021\n", ["arrow", "pieces"]),
        ("7,2021-03-01,\n", ["arrow", "engine"]),
        ('"7",2021-03-01\n', ["engine"]),
    ],
)
def test_a_file_is_arrows_as_long_as_all_of_it_is_plain(last: str, ways: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces of few lines, read ahead, so that the last is seen when most rows are written already."""
    monkeypatch.setattr(arrowcsv, "PIECE", 40)
    tried: list[str] = []
    copy = Loader._copy

    def noted(self: Loader, select: str, target: Path) -> int:
        tried.append("engine" if "arrow_rows" not in select else "pieces" if "p_x" in select else "arrow")
        return copy(self, select, target)

    monkeypatch.setattr(Loader, "_copy", noted)
    t = table({"n": "integer", "x": {"type": "date", "required": False}})
    read_as = {"from": "x", "format": ["%Y-%m-%d", "%d-%m-%Y"]}
    e = extract({"n": "n", "x": read_as}, layout={"format": {"type": "csv", "final_newline": False}})
    numbers = range(1_000)
    rows, faults = read("n,x\n" + "".join(f"{n},2021-02-{1 + n % 28:02}\n" for n in numbers) + last, t, e)
    assert (rows, faults) == ([*((n, date(2021, 2, 1 + n % 28)) for n in numbers), (7, date(2021, 3, 1))], [])
    assert tried == ways


@pytest.mark.parametrize("trouble", [OSError(5, "Input/output error"), MemoryError(), RuntimeError("can't start new thread")])
@pytest.mark.parametrize("text", ["n,x\n1,a\n", "n,x\n1,a\nx,b\n"])
def test_trouble_of_the_machines_is_no_fault_of_the_files(text: str, trouble: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """What intake can say of the machine it raises for its caller; for anything else the engine reads the file."""

    def fails(self: ArrowCsv, *args: Any) -> pa.RecordBatch:
        raise trouble

    monkeypatch.setattr(ArrowCsv, "_batch", fails)
    t, e = table({"n": "integer", "x": "varchar"}), extract({"n": "n", "x": "x"})
    if isinstance(trouble, RuntimeError):
        assert read(text, t, e)[0] == [(1, "a")]
    else:
        with pytest.raises(type(trouble)):
            read(text, t, e)


@pytest.mark.parametrize(
    ("piece", "is_long"),
    [(b"", False), (b"123\n", False), (b"1234\n", True), (b"1\n2\n12", False), (b"1\n2\n123", True), (b"123\n1234\n", True)],
)
def test_a_line_too_long_for_a_row_is_told_wherever_it_stands(piece: bytes, is_long: bool) -> None:
    """Of a last line that does not end the engine counts an end, and there are ends of two bytes."""
    assert arrowcsv.has_long_line(piece, 4) == is_long


@pytest.mark.parametrize("last", ["9,2021-03-32,b\n", "9,2021-03-31,d\n", "9,,c\n"])
def test_a_wrong_row_costs_its_piece_of_the_file_only(last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All other pieces are Arrow's columns then too; the rows' numbers are those of the file's lines."""
    monkeypatch.setattr(arrowcsv, "PIECE", 40)
    proofs: list[list[bool]] = []
    batch = ArrowCsv._batch

    def noted(self: ArrowCsv, *args: Any) -> pa.RecordBatch:
        made = batch(self, *args)
        proofs.append([made[name][0].as_py() for name in self.proofs])
        return made

    monkeypatch.setattr(ArrowCsv, "_batch", noted)
    t = table({"n": "integer", "x": "date", "y": {"type": "varchar", "values": ["a", "b", "c"]}})
    e = extract({"n": "n", "x": {"from": "x"}, "y": {"from": "y", "on_unknown": "set_aside"}})
    before = [(n, date(2021, 2, 1 + n % 28), "abc"[n % 3]) for n in range(500)]
    after = [(n, date(2021, 2, 1 + n % 28), "abc"[n % 3]) for n in range(500, 900)]
    text = ["".join(f"{n},{x},{y}\n" for n, x, y in some) for some in (before, after)]
    rows, faults = read(f"n,x,y\n{text[0]}{last}{text[1]}", t, e)
    assert rows == [*before, *after]
    assert [(fault.line, fault.code) for fault in faults] == [
        (502, {"9,2021-03-32,b\n": "NOT_A_DATE", "9,2021-03-31,d\n": "UNKNOWN_CODE", "9,,c\n": "MISSING_VALUE"}[last])
    ]
    careful = proofs[-300:]  # the last reading of the file, which goes to its end
    assert sum(not all(truths) for truths in careful) <= 1 and len(careful) == 300


@pytest.mark.parametrize(
    ("column_type", "source"),
    [
        ("date", {"format": "%Y-%m-%dZ"}),  # the day of an instant, in other years than a date
        ("varchar", {"codes": {"a\u030a": "å"}}),  # a word that no composed cell has
        ("integer", {"no_value": ["a\u030a"]}),
        ("integer", {"no_value": ["0"]}),
        ("boolean", {"has_word": "spam"}),
    ],
)
def test_what_is_never_arrows(column_type: str, source: dict[str, Any]) -> None:
    t = table({"x": {"type": column_type, "required": False}})
    (layout,) = extract({"x": {"from": "x", **source}}).layouts
    assert Program(layout, RowRules((), t, date(2022, 1, 1)), compose=False).casters == {}


@pytest.mark.parametrize("first", ["", "1,b\n" * 20])
def test_a_byte_order_mark_within_a_file_is_a_character(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow leaves one out at the beginning of every piece."""
    monkeypatch.setattr(arrowcsv, "PIECE", 10)
    t, e = table({"n": "integer", "x": "varchar"}), extract({"n": "n", "x": "x"})
    rows, faults = read(f"n,x\n{first}\ufeff2,a\n3,a\n", t, e)
    assert [fault.code for fault in faults] == ["NOT_A_NUMBER"] and rows[-1] == (3, "a")
    rows, faults = read(f"x,n\n{first.replace('1,b', 'b,1')}\ufeffa,2\na,3\n", t, e)
    assert faults == [] and rows[-2:] == [(2, "\ufeffa"), (3, "a")]


digits = st.text("0123456789", min_size=1, max_size=21)
odd = st.sampled_from(
    [
        "",
        " ",
        "-",
        "+5",
        "1e3",
        " 12 ",
        "12 ",
        "1_000",
        "1.5",
        "1,5",
        "0x10",
        "-0",
        "007",
        "NaN",
        "inf",
        "١٢",
        "1.000",
        "1.0.0",
        "1 000",
        "--1",
    ]
)
numbers = st.lists(
    odd
    | digits
    | st.builds(lambda s, a, m, b: f"{s}{a}{m}{b}", st.sampled_from(["", "-", "+"]), digits, st.sampled_from(".,"), digits)
    | st.builds(lambda n, m: f"{n:,}".replace(",", m), st.integers(-(10**12), 10**12), st.sampled_from(".,"))
    | st.integers(-(2**63) - 2, 2**63 + 2).map(str)
    | st.integers(-(2**31) - 2, 2**31 + 2).map(str),
    min_size=1,
    max_size=60,
)


def number(text: str, decimal: str, thousands: str, scale: int, low: Decimal, high: Decimal) -> Decimal | Wrong | None:
    if not text.strip(" "):
        return None
    body = text.removeprefix("-")
    whole, mark, part = body.partition(decimal)
    groups = whole.split(thousands) if thousands else [whole]
    grouped = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:]))
    if not grouped or not all(re.fullmatch("[0-9]+", g) for g in groups) or (mark and not re.fullmatch("[0-9]+", part)):
        return Wrong("NOT_A_NUMBER")
    if len(part.rstrip("0")) > scale:
        return Wrong("TOO_MANY_DECIMALS")
    value = Decimal(("-" if text.startswith("-") else "") + "".join(groups) + "." + (part or "0"))
    return value if low <= value <= high else Wrong("NUMBER_OUT_OF_RANGE")


@pytest.mark.parametrize(("column_type", "bits"), [("integer", 31), ("bigint", 63)])
@given(texts=numbers)
@MODEST
def test_whole_numbers(column_type: str, bits: int, texts: list[str]) -> None:
    def expected(text: str) -> Any:
        found = number(text, "!", "", 0, Decimal(-(2**bits)), Decimal(2**bits - 1))
        return int(found) if isinstance(found, Decimal) else found

    assert stored(texts, {}, column_type) == [expected(text) for text in texts]


@pytest.mark.parametrize(("decimal", "thousands"), [(".", ""), (",", "."), (".", ","), (",", "")])
@given(texts=numbers)
@MODEST
def test_decimals_are_exact_or_set_aside(decimal: str, thousands: str, texts: list[str]) -> None:
    limit = Decimal("99999999.99")
    expected = [number(text, decimal, thousands, 2, -limit, limit) for text in texts]
    assert stored(texts, {"decimal": decimal, "thousands": thousands}, "decimal(10,2)") == expected


days = st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.dates(date(2019, 1, 1), date(2022, 12, 31))
date_texts = st.lists(
    st.builds(lambda d, f: d.strftime(f).rjust(10, "0"), days, st.sampled_from(["%d-%m-%Y", "%Y-%m-%d", "%d.%m.%Y"]))
    | st.builds(lambda y, m, d: f"{d:02}-{m:02}-{y:04}", st.integers(0, 10000), st.integers(0, 13), st.integers(0, 32))
    | st.builds(lambda y, m, d: f"{y:04}-{m:02}-{d:02}", st.integers(0, 10000), st.integers(0, 13), st.integers(0, 32))
    | st.builds(lambda y, m, d: f"{y}-{m}-{d}", st.integers(1, 2030), st.integers(1, 12), st.integers(1, 28))
    | st.sampled_from(
        ["", "2021-1-5", "infinity", "epoch", "2021-02-29", " 2021-01-05", "2021-01-05 ", "2021-01-05 (BC)", "05-01-21"]
    ),
    min_size=1,
    max_size=60,
)


@given(texts=date_texts)
@MODEST
def test_dates(texts: list[str]) -> None:
    def expected(text: str) -> date | Wrong | None:
        if not text.strip(" "):
            return None
        for shape, order in ((r"(\d{2})-(\d{2})-(\d{4})", (3, 2, 1)), (r"(\d{4})-(\d{2})-(\d{2})", (1, 2, 3))):
            if match := re.fullmatch(shape, text, re.ASCII):
                try:
                    return date(*(int(match[i]) for i in order))
                except ValueError:
                    pass
        return Wrong("NOT_A_DATE")

    assert stored(texts, {"format": ["%d-%m-%Y", "%Y-%m-%d"]}, "date") == [expected(text) for text in texts]


COPENHAGEN = ZoneInfo("Europe/Copenhagen")
near_changes = st.builds(
    lambda base, seconds: base + timedelta(seconds=seconds),
    st.sampled_from([datetime(2021, 3, 28, 2), datetime(2021, 10, 31, 2), datetime(2020, 10, 25, 2), datetime(2003, 3, 30, 2)]),
    st.integers(-7200, 7200),
)
walls = near_changes | st.datetimes(datetime(1969, 6, 1), datetime(2100, 6, 1)).map(lambda d: d.replace(microsecond=0))


def instant(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime | Wrong:
    """The instant of a wall time (naive UTC), the earlier one of two."""
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) != wall:
        return Wrong("NO_SUCH_HOUR")
    return found.replace(tzinfo=None) if 1970 <= wall.year <= 2099 else Wrong("NOT_A_TIME")


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/Chicago", "Australia/Lord_Howe", "UTC"])
@given(times=st.lists(walls, min_size=1, max_size=60), part=st.sampled_from(["", ".440", ".5", ".123456", ".000"]))
@MODEST
def test_wall_times_become_instants(zone: str, times: list[datetime], part: str) -> None:
    pattern = "%Y-%m-%d %H:%M:%S" + (".%f" if part else "")
    added = timedelta(microseconds=int(part[1:].ljust(6, "0")) if part else 0)
    texts = [f"{time:%Y-%m-%d %H:%M:%S}{part}" for time in times]
    expected = []
    for time in times:
        found = instant(time, ZoneInfo(zone))
        expected.append(found if isinstance(found, Wrong) else found + added)
    assert stored(texts, {"format": pattern}, "timestamp", zone=zone) == expected


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/Chicago", "Australia/Lord_Howe", "UTC"])
@given(times=st.lists(walls, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_arrow_adds_offsets_where_a_wall_time_is_one_instant(zone: str, times: list[datetime]) -> None:
    """And nothing else: a doubled or a skipped hour among them, or an unusual year, and none of them is shifted."""
    info, column = ZoneInfo(zone), pa.array([*times, None], pa.timestamp("us"))
    early, late = ([instant(time, info, fold) for time in times] for fold in (0, 1))
    if early != late or any(isinstance(found, Wrong) for found in early) or not all(2000 <= time.year < 2040 for time in times):
        with pytest.raises(Unsettled):
            to_instant(zone)(column)
        return
    found = to_instant(zone)(column)
    assert found.to_pylist() == [*early, None]
    if all(2000 <= time.year < 2040 for time in found.to_pylist()[:-1]):
        local = [time.replace(tzinfo=UTC).astimezone(COPENHAGEN).replace(tzinfo=None) for time in found.to_pylist()[:-1]]
        assert to_danish()(found).to_pylist() == [*local, None]


time_texts = st.lists(
    st.builds(lambda t, f: t.strftime(f), walls, st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d-%m-%Y %H:%M"]))
    | st.builds(lambda t, z: f"{t:%Y-%m-%dT%H:%M:%S}{z}", walls, st.sampled_from(["+0200", "+02:00", "-05:30", "Z", "+2", "+25:00", " +0200"]))
    | st.sampled_from(["2021-01-05 24:00:00", "2021-01-05 12:00:60", "2021-01-05 1:00:00", "2021-01-05  12:00:00", "2021-01-05 12:00:00+02"])
    | st.sampled_from(["10000-01-01 00:00:00", "2021-01-05 12:00:00.1234567", "2021-01-05 12:00:00.", "2021-01-05 12:00:00 ", "now", "infinity"]),
    min_size=1,
    max_size=60,
)  # fmt: skip


@given(texts=time_texts)
@MODEST
def test_times_with_and_without_offsets(texts: list[str]) -> None:
    def expected(text: str) -> datetime | Wrong | None:
        if match := re.fullmatch(r"(\d{4}-\d{2}-\d{2})T(\d{2}:[0-5]\d:[0-5]\d)(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)", text, re.ASCII):
            try:
                found = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3]}").astimezone(UTC).replace(tzinfo=None)
            except (ValueError, OverflowError):
                return Wrong("NOT_A_TIME")
            return found if 1970 <= found.year <= 2099 else Wrong("NOT_A_TIME")
        if re.fullmatch(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", text, re.ASCII):
            try:
                return instant(datetime.fromisoformat(text), COPENHAGEN)
            except ValueError:
                return Wrong("NOT_A_TIME")
        return Wrong("NOT_A_TIME")

    assert stored(texts, {"format": ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]}, "timestamp") == [expected(t) for t in texts]


@given(times=st.lists(walls, min_size=1, max_size=60), zone=st.sampled_from(["UTC", "Europe/Copenhagen", "America/Chicago"]))
@MODEST
def test_the_danish_day_and_minute_of_an_instant(times: list[datetime], zone: str) -> None:
    columns = {
        "n": "n",
        "began": {"from": "x", "format": "%Y-%m-%d %H:%M:%S"},
        "day": {"local_date_of": "x"},
        "minute": {"local_minute_of": "x"},
        "assumed": {"hour_assumed_of": "x"},
    }
    t = table({"n": "integer", "began": "timestamp", "day": "date", "minute": "integer", "assumed": "boolean"})
    text = "n,x\n" + "".join(f"{i},{time:%Y-%m-%d %H:%M:%S}\n" for i, time in enumerate(times))
    for n, began, day, minute, assumed in read(text, t, extract(columns, layout={"zone": zone}))[0]:
        aware = began.replace(tzinfo=UTC)
        local = aware.astimezone(COPENHAGEN)
        assert (day, minute) == (danish_date(aware), 60 * local.hour + local.minute)
        later = times[n].replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC).replace(tzinfo=None)
        assert assumed == (later != began)


@given(
    texts=st.lists(
        st.from_regex(r"\d{4}(H\d|Q\d|-\d{2}(-\d{2})?)?", fullmatch=True) | st.sampled_from(["2021Q5", "x", "2021-02-29"]),
        max_size=40,
    )
)
@MODEST
def test_the_end_of_a_period(texts: list[str]) -> None:
    def expected(text: str) -> date | Wrong:
        try:
            return period_bounds(text)[1]
        except ValueError:
            return Wrong("NO_SUCH_PERIOD")

    texts = [t for t in texts if t.isascii()]
    assert stored(texts, {"period_end_of": "{x}"}, "date") == [expected(text) for text in texts]


@pytest.mark.parametrize(
    ("column_type", "texts", "expected"),
    [
        ("integer", ["7", "-1", "999", " 999 ", "9990"], [7, None, None, None, 9990]),
        ("bigint", ["-1", "-10"], [None, -10]),
        ("date", ["9999-12-31", "2021-01-05", " 9999-12-31"], [None, date(2021, 1, 5), None]),
        ("timestamp", ["1970-01-02 00:00:00", "1970-01-02 00:00:01"], [None, datetime(1970, 1, 1, 23, 0, 1)]),
        ("timestamp", ["1970-01-02 00:00:00.000", "2021-01-05 12:00:00"], [None, datetime(2021, 1, 5, 11)]),
        ("varchar", ["-1", "999", "99", "- 1"], [None, None, "99", "- 1"]),
    ],
)
def test_a_number_or_a_time_may_be_a_word_for_nothing(column_type: str, texts: list[str], expected: list[Any]) -> None:
    words = ["", "-1", "999", "9999-12-31", "1970-01-02 00:00:00", "1970-01-02 00:00:00.000"]
    assert stored(texts, {"no_value": words}, column_type) == expected


@pytest.mark.parametrize("column_type", ["integer", "bigint", "date", "timestamp", "varchar"])
def test_a_value_that_does_not_fit_is_a_fault_whether_or_not_the_column_may_be_empty(column_type: str) -> None:
    odd = {"varchar": "0101701234", "timestamp": "2021-02-29 12:00:00", "date": "2021-02-29"}.get(
        column_type, "99999999999999999999"
    )
    for required in (True, False):
        t = table({"n": "integer", "x": {"type": column_type, "required": required}})
        rows, faults = read(f"n,x\n0,{odd}\n1,\n", t, extract({"n": "n", "x": "x"}))
        assert rows == ([] if required else [(1, None)])
        assert [fault.line for fault in faults] == ([2, 3] if required else [2])


def test_templates_booleans_constants_and_words_for_nothing() -> None:
    columns = {
        "id": {"template": "{year}Q{quarter}", "no_value": ["", "-"]},
        "began": {"template": "{day} {clock}", "format": "%d-%m-%Y %H:%M"},
        "yes": {"from": "yes", "codes": {"ja": "true", "nej": "false"}},
        "plain": "plain",
        "same": {"constant": "7"},
    }
    t = table(
        {"id": "varchar", "began": "timestamp?", "yes": "boolean", "plain": "boolean?", "same": "integer", "never": "date?"}
    )
    with house(t, extract(columns)) as h:
        lines = [
            "year,quarter,day,clock,yes,plain",
            "2020, 1 ,05-01-2021,12:30,ja,true",
            "2020,-,,12:30,nej,",
            "2021,2,05-01-2021,,nej,True",
        ]
        h.take_one("\n".join(lines) + "\n")
        assert h.rows("id, began, yes, plain, same, never") == [("2020Q1", datetime(2021, 1, 5, 11, 30), True, True, 7, None)]
        assert h.faults() == [(3, "MISSING_VALUE", "year + quarter"), (4, "NOT_A_BOOLEAN", "plain")]


# -- the doubled hour --------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.integers(0, 59)), max_size=12))
@settings(max_examples=200, deadline=None)
def test_the_order_of_events_settles_the_hour_as_its_definition_says(events: list[tuple[str, int, int]]) -> None:
    rows = [(group, str(number), datetime(2021, 10, 31, 2, minute)) for group, number, minute in events]
    for group, number, wall, is_later, is_assumed in settle(list(rows)):
        mine = [(int(n), w) for g, n, w in rows if g == group]
        i = int(number)
        up_to = any(n < m and w > v for n, w in mine for m, v in mine if m < i or (m, v) == (i, wall))
        from_on = any(n < m and w > v for n, w in mine for m, v in mine if n > i or (n, w) == (i, wall))
        assert (is_later, is_assumed) == (up_to and not from_on, up_to == from_on)


def events_house() -> Any:
    columns = {
        "id": "id",
        "began": {"from": "began", "format": "%Y-%m-%d %H:%M:%S", "order": {"within": "call", "by": "step"}},
        "spoke": {"from": "spoke", "format": "%Y-%m-%d %H:%M:%S", "order": {"after": "began"}},
        "assumed": {"hour_assumed_of": "began"},
        "spoke_assumed": {"hour_assumed_of": "spoke"},
    }
    t = table({"id": "varchar", "began": "timestamp", "spoke": "timestamp?", "assumed": "boolean", "spoke_assumed": "boolean?"})
    return house(t, extract(columns, layout={"ignore": []}))


@pytest.mark.parametrize(
    "last", ["e,3,1,2021-10-31 03:10:00,\n", "e,3,1,2021-10-31 03:10:00,x\n"], ids=["all fit", "with a fault"]
)
def test_the_doubled_hour_in_a_file(last: str) -> None:
    with events_house() as h:
        h.take_one(
            "id,call,step,began,spoke\n"
            "a,1,1,2021-10-31 02:50:00,2021-10-31 02:10:00\n"  # first hour; spoken later, so in the second
            "b,1,2,2021-10-31 02:10:00,2021-10-31 02:20:00\n"  # runs backwards: second hour
            "c,2,1,2021-10-31 02:30:00,\n"  # nothing settles it
            "d,2,2,2021-10-31 02:40:00,2021-10-31 02:45:00\n" + last + "f,3,2,2021-10-31 12:00:00,\n"
        )
        assert h.rows("id, began, spoke, assumed, spoke_assumed")[:4] == [
            ("a", datetime(2021, 10, 31, 0, 50), datetime(2021, 10, 31, 1, 10), False, False),
            ("b", datetime(2021, 10, 31, 1, 10), datetime(2021, 10, 31, 1, 20), False, False),
            ("c", datetime(2021, 10, 31, 0, 30), None, True, None),
            ("d", datetime(2021, 10, 31, 0, 40), datetime(2021, 10, 31, 0, 45), True, False),
        ]
        assert h.rows("id")[-1] == ("f",)
        assert h.faults() == ([(6, "NOT_A_TIME", "spoke")] if "x" in last else [])


def test_the_spring_hour_sets_the_row_aside() -> None:
    with events_house() as h:
        h.take_one("id,call,step,began,spoke\na,1,1,2021-03-28 02:30:00,\nb,1,2,2021-03-28 03:00:00,\n")
        assert h.rows("id, began") == [("b", datetime(2021, 3, 28, 1))]
        assert h.faults() == [(2, "NO_SUCH_HOUR", "began")]
        assert "Europe/Copenhagen" in h.ledger.rejects()[0].message


def test_a_zone_with_two_changes_in_a_month_is_refused_not_guessed() -> None:
    with pytest.raises(CallerError, match="two clock changes"):
        zones._lists("America/Noronha", "wall")


@pytest.mark.parametrize(
    ("patterns", "position"),
    [
        (["%Y-%m-%d %H:%M", "%d-%m-%YT%H:%M:%S"], 12),
        (["%H:%M %d-%m-%Y"], 1),
        (["%Y%m%d%H"], 9),
        (["%Y-%m-%d", "%Y-%m-%d %H"], None),
        (["%Y-%m-%d %H", "%Y%m%d %H"], None),
    ],
)
def test_where_the_hour_stands(patterns: list[str], position: int | None) -> None:
    assert hour_position(patterns) == position


def test_the_hours_that_can_be_doubled() -> None:
    assert zones.double_hours("Europe/Copenhagen") == ["02"]
    assert zones.double_hours("UTC") == []
