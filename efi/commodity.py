"""Commodities, the quantities by which their flow is told, and amounts of those quantities."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field

from efi.types import Factor, Model, Number, NumberRange, refuse_repeated, violated


class Commodity(StrEnum):
    """What an appliance consumes or produces."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    HEAT = "heat"
    HYDROGEN = "hydrogen"
    OIL = "oil"


class Phase(StrEnum):
    """A conductor of the three-phase grid; an appliance on one phase is said to be on L1 when nobody knows better."""

    L1 = "l1"
    L2 = "l2"
    L3 = "l3"

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and this one keys the powers of each phase


class CommodityQuantity(StrEnum):
    """A measurable flow of a commodity. Positive is consumed by the appliance, negative is produced."""

    ELECTRIC_POWER = "electricity.power"
    """W over all phases together, where their split is not told (EFI 1 and 2); stands alone."""
    ELECTRIC_POWER_L1 = "electricity.power.l1"
    """W on phase L1."""
    ELECTRIC_POWER_L2 = "electricity.power.l2"
    """W on phase L2."""
    ELECTRIC_POWER_L3 = "electricity.power.l3"
    """W on phase L3."""
    ELECTRIC_POWER_SYMMETRIC = "electricity.power.symmetric"
    """W over all three phases together, a third on each."""
    GAS_FLOW = "gas.flow_rate"
    """m³/s of natural gas."""
    HYDROGEN_FLOW = "hydrogen.flow_rate"
    """kg/s of hydrogen."""
    OIL_FLOW = "oil.flow_rate"
    """m³/s of oil."""
    HEAT_POWER = "heat.thermal_power"
    """W of heat."""
    HEAT_FLOW = "heat.flow_rate"
    """m³/s of heat carrier."""
    HEAT_TEMPERATURE = "heat.temperature"
    """°C of the heat carrier."""

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and this one is looked up for every value

    @property
    def unit(self) -> str:
        """The SI unit in which this quantity is told."""
        return _UNITS[self]

    @property
    def commodity(self) -> Commodity:
        """The commodity that flows."""
        return _COMMODITIES[self]


_UNITS = {
    CommodityQuantity.ELECTRIC_POWER: "W",
    CommodityQuantity.ELECTRIC_POWER_L1: "W",
    CommodityQuantity.ELECTRIC_POWER_L2: "W",
    CommodityQuantity.ELECTRIC_POWER_L3: "W",
    CommodityQuantity.ELECTRIC_POWER_SYMMETRIC: "W",
    CommodityQuantity.GAS_FLOW: "m³/s",
    CommodityQuantity.HYDROGEN_FLOW: "kg/s",
    CommodityQuantity.OIL_FLOW: "m³/s",
    CommodityQuantity.HEAT_POWER: "W",
    CommodityQuantity.HEAT_FLOW: "m³/s",
    CommodityQuantity.HEAT_TEMPERATURE: "°C",
}

_COMMODITIES = {quantity: Commodity(quantity.value.partition(".")[0]) for quantity in CommodityQuantity}

PHASE_POWER = {
    Phase.L1: CommodityQuantity.ELECTRIC_POWER_L1,
    Phase.L2: CommodityQuantity.ELECTRIC_POWER_L2,
    Phase.L3: CommodityQuantity.ELECTRIC_POWER_L3,
}
"""The quantity that tells each phase's power."""

_PHASES = tuple(Phase)
_PHASES_OF = {quantity: (phase,) for phase, quantity in PHASE_POWER.items()} | {
    CommodityQuantity.ELECTRIC_POWER_SYMMETRIC: _PHASES
}

ELECTRIC_POWERS = frozenset(
    (*PHASE_POWER.values(), CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.ELECTRIC_POWER_SYMMETRIC)
)
"""The quantities whose sum is the electrical power of an appliance."""


def require_one_per_quantity(quantities: Iterable[CommodityQuantity]) -> None:
    """Refuse a quantity said twice, or the total of all phases beside a part of it."""
    quantities = tuple(quantities)
    if len(quantities) < 2:  # the usual case, and the hot one
        return
    refuse_repeated(quantities, "values")
    if CommodityQuantity.ELECTRIC_POWER in quantities and not ELECTRIC_POWERS.isdisjoint(
        set(quantities) - {CommodityQuantity.ELECTRIC_POWER}
    ):
        raise violated(
            "total_beside_phases",
            "electricity.power is the sum of all phases and cannot stand beside a single phase; "
            "say the total or the phases, not both",
        )


