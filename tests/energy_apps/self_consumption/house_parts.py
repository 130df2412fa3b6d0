"""Hand-made appliances for small closed worlds: exact, simple, and with the slowness of real ones."""

import itertools
import math
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from functools import partial

from efi.commodity import Commodity, CommodityQuantity, PowerRange, ValueRange, electric_range
from efi.inflexible import CurtailmentOption, InflexibleCurtailmentOptions, InflexibleRegistration, LimitKind
from efi.measurement import Forecast, ForecastElement
from efi.messages import AnyUpdate
from efi.output_adjustable import (
    OutputAdjustableMode,
    OutputAdjustableRegistration,
    OutputAdjustableSystemDescription,
)
from efi.registration import DeviceClass, EnergyRole, Role
from efi.running_mode import CostRange, Timer, Transition
from efi.storage import (
    Actuator,
    ActuatorBehaviour,
    LeakageElement,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    TargetElement,
)
from efi.time_shiftable import (
    Alternative,
    SequenceStatus,
    SequentialProfile,
    TimeShiftableRegistration,
    TimeShiftableUpdate,
)
from efi.types import NumberRange
from efi.uncertainty import UncertainPower
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_core.plugin.output_adjustable import OutputAdjustableDriver
from efpi_core.plugin.storage import StorageDriver
from efpi_core.plugin.time_shiftable import TimeShiftableDriver

ELECTRIC = (Commodity.ELECTRICITY,)
J_PER_KWH = 3.6e6
Profile = tuple[tuple[float, float], ...]
"""From an age in s on, a power in W."""


class PartConfig(PluginConfig):
    """Settings that all parts share."""

    every_s: float = setting(5.0, title="Every", unit="s")
    profile: Profile = setting((), title="Profile")
    forecast: Profile = setting((), title="Forecast")
    power_w: float = setting(3000.0, title="Power", unit="W")
    least_w: float = setting(0.0, title="Least", unit="W")
    capacity_kwh: float = setting(10.0, title="Capacity", unit="kWh")
    level: float = setting(50.0, title="Level", unit="%")
    target: float | None = setting(None, title="Target", unit="%")
    target_in_s: float = setting(0.0, title="Target in", unit="s")
    deadline_in_s: float = setting(6 * 3600.0, title="Deadline in", unit="s")
    silent: tuple[float, float] = setting((1e12, 1e12), title="Silent from, until", unit="s")
    refuses: bool = setting(False, title="Refuses")
    hangs_s: float = setting(0.0, title="Hangs", unit="s")
    ramp_s: float = setting(0.0, title="Ramp", unit="s")
    cost_per_kwh: Decimal = setting(Decimal(0), title="Cost")
    stuck_at_w: float | None = setting(None, title="Takes no more than", unit="W")


WIRES: list["Part"] = []
"""All parts of the present world hang on these; cleared for each world."""


class Part:
    """What the parts have in common."""

    config: PartConfig

    def true_w(self) -> float:
        """What really flows now, whatever was told last."""
        return self.of_profile(self.config.profile, self.context.elapsed())

    async def open(self) -> None:
        WIRES.append(self)

    def pace(self) -> timedelta:
        return timedelta(seconds=self.config.every_s)

    def of_profile(self, profile: Profile, age: float) -> float:
        power = 0.0
        for start, value in profile:
            if age >= start:
                power = value
        return power

    async def poll(self) -> None:
        start, end = self.config.silent
        if start <= self.context.elapsed() < end:
            raise TryAgainError("it does not answer", "plug it in")


class Meter(Part, InflexibleDriver[PartConfig]):
    """What really flows at the connection, told at its own pace."""

    offer_name = "part.meter"
    title = "Meter"
    steerable = False

    def true_w(self) -> float:
        return 0.0

    def report(self) -> None:
        self.measure(math.fsum(part.true_w() for part in WIRES))

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(
            **self.stamp(),
            name="Meter",
            commodities=ELECTRIC,
            device_class=DeviceClass.SMART_METER,
            roles=(Role(commodity=Commodity.ELECTRICITY, role=EnergyRole.GRID),),
        )


