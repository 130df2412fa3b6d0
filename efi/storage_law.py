"""Which way a storage's fill level goes from where it stands: on, or nowhere because it is held."""

from enum import StrEnum
from typing import NamedTuple

from efi.affine import NOTHING, Affine
from efi.storage_flow import Flow, Flows


class Held(StrEnum):
    """Why the fill level stays where it is although the modes would move it."""

    FULL = "full"
    """It is at the upper end of the storage: what drives it further has no effect."""
    EMPTY = "empty"
    """It is at the lower end of the storage: what drives it further has no effect."""
    BALANCED = "balanced"
    """Below it rises and above it falls, so the actuators run in part."""


class Law(NamedTuple):
    """What happens at a level, and until which level it does."""

    flow: Flow
    rate: Affine
    until: float
    held: Held | None = None
    unmet_rate: float = 0.0
    """By how much the level would fall each second if it could."""
    spilled_rate: float = 0.0
    """By how much the level would rise each second if it could."""


def law_at(flows: Flows, level: float) -> Law:
    """The law that holds from a level on; on a bound between two flows the higher one, as ranges are half-open."""
    above, below = flows.above(level), flows.below(level)
    if above is below:
        return _between_bounds(flows, above, level)
    if level == flows.within.upper:
        return _at_upper_end(above, below, level)
    if level == flows.within.lower:
        return _at_lower_end(above, below, level)
    return _at_inner_bound(above, below, level)


def _at_inner_bound(above: Flow, below: Flow, level: float) -> Law:
    up, down = above.rate.at(level), below.rate.at(level)
    if up >= 0:
        return Law(above, above.rate if up > 0 else NOTHING, above.upper)
    if down > 0:
        return _balanced(above, below, level, Held.BALANCED)
    return Law(below, below.rate if down < 0 else NOTHING, below.lower)


def _between_bounds(flows: Flows, flow: Flow, level: float) -> Law:
    """Beyond the storage's ends nothing drives the level further out."""
    rate = flow.rate.at(level)
    if level > flows.within.upper and rate > 0:
        return Law(flow, NOTHING, level, Held.FULL, spilled_rate=rate)
    if level < flows.within.lower and rate < 0:
        return Law(flow, NOTHING, level, Held.EMPTY, unmet_rate=-rate)
    return Law(flow, flow.rate, flow.upper if rate > 0 else flow.lower)


def _at_upper_end(above: Flow, below: Flow, level: float) -> Law:
    up, down = above.rate.at(level), below.rate.at(level)
    if down > 0:
        if up > 0:
            return Law(above, NOTHING, level, Held.FULL, spilled_rate=up)
        return _balanced(above, below, level, Held.FULL)
    return Law(below, below.rate if down < 0 else NOTHING, below.lower)


def _at_lower_end(above: Flow, below: Flow, level: float) -> Law:
    up, down = above.rate.at(level), below.rate.at(level)
    if up < 0:
        if down < 0:
            return Law(below, NOTHING, level, Held.EMPTY, unmet_rate=-down)
        return _balanced(above, below, level, Held.EMPTY)
    return Law(above, above.rate if up > 0 else NOTHING, above.upper)


def _balanced(above: Flow, below: Flow, level: float, held: Held) -> Law:
    """The level is driven to a bound from both sides, and stays there by a share of either side's flow (Filippov)."""
    up, down = above.rate.at(level), below.rate.at(level)
    share = up / (up - down)
    power = {
        quantity: below.power.get(quantity, NOTHING).times(share).plus(above.power.get(quantity, NOTHING), 1 - share)
        for quantity in {**above.power, **below.power}
    }
    flow = Flow(level, level, NOTHING, power, below.cost.mixed(share, above.cost), above.idle + below.idle)
    return Law(flow, NOTHING, level, held)
