"""Power profile based control (PPBC): a device that runs programmes at a time of choice, as a washing machine."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, StrictBool

from efi.s2.common import PowerForecastValue
from efi.s2.model import ID, Milliseconds, NamedMessage, S2Model, Timestamp


class PPBCPowerSequenceStatus(StrEnum):
    """How far a sequence has come."""

    NOT_SCHEDULED = "NOT_SCHEDULED"
    SCHEDULED = "SCHEDULED"
    EXECUTING = "EXECUTING"
    INTERRUPTED = "INTERRUPTED"
    FINISHED = "FINISHED"
    ABORTED = "ABORTED"


class PPBCPowerSequenceElement(S2Model):
    """What a sequence takes for some time."""

    duration: Milliseconds
    power_values: tuple[PowerForecastValue, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """At most one value for each quantity."""


class PPBCPowerSequence(S2Model):
    """One way to run a part of the programme."""

    id: ID
    """Its name within its container."""
    elements: tuple[PPBCPowerSequenceElement, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """One after another, without gaps."""
    is_interruptible: StrictBool
    """Whether it can be paused while it runs."""
    max_pause_before: Milliseconds | None = None
    """The longest pause between the end of the sequence before and the start of this one."""
    abnormal_condition_only: StrictBool
    """Whether it may be used in abnormal conditions only."""


class PPBCPowerSequenceContainer(S2Model):
    """A part of the programme: one of its sequences is to be run."""

    id: ID
    """Its name within the profile."""
    power_sequences: tuple[PPBCPowerSequence, ...] = Field(min_length=1, max_length=288, fail_fast=True)
    """The alternatives."""


class PPBCPowerProfileDefinition(NamedMessage):
    """A programme that is to run between two instants."""

    message_type: Literal["PPBC.PowerProfileDefinition"] = "PPBC.PowerProfileDefinition"
    id: ID
    """Names the profile; instructions refer to it."""
    start_time: Timestamp
    """The earliest start."""
    end_time: Timestamp
    """The latest end."""
    power_sequences_containers: tuple[PPBCPowerSequenceContainer, ...] = Field(
        min_length=1, max_length=1000, fail_fast=True
    )
    """The parts in the order in which they run."""


class PPBCPowerSequenceContainerStatus(S2Model):
    """How far a part of a programme has come."""

    power_profile_id: ID
    sequence_container_id: ID
    selected_sequence_id: ID | None = None
    """The sequence that was chosen; None where none is."""
    progress: Milliseconds | None = None
    """How long the sequence has been running."""
    status: PPBCPowerSequenceStatus


class PPBCPowerProfileStatus(NamedMessage):
    """How far a programme has come, part by part."""

    message_type: Literal["PPBC.PowerProfileStatus"] = "PPBC.PowerProfileStatus"
    sequence_container_status: tuple[PPBCPowerSequenceContainerStatus, ...] = Field(
        min_length=1, max_length=1000, fail_fast=True
    )


class PPBCSequenceInstruction(NamedMessage):
    """What the energy manager wants of one sequence."""

    id: ID
    """Names the instruction; its status refers to it."""
    power_profile_id: ID
    sequence_container_id: ID
    power_sequence_id: ID
    execution_time: Timestamp
    """When; in the past: at once."""
    abnormal_condition: StrictBool


class PPBCScheduleInstruction(PPBCSequenceInstruction):
    """The sequence is chosen, and starts at `execution_time`."""

    message_type: Literal["PPBC.ScheduleInstruction"] = "PPBC.ScheduleInstruction"


class PPBCStartInterruptionInstruction(PPBCSequenceInstruction):
    """The sequence pauses at `execution_time`."""

    message_type: Literal["PPBC.StartInterruptionInstruction"] = "PPBC.StartInterruptionInstruction"


class PPBCEndInterruptionInstruction(PPBCSequenceInstruction):
    """The sequence goes on at `execution_time`."""

    message_type: Literal["PPBC.EndInterruptionInstruction"] = "PPBC.EndInterruptionInstruction"
