"""Appliances of the other categories for an energy manager: panels, washing machine, generator, hybrid heat pump."""

from datetime import timedelta
from typing import Any

import pytest
from s2python.s2_parser import S2Parser

from efi.allocation import AllocationStatus
from efi.commodity import CommodityQuantity, PowerRange, ValueRange, electric
from efi.conversion import Loss
from efi.demand_driven import DemandDrivenStateUpdate
from efi.inflexible import InflexibleAllocation
from efi.measurement import Measurement
from efi.registration import DeviceClass
from efi.s2.codec import dump
from efi.s2.common import CommodityQuantity as S2Quantity
from efi.s2.common import ControlType
from efi.s2.conversation import ResourceManagerDetails, RevokeObject
from efi.s2.ddbc import DDBCPresentDemandStatus, DDBCSystemDescription
from efi.s2.frbc import FRBCSystemDescription
from efi.s2.ombc import OMBCInstruction, OMBCSystemDescription
from efi.s2.pebc import PEBCInstruction, PEBCPowerConstraints, PEBCPowerEnvelope, PEBCPowerEnvelopeElement
from efi.s2.ppbc import PPBCPowerProfileDefinition, PPBCScheduleInstruction
from efi.s2.profile import Profile
from efi.storage import StorageBehaviour
from efi.time_shiftable import TimeShiftableAllocation
from tests.efi.house import (
    HOUR,
    NOON,
    battery_behaviour,
    battery_description,
    battery_registration,
    battery_state,
    generator_description,
    generator_registration,
    hybrid_description,
    hybrid_registration,
    levels,
    panel_options,
    panel_registration,
    stamp,
    washer_registration,
    washer_work,
)
from tests.efi.s2.mapping.house import named, new_id
from tests.efi.s2.mapping.offered import OfferedTalk, types_told

PEBC = ControlType.POWER_ENVELOPE_BASED_CONTROL


def paths(losses: tuple[Loss, ...]) -> set[str]:
    return {loss.path for loss in losses}


# Panels ---------------------------------------------------------------------------------------------------------------


def envelope(talk: OfferedTalk, lower: float, upper: float) -> PEBCInstruction:
    (constraints,) = talk.told(PEBCPowerConstraints)
    element = PEBCPowerEnvelopeElement(duration=3_600_000, lower_limit=lower, upper_limit=upper)
    return PEBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=talk.now,
        abnormal_condition=False,
        power_constraints_id=constraints.id,
        power_envelopes=(
            PEBCPowerEnvelope(
                id=new_id(), commodity_quantity=S2Quantity.ELECTRIC_POWER_L1, power_envelope_elements=(element,)
            ),
        ),
    )


def test_panels_can_be_curtailed_while_they_offer_to() -> None:
    talk = OfferedTalk(panel_registration())
    assert talk.side.offered == (ControlType.NOT_CONTROLABLE,)
    talk.says(panel_options())
    assert talk.side.offered == (PEBC, ControlType.NOT_CONTROLABLE)
    assert len(talk.told(ResourceManagerDetails)) == 2
    told = talk.selects(PEBC)
    assert paths(told.losses) == {"options.0.minimum_duration"}
    (constraints,) = talk.told(PEBCPowerConstraints)
    ranges = [
        (each.limit_type.value, each.range_boundary.start_of_range, each.range_boundary.end_of_range)
        for each in constraints.allowed_limit_ranges
    ]
    assert ranges == [("LOWER_LIMIT", -4000, -1000), ("LOWER_LIMIT", 0, 0), ("UPPER_LIMIT", 0, 0)]
    talk.says(panel_options(options=()))
    assert [revoked.object_id for revoked in talk.told(RevokeObject)] == [constraints.id]
    assert talk.side.offered == (ControlType.NOT_CONTROLABLE,)


