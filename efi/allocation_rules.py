"""What an energy app may ask of an appliance, given what the appliance told."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from efi.allocation import Allocation
from efi.control_space import ControlSpace
from efi.curtailment_rules import check_curtailment
from efi.demand_driven import DemandDrivenAllocation
from efi.inflexible import InflexibleAllocation
from efi.mode_rules import IndexAt, check_actuators, check_selectors
from efi.open_allocation import OpenAllocation, OpenAllocations
from efi.output_adjustable import OutputAdjustableAllocation
from efi.refusal import refuse
from efi.shiftable_rules import WorkJudge, planned_starts
from efi.storage import StorageAllocation
from efi.time_shiftable import TimeShiftableAllocation

MAX_OPEN = 64
"""How many allocations of one appliance may be open at once."""

_NO_DELAY = timedelta(0)

Rule = Callable[[ControlSpace, Any, OpenAllocations, datetime, IndexAt], None]
"""Judges an allocation: raises `Refused` when it breaks a rule."""


def acting_at(space: ControlSpace, now: datetime) -> datetime:
    """The first instant at which the appliance can act on an allocation that is made now."""
    delay = space.registration.processing_delay if space.registration is not None else _NO_DELAY
    return now + delay if delay else now


def check_ground(space: ControlSpace, allocation: Allocation, opened: OpenAllocations) -> None:
    """An allocation rests on a live update, and there are not too many."""
    if len(opened) >= MAX_OPEN:
        refuse(
            "too_many_open",
            "",
            None,
            f"{MAX_OPEN} allocations of this appliance are open",
            "wait for their statuses, or revoke some",
        )
    quoted = allocation.control_space_update_id
    if not space.live(quoted):
        refuse(
            "update_not_live",
            "control_space_update_id",
            quoted,
            "no live update has this name",
            "quote what the appliance told last",
        )


def check_past_start(allocation: OpenAllocation, acts_at: datetime) -> None:
    """Nothing starts before the appliance can act; for conversations in which a past start means nothing."""
    earliest = min(allocation.begins.values())
    if earliest < acts_at:
        refuse(
            "starts_too_early",
            "start_time",
            earliest.isoformat(),
            f"the appliance cannot act before {acts_at.isoformat()}",
            "start then or later",
        )


def _check_curtailment(
    space: ControlSpace,
    allocation: InflexibleAllocation,
    opened: OpenAllocations,
    acts_at: datetime,
    index_at: IndexAt,
) -> None:
    check_curtailment(space, allocation)


def _check_work(
    space: ControlSpace,
    allocation: TimeShiftableAllocation,
    opened: OpenAllocations,
    acts_at: datetime,
    index_at: IndexAt,
) -> None:
    if space.work is None:
        refuse("work_missing", "", None, "no work was told", "wait for a time-shiftable update")
    WorkJudge(space, space.work, acts_at, planned_starts(_on_live_work(space, opened))).check(allocation)


def _on_live_work(space: ControlSpace, opened: OpenAllocations) -> Iterable[TimeShiftableAllocation]:
    for each in opened.values():
        earlier = each.allocation
        if isinstance(earlier, TimeShiftableAllocation) and space.live(earlier.control_space_update_id):
            yield earlier


RULES: dict[type[Allocation], Rule] = {
    InflexibleAllocation: _check_curtailment,
    TimeShiftableAllocation: _check_work,
    StorageAllocation: check_actuators,
    DemandDrivenAllocation: check_actuators,
    OutputAdjustableAllocation: check_selectors,
}
"""The rule of each category's allocation."""
