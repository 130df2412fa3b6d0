"""The home battery."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from efi.commodity import PowerRanges
from efi.messages import AnyUpdate
from efi.registration import DeviceClass, EnergyRole
from efi.storage import StorageLeakageUpdate, StorageSystemDescription
from efi.types import NumberRange
from efpi_core.plugin.config import setting
from efpi_driver_simulated.abilities import battery as abilities
from efpi_driver_simulated.abilities.electricity import limits, one_of
from efpi_driver_simulated.physics.battery import Battery, BatterySize
from efpi_driver_simulated.physics.piecewise import Refused
from efpi_driver_simulated.settings import LifeSettings
from efpi_driver_simulated.storage_life import StorageLife

J_PER_KWH = 3.6e6
PERCENT = NumberRange(lower=0.0, upper=100.0)
FULL_SHARE = 0.999
"""A battery as full as this has no room to begin with."""


class BatterySettings(LifeSettings):
    """The settings of a simulated home battery."""

    capacity_kwh: float = setting(10.0, title="Capacity", unit="kWh", description="From empty to full.", gt=0, le=1e5)
    charge_w: float = setting(5000.0, title="Charging power", unit="W", description="At most.", ge=200, le=1e7)
    discharge_w: float = setting(5000.0, title="Discharging power", unit="W", description="At most.", ge=200, le=1e7)
    charge_efficiency: float = setting(
        0.95, title="Charging efficiency", description="Share that arrives in the cells.", gt=0, le=1
    )
    discharge_efficiency: float = setting(
        0.95, title="Discharging efficiency", description="Share that arrives at the connection.", gt=0, le=1
    )
    monthly_loss: float = setting(0.03, title="Self-discharge", description="Share lost in a month.", ge=0, lt=1)
    standby_w: float = setting(8.0, title="Standby", unit="W", description="Drawn at rest.", ge=0, le=1000)
    reserve: float = setting(0.05, title="Reserve", description="Share that is never discharged.", ge=0, le=0.9)
    level: float = setting(0.5, title="Level", description="Share of the content at the very first start.", ge=0, le=1)
    wear_per_kwh: Decimal = setting(
        Decimal("0.01"),
        title="Wear",
        description="Cost of a kWh through the cells.",
        ge=0,
        le=10,
    )

    def size(self) -> BatterySize:
        """The battery as its model wants it."""
        return BatterySize(
            capacity_j=self.capacity_kwh * J_PER_KWH,
            charge_w=self.charge_w,
            discharge_w=self.discharge_w,
            charge_efficiency=self.charge_efficiency,
            discharge_efficiency=self.discharge_efficiency,
            self_discharge_per_s=self.monthly_loss / (30 * 86400.0),
            standby_w=self.standby_w,
            taper_w=0.3 * self.charge_w,
            reserve_share=self.reserve,
        )


class BatteryDriver(StorageLife[BatterySettings]):
    """A home battery with its converter: losses both ways, self-discharge, standby, a slow end of charge."""

    offer_name = "simulated.battery"
    title = "Home battery"
    level_label, level_unit = "state of charge", "%"
    worth_telling: ClassVar[float] = 0.2
    device_class = DeviceClass.STATIONARY_BATTERY
    energy_role = EnergyRole.STORAGE
    model: Battery

    def build(self, t: float) -> Battery:
        """The battery, as full as it was left."""
        size = one_of(self.config.size())
        self._ordered: tuple[str, float | None] = ("idle", None)
        return Battery(size, t, self.recall_level(self.config.level * 100.0) / 100.0 * size.capacity_j)

    def level(self) -> float:
        """State of charge, %."""
        return round(self.model.level_j / self.model.size.capacity_j * 100.0, 3)

    def resting(self) -> bool:
        """Whether the converter rests."""
        return not self.model.working

    def running(self) -> tuple[str, float | None]:
        """The ordered mode, or rest when the battery is full or empty."""
        if not self.model.working and self._ordered[0] != "idle":
            self.model.order(0.0)
            self._ordered = ("idle", None)
        return self._ordered

    def obey_mode(self, mode_id: str, factor: float | None) -> None:
        """Charge, discharge or rest."""
        size, share = self.model.size, factor or 0.0
        level = self.model.level_j / size.capacity_j
        if mode_id == "charge":
            if level >= FULL_SHARE:
                raise Refused("the battery is full")
            self.model.order(size.least_w + share * (size.charge_w - size.least_w))
        elif mode_id == "discharge":
            if level <= size.reserve_share:
                raise Refused("the battery is down to its reserve")
            self.model.order(-size.least_w - share * (size.discharge_w - size.least_w))
        else:
            self.model.order(0.0)
        self._ordered = (mode_id, factor)

    async def safe_state(self) -> None:
        """Rest."""
        self.go("idle")

    def power_limits(self) -> PowerRanges:
        """From full discharge to full charge."""
        return limits(-self.model.size.discharge_w, self.model.size.charge_w, self.on_phases)

    def describe(self) -> Iterable[AnyUpdate]:
        """Rest, charge, discharge; and the leakage."""
        size = self.model.size
        yield StorageSystemDescription(
            **self.valid_now(),
            fill_level_range=PERCENT,
            actuators=(abilities.behaviour(size, self.on_phases, self.config.wear_per_kwh),),
        )
        yield StorageLeakageUpdate(**self.valid_now(), elements=abilities.leakage(size))
