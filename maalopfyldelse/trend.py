"""How a plan stood at the quarter ends before its reporting date, with what is known now.

The fulfilment again at each earlier quarter end of the year, under the approved readings; cells that were counted once are not
counted again. How it is drawn is the report's.
"""

from __future__ import annotations

from datetime import date, timedelta

from .dates import add_months
from .fulfilment import Line, fulfilment
from .scanning import Scanning


def quarter_ends(first: date, before: date) -> list[date]:
    """The last days of quarters in the year of `before`, from `first` on and before `before`."""
    ends = [add_months(date(before.year, 1, 1), 3 * n) - timedelta(days=1) for n in (1, 2, 3, 4)]
    return [day for day in ends if first <= day < before]


def earlier_lines(scanning: Scanning) -> dict[date, dict[str, Line]]:
    """The plan's lines by row at each quarter end of the contract's year before the reporting date."""
    found = {}
    for day in quarter_ends(scanning.plan.contract.from_, scanning.as_of):
        lines = fulfilment(scanning.earlier(day), provisional=False, set_aside={})
        found[day] = {line.row: line for line in lines}
    return found
