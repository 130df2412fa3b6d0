"""Uncertain numbers, and forecasts on a grid."""

import math
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efi.commodity import CommodityQuantity
from efi.demand_driven import DemandElement, DemandForecast
from efi.measurement import Forecast, ForecastElement
from efi.profile import intervals, profile_duration, slice_profile
from efi.sampling import common_grid, regular_grid, summed
from efi.storage import StorageUsageForecast, UsageElement
from efi.uncertainty import UncertainPower, UncertainValue
from tests.efi.house import HOUR, MINUTE, NOON, levels, stamp
from tests.efi.strategies import uncertain

L1, L2, GAS = (
    CommodityQuantity.ELECTRIC_POWER_L1,
    CommodityQuantity.ELECTRIC_POWER_L2,
    CommodityQuantity.GAS_FLOW,
)


def forecast(*powers: float, lasting: timedelta = HOUR, sigma: float = 0.0) -> Forecast:
    def told(power: float) -> ForecastElement:
        bands = UncertainValue.normal(power, sigma).known if sigma else {"expected": power}
        values = (UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, **bands),)
        return ForecastElement(duration=lasting, values=values)

    return Forecast(**stamp(), valid_from=NOON, elements=tuple(told(power) for power in powers))


# Uncertain numbers ----------------------------------------------------------------------------------------------------


def test_a_normal_number_has_bands_of_one_and_two_sigmas() -> None:
    value = UncertainValue.normal(100, 10)
    assert value.band(68) == levels(90, 110)
    assert value.band(95) == levels(80, 120)
    assert value.sigma == 10


def test_a_band_that_is_not_told_is_the_next_one_inwards() -> None:
    value = UncertainValue(expected=5, lower_68=4)
    assert value.band(68) == value.band(95) == value.band(100) == levels(4, 5)
    assert UncertainValue(expected=5, lower_95=1, upper_95=9, upper_limit=10).band(100) == levels(1, 10)
    assert UncertainValue(expected=5, lower_95=1, upper_95=9).sigma == 2
    assert UncertainValue.certain(5).sigma == 0
    with pytest.raises(ValueError, match="68, 95 or 100"):
        value.band(50)


def test_independent_errors_add_as_squares() -> None:
    total = UncertainValue.sum([UncertainValue.normal(100, 30), UncertainValue.normal(-20, 40)])
    assert total.expected == 80
    assert total.sigma == pytest.approx(50)
    assert total.band(95) == levels(-20, 180)


def test_limits_add_and_hold_the_bands() -> None:
    one = UncertainValue(expected=1, lower_68=0, upper_68=2, lower_limit=0, upper_limit=2)
    total = UncertainValue.sum([one, one, one, one])
    assert (total.lower_limit, total.upper_limit) == (0, 8)
    assert (total.lower_68, total.upper_68) == (2, 6)
    assert total.lower_95 == 0
    assert UncertainValue.sum([one, UncertainValue.certain(1)]).upper_limit is None


def test_a_sum_of_one_keeps_its_crooked_bands() -> None:
    crooked = UncertainValue(expected=1, lower_68=0.9, upper_68=5)
    assert UncertainValue.sum([crooked]) == crooked


def test_a_negative_scale_turns_the_bands_round() -> None:
    value = UncertainPower(quantity=GAS, expected=2, lower_68=1, upper_95=8)
    assert value.scaled(-2) == UncertainValue(expected=-4, upper_68=-2, lower_95=-16)
    assert value.scaled(2) == UncertainValue(expected=4, lower_68=2, upper_95=16)


@given(st.lists(uncertain, min_size=1, max_size=4))
def test_sums_and_means_keep_the_bands_in_their_order(values: list[UncertainValue]) -> None:
    for made in (UncertainValue.sum(values), UncertainValue.mean([(value, 1.5) for value in values])):
        order = [made.known[name] for name in _RISING if name in made.known]
        slack = 1e-9 * max(1.0, *(abs(each) for each in order))
        assert all(lower <= upper + slack for lower, upper in pairwise(order))


@given(uncertain)
def test_the_mean_of_a_number_with_itself_is_itself(value: UncertainValue) -> None:
    same = UncertainValue.mean([(value, 2.0), (value, 3.0)])
    for name, bound in value.known.items():
        assert getattr(same, name) == pytest.approx(bound, rel=1e-12, abs=1e-9)


_RISING = ("lower_limit", "lower_95", "lower_68", "expected", "upper_68", "upper_95", "upper_limit")


# Forecasts ------------------------------------------------------------------------------------------------------------


def test_a_forecast_is_found_by_the_instant() -> None:
    told = forecast(100, 200)
    first, second = told.elements
    assert told.element_at(NOON) is first
    assert told.element_at(NOON + HOUR) is second
    assert told.element_at(NOON + 2 * HOUR) is None
    assert told.element_at(NOON - MINUTE) is None
    assert told.starts_and_ends == (NOON, NOON + HOUR, NOON + 2 * HOUR)


def test_a_forecast_is_sliced_by_instants() -> None:
    told = forecast(100, 200).sliced(NOON + 30 * MINUTE, NOON + 90 * MINUTE)
    assert [(each.duration, each.values[0].expected) for each in told] == [(30 * MINUTE, 100), (30 * MINUTE, 200)]


