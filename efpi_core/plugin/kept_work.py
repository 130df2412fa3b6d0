"""The work of a time-shiftable appliance as it outlives the process: what it is, how far it has come, and for whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, TypeAdapter, ValidationError

from efi.time_shiftable import SequenceState, TimeShiftableUpdate


@dataclass(frozen=True, slots=True)
class KeptSteps:
    """How far each step has come."""

    states: tuple[SequenceState, ...]
    noted_at: dict[str, datetime]
    """When each step came so far."""
    holders: dict[str, str]
    """The allocation that started, or will start, each step."""


_STEPS = TypeAdapter(KeptSteps)


def kept_steps(
    states: Mapping[str, SequenceState], noted_at: Mapping[str, datetime], holders: Mapping[str, str]
) -> JsonValue:
    """As JSON."""
    kept: JsonValue = _STEPS.dump_python(KeptSteps(tuple(states.values()), dict(noted_at), dict(holders)), mode="json")
    return kept


def kept_work(work: TimeShiftableUpdate) -> JsonValue:
    """As JSON."""
    kept: JsonValue = work.model_dump(mode="json")
    return kept


def recalled_work(work: JsonValue, steps: JsonValue) -> tuple[TimeShiftableUpdate, KeptSteps] | None:
    """The work that was kept; None when there is none, or none that can be read."""
    try:
        told, come = TimeShiftableUpdate.model_validate(work), _STEPS.validate_python(steps)
    except ValidationError:
        return None
    known = {step.sequence_id for step in told.sequences}
    whole = {
        state.sequence_id for state in come.states
    } == known and come.holders.keys() | come.noted_at.keys() <= known
    return (told, come) if whole else None


def same_work(one: TimeShiftableUpdate, other: TimeShiftableUpdate) -> bool:
    """Whether two updates tell the same work, though under other names and at other times."""
    unlike = {"message_id": "x", "timestamp": one.timestamp, "valid_from": one.valid_from}
    return one.model_copy(update=unlike) == other.model_copy(update=unlike)
