"""The coming day in quarters of an hour, and what energy costs in them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from efpi_app_self_consumption.slots import SLOT_S, Slots, averages, instant, window
from efpi_app_self_consumption.tariff import NOMINAL, Tariff, per_kwh
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.plugin.site_facts import PriceBand, SiteFacts

NOW = datetime(2026, 3, 2, 12, 7, 30, tzinfo=UTC)


def test_the_first_slot_has_begun_and_ends_on_the_quarter():
    slots = Slots.ahead(NOW)
    assert slots.begin(0) == NOW
    assert instant(slots.end_s(0)) == NOW.replace(minute=15, second=0)
    assert slots.lengths()[:2] == [450.0, 900.0]
    assert slots.place_of(NOW.timestamp() + 8 * 3600) == 32


def test_an_instant_on_a_mark_belongs_to_the_slot_that_begins():
    slots = Slots.ahead(NOW.replace(minute=15, second=0))
    assert slots.lengths()[0] == SLOT_S
    assert slots.place_of(slots.end_s(0)) == 1


@given(
    st.lists(st.tuples(st.integers(1, 9000), st.floats(-5000, 5000)), min_size=1, max_size=12),
    st.integers(0, 10 * SLOT_S),
)
def test_slots_hold_all_the_energy_of_a_profile(elements, start_s):
    profile = [(timedelta(seconds=seconds), power) for seconds, power in elements]
    first, means, covered = averages(profile, float(start_s))
    assert first == start_s // SLOT_S
    assert sum(means) * SLOT_S == pytest.approx(sum(seconds * power for seconds, power in elements), abs=1e-3)
    assert sum(covered) * SLOT_S == pytest.approx(sum(seconds for seconds, _ in elements))
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in covered)


@given(st.integers(-150, 150), st.lists(st.floats(0, 9), max_size=200))
def test_a_window_shows_what_the_row_holds_and_nothing_else(shift, row):
    slots = Slots.ahead(NOW)
    seen = window(slots.first + shift, row, slots, beyond=-1.0)
    assert len(seen) == slots.size
    for place, value in enumerate(seen):
        held = place - shift
        assert value == (row[held] if 0 <= held < len(row) else -1.0)


def test_prices_follow_the_wall_clock_of_the_site():
    site = SiteFacts(
        time_zone="Europe/Brussels",
        prices=(
            PriceBand(Decimal("0.34"), Decimal("0.05"), start=7 * 60, end=22 * 60, weekdays=(0, 1, 2, 3, 4)),
            PriceBand(Decimal("0.27"), Decimal("0.04")),
        ),
    )
    tariff = Tariff(site)
    slots = Slots.ahead(datetime(2026, 3, 2, 5, 30, tzinfo=UTC))
    prices = [round(per_kwh(price.bought), 2) for price in tariff.over(slots)]
    assert prices[:2] == [0.27, 0.27]
    assert prices[2] == 0.34
    assert prices.index(0.27, 2) == 2 + 15 * 4
    assert tariff.over(slots) == tariff.over(slots)


def test_without_prices_drawing_costs_and_feeding_in_brings_nothing():
    tariff = Tariff(SiteFacts())
    assert not tariff.known
    assert tariff.at(NOW) == NOMINAL
    assert set(tariff.over(Slots.ahead(NOW))) == {NOMINAL}
