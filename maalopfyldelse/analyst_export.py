"""A copy of the analysts' file to carry away: what points into the home is written out, so that it opens anywhere.

A `.duckdb` file keeps everything with its comments and macros; a folder gets each table as Parquet. The file of the home is only
read.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .copies import quoted
from .engine import ALWAYS, engine_words
from .errors import CallerError, MaalError, nearest
from .home import Home

if TYPE_CHECKING:
    import duckdb


def export(home: Home, target: Path, tables: Sequence[str] = ()) -> list[str]:
    """Writes the copy and returns the tables of current rows that stand in it. With `tables` only those, the rest of the file
    apart: macros over tables that are left out do not work there.

    Raises CallerError for a target that exists or a table there is not, MaalError when nothing has been published or rows are gone.
    """
    import duckdb

    if not home.analyst.exists():
        raise CallerError(f"{home.path} has no analyst.duckdb yet. Run 'maal run' first.")
    if target.exists():
        raise CallerError(f"{target} exists already; an export is a new file (ending in .duckdb) or a new folder, for Parquet.")
    if not target.absolute().parent.is_dir():
        raise CallerError(f"{target.absolute().parent}: no such folder.")
    work = home.tmp / "export.duckdb"
    work.unlink(missing_ok=True)
    try:
        shutil.copyfile(home.analyst, work)
        with duckdb.connect(str(work), config=ALWAYS) as con:
            pointing = [row[0] for row in con.execute(_CURRENT).fetchall()]
            for table in tables:
                if table not in pointing:
                    raise CallerError(f"No table of current rows is called '{table}'{nearest(table, pointing)}")
            chosen = [name for name in pointing if not tables or name in tables]
            for name in pointing:
                _written_out(con, name) if name in chosen else con.execute(f'drop view "{name}"')
            if target.suffix != ".duckdb":
                _as_parquet(con, target)
        if target.suffix == ".duckdb":
            shutil.move(work, target)
            target.chmod(0o600)
    except duckdb.Error as error:
        raise MaalError(f"{home.analyst} cannot be exported: {engine_words(error)}") from None
    except OSError as error:
        raise MaalError(f"{target} cannot be written: {error.strerror}") from None
    finally:
        work.unlink(missing_ok=True)
    return chosen


_CURRENT = "select view_name from duckdb_views() where schema_name = 'main' and not internal order by view_name"


def _written_out(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """A table in the place of a view, with the view's comments."""
    comments = con.execute(
        "select column_name, comment from duckdb_columns() where schema_name = 'main' and table_name = ?", [name]
    ).fetchall()
    [(comment,)] = con.execute(
        "select comment from duckdb_views() where schema_name = 'main' and view_name = ?", [name]
    ).fetchall()
    con.execute(f'create table "{name} " as select * from "{name}"')
    con.execute(f'drop view "{name}"')
    con.execute(f'alter table "{name} " rename to "{name}"')
    con.execute(f'comment on table "{name}" is {quoted(comment)}')
    for column, text in comments:
        con.execute(f'comment on column "{name}"."{column}" is {quoted(text)}')


def _as_parquet(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """SCHEMA/TABLE.parquet; `published` is a view on `observations` and is written like it."""
    for schema, name in con.execute(
        "select schema_name, table_name from duckdb_tables() where not internal "
        "union all select schema_name, view_name from duckdb_views() where schema_name = 'published' order by all"
    ).fetchall():
        (folder / schema).mkdir(parents=True, exist_ok=True)
        path = quoted(str(folder / schema / f"{name}.parquet"))
        con.execute(f'copy (select * from "{schema}"."{name}") to {path} (format parquet, compression zstd)')
