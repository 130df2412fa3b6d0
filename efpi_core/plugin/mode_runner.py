"""Carries out allocations that are modes to run from instants on: what storages and output-adjustables share."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efi.message import ControlSpaceRevoke
from efi.messages import AnyAllocation, AnyUpdate
from efi.running_mode import ModeGraph
from efi.storage import ActuatorState
from efpi_core.clock import TimerHandle
from efpi_core.clock_event import ClockSet
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.claims import Claims
from efpi_core.plugin.context import Context
from efpi_core.plugin.kept_mode import kept_mode, recalled_tracker
from efpi_core.plugin.mode_tracker import ModeTracker


@dataclass(frozen=True, slots=True)
class Step:
    """One mode to run on one actuator from an instant on, and whether an emergency of the grid asks for it."""

    actuator_id: str
    mode_id: str
    factor: float | None
    start_time: datetime
    abnormal_condition: bool


class ModeRunner(Appliance):
    """An appliance whose actuators run in modes; an allocation that has lost all of them to newer ones is revoked."""

    @abstractmethod
    def steps_of(self, allocation: AnyAllocation) -> list[Step]:
        """The modes that an allocation asks for; raises RefusedError when it is of another category."""

    @abstractmethod
    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Make the device run in a mode; raise TryAgainError when it does not answer, RefusedError when it will not."""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.trackers: dict[str, ModeTracker] = {}
        self._claims: Claims[str] = Claims()
        self._in_force: dict[str, str] = {}
        self._found: dict[str, tuple[str, float | None]] = {}
        self._told_ahead: dict[datetime, tuple[str, TimerHandle]] = {}
        kept = context.storage.get(self.memory_key("modes"))
        self._kept: dict[str, JsonValue] = kept if isinstance(kept, dict) else {}

    def tracker(self, actuator_id: str) -> ModeTracker:
        """The mode and timers of one actuator."""
        try:
            return self.trackers[actuator_id]
        except KeyError:
            raise RefusedError(f"there is no actuator '{actuator_id}'") from None

    def actuator_states(self) -> tuple[ActuatorState, ...]:
        """How each actuator runs, for a state that tells it."""
        return tuple(
            ActuatorState(
                actuator_id=actuator_id,
                mode_id=tracker.mode_id,
                factor=tracker.factor,
                previous_mode_id=tracker.previous_mode_id,
                transition_started_at=tracker.transition_started_at,
                timers=tracker.timer_states(),
            )
            for actuator_id, tracker in self.trackers.items()
        )

    def mode_at_first(self, actuator_id: str) -> str | None:
        """The mode in which an actuator is found; None for the first of its description."""
        return None

    def track(self, graphs: Mapping[str, ModeGraph]) -> None:
        """Follow the actuators of a description; modes and timers survive a description that still has them."""
        for actuator_id, graph in graphs.items():
            first = self.mode_at_first(actuator_id) or graph.mode_ids[0]
            known = self.trackers.get(actuator_id)
            if known is None:
                known = self.trackers[actuator_id] = self._new_tracker(actuator_id, graph, first)
            known.follow(graph, first if first in graph.mode_ids else graph.mode_ids[0])

    def _new_tracker(self, actuator_id: str, graph: ModeGraph, initial: str) -> ModeTracker:
        """Follow an actuator: as it was kept by a former life, and as it was read by this one."""
        now, kept, found = self.context.now(), self._kept.pop(actuator_id, None), self._found.get(actuator_id)
        if kept is None and found is not None:
            tracker = ModeTracker(graph, *found)
        else:
            tracker = recalled_tracker(kept, graph, initial, now, self.context.since)
            if found is not None:  # it changed while nobody looked: just now, for all that timers know
                tracker.enter(*found, now)
        if self._unsure:
            tracker.arrive(now)
        tracker.on_entered = self.keep_modes
        return tracker

    def keep_modes(self) -> None:
        """Keep modes and timers for a next life, where there are timers that a next life could shorten."""
        now, moment = self.context.now(), self.context.moment()
        kept: dict[str, JsonValue] = {
            actuator_id: kept_mode(tracker, now, moment)
            for actuator_id, tracker in self.trackers.items()
            if tracker.graph.timers
        }
        self.context.storage.put(self.memory_key("modes"), kept or None)

    def was_read(self) -> bool:
        """Whether the mode of each actuator was read from the device."""
        return all(actuator_id in self._found for actuator_id in self.trackers)

    @abstractmethod
    def graphs(self, update: AnyUpdate) -> Mapping[str, ModeGraph]:
        """The modes of each actuator in a description, for the category; none in other updates."""

    def describe_anew(self) -> None:
        """Tell the control space again and follow the modes of the description that holds, and of those told ahead."""
        updates = tuple(self.describe())
        self._take_back_told_ahead({update.valid_from for update in updates if self.graphs(update)})
        for update in updates:
            if graphs := self.graphs(update):
                self._follow(update, graphs)
            self.tell(update)

    def tell_ahead(self, description: AnyUpdate) -> None:
        """Tell one more description, which holds from its `valid_from` on; the others still hold until then."""
        self._follow(description, self.graphs(description))
        self.tell(description)

    def _take_back_told_ahead(self, told_again: Collection[datetime]) -> None:
        """What was told ahead, and is not told again for the same instant, does not hold any more."""
        now = self.context.now()
        for valid_from, (message_id, handle) in self._told_ahead.items():
            handle.cancel()
            if valid_from > now and valid_from not in told_again:
                self.tell(ControlSpaceRevoke(**self.stamp(), object_id=message_id, reason="described anew"))
        self._told_ahead.clear()

    def _follow(self, description: AnyUpdate, graphs: Mapping[str, ModeGraph]) -> None:
        if description.valid_from <= self.context.now():
            self.track(graphs)
        else:
            if (replaced := self._told_ahead.get(description.valid_from)) is not None:
                replaced[1].cancel()
            handle = self.context.call_at(description.valid_from, partial(self.track, graphs))
            self._told_ahead[description.valid_from] = (description.message_id, handle)

    def lost(self, text: str, cure: str = "", detail: str = "no_answer") -> None:
        """The device is out of reach: all that was told of it is taken back, what was told ahead, too."""
        for _, handle in self._told_ahead.values():
            handle.cancel()
        self._told_ahead.clear()
        super().lost(text, cure, detail)

    def clock_set(self, event: ClockSet) -> None:
        """No timer of a mode is shortened or lengthened by somebody who sets the clock."""
        for tracker in self.trackers.values():
            tracker.clock_set(event.step)
        self._claims.clock_set(event.step)

    def mode_is(self, actuator_id: str, mode_id: str, factor: float | None = None) -> None:
        """Note the mode in which the device was read to run, as when somebody pressed its button; for `poll`."""
        tracker = self.trackers.get(actuator_id)
        if factor is None and tracker is not None and tracker.mode_id == mode_id:
            factor = tracker.factor  # a device that tells its mode alone still runs as it was asked
        self._found[actuator_id] = (mode_id, factor)
        if tracker is not None:
            self.context.look_at_clock()
            tracker.enter(mode_id, factor, self.context.now())

    async def change_mode(self, actuator_id: str, mode_id: str, factor: float | None = None) -> None:
        """Run a mode by the device's own choice, as in `fallback`; the next report tells it."""
        await self.run(actuator_id, mode_id, factor)
        self.context.look_at_clock()  # it may have taken a while
        self.tracker(actuator_id).enter(mode_id, factor, self.context.now())

    async def carry_out(self, allocation: AnyAllocation) -> None:
        """Run the modes as asked."""
        await self.carry_out_steps(allocation, self.steps_of(allocation))

    async def take_up(self, allocation: AnyAllocation) -> None:
        """Run each actuator's present mode again, as soon as its timers allow, and the later ones at their times."""
        allocation_id, now = allocation.message_id, self.context.now()
        steps = _rest_of(self.steps_of(allocation), now)
        opens = {step: max(step.start_time, self._opens_at(step, now)) for step in steps if step.start_time <= now}
        self._end_replaced(self._claims.put(allocation_id, _begins(steps), now))
        self.accept(allocation)
        for step in steps:
            begin = opens.get(step, step.start_time)
            if step in opens:
                self._in_force[step.actuator_id] = allocation_id  # a former life may have begun it
            if begin <= now:
                await self._do(allocation_id, step)
            else:
                self.schedule(allocation_id, begin, partial(self._do_scheduled, allocation_id, step))
        self.report()

    def _opens_at(self, step: Step, now: datetime) -> datetime:
        """When a step may be done that only timers hold up; raises RefusedError when more stands in its way."""
        tracker = self.tracker(step.actuator_id)
        opens = tracker.opens_at(step.mode_id, now)
        if (objection := tracker.objection(step.mode_id, max(opens, now), step.abnormal_condition)) is not None:
            raise RefusedError(objection)
        return opens

    async def carry_out_steps(self, allocation: AnyAllocation, steps: Sequence[Step]) -> None:
        """Do each step at its time. Refuses before anything is done when a step that starts now is impossible."""
        now = self.context.now()
        for step in steps:
            if step.start_time <= now:
                self._require_possible(step)
        allocation_id = allocation.message_id
        self._end_replaced(self._claims.put(allocation_id, _begins(steps), now))
        self.accept(allocation)
        for step in sorted(steps, key=lambda step: step.start_time):
            if step.start_time <= now:
                await self._do(allocation_id, step)
            else:
                self.schedule(allocation_id, step.start_time, partial(self._do_scheduled, allocation_id, step))
        self.report()

    def _require_possible(self, step: Step) -> None:
        tracker = self.tracker(step.actuator_id)
        objection = tracker.objection(step.mode_id, self.context.now(), step.abnormal_condition)
        if objection is not None:
            raise RefusedError(objection)

    def _end_replaced(self, older: tuple[str, ...]) -> None:
        for allocation_id in older:
            if self.is_open(allocation_id):
                self.end_allocation(allocation_id, AllocationStatus.REVOKED, "replaced by a newer allocation")

    def end_allocation(self, allocation_id: str, status: AllocationStatus, text: str = "") -> None:
        """Answer with a final status and forget the allocation, its timers and its claims."""
        self._claims.drop(allocation_id)
        super().end_allocation(allocation_id, status, text)

    async def take_back(self, allocation_id: str) -> None:
        """Fall back from what it began, and go on with what others began; harmless where it began nothing."""
        if allocation_id not in self._in_force.values():
            return
        others = {
            actuator_id: (tracker.mode_id, tracker.factor)
            for actuator_id, tracker in self.trackers.items()
            if (by := self._in_force.get(actuator_id)) is not None and self.is_open(by)
        }
        await self.fallback()
        self._in_force = {actuator_id: by for actuator_id, by in self._in_force.items() if actuator_id in others}
        for actuator_id, (mode_id, factor) in others.items():
            await self._go_on(actuator_id, mode_id, factor)

    async def _go_on(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Run a mode again that the fallback of the whole appliance ended; one that cannot be is given up."""
        objection = self.tracker(actuator_id).objection(mode_id, self.context.now(), True)
        if objection is None:
            await self.change_mode(actuator_id, mode_id, factor)
        else:
            self.end_allocation(self._in_force.pop(actuator_id), AllocationStatus.ABORTED, objection)

    async def _do(self, allocation_id: str, step: Step) -> None:
        await self.run(step.actuator_id, step.mode_id, step.factor)
        self._in_force[step.actuator_id] = allocation_id
        self.context.look_at_clock()
        self.tracker(step.actuator_id).enter(step.mode_id, step.factor, self.context.now())
        self.started(allocation_id)

    async def _do_scheduled(self, allocation_id: str, step: Step) -> None:
        if not self._claims.holds(allocation_id, step.actuator_id):
            return
        try:
            self._require_possible(step)
            self._end_replaced(self._claims.take(allocation_id, step.actuator_id))
            await self._do(allocation_id, step)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))
        self.report()


def _rest_of(steps: Sequence[Step], now: datetime) -> list[Step]:
    """What is left of steps in their order: of those that have begun, the last one of each actuator."""
    present: dict[str, Step] = {}
    ahead = []
    for step in sorted(steps, key=lambda step: step.start_time):
        if step.start_time <= now:
            present[step.actuator_id] = step
        else:
            ahead.append(step)
    return [*present.values(), *ahead]


def _begins(steps: Sequence[Step]) -> dict[str, datetime]:
    """When each actuator's first step begins."""
    begins: dict[str, datetime] = {}
    for step in steps:
        begin = begins.get(step.actuator_id)
        if begin is None or step.start_time < begin:
            begins[step.actuator_id] = step.start_time
    return begins
