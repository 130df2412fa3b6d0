"""One plugin of each kind; each commits its fault when the moment of its settings has come."""

from collections.abc import Iterable
from datetime import timedelta

from efi.commodity import Commodity, CommodityQuantity, PowerRange, ValueRange, electric_range
from efi.demand_driven import (
    DemandDrivenActuatorBehaviour,
    DemandDrivenMode,
    DemandDrivenRegistration,
    DemandDrivenSystemDescription,
)
from efi.inflexible import CurtailmentOption, InflexibleCurtailmentOptions, InflexibleRegistration, LimitKind
from efi.messages import AnyUpdate, ApplianceMessage, AppMessage
from efi.output_adjustable import (
    OutputAdjustableMode,
    OutputAdjustableRegistration,
    OutputAdjustableSystemDescription,
)
from efi.running_mode import Transition
from efi.storage import (
    Actuator,
    ActuatorBehaviour,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageSystemDescription,
)
from efi.time_shiftable import TimeShiftableRegistration
from efi.types import NumberRange
from efpi_core.plugin.app import ControlledAppliance, EnergyApp
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.context import Context
from efpi_core.plugin.demand_driven import DemandDrivenDriver
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_core.plugin.output_adjustable import OutputAdjustableDriver
from efpi_core.plugin.storage import StorageDriver
from efpi_core.plugin.time_shiftable import TimeShiftableDriver
from matrix_plugin.faults import APPLIANCES, PLAIN, SPOKEN

ELECTRIC = (Commodity.ELECTRICITY,)
LEVELS = NumberRange(lower=0.0, upper=1e9)
WAYS = (Transition(from_mode="idle", to_mode="charge"), Transition(from_mode="charge", to_mode="idle"))

MEMORY_MB = 60
"""The budget of each: a fault shows soon."""


class MatrixConfig(PluginConfig):
    """What to do wrong, and when."""

    moment: str = setting("", title="Moment", description="start, handshake, message, running or stop")
    fault: str = setting("", title="Fault")
    every_s: float = setting(0.05, title="Pace", unit="s", gt=0)


class Culprit:
    """Commits the fault once, when its moment has come."""

    config: MatrixConfig
    context: Context
    done = False

    async def moment(self, moment: str) -> None:
        """The moment has come; is it the one?"""
        if self.config.moment != moment or self.done:
            return
        self.done = True
        if self.config.fault in SPOKEN:
            await SPOKEN[self.config.fault](self.context)
        else:
            PLAIN[self.config.fault]()


class _FaultyDriver(Culprit):
    """What the faulty drivers share."""

    memory_mb = MEMORY_MB
    present: bool

    def pace(self) -> timedelta:
        return timedelta(seconds=self.config.every_s)

    async def open(self) -> None:
        await self.moment("start")

    async def poll(self) -> None:
        await self.moment("running" if self.present else "handshake")

    async def on_app_message(self, message: AppMessage) -> None:
        await self.moment("message")
        await super().on_app_message(message)  # type: ignore[misc]  # the appliance's

    async def safe_state(self) -> None:
        await self.moment("stop")


class FaultyInflexible(_FaultyDriver, InflexibleDriver[MatrixConfig]):
    """Draws one watt."""

    offer_name = "matrix.inflexible"
    title = "Inflexible with a fault"

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(**self.stamp(), name="inflexible", commodities=ELECTRIC)

    def describe(self) -> Iterable[AnyUpdate]:
        option = CurtailmentOption(
            quantity=CommodityQuantity.ELECTRIC_POWER, limit=LimitKind.UPPER, ranges=(NumberRange(lower=0, upper=1),)
        )
        yield InflexibleCurtailmentOptions(**self.valid_now(), options=(option,))

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        return

    def report(self) -> None:
        self.measure(1.0)


class FaultyShiftable(_FaultyDriver, TimeShiftableDriver[MatrixConfig]):
    """Has no work."""

    offer_name = "matrix.shiftable"
    title = "Time-shiftable with a fault"

    def register(self) -> TimeShiftableRegistration:
        return TimeShiftableRegistration(**self.stamp(), name="shiftable", commodities=ELECTRIC)

    async def start_sequence(self, sequence_id: str, alternative_id: str) -> None:
        return

    def report(self) -> None:
        self.measure(1.0)


class FaultyStorage(_FaultyDriver, StorageDriver[MatrixConfig]):
    """A battery that charges or does not."""

    offer_name = "matrix.storage"
    title = "Storage with a fault"

    def register(self) -> StorageRegistration:
        return StorageRegistration(
            **self.stamp(),
            name="storage",
            commodities=ELECTRIC,
            actuators=(Actuator(actuator_id="main", commodities=ELECTRIC),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
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
        self.tell_state(50.0)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        return


class FaultyOutput(_FaultyDriver, OutputAdjustableDriver[MatrixConfig]):
    """A generator that runs or does not."""

    offer_name = "matrix.output"
    title = "Output-adjustable with a fault"

    def register(self) -> OutputAdjustableRegistration:
        return OutputAdjustableRegistration(**self.stamp(), name="output", commodities=ELECTRIC)

    def describe(self) -> Iterable[AnyUpdate]:
        modes = tuple(
            OutputAdjustableMode(mode_id=name, power=electric_range(power, power))
            for name, power in (("idle", 0.0), ("charge", -1000.0))
        )
        yield OutputAdjustableSystemDescription(**self.valid_now(), modes=modes, transitions=WAYS)

    def report(self) -> None:
        self.tell_state()

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        return


class FaultyDemand(_FaultyDriver, DemandDrivenDriver[MatrixConfig]):
    """Heat that a pump gives or does not."""

    offer_name = "matrix.demand"
    title = "Demand-driven with a fault"

    def register(self) -> DemandDrivenRegistration:
        return DemandDrivenRegistration(
            **self.stamp(),
            name="demand",
            commodities=ELECTRIC,
            actuators=(Actuator(actuator_id="main", commodities=ELECTRIC),),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        modes = tuple(
            DemandDrivenMode(mode_id=name, power=electric_range(power, power), supply=ValueRange(start=heat, end=heat))
            for name, power, heat in (("idle", 0.0, 0.0), ("charge", 1000.0, 3000.0))
        )
        behaviour = DemandDrivenActuatorBehaviour(actuator_id="main", modes=modes, transitions=WAYS)
        yield DemandDrivenSystemDescription(**self.valid_now(), actuators=(behaviour,))

    def report(self) -> None:
        self.tell_state(0.0)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        return


class FaultyApp(Culprit, EnergyApp[MatrixConfig]):
    """Takes the one appliance that it is given."""

    offer_name = "matrix.app"
    title = "App with a fault"
    memory_mb = MEMORY_MB

    async def start(self) -> None:
        await self.moment("start")
        self.context.call_later(self.config.every_s, self.tick)

    async def tick(self) -> None:
        """While it runs."""
        await self.moment("running")
        self.context.call_later(self.config.every_s, self.tick)

    async def on_connect(self, appliance: ControlledAppliance) -> None:
        APPLIANCES.append(appliance.appliance_id)
        await self.moment("handshake")

    async def on_update(self, appliance: ControlledAppliance, message: ApplianceMessage) -> None:
        await self.moment("message")

    async def stop(self) -> None:
        await self.moment("stop")
