"""Every category is offered by its control type, and what the energy manager asks arrives as its allocation."""

from typing import Any

import pytest

from efi.allocation import AllocationStatus
from efi.demand_driven import DemandDrivenAllocation, DemandDrivenStateUpdate
from efi.inflexible import InflexibleAllocation
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableStateUpdate
from efi.storage import ActuatorState
from efi.time_shiftable import TimeShiftableAllocation
from efi.types import NumberRange
from tests.efi.house import (
    NOON,
    generator_description,
    generator_registration,
    hybrid_description,
    hybrid_registration,
    panel_options,
    panel_registration,
    stamp,
    washer_registration,
    washer_work,
)
from tests.energy_apps.s2_bridge.bridge_bench import Bench, BenchAppliance
from tests.energy_apps.s2_bridge.test_s2_bridge import cem, house
from tests.peers.raw_cem import RawCaller, RawCem

__all__ = ["cem", "house"]

AT = NOON.isoformat()


async def chosen(cem: RawCem, control_type: str, version: str = "1.0.0") -> RawCaller:
    """The energy manager controls the only appliance in that way."""
    caller = await cem.caller("battery")
    await caller.hears("Handshake")
    await caller.say("HandshakeResponse", selected_protocol_version=version)
    details = await caller.hears("ResourceManagerDetails")
    assert control_type in details["available_control_types"]
    await caller.select(control_type)
    return caller


async def followed(caller: RawCaller, appliance: BenchAppliance, kind: str, **fields: Any) -> Any:
    """Give an instruction, which the appliance follows; the answer is what it was asked."""
    name = await caller.instruct(kind, **fields)
    await caller.told(name, "STARTED")
    appliance.word(appliance.asked[-1].message_id, AllocationStatus.ABORTED, "enough")
    await caller.told(name, "ABORTED")
    return appliance.asked[-1]


async def test_a_generator_is_told_a_mode(house: Bench, cem: RawCem):
    off = OutputAdjustableStateUpdate(**stamp(), valid_from=NOON, mode_id="off")
    appliance = house.connect(generator_registration(), generator_description(), off)
    caller = await chosen(cem, "OPERATION_MODE_BASED_CONTROL")
    description = await caller.hears("OMBC.SystemDescription")
    assert (await caller.hears("OMBC.Status"))["active_operation_mode_id"] == description["operation_modes"][0]["id"]
    run = description["operation_modes"][1]
    low_to_high = run["power_ranges"][0]
    factor = (-1250 - low_to_high["start_of_range"]) / (low_to_high["end_of_range"] - low_to_high["start_of_range"])
    asked = await followed(
        caller,
        appliance,
        "OMBC.Instruction",
        operation_mode_id=run["id"],
        operation_mode_factor=factor,
        execution_time=AT,
    )
    assert isinstance(asked, OutputAdjustableAllocation)
    assert [(each.mode_id, each.factor) for each in asked.selectors] == [("run", pytest.approx(0.25))]


@pytest.mark.parametrize("version", ["0.0.2-beta", "1.0.0"])
async def test_a_hybrid_heat_pump_is_told_which_part_meets_the_demand(house: Bench, cem: RawCem, version: str):
    state = DemandDrivenStateUpdate(
        **stamp(), valid_from=NOON, demand=NumberRange(lower=3000, upper=3000),
        actuators=tuple(ActuatorState(actuator_id=name, mode_id="off") for name in ("pump", "boiler")),
    )  # fmt: skip
    appliance = house.connect(hybrid_registration(), hybrid_description(), state)
    caller = await chosen(cem, "DEMAND_DRIVEN_BASED_CONTROL", version)
    description = await caller.hears("DDBC.SystemDescription")
    told = description if version == "0.0.2-beta" else await caller.hears("DDBC.PresentDemandStatus")
    assert told["present_demand_rate"] == {"start_of_range": 3000.0, "end_of_range": 3000.0}
    pump = description["actuators"][0]
    asked = await followed(
        caller, appliance, "DDBC.Instruction", actuator_id=pump["id"],
        operation_mode_id=pump["operation_modes"][1]["Id"], operation_mode_factor=0.5, execution_time=AT,
    )  # fmt: skip
    assert isinstance(asked, DemandDrivenAllocation)
    assert [(each.actuator_id, each.mode_id, each.factor) for each in asked.actuators] == [("pump", "on", 0.5)]


async def test_a_washing_machine_is_told_when_to_begin(house: Bench, cem: RawCem):
    appliance = house.connect(washer_registration(), washer_work())
    caller = await chosen(cem, "POWER_PROFILE_BASED_CONTROL")
    work = await caller.hears("PPBC.PowerProfileDefinition")
    wash = work["power_sequences_containers"][0]
    asked = await followed(
        caller, appliance, "PPBC.ScheduleInstruction", power_profile_id=work["id"], sequence_container_id=wash["id"],
        power_sequence_id=wash["power_sequences"][0]["id"], execution_time=AT,
    )  # fmt: skip
    assert isinstance(asked, TimeShiftableAllocation)
    assert [(each.sequence_id, each.start_time) for each in asked.sequences] == [("wash", NOON)]


async def test_panels_are_told_bounds(house: Bench, cem: RawCem):
    appliance = house.connect(panel_registration(), panel_options())
    caller = await chosen(cem, "POWER_ENVELOPE_BASED_CONTROL")
    constraints = await caller.hears("PEBC.PowerConstraints")
    quantity = constraints["allowed_limit_ranges"][0]["commodity_quantity"]
    highest = max(
        each["range_boundary"]["end_of_range"]
        for each in constraints["allowed_limit_ranges"]
        if each["limit_type"] == "UPPER_LIMIT"
    )
    bounds = {"duration": 3_600_000, "upper_limit": highest, "lower_limit": -2000.0}
    envelope = {"id": "envelope-1", "commodity_quantity": quantity, "power_envelope_elements": [bounds]}
    asked = await followed(
        caller, appliance, "PEBC.Instruction", execution_time=AT, power_constraints_id=constraints["id"],
        power_envelopes=[envelope],
    )  # fmt: skip
    assert isinstance(asked, InflexibleAllocation)
    assert [element.lower for element in asked.curtailments[0].elements] == [-2000.0]


async def test_panels_that_cannot_be_held_back_any_more_are_offered_anew(house: Bench, cem: RawCem):
    appliance = house.connect(panel_registration(), panel_options())
    caller = await chosen(cem, "POWER_ENVELOPE_BASED_CONTROL")
    await caller.hears("PEBC.PowerConstraints")
    appliance.tell(panel_options(options=()))
    await caller.until(
        lambda: caller.all("ResourceManagerDetails")[-1]["available_control_types"] == ["NOT_CONTROLABLE"],
        "it is said that it cannot be controlled",
    )
    assert await caller.asks("SelectControlType", control_type="POWER_ENVELOPE_BASED_CONTROL") == "INVALID_CONTENT"
