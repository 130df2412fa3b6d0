"""The driver: one battery that is always half full, and one fault."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from efi.allocation import AllocationRevoke
from efi.commodity import Commodity, CommodityQuantity, PowerRange, ValueRange
from efi.messages import AnyUpdate, AppMessage
from efi.registration import DeviceClass, EnergyRole, Role
from efi.running_mode import Transition
from efi.storage import (
    Actuator,
    ActuatorBehaviour,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageSystemDescription,
)
from efi.types import NumberRange
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.storage import StorageDriver
from faulty_plugin.faults import commit

LEVELS = NumberRange(lower=0.0, upper=100.0)
WAYS = (Transition(from_mode="idle", to_mode="charge"), Transition(from_mode="charge", to_mode="idle"))


class FaultyConfig(PluginConfig):
    """What to do wrong, and when."""

    moment: str = setting("", title="Moment", description="start, poll, message, stop or safe_state")
    fault: str = setting("", title="Fault", description="one of the faults")
    diary: str = setting("", title="Diary", description="a file to which every turn of life is appended")
    every_s: float = setting(0.2, title="Pace", unit="s", gt=0)


class FaultyDriver(StorageDriver[FaultyConfig]):
    """A battery with a fault."""

    offer_name = "faulty.battery"
    title = "Battery with a fault"
    closed = False

    def write(self, word: str) -> None:
        """Tell the test."""
        if self.config.diary:
            with Path(self.config.diary).open("a", encoding="utf-8") as diary:
                diary.write(f"{word}\n")

    async def commit(self, moment: str) -> None:
        """Do what is wrong at this moment."""
        if self.config.moment != moment or self.closed:
            return
        self.closed = self.config.fault == "close"
        self.write(f"fault {self.config.fault}")
        if self.config.fault == "hang":
            await asyncio.Event().wait()
        elif self.config.fault == "sleep":
            await self.context.sleep(100.0)
        elif self.config.fault == "spin":
            self.closed = True
            self.context.spawn(self.spin(), "spin")
        elif self.config.fault == "flood":
            for number in range(100_000):
                self.context.publish(f"{self.context.instance}.flood{number}", number)
        elif self.config.fault == "flood_slowly":
            for number in range(300):
                self.context.publish(f"{self.context.instance}.flood", number)
        else:
            commit(self.config.fault)

    async def spin(self) -> None:
        """Use a core, beside the handlers."""
        while True:  # noqa: ASYNC110  # it is meant to take the core
            await asyncio.sleep(0)

    def pace(self) -> timedelta:
        """How often to poll."""
        return timedelta(seconds=self.config.every_s)

    async def open(self) -> None:
        """At the start."""
        self.write("start")
        await self.commit("start")

    async def poll(self) -> None:
        """While it runs."""
        if self.present:
            await self.commit("poll")

    def register(self) -> StorageRegistration:
        """Who it is."""
        return StorageRegistration(
            **self.stamp(),
            device_class=DeviceClass.STATIONARY_BATTERY,
            roles=(Role(commodity=Commodity.ELECTRICITY, role=EnergyRole.STORAGE),),
            name="Battery with a fault",
            commodities=(Commodity.ELECTRICITY,),
            actuators=(Actuator(actuator_id="main", commodities=(Commodity.ELECTRICITY,)),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """What it can do."""
        modes = tuple(
            StorageMode(
                mode_id=name,
                elements=(
                    StorageModeElement(
                        fill_level_range=LEVELS,
                        fill_rate=ValueRange(start=rate, end=rate),
                        power=(PowerRange(quantity=CommodityQuantity.ELECTRIC_POWER, start=power, end=power),),
                    ),
                ),
            )
            for name, rate, power in (("idle", 0.0, 0.0), ("charge", 0.01, 1000.0))
        )
        yield StorageSystemDescription(
            **self.valid_now(),
            fill_level_range=LEVELS,
            actuators=(ActuatorBehaviour(actuator_id="main", modes=modes, transitions=WAYS),),
        )

    def report(self) -> None:
        """How it is."""
        self.tell_state(50.0)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Do as asked."""
        self.write(f"run {mode_id}")

    async def on_app_message(self, message: AppMessage) -> None:
        """The first message."""
        if not isinstance(message, AllocationRevoke):
            await self.commit("message")
        await super().on_app_message(message)

    async def safe_state(self) -> None:
        """To where it may be left."""
        await self.commit("safe_state")
        self.write("safe")

    async def stop(self) -> None:
        """At the end."""
        await self.commit("stop")
        self.write("stop")
