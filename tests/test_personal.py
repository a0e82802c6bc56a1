"""Nothing personal leaves intake: numbers, names, phone numbers and addresses planted in every column of every format, in headings,
names of files and sheets; then what a user runs, and a search of every byte that it left and printed.

What can hold no secret by declaration is planted with all of them. A kept text is planted with personal numbers, which are what the
detector finds there; a kept number with these and with what is no number. A name in a kept text column nobody can tell from a code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from intake_house import extract as extract_of
from intake_house import house
from intake_house import table as table_of
from little import GOOD, Little
from personal_files import BARE_PHONE, MAILS, NAMES, NUMBERS, PHONES, SECRETS, SOUGHT, everything, found_in, packed, written
from world import BUILT_IN, World

from maalopfyldelse.contract import Layout, TableColumn
from maalopfyldelse.contract_source import Source
from maalopfyldelse.intake.shown import shown_column, shown_name
from pipelines.cli import main

FORMATS = {"csv": "csv", "xlsx": "xlsx", "ndjson": "ndjson", "json": "json", "parquet": "parquet"}
# Which formats are also tried with unknown words, with further columns, and without headings: each way through intake once.
UNKNOWN, HEADED, HEADLESS = ("csv", "json"), ("csv", "ndjson", "xlsx"), ("csv", "json", "parquet")
HELD = (
    "gates_csv",
    "gates_heads",
    "gates_nohead_j",
    "gates_sheet.",
    "gates_type",
    "odd",
    "visits_xlsx",
    "visits_packed.csv.zip",
    "visits_1",
)
KEPT = "BRVKQORD"  # stands in a kept text: it belongs into the rows, and nowhere else
HEADS = [
    "id",
    "received",
    "kind",
    "answered",
    "note",
    "who",
    "asked",
    "name",
    "amount",
    "count",
    "began",
    "tags",
    "phone",
    "quarter",
]
NOT_A_NUMBER = [s for s in SECRETS if s != BARE_PHONE]
# What each column of the file may be planted with; `name` is dropped and `who` hashed, so these rows are kept.
PLANTED: dict[str, list[str]] = {
    "id": NUMBERS, "note": NUMBERS, "amount": NOT_A_NUMBER, "count": NOT_A_NUMBER, "received": SECRETS, "kind": SECRETS,
    "answered": SECRETS, "asked": SECRETS, "began": SECRETS, "tags": SECRETS, "phone": SECRETS, "quarter": SECRETS,
}  # fmt: skip
_COLUMNS = """
  visit_id: {type: varchar, comment: "Number"}
  received_date: {type: date, comment: "Day of receipt"}
  kind: {type: varchar, comment: "Kind", values: [a, b]}
  is_answered: {type: boolean, comment: "Whether it was answered"}
  note: {type: varchar, comment: "A text that is kept", required: false}
  who_key: {type: varchar, comment: "Hash", required: false}
  amount: {type: "decimal(18,2)", comment: "Kroner", required: false}
  times: {type: bigint, comment: "Times", required: false}
  began_at: {type: timestamp, comment: "Begun", required: false}
  is_urgent: {type: boolean, comment: "Tagged"}
  has_phone: {type: boolean, comment: "Whether there is a phone number"}
  quarter: {type: varchar, comment: "Quarter", required: false}
"""
_SOURCES = """
      visit_id: {from: id}
      received_date: {from: received, format: "%Y-%m-%d"}
      kind: {from: kind, on_unknown: ON_UNKNOWN}
      is_answered: {from: answered, codes: {y: "true", n: "false"}, on_unknown: ON_UNKNOWN}
      note: {from: note}
      who_key: {hash_of: who}
      amount: {from: amount, decimal: ","}
      times: {from: count}
      began_at: {from: began}
      is_urgent: {from: tags, has_word: urgent}
      has_phone: {present_of: phone}
      quarter: {period_of: "{quarter}", on_unknown: ON_UNKNOWN}
    personal: [name, asked]
