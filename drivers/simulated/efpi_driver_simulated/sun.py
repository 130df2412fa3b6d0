"""Where the sun stands and what light falls on a roof: spherical geometry and published fits, no library needed.

Sources: Spencer (1971) for declination, equation of time and distance; Haurwitz (1945) for the light of a clear sky;
Erbs, Klein and Duffie (1982) for the diffuse share; Liu and Jordan (1963) for a tilted plane.
"""

from dataclasses import dataclass
from math import cos, exp, pi, radians, sin
from typing import NamedTuple

from efpi_driver_simulated.local_days import year_start

SOLAR_CONSTANT_W_M2 = 1361.0
YEAR_S = 365.2425 * 86400.0


class SunDirection(NamedTuple):
    """A unit vector to the sun, and the light outside the air on a surface that faces it."""

    east: float
    north: float
    up: float
    """Cosine of the zenith angle; negative at night."""
    outside_w_m2: float


class Light(NamedTuple):
    """Light at the ground, W/m²."""

    beam_w_m2: float
    """From the sun's disc, on a surface that faces it (direct normal)."""
    sky_w_m2: float
    """From the rest of the sky, on level ground (diffuse horizontal)."""


DARK = Light(0.0, 0.0)


class Place:
    """A place on the earth, under its sun."""

    __slots__ = ("_cos_latitude", "_longitude_s", "_sin_latitude", "_year_end", "_year_start", "latitude", "longitude")

    def __init__(self, latitude: float, longitude: float) -> None:
        self.latitude = latitude
        self.longitude = longitude
        self._sin_latitude = sin(radians(latitude))
        self._cos_latitude = cos(radians(latitude))
        self._longitude_s = longitude * 240.0
        self._year_start = self._year_end = 0.0

    def year_angle(self, t: float) -> float:
        """How far the year has gone at `t` (s since the epoch), as an angle in radians from 1 January."""
        if not self._year_start <= t < self._year_end:
            self._year_start = year_start(t)[1]
            self._year_end = year_start(self._year_start + 366.5 * 86400.0)[1]
        return 2.0 * pi * (t - self._year_start) / YEAR_S

    def sun(self, t: float) -> SunDirection:
        """The sun's direction at `t` (s since the epoch), true to about half a degree."""
        angle = self.year_angle(t)
        sin_1, cos_1 = sin(angle), cos(angle)
        sin_2, cos_2 = 2.0 * sin_1 * cos_1, 2.0 * cos_1 * cos_1 - 1.0
        sin_3, cos_3 = sin_2 * cos_1 + cos_2 * sin_1, cos_2 * cos_1 - sin_2 * sin_1
        declination = (0.006918 - 0.399912 * cos_1 + 0.070257 * sin_1 - 0.006758 * cos_2 + 0.000907 * sin_2
                       - 0.002697 * cos_3 + 0.00148 * sin_3)  # fmt: skip
        time_s = 13750.99 * (0.0000075 + 0.001868 * cos_1 - 0.032077 * sin_1 - 0.014615 * cos_2 - 0.040849 * sin_2)
        hour_angle = ((t + self._longitude_s + time_s) % 86400.0 - 43200.0) * (pi / 43200.0)
        sin_d, cos_d = sin(declination), cos(declination)
        cos_h = cos(hour_angle)
        return SunDirection(
            -cos_d * sin(hour_angle),
            sin_d * self._cos_latitude - cos_d * self._sin_latitude * cos_h,
            sin_d * self._sin_latitude + cos_d * self._cos_latitude * cos_h,
            SOLAR_CONSTANT_W_M2 * (1.00011 + 0.034221 * cos_1 + 0.00128 * sin_1 + 0.000719 * cos_2 + 0.000077 * sin_2),
        )


def clear_level_w_m2(up: float) -> float:
    """The light of a clear sky on level ground, W/m², for the cosine of the sun's zenith angle.

    Haurwitz' fit, less an eighth for the haze over western Europe that his clear skies over Massachusetts did not have.
    """
    return 960.0 * up * exp(-0.057 / up) if up > 0.005 else 0.0


def split(level_w_m2: float, sun: SunDirection) -> Light:
    """Divide the light on level ground into the sun's beam and the sky's."""
    if level_w_m2 <= 0.0 or sun.up <= 0.005:
        return DARK
    clearness = min(level_w_m2 / (sun.outside_w_m2 * sun.up), 1.0)
    if clearness <= 0.22:
        share = 1.0 - 0.09 * clearness
    elif clearness <= 0.8:
        share = 0.9511 + clearness * (-0.1604 + clearness * (4.388 + clearness * (-16.638 + clearness * 12.336)))
    else:
        share = 0.165
    sky_w_m2 = level_w_m2 * share
    return Light(min((level_w_m2 - sky_w_m2) / max(sun.up, 0.05), sun.outside_w_m2), sky_w_m2)


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane of panels: a unit vector upright to it."""

    east: float
    north: float
    up: float
    albedo: float = 0.2
    """Share of the light that the ground throws back."""

    @classmethod
    def facing(cls, azimuth_deg: float, tilt_deg: float) -> "Plane":
        """A plane tilted so many degrees from level towards a compass direction (180 is south)."""
        azimuth, tilt = radians(azimuth_deg), radians(tilt_deg)
        return cls(sin(tilt) * sin(azimuth), sin(tilt) * cos(azimuth), cos(tilt))

    def light_w_m2(self, sun: SunDirection, light: Light) -> float:
        """The light on the plane, W/m²."""
        facing = self.east * sun.east + self.north * sun.north + self.up * sun.up
        beam = light.beam_w_m2 * facing if facing > 0.0 and sun.up > 0.0 else 0.0
        level = light.sky_w_m2 + light.beam_w_m2 * max(sun.up, 0.0)
        return beam + light.sky_w_m2 * (1.0 + self.up) / 2.0 + level * self.albedo * (1.0 - self.up) / 2.0
