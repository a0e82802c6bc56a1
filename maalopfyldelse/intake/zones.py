"""Wall time and instants as SQL: the clock changes of a zone, taken from Python's zone data and given to the engine as lists.

The engine's own zone functions are not used: their data and their choice in a doubled hour are not ours, and a session's zone
must never matter. Time is cut into spans of 28 days, none of which has two clock changes; a list says for each span when its change
begins and ends on the clock and which offsets hold before, within and after. Instants are timestamps in UTC. Years outside
FIRST_YEAR..LAST_YEAR have no instants here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ..errors import CallerError

if TYPE_CHECKING:
    import duckdb

FIRST_YEAR, LAST_YEAR = 1970, 2099
DANISH = "Europe/Copenhagen"
USUAL_YEARS = (2000, 2040)  # from and until; other years are right as well, and slower
_PREFIX = "zone_"
_SPAN = 28 * 86_400 * 1_000_000  # microseconds
_NEVER = 2**62
_EPOCH = datetime(1970, 1, 1)
_IN_RANGE = f"{{t}} >= timestamp '{FIRST_YEAR}-01-01' and {{t}} < timestamp '{LAST_YEAR + 1}-01-01'"
_OF_WALL = f"{{t}} >= timestamp '{FIRST_YEAR - 1}-12-31' and {{t}} < timestamp '{LAST_YEAR + 1}-01-02'"


@dataclass(frozen=True)
class _Lists:
    """Per span: the change (from, to) and the offsets before, within and after it, in microseconds. Within a skipped hour none."""

    start: list[int]
    end: list[int]
    before: list[int]
    within: list[int | None]
    after: list[int]


@lru_cache
def transitions(zone: str) -> tuple[int, tuple[tuple[datetime, int, int], ...]]:
    """Offset at the start in seconds, and every change: (naive UTC instant, offset before, offset after)."""
    info = ZoneInfo(zone)

    def offset(instant: datetime) -> int:
        delta = instant.replace(tzinfo=UTC).astimezone(info).utcoffset()
        return int((delta or timedelta()).total_seconds())

    low, end = datetime(FIRST_YEAR - 1, 12, 25), datetime(LAST_YEAR + 1, 1, 5)
    start, changes = offset(low), []
    after = start
    while low < end:
        high = low + timedelta(days=7)
        before, after = after, offset(high)
        if before != after:
            left, right = low, high
            while right - left > timedelta(seconds=1):
                middle = (left + (right - left) / 2).replace(microsecond=0)
                left, right = (middle, right) if offset(middle) == before else (left, middle)
            changes.append((right, before, after))
        low = high
    return start, tuple(changes)


def prepare(con: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Gives the connection what the other functions' SQL needs for a zone. Raises CallerError for a zone it cannot serve."""
    if con.execute(f"select getvariable('{_variable(zone, 'utc', 'after')}') is not null").fetchall() == [(True,)]:
        return  # the last variable set below: handing over the lists costs as much as reading a small file
    for kind in ("wall", "utc"):
        lists = _lists(zone, kind)
        for name in ("start", "end", "before", "within", "after"):
            con.execute(f"set variable {_variable(zone, kind, name)} = ?", [getattr(lists, name)])


def are_used(sql: str) -> bool:
    """Whether a statement needs a zone prepared."""
    return f"getvariable('{_PREFIX}" in sql


def usual_offset_sql(wall: str, zone: str) -> str:
    """SQL for the offset (microseconds) of a wall time that exists once and lies in the usual years; null for any other.

    Compares with six or seven constants. The engine copies a list for every two thousand rows, so lists would cost far more.
    """

    def between(low: int, high: int) -> str:
        if high - low == 1:
            offset = offsets[low]
            return "null" if offset is None else str(offset)
        middle = (low + high) // 2
        return f"case when {wall} < timestamp '{limits[middle]}' then {between(low, middle)} else {between(middle, high)} end"

    limits, offsets = _usual_years(zone)
    return f"case when {wall} >= timestamp '{limits[0]}' then {between(0, len(limits))} end"


def usual_wall(zone: str) -> tuple[list[int], list[int | None]]:
    """Wall times from which on an offset holds, and these offsets, both in microseconds, in the usual years; none within a change and
    from the last on."""
    limits, offsets = _usual_years(zone)
    return [_micros(limit) for limit in limits], offsets


@lru_cache
def usual_utc(zone: str) -> tuple[list[int], list[int | None]]:
    """As `usual_wall`, by instants."""
    first, last = (datetime(year, 1, 1) for year in USUAL_YEARS)
    start, changes = transitions(zone)
    offset = next((after for at, _, after in reversed(changes) if at <= first), start)
    inside = [(at, after) for at, _, after in changes if first < at < last]
    limits = [_micros(at) for at in (first, *(at for at, _ in inside), last)]
    return limits, [1_000_000 * seconds for seconds in (offset, *(after for _, after in inside))] + [None]


