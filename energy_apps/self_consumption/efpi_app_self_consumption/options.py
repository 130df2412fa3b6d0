"""What can be had from where an actuator stands, worked out once for each standpoint and kept."""

from typing import NamedTuple

from efpi_app_self_consumption.segment import Segment
from efpi_app_self_consumption.ways import Reach, Ways

NO_BOUND = float("inf")

SHORTEST_STAY_S = 1800.0
"""The cost of a change of mode is spread over at least this time."""


class Option(NamedTuple):
    """A stretch of a mode that can be had, and the way to it."""

    segment: Segment
    reach: Reach
    bottom: float = -NO_BOUND
    """The level below which the mode cannot run."""
    top: float = NO_BOUND
    """The level above which it cannot run."""


Row = tuple[Option, str, float, float, float, float, float, float, float]
"""An option; its mode; W, level per s and money per s, each at its lower and its upper end; money per s of the way."""


class Options(NamedTuple):
    """All that can be had, and what is asked of it often."""

    all: tuple[Option, ...]
    rising: tuple[tuple[float, float], ...]
    """For each way of raising the level by consuming: J, and money beside electricity, for a unit of level."""
    falling: tuple[tuple[float, float], ...]
    """The same for lowering it."""
    rest: Option | None = None
    """What draws least without producing, where that does not move the level."""
    consumes: bool = False
    """Whether anything can be had that draws more than that."""
    step_w: float = 0.0
    """By how much the power jumps when it is switched on, W."""
    gives: bool = False
    """Whether anything can be had that produces."""
    consuming_rows: tuple[Row, ...] = ()
    """The options that do not produce, as flat numbers, for those who must be quick."""

    def unit_cost(self, price: float, *, upward: bool) -> float:
        """What moving the level by a unit costs at least, at a price of electricity; infinite if it cannot be moved."""
        least = NO_BOUND
        for energy, money in self.rising if upward else self.falling:
            least = min(least, energy * price + money)
        return least


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
        still = [option for option in found if _still(option.segment)]
        rest = min(still, key=lambda option: option.segment.high.total, default=None)
        least = rest.segment.high.total if rest is not None else 0.0
        return Options(
            found,
            tuple(_unit(segment) for segment in consuming if segment.high_rate > 0.0),
            tuple(_unit(segment) for segment in consuming if segment.high_rate < 0.0),
            rest,
            any(segment.high.total > least for segment in consuming),
            min((segment.low.total for segment in consuming if segment.high.total > least), default=0.0) - least,
            any(option.segment.low.total < 0.0 for option in found),
            tuple(_row(option) for option in found if option.segment.low.total >= 0.0),
        )


def _row(option: Option) -> Row:
    segment, reach = option.segment, option.reach
    way = reach.cost / max(reach.hold_s, SHORTEST_STAY_S) if reach.cost else 0.0
    return (
        option,
        segment.mode_id,
        segment.low.total,
        segment.high.total,
        segment.low_rate,
        segment.high_rate,
        segment.low_cost,
        segment.high_cost,
        way,
    )


def _still(segment: Segment) -> bool:
    return segment.low.total >= 0.0 and segment.low_rate == segment.high_rate == 0.0 and segment.high_cost == 0.0


def _unit(segment: Segment) -> tuple[float, float]:
    rate = abs(segment.high_rate)
    return segment.high.total / rate, segment.high_cost / rate
