"""A hot-water buffer heated by a small heat pump, with an electric element for haste.

The water is fully mixed at one temperature. It loses heat to the room in proportion to the difference; draws take the
heat that a mixing tap needs; the heat pump's coefficient of performance falls with the water's temperature and
rises with the outdoor air's. Each of these is linear in the water's temperature, so every piece has an exact end.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.physics.linear import seconds_until, value_after
from efpi_driver_simulated.physics.piecewise import Held, Piecewise, Refused, grain, nothing

WATER_J_PER_LITRE_K = 4180.0
"""Heat that warms a litre of water by a kelvin, J."""

BoilerMode = Literal["off", "eco", "boost"]


@dataclass(frozen=True, slots=True)
class BoilerSize:
    """Vessel, heat pump and element."""

    litres: float = 250.0
    """Water in the vessel, l."""
    loss_w_per_k: float = 1.7
    """Heat lost through the insulation, W for each kelvin above the room."""
    room_c: float = 18.0
    """Temperature of the room, °C."""
    heat_pump_w: float = 550.0
    """Electrical power of the heat pump, W."""
    element_w: float = 1500.0
    """Electrical power of the element, W."""
    standby_w: float = 5.0
    """Electronics at rest, W."""
    start_s: float = 60.0
    """The compressor's soft start, during which it gives no heat, s."""
    start_share: float = 0.4
    """Share of the heat pump's power drawn during the soft start."""
    run_s: float = 600.0
    """Least running time of the compressor, s."""
    rest_s: float = 300.0
    """Least rest of the compressor, s."""
    cop: float = 3.2
    """Coefficient of performance with outdoor air at 7 °C and water at 45 °C."""
    cop_per_outdoor_k: float = 0.06
    """Its rise for each kelvin outdoors."""
    cop_per_water_k: float = 0.055
    """Its fall for each kelvin of the water."""
    cop_least: float = 1.0
    """It never falls below."""
    cop_most: float = 6.0
    """It never rises above."""
    least_c: float = 42.0
    """Below this the boiler heats by itself, °C."""
    relief_k: float = 4.0
    """A heating that the boiler began by itself ends so far above where it began, K."""
    eco_c: float = 55.0
    """Highest temperature the heat pump reaches, °C."""
    boost_c: float = 65.0
    """Highest temperature the element reaches, °C."""
    use_c: float = 40.0
    """Temperature at the tap, °C."""
    cold_c: float = 10.0
    """Temperature of the water main, °C."""

    @property
    def capacity_j_per_k(self) -> float:
        """Heat that warms the vessel by a kelvin, J."""
        return self.litres * WATER_J_PER_LITRE_K

    def cop_at(self, water_c: float, outdoor_c: float) -> float:
        """The coefficient of performance at these temperatures."""
        raw = self.cop + self.cop_per_outdoor_k * (outdoor_c - 7.0) - self.cop_per_water_k * (water_c - 45.0)
        return min(max(raw, self.cop_least), self.cop_most)

    def cop_knees_c(self, outdoor_c: float) -> tuple[float, float]:
        """The water temperatures between which the coefficient falls from its most to its least, °C."""
        over = self.cop + self.cop_per_outdoor_k * (outdoor_c - 7.0)
        slope = self.cop_per_water_k
        return 45.0 + (over - self.cop_most) / slope, 45.0 + (over - self.cop_least) / slope


