"""The page for authors, run as it stands: its code is taken from the page, and its devices are real servers."""

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruamel.yaml import YAML

from efi.allocation import AllocationStatus
from efi.storage import ActuatorAllocation, StorageAllocation
from efpi_core.clock import RealClock
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.gateway.connections import AppFacts, Choice
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Publish, Start, Store, ToInstance
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.inline import InlineHost
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.operation import operations_of
from efpi_core.plugin.site_facts import PriceBand, SiteFacts
from efpi_core.simulation.simulation import NoJournal

README = Path(__file__).parents[2] / "drivers" / "README.md"
TEXT = README.read_text(encoding="utf-8")
FILES = dict(re.findall(r"```\w+\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))
DRIVER = FILES["efpi_driver_tank/__init__.py"]
APP = FILES["efpi_app_cheap/__init__.py"]
PATIENCE_S = 60.0
DEAR = PriceBand(Decimal("0.31"), Decimal("0.05"))
CHEAP = PriceBand(Decimal("0.12"), Decimal("0.05"))


def lines_of_code(code: str) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for line in code.splitlines())


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all files of the page, importable."""
    folder = tmp_path_factory.mktemp("author")
    for name, code in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in ("efpi_driver_tank", "efpi_driver_strip", "efpi_driver_strip.blinking", "efpi_app_cheap", "test_tank"):
        sys.modules.pop(name, None)


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


class Plug:
    """A smart plug before a tank: a real TCP server with the page's protocol."""

    def __init__(self) -> None:
        self.water, self.on, self.port = 51.5, True, 0
        self.says: str | None = None
        """What it answers whatever is asked, when it has gone mad."""
        self.asked: list[str] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readline()).decode().strip()
        self.asked.append(request)
        if request.startswith("switch "):
            self.on = request.endswith("on")
        status = f"{self.water} {2000.0 if self.on else 0.0} {'on' if self.on else 'off'}"
        answer = self.says if self.says is not None else status if request == "status" else "ok"
        writer.write(answer.encode("utf-8", "surrogateescape") + b"\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class LiveHouse:
    """The house of the gateway in real time, with instances inline."""

    def __init__(self, *apps: str, site: SiteFacts | None = None) -> None:
        self.frames: list[FromInstance] = []
        self.endings: list[Ending] = []
        self.gone = asyncio.Event()
        self.hosts: dict[str, InlineHost] = {}
        self.site = site or SiteFacts()
        self.events = EventLog(lambda: datetime.now(UTC))
        self.house = House(
            clock=RealClock(),
            life="t1",
            journal=NoJournal(),
            store_value=lambda instance, key, value, durable: None,
            events=self.events,
            send=self._send,
        )

        def no_choice(appliance_id: str) -> Choice | None:
            return None

        self.house.configure(tuple(AppFacts(app, frozenset(("storage",))) for app in apps), no_choice, ())

    def _send(self, instance: str, frame: ToInstance) -> None:
        if instance in self.hosts:  # the house greets its apps before they are launched
            self.hosts[instance].send(frame)

    def run(self, instance: str, plugin_type: Any, secrets: dict[str, str] | None = None, **config: Any) -> None:
        host = self.hosts[instance] = InlineHost(instance, plugin_type, self, lambda start: RealClock())
        now = datetime.now(UTC)
        offer = plugin_type.offer_name
        host.launch(
            Start(PROTOCOL, instance, offer, config, secrets or {}, {}, ClockMode.REAL, now, "t1", 1, self.site)
        )

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        self.frames.append(frame)
        self.house.on_frame(host.instance, frame)

    def output(self, host: InstanceHost, line: str) -> None:
        """Inline hosts have no output of their own."""

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        self.endings.append(ending)
        self.gone.set()

    def get(self, name: str) -> ApplianceRecord:
        record = self.house.appliances.get(name)
        assert record is not None
        return record

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                assert not self.endings, self.endings
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        for host in self.hosts.values():
            self.gone.clear()
            if host.alive:
                host.stop(5.0, "the test is over")
                await asyncio.wait_for(self.gone.wait(), PATIENCE_S)


def quick(plugin_type: Any) -> Any:
    """The same driver, polling often: a test does not wait for the pace that suits a house."""
    return type(plugin_type.__name__, (plugin_type,), {"poll_every": timedelta(seconds=0.05)})


class Asker(EnergyApp[Any]):
    """An app that asks only what the test wants."""

    offer_name = "asker"
    title = "Asker"
    categories = frozenset(("storage",))


def test_the_driver_has_at_most_sixty_lines_and_the_app_at_most_forty() -> None:
    assert lines_of_code(DRIVER) <= 60
    assert lines_of_code(APP) <= 40
    assert [line for code in FILES.values() for line in code.splitlines() if len(line) > 120] == []


async def test_the_tank_registers_heats_as_asked_goes_offline_with_a_cure_and_comes_back(packages: Path) -> None:
    plug = Plug()
    await plug.start()
    world = LiveHouse("asker")
    world.run("asker", Asker)
    world.run("tank", quick(module("efpi_driver_tank").HotWaterTank), host="127.0.0.1", port=plug.port)
    try:
        await world.until(lambda: world.house.appliances.get("tank") and world.get("tank").session.space.state)
        tank = world.get("tank")
        assert tank.registration.name == "Hot water"
        description = tank.session.space.description_at(datetime.now(UTC))
        assert [mode.mode_id for mode in description.actuators[0].modes] == ["off", "on"]
        warming = description.actuators[0].modes[1].fill_rate_at(51.5)
        assert warming == pytest.approx(2000 / (4186 * 150))
        assert tank.session.space.state.fill_level == 51.5
        assert tank.session.space.state.actuators[0].mode_id == "on"
        await world.until(lambda: tank.power_w == 2000 and tank.app == "asker")

        asker = world.hosts["asker"].plugin
        await world.until(lambda: "tank" in asker.appliances and asker.appliances["tank"].space.state)
        seen = asker.appliances["tank"]
        off = ActuatorAllocation(actuator_id="heater", mode_id="off", start_time=datetime.now(UTC))
        allocation = StorageAllocation(
            **seen.stamp(), control_space_update_id=seen.space.state.message_id, actuators=(off,), reason="a test"
        )
        seen.allocate(allocation)
        await world.until(lambda: not plug.on)
        await world.until(lambda: tank.allocations[allocation.message_id].status is AllocationStatus.STARTED)
        await world.until(lambda: tank.power_w == 0 and tank.session.space.state.actuators[0].mode_id == "off")

        await plug.stop()
        await world.until(lambda: tank.condition is ConditionState.OFFLINE)
        assert "does not answer" in tank.text
        assert tank.cure == "check its power and its network"
        assert tank.session.space.state is None
        await world.until(lambda: tank.allocations[allocation.message_id].status is AllocationStatus.ABORTED)

        await plug.start()
        await world.until(lambda: tank.condition is ConditionState.OK and tank.session.space.state)
        assert world.get("tank") is tank
    finally:
        await world.close()
        await plug.stop()
    assert plug.on, "at the end it is left in its safe state"


@pytest.mark.parametrize("nonsense", ["nan 1 on", "51.5", "51.5 2000 maybe", "", "9" * 400, "\udcff\udcfe", "1e9 0 on"])
async def test_a_plug_that_talks_nonsense_is_out_of_reach_and_no_crash(packages: Path, nonsense: str) -> None:
    plug = Plug()
    await plug.start()
    world = LiveHouse()
    world.run("tank", quick(module("efpi_driver_tank").HotWaterTank), host="127.0.0.1", port=plug.port)
    try:
        await world.until(lambda: world.house.appliances.get("tank"))
        plug.says = nonsense
        await world.until(lambda: world.get("tank").condition is ConditionState.OFFLINE)
        assert world.get("tank").cure
        plug.says = None
        await world.until(lambda: world.get("tank").condition is ConditionState.OK)
    finally:
        await world.close()
        await plug.stop()


async def test_somebody_at_the_button_is_seen_as_a_change_of_mode(packages: Path) -> None:
    plug = Plug()
    await plug.start()
    world = LiveHouse()
    world.run("tank", quick(module("efpi_driver_tank").HotWaterTank), host="127.0.0.1", port=plug.port)
    try:
        await world.until(lambda: world.house.appliances.get("tank") and world.get("tank").session.space.state)
        plug.on = False
        await world.until(lambda: world.get("tank").session.space.state.actuators[0].mode_id == "off")
    finally:
        await world.close()
        await plug.stop()


@pytest.mark.parametrize(("band", "on"), [(CHEAP, True), (DEAR, False)])
async def test_the_app_heats_while_energy_is_cheap_and_rests_while_it_is_dear(
    packages: Path, band: PriceBand, on: bool
) -> None:
    plug = Plug()
    plug.on = not on
    await plug.start()
    world = LiveHouse("cheap", site=SiteFacts(prices=(band,)))
    world.run("cheap", module("efpi_app_cheap").CheapHours)
    world.run("tank", quick(module("efpi_driver_tank").HotWaterTank), host="127.0.0.1", port=plug.port)
    try:
        await world.until(lambda: plug.on is on)
        tank = world.get("tank")
        await world.until(lambda: tank.session.space.state.actuators[0].mode_id == ("on" if on else "off"))
        given = [open_.allocation for open_ in tank.allocations.values()]
        assert [allocation.reason for allocation in given] == [f"energy is {'cheap' if on else 'dear'} now"]
    finally:
        await world.close()
        await plug.stop()


async def test_the_strip_brings_its_sockets_and_tells_all_that_the_page_says(packages: Path) -> None:
    passwords = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passwords.append(await reader.readline())
        writer.write(b"1 60.5,2 0\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    world = LiveHouse()
    strip_type = module("efpi_driver_strip").PowerStrip
    world.run("strip", strip_type, {"strip": "open sesame"}, host="127.0.0.1", port=port)
    try:
        await world.until(lambda: world.house.appliances.get("strip-s2") and world.get("strip-s2").power_w == 0)
        assert world.get("strip-s1").power_w == 60.5
        assert not world.get("strip-s1").steerable
        assert passwords[0] == b"open sesame\n"
        told = {type(frame): frame for frame in world.frames if isinstance(frame, Store | Publish)}
        assert (told[Store].key, told[Store].value) == ("rounds", 1)
        assert (told[Publish].name, told[Publish].value) == ("strip.rounds", 1)
        server.close()
        await server.wait_closed()
        await world.hosts["strip"].plugin.read()
        await world.until(lambda: world.get("strip-s1").condition is ConditionState.OFFLINE)
        assert world.get("strip-s1").cure == "check its power"
    finally:
        server.close()
        await world.close()


def test_the_page_s_own_test_without_hardware_passes(packages: Path) -> None:
    module("test_tank").test_an_hour_of_heating_warms_the_water()


@pytest.mark.slow
def test_the_package_installs_describes_itself_and_its_site_is_right(packages: Path, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def python(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    wrapped = tmp_path / "tank"
    (wrapped / "efpi_driver_tank").mkdir(parents=True)
    for name in ("pyproject.toml", "efpi_driver_tank/__init__.py", "my-house.yaml"):
        (wrapped / name).write_text(FILES[name], encoding="utf-8")
    python(*pip, str(site), str(wrapped))
    python("-m", "efpi_core.host.describe", "efpi_driver_tank", "--write")
    written = json.loads((site / "efpi_driver_tank" / "plugin.json").read_text(encoding="utf-8"))
    assert [offer["name"] for offer in written["offers"]] == ["hot_tank"]
    assert written["offers"][0]["categories"] == ["storage"]
    told = python("-m", "efpi_core.cli", "plugins", "describe", "hot_tank")
    assert "Hot-water tank on a smart plug" in told
    assert "water_kg" in told
    python("-m", "efpi_core.cli", "site", "check", str(wrapped / "my-house.yaml"))


def test_every_yaml_of_the_page_is_read() -> None:
    assert YAML(typ="safe").load(FILES["my-house.yaml"])["appliances"]["tank"]["driver"] == "hot_tank"


async def test_the_operation_of_the_page_is_carried_out(packages: Path) -> None:
    blinking = module("efpi_driver_strip.blinking")
    asked: list[str] = []
    told: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().strip())
        writer.write(b"Strip in the hall\n")
        writer.close()

    class Call:
        by, deadline_s, tell = "anna", 20.0, staticmethod(told.append)

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        strip = blinking.BlinkingStrip()
        strip.config = strip.config_type()(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        facts = operations_of(blinking.BlinkingStrip)["blink"]
        output = await strip.blink(facts.input_type.model_validate({"times": 2, "pin": "0815"}), Call())
    assert asked == ["blink 2 0815"]
    assert told == ["blinking 2 times"]
    assert output == facts.output_type.model_validate({"name": "Strip in the hall"})
