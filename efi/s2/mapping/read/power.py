"""S2's measurements and forecasts of power as the interface's."""

from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.profiles import expected
from efi.s2.mapping.read.values import Fields, power_values
from efi.s2.power import PowerForecast, PowerMeasurement


def measurement(message: PowerMeasurement, notes: Notes) -> Fields:
    """The fields of a Measurement."""
    return {
        "message_id": message.message_id,
        "measured_at": message.measurement_timestamp,
        "values": power_values(message.values),
    }


def forecast(message: PowerForecast, notes: Notes) -> Fields:
    """The fields of a Forecast."""
    return {
        "message_id": message.message_id,
        "valid_from": message.start_time,
        "elements": expected(message.elements, "elements.", notes),
    }
