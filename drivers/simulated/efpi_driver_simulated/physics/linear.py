"""The exact answers of dx/dt = gain − decay·x, which every storage of the house obeys between two changes."""

from math import expm1, inf, log1p


def value_after(start: float, gain: float, decay: float, seconds: float) -> float:
    """The value after so many seconds; `gain` in units per second, `decay` (zero or above) per second."""
    if decay == 0.0:
        return start + gain * seconds
    return start + (start - gain / decay) * expm1(-decay * seconds)


def seconds_until(start: float, goal: float, gain: float, decay: float) -> float:
    """How long until the value is at `goal`: zero when it is there, infinity when it never comes."""
    if start == goal:
        return 0.0
    slope = gain - decay * start
    if slope == 0.0 or (goal > start) != (slope > 0.0):
        return inf
    if decay == 0.0:
        return (goal - start) / slope
    shrink = -decay * (goal - start) / slope
    if shrink <= -1.0:
        return inf
    return -log1p(shrink) / decay
