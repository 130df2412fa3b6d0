"""Energy managers that flood, do not read, or talk nonsense lose the connection by name, and nobody else notices."""

import asyncio
import json

import pytest

from efi.message import ControlSpaceRevoke
from tests.efi.house import NOON, battery_description, battery_registration, battery_state, stamp
from tests.energy_apps.s2_bridge.bridge_bench import Bench, bench
from tests.energy_apps.s2_bridge.test_s2_bridge import battery, cem, house, instruct, named, selected
from tests.peers.raw_cem import RawCaller, RawCem

__all__ = ["cem", "house"]


async def neighbours(house: Bench, cem: RawCem) -> tuple[RawCaller, RawCaller]:
    """A battery, and a car beside it."""
    battery(house)
    update = {"appliance_id": "car"}
    house.connect(
        named(battery_registration(), "car"),
        battery_description().model_copy(update=update),
        battery_state().model_copy(update=update),
    )
    first, second = await cem.caller("battery"), await cem.caller("car")
    await selected(first)
    await selected(second)
    return first, second


async def still_served(house: Bench, caller: RawCaller) -> None:
    """The car is steered as ever."""
    await caller.told(await instruct(caller), "STARTED")
    assert not house.failures()


@pytest.mark.slow
async def test_who_sends_more_than_it_may_is_cut_off(house: Bench, cem: RawCem):
    flooder, other = await neighbours(house, cem)
    flooder.acknowledges = False

    async def flood() -> None:
        number = 0
        while flooder.open:
            number += 1
            await flooder.say("Handshake", role="CEM", supported_protocol_versions=["0.0.2-beta"])

    flooding = asyncio.create_task(flood())
    for _ in range(10_000):
        house.clock.pass_time(0.05)
        await asyncio.sleep(0.0005)
        if house.conditions()[-1].detail:
            break
    await house.condition("flood")
    await still_served(house, other)
    flooding.cancel()
    await asyncio.gather(flooding, return_exceptions=True)


async def test_who_talks_nonsense_without_end_is_cut_off(house: Bench, cem: RawCem):
    babbler, other = await neighbours(house, cem)
    for number in range(200):
        await babbler.send(json.dumps({"message_type": "Nonsense", "message_id": f"n-{number}"}))
    await babbler.gone()
    await house.condition("flood")
    await still_served(house, other)


@pytest.mark.slow
async def test_who_does_not_read_loses_the_connection_and_states_are_not_kept_for_it(cem: RawCem):
    async with bench({"url": cem.url}) as house:
        sleeper, other = await neighbours(house, cem)
        sleeper.reads.clear()
        appliance = house.appliances["battery"]
        for number in range(3000):
            appliance.tell(battery_state(fill_level=number / 3000))
        await asyncio.sleep(0)
        assert house.conditions()[-1].detail == "", "states wait in one place each"
        for _ in range(10_000):
            appliance.tell(ControlSpaceRevoke(**stamp(timestamp=NOON), reason="away"))
            appliance.tell(battery_description(), battery_state())
            house.clock.pass_time(0.1)
            await asyncio.sleep(0)
            if house.conditions()[-1].detail:
                break
        await house.condition("slow_reader")
        await still_served(house, other)
        sleeper.reads.set()


async def test_a_message_of_a_megabyte_is_answered(house: Bench, cem: RawCem):
    caller, _ = await neighbours(house, cem)
    await caller.send(json.dumps({"message_type": "SessionRequest", "message_id": "big", "x": "y" * 1_000_000}))
    answer = await caller.until(lambda: caller.answer_to("big"), "an answer")
    assert answer["status"] == "INVALID_MESSAGE"
    await still_served(house, caller)


async def test_a_message_beyond_the_cap_ends_the_connection_by_name(house: Bench, cem: RawCem):
    caller, other = await neighbours(house, cem)
    await caller.send(json.dumps({"message_type": "SessionRequest", "message_id": "big", "x": "y" * 3_000_000}))
    await caller.gone()
    await house.condition("frame_too_large")
    await still_served(house, other)


async def test_who_refuses_everything_and_answers_late_twice_or_never_is_served(house: Bench, cem: RawCem):
    cem.prepare = lambda caller: setattr(caller, "acknowledges", False)
    battery(house)
    caller = await cem.caller("battery")
    await caller.hears("Handshake")
    await caller.say("HandshakeResponse", selected_protocol_version="0.0.2-beta")
    details = await caller.hears("ResourceManagerDetails")
    for status in ("TEMPORARY_ERROR", "OK", "OK", "INVALID_MESSAGE"):
        await caller.acknowledge(details["message_id"], status)
    await caller.acknowledge("never-said", "INVALID_DATA")
    assert await caller.asks("SelectControlType", control_type="FILL_RATE_BASED_CONTROL") == "OK"
    description = await caller.hears("FRBC.SystemDescription")
    house.clock.pass_time(120)
    await caller.acknowledge(description["message_id"], "INVALID_MESSAGE")
    await caller.told(await instruct(caller), "STARTED")
