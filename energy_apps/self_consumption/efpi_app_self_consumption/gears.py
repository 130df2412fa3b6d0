"""How a storage can be moved in one direction: powers, the rates they bring, and their costs, most useful first."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from efpi_app_self_consumption.segment import UNKNOWN_COST, Segment
from efpi_app_self_consumption.storage_model import ActuatorModel, ModeModel, StorageModel


class Step(NamedTuple):
    """More power for more speed, on top of the steps before it."""

    before_w: float
    """Power of the steps before, W."""
    power_w: float
    """Additional power, W."""
    rate: float
    """Additional speed in the wanted direction, in the level's unit per s."""
    cost: float
    """Additional money per s, electricity left out."""
    divisible: bool
    """Whether any part of the power can be had."""


Chain = tuple[Step, ...]
"""The steps of one actuator, in the order in which they can be taken."""


GRAIN = 100
"""Ways whose ends differ by less than this part of the storage's range are taken for one."""


class Gears:
    """The chains of one storage, worked out once for each way."""

    def __init__(self, model: StorageModel) -> None:
        self._model = model
        self._grain = max(model.width, 1e-9) / GRAIN
        self._known: dict[tuple[bool, int, int], tuple[Chain, ...]] = {}

    def chains(self, upward: bool, level: float, goal: float) -> tuple[Chain, ...]:
        """What each actuator can do on the way from a level to a goal; actuators that cannot help are left out."""
        model = self._model
        level, goal = model.within(level), model.within(goal)
        key = (upward, int(level // self._grain), int(goal // self._grain))
        known = self._known.get(key)
        if known is None:
            found = (_chain(actuator, upward, level, goal) for actuator in model.actuators)
            known = self._known[key] = tuple(chain for chain in found if chain)
        return known


class _Pace(NamedTuple):
    """A mode's averages over a way."""

    least_w: float
    power_w: float
    least_rate: float
    rate: float
    least_cost: float
    cost: float


def _chain(actuator: ActuatorModel, upward: bool, level: float, goal: float) -> Chain:
    paces = sorted(_paces(actuator, upward, level, goal), key=_usefulness, reverse=True)
    if not paces:
        return ()
    base = paces[0]
    steps = []
    if base.least_w > 0.0 or base.power_w <= base.least_w:
        steps.append(Step(0.0, base.least_w, base.least_rate, base.least_cost, divisible=False))
    else:
        steps.append(Step(0.0, base.power_w, base.rate, base.cost, divisible=True))
    if steps[0].power_w < base.power_w:
        steps.append(
            Step(
                base.least_w,
                base.power_w - base.least_w,
                base.rate - base.least_rate,
                base.cost - base.least_cost,
                divisible=True,
            )
        )
    steps.extend(_boost(base, paces[1:]))
    return tuple(steps)


def _boost(base: _Pace, others: list[_Pace]) -> Iterator[Step]:
    """The strongest other mode, as a step on top."""
    stronger = [pace for pace in others if pace.rate > base.rate * 1.01 and pace.power_w > base.power_w]
    if stronger:
        top = max(stronger, key=lambda pace: pace.rate)
        yield Step(
            base.power_w, top.power_w - base.power_w, top.rate - base.rate, max(top.cost - base.cost, 0.0), False
        )


def _usefulness(pace: _Pace) -> tuple[bool, float]:
    """Modes without electricity come last: they burn something else."""
    return (pace.power_w > 0.0, pace.rate / pace.power_w if pace.power_w > 0.0 else pace.rate)


def _paces(actuator: ActuatorModel, upward: bool, level: float, goal: float) -> Iterator[_Pace]:
    for mode in actuator.modes.values():
        if mode.abnormal_only:
            continue
        pace = _pace(mode, upward, level, goal)
        if pace is not None:
            yield pace


def _pace(mode: ModeModel, upward: bool, level: float, goal: float) -> _Pace | None:
    """A mode's averages over the time that the way takes at full power; None when it does not lead there."""
    lower, upper = min(level, goal), max(level, goal)
    lower, upper = max(lower, mode.lower), min(upper, mode.upper)
    if lower > upper:
        return None
    marks = [lower, *mode.bounds_between(lower, upper), upper]
    seconds = [0.0] * 6
    total = 0.0
    for here, there in itertools.pairwise(marks):
        segment = _useful(mode.at((here + there) / 2.0), upward)
        if segment is None:
            return None
        rate = abs(segment.high_rate)
        time = max(there - here, 1e-9) / rate
        total += time
        for place, value in enumerate(
            (
                segment.low.total,
                segment.high.total,
                abs(segment.low_rate),
                rate,
                segment.low_cost,
                segment.high_cost,
            )
        ):
            seconds[place] += value * time
    return _Pace(*(amount / total for amount in seconds))


def _useful(found: tuple[Segment, ...], upward: bool) -> Segment | None:
    """The stretch that consumes, or burns, and moves the level the wanted way."""
    sign = 1.0 if upward else -1.0
    for segment in found:
        if segment.low.total >= 0.0 and segment.high_rate * sign > 0.0 and segment.high_cost != UNKNOWN_COST:
            return segment
    return None
