"""What has changed since the edition before, in the department's words: made from what restatement.json says, and nothing else.

How many source rows stand behind a cause stays in the house.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from ..dates import danish_date
from ..plan_terms import UNIT_WORDS
from ..printing import danish_figure
from ..restatement_note import CAUSE_WORDS
from ..wording import long_date, verdict_words
from .view import Change, Changes

VALUE = "resultat"  # what the change of a figure is called
ROUNDED = "Forskelle er regnet af de nøjagtige tal; de viste er rundet af, så de sidste cifre kan give en lidt anden."


def changes(restated: Mapping[str, Any] | None) -> Changes:
    """Rows whose verdict, figure, points, target or text differ from the edition before, each with its causes."""
    if restated is None:
        return Changes("")
    since = f"udgave {restated['old']} af {long_date(danish_date(datetime.fromisoformat(restated['old_made_at'])))}"
    entries = tuple(c for said in restated["changes"] for c in _changed(said))
    rounded = (ROUNDED,) if any(c.difference for c in entries) else ()
    return Changes(since, entries, (*restated["notes"], *rounded))


def _changed(said: Mapping[str, Any]) -> Iterator[Change]:
    row, old, new, causes = said["row"], said["old"], said["new"], said["causes"]
    text = said["new_text"] or said["old_text"]
    if said["old_text"] is None:
        yield Change(row, text, "ny række", "", verdict_words(new["verdict"]), "")
        return
    if said["new_text"] is None:
        yield Change(row, text, "udgået række", verdict_words(old["verdict"]), "", "")
        return
    if old["verdict"] != new["verdict"]:
        words = (verdict_words(old["verdict"]), verdict_words(new["verdict"]))
        yield Change(row, text, "verdikt", *words, "", tuple(CAUSE_WORDS[c["cause"]] for c in causes if c["turned"]))
    unit = UNIT_WORDS.get(said["unit"] or "", "")
    quantities = [("value", VALUE, unit), ("target", "mål", unit)] if row != "total" else []
    for name, what, unit_ in [*quantities, ("points_low", "point, mindst", ""), ("points_high", "point, højst", "")]:
        was, now = _exact(old[name]), _exact(new[name])
        if was != now:
            difference = "" if was is None or now is None else _signed(now - was)
            moved = tuple(_moved(causes, name)) if name != "target" else (CAUSE_WORDS["plan"],)
            yield Change(row, text, what, _print(was, unit_, now), _print(now, unit_, was), difference, moved)
    if said["old_text"] != said["new_text"]:
        yield Change(row, text, "ordlyd", said["old_text"], said["new_text"], "", (CAUSE_WORDS["plan"],))


def _moved(causes: list[Mapping[str, Any]], quantity: str) -> Iterator[str]:
    """`nye rækker +0,7`: each cause that has a part; without a number where there was none before or after it."""
    for cause in causes:
        by, word = _exact(cause[quantity]), CAUSE_WORDS[cause["cause"]]
        if by is None:
            yield word
        elif by:
            yield f"{word} {_signed(by)}"


def _exact(number: float | None) -> Fraction | None:
    return None if number is None else Fraction(str(number))


def _print(number: Fraction | None, unit: str, other: Fraction | None) -> str:
    return "ikke opgjort" if number is None else f"{danish_figure(number, other)} {unit}".strip()


def _signed(number: Fraction) -> str:
    return ("+" if number > 0 else "") + danish_figure(number, Fraction(0)).replace("-", "−")
