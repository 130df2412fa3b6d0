"""What the simulated storages share: they tell their level when it has moved, and their mode as it really is."""

import contextlib
from abc import abstractmethod
from math import inf, isnan, nan
from typing import ClassVar

from efi.commodity import PowerRanges, electric_quantity
from efi.registration import DeviceClass, EnergyRole
from efi.storage import StorageRegistration
from efpi_core.errors import RefusedError
from efpi_core.plugin.plugin import ConfigT
from efpi_core.plugin.storage import StorageDriver
from efpi_driver_simulated.abilities.electricity import ELECTRICITY, MAIN, actuators, roles
from efpi_driver_simulated.life import MAKER, Lifelike
from efpi_driver_simulated.physics.piecewise import Refused

KEPT_EVERY_S = 900.0


class StorageLife(Lifelike[ConfigT], StorageDriver[ConfigT]):
    """A simulated storage with one actuator."""

    level_label: ClassVar[str]
    level_unit: ClassVar[str]
    worth_telling: ClassVar[float]
    """A level that moved by so much is told."""
    device_class: ClassVar[DeviceClass]
    energy_role: ClassVar[EnergyRole] = EnergyRole.CONSUMER

    _told_level = nan
    _kept_at = -inf

    @abstractmethod
    def level(self) -> float:
        """The fill level now."""

    @abstractmethod
    def resting(self) -> bool:
        """Whether the level hardly moves now."""

    def next_tick(self, t: float) -> float:
        """When to look again; while it works at each tick."""
        return self.repeats.end(t) if self.resting() else self.slots.end(t)

    @abstractmethod
    def running(self) -> tuple[str, float | None]:
        """The mode and factor in which the appliance runs now."""

    @abstractmethod
    def obey_mode(self, mode_id: str, factor: float | None) -> None:
        """Give the order to the model; it may raise Refused."""

    @abstractmethod
    def power_limits(self) -> PowerRanges:
        """From the lowest to the highest power of all modes."""

    def register(self) -> StorageRegistration:
        """Who the appliance is."""
        return StorageRegistration(
            **self.stamp(),
            name=self.title,
            device_class=self.device_class,
            manufacturer=MAKER,
            model="simulated",
            commodities=ELECTRICITY,
            roles=roles(self.energy_role),
            phases=self.on_phases,
            power_limits=self.power_limits(),
            currency=self.context.site.currency,
            measures=(electric_quantity(self.on_phases),),
            fill_level_label=self.level_label,
            fill_level_unit=self.level_unit,
            actuators=actuators(self.title),
        )

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Make the model run so."""
        await self.obey()
        try:
            self.obey_mode(mode_id, factor)
        except Refused as refusal:
            raise RefusedError(refusal.reason) from refusal
        self.note_mode(mode_id, factor)
        self.moved()

    def go(self, mode_id: str, factor: float | None = None) -> None:
        """Order a mode that no fault hinders; an appliance that will not enter it goes on by its own decision."""
        self.catch_up()
        with contextlib.suppress(Refused):
            self.obey_mode(mode_id, factor)
        self.moved()

    def recall_level(self, first: float) -> float:
        """The level that was kept when the appliance last lived, or its very first one."""
        kept = self.context.storage.get("level")
        return float(kept) if isinstance(kept, int | float) else first

    def keep(self) -> None:
        """Store the level."""
        self.context.storage.put("level", self.level())

    async def stop(self) -> None:
        """Keep the level for the next life."""
        self.catch_up()
        self.keep()

    def note_mode(self, mode_id: str, factor: float | None) -> bool:
        """Keep the mode that is entered, with its timers; whether it is another one."""
        tracker = self.tracker(MAIN)
        if (tracker.mode_id, tracker.factor) == (mode_id, factor):
            return False
        tracker.enter(mode_id, factor, self.context.now())
        return True

    def follow(self) -> None:
        """Tell a mode that the appliance changed by itself, and a level that has moved."""
        changed = self.note_mode(*self.running())
        if changed:
            self.keep()
        if changed or isnan(self._told_level) or abs(self.level() - self._told_level) >= self.worth_telling:
            self.report()

    def report(self) -> None:
        """Tell the fill level and the mode, and keep the level now and then for the next life."""
        self._told_level = self.level()
        self.tell_state(self._told_level)
        if self.model.t - self._kept_at >= KEPT_EVERY_S:
            self._kept_at = self.model.t
            self.keep()
