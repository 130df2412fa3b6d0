"""A real gateway with one real instance that has operations, in a process of its own or inline."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from efpi_core.clock import RealClock
from efpi_core.gateway.gateway import Gateway
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.planning import Planner
from efpi_core.gateway.strain import Strain
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.host.describe import describe_offer
from efpi_core.host.frames import FromInstance, Log
from efpi_core.host.hosts import Hosts
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.loading import plugin_types
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.state.state import State
from efpi_core.views import InstanceState

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0


class OperatingHouse:
    """The gateway, and what the instance said."""

    def __init__(self, gateway: Gateway, state: State) -> None:
        self.gateway = gateway
        self.state = state
        self.frames: list[FromInstance] = []
        self._news = asyncio.Event()

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        self.frames.append(frame)
        self.gateway.on_frame(instance, frame)
        self._news.set()

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        self.gateway.on_state(instance, state, text, cure)
        self._news.set()

    def on_strain(self, instance: str, strain: Strain | None) -> None:
        self.gateway.on_strain(instance, strain)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def runs(self) -> bool:
        return self.gateway.instances()[0].state is InstanceState.RUNNING

    def logged(self) -> list[str]:
        return [frame.text for frame in self.frames if isinstance(frame, Log)]

    async def call(self, operation: str, **fields: Any) -> dict[str, Any]:
        return await self.gateway.operate("shop", operation, fields, "anna")

    def events(self) -> list[tuple[str, str]]:
        return [(event.kind, event.text) for event in self.gateway.events(0, 1000)]


class _Shelf:
    """The one plugin."""

    settled = True

    def __init__(self, module: str) -> None:
        self._offers = {name: describe_offer(offered) for name, offered in plugin_types(module).items()}
        self._plugin = PluginDescription(
            distribution="efpi-test", version="1.0", module=module, offers=tuple(self._offers.values())
        )

    def find(self, offer: str) -> tuple[PluginDescription, Offer] | None:
        return self._plugin, self._offers[offer]

    def why_missing(self, offer: str) -> tuple[str, str]:
        return f"there is no {offer}", ""


@asynccontextmanager
async def operating_house(
    *, hosted: bool, module: str = "tests.plugins.operating_plugin"
) -> AsyncIterator[OperatingHouse]:
    clock = RealClock()
    state = State.in_memory(clock)
    gateway = Gateway(clock=clock, state=state)
    house = OperatingHouse(gateway, state)
    hosts = Hosts(ForkServerLauncher(os.environ | {"PYTHONPATH": str(ROOT)}))
    supervisor = Supervisor(hosts, house, clock, Habits())
    run = "hosted" if hosted else "inline"
    gateway.site.take_file("shop", f"efpi: 1\napps: {{shop: {{app: operating.app, run: {run}}}}}\n", "test")
    planner = Planner(_Shelf(module), state, dict, clock.now, gateway.life)
    await gateway.start(supervisor, planner)
    try:
        await house.until(house.runs)
        yield house
    finally:
        await gateway.stop(5.0)
