"""A toy house: the smallest drivers and apps that show what the gateway does."""

import math
from collections.abc import Iterable
from datetime import timedelta

from efi.commodity import Commodity, CommodityQuantity, ValueRange, electric_range
from efi.inflexible import (
    CurtailmentOption,
    InflexibleCurtailmentOptions,
    InflexibleRegistration,
    LimitKind,
)
from efi.messages import AnyUpdate, ApplianceMessage
from efi.registration import DeviceClass
from efi.running_mode import Transition
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
from efpi_core.errors import TryAgainError
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.hookspecs import hookimpl
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_core.plugin.observation import Observation, ObservationSpec
from efpi_core.plugin.storage import StorageDriver

ELECTRIC = (Commodity.ELECTRICITY,)
LABELS = {"idle": "Rest"}


class ToyConfig(PluginConfig):
    """Settings of every toy."""

    power_w: float = setting(1000.0, title="Power", unit="W")
    silent_after_s: float | None = setting(None, title="Silent after", unit="s")
    silent_until_s: float | None = setting(None, title="Silent until", unit="s")
    fail_after_s: float | None = setting(None, title="Raises after", unit="s")


class ToyLoad(InflexibleDriver[ToyConfig]):
    """Draws what its settings say."""

    offer_name = "toy.load"
    title = "Load"

    def pace(self) -> timedelta:
        return timedelta(seconds=60)

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(**self.stamp(), name="load", commodities=ELECTRIC)

    async def poll(self) -> None:
        age = self.context.elapsed()
        config = self.config
        if config.fail_after_s is not None and age >= config.fail_after_s:
            raise RuntimeError("the toy breaks")
        if config.silent_after_s is not None and config.silent_after_s <= age < (config.silent_until_s or math.inf):
            raise TryAgainError("the load does not answer", "plug it in")

    def report(self) -> None:
        self.measure(self.config.power_w)


class ToySun(InflexibleDriver[ToyConfig]):
    """Produces what its settings say, and can be curtailed."""

    offer_name = "toy.sun"
    title = "Sun"
    bound: float | None = None

    def pace(self) -> timedelta:
        return timedelta(seconds=60)

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(
            **self.stamp(), name="sun", commodities=ELECTRIC, device_class=DeviceClass.PV_PANEL
        )

    def describe(self) -> Iterable[AnyUpdate]:
        option = CurtailmentOption(
            quantity=CommodityQuantity.ELECTRIC_POWER,
            limit=LimitKind.LOWER,
            ranges=(NumberRange(lower=-self.config.power_w, upper=0),),
        )
        yield InflexibleCurtailmentOptions(**self.valid_now(), options=(option,))

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        self.bound = lower
        self.report()

    def report(self) -> None:
        self.measure(-self.config.power_w if self.bound is None else max(-self.config.power_w, self.bound))


class ToyMeter(InflexibleDriver[ToyConfig]):
    """Measures the sum of all the others."""

    offer_name = "toy.meter"
    title = "Meter"
    steerable = False

    async def open(self) -> None:
        self.powers: dict[str, float] = {}
        self.dirty = False
        self.context.observe("*.power", self.seen)

    def pace(self) -> timedelta:
        return timedelta(seconds=60)

    def seen(self, observation: Observation) -> None:
        if observation.name == f"{self.appliance_id}.power" or not isinstance(observation.value, float):
            return
        self.powers[observation.name] = observation.value
        if not self.dirty:
            self.dirty = True
            self.context.call_later(0, self.tell_sum)

    def tell_sum(self) -> None:
        self.dirty = False
        if self.present:
            self.measure(math.fsum(self.powers.values()))

    def report(self) -> None:
        """The sum is told when it changes."""

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(
            **self.stamp(), name="meter", commodities=ELECTRIC, device_class=DeviceClass.SMART_METER
        )


