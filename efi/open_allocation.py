"""An allocation that is under way: what it controls, and how far it has come."""

from collections.abc import Iterable
from datetime import datetime

from efi.allocation import AllocationStatus
from efi.inflexible import InflexibleAllocation
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation
from efi.time_shiftable import SequenceAction, TimeShiftableAllocation


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
        """Lose to a newer allocation what it begins to control by `acts_at`, or wholly overtakes; whether all is lost.

        What this one does before the newer one's later begin is still its own; without an instant all is lost that
        both control.
        """
        for part, begin in newer.begins.items():
            mine = self.begins.get(part)
            if mine is not None and (acts_at is None or begin <= acts_at or begin <= mine):
                del self.begins[part]
        return not self.begins


def begin_of_parts(allocation: AnyAllocation) -> dict[str, datetime]:
    """The parts of the appliance that an allocation controls, and from when on: actuators, steps or quantities."""
    if isinstance(allocation, InflexibleAllocation):
        return {curtailment.quantity.value: allocation.start_time for curtailment in allocation.curtailments}
    if isinstance(allocation, TimeShiftableAllocation):
        return _earliest((_step_part(step.sequence_id, step.action), step.start_time) for step in allocation.sequences)
    if isinstance(allocation, OutputAdjustableAllocation):
        return {"": min(selector.start_time for selector in allocation.selectors)}
    asked = allocation.actuators
    if len(asked) == 1:
        return {asked[0].actuator_id: asked[0].start_time}
    return _earliest((selector.actuator_id, selector.start_time) for selector in asked)


def _step_part(sequence_id: str, action: SequenceAction) -> str:
    return sequence_id if action is SequenceAction.START else f"{sequence_id} {action.value}"


def _earliest(parts: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    begins: dict[str, datetime] = {}
    for part, begin in parts:
        if part not in begins or begin < begins[part]:
            begins[part] = begin
    return begins
