"""The freezer."""

from collections.abc import Iterable
from typing import ClassVar, cast

from efi.commodity import PowerRanges
from efi.messages import AnyUpdate
from efi.registration import DeviceClass
from efi.storage import StorageLeakageUpdate, StorageSystemDescription, StorageTargetProfileUpdate
from efpi_core.plugin.config import setting
from efpi_driver_simulated.abilities import freezer as abilities
from efpi_driver_simulated.abilities.electricity import limits, one_of
from efpi_driver_simulated.compressor_life import CompressorLife
from efpi_driver_simulated.habits.doors import openings
from efpi_driver_simulated.physics.compressor import Compressor
from efpi_driver_simulated.physics.freezer import Freezer, FreezerMode, FreezerSize
from efpi_driver_simulated.physics.piecewise import grain
from efpi_driver_simulated.settings import LifeSettings, days_at


class FreezerSettings(LifeSettings):
    """The settings of a simulated freezer."""

    cool_w: float = setting(85.0, title="Cooling power", unit="W", description="Electrical.", gt=5, le=5000)
    boost_w: float = setting(130.0, title="Fast freezing power", unit="W", description="Electrical.", gt=5, le=5000)
    mass_kj_per_k: float = setting(90.0, title="Cold mass", unit="kJ/K", description="Cabinet and food.", ge=5, le=1e5)
    leak_w_per_k: float = setting(0.75, title="Heat leak", unit="W/K", description="Through the walls.", gt=0, le=100)
    room_c: float = setting(20.0, title="Room", unit="°C", description="Temperature of the room.", ge=0, le=45)
    warmest_c: float = setting(-18.0, title="Warmest", unit="°C", description="At this it cools.", ge=-25, le=-5)
    coolest_c: float = setting(-22.0, title="Coolest", unit="°C", description="Cooling ends here.", ge=-28, le=-8)
    boost_c: float = setting(-27.0, title="Coldest", unit="°C", description="Fast freezing ends here.", ge=-40, le=-10)

    def size(self) -> FreezerSize:
        """The freezer as its model wants it."""
        return FreezerSize(
            mass_j_per_k=self.mass_kj_per_k * 1000.0,
            leak_w_per_k=self.leak_w_per_k,
            room_c=self.room_c,
            cool_w=grain(self.cool_w),
            boost_w=grain(self.boost_w),
            warmest_c=self.warmest_c,
            coolest_c=self.coolest_c,
            boost_c=self.boost_c,
        )


class FreezerDriver(CompressorLife[FreezerSettings]):
    """A freezer whose cold can be made earlier; it keeps the food cold whatever is asked."""

    offer_name = "simulated.freezer"
    title = "Freezer"
    level_label = "temperature"
    worth_telling: ClassVar[float] = 0.2
    device_class = DeviceClass.FREEZER
    model: Freezer

    def build(self, t: float) -> Freezer:
        """The freezer, as cold as it was left."""
        doors = openings(days_at(self.context.site), self.seed)
        size = one_of(self.config.size())
        return Freezer(size, t, self.recall_level(-20.0), doors, self.may_start_at(t, size.rest_s))

    def level(self) -> float:
        """Temperature inside, °C."""
        return round(self.model.inside_c, 3)

    @property
    def compressor(self) -> Compressor:
        """Its compressor."""
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
        """Cool, freeze fast, or rest."""
        self.model.order(cast(FreezerMode, mode_id))

    def describe(self) -> Iterable[AnyUpdate]:
        """Rest, cooling, fast freezing; the warmth that leaks in; and where the food wants to be."""
        size = self.model.size
        yield StorageSystemDescription(
            **self.valid_now(),
            fill_level_range=abilities.levels(size),
            actuators=(abilities.behaviour(size, self.on_phases),),
        )
        yield StorageLeakageUpdate(**self.valid_now(), elements=abilities.leakage(size))
        yield StorageTargetProfileUpdate(**self.valid_now(), elements=abilities.wishes(size))
