"""What the intake benchmark holds a file of call events against: two contracts of ours, and for each the engine's copy written by hand.

PLAIN casts strictly and does nothing else (UTC, closed word lists, numbers that are ids). FULL is the real contract for call events
with the caller kept as a keyed hash: Danish clock, derived columns, the look for personal numbers. What is measured, and how,
is intake_jobs.py's.
"""

from __future__ import annotations

from pathlib import Path

from maalopfyldelse.contract import Extract, Table
from maalopfyldelse.declared import Declared, load
from maalopfyldelse.sample.calls import COLUMNS

REAL = "puzzel_call_events"
_TIMES = ["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"]
# file column → type, table column, and (PLAIN) the words it may hold
_READ: list[tuple[str, str, str, list[str]]] = [
    ("rec_id", "bigint", "rec_id", []),
    ("call_id", "bigint", "call_id", []),
    ("call_sequence", "integer", "call_sequence", []),
    ("media_type_id", "integer", "media", []),
    ("event_type", "varchar", "event_type", ["i", "m", "q", "c"]),
    ("result_code", "varchar", "result_code", ["h", "k", "t"]),
    ("queue_key", "varchar", "queue_key", ["q_borger", "q_virksomhed", "q_omstilling"]),
    ("dte_start", "timestamp", "started_at", []),
    ("duration_tot_sec", "integer", "duration_s", []),
    ("dte_speak_start", "timestamp", "speak_started_at", []),
    ("duration_speak_sec", "integer", "speak_s", []),
]
_MAY_BE_EMPTY = ("result_code", "queue_key", "speak_started_at", "speak_s")
_PARQUET = "(format parquet, parquet_version v2, compression zstd, compression_level 1, row_group_size 122880)"  # as ours
# What both files must say alike. The file is of a summer month, in which Danish time is two hours ahead throughout.
_SUMS = (
    "count(*), sum(rec_id::hugeint), sum(call_id::hugeint), sum(call_sequence), sum(duration_s), sum(speak_s), count(queue_key), "
    "count(event_type), count(result_code), sum(epoch_ms(started_at) + {ahead}), sum(epoch_ms(speak_started_at) + {ahead})"
)


def plain() -> Declared:
    """Declarations with the contract that only casts, `plain_calls`."""
    columns = {
        to: {"type": kind, "comment": name, "required": to not in _MAY_BE_EMPTY, "values": words or None, "digits_are_ids": True}
        for name, kind, to, words in _READ
    }
    table = Table.model_validate({"table": "plain_calls", "comment": "calls", "key": ["rec_id"], "columns": columns})
    sources = {to: {"from": name} | ({"format": _TIMES} if kind == "timestamp" else {}) for name, kind, to, _ in _READ}
    layout = {
        "id": "csv",
        "format": {"type": "csv"},
        "zone": "UTC",
        "columns": sources,
        "ignore": [name for name in COLUMNS.strip().split(",") if name not in {read for read, *_ in _READ}],
    }
    real = load().extracts[REAL]
    said = {"extract": "plain_calls", "table": "plain_calls", "layouts": [layout], "rules": [], "superseding": "whole"}
    extract = Extract.model_validate(real.model_dump(mode="json", by_alias=True) | said | {"period": None})
    return Declared((), {table.table: table}, {extract.extract: extract}, {}, {})


def full() -> Declared:
    """The declarations of the repository, with the caller of a call event as a keyed hash."""
    declared = load()
    extract, table = declared.extracts[REAL], declared.tables["call_events"]
    said = extract.model_dump(mode="json", by_alias=True)
    (layout,) = said["layouts"]
    layout["personal"] = ["destination"]
    layout["columns"]["caller"] = {"hash_of": "source"}
    columns = table.model_dump(mode="json", by_alias=True)
    columns["columns"]["caller"] = {"type": "varchar", "required": False, "comment": "Keyed hash of the caller"}
    declared.extracts[REAL], declared.tables["call_events"] = Extract.model_validate(said), Table.model_validate(columns)
    return declared


def copy_sql(file: Path, target: Path, *, with_caller: bool) -> str:
    """DuckDB's own typed copy of the columns that a contract reads; ids are text where the caller is read, as in the real table."""
    types = {name: "varchar" if with_caller and to in ("rec_id", "call_id", "media") else kind for name, kind, to, _ in _READ}
    columns = ", ".join(f"'{name}': '{types.get(name, 'varchar')}'" for name in COLUMNS.strip().split(","))
    picked = ", ".join(f"{name} as {to}" for name, _, to, _ in _READ) + (", source as caller" if with_caller else "")
    reader = f"read_csv('{file}', auto_detect = false, header = true, delim = ',', quote = '\"', columns = {{{columns}}})"
    return f"copy (select {picked} from {reader}) to '{target}' {_PARQUET}"


def sums_sql(parquet: Path, *, of_instants: bool) -> str:
    """The sums of the typed columns; those of a file of instants are given on the Danish clock."""
    return f"select {_SUMS.format(ahead=7_200_000 if of_instants else 0)} from read_parquet('{parquet}')"
