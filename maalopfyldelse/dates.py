"""Danish calendar: months, windows' edges, time zone, public holidays.

Everything that depends on the calendar and not on data. No function here reads the clock. Sources: catalogue section 4
(forældelsesloven § 27: same day number, a missing day becomes the month's last; the day of receipt is not counted).
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from .errors import CallerError

DANISH_ZONE = ZoneInfo("Europe/Copenhagen")


def add_months(day: date, months: int) -> date:
    """`day` moved by whole calendar months, clamped to the last day of a shorter month (31 Oct + 4 months = 28 Feb)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_back(as_of: date, months: int) -> date:
    """Exclusive start of the window of `months` calendar months that ends with `as_of`.

    Counted from the day after, so that the windows of consecutive month ends meet without a gap or an overlap:
    3 months to 30 June begin after 31 March.
    """
    return add_months(as_of + timedelta(days=1), -months) - timedelta(days=1)


def quarter_of(day: date) -> str:
    """`2021Q3` for a day in July–September 2021."""
    return f"{day.year}Q{(day.month - 1) // 3 + 1}"


def period_bounds(period: str) -> tuple[date, date]:
    """First and last day of `2021`, `2021H1`, `2021Q3`, `2021-07` or `2021-07-15`. Raises ValueError on any other text."""
    if m := re.fullmatch(r"(\d{4})", period):
        first, months = date(int(m[1]), 1, 1), 12
    elif m := re.fullmatch(r"(\d{4})H([12])", period):
        first, months = date(int(m[1]), 6 * int(m[2]) - 5, 1), 6
    elif m := re.fullmatch(r"(\d{4})Q([1-4])", period):
        first, months = date(int(m[1]), 3 * int(m[2]) - 2, 1), 3
    elif m := re.fullmatch(r"(\d{4})-(\d{2})", period):
        first, months = date(int(m[1]), int(m[2]), 1), 1
    elif re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
        day = date.fromisoformat(period)
        return day, day
    else:
        raise ValueError(f"'{period}' is no period (2021, 2021H1, 2021Q3, 2021-07 or 2021-07-15)")
    return first, add_months(first, months) - timedelta(days=1)


def periods_between(first: date, last: date, every: str) -> list[str]:
    """The names of the periods that end within first..last, and of the one that is not over by then but has begun."""
    months = {"month": 1, "quarter": 3, "half": 6, "year": 12}[every]
    start = date(first.year, (first.month - 1) // months * months + 1, 1)
    found = []
    while start <= last:
        found.append(
            {
                "month": f"{start:%Y-%m}",
                "quarter": f"{start.year}Q{(start.month - 1) // 3 + 1}",
                "half": f"{start.year}H{(start.month - 1) // 6 + 1}",
                "year": f"{start.year}",
            }[every]
        )
        start = add_months(start, months)
    return found


def parse_date(text: str) -> date:
    """An ISO date typed by a person. Raises CallerError with the form that is wanted."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise CallerError(f"'{text}' is not a date. Write it as YYYY-MM-DD, for example 2021-12-31.") from None


def parse_instant(text: str) -> datetime:
    """An instant typed by a person or standing in a folder name, in UTC; without an offset it is Danish time.

    Accepts `2021-04-12`, `2021-04-12T0800`, `2021-04-12T08:00`, `…:30`, each optionally with `Z` or `+02:00`. A bare date means
    the end of that day: `--known-at 2021-04-12` includes what arrived on the 12th. Raises CallerError.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return danish_midnight(date.fromisoformat(text) + timedelta(days=1)) - timedelta(microseconds=1)
        cleaned = re.sub(r"T(\d{2})(\d{2})(?!:)", r"T\1:\2", text)
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?", cleaned):
            raise ValueError
        instant = datetime.fromisoformat(cleaned)
        return (instant if instant.tzinfo else instant.replace(tzinfo=DANISH_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last days of the calendar have no neighbours
        raise CallerError(
            f"'{text}' is not a time. Write it as 2021-04-12T0800 (Danish time) or with an offset, 2021-04-12T08:00+02:00."
        ) from None


def danish_midnight(day: date) -> datetime:
    """The instant (UTC) at which `day` begins in Denmark."""
    return datetime(day.year, day.month, day.day, tzinfo=DANISH_ZONE).astimezone(UTC)


def danish_date(instant: datetime) -> date:
    """The Danish calendar day of an aware instant."""
    return instant.astimezone(DANISH_ZONE).date()


@lru_cache
def public_holidays(year: int) -> frozenset[date]:
    """Danish public holidays of a year. Store bededag is included until 2023 (abolished from 2024, lov nr. 214 af 2023)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + r + 90) // 25
    easter = date(year, month, (h - m + r + month + 19) % 32)
    days = {date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)}
    days |= {easter + timedelta(days=n) for n in (-3, -2, 0, 1, 39, 49, 50)}
    if year <= 2023:
        days.add(easter + timedelta(days=26))
    return frozenset(days)


def is_working_day(day: date) -> bool:
    """Monday to Friday and no public holiday."""
    return day.weekday() < 5 and day not in public_holidays(day.year)
