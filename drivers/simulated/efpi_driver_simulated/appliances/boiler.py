"""The heat pump with its boiler: a buffer of hot water."""

from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from math import sqrt
from typing import Annotated, ClassVar, cast

from pydantic import StringConstraints

from efi.commodity import PowerRanges
from efi.messages import AnyUpdate
from efi.registration import DeviceClass
from efi.storage import (
    StorageLeakageUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
    TargetElement,
    UsageElement,
)
from efi.types import NumberRange
from efi.uncertainty import UncertainValue
from efpi_core.plugin.config import setting
from efpi_driver_simulated.abilities import boiler as abilities
from efpi_driver_simulated.abilities.electricity import limits, one_of
from efpi_driver_simulated.compressor_life import CompressorLife
from efpi_driver_simulated.habits.bathing import draws
from efpi_driver_simulated.life import moment_of
from efpi_driver_simulated.physics.boiler import WATER_J_PER_LITRE_K, Boiler, BoilerMode, BoilerSize
from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.physics.piecewise import grain
from efpi_driver_simulated.physics.slots import Slots
from efpi_driver_simulated.settings import WeatherSettings, days_at
from efpi_driver_simulated.weather import held_air
from efpi_driver_simulated.weather_life import WeatherLife

HOUR = 3600.0
SEASON = Slots(3 * HOUR)
"""How long one description of the heat pump holds: the air outdoors changes its efficiency."""
SEASONS_AHEAD = 4
LEARNT_DAYS = 14
FOREVER = timedelta(days=3650)
SPARE_K = 3.0
"""How much hotter than ready the water is kept when no energy app sees to it, K."""


class BoilerSettings(WeatherSettings):
    """The settings of a simulated heat pump with a boiler."""

    litres: float = setting(300.0, title="Volume", unit="l", description="Water in the vessel.", ge=20, le=100_000)
    heat_pump_w: float = setting(550.0, title="Heat pump", unit="W", description="Electrical power.", ge=50, le=1e5)
    element_w: float = setting(1500.0, title="Heating element", unit="W", description="For haste.", ge=0, le=1e5)
    cop: float = setting(3.2, title="Efficiency", description="With air of 7 °C and water of 45 °C.", ge=1, le=6)
    loss_w_per_k: float = setting(1.7, title="Heat loss", unit="W/K", description="To the room.", gt=0, le=100)
    least_c: float = setting(42.0, title="Least", unit="°C", description="Below this it heats by itself.", ge=30, le=50)
    eco_c: float = setting(55.0, title="Heat pump's end", unit="°C", description="It heats so far.", ge=45, le=65)
    boost_c: float = setting(65.0, title="Element's end", unit="°C", description="It heats so far.", ge=50, le=80)
    persons: int = setting(3, title="Persons", description="Who bathe and wash.", ge=1, le=50)
    ready_at: tuple[Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")], ...] = setting(
        ("06:30", "18:30"), title="Ready at", description="Times on the wall clock at which the water must be hot."
    )
    ready_c: float = setting(48.0, title="Ready temperature", unit="°C", description="Hot means this.", ge=40, le=60)

    def size(self) -> BoilerSize:
        """The boiler as its model wants it."""
        return BoilerSize(
            litres=self.litres,
            loss_w_per_k=self.loss_w_per_k,
            heat_pump_w=grain(self.heat_pump_w),
            element_w=grain(self.element_w),
            cop=self.cop,
            least_c=self.least_c,
            eco_c=self.eco_c,
            boost_c=self.boost_c,
        )