class Load(Part, InflexibleDriver[PartConfig]):
    """Draws what its profile says."""

    offer_name = "part.load"
    title = "Load"
    steerable = False

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(**self.stamp(), name="Load", commodities=ELECTRIC)

    def report(self) -> None:
        self.measure(self.true_w())


class Sun(Part, InflexibleDriver[PartConfig]):
    """Produces what its profile says, can be held back, and forecasts."""

    offer_name = "part.sun"
    title = "Sun"
    bound: float | None = None

    def register(self) -> InflexibleRegistration:
        return InflexibleRegistration(
            **self.stamp(), name="Sun", commodities=ELECTRIC, device_class=DeviceClass.PV_PANEL
        )

    def describe(self) -> Iterable[AnyUpdate]:
        option = CurtailmentOption(
            quantity=CommodityQuantity.ELECTRIC_POWER,
            limit=LimitKind.LOWER,
            ranges=(NumberRange(lower=-20_000, upper=0),),
        )
        yield InflexibleCurtailmentOptions(**self.valid_now(), options=(option,))
        if self.config.forecast:
            spans = [*self.config.forecast, (self.config.forecast[-1][0] + 86_400.0, 0.0)]
            elements = tuple(
                ForecastElement(
                    duration=timedelta(seconds=after[0] - start),
                    values=(UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, expected=power),),
                )
                for (start, power), after in itertools.pairwise(spans)
            )
            yield Forecast(**self.valid_now(), elements=elements)

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        self.bound = lower
        self.report()

    async def safe_state(self) -> None:
        self.bound = None
        if self.present:
            self.report()

    def true_w(self) -> float:
        power = super().true_w()
        return power if self.bound is None else max(power, self.bound)

    def report(self) -> None:
        self.measure(self.true_w())


class Store(Part, StorageDriver[PartConfig]):
    """A storage whose level follows the power exactly. What it can do is for its kinds to say."""

    kind = DeviceClass.STATIONARY_BATTERY
    unit = "%"

    def true_w(self) -> float:
        self.step()
        return self.power

    async def open(self) -> None:
        await super().open()
        self.level, self.power, self.goal_w, self.at = self.config.level, 0.0, 0.0, self.context.elapsed()
        self.before_w, self.moved_at = 0.0, -math.inf

    def register(self) -> StorageRegistration:
        return StorageRegistration(
            **self.stamp(),
            name=self.title,
            commodities=ELECTRIC,
            device_class=self.kind,
            fill_level_unit=self.unit,
            currency="EUR",
            actuators=(Actuator(actuator_id="main", commodities=ELECTRIC),),
        )

    def per_j(self) -> float:
        return 100.0 / (self.config.capacity_kwh * J_PER_KWH)

    def mode(self, name: str, least: float, most: float) -> StorageMode:
        element = StorageModeElement(
            fill_level_range=NumberRange(lower=0, upper=100),
            fill_rate=ValueRange(start=least * self.per_j(), end=most * self.per_j()),
            power=electric_range(least, most),
        )
        return StorageMode(mode_id=name, elements=(element,))

    def description(self, modes: tuple[StorageMode, ...], timers: tuple[Timer, ...] = ()) -> StorageSystemDescription:
        names = [mode.mode_id for mode in modes]
        known = [timer.timer_id for timer in timers]
        ways = tuple(
            Transition(
                from_mode=one,
                to_mode=other,
                start_timers=tuple(name for name in known if name == f"{other}_least"),
                blocking_timers=tuple(name for name in known if name == f"{one}_least"),
            )
            for one in names
            for other in names
            if one != other
        )
        behaviour = ActuatorBehaviour(actuator_id="main", modes=modes, transitions=ways, timers=timers)
        return StorageSystemDescription(
            **self.valid_now(), fill_level_range=NumberRange(lower=0, upper=100), actuators=(behaviour,)
        )

    def targets(self) -> Iterable[AnyUpdate]:
        if self.config.target is not None:
            yield StorageTargetProfileUpdate(
                **self.valid_now(),
                elements=(
                    TargetElement(duration=timedelta(seconds=self.config.target_in_s)),
                    TargetElement(
                        duration=timedelta(0), fill_level_range=NumberRange(lower=self.config.target, upper=100)
                    ),
                ),
            )

    def loses(self) -> float:
        """W that are lost."""
        return 0.0

    def step(self) -> None:
        now = self.context.elapsed()
        self.level += (self.power - self.loses()) * (now - self.at) * self.per_j()
        self.level, self.at = min(max(self.level, 0.0), 100.0), now
        if self.config.ramp_s and now - self.moved_at < self.config.ramp_s:
            share = (now - self.moved_at) / self.config.ramp_s
            self.power = self.before_w + (self.goal_w - self.before_w) * share
        else:
            self.power = self.goal_w
        if self.config.stuck_at_w is not None:
            self.power = min(self.power, self.config.stuck_at_w)
        if (self.level >= 100.0 and self.power > 0) or (self.level <= 0.0 and self.power < 0):
            self.power = 0.0

    async def poll(self) -> None:
        await super().poll()
        self.step()

    def wanted_w(self, mode_id: str, factor: float | None) -> float:
        raise NotImplementedError

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        if self.config.refuses:
            raise RefusedError("the resident has locked it")
        if self.config.hangs_s:
            await self.context.sleep(self.config.hangs_s)
        self.step()
        self.before_w, self.goal_w, self.moved_at = self.power, self.wanted_w(mode_id, factor), self.context.elapsed()
        if not self.config.ramp_s:
            self.step()
            self.measure(self.power)

    async def safe_state(self) -> None:
        await self.change_mode("main", "off")

    def report(self) -> None:
        self.tell_state(self.level)
        self.measure(self.power)


