"""A driver and an app that answer each other as fast as they can: what the message benchmarks run."""

import time
from collections.abc import Iterable

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
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.appliance import Stamp
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.context import Context
from efpi_core.plugin.driver import Driver
from efpi_core.plugin.hookspecs import hookimpl


class EchoConfig(PluginConfig):
    """How many appliances, and how fast."""

    appliances: int = setting(1, title="Appliances", ge=1)
    per_second: float | None = setting(None, title="States a second", description="None: as fast as the answers come.")


class EchoAppliance:
    """A storage that answers each allocation with a status, and with a new state when nobody sets the pace."""

    def __init__(self, context: Context, key: str, driver: "EchoDriver") -> None:
        self.context = context
        self.appliance_id = context.appliance_id(key)
        self._driver = driver
        self.sent_at = 0.0

    def stamp(self) -> Stamp:
        """The fields of every message."""
        return {
            "message_id": self.context.new_id(),
            "appliance_id": self.appliance_id,
            "timestamp": self.context.now(),
        }

    def register(self) -> StorageRegistration:
        """One actuator."""
        return StorageRegistration(
            **self.stamp(),
            name="battery",
            commodities=(Commodity.ELECTRICITY,),
            actuators=(Actuator(actuator_id="inverter", commodities=(Commodity.ELECTRICITY,)),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """One continuous mode."""
        levels = NumberRange(lower=0, upper=100)
        element = StorageModeElement(
            fill_level_range=levels,
            fill_rate=ValueRange(start=0, end=0.01),
            power=electric_range(0, 2000),
        )
        mode = StorageMode(mode_id="charge", elements=(element,))
        yield StorageSystemDescription(
            **self.stamp(),
            valid_from=self.context.now(),
            fill_level_range=levels,
            actuators=(ActuatorBehaviour(actuator_id="inverter", modes=(mode,)),),
        )

    def tell_state(self) -> None:
        """A new state, which the app answers."""
        stamp = self.stamp()
        state = ActuatorState(actuator_id="inverter", mode_id="charge", factor=0.5)
        self.sent_at = time.perf_counter()
        self.context.say(
            StorageStateUpdate(**stamp, valid_from=stamp["timestamp"], fill_level=50.0, actuators=(state,))
        )

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation came in."""
        self._driver.note(time.perf_counter() - self.sent_at)
        self.context.say(
            AllocationStatusUpdate(**self.stamp(), allocation_id=message.message_id, status=AllocationStatus.REJECTED)
        )
        if self._driver.config.per_second is None:
            self.tell_state()

    async def on_connected(self, app: str) -> None:
        """The app is there: begin."""
        if self._driver.config.per_second is None:
            self.tell_state()

    async def on_disconnected(self, reason: str) -> None:
        """Nothing to do."""

    async def safe_state(self) -> None:
        """Nothing to do."""


class EchoDriver(Driver[EchoConfig]):
    """Answers each allocation with a status, and tells the next state at once or at a given pace."""

    offer_name = "bench.driver"
    title = "Echo driver"

    async def start(self) -> None:
        """Bring the appliances."""
        self.done = 0
        self.latencies: list[float] = []
        self.batteries = [EchoAppliance(self.context, f"n{number}", self) for number in range(self.config.appliances)]
        for number, battery in enumerate(self.batteries):
            self.context.add_appliance(f"n{number}", battery.register(), battery)
            for update in battery.describe():
                self.context.say(update)
        self.context.call_later(0.5, self.report)
        if self.config.per_second is not None:
            self.next = 0
            self.begun = self.context.elapsed()
            self.context.call_later(0.01, self.keep_pace)

    def keep_pace(self) -> None:
        """Tell as many states as are due, in turn."""
        assert self.config.per_second is not None
        due = int((self.context.elapsed() - self.begun) * self.config.per_second)
        while self.next < due:
            self.batteries[self.next % len(self.batteries)].tell_state()
            self.next += 1
        self.context.call_later(0.001, self.keep_pace)

    def note(self, latency_s: float) -> None:
        """An allocation came back."""
        self.done += 1
        self.latencies.append(latency_s)

    def report(self) -> None:
        """Tell how many round trips were made, and how long the slowest hundredth of the last ones took."""
        name = self.context.instance
        self.context.publish(f"{name}.done", self.done)
        if len(self.latencies) >= 100:
            self.latencies.sort()
            self.context.publish(f"{name}.p99_ms", self.latencies[int(len(self.latencies) * 0.99)] * 1e3)
            self.context.publish(f"{name}.median_ms", self.latencies[len(self.latencies) // 2] * 1e3)
            self.latencies.clear()
        self.context.call_later(0.5, self.report)


class EchoApp(EnergyApp[PluginConfig]):
    """Answers each state with an allocation."""

    offer_name = "bench.app"
    title = "Echo app"
    categories = frozenset(("storage",))

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


@hookimpl
def efpi_plugins() -> list[type[EchoDriver] | type[EchoApp]]:
    """Hand over both."""
    return [EchoDriver, EchoApp]
