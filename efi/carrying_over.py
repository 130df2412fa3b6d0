"""Carrying an open allocation over to what the appliance tells in a new life, when its driver or gateway began anew.

An allocation speaks in the appliance's own names: modes, steps of work, quantities. It still means something when the
appliance offers again what it asks for; then it rests on the new update of that kind. How far it has come, and whether
a timer stands in its way just now, is for the appliance to say, and no reason to close it here.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from efi.allocation import Allocation
from efi.control_space import ControlSpace
from efi.curtailment_rules import check_rest_of_curtailment
from efi.demand_driven import DemandDrivenAllocation
from efi.inflexible import InflexibleAllocation
from efi.message import ControlSpaceUpdate
from efi.messages import AnyAllocation
from efi.mode_rules import IndexAt, ModeJudge
from efi.output_adjustable import OutputAdjustableAllocation
from efi.refusal import refuse
from efi.shiftable_rules import check_steps_exist
from efi.storage import StorageAllocation
from efi.time_shiftable import TimeShiftableAllocation


def new_ground(space: ControlSpace, allocation: Allocation, now: datetime) -> ControlSpaceUpdate | None:
    """The update on which an allocation of this kind rests now; None while the appliance has not told it."""
    match allocation:
        case InflexibleAllocation():
            return space.curtailment_options_at(now)
        case TimeShiftableAllocation():
            return space.work
        case _:
            return space.description_at(now)


def carried_over(space: ControlSpace, allocation: AnyAllocation, now: datetime, index_at: IndexAt) -> AnyAllocation:
    """The allocation on its new ground. Raises `Refused` when what it asks for is not on offer any more."""
    ground = new_ground(space, allocation, now)
    if ground is None:
        refuse("ground_missing", "", None, "the appliance does not tell any more what it rested on", "allocate anew")
    _OFFERED[type(allocation)](space, allocation, now, index_at)
    return allocation.model_copy(update={"control_space_update_id": ground.message_id})


def _modes_of_actuators(
    space: ControlSpace, allocation: StorageAllocation | DemandDrivenAllocation, now: datetime, index_at: IndexAt
) -> None:
    judge = ModeJudge(space, now, allocation.abnormal_condition, index_at)
    for place, asked in enumerate(allocation.actuators):
        judge.check_mode(asked.actuator_id, asked, f"actuators.{place}.")


def _modes(space: ControlSpace, allocation: OutputAdjustableAllocation, now: datetime, index_at: IndexAt) -> None:
    judge = ModeJudge(space, now, allocation.abnormal_condition, index_at)
    for place, asked in enumerate(allocation.selectors):
        judge.check_mode(None, asked, f"selectors.{place}.")


def _curtailment(space: ControlSpace, allocation: InflexibleAllocation, now: datetime, index_at: IndexAt) -> None:
    check_rest_of_curtailment(space, allocation, now)


def _steps(space: ControlSpace, allocation: TimeShiftableAllocation, now: datetime, index_at: IndexAt) -> None:
    if space.work is not None:
        check_steps_exist(space, space.work, allocation)


_OFFERED: dict[type[Allocation], Callable[[ControlSpace, Any, datetime, IndexAt], None]] = {
    InflexibleAllocation: _curtailment,
    TimeShiftableAllocation: _steps,
    StorageAllocation: _modes_of_actuators,
    DemandDrivenAllocation: _modes_of_actuators,
    OutputAdjustableAllocation: _modes,
}
