"""What a CSV text must hold to where the engine's reader would go on without a word: like line ends, and quotes at the edges of values.

Asked only of texts that textfile.py suspects, for it costs far more than reading them. Everything else is csvfile.py's.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

from ..contract import Format
from .faults import Refused


def prove_line_ends(path: Path, form: Format) -> None:
    """Raises Refused unless all lines end alike; within quotes a line break is part of a value.

    The engine goes by the first line end that it sees, and rows that end otherwise may be lost to it.
    """
    quote, inside, seen = form.quote.encode(), False, b""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            body = line.removesuffix(b"\n").removesuffix(b"\r")
            outside = body.split(quote)[inside::2] if quote else [body]
            inside ^= bool(quote and body.count(quote) % 2)
            end = b"" if inside else line[len(body) :]
            if any(b"\r" in part for part in outside) or (end and seen and end != seen):
                message = "the lines end in different ways (LF, CR, CRLF). Save the file with one kind of line end."
                raise Refused("MIXED_LINE_ENDS", message, line=number)
            seen = seen or end


def prove_quotes(path: Path, form: Format) -> None:
    """Raises Refused unless every quote begins or ends a value, or is doubled within one.

    The engine leaves out a blank between a quote and the delimiter, and takes what stands within the quotes for the value.
    """
    quote, delimiter = form.quote.encode(), form.delimiter.encode()
    inside = False
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if number < form.header_row:
                continue
            start = len(BOM_UTF8) if number == 1 and line.startswith(BOM_UTF8) else 0
            closed, at = -1, line.find(quote, start)
            while at >= 0:
                behind = at + len(quote)
                if inside:
                    is_sound = line.startswith((delimiter, quote, b"\r", b"\n"), behind) or behind == len(line)
                    closed = behind
                else:
                    is_sound = at in (start, closed) or line.endswith((delimiter, b"\r"), start, at)
                if not is_sound:
                    message = "a quote stands beside a blank or inside a value and is not doubled. Export it again."
                    raise Refused("STRAY_QUOTE", message, line=number)
                inside, at = not inside, line.find(quote, behind)
