"""A CSV delivery as text columns: its header, held in Python, and the engine's reader with everything declared.

The engine guesses nothing here (no types, no dialect). Where rows fail, Python's reader goes over the file a second time: it
gives the line numbers, names the lines that have a wrong number of fields, and must agree with the engine about all others.
"""

from __future__ import annotations

import csv
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..contract import Format, Limits
from ..engine import threads
from .csvproof import prove_line_ends, prove_quotes
from .faults import Fault, Refused, row_message
from .textfile import TextFile, too_long

if TYPE_CHECKING:
    import duckdb

    from .arrowcells import Caster
    from .arrowclock import Shift
    from .arrowcsv import ArrowCsv

MAX_LEFT_OUT = 1_000_000
MOST_AHEAD = 8  # pieces of a file that are cast at once: more threads would only hold more memory


@dataclass
class Located:
    """Where rows stand: the line of each row asked for, all rows of the file, and those that the engine's reader left out."""

    lines: dict[int, int]
    rows_read: int
    left_out: list[Fault] = field(default_factory=list)  # the first MAX_LEFT_OUT
    left_out_count: int = 0


class CsvFile:
    """An opened CSV file. `names` are its headings in order. Raises Refused for a header that cannot be used."""

    def __init__(self, text: TextFile, form: Format, limits: Limits) -> None:
        self._text, self._form, self.max_line = text, form, limits.max_line_bytes
        if text.may_not_end:  # the engine would try to read on for hours
            deque(self._records(), maxlen=0)
        if text.has_mixed_ends:
            prove_line_ends(text.path, form)
        if text.has_blank_at_quote:
            prove_quotes(text.path, form)
        self.names = self._header()
        self.is_ascii = text.is_ascii

    def select(self, needed: list[str], careful: bool, *, numbered: bool = True) -> str:
        """SQL for the needed columns as text r0, r1, …; careful: unsplittable rows are left out, `_row` numbers the others or,
        where they are not to be `numbered`, is null."""
        places = [self.names.index(name) for name in needed]
        picked = [f"c{place} as r{i}" for i, place in enumerate(places)]
        if careful:
            number = "row_number() over ()" if numbered else "cast(null as bigint)"
            picked += [f"{number} as _row", "cast(null as varchar) as _broken"]
        return f"select {', '.join(picked) or '1 as one'} from {self._relation(self._text.path, careful)}"

    def by_columns(
        self,
        texts: dict[str, str],
        typed: dict[str, tuple[str, Caster]],
        made: dict[str, tuple[str, Shift]],
        proofs: dict[str, str],
    ) -> ArrowCsv | None:
        """The file for Arrow: columns of the file as text, cast ones, what is made of those, and where they are proved, by their names in
        the batches; None for a file with quotes."""
        from .arrowcsv import ArrowCsv

        form = self._form
        if self._text.has_quotes or not form.delimiter.isascii():
            return None
        place = self.names.index
        return ArrowCsv(
            self._text.path,
            form.header_row,
            len(self.names),
            form.delimiter,
            self.max_line,
            {name: place(column) for name, column in texts.items()},
            {name: (place(column), cast) for name, (column, cast) in typed.items()},
            made,
            proofs,
            threads=min(threads(), MOST_AHEAD),
        )

    def rows(self, con: duckdb.DuckDBPyConnection) -> int:
        """Rows of the file, counted apart from the casts."""
        return int(con.execute(f"select count(*) from {self._relation(self._text.path, careful=False)}").fetchall()[0][0])

    def has_as_many_lines(self, rows: int) -> bool:
        """Whether the line breaks alone show that the file has so many rows: none stands inside a value, and were a line blank,
        there would be fewer rows."""
        # a last line without a line break counts when the contract allows it
        with self._text.path.open("rb") as handle:
            handle.seek(-1, 2)
            unended = handle.read(1) != b"\n"
        return not self._text.has_quotes and self._text.lines + unended - self._form.header_row == rows

    def locate(self, ordinals: Iterable[int], rows_split: int) -> Located:
        """Lines of the rows with these numbers; `rows_split` is how many rows the engine could split."""
        if self.has_as_many_lines(rows_split):
            return Located({n: n + self._form.header_row for n in ordinals}, rows_split)
        wanted, good, total, width = set(ordinals), 0, 0, len(self.names)
        located = Located({}, 0)
        short_last: Fault | None = None
        message = row_message("FIELD_COUNT", None, "")
        for line, fields in self._records():
            if not fields and width > 1:
                continue
            total += 1
            short_last = None
            if len(fields) == width or (len(fields) == width + 1 and fields[-1] == "") or (not fields and width == 1):
                good += 1
                if good in wanted:
                    located.lines[good] = line
                continue
            fault = Fault(line, "FIELD_COUNT", None, message)
            located.left_out_count += 1
            if located.left_out_count <= MAX_LEFT_OUT:
                located.left_out.append(fault)
            short_last = fault if len(fields) < width else None
        if short_last is not None:
            message = "the last line has fewer fields than the header: the file has been cut. Deliver it whole."
            raise Refused("CUT_FILE", message, line=short_last.line)
        if good != rows_split:
            raise Refused("UNREADABLE", "two readers split this file into different rows. Export it with values quoted.")
        located.rows_read = total
        return located

    def _relation(self, path: Path, careful: bool) -> str:
        form = self._form
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(self.names)))
        return (
            f"read_csv({quoted(glob_free(str(path)))}, auto_detect = false, header = false, "
            f"skip = {form.header_row}, delim = {quoted(form.delimiter)}, quote = {quoted(form.quote)}, "
            f"escape = {quoted(form.quote)}, max_line_size = {self.max_line}, columns = {{{columns}}}"
            f"{', ignore_errors = true' if careful else ''})"
        )

    def _open(self) -> TextIO:
        return self._text.path.open(encoding="utf-8-sig", newline="")

    def _header(self) -> list[str]:
        with self._open() as handle:
            line = ""
            for number in range(1, self._form.header_row + 1):
                line = handle.readline(self.max_line)
                if len(line) == self.max_line:
                    raise too_long(number, self.max_line)
            if not line.strip():
                raise Refused("EMPTY_FILE", "no header stands here. Export it again.", line=self._form.header_row)
        try:
            records = list(csv.reader([line], **self._dialect()))  # type: ignore[arg-type]
        except csv.Error:
            raise Refused("STRAY_QUOTE", "the header has a quote that is not closed.", line=self._form.header_row) from None
        return headings(records[0])

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(self.max_line)
        with self._open() as handle:
            for _ in range(self._form.header_row):
                handle.readline()
            line = length = 0

            def lines() -> Iterator[str]:
                nonlocal length
                for text in handle:
                    if length > self.max_line:  # lines before this one, of the same record
                        raise too_long(self._form.header_row + line + 1, self.max_line)
                    length += len(text.encode())
                    yield text

            reader = csv.reader(lines(), **self._dialect())  # type: ignore[arg-type]
            while True:
                try:
                    fields = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    number = self._form.header_row + line + 1
                    if "field larger" in str(error):
                        raise too_long(number, self.max_line) from None
                    if "unexpected end" in str(error):
                        raise Refused(
                            "CUT_FILE", "a quote opens here and never closes: the file has been cut.", line=number
                        ) from None
                    raise Refused(
                        "STRAY_QUOTE", "a quote stands inside a value and is not doubled. Export it again.", line=number
                    ) from None
                if length > self.max_line:  # which the engine leaves out without a word when it is to go on
                    raise too_long(self._form.header_row + line + 1, self.max_line)
                yield self._form.header_row + line + 1, fields
                line, length = reader.line_num, 0

    def _dialect(self) -> dict[str, object]:
        plain = {"delimiter": self._form.delimiter, "strict": True}
        return {**plain, "quotechar": self._form.quote} if self._form.quote else {**plain, "quoting": csv.QUOTE_NONE}


def headings(fields: list[str]) -> list[str]:
    """Headings trimmed and composed (å as one character)."""
    return [unicodedata.normalize("NFC", name).strip() for name in fields]


def quoted(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def glob_free(path: str) -> str:
    """A path in which the engine sees no pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in path)
