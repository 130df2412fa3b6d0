"""An electric car at its wallbox: 6 to 16 A on one or three phases, a slower end of charge, trips that empty it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from efpi_driver_simulated.physics.linear import seconds_until, value_after
from efpi_driver_simulated.physics.piecewise import Piecewise, Refused, grain

LEAST_A = 6.0
"""A wallbox cannot offer less (IEC 61851-1: the pilot signal starts at 6 A)."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One absence: the car leaves, uses energy on the road, and is plugged in again."""

    leave: float
    """Instant of unplugging, s."""
    back: float
    """Instant of plugging in again, s."""
    energy_j: float
    """Energy that the road takes, J."""


@dataclass(frozen=True, slots=True)
class CarSize:
    """Car and wallbox."""

    capacity_j: float
    """Energy between empty and full, in J."""
    most_a: float = 16.0
    """Largest current a phase, A, at least 6."""
    phase_v: float = 230.0
    """Voltage between phase and neutral, V."""
    efficiency: float = 0.91
    """Share of the charging energy that arrives in the cells."""
    idle_per_s: float = 8e-9
    """Share of the content that the parked car uses each second: 2 % a month."""
    standby_w: float = 3.0
    """What the wallbox draws while it does not charge, W."""
    taper_share: float = 0.9
    """Fill level, as a share, from which the car takes less."""
    taper_w: float = 3000.0
    """Largest charging power from there on, W; never below what 6 A bring."""
    reserve_share: float = 0.1
    """The driver charges on the road rather than come home with less than this share."""
    switch_s: float = 10.0
    """Pause while the wallbox changes the number of phases, s."""
    hold_s: float = 300.0
    """The number of phases stays for at least so long, s, to spare the contactor."""

    def power_w(self, current_a: float, phases: int) -> float:
        """The power of a current on so many phases, W."""
        return grain(current_a * phases * self.phase_v)

    def taper_most_a(self, phases: int) -> float:
        """The largest current of each phase near the end of charge, A."""
        return min(max(self.taper_w / (phases * self.phase_v), LEAST_A), self.most_a)


class Car(Piecewise):
    """A car that is charged when it is there."""

    __slots__ = ("_full", "_gain", "_goal_j", "_level_j", "_next_trip", "_pause_until", "away", "current_a",
                 "elsewhere_j", "hold_until", "phases", "road_j", "size", "trip")  # fmt: skip

    def __init__(self, size: CarSize, t: float, level_j: float, next_trip: Callable[[float], Trip | None]) -> None:
        super().__init__(t)
        self.size = size
        self.current_a = 0.0
        self.phases = 1
        self.hold_until = -inf
        self.road_j = 0.0
        """Energy used on the road so far, J."""
        self.elsewhere_j = 0.0
        """Energy charged away from home so far, J."""
        self._level_j = level_j
        self._gain = 0.0
        self._goal_j = inf
        self._pause_until = -inf
        self._full = False
        self._next_trip = next_trip
        self.trip = next_trip(t)
        """The present or next absence; None when no more are known."""
        self.away = False
        self._plan()

    @property
    def level_j(self) -> float:
        """Content now, in J."""
        return value_after(self._level_j, self._gain, 0.0 if self.away else self.size.idle_per_s, self.t - self.since)

    @property
    def working(self) -> bool:
        """Whether it charges now."""
        return self._gain > 0.0

    def tapered_a(self) -> float:
        """The current near the end of charge: as far between least and most as the ordered one is, A."""
        if self.size.most_a <= LEAST_A:
            return LEAST_A
        share = (self.current_a - LEAST_A) / (self.size.most_a - LEAST_A)
        return LEAST_A + share * (self.size.taper_most_a(self.phases) - LEAST_A)

    def order(self, current_a: float, phases: int) -> None:
        """Charge with this current a phase from now on; below 6 A it pauses, since no wallbox can offer less.

        Raises Refused while the car is away or the contactor must hold another number of phases.
        """
        if self.away:
            raise Refused("the car is away", self.until)
        current_a = 0.0 if current_a < LEAST_A else min(current_a, self.size.most_a)
        if current_a and phases != self.phases:
            if self.t < self.hold_until:
                raise Refused("the number of phases was changed a moment ago", self.hold_until)
            self._pause_until = self.t + self.size.switch_s
            self.hold_until = self.t + self.size.hold_s
            self.phases = phases
        self.current_a = current_a
        self._full = False
        self._replan()

    def _move(self, t: float) -> None:
        if t == self.until and self._goal_j != inf:
            self._level_j = self._goal_j
        elif self.away:
            self._level_j += self._gain * (t - self.since)
        else:
            self._level_j = value_after(self._level_j, self._gain, self.size.idle_per_s, t - self.since)

    def _plan(self) -> None:
        trip = self.trip
        if trip is not None and self.since >= trip.back:
            self.trip = trip = self._next_trip(self.since)
            self.away = False
        if trip is not None and self.since >= trip.leave:
            self._drive(trip)
        else:
            self._stay(inf if trip is None else trip.leave)

    def _drive(self, trip: Trip) -> None:
        self.power_w = self.size.standby_w
        if not self.away:
            self.away = True
            self.current_a = 0.0
            arrival_j = max(
                self._level_j - trip.energy_j, min(self._level_j, self.size.reserve_share * self.size.capacity_j)
            )
            self.road_j += trip.energy_j
            self.elsewhere_j += trip.energy_j - (self._level_j - arrival_j)
            self._goal_j = arrival_j
            self._gain = (arrival_j - self._level_j) / (trip.back - self.since)
        self.until = trip.back

    def _stay(self, leave: float) -> None:
        size, level = self.size, self._level_j
        taper_j, resume_j = size.taper_share * size.capacity_j, 0.99 * size.capacity_j
        if level >= size.capacity_j:
            self._full = True
        elif level <= resume_j:
            self._full = False
        end = inf
        self._gain, self._goal_j = 0.0, inf
        self.power_w = size.standby_w
        if self.since < self._pause_until:
            end = self._pause_until
        elif self.current_a and not self._full:
            current_a = self.tapered_a() if level >= taper_j else self.current_a
            self.power_w = self.size.power_w(current_a, self.phases)
            self._gain = self.power_w * size.efficiency
            self._goal_j = size.capacity_j if level >= taper_j else taper_j
        elif self.current_a:
            self._goal_j = resume_j
        goal_at = self.since + seconds_until(level, self._goal_j, self._gain, size.idle_per_s)
        self.until = min(goal_at, end, leave)
        if self.until != goal_at:
            self._goal_j = inf
