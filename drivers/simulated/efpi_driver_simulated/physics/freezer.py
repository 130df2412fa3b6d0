"""A freezer: a cold mass behind insulation, a compressor with its protection, and a door that people open."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.physics.linear import seconds_until, value_after
from efpi_driver_simulated.physics.piecewise import Held, Piecewise, Refused, nothing

FreezerMode = Literal["off", "cool", "boost"]


@dataclass(frozen=True, slots=True)
class FreezerSize:
    """Cabinet, food and compressor."""

    mass_j_per_k: float = 90_000.0
    """Heat that warms cabinet and food by a kelvin, J."""
    leak_w_per_k: float = 0.75
    """Heat coming through the insulation, W for each kelvin of difference to the room."""
    room_c: float = 20.0
    """Temperature of the room, °C."""
    cool_w: float = 85.0
    """Electrical power while cooling, W."""
    boost_w: float = 130.0
    """Electrical power while freezing fast, W."""
    cop: float = 1.5
    """Heat moved for each unit of electricity."""
    standby_w: float = 1.0
    """Electronics at rest, W."""
    run_s: float = 300.0
    """Least running time of the compressor, s."""
    rest_s: float = 300.0
    """Least rest of the compressor, s."""
    warmest_c: float = -18.0
    """At this the freezer cools by itself, °C."""
    coolest_c: float = -22.0
    """Cooling ends here, °C."""
    boost_c: float = -27.0
    """Fast freezing ends here, °C."""
    relief_k: float = 1.0
    """A cooling that the freezer began by itself ends so far below `warmest_c`, K."""

    def heat_moved_w(self, mode: FreezerMode) -> float:
        """Heat that a mode takes out, W."""
        return {"off": 0.0, "cool": self.cool_w, "boost": self.boost_w}[mode] * self.cop


class Freezer(Piecewise):
    """A freezer that cools when ordered, and by itself before the food suffers.

    `doors` gives the extra W/K that an open door lets in.
    """

    __slots__ = ("_decay", "_gain", "_goal_c", "_inside_c", "by_itself", "compressor", "doors", "mode", "size")

    def __init__(
        self, size: FreezerSize, t: float, inside_c: float, doors: Held = nothing, may_start_at: float = -inf
    ) -> None:
        super().__init__(t)
        self.size = size
        self.doors = doors
        self.mode: FreezerMode = "off"
        self.by_itself = False
        """Whether the present cooling is the freezer's own decision."""
        self.compressor = Compressor(size.run_s, size.rest_s, may_start_at)
        self._inside_c = inside_c
        self._gain = 0.0
        self._decay = 0.0
        self._goal_c = inf
        self._plan()

    @property
    def inside_c(self) -> float:
        """The temperature inside now, °C."""
        return value_after(self._inside_c, self._gain, self._decay, self.t - self.since)

    def limit_c(self, mode: FreezerMode) -> float:
        """The temperature at which a mode ends by itself, °C; there is none for rest."""
        return {"off": -inf, "cool": self.size.coolest_c, "boost": self.size.boost_c}[mode]

    def order(self, mode: FreezerMode) -> None:
        """Cool so from now on.

        Raises Refused while the compressor is protected, when it is as cold inside as the mode makes it, and when a
        rest would spoil the food.
        """
        if mode != "off" and self.inside_c <= self.limit_c(mode):
            raise Refused(f"it is {self.inside_c:.1f} °C inside; {mode} ends at {self.limit_c(mode):.0f} °C")
        if mode == "off" and self.by_itself:
            raise Refused(f"it is {self.inside_c:.1f} °C inside and the food must stay cold")
        self._carry(self.t)
        self._switch(mode)
        self._plan()

    def _switch(self, mode: FreezerMode, *, by_itself: bool = False, force: bool = False) -> None:
        if mode == "off":
            self.compressor.stop(self.since, force=force)
        else:
            self.compressor.start(self.since)
        self.mode = mode
        self.by_itself = by_itself

    def _move(self, t: float) -> None:
        if t == self.until and self._goal_c != inf:
            self._inside_c = self._goal_c
        else:
            self._inside_c = value_after(self._inside_c, self._gain, self._decay, t - self.since)

    def _decide(self) -> float:
        """Take the freezer's own decisions that fall at the start of a piece; the answer is when the next may fall."""
        inside_c = self._inside_c
        if self.mode == "off":
            if inside_c >= self.size.warmest_c:
                if self.since < self.compressor.may_start_at:
                    return self.compressor.may_start_at
                self._switch("cool", by_itself=True)
        elif inside_c <= self.limit_c(self.mode):
            self._switch("off", force=True)
        elif self.by_itself and inside_c <= self.size.warmest_c - self.size.relief_k:
            if self.since < self.compressor.may_stop_at:
                return self.compressor.may_stop_at
            self._switch("off")
        return inf

    def _plan(self) -> None:
        decide_at = self._decide()
        door_w_per_k, door_end = self.doors(self.since)
        size, inside_c = self.size, self._inside_c
        moved_w = size.heat_moved_w(self.mode)
        leak = size.leak_w_per_k + door_w_per_k
        self._gain = (leak * size.room_c - moved_w) / size.mass_j_per_k
        self._decay = leak / size.mass_j_per_k
        self.power_w = {"off": size.standby_w, "cool": size.cool_w, "boost": size.boost_w}[self.mode]
        self._goal_c = self._next_goal(rising=leak * (size.room_c - inside_c) > moved_w)
        goal_at = self.since + seconds_until(inside_c, self._goal_c, self._gain, self._decay)
        self.until = min(goal_at, decide_at, door_end)
        if self.until != goal_at:
            self._goal_c = inf

    def _next_goal(self, *, rising: bool) -> float:
        """The nearest temperature ahead at which the mode changes; infinity for none."""
        inside_c = self._inside_c
        if rising:
            return self.size.warmest_c if self.mode == "off" and inside_c < self.size.warmest_c else inf
        relief_c = self.size.warmest_c - self.size.relief_k
        if self.by_itself and inside_c > relief_c:
            return relief_c
        return self.limit_c(self.mode) if inside_c > self.limit_c(self.mode) and self.mode != "off" else inf
