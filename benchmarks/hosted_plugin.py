"""What a hosted plugin costs: memory and time to ready of one more, and how soon a killed one works again.

`python benchmarks/hosted_plugin.py` prints the figures beside their targets. Memory is the growth of the sum of the PSS
of the forkserver and all its children, divided by the number of plugins added: what the machine gives for one more.
"""

import asyncio
import os
import signal
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efpi_core.clock import BoottimeEventLoop, RealClock
from efpi_core.gateway.budget_watch import MIB
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.instances import InstancePlan
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Start
from efpi_core.host.hosts import Hosts
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.offer import Offer, OfferKind, PluginDescription
from efpi_core.host.process_tree import proportional_memory
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.site.expand import InstanceSpec
from efpi_core.views import InstanceState

PLUGINS = 12
CRASHES = 6

TARGET_MB = 9.0
TARGET_MODBUS_MB = 15.0
TARGET_READY_S = 0.1
TARGET_AGAIN_S = 2.0

ECHO = ("echo_plugin", "bench.driver", {"per_second": 1.0})
MODBUS = ("efpi_driver_sunspec", "sunspec", {"host": "127.0.0.1", "port": 9})


class Watched:
    """A supervisor of forked processes, and when each instance was ready."""

    def __init__(self) -> None:
        here = str(Path(__file__).parent)
        self.launcher = ForkServerLauncher({**os.environ, "PYTHONPATH": here})
        self.supervisor = Supervisor(Hosts(self.launcher), self, RealClock(), Habits(most_crashes=1000))
        self.plans: list[InstancePlan] = []
        self.news = asyncio.Event()
        self.waits: dict[str, float] = {}

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        """Frames of instances do not matter here."""

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        """An instance's life took a turn."""
        if state is InstanceState.RUNNING:
            self.waits[instance] = time.perf_counter()
            self.news.set()
        elif state in (InstanceState.BACKING_OFF, InstanceState.QUARANTINED) and "signal 9" not in text:
            sys.exit(f"{instance}: {text}")

    async def add(self, kind: tuple[str, str, dict[str, Any]]) -> float:
        """Start one more; returns how long it took to be ready."""
        module, name, config = kind
        instance = f"plugin{len(self.plans)}"
        offer = Offer(name=name, kind=OfferKind.DRIVER, title=name)
        plugin = PluginDescription(distribution=module, version="0", module=module, offers=(offer,))

        def start() -> Start:
            now = datetime.now(UTC)
            return Start(PROTOCOL, instance, name, config, {}, {}, ClockMode.REAL, now, "b", 1, SiteFacts())

        self.plans.append(InstancePlan(InstanceSpec(instance, "driver", name), plugin, offer, start=start))
        begun = time.perf_counter()
        await self.supervisor.change(self.plans, frozenset())
        return await self.running(instance) - begun

    async def running(self, instance: str) -> float:
        """Wait until an instance runs; returns when it did."""
        async with asyncio.timeout(30):
            while instance not in self.waits:
                self.news.clear()
                await self.news.wait()
        return self.waits.pop(instance)

    def pid(self, instance: str) -> int:
        """Its process."""
        return next(view.pid for view in self.supervisor.views() if view.instance == instance) or 0

    def memory_mb(self) -> float:
        """PSS of the forkserver and all instances."""
        pids = [self.launcher.pid, *(view.pid for view in self.supervisor.views())]
        return sum(proportional_memory(pid) or 0 for pid in pids if pid is not None) / MIB


async def cost(kind: tuple[str, str, dict[str, Any]], count: int) -> tuple[float, list[float]]:
    """Memory of one more in MB, and the times to ready."""
    world = Watched()
    await world.add(kind)  # the first one waits for the forkserver
    await world.add(kind)
    await asyncio.sleep(1.0)
    before = world.memory_mb()
    waits = []
    for _ in range(count):
        waits.append(await world.add(kind))
        await asyncio.sleep(0.2)
    await asyncio.sleep(2.0)
    each = (world.memory_mb() - before) / count
    await world.supervisor.stop(2.0)
    return each, waits


async def recovery() -> list[float]:
    """How long it takes from `kill -9` until the plugin runs again, for crashes in a row."""
    world = Watched()
    await world.add(ECHO)
    waits = []
    for _ in range(CRASHES):
        begun = time.perf_counter()
        os.kill(world.pid("plugin0"), signal.SIGKILL)
        waits.append(await world.running("plugin0") - begun)
        await asyncio.sleep(0.2)
    await world.supervisor.stop(2.0)
    return waits


async def main() -> None:
    """Print the figures."""
    each, waits = await cost(ECHO, PLUGINS)
    print(f"one more hosted plugin: {each:.1f} MB (PSS)   (target ≤ {TARGET_MB:g} MB)")
    print(
        f"… from its launch to ready: {statistics.median(waits) * 1000:.0f} ms in the median, "
        f"{max(waits) * 1000:.0f} ms at most   (target ≤ {TARGET_READY_S * 1000:.0f} ms)"
    )
    each, _ = await cost(MODBUS, PLUGINS // 3)
    print(f"one more with a Modbus client: {each:.1f} MB (PSS)   (target ≤ {TARGET_MODBUS_MB:g} MB)")
    waits = await recovery()
    print(
        f"killed and working again: {waits[0]:.2f} s the first time, {max(waits):.2f} s at most of {CRASHES} in a row"
        f"   (target ≤ {TARGET_AGAIN_S:g} s)"
    )


if __name__ == "__main__":
    asyncio.Runner(loop_factory=BoottimeEventLoop).run(main())
