"""What a telegram means for the building: the electricity connection, and each meter on the M-Bus behind it."""

from enum import StrEnum
from typing import NamedTuple

from efpi_driver_p1.line import Line
from efpi_driver_p1.meter_time import MeterTime
from efpi_driver_p1.obis import MEDIA
from efpi_driver_p1.quantity import Number, Quantity
from efpi_driver_p1.telegram import Telegram

PHASES = ("l1", "l2", "l3")
_TARIFFS = range(1, 9)
_CHANNELS = range(1, 9)
_OLDEST_YEAR = 2001
"""Meters write the time of a reading that they never had as 1970 or 2000."""
LARGEST = 10**15
"""In W, J or whatever the unit is: no message of the interface takes more, and no meter of a building counts so far."""
_READING_CODES = ("24.2.1", "24.2.3", "24.2.0", "24.3.0", "24.2.2")


class PhaseReading(NamedTuple):
    """One phase of the connection; None where the meter does not tell."""

    voltage_v: Number | None
    current_a: Number | None
    power_w: Number | None
    """Import minus export."""


class ElectricityReading(NamedTuple):
    """The electricity connection of the building; None where the meter does not tell."""

    power_w: Number | None
    """Import minus export over all phases."""
    phases: dict[str, PhaseReading]
    """The phases that the meter tells, by `l1`, `l2` and `l3`."""
    imported_j: Number | None
    """The energy counter over all tariffs."""
    exported_j: Number | None
    imported_by_tariff_j: dict[int, Number]
    exported_by_tariff_j: dict[int, Number]
    tariff: int | None
    """The tariff in force: in the Netherlands 1 is low and 2 normal, in Belgium 1 is day and 2 night."""


class MeterKind(StrEnum):
    """What a meter on the M-Bus measures."""

    ELECTRICITY = "electricity"
    GAS = "gas"
    HEAT = "heat"
    COLD = "cold"
    WATER = "water"
    HOT_WATER = "hot_water"
    OTHER = "other"


DEVICE_TYPES = {
    2: MeterKind.ELECTRICITY,
    3: MeterKind.GAS,
    4: MeterKind.HEAT,
    6: MeterKind.HOT_WATER,
    7: MeterKind.WATER,
    10: MeterKind.COLD,
    11: MeterKind.COLD,
    12: MeterKind.HEAT,
    13: MeterKind.HEAT,
    21: MeterKind.HOT_WATER,
    22: MeterKind.WATER,
}
"""Device types of EN 13757-3 (24.1.0)."""
_MEDIA_KINDS = {
    "heat": MeterKind.HEAT,
    "cold": MeterKind.COLD,
    "gas": MeterKind.GAS,
    "water": MeterKind.WATER,
    "hot water": MeterKind.HOT_WATER,
}
_UNIT_KINDS = {"J": MeterKind.HEAT}


class MbusMeter(NamedTuple):
    """A further meter whose readings the electricity meter hands on."""

    channel: int
    """1 to 4 on the M-Bus; 0 for a meter of DSMR 2 that has a medium of its own."""
    kind: MeterKind
    device_type: int | None
    """The type of EN 13757-3 as the meter tells it."""
    equipment: str | None
    """Its equipment number, decoded."""
    reading: Quantity
    """The counter: m3, or J for heat, cold and electricity."""
    read_at: MeterTime | None
    """When the counter was read; hours or five minutes ago."""
    valve: int | None
    """0 closed, 1 open, 2 ready to open; None without a valve."""

    @property
    def key(self) -> str:
        """A name that stays the same over restarts."""
        return f"{self.kind}-{self.channel}" if self.channel else str(self.kind)


def read_electricity(telegram: Telegram) -> ElectricityReading:
    """The electricity connection as the telegram tells it."""
    imported, exported = _by_tariff(telegram, 1), _by_tariff(telegram, 2)
    phases = {name: _phase(telegram, 20 * number) for number, name in enumerate(PHASES, 1)}
    told = {name: phase for name, phase in phases.items() if _tells(phase)}
    powers = [phase.power_w for phase in told.values() if phase.power_w is not None]
    power_w = _net(telegram, 0)
    tariff = number_in(telegram, "0-0:96.14.0", None)
    return ElectricityReading(
        power_w=_believed(sum(powers) if power_w is None and powers else power_w),
        phases=told,
        imported_j=_total(telegram, "1-0:1.8.0", imported),
        exported_j=_total(telegram, "1-0:2.8.0", exported),
        imported_by_tariff_j=imported,
        exported_by_tariff_j=exported,
        tariff=None if tariff is None else int(tariff),
    )