class PowerValue(Model):
    """The amount of one quantity at one moment."""

    quantity: CommodityQuantity
    """What is told, and with it the unit."""
    value: Number
    """The amount, positive when the appliance consumes."""


class PowerRange(Model):
    """What one quantity runs through while a running mode's factor goes from 0 to 1."""

    quantity: CommodityQuantity
    """What is told, and with it the unit."""
    start: Number
    """The amount at factor 0."""
    end: Number
    """The amount at factor 1; equal to `start` in a mode that is a point."""

    def at(self, factor: float) -> float:
        """The amount at a factor between 0 and 1."""
        return self.start + (self.end - self.start) * factor

    @property
    def bounds(self) -> NumberRange:
        """The least and the most that this range can mean."""
        return NumberRange(lower=min(self.start, self.end), upper=max(self.start, self.end))


_Power = TypeVar("_Power", PowerValue, PowerRange)


def _one_each(powers: tuple[_Power, ...]) -> tuple[_Power, ...]:
    if len(powers) > 1:
        require_one_per_quantity(power.quantity for power in powers)
    return powers


PowerValues = Annotated[tuple[PowerValue, ...], Field(max_length=len(CommodityQuantity)), AfterValidator(_one_each)]
"""At most one amount a quantity."""

PowerRanges = Annotated[tuple[PowerRange, ...], Field(max_length=len(CommodityQuantity)), AfterValidator(_one_each)]
"""At most one range a quantity."""


class ValueRange(Model):
    """What a number runs through while a running mode's factor goes from 0 to 1."""

    start: Number
    """The number at factor 0."""
    end: Number
    """The number at factor 1; equal to `start` in a mode that is a point."""

    @classmethod
    def point(cls, value: float) -> Self:
        """The range of a mode that is a point."""
        return cls(start=value, end=value)

    def at(self, factor: Factor) -> float:
        """The number at a factor between 0 and 1."""
        return self.start + (self.end - self.start) * factor


def electric_power_w(values: Iterable[PowerValue]) -> float | None:
    """The electrical power in W over all phases, or None when none of the values is electric."""
    total: float | None = None
    for value in values:
        if value.quantity in ELECTRIC_POWERS:
            total = value.value if total is None else total + value.value
    return total


def per_phase_w(values: Iterable[PowerValue], on: tuple[Phase, ...] = (Phase.L1,)) -> dict[Phase, float]:
    """The electrical power in W on each phase; a total whose split is not told is divided over the phases `on`."""
    phases = dict.fromkeys(_PHASES, 0.0)
    for value in values:
        over = on if value.quantity is CommodityQuantity.ELECTRIC_POWER else _PHASES_OF.get(value.quantity, ())
        for phase in over:
            phases[phase] += value.value / len(over)
    return phases


def electric(power_w: float, phases: tuple[Phase, ...] = ()) -> tuple[PowerValue, ...]:
    """An electrical power as values: one phase, the three phases together, or a total when no phase is named."""
    return (PowerValue(quantity=electric_quantity(phases), value=power_w),)


def electric_range(
    start_w: float, end_w: float | None = None, phases: tuple[Phase, ...] = ()
) -> tuple[PowerRange, ...]:
    """An electrical power range as a running mode wants it; a single number makes a point."""
    end = start_w if end_w is None else end_w
    return (PowerRange(quantity=electric_quantity(phases), start=start_w, end=end),)


def electric_quantity(phases: tuple[Phase, ...]) -> CommodityQuantity:
    """The quantity that tells the power of an appliance on these phases: one, all three alike, or a total."""
    if len(phases) == 1:
        return PHASE_POWER[phases[0]]
    if len(phases) == len(_PHASES):
        return CommodityQuantity.ELECTRIC_POWER_SYMMETRIC
    return CommodityQuantity.ELECTRIC_POWER
