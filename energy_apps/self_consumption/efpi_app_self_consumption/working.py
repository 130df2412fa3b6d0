"""Work that runs and may be halted, as the app sees it."""

from efpi_app_self_consumption.interruption_policy import RunningWork
from efpi_app_self_consumption.member import Member


def running_work(member: Member, now_s: float) -> RunningWork | None:
    """The running step of an appliance, if it may be halted, or was halted by us."""
    work, state = member.space.work, member.space.work_state
    if work is None or state is None or not member.controlled or member.forbearance.active(now_s):
        return None
    step = member.work.running(work, state.sequences, now_s)
    if step is None or not step.interruptible:
        return None
    reading = member.moved.reading
    if not step.halted and reading is not None:
        member.work.running_flow = reading.flow
    if step.halted and member.work.halted_at_s is None:
        return None
    halted_s = now_s - member.work.halted_at_s if step.halted and member.work.halted_at_s is not None else None
    return RunningWork(
        member.appliance_id, step.sequence_id, member.work.running_flow, halted_s, step.longest_halt_s, step.slack_s
    )
