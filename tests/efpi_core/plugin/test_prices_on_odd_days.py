"""Price bands on days that are longer or shorter than others: each minute costs what its face says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from efpi_core.local_time import LocalTime
from efpi_core.plugin.prices import PriceClock
from efpi_core.plugin.site_facts import PriceBand

NIGHT = PriceBand(Decimal("0.10"), Decimal(0), start=1 * 60, end=4 * 60)
DAY = PriceBand(Decimal("0.30"), Decimal(0))
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "cheap"),
    [
        ("Europe/Brussels", date(2026, 3, 29), 23, 2),
        ("Europe/Brussels", date(2026, 10, 25), 25, 4),
        ("Europe/Brussels", date(2028, 2, 29), 24, 3),
        ("Antarctica/Troll", date(2026, 3, 29), 22, 1),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5, 2.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, 3.5),
        ("America/Havana", date(2026, 3, 8), 23, 3),
        ("Atlantic/Azores", date(2026, 3, 29), 23, 3),
        ("Africa/Cairo", date(2026, 10, 29), 25, 3),
    ],
)
def test_a_kilowatt_all_day_costs_the_hours_of_each_band(zone: str, day: date, hours: float, cheap: float) -> None:
    begin, end = LocalTime(zone).day(day)
    cost = PriceClock((NIGHT, DAY), zone).cost(begin, end, 1000.0)
    assert cost == Decimal(str(cheap)) * Decimal("0.10") + Decimal(str(hours - cheap)) * Decimal("0.30")


@pytest.mark.parametrize("zone", ["Europe/Brussels", "Atlantic/Azores", "America/Havana", "Australia/Lord_Howe"])
def test_the_days_of_a_year_cost_what_the_year_costs(zone: str) -> None:
    place, prices = LocalTime(zone), PriceClock((NIGHT, DAY), zone)
    days = [place.day(date(2026, 1, 1) + timedelta(days=number)) for number in range(365)]
    parts = sum((prices.cost(begin, end, 1000.0) for begin, end in days[80:110]), Decimal(0))
    assert parts == prices.cost(days[80][0], days[109][1], 1000.0)
    assert datetime(2026, 3, 1, tzinfo=UTC) < days[80][0]
