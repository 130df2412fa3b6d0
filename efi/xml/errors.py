"""What is wrong with a document, in three grades: it is no XML, not its schema's, or makes no sense."""

from collections.abc import Iterable

from efi.refusal import Refusal


class XmlError(ValueError):
    """A document that was not read, or a message that was not written; it carries what is wrong."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        """Each with path, value and rule."""
        super().__init__("; ".join(refusal.sentence for refusal in self.refusals))


class UnreadableXmlError(XmlError):
    """The bytes are no XML, hold what is not taken from strangers, exceed the bounds, or are of no known generation."""


class InvalidXmlError(XmlError):
    """The document is not as its schema asks, and no leniency covers that."""


class SenselessXmlError(XmlError):
    """The document is as its schema asks, but what it says fits into no message."""


class UnwritableError(XmlError):
    """What the message says could not be told apart in the wire form, as two names that would become one."""