class Battery(Store):
    """Charges and gives back with any power up to its own."""

    offer_name = "part.battery"
    title = "Battery"

    def describe(self) -> Iterable[AnyUpdate]:
        most = self.config.power_w
        yield self.description(
            (self.mode("off", 0.0, 0.0), self.mode("charge", 0.0, most), self.mode("discharge", 0.0, -most))
        )
        yield from self.targets()

    def wanted_w(self, mode_id: str, factor: float | None) -> float:
        return {"off": 0.0, "charge": 1.0, "discharge": -1.0}[mode_id] * self.config.power_w * (factor or 0.0)


class Car(Store):
    """Charges with at least `least_w`."""

    offer_name = "part.car"
    title = "Car"
    kind = DeviceClass.ELECTRIC_VEHICLE

    def describe(self) -> Iterable[AnyUpdate]:
        yield self.description(
            (self.mode("off", 0.0, 0.0), self.mode("charge", self.config.least_w, self.config.power_w))
        )
        yield from self.targets()

    def wanted_w(self, mode_id: str, factor: float | None) -> float:
        if mode_id == "off":
            return 0.0
        return self.config.least_w + (self.config.power_w - self.config.least_w) * (factor or 0.0)


class Tank(Store):
    """Runs or rests, loses heat, and must run and rest for ten minutes at least."""

    offer_name = "part.tank"
    title = "Tank"
    kind = DeviceClass.WATER_HEATER

    def describe(self) -> Iterable[AnyUpdate]:
        timers = tuple(Timer(timer_id=f"{mode}_least", duration=timedelta(minutes=10)) for mode in ("off", "heat"))
        yield self.description(
            (self.mode("off", 0.0, 0.0), self.mode("heat", self.config.power_w, self.config.power_w)), timers
        )
        full = self.loses_at(100.0) * self.per_j()
        leak = LeakageElement(fill_level_range=NumberRange(lower=0, upper=100), rate=0.0, rate_at_upper=full)
        yield StorageLeakageUpdate(**self.valid_now(), elements=(leak,))
        yield from self.targets()

    def loses_at(self, level: float) -> float:
        return 2.0 * level

    def loses(self) -> float:
        return self.loses_at(self.level)

    def wanted_w(self, mode_id: str, factor: float | None) -> float:
        return self.config.power_w if mode_id == "heat" else 0.0


