"""Carries out allocations that are modes to run from instants on: what storages and output-adjustables share."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from efi.allocation import AllocationStatus
from efi.messages import AnyAllocation
from efi.running_mode import ModeGraph
from efpi_core.clock import TimerHandle
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.plugin.appliance import Appliance
from efpi_core.plugin.context import Context
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
    """An appliance whose actuators run in modes.

    A newer allocation takes an actuator from an older one at once when it begins at once, or no later than the older
    would; otherwise when it begins. An older one that has lost all its actuators is revoked.
    """

    @abstractmethod
    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Make the device run in a mode; raise TryAgainError when it does not answer, RefusedError when it will not."""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.trackers: dict[str, ModeTracker] = {}
        self._claims: dict[str, dict[str, datetime]] = {}
        self._found: dict[str, tuple[str, float | None]] = {}
        self._told_ahead: list[TimerHandle] = []

    def tracker(self, actuator_id: str) -> ModeTracker:
        """The mode and timers of one actuator."""
        try:
            return self.trackers[actuator_id]
        except KeyError:
            raise RefusedError(f"there is no actuator '{actuator_id}'") from None

    def track(self, graphs: Mapping[str, ModeGraph], initial: Mapping[str, str]) -> None:
        """Follow the actuators of a description; modes and timers survive a description that still has them."""
        for actuator_id, graph in graphs.items():
            known = self.trackers.get(actuator_id)
            if known is not None and known.mode_id in graph.mode_ids:
                known.graph = graph
            else:
                mode_id, factor = self._found.get(actuator_id, (initial.get(actuator_id, graph.mode_ids[0]), None))
                self.trackers[actuator_id] = ModeTracker(graph, mode_id, factor)

    def track_ahead(self, valid_from: datetime, graphs: Mapping[str, ModeGraph], initial: Mapping[str, str]) -> None:
        """Follow the actuators of a description from the instant on at which it holds."""
        self._told_ahead.append(self.context.call_at(valid_from, partial(self.track, graphs, initial)))

    def forget_ahead(self) -> None:
        """What was told ahead does not hold any more, since all is described anew."""
        for handle in self._told_ahead:
            handle.cancel()
        self._told_ahead.clear()

    def mode_is(self, actuator_id: str, mode_id: str, factor: float | None = None) -> None:
        """Note the mode in which the device was read to run, as when somebody pressed its button; for `poll`."""
        tracker = self.trackers.get(actuator_id)
        if factor is None and tracker is not None and tracker.mode_id == mode_id:
            factor = tracker.factor  # a device that tells its mode alone still runs as it was asked
        self._found[actuator_id] = (mode_id, factor)
        if tracker is not None:
            tracker.enter(mode_id, factor, self.context.now())

    async def change_mode(self, actuator_id: str, mode_id: str, factor: float | None = None) -> None:
        """Run a mode by the device's own choice, as in `fallback`; the next report tells it."""
        await self.run(actuator_id, mode_id, factor)
        self.tracker(actuator_id).enter(mode_id, factor, self.context.now())

    async def carry_out_steps(self, allocation: AnyAllocation, steps: Sequence[Step]) -> None:
        """Do each step at its time. Refuses before anything is done when a step that starts now is impossible."""
        now = self.context.now()
        for step in steps:
            if step.start_time <= now:
                self._require_possible(step)
        allocation_id = allocation.message_id
        self._claim(allocation_id, _begins(steps), now)
        self.accept(allocation)
        for step in sorted(steps, key=lambda step: step.start_time):
            if step.start_time <= now:
                await self._do(allocation_id, step)
            else:
                self.schedule(allocation_id, step.start_time, partial(self._do_scheduled, allocation_id, step))
        self.report()

    def _require_possible(self, step: Step) -> None:
        objection = self.tracker(step.actuator_id).objection(step.mode_id, self.context.now(), step.abnormal_condition)
        if objection is not None:
            raise RefusedError(objection)

    def _claim(self, allocation_id: str, begins: dict[str, datetime], now: datetime) -> None:
        """Take the actuators that an allocation begins to control, as far as older ones must give way already."""
        for older in tuple(self._claims):
            held = self._claims[older]
            for actuator_id, begin in begins.items():
                if actuator_id in held and (begin <= now or begin <= held[actuator_id]):
                    del held[actuator_id]
            self._end_without_claims(older)
        self._claims[allocation_id] = begins

    def _take_over(self, actuator_id: str, allocation_id: str) -> None:
        """An allocation begins to control an actuator: those before it lose it."""
        for older in tuple(self._claims):
            if older == allocation_id:
                return
            self._claims[older].pop(actuator_id, None)
            self._end_without_claims(older)

    def _end_without_claims(self, allocation_id: str) -> None:
        if not self._claims[allocation_id]:
            del self._claims[allocation_id]
            if self.is_open(allocation_id):
                self.end_allocation(allocation_id, AllocationStatus.REVOKED, "replaced by a newer allocation")

    def end_allocation(self, allocation_id: str, status: AllocationStatus, text: str = "") -> None:
        """Answer with a final status and forget the allocation, its timers and its claims."""
        self._claims.pop(allocation_id, None)
        super().end_allocation(allocation_id, status, text)

    async def _do(self, allocation_id: str, step: Step) -> None:
        await self.run(step.actuator_id, step.mode_id, step.factor)
        self.tracker(step.actuator_id).enter(step.mode_id, step.factor, self.context.now())
        self.started(allocation_id)

    async def _do_scheduled(self, allocation_id: str, step: Step) -> None:
        if step.actuator_id not in self._claims.get(allocation_id, ()):
            return
        try:
            self._require_possible(step)
            self._take_over(step.actuator_id, allocation_id)
            await self._do(allocation_id, step)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))
        self.report()


def _begins(steps: Sequence[Step]) -> dict[str, datetime]:
    """When each actuator's first step begins."""
    begins: dict[str, datetime] = {}
    for step in steps:
        begin = begins.get(step.actuator_id)
        if begin is None or step.start_time < begin:
            begins[step.actuator_id] = step.start_time
    return begins
