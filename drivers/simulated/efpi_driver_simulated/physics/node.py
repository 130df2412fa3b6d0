"""The electrical node of a house: the sum of what hangs on it, by phase, and the energy that passed."""

from efpi_driver_simulated.physics.piecewise import Piecewise, grain, spread

Shares = tuple[float, float, float]
"""Parts of the three phases, together 1."""

ALIKE: Shares = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0)


class Node(Piecewise):
    """The connection of a house to the grid. Sums are of whole grains, and so exact in whatever order they come."""

    __slots__ = ("_by_phase", "_drawn", "_parts", "_wired")

    def __init__(self, t: float, consumed_j: float = 0.0, produced_j: float = 0.0) -> None:
        super().__init__(t)
        self._consumed_j = consumed_j
        self._produced_j = produced_j
        self._drawn: dict[str, float] = {}
        self._parts: dict[str, tuple[float, ...]] = {}
        self._wired: dict[str, Shares] = {}
        self._by_phase = (0.0, 0.0, 0.0)

    def phase_powers_w(self) -> tuple[float, float, float]:
        """Power of each phase, W; their sum is `power_w`."""
        return self._by_phase

    def wire(self, name: str, shares: Shares) -> None:
        """Say how something hangs on the phases; what nobody says hangs on all three alike."""
        self._wired[name] = shares
        power_w = self._drawn.pop(name, None)
        if power_w is not None:
            self.draw({name: power_w})

    def draw(self, powers_w: dict[str, float]) -> None:
        """What these things draw from now on, W."""
        l1, l2, l3 = self._by_phase
        for name, told_w in powers_w.items():
            power_w = grain(told_w)
            if self._drawn.get(name) == power_w:
                continue
            self._drawn[name] = power_w
            before = self._parts.get(name, (0.0, 0.0, 0.0))
            parts = self._parts[name] = spread(power_w, self._wired.get(name, ALIKE))
            l1, l2, l3 = l1 + parts[0] - before[0], l2 + parts[1] - before[1], l3 + parts[2] - before[2]
        if (l1, l2, l3) != self._by_phase:
            self._carry(self.t)
            self._by_phase = (l1, l2, l3)
            self._plan()

    def _move(self, t: float) -> None:
        """Nothing but energy, which the piece counts itself."""

    def _plan(self) -> None:
        self.power_w = sum(self._by_phase)
