"""Places in a sheet as people write them: `F`, `B3:F200`. What stands there is intake/'s."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6}):([A-Z]{1,3})([1-9][0-9]{0,6})?")


@dataclass(frozen=True)
class Area:
    """The cells of a range, all counted from 0; without `last_row` down to the end of the sheet."""

    first_row: int
    last_row: int | None
    first_column: int
    last_column: int


def area(text: str) -> Area:
    """`B3:F200`, or `B3:F` down to the end. Raises ValueError."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no range; write B3:F200, or B3:F for all rows below")
    last = int(match[4]) - 1 if match[4] else None
    found = Area(int(match[2]) - 1, last, column_number(match[1]) - 1, column_number(match[3]) - 1)
    if found.last_column < found.first_column or (last is not None and last < found.first_row):
        raise ValueError(f"the range {text} ends before it begins")
    return found


def column_number(letters: str) -> int:
    """`A` is 1, `AA` is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
