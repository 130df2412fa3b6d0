"""The life of one unit: looked for, read at its pace, lost, looked for again, alone and at no cost to the others."""

from collections.abc import Sequence
from typing import Protocol

from efi.registration import EnergyRole
from efpi_core.plugin.context import Context
from efpi_driver_sunspec.appliances import MeterAppliance, PvAppliance
from efpi_driver_sunspec.battery import Battery, Ratings
from efpi_driver_sunspec.battery_appliance import BatteryAppliance, MeasuredBattery
from efpi_driver_sunspec.bus import Bus
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.config import MeterRole, SunSpecConfig, UnitConfig
from efpi_driver_sunspec.control import Control
from efpi_driver_sunspec.device import Device, Values, together
from efpi_driver_sunspec.errors import ChainChangedError, NotSunSpecError, SunSpecError
from efpi_driver_sunspec.health import Health
from efpi_driver_sunspec.limit import limit_of
from efpi_driver_sunspec.section import Section, identify, interest
from efpi_driver_sunspec.steering import steering_of

FAILURES_ALLOWED = 1
"""Polls in a row that may fail before the device counts as lost: a frame is easily damaged."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
"""Between looks at a unit that answers, but not as a SunSpec device does: 2 s, 4 ... 60 s."""


class Part(Protocol):
    """An appliance that a device is, or is a part of."""

    key: str
    present: bool
    app: str | None

    def wanted(self) -> dict[Found, frozenset[str]]:
        """What is read at each poll."""
        ...

    def update(self, values: Values) -> None:
        """Tell what was read."""
        ...

    async def maintain(self, values: Values) -> None:
        """Keep its control alive."""
        ...

    def found(self) -> None:
        """The device answers."""
        ...

    def lost(self, text: str, cure: str = "", detail: str = "no_answer") -> None:
        """The device is out of reach."""
        ...

    def attach(self, context: Context, key: str = "") -> None:
        """Tie it to the instance."""
        ...


class Unit:
    """One unit number behind the port, and the appliances that its device is."""

    def __init__(self, context: Context, bus: Bus, config: SunSpecConfig, unit: UnitConfig, health: Health) -> None:
        self.number = unit.unit
        self._context = context
        self._bus = bus
        self._config = config
        self._unit = unit
        self._health = health
        self._device = Device(bus, unit.unit, unit.base_address)
        self._parts: dict[str, Part] = {}
        self._shape: object = None
        self._failures = 0
        health.expected(unit.unit)

    async def attend(self) -> None:
        """Live; ends only by cancellation."""
        while True:
            try:
                await self.look()
                await self._poll_until_lost()
            except SunSpecError as error:
                self._lose(error)
                await self._context.sleep(self._pause_s(error))

    async def look(self) -> None:
        """Find out what the device is, and bring its appliances."""
        chain = await self._device.scan()
        values = await self._device.read(interest(chain.models))
        sections = [
            identify(models, values, self._unit.behind, self._unit.meter_direction) for models in chain.sections()
        ]
        shape = (chain.models, tuple(section.identity for section in sections))
        if shape != self._shape:
            for remark in chain.remarks:
                self._context.log.warning(f"unit {self.number}: {remark}")
            self._arrange(sections)
            self._shape = shape
        self._failures = 0

    async def _poll_until_lost(self) -> None:
        misses = 0
        due = self._context.elapsed()
        while True:
            try:
                await self._poll()
                misses = 0
            except ChainChangedError:
                raise
            except SunSpecError:
                misses += 1
                if misses > FAILURES_ALLOWED:
                    raise
            now = self._context.elapsed()
            due += self._config.poll_every_s
            if now - due > self._config.poll_every_s:
                due = now  # too late to catch up
            await self._context.sleep(max(due - now, self._bus.rest_s(self.number), 0.0))

    async def _poll(self) -> None:
        values = await self._device.read(together(*(part.wanted() for part in self._parts.values())))
        for part in self._parts.values():
            part.found()
            part.update(values)
        self._health.well(self.number)
        for part in self._parts.values():
            await part.maintain(values)

    def _lose(self, error: SunSpecError) -> None:
        self._failures += 1
        self._health.ill(self.number, error)
        for part in self._parts.values():
            if part.present:
                part.lost(error.problem, error.cure, error.detail)

    def _pause_s(self, error: SunSpecError) -> float:
        if isinstance(error, ChainChangedError) and self._failures == 1:
            return 0.0
        rest = self._bus.rest_s(self.number)
        if rest > 0:
            return rest
        longest = LONGEST_PAUSE_S if isinstance(error, NotSunSpecError) else LONGEST_PAUSE_S / 4
        return min(longest, FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 16))

    def _arrange(self, sections: Sequence[Section]) -> None:
        """Bring the appliances of the sections; what was there under the same key is registered anew."""
        parts: dict[str, Part] = {}
        roles = list(self._unit.meter_roles)
        for section in sections:
            for suffix, part in (*self._parts_of(section), *self._meters_of(section, roles)):
                parts[self._key(suffix, parts)] = part
        for key in self._parts.keys() - parts.keys():
            self._context.remove_appliance(key, "the device has it no more")
        for key, part in parts.items():
            part.attach(self._context, key)
            if key in self._parts:
                part.app = self._parts[key].app
        self._parts = parts
        if not parts:
            self._context.log.warning(f"unit {self.number} has no inverter, battery or meter that SunSpec names")

    def _key(self, suffix: str, taken: dict[str, Part]) -> str:
        key = f"{self.number}-{suffix}"
        count = sum(1 for known in taken if known == key or known.startswith(f"{key}-"))
        return key if count == 0 else f"{key}-{count + 1}"

    def _parts_of(self, section: Section) -> list[tuple[str, Part]]:
        every_s, identity = self._config.poll_every_s, section.identity
        parts: list[tuple[str, Part]] = []
        if section.inverter is not None:
            limit = None
            if self._config.control:
                limit = limit_of(
                    self._device,
                    section.models,
                    section.readings,
                    self._context,
                    self._config.revert_after_s,
                    section.inverter.rated_w,
                )
            parts.append(("pv", PvAppliance(self._unit, identity, every_s, section.inverter, section.battery, limit)))
        if section.battery is not None:
            parts.append(("battery", self._battery(section, section.battery)))
        return parts

    def _meters_of(self, section: Section, roles: list[MeterRole]) -> list[tuple[str, Part]]:
        """The section's meters, each in the next of the roles; those without one are left out."""
        parts: list[tuple[str, Part]] = []
        for meter in section.meters:
            role = roles.pop(0) if roles else "none"
            if role == "none":
                self._context.log.info(
                    f"unit {self.number}: the meter at {meter.found.address} is not used; meter_roles gives it no part"
                )
                continue
            appliance = MeterAppliance(self._unit, section.identity, self._config.poll_every_s, meter, EnergyRole(role))
            parts.append(("meter", appliance))
        return parts

    def _battery(self, section: Section, battery: Battery) -> BatteryAppliance | MeasuredBattery:
        every_s, ratings = self._config.poll_every_s, section.ratings
        control: Control | None = None
        if self._config.control:
            control = steering_of(
                self._device,
                section.models,
                section.readings,
                self._context,
                self._config.revert_after_s,
                ratings,
                battery.alone,
            )
        objection = self._objection(ratings, control)
        if objection is None and control is not None:
            return BatteryAppliance(self._unit, section.identity, every_s, battery, ratings, control)
        why, cure = objection or ("", "")
        return MeasuredBattery(self._unit, section.identity, every_s, battery, why, cure)

    def _objection(self, ratings: Ratings, control: Control | None) -> tuple[str, str] | None:
        """Why the battery cannot be steered, and what to do about it; None when it can."""
        if not self._config.control:
            return "control is switched off in the settings", "set control to true"
        if control is None:
            return (
                "the battery offers neither rates (model 124) nor a power (model 704): it is measured only",
                "allow control by Modbus in its settings, or update its firmware",
            )
        if self._unit.capacity_wh is None and ratings.capacity_wh is None:
            return "the battery does not tell its capacity: it is measured only", "give capacity_wh for this unit"
        if not ratings.charge_w or not ratings.discharge_w:
            return "the battery does not tell its highest power: it is measured only", "update its firmware"
        return None
