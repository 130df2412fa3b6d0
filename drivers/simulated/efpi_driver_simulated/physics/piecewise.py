"""What all simulated appliances share: a life in pieces, in each of which the power is constant and all else exact."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf

Held = Callable[[float], tuple[float, float]]
"""A quantity that holds in steps: for an instant its value, and the later instant until which that value holds."""


GRAIN_W = 0.125
"""All powers are whole multiples of this: such sums are exact in binary, so a node balances to zero in any order."""


def grain(power_w: float) -> float:
    """The nearest power that the node can carry, W."""
    return round(power_w / GRAIN_W) * GRAIN_W


def spread(power_w: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    """A power divided by shares into whole grains, W; the parts add up to it exactly."""
    rest = power_w
    parts = []
    for share in shares[:-1]:
        part = grain(power_w * share)
        parts.append(part)
        rest -= part
    return (*parts, rest)


def nothing(t: float) -> tuple[float, float]:
    """A quantity that is zero for ever."""
    return 0.0, inf


class Refused(Exception):  # noqa: N818  # no fault: the appliance says no
    """The appliance does not do this: `reason` is for people; from `until` (s on its axis) it may be asked again."""

    def __init__(self, reason: str, until: float = inf) -> None:
        self.reason = reason
        self.until = until
        super().__init__(reason)


class Piecewise(ABC):
    """An appliance on a time axis in seconds, whose state follows from the start of its present piece alone.

    Because nothing is carried forward between two changes, the result does not depend on how often it is looked at,
    to the last bit. `power_w` is what flows at the connection now (+ consumes, − produces); `until` is the instant
    at which the appliance changes by itself (infinity: never).
    """

    __slots__ = ("_consumed_j", "_produced_j", "power_w", "since", "t", "until")

    def __init__(self, t: float) -> None:
        self.t = t
        self.since = t
        self.until = inf
        self.power_w = 0.0
        self._consumed_j = 0.0
        self._produced_j = 0.0

    def advance_to(self, t: float) -> None:
        """Live until `t`; raises ValueError for an instant already passed."""
        if t < self.t:
            raise ValueError(f"the appliance stands at {self.t} s and cannot go back to {t} s")
        while self.until <= t:
            self._carry(self.until)
            self._plan()
        self.t = t

    @property
    def consumed_j(self) -> float:
        """Energy taken from the connection since the start, in J."""
        return self._consumed_j + max(self.power_w, 0.0) * (self.t - self.since)

    @property
    def produced_j(self) -> float:
        """Energy given to the connection since the start, in J."""
        return self._produced_j + max(-self.power_w, 0.0) * (self.t - self.since)

    def _carry(self, t: float) -> None:
        """End the present piece at `t`: bring energy and state up to it."""
        energy_j = self.power_w * (t - self.since)
        if energy_j > 0.0:
            self._consumed_j += energy_j
        else:
            self._produced_j -= energy_j
        self._move(t)
        self.since = t
        self.t = t

    def _replan(self) -> None:
        """Start a new piece now, after an order from outside."""
        self._carry(self.t)
        self._plan()

    @abstractmethod
    def _move(self, t: float) -> None:
        """Bring the state from `since` to `t`, within the present piece."""

    @abstractmethod
    def _plan(self) -> None:
        """Decide the piece that starts at `since`: its power, its laws, and its end, later than its start."""
