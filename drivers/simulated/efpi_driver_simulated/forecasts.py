"""Forecasts by the hour, as a learning meter or a weather service would give them: with their doubt."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache

from efi.commodity import CommodityQuantity
from efi.measurement import ForecastElement
from efi.uncertainty import UncertainPower

HOUR = 3600.0
SAMPLES = 4
KEPT_HOURS = 1200


class HourlyMeans:
    """Means over whole hours of a quantity that is known at any instant, each worked out once."""

    __slots__ = ("_means", "_quantity")

    def __init__(self, quantity: Callable[[float], float]) -> None:
        self._quantity = quantity
        self._means: dict[int, float] = {}

    def mean(self, hour: int) -> float:
        """The mean of an hour, counted from the epoch."""
        known = self._means.get(hour)
        if known is None:
            if len(self._means) > KEPT_HOURS:
                self._means = {kept: mean for kept, mean in self._means.items() if kept >= hour - KEPT_HOURS // 2}
            step = HOUR / SAMPLES
            known = sum(self._quantity(hour * HOUR + (place + 0.5) * step) for place in range(SAMPLES)) / SAMPLES
            self._means[hour] = known
        return known


@lru_cache(maxsize=128)  # the next forecast says the same of nearly all its hours
def element(hours: int, quantity: CommodityQuantity, mean_w: float, sigma_w: float, most_w: float) -> ForecastElement:
    """What is expected for some hours; nothing beyond zero and `most_w` (negative for a producer)."""
    lower, upper = min(0.0, most_w), max(0.0, most_w)

    def within(power_w: float) -> float:
        return min(max(power_w, lower), upper)

    mean_w = within(mean_w)
    return ForecastElement(
        duration=timedelta(hours=hours),
        values=(
            UncertainPower(
                quantity=quantity,
                expected=mean_w,
                lower_68=within(mean_w - sigma_w),
                upper_68=within(mean_w + sigma_w),
                lower_95=within(mean_w - 2.0 * sigma_w),
                upper_95=within(mean_w + 2.0 * sigma_w),
            ),
        ),
    )
