"""Energy managers that call: each appliance is at the path of its name, behind its token."""

import socket
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from efpi_core.host.frames import Log
from efpi_core.plugin.condition import ConditionState
from tests.efi.house import battery_registration
from tests.energy_apps.s2_bridge.bridge_bench import Bench, bench
from tests.energy_apps.s2_bridge.test_s2_bridge import battery, named, selected
from tests.peers.raw_cem import RawCaller, calling


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def listening(port: int, secrets: dict[str, str] | None = None, **config: Any) -> Any:
    """The app as it waits for an energy manager."""
    return bench({"listen": {"port": port, "without_token": secrets is None}, **config}, secrets)


async def ready(house: Bench) -> None:
    await house.until(
        lambda: any(isinstance(frame, Log) and "can call at" in frame.text for frame in house.frames), "it listens"
    )


async def test_an_energy_manager_calls_and_is_served():
    port = free_port()
    async with listening(port) as house:
        battery(house)
        await ready(house)
        assert (await house.condition("not_called")).state is ConditionState.OFFLINE
        assert f"ws://127.0.0.1:{port}/<appliance>" in house.conditions()[-1].text
        async with calling(f"ws://127.0.0.1:{port}/battery") as caller:
            await selected(caller)
            assert (await house.condition("")).state is ConditionState.OK
        assert (await house.condition("left")).state is ConditionState.OFFLINE


async def test_each_appliance_is_behind_its_token():
    port = free_port()
    secrets = {"all": "everybody", "own": "the battery's"}
    async with listening(port, token="all", tokens={"battery": "own"}, secrets=secrets) as house:
        battery(house)
        house.connect(named(battery_registration(), "car"))
        await ready(house)
        url = f"ws://127.0.0.1:{port}"
        for path, token, status in (
            ("battery", None, 401), ("battery", "everybody", 401), ("car", "the battery's", 401), ("car", None, 401),
            ("boiler", None, 401), ("boiler", "everybody", 404), ("", "everybody", 404), ("car/x", "everybody", 404),
        ):  # fmt: skip
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"{url}/{path}", additional_headers={"Authorization": f"Bearer {token}"} if token else {})
            assert refused.value.response.status_code == status, (path, token)
        async with calling(f"{url}/battery", "the battery's") as caller, calling(f"{url}/car", "everybody") as other:
            await caller.hears("Handshake")
            await other.hears("Handshake")


async def test_of_two_energy_managers_the_newer_one_counts():
    port = free_port()
    async with listening(port) as house:
        battery(house)
        await ready(house)
        async with calling(f"ws://127.0.0.1:{port}/battery") as first:
            await selected(first)
            async with calling(f"ws://127.0.0.1:{port}/battery") as second:
                await first.gone()
                await selected(second)
                assert (await house.condition("")).state is ConditionState.OK


async def test_a_port_that_another_program_has_is_named_and_tried_again():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        house_of = listening(port)
        house = await house_of.__aenter__()
        battery(house)
        taken = await house.condition("port_in_use")
        assert (taken.state, bool(taken.cure)) == (ConditionState.OFFLINE, True)
    house.clock.pass_time(11)
    await ready(house)
    await house_of.__aexit__(None, None, None)


async def test_who_hangs_up_can_call_again():
    port = free_port()
    async with listening(port) as house:
        battery(house)
        await ready(house)
        for _ in range(3):
            async with calling(f"ws://127.0.0.1:{port}/battery") as caller:
                assert isinstance(caller, RawCaller)
                await selected(caller)
