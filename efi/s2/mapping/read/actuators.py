"""S2's actuators as a registration names them."""

from collections.abc import Iterable

from efi.commodity import Commodity
from efi.conversion import LeniencyKind
from efi.s2.common import Commodity as S2Commodity
from efi.s2.common import PowerRange
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import COMMODITIES, QUANTITIES
from efi.s2.mapping.read.values import Fields, label

COMMODITY_NOT_NAMED = LeniencyKind(
    "commodity_not_named",
    "modes that use a commodity which their actuator does not support, or the device has no role in",
    "the actuator and the device have it, too",
)


def actuator(
    actuator_id: str,
    diagnostic_label: str | None,
    supported: Iterable[S2Commodity],
    used: Iterable[PowerRange],
    path: str,
    notes: Notes,
) -> Fields:
    """The fields of an actuator, with all the commodities that it names or uses."""
    named = dict.fromkeys(COMMODITIES[each] for each in supported)
    commodities = named | dict.fromkeys(commodities_of(used))
    for each in commodities:
        if each not in named and each is not Commodity.HYDROGEN:  # S2 has no word for hydrogen among its commodities
            notes.forgiven(COMMODITY_NOT_NAMED, path.rstrip("."), each.value)
    return {
        "actuator_id": actuator_id,
        "label": label(diagnostic_label, f"{path}diagnostic_label", notes),
        "commodities": tuple(commodities),
    }


def commodities_of(powers: Iterable[PowerRange]) -> Iterable[Commodity]:
    """The commodities of power ranges, with repetitions."""
    return (QUANTITIES[power.commodity_quantity].quantity.commodity for power in powers)
