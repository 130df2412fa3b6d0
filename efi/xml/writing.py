"""A document of either form while it is written: what is to be told of the writing, and how it ends where it must."""

from typing import Any, NoReturn

from efi.conversion import Loss, LossKind
from efi.xml.names import NameTable


class NotCarried(Exception):  # noqa: N818  # it ends the writing of one message and never leaves the codecs
    """There is no way to say a message in this form."""


class Writing:
    """The document, or the few, that one message becomes."""

    def __init__(self, names: NameTable) -> None:
        self.names = names
        self.losses: list[Loss] = []

    def lose(self, kind: LossKind, value: Any, *places: int) -> None:
        """Note what has no place in the document."""
        self.losses.append(kind.at(value, *places))

    def give_up(self, kind: LossKind, value: Any = None, *places: int) -> NoReturn:
        """End the writing: without this the message would say something else."""
        self.losses.append(kind.at(value, *places))
        raise NotCarried
