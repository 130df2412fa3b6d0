"""Time-shiftable appliances: a fixed run of work that may wait, until a deadline. EF-Pi's TimeShifter."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from efi.allocation import Allocation
from efi.measurement import ForecastElements, require_same_quantities
from efi.message import ControlSpaceUpdate
from efi.profile import profile_duration
from efi.registration import Category, ControlSpaceRegistration
from efi.types import Duration, Identifier, Instant, Label, Model, refuse_repeated, require_after, violated


class TimeShiftableRegistration(ControlSpaceRegistration):
    """Registers an appliance whose work can be moved in time."""

    category = Category.TIME_SHIFTABLE
    type: Literal["time_shiftable_registration"] = "time_shiftable_registration"


class Alternative(Model):
    """One way of doing a step of the work."""

    alternative_id: Identifier
    """Names the way within its step."""
    label: Label = ""
    """Its name for people."""
    elements: ForecastElements
    """The power that it takes, from its start on."""
    maximum_interval_before: Duration | None = None
    """The longest pause before this very way, where it is shorter than that before the step (S2: max pause before)."""
    interruptible: bool = False
    """Whether it may be halted and resumed."""
    maximum_interruption: Duration | None = None
    """The longest halt, where it may be halted; without it only the deadline bounds it."""
    abnormal_condition_only: bool = False
    """Whether it may only be chosen in an emergency of the grid."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_same_quantities(self.elements)
        if self.maximum_interruption is not None and not self.interruptible:
            raise violated(
                "interruption_of_uninterruptible",
                "a longest interruption is told of work that is not interruptible; set `interruptible` or leave it out",
            )
        return self

    @property
    def duration(self) -> timedelta:
        """How long it runs when it is not halted."""
        return profile_duration(self.elements)


class SequentialProfile(Model):
    """One step of the work: exactly one of its alternatives is run, after the step before."""

    sequence_id: Identifier
    """Names the step."""
    maximum_interval_before: Duration | None = None
    """The longest pause between the end of the step before and the start of this; None leaves it free.

    It does not bound the first step, which may start from the update's `start_after` on.
    """
    alternatives: Annotated[tuple[Alternative, ...], Field(min_length=1, max_length=288)]
    """The ways of doing the step."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated(self.alternatives, "alternatives", "alternative_id")
        return self

    def alternative(self, alternative_id: str | None) -> Alternative | None:
        """The way of that name; the only one when none is named; None when there is no such."""
        if alternative_id is None:
            return self.alternatives[0] if len(self.alternatives) == 1 else None
        return next((way for way in self.alternatives if way.alternative_id == alternative_id), None)

    def longest_interval_before(self, alternative_id: str | None = None) -> timedelta | None:
        """The longest pause before one way, or before any where none is named; None leaves it free."""
        ways = self.alternatives if alternative_id is None else (self.alternative(alternative_id),)
        pauses = (self.maximum_interval_before, *(way.maximum_interval_before for way in ways if way is not None))
        return min((pause for pause in pauses if pause is not None), default=None)

    @property
    def shortest(self) -> timedelta:
        """How long the step takes at least."""
        return min(alternative.duration for alternative in self.alternatives)


class TimeShiftableUpdate(ControlSpaceUpdate):
    """Work that waits: steps in their order, to be finished before the deadline. Replaces the work told before."""

    belongs_to = "time_shiftable_registration"
    type: Literal["time_shiftable_update"] = "time_shiftable_update"
    start_after: Instant | None = None
    """The earliest start; without it `valid_from`."""
    end_before: Instant
    """The deadline of the last step."""
    sequences: Annotated[tuple[SequentialProfile, ...], Field(min_length=1, max_length=1000)]
    """The steps in their order."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeated(self.sequences, "sequences", "sequence_id")
        require_after(self.earliest_start, self.end_before)
        if self.shortest > self.end_before - self.earliest_start:
            raise violated(
                "deadline_too_early",
                "the steps take at least {shortest} from {start}, and the deadline is {deadline}; set a later deadline",
                shortest=str(self.shortest),
                start=self.earliest_start.isoformat(),
                deadline=self.end_before.isoformat(),
            )
        return self

    @property
    def earliest_start(self) -> Instant:
        """When the first step may start."""
        return self.valid_from if self.start_after is None else max(self.valid_from, self.start_after)

    @property
    def shortest(self) -> timedelta:
        """How long all steps take at least, without a pause."""
        return sum((sequence.shortest for sequence in self.sequences), timedelta(0))

    @property
    def latest_start(self) -> Instant:
        """When the first step must start at the latest, with the shortest ways and no pause."""
        return self.end_before - self.shortest

    def sequence(self, sequence_id: str) -> SequentialProfile | None:
        """The step of that name, or None."""
        return next((step for step in self.sequences if step.sequence_id == sequence_id), None)


class SequenceStatus(StrEnum):
    """How far a step has come (S2: power sequence status)."""

    NOT_SCHEDULED = "not_scheduled"
    SCHEDULED = "scheduled"
    EXECUTING = "executing"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    ABORTED = "aborted"


class SequenceState(Model):
    """How far one step has come."""

    sequence_id: Identifier
    """The step."""
    status: SequenceStatus
    """How far."""
    alternative_id: Identifier | None = None
    """The way that was chosen, once it is."""
    progress: Duration | None = None
    """How much of it has been run, halts left out."""
    starts_at: Instant | None = None
    """When it started or will start, once that is known."""


class TimeShiftableStateUpdate(ControlSpaceUpdate):
    """How far the work has come (S2: power profile status)."""

    belongs_to = "time_shiftable_registration"
    type: Literal["time_shiftable_state_update"] = "time_shiftable_state_update"
    sequences: Annotated[tuple[SequenceState, ...], Field(min_length=1, max_length=1000)]
    """The steps; one that is not mentioned is as it was."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated(self.sequences, "sequences", "sequence_id")
        return self


class SequenceAction(StrEnum):
    """What to do with a step."""

    START = "start"
    INTERRUPT = "interrupt"
    RESUME = "resume"


class SequenceAllocation(Model):
    """What to do with one step, and when."""

    sequence_id: Identifier
    """The step."""
    alternative_id: Identifier | None = None
    """The way of doing it; may be left out where there is only one."""
    start_time: Instant
    """When to start, halt or resume it."""
    action: SequenceAction = SequenceAction.START
    """Whether to start, halt or resume it."""


class TimeShiftableAllocation(Allocation):
    """Asks to start, halt or resume steps; all at once or one by one."""

    belongs_to = "time_shiftable_registration"
    type: Literal["time_shiftable_allocation"] = "time_shiftable_allocation"
    sequences: Annotated[tuple[SequenceAllocation, ...], Field(min_length=1, max_length=1000)]
    """The steps that are spoken of."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated(self.sequences, "steps", "sequence_id", "action", "start_time")
        return self
