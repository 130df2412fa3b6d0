"""Allocation: what an energy app asks of an appliance, and what the appliance answers."""

from enum import StrEnum
from typing import Literal

from efi.message import Message
from efi.types import Identifier, Text


class Allocation(Message):
    """A request to use the appliance's freedom in one way. The appliance may refuse, and always answers with a status.

    The allocation is named by its `message_id`.
    """

    control_space_update_id: Identifier
    """The live update that this allocation rests on, by its `message_id`."""
    abnormal_condition: bool = False
    """Strong advice in an emergency of the grid (EFI: isEmergencyAllocation): opens what is reserved for such."""
    reason: Text = ""
    """Why, in one sentence for the resident."""


class AllocationRevoke(Message):
    """The energy app takes back allocations; the appliance answers each with a status and tells its state anew."""

    type: Literal["allocation_revoke"] = "allocation_revoke"
    allocation_id: Identifier | None = None
    """The allocation to take back; without it all of them."""
    reason: Text = ""
    """Why, for people."""


class AllocationStatus(StrEnum):
    """How far an allocation has come."""

    ACCEPTED = "accepted"
    """The appliance will try."""
    REJECTED = "rejected"
    """The appliance will not. Final."""
    PROCESSING = "processing"
    """Too late to overrule: the processing delay runs."""
    STARTED = "started"
    """The appliance acts on it."""
    FINISHED = "finished"
    """Done as asked. Final."""
    ABORTED = "aborted"
    """Given up on the way, by the appliance or by a person. Final."""
    REVOKED = "revoked"
    """Taken back, or replaced by a newer allocation. Final."""

    @property
    def final(self) -> bool:
        """Whether nothing may follow."""
        return not _NEXT[self]

    def may_follow(self, before: "AllocationStatus | None") -> bool:
        """Whether this status may be told after the one before; None before the first."""
        return self in (_FIRST if before is None else _NEXT[before])


_ENDS = frozenset((AllocationStatus.FINISHED, AllocationStatus.ABORTED, AllocationStatus.REVOKED))
_FIRST = frozenset((AllocationStatus.ACCEPTED, AllocationStatus.REJECTED))
_NEXT: dict[AllocationStatus, frozenset[AllocationStatus]] = {
    AllocationStatus.ACCEPTED: _ENDS | {AllocationStatus.PROCESSING, AllocationStatus.STARTED},
    AllocationStatus.PROCESSING: _ENDS | {AllocationStatus.STARTED},
    AllocationStatus.STARTED: _ENDS,
    AllocationStatus.REJECTED: frozenset(),
    AllocationStatus.FINISHED: frozenset(),
    AllocationStatus.ABORTED: frozenset(),
    AllocationStatus.REVOKED: frozenset(),
}


class AllocationStatusUpdate(Message):
    """The appliance's word on one allocation; its `timestamp` is when the status was reached."""

    type: Literal["allocation_status_update"] = "allocation_status_update"
    allocation_id: Identifier
    """The allocation, by its `message_id`."""
    status: AllocationStatus
    """How far it has come."""
    text: Text = ""
    """The reason or circumstance, for people."""
