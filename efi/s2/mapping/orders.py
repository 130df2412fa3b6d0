"""Allocations on their way as instructions: what the device said of each, and what that makes of the whole."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from efi.allocation import AllocationStatus
from efi.s2.conversation import InstructionStatus, RevokableObjects, RevokeObject
from efi.s2.mapping.write.instructions import Asked
from efi.s2.messages import Instruction

REVOKE_WITHIN = timedelta(seconds=10)
"""How long a device may take to say what became of an instruction that was taken back."""

REMEMBERED_CLOSED = 1000
"""How many instructions are known by name after their end, so that a late word on one is no stranger's."""

_AGREED = frozenset((InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED))
_ACTED = frozenset((InstructionStatus.STARTED, InstructionStatus.SUCCEEDED))


class Placed:
    """One instruction, as far as it has come."""

    __slots__ = ("asked", "revoked_at", "status")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.status: InstructionStatus | None = None
        self.revoked_at: datetime | None = None
        """When it was taken back; None while it stands."""

    @property
    def instruction(self) -> Instruction:
        """The instruction itself."""
        return self.asked.instruction

    @property
    def open(self) -> bool:
        """Whether the device has not said how it ended."""
        return self.status is None or not self.status.final

    def reached(self, status: InstructionStatus) -> bool:
        """Note a status; whether it is further on than the last. Statuses come in any order, and twice."""
        if not status.further_than(self.status):
            return False
        self.status = status
        return True


class Order:
    """One allocation, and the instructions that it became."""

    __slots__ = ("allocation_id", "placed", "status")

    def __init__(self, allocation_id: str, asked: Iterable[Asked]) -> None:
        self.allocation_id = allocation_id
        self.placed = [Placed(each) for each in asked]
        self.status: AllocationStatus | None = None
        """What was told last of the allocation."""

    def next_statuses(self) -> Iterator[AllocationStatus]:
        """What is to be told of the allocation now, in order; each must be told before the next is asked for.

        It is accepted when all instructions are, or one is acted on; started when one is; rejected or aborted when one
        is; finished when all have succeeded, and revoked when all have ended and some were.
        """
        statuses = [each.status for each in self.placed]
        if end := self._end(statuses):
            if self.status is None and end is not AllocationStatus.REJECTED:
                yield AllocationStatus.ACCEPTED
            yield end
            return
        acted = any(status in _ACTED for status in statuses)
        if self.status is None and (acted or all(status in _AGREED for status in statuses)):
            yield AllocationStatus.ACCEPTED
        if acted and self.status is not AllocationStatus.STARTED:
            yield AllocationStatus.STARTED

    def _end(self, statuses: list[InstructionStatus | None]) -> AllocationStatus | None:
        accepted = self.status is not None
        if InstructionStatus.REJECTED in statuses:
            return AllocationStatus.ABORTED if accepted else AllocationStatus.REJECTED
        if InstructionStatus.ABORTED in statuses:
            return AllocationStatus.ABORTED
        if not all(status is not None and status.final for status in statuses):
            return None
        if all(status is InstructionStatus.SUCCEEDED for status in statuses):
            return AllocationStatus.FINISHED
        return AllocationStatus.REVOKED if accepted else AllocationStatus.REJECTED


class Orders:
    """The open allocations of a device by their names, oldest first, and their instructions."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._by_instruction: dict[str, tuple[Order, Placed]] = {}
        self._by_message: dict[str, str] = {}
        self._closed: dict[str, None] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(tuple(self._orders.values()))

    def add(self, order: Order) -> None:
        """Note an allocation that is being said."""
        self._orders[order.allocation_id] = order
        for placed in order.placed:
            self._by_instruction[placed.instruction.id] = (order, placed)
            self._by_message[placed.instruction.message_id] = placed.instruction.id

    def find(self, allocation_id: str) -> Order | None:
        """The open allocation of that name."""
        return self._orders.get(allocation_id)

    def of_instruction(self, instruction_id: str) -> tuple[Order, Placed] | None:
        """The open allocation to which an instruction belongs."""
        return self._by_instruction.get(instruction_id)

    def of_message(self, message_id: str) -> tuple[Order, Placed] | None:
        """The open allocation whose instruction was said in a message of that name."""
        return self._by_instruction.get(self._by_message.get(message_id, ""))

    def closed_lately(self, instruction_id: str) -> bool:
        """Whether the instruction belonged to an allocation that ended."""
        return instruction_id in self._closed

    def close(self, allocation_id: str) -> list[Placed]:
        """An allocation ended; the answer are its instructions of which the device has not told an end."""
        order = self._orders.pop(allocation_id, None)
        if order is None:
            return []
        for placed in order.placed:
            self._by_instruction.pop(placed.instruction.id, None)
            self._by_message.pop(placed.instruction.message_id, None)
            self._closed[placed.instruction.id] = None
        while len(self._closed) > REMEMBERED_CLOSED:
            del self._closed[next(iter(self._closed))]
        return [placed for placed in order.placed if placed.open]

    @property
    def overdue_at(self) -> datetime | None:
        """When the first instruction that was taken back has gone unanswered for too long."""
        placed = (each for order in self for each in order.placed if each.open)
        waiting = (each.revoked_at for each in placed if each.revoked_at is not None)
        first = min(waiting, default=None)
        return None if first is None else first + REVOKE_WITHIN


def revocation(placed: Placed, message_id: str) -> RevokeObject:
    """Takes an instruction back."""
    instruction = placed.instruction
    return RevokeObject(
        message_id=message_id, object_type=RevokableObjects(instruction.message_type), object_id=instruction.id
    )