class ToyBattery(StorageDriver[ToyConfig]):
    """Ten kWh that charge and discharge with up to `power_w`."""

    offer_name = "toy.battery"
    title = "Battery"

    async def open(self) -> None:
        self.level, self.power, self.at = 5.0, 0.0, self.context.now()

    def pace(self) -> timedelta:
        return timedelta(seconds=60)

    def register(self) -> StorageRegistration:
        return StorageRegistration(
            **self.stamp(),
            name="battery",
            commodities=ELECTRIC,
            device_class=DeviceClass.STATIONARY_BATTERY,
            fill_level_unit="kWh",
            actuators=(Actuator(actuator_id="inverter", commodities=ELECTRIC),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        levels = NumberRange(lower=0, upper=10)
        ends = {"idle": 0.0, "charge": self.config.power_w, "discharge": -self.config.power_w}

        def mode(name: str, power: float) -> StorageMode:
            element = StorageModeElement(
                fill_level_range=levels,
                fill_rate=ValueRange(start=0, end=power / 3.6e6),
                power=electric_range(0, power),
            )
            return StorageMode(mode_id=name, label=LABELS.get(name, ""), elements=(element,))

        ways = tuple(Transition(from_mode=a, to_mode=b) for a in ends for b in ends if a != b)
        behaviour = ActuatorBehaviour(
            actuator_id="inverter",
            modes=tuple(mode(name, power) for name, power in ends.items()),
            transitions=ways,
        )
        yield StorageSystemDescription(**self.valid_now(), fill_level_range=levels, actuators=(behaviour,))

    def step(self) -> None:
        now = self.context.now()
        energy = self.power * (now - self.at).total_seconds() / 3.6e6
        self.level, self.at = min(max(self.level + energy, 0.0), 10.0), now

    async def poll(self) -> None:
        self.step()

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.step()
        sign = {"idle": 0.0, "charge": 1.0, "discharge": -1.0}[mode_id]
        self.power = sign * self.config.power_w * (factor or 0.0)
        self.measure(self.power)

    async def safe_state(self) -> None:
        await self.change_mode("inverter", "idle")

    def report(self) -> None:
        self.tell_state(self.level)
        self.measure(self.power)


class ToyApp(EnergyApp[ToyConfig]):
    """Charges every storage at full power, and remembers what it was told."""

    offer_name = "toy.app"
    title = "App"
    categories = frozenset(("storage",))
    seen: dict[str, list[str]]

    async def start(self) -> None:
        self.asked: set[str] = set()

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        if not isinstance(message, StorageStateUpdate) or appliance.statuses:
            return
        step = ActuatorAllocation(actuator_id="inverter", mode_id="charge", factor=1.0, start_time=self.context.now())
        appliance.allocate(
            StorageAllocation(
                **appliance.stamp(),
                control_space_update_id=message.message_id,
                actuators=(step,),
                reason="charging because it can",
            )
        )


class OtherToyApp(ToyApp):
    """A second app for the same appliances."""

    offer_name = "toy.other"


class ListeningToyApp(EnergyApp[ToyConfig]):
    """Hears what inflexible appliances say, and keeps a tally of it in its observations."""

    offer_name = "toy.listener"
    title = "Listener"
    categories = frozenset(("inflexible",))

    async def start(self) -> None:
        self.context.declare(ObservationSpec(f"{self.context.instance}.heard", "W", "text"))

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        heard = " ".join(
            f"{name}:{'controlled' if known.controlled else 'heard'}" for name, known in sorted(self.appliances.items())
        )
        self.context.publish(f"{self.context.instance}.heard", heard)

    async def on_disconnect(self, appliance: ControlledAppliance, reason: str) -> None:
        self.context.publish(f"{self.context.instance}.heard", f"no more {appliance.appliance_id}")


@hookimpl
def efpi_plugins() -> list[type]:
    return [ToyLoad, ToySun, ToyMeter, ToyBattery, ToyApp, OtherToyApp, ListeningToyApp]
