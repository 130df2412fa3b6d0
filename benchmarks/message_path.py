"""Messages a second along the whole inline path, and fan-out to subscribers beside blinker's.

`python benchmarks/message_path.py` prints both figures beside their targets. One round trip is: a validated storage
state → its session → the energy app → an allocation → the session → the driver → a status → the session → the app.
"""

import argparse
import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, ValueRange, electric_range
from efi.messages import AnyUpdate, ApplianceMessage, AppMessage
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    ActuatorState,
    StorageAllocation,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.clock import RealClock
from efpi_core.gateway.connections import AppFacts
from efpi_core.gateway.event_log import EventLog
from efpi_core.gateway.house import House
from efpi_core.gateway.observations import ObservationBoard
from efpi_core.host.frames import PROTOCOL, ClockMode, FromInstance, Start, ToInstance
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.inline import InlineHost
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.appliance import Stamp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.driver import Driver
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.simulation.simulation import NoJournal

TARGET_PER_S = 20_000


class EchoDriver(Driver[PluginConfig]):
    """Answers each allocation with a status, and each status with a new state."""

    offer_name = "bench.driver"
    title = "Echo"
    done = 0

    def stamp(self) -> Stamp:
        """The fields of every message."""
        return {
            "message_id": self.context.new_id(),
            "appliance_id": self.appliance_id,
            "timestamp": self.context.now(),
        }

    @property
    def appliance_id(self) -> str:
        """The instance's own name."""
        return self.context.instance

    async def start(self) -> None:
        """Register one storage."""
        registration = StorageRegistration(
            **self.stamp(),
            name="battery",
            commodities=(Commodity.ELECTRICITY,),
            actuators=(Actuator(actuator_id="inverter", commodities=(Commodity.ELECTRICITY,)),),
        )
        self.context.add_appliance("", registration, self)
        for update in self.describe():
            self.context.say(update)

    def describe(self) -> Iterable[AnyUpdate]:
        """One continuous mode."""
        levels = NumberRange(lower=0, upper=100)
        element = StorageModeElement(
            fill_level_range=levels,
            fill_rate=ValueRange(start=0, end=0.01),
            power=electric_range(0, 2000),
        )
        yield StorageSystemDescription(
            **self.stamp(),
            valid_from=self.context.now(),
            fill_level_range=levels,
            actuators=(
                ActuatorBehaviour(actuator_id="inverter", modes=(StorageMode(mode_id="charge", elements=(element,)),)),
            ),
        )

    def tell_state(self) -> None:
        """A new state, which the app answers."""
        now = self.context.now()
        state = ActuatorState(actuator_id="inverter", mode_id="charge", factor=0.5)
        self.context.say(StorageStateUpdate(**self.stamp(), valid_from=now, fill_level=50.0, actuators=(state,)))

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation came in."""
        status = AllocationStatusUpdate(
            **self.stamp(), allocation_id=message.message_id, status=AllocationStatus.REJECTED
        )
        self.context.say(status)
        type(self).done += 1
        self.tell_state()

    async def on_connected(self, app: str) -> None:
        """The app is there: begin."""
        self.tell_state()

    async def on_disconnected(self, reason: str) -> None:
        """Nothing to do."""

    async def safe_state(self) -> None:
        """Nothing to do."""


class EchoApp(EnergyApp[PluginConfig]):
    """Answers each state with an allocation."""

    offer_name = "bench.app"
    title = "Echo"

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """A state came in."""
        if isinstance(message, StorageStateUpdate):
            step = ActuatorAllocation(
                actuator_id="inverter", mode_id="charge", factor=0.5, start_time=message.timestamp
            )
            appliance.allocate(
                StorageAllocation(
                    **appliance.stamp(), control_space_update_id=message.message_id, actuators=(step,), reason="bench"
                )
            )


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

    def launch(self, instance: str, plugin_type: type[EchoDriver] | type[EchoApp]) -> None:
        """Begin an instance."""
        host = InlineHost(instance, plugin_type, self, lambda start: self.clock)  # type: ignore[arg-type]
        self.hosts[instance] = host
        host.launch(
            Start(
                protocol=PROTOCOL,
                instance=instance,
                offer=plugin_type.offer_name,
                config={},
                secrets={},
                storage={},
                clock=ClockMode.REAL,
                now=self.clock.now(),
                life="bench",
                seed=1,
                site=SiteFacts(),
            )
        )


async def round_trips(pairs: int, seconds: float) -> float:
    """Round trips per CPU second with so many batteries under way."""
    world = InlineInstances()
    world.house.configure([AppFacts("app", frozenset(("storage",)))], lambda appliance: None, [])
    world.launch("app", EchoApp)
    for number in range(pairs):
        world.launch(f"battery-{number}", EchoDriver)
    await asyncio.sleep(0.3)
    before, cpu = EchoDriver.done, time.process_time()
    await asyncio.sleep(seconds)
    done, cpu = EchoDriver.done - before, time.process_time() - cpu
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
    for pairs in (1, 16):
        rate = asyncio.run(round_trips(pairs, options.seconds))
        print(f"inline round trips, {pairs:2} under way: {rate:8,.0f} /s of CPU   (target ≥ {TARGET_PER_S:,})")
    ours, theirs = fan_out(100_000)
    print(f"publish to 10 subscribers: {ours:.2f} µs, blinker {theirs:.2f} µs, ratio {ours / theirs:.2f} (target ≤ 1)")


if __name__ == "__main__":
    main()
