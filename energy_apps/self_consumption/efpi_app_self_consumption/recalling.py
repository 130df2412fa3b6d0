"""Remembering what was asked before app, gateway or appliance began anew, so that it is not asked twice."""

from efi.inflexible import InflexibleAllocation
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation
from efi.profile import profile_duration
from efi.storage import StorageAllocation
from efi.time_shiftable import SequenceAction, TimeShiftableAllocation
from efpi_app_self_consumption.asked import Order
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.member import Member


def recall(member: Member, allocation: AnyAllocation, now_s: float) -> None:
    """Take note of an allocation that stands."""
    match allocation:
        case TimeShiftableAllocation():
            _recall_work(member, allocation, now_s)
        case InflexibleAllocation():
            _recall_limit(member, allocation, now_s)
        case StorageAllocation():
            for asked in allocation.actuators:
                _recall_mode(member, asked.actuator_id, allocation, asked.mode_id, asked.factor)
        case OutputAdjustableAllocation():
            for selector in allocation.selectors:
                _recall_mode(member, "", allocation, selector.mode_id, selector.factor)
    member.version += 1


def _recall_mode(
    member: Member, actuator_id: str, allocation: AnyAllocation, mode_id: str, factor: float | None
) -> None:
    memory = member.memory(actuator_id)
    if memory.order is None or memory.order.ended:
        asked_at_s = allocation.timestamp.timestamp()
        # What it draws by that is for the appliance to say.
        memory.order = Order(allocation.message_id, mode_id, factor, 0.0, asked_at_s, allocation.reason, answered=True)


def _recall_limit(member: Member, allocation: InflexibleAllocation, now_s: float) -> None:
    profile = allocation.curtailments[0]
    first = profile.elements[0]
    begin_s = allocation.start_time.timestamp()
    lasts_s = profile_duration(profile.elements).total_seconds()
    member.held = Held(allocation.message_id, first.lower, first.upper, begin_s, begin_s + lasts_s, 0.0)


def _recall_work(member: Member, allocation: TimeShiftableAllocation, now_s: float) -> None:
    work = member.space.work
    if work is None:
        return
    member.work.take(work)
    for asked in allocation.sequences:
        if asked.action is not SequenceAction.START:
            halted = asked.action is SequenceAction.INTERRUPT
            member.work.halted_at_s = asked.start_time.timestamp() if halted else None
            member.work.halt_id = allocation.message_id
    starts = [
        (asked.sequence_id, asked.alternative_id, asked.start_time.timestamp())
        for asked in allocation.sequences
        if asked.action is SequenceAction.START
    ]
    if starts:
        member.work.recall(allocation.message_id, starts, now_s)
