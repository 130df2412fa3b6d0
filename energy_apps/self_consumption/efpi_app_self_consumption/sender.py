"""Sends what was decided, as far as it differs from what holds, and keeps the answers."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.time_shiftable import SequenceAction
from efpi_app_self_consumption.asked import Order
from efpi_app_self_consumption.connection_power import SETTLE_S
from efpi_app_self_consumption.curtailment_policy import Curtailment
from efpi_app_self_consumption.decision import Decision
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.holding import LASTING_S, to_change
from efpi_app_self_consumption.interruption_policy import RunningWork
from efpi_app_self_consumption.lever import Choice
from efpi_app_self_consumption.member import Member
from efpi_app_self_consumption.orders import (
    by_member,
    curtailment_allocation,
    halt_allocation,
    material,
    mode_allocation,
    wanted_mode,
    work_allocation,
)
from efpi_app_self_consumption.planner import NewStart
from efpi_app_self_consumption.standing import Circumstances
from efpi_app_self_consumption.tariff import Price
from efpi_app_self_consumption.wording import Wording

GONE_WRONG = (AllocationStatus.REJECTED, AllocationStatus.ABORTED)


class Sender:
    """The app's voice: few words, each with its reason."""

    def __init__(self, wording: Wording, step_w: float, resolution_s: float) -> None:
        self._wording = wording
        self._step_w = step_w
        self._resolution_s = resolution_s

    # --- orders

    def send(
        self, decision: Decision, members: Mapping[str, Member], at: Circumstances, price: Price, count: int
    ) -> None:
        """Send what changed. `count` is the place of these orders among all readings."""
        for name, choices in by_member(decision.choices).items():
            self._steer(members[name], choices, at, price, count)
        for work, action in decision.halts:
            self._halt(members[work.appliance_id], work, action, at)
        for held in decision.curtailments:
            self._hold(members[held.appliance.appliance_id], held, at, price)

    def _steer(self, member: Member, choices: Sequence[Choice], at: Circumstances, price: Price, count: int) -> None:
        if self._did_not_answer(member, at):
            return
        changed = []
        for choice in choices:
            memory = member.memory(choice.lever.actuator_id or "")
            if memory.wishes((not choice.lever.on) if choice.waits else None, at.now_s):
                member.version += 1
            if material(choice, memory.order, self._step_w, at.now_s):
                changed.append(choice)
        if not changed:
            return
        reason = "; ".join(dict.fromkeys(self._wording.choice(choice, member, price, at.now) for choice in changed))
        allocation = mode_allocation(member, changed, at.now, reason, abnormal=at.abnormal)
        if allocation is None:
            return
        for choice in changed:
            mode_id, factor = wanted_mode(choice)
            memory = member.memory(choice.lever.actuator_id or "")
            if choice.switches and choice.power_w > choice.lever.resting_w:
                memory.switched_on(at.now_s)
            memory.for_need = choice.lever.worth.needed and choice.power_w > choice.lever.resting_w
            memory.order = Order(allocation.message_id, mode_id, factor, choice.power_w, at.now_s, reason)
        member.version += 1
        member.moved.asked_count = count
        member.moved.asked_w = sum(choice.power_w for choice in choices)
        member.moved.settles_at = at.now + member.delay + timedelta(seconds=SETTLE_S)
        member.appliance.allocate(allocation)

    @staticmethod
    def _did_not_answer(member: Member, at: Circumstances) -> bool:
        """An appliance that never answered its last order is left alone for a while."""
        for memory in member.memories.values():
            if memory.order is not None and memory.overdue(at.now_s, member.delay_s):
                memory.order.ended = True
                member.version += 1
                member.forbearance.refused(at.now_s, "the appliance did not answer")
                return True
        return False

    def _halt(self, member: Member, work: RunningWork, action: SequenceAction, at: Circumstances) -> None:
        if action is SequenceAction.INTERRUPT:
            spare = f"{work.slack_s / 60:.0f} min"
            reason = f"halted: a limit of the connection would be exceeded, and there are {spare} to spare"
        else:
            reason = "goes on: the connection has room again"
        allocation = halt_allocation(member, work.sequence_id, action, at.now, reason)
        if allocation is None:
            return
        member.work.halted_at_s = at.now_s if action is SequenceAction.INTERRUPT else None
        member.work.halt_id = allocation.message_id
        member.appliance.allocate(allocation)

    def _hold(self, member: Member, wanted: Curtailment, at: Circumstances, price: Price) -> None:
        held = member.held
        if not to_change(wanted, held, self._step_w, at.now_s, self._resolution_s):
            return
        if wanted.lower_w is None and wanted.upper_w is None:
            if held is not None:
                member.appliance.revoke(held.allocation_id, "nothing needs to be held back any more")
                member.held = None
            return
        options = member.space.curtailment_options_at(at.now)
        option = wanted.appliance.lower if wanted.lower_w is not None else wanted.appliance.upper
        if options is None or option is None:
            return
        lasting = max(timedelta(seconds=LASTING_S), option.minimum_duration)
        reason = self._wording.curtailment(wanted, price)
        allocation = curtailment_allocation(member, wanted, options, at.now, lasting, reason, abnormal=at.abnormal)
        if allocation is None:
            return
        member.held = Held(
            allocation.message_id,
            wanted.lower_w,
            wanted.upper_w,
            at.now_s if held is None or held.lower_w is None else held.since_s,
            at.now_s + lasting.total_seconds(),
            option.minimum_duration.total_seconds(),
        )
        member.appliance.allocate(allocation)

    def start_work(self, starts: Sequence[NewStart], at: Circumstances) -> None:
        """Ask for the starts of work."""
        for start in starts:
            reason = self._wording.schedule(start.schedule, at.now)
            abnormal = at.abnormal and any(way.abnormal for way in start.schedule.starts)
            allocation = work_allocation(start.member, start.schedule, reason, abnormal=abnormal)
            if allocation is not None:
                start.member.work.asked = start.schedule
                start.member.work.allocation_id = allocation.message_id
                start.member.appliance.allocate(allocation)

    # --- answers

    def answered(self, member: Member, status: AllocationStatusUpdate, now_s: float) -> bool:
        """Keep an answer. Whether plans rest on what it ended."""
        member.version += 1
        failed = status.status in GONE_WRONG
        text = status.text or f"the allocation was {status.status.value}"
        for memory in member.memories.values():
            order = memory.order
            if order is None or order.allocation_id != status.allocation_id:
                continue
            order.answered = True
            if status.status is AllocationStatus.STARTED:
                member.forbearance.followed()
            if not status.status.final:
                continue
            if status.status is not AllocationStatus.FINISHED:
                # Ours was the last word: whoever ended it now decides, and is left alone.
                order.ended = True
                member.forbearance.refused(now_s, text)
                return True
        if member.held is not None and member.held.allocation_id == status.allocation_id and status.status.final:
            member.held = None
            if failed:
                member.forbearance.refused(now_s, text)
        if member.work.allocation_id == status.allocation_id and status.status.final:
            return self._work_ended(member, status.status, text, now_s)
        if member.work.halt_id == status.allocation_id and failed:
            member.work.halted_at_s = None
            member.forbearance.refused(now_s, text)
        return False

    def _work_ended(self, member: Member, status: AllocationStatus, text: str, now_s: float) -> bool:
        if status is AllocationStatus.FINISHED:
            return True
        member.work.forget()
        member.forbearance.refused(now_s, text)
        return True
