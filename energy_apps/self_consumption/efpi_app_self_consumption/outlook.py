"""What is expected of the coming day: prices, the sun that is left over, and the room that the connection has."""

from collections.abc import Sequence

from efpi_app_self_consumption.slots import SLOT_S, Slots
from efpi_app_self_consumption.tariff import Price

NO_BOUND = float("inf")

NOWCAST_SLOTS = 8
"""For so long what is measured now still says something about what comes: two hours."""


class Outlook:
    """The coming slots. Plans take from it what they mean to use, so that the next one sees what is left."""

    __slots__ = ("lengths", "most_drawn_w", "prices", "slots", "surplus")

    def __init__(
        self,
        slots: Slots,
        prices: list[Price],
        surplus: list[float],
        most_drawn_w: float = NO_BOUND,
    ) -> None:
        self.slots = slots
        self.lengths = slots.lengths()
        """How long each slot still lasts, s."""
        self.prices = prices
        self.surplus = surplus
        """W that would be fed in (above 0) or drawn (below 0) in each slot, without what may be steered."""
        self.most_drawn_w = most_drawn_w
        """W that the connection may draw at most."""

    def room_w(self, place: int) -> float:
        """How much more may be consumed in a slot before the connection draws too much, W."""
        return max(self.most_drawn_w + self.surplus[place], 0.0)

    def take(self, powers: Sequence[float]) -> None:
        """Count on powers, in W by slot, that were planned."""
        self.surplus = [left - used for left, used in zip(self.surplus, powers, strict=True)]

    def cost(self, place: int, power_w: float) -> float:
        """What consuming a power throughout a whole slot costs: sun at what it would earn, the rest as bought."""
        price, sun = self.prices[place], max(self.surplus[place], 0.0)
        own = min(power_w, sun)
        return (own * price.sold + (power_w - own) * price.bought) * SLOT_S

    @property
    def cheapest(self) -> float:
        """The lowest price at which energy is bought in the coming day, per J."""
        return min(price.bought for price in self.prices)


def nowcast(expected: list[float], measured_w: float) -> list[float]:
    """An expectation corrected by what is measured now, ever less for what is further away."""
    error = measured_w - expected[0]
    steps = min(NOWCAST_SLOTS, len(expected))
    near = [expected[place] + error * (1.0 - place / NOWCAST_SLOTS) for place in range(steps)]
    return near + expected[steps:]
