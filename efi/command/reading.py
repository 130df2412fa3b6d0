"""A document read: in which form it is, what it says, and what is wrong with it."""

from dataclasses import dataclass

from efi.command.documents import Document
from efi.conversion import Alias, Leniency, Loss
from efi.messages import AnyMessage
from efi.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of one document."""

    document: Document
    """The document."""
    form: str = ""
    """The wire form in which it is written, as far as could be told: "json", "2.0", "interim", "s2"; else nothing."""
    name: str = ""
    """The name of the message in that form."""
    messages: tuple[AnyMessage, ...] = ()
    """What it says."""
    losses: tuple[Loss, ...] = ()
    """What it says and the interface cannot carry."""
    leniencies: tuple[Leniency, ...] = ()
    """What was forgiven."""
    aliases: tuple[Alias, ...] = ()
    """Names that are written differently in it."""
    refusals: tuple[Refusal, ...] = ()
    """What is not as its form asks; nothing where it is valid."""
    doubts: tuple[Refusal, ...] = ()
    """Why nothing can be made of it although it is as its form asks."""
    unreadable: bool = False
    """Whether it is not even XML or JSON, or XML with what is not taken from strangers."""

    @property
    def valid(self) -> bool:
        """Whether it is as its form asks, leniencies included."""
        return not self.refusals
