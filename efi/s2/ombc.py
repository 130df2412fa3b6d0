"""Operation mode based control (OMBC): a device that changes among modes, as a generator."""

from typing import Literal

from pydantic import Field, StrictBool

from efi.s2.common import NumberRange, PowerRange, Timer, Transition
from efi.s2.model import ID, NamedMessage, Number, S2Model, Timestamp


class OMBCOperationMode(S2Model):
    """One thing that the device can do, with some room between factor 0 and 1."""

    id: ID
    diagnostic_label: str | None = None
    """For debugging, not for people's screens."""
    power_ranges: tuple[PowerRange, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one for each quantity; the start belongs to factor 0, the end to factor 1."""
    running_costs: NumberRange | None = None
    """Costs a second beside the commodity's; the range tells uncertainty and has nothing to do with the factor."""
    abnormal_condition_only: StrictBool
    """Whether it may be used in abnormal conditions only."""


class OMBCSystemDescription(NamedMessage):
    """What the device can do."""

    message_type: Literal["OMBC.SystemDescription"] = "OMBC.SystemDescription"
    valid_from: Timestamp
    operation_modes: tuple[OMBCOperationMode, ...] = Field(min_length=1, max_length=100, fail_fast=True)
    transitions: tuple[Transition, ...] = Field(max_length=1000, fail_fast=True)
    timers: tuple[Timer, ...] = Field(max_length=1000, fail_fast=True)


class OMBCStatus(NamedMessage):
    """What the device does now."""

    message_type: Literal["OMBC.Status"] = "OMBC.Status"
    active_operation_mode_id: ID
    operation_mode_factor: Number
    """Where in the mode's ranges it is, 0 to 1."""
    previous_operation_mode_id: ID | None = None
    """The mode before; None where the active one is the first known."""
    transition_timestamp: Timestamp | None = None
    """When the change from the mode before began; None where the active one is the first known."""


class OMBCTimerStatus(NamedMessage):
    """When a timer is over."""

    message_type: Literal["OMBC.TimerStatus"] = "OMBC.TimerStatus"
    timer_id: ID
    finished_at: Timestamp
    """In the past: it is over, or never ran."""


class OMBCInstruction(NamedMessage):
    """The energy manager chooses a mode."""

    message_type: Literal["OMBC.Instruction"] = "OMBC.Instruction"
    id: ID
    """Names the instruction; its status refers to it."""
    execution_time: Timestamp
    """When; in the past: at once."""
    operation_mode_id: ID
    operation_mode_factor: Number
    """Where in the mode's ranges, 0 to 1."""
    abnormal_condition: StrictBool
