"""What a storage can do and how it empties by itself, made quick to ask at any fill level."""

from bisect import bisect_right
from typing import NamedTuple

from efi.commodity import Phase
from efi.storage import (
    ActuatorBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageSystemDescription,
)
from efpi_app_self_consumption.options import Standpoint
from efpi_app_self_consumption.segment import Fuel, Segment, segments
from efpi_app_self_consumption.ways import Ways


class _Element(NamedTuple):
    lower: float
    upper: float
    at_lower: tuple[Segment, ...]
    at_upper: tuple[Segment, ...] | None


class ModeModel:
    """One running mode over the fill level."""

    def __init__(self, mode: StorageMode, phases: tuple[Phase, ...], fuels: Fuel) -> None:
        self.mode_id = mode.mode_id
        self.abnormal_only = mode.abnormal_condition_only
        continuous = mode.continuous

        def stretch(behaviour: StorageModeElement, upper_end: bool) -> tuple[Segment, ...]:
            here = behaviour.at_upper if upper_end and behaviour.at_upper is not None else behaviour
            rates = (here.fill_rate.start, here.fill_rate.end)
            return segments(
                mode.mode_id, mode.label, continuous, mode.abnormal_condition_only, here, rates, phases, fuels
            )

        self._elements = tuple(
            _Element(
                element.fill_level_range.lower,
                element.fill_level_range.upper,
                stretch(element, upper_end=False),
                stretch(element, upper_end=True) if element.at_upper is not None else None,
            )
            for element in mode.elements
        )
        self.lower = self._elements[0].lower
        self.upper = self._elements[-1].upper
        self.bounds = tuple(element.upper for element in self._elements)
        """The levels at which its behaviour changes."""
        consuming = [segment for element in self._elements for segment in element.at_lower if segment.low.total >= 0.0]
        self.least_consumption_w = min((segment.low.total for segment in consuming), default=None)
        """The least that it draws, W; None for a mode that only produces."""
        self.divisible = any(segment.high.total > segment.low.total for segment in consuming)
        """Whether its consumption can be chosen."""

    def at(self, level: float) -> tuple[Segment, ...]:
        """What the mode does at a fill level; nothing where it cannot run."""
        if not self.lower <= level <= self.upper:
            return ()
        element = self._elements[-1]
        for candidate in self._elements:
            if level < candidate.upper:
                element = candidate
                break
        if element.at_upper is None:
            return element.at_lower
        width = element.upper - element.lower
        share = (level - element.lower) / width if width > 0.0 else 0.0
        if len(element.at_lower) != len(element.at_upper):
            return element.at_lower if share < 0.5 else element.at_upper
        return tuple(_mixed(here, there, share) for here, there in zip(element.at_lower, element.at_upper, strict=True))

    def bounds_between(self, lower: float, upper: float) -> list[float]:
        """The fill levels between two others at which the mode begins to behave differently."""
        return [bound for bound in self.bounds if lower < bound < upper]


def _mixed(here: Segment, there: Segment, share: float) -> Segment:
    return here._replace(
        low=here.low.towards(there.low, share),
        high=here.high.towards(there.high, share),
        low_rate=here.low_rate + (there.low_rate - here.low_rate) * share,
        high_rate=here.high_rate + (there.high_rate - here.high_rate) * share,
        low_cost=_between(here.low_cost, there.low_cost, share),
        high_cost=_between(here.high_cost, there.high_cost, share),
    )


def _between(here: float, there: float, share: float) -> float:
    # Equal costs stay what they are, an unknown one included, which no arithmetic would survive.
    return here if here == there else here + (there - here) * share


FINENESS = 500
"""A standpoint serves for this part of the storage's range, since nothing changes much within it."""

MOST_STANDPOINTS = 2_000


