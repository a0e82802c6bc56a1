"""A text file's bytes before anything is made of them: its encoding, proved over the whole file, its lines, its end.

Strict decoding in the declared order; what is not UTF-8 is rewritten as UTF-8 in the home's tmp/, a piece at a time. What the
lines hold is csvfile.py's and jsonlines.py's.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract import Format, Limits
from .deliveries import CHANGED
from .faults import Refused

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

_CHUNK = 1 << 22
_NAMES = {"utf-8": "UTF-8", "utf-16": "UTF-16 (with its mark)", "windows-1252": "Windows-1252"}


def too_long(line: int | None, allowed: int) -> Refused:
    """The refusal of a line longer than a row may be."""
    message = (
        f"a line is longer than a row can be: the contract allows {allowed} bytes (limits.max_line_bytes). "
        "Look for a quote that is not closed, and whether this is an export of rows."
    )
    return Refused("LINE_TOO_LONG", message, line=line)


@dataclass(frozen=True)
class TextFile:
    """A file that is whole and decodes. `path` is UTF-8, perhaps with a byte order mark; `lines` counts line breaks."""

    path: Path
    encoding: str
    lines: int
    has_quotes: bool  # the format's quote stands in it
    may_not_end: bool  # by its quotes a record might be longer than a line may be; it need not (a lone quote within a value)
    is_ascii: bool
    has_blank_at_quote: bool = False  # perhaps between a value's quote and the delimiter
    has_mixed_ends: bool = False  # line feeds with and without a carriage return, or one by itself; perhaps within values


def examine(path: Path, sha256: str | None, form: Format, tmp: Path, limits: Limits) -> TextFile:
    """Proves a delivery's text, and with `sha256` that it is the one hashed before.

    Raises Refused: EMPTY_FILE, WRONG_ENCODING, CONTROL_CHARACTER, CUT_FILE, LINE_TOO_LONG, MIXED_LINE_ENDS, CHANGED_WHILE_READ.
    """
    faults: list[str] = []
    for encoding in form.encodings:
        try:
            digest = hashlib.sha256() if sha256 else None
            found = _decode(path, encoding, form, tmp, limits.max_line_bytes, digest)
        except _Undecodable as error:
            faults.append(f"{_NAMES[encoding]} (line {error.line})")
            continue
        if digest and digest.hexdigest() != sha256:
            raise Refused("CHANGED_WHILE_READ", CHANGED)
        return found
    raise Refused(
        "WRONG_ENCODING",
        f"the text is not {' nor '.join(faults)}; in brackets the first line that is not. Save the file in a declared encoding.",
        line=1,
    )


class _Undecodable(Exception):
    def __init__(self, line: int) -> None:
        self.line = line


def _decode(path: Path, encoding: str, form: Format, tmp: Path, max_line: int, digest: Digest | None) -> TextFile:
    with path.open("rb") as handle:
        mark = handle.read(2)
    if encoding == "utf-16" and mark not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise _Undecodable(1)
    target = path if encoding == "utf-8" else tmp / f"utf8-{path.stat().st_ino}.txt"
    decoder = codecs.getincrementaldecoder("cp1252" if encoding == "windows-1252" else encoding)("strict")
    counts = _Counts(form, max_line)
    rewrite = nullcontext() if target == path else target.open("wb")

    def read() -> bytes:
        chunk = handle.read(_CHUNK)
        if digest:
            digest.update(chunk)
        return chunk

    with path.open("rb") as handle, rewrite as out, ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(read)
        while True:
            if chunk := coming.result():
                coming = ahead.submit(read)
            try:
                # what is ASCII throughout is UTF-8, and finding that out is ten times faster than decoding
                skip = target == path and chunk.isascii() and not decoder.getstate()[0]
                text = "" if skip and chunk else decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = chunk[: error.start].count(b"\n") if encoding != "utf-16" else 0
                raise _Undecodable(counts.lines + before + 1) from None
            encoded = text.encode() if out else chunk
            if out:
                out.write(encoded)
            counts.add(encoded)
            if not chunk:
                break
    return counts.checked(target, encoding)


class _Counts:
    def __init__(self, form: Format, max_line: int) -> None:
        self._form, self._max_line = form, max_line
        self._quote = form.quote.encode()
        self.lines = self._unended = self._returns = self._pairs = self._quotes = self._bytes = 0
        self._blank_at_quote = self._may_not_end = False
        self._record = 0  # bytes since a piece in which a record ended
        mark, edge = re.escape(self._quote), re.escape(form.delimiter.encode())
        self._at_edge = re.compile(rb"(^|[\r\n]|%b) +%b|%b +($|[\r\n]|%b)" % (edge, mark, mark, edge)) if form.quote else None
        self._ascii = True
        self._tail = b""
        self._control: int | None = None

    def add(self, chunk: bytes) -> None:
        if not chunk:
            return
        forbidden = (b"\0",) if self._form.type == "csv" else (b"\0", b"\1")
        for character in forbidden:
            if self._control is None and (at := chunk.find(character)) >= 0:
                self._control = self.lines + chunk[:at].count(b"\n") + 1
        if b"\r" in chunk:
            self._returns += chunk.count(b"\r")
            self._pairs += chunk.count(b"\r\n")
        self._pairs += self._tail.endswith(b"\r") and chunk.startswith(b"\n")
        has_quote = bool(self._quote) and self._quote in chunk  # the dearer questions are asked only where one stands
        if self._at_edge and not self._blank_at_quote:
            if has_quote and (b" " + self._quote in chunk or self._quote + b" " in chunk):
                self._blank_at_quote = self._at_edge.search(chunk) is not None  # a piece's ends count as edges
            seam = self._tail[-1:] + chunk[:1]
            self._blank_at_quote = self._blank_at_quote or seam in (b" " + self._quote, self._quote + b" ")
        self._tail = (self._tail + chunk[-2:])[-2:]
        self._ascii = self._ascii and chunk.isascii()
        self.lines += _count(chunk, b"\n")
        at = chunk.rfind(b"\n")
        self._unended = len(chunk) - at - 1 if at >= 0 else self._unended + len(chunk)
        if self._unended > self._max_line and self._form.type != "json":
            raise too_long(self.lines + 1, self._max_line)
        if self._quote and not self._may_not_end:
            ends = _ends_record(chunk, self._quote, is_quoted=self._quotes % 2 == 1)
            self._record = 0 if ends else self._record + len(chunk)
            self._may_not_end = self._record > self._max_line
        self._quotes += _count(chunk, self._quote) if has_quote else 0
        self._bytes += len(chunk)

    def checked(self, path: Path, encoding: str) -> TextFile:
        if self._bytes == 0 or (self._bytes == 3 and not self._ascii):
            raise Refused("EMPTY_FILE", "the file is empty. Export it again.", line=1)
        if self._control is not None:
            raise Refused(
                "CONTROL_CHARACTER",
                "the text holds a NUL or control character. Export it as text in a declared encoding.",
                line=self._control,
            )
        if self.lines == 0 and self._returns and self._form.type != "json":
            raise Refused(
                "MIXED_LINE_ENDS", "the lines end in a lone carriage return. Save the file with ordinary line ends.", line=1
            )
        if self._form.final_newline and self._form.type != "json" and not self._tail.endswith(b"\n"):
            raise Refused(
                "CUT_FILE",
                "the last line does not end: the file has been cut while it was written or copied. Deliver it whole.",
                line=self.lines + 1,
            )
        is_mixed = self._returns > 0 and not self._returns == self._pairs == self.lines
        return TextFile(
            path, encoding, self.lines, self._quotes > 0, self._may_not_end, self._ascii, self._blank_at_quote, is_mixed
        )


def _ends_record(chunk: bytes, quote: bytes, *, is_quoted: bool) -> bool:
    """Whether a line break stands outside quotes. In a sound file the first lines tell."""
    at = 0
    while True:
        next_quote = chunk.find(quote, at)
        if not is_quoted and chunk.find(b"\n", at, next_quote if next_quote >= 0 else len(chunk)) >= 0:
            return True
        if next_quote < 0:
            return False
        at, is_quoted = next_quote + 1, not is_quoted


def _count(chunk: bytes, byte: bytes) -> int:
    """How often a byte stands in a chunk; twice as fast as Python's own count."""
    import numpy

    return int(numpy.count_nonzero(numpy.frombuffer(chunk, numpy.uint8) == byte[0]))
