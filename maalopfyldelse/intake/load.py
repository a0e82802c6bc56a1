"""From an opened file to a Parquet file of typed rows, and the faults of the rows that do not fit.

One streaming pass when every row fits. Otherwise a second one numbers the rows and notes every fault of every row; only then are
line numbers looked up. Limits and the ledger are take.py's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract import Layout
from ..home import Home
from . import zones
from .arrowcells import NotLines, NotPlain
from .arrowclock import Shift, Unsettled
from .cast import UNSETTLED, Program
from .csvfile import CsvFile, quoted
from .faults import Fault, Refused, row_message
from .folds import keep, settle
from .jsonfile import JsonFile
from .match import File
from .parquetfile import ParquetFile
from .rowrules import RowRules
from .textfile import too_long
from .xlsxfile import ERROR_CELL, XlsxFile

if TYPE_CHECKING:
    import duckdb

Place = tuple[str, str | None]  # a fault's code, and the file's column it stands in
MAX_FAULTS = 10_000  # noted of a delivery that is refused; of one that is stored, all
PARQUET = "(format parquet, parquet_version v2, compression zstd, compression_level 1, row_group_size 122880)"


@dataclass
class Loaded:
    """What became of a file's rows: rows_read = rows_kept + rows_set_aside. `faults` are in order of line; a row may have more
    than one. `counts` says how many rows have which fault: code and the file's column."""

    rows_read: int
    rows_kept: int
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[Place] = field(default_factory=Counter)

    @property
    def rows_set_aside(self) -> int:
        return self.rows_read - self.rows_kept


@dataclass(frozen=True)
class _Unknown:
    """The unknown words of a file's column: how many, in how many rows, the numbers of the first rows, and what is known."""

    column: str
    known: str
    words: int
    rows: int
    first: tuple[int, ...]


class _Disagree(Exception):
    """The statement gave another number of rows than the file has."""


