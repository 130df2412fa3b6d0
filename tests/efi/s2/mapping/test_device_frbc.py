"""A battery that speaks S2 is a storage here."""

from datetime import timedelta

from efi.allocation import AllocationRevoke
from efi.commodity import Commodity
from efi.refusal import Refusal
from efi.s2.common import ControlType
from efi.s2.conversation import (
    InstructionStatus,
    ReceptionStatusValues,
    RevokableObjects,
    RevokeObject,
    SelectControlType,
)
from efi.s2.frbc import FRBCInstruction, FRBCLeakageBehaviour, FRBCLeakageBehaviourElement, FRBCTimerStatus
from efi.s2.mapping.settings import DeviceSettings
from efi.storage import ActuatorAllocation, StorageAllocation, StorageRegistration, StorageStateUpdate
from tests.efi.s2.mapping.house import (
    HOUR,
    MINUTE,
    NOON,
    DeviceTalk,
    battery_description,
    battery_details,
    battery_talk,
    level,
    named,
    new_id,
    numbers,
    runs,
    status_of,
    types_of,
)


def leakage(rate: float = 0.0001, **fields: object) -> FRBCLeakageBehaviour:
    element = FRBCLeakageBehaviourElement(fill_level_range=numbers(0, 100), leakage_rate=rate)
    return FRBCLeakageBehaviour(**{"message_id": new_id(), "valid_from": NOON, "elements": (element,), **fields})


def asks_for(talk: DeviceTalk, *wishes: tuple[str, float | None, timedelta]) -> StorageAllocation:
    """An allocation of modes of the inverter, each with its factor and how far ahead."""
    return StorageAllocation(
        message_id=new_id(),
        appliance_id="device",
        timestamp=talk.now,
        control_space_update_id=talk.space.descriptions[0].message_id,
        actuators=tuple(
            ActuatorAllocation(
                actuator_id=named("inverter"), mode_id=named(mode), factor=factor, start_time=talk.now + ahead
            )
            for mode, factor, ahead in wishes
        ),
    )


def revoke(allocation: StorageAllocation) -> AllocationRevoke:
    return AllocationRevoke(
        message_id=new_id(), appliance_id="device", timestamp=NOON, allocation_id=allocation.message_id
    )


def test_a_battery_is_registered_once_it_described_itself() -> None:
    talk = DeviceTalk(battery_details())
    assert talk.side.preferred is ControlType.FILL_RATE_BASED_CONTROL
    (selection,) = talk.selects(ControlType.FILL_RATE_BASED_CONTROL).to_s2
    assert isinstance(selection, SelectControlType)
    assert not talk.heard
    talk.hears(battery_description())
    assert types_of(talk.heard) == ["storage_registration", "storage_system_description"]
    registration = talk.space.registration
    assert isinstance(registration, StorageRegistration)
    assert (registration.fill_level_label, registration.fill_level_unit) == ("state of charge", "%")
    assert registration.actuators[0].commodities == (Commodity.ELECTRICITY,)
    modes = talk.space.descriptions[0].actuators[0].modes
    assert [mode.continuous for mode in modes] == [False, True, True]
    assert modes[2].electric_power_at(50, 0.0) == -5000


def test_states_are_told_as_soon_as_they_can_be() -> None:
    talk = DeviceTalk(battery_details())
    talk.selects(ControlType.FILL_RATE_BASED_CONTROL)
    for early in (runs("charge", 0.5), leakage(), level(40)):
        assert not talk.hears(early).to_efi
    talk.hears(battery_description())
    assert types_of(talk.heard)[2:] == ["storage_state_update", "storage_leakage_update"]
    assert talk.space.state.fill_level == 40
    assert talk.space.state.actuators[0].factor == 0.5


def test_without_a_fill_level_no_state_can_be_told() -> None:
    talk = DeviceTalk(battery_details())
    talk.selects(ControlType.FILL_RATE_BASED_CONTROL)
    talk.hears(battery_description())
    timer = FRBCTimerStatus(
        message_id=new_id(), timer_id=named("swing"), actuator_id=named("inverter"), finished_at=NOON + MINUTE
    )
    assert not talk.hears(runs("charge", 1.0)).to_efi
    assert not talk.hears(timer).to_efi
    talk.hears(level(60))
    state = talk.space.state
    assert isinstance(state, StorageStateUpdate)
    assert state.actuators[0].timer_ends == {named("swing"): NOON + MINUTE}


