"""The stable codes of what can be wrong with a delivery or a row, and the words for the person who sent it.

Here belong codes and texts, and the rule for what of a file may be shown. A text names the column, never the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import DeliveryRefused

# What sets one row aside. {column} and {expected} are filled in.
ROW_FAULTS = {
    "FIELD_COUNT": "the line has more or fewer fields than the header. Look for a delimiter or line break inside a value.",
    "BAD_JSON": "the line is not one whole JSON object. Export it again, one object a line.",
    "MISSING_VALUE": "'{column}' is empty and must be given.",
    "NOT_A_NUMBER": "'{column}' is not {expected}.",
    "TOO_MANY_DECIMALS": "'{column}' has more decimals than {expected} keeps. Nothing is rounded; deliver it with fewer.",
    "NUMBER_OUT_OF_RANGE": "'{column}' is a number too large for {expected}.",
    "NOT_A_DATE": "'{column}' is not a date of the form {expected}.",
    "NOT_A_TIME": "'{column}' is not a time of the form {expected}, in the years 1970 to 2099.",
    "NO_SUCH_HOUR": "'{column}' lies in the hour that the change to summer time skips in {expected}. Correct the clock time.",
    "NOT_A_BOOLEAN": "'{column}' is neither true nor false.",
    "NO_SUCH_PERIOD": "'{column}' is no period (2021, 2021H1, 2021Q3, 2021-07 or 2021-07-15).",
    "UNKNOWN_CODE": "'{column}' has a word that its contract does not know (known: {expected}).",
}

# What refuses a whole delivery; the text is written where it is found.
DELIVERY_FAULTS = frozenset(
    {
        "BAD_JSON", "BROKEN_WORKBOOK", "CHANGED_WHILE_READ", "CONTROL_CHARACTER", "CUT_FILE", "DUPLICATE_COLUMN",
        "EMPTY_FILE", "LINE_TOO_LONG", "MISSING_COLUMN", "MIXED_LINE_ENDS", "NO_PERIOD", "NO_SUCH_SHEET",
        "NUMBER_LOST_DIGITS", "STRAY_QUOTE", "TEXT_BECAME_DATE", "TOO_FEW_ROWS", "TOO_LARGE", "TOO_MANY_SET_ASIDE",
        "TWO_FILES_OF_ONE_PERIOD", "UNKNOWN_CODE", "UNMAPPED_COLUMN", "UNREADABLE", "WRONG_ENCODING",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault of a file. `line` counts from 1 as an editor does (a workbook: its row)."""

    line: int | None
    code: str
    column: str | None
    message: str


class Refused(DeliveryRefused):
    """A refusal with all its faults: the message sums them up."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        line: int | None = None,
        column: str | None = None,
        faults: list[Fault] | None = None,
    ) -> None:
        super().__init__(code, message, line=line, column=column)
        self.faults = faults if faults is not None else [Fault(line, code, column, message)]
        self.rows_read: int | None = None
        self.rows_set_aside: int | None = None


def row_message(code: str, column: str | None, expected: str) -> str:
    """The text of a row's fault."""
    return ROW_FAULTS[code].format(column=column, expected=expected)


def shown_word(word: str) -> str | None:
    """A code word as it may stand in a message; None when it could be something personal or is too long to be a code."""
    return word if len(word) <= 20 and not re.search(r"\d[\d -]{4,}\d", word) and "@" not in word else None


def shown_column(name: str, position: int) -> str:
    """A column's heading for a message. In a file without headings data stands there; what looks like data is not shown."""
    if name and len(name) <= 60 and not re.search(r"\d[\d -]{4,}\d", name) and "@" not in name and name.isprintable():
        return f"'{name}'"
    return f"no. {position}" + ("" if name else " (without a heading)")
