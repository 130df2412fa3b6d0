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
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.context import Context
from efpi_core.plugin.driver import SingleApplianceDriver
from efpi_core.plugin.plugin import ConfigT


class TimeShiftableAppliance(Appliance):
    """An appliance with work that may wait.

    `offer_work` tells the work, `start_sequence` starts a step of it, and the driver says `sequence_ended` when a step
    is done.
    Work that nobody has allocated is started by the base class in time for its deadline.
    """

    work: TimeShiftableUpdate | None = None
    """The work that waits or runs."""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.states: dict[str, SequenceState] = {}
        self._holders: dict[str, str] = {}
        self._deadline: TimerHandle | None = None

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
        """The work that waits, if any."""
        if self.work is not None:
            yield self.work

    def report(self) -> None:
        """Tell how far the work has come."""
        if self.work is not None and self.states:
            self.tell(TimeShiftableStateUpdate(**self.valid_now(), sequences=tuple(self.states.values())))

    def offer_work(self, work: TimeShiftableUpdate) -> None:
        """Tell work that waits; it takes the place of the work before."""
        self.work = work
        self.states = {
            step.sequence_id: SequenceState(sequence_id=step.sequence_id, status=SequenceStatus.NOT_SCHEDULED)
            for step in work.sequences
        }
        self._holders.clear()
        if self.present:
            self.tell(work)
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.context.call_at(work.latest_start, self._start_unasked)

    def sequence_ended(self, sequence_id: str, status: SequenceStatus = SequenceStatus.FINISHED) -> None:
        """A step is done, or broken off."""
        self._note(sequence_id, status)
        holder = self._holders.get(sequence_id)
        if holder is not None and self.is_open(holder) and self._all_over(holder):
            aborted = any(self.states[held].status is SequenceStatus.ABORTED for held in self._held_by(holder))
            self.end_allocation(holder, AllocationStatus.ABORTED if aborted else AllocationStatus.FINISHED)
        self.report()
        if all(state.status in _OVER for state in self.states.values()):
            self.work = None

    async def fallback(self) -> None:
        """Nobody decides: leave the work to its deadline, as `offer_work` arranged."""

    # --- allocations

    async def carry_out(self, allocation: AnyAllocation) -> None:
        """Start, halt or resume steps as asked."""
        if not isinstance(allocation, TimeShiftableAllocation):
            raise RefusedError(f"a time-shiftable appliance cannot follow {allocation.type}")
        if self.work is None:
            raise RefusedError("there is no work to do")
        for step in allocation.sequences:
            self._require_possible(step)
        self._replace(allocation)
        self.accept(allocation)
        now = self.context.now()
        for step in allocation.sequences:
            job = partial(self._do, allocation.message_id, step)
            if step.start_time <= now:
                await job()
            else:
                if step.action is SequenceAction.START:
                    self._note(step.sequence_id, SequenceStatus.SCHEDULED, step.alternative_id, step.start_time)
                self.schedule(allocation.message_id, step.start_time, job)
        self.report()

    def _require_possible(self, step: SequenceAllocation) -> None:
        state = self.states.get(step.sequence_id)
        if state is None:
            raise RefusedError(f"there is no step '{step.sequence_id}' in the work that waits")
        if state.status not in _POSSIBLE[step.action]:
            raise RefusedError(f"step '{step.sequence_id}' is {state.status.value} and cannot {step.action.value}")

    def _replace(self, allocation: TimeShiftableAllocation) -> None:
        for step in allocation.sequences:
            holder = self._holders.get(step.sequence_id)
            if holder is not None and self.is_open(holder) and step.action is SequenceAction.START:
                self.end_allocation(holder, AllocationStatus.REVOKED, "replaced by a newer allocation")
            if step.action is SequenceAction.START:
                self._holders[step.sequence_id] = allocation.message_id

    async def take_back(self, allocation_id: str) -> None:
        """A step that has not begun goes back to waiting; one that runs goes on."""
        for sequence_id in self._held_by(allocation_id):
            del self._holders[sequence_id]
            if self.states[sequence_id].status is SequenceStatus.SCHEDULED:
                self._note(sequence_id, SequenceStatus.NOT_SCHEDULED)

    async def _do(self, allocation_id: str, step: SequenceAllocation) -> None:
        if not self.is_open(allocation_id):
            return
        try:
            self._require_possible(step)
            await self._act(step)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))
            self._holders.pop(step.sequence_id, None)
            self.report()
            return
        self.started(allocation_id)
        if step.action is not SequenceAction.START:
            self.end_allocation(allocation_id, AllocationStatus.FINISHED)
        self.report()

    async def _act(self, step: SequenceAllocation) -> None:
        if step.action is SequenceAction.INTERRUPT:
            await self.interrupt_sequence(step.sequence_id)
            self._note(step.sequence_id, SequenceStatus.INTERRUPTED)
        elif step.action is SequenceAction.RESUME:
            await self.resume_sequence(step.sequence_id)
            self._note(step.sequence_id, SequenceStatus.EXECUTING)
        else:
            alternative = self._alternative(step.sequence_id, step.alternative_id)
            await self.start_sequence(step.sequence_id, alternative)
            self._note(step.sequence_id, SequenceStatus.EXECUTING, alternative, self.context.now())

    async def _start_unasked(self) -> None:
        """The deadline is near: start the next waiting step; those after it follow as each ends."""
        waiting = [state for state in self.states.values() if state.status is SequenceStatus.NOT_SCHEDULED]
        running = any(state.status is SequenceStatus.EXECUTING for state in self.states.values())
        if self.work is None or not waiting or running or not self.present:
            return
        sequence_id = waiting[0].sequence_id
        alternative = self._alternative(sequence_id, None)
        await self.start_sequence(sequence_id, alternative)
        self._note(sequence_id, SequenceStatus.EXECUTING, alternative, self.context.now())
        self.report()

    def _alternative(self, sequence_id: str, wanted: str | None) -> str:
        step = self.work.sequence(sequence_id) if self.work is not None else None
        if step is None:
            raise RefusedError(f"there is no step '{sequence_id}' in the work that waits")
        if wanted is None:
            return min(step.alternatives, key=lambda way: way.duration).alternative_id
        return wanted

    def _note(
        self,
        sequence_id: str,
        status: SequenceStatus,
        alternative_id: str | None = None,
        starts_at: datetime | None = None,
    ) -> None:
        before = self.states[sequence_id]
        self.states[sequence_id] = SequenceState(
            sequence_id=sequence_id,
            status=status,
            alternative_id=alternative_id or before.alternative_id,
            progress=before.progress,
            starts_at=starts_at or before.starts_at,
        )

    def _held_by(self, allocation_id: str) -> list[str]:
        return [sequence for sequence, holder in self._holders.items() if holder == allocation_id]

    def _all_over(self, allocation_id: str) -> bool:
        return all(self.states[sequence].status in _OVER for sequence in self._held_by(allocation_id))


_OVER = frozenset((SequenceStatus.FINISHED, SequenceStatus.ABORTED))
_POSSIBLE = {
    SequenceAction.START: frozenset((SequenceStatus.NOT_SCHEDULED, SequenceStatus.SCHEDULED)),
    SequenceAction.INTERRUPT: frozenset((SequenceStatus.EXECUTING,)),
    SequenceAction.RESUME: frozenset((SequenceStatus.INTERRUPTED,)),
}


class TimeShiftableDriver(SingleApplianceDriver[ConfigT], TimeShiftableAppliance):
    """A driver whose instance is one time-shiftable appliance."""