class BoilerDriver(WeatherLife[BoilerSettings], CompressorLife[BoilerSettings]):
    """A heat pump that heats a boiler; the household draws hot water, and the outdoor air sets the efficiency."""

    offer_name = "simulated.boiler"
    title = "Heat pump boiler"
    level_label = "water temperature"
    worth_telling: ClassVar[float] = 0.2
    device_class = DeviceClass.HEAT_PUMP
    model: Boiler

    def build(self, t: float) -> Boiler:
        """The boiler, as warm as it was left."""
        self._days = days_at(self.context.site)
        self._draws = draws(self._days, self.seed, self.config.persons)
        self._known_days: deque[tuple[int, list[float]]] = deque(maxlen=LEARNT_DAYS)
        self._air = held_air(self.weather)
        size = one_of(self.config.size())
        rested_at = self.may_start_at(t, size.rest_s)
        return Boiler(size, t, self.recall_level(50.0), self._air, self._draws, rested_at)

    def level(self) -> float:
        """Temperature of the water, °C."""
        return round(self.model.water_c, 3)

    @property
    def compressor(self) -> Compressor:
        """The heat pump's compressor."""
        return self.model.compressor

    @property
    def mode(self) -> str:
        """How it runs."""
        return self.model.mode

    def power_limits(self) -> PowerRanges:
        """From rest to the strongest mode."""
        powers_w = abilities.powers_w(self.model.size).values()
        return limits(min(powers_w), max(powers_w), self.on_phases)

    def obey_mode(self, mode_id: str, factor: float | None) -> None:
        """Heat with or without the element, or rest."""
        self.model.order(cast(BoilerMode, mode_id))

    async def on_connected(self, app: str) -> None:
        """An energy app sees to the water now: only the bare least is kept without it."""
        await super().on_connected(app)
        self.model.keep(self.config.least_c)

    async def fallback(self) -> None:
        """Nobody sees to the water: keep it hot enough for a bath."""
        self.go("off")
        self.model.keep(self.config.ready_c + SPARE_K)
        self.moved()

    def act(self, t: float) -> float:
        """Every few hours say what holds later: efficiency, use and wishes."""
        if t > self._described_at:
            self.tell_ahead(self._description(SEASON.end(t) + (SEASONS_AHEAD - 2) * SEASON.seconds))
            self.tell(self._usage(t))
            self.tell(self._targets(t))
        return SEASON.end(t)

    def describe(self) -> Iterable[AnyUpdate]:
        """The modes now and in the next hours, the loss, the expected use, and when the water must be hot."""
        now = self._described_at = self.now_s()
        yield self._description(now)
        for ahead in range(SEASONS_AHEAD - 1):
            yield self._description(SEASON.end(now) + ahead * SEASON.seconds)
        yield StorageLeakageUpdate(**self.valid_now(), elements=abilities.leakage(self.model.size))
        yield self._usage(now)
        yield self._targets(now)

    def _description(self, valid_from: float) -> StorageSystemDescription:
        size, outdoor_c = self.model.size, self._air(SEASON.middle(valid_from))[0]
        return StorageSystemDescription(
            **self.valid_now(moment_of(valid_from)),
            fill_level_range=abilities.levels(size),
            actuators=(abilities.behaviour(size, self.on_phases, outdoor_c),),
        )

    def _usage(self, t: float) -> StorageUsageForecast:
        """What the last two weeks teach about the next day, hour by hour."""
        today = self._days.number(t)
        while not self._known_days or self._known_days[-1][0] < today - 1:
            day = self._known_days[-1][0] + 1 if self._known_days else today - LEARNT_DAYS
            self._known_days.append((day, self._hourly_rates(day)))
        first = int(self._days.wall_seconds(t) // HOUR)
        elements = []
        for ahead in range(24):
            seen = [rates[(first + ahead) % 24] for _, rates in self._known_days]
            mean = sum(seen) / len(seen)
            sigma = sqrt(sum((rate - mean) ** 2 for rate in seen) / len(seen))
            elements.append(UsageElement(duration=timedelta(hours=1), rate=UncertainValue.normal(mean, sigma)))
        return StorageUsageForecast(**self.valid_now(moment_of(t // HOUR * HOUR)), elements=tuple(elements))

    def _hourly_rates(self, day: int) -> list[float]:
        """The fall of the water's temperature by draws in each hour of a day, K/s."""
        size = self.model.size
        k_per_litre = WATER_J_PER_LITRE_K * (size.use_c - size.cold_c) / size.capacity_j_per_k
        rates = [0.0] * 24
        for start_s, end_s, litres_per_s in self._draws.on_day(day):
            rates[int(start_s // HOUR) % 24] += (end_s - start_s) * litres_per_s * k_per_litre / HOUR
        return rates

    def _targets(self, t: float) -> StorageTargetProfileUpdate:
        """Never below the least; hot at the wanted times of the next day."""
        size, today = self.model.size, self._days.number(t)
        hottest = abilities.levels(size).upper
        wanted = NumberRange(lower=self.config.ready_c, upper=hottest)
        always = NumberRange(lower=size.least_c, upper=hottest)
        seconds = sorted(int(at[:2]) * HOUR + int(at[3:]) * 60.0 for at in self.config.ready_at)
        instants = [self._days.at(day, second) for day in (today, today + 1) for second in seconds]
        elements, reached = [], t
        for instant in instants:
            if t < instant <= t + 86400.0:
                elements.append(TargetElement(duration=timedelta(seconds=instant - reached), fill_level_range=always))
                elements.append(TargetElement(duration=timedelta(0), fill_level_range=wanted))
                reached = instant
        elements.append(TargetElement(duration=FOREVER, fill_level_range=always))
        return StorageTargetProfileUpdate(**self.valid_now(), elements=tuple(elements))
