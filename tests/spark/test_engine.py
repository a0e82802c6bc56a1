"""What the engine refuses and what it says when it stops: in words, without a traceback and without a value of the rows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from both import over

from maalopfyldelse.contract import Table
from maalopfyldelse.errors import MaalError
from maalopfyldelse.spark_engine import Over, Spark

COLUMNS = {name: {"type": kind, "comment": name} for name, kind in (("word", "varchar"), ("number", "bigint"))}
TABLE = Table.model_validate({"table": "words", "comment": "Words and numbers", "key": ["word"], "columns": COLUMNS})


@pytest.fixture
def words(spark: Spark, tmp_path: Path) -> Over:
    con = duckdb.connect()
    con.execute("create table words as select 'secret' as word, 9223372036854775807 as number, null::timestamp as delivered_at")
    return over(spark, con, {"words": TABLE}, ["words"], tmp_path / "store")


def test_what_was_never_compared_is_refused(words: Over) -> None:
    with pytest.raises(MaalError, match=r"has not been compared with DuckDB: hash\(a\.varchar\)"):
        words.rows("select hash(word) as h from words", {})


def test_a_sum_beyond_64_bits_is_exact(words: Over) -> None:
    query = "select sum(number) as s from (select number from words union all select number from words)"
    assert words.rows(query, {}) == [(2 * 9223372036854775807,)]


def test_what_does_not_fit_stops_and_quotes_no_value(words: Over) -> None:
    with pytest.raises(MaalError, match="Spark stopped counting: CAST_INVALID_INPUT") as stopped:
        words.run("select cast(word as bigint) as n from words", {})
    assert "secret" not in str(stopped.value)


def test_a_stored_file_that_is_gone_is_told(words: Over, tmp_path: Path) -> None:
    (tmp_path / "store" / "words.parquet").unlink()
    with pytest.raises(MaalError, match=r"Spark stopped counting: .*words\.parquet"):
        words.rows("select count(*) from words", {})


def test_rows_that_duckdb_does_not_see_stop_the_run(words: Over, tmp_path: Path) -> None:
    file = tmp_path / "store" / "words.parquet"
    duckdb.execute(f"copy (from '{file}' union all from '{file}') to '{file}.new' (format parquet)")
    Path(f"{file}.new").replace(file)
    with pytest.raises(MaalError, match="Spark sees 2 current rows of words, DuckDB 1"):
        words.rows("select count(*) from words", {})
