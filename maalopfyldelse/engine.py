"""The engine's settings, in one place: memory, threads, spill folder, no downloads, no sight of the machine's time zone.

Every connection that computes is opened here; the analysts' file is opened in analyst.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from .home import Home


def connect(home: Home) -> duckdb.DuckDBPyConnection:
    """An in-memory database that spills to the home's tmp/. `MAAL_THREADS` and `MAAL_MEMORY_LIMIT` override the engine's defaults."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(home.tmp / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads := os.environ.get("MAAL_THREADS"):
        config["threads"] = threads
    if limit := os.environ.get("MAAL_MEMORY_LIMIT"):
        config["memory_limit"] = limit
    con = duckdb.connect(":memory:", config=config)
    con.execute("set timezone = 'UTC'")
    con.execute("set enable_progress_bar = false")
    return con


def engine_words(error: duckdb.Error) -> str:
    """What the engine says of a query, on one line. Of a value that it stumbled over only that: its message may quote the value."""
    import duckdb

    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException | duckdb.IOException):
        return str(error).splitlines()[0]
    return f"the engine stopped ({type(error).__name__}); its message is not shown, for it may quote a value"
