"""The doubled hour of the autumn change, settled by the order of events where a contract names one.

Only the rows of that one hour are looked at, so this is plain Python over few rows; zones.py knows when the hour is.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from operator import or_

Row = tuple[str | None, str | None, datetime]  # group, number as text, wall time
Verdict = tuple[str, str, datetime, bool, bool]  # group, number, wall time, is the later instant, is only assumed


def settle(rows: list[Row]) -> list[Verdict]:
    """Verdicts on ambiguous wall times.

    Within a group, in order of the number: it is the later instant when among the rows up to it and with it some wall time follows
    a later one; the earlier when that happens among the rows from it on. When neither holds, or both, the earlier is assumed. Rows
    with the same number have no order among each other; rows without a group or a number get no verdict.
    """
    groups: dict[str, dict[Decimal, list[tuple[str, datetime]]]] = {}
    for group, text, wall in rows:
        number = _number(text)
        if group is not None and text is not None and number is not None:
            groups.setdefault(group, {}).setdefault(number, []).append((text, wall))
    return [verdict for group, steps in sorted(groups.items()) for verdict in _settle_group(group, steps)]


def _settle_group(group: str, steps: dict[Decimal, list[tuple[str, datetime]]]) -> list[Verdict]:
    ordered = [steps[number] for number in sorted(steps)]
    earliest = [min(wall for _, wall in step) for step in ordered]
    latest = [max(wall for _, wall in step) for step in ordered]
    running_latest = list(accumulate(latest, max))
    running_earliest = list(accumulate(reversed(earliest), min))[::-1]
    # backwards[i]: some wall time of step i follows a later one of a step before it
    backwards = [i > 0 and earliest[i] < running_latest[i - 1] for i in range(len(ordered))]
    ahead = [i + 1 < len(ordered) and latest[i] > running_earliest[i + 1] for i in range(len(ordered))]
    backwards_before = [False, *accumulate(backwards, or_)]
    ahead_after = [*list(accumulate(reversed(ahead), or_))[::-1], False][1:]
    verdicts = []
    for i, step in enumerate(ordered):
        for text, wall in step:
            up_to = backwards_before[i] or (i > 0 and wall < running_latest[i - 1])
            from_on = ahead_after[i] or (i + 1 < len(ordered) and wall > running_earliest[i + 1])
            verdicts.append((group, text, wall, up_to and not from_on, up_to == from_on))
    return verdicts


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
