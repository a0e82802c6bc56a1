"""The explanation of one row as a page: Danish, one file, no script, every text escaped. For use in the house: nothing is suppressed.

It shows what `maal explain --format json` says; here are only the words around it. The style sheet is the report's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .plan_terms import UNIT_WORDS
from .printing import danish_count, danish_day, danish_figure
from .wording import COMPARISON_WORDS

_HERE = Path(__file__).parent
_ROLES = {"condition": "forudsætning", "shown only": "vises, tæller ikke", "scored": ""}


def page(said: Mapping[str, Any]) -> str:
    """The page as text; the same explanation gives the same text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": _number,
        "count": _count,
        "day": _day,
        "unit": lambda unit: UNIT_WORDS.get(unit or "", ""),
        "comparison": lambda word: COMPARISON_WORDS.get(word or "", ""),
    }
    style = Markup((_HERE / "department" / "report.css").read_text())
    counting = [c | {"settings": _settings(c)} for c in said["counting"]]
    return environment.get_template("explanation.html.jinja").render(said={**said, "counting": counting}, css=style, roles=_ROLES)


def _settings(counting: Mapping[str, Any]) -> dict[str, Any]:
    filters = {f"kun {group}": "+".join(values) for group, values in counting["where"].items()}
    return {**counting["parameters"], **counting["options"], **filters}


def _number(value: Any, target: Any = None) -> str:
    if value is None:
        return "–"
    exact, goal = Fraction(Decimal(str(value))), None if target is None else Fraction(Decimal(str(target)))
    return danish_figure(exact, goal)


def _count(value: Any) -> str:
    return "–" if value is None else danish_count(Fraction(str(value)))


def _day(day: Any) -> str:
    return danish_day(date.fromisoformat(str(day)[:10]))
