"""The heat pump with its boiler: a buffer of hot water."""

from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from math import sqrt
from typing import Annotated, ClassVar, cast

from pydantic import StringConstraints

from efi.messages import AnyUpdate
from efi.registration import DeviceClass
from efi.storage import (
    ActuatorBehaviour,
    LeakageElement,
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
from efpi_driver_simulated.compressor_life import CompressorLife, Knot
from efpi_driver_simulated.habits.bathing import draws
from efpi_driver_simulated.life import moment_of
from efpi_driver_simulated.physics.boiler import WATER_J_PER_LITRE_K, Boiler, BoilerMode, BoilerSize
from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.physics.piecewise import grain
from efpi_driver_simulated.physics.slots import Slots
from efpi_driver_simulated.settings import WeatherSettings, days_at
from efpi_driver_simulated.storage_life import MAIN
from efpi_driver_simulated.weather import held_air
from efpi_driver_simulated.weather_life import WeatherLife

HOUR = 3600.0
SEASON = Slots(3 * HOUR)
"""How long one description of the heat pump holds: the air outdoors changes its efficiency."""
SEASONS_AHEAD = 4
LEARNT_DAYS = 14
FOREVER = timedelta(days=3650)
COLDEST_C = 5.0


class BoilerSettings(WeatherSettings):
    """The settings of a simulated heat pump with a boiler."""

    litres: float = setting(250.0, title="Volume", unit="l", description="Water in the vessel.", ge=20, le=100_000)
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
    mode_labels: ClassVar[dict[str, str]] = {"off": "Rest", "eco": "Heat pump", "boost": "Heat pump and element"}
    model: Boiler

    def build(self, t: float) -> Boiler:
        """The boiler, as warm as it was left."""
        self._days = days_at(self.context.site)
        self._draws = draws(self._days, self.seed, self.config.persons)
        self._known_days: deque[tuple[int, list[float]]] = deque(maxlen=LEARNT_DAYS)
        self._air = held_air(self.weather)
        return Boiler(self.config.size(), t, self.recall_level(50.0), self._air, self._draws)

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

    def mode_power_w(self, mode_id: str) -> float:
        """The power of a mode once it heats, W."""
        size = self.model.size
        working = size.heat_pump_w + (size.element_w if mode_id == "boost" else 0.0)
        return size.standby_w if mode_id == "off" else working

    def obey_mode(self, mode_id: str, factor: float | None) -> None:
        """Heat with or without the element, or rest."""
        self.model.order(cast(BoilerMode, mode_id))

    def act(self, t: float) -> float:
        """Every few hours say what holds later: efficiency, use and wishes."""
        if t > self._described_at:
            self.tell(self._description(SEASON.end(t) + (SEASONS_AHEAD - 2) * SEASON.seconds))
            self.tell(self._usage(t))
            self.tell(self._targets(t))
        return SEASON.end(t)

    def describe(self) -> Iterable[AnyUpdate]:
        """The modes now and in the next hours, the loss, the expected use, and when the water must be hot."""
        now = self._described_at = self.now_s()
        yield self._description(now)
        for ahead in range(SEASONS_AHEAD - 1):
            yield self._description(SEASON.end(now) + ahead * SEASON.seconds)
        yield self._leakage()
        yield self._usage(now)
        yield self._targets(now)

    def _description(self, valid_from: float) -> StorageSystemDescription:
        size = self.model.size
        outdoor_c = self._air(SEASON.middle(valid_from))[0]
        return StorageSystemDescription(
            **self.valid_now(moment_of(valid_from)),
            fill_level_range=NumberRange(lower=COLDEST_C, upper=size.boost_c + 5.0),
            actuators=(
                ActuatorBehaviour(
                    actuator_id=MAIN,
                    modes=(
                        self.storage_mode("off", ((COLDEST_C, 0.0), (size.boost_c + 5.0, 0.0))),
                        self.storage_mode("eco", self._heating("eco", outdoor_c)),
                        self.storage_mode("boost", self._heating("boost", outdoor_c)),
                    ),
                    timers=self.timers(),
                    transitions=tuple(self.ways(size.start_s)),
                ),
            ),
        )

    def _heating(self, mode: BoilerMode, outdoor_c: float) -> list[Knot]:
        """The rise of the water's temperature, K/s, from end to end and where the efficiency's law changes."""
        size, end = self.model.size, self.model.limit_c(mode)
        element_w = size.element_w if mode == "boost" else 0.0
        bends = [knee for knee in size.cop_knees_c(outdoor_c) if COLDEST_C < knee < end]
        return [
            (water_c, (size.heat_pump_w * size.cop_at(water_c, outdoor_c) + element_w) / size.capacity_j_per_k)
            for water_c in (COLDEST_C, *bends, end)
        ]

    def _leakage(self) -> StorageLeakageUpdate:
        size = self.model.size
        per_k, warmest = size.loss_w_per_k / size.capacity_j_per_k, size.boost_c + 5.0
        return StorageLeakageUpdate(
            **self.valid_now(),
            elements=(
                LeakageElement(
                    fill_level_range=NumberRange(lower=COLDEST_C, upper=warmest),
                    rate=per_k * (COLDEST_C - size.room_c),
                    rate_at_upper=per_k * (warmest - size.room_c),
                ),
            ),
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
        wanted = NumberRange(lower=self.config.ready_c, upper=size.boost_c + 5.0)
        always = NumberRange(lower=size.least_c, upper=size.boost_c + 5.0)
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
