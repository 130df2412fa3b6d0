"""Messages a second along the whole inline path, and fan-out to subscribers beside blinker's.

`python benchmarks/message_path.py` prints both figures beside their targets. One round trip is: a validated storage
state → its session → the energy app → an allocation → the session → the driver → a status → the session → the app.
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime

from echo_plugin import EchoApp, EchoDriver

from efpi_core.clock import RealClock
from efpi_core.gateway.connections import AppFacts
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.gateway.observations import ObservationBoard
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Start, ToInstance
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.inline import InlineHost
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.simulation.simulation import NoJournal

TARGET_PER_S = 20_000


class InlineInstances:
    """A house whose instances all run inline."""

    def __init__(self) -> None:
        self.hosts: dict[str, InlineHost] = {}
        self.clock = RealClock()
        self.house = House(
            clock=self.clock,
            life="bench",
            journal=NoJournal(),
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
        """Nothing is printed."""

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        """The run is over."""

    def launch(self, instance: str, plugin_type: type[EchoDriver] | type[EchoApp], appliances: int = 0) -> None:
        """Begin an instance."""
        host = InlineHost(instance, plugin_type, self, lambda start: self.clock)  # type: ignore[arg-type]
        self.hosts[instance] = host
        host.launch(
            Start(
                protocol=PROTOCOL,
                instance=instance,
                offer=plugin_type.offer_name,
                config={"appliances": appliances} if appliances else {},
                secrets={},
                storage={},
                clock=ClockMode.REAL,
                now=self.clock.now(),
                life="bench",
                seed=1,
                site=SiteFacts(),
            )
        )


async def round_trips(under_way: int, seconds: float) -> float:
    """Round trips per CPU second with so many batteries under way."""
    world = InlineInstances()
    world.house.configure([AppFacts("app", frozenset(("storage",)))], lambda appliance: None, [])
    world.launch("app", EchoApp)
    world.launch("driver", EchoDriver, under_way)
    await asyncio.sleep(0.3)
    driver = world.hosts["driver"].plugin
    assert isinstance(driver, EchoDriver)
    before, cpu = driver.done, time.process_time()
    await asyncio.sleep(seconds)
    done, cpu = driver.done - before, time.process_time() - cpu
    for host in world.hosts.values():
        host.kill("done")
    return done / cpu


def fan_out(rounds: int) -> tuple[float, float]:
    """µs of CPU to publish to ten subscribers: ours, and blinker's."""
    import blinker  # noqa: PLC0415  # compared with here only

    counts = [0]

    def receive(*_: object, **__: object) -> None:
        counts[0] += 1

    board = ObservationBoard(lambda instance, frame: None)
    board.sinks = [receive] * 10
    now = datetime.now(UTC)
    cpu = time.process_time()
    for _ in range(rounds):
        board.put("pv.power", 1.0, now)
    ours = (time.process_time() - cpu) / rounds * 1e6
    signal = blinker.Signal()
    receivers = [lambda sender, **kwargs: receive() for _ in range(10)]
    for receiver in receivers:
        signal.connect(receiver)
    cpu = time.process_time()
    for _ in range(rounds):
        signal.send("pv.power", value=1.0, at=now)
    return ours, (time.process_time() - cpu) / rounds * 1e6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    for under_way in (1, 16):
        rate = asyncio.run(round_trips(under_way, options.seconds))
        print(f"inline round trips, {under_way:2} under way: {rate:8,.0f} /s of CPU   (target ≥ {TARGET_PER_S:,})")
    ours, theirs = fan_out(100_000)
    print(f"publish to 10 subscribers: {ours:.2f} µs, blinker {theirs:.2f} µs, ratio {ours / theirs:.2f} (target ≤ 1)")


if __name__ == "__main__":
    main()
