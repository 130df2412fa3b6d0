"""A registration as ResourceManagerDetails."""

from efi.commodity import Commodity, Phase
from efi.conversion import LossKind
from efi.demand_driven import DemandDrivenRegistration
from efi.inflexible import InflexibleRegistration
from efi.messages import AnyRegistration
from efi.output_adjustable import OutputAdjustableRegistration
from efi.registration import ControlSpaceRegistration, DeviceClass, EnergyRole
from efi.s2.common import CURRENCIES, ControlType, Role, RoleType
from efi.s2.common import Commodity as S2Commodity
from efi.s2.common import CommodityQuantity as S2Quantity
from efi.s2.conversation import ResourceManagerDetails
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import S2_COMMODITIES
from efi.s2.mapping.settings import CemSettings
from efi.s2.mapping.write.values import Quantities, milliseconds
from efi.storage import StorageRegistration
from efi.time_shiftable import TimeShiftableRegistration

_REGISTRATIONS = tuple(
    f"{category}_registration"
    for category in ("inflexible", "time_shiftable", "storage", "output_adjustable", "demand_driven")
)

DEVICE_CLASS = LossKind(_REGISTRATIONS, "device_class", "S2 has no kinds of appliances")
PHASES = LossKind(
    _REGISTRATIONS,
    "phases",
    "S2 knows no total of an unknown split: the total is told on the one phase, in equal parts on all three, "
    "and else on L1 or the first of two",
)
POWER_LIMITS = LossKind(_REGISTRATIONS, "power_limits", "S2 tells the powers of modes and limits only")
CURRENCY = LossKind(_REGISTRATIONS, "currency", "S2 has no word for this currency; costs are told without one")
HYDROGEN_ROLE = LossKind(_REGISTRATIONS, "roles.*", "S2 has no such commodity for a role")
GRID_ROLE = LossKind(
    _REGISTRATIONS, "roles.*", "S2 has no role of a connection to the grid; it is told as a consumer and a producer"
)
LATER_ROLES = LossKind(_REGISTRATIONS, "roles", "S2 has room for three roles; the later ones are left out")
COMMODITIES = LossKind(
    _REGISTRATIONS,
    "commodities",
    "S2 tells commodities by their roles, and this one can have none; its powers are told",
)
LABEL = LossKind(
    ("demand_driven_registration",), "demand_*", "S2 does not say what is demanded, nor in which unit; it is left out"
)

CONTROL_TYPES: dict[type[ControlSpaceRegistration], ControlType] = {
    StorageRegistration: ControlType.FILL_RATE_BASED_CONTROL,
    DemandDrivenRegistration: ControlType.DEMAND_DRIVEN_BASED_CONTROL,
    OutputAdjustableRegistration: ControlType.OPERATION_MODE_BASED_CONTROL,
    TimeShiftableRegistration: ControlType.POWER_PROFILE_BASED_CONTROL,
    InflexibleRegistration: ControlType.POWER_ENVELOPE_BASED_CONTROL,
}
"""The control type of each category; one that is inflexible has it while it can be curtailed."""

_PRODUCERS = frozenset(
    (
        DeviceClass.PV_PANEL,
        DeviceClass.WINDMILL,
        DeviceClass.SOLAR_COLLECTOR,
        DeviceClass.GENERATOR,
        DeviceClass.MICRO_CHP,
    )
)

_ROLE_TYPES = {
    EnergyRole.PRODUCER: RoleType.ENERGY_PRODUCER,
    EnergyRole.CONSUMER: RoleType.ENERGY_CONSUMER,
    EnergyRole.STORAGE: RoleType.ENERGY_STORAGE,
}

MOST_ROLES = 3


def control_types(registration: AnyRegistration, curtailable: bool, settings: CemSettings) -> tuple[ControlType, ...]:
    """How an appliance can be controlled: as its category has it, or not at all."""
    own = CONTROL_TYPES[type(registration)]
    if settings.measured_only or (isinstance(registration, InflexibleRegistration) and not curtailable):
        return (ControlType.NOT_CONTROLABLE,)
    return (own, ControlType.NOT_CONTROLABLE)


