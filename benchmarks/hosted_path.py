"""Round trips through two hosted plugins with the journal on: CPU of the gateway, and how long they take.

`python benchmarks/hosted_path.py` prints both beside their targets. One round trip is: a storage state of the driver's
process → the gateway's session → the app's process → an allocation → session → journal, committed → the driver's
process → a status → session → the app's process.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # where the plugins' processes find `echo_plugin`

from efpi_core.cli.run import SWITCH_S
from efpi_core.clock import BoottimeEventLoop, RealClock
from efpi_core.gateway.connections import AppFacts
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.gateway.state_journal import StateJournal
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Start, ToInstance
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.order import ChildOrder
from efpi_core.host.process import ProcessHost
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.state.home import Home
from efpi_core.state.state import State

TARGET_PER_S = 5_000
TARGET_P99_MS = 3.0


class HostedInstances:
    """A house whose instances run in processes of their own."""

    def __init__(self, home: Path) -> None:
        self.hosts: dict[str, ProcessHost] = {}
        self.clock = RealClock()
        self.launcher = ForkServerLauncher()
        opened = Home(home)
        opened.open()
        self.state = State.open(opened, self.clock)
        self.house = House(
            clock=self.clock,
            life="bench",
            journal=StateJournal(self.state, self.clock.now),
            store_value=lambda instance, key, value: None,
            events=EventLog(self.clock.now),
            send=self.send,
        )

    def send(self, instance: str, frame: ToInstance) -> None:
        """Hand a frame to an instance."""
        if instance in self.hosts:
            self.hosts[instance].send(frame)

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        """Take a frame of an instance."""
        self.house.on_frame(host.instance, frame)

    def output(self, host: InstanceHost, line: str) -> None:
        """What the plugin prints is shown."""
        print(f"{host.instance}: {line}")

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        """It ended; before its time when the text says so."""
        if ending.how.value not in ("killed", "stopped"):
            print(f"{host.instance} ended: {ending.text}")

    def launch(self, instance: str, offer: str, config: dict[str, float]) -> None:
        """Begin an instance."""
        host = ProcessHost(instance, ChildOrder(instance, "echo_plugin"), self.launcher, self)
        self.hosts[instance] = host
        host.launch(
            Start(
                protocol=PROTOCOL,
                instance=instance,
                offer=offer,
                config=dict(config),
                secrets={},
                storage={},
                clock=ClockMode.REAL,
                now=self.clock.now(),
                life="bench",
                seed=1,
                site=SiteFacts(),
            )
        )

    def value(self, name: str) -> float:
        """The last value that the driver published."""
        slot = self.house.board.value(f"driver.{name}")
        return float(slot.value) if slot is not None and isinstance(slot.value, int | float) else 0.0


async def measure(home: Path, config: dict[str, float], seconds: float) -> tuple[float, float, float, float]:
    """Round trips a second of wall time and of the gateway's CPU, their median and 99th percentile in ms."""
    world = HostedInstances(home)
    world.house.configure([AppFacts("app", frozenset(("storage",)))], lambda appliance: None, [])
    world.launch("app", "bench.app", {})
    world.launch("driver", "bench.driver", config)
    while world.value("done") == 0:  # noqa: ASYNC110  # a count that the driver publishes, not an event
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)
    done, cpu, begun = world.value("done"), time.process_time(), time.perf_counter()
    slowest = medians = 0.0
    looks = 0
    while time.perf_counter() - begun < seconds:
        await asyncio.sleep(0.5)
        slowest += world.value("p99_ms")
        medians += world.value("median_ms")
        looks += 1
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    done = world.value("done") - done
    for host in world.hosts.values():
        host.kill("done")
    await asyncio.sleep(0.3)
    await world.launcher.close()
    world.state.close()
    return done / wall, done / cpu, medians / looks, slowest / looks


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    sys.setswitchinterval(SWITCH_S)  # as `efpi run` does
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=BoottimeEventLoop) as runner:
        wall, cpu, _, _ = runner.run(measure(Path(folder) / "a", {"appliances": 16}, seconds))
        print(f"hosted, 16 under way, journal on: {wall:,.0f} /s, {cpu:,.0f} /s of the gateway's CPU", end="")
        print(f"   (target ≥ {TARGET_PER_S:,} /s of CPU)")
        config = {"appliances": 16, "per_second": 1000.0}
        rate, _, median, slowest = runner.run(measure(Path(folder) / "b", config, seconds))
        print(
            f"hosted at {rate:,.0f} /s: state to allocation {median:.2f} ms in the median, p99 {slowest:.2f} ms", end=""
        )
        print(f"   (target p99 ≤ {TARGET_P99_MS} ms)")


if __name__ == "__main__":
    main()