def test_an_envelope_becomes_a_curtailment_of_the_side_that_is_on_offer() -> None:
    talk = OfferedTalk(panel_registration(), panel_options(), select=PEBC)
    wish = envelope(talk, -2000, 0)
    talk.hears(wish)
    allocation = talk.asked
    assert isinstance(allocation, InflexibleAllocation)
    (profile,) = allocation.curtailments
    assert profile.quantity is CommodityQuantity.ELECTRIC_POWER
    assert (profile.elements[0].lower, profile.elements[0].upper) == (-2000, None)
    talk.reaches(allocation, AllocationStatus.ACCEPTED, AllocationStatus.STARTED, AllocationStatus.FINISHED)
    assert talk.statuses(wish.id) == ["NEW", "ACCEPTED", "STARTED", "SUCCEEDED"]
    unknown = wish.model_copy(update={"id": new_id(), "power_constraints_id": named("others")})
    assert talk.refuses(unknown) == "unknown_constraints"


def test_a_limit_that_is_not_on_offer_is_rejected() -> None:
    talk = OfferedTalk(panel_registration(), panel_options(), select=PEBC)
    wish = envelope(talk, -2000, -1500)
    translation = talk.side.hear(wish, talk.now)
    (asked,) = translation.to_efi
    verdict = talk.session.from_app(asked, talk.now)  # type: ignore[arg-type]  # an app's words
    assert verdict.refusal is not None and verdict.refusal.rule == "curtailment_not_offered"
    for answer in verdict.to_app:
        (told,) = talk.side.tell(answer, talk.now).to_s2
    assert told.status_type.value == "REJECTED"  # type: ignore[union-attr]  # it is a status


def test_what_is_measured_is_told_whatever_is_selected() -> None:
    talk = OfferedTalk(panel_registration())
    measured = Measurement(**stamp(), measured_at=NOON, values=electric(-1200))
    talk.says(measured)
    assert types_told(talk.to_cem) == ["ResourceManagerDetails", "PowerMeasurement"]
    talk.to_cem.clear()
    talk.took(talk.side.begin(Profile.BETA, talk.now))
    assert types_told(talk.to_cem) == ["ResourceManagerDetails", "PowerMeasurement"]


# A washing machine ----------------------------------------------------------------------------------------------------


def test_a_step_of_work_is_scheduled() -> None:
    talk = OfferedTalk(washer_registration(), washer_work(), select=ControlType.POWER_PROFILE_BASED_CONTROL)
    (profile,) = talk.told(PPBCPowerProfileDefinition)
    wash, dry = profile.power_sequences_containers
    assert [way.max_pause_before for way in dry.power_sequences] == [1_800_000] * 2
    assert wash.power_sequences[0].is_interruptible

    def schedule(part: Any, place: int, after: timedelta) -> PPBCScheduleInstruction:
        return PPBCScheduleInstruction(
            message_id=new_id(),
            id=new_id(),
            power_profile_id=profile.id,
            sequence_container_id=part.id,
            power_sequence_id=part.power_sequences[place].id,
            execution_time=talk.now + after,
            abnormal_condition=False,
        )

    first, second = schedule(wash, 0, HOUR), schedule(dry, 0, 2 * HOUR)
    for wish in (first, second):
        talk.hears(wish)
        assert isinstance(talk.asked, TimeShiftableAllocation)
        talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
        assert talk.statuses(wish.id) == ["NEW", "ACCEPTED"]
    assert talk.asked.sequences[0].alternative_id == "slow"
    stranger = first.model_copy(update={"id": new_id(), "power_sequence_id": named("spin")})
    assert talk.refuses(stranger) == "unknown_sequence"


# A generator ----------------------------------------------------------------------------------------------------------


def test_a_generator_is_told_with_rising_powers() -> None:
    talk = OfferedTalk(
        generator_registration(device_class=DeviceClass.GENERATOR),
        generator_description(),
        select=ControlType.OPERATION_MODE_BASED_CONTROL,
    )
    (described,) = talk.told(OMBCSystemDescription)
    run = described.operation_modes[1]
    assert (run.power_ranges[0].start_of_range, run.power_ranges[0].end_of_range) == (-2000, -1000)
    assert described.transitions[0].transition_costs == 0.1
    wish = OMBCInstruction(
        message_id=new_id(),
        id=new_id(),
        execution_time=talk.now,
        operation_mode_id=run.id,
        operation_mode_factor=0.0,
        abnormal_condition=False,
    )
    talk.hears(wish)
    assert (talk.asked.selectors[0].mode_id, talk.asked.selectors[0].factor) == ("run", 1.0)


