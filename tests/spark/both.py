"""The same relations before both engines: what stands in a DuckDB connection is written as Parquet, and Spark reads that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from maalopfyldelse.contract import Table
from maalopfyldelse.intake.current import CurrentTable
from maalopfyldelse.spark_engine import Over, Spark


def over(spark: Spark, con: duckdb.DuckDBPyConnection, tables: dict[str, Table], names: Iterable[str], folder: Path) -> Over:
    """Spark over these tables of a connection as they stand now; as in the store, the arrival follows from the delivery."""
    folder.mkdir(parents=True)
    current = {}
    for name in names:
        columns = ", ".join(f'"{column}"' for column in tables[name].columns)
        file = folder / f"{name}.parquet"
        con.execute(f"copy (select {columns}, cast(delivered_at as varchar) as delivery_id from {name}) to '{file}'")
        arrivals = f"select distinct cast(delivered_at as varchar) from {name} where delivered_at is not null"
        whens = "".join(f"when '{at}' then timestamp '{at}' " for (at,) in con.execute(arrivals).fetchall())
        arrived = f"case delivery_id {whens}end" if whens else "cast(null as timestamp)"
        select = f"select {columns}, delivery_id, {arrived} as delivered_at from read_parquet(['{file}'])"
        rows = int(con.execute(f"select count(*) from {name}").fetchall()[0][0])
        current[name] = CurrentTable([], [], rows, rows, 0, 0, 0, ((name, select),))
    return Over(spark, con, current, tables)
