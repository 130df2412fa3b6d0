"""What energy costs at the connection, now and in the coming slots."""

from datetime import UTC, datetime
from typing import NamedTuple

from efpi_app_self_consumption.slots import SLOT_S, Slots
from efpi_core.plugin.prices import PriceClock
from efpi_core.plugin.site_facts import PriceBand, SiteFacts

J_PER_KWH = 3_600_000.0

MOST_REMEMBERED = 2_000
"""Slots whose price is remembered: three weeks."""


class Price(NamedTuple):
    """Money per J: what drawing from the grid costs, and what feeding in earns."""

    bought: float
    sold: float


NOMINAL = Price(1.0 / J_PER_KWH, 0.0)
"""Where no price is known: drawing costs, feeding in brings nothing, and neither is comparable with other costs."""


class Tariff:
    """The site's prices as plain numbers."""

    def __init__(self, site: SiteFacts) -> None:
        self._clock = PriceClock.of(site)
        self._slots: dict[int, Price] = {}
        self._last: tuple[PriceBand | None, Price] = (None, NOMINAL)
        self.currency = site.currency
        self.known = self._clock.known
        """Whether the prices are the site's own, so that other costs may be compared with them."""

    def at(self, now: datetime) -> Price:
        """The price at an instant."""
        band = self._clock.band_at(now)
        if band is not self._last[0]:
            self._last = (band, NOMINAL if band is None else _price(band))
        return self._last[1]

    def over(self, slots: Slots) -> list[Price]:
        """The price in each slot: that of its first instant."""
        if not self.known:
            return [NOMINAL] * slots.size
        known = self._slots
        if len(known) > MOST_REMEMBERED:
            known.clear()
        prices = []
        for number in range(slots.first, slots.first + slots.size):
            price = known.get(number)
            if price is None:
                price = known[number] = self.at(datetime.fromtimestamp(number * SLOT_S, UTC))
            prices.append(price)
        return prices


def _price(band: PriceBand) -> Price:
    return Price(float(band.import_per_kwh) / J_PER_KWH, float(band.export_per_kwh) / J_PER_KWH)


def per_kwh(money_per_j: float) -> float:
    """A price as people know it."""
    return money_per_j * J_PER_KWH
