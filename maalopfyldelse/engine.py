"""The engine's settings, in one place: memory, threads, spill folder, no downloads, no sight of the machine's time zone.

Every connection that computes is opened here; the analysts' file is opened in analyst.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .errors import CallerError

if TYPE_CHECKING:
    import duckdb

    from .home import Home


# Of every connection that writes. The engine downloads nothing, and has no threads of its own for files: a statement that fails while
# those write a Parquet file may wait for them for ever (DuckDB 2.0.0), and without them it takes as long.
ALWAYS: dict[str, Any] = {"autoinstall_known_extensions": False, "async_threads": 0}


def settings() -> dict[str, Any]:
    """Threads and memory: what `MAAL_THREADS` and `MAAL_MEMORY_LIMIT` say, else the processors that the process may use and 60 pct.
    of the machine's or container's memory (the rest is for what runs beside the engine)."""
    threads = os.environ.get("MAAL_THREADS") or len(os.sched_getaffinity(0))
    return {"threads": threads, "memory_limit": os.environ.get("MAAL_MEMORY_LIMIT") or "60%"}


def threads() -> int:
    """Threads for what is done beside the engine. Raises CallerError when the environment asks for what is no number from 1."""
    asked = str(settings()["threads"])
    if not asked.isdecimal() or int(asked) < 1:
        raise _not_to_be_had()
    return int(asked)


def connect(home: Home) -> duckdb.DuckDBPyConnection:
    """An in-memory database that spills to the home's tmp/. Raises what `open_in_memory` raises."""
    return open_in_memory(temp_directory=str(home.tmp / "spill"))


def open_in_memory(**more: str) -> duckdb.DuckDBPyConnection:
    """An in-memory database. Raises CallerError when the environment asks for what the engine cannot give."""
    import duckdb

    config = settings() | ALWAYS | {"autoload_known_extensions": False} | more
    try:
        con = duckdb.connect(":memory:", config=config)
    except (duckdb.InvalidInputException, duckdb.ParserException, duckdb.SyntaxException):
        raise _not_to_be_had() from None
    return _told(con)


def _not_to_be_had() -> CallerError:
    asked = " and ".join(f"{name}={os.environ[name]}" for name in ("MAAL_THREADS", "MAAL_MEMORY_LIMIT") if os.environ.get(name))
    return CallerError(
        f"The engine cannot be started with {asked}. MAAL_THREADS is a number from 1, MAAL_MEMORY_LIMIT one with a unit, as 4GB."
    )


def spill_into(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Lets a connection that was opened without a home spill into this one's tmp/. Once it has spilled, it keeps to one home."""
    wanted = str(home.tmp / "spill")
    if con.execute("select current_setting('temp_directory')").fetchall() != [(wanted,)]:  # not even the same, once it is used
        escaped = wanted.replace("'", "''")
        con.execute(f"set temp_directory = '{escaped}'")


def session(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another session of the same database: same memory and threads, temporary tables and variables of its own."""
    return _told(con.cursor())


def _told(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_progress_bar = false")
    return con


def memory_limit(con: duckdb.DuckDBPyConnection) -> int:
    """What the engine may take, in bytes."""
    number, unit = con.execute("select current_setting('memory_limit')").fetchall()[0][0].split()
    return int(float(number) * 1024 ** ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"].index(unit))


def engine_words(error: duckdb.Error) -> str:
    """What the engine says of a query, on one line. Of a value that it stumbled over only that: its message may quote the value."""
    import duckdb

    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException | duckdb.IOException):
        return str(error).splitlines()[0]
    return f"the engine stopped ({type(error).__name__}); its message is not shown, for it may quote a value"
