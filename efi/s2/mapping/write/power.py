"""Measurements and forecasts of power as S2's."""

from efi.conversion import LossKind
from efi.measurement import Forecast, Measurement
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.write.values import Quantities, profile
from efi.s2.power import PowerForecast, PowerForecastElement, PowerMeasurement

COUNTERS = LossKind(("measurement",), "energy", "S2 tells powers only; the counters are left out")


def measurement(message: Measurement, quantities: Quantities, notes: Notes) -> PowerMeasurement | None:
    """A measurement; None where only counters were read."""
    if message.energy:
        notes.lost(COUNTERS, "energy", ", ".join(dict.fromkeys(reading.commodity.value for reading in message.energy)))
    if not message.values:
        return None
    return PowerMeasurement(
        message_id=uuid_of(message.message_id),
        measurement_timestamp=message.measured_at,
        values=quantities.values(message.values),
    )


def forecast(message: Forecast, quantities: Quantities, notes: Notes) -> PowerForecast:
    """A forecast."""
    return PowerForecast(
        message_id=uuid_of(message.message_id),
        start_time=message.valid_from,
        elements=tuple(
            PowerForecastElement(duration=lasts, power_values=quantities.expected(element.values))
            for lasts, element in profile(message.elements, "elements", notes)
        ),
    )
