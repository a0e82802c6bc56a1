"""Statements that fail while Parquet is written: the engine must come back from every one of them.

With threads of its own for files DuckDB 2.0.0 waited for ever after the first hundred or so, at random; what is held here is that
our connections are opened so that it does not. In a process of its own, for a thread that hangs within the engine cannot be ended.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

FAILING = 400  # copies in each of two sessions, as intake has them
HANGS_AFTER = 300  # seconds; they take some twenty

COPIES = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pyarrow as pa

from maalopfyldelse.engine import connect, session
from maalopfyldelse.home import Home
from maalopfyldelse.intake.load import PARQUET

home = Home(Path(sys.argv[1]))
batch = pa.record_batch({"number": list(range(100_000)), "text": [f"{i * 7919:x}" for i in range(100_000)]})


def breaking_off(after):
    yield from [batch] * after
    raise ValueError("a cell is not plain")


def copies(con, name):
    target, came_back = home.tmp / f"{name}.parquet", 0
    for number in range(int(sys.argv[2])):
        con.register("arrow_rows", pa.RecordBatchReader.from_batches(batch.schema, breaking_off(3 + number % 12)))
        try:
            con.execute(f"copy (select * from arrow_rows) to '{target}' {PARQUET}")
        except duckdb.Error:
            came_back += 1
        con.unregister("arrow_rows")
    return came_back


con = connect(home)
with ThreadPoolExecutor(2) as pool:
    print(sum(pool.map(copies, [con, session(con)], ["one", "other"])))
"""


def test_the_engine_comes_back_from_every_copy_that_fails(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COPIES, str(tmp_path / "home"), str(FAILING)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_AFTER, check=False)
    assert (done.stdout.strip(), done.stderr) == (str(2 * FAILING), "")
