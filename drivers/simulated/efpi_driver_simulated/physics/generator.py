"""An emergency generator: it starts slowly, runs for a least time, burns fuel, and its tank runs dry."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from efpi_driver_simulated.physics.piecewise import Piecewise, Refused, grain

GeneratorStage = Literal["off", "starting", "running", "cooling"]


@dataclass(frozen=True, slots=True)
class GeneratorSize:
    """Engine, alternator and tank."""

    most_w: float = 4000.0
    """Largest output, W."""
    least_share: float = 0.25
    """Least output while running, as a share of the largest."""
    idle_l_per_s: float = 0.00012
    """Fuel burnt without output, l/s."""
    fuel_l_per_j: float = 9.0e-8
    """Fuel burnt for the output, l/J, beside the idle burn."""
    standby_w: float = 6.0
    """Charger of the starter battery and engine heater, W, while it stands."""
    start_s: float = 20.0
    """From the order to the output, s."""
    cool_s: float = 60.0
    """Run without output before the stop, s."""
    run_s: float = 300.0
    """Least time with output, s."""
    rest_s: float = 60.0
    """Least rest, s."""
    tank_l: float = 20.0
    """Fuel in a full tank, l."""
    refill_s: float = 6 * 3600.0
    """How long the resident takes to fill an empty tank, s."""

    @property
    def least_w(self) -> float:
        """Least output while running, W."""
        return self.least_share * self.most_w

    def fuel_l_per_s(self, output_w: float) -> float:
        """Fuel burnt while the engine turns, l/s."""
        return self.idle_l_per_s + self.fuel_l_per_j * output_w


class Generator(Piecewise):
    """A generator that runs at the ordered output."""

    __slots__ = ("_burn", "_dry_at", "_fuel_l", "_stage_ends", "burnt_l", "may_start_at", "may_stop_at", "output_w",
                 "size", "stage")  # fmt: skip

    def __init__(self, size: GeneratorSize, t: float) -> None:
        super().__init__(t)
        self.size = size
        self.stage: GeneratorStage = "off"
        self.output_w = 0.0
        """Ordered output, W."""
        self.may_start_at = -inf
        self.may_stop_at = -inf
        self.burnt_l = 0.0
        """Fuel burnt up to the start of the present piece, l."""
        self._fuel_l = size.tank_l
        self._burn = 0.0
        self._stage_ends = inf
        self._dry_at = -inf
        self._plan()

    @property
    def fuel_l(self) -> float:
        """Fuel in the tank now, l."""
        return max(0.0, self._fuel_l - self._burn * (self.t - self.since))

    def order(self, output_w: float) -> None:
        """Give this output from now on, or stop with 0; raises Refused while a timer protects it or the tank is dry."""
        if output_w > 0.0:
            if self.stage == "off":
                if self.t < self.may_start_at:
                    raise Refused("the generator rests for its least time", self.may_start_at)
                if self.fuel_l <= 0.0:
                    raise Refused("the tank is empty", self._dry_at + self.size.refill_s)
            self._carry(self.t)
            self.output_w = grain(min(max(output_w, self.size.least_w), self.size.most_w))
            if self.stage == "off":
                self._enter("starting")
            elif self.stage == "cooling":
                self._enter("running")
        else:
            if self.stage == "running" and self.t < self.may_stop_at:
                raise Refused("the generator runs for its least time", self.may_stop_at)
            self._carry(self.t)
            self._end_output()
        self._plan()

    def _end_output(self) -> None:
        if self.stage == "running":
            self._enter("cooling")
        elif self.stage == "starting":
            self._enter("off")

    def _enter(self, stage: GeneratorStage) -> None:
        now, size = self.since, self.size
        if stage == "running" and self.stage == "starting":
            self.may_stop_at = now + size.run_s
        if stage == "off":
            self.may_start_at = now + size.rest_s
            self.output_w = 0.0
        self.stage = stage
        self._stage_ends = now + {"starting": size.start_s, "cooling": size.cool_s}.get(stage, inf)

    def _move(self, t: float) -> None:
        burnt_l = min(self._burn * (t - self.since), self._fuel_l)
        if self._burn > 0.0 and t >= self._dry_at:
            burnt_l = self._fuel_l
        self.burnt_l += burnt_l
        self._fuel_l -= burnt_l

    def _plan(self) -> None:
        now, size = self.since, self.size
        if self.stage != "off" and self._fuel_l <= 0.0:
            self._enter("off")
        elif now >= self._stage_ends:
            self._enter("running" if self.stage == "starting" else "off")
        if self.stage == "off" and self._fuel_l <= 0.0 and now >= self._dry_at + size.refill_s:
            self._fuel_l = size.tank_l
        running = self.stage == "running"
        self.power_w = -self.output_w if running else size.standby_w if self.stage == "off" else 0.0
        self._burn = 0.0 if self.stage == "off" else size.fuel_l_per_s(self.output_w if running else 0.0)
        if self._burn > 0.0:
            self._dry_at = now + self._fuel_l / self._burn
            self.until = min(self._stage_ends, self._dry_at)
        else:
            self.until = self._dry_at + size.refill_s if self._fuel_l <= 0.0 else inf
