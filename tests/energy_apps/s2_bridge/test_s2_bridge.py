"""The bridge between a house and an energy manager on a bare socket: what passes, what is refused, who wins."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from efi.allocation import AllocationStatus
from efi.commodity import electric
from efi.measurement import Measurement
from efi.message import ControlSpaceRevoke
from efi.storage import StorageAllocation
from efpi_core.host.frames import Say
from efpi_core.plugin.condition import ConditionState
from tests.efi.house import (
    NOON,
    battery_allocation,
    battery_description,
    battery_registration,
    battery_state,
    panel_registration,
    stamp,
)
from tests.energy_apps.s2_bridge.bridge_bench import Bench, BenchAppliance, bench
from tests.peers.raw_cem import RawCaller, RawCem

FRBC = "FILL_RATE_BASED_CONTROL"


@pytest.fixture
async def cem() -> AsyncIterator[RawCem]:
    async with RawCem.listening() as cem:
        yield cem


@pytest.fixture
async def house(cem: RawCem) -> AsyncIterator[Bench]:
    async with bench({"url": cem.url, "hold_s": 60}) as house:
        yield house


def battery(house: Bench) -> BenchAppliance:
    """A battery at rest, half full."""
    return house.connect(battery_registration(), battery_description(), battery_state())


def named(registration: Any, name: str) -> Any:
    """The same appliance under another name."""
    return registration.model_copy(update={"appliance_id": name})


async def selected(caller: RawCaller) -> dict[str, Any]:
    """The energy manager agrees on a version and chooses to fill and empty; the answer is what the battery can do."""
    await caller.hears("Handshake")
    await caller.say("HandshakeResponse", selected_protocol_version="0.0.2-beta")
    await caller.hears("ResourceManagerDetails")
    await caller.select(FRBC)
    return await caller.hears("FRBC.SystemDescription")


def mode(description: dict[str, Any], label: str) -> dict[str, Any]:
    """The fields of an instruction that ask for a mode by the battery's own name for it."""
    actuator = description["actuators"][0]
    found = actuator["operation_modes"][("idle", "charge", "discharge", "island").index(label)]
    return {"actuator_id": actuator["id"], "operation_mode": found["id"]}


async def instruct(caller: RawCaller, label: str = "charge", factor: float = 1.0, after_s: float = 0.0) -> str:
    """Ask the battery for a mode."""
    description = caller.all("FRBC.SystemDescription")[-1]
    at = (NOON + timedelta(seconds=after_s)).isoformat()
    return await caller.instruct(
        "FRBC.Instruction", **mode(description, label), operation_mode_factor=factor, execution_time=at
    )


async def test_an_appliance_says_who_it_is_and_once_it_is_chosen_what_it_can_do(house: Bench, cem: RawCem):
    battery(house)
    caller = await cem.caller("battery")
    handshake = await caller.hears("Handshake")
    assert handshake["role"] == "RM"
    assert set(handshake["supported_protocol_versions"]) == {"0.0.2-beta", "1.0.0"}
    description = await selected(caller)
    details = caller.all("ResourceManagerDetails")
    assert len(details) == 1
    assert details[0]["name"] == "Battery"
    assert details[0]["available_control_types"] == [FRBC, "NOT_CONTROLABLE"]
    assert len(description["actuators"][0]["operation_modes"]) == 4
    assert (await caller.hears("FRBC.StorageStatus"))["present_fill_level"] == 0.5
    status = await caller.hears("FRBC.ActuatorStatus")
    assert status["active_operation_mode_id"] == mode(description, "idle")["operation_mode"]


