"""When to hold back an inflexible appliance: production that nobody may or would take, consumption beyond a limit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from efi.commodity import ELECTRIC_POWERS, PHASE_POWER, Phase
from efi.inflexible import CurtailmentOption, LimitKind
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.headroom import Headroom

LEAST_CUT_W = 25.0
"""Less is not worth a curtailment."""

BINDING = 0.97
"""Production this close to its limit is taken to be held back by it."""

PROBE = 1.15
"""Without a forecast, held back production is taken to be able to do this much more."""


@dataclass(slots=True)
class Curtailable:
    """An appliance that can be held back, as it stands."""

    appliance_id: str
    power_w: float
    """What it draws now; below 0 it produces."""
    phases: tuple[Phase, ...]
    lower: CurtailmentOption | None
    """How its production can be limited."""
    upper: CurtailmentOption | None
    """How its consumption can be limited."""
    held_w: float | None = None
    """The limit that holds now, by our doing."""
    forecast_w: float | None = None
    """What it is expected to draw now if nobody intervenes."""
    least_average_w: float = -float("inf")
    """An energy envelope demands that it draws at least so much on average."""
    most_average_w: float = float("inf")
    """An energy envelope demands that it draws at most so much on average: a producer must produce."""

    @property
    def potential_w(self) -> float:
        """What it would draw if it were free."""
        held = self.held_w
        if held is None or self.lower is None or self.power_w > held * BINDING:
            return self.power_w
        expected = self.power_w * PROBE if self.forecast_w is None else self.forecast_w
        return min(self.power_w, expected)

    @property
    def hidden_w(self) -> float:
        """How much production the present limit keeps back, W, 0 or above."""
        return max(self.power_w - self.potential_w, 0.0)


class Curtailment(NamedTuple):
    """What one appliance is to be held to; both bounds None: it is free."""

    appliance: Curtailable
    lower_w: float | None
    upper_w: float | None
    cut_w: float
    """How much it is held back, W."""
    by_limit: bool
    """Whether a limit demands it; otherwise the price does."""


def hold_back(appliances: Iterable[Curtailable], headroom: Headroom, *, worthless: bool) -> list[Curtailment]:
    """Decide for each appliance. `headroom` holds the power with all production free; it is brought up to date.

    `worthless`: feeding in earns nothing, so that everything that would be fed in is held back.
    """
    decided = []
    for appliance in sorted(appliances, key=lambda each: each.appliance_id):
        overfed, overdrawn = headroom.overfed_w, headroom.overdrawn_w
        surplus = max(-headroom.grid.total, 0.0) if worthless else 0.0
        if appliance.lower is not None and appliance.potential_w < 0.0 and max(overfed, surplus) > LEAST_CUT_W:
            decided.append(_less_production(appliance, max(overfed, surplus), overfed > 0.0, headroom))
        elif appliance.upper is not None and appliance.power_w > 0.0 and overdrawn > 0.0:
            decided.append(_less_consumption(appliance, overdrawn, headroom))
        else:
            decided.append(Curtailment(appliance, None, None, 0.0, by_limit=False))
    return decided


def _less_production(appliance: Curtailable, excess_w: float, by_limit: bool, headroom: Headroom) -> Curtailment:
    assert appliance.lower is not None  # noqa: S101  # the caller looked
    potential = appliance.potential_w
    wanted = min(potential + excess_w, appliance.most_average_w, 0.0)
    bound = _closest_at_least(appliance.lower, wanted) if by_limit else appliance.lower.closest(wanted)
    cut = bound - potential
    if cut < LEAST_CUT_W:
        return Curtailment(appliance, None, None, 0.0, by_limit=False)
    headroom.add(Flow.on(cut, appliance.phases))
    return Curtailment(appliance, bound, None, cut, by_limit)


def _less_consumption(appliance: Curtailable, excess_w: float, headroom: Headroom) -> Curtailment:
    assert appliance.upper is not None  # noqa: S101  # the caller looked
    wanted = max(appliance.power_w - excess_w, appliance.least_average_w, 0.0)
    bound = appliance.upper.closest(wanted)
    cut = appliance.power_w - bound
    if cut < LEAST_CUT_W:
        return Curtailment(appliance, None, None, 0.0, by_limit=False)
    headroom.add(Flow.on(-cut, appliance.phases))
    return Curtailment(appliance, None, bound, cut, by_limit=True)


def _closest_at_least(option: CurtailmentOption, wanted: float) -> float:
    """The limit on offer that is nearest to the wanted one and holds back at least as much; else the nearest."""
    enough = [max(within.lower, wanted) for within in option.ranges if within.upper >= wanted]
    return min(enough, default=option.closest(wanted))


def offered(
    options: Iterable[CurtailmentOption], kind: LimitKind, phases: tuple[Phase, ...], *, abnormal: bool
) -> CurtailmentOption | None:
    """The option for the electrical power as a whole on one side, if there is one.

    A single phase's power is the whole of an appliance on one phase only.
    """
    for option in options:
        partial = option.quantity in PHASE_POWER.values() and len(phases) > 1
        reserved = option.abnormal_condition_only and not abnormal
        if option.limit is kind and option.quantity in ELECTRIC_POWERS and not partial and not reserved:
            return option
    return None
