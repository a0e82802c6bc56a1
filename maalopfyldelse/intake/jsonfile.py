"""A newline-delimited JSON delivery as text columns: one object a line, read by dotted paths.

The engine reads lines, so line numbers need no second pass; its own JSON reader would guess types. Which paths a file holds
is found by merging the structure of all its objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..contract import Format
from .csvfile import Located, glob_free, quoted
from .faults import Refused
from .textfile import TextFile

if TYPE_CHECKING:
    import duckdb

MAX_LINE = 16_000_000


class JsonFile:
    """An opened NDJSON file. `names` are the paths it holds: every key, dotted, down to what is no object."""

    def __init__(self, text: TextFile, form: Format, con: duckdb.DuckDBPyConnection, known: Iterable[str]) -> None:
        """`known`: the contract's paths; what lies beneath one of them is not looked into."""
        self._text, self._form = text, form
        self.is_ascii = False  # an escape can write any character
        whole = "case when json_valid(line) then case when json_type(line) = 'OBJECT' then line end end"
        merged = con.execute(f"select json_group_structure(cast({whole} as json)) from ({self._lines()})").fetchall()[0][0]
        structure = json.loads(merged) if merged else {}
        if not isinstance(structure, dict) or not structure:
            raise Refused("BAD_JSON", "no line is a JSON object. Export it as one object a line.", line=1)
        self.names = list(_paths(structure, "", frozenset(known)))

    def select(self, needed: list[str], careful: bool) -> str:
        """SQL for the needed paths as text r0, r1, …; careful: numbered by line, and a broken line says so."""
        paths = "[" + ", ".join(quoted(_json_path(name)) for name in needed) + "]"
        line = "case when _broken is null then line end" if careful else "line"
        lines = self._lines()
        if careful:
            whole = "case when json_valid(line) then json_type(line) = 'OBJECT' else false end"
            lines = f"select *, case when not ({whole}) then 'BAD_JSON' end as _broken from ({lines})"
        picked = [f"found[{i + 1}] as r{i}" for i in range(len(needed))] + (["_row", "_broken"] if careful else [])
        extracted = f"select *, json_extract_string({line}, {paths}) as found from ({lines})"
        return f"select {', '.join(picked)} from ({extracted})"

    def rows(self, con: duckdb.DuckDBPyConnection) -> int:
        """Lines that are not blank."""
        return int(con.execute(f"select count(*) from ({self._lines()})").fetchall()[0][0])

    def locate(self, ordinals: Iterable[int], rows_split: int) -> Located:
        """Rows are numbered by their lines already."""
        return Located({n: n for n in ordinals}, rows_split)

    @property
    def last_line(self) -> int:
        """The number of the last line."""
        return self._text.lines

    def _lines(self) -> str:
        """Lines with their numbers. \\1 cannot stand in the text (textfile.py), so every line is one column."""
        reader = (
            f"read_csv({quoted(glob_free(str(self._text.path)))}, auto_detect = false, header = false, delim = '\1', quote = '', "
            f"escape = '', max_line_size = {MAX_LINE}, columns = {{'line': 'VARCHAR'}})"
        )
        numbered = f"select row_number() over () as _row, line from {reader}"
        return f"select _row, line from ({numbered}) where trim(line, ' \t\r') <> ''"


def is_covered(path: str, known: Iterable[str]) -> bool:
    """Whether a path is one of the known, or lies beneath one."""
    return any(path == k or path.startswith(f"{k}.") for k in known)


def _paths(structure: dict[str, Any], prefix: str, known: frozenset[str]) -> Iterator[str]:
    for key, inner in structure.items():
        path = f"{prefix}{key}"
        if isinstance(inner, dict) and inner and not is_covered(path, known):
            yield from _paths(inner, f"{path}.", known)
        else:
            yield path


def _json_path(name: str) -> str:
    parts = (part.replace("\\", "\\\\").replace('"', '\\"') for part in name.split("."))
    return "$" + "".join(f'."{part}"' for part in parts)
