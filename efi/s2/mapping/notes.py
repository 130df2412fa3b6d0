"""What is noted while one message is mapped."""

from typing import Any

from efi.conversion import Alias, Leniency, LeniencyKind, Loss, LossKind


class Notes:
    """Losses, leniencies and aliases of one message, in the order in which they were met."""

    __slots__ = ("aliases", "leniencies", "losses")

    def __init__(self) -> None:
        self.losses: list[Loss] = []
        self.leniencies: list[Leniency] = []
        self.aliases: list[Alias] = []

    def lost(self, kind: LossKind, path: str, value: Any) -> None:
        """Something cannot be carried."""
        self.losses.append(Loss(path, value, kind.reason))

    def forgiven(self, kind: LeniencyKind, path: str, value: Any) -> None:
        """Something was read although it should not have been so."""
        self.leniencies.append(kind.at(path, value))

    def alias(self, path: str, name: str, written: str) -> None:
        """Something is written differently, and turned back on the way back."""
        self.aliases.append(Alias(path, name, written))
