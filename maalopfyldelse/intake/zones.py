"""Wall time and instants as SQL: the clock changes of a zone, taken from Python's zone data and written out as CASE trees.

The engine's own zone functions are not used: their data and their choice in a doubled hour are not ours, and a session's zone
must never matter. Instants are timestamps in UTC. Years outside FIRST_YEAR..LAST_YEAR have no instants here.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 1970, 2099
DANISH = "Europe/Copenhagen"

Segments = list[tuple[datetime, str]]  # (from when, SQL value), the first from the beginning of time


@lru_cache
def transitions(zone: str) -> tuple[int, tuple[tuple[datetime, int, int], ...]]:
    """Offset at the start in seconds, and every change: (naive UTC instant, offset before, offset after)."""
    info = ZoneInfo(zone)

    def offset(instant: datetime) -> int:
        delta = instant.replace(tzinfo=UTC).astimezone(info).utcoffset()
        return int((delta or timedelta()).total_seconds())

    low, end = datetime(FIRST_YEAR - 1, 12, 25), datetime(LAST_YEAR + 1, 1, 5)
    start, changes = offset(low), []
    while low < end:
        high = low + timedelta(days=7)
        before, after = offset(low), offset(high)
        if before != after:
            left, right = low, high
            while right - left > timedelta(seconds=1):
                middle = (left + (right - left) / 2).replace(microsecond=0)
                left, right = (middle, right) if offset(middle) == before else (left, middle)
            changes.append((right, before, after))
        low = high
    return start, tuple(changes)


def is_ambiguous(wall: datetime, zone: str) -> bool:
    """Whether a wall time occurs twice."""
    return any(u + _s(after) <= wall < u + _s(before) for u, before, after in transitions(zone)[1] if after < before)


def utc_sql(wall: str, zone: str, *, later: bool = False) -> str:
    """SQL for the instant of a wall time; in a doubled hour the earlier (or the `later`); null where no such wall time exists."""
    start, changes = transitions(zone)
    segments: Segments = [(datetime.min, _micros(start))]
    for instant, before, after in changes:
        if after > before:
            segments += [(instant + _s(before), "null"), (instant + _s(after), _micros(after))]
        else:
            segments.append((instant + _s(after if later else before), _micros(after)))
    return f"make_timestamp(epoch_us({wall}) - ({_tree(wall, _bounded(segments))}))"


def local_sql(instant: str, zone: str = DANISH) -> str:
    """SQL for the wall time of an instant."""
    start, changes = transitions(zone)
    segments: Segments = [(datetime.min, _micros(start))]
    segments += [(when, _micros(after)) for when, _, after in changes]
    return f"make_timestamp(epoch_us({instant}) + ({_tree(instant, _bounded(segments))}))"


def ambiguous_sql(wall: str, zone: str) -> str:
    """SQL for whether a wall time occurs twice; null for null."""
    segments: Segments = [(datetime.min, "false")]
    for instant, before, after in transitions(zone)[1]:
        if after < before:
            segments += [(instant + _s(after), "true"), (instant + _s(before), "false")]
    return f"case when {wall} is not null then {_tree(wall, segments)} end"


def skipped_sql(wall: str, zone: str) -> str:
    """SQL for whether a wall time is skipped by a change to summer time."""
    segments: Segments = [(datetime.min, "false")]
    for instant, before, after in transitions(zone)[1]:
        if after > before:
            segments += [(instant + _s(before), "true"), (instant + _s(after), "false")]
    return f"case when {wall} is not null then {_tree(wall, segments)} end"


def _bounded(segments: Segments) -> Segments:
    first, last = datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR + 1, 1, 1)
    inside = [(when, value) for when, value in segments if first < when < last]
    at_first = segments[bisect_right([when for when, _ in segments], first) - 1][1]
    return [(datetime.min, "null"), (first, at_first), *inside, (last, "null")]


def _tree(value: str, segments: Segments) -> str:
    if len(segments) == 1:
        return segments[0][1]
    middle = len(segments) // 2
    below, above = _tree(value, segments[:middle]), _tree(value, segments[middle:])
    return f"case when {value} < timestamp '{segments[middle][0]}' then {below} else {above} end"


def _s(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def _micros(seconds: int) -> str:
    return str(seconds * 1_000_000)
