"""The meters as appliances: the electricity connection, and the gas and heat connections behind the same port."""

from datetime import datetime, timedelta
from typing import ClassVar

from efi.commodity import PHASE_POWER, Commodity, CommodityQuantity, Phase, PowerValue
from efi.inflexible import InflexibleRegistration
from efi.measurement import EnergyReading
from efi.registration import DeviceClass, EnergyRole, Role
from efpi_core.plugin.context import Context
from efpi_core.plugin.inflexible import InflexibleAppliance
from efpi_driver_p1.quantity import Number
from efpi_driver_p1.reading import ElectricityReading, MbusMeter, MeterKind, number_in
from efpi_driver_p1.telegram import Telegram
from efpi_driver_p1.telling import Fact, Teller

_LONGEST_LABEL = 80


def _label(text: str | None) -> str | None:
    return text[:_LONGEST_LABEL] if text else None


class GridMeter(InflexibleAppliance):
    """The building's connection to the electricity grid."""

    steerable = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._telegram: Telegram | None = None
        self._electricity: ElectricityReading | None = None
        self._identity: tuple[object, ...] = ()

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self._teller = Teller(context, self.appliance_id)

    def register(self) -> InflexibleRegistration:
        """The grid connection with its meter, as the telegram identifies it."""
        telegram, electricity = self._telegram, self._electricity
        return InflexibleRegistration(
            **self.stamp(),
            name=self._name,
            device_class=DeviceClass.SMART_METER,
            manufacturer=_label(telegram.maker) if telegram else None,
            model=_label(telegram.model) if telegram else None,
            serial_number=_label(telegram.equipment) if telegram else None,
            firmware_version=_label(telegram.version) if telegram else None,
            commodities=(Commodity.ELECTRICITY,),
            roles=(Role(commodity=Commodity.ELECTRICITY, role=EnergyRole.GRID),),
            phases=tuple(Phase(name) for name in electricity.phases) if electricity else (),
            measures=tuple(value.quantity for value in _powers(electricity)) if electricity else (),
        )

    def update(self, telegram: Telegram, electricity: ElectricityReading) -> None:
        """Tell what a telegram says; another meter than before is registered anew."""
        self._telegram, self._electricity = telegram, electricity
        quantities = tuple(value.quantity for value in _powers(electricity))
        identity = (telegram.header, telegram.equipment, tuple(electricity.phases), quantities)
        if identity != self._identity:
            self._identity = identity
            self.present = False
        self.found()
        values, energy = _powers(electricity), _energy(electricity)
        if values or energy:
            self.measure(values, energy)
        self._teller.tell(_electric_facts(telegram, electricity))

    def tell_quality(self, good_share: float) -> None:
        """Tell how many of the last telegrams were good."""
        percent = round(100 * good_share)
        self._teller.tell((Fact("good_telegrams", percent, "%", title="Good telegrams among the last 60"),))


def _powers(electricity: ElectricityReading) -> tuple[PowerValue, ...]:
    """The power of each phase where all of them tell it, else the total."""
    phases = electricity.phases
    told = {name: phase.power_w for name, phase in phases.items() if phase.power_w is not None}
    if told and len(told) == len(phases):
        return tuple(
            PowerValue(quantity=PHASE_POWER[Phase(name)], value=float(power_w)) for name, power_w in told.items()
        )
    if electricity.power_w is None:
        return ()
    return (PowerValue(quantity=CommodityQuantity.ELECTRIC_POWER, value=float(electricity.power_w)),)


def _energy(electricity: ElectricityReading) -> tuple[EnergyReading, ...]:
    consumed, produced = _float(electricity.imported_j), _float(electricity.exported_j)
    if consumed is None and produced is None:
        return ()
    return (EnergyReading(commodity=Commodity.ELECTRICITY, consumed=consumed, produced=produced),)


def _float(number: Number | None) -> float | None:
    return None if number is None else float(number)


