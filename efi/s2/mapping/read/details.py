"""ResourceManagerDetails as what a registration of any category says."""

from collections.abc import Iterable

from efi.commodity import Commodity, CommodityQuantity, Phase
from efi.conversion import LossKind
from efi.registration import EnergyRole
from efi.s2.common import RoleType
from efi.s2.conversation import ResourceManagerDetails
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import COMMODITIES, QUANTITIES
from efi.s2.mapping.read.values import Fields, duration, label
from efi.s2.mapping.settings import DeviceSettings

_DETAILS = ("ResourceManagerDetails",)

SECOND_ROLE = LossKind(
    _DETAILS,
    "roles.*",
    "an appliance has one role for each commodity; one that produces and consumes is told as taking in and giving back",
)
UNCHOSEN = LossKind(
    _DETAILS,
    "available_control_types",
    "an appliance has one category; the ways to control it that are not selected are left out",
)

ROLES = {
    RoleType.ENERGY_PRODUCER: EnergyRole.PRODUCER,
    RoleType.ENERGY_CONSUMER: EnergyRole.CONSUMER,
    RoleType.ENERGY_STORAGE: EnergyRole.STORAGE,
}

_PHASE_OF = {
    CommodityQuantity.ELECTRIC_POWER_L1: (Phase.L1,),
    CommodityQuantity.ELECTRIC_POWER_L2: (Phase.L2,),
    CommodityQuantity.ELECTRIC_POWER_L3: (Phase.L3,),
    CommodityQuantity.ELECTRIC_POWER_SYMMETRIC: tuple(Phase),
}


def registration(
    details: ResourceManagerDetails, settings: DeviceSettings, used: Iterable[Commodity], notes: Notes
) -> Fields:
    """The fields that registrations of all categories have; `used` are commodities that its control type tells of."""
    roles = _roles(details, notes)
    measures = tuple(
        dict.fromkeys(QUANTITIES[quantity].quantity for quantity in details.provides_power_measurement_types)
    )
    commodities = dict.fromkeys((*roles, *(quantity.commodity for quantity in measures), *used))
    fields: Fields = {
        "name": settings.name or label(details.name, "name", notes) or details.resource_id,
        "device_class": settings.device_class,
        "commodities": tuple(commodities),
        "roles": [{"commodity": commodity, "role": role} for commodity, role in roles.items()],
        "phases": settings.phases or _phases(measures),
        "currency": details.currency,
        "processing_delay": duration(details.instruction_processing_delay, "instruction_processing_delay", notes),
        "measures": measures,
        "provides_forecast": details.provides_forecast,
    }
    for name in ("manufacturer", "model", "serial_number", "firmware_version"):
        told: str | None = getattr(details, name)
        if told is not None:
            fields[name] = label(told, name, notes)
    return fields


def _roles(details: ResourceManagerDetails, notes: Notes) -> dict[Commodity, EnergyRole]:
    roles: dict[Commodity, EnergyRole] = {}
    for place, told in enumerate(details.roles):
        commodity, role = COMMODITIES[told.commodity], ROLES[told.role]
        if roles.setdefault(commodity, role) is not role:
            notes.lost(SECOND_ROLE, f"roles.{place}", told.role.value)
            roles[commodity] = EnergyRole.STORAGE
    return roles


def _phases(measures: Iterable[CommodityQuantity]) -> tuple[Phase, ...]:
    """The phases that a device tells of. L1 alone says little: so a device on one phase calls whichever it is on."""
    told = {phase for quantity in measures for phase in _PHASE_OF.get(quantity, ())}
    return tuple(phase for phase in Phase if phase in told) if len(told) > 1 else ()