@lru_cache
def _usual_years(zone: str) -> tuple[list[datetime], list[int | None]]:
    """Wall times in order, and for each the offset (microseconds) that holds from it to the next; none within a change and after the
    last."""
    first, last = (datetime(year, 1, 1) for year in USUAL_YEARS)
    (current, changes), low = transitions(zone), first
    limits: list[datetime] = []
    offsets: list[int | None] = []
    for at, before, after in changes:
        begin, end = (at + timedelta(seconds=offset) for offset in sorted((before, after)))
        if begin >= last:
            break
        if end > first:
            if begin > low:
                limits, offsets = [*limits, low], [*offsets, current * 1_000_000]
            limits, offsets, low = [*limits, max(begin, first)], [*offsets, None], end
        current = after
    if low < last:
        limits, offsets = [*limits, low], [*offsets, current * 1_000_000]
    return [*limits, last], [*offsets, None]


def offset_sql(wall: str, zone: str) -> str:
    """SQL for the offset (microseconds) of a wall time; of a doubled hour the earlier's; null where no such wall time exists."""
    return _offset(wall, zone, "wall")


def later_offset_sql(wall: str, zone: str) -> str:
    """SQL for the offset of the later of the two instants of a doubled wall time."""
    return f"{_list(zone, 'wall', 'after')}[{_span(wall)}]"


def is_double_sql(wall: str, zone: str) -> str:
    """SQL for whether a wall time occurs twice; null for null."""
    return _within(wall, zone, "is not null")


def is_skipped_sql(wall: str, zone: str) -> str:
    """SQL for whether a wall time is skipped by a change to summer time; null for null."""
    return _within(wall, zone, "is null")


def double_hours(zone: str) -> list[str]:
    """The clock hours in which a wall time can occur twice, as two digits: a quick test that spares nearly all rows the exact one."""
    hours = set()
    for instant, before, after in transitions(zone)[1]:
        for minute in range((before - after) // 60):
            hours.add(f"{(instant + timedelta(seconds=after, minutes=minute)).hour:02}")
    return sorted(hours)


def local_sql(instant: str, zone: str = DANISH, *, of_wall: bool = False) -> str:
    """SQL for the wall time of an instant; `of_wall`: one of a wall time, which may lie hours before or after all our years."""
    return f"make_timestamp(epoch_us({instant}) + {_offset(instant, zone, 'utc', _OF_WALL if of_wall else _IN_RANGE)})"


def _within(wall: str, zone: str, condition: str) -> str:
    start, end, within = (f"{_list(zone, 'wall', name)}[{_span(wall)}]" for name in ("start", "end", "within"))
    inside = f"epoch_us({wall}) >= {start} and epoch_us({wall}) < {end}"
    in_range = _IN_RANGE.format(t=wall)
    return f"case when {wall} is null then null when {in_range} and {inside} then {within} {condition} else false end"


def _offset(time: str, zone: str, kind: str, in_range: str = _IN_RANGE) -> str:
    span = _span(time) if in_range == _IN_RANGE else f"greatest({_span(time)}, 1)"
    start, end, before, within, after = (
        f"{_list(zone, kind, name)}[{span}]" for name in ("start", "end", "before", "within", "after")
    )
    cases = f"when epoch_us({time}) < {start} then {before} when epoch_us({time}) < {end} then {within} else {after}"
    return f"case when {in_range.format(t=time)} then case {cases} end end"


def _span(time: str) -> str:
    return f"(epoch_us({time}) // {_SPAN} + 1)"


def _list(zone: str, kind: str, name: str) -> str:
    return f"getvariable('{_variable(zone, kind, name)}')"


def _variable(zone: str, kind: str, name: str) -> str:
    return f"{_PREFIX}{''.join(c if c.isalnum() else '_' for c in zone).lower()}_{kind}_{name}"


@lru_cache
def _lists(zone: str, kind: str) -> _Lists:
    start, changes = transitions(zone)
    spans = _micros(datetime(LAST_YEAR + 1, 1, 1)) // _SPAN + 1
    lists = _Lists([_NEVER] * spans, [_NEVER] * spans, [0] * spans, [None] * spans, [0] * spans)
    current, at = start, 0
    for instant, before, after in changes:
        low, high = (before, after) if after > before else (after, before)
        if kind == "utc":
            low = high = 0
        begin, end = _micros(instant) + low * 1_000_000, _micros(instant) + high * 1_000_000
        first, last = begin // _SPAN, (max(end - 1, begin)) // _SPAN
        for span in range(at, min(max(first, 0), spans)):
            lists.before[span] = lists.after[span] = current * 1_000_000
        for span in range(max(first, 0), min(last + 1, spans)):
            if lists.start[span] != _NEVER:
                raise CallerError(f"The time zone {zone} has two clock changes within 28 days, which is not supported.")
            lists.start[span], lists.end[span] = begin, end
            lists.before[span], lists.after[span] = before * 1_000_000, after * 1_000_000
            lists.within[span] = before * 1_000_000 if after < before else None
        current, at = after, max(last + 1, 0)
    for span in range(at, spans):
        lists.before[span] = lists.after[span] = current * 1_000_000
    return lists


def _micros(when: datetime) -> int:
    return int((when - _EPOCH).total_seconds()) * 1_000_000
