"""Fill rate based control (FRBC): what fills and empties a storage, as a battery or a heat pump with a boiler."""

from typing import Literal

from pydantic import Field, StrictBool

from efi.s2.common import Commodity, NumberRange, PowerRange, Timer, Transition
from efi.s2.model import ID, Milliseconds, NamedMessage, Number, S2Model, Timestamp


class FRBCOperationModeElement(S2Model):
    """What a mode does while the fill level is in a range."""

    fill_level_range: NumberRange
    """The fill levels to which this applies."""
    fill_rate: NumberRange
    """How fast the fill level rises, in fill-level units a second, at factor 0 and at factor 1."""
    power_ranges: tuple[PowerRange, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one for each quantity; the start belongs to factor 0, the end to factor 1."""
    running_costs: NumberRange | None = None
    """Costs a second beside the commodity's; the range tells uncertainty and has nothing to do with the factor."""


class FRBCOperationMode(S2Model):
    """One thing that an actuator can do, with some room between factor 0 and 1."""

    id: ID
    """Its name within the actuator."""
    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    elements: tuple[FRBCOperationModeElement, ...] = Field(min_length=1, max_length=100, fail_fast=True)
    """Their fill-level ranges meet end to end."""
    abnormal_condition_only: StrictBool
    """Whether it may be used in abnormal conditions only."""


class FRBCActuatorDescription(S2Model):
    """A part that fills or empties the storage."""

    id: ID
    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    supported_commodities: tuple[Commodity, ...] = Field(min_length=1, max_length=4, fail_fast=True)
    operation_modes: tuple[FRBCOperationMode, ...] = Field(min_length=1, max_length=100, fail_fast=True)
    transitions: tuple[Transition, ...] = Field(max_length=1000, fail_fast=True)
    timers: tuple[Timer, ...] = Field(max_length=1000, fail_fast=True)


class FRBCStorageDescription(S2Model):
    """What is filled."""

    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    fill_level_label: str | None = None
    """The fill level's unit, in words; the only hint of it."""
    provides_leakage_behaviour: StrictBool
    provides_fill_level_target_profile: StrictBool
    provides_usage_forecast: StrictBool
    fill_level_range: NumberRange
    """Where the fill level is to stay; outside, the device may ignore instructions."""


class FRBCSystemDescription(NamedMessage):
    """What the device can do."""

    message_type: Literal["FRBC.SystemDescription"] = "FRBC.SystemDescription"
    valid_from: Timestamp
    actuators: tuple[FRBCActuatorDescription, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    storage: FRBCStorageDescription


class FRBCStorageStatus(NamedMessage):
    """How full the storage is."""

    message_type: Literal["FRBC.StorageStatus"] = "FRBC.StorageStatus"
    present_fill_level: Number


class FRBCActuatorStatus(NamedMessage):
    """What an actuator does now."""

    message_type: Literal["FRBC.ActuatorStatus"] = "FRBC.ActuatorStatus"
    actuator_id: ID
    active_operation_mode_id: ID
    operation_mode_factor: Number
    """Where in the mode's ranges it is, 0 to 1."""
    previous_operation_mode_id: ID | None = None
    """The mode before; None where the active one is the first known."""
    transition_timestamp: Timestamp | None = None
    """When the change from the mode before began; None where the active one is the first known."""


class FRBCTimerStatus(NamedMessage):
    """When a timer is over."""

    message_type: Literal["FRBC.TimerStatus"] = "FRBC.TimerStatus"
    timer_id: ID
    actuator_id: ID
    finished_at: Timestamp
    """In the past: it is over, or never ran."""


class FRBCLeakageBehaviourElement(S2Model):
    """How fast the storage leaks while the fill level is in a range."""

    fill_level_range: NumberRange
    leakage_rate: Number
    """Fill-level units a second; positive: the level falls."""


class FRBCLeakageBehaviour(NamedMessage):
    """How fast the storage leaks."""

    message_type: Literal["FRBC.LeakageBehaviour"] = "FRBC.LeakageBehaviour"
    valid_from: Timestamp
    elements: tuple[FRBCLeakageBehaviourElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """Their fill-level ranges meet end to end."""


class FRBCUsageForecastElement(S2Model):
    """What is expected to be drawn from the storage for some time; fill-level units a second, positive: it falls."""

    duration: Milliseconds
    usage_rate_upper_limit: Number | None = None
    usage_rate_upper_95PPR: Number | None = None  # noqa: N815  # the wire's name
    usage_rate_upper_68PPR: Number | None = None  # noqa: N815  # the wire's name
    usage_rate_expected: Number
    usage_rate_lower_68PPR: Number | None = None  # noqa: N815  # the wire's name
    usage_rate_lower_95PPR: Number | None = None  # noqa: N815  # the wire's name
    usage_rate_lower_limit: Number | None = None


class FRBCUsageForecast(NamedMessage):
    """What is expected to be drawn from the storage."""

    message_type: Literal["FRBC.UsageForecast"] = "FRBC.UsageForecast"
    start_time: Timestamp
    elements: tuple[FRBCUsageForecastElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """One after another, without gaps."""


class FRBCFillLevelTargetProfileElement(S2Model):
    """Where the fill level is wanted for some time."""

    duration: Milliseconds
    fill_level_range: NumberRange


class FRBCFillLevelTargetProfile(NamedMessage):
    """Where the fill level is wanted; the energy manager does its best."""

    message_type: Literal["FRBC.FillLevelTargetProfile"] = "FRBC.FillLevelTargetProfile"
    start_time: Timestamp
    elements: tuple[FRBCFillLevelTargetProfileElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """One after another, without gaps."""


class FRBCInstruction(NamedMessage):
    """The energy manager chooses an actuator's mode."""

    message_type: Literal["FRBC.Instruction"] = "FRBC.Instruction"
    id: ID
    """Names the instruction; its status refers to it."""
    actuator_id: ID
    operation_mode: ID
    """The mode's id (without `_id` in its name, unlike OMBC and DDBC)."""
    operation_mode_factor: Number
    """Where in the mode's ranges, 0 to 1."""
    execution_time: Timestamp
    """When; in the past: at once."""
    abnormal_condition: StrictBool