class Boiler(Piecewise):
    """A boiler that heats when ordered, and by itself before the water is too cold."""

    __slots__ = ("_decay", "_gain", "_goal_c", "_heat_from", "_water_c", "by_itself", "compressor", "draws", "least_c",
                 "mode", "outdoor", "size")  # fmt: skip

    def __init__(
        self,
        size: BoilerSize,
        t: float,
        water_c: float,
        outdoor: Held,
        draws: Held = nothing,
        may_start_at: float = -inf,
    ) -> None:
        super().__init__(t)
        self.size = size
        self.outdoor = outdoor
        self.draws = draws
        self.mode: BoilerMode = "off"
        self.least_c = size.least_c
        """Below this it heats by itself, °C."""
        self.by_itself = False
        """Whether the present heating is the boiler's own decision."""
        self.compressor = Compressor(size.run_s, size.rest_s, may_start_at)
        self._water_c = water_c
        self._heat_from = -inf
        self._gain = 0.0
        self._decay = 0.0
        self._goal_c = inf
        self._plan()

    @property
    def water_c(self) -> float:
        """The water's temperature now, °C."""
        return value_after(self._water_c, self._gain, self._decay, self.t - self.since)

    @property
    def starting(self) -> bool:
        """Whether the compressor is in its soft start."""
        return self.mode != "off" and self.t < self._heat_from

    def keep(self, least_c: float) -> None:
        """Heat by itself below this from now on, °C: low while an app sees to the water, higher when nobody does."""
        self.least_c = max(least_c, self.size.least_c)
        self._replan()

    def limit_c(self, mode: BoilerMode) -> float:
        """The temperature at which a mode ends by itself, °C; there is none for rest."""
        return {"off": inf, "eco": self.size.eco_c, "boost": self.size.boost_c}[mode]

    def order(self, mode: BoilerMode) -> None:
        """Heat so from now on.

        Raises Refused while the compressor is protected, when the water is as hot as the mode makes it, and when a
        rest would leave the resident without hot water.
        """
        if mode != "off" and self.water_c >= self.limit_c(mode):
            raise Refused(f"the water has {self.water_c:.1f} °C; {mode} ends at {self.limit_c(mode):.0f} °C")
        if mode == "off" and self.by_itself:
            raise Refused(f"the water has {self.water_c:.1f} °C and would soon be too cold to use")
        self._carry(self.t)
        self._switch(mode)
        self._plan()

    def _switch(self, mode: BoilerMode, *, by_itself: bool = False, force: bool = False) -> None:
        if mode == "off":
            self.compressor.stop(self.since, force=force)
        elif not self.compressor.on:
            self.compressor.start(self.since)
            self._heat_from = self.since + self.size.start_s
        self.mode = mode
        self.by_itself = by_itself

    def _move(self, t: float) -> None:
        if t == self.until and self._goal_c != inf:
            self._water_c = self._goal_c
        else:
            self._water_c = value_after(self._water_c, self._gain, self._decay, t - self.since)

    def _decide(self) -> float:
        """Take the boiler's own decisions that fall at the start of a piece; the answer is when the next may fall."""
        water_c = self._water_c
        if self.mode == "off":
            if water_c <= self.least_c:
                if self.since < self.compressor.may_start_at:
                    return self.compressor.may_start_at
                self._switch("eco", by_itself=True)
        elif water_c >= self.limit_c(self.mode):
            self._switch("off", force=True)
        elif self.by_itself and water_c >= self.least_c + self.size.relief_k:
            if self.since < self.compressor.may_stop_at:
                return self.compressor.may_stop_at
            self._switch("off")
        return inf

    def _plan(self) -> None:
        decide_at = self._decide()
        litres_per_s, draw_end = self.draws(self.since)
        heating = self.mode != "off" and self.since >= self._heat_from
        heat_at = self._heat_from if self.mode != "off" and not heating else inf
        outdoor_c, outdoor_end = self.outdoor(self.since) if heating else (0.0, inf)
        self.power_w = self._electrical_w(heating=heating)
        rising = self._set_law(litres_per_s, outdoor_c, heating=heating)
        self._goal_c = self._next_goal(outdoor_c, rising=rising, heating=heating, drawing=litres_per_s > 0.0)
        goal_at = self.since + seconds_until(self._water_c, self._goal_c, self._gain, self._decay)
        self.until = min(goal_at, decide_at, draw_end, outdoor_end, heat_at)
        if self.until != goal_at:
            self._goal_c = inf

    def _electrical_w(self, *, heating: bool) -> float:
        if self.mode == "off":
            return self.size.standby_w
        heat_pump_w = self.size.heat_pump_w * (1.0 if heating else self.size.start_share)
        return grain(heat_pump_w + (self.size.element_w if self.mode == "boost" else 0.0))

    def _set_law(self, litres_per_s: float, outdoor_c: float, *, heating: bool) -> bool:
        """Set gain and decay of the water's temperature; the answer says whether it rises."""
        size, water_c = self.size, self._water_c
        tap_w_per_k = litres_per_s * WATER_J_PER_LITRE_K
        heat_pump_w = size.heat_pump_w if heating else 0.0
        heat_w = size.loss_w_per_k * size.room_c + (size.element_w if self.mode == "boost" else 0.0)
        heat_w += heat_pump_w * size.cop_at(water_c, outdoor_c)
        tap_w = tap_w_per_k * (min(water_c, size.use_c) - size.cold_c)
        rising = heat_w - tap_w > size.loss_w_per_k * water_c
        fall_w_per_k = size.loss_w_per_k
        if heating and self._on_slope(water_c, size.cop_knees_c(outdoor_c), rising=rising):
            heat_w += heat_pump_w * size.cop_per_water_k * water_c
            fall_w_per_k += heat_pump_w * size.cop_per_water_k
        if water_c > size.use_c or (water_c == size.use_c and rising):
            heat_w -= tap_w_per_k * (size.use_c - size.cold_c)
        else:
            heat_w += tap_w_per_k * size.cold_c
            fall_w_per_k += tap_w_per_k
        self._gain = heat_w / size.capacity_j_per_k
        self._decay = fall_w_per_k / size.capacity_j_per_k
        return rising

    @staticmethod
    def _on_slope(water_c: float, knees_c: tuple[float, float], *, rising: bool) -> bool:
        low, high = knees_c
        return low < water_c < high or (water_c == low and rising) or (water_c == high and not rising)

    def _next_goal(self, outdoor_c: float, *, rising: bool, heating: bool, drawing: bool) -> float:
        """The nearest temperature ahead at which the law or the mode changes; infinity for none."""
        size, water_c = self.size, self._water_c
        marks = list(size.cop_knees_c(outdoor_c)) if heating else []
        if drawing:
            marks.append(size.use_c)
        if self.mode == "off":
            marks.append(self.least_c)
        else:
            marks.append(self.limit_c(self.mode))
            if self.by_itself:
                marks.append(self.least_c + size.relief_k)
        if rising:
            return min((mark for mark in marks if mark > water_c), default=inf)
        return max((mark for mark in marks if mark < water_c), default=inf)
