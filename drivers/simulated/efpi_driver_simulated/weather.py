"""The weather of a place as the appliances meet it: light on a plane and the air's temperature."""

from collections.abc import Callable
from typing import Protocol

from efpi_driver_simulated.climate import Climate
from efpi_driver_simulated.physics.slots import Slots
from efpi_driver_simulated.sun import DARK, Light, Place, Plane, SunDirection, clear_level_w_m2, split
from efpi_driver_simulated.table import Table

AIR_STEP_S = 900.0
"""How long an air temperature holds."""


class Weather(Protocol):
    """Light and air of one place at any instant (s since the epoch)."""

    place: Place

    def light(self, t: float, sun: SunDirection) -> Light:
        """The light at the ground."""

    def air_c(self, t: float) -> float:
        """The temperature of the air, °C."""


class BuiltInWeather:
    """Weather from geometry and the seeded climate alone; needs nothing."""

    __slots__ = ("_climate", "place")

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self._climate = Climate(place, seed)

    def light(self, t: float, sun: SunDirection) -> Light:
        """The light at the ground: a clear sky's, less what the clouds keep."""
        clear = clear_level_w_m2(sun.up)
        return split(clear * self._climate.clear_share(t), sun) if clear > 0.0 else DARK

    def air_c(self, t: float) -> float:
        """The temperature of the air, °C."""
        return self._climate.air_c(t)


class TableWeather:
    """Weather read from a table."""

    __slots__ = ("_air", "_beam", "_sky", "_table", "place")

    def __init__(self, place: Place, table: Table) -> None:
        self.place = place
        self._table = table
        self._beam = table.channels["beam"]
        self._sky = table.channels["sky"]
        self._air = table.channels["air"]

    def light(self, t: float, sun: SunDirection) -> Light:
        """The light at the ground; none while the sun is down."""
        if sun.up <= 0.0:
            return DARK
        second = self._table.second(t)
        return Light(self._beam.at(second), self._sky.at(second))

    def air_c(self, t: float) -> float:
        """The temperature of the air, °C."""
        return self._air.at(self._table.second(t))


def light_on(weather: Weather, planes: tuple[tuple[Plane, float], ...]) -> Callable[[float], tuple[float, float]]:
    """The mean light on planes by their shares, W/m², with the air's temperature, °C, as a PV plant asks for them."""

    def light(t: float) -> tuple[float, float]:
        sun = weather.place.sun(t)
        if sun.up <= 0.0:
            return 0.0, 15.0
        falling = weather.light(t, sun)
        return sum(plane.light_w_m2(sun, falling) * share for plane, share in planes), weather.air_c(t)

    return light


def held_air(weather: Weather) -> Callable[[float], tuple[float, float]]:
    """The air's temperature in steps of a quarter of an hour, as a boiler asks for it."""
    slots = Slots(AIR_STEP_S)

    def air(t: float) -> tuple[float, float]:
        return weather.air_c(slots.middle(t)), slots.end(t)

    return air