def _electric_facts(telegram: Telegram, electricity: ElectricityReading) -> list[Fact]:
    """What is beyond the measurement, from which the gateway makes the observations of power and energy itself."""
    facts = [
        Fact("tariff", electricity.tariff, "", "state", "Tariff in force"),
        Fact(
            "breaker",
            number_in(telegram, "0-0:96.3.10", None),
            "",
            "state",
            "Breaker: 0 open, 1 closed, 2 ready to close",
        ),
        Fact(
            "power_quarter_hour", number_in(telegram, "1-0:1.4.0", "W"), "W", title="Average power of this quarter hour"
        ),
        Fact(
            "power_month_peak", number_in(telegram, "1-0:1.6.0", "W"), "W", title="Highest quarter hour of this month"
        ),
    ]
    for name, direction, counters in (
        ("electricity_consumed", "imported", electricity.imported_by_tariff_j),
        ("electricity_produced", "exported", electricity.exported_by_tariff_j),
    ):
        for tariff, counted in counters.items():
            title = f"Energy {direction}, tariff {tariff}"
            facts.append(Fact(f"{name}.tariff_{tariff}", counted, "J", "counter", title))
    for name, phase in electricity.phases.items():
        facts.append(Fact(f"voltage.{name}", phase.voltage_v, "V", title=f"Voltage {name.upper()}"))
        facts.append(Fact(f"current.{name}", phase.current_a, "A", title=f"Current {name.upper()}"))
    message = telegram.line("0-0:96.13.0")
    if message and message.text:
        facts.append(Fact("message", message.text, "", "text", "Message of the grid operator"))
    return facts


class FlowMeter(InflexibleAppliance):
    """The building's connection to the gas or the heat network, read a few times an hour by the electricity meter."""

    steerable = False
    MEASURED: ClassVar[dict[MeterKind, tuple[Commodity, CommodityQuantity, str, str]]] = {
        MeterKind.GAS: (Commodity.GAS, CommodityQuantity.GAS_FLOW, "m3", "Gas meter"),
        MeterKind.HEAT: (Commodity.HEAT, CommodityQuantity.HEAT_POWER, "J", "Heat meter"),
    }
    """What becomes an appliance, by its kind; the others are told as observations only."""
    _LONGEST_GAP = timedelta(days=1)

    def __init__(self, meter: MbusMeter) -> None:
        self._meter = meter
        self._commodity, self._flow, self._unit, self._title = self.MEASURED[meter.kind]
        self._last: tuple[datetime, Number] | None = None

    @classmethod
    def fits(cls, meter: MbusMeter) -> bool:
        """Whether a meter is one of these."""
        return meter.kind in cls.MEASURED and meter.reading.unit == cls.MEASURED[meter.kind][2]

    def register(self) -> InflexibleRegistration:
        """The connection with its meter."""
        return InflexibleRegistration(
            **self.stamp(),
            name=self._title,
            device_class=DeviceClass.SMART_METER,
            serial_number=_label(self._meter.equipment),
            commodities=(self._commodity,),
            roles=(Role(commodity=self._commodity, role=EnergyRole.GRID),),
            measures=(self._flow,),
        )

    def update(self, meter: MbusMeter) -> None:
        """Tell a new reading, and the average flow since the one before it."""
        if meter.equipment != self._meter.equipment:
            self.present, self._last = False, None
        self._meter = meter
        self.found()
        now = self.context.now()
        at = meter.read_at.utc if meter.read_at and meter.read_at.utc else now
        reading = meter.reading.value
        if self._last is not None and (self._last[0] == at or (meter.read_at is None and self._last[1] == reading)):
            return
        values = self._average(at, reading)
        counted = (EnergyReading(commodity=self._commodity, consumed=float(reading)),)
        self.measure(values, counted, at if abs(now - at) <= self._LONGEST_GAP else now)
        self._last = at, reading

    def _average(self, at: datetime, reading: Number) -> tuple[PowerValue, ...]:
        if self._last is None:
            return ()
        seconds = (at - self._last[0]).total_seconds()
        if not 0 < seconds <= self._LONGEST_GAP.total_seconds() or reading < self._last[1]:
            return ()
        return (PowerValue(quantity=self._flow, value=float(reading - self._last[1]) / seconds),)
