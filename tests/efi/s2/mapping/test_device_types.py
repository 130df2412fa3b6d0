"""Whole conversations with devices of the other control types: washing machine, generator, panels, hybrid heat pump."""

from datetime import timedelta
from typing import Any

import pytest

from efi.commodity import Commodity as Ours
from efi.commodity import CommodityQuantity
from efi.demand_driven import DemandDrivenAllocation
from efi.inflexible import Consequence, CurtailmentElement, CurtailmentProfile, InflexibleAllocation, LimitKind
from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from efi.s2.common import Commodity, ControlType, PowerForecastValue, PowerValue
from efi.s2.common import CommodityQuantity as S2Quantity
from efi.s2.conversation import InstructionStatus
from efi.s2.ddbc import (
    DDBCActuatorDescription,
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCAverageDemandRateForecastElement,
    DDBCInstruction,
    DDBCOperationMode,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
)
from efi.s2.ombc import OMBCInstruction, OMBCOperationMode, OMBCStatus, OMBCSystemDescription, OMBCTimerStatus
from efi.s2.pebc import (
    PEBCAllowedLimitRange,
    PEBCEnergyConstraint,
    PEBCInstruction,
    PEBCPowerConstraints,
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
)
from efi.s2.power import PowerMeasurement
from efi.s2.ppbc import (
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
    PPBCPowerSequenceStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from efi.s2.profile import Profile
from efi.storage import ActuatorAllocation
from efi.time_shiftable import SequenceAction, SequenceAllocation, SequenceStatus, TimeShiftableAllocation
from tests.efi.s2.mapping.house import (
    HOUR,
    L1,
    MINUTE,
    NOON,
    DeviceTalk,
    details,
    named,
    new_id,
    numbers,
    power,
    status_of,
    timer,
    way,
)


def asks(talk: DeviceTalk, kind: type[Any], quoted: str, **fields: Any) -> Any:
    allocation = kind(
        message_id=new_id(), appliance_id="device", timestamp=talk.now, control_space_update_id=quoted, **fields
    )
    talk.asks(allocation)
    return allocation


# A washing machine ----------------------------------------------------------------------------------------------------


def sequence(word: str, minutes: int, watts: float, **fields: Any) -> PPBCPowerSequence:
    value = PowerForecastValue(commodity_quantity=L1, value_expected=watts)
    element = PPBCPowerSequenceElement(duration=minutes * 60_000, power_values=(value,))
    told = {"is_interruptible": False, "abnormal_condition_only": False, **fields}
    return PPBCPowerSequence(id=named(word), elements=(element,), **told)


def washing() -> PPBCPowerProfileDefinition:
    wash = sequence("wash", 60, 500, is_interruptible=True)
    slow = sequence("slow", 60, 1000, max_pause_before=1_800_000)
    fast = sequence("fast", 30, 2000, max_pause_before=300_000)
    return PPBCPowerProfileDefinition(
        message_id=new_id(),
        id=named("cotton"),
        start_time=NOON + HOUR,
        end_time=NOON + 8 * HOUR,
        power_sequences_containers=(
            PPBCPowerSequenceContainer(id=named("washing"), power_sequences=(wash,)),
            PPBCPowerSequenceContainer(id=named("drying"), power_sequences=(slow, fast)),
        ),
    )


def container(word: str, status: PPBCPowerSequenceStatus, **fields: Any) -> PPBCPowerProfileStatus:
    told = PPBCPowerSequenceContainerStatus(
        power_profile_id=named("cotton"), sequence_container_id=named(word), status=status, **fields
    )
    return PPBCPowerProfileStatus(message_id=new_id(), sequence_container_status=(told,))


def test_a_washing_machine_is_scheduled_halted_and_resumed() -> None:
    talk = DeviceTalk(details(ControlType.POWER_PROFILE_BASED_CONTROL))
    talk.selects(ControlType.POWER_PROFILE_BASED_CONTROL)
    talk.hears(washing())
    work = talk.space.work
    assert work.earliest_start == NOON + HOUR
    drying = work.sequences[1]
    assert drying.longest_interval_before(named("slow")) == 30 * MINUTE
    assert drying.longest_interval_before(named("fast")) == 5 * MINUTE
    steps = (
        SequenceAllocation(sequence_id=named("washing"), start_time=NOON + HOUR),
        SequenceAllocation(
            sequence_id=named("drying"), alternative_id=named("fast"), start_time=NOON + 2 * HOUR + 5 * MINUTE
        ),
    )
    planned = asks(talk, TimeShiftableAllocation, work.message_id, sequences=steps)
    wash, dry = talk.said_to_device(PPBCScheduleInstruction)
    assert (wash.power_profile_id, wash.power_sequence_id) == (named("cotton"), named("wash"))
    assert dry.power_sequence_id == named("fast")
    for instruction in (wash, dry):
        talk.hears(status_of(instruction, InstructionStatus.ACCEPTED))
    talk.now += HOUR + 10 * MINUTE
    talk.hears(status_of(wash, InstructionStatus.STARTED, talk.now))
    talk.hears(
        container("washing", PPBCPowerSequenceStatus.EXECUTING, progress=600_000, selected_sequence_id=named("wash"))
    )
    (state,) = talk.space.work_state.sequences
    assert (state.status, state.starts_at) == (SequenceStatus.EXECUTING, NOON + HOUR)
    for action, kind in (
        (SequenceAction.INTERRUPT, PPBCStartInterruptionInstruction),
        (SequenceAction.RESUME, PPBCEndInterruptionInstruction),
    ):
        step = SequenceAllocation(sequence_id=named("washing"), start_time=talk.now, action=action)
        asks(talk, TimeShiftableAllocation, work.message_id, sequences=(step,))
        (told,) = talk.said_to_device(kind)
        assert told.power_sequence_id == named("wash")
        talk.hears(status_of(told, InstructionStatus.SUCCEEDED, talk.now))
    assert talk.statuses(planned.message_id) == ["accepted", "started"]


def test_a_status_of_another_profile_is_refused() -> None:
    talk = DeviceTalk(details(ControlType.POWER_PROFILE_BASED_CONTROL))
    talk.selects(ControlType.POWER_PROFILE_BASED_CONTROL)
    assert talk.refuses(container("washing", PPBCPowerSequenceStatus.FINISHED)) == "unknown_profile"


def test_a_second_profile_takes_the_place_of_the_first() -> None:
    talk = DeviceTalk(details(ControlType.POWER_PROFILE_BASED_CONTROL))
    talk.selects(ControlType.POWER_PROFILE_BASED_CONTROL)
    talk.hears(washing())
    again = talk.hears(washing())
    assert [loss.path for loss in again.losses] == ["id"]
    talk.hears(container("washing", PPBCPowerSequenceStatus.FINISHED))
    step = SequenceAllocation(sequence_id=named("drying"), alternative_id=named("slow"), start_time=NOON + 2 * HOUR)
    asks(talk, TimeShiftableAllocation, talk.space.work.message_id, sequences=(step,))
    assert talk.said_to_device(PPBCScheduleInstruction)[0].power_profile_id == named("cotton")


# A generator ----------------------------------------------------------------------------------------------------------


def generator_talk() -> DeviceTalk:
    talk = DeviceTalk(details(ControlType.OPERATION_MODE_BASED_CONTROL, currency="EUR"))
    talk.selects(ControlType.OPERATION_MODE_BASED_CONTROL)
    gas = power(0.5, 1.5, S2Quantity.NATURAL_GAS_FLOW_RATE)
    modes = (
        OMBCOperationMode(id=named("off"), power_ranges=(power(0),), abnormal_condition_only=False),
        OMBCOperationMode(
            id=named("run"),
            diagnostic_label="run",
            power_ranges=(power(-2000, -1000), gas),
            running_costs=numbers(0.001, 0.003),
            abnormal_condition_only=False,
        ),
    )
    ways = (
        way("off", "run", transition_costs=0.1, blocking_timers=(named("rest"),)),
        way("run", "off", start_timers=(named("rest"),), transition_duration=30_000),
    )
    talk.hears(
        OMBCSystemDescription(
            message_id=new_id(), valid_from=NOON, operation_modes=modes, transitions=ways, timers=(timer("rest"),)
        )
    )
    return talk


def test_a_generator_waits_for_its_timer() -> None:
    talk = generator_talk()
    assert set(talk.space.registration.commodities) == {Ours.ELECTRICITY, Ours.GAS}
    run = talk.space.descriptions[0].modes[1]
    assert run.power_at(1.0)[1].value == pytest.approx(0.0015), "m³/s and not l/s"
    assert run.running_cost_bounds is not None
    talk.hears(OMBCTimerStatus(message_id=new_id(), timer_id=named("rest"), finished_at=NOON + 5 * MINUTE))
    assert talk.space.state is None
    talk.hears(OMBCStatus(message_id=new_id(), active_operation_mode_id=named("off"), operation_mode_factor=0))
    assert talk.space.state.timer_ends == {named("rest"): NOON + 5 * MINUTE}
    early = OutputAdjustableAllocation(
        message_id=new_id(),
        appliance_id="device",
        timestamp=NOON,
        control_space_update_id=talk.space.descriptions[0].message_id,
        selectors=(RunningModeSelector(mode_id=named("run"), factor=0.5, start_time=NOON),),
    )
    refused = talk.side.tell(early, NOON)
    assert refused.refusal is not None and refused.refusal.rule == "transition_blocked"
    assert not refused.to_s2
    later = RunningModeSelector(mode_id=named("run"), factor=0.5, start_time=NOON + 5 * MINUTE)
    asks(talk, OutputAdjustableAllocation, talk.space.descriptions[0].message_id, selectors=(later,))
    (told,) = talk.said_to_device(OMBCInstruction)
    assert (told.operation_mode_id, told.operation_mode_factor) == (named("run"), 0.5)


# Panels ---------------------------------------------------------------------------------------------------------------


def limit(kind: PEBCPowerEnvelopeLimitType, low: float, high: float) -> PEBCAllowedLimitRange:
    return PEBCAllowedLimitRange(
        commodity_quantity=L1, limit_type=kind, range_boundary=numbers(low, high), abnormal_condition_only=False
    )


def panel_talk() -> DeviceTalk:
    talk = DeviceTalk(details(ControlType.POWER_ENVELOPE_BASED_CONTROL, ControlType.NOT_CONTROLABLE))
    talk.selects(ControlType.POWER_ENVELOPE_BASED_CONTROL)
    talk.hears(
        PEBCPowerConstraints(
            message_id=new_id(),
            id=named("constraints"),
            valid_from=NOON,
            consequence_type=PEBCPowerEnvelopeConsequenceType.DEFER,
            allowed_limit_ranges=(
                limit(PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0, 0),
                limit(PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -4000, 0),
            ),
        )
    )
    return talk


def curtails(talk: DeviceTalk, *elements: CurtailmentElement, start: timedelta = timedelta()) -> Any:
    profile = CurtailmentProfile(quantity=CommodityQuantity.ELECTRIC_POWER_L1, elements=elements)
    quoted = talk.space.curtailment_options[0].message_id
    return asks(talk, InflexibleAllocation, quoted, start_time=talk.now + start, curtailments=(profile,))


def test_panels_are_curtailed_by_an_envelope() -> None:
    talk = panel_talk()
    (options,) = talk.space.curtailment_options
    assert options.option_for(CommodityQuantity.ELECTRIC_POWER_L1, LimitKind.LOWER).consequence is Consequence.DEFER
    curtails(talk, CurtailmentElement(duration=HOUR, lower=-1000), CurtailmentElement(duration=HOUR))
    (told,) = talk.said_to_device(PEBCInstruction)
    assert told.power_constraints_id == named("constraints")
    (envelope,) = told.power_envelopes
    limits = [(each.duration, each.lower_limit, each.upper_limit) for each in envelope.power_envelope_elements]
    assert limits == [(3_600_000, -1000, 0), (3_600_000, -4000, 0)]


def test_a_long_curtailment_is_several_instructions() -> None:
    talk = panel_talk()
    elements = [CurtailmentElement(duration=MINUTE, lower=-1000 - n) for n in range(600)]
    allocation = curtails(talk, *elements)
    told = talk.said_to_device(PEBCInstruction)
    assert [len(each.power_envelopes[0].power_envelope_elements) for each in told] == [288, 288, 24]
    assert [each.execution_time - NOON for each in told] == [timedelta(), 288 * MINUTE, 576 * MINUTE]
    for instruction in told:
        talk.hears(status_of(instruction, InstructionStatus.SUCCEEDED))
    assert talk.statuses(allocation.message_id) == ["accepted", "started", "finished"]


def test_energy_that_must_flow_is_an_envelope_of_energy() -> None:
    talk = panel_talk()
    talk.hears(
        PEBCEnergyConstraint(
            message_id=new_id(),
            id=named("energy"),
            valid_from=NOON,
            valid_until=NOON + HOUR,
            upper_average_power=0,
            lower_average_power=-3000,
            commodity_quantity=L1,
        )
    )
    (envelope,) = talk.space.energy_envelopes
    assert envelope.average.lower == -3000


def test_what_is_measured_before_a_selection_is_told_after_it() -> None:
    talk = DeviceTalk(details(ControlType.NOT_CONTROLABLE))
    heat = PowerValue(commodity_quantity=S2Quantity.HEAT_THERMAL_POWER, value=300)
    measured = PowerMeasurement(
        message_id=new_id(),
        measurement_timestamp=NOON,
        values=(PowerValue(commodity_quantity=L1, value=70), heat),
    )
    assert not talk.hears(measured).to_efi
    talk.selects(ControlType.NOT_CONTROLABLE)
    assert talk.space.measurement.electric_power_w == 70
    assert Ours.HEAT in talk.space.registration.commodities


# A hybrid heat pump ---------------------------------------------------------------------------------------------------


def hybrid_mode(word: str, supply: float, *powers: Any) -> DDBCOperationMode:
    return DDBCOperationMode(
        id=named(word),
        diagnostic_label=word,
        power_ranges=powers,
        supply_range=numbers(0, supply),
        abnormal_condition_only=False,
    )


def hybrid_talk(profile: Profile) -> DeviceTalk:
    talk = DeviceTalk(details(ControlType.DEMAND_DRIVEN_BASED_CONTROL), profile=profile)
    talk.selects(ControlType.DEMAND_DRIVEN_BASED_CONTROL)
    gas = S2Quantity.NATURAL_GAS_FLOW_RATE
    pump = DDBCActuatorDescription(
        id=named("pump"),
        supported_commodites=(Commodity.ELECTRICITY,),
        operation_modes=(hybrid_mode("pump-off", 0, power(0)), hybrid_mode("pump-on", 6000, power(0, 2000))),
        transitions=(way("pump-off", "pump-on"), way("pump-on", "pump-off")),
        timers=(),
    )
    boiler = DDBCActuatorDescription(
        id=named("boiler"),
        supported_commodites=(Commodity.GAS,),
        operation_modes=(hybrid_mode("boiler-on", 10000, power(0, 0.3, gas)),),
        transitions=(),
        timers=(),
    )
    fields: dict[str, Any] = {
        "message_id": new_id(),
        "valid_from": NOON,
        "actuators": (pump, boiler),
        "provides_average_demand_rate_forecast": True,
    }
    if profile is Profile.BETA:
        talk.hears(DDBCSystemDescriptionWithDemand(**fields, present_demand_rate=numbers(4000, 4000)))
    else:
        talk.hears(DDBCSystemDescription(**fields))
        talk.hears(DDBCPresentDemandStatus(message_id=new_id(), present_demand_rate=numbers(4000, 4000)))
    return talk


@pytest.mark.parametrize("profile", Profile)
def test_a_hybrid_heat_pump_tells_its_demand_and_takes_modes(profile: Profile) -> None:
    talk = hybrid_talk(profile)
    assert talk.space.state.demand.upper == 4000
    for actuator, mode in (("pump", "pump-off"), ("boiler", "boiler-on")):
        talk.hears(
            DDBCActuatorStatus(
                message_id=new_id(),
                actuator_id=named(actuator),
                active_operation_mode_id=named(mode),
                operation_mode_factor=0.4,
            )
        )
    assert talk.space.state.demand.upper == 4000
    assert [each.factor for each in talk.space.state.actuators] == [None, 0.4]
    forecast = DDBCAverageDemandRateForecastElement(duration=3_600_000, demand_rate_expected=3000)
    talk.hears(DDBCAverageDemandRateForecast(message_id=new_id(), start_time=NOON, elements=(forecast,)))
    assert talk.space.demand_forecast.elements[0].rate.expected == 3000
    wishes = tuple(
        ActuatorAllocation(actuator_id=named(actuator), mode_id=named(mode), factor=factor, start_time=NOON)
        for actuator, mode, factor in (("pump", "pump-on", 0.5), ("boiler", "boiler-on", 0.1))
    )
    allocation = asks(
        talk, DemandDrivenAllocation, talk.space.descriptions[0].message_id, actuators=wishes, abnormal_condition=True
    )
    pump, boiler = talk.said_to_device(DDBCInstruction)
    assert pump.abnormal_condition and boiler.operation_mode_factor == 0.1
    talk.hears(status_of(pump, InstructionStatus.SUCCEEDED))
    talk.hears(status_of(boiler, InstructionStatus.ABORTED))
    assert talk.statuses(allocation.message_id) == ["accepted", "started", "aborted"]
