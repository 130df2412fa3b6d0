from datetime import UTC, date, datetime

import pytest
from efpi_driver_simulated.household import NORMAL_KWH, SLOT_S, BuiltInUse, day_powers_w
from efpi_driver_simulated.local_days import days_of
from efpi_driver_simulated.sources import Wanted, use_of

DAYS = range(date(2025, 1, 1).toordinal(), date(2026, 1, 1).toordinal())
YEAR = datetime(2025, 1, 1, tzinfo=UTC).timestamp()


def test_a_year_comes_to_the_normal_use():
    kwh = sum(sum(day_powers_w(day, 1)) * SLOT_S for day in DAYS) / 3.6e6
    assert kwh == pytest.approx(NORMAL_KWH, rel=0.02)


@pytest.mark.parametrize("zone", ["Europe/Brussels", "Europe/Oslo"])
async def test_a_household_uses_what_it_is_said_to(zone):
    use = await use_of(days_of(zone), 3500.0, Wanted())
    kwh = sum(use(YEAR + SLOT_S * (slot + 0.5)) for slot in range(365 * 288)) * SLOT_S / 3.6e6
    assert kwh == pytest.approx(3500.0, rel=0.03)


@pytest.mark.parametrize("zone", ["Europe/Brussels", "Europe/Oslo"])
async def test_evenings_use_more_than_nights(zone):
    use = await use_of(days_of(zone), 3500.0, Wanted())
    evening = sum(use(YEAR + day * 86400.0 + 18.5 * 3600.0) for day in range(365)) / 365
    night = sum(use(YEAR + day * 86400.0 + 2.5 * 3600.0) for day in range(365)) / 365
    assert evening > 2.0 * night > 100.0


def test_no_instant_is_without_use():
    assert min(min(day_powers_w(day, 3)) for day in list(DAYS)[::10]) > 50.0


def test_a_day_is_the_same_in_whatever_order_it_is_asked_for():
    forth, back = BuiltInUse(days_of("Europe/Oslo"), 1, 3000.0), BuiltInUse(days_of("Europe/Oslo"), 1, 3000.0)
    instants = [YEAR + 3000.0 * step for step in range(200)]
    assert [forth(t) for t in instants] == [back(t) for t in reversed(instants)][::-1]
