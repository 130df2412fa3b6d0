"""A document of the interim form while it is written: its parts from values, and what is to be told of the writing."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from efi.conversion import Alias, LossKind
from efi.xml.interim.vocabulary import TAG
from efi.xml.lexical import duration_text, instant_text, money_text, number_text
from efi.xml.names import NameTable, number_in, xml_name
from efi.xml.scale import ONE, scaled_text
from efi.xml.tree import Element
from efi.xml.writer import UNSAYABLE
from efi.xml.writing import Writing

UNSAYABLE_TEXT = "it holds characters that no XML can hold; they are replaced"


class Sheet(Writing):
    """One document that is being written."""

    def __init__(self, names: NameTable, calorific_value: Fraction | None = None, currency: str | None = None) -> None:
        super().__init__(names)
        self.calorific_value = calorific_value
        """J in a m³ of gas, where that is known."""
        self.currency = currency
        """The word for the currency in which the appliance tells its costs, where it is known and has one."""
        self.aliases: list[Alias] = []
        self._identifiers: list[str] = []

    def identifier(self, name: str, identifier: str, path: str) -> Element:
        """An element that holds an identifier as an XML name; ids of one document must differ, so equal ones do."""
        written = xml_name(identifier, apart=self._identifiers.count(identifier))
        self._identifiers.append(identifier)
        if written != identifier:
            self.aliases.append(Alias(path, identifier, written))
        return leaf(name, written)

    def text(self, name: str, text: str, kind: LossKind, *places: int) -> Element:
        """An element that holds a text; characters that XML cannot hold are lost."""
        if UNSAYABLE.search(text):
            self.lose(kind, text, *places)
        return leaf(name, text)

    def numbered(self, name: str, named: str, path: str) -> Element:
        """An element that holds the number which stands for a name."""
        number = self.names.number(named)
        if number_in(named) != number and not any(alias.name == named for alias in self.aliases):
            self.aliases.append(Alias(path, named, number))
        return leaf(name, str(number))


def node(name: str, *children: Element | None) -> Element:
    """An element that holds others; absent ones are left out."""
    element = Element(TAG + name)
    element.children = [child for child in children if child is not None]
    return element


def listed(name: str, children: Iterable[Element]) -> Element:
    """An element that holds a list of others."""
    element = Element(TAG + name)
    element.children = list(children)
    return element


def leaf(name: str, text: str) -> Element:
    """An element that holds text."""
    element = Element(TAG + name)
    element.text = text
    return element


def number(name: str, value: float, factor: Fraction = ONE) -> Element:
    """An element that holds the number which, times a factor, is this value."""
    return leaf(name, number_text(value) if factor is ONE else scaled_text(value, factor))


def instant(name: str, value: datetime) -> Element:
    """An element that holds an instant, in UTC."""
    return leaf(name, instant_text(value))


def duration(name: str, value: timedelta) -> Element:
    """An element that holds a length of time."""
    return leaf(name, duration_text(value))


def truth(name: str, value: bool) -> Element:
    """An element that says whether it is so."""
    return leaf(name, "true" if value else "false")


def price(name: str, value: Decimal, currency: str | None) -> Element:
    """An element that holds an amount of money."""
    element = leaf(name, money_text(value))
    if currency is not None:
        element.attributes[f"{TAG}currency"] = currency
    return element
