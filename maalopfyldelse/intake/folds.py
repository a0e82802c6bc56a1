"""The doubled hour of the autumn change, settled by the order of events where a contract names one.

Only the rows of that one hour are looked at, so this is plain Python over few rows; zones.py knows when the hour is. The verdicts
are kept in a variable of the session and looked up by the row: a join would mix up the rows' order, and to sort them again takes
memory for all of them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

VERDICTS_A_PLACE = 4  # on average: so many are looked through for a row

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


def keep(con: duckdb.DuckDBPyConnection, name: str, verdicts: list[Verdict]) -> None:
    """Makes the variable that `known_sql` looks verdicts up in: a list of maps, the place in it told by the key's hash. What is
    assumed only is left out."""
    import pyarrow as pa

    kinds = pa.schema([("g", pa.string()), ("b", pa.string()), ("w", pa.timestamp("us")), ("is_later", pa.bool_())])
    known = [dict(zip(kinds.names, verdict[:4], strict=True)) for verdict in verdicts if not verdict[4]]
    places = 1 + len(known) // VERDICTS_A_PLACE
    con.register("verdicts", pa.Table.from_pylist(known, schema=kinds))
    con.execute(
        f"set variable {name} = (select list(known order by place) from (select place, map_from_entries(list((key, is_later)) "
        f"filter (key is not null)) as known from range({places}) places(place) left join "
        f"(select {_key('g', 'b', 'w')} as key, is_later from verdicts) on place = hash(key) % {places} group by place))"
    )
    con.unregister("verdicts")


def known_sql(name: str, group: str, number: str, wall: str) -> str:
    """Whether it is the later instant; null where the order of events does not tell."""
    key, known = _key(group, number, wall), f"getvariable('{name}')"
    return f"{known}[cast(hash({key}) % len({known}) as bigint) + 1][{key}]"


def _key(group: str, number: str, wall: str) -> str:
    return f"(epoch_us({wall}) || ':' || strlen({group}) || ':' || {group} || {number})"


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
