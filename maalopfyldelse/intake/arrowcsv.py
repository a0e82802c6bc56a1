"""A CSV file as a stream of Arrow batches, read ahead by as many threads as the engine has.

For files without quotes, of which every line is a row of as many cells as the header has; a file with any other line is the
engine's own reader's (csvfile.py's), which reads it from its beginning. So is one with a cell that is not written plainly
(arrowcells.py's), unless who asks takes that column's text for a piece of the file.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from .arrowcells import Caster, NotLines, NotPlain
from .arrowclock import Shift

PIECE = 1 << 22


@dataclass
class ArrowCsv:
    """What to read of a file: `texts` are names of the batches' text columns with the number of the file's column, `typed` those of
    the columns that are cast, `made` those of times made from one of the others. `proofs` are names of truths about typed columns:
    whether the piece that a row stands in is plain there; where it is not, the column is empty. Without them such a piece ends the
    reading. Names are the caller's."""

    path: Path
    header_rows: int
    width: int
    delimiter: str
    max_line: int
    texts: dict[str, int]
    typed: dict[str, tuple[int, Caster]]
    made: dict[str, tuple[str, Shift]]
    proofs: dict[str, str]
    threads: int
    failure: Exception | None = None  # why a batch cannot be made: NotPlain, Unsettled, or the machine's trouble

    def batches(self) -> pa.RecordBatchReader:
        """The file from its beginning. Where a batch cannot be made the reader fails, and `failure` says why."""
        schema = pa.schema(
            [(name, pa.string()) for name in self.texts]
            + [(name, cast.type) for name, (_, cast) in self.typed.items()]
            + [(name, pa.timestamp("us")) for name in self.made]
            + [(name, pa.bool_()) for name in self.proofs]
        )
        return pa.RecordBatchReader.from_batches(schema, self._ahead(schema))

    def _ahead(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self.path.open("rb") as handle, ThreadPoolExecutor(self.threads) as pool:
            waiting = deque[Future[pa.RecordBatch]]()
            try:
                for start, end in self._pieces(handle):
                    waiting.append(pool.submit(self._batch, schema, handle.fileno(), start, end))
                    if len(waiting) > self.threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except Exception as failure:  # the engine would tell it as one of its own
                self.failure = failure
                raise
            finally:
                for future in waiting:
                    future.cancel()

    def _pieces(self, handle: BinaryIO) -> Iterator[tuple[int, int]]:
        """Where the lines behind the header begin and end, many at a time."""
        for _ in range(self.header_rows):
            handle.readline()
        start, size = handle.tell(), os.fstat(handle.fileno()).st_size
        while start < size:
            handle.seek(start + PIECE)
            handle.readline()
            end = min(handle.tell(), size)
            yield start, end
            start = end

    def _batch(self, schema: pa.Schema, file: int, start: int, end: int) -> pa.RecordBatch:
        piece = os.pread(file, end - start, start)
        if piece.startswith(BOM_UTF8) or has_long_line(piece, self.max_line):  # Arrow leaves out the one and takes the other
            raise NotLines
        names = [f"c{i}" for i in range(self.width)]
        wanted = [f"c{i}" for i in dict.fromkeys([*self.texts.values(), *(i for i, _ in self.typed.values())])]
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(piece),
                pa.csv.ReadOptions(column_names=names, use_threads=False, block_size=len(piece) + 1),
                pa.csv.ParseOptions(delimiter=self.delimiter, quote_char=False),
                pa.csv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()),
                    include_columns=wanted,
                    null_values=[""],
                    strings_can_be_null=True,
                    check_utf8=False,  # proved before
                ),
            )
        except pa.ArrowInvalid:
            raise NotLines from None
        columns = {name: table[f"c{i}"].combine_chunks() for name, i in self.texts.items()}
        plain = set()
        for name, (i, cast) in self.typed.items():
            try:
                columns[name] = cast(table[f"c{i}"].combine_chunks())
                plain.add(name)
            except NotPlain:
                if not self.proofs:
                    raise
                columns[name] = pa.nulls(table.num_rows, cast.type)
        for name, (of, shift) in self.made.items():
            columns[name] = shift(columns[of])
        for name, of in self.proofs.items():
            columns[name] = pa.repeat(pa.scalar(of in plain), table.num_rows)
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def has_long_line(piece: bytes, most: int) -> bool:
    """Whether a line, with its end, is longer than `most` bytes. An end that is missing counts as two."""
    at, missing = 0, 0 if piece.endswith(b"\n") else 2
    while len(piece) + missing - at > most:
        end = piece.rfind(b"\n", at, at + most)
        if end < 0:
            return True
        at = end + 1
    return False
