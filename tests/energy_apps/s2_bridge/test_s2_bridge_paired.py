"""Appliances are paired with an energy manager by S2 Connect, and steered by it: two houses of ours, over real TLS."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from efi.allocation import AllocationStatus
from efi.storage import StorageAllocation
from efpi_core.plugin.condition import ConditionState
from tests.drivers.s2.s2_gateway_end import S2End
from tests.efi.house import battery_registration
from tests.energy_apps.s2_bridge.bridge_bench import Bench, BenchAppliance, bench
from tests.energy_apps.s2_bridge.test_s2_bridge import battery, named

MANAGER = {"host": "127.0.0.1", "port": 0, "session_port": 0, "host_name": "localhost", "name": "Manager"}
HOUSE: dict[str, Any] = {"connect": {"host": "127.0.0.1", "port": 0, "host_name": "localhost", "name": "House"}}


async def is_steered(manager: S2End, cell: BenchAppliance) -> None:
    """What the energy manager asks comes to the battery, and its word goes back."""
    name = await manager.until(lambda: next(iter(manager.sessions), None))
    description = await manager.until(lambda: manager.sessions[name].space.description_at(manager.clock.now()))
    charge = description.actuators[0].modes[1]
    asked = await manager.charge(name, charge.mode_id, 1.0 if charge.continuous else None)
    await manager.status(asked, AllocationStatus.ACCEPTED)
    assert isinstance(cell.asked[-1], StorageAllocation)


async def is_left(manager: S2End) -> None:
    """The energy manager has noticed that the battery is away."""
    (session,) = manager.sessions.values()
    await manager.until(lambda: session.space.description_at(manager.clock.now()) is None)


async def while_waits_pass(house: Bench, work: Coroutine[Any, Any, Any]) -> Any:
    """What comes of some work, while short waits of the app pass, as the second before it answers who wants to pair."""
    working = asyncio.ensure_future(work)
    while not working.done():
        wakeup = house.clock.next_wakeup()
        if wakeup is not None and wakeup - house.clock.now() <= timedelta(seconds=1):
            house.clock.advance(wakeup)
        await asyncio.wait([working], timeout=0.01)
    return working.result()


async def test_a_battery_of_the_house_is_paired_by_the_managers_code_and_steered() -> None:
    async with S2End.running(connect=MANAGER) as manager, bench(HOUSE) as house:
        cell = battery(house)
        assert (await house.condition("not_paired")).state is ConditionState.OFFLINE
        told = await manager.operate("pairing_code")
        output = await house.operate("pair", url=told["url"], code=told["code"], node="battery")
        assert (output["name"], output["role"], output["node"]) == ("Manager", "CEM", "battery")
        await is_steered(manager, cell)
        assert (await house.condition("")).state is ConditionState.OK
        await house.operate("unpair", peer="Manager")
        await house.condition("not_paired")


async def test_the_manager_pairs_with_one_of_several_by_the_code_that_names_it() -> None:
    async with S2End.running(connect=MANAGER) as manager, bench(HOUSE) as house:
        cell = battery(house)
        house.connect(named(battery_registration(), "car"))
        told = await house.operate("pairing_code", node="battery")
        assert told["code"].startswith("1-")
        output = await while_waits_pass(house, manager.operate("pair", url=told["url"], code=told["code"]))
        assert output["role"] == "RM"
        await is_steered(manager, cell)
        refusal = await house.operate("pairing_code")
        assert (refusal.path, refusal.cure) == ("node", "name one of: battery, car")


async def test_a_pairing_outlives_the_app_and_an_appliance_that_comes_back_is_called_for_again() -> None:
    async with S2End.running(connect=MANAGER) as manager:
        told = await manager.operate("pairing_code")
        async with bench(HOUSE) as house:
            battery(house)
            await house.operate("pair", url=told["url"], code=told["code"])
            await manager.until(lambda: manager.sessions)
        await is_left(manager)
        kept = {key: value for key, value in house.stored().items() if value is not None}
        async with bench(HOUSE, storage=kept) as again:
            await is_steered(manager, battery(again))
            again.disconnect("battery")
            await is_left(manager)
            await is_steered(manager, battery(again))