def test_an_allocation_becomes_one_instruction_for_each_instant() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()), ("idle", None, HOUR))
    talk.asks(allocation)
    first, second = talk.said_to_device(FRBCInstruction)
    assert (first.operation_mode, first.operation_mode_factor) == (named("charge"), 0.5)
    assert second.execution_time == NOON + HOUR
    talk.hears(status_of(first, InstructionStatus.ACCEPTED))
    assert talk.statuses(allocation.message_id) == []
    talk.hears(status_of(second, InstructionStatus.ACCEPTED))
    talk.hears(status_of(first, InstructionStatus.STARTED))
    talk.hears(status_of(first, InstructionStatus.SUCCEEDED))
    talk.hears(status_of(second, InstructionStatus.SUCCEEDED))
    assert talk.statuses(allocation.message_id) == ["accepted", "started", "finished"]


def test_statuses_in_any_order_and_twice_make_one_stream() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()))
    talk.asks(allocation)
    (only,) = talk.said_to_device(FRBCInstruction)
    for status in (
        InstructionStatus.SUCCEEDED,
        InstructionStatus.STARTED,
        InstructionStatus.NEW,
        InstructionStatus.SUCCEEDED,
        InstructionStatus.REJECTED,
    ):
        talk.hears(status_of(only, status))
    assert talk.statuses(allocation.message_id) == ["accepted", "started", "finished"][::2]


def test_one_rejected_instruction_rejects_the_allocation_and_takes_the_others_back() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()), ("idle", None, HOUR))
    talk.asks(allocation)
    first, second = talk.said_to_device(FRBCInstruction)
    talk.hears(status_of(first, InstructionStatus.ACCEPTED))
    talk.hears(status_of(second, InstructionStatus.REJECTED))
    assert talk.statuses(allocation.message_id) == ["rejected"]
    assert talk.revoked == [first.id]
    talk.hears(status_of(first, InstructionStatus.REVOKED))


def test_a_newer_allocation_takes_the_place_of_what_waits() -> None:
    talk = battery_talk()
    older, newer = asks_for(talk, ("charge", 0.5, HOUR)), asks_for(talk, ("idle", None, MINUTE))
    talk.asks(older)
    talk.asks(newer)
    first, second = talk.said_to_device(FRBCInstruction)
    talk.hears(status_of(first, InstructionStatus.ACCEPTED))
    assert not talk.revoked
    talk.hears(status_of(second, InstructionStatus.ACCEPTED))
    assert talk.revoked == [first.id]
    assert talk.statuses(older.message_id) == ["accepted", "revoked"]
    talk.hears(status_of(first, InstructionStatus.REVOKED))


def test_a_revocation_takes_every_open_instruction_back() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()), ("idle", None, HOUR))
    talk.asks(allocation)
    first, second = talk.said_to_device(FRBCInstruction)
    for instruction in (first, second):
        talk.hears(status_of(instruction, InstructionStatus.ACCEPTED))
    talk.hears(status_of(first, InstructionStatus.SUCCEEDED))
    talk.asks(revoke(allocation))
    assert talk.revoked == [second.id]
    talk.hears(status_of(second, InstructionStatus.REVOKED))
    assert talk.statuses(allocation.message_id) == ["accepted", "started", "revoked"]


def test_a_device_that_says_nothing_of_a_revocation_is_not_waited_for() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()))
    talk.asks(allocation)
    (only,) = talk.said_to_device(FRBCInstruction)
    talk.hears(status_of(only, InstructionStatus.ACCEPTED))
    talk.asks(revoke(allocation))
    assert talk.side.wakes_at == NOON + timedelta(seconds=10)
    talk.waits(timedelta(seconds=10))
    assert talk.statuses(allocation.message_id) == ["accepted", "revoked"]
    assert talk.side.wakes_at is None


