"""Base classes for time-shiftables: an author adds `register`, `poll`, `start_sequence`, and tells the work to do."""

from abc import abstractmethod
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from efi.allocation import AllocationStatus
from efi.messages import AnyAllocation, AnyUpdate
from efi.time_shiftable import (
    SequenceAction,
    SequenceAllocation,
    SequenceState,
    SequenceStatus,
    TimeShiftableAllocation,
    TimeShiftableRegistration,
    TimeShiftableStateUpdate,
    TimeShiftableUpdate,
)
from efpi_core.clock import TimerHandle
from efpi_core.clock_event import ClockSet
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.appliance import STANDING_S, Appliance
from efpi_core.plugin.context import Context
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.kept_work import kept_steps, kept_work, recalled_work, same_work
from efpi_core.plugin.plugin import ConfigT
from efpi_core.plugin.work_deadline import cannot_wait_beyond

LATE_S = 900.0
"""A start that passed while nobody was there is made up for within this; later it is given up, to be asked anew."""

TRIED_AGAIN_S = 60.0
"""A device that did not start its work in time is tried again after this."""


class TimeShiftableAppliance(Appliance):
    """An appliance with work that may wait.

    `offer_work` tells the work, `start_sequence` starts a step of it, and the driver says `sequence_ended` when a step
    is done. What nobody has allocated is started by the base class in time for its deadline, step by step, and what
    somebody halted and forgot is resumed.
    """

    work: TimeShiftableUpdate | None = None
    """The work that waits or runs."""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.states: dict[str, SequenceState] = {}
        self._holders: dict[str, str] = {}
        self._noted_at: dict[str, datetime] = {}
        self._over_unheard: dict[str, AllocationStatus] = {}
        """How allocations of a former life ended whose steps were over before anybody told that they stand."""
        self._work_alarm: TimerHandle | None = None
        self._recalled = self._recall()

    # --- what an author writes

    @abstractmethod
    def register(self) -> TimeShiftableRegistration:
        """Who the appliance is."""

    @abstractmethod
    async def start_sequence(self, sequence_id: str, alternative_id: str) -> None:
        """Start a step of the work now; raise TryAgainError or RefusedError when the device does not."""

    async def interrupt_sequence(self, sequence_id: str) -> None:
        """Halt a running step."""
        raise RefusedError("this appliance cannot be halted")

    async def resume_sequence(self, sequence_id: str) -> None:
        """Go on with a halted step."""
        raise RefusedError("this appliance cannot be halted")

    # --- for the author

    def describe(self) -> Iterable[AnyUpdate]:
        """The work that waits, if any, under a new name: what was taken back is told anew."""
        if self.work is not None:
            self.work = self.work.model_copy(update=dict(self.valid_now(self.work.valid_from)))
            yield self.work

    def report(self) -> None:
        """Tell how far the work has come."""
        if self.present and self.work is not None and self.states:
            self.tell(TimeShiftableStateUpdate(**self.valid_now(), sequences=tuple(self.states.values())))

    def found(self) -> None:
        """The device answers. Steps of a former life for which no allocation stands wait again."""
        first = not self._registered
        super().found()
        if first and self._holders:
            self.context.call_later(STANDING_S, self._let_go_of_what_does_not_stand)

    def _let_go_of_what_does_not_stand(self) -> None:
        for holder in dict.fromkeys(self._holders.values()):
            if not self.is_open(holder):
                self._let_go(holder)
        self.report()

    def describe_anew(self) -> None:
        """Tell the control space again, and how far the work has come."""
        super().describe_anew()
        self.report()

    def offer_work(self, work: TimeShiftableUpdate) -> None:
        """Tell work that waits; it takes the place of the work before.

        Work that a former life of the driver knew, and that the device still holds, goes on where it was.
        """
        recalled, self._recalled = self._recalled, False
        if recalled and self.work is not None and same_work(self.work, work):
            return
        for allocation_id in dict.fromkeys(self._holders.values()):
            if self.is_open(allocation_id):
                self.end_allocation(allocation_id, AllocationStatus.ABORTED, "other work took its place")
        self.work = work
        self.states = {
            step.sequence_id: SequenceState(sequence_id=step.sequence_id, status=SequenceStatus.NOT_SCHEDULED)
            for step in work.sequences
        }
        self._holders.clear()
        self._noted_at.clear()
        self.context.storage.put(self.memory_key("work"), kept_work(work))
        self._keep()
        if self.present:
            self.tell(work)
        self._watch_deadline()

    def clock_set(self, event: ClockSet) -> None:
        """Pauses take as long as they did; a deadline is what the clock on the wall shows, where that is believed."""
        self._noted_at = {step: at + event.step for step, at in self._noted_at.items()}
        self.states = {
            step: state
            if state.starts_at is None
            else state.model_copy(update={"starts_at": state.starts_at + event.step})
            for step, state in self.states.items()
        }
        if self.work is not None:
            work = self.work
            self.work = work.model_copy(
                update={
                    "valid_from": event.moved(work.valid_from),
                    "start_after": None if work.start_after is None else event.moved(work.start_after),
                    "end_before": event.moved(work.end_before),
                }
            )
            self.context.storage.put(self.memory_key("work"), kept_work(self.work))
        self._keep()
        self._watch_deadline()

    def sequence_ended(self, sequence_id: str, status: SequenceStatus = SequenceStatus.FINISHED) -> None:
        """A step is done, or broken off."""
        self._note(sequence_id, status)
        holder = self._holders.get(sequence_id)
        if holder is not None and (word := self._word_on(holder)) is not None:
            if self.is_open(holder):
                self.end_allocation(holder, word)
            else:
                self._over_unheard[holder] = word
        self.report()
        if all(state.status in _OVER for state in self.states.values()):
            self.work = None
            self._keep()
        self._watch_deadline()

    async def fallback(self) -> None:
        """Nobody decides: go on with what is halted, and leave the rest to its deadline, which is watched here."""
        for state in tuple(self.states.values()):
            if state.status is SequenceStatus.INTERRUPTED:
                await self._resume_step(state.sequence_id)

    # --- allocations

    async def carry_out(self, allocation: AnyAllocation) -> None:
        """Start, halt or resume steps as asked."""
        if not isinstance(allocation, TimeShiftableAllocation):
            raise RefusedError(f"a time-shiftable appliance cannot follow {allocation.type}")
        if self.work is None:
            raise RefusedError("there is no work to do")
        for step in allocation.sequences:
            self._require_possible(step)
        self._hand_over(allocation)
        self.accept(allocation)
        now = self.context.now()
        for step in allocation.sequences:
            await self._at_its_time(allocation.message_id, step, now)
        self._watch_deadline()
        self.report()

    async def take_up(self, allocation: AnyAllocation) -> None:
        """Go on with steps that this very work has: those that are over are, those that wait are started."""
        if not isinstance(allocation, TimeShiftableAllocation) or not self.is_open(allocation.message_id):
            await self.carry_out(allocation)
            return
        unheard = self._over_unheard.pop(allocation.message_id, None) or self._word_on(allocation.message_id)
        if unheard is not None:
            self.end_allocation(allocation.message_id, unheard)
            return
        held, now = self._held_by(allocation.message_id), self.context.now()
        if not held and any(step.action is SequenceAction.START for step in allocation.sequences):
            raise RefusedError("the work that it was given for is gone")
        for step in allocation.sequences:
            if self.states[step.sequence_id].status not in _POSSIBLE[step.action]:
                continue
            if (now - step.start_time).total_seconds() > LATE_S:
                raise RefusedError(f"the start of step '{step.sequence_id}' passed while nobody was there")
            await self._at_its_time(allocation.message_id, step, now)
        self._watch_deadline()
        self.report()

    def _require_possible(self, step: SequenceAllocation) -> None:
        state = self.states.get(step.sequence_id)
        if state is None:
            raise RefusedError(f"there is no step '{step.sequence_id}' in the work that waits")
        if state.status not in _POSSIBLE[step.action]:
            raise RefusedError(f"step '{step.sequence_id}' is {state.status.value} and cannot {step.action.value}")

    async def _at_its_time(self, allocation_id: str, step: SequenceAllocation, now: datetime) -> None:
        job = partial(self._do, allocation_id, step)
        if step.start_time <= now:
            await job()
        elif self.is_open(allocation_id):
            if step.action is SequenceAction.START:
                self._note(step.sequence_id, SequenceStatus.SCHEDULED, step.alternative_id, step.start_time)
            self.schedule(allocation_id, step.start_time, job)

    def _hand_over(self, allocation: TimeShiftableAllocation) -> None:
        """Take the steps that an allocation starts; an older one that has none left is revoked."""
        started = [step.sequence_id for step in allocation.sequences if step.action is SequenceAction.START]
        before = {self._holders[sequence] for sequence in started if sequence in self._holders}
        self._holders |= dict.fromkeys(started, allocation.message_id)
        self._keep()
        for older in sorted(before):
            if self.is_open(older) and all(self.states[held].status in _OVER for held in self._held_by(older)):
                self.end_allocation(older, AllocationStatus.REVOKED, "replaced by a newer allocation")

    def end_allocation(self, allocation_id: str, status: AllocationStatus, text: str = "") -> None:
        """Answer with a final status and forget the allocation; its steps that have not begun wait again."""
        super().end_allocation(allocation_id, status, text)
        self._let_go(allocation_id)

    def _let_go(self, allocation_id: str) -> None:
        waits_again = False
        for sequence_id in self._held_by(allocation_id):
            del self._holders[sequence_id]
            if self.states[sequence_id].status is SequenceStatus.SCHEDULED:
                self._note(sequence_id, SequenceStatus.NOT_SCHEDULED)
                waits_again = True
        self._keep()
        if waits_again:
            self._watch_deadline()

    async def take_back(self, allocation_id: str) -> None:
        """A step that has not begun waits again, as `end_allocation` arranged; one that runs goes on."""

    async def _do(self, allocation_id: str, step: SequenceAllocation) -> None:
        started = step.action is SequenceAction.START
        if not self.is_open(allocation_id) or (started and self._holders.get(step.sequence_id) != allocation_id):
            return
        try:
            self._require_possible(step)
            await self._act_on(step)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))
            self._watch_deadline()
            self.report()
            return
        self.started(allocation_id)
        if not started:
            self.end_allocation(allocation_id, AllocationStatus.FINISHED)
        self._watch_deadline()
        self.report()

    async def _act_on(self, step: SequenceAllocation) -> None:
        if step.action is SequenceAction.INTERRUPT:
            await self.interrupt_sequence(step.sequence_id)
            self._note(step.sequence_id, SequenceStatus.INTERRUPTED)
        elif step.action is SequenceAction.RESUME:
            await self._resume_step(step.sequence_id)
        else:
            await self._start_step(step.sequence_id, step.alternative_id)

    async def _start_step(self, sequence_id: str, wanted: str | None) -> None:
        alternative = self._alternative(sequence_id, wanted)
        await self.start_sequence(sequence_id, alternative)
        self._note(sequence_id, SequenceStatus.EXECUTING, alternative, self.context.now())

    async def _resume_step(self, sequence_id: str) -> None:
        await self.resume_sequence(sequence_id)
        self._note(sequence_id, SequenceStatus.EXECUTING)

    # --- what nobody looks after

    def _watch_deadline(self) -> None:
        """Look after the work at the instant at which it cannot wait any longer."""
        if self._work_alarm is not None:
            self._work_alarm.cancel()
            self._work_alarm = None
        when = None if self.work is None else cannot_wait_beyond(self.work, self.states, self._noted_at)
        if when is not None:
            self._work_alarm = self.context.call_at(when, self._act_unasked)

    async def _act_unasked(self) -> None:
        """Start or resume the step that cannot wait any longer; a device that does not is tried again in a minute."""
        if self.work is None:
            return
        step = next(step for step in self.work.sequences if self.states[step.sequence_id].status not in _OVER)
        try:
            if not self.present:
                raise TryAgainError("the device is out of reach")
            if self.states[step.sequence_id].status is SequenceStatus.INTERRUPTED:
                await self._resume_step(step.sequence_id)
            else:
                await self._start_step(step.sequence_id, None)
        except (RefusedError, TryAgainError, OSError, TimeoutError):
            self._work_alarm = self.context.call_later(TRIED_AGAIN_S, self._act_unasked)
            return
        self.report()

    def _alternative(self, sequence_id: str, wanted: str | None) -> str:
        step = self.work.sequence(sequence_id) if self.work is not None else None
        if step is None:
            raise RefusedError(f"there is no step '{sequence_id}' in the work that waits")
        if wanted is not None:
            return wanted
        ordinary = [way for way in step.alternatives if not way.abnormal_condition_only] or step.alternatives
        return min(ordinary, key=lambda way: way.duration).alternative_id

    def _note(
        self,
        sequence_id: str,
        status: SequenceStatus,
        alternative_id: str | None = None,
        starts_at: datetime | None = None,
    ) -> None:
        before = self.states[sequence_id]
        waits = status is SequenceStatus.NOT_SCHEDULED
        self._noted_at[sequence_id] = self.context.now()
        self.states[sequence_id] = SequenceState(
            sequence_id=sequence_id,
            status=status,
            alternative_id=None if waits else alternative_id or before.alternative_id,
            progress=before.progress,
            starts_at=None if waits else starts_at or before.starts_at,
        )
        self._keep()

    def _recall(self) -> bool:
        """Take up the work that a former life of the driver kept; whether there is any."""
        storage = self.context.storage
        kept = recalled_work(storage.get(self.memory_key("work")), storage.get(self.memory_key("steps")))
        if kept is None:
            return False
        self.work, steps = kept
        self.states = {state.sequence_id: state for state in steps.states}
        self._noted_at, self._holders = dict(steps.noted_at), dict(steps.holders)
        self._watch_deadline()
        return True

    def _keep(self) -> None:
        """Keep how far the work has come; nothing once it is over."""
        if self.work is None:
            self.context.storage.put(self.memory_key("work"), None)
            self.context.storage.put(self.memory_key("steps"), None)
        else:
            self.context.storage.put(self.memory_key("steps"), kept_steps(self.states, self._noted_at, self._holders))

    def _held_by(self, allocation_id: str) -> list[str]:
        return [sequence for sequence, holder in self._holders.items() if holder == allocation_id]

    def _word_on(self, allocation_id: str) -> AllocationStatus | None:
        """The final status of an allocation whose steps are all over; None while they are not, or it has none."""
        held = [self.states[sequence].status for sequence in self._held_by(allocation_id)]
        if not held or any(status not in _OVER for status in held):
            return None
        return AllocationStatus.ABORTED if SequenceStatus.ABORTED in held else AllocationStatus.FINISHED


_OVER = frozenset((SequenceStatus.FINISHED, SequenceStatus.ABORTED))
_POSSIBLE = {
    SequenceAction.START: frozenset((SequenceStatus.NOT_SCHEDULED, SequenceStatus.SCHEDULED)),
    SequenceAction.INTERRUPT: frozenset((SequenceStatus.EXECUTING,)),
    SequenceAction.RESUME: frozenset((SequenceStatus.INTERRUPTED,)),
}


class TimeShiftableDriver(SingleApplianceDriver[ConfigT], TimeShiftableAppliance):
    """A driver whose instance is one time-shiftable appliance."""
