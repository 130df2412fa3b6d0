"""Small S2 messages for tests: a battery and a washing machine, a heater and a PV system, and what is said of them."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from efi.s2.common import (
    Commodity,
    CommodityQuantity,
    ControlType,
    NumberRange,
    PowerForecastValue,
    PowerRange,
    PowerValue,
    Role,
    RoleType,
    Timer,
    Transition,
)
from efi.s2.conversation import (
    InstructionStatus,
    InstructionStatusUpdate,
    ResourceManagerDetails,
    RevokableObjects,
    RevokeObject,
)
from efi.s2.frbc import (
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
)
from efi.s2.ombc import OMBCInstruction, OMBCOperationMode, OMBCStatus, OMBCSystemDescription
from efi.s2.pebc import (
    PEBCAllowedLimitRange,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelope,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeElement,
    PEBCPowerEnvelopeLimitType,
)
from efi.s2.power import PowerMeasurement
from efi.s2.ppbc import (
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
L1 = CommodityQuantity.ELECTRIC_POWER_L1

FRBC = ControlType.FILL_RATE_BASED_CONTROL
OMBC = ControlType.OPERATION_MODE_BASED_CONTROL
PPBC = ControlType.POWER_PROFILE_BASED_CONTROL
PEBC = ControlType.POWER_ENVELOPE_BASED_CONTROL

_numbers = itertools.count(1)


def new_id() -> str:
    return f"id-{next(_numbers)}"


def ids(prefix: str) -> Callable[[], str]:
    """Ids that begin so."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"


def span(start: float, end: float) -> NumberRange:
    return NumberRange(start_of_range=start, end_of_range=end)


def power(start: float, end: float, quantity: CommodityQuantity = L1) -> PowerRange:
    return PowerRange(start_of_range=start, end_of_range=end, commodity_quantity=quantity)


def details(*control_types: ControlType) -> ResourceManagerDetails:
    return ResourceManagerDetails(
        message_id=new_id(),
        resource_id="battery",
        roles=(Role(role=RoleType.ENERGY_STORAGE, commodity=Commodity.ELECTRICITY),),
        instruction_processing_delay=100,
        available_control_types=control_types or (FRBC, OMBC, PPBC, PEBC),
        provides_forecast=False,
        provides_power_measurement_types=(L1,),
    )


def frbc_mode(name: str, watts: float, *levels: float) -> FRBCOperationMode:
    """A mode whose elements meet at the given fill levels."""
    bounds = levels or (0.0, 100.0)
    return FRBCOperationMode(
        id=name,
        elements=tuple(
            FRBCOperationModeElement(
                fill_level_range=span(low, high), fill_rate=span(0, watts / 36000), power_ranges=(power(0, watts),)
            )
            for low, high in itertools.pairwise(bounds)
        ),
        abnormal_condition_only=False,
    )


def transition(from_: str, to: str, starts: tuple[str, ...] = (), blocked_by: tuple[str, ...] = ()) -> Transition:
    return Transition(
        id=f"{from_}-{to}",
        from_=from_,
        to=to,
        start_timers=starts,
        blocking_timers=blocked_by,
        abnormal_condition_only=False,
    )


def battery(*modes: FRBCOperationMode, valid_from: datetime = NOON) -> FRBCSystemDescription:
    return FRBCSystemDescription(
        message_id=new_id(),
        valid_from=valid_from,
        actuators=(
            FRBCActuatorDescription(
                id="inverter",
                supported_commodities=(Commodity.ELECTRICITY,),
                operation_modes=modes or (frbc_mode("rest", 0), frbc_mode("charge", 3000)),
                transitions=(transition("rest", "charge", ("pause",), ("pause",)),) if not modes else (),
                timers=(Timer(id="pause", duration=60_000),),
            ),
        ),
        storage=FRBCStorageDescription(
            provides_leakage_behaviour=False,
            provides_fill_level_target_profile=False,
            provides_usage_forecast=False,
            fill_level_range=span(0, 100),
        ),
    )


def level(fill_level: float = 50) -> FRBCStorageStatus:
    return FRBCStorageStatus(message_id=new_id(), present_fill_level=fill_level)


def doing(mode: str = "rest", actuator: str = "inverter", factor: float = 0) -> FRBCActuatorStatus:
    return FRBCActuatorStatus(
        message_id=new_id(), actuator_id=actuator, active_operation_mode_id=mode, operation_mode_factor=factor
    )


def pause_over(timer: str = "pause") -> FRBCTimerStatus:
    return FRBCTimerStatus(message_id=new_id(), timer_id=timer, actuator_id="inverter", finished_at=NOON)


