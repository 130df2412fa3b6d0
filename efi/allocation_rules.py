"""What an energy app may ask of an appliance, given what the appliance told."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from efi.control_space import ControlSpace
from efi.curtailment_rules import check_curtailment
from efi.inflexible import InflexibleAllocation
from efi.messages import AnyAllocation
from efi.mode_rules import IndexAt, ModeJudge
from efi.output_adjustable import OutputAdjustableAllocation
from efi.refusal import refuse
from efi.shiftable_rules import WorkJudge, planned_starts
from efi.time_shiftable import TimeShiftableAllocation


def check_allocation(
    space: ControlSpace,
    allocation: AnyAllocation,
    open_allocations: Iterable[AnyAllocation],
    now: datetime,
    index_at: IndexAt,
) -> None:
    """The allocation rests on a live update, and asks for what is on offer."""
    if not space.live(allocation.control_space_update_id):
        refuse(
            "update_not_live",
            "control_space_update_id",
            allocation.control_space_update_id,
            "no live update has this name",
            "quote what the appliance told last",
        )
    delay = processing_delay(space)
    if isinstance(allocation, InflexibleAllocation):
        check_curtailment(space, allocation, now)
    elif isinstance(allocation, TimeShiftableAllocation):
        _check_work(space, allocation, open_allocations, now + delay)
    elif isinstance(allocation, OutputAdjustableAllocation):
        ModeJudge(space, now, delay, allocation.abnormal_condition, index_at).check_selectors(allocation)
    else:
        ModeJudge(space, now, delay, allocation.abnormal_condition, index_at).check_actuators(allocation)


def processing_delay(space: ControlSpace) -> timedelta:
    """How long the appliance takes to act on an allocation."""
    return space.registration.processing_delay if space.registration is not None else timedelta(0)


def _check_work(
    space: ControlSpace,
    allocation: TimeShiftableAllocation,
    open_allocations: Iterable[AnyAllocation],
    acts_at: datetime,
) -> None:
    if space.work is None:
        refuse("work_missing", "", None, "no work was told", "wait for a time-shiftable update")
    earlier = (
        each
        for each in open_allocations
        if isinstance(each, TimeShiftableAllocation) and space.live(each.control_space_update_id)
    )
    WorkJudge(space, space.work, acts_at, planned_starts(earlier)).check(allocation)


def refuse_past_start(starts: Iterable[datetime], acts_at: datetime) -> None:
    """A start lies no earlier than the appliance can act; for conversations in which a past start means nothing."""
    earliest = min(starts)
    if earliest < acts_at:
        refuse(
            "starts_too_early",
            "start_time",
            earliest.isoformat(),
            f"the appliance cannot act before {acts_at.isoformat()}",
            "start then or later",
        )
