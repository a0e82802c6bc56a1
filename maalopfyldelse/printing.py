"""How numbers and texts are written: exact texts, nine decimals, Danish print, and text that cannot act on its reader.

The only place where anything is rounded, always half up and never before the print. Which number goes where is tabular.py's and
the reports'.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from fractions import Fraction

PLACES = 9


def decimal(number: Fraction | None) -> Decimal | None:
    """Half up to nine decimals."""
    if number is None:
        return None
    scaled = abs(number) * 10**PLACES
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(-whole if number < 0 else whole).scaleb(-PLACES)


def exact_text(number: Fraction | None) -> str | None:
    """An exact decimal as text; a fraction that has no finite decimal is written `1/3`."""
    if number is None:
        return None
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{number.numerator}/{number.denominator}"
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def danish(number: Fraction, decimals: int = 1) -> str:
    """A number for a Danish reader: half up to `decimals`, decimal comma."""
    scaled = abs(number) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    text = f"{whole // 10**decimals}" + (f",{whole % 10**decimals:0{decimals}d}" if decimals else "")
    return ("-" if number < 0 and whole else "") + text


def danish_figure(value: Fraction, *marks: Fraction | None) -> str:
    """Half up to one decimal, and to more where rounding would hide on which side of a mark (a target, a weight) the value lies."""
    apart = [mark for mark in marks if mark is not None and mark != value]
    for places in range(1, 7):
        scale = 10**places
        rounded = Fraction((2 * abs(value) * scale + 1).__floor__() // 2, scale) * (1 if value >= 0 else -1)
        if all((rounded > mark) == (value > mark) and rounded != mark for mark in apart):
            return danish(value, places)
    return danish(value)


def danish_count(number: Fraction | int) -> str:
    """A count or a sum with the thousands apart: `12.345`, `1.234,5`."""
    whole, _, rest = danish_exact(Fraction(number)).partition(",")
    if "/" in whole:
        return danish_count(Fraction(danish(Fraction(number), 1).replace(",", ".")))
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return sign + f"{int(digits):,}".replace(",", ".") + (f",{rest}" if rest else "")


def danish_day(day: date) -> str:
    """`30-06-2021`."""
    return f"{day:%d-%m-%Y}"


def danish_exact(number: Fraction) -> str:
    """A number that people wrote, as they wrote it: `90`, `1,25`, `100/3`."""
    for places in range(4):
        if (number * 10**places).denominator == 1:
            return danish(number, places)
    return f"{number.numerator}/{number.denominator}"


def printable(text: str) -> str:
    """A text from outside, fit for a terminal, a log and a page: characters that move the cursor, end the line, turn the writing
    direction or are not seen at all are replaced by `?`."""
    return text if text.isprintable() else "".join("?" if _acts(c) else c for c in text)


def spreadsheet_text(text: str) -> str:
    """A text that a spreadsheet shows and does not run: what would begin a formula gets an apostrophe in front, the remaining
    control characters become `?`. Plain numbers stay as they are.

    For every cell from outside in a CSV file or a workbook. Beginnings: OWASP, CSV injection; the wide forms are what East Asian
    settings take for the same signs, and blanks in front do not keep a spreadsheet from seeing them.
    """
    first = text.lstrip()[:1]
    starts = text[:1] in _STARTS or first in _STARTS
    shown = "".join("?" if _acts(c) and c not in "\t\n" else c for c in text)
    return f"'{shown}" if starts and not _NUMBER.fullmatch(text) else shown


_STARTS = frozenset("=+-@\t\r\n|%＝＋－＠")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*(/[0-9]+)?( ?%)?")


def _acts(character: str) -> bool:
    """Control, format (direction marks, joiners), surrogate, unassigned and private characters, line and paragraph separators."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
