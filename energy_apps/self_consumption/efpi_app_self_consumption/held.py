"""A curtailment that holds by our doing."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(slots=True)
class Held:
    """What was asked, and for how long."""

    allocation_id: str
    lower_w: float | None
    upper_w: float | None
    since_s: float
    until_s: float
    shortest_s: float
    """It must last at least so long."""

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much."""
        self.since_s += step.total_seconds()
        self.until_s += step.total_seconds()