class Washer(Part, TimeShiftableDriver[PartConfig]):
    """An hour of heating and an hour of turning, offered at the start."""

    offer_name = "part.washer"
    title = "Washer"
    power = 0.0

    def register(self) -> TimeShiftableRegistration:
        return TimeShiftableRegistration(
            **self.stamp(), name="Washer", commodities=ELECTRIC, device_class=DeviceClass.WASHING_MACHINE
        )

    def true_w(self) -> float:
        return self.power

    async def open(self) -> None:
        await super().open()

        def step(name: str, power_w: float, hours: float, pause: float | None) -> SequentialProfile:
            element = ForecastElement(
                duration=timedelta(hours=hours),
                values=(UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, expected=power_w),),
            )
            way = Alternative(alternative_id="normal", elements=(element,), interruptible=True)
            return SequentialProfile(
                sequence_id=name,
                maximum_interval_before=None if pause is None else timedelta(hours=pause),
                alternatives=(way,),
            )

        self.offer_work(
            TimeShiftableUpdate(
                **self.valid_now(),
                end_before=self.context.now() + timedelta(seconds=self.config.deadline_in_s),
                sequences=(step("heat", self.config.power_w, 1.0, None), step("turn", 200.0, 1.0, 0.5)),
            )
        )

    def report(self) -> None:
        self.measure(self.power)
        super().report()

    async def start_sequence(self, sequence_id: str, alternative_id: str) -> None:
        self.power = self.config.power_w if sequence_id == "heat" else 200.0
        self.running = sequence_id
        self.context.call_later(3600.0, partial(self.ended, sequence_id))
        self.measure(self.power)

    async def interrupt_sequence(self, sequence_id: str) -> None:
        self.power = 0.0
        self.measure(0.0)

    async def resume_sequence(self, sequence_id: str) -> None:
        self.power = self.config.power_w if sequence_id == "heat" else 200.0
        self.measure(self.power)

    def ended(self, sequence_id: str) -> None:
        if self.states[sequence_id].status is SequenceStatus.EXECUTING:
            if self.running == sequence_id:
                self.power = 0.0
                self.measure(0.0)
            self.sequence_ended(sequence_id)


class Generator(Part, OutputAdjustableDriver[PartConfig]):
    """Makes up to `power_w` at a cost."""

    offer_name = "part.generator"
    title = "Generator"
    power = 0.0

    def true_w(self) -> float:
        return self.power

    def register(self) -> OutputAdjustableRegistration:
        return OutputAdjustableRegistration(
            **self.stamp(), name="Generator", commodities=ELECTRIC, device_class=DeviceClass.GENERATOR, currency="EUR"
        )

    def describe(self) -> Iterable[AnyUpdate]:
        most = self.config.power_w
        cost = CostRange.point((self.config.cost_per_kwh / Decimal(J_PER_KWH)).quantize(Decimal("1e-18")))
        yield OutputAdjustableSystemDescription(
            **self.valid_now(),
            modes=(
                OutputAdjustableMode(mode_id="off", power=electric_range(0.0)),
                OutputAdjustableMode(
                    mode_id="run",
                    power=(PowerRange(quantity=CommodityQuantity.ELECTRIC_POWER, start=-most / 4, end=-most),),
                    energy_cost=cost,
                ),
            ),
            transitions=(
                Transition(from_mode="off", to_mode="run"),
                Transition(from_mode="run", to_mode="off"),
            ),
        )

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        most = self.config.power_w
        self.power = 0.0 if mode_id == "off" else -(most / 4 + most * 3 / 4 * (factor or 0.0))
        self.measure(self.power)

    def report(self) -> None:
        self.tell_state()
        self.measure(self.power)


PARTS = (Meter, Load, Sun, Battery, Car, Tank, Washer, Generator)