async def test_an_instruction_becomes_an_allocation_and_its_statuses_go_back(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    name = await instruct(caller, "charge", 0.5)
    await caller.told(name, "STARTED")
    [asked] = appliance.asked
    assert isinstance(asked, StorageAllocation)
    assert [(step.mode_id, step.factor) for step in asked.actuators] == [("charge", 0.5)]
    assert asked.reason
    appliance.word(asked.message_id, AllocationStatus.ABORTED, "somebody pressed its button")
    await caller.told(name, "ABORTED")


async def test_what_the_appliance_says_later_is_told_at_once(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    appliance.tell(battery_state("charge", 1.0, fill_level=0.7))
    await caller.until(lambda: caller.all("FRBC.StorageStatus")[-1]["present_fill_level"] == 0.7, "the new level")
    appliance.tell(Measurement(**stamp(), measured_at=NOON, values=electric(3000.0)))
    measured = await caller.hears("PowerMeasurement")
    assert [value["value"] for value in measured["values"]] == [3000.0]


async def test_a_limit_or_the_resident_refuses_and_the_energy_manager_is_told(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    appliance.objection = "the resident decides about this appliance until 14:00"
    name = await instruct(caller)
    await caller.told(name, "REJECTED")
    assert appliance.asked == []


async def test_the_energy_manager_takes_an_instruction_back(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    name = await instruct(caller)
    await caller.told(name, "STARTED")
    assert await caller.asks("RevokeObject", object_type="FRBC.Instruction", object_id=name) == "OK"
    await caller.told(name, "REVOKED")
    assert [revoke.allocation_id for revoke in appliance.revoked] == [appliance.asked[0].message_id]


@pytest.mark.parametrize("control_type", ["NO_SELECTION", "NOT_CONTROLABLE"])
async def test_who_chooses_to_control_no_longer_releases_the_appliance(house: Bench, cem: RawCem, control_type: str):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    await caller.told(await instruct(caller), "STARTED")
    await caller.select(control_type)
    await house.until(lambda: not appliance.session.allocations, "nothing is asked any more")
    appliance.tell(battery_state(fill_level=0.9))
    assert await caller.asks("SelectControlType", control_type=FRBC) == "OK"
    levels = [status["present_fill_level"] for status in caller.all("FRBC.StorageStatus")]
    assert levels[-1] == 0.9, "told anew"


async def test_what_was_asked_goes_on_for_a_while_when_the_energy_manager_is_gone(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    await caller.told(await instruct(caller), "STARTED")
    await caller.socket.close()
    gone = await house.condition("left")
    assert (gone.state, "battery goes on for a while" in gone.text) == (ConditionState.OFFLINE, True)
    house.clock.pass_time(59)
    assert appliance.session.allocations
    house.clock.pass_time(2)
    await house.until(lambda: not appliance.session.allocations, "it runs by itself")
    assert "gone" in appliance.revoked[0].reason


async def test_an_energy_manager_that_returns_begins_from_scratch(house: Bench, cem: RawCem):
    appliance = battery(house)
    first = await cem.caller("battery")
    await selected(first)
    await first.told(await instruct(first, "charge"), "STARTED")
    await first.told(await instruct(first, "idle", after_s=3600), "ACCEPTED")
    await first.socket.close()
    await house.condition("left")
    house.clock.pass_time(5)
    second = await cem.caller("battery", 2)
    await selected(second)
    assert len(appliance.session.allocations) == 2
    assert second.all("InstructionStatusUpdate") == []
    house.clock.pass_time(10)
    name = await instruct(second, "discharge")
    await second.told(name, "STARTED")
    await house.until(lambda: len(appliance.session.allocations) == 1, "what it asked before has ended")
    house.clock.pass_time(120)
    assert len(appliance.session.allocations) == 1, "the new one stands"
    assert {update["instruction_id"] for update in second.all("InstructionStatusUpdate")} == {name}


async def test_an_energy_manager_that_counts_from_one_again_is_understood(house: Bench, cem: RawCem):
    appliance = battery(house)
    for life in (1, 2):
        caller = await cem.caller("battery", life)
        description = await selected(caller)
        fields = {**mode(description, "charge"), "operation_mode_factor": life / 2, "execution_time": NOON.isoformat()}
        assert await caller.asks("FRBC.Instruction", id="i-1", abnormal_condition=False, **fields) == "OK"
        await caller.told("i-1", "STARTED")
        await caller.socket.close()
        await house.condition("left")
        house.clock.pass_time(5)
    assert len(appliance.asked) == 2


async def test_what_stands_of_a_former_life_is_held_and_then_taken_back(house: Bench, cem: RawCem):
    appliance = battery(house)
    state = appliance.session.space.state
    assert state is not None
    standing = battery_allocation(state.message_id)
    house.standing(appliance, standing, AllocationStatus.STARTED)
    caller = await cem.caller("battery")
    await selected(caller)
    house.clock.pass_time(30)
    assert appliance.session.allocations
    house.clock.pass_time(31)
    await house.until(lambda: not appliance.session.allocations, "nobody speaks for it")
    assert caller.all("InstructionStatusUpdate") == []


async def test_a_device_out_of_reach_takes_back_what_it_can_do(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    description = await selected(caller)
    name = await instruct(caller)
    await caller.told(name, "STARTED")
    appliance.tell(ControlSpaceRevoke(**stamp(), reason="no answer"))
    await caller.told(name, "ABORTED")
    revoked = await caller.hears("RevokeObject")
    assert (revoked["object_type"], revoked["object_id"]) == ("FRBC.SystemDescription", description["message_id"])
    appliance.tell(battery_description(), battery_state())
    await caller.hears("FRBC.SystemDescription", 2)


BAD_FRAMES = [
    "", "[]", "null", "{", "{}", '"Handshake"', '{"message_type": "Handshake"}', "\x00", b"\xff\xfe", "NaN", "1e400",
    '{"message_type": "Nothing", "message_id": "a-1"}',
    '{"message_type": "FRBC.Instruction", "message_id": "a-2"}',
    '{"message_type": "FRBC.StorageStatus", "message_id": "a-3", "present_fill_level": 0.5}',
    '{"message_type": "SelectControlType", "message_id": 7, "control_type": "NO_SELECTION"}',
    '{"message_type": "SelectControlType", "message_id": "a-4", "control_type": "POWER_PROFILE_BASED_CONTROL"}',
    '{"message_type": "ReceptionStatus", "subject_message_id": "never-said", "status": "OK"}',
    '{"message_type": "ReceptionStatus", "subject_message_id": 5}',
    "[" * 50_000,
    '{"message_type": "SelectControlType", "message_id": "a-5", "control_type": "NO_SELECTION", "x": "'
    + "y" * 1_000_000 + '"}',
]  # fmt: skip


@pytest.mark.parametrize("frame", BAD_FRAMES, ids=lambda frame: repr(frame[:40]))
async def test_no_bad_frame_ends_the_session(house: Bench, cem: RawCem, frame: str | bytes):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await caller.send(frame)
    await selected(caller)
    await caller.send(frame)
    await caller.told(await instruct(caller), "STARTED")
    assert len(appliance.asked) == 1


async def test_an_energy_manager_without_manners_is_served(house: Bench, cem: RawCem):
    """It sends no Handshake, chooses before it acknowledges, and writes null for what is absent."""
    cem.prepare = lambda caller: setattr(caller, "acknowledges", False)
    battery(house)
    caller = await cem.caller("battery")
    await caller.hears("Handshake")
    await caller.say("SelectControlType", control_type=FRBC)
    await caller.hears("FRBC.SystemDescription")
    description = caller.all("FRBC.SystemDescription")[-1]
    await caller.say(
        "FRBC.Instruction", id="first", **mode(description, "charge"), operation_mode_factor=1.0,
        execution_time=NOON.isoformat(), abnormal_condition=False,
    )  # fmt: skip
    await caller.told("first", "STARTED")


async def test_an_instruction_that_makes_no_sense_is_answered_and_refused(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    description = await selected(caller)
    common = {"abnormal_condition": False, "operation_mode_factor": 1.0, "execution_time": NOON.isoformat()}
    unknown = {**mode(description, "charge"), "operation_mode": "no-such-mode"}
    assert await caller.asks("FRBC.Instruction", id="i-1", **unknown, **common) == "INVALID_CONTENT"
    outside = {**common, "operation_mode_factor": 1.5}
    assert (
        await caller.asks("FRBC.Instruction", id="i-2", **mode(description, "charge"), **outside) == "INVALID_CONTENT"
    )
    assert await caller.asks("OMBC.Instruction", id="i-3", operation_mode_id="charge", **common) == "INVALID_CONTENT"
    assert appliance.asked == []


async def test_an_appliance_in_other_hands_is_no_longer_offered(house: Bench, cem: RawCem):
    appliance = battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    await caller.told(await instruct(caller), "STARTED")
    house.disconnect("battery")
    request = await caller.hears("SessionRequest")
    assert request["request"] == "TERMINATE"
    await caller.gone()
    house.clock.pass_time(600)
    assert appliance.revoked == [], "the gateway has seen to it"
    assert len(cem.callers["battery"]) == 1


async def test_at_its_end_the_energy_manager_is_asked_to_come_again(cem: RawCem):
    async with bench({"url": cem.url}) as house:
        appliance = battery(house)
        caller = await cem.caller("battery")
        await selected(caller)
        await caller.told(await instruct(caller), "STARTED")
    assert caller.all("SessionRequest")[-1]["request"] == "RECONNECT"
    await caller.gone()
    assert appliance.session.allocations, "what was promised stands"


async def test_what_is_measured_only_is_offered_as_not_controllable(house: Bench, cem: RawCem):
    registration = named(panel_registration(), "meter")
    meter = house.connect(registration, listens=True)
    caller = await cem.caller("meter")
    await caller.hears("Handshake")
    await caller.say("HandshakeResponse", selected_protocol_version="1.0.0")
    details = await caller.hears("ResourceManagerDetails")
    assert details["available_control_types"] == ["NOT_CONTROLABLE"]
    meter.tell(Measurement(**stamp(appliance_id="meter"), measured_at=NOON, values=electric(-500.0)))
    assert (await caller.hears("PowerMeasurement"))["values"][0]["value"] == -500.0


async def test_only_what_the_settings_name_is_offered(cem: RawCem):
    async with bench({"url": cem.url, "appliances": ["battery"], "measured": False}) as house:
        house.connect(named(panel_registration(), "panels"))
        house.connect(named(panel_registration(), "meter"), listens=True)
        battery(house)
        await cem.caller("battery")
        assert set(cem.callers) == {"battery"}


async def test_fill_levels_are_told_in_the_unit_that_the_energy_manager_takes_them_for(cem: RawCem):
    scale = {"battery": {"unit": "MWh", "per_unit": 0.01}}
    async with bench({"url": cem.url, "fill_levels": scale}) as house:
        battery(house)
        caller = await cem.caller("battery")
        description = await selected(caller)
        assert description["storage"]["fill_level_range"] == {"start_of_range": 0.0, "end_of_range": 0.01}
        assert "MWh" in description["storage"]["fill_level_label"]
        assert (await caller.hears("FRBC.StorageStatus"))["present_fill_level"] == 0.005


async def test_a_fill_level_that_nobody_can_convert_is_named(cem: RawCem):
    async with bench({"url": cem.url, "fill_levels": {"battery": {"unit": "MWh"}}}) as house:
        battery(house)
        caller = await cem.caller("battery")
        await selected(caller)
        told = await house.condition("fill_level_unit")
        assert (told.state, "per_unit" in told.cure) == (ConditionState.DEGRADED, True)
        assert (await caller.hears("FRBC.StorageStatus"))["present_fill_level"] == 0.5, "told as it is"


async def test_the_appliance_has_the_same_name_for_the_energy_manager_in_each_life(cem: RawCem):
    ids = set()
    kept: dict[str, Any] = {}
    for life in (1, 2):
        async with bench({"url": cem.url}, storage=kept) as house:
            battery(house)
            caller = await cem.caller("battery", life)
            await selected(caller)
            ids.add((await caller.hears("ResourceManagerDetails"))["resource_id"])
            kept |= house.stored()
    assert len(ids) == 1


async def test_the_token_is_shown_and_a_refusal_is_told(cem: RawCem):
    cem.wanted_token = "s3cret"  # noqa: S105  # of a test
    config: dict[str, Any] = {"url": cem.url, "token": "mine", "tokens": {"car": "other"}}
    async with bench(config, {"mine": "s3cret", "other": "wrong"}) as house:
        battery(house)
        await selected(await cem.caller("battery"))
        house.connect(named(battery_registration(), "car"))
        refused = await house.condition("refused_token")
        assert (refused.state, "car" in refused.text) == (ConditionState.DEGRADED, True)
        assert "wrong" not in repr(house.frames)


async def test_an_energy_manager_that_is_not_there_is_called_until_it_is(cem: RawCem):
    async with RawCem.listening() as passing:
        port = passing.port
    async with bench({"url": f"ws://127.0.0.1:{port}/rm/{{appliance}}"}) as house:
        battery(house)
        assert (await house.condition("connection_refused")).state is ConditionState.OFFLINE
        async with RawCem.listening(port) as returned:
            house.clock.pass_time(60)
            await selected(await returned.caller("battery"))
            assert (await house.condition("")).state is ConditionState.OK


async def test_nothing_is_asked_of_the_house_by_an_energy_manager_that_only_looks(house: Bench, cem: RawCem):
    battery(house)
    caller = await cem.caller("battery")
    await selected(caller)
    await caller.socket.close()
    await house.condition("left")
    house.clock.pass_time(300)
    assert not [frame for frame in house.frames if isinstance(frame, Say)]