def test_a_coarser_grid_averages() -> None:
    told = forecast(100, 200, 400, lasting=30 * MINUTE)
    sampled = told.averaged(regular_grid(NOON, HOUR, 3))
    assert [value and value.expected for value in sampled] == [150, 400, None]


def test_a_finer_grid_repeats() -> None:
    sampled = forecast(100, 200).averaged(regular_grid(NOON, 30 * MINUTE, 4))
    assert [value and value.expected for value in sampled] == [100, 100, 200, 200]


def test_a_grid_may_begin_before_the_forecast_and_lie_across_it() -> None:
    sampled = forecast(100, 200).averaged(regular_grid(NOON - 90 * MINUTE, HOUR, 4))
    assert [value and value.expected for value in sampled] == [None, 100, 150, 200]


def test_the_errors_of_neighbouring_intervals_do_not_cancel() -> None:
    (sampled,) = forecast(100, 200, sigma=10).averaged((NOON, NOON + 2 * HOUR))
    assert sampled is not None
    assert sampled.sigma == pytest.approx(10)


def test_the_errors_of_two_appliances_do() -> None:
    grid = regular_grid(NOON, HOUR, 1)
    (total,) = summed([forecast(100, sigma=30).averaged(grid), forecast(50, sigma=40).averaged(grid)])
    assert total is not None
    assert total.expected == 150
    assert total.sigma == pytest.approx(50)


def test_who_tells_nothing_adds_nothing() -> None:
    grid = regular_grid(NOON, HOUR, 2)
    total = summed([forecast(100).averaged(grid), forecast(10, 20, 30).averaged(grid)])
    assert [value and value.expected for value in total] == [110, 20]
    assert summed([forecast(100).averaged(regular_grid(NOON + HOUR, HOUR, 1))]) == (None,)


def test_the_common_grid_has_every_bound_of_every_forecast() -> None:
    grid = common_grid([forecast(1, 2), forecast(1, lasting=40 * MINUTE)], NOON - HOUR, NOON + 90 * MINUTE)
    assert grid == (NOON - HOUR, NOON, NOON + 40 * MINUTE, NOON + HOUR, NOON + 90 * MINUTE)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=6), st.integers(1, 50))
def test_an_average_keeps_the_energy(minutes: list[int], step: int) -> None:
    elements = tuple(
        UsageElement(duration=lasting * MINUTE, rate=UncertainValue.certain(float(place)))
        for place, lasting in enumerate(minutes)
    )
    told = StorageUsageForecast(**stamp(), valid_from=NOON, elements=elements)
    grid = regular_grid(NOON, step * MINUTE, math.ceil(sum(minutes) / step))
    sampled = told.averaged(grid)
    covered = [min(step, sum(minutes) - place * step) for place in range(len(sampled))]
    whole = sum(value.expected * lasting for value, lasting in zip(sampled, covered, strict=True) if value is not None)
    assert whole == pytest.approx(sum(place * lasting for place, lasting in enumerate(minutes)))


def test_electrical_power_is_the_sum_over_phases_and_no_other_quantity() -> None:
    values = tuple(UncertainPower(quantity=each, expected=power) for each, power in ((L1, 100), (L2, 200), (GAS, 5)))
    element = ForecastElement(duration=HOUR, values=values)
    told = Forecast(**stamp(), valid_from=NOON, elements=(element,))
    assert element.electric_power is not None
    assert element.electric_power.expected == 300
    grid = regular_grid(NOON, HOUR, 1)
    assert [value and value.expected for value in told.averaged(grid, GAS)] == [5]
    assert told.averaged(grid, CommodityQuantity.HEAT_POWER) == (None,)
    assert element.value_of(L2) == values[1]


def test_usage_and_demand_are_averaged_likewise() -> None:
    rate = UncertainValue.certain(3)
    usage = StorageUsageForecast(**stamp(), valid_from=NOON, elements=(UsageElement(duration=HOUR, rate=rate),))
    demand = DemandForecast(**stamp(), valid_from=NOON, elements=(DemandElement(duration=HOUR, rate=rate),))
    assert usage.averaged((NOON, NOON + HOUR)) == demand.averaged((NOON, NOON + HOUR)) == (rate,)
    assert usage.rate_at(NOON) == rate
    assert usage.rate_at(NOON + HOUR) is None
    assert demand.starts_and_ends == usage.starts_and_ends


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(-10, 200), st.integers(-10, 200))
def test_a_slice_is_as_long_as_what_it_covers(minutes: list[int], first: int, second: int) -> None:
    elements = tuple(UsageElement(duration=lasting * MINUTE, rate=UncertainValue.certain(0)) for lasting in minutes)
    start, end = sorted((first, second))
    sliced = slice_profile(elements, start * MINUTE, end * MINUTE)
    covered = max(0, min(end, sum(minutes)) - max(start, 0))
    assert profile_duration(sliced) == covered * MINUTE


def test_each_interval_begins_where_the_last_ended() -> None:
    bounds = [(begins, ends) for begins, ends, _ in intervals(forecast(1, 2).elements, NOON)]
    assert bounds == [(NOON, NOON + HOUR), (NOON + HOUR, NOON + 2 * HOUR)]
