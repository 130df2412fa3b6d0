from datetime import UTC, datetime
from math import acos, atan2, degrees

import pytest
from efpi_driver_simulated.sun import Light, Place, Plane, clear_level_w_m2, split

pytestmark = pytest.mark.filterwarnings("ignore")
BRUSSELS = Place(50.85, 4.35)


def at(month: int, day: int, hour: float) -> float:
    return datetime(2025, month, day, tzinfo=UTC).timestamp() + hour * 3600.0


@pytest.mark.parametrize("place", [BRUSSELS, Place(-33.9, 151.2), Place(0.0, -78.5)])
def test_the_sun_stands_where_pvlib_sees_it(place):
    pandas = pytest.importorskip("pandas")
    solarposition = pytest.importorskip("pvlib.solarposition")
    times = pandas.date_range("2025-01-01", "2026-01-01", freq="7h", tz="UTC")
    known = solarposition.get_solarposition(times, place.latitude, place.longitude)
    for instant, zenith, azimuth in zip(times, known["zenith"], known["azimuth"], strict=True):
        sun = place.sun(instant.timestamp())
        assert degrees(acos(sun.up)) == pytest.approx(zenith, abs=0.5)
        if 3.0 < zenith < 80.0:
            apart = (degrees(atan2(sun.east, sun.north)) - azimuth + 180.0) % 360.0 - 180.0
            assert apart == pytest.approx(0.0, abs=6.0)


def test_light_on_a_roof_is_what_pvlib_transposes():
    irradiance = pytest.importorskip("pvlib.irradiance")
    sun = BRUSSELS.sun(at(6, 21, 9.0))
    light = Light(700.0, 120.0)
    zenith, azimuth = degrees(acos(sun.up)), degrees(atan2(sun.east, sun.north))
    for tilt, facing in ((35.0, 180.0), (20.0, 90.0), (70.0, 300.0)):
        known = irradiance.get_total_irradiance(
            tilt, facing, zenith, azimuth, dni=700.0, ghi=700.0 * sun.up + 120.0, dhi=120.0, albedo=0.2
        )
        plane = Plane.facing(facing, tilt)
        assert plane.light_w_m2(sun, light) == pytest.approx(known["poa_global"], rel=1e-6)


def test_the_split_of_light_is_that_of_erbs():
    irradiance = pytest.importorskip("pvlib.irradiance")
    sun = BRUSSELS.sun(at(6, 21, 11.0))
    for level in (50.0, 300.0, 700.0, 900.0):
        known = irradiance.erbs(level, degrees(acos(sun.up)), 172)
        assert split(level, sun).sky_w_m2 == pytest.approx(known["dhi"], rel=0.02, abs=2.0)
        assert split(level, sun).beam_w_m2 == pytest.approx(known["dni"], rel=0.03, abs=3.0)


def test_the_parts_of_light_add_up_to_the_level():
    sun = BRUSSELS.sun(at(4, 10, 10.0))
    light = split(400.0, sun)
    assert light.beam_w_m2 * sun.up + light.sky_w_m2 == pytest.approx(400.0)


def test_there_is_no_light_at_night():
    sun = BRUSSELS.sun(at(1, 1, 0.0))
    assert sun.up < 0.0
    assert clear_level_w_m2(sun.up) == 0.0
    assert split(100.0, sun) == (0.0, 0.0)
