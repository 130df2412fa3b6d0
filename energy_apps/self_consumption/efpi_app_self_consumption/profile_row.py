"""Forecasts in slots: what an appliance expects to draw, and what a storage's users are expected to take."""

from efi.measurement import Forecast
from efi.storage import StorageUsageForecast
from efpi_app_self_consumption.slots import SLOT_S, Slots, averages, window

DAY = 86_400 // SLOT_S


class ForecastRow:
    """An electrical forecast: mean and standard deviation in W of each slot."""

    __slots__ = ("_covered", "_first", "_means", "_sigmas", "known")

    def __init__(self, forecast: Forecast) -> None:
        powers = [(element.duration, element.electric_power) for element in forecast.elements]
        self.known = powers[0][1] is not None
        """Whether electricity is forecast at all."""
        start_s = forecast.valid_from.timestamp()
        means = [(duration, power.expected if power is not None else 0.0) for duration, power in powers]
        sigmas = [(duration, power.sigma if power is not None else 0.0) for duration, power in powers]
        self._first, self._means, self._covered = averages(means, start_s)
        _, self._sigmas, _ = averages(sigmas, start_s)

    def expected(self, slots: Slots, caution: float) -> list[float]:
        """W in the coming slots, moved by so many standard deviations towards more consumption.

        Beyond the forecast's end the day before is repeated as far as it was forecast.
        """
        cautious = [
            mean / covered + caution * sigma / covered if covered > 0.0 else 0.0
            for mean, sigma, covered in zip(self._means, self._sigmas, self._covered, strict=True)
        ]
        while cautious and self._first + len(cautious) < slots.first + slots.size and len(cautious) >= DAY:
            cautious += cautious[-DAY:]
        return window(self._first, cautious, slots)

    def at(self, slots: Slots) -> float:
        """W in the present slot."""
        place = slots.first - self._first
        if not 0 <= place < len(self._means) or self._covered[place] <= 0.0:
            return 0.0
        return self._means[place] / self._covered[place]


class UsageRow:
    """What users are expected to take from a storage, in its unit per s."""

    __slots__ = ("_first", "_rates")

    def __init__(self, forecast: StorageUsageForecast) -> None:
        rates = [(element.duration, element.rate.expected) for element in forecast.elements]
        self._first, self._rates, _ = averages(rates, forecast.valid_from.timestamp())

    def expected(self, slots: Slots) -> list[float]:
        """The rate in the coming slots; beyond the forecast's end nothing is expected."""
        return window(self._first, self._rates, slots)
