"""Carries out allocations that are modes to run from instants on: what storages and output-adjustables share."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from efi.allocation import AllocationStatus
from efi.messages import AnyAllocation
from efi.running_mode import ModeGraph
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
    """An appliance whose actuators run in modes; each actuator has at most one allocation in charge, the newest."""

    @abstractmethod
    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        """Make the device run in a mode; raise TryAgainError when it does not answer, RefusedError when it will not."""

    def attach(self, context: Context, key: str = "") -> None:
        """Tie the appliance to the instance that brings it."""
        super().attach(context, key)
        self.trackers: dict[str, ModeTracker] = {}
        self._in_charge: dict[str, str] = {}
        self._found: dict[str, tuple[str, float | None]] = {}

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

    def mode_is(self, actuator_id: str, mode_id: str, factor: float | None = None) -> None:
        """Note the mode in which the device was read to run, as when somebody pressed its button; for `poll`."""
        self._found[actuator_id] = (mode_id, factor)
        if actuator_id in self.trackers:
            self.trackers[actuator_id].enter(mode_id, factor, self.context.now())

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
        self._replace({step.actuator_id for step in steps}, allocation_id)
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

    def _replace(self, actuators: set[str], by: str) -> None:
        for allocation_id in {self._in_charge[actuator] for actuator in actuators if actuator in self._in_charge}:
            if self.is_open(allocation_id):
                self.end_allocation(allocation_id, AllocationStatus.REVOKED, "replaced by a newer allocation")
        for actuator in actuators:
            self._in_charge[actuator] = by

    async def _do(self, allocation_id: str, step: Step) -> None:
        await self.run(step.actuator_id, step.mode_id, step.factor)
        self.tracker(step.actuator_id).enter(step.mode_id, step.factor, self.context.now())
        self.started(allocation_id)

    async def _do_scheduled(self, allocation_id: str, step: Step) -> None:
        if not self.is_open(allocation_id):
            return
        try:
            self._require_possible(step)
            await self._do(allocation_id, step)
        except (RefusedError, TryAgainError, OSError, TimeoutError) as error:
            self.end_allocation(allocation_id, AllocationStatus.ABORTED, str(error))
        self.report()