# A hybrid heat pump ---------------------------------------------------------------------------------------------------


def demand(watts: float) -> DemandDrivenStateUpdate:
    return DemandDrivenStateUpdate(**stamp(), valid_from=NOON, demand=levels(watts, watts))


def test_a_demand_has_a_message_of_its_own_in_one_profile() -> None:
    talk = OfferedTalk(
        hybrid_registration(),
        hybrid_description(),
        demand(4000),
        select=ControlType.DEMAND_DRIVEN_BASED_CONTROL,
        profile=Profile.V1,
    )
    assert types_told(talk.to_cem)[1:] == ["DDBC.SystemDescription", "DDBC.PresentDemandStatus"]
    talk.says(demand(5000))
    assert talk.told(DDBCPresentDemandStatus)[-1].present_demand_rate.end_of_range == 5000
    assert len(talk.told(DDBCSystemDescription)) == 1


def test_a_demand_comes_with_the_description_in_the_other() -> None:
    talk = OfferedTalk(
        hybrid_registration(), hybrid_description(), demand(4000), select=ControlType.DEMAND_DRIVEN_BASED_CONTROL
    )
    assert types_told(talk.to_cem)[1:] == ["DDBC.SystemDescription"]
    talk.says(demand(5000))
    rates = [each.present_demand_rate.end_of_range for each in talk.told(DDBCSystemDescription)]
    assert rates == [4000, 5000]


# Storages -------------------------------------------------------------------------------------------------------------


def test_what_is_linear_over_the_fill_level_is_told_in_steps() -> None:
    behaviour = battery_behaviour()
    charge = behaviour.modes[1]
    upper = StorageBehaviour(
        power=(PowerRange(quantity=CommodityQuantity.ELECTRIC_POWER, start=0, end=1000),),
        fill_rate=ValueRange(start=0, end=1000 / 36e6),
    )
    tapering = charge.model_copy(update={"elements": (charge.elements[0].model_copy(update={"at_upper": upper}),)})
    modes = (behaviour.modes[0], tapering, *behaviour.modes[2:])
    described = battery_description(actuators=(behaviour.model_copy(update={"modes": modes}),))
    talk = OfferedTalk(battery_registration(), select=ControlType.FILL_RATE_BASED_CONTROL)
    told = talk.says(described)
    (loss,) = (loss for loss in told.losses if loss.path.endswith("at_upper"))
    assert loss.value == "10 steps, off by at most 100 W, 2.77778e-06 of the fill level a second"
    elements = talk.told(FRBCSystemDescription)[0].actuators[0].operation_modes[1].elements
    assert len(elements) == 10
    assert elements[0].power_ranges[0].end_of_range == pytest.approx(2900)
    assert elements[-1].fill_level_range.end_of_range == 1


@pytest.mark.parametrize(
    "talk",
    [
        OfferedTalk(
            battery_registration(),
            battery_description(),
            battery_state("charge", 0.5, rest_until=NOON + HOUR),
            select=ControlType.FILL_RATE_BASED_CONTROL,
        ),
        OfferedTalk(generator_registration(), generator_description(), select=ControlType.OPERATION_MODE_BASED_CONTROL),
        OfferedTalk(washer_registration(), washer_work(), select=ControlType.POWER_PROFILE_BASED_CONTROL),
        OfferedTalk(panel_registration(), panel_options(), select=PEBC),
    ],
    ids=["FRBC", "OMBC", "PPBC", "PEBC"],
)
def test_s2_python_understands_what_is_told(talk: OfferedTalk) -> None:
    assert len(talk.to_cem) > 1
    for message in talk.to_cem:
        read = S2Parser().parse_as_any_message(dump(message))
        assert read.message_type == message.message_type  # type: ignore[union-attr]  # each of them has one
