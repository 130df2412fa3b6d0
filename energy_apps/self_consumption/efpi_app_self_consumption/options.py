"""What can be had from where an actuator stands, worked out once for each standpoint and kept."""

from typing import NamedTuple

from efpi_app_self_consumption.segment import Segment
from efpi_app_self_consumption.ways import Reach, Ways

NO_BOUND = float("inf")


class Option(NamedTuple):
    """A stretch of a mode that can be had, and the way to it."""

    segment: Segment
    reach: Reach
    bottom: float = -NO_BOUND
    """The level below which the mode cannot run."""
    top: float = NO_BOUND
    """The level above which it cannot run."""


class Options(NamedTuple):
    """All that can be had, and what is asked of it often."""

    all: tuple[Option, ...]
    rising: tuple[tuple[float, float], ...]
    """For each way of raising the level by consuming: J, and money beside electricity, for a unit of level."""
    falling: tuple[tuple[float, float], ...]
    """The same for lowering it."""

    def consuming(self) -> "Options":
        """The same without what produces."""
        return self._replace(all=tuple(option for option in self.all if option.segment.low.total >= 0.0))

    def unit_cost(self, price: float, *, upward: bool) -> float:
        """What moving the level by a unit costs at least, at a price of electricity; infinite if it cannot be moved."""
        least = NO_BOUND
        for energy, money in self.rising if upward else self.falling:
            least = min(least, energy * price + money)
        return least


NOTHING = Options((), (), ())


class Standpoint:
    """The modes of an actuator at one fill level."""

    __slots__ = ("_known", "_ranges", "_ways", "segments")

    def __init__(
        self, ways: Ways, segments: dict[str, tuple[Segment, ...]], ranges: dict[str, tuple[float, float]]
    ) -> None:
        self.segments = segments
        """What each mode can do here."""
        self._ways = ways
        self._ranges = ranges
        self._known: dict[tuple[str, frozenset[str], bool], Options] = {}

    def options(self, mode_id: str, blocked: frozenset[str], abnormal: bool) -> Options:
        """What can be had from a mode, `blocked` naming the timers that still run."""
        key = (mode_id, blocked, abnormal)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._find(mode_id, blocked, abnormal)
        return known

    def _find(self, mode_id: str, blocked: frozenset[str], abnormal: bool) -> Options:
        found = tuple(
            Option(segment, reach, *self._ranges.get(reach.mode_id, (-NO_BOUND, NO_BOUND)))
            for reach in self._ways.reachable(mode_id, blocked, abnormal)
            for segment in self.segments.get(reach.mode_id, ())
            if abnormal or not segment.abnormal_only
        )
        consuming = [option.segment for option in found if option.segment.high.total > 0.0]
        return Options(
            found,
            tuple(_unit(segment) for segment in consuming if segment.high_rate > 0.0),
            tuple(_unit(segment) for segment in consuming if segment.high_rate < 0.0),
        )


def _unit(segment: Segment) -> tuple[float, float]:
    rate = abs(segment.high_rate)
    return segment.high.total / rate, segment.high_cost / rate
