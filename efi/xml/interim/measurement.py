"""Measurements in the interim form: one commodity of an inflexible appliance, or the electricity of any."""

import math
from datetime import datetime
from fractions import Fraction
from typing import Any

from efi.commodity import ELECTRIC_POWERS, Commodity, CommodityQuantity, PowerValue
from efi.conversion import LossKind
from efi.measurement import EnergyReading, Measurement
from efi.registration import Category
from efi.types import LARGEST
from efi.xml.interim.common import head_of, read_head, read_update
from efi.xml.interim.companion import companion_id
from efi.xml.interim.sheet import Sheet, instant, leaf, node, number
from efi.xml.interim.source import Source, maybe, part
from efi.xml.interim.vocabulary import COMMODITY_WORDS, J_PER_WH, NO_UNIT, QUANTITIES
from efi.xml.scale import ONE
from efi.xml.tree import Element

MEASUREMENT = ("measurement",)
PERIOD = "period"
"""What the id of a measurement ends with that stood in another one, and tells of another time."""

VALUE_PHASE = LossKind(MEASUREMENT, "values.*", "phases are not told; it is told as a part of their total")
VALUE = LossKind(
    MEASUREMENT,
    "values.*",
    "one commodity is told, the first that has a word, in W; this value is left out",
)
ENERGY = LossKind(
    MEASUREMENT,
    "energy.*",
    "one standing of the electricity's counter and one period are told, and none beside another commodity's power",
)
COUNTER = LossKind(
    MEASUREMENT, "energy.*.produced", "one number is told, positive when consumed; what was produced is left out"
)
COUNTER_SIGN = LossKind(
    MEASUREMENT, "energy.*", "the sign tells the direction: a counter below 0 comes back as one of the other direction"
)
MEASURED_AT = LossKind(MEASUREMENT, "measured_at", "with counters there is no other time than that of the message")
ORDER = LossKind(MEASUREMENT, "energy", "the counter's standing comes before the period")
NOTHING = LossKind(MEASUREMENT, "", "nothing of it has a word, so that it cannot be written")

_WH = Fraction(J_PER_WH)


def measurement_document(
    sheet: Sheet, measurement: Measurement, category: Category | None, during: Measurement | None = None
) -> Element:
    """A measurement: of the electricity with its counters, or of one commodity's power.

    Power alone is told as an inflexible appliance tells it, unless the appliance is known to be another. A period that
    ended at another time is a measurement `during` it.
    """
    cumulative, periodic = _readings_of(sheet, measurement)
    if during is not None:
        periodic = during.energy[0]
    electric = _electric_w(measurement)
    other_kind = category is not None and category is not Category.INFLEXIBLE
    if cumulative is None and periodic is None and (electric is None or not other_kind):
        return _power_document(sheet, measurement)
    _note_values(sheet, measurement, Commodity.ELECTRICITY)
    at_message = electric is not None or cumulative is not None
    if at_message and measurement.measured_at != measurement.timestamp:
        sheet.lose(MEASURED_AT, measurement.measured_at)
    end = measurement.timestamp if at_message else measurement.measured_at
    if during is not None:
        end = during.measured_at
    return node(
        "electricityMeasurement",
        *head_of(sheet, measurement),
        None if electric is None else number("powerMeasurement", electric),
        None if cumulative is None else number("cumulativeEnergyMeasurement", _net(cumulative), _WH),
        None if periodic is None else _period_of(periodic, end),
    )


def _electric_w(measurement: Measurement) -> float | None:
    """The electrical power over all phases in W; None where none is told, or more than can be told."""
    total = measurement.electric_power_w
    return total if total is not None and abs(total) <= LARGEST else None


def is_period_of(measurement: Measurement, other: Measurement) -> bool:
    """Whether a measurement is what another one's document told of a period."""
    return (
        other.message_id == companion_id(measurement.message_id, PERIOD)
        and (other.timestamp, other.values, len(other.energy)) == (measurement.timestamp, (), 1)
        and other.energy[0].commodity is Commodity.ELECTRICITY
        and other.energy[0].since is not None
        and (other.energy[0].consumed is None or other.energy[0].produced is None)
        and all(each.commodity is Commodity.ELECTRICITY and each.since is None for each in measurement.energy)
        and (measurement.electric_power_w is not None or bool(measurement.energy))
        and other.measured_at != measurement.timestamp == measurement.measured_at
    )


def _readings_of(sheet: Sheet, measurement: Measurement) -> tuple[EnergyReading | None, EnergyReading | None]:
    """The counter's standing and the period that are told; the others are lost."""
    cumulative = periodic = None
    for place, reading in enumerate(measurement.energy):
        if reading.commodity is Commodity.ELECTRICITY and reading.since is None and cumulative is None:
            cumulative = reading
        elif reading.commodity is Commodity.ELECTRICITY and reading.since is not None and periodic is None:
            periodic = reading
        else:
            sheet.lose(ENERGY, reading.commodity.value, place)
            continue
        if reading.consumed is not None and reading.produced is not None:
            sheet.lose(COUNTER, reading.produced, place)
        if (math.copysign(1, _net(reading)) < 0) is not (reading.consumed is None):
            sheet.lose(COUNTER_SIGN, _net(reading), place)
    if cumulative is not None and periodic is not None and measurement.energy.index(periodic) == 0:
        sheet.lose(ORDER, None)
    return cumulative, periodic