def details(
    registration: AnyRegistration,
    offered: tuple[ControlType, ...],
    quantities: Quantities,
    settings: CemSettings,
    notes: Notes,
) -> ResourceManagerDetails:
    """Who an appliance is, and how it can be controlled."""
    _note_losses(registration, notes)
    delay = milliseconds(registration.processing_delay, "processing_delay", notes)
    currency = registration.currency
    if currency is not None and currency not in CURRENCIES:
        notes.lost(CURRENCY, "currency", currency)
        currency = None
    measures = dict.fromkeys(quantities.of(quantity)[0] for quantity in registration.measures)
    return ResourceManagerDetails(
        message_id=uuid_of(registration.message_id),
        resource_id=settings.resource_id or uuid_of(registration.appliance_id),
        name=registration.name or None,
        roles=_roles(registration, notes),
        manufacturer=registration.manufacturer,
        model=registration.model,
        serial_number=registration.serial_number,
        firmware_version=registration.firmware_version,
        instruction_processing_delay=delay,
        available_control_types=offered,
        currency=currency,
        provides_forecast=registration.provides_forecast,
        provides_power_measurement_types=tuple(measures) or (_something_measured(registration, quantities),),
    )


def _note_losses(registration: AnyRegistration, notes: Notes) -> None:
    if registration.device_class is not DeviceClass.MISCELLANEOUS:
        notes.lost(DEVICE_CLASS, "device_class", registration.device_class.value)
    electric = Commodity.ELECTRICITY in registration.commodities
    if electric and len(registration.phases) != 1:
        notes.lost(PHASES, "phases", ", ".join(registration.phases) or "not known")
    if registration.power_limits:
        notes.lost(POWER_LIMITS, "power_limits", f"{len(registration.power_limits)} limits")
    if isinstance(registration, DemandDrivenRegistration) and registration.demand_label:
        notes.lost(LABEL, "demand_label", registration.demand_label)
    if isinstance(registration, DemandDrivenRegistration) and registration.demand_unit != "W":
        notes.lost(LABEL, "demand_unit", registration.demand_unit)


def _roles(registration: AnyRegistration, notes: Notes) -> tuple[Role, ...]:
    roles: list[Role] = []
    for place, told in enumerate(registration.roles):
        commodity = S2_COMMODITIES.get(told.commodity)
        if commodity is None:
            notes.lost(HYDROGEN_ROLE, f"roles.{place}", told.role.value)
        elif told.role is EnergyRole.GRID:
            notes.lost(GRID_ROLE, f"roles.{place}", told.role.value)
            roles += (Role(role=role, commodity=commodity) for role in _BOTH_WAYS)
        else:
            roles.append(Role(role=_ROLE_TYPES[told.role], commodity=commodity))
    for commodity_told in registration.commodities:
        if registration.role_for(commodity_told) is not None:
            continue
        if commodity_told in S2_COMMODITIES:
            roles.append(Role(role=_likely(registration, commodity_told), commodity=S2_COMMODITIES[commodity_told]))
        else:
            notes.lost(COMMODITIES, "commodities", commodity_told.value)
    if len(roles) > MOST_ROLES:
        notes.lost(LATER_ROLES, "roles", f"{len(roles)} roles")
    return tuple(roles[:MOST_ROLES]) or (Role(role=RoleType.ENERGY_CONSUMER, commodity=S2Commodity.ELECTRICITY),)


_BOTH_WAYS = (RoleType.ENERGY_CONSUMER, RoleType.ENERGY_PRODUCER)


def _likely(registration: AnyRegistration, commodity: Commodity) -> RoleType:
    """The part of an appliance in the flow of a commodity, where it did not say."""
    if isinstance(registration, StorageRegistration):
        return RoleType.ENERGY_STORAGE
    limits = [limit.bounds for limit in registration.power_limits if limit.quantity.commodity is commodity]
    if limits and all(bounds.upper <= 0 for bounds in limits):
        return RoleType.ENERGY_PRODUCER
    produces = registration.device_class in _PRODUCERS and commodity is not Commodity.GAS
    return RoleType.ENERGY_PRODUCER if produces and not limits else RoleType.ENERGY_CONSUMER


def _something_measured(registration: AnyRegistration, quantities: Quantities) -> S2Quantity:
    """S2 wants a quantity even where none is measured."""
    return _FIRST_QUANTITY.get(registration.commodities[0], quantities.total)


_FIRST_QUANTITY = {
    Commodity.GAS: S2Quantity.NATURAL_GAS_FLOW_RATE,
    Commodity.HEAT: S2Quantity.HEAT_THERMAL_POWER,
    Commodity.OIL: S2Quantity.OIL_FLOW_RATE,
    Commodity.HYDROGEN: S2Quantity.HYDROGEN_FLOW_RATE,
}


def phases_of(registration: AnyRegistration, settings: CemSettings) -> tuple[Phase, ...]:
    """The phases on which the electrical total is told."""
    return registration.phases if settings.phases is None else settings.phases
