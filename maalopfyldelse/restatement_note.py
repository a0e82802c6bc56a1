"""The restatement note: what is said in Danish of a changed figure and of an edition that changes some.

Only words; the differences and their parts come from restatement.py. Numbers are rounded for print alone, to as many decimals as it
takes for none of them to vanish.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from .plan_terms import UNIT_WORDS
from .printing import danish

if TYPE_CHECKING:
    from .restatement import Change, Numbers, Part, Restatement

CAUSE_WORDS = {
    "withdrawn": "leverancer trukket tilbage",
    "superseded": "rækker erstattet af nyere",
    "new_rows": "nye rækker",
    "plan": "ændret plan",
    "query": "ændret opgørelse",
    "code": "ændret program",
}
BESIDE_WORDS = {
    "rows_set_aside": "Antallet af rækker, der er sat til side, er et andet ved",
    "readings": "Under andre læsninger er noget ændret ved",
    "reason": "Bemærkningen er en anden ved",
}
_UNKNOWN = "ikke opgjort"


def of_change(change: Change) -> str:
    """One changed row: figure, causes, verdict, points."""
    said = []
    if change.old.value != change.new.value:
        said.append(_moved(change, ("value",), UNIT_WORDS.get(change.unit or "", change.unit or "")))
    elif (change.old.numerator, change.old.denominator) != (change.new.numerator, change.new.denominator):
        said.append("Tæller og nævner er ændret, tallet ikke")
    if change.old.verdict != change.new.verdict:
        said.append(f"Verdikt fra »{change.old.verdict or 'intet'}« til »{change.new.verdict or 'intet'}«")
    points = ("points_low", "points_high")
    is_total = change.row == "total" and change.old.value is not None and change.new.value is not None
    if not is_total and any(getattr(change.old, name) != getattr(change.new, name) for name in points):
        said.append(_moved(change, points, "point"))
    if not said and (change.old.low, change.old.high) != (change.new.low, change.new.high):
        said.append(_moved(change, ("low", "high"), "pct. opfyldelse"))
    if None not in (change.old_text, change.new_text) and change.old_text != change.new_text:
        said.append("Ordlyden er ændret")
    if not said and change.old.target != change.new.target:
        said.append("Målet er ændret")
    return "".join(f"{sentence}. " for sentence in said).strip()


def of_whole(restatement: Restatement) -> list[str]:
    """What is said of the edition as a whole, besides the rows."""
    found = []
    if restatement.was_provisional != restatement.is_provisional:
        words = ["foreløbig" if p else "endelig" for p in (restatement.was_provisional, restatement.is_provisional)]
        found.append(f"Udgaven var {words[0]} og er nu {words[1]}.")
    found += [f"{BESIDE_WORDS[name]} {_rows(rows)}." for name, rows in restatement.beside.items()]
    if restatement.problem is not None:
        found.append("Årsagerne kan ikke opgøres: det, som den tidligere udgave er lavet af, er ikke helt.")
    for cause, other in restatement.joined.items():
        found.append(f"»{CAUSE_WORDS[cause]}« kan ikke skilles fra »{CAUSE_WORDS[other]}« og er regnet med der.")
    if restatement.retaken:
        found.append(f"Indlæst igen under en ændret kontrakt, regnet som erstattet: {', '.join(restatement.retaken)}.")
    return found


def _rows(rows: Sequence[str]) -> str:
    return ", ".join("samlet" if row == "total" else row for row in rows)


def _moved(change: Change, names: Sequence[str], unit: str) -> str:
    """`Fra 86,5 til 87,1 pct. (+0,6): nye rækker +0,7 (1204 rækker), …`; two names are the ends of an interval."""
    differences = [change.by(name) for name in names]
    parts = [[part.by[name] for name in names] for part in change.parts]
    target = change.new.target if names == ("value",) else None
    ends = [getattr(side, name) for side in (change.old, change.new) for name in names]
    places = _places([*differences, *(x for by in parts for x in by)], ends, target)
    old, new = (_value(side, names, places) for side in (change.old, change.new))
    text = f"Fra {old} til {new} {unit}".rstrip()
    text += f" ({_signed(differences, places)})" if None not in differences else ""
    causes = [_cause(part, by, places) for part, by in zip(change.parts, parts, strict=True) if any(x is None or x for x in by)]
    return f"{text}: {', '.join(causes)}" if causes else text


def _cause(part: Part, by: Sequence[Fraction | None], places: int) -> str:
    rows = f" ({part.rows} {'række' if part.rows == 1 else 'rækker'})" if part.rows else ""
    return f"{CAUSE_WORDS[part.cause]}{'' if None in by else ' ' + _signed(by, places)}{rows}"


def _value(side: Numbers, names: Sequence[str], places: int) -> str:
    said = ["" if (x := getattr(side, name)) is None else danish(x, places) for name in names]
    return "–".join(dict.fromkeys(said)) if all(said) else _UNKNOWN


def _signed(numbers: Sequence[Fraction | None], places: int) -> str:
    """`+0,6`; of the ends of an interval both where they differ."""
    said = [("−" if x < 0 else "+" if x > 0 else "") + danish(abs(x), places) for x in numbers if x is not None]
    return said[0] if len(set(said)) == 1 else f"mindst {said[0]}, højst {said[1]}"


def _places(moves: Iterable[Fraction | None], ends: Sequence[Fraction | None], target: Fraction | None) -> int:
    """The fewest decimals, from one to nine, at which no difference vanishes and no figure seems to lie elsewhere to its target."""
    shown = [abs(x) for x in moves if x]
    for places in range(1, 9):
        rounded = [_rounded(x, places) for x in ends if x is not None]
        sides = target is None or all(
            (r > target) == (x > target) and (r < target) == (x < target)
            for r, x in zip(rounded, [e for e in ends if e is not None], strict=True)
        )
        distinct = len(set(rounded)) == len({x for x in ends if x is not None})
        if sides and distinct and all(_rounded(x, places) for x in shown):
            return places
    return 9


def _rounded(number: Fraction, places: int) -> Fraction:
    return Fraction(danish(number, places).replace(",", "."))
