"""The driver: one port, all the SunSpec units behind it."""

from efpi_core.plugin.driver import Driver
from efpi_driver_sunspec.bus import Bus
from efpi_driver_sunspec.config import SunSpecConfig, UnitConfig
from efpi_driver_sunspec.device import Device
from efpi_driver_sunspec.errors import SunSpecError
from efpi_driver_sunspec.health import Health
from efpi_driver_sunspec.unit import Unit

FIRST_PASSES = 3
"""Passes through the searched range that follow each other at once, one for each base address."""

SEARCH_EVERY_S = 600.0


class SunSpecDriver(Driver[SunSpecConfig]):
    """Inverters, batteries and meters that speak SunSpec over Modbus TCP or RTU: all units behind one port."""

    offer_name = "sunspec"
    title = "SunSpec over Modbus"

    async def start(self) -> None:
        """Attend to each unit, and look for further ones where a range is given."""
        config = self.config
        self._bus = Bus(config.where(), self.context, timeout_s=config.timeout_s, pause_s=config.pause_s)
        self._health = Health(self.context)
        self._units: dict[int, Unit] = {}
        for unit in config.unit_settings():
            self._attend(unit)
        if config.searched():
            self.context.spawn(self._search(config.searched()), "search")

    def _attend(self, unit: UnitConfig) -> None:
        attended = Unit(self.context, self._bus, self.config, unit, self._health)
        self._units[unit.unit] = attended
        self.context.spawn(attended.attend(), f"unit {unit.unit}")

    async def _search(self, numbers: range) -> None:
        """Ask each free number in turn; a unit that shows a SunSpec chain is attended to from then on."""
        devices = {number: Device(self._bus, number) for number in numbers}
        passes = 0
        while True:
            for number, device in devices.items():
                if number not in self._units:
                    await self._try(number, device)
            passes += 1
            if passes >= FIRST_PASSES:
                await self.context.sleep(SEARCH_EVERY_S)

    async def _try(self, number: int, device: Device) -> None:
        try:
            await device.scan()
        except SunSpecError:
            await self.context.sleep(self._bus.trouble_s())
            return
        self.context.log.info(f"found a SunSpec device at unit {number}")
        self._attend(UnitConfig(unit=number))

    async def stop(self) -> None:
        """Close the port; the safe states were written before."""
        self._bus.close()
