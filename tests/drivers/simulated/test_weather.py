from datetime import UTC, datetime
from statistics import mean

import pytest
from efpi_driver_simulated.climate import Climate
from efpi_driver_simulated.physics.pv import PvSize
from efpi_driver_simulated.sources import SHIPPED_PLACE, Wanted, built_in_weather, weather_of
from efpi_driver_simulated.sun import Place, Plane
from efpi_driver_simulated.weather import BuiltInWeather, TableWeather, held_air, light_on

YEAR = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
HOUR = 3600.0
ROOF = ((Plane.facing(180.0, 35.0), 1.0),)


def yield_kwh_per_kw(weather) -> float:
    light, size = light_on(weather, ROOF), PvSize(1000.0, 1000.0)
    return sum(size.output_w(*light(YEAR + (hour + 0.5) * HOUR)) for hour in range(8760)) / 1000.0


async def test_a_kilowatt_of_panels_in_brussels_gives_about_1000_kwh_with_the_shipped_table():
    assert 930.0 < yield_kwh_per_kw(await weather_of(SHIPPED_PLACE, Wanted())) < 1070.0


@pytest.mark.parametrize("seed", [1, 2])
def test_the_built_in_weather_gives_about_the_same(seed):
    assert 900.0 < yield_kwh_per_kw(built_in_weather(SHIPPED_PLACE, seed)) < 1100.0


def test_the_seasons_have_plausible_temperatures():
    climate = Climate(SHIPPED_PLACE, 1)
    months = [mean(climate.air_c(YEAR + (30.4 * month + day) * 86400.0) for day in range(30)) for month in range(12)]
    assert 0.0 < months[0] < 7.0
    assert 14.0 < mean(months[5:8]) < 22.0


def test_the_south_has_summer_in_january():
    climate = Climate(Place(-33.9, 151.2), 1)
    january = mean(climate.air_c(YEAR + day * 86400.0) for day in range(30))
    july = mean(climate.air_c(YEAR + (181 + day) * 86400.0) for day in range(30))
    assert january > july + 5.0


def test_cloud_is_a_share():
    climate = Climate(SHIPPED_PLACE, 3)
    covers = [climate.cover(YEAR + hour * HOUR) for hour in range(0, 8760, 7)]
    assert min(covers) == 0.0
    assert max(covers) == 1.0
    assert 0.45 < mean(covers) < 0.8


async def test_the_source_is_decided_by_the_place_and_the_settings_alone():
    assert isinstance(await weather_of(Place(50.9, 4.4), Wanted()), TableWeather)
    assert isinstance(await weather_of(Place(52.1, 5.2), Wanted()), BuiltInWeather)
    assert isinstance(await weather_of(SHIPPED_PLACE, Wanted(tables="built_in")), BuiltInWeather)
    assert isinstance(await weather_of(SHIPPED_PLACE, Wanted(seed=2)), BuiltInWeather)


async def test_another_year_has_the_weather_of_the_typical_one():
    weather = await weather_of(SHIPPED_PLACE, Wanted())
    later = datetime(2027, 6, 1, 10, tzinfo=UTC).timestamp()
    known = datetime(2025, 6, 1, 10, tzinfo=UTC).timestamp()
    assert weather.air_c(later) == weather.air_c(known)


def test_the_air_holds_for_a_quarter_of_an_hour():
    air = held_air(built_in_weather(SHIPPED_PLACE, 1))
    value, until = air(YEAR + 100.0)
    assert until == YEAR + 900.0
    assert air(YEAR + 899.0) == (value, until)
    assert air(until)[1] == YEAR + 1800.0
