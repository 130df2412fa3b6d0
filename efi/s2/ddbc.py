"""Demand driven based control (DDBC): a device that meets a demand in one of several ways, as a hybrid heat pump."""

from typing import Literal

from pydantic import Field, StrictBool

from efi.s2.common import Commodity, NumberRange, PowerRange, Timer, Transition
from efi.s2.model import ID, Milliseconds, NamedMessage, Number, S2Model, Timestamp


class DDBCOperationMode(S2Model):
    """One thing that an actuator can do, with some room between factor 0 and 1."""

    id: ID = Field(alias="Id")
    """Its name within the actuator (capitalised on the wire)."""
    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    power_ranges: tuple[PowerRange, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one for each quantity; the start belongs to factor 0, the end to factor 1."""
    supply_range: NumberRange
    """What it supplies to the demand, in the demand's unit, at factor 0 and at factor 1."""
    running_costs: NumberRange | None = None
    """Costs a second beside the commodity's; the range tells uncertainty and has nothing to do with the factor."""
    abnormal_condition_only: StrictBool
    """Whether it may be used in abnormal conditions only."""


class DDBCActuatorDescription(S2Model):
    """A part that supplies what is demanded."""

    id: ID
    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    supported_commodites: tuple[Commodity, ...] = Field(min_length=1, max_length=4, fail_fast=True)
    """The commodities that its modes use (spelt so on the wire)."""
    operation_modes: tuple[DDBCOperationMode, ...] = Field(min_length=1, max_length=100, fail_fast=True)
    transitions: tuple[Transition, ...] = Field(max_length=1000, fail_fast=True)
    timers: tuple[Timer, ...] = Field(max_length=1000, fail_fast=True)


class DDBCSystemDescription(NamedMessage):
    """What the device can do, in profile 1.0.0."""

    message_type: Literal["DDBC.SystemDescription"] = "DDBC.SystemDescription"
    valid_from: Timestamp
    actuators: tuple[DDBCActuatorDescription, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    provides_average_demand_rate_forecast: StrictBool
    """Whether it may send a DDBC.AverageDemandRateForecast."""


class DDBCSystemDescriptionWithDemand(DDBCSystemDescription):
    """What the device can do, and what is demanded of it now: profile 0.0.2-beta."""

    present_demand_rate: NumberRange
    """What is to be supplied now, in the demand's unit a second."""


class DDBCPresentDemandStatus(NamedMessage):
    """What is demanded of the device now; profile 1.0.0 only."""

    message_type: Literal["DDBC.PresentDemandStatus"] = "DDBC.PresentDemandStatus"
    present_demand_rate: NumberRange
    """What is to be supplied now, in the demand's unit a second."""


class DDBCActuatorStatus(NamedMessage):
    """What an actuator does now."""

    message_type: Literal["DDBC.ActuatorStatus"] = "DDBC.ActuatorStatus"
    actuator_id: ID
    active_operation_mode_id: ID
    operation_mode_factor: Number
    """Where in the mode's ranges it is, 0 to 1."""
    previous_operation_mode_id: ID | None = None
    """The mode before; None where the active one is the first known."""
    transition_timestamp: Timestamp | None = None
    """When the change from the mode before began; None where the active one is the first known."""


class DDBCTimerStatus(NamedMessage):
    """When a timer is over."""

    message_type: Literal["DDBC.TimerStatus"] = "DDBC.TimerStatus"
    timer_id: ID
    actuator_id: ID
    finished_at: Timestamp
    """In the past: it is over, or never ran."""


class DDBCAverageDemandRateForecastElement(S2Model):
    """What is expected to be demanded for some time, in the demand's unit a second."""

    duration: Milliseconds
    demand_rate_upper_limit: Number | None = None
    demand_rate_upper_95PPR: Number | None = None  # noqa: N815  # the wire's name
    demand_rate_upper_68PPR: Number | None = None  # noqa: N815  # the wire's name
    demand_rate_expected: Number
    demand_rate_lower_68PPR: Number | None = None  # noqa: N815  # the wire's name
    demand_rate_lower_95PPR: Number | None = None  # noqa: N815  # the wire's name
    demand_rate_lower_limit: Number | None = None


class DDBCAverageDemandRateForecast(NamedMessage):
    """What is expected to be demanded."""

    message_type: Literal["DDBC.AverageDemandRateForecast"] = "DDBC.AverageDemandRateForecast"
    start_time: Timestamp
    elements: tuple[DDBCAverageDemandRateForecastElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """One after another, without gaps."""


class DDBCInstruction(NamedMessage):
    """The energy manager chooses an actuator's mode."""

    message_type: Literal["DDBC.Instruction"] = "DDBC.Instruction"
    id: ID
    """Names the instruction; its status refers to it."""
    execution_time: Timestamp
    """When; in the past: at once."""
    abnormal_condition: StrictBool
    actuator_id: ID
    operation_mode_id: ID
    operation_mode_factor: Number
    """Where in the mode's ranges, 0 to 1."""
