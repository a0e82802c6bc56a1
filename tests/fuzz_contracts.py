"""Hypothesis strategies for small contracts: every origin and type that contract.py knows, and cells that fit them or nearly do.

A contract is put together from parts. A part is one or two columns of the file, with what its cells may hold, and the columns of
the table that are made of them. How cells become files, and how files are mangled, is fuzz_files.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from maalopfyldelse.contract import Extract, Table

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass
class Part:
    """Columns of the file (name → strategy of its cells) and what the table makes of them."""

    cells: dict[str, st.SearchStrategy[Any]]
    table: dict[str, Any]
    sources: dict[str, dict[str, Any]]


@dataclass
class Contract:
    """A table, an extract of one layout, and what the cells of the file's columns may hold."""

    table: Table
    extract: Extract
    cells: dict[str, st.SearchStrategy[Any]]
    unread: list[str] = field(default_factory=list)  # the columns that are ignored or personal

    @property
    def layout(self) -> Any:
        return self.extract.layouts[0]

    def __repr__(self) -> str:
        extract = self.extract.model_dump_json(by_alias=True, exclude_defaults=True)
        return f"table:\n{self.table.model_dump_json(exclude_defaults=True)}\nextract:\n{extract}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


TEXTS = [
    "a", "Sag 12", "æøå ÆØÅ", "A\u030arhus", "e\u0301", " lead", "trail ", "a,b;c\td|e", 'he said "hi"', "it's", "line\nbreak", "x\r\ny",
    "NULL", "null", "-", "0101701234", "=1+1", "@x", "€", "\u00a0", "\u00a0x", "\t", "21/1234", "1e5", "007", "a" * 300, "\\N", "\\", '"', '""',
    "'; drop table x; --", "{id}", "[1, 2]", "true", "  ", "N/A", "#N/A", "😀", "\u2028", "x\x0by", "\ufeffx", "#x", "//",
]  # fmt: skip
NUMBERS = [
    "0", "1", "-1", "12", "007", "-0", "1234", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "1.234", "1,234", "1 234", "1\u00a0234", "12.345.678", "1.23", "1,23", "1,5", "0.10",
    "1.234,5", "1,234.50", "12.34.567", "1.2345", "123456789012345678", "99999.99", "100000.00", "1e3", "+5", " 12", "12 ", "1_000", "٣",
    "NaN", "inf", "0x1F", "--1", "-", ".5", "5.", ",5", "1.500", "0,000", "1,0",
]  # fmt: skip
WORDS = ["x", "y", "Æble", "æble", " x ", "x\u00a0", "z", "X", "ja", "nej", "", "-", "xy", "x y"]
_WALLS = [
    datetime(2021, 1, 5, 12, 30), datetime(2020, 2, 29, 23, 59, 59), datetime(2021, 3, 28, 1, 59, 59), datetime(2021, 3, 28, 2, 30),
    datetime(2021, 3, 28, 3), datetime(2021, 10, 31, 1, 59, 59), datetime(2021, 10, 31, 2), datetime(2021, 10, 31, 2, 30),
    datetime(2021, 10, 31, 2, 45), datetime(2021, 10, 31, 2, 10), datetime(2021, 10, 31, 2, 59, 59), datetime(2021, 10, 31, 3),
    datetime(2020, 10, 25, 2, 20), datetime(1970, 1, 1), datetime(1969, 12, 31, 23, 59), datetime(2099, 12, 31, 23, 59), datetime(2100, 1, 1),
]  # fmt: skip
DATE_FORMATS = ["%d-%m-%Y", "%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%SZ"]
TIME_FORMATS = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d-%m-%Y %H:%M", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z",
    "%d.%m.%Y %H.%M.%S", "%H:%M %d-%m-%Y", "%Y%m%d%H%M%S", "%Y-%m-%d",
]  # fmt: skip
ODD_TIMES = [
    "2021-02-29", "29-02-2021", "2021-1-5", "05-01-21", "2021-01-05 24:00:00", "2021-01-05 12:00:60", " 2021-01-05", "2021-01-05 ", "now",
    "infinity", "epoch", "0000-01-01", "10000-01-01", "2021-01-05 12:00:00+02", "2021-01-05T12:00:00+14:59", "2021-01-05T12:00:00-05:30",
    "2021-01-05 (BC)", "2021-01-05 12:00:00.1234567", "2021-01-05 12:00:00.", "2021-01-05 12:00", "31-12-2020 23:59:59", "0001-01-01", "2021-13-01",
    "2021-10-31 02:30:00.5", "1970-01-01T00:30:00+0100", "2021-01-05T12:00:00z", "２021-01-05",
]  # fmt: skip
ZONES = ["Europe/Copenhagen", "UTC", "America/Chicago", "Australia/Lord_Howe"]
NOTHING: list[list[str]] = [[""], ["", "-"], ["NULL", ""], ["-"], [], ["", "0", "12", "2021-01-05", "1970-01-01 00:00:00"]]
walls = st.sampled_from(_WALLS) | st.builds(
    lambda d, s: d + timedelta(seconds=s),
    st.sampled_from([datetime(2021, 3, 28, 2), datetime(2021, 10, 31, 2)]),
    st.integers(-7200, 7200),
)


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly one, now and then the other."""
    return st.integers(0, 7).flatmap(lambda n: odd if n == 7 else good)


def _written(formats: list[str]) -> st.SearchStrategy[str]:
    def write(wall: datetime, pattern: str) -> str:
        text = wall.strftime(pattern.replace("%Y", f"{wall.year:04}").replace("%z", "+0100"))
        return text.replace("+0100", "+01:00") if wall.minute % 2 else text

    return st.builds(write, walls, st.sampled_from(formats))


def _of(words: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(words)


# --- parts; c is the file's column, t the table's


def text(draw: Draw, c: str, t: str) -> Part:
    return Part({c: _of(TEXTS)}, {t: "varchar"}, {t: {"from": c, "no_value": draw(_of(NOTHING))}})  # type: ignore[arg-type]


def words(draw: Draw, c: str, t: str) -> Part:
    spec = {"type": "varchar", "values": ["x", "y", "Æble"]}
    source = {"from": c, "on_unknown": draw(st.sampled_from(["refuse", "set_aside", "set_aside"]))}
    return Part({c: mostly(_of(["x", "y", "Æble", " x ", ""]), _of(WORDS))}, {t: spec}, {t: source})


def codes(draw: Draw, c: str, t: str) -> Part:
    kind, to = draw(
        st.sampled_from(
            [
                ("varchar", {"x": "et", "Æble": "to", "-": "tre"}),
                ("boolean", {"x": "true", "y": "false"}),
                ("integer", {"x": "1", "y": "-7"}),
                ("decimal(6,2)", {"x": "1.50", "y": "0"}),
                ("date", {"x": "2021-01-05"}),
            ]
        )
    )
    source = {
        "from": c,
        "codes": to,
        "on_unknown": draw(st.sampled_from(["refuse", "set_aside", "set_aside"])),
        "no_value": draw(_of(NOTHING)),
    }  # type: ignore[arg-type]
    return Part({c: mostly(_of([*to, *to, " x "]), _of(WORDS))}, {t: kind}, {t: source})


def number(draw: Draw, c: str, t: str) -> Part:
    kind = draw(st.sampled_from(["integer", "bigint", "decimal(7,2)", "decimal(18,0)", "decimal(38,9)", "decimal(3,3)"]))
    mark, thousands = draw(st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", " ")]))
    source = {"from": c, "decimal": mark, "thousands": thousands, "no_value": draw(_of(NOTHING))}  # type: ignore[arg-type]
    plain = st.integers(-1200, 99999).map(str)
    grouped = st.integers(-1200, 9999999).map(lambda n: f"{n:,}".replace(",", thousands))
    parts = (
        st.builds(lambda n, p: f"{n}{mark}{p}", st.integers(-99, 99), _of(["5", "25", "10", "000"])) if "dec" in kind else plain
    )
    return Part({c: mostly(plain | grouped | parts, _of(NUMBERS))}, {t: kind}, {t: source})


def twice(draw: Draw, c: str, t: str) -> Part:
    """One column of the file read by two sources."""
    mark = draw(st.sampled_from([",", "."]))
    sources = {
        t: {"from": c, "decimal": mark, "thousands": draw(st.sampled_from(["", "." if mark == "," else ","]))},
        f"{t}_too": {"from": c, "decimal": mark},
    }
    return Part({c: _of(["1", "1.234", "1,5", "2.5", "-7", "12"])}, {t: "decimal(12,3)", f"{t}_too": "decimal(12,3)"}, sources)


def day(draw: Draw, c: str, t: str) -> Part:
    formats = draw(st.none() | st.lists(st.sampled_from(DATE_FORMATS), min_size=1, max_size=2, unique=True))
    source = {"from": c, "format": formats if formats is None or len(formats) > 1 else formats[0]}
    cells = mostly(_written(formats or ["%Y-%m-%d"]), _of(ODD_TIMES) | _written(DATE_FORMATS))
    return Part({c: cells}, {t: "date"}, {t: source})


def instant(draw: Draw, c: str, t: str) -> Part:
    formats = draw(st.none() | st.lists(st.sampled_from(TIME_FORMATS), min_size=1, max_size=2, unique=True))
    source: dict[str, Any] = {"from": c, "format": formats, "zone": draw(st.none() | st.sampled_from(ZONES))}
    table: dict[str, Any] = {t: "timestamp"}
    sources = {t: source}
    for suffix, origin, kind in (
        ("day", "local_date_of", "date"),
        ("minute", "local_minute_of", "integer"),
        ("assumed", "hour_assumed_of", "boolean"),
    ):
        if draw(st.booleans()):
            table[f"{t}_{suffix}"], sources[f"{t}_{suffix}"] = f"{kind}?", {origin: c}
    cells = mostly(_written(formats or ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]), _of(ODD_TIMES) | _written(TIME_FORMATS))
    return Part({c: cells}, table, sources)


def events(draw: Draw, c: str, t: str) -> Part:
    """Instants whose doubled hour the order of events settles, and an end that lies after its beginning."""
    form = draw(st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M"]))
    zone = draw(st.sampled_from(["Europe/Copenhagen", "Europe/Copenhagen", "America/Chicago"]))
    sources = {
        t: {"from": c, "format": form, "zone": zone, "order": {"within": f"{c} call", "by": f"{c} no"}},
        f"{t}_assumed": {"hour_assumed_of": c},
        f"{t}_end": {"from": f"{c} end", "format": form, "zone": zone, "order": {"after": c}},
    }
    cells: dict[str, st.SearchStrategy[Any]] = {
        c: _written([form]),
        f"{c} call": _of(["a", "a", "b", "", "å"]),
        f"{c} no": mostly(st.integers(1, 4).map(str), _of(["", " 2", "x", "1.5", "-1", "1e1"])),
        f"{c} end": mostly(_written([form]), _of(["", "x"])),
    }
    return Part(cells, {t: "timestamp", f"{t}_assumed": "boolean?", f"{t}_end": "timestamp?"}, sources)


def truth(draw: Draw, c: str, t: str) -> Part:
    return Part({c: mostly(_of(["true", "false"]), _of(["True", "1", "", " true", "ja"]))}, {t: "boolean"}, {t: {"from": c}})


def tests(draw: Draw, c: str, t: str) -> Part:
    """What is asked of a value without keeping it."""
    kind = draw(st.sampled_from(["present_of", "has_word", "hash_of"]))
    if kind == "present_of":
        return Part({c: _of(["", " ", "-", "x", "0101701234"])}, {t: "boolean"}, {t: {kind: c, "no_value": draw(_of(NOTHING))}})  # type: ignore[arg-type]
    if kind == "hash_of":
        source = {kind: c, "ignore_case": draw(st.booleans())}
        return Part({c: _of(["abc", " ABC ", "Søren", "SØREN", "", "A\u030a", "å", "x" * 70])}, {t: "varchar"}, {t: source})
    cells = _of(["spam", "no spam", "spammer", "", "[spam] spam", '["spam"]', "a  spam", "spam\tx", "[spam"]) | st.lists(
        _of(["spam", "x", "a spam"]), max_size=2
    )
    return Part({c: cells}, {t: "boolean"}, {t: {"from": c, "has_word": "spam"}})


def filled(draw: Draw, c: str, t: str) -> Part:
    """Templates, of text, number, date, instant and period."""
    no_value = draw(_of(NOTHING))  # type: ignore[arg-type]
    one, two = f"{c} 1", f"{c} 2"
    kind, template, more = draw(
        st.sampled_from(
            [
                ("varchar", f"{{{one}}}Q{{{two}}}", {}),
                ("varchar", f"{{{one}}}{{{two}}}{{{one}}}", {}),
                ("integer", f"{{{one}}}{{{two}}}", {}),
                ("date", f"{{{one}}}-0{{{two}}}-01", {"format": "%Y-%m-%d"}),
                ("timestamp", f"31-10-{{{one}}} 0{{{two}}}:30", {"format": "%d-%m-%Y %H:%M"}),
                ("period", f"{{{one}}}Q{{{two}}}", {}),
                ("period", f"{{{one}}}H{{{two}}}", {}),
                ("period", f"{{{one}}}Q0{{{two}}}", {}),
                ("word", f"{{{one}}}Q0{{{two}}}", {}),
                ("word", f"{{{one}}}-0{{{two}}}", {}),
            ]
        )
    )
    cells = {
        one: mostly(_of(["2021", "2020", " 2021 "]), _of(["", "-", "21", "0000", "x"])),
        two: mostly(_of(["1", "2"]), _of(["", "5", " ", "'", "\u00a01"])),
    }
    origin = {"period": "period_end_of", "word": "period_of"}.get(kind, "template")
    more = {"on_unknown": draw(st.sampled_from(["refuse", "set_aside"]))} if kind == "word" else more
    kind = {"period": "date", "word": "varchar"}.get(kind, kind)
    return Part(cells, {t: kind}, {t: {origin: template, "no_value": no_value, **more}})


def constant(draw: Draw, c: str, t: str) -> Part:
    kind, word = draw(
        st.sampled_from(
            [("varchar", "o'clock"), ("integer", "7"), ("boolean", "false"), ("date", "2021-01-05"), ("decimal(4,1)", "1.5")]
        )
    )
    return Part({}, {t: kind}, {t: {"constant": word}})


PARTS = [text, words, codes, number, number, twice, day, instant, instant, events, truth, tests, filled, constant]
SHAPES: list[dict[str, str]] = [  # of a JSON document
    {}, {"rows": "rows"}, {"rows": "value.1.rows"}, {"rows": "0.Data", "names": "0.Variables.*.Label"}, {"rows": "rows", "names": "columns"},
]  # fmt: skip
HEADINGS = ["a", "år", "Sum (kr.)", "kø nr", "Received at", "x'y", "_", "select", "1"]


@st.composite
def contracts(draw: Any, form: str) -> Contract:
    """A contract for files of a format (its type)."""
    chosen = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3))
    cells: dict[str, Any] = {"id": mostly(_of(["1", "2", "A-7", "å", "21/1234"]), _of(["", " ", "x\ny", " 1"]))}
    columns: dict[str, Any] = {"id": "varchar"}
    sources: dict[str, Any] = {"id": {"from": "id"}}
    headings = draw(st.permutations(HEADINGS))
    said = draw(formats(form))
    for number, part in enumerate(chosen):
        name = headings[number]
        if form in ("ndjson", "json"):
            name = name.replace(".", "")  # a dot leads deeper
            name = f"deep.{name}" if said.get("names") is None and draw(st.booleans()) else name
        made = part(draw, name, f"t{number}")
        optional = draw(st.booleans())
        for column, source in made.sources.items():
            if form == "xlsx" and made.table[column] in ("date", "timestamp") and source.get("from") and "codes" not in source:
                said_so = source.get("format") or []
                source["format"] = draw(
                    st.sampled_from([source.get("format"), [*([said_so] if isinstance(said_so, str) else said_so), "serial"]])
                )
        cells |= made.cells
        sources |= made.sources
        for column, spec in made.table.items():
            spec = {"type": spec} if isinstance(spec, str) else dict(spec)
            spec["required"] = not optional and not spec["type"].endswith("?")
            columns[column] = {**spec, "type": spec["type"].rstrip("?"), "comment": column}
    columns["id"] = {"type": "varchar", "comment": "id"}
    if draw(st.booleans()):
        columns["never"] = {"type": "date", "comment": "never", "required": False}
    unread = draw(st.sampled_from([[], [], ["skip"], ["navn", "cpr"]]))
    cells |= {name: _of(["", "Anna; Bo", "0101701234", 'a"b', "x"]) for name in unread}
    layout = {
        "id": "only",
        "format": {"type": form, **said},
        "columns": {name: {k: v for k, v in source.items() if v is not None} for name, source in sources.items()},
        "zone": draw(st.sampled_from(["Europe/Copenhagen", *ZONES])),
        "ignore": unread[:1],
        "personal": unread[1:],
    }
    share, least = draw(st.sampled_from([(1, 0), (1, 0), (1, 0), (0.5, 1)]))
    words = {"summary": "s", "system": "system", "supplier": "s", "files": ["*"], "superseding": "key"}
    limits = {"max_set_aside_share": share, "min_rows": least}
    extract = Extract.model_validate({"extract": "things", "table": "things", "layouts": [layout], "limits": limits, **words})
    table = Table.model_validate({"table": "things", "comment": "t", "key": ["id"], "columns": columns})
    return Contract(table, extract, cells, unread)


@st.composite
def formats(draw: Any, form: str) -> dict[str, Any]:
    """How the bytes are declared."""
    encodings = draw(
        st.sampled_from(
            [
                ["utf-8"],
                ["utf-8"],
                ["utf-8", "windows-1252"],
                ["utf-8", "utf-16"],
                ["windows-1252"],
                ["utf-16", "utf-8", "windows-1252"],
            ]
        )
    )
    ends = draw(st.sampled_from([True, True, False]))
    if form == "csv":
        quote = draw(st.sampled_from(['"', '"', '"', "'", ""]))
        header = draw(st.sampled_from([1, 1, 1, 3]))
        return {
            "encodings": encodings,
            "delimiter": draw(st.sampled_from(list(",;;\t|"))),
            "quote": quote,
            "header_row": header,
            "final_newline": ends,
        }
    if form == "xlsx":
        part = draw(st.sampled_from([{}, {}, {"header_row": 3}, {"range": "B3:AZ"}, {"range": "B3:AZ7"}]))
        return {"sheet": draw(st.sampled_from([None, "Ark1", "Åben & lukket"])), **part}
    if form == "parquet":
        return {}
    if form == "json":
        return {"encodings": encodings, **draw(st.sampled_from(SHAPES))}
    return {"encodings": encodings, "final_newline": ends}
