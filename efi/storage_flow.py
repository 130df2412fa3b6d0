"""How a storage's fill level flows at each level, while modes, usage and leakage stay as they are."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from efi.affine import NOTHING, Affine
from efi.commodity import ELECTRIC_POWERS, CommodityQuantity
from efi.running_mode import CostRange
from efi.storage import (
    LeakageElement,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    element_at_level,
)
from efi.types import NumberRange


class Running(NamedTuple):
    """What one actuator runs."""

    actuator_id: str
    mode: StorageMode
    factor: float


class Cost(NamedTuple):
    """A cost per second: a part of its own, and parts that are a cost per J times an electrical power."""

    own: Affine = NOTHING
    by_energy: tuple[tuple[Affine, Affine], ...] = ()

    def mixed(self, share: float, other: "Cost") -> "Cost":
        """A share of this and the rest of another."""
        mine = tuple((cost.times(share), power) for cost, power in self.by_energy)
        theirs = tuple((cost.times(1 - share), power) for cost, power in other.by_energy)
        return Cost(self.own.times(share).plus(other.own, 1 - share), mine + theirs)


class Flow(NamedTuple):
    """What happens between two neighbouring levels, everything linear in the level."""

    lower: float
    upper: float
    rate: Affine
    """How fast the level rises, all in all."""
    power: dict[CommodityQuantity, Affine]
    """What the actuators draw."""
    cost: Cost
    """What their running costs per second."""
    idle: tuple[str, ...]
    """The actuators that would run a mode which cannot run here."""


class Flows:
    """The flow at every level."""

    def __init__(
        self, within: NumberRange, running: Sequence[Running], leakage: StorageLeakageUpdate | None, usage: float
    ) -> None:
        self.within = within
        self._running = running
        self._leakage = leakage
        self._usage = usage
        self._levels = (-math.inf, *sorted(self._bounds()), math.inf)
        self._flows: dict[int, Flow] = {}

    def above(self, level: float) -> Flow:
        """The flow just above a level."""
        return self._flow(max(place for place, bound in enumerate(self._levels) if bound <= level))

    def below(self, level: float) -> Flow:
        """The flow just below a level."""
        return self._flow(min(place for place, bound in enumerate(self._levels) if bound >= level) - 1)

    def _bounds(self) -> set[float]:
        bounds = {self.within.lower, self.within.upper}
        for running in self._running:
            for element in running.mode.elements:
                bounds |= {element.fill_level_range.lower, element.fill_level_range.upper}
                if element.energy_cost is not None:
                    bounds |= _sign_changes(_power(element, running.factor), element.fill_level_range)
        if self._leakage is not None:
            for leaking in self._leakage.elements:
                bounds |= {leaking.fill_level_range.lower, leaking.fill_level_range.upper}
        return bounds

    def _flow(self, place: int) -> Flow:
        flow = self._flows.get(place)
        if flow is None:
            flow = self._flows[place] = self._made(self._levels[place], self._levels[place + 1])
        return flow

    def _made(self, lower: float, upper: float) -> Flow:
        between = _between(lower, upper)
        rate = Affine(-self._usage).plus(_leaking(self._leakage, between), -1.0)
        power: dict[CommodityQuantity, Affine] = {}
        own, by_energy, idle = NOTHING, [], []
        for running in self._running:
            element = self._element(running, between)
            if element is None:
                idle.append(running.actuator_id)
                continue
            filling = _filling(element, running.factor)
            inside = between in self.within
            # Outside the storage's range nothing drives the level further out, and all else is as at the nearest end.
            end = self.within.clamp(between)
            if not inside and filling.at(end) * (between - end) > 0:
                idle.append(running.actuator_id)
                continue
            rate = rate.plus(_kept(filling, end, inside))
            for quantity, drawn in _powers(element, running.factor).items():
                power[quantity] = power.get(quantity, NOTHING).plus(_kept(drawn, end, inside))
            own = own.plus(_kept(_cost(element, "running_cost", running.factor), end, inside))
            if element.energy_cost is not None:
                drawn = _kept(_power(element, running.factor), end, inside)
                sign = 1.0 if drawn.at(self.within.clamp(between)) >= 0 else -1.0
                by_energy.append((_kept(_cost(element, "energy_cost", running.factor), end, inside), drawn.times(sign)))
        return Flow(lower, upper, rate, power, Cost(own, tuple(by_energy)), tuple(idle))

    def _element(self, running: Running, level: float) -> StorageModeElement | None:
        return element_at_level(running.mode.elements, self.within.clamp(level))


def _between(lower: float, upper: float) -> float:
    if math.isinf(lower):
        return upper - max(1.0, abs(upper))
    return lower + max(1.0, abs(lower)) if math.isinf(upper) else (lower + upper) / 2


def _kept(line: Affine, end: float, inside: bool) -> Affine:
    return line if inside else Affine(line.at(end))


def _line(element: StorageModeElement, at_lower: float, at_upper: float) -> Affine:
    return Affine.through(element.fill_level_range.lower, element.fill_level_range.upper, at_lower, at_upper)


def _filling(element: StorageModeElement, factor: float) -> Affine:
    upper = element.at_upper if element.at_upper is not None else element
    return _line(element, element.fill_rate.at(factor), upper.fill_rate.at(factor))


def _powers(element: StorageModeElement, factor: float) -> dict[CommodityQuantity, Affine]:
    upper = element.at_upper if element.at_upper is not None else element
    there = {power.quantity: power.at(factor) for power in upper.power}
    return {power.quantity: _line(element, power.at(factor), there[power.quantity]) for power in element.power}


def _power(element: StorageModeElement, factor: float) -> Affine:
    total = NOTHING
    for quantity, drawn in _powers(element, factor).items():
        if quantity in ELECTRIC_POWERS:
            total = total.plus(drawn)
    return total


def _cost(element: StorageModeElement, name: str, factor: float) -> Affine:
    here: CostRange | None = getattr(element, name)
    there: CostRange | None = getattr(element.at_upper, name, None) or here
    if here is None:
        here = there
    if here is None or there is None:
        return NOTHING
    return _line(element, float(here.at(factor)), float(there.at(factor)))


def _leaking(leakage: StorageLeakageUpdate | None, level: float) -> Affine:
    if leakage is None:
        return NOTHING
    told = leakage.fill_level_range
    element: LeakageElement | None = element_at_level(leakage.elements, told.clamp(level))
    if element is None:
        return NOTHING
    within = element.fill_level_range
    at_upper = element.rate if element.rate_at_upper is None else element.rate_at_upper
    return _kept(Affine.through(within.lower, within.upper, element.rate, at_upper), told.clamp(level), level in told)


def _sign_changes(line: Affine, within: NumberRange) -> set[float]:
    if line.slope == 0.0:
        return set()
    level = -line.at_zero / line.slope
    return {level} if level in within else set()
