"""S2's commodities, their quantities and units, and those of the interface."""

from collections.abc import Mapping
from typing import NamedTuple

from efi.commodity import Commodity, CommodityQuantity
from efi.s2.common import Commodity as S2Commodity
from efi.s2.common import CommodityQuantity as S2Quantity

COMMODITIES: Mapping[S2Commodity, Commodity] = {
    S2Commodity.GAS: Commodity.GAS,
    S2Commodity.HEAT: Commodity.HEAT,
    S2Commodity.ELECTRICITY: Commodity.ELECTRICITY,
    S2Commodity.OIL: Commodity.OIL,
}
"""What S2's commodities are here. S2 has quantities of hydrogen, and no such commodity."""

S2_COMMODITIES: Mapping[Commodity, S2Commodity] = {ours: theirs for theirs, ours in COMMODITIES.items()}
"""What commodities are in S2."""


class Measure(NamedTuple):
    """A quantity in the other form."""

    quantity: CommodityQuantity
    """The quantity here."""
    per_unit: float
    """How many of S2's units make one of the unit here."""


QUANTITIES: Mapping[S2Quantity, Measure] = {
    S2Quantity.ELECTRIC_POWER_L1: Measure(CommodityQuantity.ELECTRIC_POWER_L1, 1.0),
    S2Quantity.ELECTRIC_POWER_L2: Measure(CommodityQuantity.ELECTRIC_POWER_L2, 1.0),
    S2Quantity.ELECTRIC_POWER_L3: Measure(CommodityQuantity.ELECTRIC_POWER_L3, 1.0),
    S2Quantity.ELECTRIC_POWER_3_PHASE_SYMMETRIC: Measure(CommodityQuantity.ELECTRIC_POWER_SYMMETRIC, 1.0),
    S2Quantity.NATURAL_GAS_FLOW_RATE: Measure(CommodityQuantity.GAS_FLOW, 1e3),  # l/s and m³/s
    S2Quantity.HYDROGEN_FLOW_RATE: Measure(CommodityQuantity.HYDROGEN_FLOW, 1e3),  # g/s and kg/s
    S2Quantity.HEAT_TEMPERATURE: Measure(CommodityQuantity.HEAT_TEMPERATURE, 1.0),
    S2Quantity.HEAT_FLOW_RATE: Measure(CommodityQuantity.HEAT_FLOW, 1e3),  # l/s and m³/s
    S2Quantity.HEAT_THERMAL_POWER: Measure(CommodityQuantity.HEAT_POWER, 1.0),
    S2Quantity.OIL_FLOW_RATE: Measure(CommodityQuantity.OIL_FLOW, 3.6e6),  # l/h and m³/s
}
"""What S2's quantities are here."""

S2_QUANTITIES: Mapping[CommodityQuantity, tuple[S2Quantity, float]] = {
    measure.quantity: (theirs, measure.per_unit) for theirs, measure in QUANTITIES.items()
}
"""What quantities are in S2, and how many of its units make one; S2 tells no electrical total without its phases."""
