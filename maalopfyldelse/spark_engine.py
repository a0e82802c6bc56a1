"""Spark as the engine that counts: on this machine, or on a cluster by its master's address.

Spark reads the stored Parquet files itself, through the same SELECTs that make DuckDB's current rows (CurrentTable.made_of); only
the calendar is handed over. Here belong starting and stopping Spark, its settings, its silence, and the views it needs. How a
query is said for it is spark_sql.py's. Imported only when it is asked for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import BUILT_IN_COLUMNS, Table
from .engine import threads
from .engines import Ask
from .errors import CallerError, MaalError
from .query import CALENDAR, CALENDAR_COLUMNS, READINGS

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import SparkSession

    from .intake.current import CurrentTable

TYPES = {"varchar": "string", "integer": "int", "timestamp": "timestamp_ntz"}  # the others have one name in both
_LOCAL = re.compile(r"local(\[.*\])?\Z")
_INSTALL = "Install it with: pip install -e '.[spark]' (make test-spark does so), or run without --engine spark."


class Spark:
    """Raises CallerError when PySpark, sqlglot or Java is not there. Spark itself starts with the first question."""

    name = "spark"

    def __init__(self, tmp: Path, master: str | None = None, say: Callable[[str], None] = lambda text: None) -> None:
        self._folder, self._say = tmp / "spark", say
        self.master = master or os.environ.get("MAAL_SPARK_MASTER") or f"local[{threads()}]"
        self._gateway: Any = None
        for package in ("pyspark", "sqlglot"):
            if find_spec(package) is None:
                raise CallerError(f"--engine spark needs the package {package}. {_INSTALL}")
        if not _has_java():
            raise CallerError(
                "--engine spark needs Java 17 or newer, and there is no 'java' here. On Debian: apt-get install openjdk-17-jre-headless; "
                "elsewhere, set JAVA_HOME to where it lies."
            )

    def parts(self, rows: int) -> int:
        """It divides its work by itself."""
        return 0

    def over(self, con: duckdb.DuckDBPyConnection, current: Mapping[str, CurrentTable], tables: Mapping[str, Table]) -> Ask:
        """Answers over these current rows; a table's view is made when a query first names it."""
        return Over(self, con, current, tables).rows

    def versions(self) -> dict[str, str]:
        """The libraries that count."""
        return {package: version(package) for package in ("pyspark", "sqlglot")}

    @cached_property
    def session(self) -> SparkSession:
        """The session that all others are made from; starts Spark. Raises MaalError when it does not start."""
        self._say(f"starting Spark ({self.master})")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")  # which it is not asked to use
        from pyspark import SparkConf, SparkContext
        from pyspark.java_gateway import launch_gateway
        from pyspark.sql import SparkSession

        if _LOCAL.match(self.master):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        conf = SparkConf(loadDefaults=False).setMaster(self.master).setAppName("maal")
        conf.setAll(list(self._settings().items()))
        with self._worded("Spark did not start"):
            # What Spark itself prints goes to a file: the terminal is the run's.
            with self.log.open("wb") as log:
                told = {"stdout": log, "stderr": subprocess.STDOUT}
                self._gateway = launch_gateway(conf, popen_kwargs=told)  # type: ignore[no-untyped-call]
            context = SparkContext(conf=conf, gateway=self._gateway)
            context.setLogLevel("ERROR")
            return SparkSession(context)

    @property
    def log(self) -> Path:
        """Spark's own words, as long as the run lasts."""
        return self._folder / "spark.log"

    def _settings(self) -> dict[str, str]:
        given = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": str(self._folder),
            "spark.sql.warehouse.dir": (self._folder / "warehouse").as_uri(),
            "spark.driver.memory": f"{_memory_mb()}m",
            "spark.sql.ansi.enabled": "true",  # what does not fit stops, rather than becoming null or another number
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.timestampType": "TIMESTAMP_NTZ",  # the store's instants have no zone
        }
        if _LOCAL.match(self.master):
            given |= {
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                # One task a core; Spark's 200 are meant for a cluster.
                "spark.sql.shuffle.partitions": str(threads()),
            }
        return given

    @contextmanager
    def _worded(self, what: str) -> Iterator[None]:
        """What Spark raises, in one line and without its traceback."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, Py4JError, OSError, RuntimeError) as error:
            raise MaalError(f"{what}: {_words(error)} (master {self.master}; its log is {self.log}).") from None

    def close(self) -> None:
        """Stops Spark and removes its folder, the log too."""
        if "session" in self.__dict__:
            self.__dict__.pop("session").stop()
        if self._gateway is not None:
            from pyspark import SparkContext

            self._gateway.shutdown()
            process = self._gateway.proc
            process.stdin.close()
            process.wait(timeout=60)
            self._gateway = SparkContext._gateway = SparkContext._jvm = None
        shutil.rmtree(self._folder, ignore_errors=True)


class Over:
    """One session of Spark with the views of one set of current rows."""

    def __init__(
        self, spark: Spark, con: duckdb.DuckDBPyConnection, current: Mapping[str, CurrentTable], tables: Mapping[str, Table]
    ) -> None:
        self._spark, self._con, self._current, self._tables = spark, con, current, tables
        self._views: set[str] = set()

    @cached_property
    def _session(self) -> SparkSession:
        return self._spark.session.newSession()

    def rows(self, query: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a SELECT in the house's dialect. Raises MaalError when it uses what was never held against DuckDB, or when
        Spark cannot give them."""
        from .portable_sql import refused

        if found := refused(query, self._shapes, given):
            raise MaalError(
                f"This query cannot be counted on Spark: it uses what has not been compared with DuckDB: {'; '.join(found)}. Write it "
                "with what maalopfyldelse/portable_sql.py lists, or run without --engine spark."
            )
        return self.run(query, given)

    @cached_property
    def _shapes(self) -> dict[str, dict[str, str]]:
        built_in = {name: kind for name, (kind, _) in BUILT_IN_COLUMNS.items()}
        shapes = {name: {c: spec.type for c, spec in table.columns.items()} | built_in for name, table in self._tables.items()}
        return shapes | {CALENDAR: CALENDAR_COLUMNS}

    def run(self, query: str, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, whatever it uses."""
        from .spark_sql import tables_of, translated

        session = self._session
        with self._spark._worded("Spark stopped counting"):
            for name in sorted(tables_of(query) - {READINGS}):
                self._make(name)
            found = session.sql(translated(query, self._no_files), args=dict(given)).collect()
        return [tuple(_plain(value) for value in row) for row in found]

    def _make(self, name: str) -> None:
        """The view of that name, made once."""
        if name in self._views:
            return
        self._views.add(name)
        if name == CALENDAR:
            days = self._con.sql(f"select day, is_working_day, quarter from {CALENDAR}").to_arrow_table()
            self._session.createDataFrame(days).createOrReplaceTempView(CALENDAR)
            return
        from .spark_sql import translated

        steps = self._current[name].made_of
        for step, select in steps:
            frame = self._session.sql(translated(select, lambda files: self._files(name, files)))
            if step != steps[-1][0]:
                frame = frame.persist()  # keys that stand in several deliveries: few, and asked for by every scan
            frame.createOrReplaceTempView(step)
        # A scan's accounts are counted over this view too, so that it is whole must be held against DuckDB's.
        rows, wanted = frame.count(), self._current[name].current_rows
        if rows != wanted:
            raise MaalError(
                f"Spark sees {rows} current rows of {name}, DuckDB {wanted}. Nothing was published; this is a fault of ours."
            )

    def _files(self, name: str, files: list[str]) -> str:
        """A view of stored files by their declared columns: to look into the files for them would cost a pass of its own."""
        view = f"{name}_files_{len(self._views)}"
        self._views.add(view)
        columns = {column: spec.type for column, spec in self._tables[name].columns.items()}
        columns["delivery_id"] = BUILT_IN_COLUMNS["delivery_id"][0]
        schema = ", ".join(f"`{column}` {TYPES.get(kind, kind)}" for column, kind in columns.items())
        frame = self._session.read.schema(schema).parquet(*(f"file://{_no_pattern(file)}" for file in files))
        frame.createOrReplaceTempView(view)
        return view

    def _no_files(self, files: list[str]) -> str:
        raise MaalError("A query reads tables, never files.")


def _plain(value: Any) -> Any:
    """Whole numbers as int, whichever type they were summed in."""
    return int(value) if isinstance(value, Decimal) and value.as_tuple().exponent == 0 else value


def _words(error: Exception) -> str:
    """What Spark says, on one line. Of a query that runs only what kind of fault it is: the message may quote a value."""
    from pyspark.errors import AnalysisException, PySparkException

    if isinstance(error, PySparkException) and not isinstance(error, AnalysisException):
        return error.getCondition() or type(error).__name__
    java = getattr(error, "java_exception", None)
    said = str(java.toString() if java is not None else error).strip().splitlines() or [type(error).__name__]
    return said[0][:500].rstrip(".")


def _no_pattern(path: str) -> str:
    """A path that Spark takes as it stands, where it would see a pattern in a bracket, star or comma."""
    return re.sub(r"([\\\[\]{}*?,])", r"\\\1", path)


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None) is not None


def _memory_mb() -> int:
    """What the driver may take: `$MAAL_MEMORY_LIMIT`, else half of the machine, 16 GB at most."""
    limit = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MG])i?B", os.environ.get("MAAL_MEMORY_LIMIT", ""), re.IGNORECASE)
    if limit:
        return int(Decimal(limit[1]) * (1024 if limit[2] in "gG" else 1))
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(1024, min(machine // 2, 16 * 1024))
