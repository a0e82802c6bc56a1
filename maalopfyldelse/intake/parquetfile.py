"""A Parquet delivery as text columns: typed values written the one way the casts read, by the rules of contract.py's Layout.

A damaged file can take the engine's database with it, so a database of its own reads the delivery and copies the columns that are
read as text; what the others hold is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract import Layout, Limits
from ..engine import connect
from ..home import Home
from .cast import needed_columns
from .csvfile import Located, glob_free, headings, quoted
from .faults import Fault, Refused
from .textfile import too_long

if TYPE_CHECKING:
    import duckdb

_EXACT = {"FLOAT": "16777216", "DOUBLE": "1e15"}  # below this every whole number is itself, and keeps every digit
MAX_PLACES = 100
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_AS_TEXT = {"VARCHAR", "BOOLEAN", "DATE", "TIME", "UUID", '"NULL"', *_WHOLE, *(f"U{name}" for name in _WHOLE)}
_TIMES = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_INSTANTS = {"TIMESTAMP WITH TIME ZONE": "make_timestamp(epoch_us({c}))", "TIMESTAMPTZ_NS": "make_timestamp_ns(epoch_ns({c}))"}


class ParquetFile:
    """An opened Parquet file. `names` are its columns. Raises Refused: BROKEN_PARQUET."""

    def __init__(self, path: Path, layout: Layout, limits: Limits, home: Home, text: Path) -> None:
        """`text`: where the copy goes."""
        self._source, self._layout, self._home, self._text = quoted(glob_free(str(path))), layout, home, text
        self.is_ascii, self._limits = False, limits
        self._con = _Apart(home)
        schema = self._con.rows(f"select name, num_children from parquet_schema({self._source})")
        self.names = headings(_top_level(schema))
        described = self._con.rows(f"describe select * from read_parquet({self._source}, hive_partitioning = false)")
        self._types = [str(row[1]) for row in described]
        self._rows = int(self._con.rows(f"select sum(num_rows) from parquet_file_metadata({self._source})")[0][0])
        if len(self._types) != len(self.names):
            raise _broken()

    def load(self) -> None:
        """Copies the columns that are read. Raises Refused: BROKEN_PARQUET, INEXACT_NUMBER, LINE_TOO_LONG, TOO_LARGE,
        UNREADABLE_TYPE."""
        needed = [self.names.index(name) for name in needed_columns(self._layout)]
        self._refuse_types(needed)
        self._refuse_large([place for place in needed if self._types[place] == "VARCHAR"])
        self._refuse_inexact([place for place in needed if self._types[place] in _EXACT])
        picked = ", ".join(f"{self._as_text(place)} as c{place}" for place in needed)
        target = quoted(str(self._text))
        copy = (
            f"copy (select _row + 1 as _row{', ' if picked else ''}{picked} from {self._columns()}) to {target} (format parquet)"
        )
        copied = int(self._con.rows(copy)[0][0])
        self._con.close()
        if copied != self._rows:
            raise _broken()

    def select(self, needed: list[str], careful: bool) -> str:
        """SQL for the needed columns as text r0, r1, …; careful: numbered by row."""
        picked = [f"c{self.names.index(name)} as r{i}" for i, name in enumerate(needed)]
        picked += ["_row", "cast(null as varchar) as _broken"] if careful else []
        return f"select {', '.join(picked) or '1 as one'} from read_parquet({quoted(glob_free(str(self._text)))})"

    def rows(self, con: duckdb.DuckDBPyConnection) -> int:
        """Rows, as the file itself says."""
        return self._rows

    def locate(self, ordinals: Iterable[int], rows_split: int) -> Located:
        """Rows are numbered already."""
        return Located({n: n for n in ordinals}, rows_split)

    def _columns(self) -> str:
        """The columns by their place: the engine takes `ID` and `id` for one name."""
        names = ", ".join(f"c{i}" for i in range(len(self.names)))
        read = f"select * from read_parquet({self._source}, hive_partitioning = false, file_row_number = true)"
        return f"({read}) as t({names}, _row)"

    def _as_text(self, place: int) -> str:
        c, kind = f"c{place}", self._types[place]
        if kind.startswith("DECIMAL"):
            return f"replace(cast({c} as varchar), '.', {quoted(self._mark(self.names[place]))})"
        if kind in _INSTANTS:
            return f"cast({_INSTANTS[kind].format(c=c)} as varchar) || '+00:00'"
        return f"cast(cast({c} as bigint) as varchar)" if kind in _EXACT else f"cast({c} as varchar)"

    def _mark(self, name: str) -> str:
        """The decimal mark by which the column's text will be read."""
        return next((s.decimal for s in self._layout.columns.values() if name in s.columns), ".")

    def _refuse_types(self, needed: list[int]) -> None:
        faults = []
        for place in needed:
            kind, name = self._types[place], self.names[place]
            if not (kind in _AS_TEXT or kind in _TIMES or kind in _INSTANTS or kind in _EXACT or kind.startswith("DECIMAL")):
                shown = kind.partition("(")[0]  # in brackets an ENUM has its values, a STRUCT names from the file
                message = f"'{name}' is of the type {shown}, which holds no single value that can be read. Write it as text."
                faults.append(Fault(None, "UNREADABLE_TYPE", name, message))
        if faults:
            raise Refused("UNREADABLE_TYPE", " ".join(f.message for f in faults[:8]), column=faults[0].column, faults=faults)

    def _refuse_large(self, places: list[int]) -> None:
        """A text that stands once in the file may stand in every row: it is measured before it is written out."""
        total = 0
        for place in places:
            measured = f"select max(strlen(c{place})), sum(cast(strlen(c{place}) as hugeint)) from {self._columns()}"
            longest, together = self._con.rows(measured)[0]
            total += int(together or 0)
            if (longest or 0) > self._limits.max_line_bytes:
                raise too_long(None, self._limits.max_line_bytes)
        if total > self._limits.max_unpacked_bytes:
            allowed = f"{self._limits.max_unpacked_bytes} (limits.max_unpacked_bytes)"
            raise Refused("TOO_LARGE", f"the texts come to {total} bytes; the contract allows {allowed}. Deliver less at a time.")

    def _refuse_inexact(self, places: list[int]) -> None:
        faults: list[Fault] = []
        for place in places:
            c, name = f"c{place}", self.names[place]
            message = f"'{name}' is a floating-point column with numbers that are not exact. Write it as decimal or text."
            inexact = f"not coalesce(isfinite({c}) and {c} = trunc({c}) and abs({c}) < {_EXACT[self._types[place]]}, true)"
            found = self._con.rows(f"select _row + 1 from {self._columns()} where {inexact} order by 1 limit {MAX_PLACES}")
            faults += [Fault(int(row[0]), "INEXACT_NUMBER", name, message) for row in found]
        if faults:
            raise Refused("INEXACT_NUMBER", faults[0].message, line=faults[0].line, column=faults[0].column, faults=faults)


class _Apart:
    """A database of its own, in which every failure is the file's."""

    def __init__(self, home: Home) -> None:
        self._con = connect(home)

    def rows(self, sql: str) -> list[Any]:
        import duckdb

        try:
            return self._con.execute(sql).fetchall()
        except duckdb.OutOfMemoryException:
            self.close()
            raise
        except (duckdb.Error, UnicodeDecodeError):
            self.close()
            raise _broken() from None

    def close(self) -> None:
        self._con.close()


def _top_level(schema: list[Any]) -> list[str]:
    """The names of the root's children in a schema written depth first."""
    names: list[str] = []
    waiting = 0  # elements that still belong to the child last named
    for name, children in schema[1:]:
        if waiting == 0:
            names.append(name)
            waiting = 1
        waiting += (children or 0) - 1
    return names


def _broken() -> Refused:
    return Refused(
        "BROKEN_PARQUET", "the file is damaged, cut, encrypted or no Parquet file. Write it again and deliver it again."
    )
