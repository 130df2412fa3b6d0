"""The electric car at its wallbox."""

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from efi.commodity import Phase, PowerRanges, PowerValue, electric
from efi.messages import AnyUpdate
from efi.registration import DeviceClass
from efi.storage import (
    StorageLeakageUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    TargetElement,
)
from efi.types import NumberRange
from efpi_core.plugin.config import setting
from efpi_driver_simulated.abilities import car as abilities
from efpi_driver_simulated.abilities.car import WIDTH
from efpi_driver_simulated.abilities.electricity import MAIN, limits, one_of
from efpi_driver_simulated.habits.trips import Trips
from efpi_driver_simulated.life import moment_of
from efpi_driver_simulated.physics.car import LEAST_A, Car, CarSize, Trip
from efpi_driver_simulated.physics.piecewise import Refused
from efpi_driver_simulated.settings import LifeSettings, days_at
from efpi_driver_simulated.storage_life import StorageLife

J_PER_KWH = 3.6e6
PERCENT = NumberRange(lower=0.0, upper=100.0)
FULL_SHARE = 0.999
"""A car as full as this has no room to begin with."""


class CarSettings(LifeSettings):
    """The settings of a simulated electric car."""

    capacity_kwh: float = setting(60.0, title="Capacity", unit="kWh", description="From empty to full.", gt=0, le=1000)
    most_a: float = setting(16.0, title="Largest current", unit="A", description="Of each phase.", ge=6, le=80)
    switches_phases: bool = setting(
        True, title="Switches phases", description="Whether a three-phase wallbox can charge on one phase, too."
    )
    efficiency: float = setting(0.91, title="Efficiency", description="Share that arrives in the cells.", gt=0, le=1)
    commute_km: float = setting(25.0, title="Way to work", unit="km", description="One way.", ge=1, le=300)
    wh_per_km: float = setting(180.0, title="Use", unit="Wh/km", description="On the road.", ge=50, le=1000)
    least_level: float = setting(0.5, title="Least level", description="Share wanted when it leaves.", ge=0, le=1)
    level: float = setting(0.6, title="Level", description="Share of the content at the very first start.", ge=0, le=1)

    def size(self) -> CarSize:
        """Car and wallbox as their model wants them."""
        return CarSize(self.capacity_kwh * J_PER_KWH, most_a=self.most_a, efficiency=self.efficiency)


