"""The instructions of which the device has not said yet whether it follows."""

from typing import TypeGuard, get_args

from efi.s2.messages import Instruction
from efi.s2.model import S2Message

_INSTRUCTIONS = frozenset(get_args(Instruction))


def is_instruction(message: S2Message) -> TypeGuard[Instruction]:
    """Whether a message wants something of the device."""
    return type(message) in _INSTRUCTIONS


class Unanswered:
    """Instructions by their ids, each with the instant in s at which it is too late for an answer."""

    __slots__ = ("_due", "_instructions")

    def __init__(self) -> None:
        self._instructions: dict[str, Instruction] = {}
        self._due: dict[str, float] = {}

    def __contains__(self, instruction_id: str) -> bool:
        """Whether nothing has been said of it."""
        return instruction_id in self._instructions

    def add(self, instruction: Instruction, due: float) -> None:
        """An instruction was given."""
        self._instructions[instruction.id] = instruction
        self._due[instruction.id] = due

    def answered(self, instruction_id: str) -> None:
        """Something was said of it, or nothing will be."""
        if self._instructions.pop(instruction_id, None) is not None:
            del self._due[instruction_id]

    def take_overdue(self, at: float) -> list[Instruction]:
        """Those for which it is too late; they do not wait any more."""
        overdue = [instruction for name, instruction in self._instructions.items() if self._due[name] <= at]
        for instruction in overdue:
            self.answered(instruction.id)
        return overdue
