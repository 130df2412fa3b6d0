"""A stretch of what a running mode can do at the present fill level: between two powers of one sign."""

from typing import NamedTuple

from efi.commodity import CommodityQuantity, Phase
from efi.running_mode import ModeBehaviour
from efpi_app_self_consumption.flow import NO_FLOW, Flow

Fuel = dict[CommodityQuantity, float]
"""Money per unit of a quantity other than electricity, for those whose price is known."""

UNKNOWN_COST = float("inf")


class Segment(NamedTuple):
    """From `low` to `high` power all else changes linearly; both ends have one sign, 0 counted to either."""

    mode_id: str
    label: str
    continuous: bool
    """Whether a factor must be told with the mode."""
    low_factor: float
    high_factor: float
    low: Flow
    high: Flow
    low_rate: float
    """How the fill level moves at the lower power, in its unit per s; 0 where there is none."""
    high_rate: float
    low_cost: float
    """Money per s at the lower power, electricity left out; infinite when it burns what has no known price."""
    high_cost: float
    abnormal_only: bool

    def share(self, power_w: float) -> float:
        """Where a power lies between the ends: 0 at the lower, 1 at the higher."""
        width = self.high.total - self.low.total
        if width <= 0.0:
            return 1.0
        return min(max((power_w - self.low.total) / width, 0.0), 1.0)

    def rate(self, share: float) -> float:
        """How the fill level moves at a share of the way."""
        return self.low_rate + (self.high_rate - self.low_rate) * share

    def cost(self, share: float) -> float:
        """Money per s at a share of the way."""
        low, high = self.low_cost, self.high_cost
        if low == high:
            return low
        return UNKNOWN_COST if UNKNOWN_COST in (low, high) else low + (high - low) * share

    def factor(self, share: float) -> float | None:
        """The factor to tell with the mode at a share of the way; None for a mode that is a point."""
        if not self.continuous:
            return None
        return min(max(self.low_factor + (self.high_factor - self.low_factor) * share, 0.0), 1.0)


class _Point(NamedTuple):
    """All that holds at one factor of a mode."""

    factor: float
    flow: Flow
    rate: float
    cost: float


def segments(
    mode_id: str,
    label: str,
    continuous: bool,
    abnormal_only: bool,
    behaviour: ModeBehaviour,
    rates: tuple[float, float],
    phases: tuple[Phase, ...],
    fuels: Fuel,
) -> tuple[Segment, ...]:
    """What a mode can do, in one stretch or, where its power changes sign, in two."""
    factors = [0.0, 1.0] if continuous else [0.0]
    first, last = behaviour.electric_power_at(0.0), behaviour.electric_power_at(1.0)
    if continuous and first * last < 0.0:
        factors.insert(1, first / (first - last))
    points = [_at(factor, behaviour, rates, phases, fuels) for factor in factors]
    return tuple(
        _between(mode_id, label or mode_id, continuous, abnormal_only, here, there)
        for here, there in zip(points, points[1:] or points, strict=False)
    )


def _at(
    factor: float, behaviour: ModeBehaviour, rates: tuple[float, float], phases: tuple[Phase, ...], fuels: Fuel
) -> _Point:
    powers = [(power.quantity, power.at(factor)) for power in behaviour.power]
    flow = Flow.of_quantities(powers, phases) or NO_FLOW
    cost = float(behaviour.running_cost.at(factor)) if behaviour.running_cost is not None else 0.0
    if behaviour.energy_cost is not None:
        cost += float(behaviour.energy_cost.at(factor)) * abs(flow.total)
    told = behaviour.running_cost is not None or behaviour.energy_cost is not None
    for quantity, value in powers:
        if quantity in BURNT and value > 0.0:
            # Whoever tells a cost and burns what has no known price is taken to have counted it.
            cost += fuels.get(quantity, 0.0 if told else UNKNOWN_COST) * value
    return _Point(factor, flow, rates[0] + (rates[1] - rates[0]) * factor, cost)


def _between(
    mode_id: str,
    label: str,
    continuous: bool,
    abnormal_only: bool,
    here: _Point,
    there: _Point,
) -> Segment:
    low, high = sorted((here, there), key=lambda point: (point.flow.total, point.rate))
    return Segment(
        mode_id=mode_id,
        label=label,
        continuous=continuous,
        low_factor=low.factor,
        high_factor=high.factor,
        low=low.flow,
        high=high.flow,
        low_rate=low.rate,
        high_rate=high.rate,
        low_cost=low.cost,
        high_cost=high.cost,
        abnormal_only=abnormal_only,
    )


BURNT = frozenset((CommodityQuantity.GAS_FLOW, CommodityQuantity.HYDROGEN_FLOW, CommodityQuantity.OIL_FLOW))
"""The quantities that are bought elsewhere than at the electricity meter."""
