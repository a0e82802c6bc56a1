"""A CSV file as a stream of Arrow batches, read ahead by as many threads as the engine has.

For files without quotes, of which every line is a row of as many cells as the header has; a file with any other line, or
a cell that is not written plainly (arrowcells.py's), is the engine's own reader's (csvfile.py's), which reads it from its
beginning.
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

from .arrowcells import Caster, NotPlain
from .arrowclock import Shift, Unsettled

PIECE = 1 << 22


@dataclass
class ArrowCsv:
    """What to read of a file: `texts` are names of the batches' text columns with the number of the file's column, `typed` those of
    the columns that are cast, `made` those of times made from one of the others. Names are the caller's."""

    path: Path
    header_rows: int
    width: int
    delimiter: str
    texts: dict[str, int]
    typed: dict[str, tuple[int, Caster]]
    made: dict[str, tuple[str, Shift]]
    threads: int
    failure: NotPlain | Unsettled | None = None  # why a batch cannot be made

    def batches(self) -> pa.RecordBatchReader:
        """The file from its beginning. Where a batch cannot be made the reader fails, and `failure` says why."""
        schema = pa.schema(
            [(name, pa.string()) for name in self.texts]
            + [(name, cast.type) for name, (_, cast) in self.typed.items()]
            + [(name, pa.timestamp("us")) for name in self.made]
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
            except (NotPlain, Unsettled) as failure:
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
        if piece.startswith(BOM_UTF8):  # which Arrow leaves out, wherever a piece begins
            raise NotPlain
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
            raise NotPlain from None
        columns = {name: table[f"c{i}"].combine_chunks() for name, i in self.texts.items()}
        columns |= {name: cast(table[f"c{i}"].combine_chunks()) for name, (i, cast) in self.typed.items()}
        for name, (of, shift) in self.made.items():
            columns[name] = shift(columns[of])
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)
