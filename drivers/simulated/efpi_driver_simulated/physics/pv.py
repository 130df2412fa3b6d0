"""A roof of PV panels with its inverter: sun and cloud in, alternating current out, and a limit that can be set."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from efpi_driver_simulated.physics.piecewise import GRAIN_W, Piecewise, grain
from efpi_driver_simulated.physics.slots import Slots

DARK_S = 1500.0
"""Where the sun gives nothing now nor after this time, it gives nothing in between."""


@dataclass(frozen=True, slots=True)
class PvSize:
    """Panels and inverter."""

    peak_w: float
    """Power of the panels in standard conditions (1000 W/m², 25 °C), W."""
    inverter_w: float
    """Largest output of the inverter, W."""
    efficiency: float = 0.965
    """Share of the direct current's power that arrives at the connection."""
    losses: float = 0.12
    """Share lost to soiling, mismatch, wiring and age (PVWatts version 5 gives 14 % as a default)."""
    per_k: float = -0.0035
    """Change of the panels' power for each kelvin above 25 °C."""
    warming_k_per_w_m2: float = 0.03
    """How much the cells are warmer than the air, K for each W/m² (44 °C in nominal conditions)."""
    night_w: float = 1.0
    """What the inverter draws when it does not feed, W."""

    def output_w(self, plane_w_m2: float, air_c: float) -> float:
        """Output of the inverter without a limit, W, for the light on the panels' plane and the air's temperature."""
        cell_c = air_c + self.warming_k_per_w_m2 * plane_w_m2
        direct_w = self.peak_w * plane_w_m2 / 1000.0 * (1.0 + self.per_k * (cell_c - 25.0)) * (1.0 - self.losses)
        return min(max(direct_w * self.efficiency, 0.0), self.inverter_w)


class Pv(Piecewise):
    """A PV plant whose output holds for a slot; `light(t)` gives the W/m² on the panels and the air's temperature."""

    __slots__ = ("_light", "available_w", "limit_w", "size", "slots", "spilt_j")

    def __init__(self, size: PvSize, t: float, light: Callable[[float], tuple[float, float]], slots: Slots) -> None:
        super().__init__(t)
        self.size = size
        self.slots = slots
        self.limit_w = inf
        """Set limit of the output, W; infinity for none."""
        self.available_w = 0.0
        """What the sun would allow in this slot, W."""
        self.spilt_j = 0.0
        """Energy given up to the limit before the present piece, J."""
        self._light = light
        self._plan()

    def limit(self, output_w: float) -> None:
        """Never give more than this from now on, W; infinity lifts the limit."""
        bounded = min(max(output_w, 0.0), self.size.inverter_w)
        self.limit_w = inf if output_w == inf else bounded // GRAIN_W * GRAIN_W
        self._replan()

    def expected_w(self, t: float) -> float:
        """What the sun allows in the slot that holds `t`, W."""
        plane_w_m2, air_c = self._light(self.slots.middle(t))
        return grain(self.size.output_w(plane_w_m2, air_c))

    def _move(self, t: float) -> None:
        self.spilt_j += max(self.available_w + min(self.power_w, 0.0), 0.0) * (t - self.since)

    def _plan(self) -> None:
        self.available_w = self.expected_w(self.since)
        output_w = min(self.available_w, self.limit_w)
        self.power_w = -output_w if output_w > 0.0 else self.size.night_w
        self.until = self.slots.end(self.since)
        if self.available_w == 0.0 and self.expected_w(self.until + DARK_S) == 0.0:
            self.until = self.slots.end(self.until + DARK_S)
