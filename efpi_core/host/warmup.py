"""One short life of a driver and an app inside the forkserver, before anything is forked.

Python settles code when it first runs: it rewrites instructions and fills caches inside the very objects that children
share with their parent. What has run here once is settled, stays shared, and costs no child memory of its own: more
than a megabyte of each.
"""

import asyncio
import signal
import socket
from collections.abc import Iterable

from efi.allocation import AllocationStatusUpdate
from efi.commodity import Commodity, CommodityQuantity, PowerRange, ValueRange
from efi.messages import AnyRegistration, AnyUpdate, ApplianceMessage
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    StorageAllocation,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.clock import BoottimeEventLoop, RealClock
from efpi_core.host.channel import Channel, gateway_codec, instance_codec
from efpi_core.host.frames import (
    PROTOCOL,
    AddAppliance,
    ClockMode,
    Connected,
    Deliver,
    FromInstance,
    Ping,
    Say,
    Start,
    Stop,
    ToInstance,
)
from efpi_core.host.loading import PluginType
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.inflexible import InflexibleDriver  # noqa: F401  # imported for those who are forked
from efpi_core.plugin.output_adjustable import OutputAdjustableDriver  # noqa: F401  # likewise
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.plugin.storage import StorageDriver
from efpi_core.plugin.time_shiftable import TimeShiftableDriver  # noqa: F401  # likewise

TRIPS = 12
"""How often a state is answered by an allocation: code is settled after eight runs."""

LEVELS = NumberRange(lower=0.0, upper=1.0)


def _config_type() -> type[PluginConfig]:
    class WarmConfig(PluginConfig):
        """As every plugin has one."""

        pace: float = setting(1.0, title="Pace", description="how often", unit="s", gt=0)
        name: str = setting("", title="Name", max_length=20)

    return WarmConfig


class WarmDriver(StorageDriver[PluginConfig]):
    """A storage that exists for some milliseconds."""

    offer_name = "warm.driver"
    title = "Warm-up"

    def register(self) -> AnyRegistration:  # type: ignore[override]  # one category is enough
        """Who it is."""
        return StorageRegistration(
            **self.stamp(),
            name="warm",
            commodities=(Commodity.ELECTRICITY,),
            actuators=(Actuator(actuator_id="main", commodities=(Commodity.ELECTRICITY,)),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """What it can do."""
        power = PowerRange(quantity=CommodityQuantity.ELECTRIC_POWER, start=0.0, end=1.0)
        element = StorageModeElement(fill_level_range=LEVELS, fill_rate=ValueRange(start=0.0, end=1.0), power=(power,))
        behaviour = ActuatorBehaviour(actuator_id="main", modes=(StorageMode(mode_id="run", elements=(element,)),))
        yield StorageSystemDescription(**self.valid_now(), fill_level_range=LEVELS, actuators=(behaviour,))

    def report(self) -> None:
        """How it is."""
        self.tell_state(0.5)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Do as asked."""
        self.report()


class WarmApp(EnergyApp[PluginConfig]):
    """An app that answers each state."""

    offer_name = "warm.app"
    title = "Warm-up"

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        """Ask for the only mode."""
        if isinstance(message, StorageStateUpdate):
            selector = ActuatorAllocation(actuator_id="main", mode_id="run", factor=0.5, start_time=self.context.now())
            appliance.allocate(
                StorageAllocation(
                    **appliance.stamp(), control_space_update_id=message.message_id, actuators=(selector,)
                )
            )

    async def on_status(self, appliance: ControlledAppliance, status: AllocationStatusUpdate) -> None:
        """Hear the answer."""
        self.context.log.debug(status.text)


class _Life:
    """One of the two, with both ends of its channel."""

    def __init__(self, plugin_type: PluginType, name: str) -> None:
        self.peer: _Life | None = None
        self.statuses = 0
        self.enough = asyncio.Event()
        clock = RealClock()
        start = Start(
            PROTOCOL, name, plugin_type.offer_name, {}, {}, {}, ClockMode.REAL, clock.now(), "w", 0, SiteFacts()
        )
        near, far = socket.socketpair()
        encoder, decoder, largest = instance_codec()
        self._inside = Channel(
            far, encoder, decoder, largest=largest, on_frame=self._to_plugin, on_end=lambda error: None
        )
        encoder, decoder, largest = gateway_codec()
        self._outside = Channel(
            near, encoder, decoder, largest=largest, on_frame=self._from_plugin, on_end=lambda error: None
        )
        self.runtime = InstanceRuntime(plugin_type, start, clock, self._inside.send)
        self.done = asyncio.get_running_loop().create_task(self.runtime.run())

    def send(self, frame: ToInstance) -> None:
        self._outside.send(frame)

    def _to_plugin(self, frame: ToInstance) -> None:
        self.runtime.receive(frame)

    def _from_plugin(self, frame: FromInstance) -> None:
        """Do as the gateway would: connect the two, and pass on what they say."""
        assert self.peer is not None  # noqa: S101  # set before the loop turns
        if isinstance(frame, AddAppliance):
            self.send(Connected(frame.registration.appliance_id, "app"))
            self.peer.send(Connected(frame.registration.appliance_id, "app", frame.registration))
        elif isinstance(frame, Say):
            self.peer.send(Deliver(frame.appliance_id, frame.message))
            self.send(Ping(1))
            self.statuses += isinstance(frame.message, AllocationStatusUpdate)
            if self.statuses >= TRIPS:
                self.enough.set()

    async def end(self) -> None:
        self.send(Stop(1.0))
        await self.done
        self._inside.close()
        self._outside.close()


async def _live() -> None:
    driver, app = _Life(WarmDriver, "warm"), _Life(WarmApp, "app")
    driver.peer, app.peer = app, driver
    await driver.enough.wait()
    await driver.end()
    await app.end()


async def _begin() -> None:
    """What each hosted process does once, which would never settle in one life."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: None)
    await asyncio.sleep(0)


def warm_up() -> None:
    """Run it; some tens of milliseconds."""
    _config_type()
    asyncio.Runner(loop_factory=BoottimeEventLoop).run(asyncio.wait_for(_live(), 5))
    for _ in range(TRIPS):
        asyncio.Runner(loop_factory=BoottimeEventLoop).run(_begin())