def _net(reading: EnergyReading) -> float:
    return reading.consumed if reading.consumed is not None else -(reading.produced or 0.0)


def _period_of(reading: EnergyReading, end: datetime) -> Element:
    return node(
        "periodicEnergyMeasurement",
        instant("startTime", reading.since or end),
        instant("endTime", end),
        number("energyMeasurement", _net(reading), _WH),
    )


def _power_document(sheet: Sheet, measurement: Measurement) -> Element:
    sayable = (value for value in measurement.values if _is_sayable(sheet, value))
    first = next(sayable, None)
    if first is None:
        sheet.give_up(NOTHING)
    commodity = first.quantity.commodity
    _note_values(sheet, measurement, commodity)
    value = _electric_w(measurement) if commodity is Commodity.ELECTRICITY else first.value
    if value is None:
        sheet.give_up(NOTHING)
    factor = 1 / sheet.calorific_value if commodity is Commodity.GAS and sheet.calorific_value else ONE
    return node(
        "inFlexibileMeasurement",
        *head_of(sheet, measurement),
        instant("validFrom", measurement.measured_at),
        number("measurement", value, factor),
        leaf("commodityType", COMMODITY_WORDS[commodity]),
        leaf("commodityUnit", NO_UNIT),
    )


def _is_sayable(sheet: Sheet, value: PowerValue) -> bool:
    if value.quantity is CommodityQuantity.GAS_FLOW:
        return sheet.calorific_value is not None or value.value == 0
    return value.quantity in ELECTRIC_POWERS or value.quantity is CommodityQuantity.HEAT_POWER


def _note_values(sheet: Sheet, measurement: Measurement, commodity: Commodity) -> None:
    for place, value in enumerate(measurement.values):
        if value.quantity is QUANTITIES[COMMODITY_WORDS[commodity]]:
            continue
        phase = commodity is Commodity.ELECTRICITY and value.quantity in ELECTRIC_POWERS
        sheet.lose(VALUE_PHASE if phase else VALUE, value.quantity.value, place)


# Reading --------------------------------------------------------------------------------------------------------------


def read_inflexible_measurement(source: Source, element: Element) -> tuple[Measurement]:
    """The power of one commodity."""
    head = read_update(source, element)
    measured_at = head.pop("valid_from")
    quantity = QUANTITIES[source.word(part(element, "commodityType"))]
    told = part(element, "measurement")
    factor = source.gas_factor(told) if quantity is CommodityQuantity.GAS_FLOW else ONE
    value = PowerValue(quantity=quantity, value=source.measure(told, factor))
    return (Measurement(**head, measured_at=measured_at, values=(value,)),)


def read_electricity_measurement(source: Source, element: Element) -> tuple[Measurement, ...]:
    """Power and counters; a period that ended at another time than the message's is a measurement of its own."""
    head = read_head(source, element)
    power, counter, period = (
        maybe(element, name)
        for name in ("powerMeasurement", "cumulativeEnergyMeasurement", "periodicEnergyMeasurement")
    )
    values: tuple[PowerValue, ...] = ()
    if power is not None:
        values = (PowerValue(quantity=CommodityQuantity.ELECTRIC_POWER, value=source.measure(power)),)
    energy = () if counter is None else (_read_counter(source, counter, None),)
    if period is None:
        if power is None and counter is None:
            source.refuse("empty_measurement", element, None, "it tells nothing", "give a power or an energy")
        return (Measurement(**head, measured_at=head["timestamp"], values=values, energy=energy),)
    since = source.instant(part(period, "startTime"))
    end = source.instant(part(period, "endTime"))
    during = _read_counter(source, part(period, "energyMeasurement"), since)
    if not values and not energy:
        return (Measurement(**head, measured_at=end, energy=(during,)),)
    if end == head["timestamp"]:
        return (Measurement(**head, measured_at=end, values=values, energy=(*energy, during)),)
    now = Measurement(**head, measured_at=head["timestamp"], values=values, energy=energy)
    apart = {**head, "message_id": companion_id(head["message_id"], PERIOD)}
    return (now, Measurement(**apart, measured_at=end, energy=(during,)))


def _read_counter(source: Source, element: Element, since: datetime | None) -> EnergyReading:
    energy = source.measure(element, _WH)
    side: dict[str, Any] = {"produced": -energy} if math.copysign(1, energy) < 0 else {"consumed": energy}
    return EnergyReading(commodity=Commodity.ELECTRICITY, since=since, **side)
