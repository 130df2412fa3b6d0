"""Allocations that are under way: what each controls, how far it has come, and which gives way to which."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from efi.allocation import Allocation, AllocationStatus
from efi.demand_driven import DemandDrivenAllocation
from efi.inflexible import InflexibleAllocation
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation
from efi.storage import StorageAllocation
from efi.time_shiftable import SequenceAction, TimeShiftableAllocation

REMEMBERED_CLOSED = 16
"""How many closed allocations are known by name, so that a late last word on one is not taken for a stranger's."""


class OpenAllocation:
    """An allocation between its passing and its final status."""

    __slots__ = ("allocation", "begins", "replaced", "status")

    def __init__(self, allocation: AnyAllocation, status: AllocationStatus | None = None) -> None:
        self.allocation = allocation
        self.status = status
        """The last status told; None before the appliance answered."""
        self.begins = begin_of_parts(allocation)
        """What it still controls, and from when on; empty once newer allocations took all of it."""
        self.replaced = False
        """Whether newer allocations took all of it before the appliance answered."""

    def give_way_to(self, newer: "OpenAllocation", acts_at: datetime | None) -> bool:
        """Lose to a newer allocation each part that it takes; whether all is lost.

        It takes what it begins to control by `acts_at`, or begins no later than this one would; without an instant it
        takes all that both control.
        """
        mine = self.begins
        for part, begin in newer.begins.items():
            if part in mine and (acts_at is None or begin <= acts_at or begin <= mine[part]):
                del mine[part]
        return not mine


class OpenAllocations(dict[str, OpenAllocation]):
    """The open allocations of one appliance by their names, oldest first."""

    __slots__ = ("_closed",)

    def __init__(self) -> None:
        super().__init__()
        self._closed: deque[str] | None = None

    def closed_lately(self, name: str) -> bool:
        """Whether the allocation of that name was closed not long ago."""
        return self._closed is not None and name in self._closed

    def close(self, name: str) -> AllocationStatus | None:
        """Close an allocation; the answer is how far it had come."""
        if self._closed is None:
            self._closed = deque(maxlen=REMEMBERED_CLOSED)
        self._closed.append(name)
        return self.pop(name).status

    def give_way_to(self, newer: OpenAllocation, acts_at: datetime | None) -> list[str]:
        """Let the allocations before it give way; the answer names those that lost all and had been accepted.

        One that the appliance has yet to answer is kept for the answer, and marked as replaced.
        """
        lost = []
        for name, older in self.items():
            if older is newer:
                break
            if older.give_way_to(newer, acts_at):
                if older.status is None:
                    older.replaced = True
                else:
                    lost.append(name)
        return lost


def begin_of_parts(allocation: AnyAllocation) -> dict[str, datetime]:
    """The parts of the appliance that an allocation controls, and from when on: actuators, steps or quantities."""
    return _PARTS[type(allocation)](allocation)


def _quantities(allocation: InflexibleAllocation) -> dict[str, datetime]:
    return {curtailment.quantity.value: allocation.start_time for curtailment in allocation.curtailments}


def _steps(allocation: TimeShiftableAllocation) -> dict[str, datetime]:
    return _earliest((_step_part(step.sequence_id, step.action), step.start_time) for step in allocation.sequences)


def _step_part(sequence_id: str, action: SequenceAction) -> str:
    # Halting a step does not replace what started it.
    return sequence_id if action is SequenceAction.START else f"{sequence_id} {action.value}"


def _whole(allocation: OutputAdjustableAllocation) -> dict[str, datetime]:
    return {"": min(selector.start_time for selector in allocation.selectors)}


def _actuators(allocation: StorageAllocation | DemandDrivenAllocation) -> dict[str, datetime]:
    asked = allocation.actuators
    if len(asked) == 1:
        return {asked[0].actuator_id: asked[0].start_time}
    return _earliest((selector.actuator_id, selector.start_time) for selector in asked)


def _earliest(parts: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    begins: dict[str, datetime] = {}
    for part, begin in parts:
        if part not in begins or begin < begins[part]:
            begins[part] = begin
    return begins


_PARTS: dict[type[Allocation], Callable[[Any], dict[str, datetime]]] = {
    InflexibleAllocation: _quantities,
    TimeShiftableAllocation: _steps,
    OutputAdjustableAllocation: _whole,
    StorageAllocation: _actuators,
    DemandDrivenAllocation: _actuators,
}
