"""A JSON delivery as text columns: rows that are objects, read by dotted paths, or lists, read by the columns' names.

jsonlines.py has made the text into sound lines and says which paths they hold, so line numbers need no second pass; the engine's own
JSON reader would guess types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .csvfile import Located, glob_free, quoted
from .faults import Refused
from .jsonlines import MARK, JsonLines

if TYPE_CHECKING:
    import duckdb


class JsonFile:
    """An opened JSON file. `names` are the paths its objects hold: every key, dotted, down to what is no object; of rows that are
    lists, the names of their columns."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines
        self.is_ascii = False  # an escape can write any character
        self.is_nested = lines.names is None
        if lines.names is not None:
            self.names, self._keys = lines.names, {}
            return
        if not lines.paths:
            raise Refused("BAD_JSON", "no row is a JSON object. Export it as the contract says, one object a row.", line=1)
        self.names = [".".join(keys) for keys in lines.paths]
        self._keys = dict(zip(self.names, lines.paths, strict=True))

    def select(self, needed: list[str], careful: bool) -> str:
        """SQL for the needed columns as text r0, r1, …; careful: numbered by line, and a broken line says so."""
        paths = "[" + ", ".join(quoted(self._path(name)) for name in needed) + "]"
        sound = f"json_array_length(line) = {len(self.names)}" if not self.is_nested else "true"
        line = "case when _broken is null then line end"
        if careful:
            fault = f"case when not json_valid(line) then 'BAD_JSON' when not {sound} then 'FIELD_COUNT' end"
            lines = (
                f"select *, case when line like '{MARK}%' then substr(line, 2) else {fault} end as _broken from ({self._read()})"
            )
        else:
            line = line if self.is_nested else f"case when {sound} then line else error('a row of another width') end"
            lines, line = self._read(), "line" if self.is_nested else line
        picked = [f"found[{i + 1}] as r{i}" for i in range(len(needed))] + (["_row", "_broken"] if careful else [])
        extracted = f"select *, json_extract_string({line}, {paths}) as found from ({lines})"
        return f"select {', '.join(picked)} from ({extracted})"

    def rows(self, con: duckdb.DuckDBPyConnection) -> int:
        """Rows of the file, counted where its text was read."""
        return self._lines.rows

    def locate(self, ordinals: Iterable[int], rows_split: int) -> Located:
        """Rows are numbered by their lines already."""
        return Located({n: n for n in ordinals}, rows_split)

    def is_cut_at(self, row: int) -> bool:
        """Whether a broken row here means that the file was cut."""
        return row == self._lines.last_line

    def _path(self, name: str) -> str:
        if not self.is_nested:
            return f"$[{self.names.index(name)}]"
        keys = self._keys.get(name, tuple(name.split(".")))
        return "$" + "".join('."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' for key in keys)

    def _read(self) -> str:
        """Lines with their numbers. \\1 cannot stand in them (textfile.py), so every line is one column."""
        reader = (
            f"read_csv({quoted(glob_free(str(self._lines.path)))}, auto_detect = false, header = false, delim = '\1', quote = '', "
            f"escape = '', max_line_size = {self._lines.max_line + 2}, columns = {{'line': 'VARCHAR'}})"
        )
        numbered = f"select row_number() over () as _row, line from {reader}"
        return f"select _row, line from ({numbered}) where line <> ''"
