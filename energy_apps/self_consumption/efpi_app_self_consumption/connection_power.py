"""What flows at the connection to the grid without the levers: the ground of every decision.

It is the meter's value less what the levers draw. Meter and levers are read at different instants, so right after a
lever was moved their difference is wrong for a while; then the last sound value is kept, and nothing is chased.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from efpi_app_self_consumption.flow import NO_FLOW, Flow

SETTLE_S = 20.0
"""For so long after a move, beyond its processing delay, a lever may still be on its way."""

NEAR_W, NEAR_SHARE = 100.0, 0.2
"""A lever this close to what was asked of it has arrived."""


class Basis(StrEnum):
    """Where the number comes from."""

    METER = "meter"
    """From the meter at the connection."""
    SUM = "sum"
    """From the sum of what is measured, since there is no meter."""
    NONE = "none"
    """From nowhere: the meter is silent."""


@dataclass(slots=True)
class Reading:
    """A measured power."""

    flow: Flow
    at: datetime
    count: int
    """Readings of all appliances and moves of all levers are counted together, in the order of their arrival."""


@dataclass(slots=True)
class Moved:
    """A lever's appliance, as far as its readings must be trusted."""

    reading: Reading | None
    told: Flow
    """What it says it draws, by its mode."""
    asked_count: int = -1
    """When it was last asked to move, in the common count; below 0 never."""
    asked_w: float = 0.0
    settles_at: datetime | None = None

    @property
    def flow(self) -> Flow:
        """What it draws as far as is known."""
        return self.told if self.reading is None or self.reading.count < self.asked_count else self.reading.flow

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much."""
        if self.reading is not None:
            self.reading = replace(self.reading, at=self.reading.at + step)
        if self.settles_at is not None:
            self.settles_at += step

    def settled(self, meter: Reading | None, now: datetime) -> bool:
        """Whether its reading and the meter's tell of the same time."""
        if self.asked_count < 0 or self.settles_at is None or now >= self.settles_at:
            return True
        reading = self.reading
        if reading is None or reading.count < self.asked_count:
            return False
        if meter is not None and (meter.count < self.asked_count or meter.at < reading.at):
            return False
        return abs(reading.flow.total - self.asked_w) <= max(NEAR_W, NEAR_SHARE * abs(self.asked_w))


class ConnectionPower:
    """Keeps the last sound power without the levers."""

    def __init__(self) -> None:
        self._rest: Flow | None = None

    def without(
        self,
        meter: Reading | None,
        *,
        metered: bool,
        levers: Sequence[Moved],
        others: Iterable[Flow],
        now: datetime,
        stale_after: timedelta,
    ) -> tuple[Flow, Basis]:
        """The power without the levers, and where it comes from. `metered`: there is a meter, silent or not."""
        if not metered:
            rest = NO_FLOW
            for flow in others:
                rest = rest.plus(flow)
            return rest, Basis.SUM
        if meter is None or now - meter.at > stale_after:
            self._rest = None
            return NO_FLOW, Basis.NONE
        if self._rest is not None:
            for lever in levers:
                if not lever.settled(meter, now):
                    return self._rest, Basis.METER
        total, l1, l2, l3 = meter.flow
        for lever in levers:
            flow = lever.flow
            total, l1, l2, l3 = total - flow[0], l1 - flow[1], l2 - flow[2], l3 - flow[3]
        self._rest = Flow(total, l1, l2, l3)
        return self._rest, Basis.METER
