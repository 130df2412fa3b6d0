"""The instructions of a session that are open: how far each has come, in bounded room."""

from collections.abc import Iterator

from efi.recent import RecentIds
from efi.refusal import Refusal
from efi.s2.conversation import InstructionStatus
from efi.s2.messages import Instruction

REMEMBERED = 256
"""Closed instructions that are known by name at least."""


class _Open:
    __slots__ = ("message_id", "status")

    def __init__(self, message_id: str) -> None:
        self.message_id = message_id
        self.status: InstructionStatus | None = None


class OpenInstructions:
    """The instructions that have no final status yet, oldest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: dict[str, _Open] = {}
        self._closed = RecentIds(REMEMBERED)

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    @property
    def full(self) -> bool:
        """Whether no more may be opened."""
        return len(self._open) >= self.most

    def open(self, message: Instruction) -> None:
        """Keep an instruction until its final status."""
        self._open[message.id] = _Open(message.message_id)

    def forget_oldest(self) -> str:
        """Close the oldest one without a final status, and tell its id; there must be one."""
        name = next(iter(self._open))
        self.close(name)
        return name

    def find(self, name: str) -> str | None:
        """The id of an open instruction, by its id or, as some devices quote it, by its message_id."""
        if name in self._open:
            return name
        return next((id_ for id_, each in self._open.items() if each.message_id == name), None)

    def closed_lately(self, name: str) -> bool:
        """Whether an instruction of this id was closed not long ago."""
        return name in self._closed

    def close(self, name: str) -> None:
        """An instruction is over."""
        if self._open.pop(name, None) is not None:
            self._closed.add(name)

    def regression(self, name: str, status: InstructionStatus) -> Refusal | None:
        """Why an open instruction cannot come to a status: it has come as far already."""
        before = self._open[name].status
        if before is None or status.further_than(before):
            return None
        return Refusal(
            "instruction_status_regressed",
            "status_type",
            status.value,
            f"the instruction was {before.value} before",
            "tell each status once, in the order in which they come",
        )

    def advance(self, name: str, status: InstructionStatus) -> None:
        """An open instruction has come so far; a final status closes it."""
        self._open[name].status = status
        if status.final:
            self.close(name)
