"""Which engine counts: what a scan asks of one, and DuckDB, the default.

An engine is asked in the dialect the queries are written in (DuckDB's) and answers with rows. Composing the query, summing it to
cells and holding these against the accounts is measures.py's and the same for all. Spark stands in spark_engine.py and is imported
only when it is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .engine import engine_words
from .errors import CallerError, MaalError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from .contract import Table
    from .intake.current import CurrentTable

NAMES = ("duckdb", "spark")
ROWS_A_PART = 4_000_000  # whose joins take some 2 GB (telephone_answers); more take longer a row, and fewer do not take less time
Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]  # a SELECT with named parameters → its rows


class Stumbled(MaalError):
    """A value in the rows does not go through a query; the value itself is not told."""


class Engine(Protocol):
    """Counts over the current rows. `name` is part of what cells are kept under, so that one engine's never pass for another's."""

    name: str

    def over(self, con: duckdb.DuckDBPyConnection, current: Mapping[str, CurrentTable], tables: Mapping[str, Table]) -> Ask:
        """Answers over these current rows, which stand as views in `con`; `tables` declares their columns."""

    def parts(self, rows: int) -> int:
        """In how many parts it counts so many rows of a table that may be counted in parts; 0 where it divides its work by itself."""

    def versions(self) -> dict[str, str]:
        """The libraries that count, as far as they are not among those of every run."""

    def close(self) -> None:
        """Lets go of what it holds; it may be asked again."""


class DuckDB:
    """The machine's own: the views are asked where they stand."""

    name = "duckdb"

    def over(self, con: duckdb.DuckDBPyConnection, current: Mapping[str, CurrentTable], tables: Mapping[str, Table]) -> Ask:
        from .intake.current import keep_chosen

        ask = asked(con)
        waiting = {name: found for name, found in current.items() if found.made_of[:-1]}

        def keeping(query: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
            for name in [name for name in waiting if name in query]:
                keep_chosen(con, name, waiting.pop(name))
            return ask(query, given)

        return keeping

    def parts(self, rows: int) -> int:
        """As many as keep a part small, so that memory stays flat."""
        return max(1, -(-rows // ROWS_A_PART))

    def versions(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        pass


def asked(con: duckdb.DuckDBPyConnection) -> Ask:
    """Answers from the tables and views of a connection; they may raise Stumbled."""
    import duckdb

    def ask(query: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        try:
            return con.execute(query, dict(given)).fetchall()
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            raise Stumbled(engine_words(error)) from None

    return ask


def chosen(name: str | None, tmp: Path, master: str | None, say: Callable[[str], None]) -> Engine:
    """The engine of that name (default: `$MAAL_ENGINE`, else DuckDB); `tmp` is where it may write, `master` where Spark runs.

    Raises CallerError for another name, a master without Spark, or an engine that is not installed.
    """
    name = name or os.environ.get("MAAL_ENGINE") or DuckDB.name
    if name not in NAMES:
        raise CallerError(f"No engine is called '{name}'{nearest(name, NAMES)}")
    if name == "spark":
        from .spark_engine import Spark

        return Spark(tmp, master, say)
    if master is not None:
        raise CallerError("--spark-master goes with --engine spark.")
    return DuckDB()
