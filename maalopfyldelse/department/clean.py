"""Texts made harmless to read: what cannot be seen, or changes the direction of reading, is shown as its code.

Escaping for a page or a workbook is theirs; this is about characters that no escaping stops.
"""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")
_SPACES = {"\n": " ", "\t": " ", "\r": " ", "\u2028": " ", "\u2029": " ", "\u00ad": ""}


@lru_cache(maxsize=20_000)
def clean_text(text: str) -> str:
    """`[U+202E]` for a character of control, format, private or surrogate kind; line ends and tabs become blanks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _SPACES:
        return _SPACES[character]
    return f"[U+{ord(character):04X}]" if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs") else character


def cleaned(value: T) -> T:
    """The same value with every text in it clean, through dataclasses and tuples."""
    made: Any = value
    if isinstance(value, str):
        made = clean_text(value)
    elif isinstance(value, tuple):
        made = tuple(cleaned(item) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        made = replace(value, **{f.name: cleaned(getattr(value, f.name)) for f in fields(value)})
    return made  # type: ignore[no-any-return]
