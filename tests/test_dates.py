"""The Danish calendar against the catalogue's computed tables (section 4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maalopfyldelse.dates import (
    add_months,
    is_working_day,
    months_back,
    parse_date,
    parse_instant,
    period_bounds,
    public_holidays,
)
from maalopfyldelse.errors import CallerError

DAYS = st.dates(date(1996, 1, 1), date(2034, 12, 31))


def test_months_are_clamped_to_the_end_of_a_shorter_month() -> None:
    assert add_months(date(2002, 10, 31), 4) == date(2003, 2, 28)
    assert add_months(date(2021, 9, 30), 3) == date(2021, 12, 30)
    assert add_months(date(2021, 12, 31), -12) == date(2020, 12, 31)


@given(DAYS, st.integers(1, 36))
def test_windows_of_consecutive_month_ends_meet(day: date, months: int) -> None:
    end = date(day.year, day.month, 1) - timedelta(days=1)
    following = months_back(add_months(end + timedelta(days=1), months) - timedelta(days=1), months)
    assert following == end


@pytest.mark.parametrize(
    ("year", "holidays"),
    [
        (2020, "01-01 04-09 04-10 04-12 04-13 05-08 05-21 05-31 06-01 12-25 12-26"),
        (2021, "01-01 04-01 04-02 04-04 04-05 04-30 05-13 05-23 05-24 12-25 12-26"),
        (2024, "01-01 03-28 03-29 03-31 04-01 05-09 05-19 05-20 12-25 12-26"),
    ],
)
def test_public_holidays(year: int, holidays: str) -> None:
    assert {f"{d:%m-%d}" for d in public_holidays(year)} == set(holidays.split())


@pytest.mark.parametrize("year", [2020, 2021])
def test_working_days(year: int) -> None:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    assert sum(is_working_day(d) for d in days if d.year == year) == 254


def test_folder_names_are_danish_time() -> None:
    assert parse_instant("2021-04-12T0800") == datetime(2021, 4, 12, 6, tzinfo=UTC)
    assert parse_instant("2021-01-12T08:00Z") == datetime(2021, 1, 12, 8, tzinfo=UTC)
    assert parse_instant("2021-04-12") == datetime(2021, 4, 12, 22, tzinfo=UTC) - timedelta(microseconds=1)


@pytest.mark.parametrize("text", ["12-04-2021", "2021-4-1", "2021-02-30", "i går", ""])
def test_a_malformed_date_says_the_form(text: str) -> None:
    with pytest.raises(CallerError, match="YYYY-MM-DD"):
        parse_date(text)


@pytest.mark.parametrize("text", ["2021-13-01T0800", "2021-04-12T8", "nu"])
def test_a_malformed_time_says_the_form(text: str) -> None:
    with pytest.raises(CallerError, match="2021-04-12T0800"):
        parse_instant(text)


def test_periods() -> None:
    assert period_bounds("2021Q3") == (date(2021, 7, 1), date(2021, 9, 30))
    assert period_bounds("2020-02") == (date(2020, 2, 1), date(2020, 2, 29))
    with pytest.raises(ValueError, match="no period"):
        period_bounds("3. kvartal")