class Loader:
    """Loads one file into `target`, every row with the delivery's id."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        home: Home,
        file: File,
        layout: Layout,
        rules: RowRules,
        delivery_id: str,
        target: Path,
        prepared: set[str],
    ) -> None:
        """`prepared`: the zones that the connection knows already; added to."""
        self._prepared = prepared
        self._con, self._file, self._layout, self._rules, self._target = con, file, layout, rules, target
        self._delivery_id, self._table = delivery_id, rules.table
        self._numbered = home.tmp / f"{delivery_id}.numbered.parquet"
        self._program = Program(layout, rules, compose=not file.is_ascii)
        # Why Arrow could not read the file: after NotPlain it casts no columns as a whole, after NotLines it reads nothing of it.
        self._failure: Exception | None = None

    def load(self, is_too_many: Callable[[int, int], bool]) -> Loaded:
        """Writes the rows that fit. `is_too_many(set aside, read)`: of a delivery that will be refused not all faults are noted.

        Raises Refused for what concerns the file as a whole.
        """
        import duckdb

        if isinstance(self._file, XlsxFile):
            try:
                self._file.load(self._con, self._table)
            except Refused as refused:
                raise self._with_all_faults(refused) from None
        elif isinstance(self._file, ParquetFile):
            self._file.load()
        try:
            return self._strict()
        except (duckdb.InvalidInputException, duckdb.DataError, UnicodeDecodeError, _Disagree):
            # the engine's message may quote a line cut within a letter, which then is no text at all
            self._target.unlink(missing_ok=True)
        try:
            return self._careful(is_too_many)
        except (duckdb.InvalidInputException, duckdb.DataError, UnicodeDecodeError) as error:
            raise self._failing_rule() or _unreadable(str(error), self._file) from None
        finally:
            self._numbered.unlink(missing_ok=True)

    def _strict(self) -> Loaded:
        kept = self._copy_by_arrow(None, self._program.clocks(self._program.casters))
        if kept is None:
            kept = self._copy_settled()
        by_lines = isinstance(self._file, CsvFile) and self._file.has_as_many_lines(kept)
        if not by_lines and kept != self._file.rows(self._con):
            raise _Disagree
        return Loaded(kept, kept)

    def _copy_settled(self) -> int:
        """With doubled hours settled by the order of events, where there are any."""
        import duckdb

        rows = self._file.select(self._program.needed, careful=False)
        # looking for doubled hours is a pass of its own over the file, and nearly no file has one
        settled = self._settle_folds(rows) if isinstance(self._failure, Unsettled) else None
        try:
            return self._copy_strictly(rows, settled)
        except duckdb.InvalidInputException as error:
            if UNSETTLED not in str(error):
                raise
            return self._copy_strictly(rows, self._settle_folds(rows))

    def _copy_strictly(self, rows: str, settled: set[str] | None) -> int:
        program = self._program
        kept = self._copy_by_arrow(settled, {})
        if kept is None:
            kept = self._copy_by_pieces(program.strict("select * from arrow_rows", settled, proved=program.casters), self._target)
        return self._copy(program.strict(rows, settled), self._target) if kept is None else kept

    def _copy_by_arrow(self, settled: set[str] | None, clocks: dict[str, tuple[str, Shift]]) -> int | None:
        """From Arrow's columns; None where cells are not written plainly, or a time of `clocks` does not stand for one instant."""
        if isinstance(self._failure, NotPlain):
            return None
        program, casters = self._program, self._program.casters
        select = program.strict("select * from arrow_rows", settled, casters, clocks)
        return self._copy_columns(select, self._target, program.texts(casters), clocks, {})

    def _copy_by_pieces(self, select: str, target: Path) -> int | None:
        """From Arrow's columns where a piece of the file is plain, and its text where it is not; None where Arrow cannot split it."""
        proofs = {f"p_{name}": f"x_{name}" for name in self._program.casters}
        return self._copy_columns(select, target, self._program.texts(()), {}, proofs)

    def _copy_columns(
        self, select: str, target: Path, texts: dict[str, str], clocks: dict[str, tuple[str, Shift]], proofs: dict[str, str]
    ) -> int | None:
        """A statement over Arrow's columns; None where they cannot be made, and then `_failure` says why.

        Raises OSError or MemoryError for trouble of the machine's, which is no fault of the file's.
        """
        import duckdb

        casters = self._program.casters
        if not casters or isinstance(self._failure, NotLines) or not isinstance(self._file, CsvFile):
            return None
        typed = {f"x_{name}": (self._layout.columns[name].columns[0], cast) for name, cast in casters.items()}
        found = self._file.by_columns(texts, typed, clocks, proofs)
        if found is None:
            return None
        self._con.register("arrow_rows", found.batches())
        try:
            return self._copy(select, target)
        except duckdb.Error:
            if isinstance(found.failure, OSError | MemoryError):
                raise found.failure from None
            if found.failure is None:
                raise
            self._failure = found.failure
            return None
        finally:
            self._con.unregister("arrow_rows")

    def _careful(self, is_too_many: Callable[[int, int], bool]) -> Loaded:
        program, names = self._program, self._program.places
        rows = self._file.select(program.needed, careful=True)
        settled = self._settle_folds(rows)
        split, numbered = self._split(rows, settled)
        flags = [f"_f{i}" for i in range(len(names))]
        faulty = " or ".join(f"{flag} is not null" for flag in ["_broken", *flags])
        columns = ", ".join(f'"{name}"' for name in [*self._table.columns, "delivery_id"])
        kept = self._copy(f"select {columns} from {numbered} where not ({faulty})", self._target, with_id=False)
        limit = f"limit {MAX_FAULTS}" if is_too_many(split - kept, split) else ""
        found = self._query(f"select _row, _broken, {', '.join(flags)} from {numbered} where {faulty} order by _row {limit}")
        counts = self._counts(numbered, names)
        words = self._unknown_words(rows, counts)
        located = self._file.locate((n for n in {row[0] for row in found} | {n for word in words for n in word.first}), split)
        if located.rows_read != split + located.left_out_count:
            raise AssertionError("rows read are not the rows split and the rows left out")
        loaded = Loaded(located.rows_read, kept, list(located.left_out), counts)
        loaded.counts.update({("FIELD_COUNT", None): located.left_out_count} if located.left_out_count else {})
        for n, broken, *codes in found:
            if broken == ERROR_CELL and isinstance(self._file, XlsxFile):
                loaded.faults += [Fault(n, broken, c, row_message(broken, c, "")) for c in self._file.errors_in(n)]
                continue
            pairs = [(None, broken)] if broken else list(zip(names, codes, strict=True))
            loaded.faults += [self._fault(located.lines[n], name, code) for name, code in pairs if code]
        loaded.faults.sort(key=lambda f: (f.line or 0, f.code, f.column or ""))
        self._refuse_cut(found, loaded)
        if words:
            self._refuse_unknown(words, located.lines, loaded)
        return loaded

    def _split(self, rows: str, settled: set[str]) -> tuple[int, str]:
        """Writes all rows with their faults: how many, and the relation that has them, numbered."""
        program, place = self._program, quoted(str(self._numbered))
        if not isinstance(self._file, CsvFile) or self._rules.looks_up:
            return self._copy(program.careful(rows, settled), self._numbered), f"read_parquet({place})"
        # no join mixes up the rows, and to number them while they are read would take one thread only
        numbered = f"(select * replace (file_row_number + 1 as _row) from read_parquet({place}, file_row_number = true))"
        unnumbered = "select *, cast(null as bigint) as _row, cast(null as varchar) as _broken from arrow_rows"
        split = self._copy_by_pieces(program.careful(unnumbered, settled, program.casters), self._numbered)
        if split is None or not self._file.has_as_many_lines(split):
            unnumbered = self._file.select(program.needed, careful=True, numbered=False)
            split = self._copy(program.careful(unnumbered, settled), self._numbered)
        return split, numbered

    def _failing_rule(self) -> Refused | None:
        """The refusal that names the row rule which stumbles over a value; None where the file cannot be read at all."""
        import duckdb

        rows, rules = self._file.select(self._program.needed, careful=True), self._rules
        for rule in rules.rules:
            alone = Program(self._layout, replace(rules, rules=(rule,)), compose=not self._file.is_ascii)
            flag = f"_f{len(alone.places) - 1}"
            try:
                self._query(f"select count({flag}) from ({alone.careful(rows, self._settle_folds(rows))})")
            except (duckdb.InvalidInputException, duckdb.DataError, UnicodeDecodeError):
                plain = Program(self._layout, replace(rules, rules=()), compose=not self._file.is_ascii)
                try:
                    self._query(f"select count(*) from ({plain.careful(rows, self._settle_folds(rows))})")
                except (duckdb.InvalidInputException, duckdb.DataError, UnicodeDecodeError):
                    return None
                message = (
                    f"the contract's rule {rule.code} (set_aside) cannot be worked out for a value of this file. Write it so that it "
                    "holds for every value, with try_cast for cast."
                )
                return Refused("ROW_RULE_FAILS", message)
        return None

    def _with_all_faults(self, refused: Refused) -> Refused:
        """A refusal for some cells, with what is wrong with the others too: the sender is told everything at once."""
        try:
            others = self._careful(lambda set_aside, rows: True).faults
        except Refused as more:
            others = more.faults
        finally:
            self._numbered.unlink(missing_ok=True)
            self._target.unlink(missing_ok=True)
        lost = {(f.line, f.column) for f in refused.faults}
        refused.faults = sorted(
            [*refused.faults, *(f for f in others if (f.line, f.column) not in lost)],
            key=lambda f: (f.line or 0, f.code, f.column or ""),
        )
        return refused

    def _counts(self, numbered: str, names: list[str]) -> Counter[Place]:
        """How many rows have which fault in which column, in the sender's words."""
        counts: Counter[Place] = Counter()
        for i, name in enumerate(names):
            of = f"{numbered} where _f{i} is not null and _broken is null"
            for code, times in self._query(f"select _f{i}, count(*) from {of} group by 1"):
                counts[code, self._program.file_column[name]] += times
        for code, times in self._query(f"select _broken, count(*) from {numbered} where _broken is not null group by 1"):
            counts[code, None] += times
        return counts

    def _fault(self, line: int, name: str | None, code: str) -> Fault:
        if name is None:
            return Fault(line, code, None, row_message(code, None, ""))
        if message := self._rules.messages.get(name):
            return Fault(line, code, self._program.file_column[name], message)
        expected = self._program.expected[name]
        if code == "NO_SUCH_HOUR":
            expected = self._layout.columns[name].zone or self._layout.zone
        column = self._program.file_column[name]
        return Fault(line, code, column, row_message(code, column, expected))

    def _refuse_cut(self, found: list[Any], loaded: Loaded) -> None:
        if isinstance(self._file, JsonFile) and found and found[-1][1] == "BAD_JSON" and self._file.is_cut_at(found[-1][0]):
            message = "the last line is not a whole JSON object: the file has been cut. Deliver it whole."
            raise _with_rows(Refused("CUT_FILE", message, line=found[-1][0], faults=loaded.faults), loaded)

    def _unknown_words(self, rows: str, counts: Counter[Place]) -> list[_Unknown]:
        """For every column whose contract refuses a delivery with unknown words, what there is of them."""
        words = []
        for name, source in self._layout.columns.items():
            column = self._program.file_column[name]
            if source.on_unknown == "refuse" and counts["UNKNOWN_CODE", column]:
                ((times, of_rows, first),) = self._query(self._program.unknown_words(rows, name))
                words += [_Unknown(column, self._program.expected[name], times, of_rows, tuple(first))] if times else []
        return list(dict.fromkeys(words))  # two table columns may read one of the file

    def _refuse_unknown(self, unknown: list[_Unknown], lines: dict[int, int], loaded: Loaded) -> None:
        texts = []
        for one in unknown:
            first = [str(lines[n]) for n in one.first]
            where = f"first on line {first[0]}" if len(first) == 1 else f"on lines {', '.join(first)}"
            more = ", …" if one.words > len(first) else ""
            words = "a word" if one.words == 1 else f"{one.words} words"
            of_rows = "1 row" if one.rows == 1 else f"{one.rows} rows"
            texts.append(f"'{one.column}' has {words} in {of_rows}, {where}{more} (known: {one.known})")
        message = (
            f"the contract does not know: {'; '.join(texts)}. Look there; add what is right to the contract's codes, or have the export "
            "corrected."
        )
        line, faults = lines[unknown[0].first[0]], loaded.faults[:MAX_FAULTS]
        raise _with_rows(Refused("UNKNOWN_CODE", message, line=line, column=unknown[0].column, faults=faults), loaded)

    def _settle_folds(self, rows: str) -> set[str]:
        """Keeps verdicts for every column whose doubled hour the order of events settles; the columns' names."""
        folded = set()
        for fold in self._program.folds:
            verdicts = settle(self._query(self._program.fold_rows(fold, rows)))
            if verdicts:
                keep(self._con, f"fold_{fold.column}", verdicts)
                folded.add(fold.column)
        return folded

    def _query(self, sql: str) -> list[Any]:
        if zones.are_used(sql):
            for zone in sorted(self._program.zones - self._prepared):
                zones.prepare(self._con, zone)
                self._prepared.add(zone)
        return self._con.execute(sql).fetchall()

    def _copy(self, select: str, target: Path, *, with_id: bool = True) -> int:
        added = f", {quoted(self._delivery_id)} as delivery_id" if with_id else ""
        return int(self._query(f"copy (select *{added} from ({select})) to {quoted(str(target))} {PARQUET}")[0][0])


def _with_rows(refused: Refused, loaded: Loaded) -> Refused:
    refused.rows_read, refused.rows_set_aside = loaded.rows_read, loaded.rows_set_aside
    return refused


def _unreadable(text: str, file: File) -> Refused:
    """What the engine's reader could not do, in our words: its own message quotes the line."""
    if "aximum line size" in text and isinstance(file, CsvFile):
        return too_long(None, file.max_line)
    if "state machine" in text:
        return Refused(
            "MIXED_LINE_ENDS", "the lines end in different ways (LF, CR, CRLF). Save the file with one kind of line end."
        )
    return Refused("UNREADABLE", "the file cannot be split into rows. Export it again with values quoted.")
