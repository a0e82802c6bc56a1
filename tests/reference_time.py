"""Texts as dates and instants, by patterns, and wall time in a zone. See reference_reader.py."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from maalopfyldelse.contract_source import Source

DANISH = ZoneInfo("Europe/Copenhagen")

_WIDTHS = {"Y": r"\d{4}", "m": r"\d\d", "d": r"\d\d", "H": r"\d\d", "M": r"\d\d", "S": r"\d\d", "f": r"\d{1,6}"}
_OFFSET = r"(?P<z>Z|[+-](?:0\d|1[0-4]):?[0-5]\d)"
_ISO = [f"%Y-%m-%d{between}%H:%M:%S{part}{zone}" for between in "T " for part in ("", ".%f") for zone in ("", "%z")]


def patterns(source: Source, kind: str) -> list[str]:
    if source.format is None:
        return _ISO if kind == "timestamp" else ["%Y-%m-%d"]
    given = [source.format] if isinstance(source.format, str) else source.format
    whole = ["%Y-%m-%d"] if kind == "date" else ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"]
    return [pattern for said in given for pattern in (whole if said == "serial" else [said])]


def _has_offset(pattern: str) -> bool:
    return pattern.endswith(("Z", "%z"))


def _parse(text: str, pattern: str) -> datetime | None:
    """A clock reading (naive), or an instant (aware) where the pattern says the offset; None where the text does not fit."""
    shape = ""
    for part in re.findall("%.|[^%]", pattern):
        letter = part[1:]
        shape += _OFFSET if part == "%z" else f"(?P<{letter}>{_WIDTHS[letter]})" if letter else re.escape(part)
    found = re.fullmatch(shape, text, re.ASCII)
    if not found:
        return None
    said = found.groupdict()
    try:
        clock = datetime(
            *(int(said.get(letter) or standard) for letter, standard in zip("YmdHMS", (1, 1, 1, 0, 0, 0), strict=True))
        )
    except ValueError:
        return None
    clock += timedelta(microseconds=int((said.get("f") or "0").ljust(6, "0")))
    if not _has_offset(pattern):
        return clock
    zone = said.get("z") or "Z"
    away = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    try:
        return (clock - away).replace(tzinfo=UTC)
    except OverflowError:
        return None


def first_parsed(text: str, forms: list[str]) -> datetime | None:
    return next((found for form in forms if (found := _parse(text, form)) is not None), None)


def in_range(moment: datetime) -> bool:
    return 1970 <= moment.year <= 2099


def danish(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(DANISH).replace(tzinfo=None)


def of_wall(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants (naive UTC) at which a clock of the zone shows this, in order: none, one or two."""
    found = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(i.replace(tzinfo=None) for i in found if i.astimezone(zone).replace(tzinfo=None, fold=0) == wall)