"""


def extract_yaml(name: str, table: str, on_unknown: str, rules: str) -> str:
    layouts = "".join(
        f'  - id: {form}\n    files: ["{table}*.{form}"]\n'
        f"    format: {{type: {form}{extra}}}\n    columns:{_SOURCES.replace('ON_UNKNOWN', on_unknown)}"
        for form, extra in (
            ("csv", ', delimiter: ";", encodings: [utf-8]'), ("xlsx", ", sheet: Sager"), ("ndjson", ""), ("json", ", rows: rows"), ("parquet", ""),
        )
    )  # fmt: skip
    files = ", ".join(f'"{table}*.{form}"' for form in FORMATS)
    return (
        f'extract: {name}\nsummary: "s"\nsystem: little\nsupplier: "The office"\ntable: {table}\nfiles: [{files}]\n'
        f"superseding: key\nlimits: {{max_set_aside_share: 1.0}}\nlayouts:\n{layouts}{rules}"
    )


def table_yaml(name: str) -> str:
    return f'table: {name}\ncomment: "One a row"\nkey: [visit_id]\ncolumns:{_COLUMNS}'


def good(number: str, **more: Any) -> dict[str, Any]:
    plain = {"id": number, "received": "2021-03-01", "kind": "a", "answered": "y", "note": KEPT, "amount": "12,50", "count": "3"}
    return plain | {"began": "2021-03-01 10:00:00", "tags": "urgent", "quarter": "2021Q1"} | more


def rows(form: str) -> list[dict[str, Any]]:
    """Good rows with people in what is dropped, hashed or asked for only, and a row for each secret in each other column."""
    kept = [
        good(f"{form}-{n}", who=secret, name=secret, asked=secret, phone=secret, tags=secret) for n, secret in enumerate(SECRETS)
    ]
    bad = [
        good(f"{form}-{column}-{n}", **{column: secret})
        for column, secrets in PLANTED.items()
        for n, secret in enumerate(secrets)
        if column not in ("tags", "phone", "asked")
    ]
    return [*kept, *bad]


def deliver(w: Little, name: str, data: bytes, *, folder: str = "2022-01-06T0800/little") -> Path:
    path = w.deliveries / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def plant(w: Little) -> list[Path]:
    """Everything into the folder; the files that are named so that a user could hold them against their contract."""
    files = []
    for form, ending in FORMATS.items():
        data = written(form, HEADS, rows(form))
        files.append(deliver(w, f"visits_{form}.{ending}", data))
        if form in UNKNOWN:
            files.append(deliver(w, f"gates_{form}.{ending}", data))
        odd = [s for s in SECRETS if s not in NAMES or " " in s]  # one word alone passes for a heading
        more = written(form, [*HEADS, *odd], [dict.fromkeys(HEADS, "x") | dict.fromkeys(odd, "x")])
        if form in HEADED:
            files.append(deliver(w, f"gates_heads_{form}.{ending}", more))
        people = [dict(zip(SECRETS, SECRETS, strict=True))] * 2
        if form in HEADLESS:
            files.append(deliver(w, f"gates_nohead_{form}.{ending}", written(form, SECRETS, people)))
    for kind in ("gz", "zip"):
        inside = written("csv", HEADS, [good(f"{kind}-{n}", who=s, name=s, kind=s) for n, s in enumerate(SECRETS)])
        files.append(deliver(w, f"visits_packed.csv.{kind}", packed(kind, inside, f"{NUMBERS[0]} {NAMES[0]}.csv")))
    files.append(deliver(w, "gates_sheet.xlsx", written("xlsx", HEADS, rows("xlsx"), sheet=NAMES[0])))
    files.append(deliver(w, "gates_sheet2.xlsx", written("xlsx", HEADS, rows("xlsx"), sheet=f"{NUMBERS[0]}")))
    cut = written("csv", HEADS, rows("csv")) + f'x;2021-01-01;"{NAMES[0]} {NUMBERS[0]}'.encode()
    files.append(deliver(w, "gates_cut.csv", cut + b"\n"))
    files.append(deliver(w, "gates_encoding.csv", cut + b"\n;\xe6;" + NAMES[0].encode() + b"\n"))
    files.append(deliver(w, "gates_broken.ndjson", f'{{"id": {NAMES[0]}, "{NUMBERS[1]}": 1}}\n'.encode() * 3))
    files.append(deliver(w, "gates_type.parquet", struct_parquet(w.home.tmp / "typed.parquet")))
    files.append(deliver(w, "odd_1.csv", f"id;word\n1;5\n2;{NAMES[0]} {MAILS[0]} {PHONES[0]}\n".encode()))
    named = written("csv", HEADS, [good("n-1")])
    for n, secret in enumerate([*NUMBERS, *MAILS]):
        files.append(deliver(w, f"visits_{secret}.csv", named + f"n{n};2021-03-01;a;y".encode() + b";" * 10 + b"\n"))
    deliver(w, "visits_inside.csv", named, folder=f"2022-01-06T0800/{NUMBERS[0]}")
    deliver(w, f"{NUMBERS[1]}.pdf", b"x")
    return files


def struct_parquet(path: Path) -> bytes:
    """A column that is read has a type which quotes names."""
    others = ", ".join(f"'x' as {head}" for head in HEADS if head not in ("kind", "note"))
    with duckdb.connect() as con:
        struct = "{" + ", ".join(f"'{one}': 1" for one in (NAMES[0], NUMBERS[0])) + "}"
        kind = f"cast('{NAMES[0]}' as enum('{NAMES[0]}', '{MAILS[0]}'))"
        con.execute(f"copy (select {others}, {struct} as note, {kind} as kind) to '{path}' (format parquet)")
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.fixture
def little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Little:
    w = Little(tmp_path / "world", monkeypatch)
    rules = (
        "rules:\n  - code: VISIT-NOTE\n    type: UnexpectedRowsExpectation\n    severity: warning\n"
        '    message: "A note is no number."\n'
        '    kwargs: {unexpected_rows_query: "select 1 from {batch} b where cast(b.note as integer) < 0"}\n'
        "  - {code: VISIT-KIND, type: ExpectColumnValuesToBeInSet, severity: warning, message: m, kwargs: {column: note, value_set: [z]}}\n"
    )
    (w.root / "expectations" / "visits_csv.yaml").unlink()
    w.write("expectations/visits.yaml", extract_yaml("visits", "visits", "set_aside", rules))
    w.write("expectations/tables/visits.yaml", table_yaml("visits"))
    w.write("expectations/gates.yaml", extract_yaml("gates", "gates", "refuse", ""))
    w.write("expectations/tables/gates.yaml", table_yaml("gates"))
    w.write(
        "expectations/tables/odds.yaml",
        'table: odds\ncomment: "o"\nkey: [odd_id]\ncolumns:\n  odd_id: {type: varchar, comment: "o"}\n  word: {type: varchar, comment: "o"}\n',
    )
    w.write(
        "expectations/odds.yaml",
        'extract: odds\nsummary: "s"\nsystem: little\nsupplier: "The office"\ntable: odds\nfiles: ["odd*.csv"]\nsuperseding: key\n'
        'layouts:\n  - {id: csv, format: {type: csv, delimiter: ";"}, columns: {odd_id: {from: id}, word: {from: word}}}\n'
        'set_aside:\n  - {code: ODD, column: word, when: "cast(odds.word as integer) > 9", message: "Odd."}\n',
    )
    w.deliveries.mkdir()
    (w.deliveries / "SYNTHETIC").touch()
    w.deliver("2021-01-01T0800", "kinds.csv", "kind\na\nb\n")
    w.deliver_rows("2022-01-05T0800", "letters_2021.csv", GOOD)
    return w


def test_nothing_personal_is_left_or_said_by_what_a_user_runs(little: Little, tmp_path: Path, capfd: Any) -> None:
    files = plant(little)
    home, out = ["--home", str(little.home.path)], tmp_path / "out"
    out.mkdir()
    code = main(["run", "--deliveries", str(little.deliveries), *home])
    said = [capfd.readouterr()]
    assert code == 1, said[0].err  # the refused files
    shows = [["show", table, "--format", form] for table in ("deliveries", "rejects") for form in ("table", "json", "csv")]
    shows += [
        ["show", "rejects", "--format", "xlsx", "--out", str(out / "rejects.xlsx")],
        ["show", "fulfilment", "--plan", "beta"],
    ]
    shows += [["explain", "beta", "1"], ["explain", "beta", "1", "--page", str(out / "page.html")], ["status", "beta"]]
    for command in shows:
        assert main([*command, *home]) == 0, command
        said.append(capfd.readouterr())
    assert main(["export", str(out / "copy.duckdb"), *home]) == 0
    for command in (
        ["withdraw", little.ledger.deliveries("visits")[0].delivery_id],
        ["run", "--deliveries", str(little.deliveries)],
    ):
        assert main([*command, "--reason", f"It was about {NUMBERS[0]}", *home]) == 2
        said.append(capfd.readouterr())
    before = found_in(everything(little.home.path), SOUGHT)
    for path in (path for path in files if path.name.startswith(HELD)):
        # the file's own name stands in the command; what is said of it must not repeat what is personal in it
        assert main(["diff-extract", path.name.partition("_")[0].replace("odd", "odds"), str(path), *home]) in (0, 1)
        said.append(capfd.readouterr())
    texts = [("said", text) for one in said for text in (one.out, one.err)]
    texts = [(place, text.replace(str(little.deliveries), "")) for place, text in texts]
    assert found_in(iter(texts), SOUGHT) == {}
    assert before == {}
    assert found_in(everything(out), SOUGHT) == {}

    # the search would have found it: what is kept is found where it belongs, and only there
    kept = found_in(everything(little.home.path), [KEPT])[KEPT]
    assert kept
    assert {place.split("/")[0].partition("!")[0] for place in kept} <= {"store", "analyst.duckdb"}, kept
    assert found_in(iter(texts), [KEPT]) == {}
    assert set(found_in(everything(little.deliveries), SOUGHT)) >= {"1704863957", "Zjokmund", *PHONES, *MAILS}

    # and the files were taken: all that is not personal by its place was kept or set aside, by its code
    deliveries = {d.name: d for d in little.ledger.deliveries()}
    for form, ending in FORMATS.items():
        one = deliveries[f"visits_{form}.{ending}"]
        assert (one.state, one.rows_read, one.rows_kept) == ("stored", len(rows(form)), len(SECRETS)), one.message
    assert {deliveries[f"gates_{form}.{FORMATS[form]}"].code for form in UNKNOWN} == {"UNKNOWN_CODE"}
    assert {deliveries[f"gates_heads_{form}.{FORMATS[form]}"].code for form in HEADED} == {"UNMAPPED_COLUMN"}
    assert {deliveries[f"gates_nohead_{form}.{FORMATS[form]}"].code for form in HEADLESS} == {"MISSING_COLUMN"}
    assert deliveries["odd_1.csv"].code == "ROW_RULE_FAILS"
    assert deliveries["gates_type.parquet"].code == "UNREADABLE_TYPE"
    assert not [name for name in deliveries if any(one in name for one in SOUGHT)]
    assert said[0].err.count("Rename the file or its folder") == len(NUMBERS) + len(MAILS) + 2


def _planted_for(source: Source, spec: TableColumn) -> list[str]:
    """The secrets that a column of a real contract must not keep."""
    if source.hash_of or source.is_test or source.codes is not None or spec.values or source.period_of or source.period_end_of:
        return SECRETS
    numbers = [n for n in NUMBERS if not (spec.digits_are_ids and n.isdigit())]
    if spec.type == "varchar":
        return numbers
    if spec.type in ("date", "timestamp", "boolean"):
        return SECRETS
    return [s for s in NOT_A_NUMBER if s in numbers or s not in NUMBERS]


def _rows_of(layout: Layout, columns: dict[str, TableColumn]) -> tuple[list[str], list[dict[str, Any]]]:
    free = [*layout.personal, *layout.ignore]
    read: dict[str, list[str]] = {}
    for name, source in layout.columns.items():
        for column in source.columns:
            may = _planted_for(source, columns[name])
            read[column] = [s for s in read.get(column, SECRETS) if s in may]
    rows = [{**dict.fromkeys(free, secret), **{c: secret for c, may in read.items() if secret in may}} for secret in SECRETS]
    return [*read, *free], rows


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """Dotted paths as objects."""
    found: dict[str, Any] = {}
    for path, value in row.items():
        inner, keys = found, path.split(".")
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value
    return found


def test_no_column_of_any_contract_lets_a_person_through(tmp_path: Path, capfd: Any) -> None:
    """Each layout of each built-in contract, with the secrets in all its columns; intake only."""
    w = World(tmp_path)
    planted = 0
    for extract in BUILT_IN.extracts.values():
        for layout in extract.layouts:
            if layout.format.type == "json" or layout.format.type == "parquet":
                continue  # the little world has them
            heads, rows = _rows_of(layout, BUILT_IN.tables[extract.table].columns)
            pattern = next(p for p in extract.files if not layout.files or p.endswith(layout.files[0].rpartition(".")[2]))
            every = extract.period and extract.period.every
            period = {"month": "2021-01", "quarter": "2021Q1_2021K1"}.get(str(every), "2021")
            name = pattern.replace("*", period)
            if layout.format.type == "ndjson":
                data = written("ndjson", heads, [_nested(row) for row in rows])
            else:
                data = written(layout.format.type, heads, rows, sheet=layout.format.sheet or "Ark1")
                data = data.replace(b";", layout.format.delimiter.encode()) if layout.format.type == "csv" else data
            w.deliver("2022-01-05T0800", extract.system, name, data)
            planted += 1
    w.take()
    said = capfd.readouterr()
    deliveries = w.ledger.deliveries()
    assert len(deliveries) == planted >= 30
    assert {d.state for d in deliveries} >= {"refused"}
    assert found_in(everything(w.home.path), SOUGHT) == {}
    assert found_in(iter([("said", said.out + said.err)]), SOUGHT) == {}


@pytest.mark.parametrize(
    ("heading", "shown"),
    [
        ("Prioritet", True), ("antal i 2021", True), ("Sidst ændret", True), ("RECEIVED DATE", True), ("Anna Andersen", False),
        ("Andersen, Anna", False), ("sag for Anna Andersen", False), ("71936428", False), ("+45 71 93 64 28", False), ("71.93.64.28", False),
        ("a@b", False), ("x" * 61, False), ("", False), ("\x1b[31mred", False),
    ],
)  # fmt: skip
def test_a_heading_is_shown_when_it_looks_like_one(heading: str, shown: bool) -> None:
    assert shown_column(heading, 7, ["ReceivedDate", "Sagsnr"]).startswith("no. 7") is not shown


def test_a_name_keeps_all_but_the_numbers() -> None:
    assert shown_name("2021/p360_010203-1234_0102031234 010203 1234.csv") == "2021/p360_******_****** ******.csv"
    assert shown_name("puzzel_call_events_2021-04.csv") == "puzzel_call_events_2021-04.csv"
    assert shown_name("a;anna@x.dk.csv\n") == "a;******"


@pytest.mark.parametrize("suffix", [".2", ""])
def test_a_withdrawal_whose_reason_names_a_person_is_not_read(suffix: str) -> None:
    with house(table_of({"id": "varchar"}), extract_of({"id": "id"})) as h:
        h.take_one("id\n1\n")
        (delivery,) = h.ledger.deliveries()
        (h.folder / "withdrawals.csv").write_text(
            f"delivery,withdrawn_at,reason\n{delivery.delivery_id},2022-01-01,Sent for 010203-1234{suffix}\n"
        )
        with pytest.raises(Exception, match=r"withdrawals.csv: line 2: The reason holds") as raised:
            h.scan()
        assert "010203" not in str(raised.value)
