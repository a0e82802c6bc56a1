"""Showing that work goes on: one live line on a terminal, plain lines elsewhere. What is said comes from the work itself."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO


class Progress:
    """A context in which `say` shows the current step; the clock it shows is for the eye only."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._started = time.monotonic()
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def say(self, text: str) -> None:
        """Shows a step. A text that begins with two blanks is what a step came to; one that begins with one blank goes on within
        the step and is shown only on a terminal."""
        seconds = time.monotonic() - self._started
        outcome, within = text.startswith("  "), text.startswith(" ") and not text.startswith("  ")
        line = f"[{seconds:6.1f} s] {'  ' if outcome else ''}{text.strip()}"
        if self._live:
            if not within:
                self._end_line()
            line = line[: max(20, _columns() - 1)]
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        elif not within:
            self._stream.write(line + "\n")
        self._stream.flush()

    def _end_line(self) -> None:
        if self._width:
            self._stream.write("\n")
            self._width = 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._end_line()
            self._stream.flush()


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns
