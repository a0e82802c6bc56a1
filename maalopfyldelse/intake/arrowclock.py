"""Wall times as Arrow to instants, and instants to the Danish clock, where that needs no more than adding an offset.

Doubled and skipped hours and years outside zones.USUAL_YEARS raise Unsettled: they are cast.py's, which sees the order of events.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from . import zones

Shift = Callable[[pa.Array], pa.Array]
_NONE = numpy.iinfo(numpy.int64).min


class Unsettled(Exception):
    """Some wall time does not stand for one instant, or is not a usual one."""


def to_instant(zone: str) -> Shift:
    """From wall times of a zone to instants in UTC. Raises Unsettled."""
    limits, offsets = zones.usual_wall(zone)
    return _shift(limits, [None if offset is None else -offset for offset in offsets])


def to_danish() -> Shift:
    """From instants in UTC to Danish wall times. Raises Unsettled."""
    return _shift(*zones.usual_utc(zones.DANISH))


def _shift(limits: list[int], offsets: list[int | None]) -> Shift:
    """By an offset from each limit to the next, in microseconds; before the first and after the last there is none."""
    by_place = [None, *offsets]
    as_array = numpy.array([_NONE if offset is None else offset for offset in by_place])

    def shifted(times: pa.Array) -> pa.Array:
        micros = times.cast(pa.int64())
        ends = pc.min_max(micros).as_py()
        if ends["min"] is None:
            return times
        first, last = bisect_right(limits, ends["min"]), bisect_right(limits, ends["max"])
        if first == last:  # a piece of a file is mostly of one season
            added = by_place[first]
            if added is None:
                raise Unsettled
            return pc.add(micros, added).cast(times.type)
        found = as_array[numpy.searchsorted(limits, micros.fill_null(ends["min"]).to_numpy(), side="right")]
        if (found == _NONE).any():
            raise Unsettled
        return pc.add(micros, pa.array(found)).cast(times.type)

    return shifted
