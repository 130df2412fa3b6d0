"""Local days have 23, 24 or 25 hours, and every quarter hour belongs to exactly one."""

from datetime import UTC, date, datetime, timedelta

import pytest

from efpi_core.history.days import LocalDays


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Amsterdam", date(2026, 3, 29), 23),
        ("Europe/Amsterdam", date(2026, 10, 25), 25),
        ("Europe/Amsterdam", date(2024, 2, 29), 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kathmandu", date(2026, 1, 1), 24),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # its midnight did not exist
        ("America/Havana", date(2026, 11, 1), 25),
        ("Pacific/Apia", date(2011, 12, 30), 0),  # nor did this day
        ("UTC", date(2026, 6, 1), 24),
    ],
)
def test_a_day_has_its_hours(zone: str, day: date, hours: float) -> None:
    begin, end = LocalDays(zone).span(day)
    assert (end - begin) / 3600 == hours
    assert begin % 900 == end % 900 == 0


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/Havana", "Asia/Kathmandu", "Africa/Casablanca", "UTC"])
def test_each_quarter_hour_of_a_year_belongs_to_one_day(zone: str) -> None:
    days = LocalDays(zone)
    begin = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    day = days.day_of(begin)
    for quarter in range(begin, begin + 366 * 86400, 900):
        if not days.span(day)[0] <= quarter < days.span(day)[1]:
            assert quarter == days.span(day)[1]
            day += timedelta(days=1)
        assert days.day_of(quarter) == day
