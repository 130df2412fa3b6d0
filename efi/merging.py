"""Completing a state by what was said before: what it does not mention stays as it was."""

from datetime import datetime
from typing import TypeVar

from efi.demand_driven import DemandDrivenStateUpdate
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.running_mode import MAX_MODES, ModeState
from efi.storage import ActuatorState, StorageStateUpdate
from efi.time_shiftable import TimeShiftableStateUpdate

AnyState = StorageStateUpdate | OutputAdjustableStateUpdate | DemandDrivenStateUpdate
"""The state of any category that has running modes."""

_State = TypeVar("_State", bound=ModeState)


def merged_state(before: AnyState, after: AnyState, now: datetime) -> AnyState:
    """The newer state, completed; the newer message itself where nothing is missing."""
    if isinstance(after, OutputAdjustableStateUpdate):
        return merged_timers(before, after, now) if isinstance(before, OutputAdjustableStateUpdate) else after
    if isinstance(before, OutputAdjustableStateUpdate):
        return after
    missing: dict[str, object] = {}
    actuators = merged_actuators(before.actuators, after.actuators, now)
    if actuators is not after.actuators:
        missing["actuators"] = actuators
    if isinstance(after, DemandDrivenStateUpdate) and after.demand is None:
        missing |= _demand_of(before)
    return after.model_copy(update=missing) if missing else after


def _demand_of(before: AnyState) -> dict[str, object]:
    if not isinstance(before, DemandDrivenStateUpdate) or before.demand is None:
        return {}
    return {"demand": before.demand}


def merged_actuators(
    before: tuple[ActuatorState, ...], after: tuple[ActuatorState, ...], now: datetime
) -> tuple[ActuatorState, ...]:
    """The actuators' newer states, completed; the newer tuple itself where nothing is missing."""
    if not before:
        return after
    if len(before) == len(after) == 1 and not before[0].timers:
        return after if before[0].actuator_id == after[0].actuator_id else (*before, *after)
    newer = {state.actuator_id: state for state in after}
    older = {state.actuator_id: state for state in before}
    merged = tuple(
        merged_timers(older[name], newer[name], now)
        if name in older and name in newer
        else newer.get(name) or older[name]
        for name in {**older, **newer}
    )
    unchanged = len(merged) == len(after) and all(one is other for one, other in zip(merged, after, strict=True))
    return after if unchanged else merged


def merged_timers(before: _State, after: _State, now: datetime) -> _State:
    """The newer state with the timers that only the older one mentions; those that have ended hold nothing up."""
    if not before.timers:
        return after
    mentioned = {timer.timer_id for timer in after.timers}
    missing = [timer for timer in before.timers if timer.timer_id not in mentioned and timer.finished_at > now]
    return after.model_copy(update={"timers": (*after.timers, *missing)[:MAX_MODES]}) if missing else after


def merged_work_state(before: TimeShiftableStateUpdate, after: TimeShiftableStateUpdate) -> TimeShiftableStateUpdate:
    """The newer state of the work with the steps that only the older one mentions."""
    mentioned = {step.sequence_id for step in after.sequences}
    missing = tuple(step for step in before.sequences if step.sequence_id not in mentioned)
    return after.model_copy(update={"sequences": (*after.sequences, *missing)}) if missing else after
