"""A document of EFI 2.0 while it is written: its parts from values, and what is to be told of the writing."""

from collections.abc import Iterable, Mapping

from efi.conversion import Alias, LossKind
from efi.xml.efi2.vocabulary import TAG
from efi.xml.names import NameTable, number_in
from efi.xml.tree import Element
from efi.xml.writer import UNSAYABLE
from efi.xml.writing import Writing

REPLACEMENT = "\ufffd"


class Sheet(Writing):
    """The document, or the few, that one message becomes."""

    def __init__(self, names: NameTable) -> None:
        super().__init__(names)
        self.aliases: dict[str, Alias] = {}

    def numbered(self, name: str, path: str) -> str:
        """The number that stands for a name."""
        number = self.names.number(name)
        if name not in self.aliases and number_in(name) != number:
            self.aliases[name] = Alias(path, name, number)
        return str(number)

    def text(self, kind: LossKind, text: str, *places: int) -> str:
        """A text as XML can hold it."""
        if text.isascii() or UNSAYABLE.search(text) is None:
            return text
        self.lose(kind, text, *places)
        return UNSAYABLE.sub(REPLACEMENT, text)


def node(
    name: str, *children: Element | None, attributes: Mapping[str, str] | None = None, listed: Iterable[Element] = ()
) -> Element:
    """An element with what it holds; absent children are left out."""
    element = Element(TAG + name)
    element.children = [*(child for child in children if child is not None), *listed]
    if attributes:
        element.attributes = {TAG + key: value for key, value in attributes.items()}
    return element


def leaf(name: str, text: str) -> Element:
    """An element that holds text."""
    element = Element(TAG + name)
    element.text = text
    return element
