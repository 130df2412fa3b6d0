"""The seeded sky and air of a place: how cloudy it is and how warm, at any instant, without a library."""

from math import cos, pi, sin

from efpi_driver_simulated.chance import Noise
from efpi_driver_simulated.sun import Place

DAY = 86400.0
CLOUD_LAYERS = ((5 * DAY, 4.0), (1.3 * DAY, 3.0), (5 * 3600.0, 2.5), (4800.0, 1.8), (900.0, 1.2))
"""Periods in s and weights: weather systems, days, fronts, showers, single clouds."""


class Climate:
    """Cloud and temperature of one place, after a rough climate of its latitude.

    The yearly mean is 27 − 0.32·|latitude| °C and the yearly swing 0.15·|latitude| K either way, which gives
    10.7 ± 7.6 K for Brussels (normals 1991-2020: 3.7 °C in January, 18.7 °C in July). Cloud follows a mixture of
    weather systems, days, showers and single clouds, so that the sun of a year comes out as measured in Brussels.
    """

    __slots__ = ("_cloud", "_place", "_warmth")

    def __init__(self, place: Place, seed: int) -> None:
        self._place = place
        self._cloud = Noise(seed * 2 + 1, CLOUD_LAYERS)
        self._warmth = Noise(seed * 2 + 2, ((9 * DAY, 3.0), (3 * DAY, 2.0), (0.4 * DAY, 0.6)))

    def cover(self, t: float) -> float:
        """Share of the sky behind cloud at `t`, 0 to 1."""
        season = 0.07 * cos(self._place.year_angle(t) - 0.2) * (1.0 if self._place.latitude >= 0.0 else -1.0)
        return min(max((self._cloud.at(t) - 0.5) * 2.6 + 0.65 + season, 0.0), 1.0)

    def clear_share(self, t: float) -> float:
        """Share of a clear sky's light that comes through (Kasten and Czeplak, 1980)."""
        return 1.0 - 0.75 * float(self.cover(t) ** 3.4)

    def air_c(self, t: float) -> float:
        """Temperature of the outdoor air, °C."""
        latitude = self._place.latitude
        angle = self._place.year_angle(t)
        mean_c = 27.0 - 0.32 * abs(latitude)
        swing_k = 0.15 * latitude
        summer = -cos(angle - 0.35)
        solar_s = (t + self._place.longitude * 240.0) % DAY
        daily_k = (2.4 + 1.5 * summer * (1.0 if latitude >= 0.0 else -1.0)) * sin(2.0 * pi * (solar_s / DAY - 0.375))
        return mean_c + swing_k * summer + daily_k + (self._warmth.at(t) - 0.5) * 21.0
