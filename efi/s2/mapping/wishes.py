"""What an energy manager asked for by instructions, and the allocations that carry it."""

from collections.abc import Iterator
from datetime import datetime

from efi.allocation import AllocationStatus
from efi.s2.conversation import InstructionStatus
from efi.s2.messages import Instruction

REMEMBERED_ENDED = 1000
"""How many instructions are known by name after their end."""


class Wish:
    """One instruction, and the allocations that carry it: the newest last, older ones until it is accepted."""

    __slots__ = ("begins", "carriers", "instruction", "part", "revoked", "status")

    def __init__(self, instruction: Instruction, part: str | None, begins: datetime) -> None:
        self.instruction = instruction
        self.part = part
        """The part of the appliance whose modes it chooses; None where it chooses none."""
        self.begins = begins
        self.carriers: list[str] = []
        self.status: InstructionStatus | None = None
        """What the energy manager was told last."""
        self.revoked = False
        """Whether the energy manager took it back."""

    @property
    def open(self) -> bool:
        """Whether the energy manager was not told its end."""
        return self.status is None or not self.status.final

    def may_become(self, status: InstructionStatus) -> bool:
        """Whether a status is further on than the last one told."""
        return status.further_than(self.status)


class Carrier:
    """An allocation, and the instructions that it carries, in the order in which they begin."""

    __slots__ = ("allocation_id", "status", "wishes")

    def __init__(self, allocation_id: str, wishes: list[Wish]) -> None:
        self.allocation_id = allocation_id
        self.wishes = sorted(wishes, key=lambda wish: wish.begins)
        self.status: AllocationStatus | None = None


class Wishes:
    """The instructions that are carried by open allocations."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}
        self._carriers: dict[str, Carrier] = {}
        self._ended: dict[str, None] = {}

    def __iter__(self) -> Iterator[Wish]:
        return iter(tuple(self._wishes.values()))

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """The open allocations, oldest first."""
        return tuple(self._carriers.values())

    def known(self, instruction_id: str) -> bool:
        """Whether an instruction of this name was given, lately at least."""
        return instruction_id in self._wishes or instruction_id in self._ended

    def find(self, instruction_id: str) -> Wish | None:
        """The instruction of that name, while an allocation carries it."""
        return self._wishes.get(instruction_id)

    def carrier(self, allocation_id: str) -> Carrier | None:
        """The open allocation of that name."""
        return self._carriers.get(allocation_id)

    def carry(self, allocation_id: str, wishes: list[Wish]) -> Carrier:
        """An allocation carries these instructions from now on, once it is accepted."""
        carrier = self._carriers[allocation_id] = Carrier(allocation_id, wishes)
        for wish in wishes:
            wish.carriers.append(allocation_id)
            self._wishes[wish.instruction.id] = wish
        return carrier

    def let_go(self, carrier: Carrier) -> list[Wish]:
        """An allocation ended; the answer are the instructions that none carries any more, which end with it."""
        self._carriers.pop(carrier.allocation_id, None)
        left = []
        for wish in carrier.wishes:
            if carrier.allocation_id in wish.carriers:
                wish.carriers.remove(carrier.allocation_id)
            if not wish.carriers and self._wishes.pop(wish.instruction.id, None) is not None:
                self._remember(wish.instruction.id)
                left.append(wish)
        return left

    def _remember(self, instruction_id: str) -> None:
        if len(self._ended) >= REMEMBERED_ENDED:
            del self._ended[next(iter(self._ended))]
        self._ended[instruction_id] = None

    def waiting(self, part: str, now: datetime) -> list[Wish]:
        """The instructions for a part that are still to begin."""
        wishes = (wish for wish in self._wishes.values() if wish.part == part and wish.open and not wish.revoked)
        return [wish for wish in wishes if wish.begins > now]

    def clear(self) -> None:
        """Nothing is carried any more."""
        for name in self._wishes:
            self._remember(name)
        self._wishes.clear()
        self._carriers.clear()