def charge(mode: str = "charge", name: str | None = None) -> FRBCInstruction:
    return FRBCInstruction(
        message_id=new_id(),
        id=name or new_id(),
        actuator_id="inverter",
        operation_mode=mode,
        operation_mode_factor=1,
        execution_time=NOON,
        abnormal_condition=False,
    )


def heater() -> OMBCSystemDescription:
    return OMBCSystemDescription(
        message_id=new_id(),
        valid_from=NOON,
        operation_modes=tuple(
            OMBCOperationMode(id=name, power_ranges=(power(watts, watts),), abnormal_condition_only=False)
            for name, watts in (("off", 0), ("on", 2000))
        ),
        transitions=(transition("off", "on"), transition("on", "off")),
        timers=(),
    )


def heater_is(mode: str) -> OMBCStatus:
    return OMBCStatus(message_id=new_id(), active_operation_mode_id=mode, operation_mode_factor=0)


def heat(mode: str = "on") -> OMBCInstruction:
    return OMBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=NOON,
        operation_mode_id=mode,
        operation_mode_factor=0,
        abnormal_condition=False,
    )


def wash() -> PPBCPowerProfileDefinition:
    return PPBCPowerProfileDefinition(
        message_id=new_id(),
        id="wash",
        start_time=NOON,
        end_time=NOON + timedelta(hours=8),
        power_sequences_containers=(
            PPBCPowerSequenceContainer(
                id="main",
                power_sequences=(
                    PPBCPowerSequence(
                        id="eco",
                        elements=(
                            PPBCPowerSequenceElement(
                                duration=3_600_000,
                                power_values=(PowerForecastValue(value_expected=900, commodity_quantity=L1),),
                            ),
                        ),
                        is_interruptible=False,
                        abnormal_condition_only=False,
                    ),
                ),
            ),
        ),
    )


def washing(container: str = "main", profile: str = "wash", sequence: str | None = None) -> PPBCPowerProfileStatus:
    return PPBCPowerProfileStatus(
        message_id=new_id(),
        sequence_container_status=(
            PPBCPowerSequenceContainerStatus(
                power_profile_id=profile,
                sequence_container_id=container,
                selected_sequence_id=sequence,
                status=PPBCPowerSequenceStatus.NOT_SCHEDULED,
            ),
        ),
    )


def start_washing(sequence: str = "eco") -> PPBCScheduleInstruction:
    return PPBCScheduleInstruction(
        message_id=new_id(),
        id=new_id(),
        power_profile_id="wash",
        sequence_container_id="main",
        power_sequence_id=sequence,
        execution_time=NOON,
        abnormal_condition=False,
    )


def limit_range(kind: PEBCPowerEnvelopeLimitType, start: float, end: float) -> PEBCAllowedLimitRange:
    return PEBCAllowedLimitRange(
        commodity_quantity=L1, limit_type=kind, range_boundary=span(start, end), abnormal_condition_only=False
    )


def curtailment(*ranges: PEBCAllowedLimitRange, until: datetime | None = None) -> PEBCPowerConstraints:
    return PEBCPowerConstraints(
        message_id=new_id(),
        id="roof",
        valid_from=NOON,
        valid_until=until,
        consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH,
        allowed_limit_ranges=ranges
        or (
            limit_range(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -5000, 0),
            limit_range(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0, 0),
        ),
    )


def curtail(lower: float = -1000, upper: float = 0, constraints: str = "roof", envelopes: int = 1) -> PEBCInstruction:
    return PEBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=NOON,
        abnormal_condition=False,
        power_constraints_id=constraints,
        power_envelopes=tuple(
            PEBCPowerEnvelope(
                id=new_id(),
                commodity_quantity=L1,
                power_envelope_elements=(
                    PEBCPowerEnvelopeElement(duration=900_000, upper_limit=upper, lower_limit=lower),
                ),
            )
            for _ in range(envelopes)
        ),
    )


def measured(watts: float = 0) -> PowerMeasurement:
    return PowerMeasurement(
        message_id=new_id(), measurement_timestamp=NOON, values=(PowerValue(commodity_quantity=L1, value=watts),)
    )


def came_to(instruction_id: str, status: InstructionStatus) -> InstructionStatusUpdate:
    return InstructionStatusUpdate(
        message_id=new_id(), instruction_id=instruction_id, status_type=status, timestamp=NOON
    )


def revoke(kind: RevokableObjects, name: str) -> RevokeObject:
    return RevokeObject(message_id=new_id(), object_type=kind, object_id=name)
