"""The base load: what the household uses beside its controlled appliances."""

from collections.abc import Iterable
from math import sqrt

from efi.commodity import PHASE_POWER, CommodityQuantity, PowerValue, electric
from efi.inflexible import InflexibleRegistration
from efi.measurement import Forecast
from efi.messages import AnyUpdate
from efi.registration import DeviceClass, EnergyRole
from efpi_core.plugin.config import setting
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_driver_simulated.abilities.electricity import ELECTRICITY, roles
from efpi_driver_simulated.forecasts import HOUR, HourlyMeans, element
from efpi_driver_simulated.household import BuiltInUse
from efpi_driver_simulated.life import MAKER, Lifelike, moment_of
from efpi_driver_simulated.physics.base_load import BaseLoad
from efpi_driver_simulated.physics.slots import Slots
from efpi_driver_simulated.settings import WeatherSettings, days_at
from efpi_driver_simulated.sources import use_of
from efpi_driver_simulated.worker import NoTableError

FORECAST_HOURS = 36
FORECAST_SLOTS = Slots(3 * HOUR)
LIKE_HOURS = tuple(beside - 168 * week for week in (1, 2, 3) for beside in (-1, 0, 1))
"""The same hour of the last three weeks, with its neighbours."""
LARGEST_W = 15_000.0


class BaseLoadSettings(WeatherSettings):
    """The settings of a simulated base load."""

    yearly_kwh: float = setting(2600.0, title="Use", unit="kWh", description="Of a year.", gt=0, le=1e6)
    shares: tuple[float, ...] = setting(
        (0.45, 0.3, 0.25),
        title="Shares",
        description="Of each of three phases.",
        min_length=3,
        max_length=3,
    )


class BaseLoadDriver(Lifelike[BaseLoadSettings], InflexibleDriver[BaseLoadSettings]):
    """What a household uses beside its controlled appliances, on one phase or spread over three."""

    offer_name = "simulated.base_load"
    title = "Base load"
    steerable = False
    model: BaseLoad

    async def prepare(self) -> None:
        """Get the household's use; where a table cannot be made the built-in one serves, and the state says so."""
        days, kwh = days_at(self.context.site), self.config.yearly_kwh
        try:
            self._use = await use_of(days, kwh, self.config.wanted(live=self.live))
        except NoTableError as error:
            self._use = BuiltInUse(days, self.config.weather_seed, kwh)
            self.degraded = (f"{error.problem}; the built-in use is used", error.cure)

    def build(self, t: float) -> BaseLoad:
        """The load."""
        whole = sum(self.config.shares)
        shares = tuple(share / whole for share in self.config.shares) if len(self.on_phases) > 1 else (1.0,)
        self._means = HourlyMeans(self._use)
        if len(shares) > 1:
            self.tell_wiring(self.on_phases, shares)
        return BaseLoad(t, self._use, self.slots, shares)

    def powers(self) -> tuple[PowerValue, ...]:
        """The power of each phase."""
        if len(self.on_phases) == 1:
            return electric(self.model.power_w, self.on_phases)
        by_phase = zip(self.on_phases, self.model.phase_powers_w(), strict=True)
        return tuple(PowerValue(quantity=PHASE_POWER[phase], value=power_w) for phase, power_w in by_phase)

    def register(self) -> InflexibleRegistration:
        """What the load is."""
        return InflexibleRegistration(
            **self.stamp(),
            name=self.title,
            device_class=DeviceClass.BASE_LOAD,
            manufacturer=MAKER,
            model="simulated",
            commodities=ELECTRICITY,
            roles=roles(EnergyRole.CONSUMER),
            phases=self.on_phases,
            measures=tuple(PHASE_POWER[phase] for phase in self.on_phases),
            provides_forecast=True,
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """What the household will use."""
        self._described_at = self.now_s()
        yield self._forecast(self._described_at)

    def act(self, t: float) -> float:
        """Tell a new forecast every few hours."""
        if t > self._described_at:
            self.tell(self._forecast(t))
        return FORECAST_SLOTS.end(t)

    def _forecast(self, t: float) -> Forecast:
        """What the same hours of the last weeks, and their neighbours, teach."""
        first = int(t // HOUR)
        elements = []
        for ahead in range(FORECAST_HOURS):
            hour = first + ahead
            seen = [self._means.mean(hour + other) for other in LIKE_HOURS]
            mean_w = sum(seen) / len(seen)
            sigma_w = sqrt(sum((power_w - mean_w) ** 2 for power_w in seen) / len(seen))
            elements.append(element(1, CommodityQuantity.ELECTRIC_POWER, mean_w, sigma_w, LARGEST_W))
        return Forecast(**self.valid_now(moment_of(first * HOUR)), elements=tuple(elements))
