"""Whether a personal number (CPR) stands in a text, the slow way: every ten digits are tried as a date and a serial.

The rule is that of maalopfyldelse/intake/cpr.py's docstring, told again without a regular expression for dates.
"""

from __future__ import annotations

import re
from datetime import date

_TEN = re.compile("(?<![0-9])([0-9]{6})([ \u00a0]?[-\u2010-\u2015\u2212]?[ \u00a0]?)([0-9]{4})(?![0-9])")


def holds_person(text: str, *, by_itself: bool) -> bool:
    """`by_itself`: ten digits together count too, not only with a sign or a blank between the two parts."""
    found = (_TEN.match(text, at) for at in range(len(text)))
    return any(m and (by_itself or m[2]) and _is_date(m[1], int(m[3][0])) for m in found)


def _is_date(digits: str, seventh: int) -> bool:
    day, month, year = (int(digits[i : i + 2]) for i in (0, 2, 4))
    if seventh <= 3:
        century = 1900
    elif seventh in (4, 9):
        century = 2000 if year <= 36 else 1900
    else:
        century = 2000 if year <= 57 else 1800
    try:
        date(century + year, month, day - 60 if day > 60 else day)
    except ValueError:
        return False
    return True
