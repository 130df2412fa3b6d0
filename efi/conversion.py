"""What a conversion between the interface and a wire form gives: the messages, what is lost, what was forgiven.

Each mapping declares what it may lose and forgive as data, beside the code that does so. A report is made from its
declaration alone; docs/wires.md lists the declarations, so that the page cannot say less than the code does.
"""

from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

MessageT = TypeVar("MessageT")


class Loss(NamedTuple):
    """One thing that the source says and the target cannot carry."""

    path: str
    """The field, from the source's message inwards: `options.0.minimum_duration`; empty for the message as a whole."""
    value: Any
    """What stood there."""
    reason: str
    """Why the target cannot carry it, and what became of it, for people."""

    @property
    def sentence(self) -> str:
        """All of it for people, in one sentence."""
        where = "" if not self.path else f"{self.path} is {self.value}: "
        return f"{where}{self.reason}"


class Leniency(NamedTuple):
    """One thing that was read although its wire form's schema does not allow it."""

    name: str
    """The leniency's name, for programs and for the table in docs/wires.md: `zoneless_time`."""
    path: str
    """Where it stood, in the document's own path."""
    value: Any
    """What stood there."""
    reading: str
    """As what it was read, for people: "taken as UTC"."""

    @property
    def sentence(self) -> str:
        """All of it for people, in one sentence."""
        return f"{self.path} is {self.value}: {self.reading}"


class Alias(NamedTuple):
    """One name that the two sides write differently; nothing is lost, since it is turned back on the way back."""

    path: str
    """Where it stands, in the source's message or document."""
    name: str
    """The name in the interface."""
    written: str | int
    """What stands for it in the wire form."""

    @property
    def sentence(self) -> str:
        """All of it for people, in one sentence."""
        return f"{self.path}: '{self.name}' is written {self.written}"


@dataclass(frozen=True, slots=True)
class LossKind:
    """A kind of loss that a mapping may report: one row of the tables in docs/wires.md."""

    messages: tuple[str, ...]
    """The source's messages that may lose it, by the name of their type."""
    field: str
    """The field, with `*` for each place in a list: `actuators.*.label`; empty for the message as a whole."""
    reason: str
    """Why the target cannot carry it, and what becomes of it, for people."""

    def at(self, value: Any, *places: int) -> Loss:
        """The loss of this value, at these places of the lists on the way to it."""
        return Loss(self.field.replace("*", "{}").format(*places), value, self.reason)


@dataclass(frozen=True, slots=True)
class LeniencyKind:
    """A kind of thing that a reader forgives: one row of the tables in docs/wires.md."""

    name: str
    """Its name, for programs: `zoneless_time`."""
    what: str
    """What a document may say though its schema does not allow it, for people."""
    reading: str
    """As what it is read, for people."""

    def at(self, path: str, value: Any) -> Leniency:
        """The forgiving of this value at this path of the document."""
        return Leniency(self.name, path, value, self.reading)


@dataclass(frozen=True, slots=True)
class Conversion(Generic[MessageT]):
    """What became of one message on its way into another form."""

    messages: tuple[MessageT, ...]
    """The messages of the target, in the order in which they are to be said; none where nothing can be carried."""
    losses: tuple[Loss, ...] = ()
    """What the target cannot carry."""
    leniencies: tuple[Leniency, ...] = ()
    """What was forgiven while reading."""
    aliases: tuple[Alias, ...] = ()
    """Names that are written differently there, and turned back on the way back."""
