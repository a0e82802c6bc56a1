"""Errors that a person is meant to read.

Here belong only exceptions whose text says what happened, where, and what to do next; the command line prints the text and
leaves with the exit code. Anything else that is raised is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MaalError(Exception):
    """Something stopped or was found (exit code 1)."""

    exit_code = 1


class CallerError(MaalError):
    """The caller's mistake: an unknown plan, a bad date, an unreadable folder, a plan file that does not hold (exit code 2)."""

    exit_code = 2


class DeliveryRefused(MaalError):
    """A whole file is refused. `code` is stable; `line` and `column` are given where they are known."""

    def __init__(self, code: str, message: str, *, line: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.column = column


def nearest(word: str, known: Iterable[str]) -> str:
    """A Danish-free hint for a mistyped word: ` (did you mean 'x'? known: a, b, c)`, or only the known words."""
    words = sorted(str(k) for k in known)
    close = get_close_matches(word, words, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    listed = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f" ({hint}known: {listed})" if words else " (none are known)"
