"""A heat pump with a heating rod on one boiler: two actuators that have only the fill level in common."""

from typing import Any

from efi.allocation import AllocationStatus
from efi.s2.common import Commodity, ControlType
from efi.s2.conversation import InstructionStatus
from efi.s2.frbc import (
    FRBCActuatorDescription,
    FRBCInstruction,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCSystemDescription,
)
from efi.storage import ActuatorAllocation, StorageAllocation, StorageRegistration, StorageSystemDescription
from tests.efi.s2.mapping.house import (
    HOUR,
    NOON,
    DeviceTalk,
    battery_description,
    battery_details,
    level,
    named,
    new_id,
    numbers,
    power,
    runs,
    status_of,
    way,
)
from tests.efi.s2.mapping.offered import OfferedTalk


def actuator(word: str, watts: float) -> FRBCActuatorDescription:
    """It heats with less effect the hotter the boiler is."""

    def mode(name: str, share: float) -> FRBCOperationMode:
        elements = tuple(
            FRBCOperationModeElement(
                fill_level_range=numbers(low, high),
                fill_rate=numbers(0, share * watts * effect / 1e6),
                power_ranges=(power(0, share * watts),),
            )
            for low, high, effect in ((20, 45, 4.0), (45, 60, 2.5))
        )
        return FRBCOperationMode(id=named(f"{word} {name}"), elements=elements, abnormal_condition_only=False)

    return FRBCActuatorDescription(
        id=named(word),
        supported_commodities=(Commodity.ELECTRICITY,),
        operation_modes=(mode("off", 0), mode("on", 1)),
        transitions=(way(f"{word} off", f"{word} on"), way(f"{word} on", f"{word} off")),
        timers=(),
    )


def described() -> FRBCSystemDescription:
    told = battery_description(actuators=(actuator("pump", 2000), actuator("rod", 3000)))
    storage = told.storage.model_copy(update={"fill_level_range": numbers(20, 60), "fill_level_label": "°C"})
    return told.model_copy(update={"storage": storage})


def heat_pump() -> DeviceTalk:
    talk = DeviceTalk(battery_details())
    talk.selects(ControlType.FILL_RATE_BASED_CONTROL)
    for message in (described(), runs("pump off", actuator="pump"), level(50), runs("rod off", actuator="rod")):
        talk.hears(message)
    return talk


def asks(talk: DeviceTalk, *words: str) -> StorageAllocation:
    allocation = StorageAllocation(
        message_id=new_id(),
        appliance_id="device",
        timestamp=talk.now,
        control_space_update_id=talk.space.descriptions[0].message_id,
        actuators=tuple(
            ActuatorAllocation(actuator_id=named(word), mode_id=named(f"{word} on"), factor=0.5, start_time=talk.now)
            for word in words
        ),
    )
    talk.asks(allocation)
    return allocation


def test_each_actuator_is_told_and_asked_by_itself() -> None:
    talk = heat_pump()
    assert talk.space.registration.fill_level_unit == "°C"
    assert [each.mode_id for each in talk.space.state.actuators] == [named("pump off"), named("rod off")]
    mode = talk.space.descriptions[0].actuators[0].modes[1]
    assert mode.fill_rate_at(30) == 0.008
    assert mode.fill_rate_at(50) == 0.005
    both = asks(talk, "pump", "rod")
    pump, rod = talk.said_to_device(FRBCInstruction)
    for instruction in (pump, rod):
        talk.hears(status_of(instruction, InstructionStatus.STARTED))
    newer = asks(talk, "rod")
    (third,) = talk.said_to_device(FRBCInstruction)[2:]
    talk.hears(status_of(third, InstructionStatus.SUCCEEDED))
    assert talk.statuses(newer.message_id) == ["accepted", "started", "finished"][::2]
    assert talk.statuses(both.message_id) == ["accepted", "started"], "the pump goes on as it was asked"
    assert not talk.revoked


def test_a_wish_for_one_actuator_leaves_the_other_in_peace() -> None:
    device = heat_pump()
    here: Any = [message for message in device.heard if message.type.startswith("storage_")]
    talk = OfferedTalk(*here, select=ControlType.FILL_RATE_BASED_CONTROL, name="device")
    assert isinstance(here[0], StorageRegistration)
    assert isinstance(here[1], StorageSystemDescription)
    wishes = []
    for word in ("pump", "rod"):
        wish = FRBCInstruction(
            message_id=new_id(),
            id=new_id(),
            actuator_id=named(word),
            operation_mode=named(f"{word} on"),
            operation_mode_factor=0.5,
            execution_time=NOON + HOUR,
            abnormal_condition=False,
        )
        talk.hears(wish)
        assert [each.actuator_id for each in talk.asked.actuators] == [named(word)]
        talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
        wishes.append(wish)
    assert [talk.statuses(wish.id) for wish in wishes] == [["NEW", "ACCEPTED"]] * 2
    assert len(talk.session.allocations) == 2
