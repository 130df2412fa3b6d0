"""The PV plant on the roof."""

from collections.abc import Iterable
from math import inf

from efi.commodity import CommodityQuantity, electric_quantity
from efi.inflexible import CurtailmentOption, InflexibleCurtailmentOptions, InflexibleRegistration, LimitKind
from efi.measurement import Forecast
from efi.messages import AnyUpdate
from efi.registration import DeviceClass, EnergyRole
from efi.types import NumberRange
from efpi_core.plugin.config import PluginConfig, setting
from efpi_core.plugin.inflexible import InflexibleDriver
from efpi_driver_simulated.abilities.electricity import ELECTRICITY, limits, roles
from efpi_driver_simulated.chance import dice
from efpi_driver_simulated.forecasts import HOUR, HourlyMeans, element
from efpi_driver_simulated.life import MAKER, moment_of
from efpi_driver_simulated.physics.pv import Pv, PvSize
from efpi_driver_simulated.physics.slots import Slots
from efpi_driver_simulated.settings import WeatherSettings
from efpi_driver_simulated.sun import Plane
from efpi_driver_simulated.weather import light_on
from efpi_driver_simulated.weather_life import WeatherLife

FORECAST_HOURS = 36
FORECAST_SLOTS = Slots(3 * HOUR)
ERROR_SHARE = 0.18
"""How far a weather service's word on an hour is off, as a standard deviation of its own size."""


class Roof(PluginConfig):
    """One field of panels."""

    peak_w: float = setting(title="Peak power", unit="W", description="In standard conditions.", gt=0, le=1e7)
    tilt_deg: float = setting(35.0, title="Tilt", unit="°", description="From level.", ge=0, le=90)
    azimuth_deg: float = setting(180.0, title="Direction", unit="°", description="180 is south.", ge=0, le=360)


class PvSettings(WeatherSettings):
    """The settings of a simulated PV plant."""

    roofs: tuple[Roof, ...] = setting(
        (Roof(peak_w=5000.0),), title="Roofs", description="The fields of panels.", min_length=1, max_length=20
    )
    inverter_w: float = setting(5000.0, title="Inverter", unit="W", description="Largest output.", gt=0, le=1e7)
    curtailable: bool = setting(True, title="Curtailable", description="Whether its output can be limited.")


class PvDriver(WeatherLife[PvSettings], InflexibleDriver[PvSettings]):
    """A PV plant under the sun and clouds of the site; its output can be limited."""

    offer_name = "simulated.pv"
    title = "PV panels"
    model: Pv

    def build(self, t: float) -> Pv:
        """The plant."""
        roofs = self.config.roofs
        peak_w = sum(roof.peak_w for roof in roofs)
        planes = tuple((Plane.facing(roof.azimuth_deg, roof.tilt_deg), roof.peak_w / peak_w) for roof in roofs)
        size = PvSize(peak_w, min(self.config.inverter_w, peak_w))
        self.steerable = self.config.curtailable
        plant = Pv(size, t, light_on(self.weather, planes), self.slots)
        self._means = HourlyMeans(plant.expected_w)
        return plant

    @property
    def quantity(self) -> CommodityQuantity:
        """The quantity that is measured and limited."""
        return electric_quantity(self.on_phases)

    def register(self) -> InflexibleRegistration:
        """Who the plant is."""
        return InflexibleRegistration(
            **self.stamp(),
            name=self.title,
            device_class=DeviceClass.PV_PANEL,
            manufacturer=MAKER,
            model="simulated",
            commodities=ELECTRICITY,
            roles=roles(EnergyRole.PRODUCER),
            phases=self.on_phases,
            power_limits=limits(-self.model.size.inverter_w, 0.0, self.on_phases),
            measures=(self.quantity,),
            provides_forecast=True,
        )

    def describe(self) -> Iterable[AnyUpdate]:
        """The limits on offer, and what the sun will give."""
        offered = NumberRange(lower=-self.model.size.inverter_w, upper=0.0)
        option = CurtailmentOption(quantity=self.quantity, limit=LimitKind.LOWER, ranges=(offered,))
        options = (option,) if self.config.curtailable else ()
        yield InflexibleCurtailmentOptions(**self.valid_now(), options=options)
        self._described_at = self.now_s()
        yield self._forecast(self._described_at)

    def act(self, t: float) -> float:
        """Tell a new forecast every few hours."""
        if t > self._described_at:
            self.tell(self._forecast(t))
        return FORECAST_SLOTS.end(t)

    def _forecast(self, t: float) -> Forecast:
        """The coming hours with a weather service's error, which grows with the distance."""
        first = int(t // HOUR)
        elements = []
        for ahead in range(FORECAST_HOURS):
            mean_w = self._means.mean(first + ahead)
            sigma_w = mean_w * ERROR_SHARE * (0.4 + ahead / FORECAST_HOURS)
            error = dice(self.seed, 7, first + ahead).gauss(0.0, 1.0) if mean_w else 0.0
            told_w = mean_w + error * sigma_w
            elements.append(element(1, self.quantity, -told_w, sigma_w, -self.model.size.inverter_w))
        return Forecast(**self.valid_now(moment_of(first * HOUR)), elements=tuple(elements))

    async def curtail(self, quantity: CommodityQuantity, lower: float | None, upper: float | None) -> None:
        """Limit the output, or lift the limit."""
        await self.obey()
        self.model.limit(inf if lower is None else -lower)
        self.moved()

    async def safe_state(self) -> None:
        """Feed what the sun gives."""
        self.catch_up()
        self.model.limit(inf)
        self.moved()
