"""What of a delivery's own words may stand in messages, the ledger and logs: names of files and headings, and of these only some.

Nothing that stands in a cell is ever shown. A file's name is shown everywhere, so one with a CPR number or an e-mail address in it
is refused (deliveries.py) and told by what is left of the name. A heading is shown where it looks like one; else its position is.
What a person types as a reason is kept in editions and the ledger and is held to the same. Names of people cannot be told from other
words: in a file's name and in a heading of one word they pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise

from ..errors import CallerError
from ..printing import printable
from . import cpr

MAX_HEADING, MAX_HEADING_DIGITS = 60, 5
_MASK = "******"
_NUMBER = re.compile(cpr.pattern())
_MAIL = re.compile(r"[^\s@/\\;,<>]+@[^\s@/\\;,<>]+")


def is_personal(text: str) -> bool:
    """Whether a personal number or an e-mail address stands in a text."""
    return bool(_NUMBER.search(text) or _MAIL.search(text))


def shown_name(name: str) -> str:
    """A file's name or path for a message: printable, personal numbers and e-mail addresses struck out."""
    shown = _MAIL.sub(_MASK, printable(name))
    while found := _NUMBER.search(shown):
        start, end = found.end(1), found.start(_NUMBER.groups)
        shown = shown[:start] + _MASK + shown[end:]
    return shown


def hold_reason(reason: str) -> None:
    """Raises CallerError for a reason that holds a personal number or an e-mail address: it would be kept."""
    if is_personal(reason):
        raise CallerError(
            "The reason holds what looks like a personal number (CPR) or an e-mail address, and reasons are kept. Say it without."
        )


def shown_column(name: str, position: int, known: Iterable[str]) -> str:
    """A column's heading for a message: in quotes, or its position where it could be data. In a file without headings data stands
    there, and in one that was turned round people's names may. `known` are the headings of the contract."""
    is_short = 0 < len(name) <= MAX_HEADING and sum(map(str.isdigit, name)) <= MAX_HEADING_DIGITS
    if is_short and name.isprintable() and "@" not in name and not (_is_like_a_name(name) and not _is_like_one_of(name, known)):
        return f"'{name}'"
    return f"no. {position}" + ("" if name else " (without a heading)")


def _is_like_a_name(heading: str) -> bool:
    """Two words that begin with a capital, one after the other."""
    words = re.findall(r"[^\s,;:/()\[\]]+", heading)
    return any(one[0].isupper() and other[0].isupper() for one, other in pairwise(words))


def _is_like_one_of(heading: str, known: Iterable[str]) -> bool:
    return bool(get_close_matches(heading.casefold(), [name.casefold() for name in known], n=1, cutoff=0.6))
