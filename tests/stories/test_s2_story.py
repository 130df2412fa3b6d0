"""A house of S2 devices written with another library uses its own sun, whoever is begun anew."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from efpi_core.site.secrets import SecretStore
from tests.peers.s2_python_rm import Battery, Device, Panels, S2PythonRm, WashingMachine, named
from tests.support.real_gateway import PATIENCE_S, RealGateway, running, site_file

SITE = """\
efpi: 1
name: S2 house
location: {{latitude: 50.85, longitude: 4.35}}
time_zone: Europe/Brussels
appliances:
  s2:
    driver: s2
    config:
      listen: {{port: {port}}}
      devices:
        - {{token: battery-token, device_class: stationary_battery, fill_level_unit: J, fill_level_scale: 360000}}
        - {{token: panels-token, device_class: pv_panel}}
        - {{token: washer-token, device_class: washing_machine}}
apps:
  steering:
    app: self_consumption
    config: {{start_after_s: 1, stop_after_s: 1}}
"""

TOKENS = {"battery-token": "let-battery-in", "panels-token": "let-panels-in", "washer-token": "let-washer-in"}


def appliance(device: type[Device]) -> str:
    """How a device's appliance begins: the instance, and its id as far as it is kept."""
    return f"s2-{str(named(device.NAME))[:13]}"  # type: ignore[attr-defined]  # each has one


class House:
    """The devices, in the test's own loop; they come back when they are hung up on, as devices do."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.battery, self.panels, self.washer = Battery(), Panels(), WashingMachine()
        self._lives = AsyncExitStack()
        self._plugged: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()

    def plug_in(self, device: Device, token: str) -> None:
        self._plugged[token] = asyncio.create_task(self._live(device, token))

    async def unplug(self, token: str) -> None:
        life = self._plugged.pop(token)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)

    async def _live(self, device: Device, token: str) -> None:
        while True:
            try:
                rm = S2PythonRm(device)
                async with rm.calling(f"ws://127.0.0.1:{self.port}/s2", token=TOKENS[token]) as calling:
                    assert calling.socket is not None
                    await calling.socket.wait_closed()
            except OSError:
                pass
            await asyncio.sleep(0.2)

    def do(self, what: Any) -> Any:
        """From the story's thread: something with the devices."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE_S)


async def play(story: Callable[[House], None]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        house = House(free.getsockname()[1])
    for device, token in (
        (house.battery, "battery-token"),
        (house.panels, "panels-token"),
        (house.washer, "washer-token"),
    ):
        house.plug_in(device, token)
    try:
        await asyncio.to_thread(story, house)
    finally:
        for token in tuple(house._plugged):
            await house.unplug(token)


def the(gateway: RealGateway, device: type[Device]) -> dict[str, Any] | None:
    """A device as the gateway shows it."""
    begin = appliance(device)
    return next((view for name, view in gateway.appliances().items() if name.startswith(begin)), None)


def power_w(gateway: RealGateway, device: type[Device]) -> float | None:
    view = the(gateway, device)
    return None if view is None or view["power_quality"] != "good" else view["power"]


def keep_secrets(home: Path) -> None:
    """As `efpi site secret set` does."""
    home.mkdir(exist_ok=True)
    store = SecretStore(home)
    for name, value in TOKENS.items():
        store.set(name, value)


@pytest.mark.slow
async def test_a_house_of_s2_devices_uses_its_own_sun(home: Path, tmp_path: Path) -> None:
    keep_secrets(home)

    def story(house: House) -> None:
        site = site_file(tmp_path, SITE.format(port=house.port))
        with running(home, site) as gateway:
            gateway.eventually(lambda: power_w(gateway, Panels) == -4000, "the sun is seen")
            gateway.eventually(lambda: house.battery.instructions, "the battery is instructed")
            gateway.eventually(lambda: (power_w(gateway, Battery) or 0) > 1000, "the sun goes into the battery")
            gateway.eventually(lambda: house.washer.instructions, "the washing machine is started")
            gateway.eventually(lambda: power_w(gateway, WashingMachine) == 2000, "it washes")
            battery = the(gateway, Battery)
            assert battery is not None and battery["app"] == "steering"
            assert gateway.health()["status"] == "ok", gateway.health()
            # the device goes and comes back
            house.do(house.unplug("battery-token"))
            gateway.eventually(lambda: (the(gateway, Battery) or {})["state"] == "offline", "the battery is missed")
            assert (the(gateway, Battery) or {})["cure"]
            given = len(house.battery.instructions)
            house.do(plugged(house, house.battery, "battery-token"))
            gateway.eventually(lambda: len(house.battery.instructions) > given, "it is steered again")
            # the driver is killed and comes back
            given, killed = len(house.battery.instructions), gateway.pid_of("s2")
            os.kill(killed, signal.SIGKILL)
            gateway.eventually(lambda: gateway.pid_of("s2") not in (None, killed), "the driver is begun anew")
            gateway.eventually(lambda: len(house.battery.instructions) > given, "the battery is told anew")
            gateway.eventually(lambda: (power_w(gateway, Battery) or 0) > 1000, "the sun goes into the battery")
            gateway.end()
        activated = house.battery.activated
        assert not any(value in gateway.log for value in TOKENS.values())
        # the gateway goes and comes back: the same appliances, steered again
        with running(home) as again:
            again.eventually(lambda: house.battery.activated > activated, "the battery is chosen again")
            again.eventually(lambda: (power_w(again, Battery) or 0) > 1000, "the sun goes into the battery")
            assert len(again.appliances()) == 3
            again.end()
        house.do(left_alone(house.battery))

    await play(story)


async def plugged(house: House, device: Device, token: str) -> None:
    house.plug_in(device, token)


async def left_alone(device: Device) -> None:
    await device.until(lambda: device.activated == device.deactivated, "its control type is left")
