"""Placing allocations with a device as instructions, and following them to their end."""

from collections.abc import Callable, Iterable
from datetime import datetime

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.conversion import LossKind
from efi.messages import AnyAllocation
from efi.refusal import Refusal, Refused, refuse
from efi.s2.conversation import InstructionStatus, InstructionStatusUpdate, RevokableObjects, RevokeObject
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.orders import REVOKE_WITHIN, Order, Orders, Placed, revocation
from efi.s2.mapping.turn import Turn
from efi.s2.mapping.write.instructions import instructions

TIMESTAMP = LossKind(
    ("InstructionStatusUpdate",),
    "timestamp",
    "a status bears the time at which it was heard, so that the times of one conversation rise",
)
NEW_STATUS = LossKind(
    ("InstructionStatusUpdate",), "status_type", "an allocation that is only known to the device has no status yet"
)
REVOKE_REASON = LossKind(("allocation_revoke",), "reason", "S2 has no words for people; the device does not hear why")

_INSTRUCTIONS = frozenset(each for each in RevokableObjects if each.value.endswith("Instruction"))

_TEXTS = {
    InstructionStatus.REJECTED: "the device rejected it",
    InstructionStatus.ABORTED: "the device gave it up",
    InstructionStatus.REVOKED: "the device says that it was taken back",
}


class Placing:
    """The open allocations of one device, between the session of the interface and S2."""

    def __init__(self, guard: Guard, new_id: Callable[[], str]) -> None:
        self._guard = guard
        self._new_id = new_id
        self._orders = Orders()

    # What the energy app says ----------------------------------------------------------------------------------------

    def place(self, allocation: AnyAllocation, turn: Turn) -> Refusal | None:
        """Say an allocation as instructions; the answer is why not, told as a status, too."""
        session = self._guard.session
        verdict = session.from_app(allocation, turn.now)
        if verdict.refusal is not None:
            turn.to_efi.extend(verdict.to_app)
            return verdict.refusal
        turn.warn(verdict.warnings)
        try:
            asked = instructions(allocation, session.space, self._guard.original, self._new_id, turn.notes)
        except Refused as refused:
            self._status(allocation.message_id, AllocationStatus.REJECTED, refused.refusal.sentence, turn)
            return refused.refusal
        self._orders.add(Order(allocation.message_id, asked))
        turn.to_s2.extend(each.instruction for each in asked)
        return None

    def revoke(self, revoke: AllocationRevoke, turn: Turn) -> Refusal | None:
        """Take back an allocation, or all; it ends when the device says so, or has had its time to."""
        if revoke.reason:
            turn.notes.lost(REVOKE_REASON, "reason", revoke.reason)
        verdict = self._guard.session.from_app(revoke, turn.now)
        turn.warn(verdict.warnings)
        if verdict.refusal is not None:
            return verdict.refusal
        for order in self._orders:
            if revoke.allocation_id in (None, order.allocation_id):
                self._take_back((placed for placed in order.placed if placed.open), turn)
        return None

    def _take_back(self, placed: Iterable[Placed], turn: Turn) -> None:
        for each in placed:
            if each.revoked_at is None:
                each.revoked_at = turn.now
                turn.to_s2.append(revocation(each, uuid_of(self._new_id())))

    # What the device says --------------------------------------------------------------------------------------------

    def follow(self, update: InstructionStatusUpdate, turn: Turn) -> None:
        """The device says how far an instruction has come."""
        found = self._orders.of_instruction(update.instruction_id)
        if found is None:
            if self._orders.closed_lately(update.instruction_id):
                return
            refuse(
                "unknown_instruction",
                "instruction_id",
                update.instruction_id,
                "no instruction of this session has this id",
                "name an instruction by its id, not by its message_id",
            )
        if update.status_type is InstructionStatus.NEW:
            turn.notes.lost(NEW_STATUS, "status_type", update.status_type.value)
        elif update.timestamp != turn.now:
            turn.notes.lost(TIMESTAMP, "timestamp", update.timestamp.isoformat())
        self._reached(*found, update.status_type, _TEXTS.get(update.status_type, ""), turn)

    def revoked_by_device(self, revoked: RevokeObject, turn: Turn) -> bool:
        """The device takes an instruction back, which is its status; whether the revocation was of an instruction."""
        if revoked.object_type not in _INSTRUCTIONS:
            return False
        found = self._orders.of_instruction(revoked.object_id)
        if found is not None:
            self._reached(*found, InstructionStatus.REVOKED, "the device took it back", turn)
        elif not self._orders.closed_lately(revoked.object_id):
            refuse("unknown_object", "object_id", revoked.object_id, "no instruction has this id", "name one by its id")
        return True

    def not_taken(self, message_id: str, text: str, turn: Turn) -> None:
        """The device did not take an instruction."""
        found = self._orders.of_message(message_id)
        if found is not None and found[1].status is None:
            self._reached(*found, InstructionStatus.REJECTED, text, turn)

    def _reached(self, order: Order, placed: Placed, status: InstructionStatus, text: str, turn: Turn) -> None:
        if not placed.reached(status):
            return
        for told in tuple(order.next_statuses()):
            self._status(order.allocation_id, told, text if told.final else "", turn)

    # What the energy app hears ---------------------------------------------------------------------------------------

    def _status(self, allocation_id: str, status: AllocationStatus, text: str, turn: Turn) -> None:
        order = self._orders.find(allocation_id)
        if order is not None:
            order.status = status
        fields = {"allocation_id": allocation_id, "status": status, "text": text}
        try:
            self._guard.tell(AllocationStatusUpdate, fields, turn)
        except Refused as refused:
            turn.warn((refused.refusal,))
        if status.final:
            self._take_back(self._orders.close(allocation_id), turn)
        else:
            self._give_way(turn)
        self.forget_closed(turn)

    def _give_way(self, turn: Turn) -> None:
        """Take back what waits of allocations that lost a part to a newer one."""
        opened = self._guard.session.allocations
        for order in self._orders:
            standing = opened.get(order.allocation_id)
            if standing is None:
                continue
            lost = (
                placed
                for placed in order.placed
                if placed.open and not _acted_on(placed) and standing.begins.keys().isdisjoint(placed.asked.parts)
            )
            self._take_back(lost, turn)

    def forget_closed(self, turn: Turn) -> None:
        """Let go of allocations that the session has closed, and take back what waits of them."""
        opened = self._guard.session.allocations
        for order in self._orders:
            if order.allocation_id not in opened:
                waiting = (placed for placed in self._orders.close(order.allocation_id) if not _acted_on(placed))
                self._take_back(waiting, turn)

    # Time ------------------------------------------------------------------------------------------------------------

    @property
    def overdue_at(self) -> datetime | None:
        """When the first revocation has been left unanswered for too long."""
        return self._orders.overdue_at

    def close_overdue(self, turn: Turn) -> None:
        """What was taken back, and of which the device says nothing, counts as revoked."""
        for order in self._orders:
            for placed in order.placed:
                if placed.open and placed.revoked_at is not None and placed.revoked_at + REVOKE_WITHIN <= turn.now:
                    text = "the device did not say what became of it when it was taken back"
                    self._reached(order, placed, InstructionStatus.REVOKED, text, turn)


def _acted_on(placed: Placed) -> bool:
    return placed.status is InstructionStatus.STARTED