class ActuatorModel:
    """One actuator: its modes and the ways between them."""

    def __init__(self, behaviour: ActuatorBehaviour, phases: tuple[Phase, ...], fuels: Fuel) -> None:
        self.actuator_id = behaviour.actuator_id
        self.ways = Ways(behaviour)
        self.modes = {mode.mode_id: ModeModel(mode, phases, fuels) for mode in behaviour.modes}
        self.idle_w = min(
            (least for mode in self.modes.values() if (least := mode.least_consumption_w) is not None), default=0.0
        )
        """The least that it can draw without producing, W."""
        self.divisible = any(mode.divisible for mode in self.modes.values())
        """Whether a power can be chosen, beyond on and off."""
        self._ranges = {mode_id: (mode.lower, mode.upper) for mode_id, mode in self.modes.items()}
        self._bounds = sorted({bound for mode in self.modes.values() for bound in (mode.lower, *mode.bounds)})
        self._grain = max(self._bounds[-1] - self._bounds[0], 1e-9) / FINENESS
        self._standpoints: dict[tuple[int, int, bool], Standpoint] = {}

    def at(self, level: float) -> Standpoint:
        """What the actuator can do at a fill level."""
        place = bisect_right(self._bounds, level)
        key = (int(level // self._grain), place, place > 0 and self._bounds[place - 1] == level)
        known = self._standpoints.get(key)
        if known is None:
            if len(self._standpoints) > MOST_STANDPOINTS:
                self._standpoints.clear()
            segments = {mode_id: mode.at(level) for mode_id, mode in self.modes.items()}
            known = self._standpoints[key] = Standpoint(self.ways, segments, self._ranges)
        return known


class StorageModel:
    """A system description of a storage."""

    def __init__(self, description: StorageSystemDescription, phases: tuple[Phase, ...], fuels: Fuel) -> None:
        self.description_id = description.message_id
        self.lower = description.fill_level_range.lower
        self.upper = description.fill_level_range.upper
        self.actuators = tuple(ActuatorModel(behaviour, phases, fuels) for behaviour in description.actuators)
        self.divisible = any(actuator.divisible for actuator in self.actuators)
        """Whether its consumption can be chosen."""
        givers = [
            (mode, segment)
            for actuator in self.actuators
            for mode in actuator.modes.values()
            if not mode.abnormal_only
            for segment in mode.at((mode.lower + mode.upper) / 2.0)
            if segment.low.total < 0.0 and segment.low_rate < 0.0
        ]
        strongest = min(givers, key=lambda giver: giver[1].low.total, default=None)
        self.giver = None if strongest is None else strongest[1]
        """The strongest way of giving back what was put in, if there is one."""
        self.least_given = self.lower if strongest is None else strongest[0].lower
        """It cannot give back below this level."""

    @property
    def gives(self) -> bool:
        """Whether it can give back what was put in."""
        return self.giver is not None

    @property
    def width(self) -> float:
        """The distance between empty and full."""
        return self.upper - self.lower

    def within(self, level: float) -> float:
        """The level of the described range that is closest: beyond it the modes of the nearest end may run."""
        return min(max(level, self.lower), self.upper)


class Leakage:
    """How fast a storage empties by itself."""

    def __init__(self, update: StorageLeakageUpdate) -> None:
        self._elements = tuple(
            (
                element.fill_level_range.lower,
                element.fill_level_range.upper,
                element.rate,
                element.rate if element.rate_at_upper is None else element.rate_at_upper,
            )
            for element in update.elements
        )

    def rate(self, level: float) -> float:
        """By how much the level falls per s; beyond the told ranges as at their nearest end."""
        for lower, upper, at_lower, at_upper in self._elements:
            if level < upper:
                if level <= lower or at_lower == at_upper:
                    return at_lower
                return at_lower + (at_upper - at_lower) * (level - lower) / (upper - lower)
        return self._elements[-1][3]

    def decay_per_s(self, lower: float, upper: float) -> float:
        """By which share per s what was put in is lost again: how the leakage grows from one level to another."""
        return max((self.rate(upper) - self.rate(lower)) / (upper - lower), 0.0) if upper > lower else 0.0