class CarDriver(StorageLife[CarSettings]):
    """An electric car that is away at times and must be charged enough when it leaves."""

    offer_name = "simulated.car"
    title = "Electric car"
    level_label, level_unit = "state of charge", "%"
    worth_telling: ClassVar[float] = 0.2
    device_class = DeviceClass.ELECTRIC_VEHICLE
    model: Car

    def build(self, t: float) -> Car:
        """The car, as full as it was left."""
        size = one_of(self.config.size())
        self._ordered: tuple[str, float | None] = ("off", None)
        self._seen_away = False
        self._told_phases: tuple[Phase, ...] = self.on_phases
        trips = Trips(days_at(self.context.site), self.seed, self.config.commute_km, self.config.wh_per_km)
        return Car(size, t, self.recall_level(self.config.level * 100.0) / 100.0 * size.capacity_j, trips.next_trip)

    def level(self) -> float:
        """State of charge, %."""
        return round(self.model.level_j / self.model.size.capacity_j * 100.0, 3)

    def widths(self) -> tuple[str, ...]:
        """The charging modes that wiring and wallbox allow."""
        if len(self.on_phases) == 1:
            return ("one_phase",)
        return ("one_phase", "three_phases") if self.config.switches_phases else ("three_phases",)

    def powers(self) -> tuple[PowerValue, ...]:
        """The car's power, on the phases that it charges on."""
        phases = self._phases_of(self.model.phases)
        if phases != self._told_phases:
            self._told_phases = phases
            self.tell_wiring(phases)
        return electric(self.model.power_w, phases)

    def _phases_of(self, width: int) -> tuple[Phase, ...]:
        return self.on_phases[:width]

    def follow(self) -> None:
        """Tell when the car left or came back, too."""
        if self.model.away != self._seen_away:
            self._seen_away = self.model.away
            self._ordered = ("away" if self.model.away else "off", None)
            if self.model.away:
                self.give_up_allocations("the car left")
            else:
                self.context.call_later(0.0, self.if_alone)
            self.describe_anew()
            self.report()
        super().follow()

    def resting(self) -> bool:
        """Whether it stands without charging."""
        return not self.model.working

    def running(self) -> tuple[str, float | None]:
        """The ordered mode; not charging when the car is full."""
        if self._ordered[0] in WIDTH and not self.model.current_a:
            self._ordered = ("off", None)
        elif self._ordered[0] in WIDTH and self.model.level_j >= self.model.size.capacity_j:
            self.model.order(0.0, self.model.phases)
            self._ordered = ("off", None)
        return self._ordered

    def obey_mode(self, mode_id: str, factor: float | None) -> None:
        """Charge with a current, or not."""
        if mode_id in WIDTH:
            if self.model.level_j >= FULL_SHARE * self.model.size.capacity_j:
                raise Refused("the car is full")
            self.model.order(LEAST_A + (factor or 0.0) * (self.model.size.most_a - LEAST_A), WIDTH[mode_id])
        elif not self.model.away:
            self.model.order(0.0, self.model.phases)
        self._ordered = (mode_id, factor)

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Make the model run so, and tell how long the number of phases must stay."""
        await super().run(actuator_id, mode_id, factor)
        if len(self.widths()) > 1 and self.model.hold_until > self.model.t:
            self.tracker(MAIN).timer_ends["hold"] = moment_of(self.model.hold_until)

    async def fallback(self) -> None:
        """Nobody decides: charge at once, as a wallbox without a gateway does."""
        if not self.model.away and self.model.level_j < self.model.size.capacity_j:
            self.go(self.widths()[-1], 1.0)

    async def safe_state(self) -> None:
        """Stop charging; the wallbox starts again by itself when nobody speaks to it."""
        if not self.model.away:
            self.go("off")

    def power_limits(self) -> PowerRanges:
        """From nothing to full power."""
        return limits(0.0, self.model.size.power_w(self.model.size.most_a, len(self.on_phases)), self.on_phases)

    def describe(self) -> Iterable[AnyUpdate]:
        """What can be done now, and from the next coming or going on; and how full it should be when it leaves."""
        trip, now = self.model.trip, self.now_s()
        changes = [] if trip is None else [(trip.leave, True), (trip.back, False)]
        yield self._description(now, away=self.model.away)
        for when, away in changes:
            if when > now:
                yield self._description(when, away=away)
        yield StorageLeakageUpdate(**self.valid_now(), elements=abilities.leakage(self.model.size))
        yield self._targets(None if self.model.away else trip, now)

    def _targets(self, trip: Trip | None, now: float) -> StorageTargetProfileUpdate:
        if trip is None or trip.leave <= now:
            return StorageTargetProfileUpdate(**self.valid_now(), elements=())
        size = self.model.size
        needed = trip.energy_j / size.capacity_j + size.reserve_share
        wanted = min(max(needed * 1.1, self.config.least_level), 1.0) * 100.0
        return StorageTargetProfileUpdate(
            **self.valid_now(),
            elements=(
                TargetElement(duration=moment_of(trip.leave) - self.context.now()),
                TargetElement(duration=timedelta(0), fill_level_range=NumberRange(lower=wanted, upper=100.0)),
            ),
        )

    def _description(self, valid_from: float, *, away: bool) -> StorageSystemDescription:
        modes = ("away",) if away else ("off", *self.widths())
        return StorageSystemDescription(
            **self.valid_now(moment_of(valid_from)),
            fill_level_range=PERCENT,
            actuators=(abilities.behaviour(self.model.size, self.on_phases, modes),),
        )
