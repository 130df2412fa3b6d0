"""What an energy manager asks of an appliance: instructions that become allocations, and the statuses that go back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.control_space import ControlSpace
from efi.conversion import LossKind
from efi.errors import faults
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.refusal import Refusal, Refused, refuse
from efi.s2.conversation import InstructionStatus, InstructionStatusUpdate, RevokeObject
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.read.allocations import MODE_INSTRUCTIONS, Choice, Reading
from efi.s2.mapping.read.values import Fields
from efi.s2.mapping.turn import Turn
from efi.s2.mapping.wishes import Carrier, Wish, Wishes
from efi.s2.mapping.write.values import Quantities
from efi.s2.messages import Instruction
from efi.s2.pebc import PEBCInstruction

MOST_CARRIERS = 32
"""How many allocations carry instructions one by one; beyond, what waits is asked for by one. A session has 64."""

TEXT = LossKind(("allocation_status_update",), "text", "a status has no words for people in S2; they are left out")
PROCESSING = LossKind(
    ("allocation_status_update",), "status", "S2 has no status between accepted and started; it is left out"
)

_ENDS = {
    AllocationStatus.REJECTED: InstructionStatus.REJECTED,
    AllocationStatus.FINISHED: InstructionStatus.SUCCEEDED,
    AllocationStatus.ABORTED: InstructionStatus.ABORTED,
    AllocationStatus.REVOKED: InstructionStatus.REVOKED,
}


class Asking:
    """The open wishes of one energy manager for one appliance.

    An instruction becomes an allocation of its own, which speaks of its actuator alone, so that the others go on as
    they were asked. The allocation has a name of our own making, since an energy manager that begins anew may count its
    instructions from one again. An instruction that begins before others that wait for the same actuator is asked for
    together with these: alone it would take their place. The older allocations end then, and their instructions go on
    in the newer one.
    """

    def __init__(self, appliance_id: str, space: ControlSpace, reading: Reading, new_id: Callable[[], str]) -> None:
        self._appliance_id = appliance_id
        self._space = space
        self._reading = reading
        self._new_id = new_id
        self._wishes = Wishes()
        self._choices: dict[str, Choice] = {}

    # What the energy manager says ------------------------------------------------------------------------------------

    def hear(self, instruction: Instruction, quantities: Quantities, turn: Turn) -> Refusal | None:
        """An instruction; the answer is why it makes no sense, which is told as its status, too."""
        if self._wishes.known(instruction.id):
            return Refusal(
                "repeated_instruction",
                "id",
                instruction.id,
                "an instruction of this id was given already",
                "give each instruction an id of its own, and send it once",
            )
        try:
            if isinstance(instruction, MODE_INSTRUCTIONS):
                self._choose(instruction, turn)
            else:
                self._ask(instruction, quantities, turn)
        except Refused as refused:
            self._tell(Wish(instruction, None, turn.now), InstructionStatus.REJECTED, turn)
            return refused.refusal
        return None

    def _choose(self, instruction: Instruction, turn: Turn) -> None:
        choice = self._reading.choice(instruction, turn.now, turn.notes)
        wish = Wish(instruction, choice.part, max(choice.start_time, turn.now))
        waiting = self._wishes.waiting(choice.part, turn.now)
        together = [wish]
        if len(self._wishes.carriers) >= MOST_CARRIERS:
            together += (other for other in waiting if other.begins != wish.begins)
        else:
            together += (other for other in waiting if other.begins > wish.begins)
        self._choices[instruction.id] = choice
        try:
            self._carry(uuid_of(self._new_id()), together, turn)
        except Refused:
            del self._choices[instruction.id]
            raise
        self._tell(wish, InstructionStatus.NEW, turn)

    def _carry(self, allocation_id: str, wishes: list[Wish], turn: Turn) -> None:
        """Ask for modes of one actuator, in their order."""
        wishes = sorted(wishes, key=lambda wish: wish.begins)
        header = self._header(allocation_id, any(wish.instruction.abnormal_condition for wish in wishes), turn)
        choices = [self._choices[wish.instruction.id] for wish in wishes]
        allocation = _made(lambda: self._reading.modes(choices, header, turn.now))
        self._wishes.carry(allocation.message_id, wishes)
        turn.to_efi.append(allocation)

    def _ask(self, instruction: Any, quantities: Quantities, turn: Turn) -> None:
        header = self._header(uuid_of(self._new_id()), instruction.abnormal_condition, turn)
        registration = self._space.registration
        if registration is None:
            refuse("not_registered", "", None, "the appliance is away", "wait for its details")
        if isinstance(instruction, PEBCInstruction):
            allocation = _made(lambda: self._reading.limits(instruction, header, registration, quantities, turn.notes))
        else:
            allocation = _made(lambda: self._reading.step(instruction, header))
        wish = Wish(instruction, None, max(instruction.execution_time, turn.now))
        self._wishes.carry(allocation.message_id, [wish])
        turn.to_efi.append(allocation)
        self._tell(wish, InstructionStatus.NEW, turn)

    def _header(self, allocation_id: str, abnormal_condition: bool, turn: Turn) -> Fields:
        return {
            "message_id": allocation_id,
            "appliance_id": self._appliance_id,
            "timestamp": turn.now,
            "abnormal_condition": abnormal_condition,
        }

    def revoke(self, revoked: RevokeObject, turn: Turn) -> None:
        """An instruction is taken back; raises `Refused` when there is none of this name."""
        wish = self._wishes.find(revoked.object_id)
        if wish is None:
            if not self._wishes.known(revoked.object_id):
                refuse(
                    "unknown_object",
                    "object_id",
                    revoked.object_id,
                    "no instruction has this id",
                    "name an instruction by its id, not by its message_id",
                )
            return
        wish.revoked = True
        for allocation_id in tuple(wish.carriers):
            carrier = self._wishes.carrier(allocation_id)
            if carrier is not None:
                self._take_out(carrier, turn)

    def _take_out(self, carrier: Carrier, turn: Turn) -> None:
        """Take an allocation back; what else it carries, and still has to begin, is asked for anew."""
        rest = [wish for wish in carrier.wishes if not wish.revoked and wish.open and wish.begins > turn.now]
        begun = any(not wish.revoked and wish.begins <= turn.now for wish in carrier.wishes)
        if begun:
            rest = [wish for wish in carrier.wishes if not wish.revoked]
        if rest:
            self._carry(uuid_of(self._new_id()), rest, turn)
        turn.to_efi.append(self._revocation(carrier.allocation_id, turn))

    def _revocation(self, allocation_id: str | None, turn: Turn) -> AllocationRevoke:
        return AllocationRevoke(
            message_id=self._new_id(),
            appliance_id=self._appliance_id,
            timestamp=turn.now,
            allocation_id=allocation_id,
        )

    def release(self, reason: str, turn: Turn) -> None:
        """The energy manager goes: all that it asked for is taken back."""
        for carrier in self._wishes.carriers:
            revocation = self._revocation(carrier.allocation_id, turn)
            turn.to_efi.append(revocation.model_copy(update={"reason": reason}))
        self._wishes.clear()
        self._choices.clear()

    # What the appliance says -----------------------------------------------------------------------------------------

    def follow(self, update: AllocationStatusUpdate, turn: Turn) -> None:
        """The appliance says how far an allocation has come."""
        carrier = self._wishes.carrier(update.allocation_id)
        if carrier is None:
            return
        if update.text:
            turn.notes.lost(TEXT, "text", update.text)
        carrier.status = update.status
        at = update.timestamp
        match update.status:
            case AllocationStatus.ACCEPTED:
                self._accepted(carrier, at, turn)
            case AllocationStatus.PROCESSING:
                turn.notes.lost(PROCESSING, "status", update.status.value)
            case AllocationStatus.STARTED:
                self._started(carrier, at, turn)
            case _:
                self._ended(carrier, update.status, at, turn)

    def _accepted(self, carrier: Carrier, at: datetime, turn: Turn) -> None:
        for wish in carrier.wishes:
            place = wish.carriers.index(carrier.allocation_id) if carrier.allocation_id in wish.carriers else 0
            wish.carriers = wish.carriers[place:]
            self._tell(wish, InstructionStatus.ACCEPTED, turn, at)

    def _started(self, carrier: Carrier, at: datetime, turn: Turn) -> None:
        """The first one begins, and each later one at its time."""
        begun = [wish for wish in carrier.wishes if wish.begins <= turn.now] or carrier.wishes[:1]
        for wish in begun:
            self._tell(wish, InstructionStatus.STARTED, turn, at)
        for before in begun[:-1]:
            self._tell(before, InstructionStatus.SUCCEEDED, turn, at)

    def _ended(self, carrier: Carrier, status: AllocationStatus, at: datetime, turn: Turn) -> None:
        for wish in self._wishes.let_go(carrier):
            self._choices.pop(wish.instruction.id, None)
            end = _ENDS[status]
            if end is InstructionStatus.REVOKED and wish.part is not None and not wish.revoked:
                # A mode that ran until a newer one took its place was run as asked.
                end = InstructionStatus.SUCCEEDED if wish.status is InstructionStatus.STARTED else end
            self._tell(wish, end, turn, at)

    def look_at_state(self, state: Any, turn: Turn) -> None:
        """A mode that runs as it was asked for has been reached."""
        actuators = (
            {"": state}
            if isinstance(state, OutputAdjustableStateUpdate)
            else {each.actuator_id: each for each in state.actuators}
        )
        for wish in self._wishes:
            running = actuators.get(wish.part) if wish.part is not None else None
            choice = self._choices.get(wish.instruction.id)
            if running is None or choice is None or wish.status is not InstructionStatus.STARTED:
                continue
            if running.mode_id == choice.mode_id and _alike(running.factor, choice.factor):
                self._tell(wish, InstructionStatus.SUCCEEDED, turn)

    # Time ------------------------------------------------------------------------------------------------------------

    @property
    def next_begin(self) -> datetime | None:
        """When the next instruction begins of those that an allocation carries that has started."""
        return min(
            (
                wish.begins
                for carrier in self._wishes.carriers
                if carrier.status is AllocationStatus.STARTED
                for wish in carrier.wishes
                if wish.status in (InstructionStatus.NEW, InstructionStatus.ACCEPTED)
            ),
            default=None,
        )

    def begin_due(self, turn: Turn) -> None:
        """Say of instructions whose time has come that they have started, as their allocation has."""
        for carrier in self._wishes.carriers:
            if carrier.status is AllocationStatus.STARTED:
                self._started(carrier, turn.now, turn)

    # Statuses --------------------------------------------------------------------------------------------------------

    def _tell(self, wish: Wish, status: InstructionStatus, turn: Turn, at: datetime | None = None) -> None:
        if not wish.may_become(status):
            return
        wish.status = status
        turn.to_s2.append(
            InstructionStatusUpdate(
                message_id=uuid_of(self._new_id()),
                instruction_id=wish.instruction.id,
                status_type=status,
                timestamp=turn.now if at is None else at,
            )
        )


def _made(make: Callable[[], AnyAllocation]) -> AnyAllocation:
    try:
        return make()
    except ValidationError as error:
        raise Refused(faults(error)[0]) from None


def _alike(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and abs(one - other) <= 0.01)
