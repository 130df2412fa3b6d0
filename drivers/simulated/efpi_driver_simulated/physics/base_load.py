"""What a household uses beside its controlled appliances: lights, kitchen, screens, spread over the phases."""

from collections.abc import Callable

from efpi_driver_simulated.physics.piecewise import Piecewise, grain, spread
from efpi_driver_simulated.physics.slots import Slots


class BaseLoad(Piecewise):
    """A load whose power holds for a slot; `use(t)` gives it in W."""

    __slots__ = ("_use", "shares", "slots")

    def __init__(
        self, t: float, use: Callable[[float], float], slots: Slots, shares: tuple[float, ...] = (1.0,)
    ) -> None:
        super().__init__(t)
        self.slots = slots
        self.shares = shares
        """Share of each phase; together 1."""
        self._use = use
        self._plan()

    def phase_powers_w(self) -> tuple[float, ...]:
        """Power of each phase now, W; their sum is `power_w`."""
        return spread(self.power_w, self.shares)

    def expected_w(self, t: float) -> float:
        """The use in the slot that holds `t`, W."""
        return grain(self._use(self.slots.middle(t)))

    def _move(self, t: float) -> None:
        """Nothing but energy, which the piece counts itself."""

    def _plan(self) -> None:
        self.power_w = self.expected_w(self.since)
        self.until = self.slots.end(self.since)
