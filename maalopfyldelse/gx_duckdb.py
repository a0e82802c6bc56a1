"""DuckDB as Great Expectations can use it: a small subclass of `duckdb-engine`'s SQLAlchemy dialect.

Three things only. Great Expectations closes a connection before it fetches, and DuckDB's cursor is then empty: so each result
is taken over fully once its statement has run. The inherited reflection of columns asks PostgreSQL's catalogue: here
`duckdb_columns()` answers. And it makes two engines for one data source: both get the same connection, so that views made on
it are there for both. Importing this module imports SQLAlchemy; rules and results are expectations.py's.
"""

from __future__ import annotations

import atexit
import os
import sys
from functools import lru_cache
from typing import Any

import duckdb
from duckdb_engine import ConnectionWrapper, Dialect
from sqlalchemy import pool, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGExecutionContext_psycopg2
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from . import engine

SCHEME = "maalduckdb"
URL = f"{SCHEME}:///:memory:"

# Stands in front of a rule's own query. Great Expectations runs such a query twice, once to count its rows and once to look at
# 200 of them; nobody here looks, so the second time costs nothing and brings no value out.
COUNTED_ONLY = "/* counted only */"


@lru_cache
def connection() -> duckdb.DuckDBPyConnection:
    """The in-memory database of this process on which the rules run."""
    return engine.open_in_memory()


class _Lent(ConnectionWrapper):
    """The shared connection as a pool sees it: closing it is not the pool's business."""

    def close(self) -> None:
        self.closed = True


class _BufferedContext(PGExecutionContext_psycopg2):
    def post_exec(self) -> None:
        if self.cursor.description is not None:
            described: Any = self.cursor.description
            self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                self.cursor, described, initial_buffer=self.cursor.fetchall()
            )


class MaalDuckDB(Dialect):
    """Reads only, on the one shared connection; so there is nothing to begin, commit or roll back."""

    execution_ctx_cls = _BufferedContext
    supports_statement_cache = False

    @classmethod
    def get_pool_class(cls, url: Any) -> type[pool.Pool]:
        return pool.StaticPool

    def connect(self, *_: Any, **__: Any) -> Any:
        return _Lent(connection())

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        if statement.startswith(COUNTED_ONLY):
            statement = f"select * from ({statement}) limit 0"
        cursor.execute(statement, parameters)

    def do_begin(self, connection: Any) -> None:
        pass

    def do_rollback(self, connection: Any) -> None:
        pass

    def do_commit(self, connection: Any) -> None:
        pass

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> Any:
        rows = connection.execute(
            text(
                "select column_name, data_type, is_nullable, column_default from duckdb_columns() "
                "where table_name = :table_name and schema_name = coalesce(:schema_name, 'main') order by column_index"
            ),
            {"table_name": table_name, "schema_name": schema},
        ).fetchall()
        return [
            {"name": name, "type": self._column_type(data_type), "nullable": bool(nullable), "default": default}
            for name, data_type, nullable, default in rows
        ]

    def _column_type(self, data_type: str) -> Any:
        from sqlalchemy import types

        if data_type.startswith("DECIMAL"):
            precision, scale = data_type[8:-1].split(",")
            return types.Numeric(int(precision), int(scale))
        return {
            "BIGINT": types.BigInteger,
            "INTEGER": types.Integer,
            "BOOLEAN": types.Boolean,
            "DATE": types.Date,
            "TIMESTAMP": types.DateTime,
        }.get(data_type, types.String)()


registry.register(SCHEME, __name__, MaalDuckDB.__name__)


@atexit.register
def _leave_quietly() -> None:
    # Great Expectations keeps objects of DuckDB's binding alive past the interpreter's end, and the binding then prints a
    # page about what it holds for leaks. The process is over by then; nothing else has anything to say.
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
