"""A meter's time stamp is one instant, on both nights of the year on which clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from efpi_driver_p1.meter_time import read_stamp
from hypothesis import given
from hypothesis import strategies as st

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("240331015959W", datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC)),
        ("240331030000S", datetime(2024, 3, 31, 1, 0, 0, tzinfo=UTC)),
        ("241027025959S", datetime(2024, 10, 27, 0, 59, 59, tzinfo=UTC)),
        ("241027020000W", datetime(2024, 10, 27, 1, 0, 0, tzinfo=UTC)),
        ("241027025959W", datetime(2024, 10, 27, 1, 59, 59, tzinfo=UTC)),
        ("240101000000W", datetime(2023, 12, 31, 23, 0, 0, tzinfo=UTC)),
    ],
)
def test_the_hours_around_both_clock_changes_are_told_apart(stamp: str, utc: datetime) -> None:
    time = read_stamp(stamp, AMSTERDAM)
    assert time.utc == utc and time.note is None


@given(st.integers(0, 30 * 365 * 86_400))
def test_every_second_of_thirty_years_survives_the_way_through_a_stamp(second: int) -> None:
    instant = datetime(2005, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    local = instant.astimezone(AMSTERDAM)
    flag = "S" if local.utcoffset() == timedelta(hours=2) else "W"
    time = read_stamp(local.strftime("%y%m%d%H%M%S") + flag, AMSTERDAM)
    assert time.utc == instant and time.note is None


def test_the_flag_decides_where_the_calendar_says_otherwise() -> None:
    time = read_stamp("240715120000W", AMSTERDAM)
    assert time.utc == datetime(2024, 7, 15, 11, tzinfo=UTC)
    assert time.note is not None and "winter time" in time.note


def test_a_stamp_without_flag_follows_the_calendar_and_says_where_that_is_not_enough() -> None:
    assert read_stamp("240715120000", AMSTERDAM).utc == datetime(2024, 7, 15, 10, tzinfo=UTC)
    doubtful = read_stamp("241027023000", AMSTERDAM)
    assert doubtful.utc == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert doubtful.note is not None and "one hour off" in doubtful.note


def test_other_zones_have_their_own_offsets() -> None:
    assert read_stamp("240115120000W", ZoneInfo("Europe/Helsinki")).utc == datetime(2024, 1, 15, 10, tzinfo=UTC)
    assert read_stamp("240715120000S", ZoneInfo("Europe/Dublin")).utc == datetime(2024, 7, 15, 11, tzinfo=UTC)
    assert read_stamp("240715120000S", ZoneInfo("UTC")).utc == datetime(2024, 7, 15, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "stamp", ["632525252525S", "240230120000W", "240101250000W", "2401011200W", "ABCDEFGHIJKLW", ""]
)
def test_what_is_no_date_has_no_instant_and_a_reason(stamp: str) -> None:
    time = read_stamp(stamp, AMSTERDAM)
    assert time.utc is None and time.note is not None and repr(stamp) in time.note


def test_an_unset_clock_shows_its_own_year() -> None:
    assert read_stamp("700101000000W", AMSTERDAM).utc == datetime(1969, 12, 31, 23, tzinfo=UTC)
    assert read_stamp("000101010000W", AMSTERDAM).utc == datetime(2000, 1, 1, 0, tzinfo=UTC)