def test_an_instruction_that_was_not_received_is_a_rejected_one() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()))
    talk.asks(allocation)
    (only,) = talk.said_to_device(FRBCInstruction)
    told = talk.side.not_taken(only.message_id, ReceptionStatusValues.INVALID_CONTENT, "no such mode", NOON)
    talk.passes(told)
    assert talk.statuses(allocation.message_id) == ["rejected"]


def test_a_status_of_a_mode_that_nobody_described_is_refused() -> None:
    talk = battery_talk()
    assert talk.refuses(runs("boost")) == "unknown_mode"
    assert talk.refuses(runs("idle", actuator="pump")) == "unknown_actuator"
    assert talk.refuses(runs("charge", 1.5)) == "factor_out_of_range"
    assert talk.refuses(status_of(FRBC_UNKNOWN, InstructionStatus.STARTED)) == "unknown_instruction"
    assert talk.space.state.actuators[0].mode_id == named("idle")


FRBC_UNKNOWN = FRBCInstruction(
    message_id=new_id(),
    id=named("unknown"),
    actuator_id=named("inverter"),
    operation_mode=named("idle"),
    operation_mode_factor=0,
    execution_time=NOON,
    abnormal_condition=False,
)


def test_a_description_told_ahead_holds_from_its_time_on() -> None:
    talk = battery_talk()
    talk.hears(battery_description(valid_from=NOON + HOUR))
    assert talk.side.wakes_at == NOON + HOUR
    assert len(talk.space.descriptions) == 2
    talk.waits(HOUR)
    assert talk.space.description_at(talk.now) is talk.space.descriptions[1]
    assert talk.side.wakes_at is None


def test_another_actuator_makes_another_registration_when_it_comes() -> None:
    talk = battery_talk()
    talk.hears(leakage())
    described = battery_description()
    second = described.actuators[0].model_copy(update={"id": named("heater")})
    ahead = described.model_copy(update={"actuators": (*described.actuators, second), "valid_from": NOON + HOUR})
    assert not talk.hears(ahead).to_efi
    talk.heard.clear()
    talk.waits(HOUR)
    assert types_of(talk.heard)[0] == "storage_registration"
    assert len(talk.space.registration.actuators) == 2
    assert talk.space.state.fill_level == 50
    assert talk.space.leakages


def test_what_is_described_again_is_understood_as_before() -> None:
    talk = battery_talk()
    told = battery_description()
    first = talk.hears(told)
    behaviour = talk.space.descriptions[0].actuators[0]
    second = talk.hears(battery_description())
    assert second.losses == first.losses
    assert talk.space.descriptions[0].actuators[0] is behaviour
    changed = told.actuators[0].model_copy(update={"diagnostic_label": "x" * 300})
    third = talk.hears(battery_description(actuators=(changed,)))
    assert len(third.losses) > len(first.losses)
    assert talk.space.state.fill_level == 50


def test_a_revoked_description_takes_the_states_with_it() -> None:
    talk = battery_talk()
    described = talk.space.descriptions[0]
    revoked = RevokeObject(
        message_id=new_id(), object_type=RevokableObjects.FRBC_SYSTEM_DESCRIPTION, object_id=described.message_id
    )
    talk.hears(revoked)
    assert talk.space.state is None
    assert isinstance(talk.side.hear(revoked, NOON).refusal, Refusal)


def test_fill_levels_can_be_told_in_another_unit() -> None:
    settings = DeviceSettings(fill_level_unit="J", fill_level_scale=360_000)
    talk = battery_talk(settings=settings)
    talk.hears(leakage())
    assert talk.space.registration.fill_level_unit == "J"
    assert talk.space.state.fill_level == 18e6
    assert talk.space.descriptions[0].fill_level_range.upper == 36e6
    assert talk.space.leakages[0].rate_at(18e6) == 36.0


def test_another_control_type_is_another_registration() -> None:
    talk = battery_talk()
    allocation = asks_for(talk, ("charge", 0.5, timedelta()))
    talk.asks(allocation)
    talk.hears(status_of(talk.said_to_device(FRBCInstruction)[0], InstructionStatus.ACCEPTED))
    talk.selects(ControlType.NOT_CONTROLABLE)
    assert talk.statuses(allocation.message_id) == ["accepted", "aborted"]
    assert talk.space.registration.type == "inflexible_registration"
    assert talk.refuses(level(40)) == "control_type_not_active"
