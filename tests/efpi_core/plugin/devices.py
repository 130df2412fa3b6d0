"""Small drivers of each category whose device is a few fields that a test may turn."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from efi.commodity import Commodity, CommodityQuantity, PowerRange, ValueRange, electric_range
from efi.demand_driven import (
    DemandDrivenActuatorBehaviour,
    DemandDrivenMode,
    DemandDrivenRegistration,
    DemandDrivenSystemDescription,
    DemandElement,
    DemandForecast,
)
from efi.inflexible import (
    CurtailmentOption,
    InflexibleCurtailmentOptions,
    InflexibleRegistration,
    LimitKind,
)
from efi.measurement import ForecastElement
from efi.messages import AnyUpdate
from efi.output_adjustable import (
    OutputAdjustableMode,
    OutputAdjustableRegistration,
    OutputAdjustableSystemDescription,
)
from efi.running_mode import Timer, Transition
from efi.storage import (
    Actuator,
    ActuatorBehaviour,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageSystemDescription,
)
from efi.time_shiftable import Alternative, SequentialProfile, TimeShiftableRegistration, TimeShiftableUpdate
from efi.types import NumberRange
from efi.uncertainty import UncertainPower, UncertainValue
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.demand_driven import DemandDrivenDriver
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_core.plugin.output_adjustable import OutputAdjustableDriver
from efpi_core.plugin.storage import StorageDriver
from efpi_core.plugin.time_shiftable import TimeShiftableDriver

ELECTRIC = (Commodity.ELECTRICITY,)
LEVELS = NumberRange(lower=0, upper=100)


class Device:
    """What a test can do to a device."""

    silent = False
    """Whether it answers neither reading nor orders."""
    deaf = False
    """Whether it answers reading, but follows no order."""
    refuses = False
    breaks = False
    fails_after: int | None = None

    def touched(self) -> None:
        """Every word to the device passes here."""
        if self.fails_after is not None:
            self.fails_after -= 1
            self.silent = self.fails_after < 0
        if self.breaks:
            raise RuntimeError("a fault of the driver")
        if self.silent:
            raise TryAgainError("the device does not answer", "plug it in")
        if self.deaf:
            raise TryAgainError("the order was not heard")
        if self.refuses:
            raise RefusedError("the device is locked")

    async def poll(self) -> None:
        if self.silent:
            raise TryAgainError("the device does not answer", "plug it in")


def modes_graph(names: tuple[str, ...]) -> dict[str, object]:
    """Ways between all modes; a mode that was entered is kept for ten minutes."""
    return {
        "transitions": tuple(
            Transition(from_mode=a, to_mode=b, start_timers=(f"{b}_least",), blocking_timers=(f"{a}_least",))
            for a in names
            for b in names
            if a != b
        ),
        "timers": tuple(Timer(timer_id=f"{name}_least", duration=timedelta(minutes=10)) for name in names),
    }


class Boiler(Device, StorageDriver[PluginConfig]):
    """Two actuators on one level: one that only runs or rests, with least times, and one with a range."""

    offer_name = "boiler"
    title = "Boiler"
    element_works = True
    pump_has_timers = True
    element_ends_after: timedelta | None = None

    async def open(self) -> None:
        self.ran: list[tuple[str, str, float | None]] = []
        self.ran_at: dict[str, list[datetime]] = {"pump": [], "element": []}
        self.safe = 0
        self.level = 50.0

    def register(self) -> StorageRegistration:
        return StorageRegistration(
            **self.stamp(),
            name="Boiler",
            commodities=ELECTRIC,
            actuators=tuple(Actuator(actuator_id=name, commodities=ELECTRIC) for name in ("pump", "element")),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        def mode(name: str, start: float, end: float) -> StorageMode:
            element = StorageModeElement(
                fill_level_range=LEVELS,
                fill_rate=ValueRange(start=start / 1e5, end=end / 1e5),
                power=electric_range(start, end),
            )
            return StorageMode(mode_id=name, elements=(element,))

        graph = modes_graph(("off", "heat")) if self.pump_has_timers else {}
        pump = ActuatorBehaviour(actuator_id="pump", modes=(mode("off", 0, 0), mode("heat", 500, 500)), **graph)

        def does(works: bool) -> tuple[ActuatorBehaviour, ActuatorBehaviour]:
            modes = (mode("off", 0, 0), mode("any", 100, 2000))[: 2 if works else 1]
            ways = (Transition(from_mode="off", to_mode="any"), Transition(from_mode="any", to_mode="off"))
            return pump, ActuatorBehaviour(actuator_id="element", modes=modes, transitions=ways if works else ())

        yield StorageSystemDescription(**self.valid_now(), fill_level_range=LEVELS, actuators=does(self.element_works))
        if self.element_ends_after is not None:
            ahead = self.valid_now(self.context.now() + self.element_ends_after)
            yield StorageSystemDescription(**ahead, fill_level_range=LEVELS, actuators=does(False))

    def report(self) -> None:
        self.tell_state(self.level)
        self.measure(0.0)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.touched()
        self.ran.append((actuator_id, mode_id, factor))
        self.ran_at[actuator_id].append(self.context.now())

    async def safe_state(self) -> None:
        self.touched()
        self.safe += 1


class Generator(Device, OutputAdjustableDriver[PluginConfig]):
    """Off, or any output."""

    offer_name = "generator"
    title = "Generator"
    only_test_after: timedelta | None = None

    async def open(self) -> None:
        self.ran: list[tuple[str, float | None]] = []
        self.safe = 0

    def register(self) -> OutputAdjustableRegistration:
        return OutputAdjustableRegistration(**self.stamp(), name="Generator", commodities=ELECTRIC)

    def describe(self) -> Iterable[AnyUpdate]:
        off = OutputAdjustableMode(mode_id="off", power=electric_range(0))
        run = OutputAdjustableMode(mode_id="run", power=electric_range(-1000, -4000))
        test = OutputAdjustableMode(mode_id="test", power=electric_range(-500), abnormal_condition_only=True)
        to_test = Transition(from_mode="off", to_mode="test", abnormal_condition_only=True)
        yield OutputAdjustableSystemDescription(
            **self.valid_now(), modes=(off, run, test), transitions=(*Transition.among("off", "run"), to_test)
        )
        if self.only_test_after is not None:
            ahead = self.valid_now(self.context.now() + self.only_test_after)
            yield OutputAdjustableSystemDescription(**ahead, modes=(off, test), transitions=(to_test,))

    def report(self) -> None:
        self.tell_state()

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.touched()
        self.ran.append((mode_id, factor))

    async def safe_state(self) -> None:
        self.safe += 1


class HybridHeatPump(Device, DemandDrivenDriver[PluginConfig]):
    """A pump with least times and a gas burner, either of which heats the house."""

    offer_name = "hybrid"
    title = "Hybrid heat pump"

    async def open(self) -> None:
        self.ran: list[tuple[str, str, float | None]] = []
        self.safe = 0
        self.demand = 4000.0

    def register(self) -> DemandDrivenRegistration:
        return DemandDrivenRegistration(
            **self.stamp(),
            name="Hybrid heat pump",
            commodities=(Commodity.ELECTRICITY, Commodity.GAS),
            demand_label="heat for the house",
            actuators=(
                Actuator(actuator_id="pump", commodities=ELECTRIC),
                Actuator(actuator_id="burner", commodities=(Commodity.GAS,)),
            ),
        )

    def describe(self) -> Iterable[AnyUpdate]:
        def mode(name: str, power: tuple[PowerRange, ...], start: float, end: float) -> DemandDrivenMode:
            return DemandDrivenMode(mode_id=name, power=power, supply=ValueRange(start=start, end=end))

        def gas(flow: float) -> tuple[PowerRange, ...]:
            return (PowerRange(quantity=CommodityQuantity.GAS_FLOW, start=flow, end=flow),)

        pump = DemandDrivenActuatorBehaviour(
            actuator_id="pump",
            modes=(mode("off", electric_range(0), 0, 0), mode("heat", electric_range(500, 1500), 2000, 5000)),
            **modes_graph(("off", "heat")),
        )
        burner = DemandDrivenActuatorBehaviour(
            actuator_id="burner",
            modes=(mode("off", gas(0), 0, 0), mode("heat", gas(2e-4), 8000, 8000)),
            transitions=Transition.among("off", "heat"),
        )
        yield DemandDrivenSystemDescription(**self.valid_now(), actuators=(pump, burner))
        expected = DemandElement(duration=timedelta(hours=1), rate=UncertainValue(expected=self.demand))
        yield DemandForecast(**self.valid_now(), elements=(expected,))

    def report(self) -> None:
        self.tell_state(self.demand)
        self.measure(0.0)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.touched()
        self.ran.append((actuator_id, mode_id, factor))

    async def safe_state(self) -> None:
        self.touched()
        self.safe += 1


class Panels(Device, InflexibleDriver[PluginConfig]):
    """Panels and a heater in one housing: two quantities that can be bounded."""

    offer_name = "panels"
    title = "Panels"
    half_way = False

    async def open(self) -> None:
        self.bounds: dict[CommodityQuantity, tuple[float | None, float | None]] = {}
        self.told: list[tuple[CommodityQuantity, float | None, float | None]] = []
        self.safe = 0

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(
            **self.stamp(), name="Panels", commodities=(Commodity.ELECTRICITY, Commodity.HEAT)
        )

    def describe(self) -> Iterable[AnyUpdate]:
        def option(quantity: CommodityQuantity, kind: LimitKind) -> CurtailmentOption:
            return CurtailmentOption(quantity=quantity, limit=kind, ranges=(NumberRange(lower=-5000, upper=5000),))

        yield InflexibleCurtailmentOptions(
            **self.valid_now(),
            options=(
                option(CommodityQuantity.ELECTRIC_POWER, LimitKind.LOWER),
                option(CommodityQuantity.HEAT_POWER, LimitKind.UPPER),
            ),
        )

    def report(self) -> None:
        self.measure(-3000.0)

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        self.touched()
        self.bounds[quantity] = (lower, upper)
        self.told.append((quantity, lower, upper))
        if self.half_way and (lower, upper) != (None, None):
            raise TryAgainError("the limit does not read as it was written")

    async def safe_state(self) -> None:
        self.safe += 1


class Washer(Device, TimeShiftableDriver[PluginConfig]):
    """Two steps of half an hour, the second within an hour after the first."""

    offer_name = "washer"
    title = "Washer"

    async def open(self) -> None:
        self.done: list[tuple[str, str]] = []

    def fill(self, hours: float = 6.0) -> None:
        """The resident fills the machine; the work is ready at once, and done within hours."""

        def step(name: str, pause: float | None) -> SequentialProfile:
            def way(label: str, minutes: int) -> Alternative:
                element = ForecastElement(
                    duration=timedelta(minutes=minutes),
                    values=(UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, expected=1000.0),),
                )
                return Alternative(
                    alternative_id=label,
                    elements=(element,),
                    interruptible=True,
                    maximum_interruption=timedelta(minutes=20),
                )

            return SequentialProfile(
                sequence_id=name,
                maximum_interval_before=None if pause is None else timedelta(hours=pause),
                alternatives=(way("eco", 60), way("quick", 30)),
            )

        self.offer_work(
            TimeShiftableUpdate(
                **self.valid_now(),
                end_before=self.context.now() + timedelta(hours=hours),
                sequences=(step("wash", None), step("spin", 1.0)),
            )
        )

    def register(self) -> TimeShiftableRegistration:
        return TimeShiftableRegistration(**self.stamp(), name="Washer", commodities=ELECTRIC)

    async def start_sequence(self, sequence_id: str, alternative_id: str) -> None:
        self.touched()
        self.done.append((sequence_id, alternative_id))

    async def interrupt_sequence(self, sequence_id: str) -> None:
        self.touched()
        self.done.append((sequence_id, "halt"))

    async def resume_sequence(self, sequence_id: str) -> None:
        self.touched()
        self.done.append((sequence_id, "resume"))
