"""Danish personal numbers (CPR) in text, as SQL: found wherever they stand, so that a row that holds one is set aside.

A personal number is DDMMYY-NNNN: six digits that are a date, then four, the two parts together or with a hyphen, a dash or a
blank between them, and no digit directly before or after (so the ids of 14 and 19 digits that telephone systems make are none).
The date must exist in the century that the seventh digit says (0–3: 19yy; 4 and 9: 20yy to 36, else 19yy; 5–8: 20yy to 57, else
18yy); for leap days this matters in 1900 only. Days with 60 added are the replacement numbers (erstatningspersonnumre) of people
without a number of their own; they stand for a person as well and are found. Those with letters are not. The check digit is not
asked: since 2007 numbers are given out that fail it (cpr.dk, "Personnumre uden kontrolciffer (modulus 11 kontrol)").

What becomes of a row is cast.py's; that a column's plain digits are a system's ids is contract.py's `digits_are_ids`.
"""

from __future__ import annotations

_MONTH = "(0[1-9]|1[0-2])"
_DATES = (
    f"([06][1-9]|[17][0-9]|[28][0-8]){_MONTH}[0-9]{{2}}",
    "([28]9|[39]0)(0[13-9]|1[0-2])[0-9]{2}",
    "[39]1(0[13578]|1[02])[0-9]{2}",
    "[28]902(0[48]|[2468][048]|[13579][26])",
)
_BETWEEN = "[ \u00a0]?[-\u2010-\u2015\u2212]?[ \u00a0]?"
_SEPARATED = "([ \u00a0]|[ \u00a0]?[-\u2010-\u2015\u2212][ \u00a0]?)"
LENGTH = 10  # bytes of the shortest


def pattern(*, separated: bool = False) -> str:
    """The regular expression (RE2, and Python's re). `separated`: only with a hyphen, a dash or a blank between the two parts."""
    between = _SEPARATED if separated else _BETWEEN
    leap_1900 = f"[28]90200{between}[4-9][0-9]{{3}}"  # 1900 was no leap year, 2000 was
    return f"(^|[^0-9])(({'|'.join(_DATES)}){between}[0-9]{{4}}|{leap_1900})([^0-9]|$)"


def holds_sql(text: str, *, digits_are_ids: bool = False) -> str:
    """SQL for whether a text holds a personal number; never null. Short texts, most of a large file's, cost nearly nothing, and ids
    without a hyphen or a blank little."""
    found = f"regexp_matches({text}, '{pattern(separated=digits_are_ids)}')"
    if not digits_are_ids:
        return f"case when strlen({text}) >= {LENGTH} then {found} else false end"
    signs = f"when contains({text}, '-') then {found} when contains({text}, ' ') then {found}"
    return f"case when strlen({text}) <= {LENGTH} then false {signs} when strlen({text}) <> length({text}) then {found} else false end"
