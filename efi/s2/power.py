"""Measurements and forecasts of power, which a device of any control type may send."""

from typing import Literal

from pydantic import Field

from efi.s2.common import PowerForecastValue, PowerValue
from efi.s2.model import Milliseconds, NamedMessage, S2Model, Timestamp


class PowerMeasurement(NamedMessage):
    """What the device takes and gives, as measured."""

    message_type: Literal["PowerMeasurement"] = "PowerMeasurement"
    measurement_timestamp: Timestamp
    """When it was measured."""
    values: tuple[PowerValue, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one value for each quantity."""


class PowerForecastElement(S2Model):
    """What is expected for some time."""

    duration: Milliseconds
    """For how long."""
    power_values: tuple[PowerForecastValue, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one value for each quantity."""


class PowerForecast(NamedMessage):
    """What the device is expected to take and give."""

    message_type: Literal["PowerForecast"] = "PowerForecast"
    start_time: Timestamp
    """When the first element begins."""
    elements: tuple[PowerForecastElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """One after another, without gaps."""
