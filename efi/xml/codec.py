"""EFI XML of either generation: documents into messages and back, over a whole conversation or one by one."""

from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction

from efi.conversion import Conversion
from efi.messages import AnyMessage
from efi.refusal import Refusal
from efi.xml.efi2 import vocabulary as efi2
from efi.xml.efi2.codec import Efi2Codec
from efi.xml.errors import InvalidXmlError, UnreadableXmlError
from efi.xml.interim import vocabulary as interim
from efi.xml.interim.codec import InterimCodec
from efi.xml.names import NameTable
from efi.xml.parser import LIMITS, Limits, parse
from efi.xml.tree import Element
from efi.xml.writer import render


class Generation(StrEnum):
    """A generation of EFI XML."""

    INTERIM = "interim"
    """That of 2016, with one root for all messages."""
    EFI_2 = "2.0"
    """EFI 2.0, with a root for each message."""


_NAMESPACES = {interim.NAMESPACE: Generation.INTERIM, efi2.NAMESPACE: Generation.EFI_2}


class XmlCodec:
    """Reads and writes the documents of one conversation, whatever their generation.

    `names` keeps which numbers stand for which names; keep `names.numbers` to turn them back another day.
    `calorific_value` is the energy in a m³ of gas, in J, which the interim form needs to tell gas at all.
    """

    def __init__(
        self, names: NameTable | None = None, calorific_value: Fraction | None = None, limits: Limits = LIMITS
    ) -> None:
        self.names = NameTable() if names is None else names
        self._limits = limits
        self._interim = InterimCodec(self.names, calorific_value)
        self._efi2 = Efi2Codec(self.names)

    def read(self, data: bytes) -> Conversion[AnyMessage]:
        """The messages of one document; its namespace tells the generation.

        Raises UnreadableXmlError, InvalidXmlError or SenselessXmlError with what is wrong, by path, value and rule.
        """
        try:
            return self.read_tree(parse(data, self._limits, lines=False))
        except InvalidXmlError:
            return self.read_tree(parse(data, self._limits))

    def read_tree(self, root: Element) -> Conversion[AnyMessage]:
        """The messages of one document that was parsed; see `read`."""
        if generation_of(root) is Generation.INTERIM:
            return self._interim.read(root)
        return self._efi2.read(root)

    def write(self, messages: Iterable[AnyMessage], generation: Generation) -> Conversion[str]:
        """The documents of messages, in their order; each is valid by the official schema.

        What has no place there is told as lost. A message that follows another may be told within that one's document.
        """
        codec = self._interim if generation is Generation.INTERIM else self._efi2
        told = codec.write(tuple(messages))
        return Conversion(tuple(map(render, told.messages)), told.losses, told.leniencies, told.aliases)


def generation_of(root: Element) -> Generation:
    """The generation of a document. Raises UnreadableXmlError where it is of none."""
    generation = _NAMESPACES.get(root.namespace)
    if generation is None:
        known = " or ".join(_NAMESPACES)
        refusal = Refusal(
            "unknown_namespace", root.local[:80], ascii(root.namespace[:80]), "it is of no generation", f"use {known}"
        )
        raise UnreadableXmlError([refusal])
    return generation


def read(data: bytes) -> Conversion[AnyMessage]:
    """The messages of a document that stands alone; see XmlCodec.read."""
    return XmlCodec().read(data)


def write(message: AnyMessage, generation: Generation) -> Conversion[str]:
    """The documents of a message that stands alone; see XmlCodec.write."""
    return XmlCodec().write((message,), generation)