def read_mbus(telegram: Telegram) -> tuple[MbusMeter, ...]:
    """The meters behind the electricity meter that are really there.

    A channel on which a meter was once announced, or of which only the type is told, is none.
    """
    on_bus = (_on_channel(telegram, channel) for channel in _CHANNELS)
    by_medium = (_by_medium(telegram, medium, name) for medium, name in MEDIA.items())
    return tuple(meter for meter in (*on_bus, *by_medium) if meter)


def number_in(telegram: Telegram, code: str, unit: str | None) -> Number | None:
    """The number under a code, told in this unit; None when there is none that can be believed."""
    line = telegram.line(code)
    if line is None or line.problem or line.quantity is None or line.quantity.unit != unit:
        return None
    return _believed(line.quantity.value)


def _believed(value: Number | None) -> Number | None:
    return value if value is not None and _believable(value) else None


def _believable(value: Number) -> bool:
    return -LARGEST <= value <= LARGEST


def _net(telegram: Telegram, base: int) -> Number | None:
    """Import minus export; meters that tell the net power do so under 16.7.0 (36, 56, 76 for the phases)."""
    imported = number_in(telegram, f"1-0:{base + 1}.7.0", "W")
    exported = number_in(telegram, f"1-0:{base + 2}.7.0", "W")
    if imported is None and exported is None:
        return number_in(telegram, f"1-0:{base + 16}.7.0", "W")
    return _believed((imported or 0) - (exported or 0))


def _phase(telegram: Telegram, base: int) -> PhaseReading:
    return PhaseReading(
        voltage_v=number_in(telegram, f"1-0:{base + 12}.7.0", "V"),
        current_a=number_in(telegram, f"1-0:{base + 11}.7.0", "A"),
        power_w=_net(telegram, base),
    )


def _tells(phase: PhaseReading) -> bool:
    return not (phase.voltage_v is None and phase.current_a is None and phase.power_w is None)


def _by_tariff(telegram: Telegram, group: int) -> dict[int, Number]:
    found = ((tariff, number_in(telegram, f"1-0:{group}.8.{tariff}", "J")) for tariff in _TARIFFS)
    return {tariff: value for tariff, value in found if value is not None}


def _total(telegram: Telegram, code: str, by_tariff: dict[int, Number]) -> Number | None:
    total = number_in(telegram, code, "J")
    return _believed(sum(by_tariff.values()) if total is None and by_tariff else total)


def _on_channel(telegram: Telegram, channel: int) -> MbusMeter | None:
    line = _reading_line(telegram, [f"0-{channel}:{code}" for code in _READING_CODES])
    if line is None or line.quantity is None:
        return None
    device_type = number_in(telegram, f"0-{channel}:24.1.0", None)
    valve = number_in(telegram, f"0-{channel}:24.4.0", None)
    names = (telegram.line(f"0-{channel}:{code}") for code in ("96.1.0", "96.1.1"))
    return MbusMeter(
        channel=channel,
        kind=_kind(device_type, line),
        device_type=None if device_type is None else int(device_type),
        equipment=next((name.text for name in names if name and name.text), None),
        reading=line.quantity,
        read_at=line.times[0] if line.times else None,
        valve=None if valve is None else int(valve),
    )


def _kind(device_type: Number | None, line: Line) -> MeterKind:
    if device_type is not None and (known := DEVICE_TYPES.get(int(device_type))):
        return known
    if line.obis.rest == "24.2.3":
        return MeterKind.GAS
    return _UNIT_KINDS.get((line.quantity and line.quantity.unit) or "", MeterKind.OTHER)


def _by_medium(telegram: Telegram, medium: int, name: str) -> MbusMeter | None:
    line = _reading_line(telegram, [f"{medium}-0:{code}" for code in ("23.1.0", "23.2.0", "1.0.0")])
    if line is None or line.quantity is None or name not in _MEDIA_KINDS:
        return None
    number = telegram.line(f"{medium}-0:0.0.0")
    return MbusMeter(
        channel=0,
        kind=_MEDIA_KINDS[name],
        device_type=None,
        equipment=number.text if number else None,
        reading=line.quantity,
        read_at=line.times[0] if line.times else None,
        valve=None,
    )


def _reading_line(telegram: Telegram, codes: list[str]) -> Line | None:
    lines = (telegram.line(code) for code in codes)
    return next((line for line in lines if line and _is_reading(line)), None)


def _is_reading(line: Line) -> bool:
    """Whether a meter stands behind the line: it has a unit, and a time that a clock showed or a counter above 0."""
    if line.problem or line.quantity is None or line.quantity.unit is None or not _believable(line.quantity.value):
        return False
    at = line.times[0].utc if line.times else None
    return line.quantity.value > 0 or (at is not None and at.year >= _OLDEST_YEAR)
