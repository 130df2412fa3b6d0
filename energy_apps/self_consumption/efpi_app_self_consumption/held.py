"""A curtailment that holds by our doing."""

from dataclasses import dataclass


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
