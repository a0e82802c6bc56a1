"""What the sources share: sizes, drawing, Danish wall time from instants in integers, and the folders of deliveries."""

from __future__ import annotations

import gzip
import io
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TextIO

from ..dates import is_working_day

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Sizes:
    """How much to make: rows of call events, tickets, cases, rows of the jobcentre panel (people times quarters), applications to
    EstherH; all about."""

    seed: int = 2021
    call_events: int = 50_000
    tickets: int = 10_000
    cases: int = 5_000
    persons: int = 20_000
    decisions: int = 2_800


class Draw:
    """Random integers for one source. Only getrandbits is used: its numbers are the same on every Python."""

    def __init__(self, seed: int, source: str) -> None:
        self._bits = random.Random(f"{seed}/{source}").getrandbits

    def below(self, n: int) -> int:
        """0 … n-1."""
        return (self._bits(32) * n) >> 32

    def between(self, low: int, high: int) -> int:
        """low … high, both included."""
        return low + ((self._bits(32) * (high - low + 1)) >> 32)

    def chance(self, per_mille: int) -> bool:
        return ((self._bits(32) * 1000) >> 32) < per_mille

    def pick(self, weighted: Sequence[tuple[int, str]]) -> str:
        """A word by its weight."""
        left = self.below(sum(weight for weight, _ in weighted))
        for weight, word in weighted:
            if left < weight:
                return word
            left -= weight
        raise AssertionError("weights do not add up")


class Out:
    """The folder of deliveries: OUT/RECEIVED-AT/SYSTEM/file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, arrived: str, system: str, name: str) -> Path:
        folder = self.root / arrived / system
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    @contextmanager
    def text(self, arrived: str, system: str, name: str, encoding: str = "utf-8") -> Iterator[TextIO]:
        """An open file; what is written to it goes out as it is, line ends included, packed when the name ends in .gz."""
        path = self.path(arrived, system, name)
        if name.endswith(".gz"):  # without name and time, so that the same text gives the same bytes
            with (
                path.open("wb") as raw,
                gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
                io.TextIOWrapper(packed, encoding=encoding, newline="") as handle,
            ):
                yield handle
            return
        with path.open("w", encoding=encoding, newline="", buffering=1 << 18) as handle:
            yield handle

    def whole(self, arrived: str, system: str, name: str, lines: Sequence[str], encoding: str = "utf-8") -> None:
        """A short file, with Windows line ends as the offices' programs write them."""
        with self.text(arrived, system, name, encoding) as handle:
            handle.write("".join(line + "\r\n" for line in lines))


def milliseconds(day: date, time_of_day: int = 0) -> int:
    """Milliseconds from 1970 to `day` plus `time_of_day`, without regard to zones."""
    return (day.toordinal() - _EPOCH) * DAY + time_of_day


def _clock_changes() -> tuple[list[int], list[int]]:
    """Instants (UTC, ms) at which the Danish offset changes, and the offset that holds from each."""
    instants, offsets = [0], [HOUR]
    for year in range(2015, 2031):
        for month, offset in ((3, 2 * HOUR), (10, HOUR)):
            last = date(year, month, 31)
            sunday = last - timedelta(days=(last.weekday() + 1) % 7)
            instants.append(milliseconds(sunday, HOUR))
            offsets.append(offset)
    return instants, offsets


CHANGES, _OFFSETS = _clock_changes()


def offset(instant: int) -> int:
    """Milliseconds that Danish wall time is ahead of UTC at an instant (ms since 1970)."""
    return _OFFSETS[bisect_right(CHANGES, instant) - 1]


def at(day: date, time_of_day: int) -> int:
    """The instant of a Danish wall time (ms of the day). Not meant for the night of a clock change."""
    wall_time = milliseconds(day, time_of_day)
    return wall_time - offset(wall_time - HOUR)


def local_day(instant: int) -> date:
    return date.fromordinal((instant + offset(instant)) // DAY + _EPOCH)


@lru_cache(maxsize=4096)
def _day_text(number: int) -> str:
    return date.fromordinal(number + _EPOCH).isoformat()


_MINUTES = [f"{minute // 60:02d}:{minute % 60:02d}:" for minute in range(24 * 60)]
_SECONDS = [f"{second:02d}" for second in range(60)]


def _second_text(second: int) -> str:
    return _MINUTES[second // 60] + _SECONDS[second % 60]


def wall(instant: int) -> str:
    """`2021-03-27 12:17:43.440`, Danish time without a zone."""
    days, rest = divmod(instant + offset(instant), DAY)
    seconds, ms = divmod(rest, SECOND)
    return f"{_day_text(days)} {_second_text(seconds)}.{ms:03d}"


def wall_minute(instant: int) -> str:
    """`2021-03-27 12:17`, Danish time without a zone."""
    return wall(instant)[:16]


def utc(instant: int) -> str:
    """`2021-03-27T11:17:43Z`."""
    days, rest = divmod(instant, DAY)
    return f"{_day_text(days)}T{_second_text(rest // SECOND)}Z"


def danish(day: date | None) -> str:
    """`27-03-2021`, or nothing."""
    return day.strftime("%d-%m-%Y") if day else ""


def arrival(arrived: str) -> int:
    """The instant of a RECEIVED-AT folder name."""
    moment = datetime.strptime(arrived, "%Y-%m-%dT%H%M").replace(tzinfo=UTC)
    return at(moment.date(), (moment.hour * 60 + moment.minute) * MINUTE)


def working_days(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if is_working_day(day)]


def share_of(total: int, index: int, parts: int) -> int:
    """The part of `total` that falls to one of `parts` equal parts; the parts add up to the total."""
    return total * (index + 1) // parts - total * index // parts
